//! A range of registers, read politely: the first step towards a profile for a device that has none.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use profile::Function;

use super::line::Line;
use super::{ProbeError, Question};
use crate::address::Address;
use crate::modbus::SessionError;

/// Registers that are asked for at once: well below what the specification allows, since many devices bear less.
const AT_ONCE: u16 = 60;
/// Requests for one range; a range that is full of holes costs two for each register.
const REQUESTS_MAX: u32 = 2000;
/// Requests in a row that are not answered before the rest is given up.
const SILENT_MAX: u32 = 3;
/// Exceptions by which a device says that there is no such register, or not so many at once: 2 and 3 (MODBUS Application
/// Protocol V1.1b3, 7), 4 from devices that do not know better.
const HOLES: [u8; 3] = [2, 3, 4];
/// The function is not known (7).
const NO_FUNCTION: u8 = 1;

/// What a range holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Range {
    /// Words by their address.
    pub words: BTreeMap<u16, u16>,
    /// Addresses that the device refuses.
    pub holes: Vec<u16>,
    /// Addresses that were not asked for, with the reason; empty if all were.
    pub left: Option<(u16, String)>,
}

/// Reads a range by function 3 or 4.
///
/// # Errors
/// If the device cannot be reached, does not answer at all, or does not know the function.
pub fn read(
    question: &Question<'_>,
    function: Function,
    range: RangeInclusive<u16>,
) -> Result<Range, ProbeError> {
    let Address::Modbus { bus, unit } = question.address else {
        return Err(ProbeError::Address { what: "--registers", example: "modbus+tcp://10.4.0.17:502/1" });
    };
    let mut line = Line::open(bus, *unit, question.timeout, question.patience)?;
    let found = walk(&mut line, function, range);
    match found.left {
        Some(_) if !line.heard => Err(line.silent()),
        _ => Ok(found),
    }
}

fn walk(line: &mut Line<'_>, function: Function, range: RangeInclusive<u16>) -> Range {
    let mut found = Range::default();
    let mut open: Vec<(u16, u16)> = pieces(range);
    let (mut requests, mut silent) = (0, 0);
    while let Some((start, count)) = open.pop() {
        if requests >= REQUESTS_MAX || silent >= SILENT_MAX {
            let why = if silent >= SILENT_MAX { "the device no longer answers" } else { "too many holes" };
            found.left = Some((start, why.to_owned()));
            break;
        }
        requests += 1;
        let answer = line.read((function, 0), start, count);
        silent = if matches!(answer, Err(SessionError::NoAnswer { .. })) { silent + 1 } else { 0 };
        match answer {
            Ok(words) => found.words.extend((start..=u16::MAX).zip(words)),
            Err(SessionError::Exception { code, .. }) if HOLES.contains(&code) && count > 1 => {
                let half = count / 2;
                open.push((start + half, count - half));
                open.push((start, half));
            }
            Err(SessionError::NoAnswer { .. }) => open.push((start, count)),
            Err(SessionError::Exception { code: NO_FUNCTION, .. }) => {
                let other = if function == Function::Holding { 4 } else { 3 };
                found.left =
                    Some((start, format!("the device does not know this function, try --function {other}")));
                break;
            }
            Err(SessionError::Exception { .. }) => {
                found.holes.extend((start..=u16::MAX).take(usize::from(count)));
            }
            Err(error) => {
                found.left = Some((start, error.missing().to_string()));
                break;
            }
        }
    }
    found
}

/// The range in pieces, the last one first.
fn pieces(range: RangeInclusive<u16>) -> Vec<(u16, u16)> {
    let (first, last) = (u32::from(*range.start()), u32::from(*range.end()));
    let starts = (first..=last).step_by(usize::from(AT_ONCE));
    let mut pieces: Vec<(u16, u16)> = starts
        .filter_map(|start| {
            let count = (last - start + 1).min(u32::from(AT_ONCE));
            Some((u16::try_from(start).ok()?, u16::try_from(count).ok()?))
        })
        .collect();
    pieces.reverse();
    pieces
}
