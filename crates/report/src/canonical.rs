//! The sealed object: facts as canonical JSON, and its hash.

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::MonthReport;

/// A report's facts as canonical JSON with their SHA-256.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    json: String,
    sha256: String,
}

/// Why facts could not be sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// They could not be written as JSON.
    #[error("facts of report `{id}` cannot be written as JSON")]
    Json {
        /// The report.
        id: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// A number is no integer of at most 2^53, so that readers of JSON could round it.
    #[error("facts of report `{id}` hold the number {number}: only whole numbers up to 2^53 are sealed")]
    Number {
        /// The report.
        id: String,
        /// The number.
        number: String,
    },
}

/// 2^53: beyond it a reader that holds JSON numbers as doubles would round (RFC 8785, 3.2.2.3).
const EXACT_MAX: u64 = 1 << 53;

impl Sealed {
    /// Writes the facts by RFC 8785: members sorted by the UTF-16 code units of their names, no white space, whole
    /// numbers only.
    ///
    /// # Errors
    /// If a number is not whole or beyond 2^53; only counts are numbers, amounts are text.
    pub fn new(report: &MonthReport) -> Result<Self, SealError> {
        let id = || report.id.clone();
        let value = serde_json::to_value(report).map_err(|source| SealError::Json { id: id(), source })?;
        let mut json = String::new();
        write(&value, &mut json).map_err(|number| SealError::Number { id: id(), number })?;
        let digest = Sha256::digest(json.as_bytes());
        let sha256 = digest.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(hex).collect();
        Ok(Self { json, sha256 })
    }

    /// The canonical JSON, without a line end.
    pub fn json(&self) -> &str {
        &self.json
    }

    /// SHA-256 of [`json`](Self::json), 64 hexadecimal digits.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }
}

/// A hexadecimal digit of 0 to 15.
const fn hex(digit: u8) -> char {
    (if digit < 10 { b'0' + digit } else { b'a' + digit - 10 }) as char
}

fn write(value: &Value, out: &mut String) -> Result<(), String> {
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => out.push_str(&value.to_string()),
        Value::Number(number) => {
            let exact = number.as_i64().is_some_and(|n| n.unsigned_abs() <= EXACT_MAX);
            if !exact {
                return Err(number.to_string());
            }
            out.push_str(&number.to_string());
        }
        Value::Array(items) => {
            out.push('[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                write(item, out)?;
            }
            out.push(']');
        }
        Value::Object(members) => {
            let mut names: Vec<&String> = members.keys().collect();
            names.sort_by(|a, b| a.encode_utf16().cmp(b.encode_utf16()));
            out.push('{');
            for (place, name) in names.into_iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                out.push_str(&Value::String(name.clone()).to_string());
                out.push(':');
                write(&members[name], out)?;
            }
            out.push('}');
        }
    }
    Ok(())
}
