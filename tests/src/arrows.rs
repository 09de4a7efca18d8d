//! The path of a reading is the architecture: who may know whom, and who may touch a file, a socket or a clock.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Direct arrows; an arrow includes those behind it. `ARCHITECTURE.md` draws the same list.
const ARROWS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("settings", &[]),
    ("line", &["model"]),
    ("calendar", &["model"]),
    ("profile", &["model", "settings"]),
    ("wire", &["model"]),
    ("spool", &["model"]),
    ("store", &["model"]),
    ("uplink", &["spool", "wire"]),
    ("influx", &["line"]),
    ("accounting", &["calendar", "settings"]),
    ("carbon", &["accounting"]),
    ("kpi", &["carbon", "accounting"]),
    ("locale", &["calendar"]),
    ("chart", &["locale"]),
    ("report", &["kpi", "carbon", "accounting", "chart", "locale"]),
    ("dashboards", &["chart", "locale", "kpi", "carbon", "accounting"]),
    ("agent", &["profile", "uplink", "spool", "wire", "line"]),
    ("sim", &["profile", "uplink", "spool", "wire"]),
    (
        "collector",
        &[
            "uplink",
            "influx",
            "store",
            "kpi",
            "carbon",
            "accounting",
            "report",
            "dashboards",
            "locale",
            "chart",
        ],
    ),
];

/// Crates that may know any other: they look at the whole.
const MAY_KNOW_ALL: &[&str] = &["fleet-tests", "bench", "fuzz"];

/// Crates that may touch a file, a socket, a clock or tokio. The rest is plain functions over values.
const TOUCH_THE_WORLD: &[&str] =
    &["agent", "collector", "sim", "fleet-tests", "bench", "fuzz", "spool", "uplink", "store", "influx"];

/// Words in sources and names of dependencies by which touching the world shows.
const WORLD_WORDS: &[&str] = &[
    "std::fs",
    "std::net",
    "std::process",
    "SystemTime::now",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
    "tokio::",
    "std::thread",
    "std::env::",
];
const WORLD_CRATES: &[&str] =
    &["tokio", "mio", "reqwest", "socket2", "rusqlite", "hyper", "axum", "libc", "rustix"];

struct Package {
    name: String,
    dependencies: BTreeSet<String>,
    folder: PathBuf,
}

fn workspace() -> Vec<Package> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(root)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().iter().map(package).collect()
}

fn package(value: &Value) -> Package {
    let dependencies = value["dependencies"].as_array().unwrap();
    Package {
        name: value["name"].as_str().unwrap().to_owned(),
        dependencies: dependencies
            .iter()
            .filter(|dependency| dependency["kind"].is_null())
            .map(|dependency| dependency["name"].as_str().unwrap().to_owned())
            .collect(),
        folder: Path::new(value["manifest_path"].as_str().unwrap()).parent().unwrap().to_owned(),
    }
}

fn may_know(name: &str, arrows: &BTreeMap<&str, &[&str]>) -> BTreeSet<String> {
    let mut known = BTreeSet::new();
    let mut open: Vec<&str> = arrows.get(name).map_or_else(Vec::new, |to| to.to_vec());
    while let Some(next) = open.pop() {
        if known.insert(next.to_owned()) {
            open.extend(arrows.get(next).copied().unwrap_or_default());
        }
    }
    known
}

#[test]
fn no_crate_knows_one_that_comes_after_it_on_the_path_of_a_reading() {
    let arrows: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    let packages = workspace();
    let ours: BTreeSet<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    let mut wrong = Vec::new();
    for package in &packages {
        if MAY_KNOW_ALL.contains(&package.name.as_str()) {
            continue;
        }
        assert!(arrows.contains_key(package.name.as_str()), "`{}` stands in no arrow", package.name);
        let allowed = may_know(&package.name, &arrows);
        for dependency in package.dependencies.iter().filter(|name| ours.contains(name.as_str())) {
            if !allowed.contains(dependency) {
                wrong.push(format!("{} -> {dependency}", package.name));
            }
        }
    }
    assert!(wrong.is_empty(), "arrows that must not be: {wrong:?}");
}

#[test]
fn a_package_is_named_after_its_folder() {
    for package in workspace() {
        let folder = package.folder.file_name().unwrap().to_string_lossy().into_owned();
        let expected = if folder == "tests" { "fleet-tests" } else { &folder };
        assert_eq!(package.name, expected);
    }
}

#[test]
fn pure_crates_know_no_file_socket_clock_or_runtime() {
    let mut wrong = Vec::new();
    for package in workspace() {
        if TOUCH_THE_WORLD.contains(&package.name.as_str()) {
            continue;
        }
        for dependency in package.dependencies.iter().filter(|name| WORLD_CRATES.contains(&name.as_str())) {
            wrong.push(format!("{} depends on {dependency}", package.name));
        }
        for source in sources(&package.folder.join("src")) {
            let text = std::fs::read_to_string(&source).unwrap();
            // Tests of a pure crate may read files; what ships may not.
            let shipped = text.split("#[cfg(test)]").next().unwrap();
            for word in WORLD_WORDS.iter().filter(|word| shipped.contains(*word)) {
                wrong.push(format!("{} says {word}", source.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_test = path.file_stem().is_some_and(|stem| stem == "tests") || path.ends_with("tests");
        if is_test {
            continue;
        }
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}
