//! Units, scales and factors as the device itself says them.

use model::Decimal;

use super::index::Row;
use super::{Against, Lookup, Measured, Oid, ScaleForm, SnmpValue, VarBinds};
use crate::Conversion;

/// Voltage times current beside a power, each at `P` and with its factor to V and A.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Product<P> {
    pub(super) volts: (P, f64),
    pub(super) amperes: (P, f64),
}

impl<P> Product<P> {
    /// The same at other places.
    pub(super) fn map<Q>(&self, place: impl Fn(&P) -> Q) -> Product<Q> {
        Product {
            volts: (place(&self.volts.0), self.volts.1),
            amperes: (place(&self.amperes.0), self.amperes.1),
        }
    }
}

impl Against {
    /// The two objects; `None` if the device has not both.
    pub(super) fn beside(&self, row: &Row, walk: &VarBinds) -> Option<Product<Oid>> {
        let there =
            |lookup: &Lookup| lookup.at(row).filter(|oid| walk.get(oid).is_some_and(SnmpValue::exists));
        Some(Product {
            volts: (there(&self.volts)?, self.volt_scale.to_f64()),
            amperes: (there(&self.amperes)?, self.ampere_scale.to_f64()),
        })
    }
}

impl Measured {
    /// `None` if the device says a unit or a scale that cannot be used: such a value is not guessed.
    pub(super) fn conversion(&self, row: &Row, walk: &VarBinds) -> Option<Conversion> {
        let said =
            |lookup: &Lookup| lookup.at(row).and_then(|oid| walk.get(&oid)).filter(|value| value.exists());
        let unit = match self.unit_from.as_ref().map(|from| (from, said(&from.at))) {
            None | Some((_, None)) => self.unit,
            Some((from, Some(code))) => {
                let code = code.text()?;
                from.codes.iter().find(|(known, _)| *known == code)?.1
            }
        };
        let mut scale = self.scale;
        for from in [&self.scale_from, &self.precision_from].into_iter().flatten() {
            scale = scale.times(from.form.factor(said(&from.at)?.number()?)?)?;
        }
        let decimals = i8::try_from(self.decimals).ok()?;
        Conversion::new(self.quantity, scale.times(Decimal::new(1, -decimals))?, unit).ok()
    }
}

impl ScaleForm {
    /// The factor that the number `n` means; `None` if it cannot be one.
    pub fn factor(self, n: i64) -> Option<Decimal> {
        /// No sensor has more digits.
        const DIGITS_MAX: i64 = 12;
        let power = |n: i64| (-DIGITS_MAX..=DIGITS_MAX).contains(&n).then(|| i8::try_from(n).ok()).flatten();
        match self {
            Self::Digits => Some(Decimal::new(1, -power(n)?)),
            Self::Power => Some(Decimal::new(1, power(n)?)),
            Self::Divisor => inverse(n),
            Self::SignedFactor if n == 0 => Some(Decimal::ONE),
            Self::SignedFactor if n < 0 => inverse(n.checked_neg()?),
            Self::SignedFactor => Some(Decimal::new(n, 0)),
            // The prefixes of RFC 3433 go from yocto (1) to yotta (17); those that fit any quantity are few.
            Self::SiPrefix => Some(Decimal::new(1, power(n.checked_sub(9)?.checked_mul(3)?)?)),
        }
    }
}

fn inverse(n: i64) -> Option<Decimal> {
    let n = Decimal::new(n, 0);
    n.is_power_of_ten().then(|| Decimal::new(1, -n.exponent()))
}
