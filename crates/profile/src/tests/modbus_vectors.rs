//! Words as the makers' documents have them, decoded. The words were worked out by hand from IEEE 754 and two's
//! complement, not by this program.

use model::{Encoding, Missing, Raw};

use super::profile;
use crate::ModbusReading;

fn reading(id: &str, quantity: &str, channel: &str) -> ModbusReading {
    let profile = profile(id);
    let (_, readings) = profile.modbus().expect("it is for Modbus");
    let found =
        readings.iter().find(|one| one.quantity.as_str() == quantity && one.channel.as_str() == channel);
    found.unwrap_or_else(|| panic!("{id} reads {quantity} at {channel}")).clone()
}

#[test]
fn a_janitza_umg_sends_watts_and_watt_hours_as_floats_with_the_high_word_first() {
    let power = reading("janitza-umg96rm", "active_power", "total");
    assert_eq!(power.source(), "fc3 19026 f32 abcd");
    assert_eq!((power.encoding(), power.exponent()), (Encoding::Float32, 0));
    // 12345.5 = 1.10000001110011b x 2^13, exponent 140.
    assert_eq!(power.decode(&[0x4640, 0xE600]), Ok(Raw::Float32(12_345.5)));
    let energy = reading("janitza-umg96rm", "active_energy_import", "total");
    assert_eq!(energy.register, 19_068);
    // 2^24 Wh, from where on the float counts in steps of 2.
    assert_eq!(energy.decode(&[0x4B80, 0x0000]), Ok(Raw::Float32(16_777_216.0)));
    for nothing in [[0x7FC0, 0], [0xFFC0, 0], [0x7F80, 0], [0xFF80, 0]] {
        assert_eq!(energy.decode(&nothing), Err(Missing::NotAvailable));
    }
    assert_eq!(energy.decode(&[0x4B80]), Err(Missing::ShortAnswer));
}

#[test]
fn a_siemens_pac_adds_up_its_tariffs_as_64_bit_floats() {
    let first = reading("siemens-pac3200", "active_energy_import", "tariff.1");
    let second = reading("siemens-pac3200", "active_energy_import", "tariff.2");
    let total = reading("siemens-pac3200", "active_energy_import", "total");
    assert_eq!((first.source().as_str(), second.register), ("fc3 801 f64 abcd", 805));
    assert_eq!((total.source().as_str(), total.words()), ("fc3 801 f64 abcd x2", 8));
    // 1234567 = 0x12D687 = 1.0x2D687 x 2^20, exponent 0x413; 1000 = 1.111101b x 2^9, exponent 0x408.
    let words = [0x4132, 0xD687, 0, 0, 0x408F, 0x4000, 0, 0];
    assert_eq!(first.decode(&words[..4]), Ok(Raw::Float64(1_234_567.0)));
    assert_eq!(second.decode(&words[4..]), Ok(Raw::Float64(1000.0)));
    assert_eq!(total.decode(&words), Ok(Raw::Float64(1_235_567.0)));
    assert_eq!((first.wraps_at(), total.wraps_at()), (Some(1_000_000_000_000), None));
    let half_missing = [0x7FF8, 0, 0, 0, 0x408F, 0x4000, 0, 0];
    assert_eq!(total.decode(&half_missing), Err(Missing::NotAvailable));
}

#[test]
fn an_abb_b23_counts_hundredths_of_a_kilowatt_hour_in_64_bits() {
    let energy = reading("abb-b23", "active_energy_import", "total");
    assert_eq!((energy.source().as_str(), energy.exponent()), ("fc3 20480 u64 abcd", 1));
    // 123456 = 0x1E240 steps of 0.01 kWh = 10 Wh: 1 234.56 kWh.
    assert_eq!(energy.decode(&[0, 0, 0x0001, 0xE240]), Ok(Raw::Integer(123_456)));
    assert_eq!(energy.decode(&[0xFFFF; 4]), Err(Missing::NotAvailable));
    assert_eq!(energy.decode(&[0x8000, 0, 0, 0]), Err(Missing::OutOfRange));
    let power = reading("abb-b23", "active_power", "total");
    // -1234 = 0xFFFFFB2E hundredths of a watt.
    assert_eq!(power.decode(&[0xFFFF, 0xFB2E]), Ok(Raw::Integer(-1234)));
    assert_eq!(power.exponent(), -2);
    assert_eq!(power.decode(&[0x7FFF, 0xFFFF]), Err(Missing::NotAvailable));
}

#[test]
fn all_ones_are_no_value_of_an_unsigned_but_minus_one_of_a_signed_abb_register() {
    let frequency = reading("abb-b23", "frequency", "total");
    assert_eq!(frequency.decode(&[4998]), Ok(Raw::Integer(4998)));
    assert_eq!(frequency.decode(&[0xFFFF]), Err(Missing::NotAvailable));
    let factor = reading("abb-b23", "power_factor", "l1");
    assert_eq!(factor.decode(&[0xFFFF]), Ok(Raw::Integer(-1)));
    assert_eq!(factor.decode(&[0x7FFF]), Err(Missing::NotAvailable));
}

#[test]
fn a_carlo_gavazzi_sends_the_low_word_first() {
    let power = reading("carlo-gavazzi-em340", "active_power", "total");
    assert_eq!((power.source().as_str(), power.exponent()), ("fc4 40 i32 cdab", -1));
    // 100000 = 0x000186A0 tenths of a watt.
    assert_eq!(power.decode(&[0x86A0, 0x0001]), Ok(Raw::Integer(100_000)));
    assert_eq!(power.decode(&[0xFFFE, 0xFFFF]), Ok(Raw::Integer(-2)));
    let energy = reading("carlo-gavazzi-em24", "active_energy_import", "total");
    assert_eq!((energy.register, energy.exponent()), (0x42, 2));
}

#[test]
fn a_schneider_meter_sends_kilowatts_and_folds_its_power_factor_into_four_quadrants() {
    let power = reading("schneider-iem3000", "active_power", "total");
    assert_eq!((power.register, power.exponent()), (3059, 3));
    // 2.5 = 1.01b x 2^1.
    assert_eq!(power.decode(&[0x4020, 0]), Ok(Raw::Float32(2.5)));
    let factor = reading("schneider-iem3000", "power_factor", "total");
    // 0.75, 1.25 leading, -1.25 leading, -0.75; 2.5 cannot be.
    assert_eq!(factor.decode(&[0x3F40, 0]), Ok(Raw::Float32(0.75)));
    assert_eq!(factor.decode(&[0x3FA0, 0]), Ok(Raw::Float32(0.75)));
    assert_eq!(factor.decode(&[0xBFA0, 0]), Ok(Raw::Float32(-0.75)));
    assert_eq!(factor.decode(&[0xBF40, 0]), Ok(Raw::Float32(-0.75)));
    assert_eq!(factor.decode(&[0x4020, 0]), Err(Missing::OutOfRange));
    let energy = reading("schneider-iem3000", "active_energy_import", "total");
    assert_eq!(energy.decode(&[0, 0, 0x0001, 0xE240]), Ok(Raw::Integer(123_456)));
    assert_eq!(energy.decode(&[0x8000, 0, 0, 0]), Err(Missing::NotAvailable));
}

#[test]
fn a_socomec_meter_sends_tens_of_watts_and_an_eastron_kilowatt_hours() {
    let power = reading("socomec-countis-e34", "active_power", "total");
    assert_eq!(power.decode(&[0, 1234]).map(|raw| (raw, power.exponent())), Ok((Raw::Integer(1234), 1)));
    assert_eq!(power.decode(&[0x7FFF, 0xFFFF]), Err(Missing::NotAvailable));
    let energy = reading("eastron-sdm630", "active_energy_import", "total");
    assert_eq!((energy.source().as_str(), energy.exponent()), ("fc4 72 f32 abcd", 3));
}

#[test]
fn an_inrow_sc_sends_tenths_of_a_degree_fahrenheit_and_they_become_celsius() {
    let supply = reading("apc-inrow-sc", "temperature", "supply");
    // 68.1 F = 36.1 x 5/9 = 20.0555.. C; 14 F = -10 C.
    assert_eq!(supply.decode(&[0, 681]), Ok(Raw::Integer(20_056)));
    assert_eq!(supply.decode(&[0, 140]), Ok(Raw::Integer(-10_000)));
    assert_eq!(supply.exponent(), -3);
}
