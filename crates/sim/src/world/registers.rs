//! The registers of a Modbus device.

use profile::{Amount as Value, IdentitySource, ModbusReading, Profile};

use crate::server::ILLEGAL_ADDRESS;

/// Text that a simulated device gives as its name.
const NAME: &str = "Wattwacht Simulator";

/// The registers of a Modbus device.
#[derive(Debug)]
pub(crate) struct Registers {
    /// By function and register; sums after their terms, so that they have the last word.
    readings: Vec<ModbusReading>,
    /// Registers that always hold the same: signatures and names. By function and first register.
    fixed: Vec<(u8, u16, Vec<u16>)>,
}

impl Registers {
    pub(crate) fn new(readings: &[ModbusReading], profile: Option<&Profile>) -> Self {
        let mut readings = readings.to_vec();
        let mut fixed = profile.map(fixed).unwrap_or_default();
        // A device that describes itself has its readings where its chain says.
        let sunspec = profile.and_then(Profile::sunspec);
        if let Some((sunspec, chain)) =
            sunspec.and_then(|sunspec| sunspec.example().map(|chain| (sunspec, chain)))
        {
            readings.extend(sunspec.readings(chain.models()));
            fixed.extend(chain.words().into_iter().map(|(at, words)| (3, at, words.to_vec())));
        }
        readings.sort_by_key(|one| (one.function.code(), one.terms > 1, one.register));
        Self { readings, fixed }
    }

    /// What is read, in the order of functions and registers.
    pub(crate) fn readings(&self) -> &[ModbusReading] {
        &self.readings
    }

    /// Registers of a range. Those between values are 0, as in most devices; a range in which there is no value at all
    /// is refused.
    pub(crate) fn read(
        &self,
        function: u8,
        (start, count): (u16, u16),
        mut show: impl FnMut(&ModbusReading) -> Option<Value>,
    ) -> Result<Vec<u16>, u8> {
        let mut words = vec![0; usize::from(count)];
        let mut touched = false;
        for (_, register, fixed) in self.fixed.iter().filter(|one| one.0 == function) {
            let whole: Vec<(u16, u16)> = fixed.iter().map(|word| (u16::MAX, *word)).collect();
            touched |= place(&mut words, start, *register, &whole);
        }
        let end = u32::from(start) + u32::from(count);
        let here = self.readings.iter().filter(|one| {
            let (first, after) = one.span();
            one.function.code() == function && u32::from(first) < end && after > u32::from(start)
        });
        for reading in here {
            touched = true;
            if let Some(shown) = Self::encode(reading, show(reading)) {
                for patch in reading.patches(&shown) {
                    place(&mut words, start, patch.register, &patch.words);
                }
            }
        }
        if touched { Ok(words) } else { Err(ILLEGAL_ADDRESS) }
    }

    /// What does not fit or is not there is shown as the device says "no value"; `None` if it cannot say so.
    pub(crate) fn encode(reading: &ModbusReading, value: Option<Value>) -> Option<Vec<u16>> {
        value.and_then(|value| reading.encode(value).ok()).or_else(|| reading.encode_missing())
    }
}

/// Puts `words`, each with a mask of the bits that are meant, from `register` on into a range that begins at `start`.
/// Did any fall inside?
fn place(range: &mut [u16], start: u16, register: u16, words: &[(u16, u16)]) -> bool {
    let mut any = false;
    for (n, (mask, word)) in words.iter().enumerate() {
        let at = usize::from(register) + n;
        if let Some(slot) = at.checked_sub(usize::from(start)).and_then(|at| range.get_mut(at)) {
            *slot = (*slot & !mask) | (word & mask);
            any = true;
        }
    }
    any
}

fn fixed(profile: &Profile) -> Vec<(u8, u16, Vec<u16>)> {
    let signatures = profile
        .identification
        .signatures
        .iter()
        .map(|one| (one.function.code(), one.register, one.words.clone()));
    let identity = &profile.identity;
    let names = [
        (&identity.maker, profile.maker.as_str()),
        (&identity.model, profile.model.as_str()),
        (&identity.serial, NAME),
        (&identity.firmware, NAME),
    ];
    let named = names.into_iter().filter_map(|(source, text)| match source {
        Some(IdentitySource::Registers { function, register, count }) => {
            Some((function.code(), *register, text_words(text, *count)))
        }
        _ => None,
    });
    // What a device is recognised by has the last word over what it is called.
    named.chain(signatures).collect()
}

fn text_words(text: &str, count: u16) -> Vec<u16> {
    let mut bytes = text.bytes();
    let mut next = || bytes.next().unwrap_or(0);
    (0..count).map(|_| u16::from_be_bytes([next(), next()])).collect()
}
