//! The small files of a spool and the names of the large ones.

use std::io;

use model::SpoolId;

use crate::disk::{Disk, read_whole};
use crate::record::Seal;
use crate::types::{SpoolError, refused};

pub(crate) const IDENTITY: &str = "SPOOL";
pub(crate) const ACKNOWLEDGED: &str = "ACK";
pub(crate) const CLEAN: &str = "CLEAN";
pub(crate) const RESERVE: &str = "RESERVE";

/// First bytes of `SPOOL`; the digit is the version of the folder's layout.
const IDENTITY_MAGIC: &[u8; 8] = b"WWSPOOL1";
/// Magic, identity, checksum.
const IDENTITY_BYTES: usize = 28;

/// Largest small file that is read.
const MAX_SMALL_BYTES: usize = 4096;

pub(crate) fn segment_name(first: u64) -> String {
    format!("seg-{first:016x}.log")
}

/// The number in the name of a segment; `None` if it is no name of a segment.
pub(crate) fn segment_number(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("seg-")?.strip_suffix(".log")?;
    let first = u64::from_str_radix(digits, 16).ok()?;
    (segment_name(first) == name).then_some(first)
}

fn read_small(disk: &dyn Disk, name: &str) -> io::Result<Option<Vec<u8>>> {
    match disk.open(name) {
        Ok(file) => read_whole(file.as_ref(), MAX_SMALL_BYTES).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The identity of the spool; `None` if there is no file for it, or none that can be read.
pub(crate) fn read_identity(disk: &dyn Disk) -> Result<Option<SpoolId>, SpoolError> {
    let bytes = read_small(disk, IDENTITY).map_err(refused(disk, "read", IDENTITY))?;
    // It is there twice, so that one spoiled block of the disk does not cost the whole spool.
    Ok(bytes.and_then(|bytes| bytes.chunks(IDENTITY_BYTES).find_map(parse_identity)))
}

fn parse_identity(bytes: &[u8]) -> Option<SpoolId> {
    let (body, crc) = bytes.split_at_checked(IDENTITY_BYTES - 4)?;
    let id = body.strip_prefix(IDENTITY_MAGIC)?;
    (crc32c::crc32c(body).to_le_bytes() == crc).then_some(())?;
    Some(SpoolId::from_bytes(id.try_into().ok()?))
}

pub(crate) fn write_identity(disk: &dyn Disk, id: SpoolId) -> Result<(), SpoolError> {
    let mut copy = IDENTITY_MAGIC.to_vec();
    copy.extend(id.bytes());
    copy.extend(crc32c::crc32c(&copy).to_le_bytes());
    disk.replace(IDENTITY, &copy.repeat(2)).map_err(refused(disk, "write", IDENTITY))
}

/// A number that was kept in a small file; `None` if there is none, or none that can be read: these are hints.
pub(crate) fn read_number(disk: &dyn Disk, seal: Seal, name: &str) -> Option<u64> {
    let bytes = read_small(disk, name).ok()??;
    let (number, crc) = bytes.split_first_chunk::<8>()?;
    (seal.over([name.as_bytes(), number]).to_le_bytes() == crc).then_some(u64::from_le_bytes(*number))
}

pub(crate) fn write_number(disk: &dyn Disk, seal: Seal, name: &str, number: u64) -> io::Result<()> {
    let number = number.to_le_bytes();
    let mut bytes = number.to_vec();
    bytes.extend(seal.over([name.as_bytes(), &number]).to_le_bytes());
    disk.replace(name, &bytes)
}
