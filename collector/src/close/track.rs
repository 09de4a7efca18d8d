//! What is counted of a series from sample to sample.

use accounting::{FindingKind, Output, Reading, Register, RegisterSpec};
use model::{IntervalValue, QuarterHour, Raw, SeriesDescriptor, Timestamp};
use store::{GaugeQuarter, SeriesId};

/// A register that is being counted.
#[derive(Debug)]
pub(super) struct CounterTrack {
    pub(super) series: SeriesId,
    register: Register,
    spec: RegisterSpec,
    /// Quarter hours that are complete and not written yet, in order.
    pub(super) done: Vec<(QuarterHour, IntervalValue)>,
    /// What was noticed since the last checkpoint.
    pub(super) findings: Findings,
    /// First and last instant of readings that came after later ones were used: what they touch is counted again from
    /// the raw samples.
    pub(super) late: Option<(Timestamp, Timestamp)>,
    /// Was a reading taken since the last checkpoint?
    pub(super) touched: Touched,
}

/// Was something changed since the last checkpoint?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Touched {
    #[default]
    No,
    Yes,
}

/// How often each kind of finding was met.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Findings {
    pub(super) rollovers: u32,
    pub(super) resets: u32,
    pub(super) glitches: u32,
    pub(super) late: u32,
}

impl CounterTrack {
    pub(super) fn new(series: SeriesId, spec: RegisterSpec, carry: accounting::Carry) -> Self {
        Self {
            series,
            register: Register::resume(spec, carry),
            spec,
            done: Vec::new(),
            findings: Findings::default(),
            late: None,
            touched: Touched::No,
        }
    }

    pub(super) fn carry(&self) -> &accounting::Carry {
        self.register.carry()
    }

    /// Takes a reading. `spec` is that of its column: another agent or an import may send the same register with
    /// another exponent.
    pub(super) fn push(&mut self, reading: Reading, spec: &RegisterSpec, scratch: &mut Output) {
        self.touched = Touched::Yes;
        if self.spec != *spec {
            self.spec = *spec;
            self.register = Register::resume(*spec, self.register.carry().clone());
        }
        self.register.push(reading, scratch);
        if !scratch.intervals.is_empty() {
            self.done.extend(scratch.intervals.drain(..).map(|interval| (interval.quarter, interval.value)));
        }
        for finding in scratch.findings.drain(..) {
            match finding.kind {
                FindingKind::Rollover => self.findings.rollovers += 1,
                FindingKind::Reset | FindingKind::Jump => self.findings.resets += 1,
                FindingKind::Glitch | FindingKind::Unreadable => self.findings.glitches += 1,
                FindingKind::Late => {
                    self.findings.late += 1;
                    let (from, to) = self.late.unwrap_or((finding.time, finding.time));
                    self.late = Some((from.min(finding.time), to.max(finding.time)));
                }
                FindingKind::Gap => {}
            }
        }
    }
}

/// Statistics of one quarter hour of a gauge.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Span {
    pub(super) quarter: QuarterHour,
    pub(super) n: u32,
    pub(super) sum: f64,
    pub(super) min: f64,
    pub(super) max: f64,
}

impl Span {
    fn add(&mut self, value: f64) {
        self.n += 1;
        self.sum += value;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
    }

    /// As the record keeps it.
    pub(super) fn stored(&self) -> GaugeQuarter {
        GaugeQuarter::new(self.sum / f64::from(self.n.max(1)), self.min, self.max, self.n)
    }
}

/// How a raw value of a gauge becomes one in the canonical unit, as `SeriesDescriptor::value` does it: 10^n is exact in a
/// float up to n = 22, 10^-n never is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Scale {
    Times(f64),
    Over(f64),
}

impl Scale {
    pub(super) fn of(descriptor: &SeriesDescriptor) -> Self {
        let power = 10f64.powi(i32::from(descriptor.exponent).abs());
        if descriptor.exponent < 0 { Self::Over(power) } else { Self::Times(power) }
    }

    pub(super) fn apply(self, raw: Raw) -> f64 {
        match self {
            Self::Times(power) => raw.to_f64() * power,
            Self::Over(power) => raw.to_f64() / power,
        }
    }
}

/// A gauge whose quarter hours are summed up.
#[derive(Debug)]
pub(super) struct GaugeTrack {
    pub(super) series: SeriesId,
    open: Option<Span>,
    /// Quarter hours that are complete and not written yet.
    done: Vec<Span>,
    /// The first quarter hour of this life. An earlier life may have taken samples of it, so it is summed up from the
    /// raw samples and not from here.
    first: Option<QuarterHour>,
    pub(super) touched: Touched,
}

/// A quarter hour of a gauge that is to be summed up from its raw samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FromRaw {
    pub(super) series: SeriesId,
    pub(super) quarter: QuarterHour,
}

impl FromRaw {
    /// The statistics of values in the order of their time; `None` for fewer than two.
    pub(super) fn sum_up(self, values: impl IntoIterator<Item = f64>) -> Option<Span> {
        let mut span: Option<Span> = None;
        for value in values.into_iter().filter(|value| value.is_finite()) {
            match &mut span {
                Some(span) => span.add(value),
                None => span = Some(Span { quarter: self.quarter, n: 1, sum: value, min: value, max: value }),
            }
        }
        span.filter(|span| span.n > 1)
    }
}

impl GaugeTrack {
    pub(super) const fn new(series: SeriesId) -> Self {
        Self { series, open: None, done: Vec::new(), first: None, touched: Touched::No }
    }

    pub(super) fn push(&mut self, quarter: QuarterHour, value: f64) {
        if !value.is_finite() {
            return;
        }
        self.touched = Touched::Yes;
        self.first.get_or_insert(quarter);
        match &mut self.open {
            Some(open) if open.quarter == quarter => open.add(value),
            open => {
                let next = Span { quarter, n: 1, sum: value, min: value, max: value };
                self.done.extend(open.replace(next));
            }
        }
    }

    /// All that is to be written: the complete quarter hours, and the open one as it is, which will be written over.
    /// A quarter hour of one sample is that sample and is not written a second time: a past of quarter-hour samples
    /// would spend four fifths of its time on that.
    pub(super) fn take(&mut self) -> (Vec<Span>, Option<FromRaw>) {
        self.touched = Touched::No;
        let mut spans = std::mem::take(&mut self.done);
        spans.extend(self.open);
        let first = spans.iter().map(|span| span.quarter).find(|quarter| Some(*quarter) == self.first);
        let from_raw = first.map(|quarter| FromRaw { series: self.series, quarter });
        spans.retain(|span| span.n > 1 && Some(span.quarter) != first);
        (spans, from_raw)
    }
}
