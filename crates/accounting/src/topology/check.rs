//! What must hold between the parts of a site's file, beyond each part by itself.

use std::collections::BTreeMap;

use model::{MeterPointId, Role, Side};

use super::keys::{Flow, Medium, Validity};
use super::point::{MeterPoint, Source};
use crate::Fraction;

/// A place in the file: the line at which a part begins, and what it is called there.
#[derive(Debug, Clone)]
pub(super) struct At {
    pub(super) line: usize,
    pub(super) key: String,
}

/// A mistake between parts: where, and what.
pub(super) type Found = (At, String);

/// The lines of the meter points, of their sources and of their formulas, in the order of the file.
#[derive(Debug, Clone)]
pub(super) struct PointLines {
    pub(super) point: At,
    pub(super) sources: Vec<At>,
    pub(super) formulas: Vec<At>,
}

/// What no single part can see: unknown references, circles, overlaps, mixed media.
pub(super) fn points(points: &[MeterPoint], lines: &[PointLines]) -> Vec<Found> {
    let by_id: BTreeMap<&MeterPointId, &MeterPoint> = points.iter().map(|point| (&point.id, point)).collect();
    let mut found = Vec::new();
    for (point, lines) in points.iter().zip(lines) {
        found.extend(sources(point, lines));
        found.extend(formulas(point, lines, &by_id));
        found.extend(medium(point).map(|what| (lines.point.clone(), what)));
    }
    found
}

fn sources(point: &MeterPoint, lines: &PointLines) -> Vec<Found> {
    let mut found = Vec::new();
    for (n, (source, at)) in point.sources.iter().zip(&lines.sources).enumerate() {
        let again = point.sources[..n].iter().zip(&lines.sources);
        let again =
            again.filter(|(one, _)| one.series == source.series && one.validity.overlaps(source.validity));
        for (_, earlier) in again {
            let what = format!(
                "`{}` would count twice: its validity overlaps that of line {}",
                source.series, earlier.line
            );
            found.push((at.clone(), what));
        }
        found.extend(ratio(source).map(|what| (at.clone(), what)));
    }
    found
}

fn ratio(source: &Source) -> Option<String> {
    let Source { series, ratio, side, .. } = source;
    if *ratio == Fraction::ONE {
        return None;
    }
    if *side == Some(Side::Primary) {
        return Some(format!("a ratio of {ratio} on the primary side would count `{series}` {ratio} times"));
    }
    let electrical = Medium::of(series.quantity) == Some(Medium::Electricity);
    (!electrical).then(|| format!("`{}` has no instrument transformers, so it has no ratio", series.quantity))
}

fn formulas(
    point: &MeterPoint,
    lines: &PointLines,
    by_id: &BTreeMap<&MeterPointId, &MeterPoint>,
) -> Vec<Found> {
    let mut found = Vec::new();
    for (n, (one, at)) in point.formulas.iter().zip(&lines.formulas).enumerate() {
        let formulas =
            point.formulas[..n].iter().zip(&lines.formulas).map(|(other, at)| (other.validity, at));
        let sources = point.sources.iter().zip(&lines.sources).map(|(source, at)| (source.validity, at));
        for (_, earlier) in formulas.chain(sources).filter(|(validity, _)| validity.overlaps(one.validity)) {
            found.push((at.clone(), format!("its validity overlaps that of line {}", earlier.line)));
        }
        for (id, _) in one.formula.terms() {
            if let Some(other) = by_id.get(id).filter(|other| other.medium != point.medium) {
                let what =
                    format!("the formula adds `{id}`, which counts {}, to {}", other.medium, point.medium);
                found.push((at.clone(), what));
            }
        }
    }
    found
}

/// What a role must count, if it says so.
pub(super) const fn medium_of_role(role: Role) -> Option<Medium> {
    match role {
        Role::Grid
        | Role::Renewable
        | Role::Generator
        | Role::ItUpsOutput
        | Role::ItPduOutput
        | Role::ItInput
        | Role::Cooling
        | Role::Other
        | Role::HeatUpgrade
        | Role::OutsideBoundary => Some(Medium::Electricity),
        Role::ColdProduced | Role::HeatRemoved | Role::HeatReused => Some(Medium::Heat),
        Role::WaterPotable | Role::WaterOther => Some(Medium::Water),
        Role::Sub => None,
    }
}

fn medium(point: &MeterPoint) -> Option<String> {
    let expected = medium_of_role(point.role);
    if let Some(expected) = expected.filter(|expected| *expected != point.medium) {
        return Some(format!("role {} counts {expected}, its sources count {}", point.role, point.medium));
    }
    let other = point.sources.iter().find(|source| Medium::of(source.series.quantity) != Some(point.medium));
    if let Some(source) = other {
        return Some(format!(
            "`{}` does not count {}, which its other sources do",
            source.series, point.medium
        ));
    }
    let export =
        point.flow == Flow::Export && !matches!(point.role, Role::Grid | Role::Renewable | Role::Sub);
    export.then(|| format!("role {} cannot be an export; MP_EVU, MP_EE and sub can", point.role))
}

/// Puts the points into an order in which each comes after all its formulas name; the points of a circle if there is
/// one. By Kahn's algorithm; the order of the file is kept where nothing speaks against it.
pub(super) fn ordered(points: Vec<MeterPoint>) -> Result<Vec<MeterPoint>, Vec<MeterPointId>> {
    let mut waiting = points;
    let mut done: Vec<MeterPoint> = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let names_waiting = |point: &MeterPoint| {
            let mut terms = point.formulas.iter().flat_map(|one| one.formula.terms());
            terms.any(|(id, _)| waiting.iter().any(|other| other.id == *id))
        };
        let (stay, ready): (Vec<_>, Vec<_>) = waiting.iter().cloned().partition(names_waiting);
        if ready.is_empty() {
            return Err(stay.into_iter().map(|point| point.id).collect());
        }
        done.extend(ready);
        waiting = stay;
    }
    Ok(done)
}

/// Rows of one thing whose validities overlap: `(what, validity)` in the order of the file.
pub(super) fn overlaps(rows: &[(String, Validity)], lines: &[At]) -> Vec<Found> {
    let mut found = Vec::new();
    for (n, ((what, validity), at)) in rows.iter().zip(lines).enumerate() {
        for ((other, earlier), line) in rows[..n].iter().zip(lines) {
            if other == what && earlier.overlaps(*validity) {
                found.push((
                    at.clone(),
                    format!("`{what}` stands in line {} for the same time already", line.line),
                ));
            }
        }
    }
    found
}
