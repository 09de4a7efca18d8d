//! The command line: what bad input gets.

use std::fmt::Write;

use crate::harness::{Site, bin};

#[test]
fn a_configuration_with_mistakes_ends_with_78_and_names_all_of_them() {
    let site = Site::new();
    let text = "[collector]\ncity = \"Frankfurt\"\ndata_dir = \"data\"\n[web]\nlisten = \"nowhere\"\ncolour = 1\n\
                [[factor_set]]\nfile = \"none.toml\"\n";
    let file = site.write("broken.toml", text);
    for command in ["check", "run", "init"] {
        let output = bin().args([command, "--config"]).arg(&file).output().unwrap();
        assert_eq!(output.status.code(), Some(78), "{command}");
        let said = String::from_utf8(output.stderr).unwrap();
        for (line, key) in
            [(2, "collector.city"), (5, "web.listen"), (6, "web.colour"), (8, "factor_set.1.file")]
        {
            let wanted = format!("broken.toml:{line}: {key}: ");
            assert!(said.contains(&wanted), "{command} does not say `{wanted}`: {said}");
        }
        assert!(output.stdout.is_empty());
    }
    assert!(!site.path("data").exists(), "a broken configuration must make nothing");
}

#[test]
fn a_good_configuration_is_told_on_stdout_and_wrong_usage_is_2() {
    let site = Site::new();
    assert!(site.done(&["check"], &[]).contains("no mistakes"));
    assert_eq!(bin().arg("nonsense").output().unwrap().status.code(), Some(2));
    assert!(bin().arg("--help").output().unwrap().status.success());
}

#[test]
fn a_csv_with_one_bad_line_is_refused_whole_with_its_line_number() {
    let site = Site::new();
    let topology = "[site]\nid = \"rz-1\"\nname = \"RZ\"\ncity = \"frankfurt\"\nzone = \"Europe/Berlin\"\n\
                    [[meter_point]]\nid = \"grid\"\nrole = \"MP_EVU\"\naccuracy_class = \"1\"\n";
    let file = site.write("site.toml", topology);
    site.done(&["import"], &["topology", file.to_str().unwrap()]);
    let good = "from,to,site,meter_point,energy_kwh,quality\n\
                2026-01-05T00:00:00+01:00,2026-01-05T00:15:00+01:00,rz-1,grid,100,T\n";
    let bad = format!("{good}2026-01-05T00:15:00+01:00,2026-01-05T00:30:00+01:00,rz-1,grid,lots,T\n");
    let file = site.write("bad.csv", &bad);
    let output = site.run(&["import"], &["intervals", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("bad.csv:3:") && said.contains("nothing was imported"), "{said}");
    let span = ["--site", "rz-1", "--from", "2026-01-05T00:00:00+01:00", "--to", "2026-01-05T00:15:00+01:00"];
    assert!(!site.done(&["kpi"], &span).contains("100"), "half of it was imported");

    let file = site.write("good.csv", good);
    let dry = site.done(&["import"], &["intervals", file.to_str().unwrap(), "--dry-run"]);
    assert!(dry.contains("nothing was imported"), "{dry}");
    assert!(!site.done(&["kpi"], &span).contains("100"), "a dry run imported");
    site.done(&["import"], &["intervals", file.to_str().unwrap()]);
    let table = site.done(&["kpi"], &span);
    let line = table.lines().find(|line| line.starts_with("energy_total")).unwrap();
    assert!(line.contains("100 kWh") && line.contains("100.00 %"), "{table}");
}

#[test]
fn samples_from_a_csv_go_the_ordinary_path() {
    let site = Site::new();
    let topology = "[site]\nid = \"rz-1\"\nname = \"RZ\"\ncity = \"frankfurt\"\nzone = \"Europe/Berlin\"\n\
                    [[meter_point]]\nid = \"grid\"\nrole = \"MP_EVU\"\n[[meter_point.source]]\ndevice = \"m\"\n\
                    channel = \"total\"\nquantity = \"active_energy_import\"\n";
    let file = site.write("site.toml", topology);
    site.done(&["import"], &["topology", file.to_str().unwrap()]);
    let mut text = String::from("time,site,device,quantity,channel,value,unit\n");
    for n in 0..6 {
        let minute = n * 15;
        let (hour, minute) = (minute / 60, minute % 60);
        let state = 10 + n;
        writeln!(
            text,
            "2026-01-05T{hour:02}:{minute:02}:00Z,rz-1,m,active_energy_import,total,{state}.5,kWh"
        )
        .unwrap();
    }
    let file = site.write("samples.csv", &text);
    site.done(&["import"], &["samples", file.to_str().unwrap()]);
    let table = site.done(
        &["kpi"],
        &["--site", "rz-1", "--from", "2026-01-05T00:00:00Z", "--to", "2026-01-05T01:00:00Z"],
    );
    let line = table.lines().find(|line| line.starts_with("energy_total")).unwrap();
    // 1 kWh a quarter hour, read exactly on each.
    assert!(line.contains(" 4 kWh") && line.contains("100.00 %"), "{table}");
}

#[test]
fn a_second_service_on_one_record_says_so_and_ends() {
    let site = Site::new();
    let collector = site.start();
    let output = site.run(&["run"], &[]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("another wattwacht-collector runs"), "{said}");
    collector.stop();
}

#[test]
fn readings_water_and_fuels_are_imported_and_what_is_not_there_yet_says_so() {
    let site = Site::new();
    let topology = "[site]\nid = \"rz-1\"\nname = \"RZ\"\ncity = \"frankfurt\"\nzone = \"Europe/Berlin\"\n\
                    [[meter_point]]\nid = \"grid\"\nrole = \"MP_EVU\"\naccuracy_class = \"1\"\n\
                    [[meter_point]]\nid = \"it\"\nrole = \"MP_IT1\"\n[[meter_point]]\nid = \"water\"\nrole = \"water-potable\"\n";
    let file = site.write("site.toml", topology);
    site.done(&["import"], &["topology", file.to_str().unwrap()]);
    let fuels = concat!(env!("CARGO_MANIFEST_DIR"), "/../config/factors/fuels-ebev-2030.toml");
    site.done(&["import"], &["factors", fuels]);
    // A day: 100 kWh at the intake, 50 kWh at the IT, 2 m3 of water, in two files that follow each other.
    for (n, (from, to)) in [("00", "12"), ("12", "24")].into_iter().enumerate() {
        let state = |hour: &str, per_day: f64| per_day * hour.parse::<f64>().unwrap() / 24.0;
        let at = |hour: &str| {
            let (day, hour) = if hour == "24" { ("06", "00") } else { ("05", hour) };
            format!("2026-01-{day}T{hour}:00:00Z")
        };
        let mut readings = String::from("time,site,meter_point,value,unit,author,reason\n");
        let mut water = String::from("time,site,meter_point,volume_m3\n");
        for hour in [from, to] {
            writeln!(readings, "{},rz-1,grid,{},kWh,Meier,round", at(hour), 1000.0 + state(hour, 100.0))
                .unwrap();
            writeln!(readings, "{},rz-1,it,{},MWh,Meier,round", at(hour), 2.0 + state(hour, 0.05)).unwrap();
            writeln!(water, "{},rz-1,water,{}", at(hour), 7.0 + state(hour, 2.0)).unwrap();
        }
        for (kind, text) in [("readings", readings), ("water", water)] {
            let file = site.write(&format!("{kind}-{n}.csv"), &text);
            site.done(&["import"], &[kind, file.to_str().unwrap()]);
        }
    }
    let fuel = "date,site,fuel,amount,unit,purpose\n2026-01-05,rz-1,diesel,100,L,test run\n";
    let file = site.write("fuels.csv", fuel);
    site.done(&["import"], &["fuels", file.to_str().unwrap()]);
    let span = ["--site", "rz-1", "--from", "2026-01-05T00:00:00Z", "--to", "2026-01-06T00:00:00Z"];
    let table = site.done(&["kpi"], &span);
    let value = |name: &str| {
        let line =
            table.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("no {name}: {table}"));
        line.split_whitespace().nth(name.split_whitespace().count()).unwrap().to_owned()
    };
    assert_eq!((value("energy_total"), value("pue 1")), ("100".to_owned(), "2".to_owned()));
    // 2 m3 over 0.05 MWh.
    assert_eq!(value("wue 1"), "40");
    // EBeV 2030, diesel: 100 L x 0.845 kg/L x 42.8 MJ/kg x 74.0 g/MJ = 267.6 kg, within what is rounded there.
    // Fuel belongs to a local day, which begins an hour before the one in UTC.
    let table = site.done(&["kpi"], &["--site", "rz-1", "--from", "2026-01-05", "--to", "2026-01-06"]);
    let mass: f64 = table
        .lines()
        .find(|line| line.starts_with("co2 scope1"))
        .and_then(|line| line.split_whitespace().nth(2)?.parse().ok())
        .unwrap_or_else(|| panic!("no scope 1: {table}"));
    assert!((260.0..275.0).contains(&mass), "{mass}");

    let unknown = site.write("unknown.csv", &fuel.replace("diesel", "unobtainium"));
    let output = site.run(&["import"], &["fuels", unknown.to_str().unwrap()]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("unknown.csv:2: fuel: `unobtainium` is not in factor set"), "{said}");
    let output = site.run(&["import"], &["weather", unknown.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("not available in this version"));
}
