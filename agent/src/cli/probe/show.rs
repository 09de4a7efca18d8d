//! What a probe found, for people.

use crate::cli::table::{row, table};
use crate::probe::guess::Guess;
use crate::probe::registers::Range;
use crate::probe::{Probed, Walked};

/// A device: who it is, what it says, what is wrong.
pub(super) fn probed(probed: &Probed) -> String {
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "unknown".to_owned());
    let mut text = table(&[
        row([&"address", &probed.address]),
        row([&"profile", &or_none(&probed.profile)]),
        row([&"maker", &or_none(&probed.identity.maker)]),
        row([&"model", &or_none(&probed.identity.model)]),
        row([&"serial", &or_none(&probed.identity.serial)]),
        row([&"firmware", &or_none(&probed.identity.firmware)]),
    ]);
    for note in &probed.notes {
        text.extend(["note: ", note, "\n"]);
    }
    if !probed.readings.is_empty() {
        let mut rows = vec![row([&"quantity", &"channel", &"value", &"unit", &"source", &"as sent"])];
        rows.extend(probed.readings.iter().map(|one| {
            let meaning = one.meaning.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
            let value = format!("{}{meaning}", one.value);
            row([&one.quantity, &one.channel, &value, &one.unit, &one.source, &one.sent])
        }));
        text.extend(["\n", &table(&rows)]);
    }
    for warning in &probed.warnings {
        let sources = warning.sources.join(", ");
        text.extend([format!(
            "\nwarning: {}\n  sources: {sources}\n  usually: {}\n",
            warning.text, warning.cause
        )]);
    }
    for problem in &probed.problems {
        let colon = if problem.source.is_empty() { "" } else { ": " };
        text.extend(["\nproblem: ", &problem.source, colon, &problem.reason]);
    }
    if !probed.problems.is_empty() {
        text.push('\n');
    }
    text
}

/// Registers with what they could be.
pub(super) fn registers(found: &Range, guesses: &[Guess]) -> String {
    let mut rows = vec![row([&"register", &"words", &"as", &"value", &"could be"])];
    let mut last = None;
    for guess in guesses {
        let register = if last == Some(guess.register) { String::new() } else { guess.register.to_string() };
        last = Some(guess.register);
        rows.push(row([&register, &guess.words, &guess.form, &guess.value, &guess.could_be]));
    }
    let mut text = if guesses.is_empty() { String::new() } else { table(&rows) };
    let zeros = found.words.values().filter(|word| **word == 0).count();
    text.extend([format!("\n{} registers read, {zeros} of them 0\n", found.words.len())]);
    if !found.holes.is_empty() {
        text.extend([format!("the device refuses {}\n", ranges(&found.holes))]);
    }
    if let Some((from, why)) = &found.left {
        text.extend([format!("not asked from {from} on: {why}\n")]);
    }
    text
}

/// Addresses as ranges: `5, 7-9`.
fn ranges(addresses: &[u16]) -> String {
    let mut sorted = addresses.to_vec();
    sorted.sort_unstable();
    let mut ranges: Vec<(u16, u16)> = Vec::new();
    for address in sorted {
        match ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(address) => *last = address,
            _ => ranges.push((address, address)),
        }
    }
    let shown = ranges
        .into_iter()
        .map(|(first, last)| if first == last { first.to_string() } else { format!("{first}-{last}") });
    shown.collect::<Vec<_>>().join(", ")
}

/// Objects with their values.
pub(super) fn objects(found: &[Walked]) -> String {
    found.iter().map(|one| format!("{} = {}\n", one.oid, one.value)).collect::<Vec<_>>().concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_told_as_ranges() {
        assert_eq!(ranges(&[9, 5, 7, 8, 65535]), "5, 7-9, 65535");
    }

    #[test]
    fn registers_are_told_with_the_words_beside_and_the_holes_below() {
        let words = [(0, 0x4366), (1, 0x3333), (2, 0)].into();
        let found = Range { words, holes: vec![5, 6], left: None };
        let text = registers(&found, &crate::probe::guess::guesses(&found.words));
        assert!(text.contains("\n0         4366 3333  f32 abcd  230.2  voltage, 230 V\n"), "{text}");
        assert!(text.contains("\n3 registers read, 1 of them 0\nthe device refuses 5-6\n"), "{text}");
    }
}
