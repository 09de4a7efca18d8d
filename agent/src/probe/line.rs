//! A Modbus bus that is asked one question at a time, with a rest between the questions.

use std::io;
use std::time::Duration;

use profile::{Function, IdentitySource};

use super::{Patience, ProbeError};
use crate::modbus::{Access, Ask, Bus, Session, SessionError};

/// Rest after each answer: a probe is in no hurry, and somebody else may be talking to the device.
const REST: Duration = Duration::from_millis(5);

/// A bus with one of its units.
#[derive(Debug)]
pub(super) struct Line<'p> {
    session: Session,
    patience: &'p dyn Patience,
    timeout: Duration,
    rest: Duration,
    /// Who is asked.
    pub(super) unit: u8,
    /// Has this unit ever answered?
    pub(super) heard: bool,
}

impl<'p> Line<'p> {
    /// Connects.
    pub(super) fn open(
        bus: &Bus,
        unit: u8,
        timeout: Duration,
        patience: &'p dyn Patience,
    ) -> Result<Self, ProbeError> {
        let reach = |source| ProbeError::Reach { endpoint: place(bus), source };
        let mut session = Session::new(bus, timeout).map_err(reach)?;
        match session.connect() {
            Ok(()) => Ok(Self { session, patience, timeout, rest: REST, unit, heard: false }),
            Err(SessionError::Reach { source, .. }) => Err(reach(source)),
            Err(other) => Err(reach(io::Error::other(other))),
        }
    }

    /// Rests so long from now on, if that is longer than a probe rests anyway.
    pub(super) fn rest_at_least(&mut self, rest: Duration) {
        self.rest = self.rest.max(rest);
    }

    /// The bus.
    pub(super) const fn bus(&self) -> &Bus {
        self.session.bus()
    }

    /// Turns to another unit of the bus, of which nothing was heard yet.
    pub(super) const fn turn_to(&mut self, unit: u8) {
        self.unit = unit;
        self.heard = false;
    }

    /// Reads registers, bits or records of a file.
    pub(super) fn read(
        &mut self,
        (function, file): (Function, u16),
        address: u16,
        count: u16,
    ) -> Result<Vec<u16>, SessionError> {
        let ask = Ask::Read { function, file, address, count };
        let answer = self.session.read(self.unit, ask);
        self.note(&answer);
        answer
    }

    /// The objects by which a unit says who it is, function 43/14, as number and text; basic ones, or all regular ones
    /// where the unit has them.
    pub(super) fn identification(&mut self) -> Result<Vec<(u8, String)>, SessionError> {
        let answer = match self.session.identify(self.unit, Access::Regular) {
            Err(SessionError::Exception { .. }) => self.session.identify(self.unit, Access::Basic),
            other => other,
        };
        self.note(&answer);
        let found = answer?;
        Ok((0..=6).filter_map(|object| found.text(object).map(|text| (object, text))).collect())
    }

    /// Does the unit answer anything at all? One register is asked; to refuse it is an answer.
    pub(super) fn ping(&mut self) -> Result<Vec<u16>, SessionError> {
        self.read((Function::Holding, 0), 0, 1)
    }

    /// The text in registers.
    pub(super) fn text(&mut self, source: &IdentitySource) -> Option<String> {
        match source {
            IdentitySource::Registers { function, register, count } => {
                IdentitySource::text(&self.read((*function, 0), *register, *count).ok()?)
            }
            IdentitySource::Object(_) | IdentitySource::Word { .. } => None,
        }
    }

    /// That the unit is silent, and who is not: units 1, 255 and 0, which devices and gateways have by default, are
    /// asked once each.
    pub(super) fn silent(&mut self) -> ProbeError {
        const USUAL: [u8; 3] = [1, 255, 0];
        let asked = self.unit;
        let bus = self.bus().clone();
        let others = USUAL.into_iter().filter(|unit| *unit != asked && bus.units().contains(unit));
        let (mut answering, mut tried) = (Vec::new(), Vec::new());
        for unit in others {
            self.turn_to(unit);
            let answers = match self.ping() {
                Ok(_) => true,
                Err(error) => error.is_answer(),
            };
            if answers { answering.push(unit) } else { tried.push(unit) }
        }
        self.turn_to(asked);
        ProbeError::Unit { endpoint: bus.to_string(), unit: asked, timeout: self.timeout, answering, tried }
    }

    fn note<T>(&mut self, answer: &Result<T, SessionError>) {
        self.heard |= match answer {
            Ok(_) => true,
            Err(error) => error.is_answer(),
        };
        self.patience.wait(self.rest);
    }
}

/// `host:port`, or the serial port.
fn place(bus: &Bus) -> String {
    match (bus.endpoint(), bus.line()) {
        (Some(endpoint), _) => endpoint.to_owned(),
        (None, Some(line)) => line.path.display().to_string(),
        (None, None) => bus.to_string(),
    }
}
