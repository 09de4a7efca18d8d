use super::certificates::Authority;
use super::files::{self, Meeting, Target};
use super::ground::{Ground, GroundError, check_addresses};
use crate::config::Config;
use crate::site::{PointSource, Site};

fn sites() -> Vec<Site> {
    Config::parse("sim.toml", "[simulation]\npreset = \"frankfurt\"\n").unwrap().sites
}

fn meeting() -> Meeting {
    Meeting { web: "127.0.0.1:8080".parse().unwrap(), ingest: "127.0.0.1:8443".parse().unwrap() }
}

#[test]
fn two_demos_in_one_folder_are_refused_and_a_second_one_begins_anew() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("demo");
    let (first, was_used) = Ground::take(&folder).unwrap();
    assert!(!was_used);
    first.write("left-over", "x").unwrap();
    assert!(matches!(Ground::take(&folder), Err(GroundError::Running { .. })));
    assert!(folder.join("left-over").exists(), "a demo that is refused wipes nothing");
    drop(first);
    let (_second, was_used) = Ground::take(&folder).unwrap();
    assert!(was_used && !folder.join("left-over").exists());
}

#[test]
fn a_folder_with_other_files_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("thesis.tex"), "x").unwrap();
    assert!(matches!(Ground::take(dir.path()), Err(GroundError::NotOurs { .. })));
    assert!(dir.path().join("thesis.tex").exists());
}

#[test]
fn a_port_in_use_is_named_with_what_it_is_for_and_what_to_do() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let address = taken.local_addr().unwrap();
    let said = check_addresses(address, free, &[]).unwrap_err().to_string();
    let expected = format!(
        "{address} is in use, it is needed for the panels: stop what listens there, or give another one with --web"
    );
    assert_eq!(said, expected);
}

#[test]
fn the_simulators_own_configuration_is_without_mistakes() {
    let text = files::simulator(7, "2024-01-01", "2026-04-01");
    let config = Config::parse("simulator.toml", &text).unwrap();
    assert_eq!((config.seed, config.sites.len()), (7, 2));
    assert_eq!(config.sites[1].plant.steps.len(), 1);
}

#[test]
fn an_agents_configuration_names_every_device_once() {
    for site in sites() {
        let text = files::agent(&site, &meeting());
        assert_eq!(text.matches("[[device]]").count(), site.devices.len());
        for device in &site.devices {
            assert_eq!(text.matches(&format!("\nid = \"{}\"\n", device.id)).count(), 1, "{}", device.id);
        }
    }
}

#[test]
fn a_sites_file_names_every_meter_point_and_its_formulas_only_those() {
    for site in sites() {
        let text = files::site(&site, &Target::of(&site));
        assert_eq!(text.matches("[[meter_point]]").count(), site.points.len());
        for point in &site.points {
            if let PointSource::Formula(formula) = &point.source {
                for id in formula.split(" + ") {
                    assert!(site.points.iter().any(|one| one.id.as_str() == id), "{id}");
                }
            }
        }
    }
}

#[test]
fn certificates_are_written_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::new(dir.path()).unwrap();
    authority.server("collector", "127.0.0.1".parse().unwrap()).unwrap();
    let site = &sites()[0];
    authority.agent(&site.id, &site.agent).unwrap();
    for name in ["ca.pem", "collector.pem", "collector.key", "agent-nord.pem", "agent-nord.key"] {
        let mode = std::fs::metadata(dir.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}
