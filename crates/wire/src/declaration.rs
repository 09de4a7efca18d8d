//! Descriptors and plan as messages.

use model::{Channel, DeviceId, Encoding, PollGroup, ProfileId, Quantity, SeriesDescriptor, Side};

use crate::error::within;
use crate::payload::cut;
use crate::{Payload, WireError, message};

/// Longest `source` of a series, in bytes; longer ones are cut when they are encoded.
const MAX_SOURCE_BYTES: usize = 255;

/// Size at which a declaration is split. Far below [`MAX_PAYLOAD_BYTES`](crate::MAX_PAYLOAD_BYTES), so that a batch of
/// the usual size holds a few of them.
const SPLIT_BYTES: usize = 64 << 10;

/// Declarations that together say the same as one, each small enough for a record. Series come before the groups that
/// name them. At least one is made, even of nothing.
pub fn split_declaration(run: u64, series: &[SeriesDescriptor], groups: &[PollGroup]) -> Vec<Payload> {
    let series = chunks(series, series_bytes).map(|part| (part.to_vec(), Vec::new()));
    let groups = chunks(groups, group_bytes).map(|part| (Vec::new(), part.to_vec()));
    let mut parts: Vec<_> = series.chain(groups).collect();
    if parts.is_empty() {
        parts.push((Vec::new(), Vec::new()));
    }
    parts.into_iter().map(|(series, groups)| Payload::Declaration { run, series, groups }).collect()
}

/// Beginnings of what is left, as long as fits into [`SPLIT_BYTES`], but never empty.
fn chunks<T>(mut rest: &[T], bytes: fn(&T) -> usize) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let mut total = 0;
        let fitting = rest.iter().take_while(|item| {
            total += bytes(item);
            total <= SPLIT_BYTES
        });
        let count = fitting.count().max(1).min(rest.len());
        let (chunk, after) = rest.split_at(count);
        rest = after;
        (!chunk.is_empty()).then_some(chunk)
    })
}

/// Upper bound of the size: 60 bytes hold all numbers and tags, 32 a hash.
fn series_bytes(series: &SeriesDescriptor) -> usize {
    let profile = series.profile.as_ref().map_or(0, |id| id.as_str().len()) + 32;
    let source = series.source.len().min(MAX_SOURCE_BYTES);
    60 + profile
        + source
        + series.device.as_str().len()
        + series.quantity.as_str().len()
        + series.channel.as_str().len()
}

/// Upper bound of the size: a number takes 5 bytes at most.
fn group_bytes(group: &PollGroup) -> usize {
    40 + group.device.as_str().len() + 5 * group.series.len()
}

/// A profile's id and the hash of its text.
type Profile = (Option<ProfileId>, Option<[u8; 32]>);

pub(crate) fn to_message(
    run: u64,
    series: &[SeriesDescriptor],
    groups: &[PollGroup],
) -> message::Declaration {
    let mut profiles: Vec<Profile> = Vec::new();
    let series = series.iter().map(|series| series_message(series, &mut profiles)).collect();
    message::Declaration {
        run,
        series,
        groups: groups.iter().map(group_message).collect(),
        profiles: profiles.into_iter().map(profile_message).collect(),
    }
}

fn profile_message((id, hash): Profile) -> message::Profile {
    message::Profile { id: id.map(String::from), hash: hash.map(|hash| hash.to_vec()) }
}

fn series_message(series: &SeriesDescriptor, profiles: &mut Vec<Profile>) -> message::Series {
    message::Series {
        number: series.number,
        device: series.device.as_str().to_owned(),
        quantity: series.quantity.as_str().to_owned(),
        channel: series.channel.as_str().to_owned(),
        encoding: encoding_code(series.encoding),
        exponent: i32::from(series.exponent),
        wraps_at: series.wraps_at,
        resolution: series.resolution,
        side: side_code(series.side),
        source: cut(&series.source, MAX_SOURCE_BYTES).to_owned(),
        profile: profile_index((series.profile.clone(), series.profile_hash), profiles),
    }
}

/// Where in the list the profile stands, put there if it is new. Series of one device follow each other, so the search
/// from the end is short.
fn profile_index(profile: Profile, profiles: &mut Vec<Profile>) -> Option<u32> {
    if profile == (None, None) {
        return None;
    }
    let index = profiles.iter().rposition(|known| *known == profile).unwrap_or_else(|| {
        profiles.push(profile);
        profiles.len() - 1
    });
    Some(
        u32::try_from(index)
            .expect("a declaration has fewer profiles than series, and these are numbered in u32"),
    )
}

fn group_message(group: &PollGroup) -> message::Group {
    message::Group {
        number: group.number,
        device: group.device.as_str().to_owned(),
        period_ms: group.period_ms,
        offset_ms: group.offset_ms,
        series: group.series.clone(),
    }
}

pub(crate) fn from_message(message: message::Declaration) -> Result<Payload, WireError> {
    let profiles = message.profiles.into_iter().map(profile).collect::<Result<Vec<_>, _>>()?;
    let series = message
        .series
        .into_iter()
        .filter_map(|series| from_series(series, &profiles).transpose())
        .collect::<Result<_, _>>()?;
    let groups = message.groups.into_iter().map(from_group).collect::<Result<_, _>>()?;
    Ok(Payload::Declaration { run: message.run, series, groups })
}

fn profile(message: message::Profile) -> Result<Profile, WireError> {
    let wrong = |error| WireError::invalid("profile.id", error);
    let id = message.id.map(|id| ProfileId::new(&id)).transpose().map_err(wrong)?;
    let wrong =
        |hash: Vec<u8>| WireError::invalid("profile.hash", format_args!("{} bytes, not 32", hash.len()));
    let hash = message.hash.map(<[u8; 32]>::try_from).transpose().map_err(wrong)?;
    Ok((id, hash))
}

/// `None` if it says something that this version does not know.
fn from_series(
    message: message::Series,
    profiles: &[Profile],
) -> Result<Option<SeriesDescriptor>, WireError> {
    let (Ok(quantity), Some(encoding), Some(side)) =
        (message.quantity.parse::<Quantity>(), encoding(message.encoding), side(message.side))
    else {
        return Ok(None);
    };
    within("length of a source in bytes", message.source.len(), MAX_SOURCE_BYTES)?;
    let (profile, profile_hash) = referred(message.profile, profiles)?;
    let exponent = i8::try_from(message.exponent).map_err(|_| {
        WireError::invalid("series.exponent", format_args!("{} is no power", message.exponent))
    })?;
    Ok(Some(SeriesDescriptor {
        number: message.number,
        device: device("series.device", &message.device)?,
        quantity,
        channel: Channel::new(&message.channel)
            .map_err(|error| WireError::invalid("series.channel", error))?,
        encoding,
        exponent,
        wraps_at: message.wraps_at,
        resolution: message.resolution,
        side,
        profile,
        profile_hash,
        source: message.source,
    }))
}

fn referred(index: Option<u32>, profiles: &[Profile]) -> Result<Profile, WireError> {
    let Some(index) = index else { return Ok((None, None)) };
    let found = usize::try_from(index).ok().and_then(|index| profiles.get(index)).cloned();
    found.ok_or_else(|| WireError::invalid("series.profile", format_args!("{index} of {}", profiles.len())))
}

fn from_group(message: message::Group) -> Result<PollGroup, WireError> {
    Ok(PollGroup {
        number: message.number,
        device: device("group.device", &message.device)?,
        period_ms: message.period_ms,
        offset_ms: message.offset_ms,
        series: message.series,
    })
}

fn device(what: &'static str, id: &str) -> Result<DeviceId, WireError> {
    DeviceId::new(id).map_err(|error| WireError::invalid(what, error))
}

const fn encoding_code(encoding: Encoding) -> u32 {
    match encoding {
        Encoding::Integer => 1,
        Encoding::Float32 => 2,
        Encoding::Float64 => 3,
    }
}

const fn encoding(code: u32) -> Option<Encoding> {
    match code {
        1 => Some(Encoding::Integer),
        2 => Some(Encoding::Float32),
        3 => Some(Encoding::Float64),
        _ => None,
    }
}

const fn side_code(side: Side) -> u32 {
    match side {
        Side::Primary => 1,
        Side::Secondary => 2,
    }
}

const fn side(code: u32) -> Option<Side> {
    match code {
        1 => Some(Side::Primary),
        2 => Some(Side::Secondary),
        _ => None,
    }
}
