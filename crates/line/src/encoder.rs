//! Puts lines one after the other into a buffer.

use std::fmt::Write;

use model::Timestamp;

use crate::key::{FieldKey, SeriesKey};

/// Longest text of a field in bytes; InfluxDB 1 and 2 take no longer one.
const TEXT_BYTES_MAX: usize = 65_535;
/// The last millisecond that fits into the nanoseconds of InfluxDB.
const TIME_MAX: i64 = 9_223_372_036_854;

/// A buffer of whole lines. A line begins with [`begin`](Self::begin), gets its fields, and is there once it was
/// [ended](Line::end); a line that was begun and never ended leaves nothing behind.
#[derive(Debug, Default, Clone)]
pub struct Encoder {
    text: String,
    complete: usize,
    lines: usize,
}

/// A line that is being made.
#[derive(Debug)]
#[must_use = "a line counts only after `end`"]
pub struct Line<'e> {
    encoder: &'e mut Encoder,
    fields: usize,
}

impl Encoder {
    /// Without a line.
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins a line.
    pub fn begin(&mut self, key: &SeriesKey) -> Line<'_> {
        self.text.truncate(self.complete);
        self.text.push_str(key.as_str());
        Line { encoder: self, fields: 0 }
    }

    /// The whole lines, each with its line break.
    pub fn text(&self) -> &str {
        self.text.get(..self.complete).unwrap_or_default()
    }

    /// How many lines there are.
    pub fn lines(&self) -> usize {
        self.lines
    }

    /// How many bytes the lines have.
    pub fn len(&self) -> usize {
        self.complete
    }

    /// Is there no line?
    pub fn is_empty(&self) -> bool {
        self.complete == 0
    }

    /// Forgets all lines and keeps the buffer.
    pub fn clear(&mut self) {
        self.text.clear();
        (self.complete, self.lines) = (0, 0);
    }

    /// Hands the lines over and begins anew.
    pub fn take(&mut self) -> String {
        self.text.truncate(self.complete);
        (self.complete, self.lines) = (0, 0);
        std::mem::take(&mut self.text)
    }
}

impl Line<'_> {
    /// Adds a number. NaN and the infinities are left out: line protocol has no word for them.
    pub fn float(mut self, key: &FieldKey, value: f64) -> Self {
        if value.is_finite() {
            self.key(key);
            write_float(&mut self.encoder.text, value);
        }
        self
    }

    /// Adds a whole number as an integer. For fields that are integers for ever: a field that was once a float refuses it.
    pub fn integer(mut self, key: &FieldKey, value: i64) -> Self {
        self.key(key);
        // Writing into a String cannot fail.
        write!(self.encoder.text, "{value}i").expect("a String takes all that is written");
        self
    }

    /// Adds a text; control characters become spaces, and what is past 65,535 bytes is cut off.
    pub fn text(mut self, key: &FieldKey, value: &str) -> Self {
        self.key(key);
        let text = &mut self.encoder.text;
        text.push('"');
        let begin = text.len();
        for c in value.chars() {
            if text.len() - begin + c.len_utf8() + 1 > TEXT_BYTES_MAX {
                break;
            }
            match c {
                '"' | '\\' => text.extend(['\\', c]),
                c if c.is_control() => text.push(' '),
                c => text.push(c),
            }
        }
        text.push('"');
        self
    }

    /// Ends the line at its time. Gives `false`, and leaves no line behind, if it has no field or lies outside of the
    /// years 1677 to 2262 that InfluxDB can hold.
    pub fn end(self, time: Timestamp) -> bool {
        let millis = time.millis();
        if self.fields == 0 || !(-TIME_MAX..=TIME_MAX).contains(&millis) {
            self.encoder.text.truncate(self.encoder.complete);
            return false;
        }
        writeln!(self.encoder.text, " {millis}").expect("a String takes all that is written");
        self.encoder.complete = self.encoder.text.len();
        self.encoder.lines += 1;
        true
    }

    fn key(&mut self, key: &FieldKey) {
        self.encoder.text.push(if self.fields == 0 { ' ' } else { ',' });
        self.encoder.text.push_str(key.as_str());
        self.encoder.text.push('=');
        self.fields += 1;
    }
}

/// The shortest digits that read back the same; with an exponent only where the digits would be many zeros.
fn write_float(out: &mut String, value: f64) {
    let size = value.abs();
    let plain = size == 0.0 || (1e-5..1e17).contains(&size);
    let written = if plain { write!(out, "{value}") } else { write!(out, "{value:e}") };
    written.expect("a String takes all that is written");
}

#[cfg(test)]
mod tests;
