//! Half-duplex adapters that hear themselves: the request comes back before its answer.

/// Requests that came back in a row after which the adapter is known to echo.
const LEARNED_AFTER: u8 = 3;

/// What is known about the echo of a line.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Echo {
    /// Known for sure: by the configuration, or learned.
    known: bool,
    in_a_row: u8,
    /// Was it taken off what came since the last request?
    taken: bool,
}

/// What to do with what came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// So many bytes are our own.
    Strip(usize),
    /// It may become our own request: wait.
    Wait,
    /// It is not our own.
    Pass,
}

impl Echo {
    pub(super) const fn new(known: bool) -> Self {
        Self { known, in_a_row: 0, taken: false }
    }

    /// A request leaves.
    pub(super) const fn sent(&mut self) {
        self.taken = false;
    }

    /// Looks whether what came begins with our own request, exactly. Where an echo is known, what stands before it is
    /// noise.
    pub(super) fn look(&mut self, own: &[u8], came: &[u8]) -> Step {
        if self.taken {
            return Step::Pass;
        }
        let at = if self.known { came.windows(own.len()).position(|part| part == own) } else { None };
        if let Some(at) = at.or_else(|| came.starts_with(own).then_some(0)) {
            self.taken = true;
            return Step::Strip(at + own.len());
        }
        if own.starts_with(came) { Step::Wait } else { Step::Pass }
    }

    /// An answer came. Is it known only now that this line echoes?
    pub(super) const fn answered(&mut self) -> bool {
        self.in_a_row = if self.taken { self.in_a_row.saturating_add(1) } else { 0 };
        let learned = !self.known && self.in_a_row >= LEARNED_AFTER;
        self.known |= learned;
        learned
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: [u8; 8] = [1, 3, 0, 0, 0, 1, 0x84, 0x0a];

    #[test]
    fn only_exactly_what_was_sent_is_taken_for_an_echo() {
        let mut echo = Echo::default();
        assert_eq!(echo.look(&OWN, &OWN[..3]), Step::Wait);
        assert_eq!(echo.look(&OWN, &[1, 3, 0, 1]), Step::Pass);
        assert_eq!(echo.look(&OWN, &[OWN.as_slice(), &[1, 3]].concat()), Step::Strip(8));
        assert_eq!(echo.look(&OWN, &OWN), Step::Pass, "a second one is none");
    }

    #[test]
    fn three_echoes_in_a_row_are_learned_and_then_noise_before_them_is_passed_over() {
        let mut echo = Echo::default();
        let noisy = [&[0xff], OWN.as_slice()].concat();
        let mut learned = Vec::new();
        for _ in 0..3 {
            echo.sent();
            assert_eq!(echo.look(&OWN, &noisy), Step::Pass);
            assert_eq!(echo.look(&OWN, &OWN), Step::Strip(8));
            learned.push(echo.answered());
        }
        assert_eq!(learned, [false, false, true]);
        echo.sent();
        assert_eq!(echo.look(&OWN, &noisy), Step::Strip(9));
    }
}
