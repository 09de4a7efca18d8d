//! What the words of an unknown device could be: every type and order is tried, and what looks like a mains voltage, a
//! frequency, a sensible number or a text is told, the likeliest first.
//!
//! Plain functions over words. A guess is never more than that: likelihood is a number from 1 to 140 without a meaning of
//! its own.

mod number;

use std::collections::BTreeMap;

use model::{Decimal, Quantity};
use profile::{DataType, Order};
use serde::Serialize;

/// Guesses that are told of one register.
const PER_REGISTER: usize = 3;
/// Guesses below this are not told.
const LIKELY: u32 = 12;
/// From here on a guess is believed so far that weaker ones inside of its registers are not told.
const STRONG: u32 = 60;
/// Characters of a text, at least: with fewer, two floats look like one.
const TEXT_MIN: usize = 6;
/// Registers of a text, at most.
const TEXT_WORDS_MAX: usize = 32;

/// What a few registers could be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Guess {
    /// The first register.
    pub register: u16,
    /// The words, as they came.
    pub words: String,
    /// `f32 abcd`, or `text`.
    pub form: String,
    /// The value, scaled.
    pub value: String,
    /// What it could be.
    pub could_be: String,
    /// More is likelier.
    pub likelihood: u32,
    /// How many registers.
    #[serde(skip)]
    pub count: u16,
    /// As what it would stand in a profile.
    #[serde(skip)]
    pub form_of: Option<(DataType, Order)>,
    /// What it measures and by which scale, if that can be said.
    #[serde(skip)]
    pub quantity: Option<(Quantity, Decimal)>,
}

impl Guess {
    fn end(&self) -> u32 {
        u32::from(self.register) + u32::from(self.count)
    }

    fn overlaps(&self, other: &Self) -> bool {
        u32::from(self.register) < other.end() && u32::from(other.register) < self.end()
    }
}

/// Guesses by register, in order of registers and then of likelihood.
pub fn guesses(words: &BTreeMap<u16, u16>) -> Vec<Guess> {
    let mut all: Vec<Guess> = words.keys().flat_map(|register| at(words, *register)).collect();
    all.extend(texts(words));
    corroborate(&mut all);
    let chosen = best(&all);
    let hidden = |guess: &Guess| {
        chosen.iter().any(|one| {
            one.likelihood >= STRONG && one.overlaps(guess) && one.likelihood > guess.likelihood + 10
        })
    };
    all.retain(|guess| guess.likelihood >= LIKELY && !hidden(guess));
    all.sort_by_key(|guess| (guess.register, std::cmp::Reverse(guess.likelihood)));
    let mut told: BTreeMap<u16, usize> = BTreeMap::new();
    all.retain(|guess| {
        let n = told.entry(guess.register).or_default();
        *n += 1;
        *n <= PER_REGISTER
    });
    all
}

/// The likeliest guesses that do not overlap, in order of registers.
pub fn best(guesses: &[Guess]) -> Vec<Guess> {
    let mut order: Vec<&Guess> = guesses.iter().filter(|guess| guess.likelihood >= LIKELY).collect();
    order.sort_by_key(|guess| (std::cmp::Reverse(guess.likelihood), guess.register));
    let mut chosen: Vec<Guess> = Vec::new();
    for guess in order {
        if !chosen.iter().any(|one| one.overlaps(guess)) {
            chosen.push(guess.clone());
        }
    }
    chosen.sort_by_key(|guess| guess.register);
    chosen
}

/// Every number that could begin at a register.
fn at(words: &BTreeMap<u16, u16>, register: u16) -> Vec<Guess> {
    let mut found: Vec<Guess> = Vec::new();
    for data_type in number::TYPES {
        let Some(words) = run(words, register, data_type.words()) else { continue };
        for order in number::orders(data_type) {
            let Some(guess) = number::guess(register, &words, data_type, *order) else { continue };
            // Orders that give the same bits, and types that give the same number, are one guess.
            if !found.iter().any(|one| {
                (one.count, &one.value, &one.could_be) == (guess.count, &guess.value, &guess.could_be)
            }) {
                found.push(guess);
            }
        }
    }
    found
}

fn run(words: &BTreeMap<u16, u16>, register: u16, count: u16) -> Option<Vec<u16>> {
    (0..count).map(|n| words.get(&register.checked_add(n)?).copied()).collect()
}

/// What stands in a row with its like is likelier: three voltages, and numbers of one type and order.
fn corroborate(all: &mut [Guess]) {
    let place = |guess: &Guess, at: Option<u16>| Some((at?, guess.form.clone(), guess.could_be.clone()));
    let known: std::collections::BTreeSet<(u16, String, String)> = all
        .iter()
        .filter(|guess| guess.quantity.is_some())
        .filter_map(|guess| place(guess, Some(guess.register)))
        .collect();
    let mut by_form: BTreeMap<String, u32> = BTreeMap::new();
    for guess in all.iter().filter(|guess| guess.quantity.is_some()) {
        *by_form.entry(guess.form.clone()).or_default() += 1;
    }
    let usual = by_form.into_iter().max_by_key(|(_, n)| *n).filter(|(_, n)| *n > 1).map(|(form, _)| form);
    for guess in all {
        let beside = [guess.register.checked_sub(guess.count), guess.register.checked_add(guess.count)];
        let in_row =
            beside.into_iter().any(|at| place(guess, at).is_some_and(|place| known.contains(&place)));
        guess.likelihood += if in_row && guess.quantity.is_some() { 15 } else { 0 };
        guess.likelihood += if usual.as_deref() == Some(&guess.form) { 20 } else { 0 };
    }
}

/// Runs of registers that hold nothing but characters.
fn texts(words: &BTreeMap<u16, u16>) -> Vec<Guess> {
    let mut found = Vec::new();
    let mut from = words.keys().next().copied();
    while let Some(register) = from {
        let (characters, count) = text_at(words, register);
        let next = register.checked_add(count.max(1));
        from = next.and_then(|next| words.range(next..).next()).map(|(register, _)| *register);
        found.extend(text_guess(words, register, &characters, count));
    }
    found
}

/// Characters from a register on, and how many registers they take, the zeros behind them included.
fn text_at(words: &BTreeMap<u16, u16>, register: u16) -> (String, u16) {
    let (mut text, mut count, mut ended) = (String::new(), 0, false);
    for at in (register..=u16::MAX).take(TEXT_WORDS_MAX) {
        let Some(word) = words.get(&at) else { break };
        let bytes = word.to_be_bytes();
        let printable = bytes.iter().all(|b| (0x20..0x7f).contains(b));
        match bytes {
            _ if printable && !ended => text.extend(bytes.map(char::from)),
            [first, 0] if !ended && (0x20..0x7f).contains(&first) => {
                text.push(char::from(first));
                ended = true;
            }
            [0, 0] if !text.is_empty() => ended = true,
            _ => break,
        }
        count += 1;
    }
    (text, count)
}

fn text_guess(words: &BTreeMap<u16, u16>, register: u16, text: &str, count: u16) -> Option<Guess> {
    let shown = text.trim();
    let letters = shown.bytes().filter(|b| b.is_ascii_alphanumeric() || *b == b' ').count();
    if shown.len() < TEXT_MIN || letters * 5 < shown.len() * 4 {
        return None;
    }
    let length = u32::try_from(shown.len()).unwrap_or(0).min(20);
    Some(Guess {
        register,
        words: super::modbus::hex(&run(words, register, count)?),
        form: "text".to_owned(),
        value: format!("\"{shown}\""),
        could_be: "a text: maker, model or serial number".to_owned(),
        likelihood: 55 + 2 * length,
        count,
        form_of: None,
        quantity: None,
    })
}

#[cfg(test)]
mod tests;
