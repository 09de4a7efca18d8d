//! Use of the processors, for ITEUsv (ISO/IEC 30134-5, EN 50600-4-5: mean CPU utilisation of a server over time).
//!
//! Each value is the mean over the time since the reading before, not a look at an instant, so the mean of equally long
//! periods is that of the whole. Busy is what the kernel counts as user, nice, system, irq and softirq (guests are in
//! user); idle and waiting for a disk are not; time that a hypervisor gave to others counts as not used here.

use std::path::PathBuf;
use std::time::Duration;

use model::{Channel, Missing, Quantity, Raw};
use profile::SeriesShape;

use super::{Notes, Part, Roots, files, shape};

/// Tenths of a percent.
const TENTHS: i8 = -1;
/// user, nice, system, idle, iowait, irq, softirq, steal; guest and guest_nice are in user and nice already.
const FIELDS: usize = 8;
/// Which of them are busy.
const BUSY: [usize; 5] = [0, 1, 2, 5, 6];

/// Use of all processors together.
#[derive(Debug)]
pub(super) struct Cpu {
    stat: PathBuf,
    before: Option<[u64; FIELDS]>,
}

impl Cpu {
    pub(super) fn find(roots: &Roots, notes: &mut Notes) -> Self {
        let cpu = Self { stat: roots.proc.join("stat"), before: None };
        if cpu.ticks().is_none() {
            notes.add("host stat", format!("`{}` has no sum of processor times", cpu.stat.display()));
        }
        cpu
    }

    fn ticks(&self) -> Option<[u64; FIELDS]> {
        let text = files::beginning(&self.stat).ok()?;
        let sum = text.lines().find_map(|line| line.strip_prefix("cpu "))?;
        let mut ticks = [0; FIELDS];
        let mut fields = sum.split_ascii_whitespace();
        for (n, place) in ticks.iter_mut().enumerate() {
            // Kernels before 2.6.11 end earlier; the first four have always been there.
            *place = match fields.next() {
                Some(field) => field.parse().ok()?,
                None if n >= 4 => 0,
                None => return None,
            };
        }
        Some(ticks)
    }
}

impl Part for Cpu {
    fn shapes(&self) -> Vec<SeriesShape> {
        vec![shape(Quantity::CpuUtilisation, &Channel::total(), TENTHS, "stat, mean since the poll before")]
    }

    fn read(&mut self, _: Duration) -> Vec<Result<Raw, Missing>> {
        let now = self.ticks();
        let before = std::mem::replace(&mut self.before, now);
        let mean = now.zip(before).and_then(|(now, before)| mean(&now, &before));
        vec![mean.map(Raw::Integer).ok_or(Missing::NotAvailable)]
    }
}

/// Busy share in tenths of a percent, rounded half up; `None` if no time passed. The kernel lets single sums fall (iowait
/// does): such a one counts as unchanged.
fn mean(now: &[u64; FIELDS], before: &[u64; FIELDS]) -> Option<i64> {
    let mut passed = [0u64; FIELDS];
    for ((passed, now), before) in passed.iter_mut().zip(now).zip(before) {
        *passed = now.saturating_sub(*before);
    }
    let total: u128 = passed.iter().map(|ticks| u128::from(*ticks)).sum();
    let busy: u128 = BUSY.iter().filter_map(|n| passed.get(*n)).map(|ticks| u128::from(*ticks)).sum();
    i64::try_from((busy * 1000 + total / 2).checked_div(total)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_is_busy_ticks_of_all_ticks_that_passed() {
        let before = [100, 10, 50, 1000, 20, 5, 5, 0];
        // 30 user, 10 system, 5 softirq are busy; 35 idle, 10 iowait, 10 steal are not: 45 of 100.
        assert_eq!(mean(&[130, 10, 60, 1035, 30, 5, 10, 10], &before), Some(450));
        // One tick of three: 33.3 %.
        assert_eq!(mean(&[101, 10, 50, 1002, 20, 5, 5, 0], &before), Some(333));
        // iowait fell by 4, as it does; the other two ticks are one busy and one idle.
        assert_eq!(mean(&[101, 10, 50, 1001, 16, 5, 5, 0], &before), Some(500));
        assert_eq!(mean(&before, &before), None, "no time has passed");
    }
}
