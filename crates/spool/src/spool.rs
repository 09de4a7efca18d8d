//! The front of the spool: opening, appending, closing.

use std::io;
use std::path::Path;
use std::sync::Arc;

use model::{Missing, SpoolId, Timestamp};

use crate::disk::{Disk, Folder, read_whole};
use crate::files::{
    ACKNOWLEDGED, CLEAN, RESERVE, read_identity, segment_number, write_identity, write_number,
};
use crate::record::Seal;
use crate::recover::{MAX_SEGMENT_BYTES, Survey, survey};
use crate::shared::{Segment, Shared, State};
use crate::types::refused;
use crate::writer::{Leftovers, Writer};
use crate::{Appended, Lost, MAX_PAYLOAD_BYTES, Options, Recovery, SpoolError, SpoolReader, Status};

/// A spool, open for writing. There is one writer; readers are handed out by [`reader`](Self::reader).
///
/// Dropping it without [`close`](Self::close) loses what was not synced, as a crash would.
#[derive(Debug)]
pub struct Spool {
    writer: Writer,
    next_sequence: u64,
    /// Number with which this life began, and the time of its first record.
    born: (u64, Option<Timestamp>),
    last_time: Timestamp,
}

impl Spool {
    /// Opens the spool in folder `dir`, or makes one there. Reads and checks every segment once, one at
    /// a time.
    ///
    /// # Errors
    /// If the options contradict each other, the folder cannot be read or written, another process has it open, or it
    /// holds segments without an identity.
    pub fn open(dir: &Path, options: Options) -> Result<(Self, Recovery), SpoolError> {
        let failed = |source| SpoolError::Disk { action: "open", path: dir.to_owned(), source };
        let folder =
            Folder::lock(dir).map_err(failed)?.ok_or_else(|| SpoolError::InUse { path: dir.to_owned() })?;
        Self::open_on(Arc::new(folder), options)
    }

    pub(crate) fn open_on(disk: Arc<dyn Disk>, options: Options) -> Result<(Self, Recovery), SpoolError> {
        options.check()?;
        let id = identity(disk.as_ref())?;
        let Survey { segments, empty, torn, acknowledged, after, recovery } =
            survey(disk.as_ref(), Seal::of(id))?;
        if let Some(newest) = segments.back().filter(|_| !recovery.clean_stop) {
            secure(disk.as_ref(), newest)?;
        }
        unmark(disk.as_ref())?;
        let mut state = State { segments, acknowledged, ..State::default() };
        for lost in &recovery.lost {
            state.lose(*lost);
        }
        // They are told by what this function returns.
        state.tell();
        let shared = Arc::new(Shared::new(disk, id, state, after.max(acknowledged)));
        let writer = Writer::new(shared, options, after, Leftovers { torn, empty });
        let next_sequence = recovery.next_sequence;
        let last_time = recovery.last_durable.unwrap_or_default();
        Ok((Self { writer, next_sequence, born: (next_sequence, None), last_time }, recovery))
    }

    /// Identity of the spool.
    pub fn id(&self) -> SpoolId {
        self.writer.shared.id
    }

    /// Number that the next record will get, unless the collector turns out to be further.
    pub fn next_sequence(&self) -> u64 {
        self.next_sequence
    }

    /// Would a record with a payload of this size begin a new segment, or did one begin unseen since the last append,
    /// because the disk refused the one before? Whoever wants its declarations *before* that
    /// record appends them first; whoever does not mind goes by [`Appended::new_segment`].
    pub fn begins_segment(&self, payload_bytes: usize) -> bool {
        self.writer.begins_segment(payload_bytes)
    }

    /// Appends a record. It is on disk, and seen by readers, after the next [`sync`](Self::sync); until then it is in
    /// memory.
    ///
    /// # Errors
    /// If the payload is larger than [`MAX_PAYLOAD_BYTES`]. A disk that refuses is no error here but in `sync`, so that
    /// polling goes on.
    pub fn append(&mut self, time: Timestamp, payload: &[u8]) -> Result<Appended, SpoolError> {
        if payload.len() > MAX_PAYLOAD_BYTES {
            return Err(SpoolError::TooBig { bytes: payload.len(), limit: MAX_PAYLOAD_BYTES });
        }
        self.skip();
        if self.writer.is_full(payload.len()) {
            self.writer.roll();
        } else if self.writer.is_heavy() {
            self.writer.flush_quietly();
        }
        let sequence = self.next_sequence;
        let new_segment = self.writer.push(sequence, time, payload);
        self.next_sequence += 1;
        self.born.1 = self.born.1.or(Some(time));
        self.last_time = time;
        let lost = self.writer.shared.state().tell();
        Ok(Appended { sequence, new_segment, lost })
    }

    /// Passes over the numbers that the collector has from a past that this spool has lost.
    fn skip(&mut self) {
        let skip_to = self.writer.shared.state().skip_to;
        let Some(skip_to) = skip_to else { return };
        if skip_to > self.next_sequence {
            if !self.writer.flush_quietly() {
                return;
            }
            self.writer.roll();
            self.lose_this_life();
            self.next_sequence = skip_to;
        }
        self.writer.shared.state().skip_to = None;
    }

    /// What this life has written so far has numbers that the collector takes for others.
    fn lose_this_life(&mut self) {
        let (first, from) = self.born;
        if let Some(from) = from {
            let to = self.last_time.plus_millis(1);
            let lost = Lost { first, last: self.next_sequence - 1, from, to, reason: Missing::Other };
            self.writer.shared.state().lose(lost);
        }
        self.born = (self.next_sequence, None);
    }

    /// Puts all that was appended on disk, with one fdatasync, and removes what is no longer needed.
    ///
    /// # Errors
    /// If the disk refuses. Nothing is lost yet: what was not written stays in memory, up to 32 MiB, and the next call
    /// tries again in a new segment.
    pub fn sync(&mut self) -> Result<(), SpoolError> {
        self.writer.flush()?;
        self.writer.retire(self.last_time);
        Ok(())
    }

    /// A handle to read and acknowledge, for any thread.
    pub fn reader(&self) -> SpoolReader {
        SpoolReader::new(Arc::clone(&self.writer.shared))
    }

    /// How it stands.
    pub fn status(&self) -> Status {
        self.writer.shared.status()
    }

    /// Will the next append tell that this number is lost?
    #[cfg(test)]
    pub(crate) fn is_about_to_tell(&self, number: u64) -> bool {
        self.writer.shared.state().untold.touches(number, number)
    }

    /// Syncs, and marks this life as ended in order: the next [`Recovery::clean_stop`] is `true`.
    ///
    /// # Errors
    /// If the disk refuses; then what was not synced is lost.
    pub fn close(mut self) -> Result<(), SpoolError> {
        self.sync()?;
        let shared = &self.writer.shared;
        let disk = shared.disk.as_ref();
        let acknowledged = shared.state().acknowledged;
        write_number(disk, shared.seal, ACKNOWLEDGED, acknowledged).map_err(refused(
            disk,
            "write",
            ACKNOWLEDGED,
        ))?;
        write_number(disk, shared.seal, CLEAN, self.writer.after).map_err(refused(disk, "write", CLEAN))
    }
}

/// Reads the identity, or draws one for an empty folder.
fn identity(disk: &dyn Disk) -> Result<SpoolId, SpoolError> {
    if let Some(id) = read_identity(disk)? {
        return Ok(id);
    }
    let names = disk.list().map_err(refused(disk, "list", ""))?;
    if names.iter().any(|name| segment_number(name).is_some()) {
        return Err(SpoolError::IdentityLost { path: disk.path("") });
    }
    let mut bytes = [0; 16];
    let drawn = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
    drawn.map_err(|error| refused(disk, "draw an identity for", "")(error.into()))?;
    let id = SpoolId::from_bytes(bytes);
    write_identity(disk, id)?;
    // There from the first day, so that a missing one is known to be spoiled and says nothing about what was dropped.
    write_number(disk, Seal::of(id), ACKNOWLEDGED, 0).map_err(refused(disk, "write", ACKNOWLEDGED))?;
    Ok(id)
}

/// Writes the newest segment anew, unless the life before ended in order: what is read of it may be in the memory of the
/// kernel alone, even after an fsync if an earlier one failed. Readers will see it, and it must not vanish after that.
fn secure(disk: &dyn Disk, newest: &Segment) -> Result<(), SpoolError> {
    let name = newest.name();
    let file = disk.open(&name).map_err(refused(disk, "open", &name))?;
    let bytes = read_whole(file.as_ref(), MAX_SEGMENT_BYTES).map_err(refused(disk, "read", &name))?;
    let Err(error) = disk.replace(&name, &bytes) else { return Ok(()) };
    tracing::debug!(%error, "no room to secure the newest segment, the reserve is given up");
    if let Err(error) = disk.remove(RESERVE).and_then(|()| disk.replace(&name, &bytes)) {
        tracing::warn!(%error, segment = name, "cannot write the newest segment anew, a power cut may cost its end");
    }
    Ok(())
}

/// Takes away the mark of an orderly end, which is not the end any more.
fn unmark(disk: &dyn Disk) -> Result<(), SpoolError> {
    match disk.remove(CLEAN) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(refused(disk, "remove", CLEAN)(error)),
        _ => disk.sync_names().map_err(refused(disk, "sync", "")),
    }
}

/// How the spool in folder `dir` stands, without opening it: also while another process writes it. What only that process
/// knows is not there: `trouble`, and what it has lost since it opened the spool.
///
/// # Errors
/// If the folder cannot be read or holds no spool.
pub fn inspect(dir: &Path) -> Result<Status, SpoolError> {
    let failed = |source| SpoolError::Disk { action: "open", path: dir.to_owned(), source };
    let disk = Folder::look(dir).map_err(failed)?;
    let id = read_identity(&disk)?.ok_or_else(|| SpoolError::IdentityLost { path: dir.to_owned() })?;
    let Survey { segments, acknowledged, after, recovery, .. } = survey(&disk, Seal::of(id))?;
    let lost_records = recovery.lost.iter().map(Lost::count).sum();
    let state = State { segments, acknowledged, lost_records, ..State::default() };
    Ok(Shared::new(Arc::new(disk), id, state, after.max(acknowledged)).status())
}
