//! Which part of a device a value belongs to.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The part of a device that a value belongs to: `total`, `l1`, `l1-l2`, `n`, `inlet.1`, `outlet.7`, `branch.3.l2`,
/// `sensor.4`, `supply`, `return`. Lower-case words of letters, digits and dashes, joined by dots.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Channel(Arc<str>);

/// A text that is no channel.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no channel: words of a-z, 0-9 and `-`, joined by `.`, such as `total`, `l1` or `outlet.7`")]
pub struct InvalidChannel(String);

impl Channel {
    /// From a text.
    ///
    /// # Errors
    /// If it is empty, longer than 63 characters, or not made of words as described above.
    pub fn new(text: &str) -> Result<Self, InvalidChannel> {
        let word = |word: &str| {
            !word.is_empty()
                && !word.starts_with('-')
                && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        if text.len() <= 63 && text.split('.').all(word) {
            Ok(Self(Arc::from(text)))
        } else {
            Err(InvalidChannel(text.chars().take(80).collect()))
        }
    }

    /// The whole device.
    pub fn total() -> Self {
        Self(Arc::from("total"))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Channel {
    type Err = InvalidChannel;
    fn from_str(text: &str) -> Result<Self, InvalidChannel> {
        Self::new(text)
    }
}

impl TryFrom<String> for Channel {
    type Error = InvalidChannel;
    fn try_from(text: String) -> Result<Self, InvalidChannel> {
        Self::new(&text)
    }
}

impl From<Channel> for String {
    fn from(channel: Channel) -> Self {
        channel.0.as_ref().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_is_dotted_words() {
        for good in ["total", "l1", "l1-l2", "n", "outlet.7", "branch.3.l2"] {
            assert!(Channel::new(good).is_ok(), "{good}");
        }
        for bad in ["", ".", "a.", ".a", "L1", "a b", "a=b", "a,b", "a..b", "-a"] {
            assert!(Channel::new(bad).is_err(), "{bad:?} was taken");
        }
    }
}
