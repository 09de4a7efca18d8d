//! What Modbus devices hang on: a TCP address, a serial line, or a serial line at the far end of a TCP connection.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

/// Characters of silence between two frames (MODBUS over Serial Line V1.02, 2.5.1.1).
const SILENT_HALF_CHARACTERS: u32 = 7;
/// Above this rate the silence is fixed (2.5.1.1).
const FIXED_SILENCE_ABOVE_BAUD: u32 = 19_200;
/// The fixed silence (2.5.1.1).
const FIXED_SILENCE: Duration = Duration::from_micros(1750);
/// The slowest and the fastest rate that a line may have: 300 is the slowest that meters speak, RS-485 drivers end at 4 Mbaud.
pub const BAUD: std::ops::RangeInclusive<u32> = 300..=4_000_000;
/// The rate and parity that the specification asks every device to know (2.2, 2.5.1).
const BAUD_USUAL: u32 = 19_200;

/// What devices hang on. Two devices with the same bus share one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bus {
    /// Modbus TCP at `host:port`.
    Tcp(String),
    /// RTU frames on a serial line of this machine.
    Rtu(SerialLine),
    /// RTU frames over TCP to `host:port`: a serial server that does not translate.
    RtuTcp(String),
}

impl Bus {
    /// `host:port`, if it is reached over the network.
    pub fn endpoint(&self) -> Option<&str> {
        match self {
            Self::Tcp(endpoint) | Self::RtuTcp(endpoint) => Some(endpoint),
            Self::Rtu(_) => None,
        }
    }

    /// Are the frames those of a serial line?
    pub const fn is_rtu(&self) -> bool {
        matches!(self, Self::Rtu(_) | Self::RtuTcp(_))
    }

    /// The serial line of this machine, if it is one.
    pub const fn line(&self) -> Option<&SerialLine> {
        match self {
            Self::Rtu(line) => Some(line),
            Self::Tcp(_) | Self::RtuTcp(_) => None,
        }
    }

    /// Units that may be asked: on a serial line 0 is the broadcast, which nobody answers, and 248 to 255 are reserved
    /// (MODBUS over Serial Line V1.02, 2.2).
    pub const fn units(&self) -> std::ops::RangeInclusive<u8> {
        if self.is_rtu() { 1..=247 } else { 0..=255 }
    }

    /// What tells it from other buses, without the settings of a line: one port can be open only once.
    pub fn key(&self) -> String {
        match self {
            Self::Tcp(endpoint) => format!("modbus+tcp://{endpoint}"),
            Self::RtuTcp(endpoint) => format!("modbus+rtu-tcp://{endpoint}"),
            Self::Rtu(line) => format!("modbus+rtu://{}", line.path.display()),
        }
    }
}

impl fmt::Display for Bus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key())
    }
}

/// A serial line and how it is spoken on: 8 data bits, as RTU asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SerialLine {
    /// The device file.
    pub path: PathBuf,
    /// Bits a second.
    pub baud: u32,
    /// The bit that is added to each character.
    pub parity: Parity,
    /// Stop bits, 1 or 2.
    pub stop: u8,
}

impl SerialLine {
    /// A line with the settings that the specification asks every device to know: 19 200 baud, even parity, one stop bit.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), baud: BAUD_USUAL, parity: Parity::Even, stop: 1 }
    }

    /// Bits of a character: start, 8 data bits, parity if there is one, stop.
    pub const fn character_bits(&self) -> u32 {
        let parity = if matches!(self.parity, Parity::None) { 0 } else { 1 };
        1 + 8 + parity + self.stop as u32
    }

    /// How long so many characters take.
    pub fn airtime(&self, characters: usize) -> Duration {
        let bits = u64::from(self.character_bits())
            .saturating_mul(u64::try_from(characters).unwrap_or(u64::MAX))
            .saturating_mul(1_000_000);
        Duration::from_micros(bits.div_ceil(u64::from(self.baud.max(1))))
    }

    /// The silence that parts two frames: 3.5 characters, above 19 200 baud 1.75 ms (2.5.1.1).
    pub fn silence(&self) -> Duration {
        if self.baud > FIXED_SILENCE_ABOVE_BAUD {
            return FIXED_SILENCE;
        }
        self.airtime(1) * SILENT_HALF_CHARACTERS / 2
    }

    /// Reads `baud=9600&parity=even&stop=1`; what is not said is as the specification has it.
    pub(crate) fn from_query(path: &str, query: &str) -> Result<Self, String> {
        let mut line = Self::new(Path::new(path));
        let mut stop = None;
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            match key {
                "baud" => {
                    let baud = number(value).filter(|baud| BAUD.contains(baud));
                    line.baud = baud.ok_or_else(|| bad(pair))?;
                }
                "parity" => line.parity = value.parse().map_err(|()| bad(pair))?,
                "stop" => {
                    let bits = number(value).and_then(|bits| u8::try_from(bits).ok());
                    stop = Some(bits.filter(|bits| (1..=2).contains(bits)).ok_or_else(|| bad(pair))?);
                }
                _ => return Err(bad(pair)),
            }
        }
        // A second stop bit stands where the parity bit is missing, so that a character always has 11 bits (2.5.1).
        line.stop = stop.unwrap_or(if line.parity == Parity::None { 2 } else { 1 });
        Ok(line)
    }
}

fn number(text: &str) -> Option<u32> {
    text.parse().ok()
}

fn bad(pair: &str) -> String {
    pair.chars().take(40).collect()
}

/// The parity bit of each character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parity {
    /// There is none.
    None,
    /// An even number of ones.
    Even,
    /// An odd number of ones.
    Odd,
}

impl FromStr for Parity {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "none" => Ok(Self::None),
            "even" => Ok(Self::Even),
            "odd" => Ok(Self::Odd),
            _ => Err(()),
        }
    }
}

impl fmt::Display for Parity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Even => "even",
            Self::Odd => "odd",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(query: &str) -> SerialLine {
        SerialLine::from_query("/dev/ttyUSB0", query).unwrap()
    }

    #[test]
    fn a_character_has_11_bits_whatever_the_parity_if_nothing_else_is_said() {
        assert_eq!(line("").character_bits(), 11);
        assert_eq!(line("parity=none").character_bits(), 11);
        assert_eq!(line("parity=none&stop=1").character_bits(), 10);
    }

    // 3.5 characters of 11 bits at 9600 baud are 38.5 bits, 4.01 ms; the specification fixes 1.75 ms above 19 200.
    #[test]
    fn the_silence_between_frames_follows_the_rate_up_to_19200_baud() {
        assert_eq!(line("baud=9600").silence(), Duration::from_micros(4011));
        assert_eq!(line("baud=19200").silence(), Duration::from_nanos(2_005_500));
        assert_eq!(line("baud=115200").silence(), Duration::from_micros(1750));
    }

    #[test]
    fn the_time_on_the_line_is_that_of_its_bits() {
        assert_eq!(line("baud=9600").airtime(8), Duration::from_micros(9167));
    }
}
