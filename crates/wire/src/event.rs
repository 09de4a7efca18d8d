//! Events as messages.

use model::{DeviceId, Event, EventKind, Severity, Timestamp};

use crate::error::within;
use crate::payload::cut;
use crate::{WireError, message};

/// Longest text of an event, in characters (as `model::Event` states it) and in bytes.
const MAX_TEXT_CHARS: usize = 500;
const MAX_TEXT_BYTES: usize = 4 * MAX_TEXT_CHARS;

pub(crate) fn to_message(event: &Event) -> message::Event {
    message::Event {
        time: event.time.millis(),
        device: event.device.as_ref().map(|device| device.as_str().to_owned()),
        kind: kind_code(event.kind),
        severity: severity_code(event.severity),
        text: cut_text(&event.text).to_owned(),
    }
}

fn cut_text(text: &str) -> &str {
    let bytes = text.char_indices().nth(MAX_TEXT_CHARS).map_or(text.len(), |(at, _)| at);
    cut(text, bytes)
}

pub(crate) fn from_message(message: message::Event) -> Result<Event, WireError> {
    within("length of an event's text in bytes", message.text.len(), MAX_TEXT_BYTES)?;
    let device = message
        .device
        .map(|id| DeviceId::new(&id))
        .transpose()
        .map_err(|error| WireError::invalid("event.device", error))?;
    Ok(Event {
        time: Timestamp::from_millis(message.time),
        device,
        kind: kind(message.kind),
        severity: severity(message.severity),
        text: message.text,
    })
}

const fn kind_code(kind: EventKind) -> u32 {
    match kind {
        EventKind::DeviceSilent => 1,
        EventKind::DeviceBack => 2,
        EventKind::DeviceRestarted => 3,
        EventKind::Notification => 4,
        EventKind::Other => 255,
    }
}

const fn kind(code: u32) -> EventKind {
    match code {
        1 => EventKind::DeviceSilent,
        2 => EventKind::DeviceBack,
        3 => EventKind::DeviceRestarted,
        4 => EventKind::Notification,
        _ => EventKind::Other,
    }
}

const fn severity_code(severity: Severity) -> u32 {
    match severity {
        Severity::Info => 1,
        Severity::Warning => 2,
        Severity::Critical => 3,
    }
}

/// A severity that a newer agent may have added is taken for the worst, so that nobody overlooks it.
const fn severity(code: u32) -> Severity {
    match code {
        1 => Severity::Info,
        2 => Severity::Warning,
        _ => Severity::Critical,
    }
}
