//! A scale from zero to a round number.

/// A value axis that begins at zero.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Axis {
    /// Where it ends; at least the greatest value, above zero.
    pub(crate) top: f64,
    /// Its marks, from zero up.
    pub(crate) ticks: Vec<f64>,
    /// Decimals that its marks need.
    pub(crate) decimals: u8,
}

/// About how many steps an axis is divided into.
const STEPS: f64 = 4.0;
/// More marks than this never come about, since a step is at least a quarter of the greatest value.
const STEPS_MAX: u8 = 8;

impl Axis {
    /// An axis that holds values up to `greatest`; steps are 1, 2 or 5 times a power of ten.
    pub(crate) fn up_to(greatest: f64) -> Self {
        let greatest = if greatest.is_finite() && greatest > 0.0 { greatest } else { 1.0 };
        let rough = greatest / STEPS;
        let power = rough.log10().floor();
        let base = 10f64.powf(power);
        let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * base).find(|s| *s >= rough * 0.999_999);
        let step = step.unwrap_or(base * 10.0);
        let count = (greatest / step - 1e-9).ceil().max(1.0);
        let ticks = (0..=STEPS_MAX).map(f64::from).take_while(|n| *n <= count).map(|n| n * step).collect();
        Self { top: count * step, ticks, decimals: decimals_of(step) }
    }
}

fn decimals_of(step: f64) -> u8 {
    (0u8..6)
        .find(|d| {
            let scaled = step * 10f64.powi(i32::from(*d));
            (scaled - scaled.round()).abs() < 1e-6
        })
        .unwrap_or(6)
}
