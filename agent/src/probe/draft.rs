//! The skeleton of a profile, from guesses: what is sure enough stands as a reading, the rest as a comment to go on from.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use model::Quantity;
use profile::Function;

use super::guess::{Guess, best};

/// Guesses below this stand as comments: they were never more than numbers.
const SURE: u32 = 50;

/// The text of a profile. It is one that `profiles check` takes, once it holds at least one reading.
pub fn draft(guesses: &[Guess], function: Function) -> String {
    let mut text = String::from(
        "# Drafted by `wattwacht-agent probe --registers`. Every line is a guess: compare with the device's display and its\n\
         # manual, correct channels, delete what you cannot confirm, say where your facts come from.\n\
         id = \"maker-model\"\nmaker = \"Maker\"\nmodel = \"Model\"\nprotocol = \"modbus\"\nconfidence = \"known\"\n\
         sources = \"guessed from the words of one device\"\n",
    );
    let code = function.code();
    // Writing to a text cannot fail.
    write!(text, "modbus.function = {code}\n\nreading = [\n").unwrap_or_default();
    let mut taken: BTreeMap<(Quantity, bool), usize> = BTreeMap::new();
    let mut live = 0;
    for guess in best(guesses) {
        let line = line(&guess, &mut taken, code);
        live += usize::from(!line.starts_with("  #"));
        text.push_str(&line);
    }
    text.push_str("]\n");
    if live == 0 {
        text.push_str("# Nothing was sure enough to stand as a reading: take the comment signs from those that you know.\n");
    }
    text
}

fn line(guess: &Guess, taken: &mut BTreeMap<(Quantity, bool), usize>, code: u8) -> String {
    let (register, value) = (guess.register, &guess.value);
    let Some((data_type, order)) = guess.form_of else {
        let count = guess.count;
        return format!(
            "  # {value}: identity.model = {{ function = {code}, register = {register}, count = {count} }}\n"
        );
    };
    let form = format!("register = {register}, type = \"{data_type}\", order = \"{order}\"");
    let known = guess.quantity.filter(|_| guess.likelihood >= SURE);
    let named = known.and_then(|(quantity, scale)| Some((quantity, channel(guess, quantity, taken)?, scale)));
    match named {
        Some((quantity, channel, scale)) => {
            let unit = quantity.unit();
            format!(
                "  {{ quantity = \"{quantity}\", channel = \"{channel}\", {form}, scale = {scale}, unit = \"{unit}\" }}, \
                 # {value} {unit}\n"
            )
        }
        None => format!(
            "  # {{ quantity = \"?\", channel = \"?\", {form}, unit = \"?\" }}, # {value}: {}\n",
            guess.could_be
        ),
    }
}

/// Voltages are taken for those of the phases in their order; of a frequency there is one.
fn channel(
    guess: &Guess,
    quantity: Quantity,
    taken: &mut BTreeMap<(Quantity, bool), usize>,
) -> Option<&'static str> {
    let between = guess.could_be.contains("between");
    let names: &[&str] = match (quantity, between) {
        (Quantity::Voltage, false) => &["l1", "l2", "l3"],
        (Quantity::Voltage, true) => &["l1-l2", "l2-l3", "l3-l1"],
        _ => &["total"],
    };
    let n = taken.entry((quantity, between)).or_default();
    *n += 1;
    names.get(*n - 1).copied()
}
