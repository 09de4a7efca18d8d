//! Quarter-hour values of a role in flat columns, so that a year of many points is summed at the speed of memory.

use accounting::{Flow, PointValues};
use model::{Coverage, Quality, Role};

/// Ranks of quality in a row, worst last; covered are those below [`UNCOVERED`].
const TRUE: u8 = 0;
const SUBSTITUTE: u8 = 1;
const PROVISIONAL: u8 = 2;
const UNCOVERED: u8 = 3;

/// The values of one or more meter points for the quarter hours of a period, added up.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    amounts: Vec<i64>,
    ranks: Vec<u8>,
    /// Square of the standard uncertainty of the whole; `None` if a class is not known.
    square: Option<f64>,
}

/// Two sums over the same quarter hours.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paired {
    pub(crate) above: i64,
    pub(crate) below: i64,
    pub(crate) counted: Coverage,
}

impl Row {
    /// Nothing at all, for so many quarter hours: what is added is all there is.
    pub(crate) fn nothing(length: usize) -> Self {
        Self { amounts: vec![0; length], ranks: vec![TRUE; length], square: Some(0.0) }
    }

    /// The sum of the points of a role and flow; `None` if there is none.
    pub(crate) fn of(points: &[PointValues], role: Role, flow: Flow, length: usize) -> Option<Self> {
        let mut row = None;
        for point in points.iter().filter(|point| point.role == role && point.flow == flow) {
            row.get_or_insert_with(|| Self::nothing(length)).add_point(point);
        }
        row
    }

    fn add_point(&mut self, point: &PointValues) {
        let mut values = point.values.iter();
        for (amount, rank) in self.amounts.iter_mut().zip(&mut self.ranks) {
            let value = values.next();
            let known = value.and_then(|value| value.energy.map(|energy| (energy, rank_of(value.quality))));
            let (energy, worse) =
                known.map_or((0, UNCOVERED), |(energy, rank)| (energy.milliwatt_hours(), rank));
            *amount = amount.saturating_add(energy);
            *rank = (*rank).max(worse);
        }
        let square = point.standard_uncertainty.map(|absolute| absolute * absolute);
        self.square = self.square.zip(square).map(|(a, b)| a + b);
    }

    /// With another row added, or taken away if `sign` is -1.
    pub(crate) fn plus(mut self, other: Option<&Self>, sign: i64) -> Self {
        let Some(other) = other else { return self };
        let columns = self.amounts.iter_mut().zip(&mut self.ranks);
        for ((amount, rank), (more, worse)) in columns.zip(other.amounts.iter().zip(&other.ranks)) {
            *amount = amount.saturating_add(more.saturating_mul(sign));
            *rank = (*rank).max(*worse);
        }
        self.square = self.square.zip(other.square).map(|(a, b)| a + b);
        self
    }

    /// How many quarter hours it has.
    pub(crate) const fn length(&self) -> usize {
        self.amounts.len()
    }

    /// Sum of what is known, and how much that is.
    pub(crate) fn sum(&self) -> (i64, Coverage) {
        let paired = self.paired(self);
        (paired.above, paired.counted)
    }

    /// Sum of what is known among some of its quarter hours.
    pub(crate) fn sum_within(&self, range: std::ops::Range<usize>, other: &Self) -> i64 {
        let indices = range.filter(|index| self.ranks[*index].max(other.ranks[*index]) < UNCOVERED);
        indices.fold(0i64, |sum, index| sum.saturating_add(self.amounts[index]))
    }

    /// Both sums over the quarter hours that both know (rule R2).
    pub(crate) fn paired(&self, below: &Self) -> Paired {
        let (mut above_sum, mut below_sum) = (0i64, 0i64);
        let mut counts = [0u32; 4];
        let left = self.amounts.iter().zip(&self.ranks);
        for ((above, rank), (beneath, other)) in left.zip(below.amounts.iter().zip(&below.ranks)) {
            let worse = (*rank).max(*other);
            counts[usize::from(worse)] += 1;
            if worse < UNCOVERED {
                above_sum = above_sum.saturating_add(*above);
                below_sum = below_sum.saturating_add(*beneath);
            }
        }
        let [measured, substitute, provisional, _] = counts;
        let expected = counts.iter().sum();
        let counted = Coverage { expected, measured, substitute, provisional };
        Paired { above: above_sum, below: below_sum, counted }
    }

    /// Standard uncertainty as a share of the sum; `None` if a class is not known or the sum is 0.
    pub(crate) fn relative(&self) -> Option<f64> {
        let (sum, _) = self.sum();
        self.square.filter(|_| sum != 0).map(|square| square.sqrt() / (sum as f64).abs())
    }
}

const fn rank_of(quality: Quality) -> u8 {
    match quality {
        Quality::True => TRUE,
        Quality::Substitute => SUBSTITUTE,
        Quality::Provisional => PROVISIONAL,
        Quality::Proposed | Quality::Forecast | Quality::NotUsable | Quality::Missing => UNCOVERED,
    }
}
