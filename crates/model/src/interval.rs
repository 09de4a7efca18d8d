//! Energy of a quarter hour, and how well a span is covered.

use serde::{Deserialize, Serialize};

use crate::{Energy, Method, Quality, Reason};

/// What is known of one quarter hour of one meter point or register.
///
/// Invariant: there is an amount exactly when the quality is neither [`Quality::Missing`] nor
/// [`Quality::NotUsable`]; use the constructors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntervalValue {
    /// The amount, or `None` if it is missing. Missing is never zero.
    pub energy: Option<Energy>,
    /// How far it can be trusted.
    pub quality: Quality,
    /// How a value that is no true one was formed.
    pub method: Option<Method>,
    /// Why it is no true one.
    pub reason: Option<Reason>,
}

impl IntervalValue {
    /// Measured.
    pub const fn measured(energy: Energy) -> Self {
        Self { energy: Some(energy), quality: Quality::True, method: None, reason: None }
    }

    /// Formed by a rule, with method and reason, as MSCONS demands of a substitute.
    pub const fn substitute(energy: Energy, method: Method, reason: Reason) -> Self {
        Self {
            energy: Some(energy),
            quality: Quality::Substitute,
            method: Some(method),
            reason: Some(reason),
        }
    }

    /// No value.
    pub const fn missing(reason: Option<Reason>) -> Self {
        Self { energy: None, quality: Quality::Missing, method: None, reason }
    }

    /// The sum of two parts of the same quarter hour. The worst quality wins, and a part that is missing makes the
    /// sum missing.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let quality = self.quality.worse(other.quality);
        let worse = if quality == self.quality { self } else { other };
        let energy = self.energy.zip(other.energy).and_then(|(a, b)| a.checked_add(b));
        match energy {
            Some(_) => Self { energy, ..worse },
            None => Self { energy: None, quality: quality.worse(Quality::NotUsable), ..worse },
        }
    }
}

/// How many quarter hours of a span are covered, by quality. Counted, so that shares stay exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Coverage {
    /// Quarter hours that the span has.
    pub expected: u32,
    /// True ones.
    pub measured: u32,
    /// Substitutes.
    pub substitute: u32,
    /// Provisional ones.
    pub provisional: u32,
}

impl Coverage {
    /// Nothing of `expected` quarter hours.
    pub const fn none_of(expected: u32) -> Self {
        Self { expected, measured: 0, substitute: 0, provisional: 0 }
    }

    /// Counts one value.
    pub fn count(&mut self, quality: Quality) {
        match quality {
            Quality::True => self.measured += 1,
            Quality::Substitute => self.substitute += 1,
            Quality::Provisional => self.provisional += 1,
            Quality::Proposed | Quality::Forecast | Quality::NotUsable | Quality::Missing => {}
        }
    }

    /// Share that is covered, (T + S + P) / n, 0 to 1; `None` if nothing was expected.
    pub fn completeness(self) -> Option<f64> {
        self.share(self.measured + self.substitute + self.provisional)
    }

    /// Share that was measured, T / n, 0 to 1; `None` if nothing was expected.
    pub fn true_share(self) -> Option<f64> {
        self.share(self.measured)
    }

    /// Quarter hours that nothing covers.
    pub const fn missing(self) -> u32 {
        self.expected.saturating_sub(self.measured + self.substitute + self.provisional)
    }

    fn share(self, of: u32) -> Option<f64> {
        (self.expected > 0).then(|| f64::from(of) / f64::from(self.expected))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_part_makes_the_sum_missing_and_never_zero() {
        let measured = IntervalValue::measured(Energy::from_watt_hours(5));
        let missing = IntervalValue::missing(Some(Reason::CommunicationFault));
        for sum in [measured.plus(missing), missing.plus(measured)] {
            assert_eq!(sum, missing);
        }
    }

    #[test]
    fn a_substituted_part_makes_the_sum_a_substitute() {
        let measured = IntervalValue::measured(Energy::from_watt_hours(5));
        let substitute = IntervalValue::substitute(
            Energy::from_watt_hours(7),
            Method::Interpolation,
            Reason::CommunicationFault,
        );
        let sum = measured.plus(substitute);
        assert_eq!(sum.energy, Some(Energy::from_watt_hours(12)));
        assert_eq!((sum.quality, sum.method), (Quality::Substitute, Some(Method::Interpolation)));
    }

    #[test]
    fn coverage_counts_substitutes_but_true_share_does_not() {
        let mut coverage = Coverage::none_of(4);
        for quality in [Quality::True, Quality::Substitute, Quality::Missing, Quality::Provisional] {
            coverage.count(quality);
        }
        assert_eq!(coverage.completeness(), Some(0.75));
        assert_eq!(coverage.true_share(), Some(0.25));
        assert_eq!(coverage.missing(), 1);
        assert_eq!(Coverage::default().completeness(), None);
    }
}
