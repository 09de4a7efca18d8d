//! The traps of rack PDUs and UPSs that the facts name.

use model::Missing;

use super::snmp_traps::{lacks, read, recognised, shows, text};
use super::{binds, oid};
use crate::SnmpValue;

#[test]
fn an_apc_rack_pdu_without_meter_tells_what_the_first_generation_told() {
    let a = "1.3.6.1.4.1.318.1.1";
    let mut walk = binds(a, &[("26.4.3.1.5.1", -1), ("26.4.3.1.4.1", 5), ("12.1.16.0", 312)]);
    walk.extend(binds(a, &[("26.6.3.1.2.1", 1), ("26.6.3.1.3.1", 1), ("26.6.3.1.5.1", 27)]));
    let read = read("apc-rpdu2", &walk);
    shows(&read, "active_power total", "312");
    shows(&read, "current l1", "2.7");
    assert_eq!(read["state total"], Err(Missing::NotAvailable), "5 is not supported");
    let metered = binds(a, &[("26.4.3.1.5.1", 30), ("12.1.16.0", 312)]);
    shows(&self::read("apc-rpdu2", &metered), "active_power total", "300");
}

#[test]
fn three_phase_apc_units_name_input_bypass_and_output() {
    let p = "1.3.6.1.4.1.318.1.1.1.9";
    let mut walk = binds(p, &[("2.2.1.5.1", 2), ("2.2.1.5.2", 3), ("2.2.1.4.1", 500), ("2.2.1.4.2", -1)]);
    walk.extend(binds(p, &[("2.3.1.3.1.2", 229), ("2.3.1.6.1.2", 123), ("2.3.1.9.1.2", -1)]));
    walk.extend(binds(p, &[("2.3.1.3.2.1", 230), ("3.3.1.7.1.1", 4100), ("3.3.1.13.1.3", 3900)]));
    let read = read("apc-ups", &walk);
    shows(&read, "voltage input.l2", "229");
    shows(&read, "current input.l2", "12.3");
    assert_eq!(read["active_power input.l2"], Err(Missing::NotAvailable));
    shows(&read, "voltage bypass.l1", "230");
    shows(&read, "frequency input", "50");
    shows(&read, "apparent_power output.l1", "4100");
    shows(&read, "active_power output.l3", "3900");
}

#[test]
fn kilowatts_that_pass_for_watts_are_refused() {
    let u = "1.3.6.1.2.1.33.1.4.4.1";
    // Whole kW of a Huawei card: 1 at 230 V and 7.2 A.
    let huawei = binds(u, &[("2.1", 230), ("3.1", 72), ("4.1", 1)]);
    assert_eq!(read("rfc1628-ups", &huawei)["active_power output.l1"], Err(Missing::Nonsense));
    // A Generex card at almost no load says -4 W at 233 V and 0.3 A: odd, but what it measures.
    let generex = binds(u, &[("2.1", 233), ("3.1", 3), ("4.1", -4)]);
    shows(&read("rfc1628-ups", &generex), "active_power output.l1", "-4");
    // Where voltage or current is not measured there is nothing to hold it against.
    let netvision = binds(u, &[("2.1", 230), ("3.1", 65_535), ("4.1", 1)]);
    shows(&read("rfc1628-ups", &netvision), "active_power output.l1", "1");
    let l = "1.3.6.1.4.1.476.1.42.3.5.2";
    let mut liebert = binds(l, &[("2.1.7.1", 139), ("2.1.8.1", 138), ("3.1.5.1.1", 118), ("3.1.6.1.1", 400)]);
    liebert.insert(oid(&format!("{l}.2.1.2.1")), SnmpValue::Oid(oid(&format!("{l}.1.9"))));
    let read = read("vertiv-liebert", &liebert);
    assert_eq!(read["active_power output"], Err(Missing::Nonsense));
    assert_eq!(read["apparent_power output"], Err(Missing::Nonsense));
    shows(&read, "current output.l1", "400");
}

#[test]
fn runtimes_and_input_powers_that_are_not_known_are_no_values() {
    let u = "1.3.6.1.2.1.33.1";
    for unknown in [0, 65_535, 2_147_483_647, 4_294_967_295] {
        let read = read("rfc1628-ups", &binds(u, &[("2.3.0", unknown)]));
        assert_eq!(read["battery_runtime battery"], Err(Missing::NotAvailable), "{unknown}");
    }
    let walk = binds(u, &[("2.3.0", 135), ("3.3.1.5.1", 0), ("3.3.1.3.1", 242), ("3.3.1.4.1", -1)]);
    let read = read("rfc1628-ups", &walk);
    shows(&read, "battery_runtime battery", "8100");
    assert_eq!(read["active_power input.l1"], Err(Missing::NotAvailable));
}

#[test]
fn an_mge_card_puts_a_zero_behind_the_phase_and_has_no_power_of_its_own() {
    let m = "1.3.6.1.4.1.705.1";
    let mut walk =
        binds(m, &[("6.2.1.2.1.0", 4080), ("6.2.1.6.1.0", 370), ("7.2.1.4.2.0", 7), ("5.5.0", 520)]);
    walk.extend(binds(m, &[("5.1.0", 7260), ("7.2.1.2.3", 2300)]));
    walk.extend(binds("1.3.6.1.2.1.33.1.4.4.1", &[("4.3", 900)]));
    let read = read("mge-ups", &walk);
    shows(&read, "voltage input.l1", "408");
    shows(&read, "current input.l1", "37");
    shows(&read, "load output.l2", "7");
    shows(&read, "voltage output.l3", "230");
    shows(&read, "battery_voltage battery", "52");
    shows(&read, "battery_runtime battery", "7260");
    shows(&read, "active_power output.l3", "900");
    assert_eq!(recognised("1.3.6.1.4.1.705.1.2", &walk).as_deref(), Some("mge-ups"));
}

#[test]
fn a_sentry4_has_values_only_where_its_status_is_sane() {
    let s = "1.3.6.1.4.1.1718.4.1";
    let mut walk =
        binds(s, &[("3.3.1.2.1.1", 0), ("3.3.1.3.1.1", 1701), ("3.3.1.10.1.1", 8937), ("3.3.1.11.1.1", 600)]);
    walk.extend(binds(s, &[("5.3.1.3.1.1.1", 2079), ("5.3.1.4.1.1.1", 0), ("5.3.1.6.1.1.1", 209)]));
    text(&mut walk, &format!("{s}.5.2.1.4.1.1.1"), "AA:L1-L2");
    walk.extend(binds(
        s,
        &[("8.3.1.2.1.1.4", 8), ("8.3.1.7.1.1.4", 12), ("9.3.1.1.1.1", -410), ("10.3.1.1.1.1", 40)],
    ));
    walk.extend(binds(s, &[("10.3.1.2.1.1", 7), ("9.3.1.1.1.2", -5), ("9.3.1.2.1.2", 0)]));
    let read = read("servertech-sentry4", &walk);
    shows(&read, "active_power cord.1", "1701");
    shows(&read, "active_energy_import cord.1", "893700");
    shows(&read, "frequency cord.1", "60");
    shows(&read, "voltage cord.1.l1-l2", "207.9");
    shows(&read, "current cord.1.l1-l2", "2.09");
    lacks(&read, "voltage cord.1.phase.1");
    for gone in ["active_power cord.1.outlet.4", "temperature sensor.1", "relative_humidity sensor.1"] {
        assert_eq!(read[gone], Err(Missing::NotAvailable), "{gone}");
    }
    shows(&read, "temperature sensor.2", "-0.5");
}

#[test]
fn three_energies_of_one_sentry3_have_three_units() {
    let s = "1.3.6.1.4.1.1718.3.2";
    let walk = binds(s, &[("1.1.14.1", 123), ("2.1.16.1.1", 1230), ("3.1.18.1.1.5", 123_000)]);
    let read = read("servertech-sentry3", &walk);
    shows(&read, "active_energy_import tower.1", "123000");
    shows(&read, "active_energy_import infeed.1", "123000");
    shows(&read, "active_energy_import infeed.1.outlet.5", "123000");
}
