//! What is not heard, counted by reason and told now and then, whoever sends how much of it.

use std::net::IpAddr;
use std::time::Duration;

use serde::Serialize;

/// How often strays are logged, if there were any.
const TOLD_EVERY: Duration = Duration::from_mins(10);
/// Senders of strays that are named.
const SENDERS_MAX: usize = 8;

/// Why a packet is not heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stray {
    /// Its sender is no configured device.
    Sender,
    /// It shows none of the credentials of the devices at that address.
    Credentials,
    /// It is no message of SNMP, or of a version that its sender does not speak.
    Unreadable,
    /// It is no notification.
    Kind,
}

/// So many packets were not heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct StrayCounts {
    /// From no configured device.
    pub unknown_sender: u64,
    /// With other credentials than the device's.
    pub wrong_credentials: u64,
    /// That were no SNMP.
    pub unreadable: u64,
    /// That were no notifications.
    pub other_kind: u64,
}

#[derive(Debug, Default)]
pub(super) struct Strays {
    pub counts: StrayCounts,
    /// Senders since the last time they were told, with their packets and the last reason.
    senders: Vec<(IpAddr, u64, Stray)>,
    told: Duration,
}

impl Strays {
    pub(super) fn add(&mut self, from: IpAddr, why: Stray) {
        let count = match why {
            Stray::Sender => &mut self.counts.unknown_sender,
            Stray::Credentials => &mut self.counts.wrong_credentials,
            Stray::Unreadable => &mut self.counts.unreadable,
            Stray::Kind => &mut self.counts.other_kind,
        };
        *count += 1;
        if let Some((_, count, reason)) = self.senders.iter_mut().find(|(sender, _, _)| *sender == from) {
            *count += 1;
            *reason = why;
        } else if self.senders.len() < SENDERS_MAX {
            self.senders.push((from, 1, why));
        }
    }

    /// The line to log, if it is time for one: the first stray is told at once.
    pub(super) fn told(&mut self, now: Duration) -> Option<String> {
        let due = self.told == Duration::ZERO || now.saturating_sub(self.told) >= TOLD_EVERY;
        if self.senders.is_empty() || !due {
            return None;
        }
        self.told = now.max(Duration::from_millis(1));
        let one = |(sender, count, why): (IpAddr, u64, Stray)| {
            let why = match why {
                Stray::Sender => "is no configured SNMP device",
                Stray::Credentials => "shows other credentials than the device's",
                Stray::Unreadable => "sends no SNMP, or another version of it than the device speaks",
                Stray::Kind => "sends no traps but something else",
            };
            format!("{sender} {why} ({count})")
        };
        let senders: Vec<String> = self.senders.drain(..).map(one).collect();
        Some(senders.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strays_are_told_at_once_and_then_at_most_every_ten_minutes_whoever_sends_them() {
        let mut strays = Strays::default();
        for n in 0..1000u32 {
            strays.add(IpAddr::from(n.to_be_bytes()), Stray::Sender);
        }
        let line = strays.told(Duration::from_secs(5)).unwrap();
        assert_eq!(line.matches("is no configured").count(), 8);
        strays.add(IpAddr::from([10, 0, 0, 1]), Stray::Credentials);
        strays.add(IpAddr::from([10, 0, 0, 1]), Stray::Credentials);
        assert_eq!(strays.told(Duration::from_secs(604)), None);
        let line = strays.told(Duration::from_secs(605)).unwrap();
        assert_eq!(line, "10.0.0.1 shows other credentials than the device's (2)");
        assert_eq!((strays.counts.unknown_sender, strays.counts.wrong_credentials), (1000, 2));
    }
}
