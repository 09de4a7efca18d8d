//! The parts of a line that stay the same from tick to tick, checked and escaped once.

use model::{Channel, DeviceId, Domain, Quantity, RackId, RoomId, SiteId};

/// Longest series key together with one field key that InfluxDB takes, in bytes.
const KEY_BYTES_MAX: usize = 65_535;

/// A name or value that the versions of InfluxDB do not read alike, or that would break the line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Nothing is there.
    #[error("a {part} of line protocol is empty")]
    Empty {
        /// Which part of the line.
        part: &'static str,
    },
    /// A backslash, a line break or another control character.
    #[error("{part} `{text}` of line protocol holds a backslash or a control character")]
    Character {
        /// Which part of the line.
        part: &'static str,
        /// What was found, control characters made visible.
        text: String,
    },
    /// A name that InfluxDB keeps for itself.
    #[error("{part} `{text}` of line protocol is reserved: no `time`, no leading `_` or `#`")]
    Reserved {
        /// Which part of the line.
        part: &'static str,
        /// What was found.
        text: String,
    },
    /// A tag key that is there twice.
    #[error("tag `{0}` is there twice in one line")]
    Twice(String),
    /// Too long.
    #[error("{part} of line protocol has {bytes} bytes, at most {KEY_BYTES_MAX} are possible")]
    Long {
        /// Which part of the line.
        part: &'static str,
        /// How long it is.
        bytes: usize,
    },
}

/// Measurement and tags of a line, checked, sorted and escaped.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesKey(String);

/// Name of a field, checked and escaped.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldKey(String);

/// What a sample belongs to: makes the measurement and the tags of its line.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'a> {
    /// The family of the quantity, the line's measurement.
    pub domain: Domain,
    /// Tag `site`.
    pub site: &'a SiteId,
    /// Tag `device`.
    pub device: &'a DeviceId,
    /// Tag `channel`.
    pub channel: &'a Channel,
    /// Tag `room`, as valid at the sample's time.
    pub room: Option<&'a RoomId>,
    /// Tag `rack`, as valid at the sample's time.
    pub rack: Option<&'a RackId>,
}

impl SeriesKey {
    /// From a measurement and tags in any order; tags with an empty value are left out.
    ///
    /// # Errors
    /// If a part is empty, reserved, there twice, too long, or holds a backslash or a control character.
    pub fn new(measurement: &str, tags: &[(&str, &str)]) -> Result<Self, Refused> {
        check_name("measurement", measurement)?;
        let mut sorted: Vec<_> = tags.iter().copied().filter(|(_, value)| !value.is_empty()).collect();
        sorted.sort_unstable_by_key(|(key, _)| key.as_bytes());
        if let Some(pair) = sorted.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(Refused::Twice(visible(pair[0].0)));
        }
        let mut text = String::with_capacity(measurement.len() + 64);
        escape_into(&mut text, measurement, &[',', ' ']);
        for (key, value) in sorted {
            check_name("tag key", key)?;
            check_text("tag value", value)?;
            text.push(',');
            escape_into(&mut text, key, &[',', '=', ' ']);
            text.push('=');
            escape_into(&mut text, value, &[',', '=', ' ']);
        }
        // A field key follows; half of the room is left to it, since its own limit is not known here.
        check_length("series key", &text, KEY_BYTES_MAX / 2).map(|()| Self(text))
    }

    /// The key of a sample's line. Cannot fail: ids and channels hold nothing that line protocol minds.
    pub fn of(reading: &Reading<'_>) -> Self {
        let tags = [
            ("channel", reading.channel.as_str()),
            ("device", reading.device.as_str()),
            ("rack", reading.rack.map_or("", RackId::as_str)),
            ("room", reading.room.map_or("", RoomId::as_str)),
            ("site", reading.site.as_str()),
        ];
        let mut text = String::from(reading.domain.as_str());
        for (key, value) in tags.into_iter().filter(|(_, value)| !value.is_empty()) {
            for part in [",", key, "=", value] {
                text.push_str(part);
            }
        }
        Self(text)
    }

    /// As it stands in the line.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FieldKey {
    /// From a name.
    ///
    /// # Errors
    /// If it is empty, reserved, too long, or holds a backslash or a control character.
    pub fn new(name: &str) -> Result<Self, Refused> {
        check_name("field key", name)?;
        let mut text = String::with_capacity(name.len());
        escape_into(&mut text, name, &[',', '=', ' ']);
        check_length("field key", &text, KEY_BYTES_MAX / 2).map(|()| Self(text))
    }

    /// The field of a quantity: its name with its unit, `active_power_w`. Cannot fail: they are all plain words.
    pub fn of(quantity: Quantity) -> Self {
        Self(quantity.field_name())
    }

    /// As it stands in the line.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn check_name(part: &'static str, text: &str) -> Result<(), Refused> {
    if text.is_empty() {
        return Err(Refused::Empty { part });
    }
    if text == "time" || text.starts_with(['_', '#']) {
        return Err(Refused::Reserved { part, text: visible(text) });
    }
    check_text(part, text)
}

/// A backslash is not refused for beauty: at the end of a value it escapes what follows, and inside of one version 3
/// makes another series of it than versions 1 and 2.
fn check_text(part: &'static str, text: &str) -> Result<(), Refused> {
    if text.contains(|c: char| c == '\\' || c.is_control()) {
        return Err(Refused::Character { part, text: visible(text) });
    }
    Ok(())
}

fn check_length(part: &'static str, text: &str, most: usize) -> Result<(), Refused> {
    if text.len() > most { Err(Refused::Long { part, bytes: text.len() }) } else { Ok(()) }
}

fn visible(text: &str) -> String {
    text.chars().take(80).flat_map(char::escape_default).collect()
}

fn escape_into(out: &mut String, text: &str, special: &[char]) {
    for c in text.chars() {
        if special.contains(&c) {
            out.push('\\');
        }
        out.push(c);
    }
}
