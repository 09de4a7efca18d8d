//! Power against voltage, current and apparent power; parts against their total.

use model::Quantity;

use super::{All, step, warning};
use crate::probe::{ReadingFound, Warning};

/// Power may be this much above voltage times current: they are not measured at the same instant.
const ABOVE: f64 = 1.1;
/// Below this many volt-amperes rounding decides.
const VA_MIN: f64 = 50.0;
/// Phases may differ from their total by this share.
const SUM: f64 = 0.05;
/// And by this many steps of the registers, each of which is rounded.
const SUM_STEPS: f64 = 3.0;
/// A power factor may differ from P/S by this much.
const FACTOR: f64 = 0.1;

pub(super) fn warnings(all: &All<'_>) -> Vec<Warning> {
    let mut found = Vec::new();
    for channel in all.channels() {
        found.extend(against_volts_and_amperes(all, channel));
        found.extend(against_apparent(all, channel));
        found.extend(factor(all, channel));
        found.extend(total_against_volts_and_amperes(all, channel));
        found.extend(direction(all, channel));
        let sums = [Quantity::ActivePower, Quantity::ApparentPower, Quantity::ActiveEnergyImport];
        found.extend(sums.into_iter().filter_map(|quantity| sum(all, channel, quantity)));
    }
    found
}

fn against_volts_and_amperes(all: &All<'_>, channel: &str) -> Option<Warning> {
    // Over several phases the product of two means says nothing.
    if !all.phases_of(channel).is_empty() {
        return None;
    }
    let power = all.get(channel, Quantity::ActivePower)?;
    let volts = all.get(channel, Quantity::Voltage)?;
    let amperes = all.get(channel, Quantity::Current)?;
    let product = volts.value.to_f64() * amperes.value.to_f64();
    // Half a step of a rounded current is a share of the product that no power can know.
    let blur = volts.value.to_f64() * step(amperes) / 2.0 + step(power);
    let cause = power_cause(power.value.to_f64(), product, blur)?;
    let text = format!(
        "active_power at {channel} is {} W, but {} V x {} A are {product:.1} VA",
        power.value, volts.value, amperes.value
    );
    Some(warning(&[power, volts, amperes], text, cause))
}

fn total_against_volts_and_amperes(all: &All<'_>, channel: &str) -> Option<Warning> {
    let power = all.get(channel, Quantity::ActivePower)?;
    let phases = all.phases_of(channel);
    let product = |phase: &&str| {
        let volts = all.get(phase, Quantity::Voltage)?;
        let amperes = all.get(phase, Quantity::Current)?;
        Some((volts.value.to_f64() * amperes.value.to_f64(), amperes, volts))
    };
    let products: Vec<_> = phases.iter().map(product).collect::<Option<_>>()?;
    let (_, first, _) = products.first()?;
    let sum: f64 = products.iter().map(|(product, ..)| product).sum();
    let blur: f64 =
        products.iter().map(|(_, amperes, volts)| volts.value.to_f64() * step(amperes) / 2.0).sum();
    let cause = power_cause(power.value.to_f64(), sum, blur + step(power))?;
    let n = products.len();
    let text = format!(
        "active_power at {channel} is {} W, but voltage x current of its {n} phases are {sum:.1} VA",
        power.value
    );
    Some(warning(&[power, first], text, cause))
}

/// Why a power does not go with the volt-amperes; `None` if it does.
fn power_cause(power: f64, product: f64, blur: f64) -> Option<&'static str> {
    let (power, product) = (power.abs(), product.abs());
    if product < VA_MIN && power < VA_MIN {
        return None;
    }
    let ratio = power / product.max(1.0);
    if power > product * ABOVE + blur {
        return Some(match ratio {
            _ if (300.0..=1100.0).contains(&ratio) => {
                "power is in W and read as kW, or current in mA is read as A"
            }
            _ if (30.0..=110.0).contains(&ratio) => {
                "power or current is off by 100: hundredths of a kW, of an A?"
            }
            _ if (3.0..=11.0).contains(&ratio) => "power or current is off by 10: tenths of an A?",
            _ if (1.5..=1.9).contains(&ratio) => {
                "the voltage is that of a phase and the power that of all, or the other way round"
            }
            _ => "wrong word order or type, or a CT ratio is applied to one of the two only",
        });
    }
    // What is drawn with a factor below 0.002 is drawn by nothing but a unit that is wrong.
    let thousand = power * 1000.0;
    (power > 0.0 && thousand >= product * 0.3 && thousand <= product * ABOVE)
        .then_some("power is in kW and read as W, or current in A is read as kA")
}

fn against_apparent(all: &All<'_>, channel: &str) -> Option<Warning> {
    let power = all.get(channel, Quantity::ActivePower)?;
    let apparent = all.get(channel, Quantity::ApparentPower)?;
    let (p, s) = (power.value.to_f64().abs(), apparent.value.to_f64().abs());
    let blur = step(power) + step(apparent);
    let cause = match power_cause(p, s, blur) {
        Some(cause) => cause,
        None if p > s * (1.0 + SUM) + blur && p > VA_MIN => {
            "they are not of the same instant, or not of the same phases"
        }
        None => return None,
    };
    let text = format!(
        "active_power at {channel} is {} W, but apparent_power is {} VA, which is never less",
        power.value, apparent.value
    );
    Some(warning(&[power, apparent], text, cause))
}

fn factor(all: &All<'_>, channel: &str) -> Option<Warning> {
    let power = all.get(channel, Quantity::ActivePower)?;
    let apparent = all.get(channel, Quantity::ApparentPower)?;
    let factor = all.get(channel, Quantity::PowerFactor)?;
    let (p, s) = (power.value.to_f64(), apparent.value.to_f64());
    // Where the two contradict each other already, and where rounding decides, the factor proves nothing.
    if s < VA_MIN * 4.0 || p.abs() > s * ABOVE || factor.value.to_f64().abs() > 1.0 {
        return None;
    }
    let blur = (step(power) + step(apparent)) / s + step(factor);
    let found = p.abs() / s;
    if (found - factor.value.to_f64().abs()).abs() <= FACTOR + blur {
        return None;
    }
    let text = format!(
        "power_factor at {channel} is {}, but {} W / {} VA are {found:.2}",
        factor.value, power.value, apparent.value
    );
    Some(warning(
        &[factor, power, apparent],
        text,
        "another register: cos phi of the fundamental, or of another phase",
    ))
}

/// One phase against the others: its current transformer points the other way.
fn direction(all: &All<'_>, channel: &str) -> Option<Warning> {
    let phases = all.phases_of(channel);
    let powers: Vec<&ReadingFound> =
        phases.iter().filter_map(|phase| all.get(phase, Quantity::ActivePower)).collect();
    if powers.len() < 2 {
        return None;
    }
    let (back, forth): (Vec<&ReadingFound>, Vec<&ReadingFound>) = powers
        .into_iter()
        .filter(|one| one.value.to_f64().abs() > VA_MIN)
        .partition(|one| one.value.to_f64() < 0.0);
    let (odd, others) = if back.len() <= forth.len() { (back, forth) } else { (forth, back) };
    let (odd, other) = (odd.first()?, others.first()?);
    let text = format!(
        "active_power at {} is {} W, at {} it is {} W",
        odd.channel, odd.value, other.channel, other.value
    );
    let cause = "a current transformer of one phase points the other way (k and l swapped), or its voltage tap is another phase's";
    Some(warning(&[odd, other], text, cause))
}

fn sum(all: &All<'_>, channel: &str, quantity: Quantity) -> Option<Warning> {
    let total = all.get(channel, quantity)?;
    let phases = all.phases_of(channel);
    let parts: Vec<&ReadingFound> = phases.iter().filter_map(|phase| all.get(phase, quantity)).collect();
    if parts.len() < 2 || parts.len() < phases_in_use(all, &phases) {
        return None;
    }
    let sum: f64 = parts.iter().map(|one| one.value.to_f64()).sum();
    let (whole, blur) =
        (total.value.to_f64(), SUM_STEPS * (step(total) + parts.iter().map(|one| step(one)).sum::<f64>()));
    // Apparent power adds up over phases only as vectors, which makes the total smaller.
    let missing = if quantity == Quantity::ApparentPower { whole - sum } else { (whole - sum).abs() };
    if missing <= whole.abs().max(sum.abs()) * SUM + blur || whole.abs().max(sum.abs()) < VA_MIN {
        return None;
    }
    let names: Vec<&str> = parts.iter().map(|one| one.channel.as_str()).collect();
    let text = format!(
        "{} at {channel} is {} {}, but {} together are {sum:.1} {}",
        total.quantity,
        total.value,
        total.unit,
        names.join(", "),
        total.unit
    );
    let cause = match whole.abs() / sum.abs().max(f64::MIN_POSITIVE) {
        ratio if (900.0..=1100.0).contains(&ratio) || (0.0009..=0.0011).contains(&ratio) => {
            "one of them is in kW or kWh and read as W or Wh"
        }
        ratio if (0.2..=0.9).contains(&ratio) && quantity == Quantity::ActivePower => {
            "a current transformer points the other way, so that its phase is subtracted; or a CT ratio differs"
        }
        _ => {
            "another register than the total (one tariff, one direction, the balance), or scale or order differ"
        }
    };
    let sources: Vec<&ReadingFound> = std::iter::once(total).chain(parts).collect();
    Some(warning(&sources, text, cause))
}

/// Phases that have any electrical value at all.
fn phases_in_use(all: &All<'_>, phases: &[&str]) -> usize {
    let live = |phase: &&&str| {
        let has = |quantity| all.get(phase, quantity).is_some_and(|one| one.value.to_f64() != 0.0);
        has(Quantity::Current) || has(Quantity::ActivePower)
    };
    phases.iter().filter(live).count()
}
