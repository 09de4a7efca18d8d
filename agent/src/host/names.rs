//! Channels from the names that drivers give their sensors.

use model::Channel;

/// Longest name of a sensor within a channel, which may have 63 characters with the word before and a number behind.
const NAME_MAX: usize = 48;
/// So many sensors of one name are told apart; no more are read at all.
const NUMBER_MAX: usize = 128;

/// Letters and digits in lower case, all else one dash: `Core 0` becomes `core-0`.
pub(super) fn word(text: &str) -> String {
    let mut word = String::new();
    for c in text.chars().take(NAME_MAX) {
        match c.is_ascii_alphanumeric() {
            true => word.push(c.to_ascii_lowercase()),
            false if !word.ends_with('-') => word.push('-'),
            false => {}
        }
    }
    word.trim_matches('-').to_owned()
}

/// `kind.name`; a name with nothing left of it is `unnamed`.
pub(super) fn channel(kind: &str, name: &str) -> Channel {
    let name = word(name);
    let name = if name.is_empty() { "unnamed" } else { &name };
    Channel::new(&format!("{kind}.{name}")).unwrap_or_else(|_| Channel::total())
}

/// The channel under a name that is not taken yet: the second of a name becomes `name-2`.
pub(super) fn free_channel(kind: &str, name: &str, is_taken: impl Fn(&Channel) -> bool) -> Channel {
    let first = channel(kind, name);
    let others = (2..=NUMBER_MAX).filter_map(|n| Channel::new(&format!("{first}-{n}")).ok());
    let free = std::iter::once(first.clone()).chain(others).find(|channel| !is_taken(channel));
    free.unwrap_or(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sensors_become_channels_and_no_two_the_same() {
        let mut taken: Vec<Channel> = Vec::new();
        let long = "x".repeat(90);
        for name in ["coretemp Core 0", "nvme", "nvme", "°", "Temp (2)", &long, &long] {
            let free = free_channel("sensor", name, |channel| taken.contains(channel));
            taken.push(free);
        }
        let names: Vec<String> = taken.iter().map(ToString::to_string).collect();
        let expected =
            ["coretemp-core-0", "nvme", "nvme-2", "unnamed", "temp-2"].map(|name| format!("sensor.{name}"));
        assert_eq!(names[..5], expected);
        assert_eq!(names[5].len(), "sensor.".len() + NAME_MAX);
        assert_eq!(names[6], format!("{}-2", names[5]));
    }
}
