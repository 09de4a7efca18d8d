//! Formulas of virtual meter points: sums and differences of other points, with exact factors.

use std::collections::BTreeMap;
use std::fmt;
use std::iter::Peekable;
use std::str::{CharIndices, FromStr};

use model::{Decimal, MeterPointId};

use crate::Fraction;

/// Longer formulas are refused: 200 points with their longest ids fit.
const LENGTH_MAX: usize = 16_000;
/// Deeper parentheses are refused, so that reading cannot exhaust the stack.
const DEPTH_MAX: u32 = 32;

/// A formula: `ups-a-out + ups-b-out`, `main - 0.5 * (chiller + pumps)`. Made of ids of meter points, decimal numbers,
/// `+`, `-`, `*` and parentheses. Since ids may hold a dash, a minus must stand apart: `a - b`, not `a-b`.
///
/// It is linear: each point has one exact factor, and there is no constant, because a constant amount per quarter hour
/// would be invented energy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Formula {
    text: String,
    terms: Vec<(MeterPointId, Fraction)>,
}

/// A text that is no formula.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFormula {
    /// Too long or too deep.
    #[error(
        "the formula is too long or too deep: at most {LENGTH_MAX} characters and {DEPTH_MAX} parentheses deep"
    )]
    TooLarge,
    /// Something else was expected.
    #[error("found `{found}` at character {at}, expected {expected}")]
    Unexpected {
        /// What stands there.
        found: String,
        /// Where, from 1.
        at: usize,
        /// What could stand there.
        expected: &'static str,
    },
    /// A point times a point.
    #[error("a meter point times a meter point is no energy; one side of `*` must be a number")]
    NotLinear,
    /// A number that is added.
    #[error("the number {0} cannot be added: a formula sums meter points, numbers only multiply")]
    Constant(Fraction),
    /// Nothing but numbers, or points that cancel out.
    #[error("the formula names no meter point, or what it names cancels out")]
    Empty,
    /// Factors beyond 64 bits.
    #[error("the factors of the formula do not fit into 64 bits")]
    TooFine,
}

impl Formula {
    /// The points it names, each once with its factor, in the order of their ids.
    pub fn terms(&self) -> &[(MeterPointId, Fraction)] {
        &self.terms
    }
}

/// As it was written.
impl fmt::Display for Formula {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Formula {
    type Err = InvalidFormula;

    fn from_str(text: &str) -> Result<Self, InvalidFormula> {
        if text.len() > LENGTH_MAX {
            return Err(InvalidFormula::TooLarge);
        }
        let mut reader = Reader { text, rest: text.char_indices().peekable() };
        let sum = reader.sum(0)?;
        reader.end()?;
        if sum.constant != Fraction::ZERO {
            return Err(InvalidFormula::Constant(sum.constant));
        }
        let terms: Vec<_> = sum.points.into_iter().filter(|(_, factor)| *factor != Fraction::ZERO).collect();
        if terms.is_empty() {
            return Err(InvalidFormula::Empty);
        }
        Ok(Self { text: text.trim().to_owned(), terms })
    }
}

/// A sum of points with factors, and a constant.
struct Linear {
    points: BTreeMap<MeterPointId, Fraction>,
    constant: Fraction,
}

impl Linear {
    fn constant(constant: Fraction) -> Self {
        Self { points: BTreeMap::new(), constant }
    }

    fn plus(mut self, other: Self, sign: Fraction) -> Option<Self> {
        for (point, factor) in other.points {
            let factor = factor.times(sign)?;
            let sum = self.points.get(&point).copied().unwrap_or(Fraction::ZERO).plus(factor)?;
            self.points.insert(point, sum);
        }
        self.constant = self.constant.plus(other.constant.times(sign)?)?;
        Some(self)
    }

    fn times(self, other: Self) -> Result<Self, InvalidFormula> {
        let (number, sum) = match (self.points.is_empty(), other.points.is_empty()) {
            (true, _) => (self.constant, other),
            (false, true) => (other.constant, self),
            (false, false) => return Err(InvalidFormula::NotLinear),
        };
        Self::constant(Fraction::ZERO).plus(sum, number).ok_or(InvalidFormula::TooFine)
    }
}

/// Recursive descent: sum = product {(+|-) product}, product = factor {* factor}, factor = [-] (number | id | (sum)).
struct Reader<'t> {
    text: &'t str,
    rest: Peekable<CharIndices<'t>>,
}

impl Reader<'_> {
    fn sum(&mut self, depth: u32) -> Result<Linear, InvalidFormula> {
        let mut sum = self.product(depth)?;
        loop {
            let sign = match self.next_is(&['+', '-']) {
                Some('+') => Fraction::ONE,
                Some(_) => Fraction::ONE.negated(),
                None => return Ok(sum),
            };
            let product = self.product(depth)?;
            sum = sum.plus(product, sign).ok_or(InvalidFormula::TooFine)?;
        }
    }

    fn product(&mut self, depth: u32) -> Result<Linear, InvalidFormula> {
        let mut product = self.factor(depth)?;
        while self.next_is(&['*']).is_some() {
            product = product.times(self.factor(depth)?)?;
        }
        Ok(product)
    }

    fn factor(&mut self, depth: u32) -> Result<Linear, InvalidFormula> {
        if depth > DEPTH_MAX {
            return Err(InvalidFormula::TooLarge);
        }
        if self.next_is(&['-']).is_some() {
            let minus_one = Linear::constant(Fraction::ONE.negated());
            return minus_one.times(self.factor(depth + 1)?);
        }
        if self.next_is(&['(']).is_some() {
            let inner = self.sum(depth + 1)?;
            return if self.next_is(&[')']).is_some() {
                Ok(inner)
            } else {
                Err(self.unexpected("`)`, `+`, `-` or `*`"))
            };
        }
        self.word()
    }

    fn word(&mut self) -> Result<Linear, InvalidFormula> {
        const EXPECTED: &str = "a meter point, a number or `(`";
        self.skip_blanks();
        let Some(&(start, _)) = self.rest.peek() else { return Err(self.unexpected(EXPECTED)) };
        let of_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
        let word: String = self.rest.clone().map(|(_, c)| c).take_while(|c| of_word(*c)).collect();
        let wrong = |found: &str| InvalidFormula::Unexpected {
            found: found.to_owned(),
            at: start + 1,
            expected: EXPECTED,
        };
        if word.is_empty() {
            return Err(self.unexpected(EXPECTED));
        }
        for _ in word.chars() {
            self.rest.next();
        }
        if word.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
            let number = word.parse::<Decimal>().ok().and_then(Fraction::from_decimal);
            return number.map(Linear::constant).ok_or_else(|| wrong(&word));
        }
        let point = MeterPointId::new(&word).map_err(|_| wrong(&word))?;
        Ok(Linear { points: BTreeMap::from([(point, Fraction::ONE)]), constant: Fraction::ZERO })
    }

    fn next_is(&mut self, wanted: &[char]) -> Option<char> {
        self.skip_blanks();
        self.rest.next_if(|(_, c)| wanted.contains(c)).map(|(_, c)| c)
    }

    fn end(&mut self) -> Result<(), InvalidFormula> {
        self.skip_blanks();
        if self.rest.peek().is_none() { Ok(()) } else { Err(self.unexpected("`+`, `-`, `*` or the end")) }
    }

    fn skip_blanks(&mut self) {
        while self.rest.next_if(|(_, c)| c.is_whitespace()).is_some() {}
    }

    fn unexpected(&mut self, expected: &'static str) -> InvalidFormula {
        let at = self.rest.peek().map_or(self.text.len(), |(at, _)| *at);
        let found: String = self.rest.clone().map(|(_, c)| c).take(20).collect();
        let found = if found.is_empty() { "the end".to_owned() } else { found };
        InvalidFormula::Unexpected { found, at: at + 1, expected }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(text: &str) -> Vec<(String, String)> {
        let formula: Formula = text.parse().unwrap();
        formula.terms().iter().map(|(id, factor)| (id.to_string(), factor.to_string())).collect()
    }

    #[test]
    fn a_formula_is_a_sum_of_points_with_exact_factors() {
        for (text, expected) in [
            ("ups-a-out + ups-b-out", vec![("ups-a-out", "1"), ("ups-b-out", "1")]),
            ("main - 0.5 * (chiller + pumps)", vec![("chiller", "-1/2"), ("main", "1"), ("pumps", "-1/2")]),
            ("a + a - b", vec![("a", "2"), ("b", "-1")]),
            ("-(a - b) * 3", vec![("a", "-3"), ("b", "3")]),
            ("2 * 0.1 * 1u", vec![("1u", "1/5")]),
        ] {
            let found = terms(text);
            let found: Vec<_> = found.iter().map(|(id, factor)| (id.as_str(), factor.as_str())).collect();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn a_formula_that_is_no_energy_is_refused_with_what_is_wrong() {
        for (text, said) in [
            ("a * b", "one side of `*` must be a number"),
            ("a + 5", "the number 5 cannot be added"),
            ("a - a", "cancels out"),
            ("3", "the number 3 cannot be added"),
            ("a +", "found `the end` at character 4, expected a meter point, a number or `(`"),
            ("(a + b", "expected `)`"),
            ("a b", "expected `+`, `-`, `*` or the end"),
            ("A + b", "found `A + b`"),
            ("1.2.3 * a", "found `1.2.3`"),
            ("", "found `the end`"),
        ] {
            let error = text.parse::<Formula>().unwrap_err().to_string();
            assert!(error.contains(said), "{text:?}: {error}");
        }
        let deep = format!("{}a{}", "(".repeat(40), ")".repeat(40));
        assert_eq!(deep.parse::<Formula>(), Err(InvalidFormula::TooLarge));
    }
}
