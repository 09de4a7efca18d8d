//! Learning what a device has: scalars by get, columns by get-bulk, several columns in one packet.
//!
//! A plain state machine: it says what to ask next and takes what came; it knows no socket and no clock.

use profile::{Oid, SnmpValue, VarBinds};

use super::answer::{Answer, ErrorStatus};
use super::request::{Packet, Read};

/// Objects in one get of a scalar; answers stay well below the 1472 bytes that fit into one Ethernet frame.
pub const GET_OBJECTS_MAX: usize = 32;
/// Columns that are walked in one packet.
const COLUMNS_MAX: usize = 8;
/// Objects that one answer to a get-bulk may hold: 48 objects of some 28 bytes fit into one Ethernet frame.
const BULK_OBJECTS: usize = 48;
/// More objects than this of one device are not taken: a full row of racks behind one card has some thousand.
const OBJECTS_MAX: usize = 20_000;

/// What to do next.
#[derive(Debug)]
pub enum Step {
    /// Ask this.
    Ask(Packet),
    /// All is known.
    Done(VarBinds),
}

/// Why a device cannot be learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WalkError {
    /// A get-bulk went backwards: it would never end.
    #[error("objects do not increase")]
    NotIncreasing,
    /// An answer held something else than was asked for.
    #[error("other objects answered than were asked for")]
    OtherObjects,
    /// The device refused.
    #[error("error status {0}")]
    Refused(u32),
    /// Not even a single object fits into a packet of the device.
    #[error("a single object is too big for the device")]
    TooBig,
    /// The device has more than is taken of any.
    #[error("more than {OBJECTS_MAX} objects")]
    TooMany,
}

/// A walk under way.
#[derive(Debug, Clone)]
pub struct Walk {
    scalars: Vec<Oid>,
    /// Column, and the last object of it that is known.
    columns: Vec<(Oid, Oid)>,
    asked: Asked,
    /// Objects in one packet; halved when the device says that it is too big.
    objects: usize,
    found: VarBinds,
}

#[derive(Debug, Clone)]
enum Asked {
    Nothing,
    Scalars(usize),
    Columns(usize),
}

impl Walk {
    /// A walk over scalars (with their `.0`) and columns (without index).
    pub fn new(scalars: Vec<Oid>, columns: Vec<Oid>) -> Self {
        let columns = columns.into_iter().map(|column| (column.clone(), column)).collect();
        Self { scalars, columns, asked: Asked::Nothing, objects: BULK_OBJECTS, found: VarBinds::new() }
    }

    /// What to ask first, or again after no answer came.
    pub fn ask(&mut self, community: &[u8]) -> Step {
        if !self.scalars.is_empty() {
            let count = self.scalars.len().min(GET_OBJECTS_MAX).min(self.objects);
            self.asked = Asked::Scalars(count);
            return Step::Ask(Packet::new(community, Read::Get, self.scalars.iter().take(count)));
        }
        if !self.columns.is_empty() {
            let count = self.columns.len().min(COLUMNS_MAX).min(self.objects);
            self.asked = Asked::Columns(count);
            let repetitions = u8::try_from(self.objects / count).unwrap_or(1).max(1);
            let from = self.columns.iter().take(count).map(|(_, last)| last);
            return Step::Ask(Packet::new(community, Read::GetBulk(repetitions), from));
        }
        Step::Done(std::mem::take(&mut self.found))
    }

    /// Is there nothing more to ask?
    pub const fn is_done(&self) -> bool {
        self.scalars.is_empty() && self.columns.is_empty()
    }

    /// Takes the answer to what was asked last.
    ///
    /// # Errors
    /// If the device cannot be learned this way.
    pub fn take(&mut self, answer: &Answer<'_>) -> Result<(), WalkError> {
        match answer.status {
            ErrorStatus::Good => {}
            ErrorStatus::TooBig if self.objects > 1 => {
                self.objects /= 2;
                return Ok(());
            }
            ErrorStatus::TooBig => return Err(WalkError::TooBig),
            ErrorStatus::Other(status) => return Err(WalkError::Refused(status)),
        }
        match std::mem::replace(&mut self.asked, Asked::Nothing) {
            Asked::Nothing => Ok(()),
            Asked::Scalars(count) => self.take_scalars(count, answer.objects()),
            Asked::Columns(count) => self.take_columns(count, answer.objects()),
        }?;
        if self.found.len() > OBJECTS_MAX { Err(WalkError::TooMany) } else { Ok(()) }
    }

    /// A cut answer is taken as far as it goes; the rest is asked again.
    fn take_scalars(&mut self, count: usize, objects: Vec<(Oid, SnmpValue)>) -> Result<(), WalkError> {
        let came = objects.len().min(count);
        let fit = objects.iter().zip(&self.scalars).all(|((came, _), asked)| came == asked);
        if came == 0 || !fit {
            return Err(WalkError::OtherObjects);
        }
        self.scalars.drain(..came);
        self.found.extend(objects.into_iter().take(came).filter(|(_, value)| value.exists()));
        Ok(())
    }

    fn take_columns(&mut self, count: usize, objects: Vec<(Oid, SnmpValue)>) -> Result<(), WalkError> {
        if objects.is_empty() {
            return Err(WalkError::OtherObjects);
        }
        let mut done = vec![false; count];
        for (n, (oid, value)) in objects.into_iter().enumerate() {
            let place = n % count;
            let (Some((column, last)), Some(done)) = (self.columns.get_mut(place), done.get_mut(place))
            else {
                continue;
            };
            if *done {
                continue;
            }
            if !value.exists() || !oid.starts_with(column) {
                *done = true;
                continue;
            }
            if oid <= *last {
                return Err(WalkError::NotIncreasing);
            }
            *last = oid.clone();
            self.found.insert(oid, value);
        }
        let mut place = 0;
        self.columns.retain(|_| {
            place += 1;
            !done.get(place - 1).copied().unwrap_or(false)
        });
        // Columns that go on take their turn behind the others.
        let going_on = count - done.iter().filter(|done| **done).count();
        let places = going_on.min(self.columns.len());
        self.columns.rotate_left(places);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
