//! Are we on the path? One rule for panels and reports.

use model::{CarbonMass, Coverage};

/// Where the emissions so far stand against what the target path allows so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// At least 5 % below the path.
    OnCourse,
    /// On or below the path, but by less than 5 %.
    Narrowly,
    /// Above the path.
    OffCourse,
    /// Too little is known to say.
    NoStatement,
}

/// Below this covered share, in percent, nothing is said (design 4.4).
const COVERAGE_PERCENT: u64 = 95;

impl Verdict {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::OnCourse, Self::Narrowly, Self::OffCourse, Self::NoStatement];

    /// Compares what was emitted with what the path allowed in the same time.
    pub fn of(actual: Option<CarbonMass>, allowed: Option<CarbonMass>, coverage: Coverage) -> Self {
        let covered = coverage.expected - coverage.missing();
        let enough = coverage.expected > 0
            && u64::from(covered) * 100 >= u64::from(coverage.expected) * COVERAGE_PERCENT;
        let (Some(actual), Some(allowed), true) = (actual, allowed, enough) else { return Self::NoStatement };
        let (actual, allowed) = (i128::from(actual.milligrams()), i128::from(allowed.milligrams()));
        match () {
            () if actual > allowed => Self::OffCourse,
            () if actual * 100 > allowed * 95 => Self::Narrowly,
            () => Self::OnCourse,
        }
    }

    /// Word for keys, classes and files: `on-course`, `narrowly`, `off-course`, `no-statement`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OnCourse => "on-course",
            Self::Narrowly => "narrowly",
            Self::OffCourse => "off-course",
            Self::NoStatement => "no-statement",
        }
    }

    /// Key of its word in the messages.
    pub const fn key(self) -> &'static str {
        match self {
            Self::OnCourse => "verdict-on-course",
            Self::Narrowly => "verdict-narrowly",
            Self::OffCourse => "verdict-off-course",
            Self::NoStatement => "verdict-no-statement",
        }
    }
}
