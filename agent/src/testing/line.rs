//! A serial line for tests: a pseudo-terminal whose far end is a device that does with each request what a test wants.

use std::fs::File;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::time::Duration;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::modbus::{Parity, SerialLine, crc16};

/// A request as it came over a line: always of the eight bytes that functions 1 to 4 have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heard {
    pub(crate) n: usize,
    pub(crate) bytes: [u8; 8],
}

/// What a device does, one after the other.
pub(crate) enum Act {
    /// Sends bytes.
    Send(Vec<u8>),
    /// Waits.
    Wait(Duration),
}

impl Heard {
    /// The frame that answers with these registers.
    pub(crate) fn words(self, words: &[u16]) -> Vec<u8> {
        let mut frame = vec![self.bytes[0], self.bytes[1], u8::try_from(words.len() * 2).unwrap()];
        frame.extend(words.iter().flat_map(|word| word.to_be_bytes()));
        framed(&frame)
    }

    /// Each register holds its own address.
    pub(crate) fn addresses(self) -> Vec<u8> {
        let word = |at: usize| u16::from_be_bytes([self.bytes[at], self.bytes[at + 1]]);
        self.words(&(word(2)..word(2) + word(4)).collect::<Vec<_>>())
    }
}

/// With its checksum.
pub(crate) fn framed(bytes: &[u8]) -> Vec<u8> {
    [bytes, &crc16(bytes).to_le_bytes()].concat()
}

/// The near end of a line.
pub(crate) struct Line {
    pub(crate) settings: SerialLine,
    /// The far end, to hang up: dropped when all devices on it ended.
    far: File,
}

impl Line {
    /// A line without any device, which lasts as long as the tests: the number of a terminal that is gone is given to the
    /// next one, and whoever still reads the old one would read the new.
    pub(crate) fn open() -> Self {
        let line = Self::to_be_pulled();
        std::mem::forget(line.far());
        line
    }

    /// A line that hangs up when its last far end is dropped.
    pub(crate) fn to_be_pulled() -> Self {
        let far = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&far).unwrap();
        unlockpt(&far).unwrap();
        let path = PathBuf::from(ptsname(&far, Vec::new()).unwrap().into_string().unwrap());
        let settings = SerialLine { path, baud: 115_200, parity: Parity::None, stop: 1 };
        Self { settings, far: File::from(far) }
    }

    /// A line with a device that does with each request what `behave` says.
    pub(crate) fn start(behave: impl Fn(Heard) -> Vec<Act> + Send + 'static) -> Self {
        let line = Self::open();
        let mut far = line.far();
        std::thread::spawn(move || {
            for n in 0.. {
                let mut bytes = [0; 8];
                if read_all(&mut far, &mut bytes).is_err() {
                    return;
                }
                for act in behave(Heard { n, bytes }) {
                    match act {
                        Act::Send(bytes) => far.write_all(&bytes).unwrap(),
                        Act::Wait(time) => wait(time),
                    }
                }
            }
        });
        line
    }

    pub(crate) fn far(&self) -> File {
        self.far.try_clone().unwrap()
    }
}

/// A device takes its time: nobody ever sends, so the whole time passes.
fn wait(time: Duration) {
    let (_keep, nobody) = std::sync::mpsc::channel::<()>();
    assert!(nobody.recv_timeout(time).is_err());
}

/// The far end says EIO while nobody has the near end open: before it is opened for the first time, and between two.
pub(crate) fn read_all(far: &mut File, bytes: &mut [u8]) -> std::io::Result<()> {
    let mut taken = 0;
    while taken < bytes.len() {
        match far.read(&mut bytes[taken..]) {
            Ok(0) => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => taken += read,
            Err(_) => wait(Duration::from_millis(1)),
        }
    }
    Ok(())
}
