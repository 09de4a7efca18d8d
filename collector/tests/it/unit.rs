//! The systemd unit, as systemd itself judges it.

use std::path::Path;
use std::process::{Command, Output};

const UNIT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/systemd/wattwacht-collector.service");
/// The most exposure that systemd may see, on its scale from 0 to 10.
const EXPOSURE_MAX: f64 = 1.5;

fn analyze(arguments: &[&str], unit: &Path) -> Option<Output> {
    match Command::new("systemd-analyze").args(arguments).arg(unit).output() {
        Ok(output) => Some(output),
        Err(error) => {
            println!("skipped: no systemd-analyze: {error}");
            None
        }
    }
}

#[test]
fn the_unit_is_well_formed() {
    // It names the program where a package puts it; here the built one stands in for it.
    let dir = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(UNIT).unwrap();
    let built = env!("CARGO_BIN_EXE_wattwacht-collector");
    let unit = dir.path().join("wattwacht-collector.service");
    std::fs::write(&unit, text.replace("/usr/bin/wattwacht-collector", built)).unwrap();
    let Some(output) = analyze(&["verify", "--man=no"], &unit) else { return };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !said.contains("wattwacht-collector.service:"), "{said}");
}

#[test]
fn the_unit_exposes_little() {
    let Some(output) = analyze(&["security", "--offline=true", "--no-pager"], Path::new(UNIT)) else {
        return;
    };
    let said = String::from_utf8_lossy(&output.stdout);
    let line =
        said.lines().find(|line| line.contains("Overall exposure level")).expect("systemd gives a verdict");
    let words: Vec<&str> = line.rsplit(':').next().unwrap().split_whitespace().collect();
    let exposure: f64 = words[0].parse().unwrap();
    assert!(exposure <= EXPOSURE_MAX, "{line}");
}
