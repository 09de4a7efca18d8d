//! SunSpec: a device describes itself as a chain of models, so that its registers are found and not written down.
//!
//! A device has "SunS" at one of a few places, then blocks of a model's number, its length, and so many words; 0xFFFF
//! ends the chain (SunSpec Device Information Model Specification V1.0, 6.2 to 6.4). A profile says by offsets from the
//! model's number what is read from which model. [`Survey`] walks the chain: it says what to ask next and is told what
//! came; it does not talk to anybody itself.
//!
//! Invariants: a survey ends after a bounded number of questions whatever the device answers, and no reading lies
//! outside the model that the device says is there.

use model::Channel;
use settings::Table;

use crate::modbus::{Defaults, model_readings};
use crate::{Function, Identity, IdentitySource, Limits, ModbusReading};

/// "SunS", what stands before the first model.
const MARK: [u16; 2] = [0x5375, 0x6E53];
/// Where the mark may stand, the likeliest first (the same specification, 6.2).
const BASES: [u16; 3] = [40_000, 50_000, 0];
/// The number that ends a chain.
const END: u16 = 0xFFFF;
/// The model in which a device says who it is.
const COMMON: u16 = 1;
/// More models than this have not been seen in one device, and each costs a request.
const MODELS_MAX: usize = 64;
/// The longest model that is believed, in words; the longest of the standard have a few hundred.
const LENGTH_MAX: u16 = 4096;
/// Words of the common model, the padding at its end included.
const COMMON_LENGTH: u16 = 66;
/// Words before the points of a model: its number and its length.
const HEADER: u16 = 2;

/// What a profile reads from which models.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SunSpecProfile {
    /// Places to look for the mark, in this order.
    pub bases: Vec<u16>,
    /// What is read from a model, the preferred first.
    pub models: Vec<SunSpecModel>,
}

/// What is read from a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SunSpecModel {
    /// Numbers of the models that are laid out like this.
    pub ids: Vec<u16>,
    /// Words after the length, as the standard has it.
    pub length: u16,
    /// What is read; `register` and `scale_register` count from the model's number.
    pub readings: Vec<ModbusReading>,
}

/// A model that a device has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FoundModel {
    /// Its number.
    pub id: u16,
    /// Address of its number.
    pub address: u16,
    /// Words after the length.
    pub length: u16,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Ask for these registers, then [`Survey::take`] or [`Survey::refused`].
    Ask {
        /// By which function.
        function: Function,
        /// First address.
        address: u16,
        /// How many.
        count: u16,
    },
    /// The chain is known; this is what the profile reads from it. Empty if the device has none of its models.
    Found(Vec<ModbusReading>),
    /// The device has no chain.
    NotSunSpec,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Base(usize),
    Model(u16),
    End,
    Nowhere,
}

/// A walk along the chain of a device.
#[derive(Debug, Clone)]
pub struct Survey<'p> {
    profile: &'p SunSpecProfile,
    at: At,
    models: Vec<FoundModel>,
}

impl<'p> Survey<'p> {
    /// A walk that has not begun.
    pub const fn new(profile: &'p SunSpecProfile) -> Self {
        Self { profile, at: At::Base(0), models: Vec::new() }
    }

    /// What to do next. The same until the answer has been given.
    pub fn next(&self) -> Step {
        let ask = |address| Step::Ask { function: Function::Holding, address, count: 2 };
        match self.at {
            At::Base(n) => self.profile.bases.get(n).map_or(Step::NotSunSpec, |base| ask(*base)),
            At::Model(address) => ask(address),
            At::End => Step::Found(self.profile.readings(&self.models)),
            At::Nowhere => Step::NotSunSpec,
        }
    }

    /// These registers came.
    pub fn take(&mut self, words: &[u16]) {
        let &[first, second, ..] = words else { return self.refused() };
        match self.at {
            At::Base(n) if [first, second] == MARK => {
                let after = self.profile.bases.get(n).and_then(|base| base.checked_add(HEADER));
                self.at = after.map_or(At::Nowhere, At::Model);
            }
            At::Base(n) => self.at = At::Base(n + 1),
            At::Model(address) => self.model(FoundModel { id: first, address, length: second }),
            At::End | At::Nowhere => {}
        }
    }

    /// The device refused, or gave no usable answer. Behind the mark that ends the chain.
    pub fn refused(&mut self) {
        match self.at {
            At::Base(n) => self.at = At::Base(n + 1),
            At::Model(_) => self.at = At::End,
            At::End | At::Nowhere => {}
        }
    }

    /// The models that were found so far.
    pub fn models(&self) -> &[FoundModel] {
        &self.models
    }

    fn model(&mut self, found: FoundModel) {
        let after = found.address.checked_add(HEADER).and_then(|at| at.checked_add(found.length));
        let believed = found.id != END && found.length <= LENGTH_MAX && self.models.len() < MODELS_MAX;
        self.at = match after.filter(|_| believed) {
            Some(after) => {
                self.models.push(found);
                At::Model(after)
            }
            None => At::End,
        };
    }
}

/// The registers of a chain that hold still, as a device shows them: for the simulator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    base: u16,
    models: Vec<FoundModel>,
}

impl Chain {
    /// The common model and these, each with its number and length, behind a mark at `base`; `None` if they do not fit
    /// below register 65536.
    pub fn new(base: u16, models: &[(u16, u16)]) -> Option<Self> {
        let mut address = base.checked_add(HEADER)?;
        let mut all = Vec::with_capacity(models.len() + 1);
        for (id, length) in [(COMMON, COMMON_LENGTH)].into_iter().chain(models.iter().copied()) {
            all.push(FoundModel { id, address, length });
            address = address.checked_add(HEADER)?.checked_add(length)?;
        }
        address.checked_add(1)?;
        Some(Self { base, models: all })
    }

    /// Its models, the common one first.
    pub fn models(&self) -> &[FoundModel] {
        &self.models
    }

    /// Mark, numbers and lengths, end: addresses and what stands there.
    pub fn words(&self) -> Vec<(u16, [u16; 2])> {
        let end =
            self.models.last().map_or(self.base, |last| last.address + last.length).saturating_add(HEADER);
        let headers = self.models.iter().map(|model| (model.address, [model.id, model.length]));
        [(self.base, MARK)].into_iter().chain(headers).chain([(end, [END, 0])]).collect()
    }
}

impl FoundModel {
    /// Where a device says who it is, if this is the common model: maker +2, model +18, version +42, serial +50.
    pub fn identity(&self) -> Option<Identity> {
        let text = |offset: u16, count| {
            let register = self.address.checked_add(offset)?;
            let inside = offset + count <= self.length.saturating_add(HEADER);
            let function = Function::Holding;
            inside.then_some(IdentitySource::Registers { function, register, count })
        };
        (self.id == COMMON).then(|| Identity {
            maker: text(2, 16),
            model: text(18, 16),
            firmware: text(42, 8),
            serial: text(50, 16),
            clock: None,
        })
    }
}

impl SunSpecProfile {
    /// What this profile reads from a device with these models. Of two readings of the same quantity at the same channel
    /// the first counts; a model that comes again is a further unit, whose channels begin with `unit.2.`.
    pub fn readings(&self, models: &[FoundModel]) -> Vec<ModbusReading> {
        let mut all: Vec<ModbusReading> = Vec::new();
        for (n, found) in models.iter().copied().enumerate() {
            let unit = 1 + models.iter().take(n).filter(|earlier| earlier.id == found.id).count();
            let Some(layout) = self.models.iter().find(|layout| layout.ids.contains(&found.id)) else {
                continue;
            };
            for reading in layout.readings.iter().filter_map(|reading| placed(reading, found, unit)) {
                if !all.iter().any(|one| (one.quantity, &one.channel) == (reading.quantity, &reading.channel))
                {
                    all.push(reading);
                }
            }
        }
        all
    }

    /// A chain as a device of this profile may have it, with the model that gives most.
    pub fn example(&self) -> Option<Chain> {
        let model = self.models.iter().max_by_key(|model| model.readings.len())?;
        Chain::new(*self.bases.first()?, &[(*model.ids.first()?, model.length)])
    }

    /// The table `[sunspec]`.
    pub(crate) fn from_table(table: &Table<'_>, defaults: &Defaults, limits: &Limits) -> Self {
        let bases: Vec<u16> = numbers(table, "bases");
        let models = table.tables("model", |table| model(table, (defaults, limits)));
        if models.is_empty() && !table.has("model") {
            table.mistake("", "names no model: `[[sunspec.model]]` is missing");
        }
        for (n, id) in models.iter().enumerate().flat_map(|(n, one)| one.ids.iter().map(move |id| (n, id))) {
            if models.iter().take(n).any(|earlier| earlier.ids.contains(id)) {
                table.mistake("model", format_args!("model {id} is described twice"));
            }
        }
        Self { bases: if bases.is_empty() { BASES.to_vec() } else { bases }, models }
    }
}

/// A reading at its place in a device; `None` if the device's model is too short for it.
fn placed(reading: &ModbusReading, found: FoundModel, unit: usize) -> Option<ModbusReading> {
    let (_, end) = reading.span();
    if end > u32::from(found.length) + u32::from(HEADER) {
        return None;
    }
    let mut reading = reading.clone();
    reading.register = reading.register.checked_add(found.address)?;
    reading.scale_register = match reading.scale_register {
        Some(factor) => Some(factor.checked_add(found.address)?),
        None => None,
    };
    if unit > 1 {
        reading.channel = Channel::new(&format!("unit.{unit}.{}", reading.channel)).ok()?;
    }
    Some(reading)
}

/// `{ ids = [203], length = 105, reading = [..] }`.
fn model(table: &Table<'_>, usual: (&Defaults, &Limits)) -> Option<SunSpecModel> {
    let ids = numbers(table, "ids");
    if ids.is_empty() {
        table.mistake("ids", "1 or more numbers of models are expected");
    }
    let length =
        table.integer("length", 1..=i64::from(LENGTH_MAX)).and_then(|length| u16::try_from(length).ok());
    let end = length.map_or(u32::MAX, |length| u32::from(length) + u32::from(HEADER));
    let readings = model_readings(table, usual, u32::from(HEADER)..end);
    Some(SunSpecModel { ids, length: length?, readings })
}

fn numbers(table: &Table<'_>, key: &str) -> Vec<u16> {
    let found = table.integers(key);
    let numbers: Vec<u16> = found.iter().filter_map(|number| u16::try_from(*number).ok()).collect();
    if numbers.len() != found.len() {
        table.mistake(key, "numbers from 0 to 65535 are expected");
    }
    numbers
}
