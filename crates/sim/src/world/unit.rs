//! One device at work.

use model::{Channel, Quantity, SeriesKind, SiteId, Timestamp};
use profile::{Amount as Value, Library, VarBinds};

use super::{Book, Entry, Objects, Registers, Told, WorldError};
use crate::behaviour::Behaviour;
use crate::physics::{Amount, Ledger};
use crate::site::{Device, Link, Map, Shown, Subject};

/// A device at work.
#[derive(Debug)]
pub struct Unit {
    /// Which site of the world, if any.
    pub(crate) site: Option<usize>,
    /// Id of its site.
    pub site_id: SiteId,
    /// What it is.
    pub device: Device,
    /// How it misbehaves.
    pub behaviour: Behaviour,
    pub(crate) image: Image,
    /// What it was asked, if that is written down.
    pub(super) book: Option<Book>,
}

/// What it has to show.
#[derive(Debug)]
pub(crate) enum Image {
    Registers(Registers),
    Objects(Box<Objects>),
}

impl Unit {
    pub(super) fn new(
        site: Option<usize>,
        site_id: &SiteId,
        device: Device,
        library: &Library,
    ) -> Result<Self, WorldError> {
        let image = image(&device, library)?;
        Ok(Self {
            site,
            site_id: site_id.clone(),
            device,
            behaviour: Behaviour::default(),
            image,
            book: None,
        })
    }

    /// What the device shows of a quantity at a channel. `wrap` is where a counter begins again, if that is known.
    pub(crate) fn show(
        &self,
        ledger: Option<&mut Ledger>,
        (quantity, channel): (Quantity, &Channel),
        wrap: Option<Amount>,
        now: Timestamp,
    ) -> Option<Value> {
        let mut eye = Eye { unit: self, ledger };
        let now = self.behaviour.clock(now);
        let shown = match eye.look((quantity, channel), now)? {
            Shown::Counter(amount) => Shown::Counter(eye.counted((quantity, channel), amount, wrap, now)),
            Shown::Gauge(value) => Shown::Gauge(self.on_this_side(quantity, value)),
        };
        Some(shown.value(quantity))
    }

    /// What of the main circuit's value reaches the meter behind its transformers.
    fn on_this_side(&self, quantity: Quantity, value: f64) -> f64 {
        let is_transformed = matches!(
            quantity,
            Quantity::ActivePower | Quantity::ReactivePower | Quantity::ApparentPower | Quantity::Current
        );
        if is_transformed { value / f64::from(self.device.ratio.max(1)) } else { value }
    }

    pub(super) fn registers(
        &self,
        ledger: Option<&mut Ledger>,
        function: u8,
        range: (u16, u16),
        now: Timestamp,
    ) -> Result<Vec<u16>, u8> {
        let Image::Registers(registers) = &self.image else { return Err(crate::server::NO_SUCH_UNIT) };
        let mut ledger = ledger;
        registers.read(function, range, |reading| {
            let shape = (reading.quantity, &reading.channel);
            self.show(ledger.as_deref_mut(), shape, wrap_of(&reading.shape()), now)
        })
    }

    pub(super) fn told(&mut self, told: Told, (asked, refreshed): (Timestamp, Timestamp)) {
        let Some(book) = &mut self.book else { return };
        let (shows, is_zero) = (self.behaviour.clock(refreshed), self.behaviour.is_zero());
        book.write(Entry { asked, shows, is_zero, told });
    }

    pub(super) fn objects(&mut self, ledger: Option<&mut Ledger>, now: Timestamp) -> Option<&VarBinds> {
        let Image::Objects(objects) = &self.image else { return None };
        if objects.shown_at() != Some(now) || self.behaviour.is_zero() {
            let binds = objects.encode(self, ledger, now);
            let Image::Objects(objects) = &mut self.image else { return None };
            objects.keep(now, binds);
        }
        let Image::Objects(objects) = &self.image else { return None };
        Some(objects.shown())
    }
}

/// Where a counter begins again, as an exact amount.
pub(crate) fn wrap_of(shape: &profile::SeriesShape) -> Option<Amount> {
    let steps = i128::from(shape.wraps_at?);
    // Canonical units are watt-hours, or cubic metres of a thousand litres: 3.6e9 or 3.6e12 fine ones.
    let unit: i128 = if shape.quantity == Quantity::Volume { 3_600_000_000_000 } else { 3_600_000_000 };
    let power = 10i128.checked_pow(u32::from(shape.exponent.unsigned_abs()))?;
    let fine =
        if shape.exponent >= 0 { steps.checked_mul(unit)?.checked_mul(power)? } else { steps * unit / power };
    Some(Amount::from_fine(fine))
}

fn image(device: &Device, library: &Library) -> Result<Image, WorldError> {
    let id = match &device.map {
        Map::Inline(readings) => return Ok(Image::Registers(Registers::new(readings, None))),
        Map::Profile(id) => id,
    };
    let missing = || WorldError::NoSuchProfile { device: device.id.to_string(), profile: id.to_string() };
    let profile = library.get(id.as_str()).ok_or_else(missing)?;
    let wrong = || WorldError::Protocol {
        device: device.id.to_string(),
        profile: id.to_string(),
        listen: device.link.listen().to_string(),
    };
    match device.link {
        Link::Modbus { .. } => {
            let (_, readings) = profile.modbus().ok_or_else(wrong)?;
            Ok(Image::Registers(Registers::new(readings, Some(profile))))
        }
        Link::Snmp { .. } => {
            let objects = profile.snmp().ok_or_else(wrong)?;
            Ok(Image::Objects(Box::new(Objects::new(device, profile, objects))))
        }
    }
}

/// Looks at the plant for a device.
struct Eye<'u, 'l> {
    unit: &'u Unit,
    ledger: Option<&'l mut Ledger>,
}

impl Eye<'_, '_> {
    fn look(&mut self, what: (Quantity, &Channel), time: Timestamp) -> Option<Shown> {
        match (&self.unit.device.subject, self.ledger.as_deref_mut()) {
            (Subject::Plain(n), _) => crate::site::show_plain(*n, what, time),
            (subject, Some(ledger)) => subject.show(ledger, what, time),
            (_, None) => None,
        }
    }

    /// What a counter shows of `amount`: from where it stood at commissioning, or from its last reset, or so that it
    /// passes its wrap when it was told to.
    fn counted(
        &mut self,
        what: (Quantity, &Channel),
        amount: Amount,
        wrap: Option<Amount>,
        now: Timestamp,
    ) -> Amount {
        if self.unit.behaviour.is_zero() {
            return Amount::ZERO;
        }
        let (behaviour, ratio) = (&self.unit.behaviour, i128::from(self.unit.device.ratio.max(1)));
        let here = if let Some(reset) = behaviour.reset_before(now) {
            amount - self.count_at(what, reset)
        } else if let (Some(rollover), Some(wrap)) = (behaviour.rollover(), wrap) {
            amount - self.count_at(what, rollover) + wrap * ratio
        } else if counts_from_start(what) {
            amount + self.unit.device.start
        } else {
            amount
        };
        Amount::from_fine(here.fine().div_euclid(ratio))
    }

    fn count_at(&mut self, what: (Quantity, &Channel), time: Timestamp) -> Amount {
        match self.look(what, time) {
            Some(Shown::Counter(amount)) => amount,
            _ => Amount::ZERO,
        }
    }
}

/// Registers that have counted before; those of the other direction and of the other tariff stand at 0.
fn counts_from_start((quantity, channel): (Quantity, &Channel)) -> bool {
    quantity.kind() == SeriesKind::Counter
        && !matches!(quantity, Quantity::ActiveEnergyExport | Quantity::ReactiveEnergyExport)
        && channel.as_str() != "tariff.2"
}
