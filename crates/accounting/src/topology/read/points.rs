//! `[[meter_point]]` with its sources and formulas.

use model::{Quantity, Role, Side};
use settings::Table;

use super::Reader;
use crate::Fraction;
use crate::topology::check::{self, At, PointLines};
use crate::topology::keys::{Accuracy, Flow, Medium, SeriesKey};
use crate::topology::point::{MeterPoint, Source, Virtual};

impl Reader<'_> {
    /// All meter points, each after those its formulas name; none if there is a circle, which is noted.
    pub(super) fn meter_points(&self, root: &Table<'_>) -> Vec<MeterPoint> {
        let read = root.tables("meter_point", |table| self.meter_point(table));
        let (points, lines): (Vec<_>, Vec<_>) = read.into_iter().unzip();
        for (at, what) in check::points(&points, &lines) {
            self.found(&at, what);
        }
        check::ordered(points).unwrap_or_else(|circle| {
            self.note_circle(&circle, &lines);
            Vec::new()
        })
    }

    fn note_circle(&self, circle: &[model::MeterPointId], lines: &[PointLines]) {
        let names = circle.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ");
        let first = circle.first().map(|id| format!("meter_point `{id}`"));
        let at = lines.iter().map(|lines| &lines.point).find(|at| Some(&at.key) == first.as_ref());
        if let Some(at) = at {
            self.found(at, format!("the formulas of {names} go round in a circle or wait for one that does"));
        }
    }

    fn meter_point(&self, table: &Table<'_>) -> Option<(MeterPoint, PointLines)> {
        let id: Option<model::MeterPointId> = table.parsed("id");
        let named = id.as_ref().map_or_else(|| "meter_point".to_owned(), |id| format!("meter_point `{id}`"));
        let at = At { line: table.line(), key: named };
        self.seen("meter point", id.as_ref(), &at);
        let role = table.parsed("role");
        let name = table.optional_string("name");
        let (room, unit) = (table.optional_parsed("room"), table.optional_string("unit"));
        self.refers("room", room.as_ref(), &at);
        self.refers("unit", unit.as_ref(), &at);
        let (melo, accuracy) =
            (table.optional_string("melo"), table.optional_parsed::<Accuracy>("accuracy_class"));
        let (flow, medium) = (table.optional_parsed::<Flow>("flow"), table.optional_parsed("medium"));
        let key = |part: &str| format!("{} {part}", at.key);
        let sources = table.tables("source", |table| self.source(table, key("source")));
        let formulas = table.tables("virtual", |table| self.formula(table, key("virtual")));
        let (sources, source_lines): (Vec<_>, Vec<_>) = sources.into_iter().unzip();
        let (formulas, formula_lines): (Vec<_>, Vec<_>) = formulas.into_iter().unzip();
        let (id, role): (model::MeterPointId, Role) = (id?, role?);
        let medium = medium_of(role, medium, &sources);
        let flow = flow.unwrap_or_else(|| self.flow(role, &sources, &at));
        let name = name.unwrap_or_else(|| id.to_string());
        let lines = PointLines { point: at, sources: source_lines, formulas: formula_lines };
        Some((
            MeterPoint { id, name, role, flow, medium, room, unit, melo, accuracy, sources, formulas },
            lines,
        ))
    }

    /// The intake counts what is fed into the grid on a register of its own: such a point is an export.
    fn flow(&self, role: Role, sources: &[Source], at: &At) -> Flow {
        let exports =
            sources.iter().filter(|source| source.series.quantity == Quantity::ActiveEnergyExport).count();
        if role != Role::Grid || exports == 0 {
            return Flow::Import;
        }
        if exports < sources.len() {
            self.found(
                at,
                "import and export need a meter point each: only per quarter hour may they be offset"
                    .to_owned(),
            );
        }
        Flow::Export
    }

    fn source(&self, table: &Table<'_>, key: String) -> Option<(Source, At)> {
        let at = At { line: table.line(), key };
        let (device, channel) = (table.parsed("device"), table.parsed("channel"));
        let quantity: Option<Quantity> = table.parsed("quantity").filter(|quantity| {
            let counts = Medium::of(*quantity).is_some();
            if !counts {
                table.mistake("quantity", format_args!("`{quantity}` is no counter of energy or volume"));
            }
            counts
        });
        let ratio = table.optional_parsed::<Fraction>("ratio");
        if let Some(ratio) = ratio.filter(|ratio| ratio.numerator() <= 0) {
            table.mistake("ratio", format_args!("found {ratio}, expected a ratio above 0"));
        }
        let side = side(table);
        let class = |key| table.optional_parsed::<Accuracy>(key);
        let (accuracy, ct_accuracy, vt_accuracy) =
            (class("accuracy_class"), class("ct_class"), class("vt_class"));
        let validity = self.validity(table);
        let series = SeriesKey { device: device?, channel: channel?, quantity: quantity? };
        let ratio = ratio.unwrap_or(Fraction::ONE);
        Some((Source { series, ratio, side, accuracy, ct_accuracy, vt_accuracy, validity }, at))
    }

    fn formula(&self, table: &Table<'_>, key: String) -> Option<(Virtual, At)> {
        let at = At { line: table.line_of("formula"), key };
        let formula: Option<crate::Formula> = table.parsed("formula");
        let validity = self.validity(table);
        let formula = formula?;
        for (id, _) in formula.terms() {
            self.refers("meter point", Some(id), &at);
        }
        Some((Virtual { formula, validity }, at))
    }
}

/// What the sources count, else what the file says, else what the role says.
fn medium_of(role: Role, said: Option<Medium>, sources: &[Source]) -> Medium {
    let of_sources = sources.first().and_then(|source| Medium::of(source.series.quantity));
    of_sources.or(said).or(check::medium_of_role(role)).unwrap_or(Medium::Electricity)
}

fn side(table: &Table<'_>) -> Option<Side> {
    match table.optional_string("side")?.as_str() {
        "primary" => Some(Side::Primary),
        "secondary" => Some(Side::Secondary),
        other => {
            table.mistake("side", format_args!("found \"{other}\", expected \"primary\" or \"secondary\""));
            None
        }
    }
}
