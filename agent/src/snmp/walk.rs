//! Learning what a device has: scalars by get, columns by get-bulk, several columns in one packet, as fast as the device
//! bears it.
//!
//! A plain state machine: it says what to ask next and takes what came; it knows no socket and no clock. It comes to an
//! end whatever the device answers: every answer brings new objects, ends a column, drops an object, or makes the next
//! question smaller.

use profile::{Oid, SnmpValue, VarBinds};

use super::answer::{Answer, ErrorStatus};
use super::credentials::Credentials;
use super::request::{Packet, Read};

/// Objects in one get, at most: no device is known to bear more (gosnmp's limit is the same).
pub const GET_OBJECTS_MAX: usize = 60;
/// Objects in one get of a walk: the answers, whose sizes are not known yet, stay well below one Ethernet frame.
const SCALARS_AT_ONCE: usize = 32;
/// Columns that are walked in one packet.
const COLUMNS_MAX: usize = 8;
/// Objects that one answer to a get-bulk may hold: 48 objects of some 28 bytes fit into one Ethernet frame.
const BULK_OBJECTS: usize = 48;
/// Repetitions to begin with: devices are known that skip rows when asked for many, and none that does at ten.
const REPETITIONS_FIRST: usize = 10;
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
    /// An answer held something else than was asked for.
    #[error("other objects answered than were asked for")]
    OtherObjects,
    /// The device refused whatever was asked.
    #[error("error status {0}")]
    Refused(u32),
    /// Not even a single object fits into a packet of the device.
    #[error("a single object is too big for the device")]
    TooBig,
    /// The device has more than is taken of any.
    #[error("more than {OBJECTS_MAX} objects")]
    TooMany,
}

/// How many rows a device bears in one answer; worth keeping from one walk to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    repetitions: usize,
    /// What it did not bear lies above this.
    ceiling: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self { repetitions: REPETITIONS_FIRST, ceiling: BULK_OBJECTS }
    }
}

impl Pace {
    /// The pace for the next walk, which tries a little more again.
    #[must_use]
    pub fn eased(self) -> Self {
        Self { ceiling: (self.ceiling + self.ceiling.div_ceil(4)).min(BULK_OBJECTS), ..self }
    }

    fn slower(&mut self, borne: usize) {
        self.ceiling = borne.max(1);
        self.repetitions = self.repetitions.min(self.ceiling);
    }

    fn faster(&mut self) {
        self.repetitions = (self.repetitions + self.repetitions.div_ceil(2)).min(self.ceiling);
    }
}

/// A walk under way.
#[derive(Debug, Clone)]
pub struct Walk {
    scalars: Vec<Oid>,
    /// Column, and the last object of it that is known.
    columns: Vec<(Oid, Oid)>,
    asked: Asked,
    /// Objects in one get or get-next.
    objects: usize,
    pace: Pace,
    /// Does the device know get-bulk, as far as is known?
    is_bulk_known: Option<bool>,
    silences: u8,
    refused: Option<u32>,
    looped: Vec<Oid>,
    found: VarBinds,
}

#[derive(Debug, Clone, Copy)]
enum Asked {
    Nothing,
    Scalars(usize),
    /// Columns and repetitions.
    Bulk(usize, usize),
    /// Columns, by get-next.
    Next(usize),
}

impl Walk {
    /// A walk over scalars (with their `.0`) and columns (without index).
    pub fn new(scalars: Vec<Oid>, columns: Vec<Oid>) -> Self {
        Self {
            scalars,
            columns: columns.into_iter().map(|column| (column.clone(), column)).collect(),
            asked: Asked::Nothing,
            objects: BULK_OBJECTS,
            pace: Pace::default(),
            is_bulk_known: None,
            silences: 0,
            refused: None,
            looped: Vec::new(),
            found: VarBinds::new(),
        }
    }

    /// The walk, at the pace that an earlier one found.
    #[must_use]
    pub fn at_pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    /// What the device bears, as far as this walk found out.
    pub const fn pace(&self) -> Pace {
        self.pace
    }

    /// Columns in which the device went in circles; what it said before it did is kept.
    pub fn looped(&self) -> &[Oid] {
        &self.looped
    }

    /// What to ask first, or again after no answer came.
    pub fn ask(&mut self, credentials: &Credentials) -> Step {
        if !self.scalars.is_empty() {
            let count = self.scalars.len().min(SCALARS_AT_ONCE).min(self.objects);
            self.asked = Asked::Scalars(count);
            return Step::Ask(Packet::new(credentials, Read::Get, self.scalars.iter().take(count)));
        }
        if self.columns.is_empty() {
            return Step::Done(std::mem::take(&mut self.found));
        }
        let count = self.columns.len().min(COLUMNS_MAX).min(self.objects);
        let from = self.columns.iter().take(count).map(|(_, last)| last);
        if self.is_bulk_known == Some(false) || !credentials.knows_bulk() {
            self.asked = Asked::Next(count);
            return Step::Ask(Packet::new(credentials, Read::GetNext, from));
        }
        let repetitions = self.pace.repetitions.min(BULK_OBJECTS / count).max(1);
        self.asked = Asked::Bulk(count, repetitions);
        Step::Ask(Packet::new(credentials, Read::GetBulk(u8::try_from(repetitions).unwrap_or(1)), from))
    }

    /// Is there nothing more to ask?
    pub const fn is_done(&self) -> bool {
        self.scalars.is_empty() && self.columns.is_empty()
    }

    /// Can less be asked than was asked last?
    pub const fn can_ask_less(&self) -> bool {
        match self.asked {
            Asked::Nothing => false,
            Asked::Scalars(count) | Asked::Next(count) => count > 1,
            Asked::Bulk(..) => true,
        }
    }

    /// No answer came: the next question is smaller, in case this one was too big for the device.
    pub fn silent(&mut self) {
        self.silences = self.silences.saturating_add(1);
        match self.asked {
            Asked::Nothing => {}
            Asked::Scalars(count) | Asked::Next(count) => self.objects = (count / 2).max(1),
            Asked::Bulk(_, repetitions) => {
                let never_answered = self.is_bulk_known.is_none() && self.silences >= 2;
                if repetitions == 1 || never_answered {
                    self.is_bulk_known = Some(false);
                }
                self.pace.slower(repetitions / 2);
            }
        }
    }

    /// Takes the answer to what was asked last.
    ///
    /// # Errors
    /// If the device cannot be learned this way.
    pub fn take(&mut self, answer: &Answer<'_>) -> Result<(), WalkError> {
        self.silences = 0;
        let asked = std::mem::replace(&mut self.asked, Asked::Nothing);
        match answer.status {
            ErrorStatus::Good => self.take_objects(asked, answer.objects())?,
            ErrorStatus::TooBig => self.too_big(asked)?,
            ErrorStatus::NoSuchName => self.without(asked, answer.index),
            ErrorStatus::Other(status) => {
                self.refused = Some(status);
                self.without(asked, answer.index);
            }
        }
        match self.refused {
            Some(status) if self.is_done() && self.found.is_empty() => Err(WalkError::Refused(status)),
            _ if self.found.len() > OBJECTS_MAX => Err(WalkError::TooMany),
            _ => Ok(()),
        }
    }

    fn take_objects(&mut self, asked: Asked, objects: Vec<(Oid, SnmpValue)>) -> Result<(), WalkError> {
        match asked {
            Asked::Nothing => Ok(()),
            Asked::Scalars(count) => self.take_scalars(count, objects),
            Asked::Bulk(count, repetitions) => self.take_rows((count, repetitions), objects),
            Asked::Next(count) => self.take_rows((count, 1), objects),
        }
    }

    fn too_big(&mut self, asked: Asked) -> Result<(), WalkError> {
        match asked {
            Asked::Bulk(_, repetitions) if repetitions > 1 => self.pace.slower(repetitions / 2),
            Asked::Scalars(count) | Asked::Next(count) | Asked::Bulk(count, _) if count > 1 => {
                self.objects = count / 2;
            }
            _ => return Err(WalkError::TooBig),
        }
        Ok(())
    }

    /// The device refuses because of the object at `index`, counted from 1: it is left out. If it does not say which one
    /// it is, they are asked one by one.
    fn without(&mut self, asked: Asked, index: u32) {
        let count = match asked {
            Asked::Nothing => return,
            Asked::Bulk(..) => {
                // Who knows get-bulk never refuses one for what is not there.
                self.is_bulk_known = Some(false);
                return;
            }
            Asked::Scalars(count) | Asked::Next(count) => count,
        };
        let named = usize::try_from(index).ok().and_then(|index| index.checked_sub(1));
        let Some(place) = named.filter(|place| *place < count).or((count == 1).then_some(0)) else {
            self.objects = 1;
            return;
        };
        if matches!(asked, Asked::Scalars(_)) {
            self.scalars.remove(place);
        } else {
            self.columns.remove(place);
        }
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

    fn take_rows(
        &mut self,
        (count, repetitions): (usize, usize),
        objects: Vec<(Oid, SnmpValue)>,
    ) -> Result<(), WalkError> {
        let came = objects.len().min(count * repetitions);
        if came == 0 && !self.ask_otherwise(count) {
            return Err(WalkError::OtherObjects);
        }
        let mut done = vec![false; count];
        for (n, (oid, value)) in objects.into_iter().take(came).enumerate() {
            let place = n % count;
            if let Some(done) = done.get_mut(place).filter(|done| !**done) {
                *done = self.take_row(place, oid, value);
            }
        }
        self.adapt((count, repetitions), came, done.iter().all(|done| *done));
        self.go_on(count, &done);
        Ok(())
    }

    /// An empty answer: tries get-next, then single columns; `false` if there is nothing left to try.
    fn ask_otherwise(&mut self, count: usize) -> bool {
        let has_other = self.is_bulk_known != Some(false) || count > 1;
        if self.is_bulk_known == Some(false) {
            self.objects = 1;
        }
        self.is_bulk_known = Some(false);
        has_other
    }

    /// Takes the next object of a column; gives whether the column ends with it.
    fn take_row(&mut self, place: usize, oid: Oid, value: SnmpValue) -> bool {
        let Some((column, last)) = self.columns.get_mut(place) else { return true };
        if !value.exists() || !oid.starts_with(column) {
            return true;
        }
        if oid <= *last {
            self.looped.push(column.clone());
            return true;
        }
        last.clone_from(&oid);
        self.found.insert(oid, value);
        false
    }

    /// Learns from an answer how much the device bears.
    fn adapt(&mut self, (count, repetitions): (usize, usize), came: usize, all_done: bool) {
        if came == 0 {
            return;
        }
        if repetitions > 1 {
            self.is_bulk_known = Some(true);
        }
        if came < count && !all_done {
            self.objects = came;
        } else if came < count * repetitions && !all_done {
            self.pace.slower(came / count);
        } else if repetitions == self.pace.repetitions {
            self.pace.faster();
        }
    }

    /// Columns that ended go; those that go on take their turn behind the others.
    fn go_on(&mut self, count: usize, done: &[bool]) {
        let mut place = 0;
        self.columns.retain(|_| {
            place += 1;
            !done.get(place - 1).copied().unwrap_or(false)
        });
        let going_on = count - done.iter().filter(|done| **done).count();
        let places = going_on.min(self.columns.len());
        self.columns.rotate_left(places);
    }
}

#[cfg(test)]
mod tests;
