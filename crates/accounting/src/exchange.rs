//! Energy over the exchange of a meter: what the old one counted, what the new one counted, and what flowed while
//! neither did (facts 2.2; MSCONS Z78).

use model::{Energy, Power};

use crate::Fraction;
use crate::fraction::divided;

/// What one meter counted, in base units on its own side of the transformers, with its ratio.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// State at the beginning.
    pub from: Energy,
    /// State at the end.
    pub to: Energy,
    /// CT x VT of that meter.
    pub ratio: Fraction,
}

impl Counted {
    /// What flowed in the main circuit, rounded half away from zero; `None` if the register fell or it does not fit.
    pub fn energy(self) -> Option<Energy> {
        let rise = self.to.since(self.from)?;
        let above = i128::from(rise.milliwatt_hours()) * i128::from(self.ratio.numerator());
        let amount = divided(above, i128::from(self.ratio.denominator()));
        i64::try_from(amount).ok().map(Energy::from_milliwatt_hours)
    }
}

/// Energy over an exchange, and how much of it was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exchanged {
    /// All of it.
    pub total: Energy,
    /// The part that neither meter counted, a substitute.
    pub substitute: Energy,
}

impl Exchanged {
    /// Share of the substitute, 0 to 1; `None` if nothing flowed.
    pub fn substitute_share(self) -> Option<f64> {
        let total = self.total.milliwatt_hours();
        (total != 0).then(|| self.substitute.milliwatt_hours() as f64 / total as f64)
    }
}

/// Adds what both meters counted and what flowed at `power` for the `bypass_ms` milliseconds while neither did.
/// `None` if a register fell, the power is no number, or it does not fit.
pub fn exchanged(old: Counted, new: Counted, bypass_ms: u32, power: Power) -> Option<Exchanged> {
    let substitute = crate::integrate::held(power, i64::from(bypass_ms))?;
    let counted = old.energy()?.checked_add(new.energy()?)?;
    Some(Exchanged { total: counted.checked_add(substitute)?, substitute })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v12_an_exchange_adds_both_meters_with_their_ratios_and_the_bypass() {
        // Facts V12: 3,210 x 80 = 256,800; 2,500 x 60 = 150,000; 0.5 h x 550 kW = 275 kWh.
        let counted = |from: i64, to: i64, ratio: &str| Counted {
            from: Energy::from_watt_hours(from * 100),
            to: Energy::from_watt_hours(to * 100),
            ratio: ratio.parse().unwrap(),
        };
        let old = counted(8_420_000, 8_452_100, "80/1");
        let new = counted(120, 25_120, "60/1");
        let both = exchanged(old, new, 1_800_000, Power::from_watts(550_000.0)).unwrap();
        assert_eq!(old.energy(), Some(Energy::from_kilowatt_hours(256_800)));
        assert_eq!(new.energy(), Some(Energy::from_kilowatt_hours(150_000)));
        assert_eq!(both.substitute, Energy::from_kilowatt_hours(275));
        assert_eq!(both.total, Energy::from_kilowatt_hours(407_075));
        let share = both.substitute_share().unwrap();
        assert_eq!(format!("{:.4} {:.3}", share * 100.0, (1.0 - share) * 100.0), "0.0676 99.932");
    }

    #[test]
    fn a_register_that_fell_is_no_energy() {
        let fell = Counted {
            from: Energy::from_watt_hours(2),
            to: Energy::from_watt_hours(1),
            ratio: Fraction::ONE,
        };
        assert_eq!(fell.energy(), None);
    }
}
