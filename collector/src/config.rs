//! The collector's configuration: one TOML file, checked as a whole before anything starts.
//!
//! Invariant: whatever is in a [`Config`] was there in the file or is the documented default, and every file that it
//! names could be read when it was checked. Paths are relative to the folder of the configuration.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use influx::{Generation, Secret};
use model::{CityId, SinkId};
use settings::{Mistake, Mistakes, Table};

/// Raw samples are kept at least a day, at most for thirty years.
const RETENTION: std::ops::RangeInclusive<Duration> =
    Duration::from_hours(24)..=Duration::from_hours(24 * 10_958);
/// Default of `collector.raw_retention`: 500 days, so that a year and the one before overlap.
const RETENTION_DEFAULT: Duration = Duration::from_hours(24 * 500);
/// Default of `alarms.coverage_percent`, the coverage below which a KPI is withheld.
const COVERAGE_PERCENT_DEFAULT: u8 = 95;
/// A secret or certificate file larger than this is none.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The whole configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file from which it was read.
    pub file: PathBuf,
    /// `collector.city`.
    pub city: CityId,
    /// `collector.city_name`: the city's name as shown; the id if there is none.
    pub city_name: String,
    /// `collector.data_dir`: the folder of the record.
    pub data_dir: PathBuf,
    /// `collector.raw_retention`: how long raw samples are kept.
    pub raw_retention: Duration,
    /// `web.listen`: panels and API.
    pub web: SocketAddr,
    /// `[ingest]`: the agents' door; without it nothing is taken in.
    pub ingest: Option<Ingest>,
    /// `[[factor_set]]`, in order.
    pub factor_sets: Vec<PathBuf>,
    /// `[[sink]]`, in order.
    pub sinks: Vec<Sink>,
    /// `[alarms]`.
    pub alarms: Alarms,
}

/// The agents' door.
#[derive(Debug, Clone)]
pub struct Ingest {
    /// Where it listens.
    pub listen: SocketAddr,
    /// PEM file of the authorities that may vouch for agents.
    pub ca: PathBuf,
    /// PEM file of the collector's certificate chain.
    pub cert: PathBuf,
    /// PEM file of its key.
    pub key: PathBuf,
}

/// A copy of the record somewhere else.
#[derive(Debug, Clone)]
pub struct Sink {
    /// Its id; its cursor is kept by it.
    pub id: SinkId,
    /// Where and how to write.
    pub influx: influx::Config,
}

/// Limits of the alarm rules.
#[derive(Debug, Clone, Copy)]
pub struct Alarms {
    /// `coverage_percent`: the least coverage of a day, in percent.
    pub coverage_percent: u8,
}

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// Every mistake found, each with its line.
    pub fn load(file: &Path) -> Result<Self, Mistakes> {
        let name = file.display().to_string();
        match read_limited(file) {
            Ok(text) => {
                let base = file.parent().unwrap_or(Path::new("."));
                settings::read(&name, &text, |root| Self::from_table(root, file, base))
            }
            Err(what) => Err(Mistakes(vec![Mistake { file: name, line: 1, key: String::new(), what }])),
        }
    }

    fn from_table(root: &Table<'_>, file: &Path, base: &Path) -> Option<Self> {
        let collector = root.table("collector", |table| {
            let city = table.parsed::<CityId>("city");
            let name = table.optional_string("city_name");
            let dir = table.string("data_dir");
            let retention = table.optional_duration("raw_retention", RETENTION).unwrap_or(RETENTION_DEFAULT);
            Some((city?, name, dir?, retention))
        });
        let web = root.table("web", |table| address(table, "listen"));
        let ingest = root.optional_table("ingest", |table| ingest(table, base));
        let factor_sets = root.tables("factor_set", |table| factor_set(table, base));
        let sinks = sinks(root, base);
        let alarms = root.optional_table("alarms", |table| Some(alarms(table))).unwrap_or_default();
        let (city, name, dir, raw_retention) = collector?;
        Some(Self {
            file: file.to_owned(),
            city_name: name.unwrap_or_else(|| city.to_string()),
            city,
            data_dir: base.join(dir),
            raw_retention,
            web: web?,
            ingest,
            factor_sets,
            sinks,
            alarms,
        })
    }
}

impl Default for Alarms {
    fn default() -> Self {
        Self { coverage_percent: COVERAGE_PERCENT_DEFAULT }
    }
}

fn alarms(table: &Table<'_>) -> Alarms {
    let percent = table.optional_integer("coverage_percent", 0..=100);
    let percent = percent.and_then(|percent| u8::try_from(percent).ok());
    Alarms { coverage_percent: percent.unwrap_or(COVERAGE_PERCENT_DEFAULT) }
}

/// An address and a port to listen on.
fn address(table: &Table<'_>, key: &str) -> Option<SocketAddr> {
    let text = table.string(key)?;
    let address = text.parse().ok();
    if address.is_none() {
        let text: String = text.chars().take(60).collect();
        table.mistake(
            key,
            format_args!("found \"{text}\", expected an address and a port such as 127.0.0.1:8080"),
        );
    }
    address
}

fn ingest(table: &Table<'_>, base: &Path) -> Option<Ingest> {
    let listen = address(table, "listen");
    let ca = existing_file(table, "ca", base);
    let cert = existing_file(table, "cert", base);
    let key = existing_file(table, "key", base);
    Some(Ingest { listen: listen?, ca: ca?, cert: cert?, key: key? })
}

fn sinks(root: &Table<'_>, base: &Path) -> Vec<Sink> {
    let mut seen: Vec<SinkId> = Vec::new();
    root.tables("sink", |table| {
        let sink = sink(table, base)?;
        if seen.contains(&sink.id) {
            table.mistake("id", format_args!("`{}` is there twice", sink.id));
        }
        seen.push(sink.id.clone());
        Some(sink)
    })
}

fn sink(table: &Table<'_>, base: &Path) -> Option<Sink> {
    let id = table.parsed::<SinkId>("id");
    let kind = table.string("kind");
    if let Some(kind) = kind.filter(|kind| kind != "influxdb") {
        table.mistake("kind", format_args!("found `{kind}`, expected `influxdb`"));
    }
    let url = table.string("url");
    if let Some(url) = &url
        && !url.starts_with("http://")
        && !url.starts_with("https://")
    {
        table.mistake("url", format_args!("`{url}` is no address such as `http://127.0.0.1:8086`"));
    }
    let generation = generation(table);
    let database = table.string("database");
    let org = table.optional_string("org");
    if generation == Some(Generation::Two) && org.is_none() {
        table.mistake("org", "is missing; version 2 has organisations");
    }
    let token = optional_file(table, "token_file", base).map(|text| Secret::new(text.trim()));
    let ca = optional_file(table, "ca", base).map(String::into_bytes);
    let retention = table.optional_duration("retention", Duration::from_hours(1)..=*RETENTION.end());
    let influx = influx::Config { url: url?, generation, database: database?, org, token, retention, ca };
    Some(Sink { id: id?, influx })
}

fn generation(table: &Table<'_>) -> Option<Generation> {
    // `version = 1` and `version = "1"` are both what people write.
    match table.optional_number::<String>("version")?.as_str() {
        "auto" => None,
        "1" => Some(Generation::One),
        "2" => Some(Generation::Two),
        "3" => Some(Generation::Three),
        other => {
            table.mistake("version", format_args!("found `{other}`, expected `auto`, `1`, `2` or `3`"));
            None
        }
    }
}

/// A factor set must be understood too: its mistakes are told with its own lines.
fn factor_set(table: &Table<'_>, base: &Path) -> Option<PathBuf> {
    let path = existing_file(table, "file", base)?;
    let text = read_limited(&path).ok()?;
    match crate::facts::check_factors(&path, &text) {
        Ok(()) => Some(path),
        Err(mistakes) => {
            mistakes.0.iter().for_each(|mistake| table.mistake("file", mistake));
            None
        }
    }
}

fn existing_file(table: &Table<'_>, key: &str, base: &Path) -> Option<PathBuf> {
    let path = base.join(table.string(key)?);
    match read_limited(&path) {
        Ok(_) => Some(path),
        Err(what) => {
            table.mistake(key, what);
            None
        }
    }
}

fn optional_file(table: &Table<'_>, key: &str, base: &Path) -> Option<String> {
    let path = base.join(table.optional_string(key)?);
    read_limited(&path).map_err(|what| table.mistake(key, what)).ok()
}

/// Reads a text of bounded size.
fn read_limited(path: &Path) -> Result<String, String> {
    use std::io::Read;
    let shown = path.display();
    let cannot = |error: std::io::Error| format!("cannot read `{shown}`: {error}");
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(cannot)?;
    file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text).map_err(cannot)?;
    if u64::try_from(text.len()).is_ok_and(|bytes| bytes > FILE_BYTES_MAX) {
        return Err(format!("`{shown}` has more than {FILE_BYTES_MAX} bytes"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Config, Mistakes> {
        let dir = tempfile::tempdir().unwrap();
        for name in ["ca.pem", "token"] {
            std::fs::write(dir.path().join(name), "x\n").unwrap();
        }
        let file = dir.path().join("collector.toml");
        std::fs::write(&file, text).unwrap();
        Config::load(&file)
    }

    #[test]
    fn the_smallest_configuration_has_documented_defaults() {
        let config = load(
            "[collector]\ncity = \"frankfurt\"\ndata_dir = \"data\"\n[web]\nlisten = \"127.0.0.1:8080\"\n",
        )
        .unwrap();
        assert_eq!(config.raw_retention, Duration::from_hours(12_000));
        assert_eq!(config.data_dir, config.file.parent().unwrap().join("data"));
        assert!(config.ingest.is_none() && config.sinks.is_empty());
        assert_eq!(config.alarms.coverage_percent, 95);
    }

    #[test]
    fn every_mistake_is_named_at_once_with_its_line() {
        let text = "[collector]\ncity = \"Frankfurt\"\nraw_retention = \"1h\"\n[web]\nlisten = \"here\"\n\
                    [ingest]\nlisten = \"0.0.0.0:8443\"\nca = \"ca.pem\"\ncert = \"none.pem\"\nkey = \"ca.pem\"\n\
                    [[sink]]\nid = \"a\"\nkind = \"influxdb\"\nurl = \"x\"\nversion = 2\ndatabase = \"d\"\n\
                    token_file = \"token\"\ncolour = 1\n";
        let said = load(text).unwrap_err();
        let lines: Vec<(usize, &str)> =
            said.0.iter().map(|mistake| (mistake.line, mistake.key.as_str())).collect();
        let expected = [
            (1, "collector.data_dir"),
            (2, "collector.city"),
            (3, "collector.raw_retention"),
            (5, "web.listen"),
            (9, "ingest.cert"),
            (11, "sink.1.org"),
            (14, "sink.1.url"),
            (18, "sink.1.colour"),
        ];
        assert_eq!(lines, expected, "{said}");
    }

    #[test]
    fn the_example_in_the_config_folder_is_read_but_for_its_certificates() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/collector.example.toml");
        let said = Config::load(&file).map(drop).unwrap_err();
        for mistake in &said.0 {
            assert!(mistake.what.starts_with("cannot read"), "{mistake}");
        }
    }
}
