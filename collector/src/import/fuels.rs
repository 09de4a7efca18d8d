//! Fuel that was burnt, from CSV: `fuels`.

use std::collections::BTreeMap;

use calendar::Date;
use model::SiteId;
use store::{DocumentKind, NewDocument, StoreError, Writer};

use super::{ImportError, Mode, Request, Summary, csv};
use crate::facts::{Context, FuelRow, fuels_key};

const COLUMNS: &[&str] = &["date", "site", "fuel", "amount", "unit", "purpose"];
/// Longest purpose that is kept.
const PURPOSE_MAX: usize = 200;

/// One entry for each day, fuel and purpose: a later file corrects an earlier one.
type Rows = BTreeMap<(Date, String, String), FuelRow>;

pub(super) fn import(
    writer: &mut Writer,
    request: &Request<'_>,
    bytes: &[u8],
) -> Result<Summary, ImportError> {
    let context = Context::load(writer.reader(), request.factor_files)?;
    let known = |site: &SiteId, fuel: &str| -> Result<(), String> {
        context.site(site).map_err(|error| error.to_string())?;
        let fuels =
            context.fuels.as_ref().ok_or("fuel: no factor set for fuels is known; import one first")?;
        if fuels.fuels.contains_key(fuel) {
            return Ok(());
        }
        let all: Vec<&str> = fuels.fuels.keys().map(String::as_str).collect();
        Err(format!("fuel: `{fuel}` is not in factor set {}; known are {}", fuels.source, all.join(", ")))
    };
    let rows = csv::rows(&request.name(), bytes, request.variant, COLUMNS, |row| {
        let (site, fuel): (SiteId, FuelRow) = (row.parsed("site")?, fuel(row)?);
        known(&site, &fuel.fuel)?;
        Ok((site, fuel))
    })?;
    let mut sites: BTreeMap<SiteId, Rows> = BTreeMap::new();
    for ((site, row), line) in rows.iter().zip(2u64..) {
        let key = (row.date, row.fuel.clone(), row.purpose.clone());
        if sites.entry(site.clone()).or_default().insert(key, row.clone()).is_some() {
            let what = format!("{} of {} at {site} is there twice", row.fuel, row.date);
            return Err(request.contradiction(line, what));
        }
    }
    let mut lines = Vec::new();
    let mut documents = Vec::new();
    for (site, new) in sites {
        let entry = context.site(&site)?;
        let mut all: Rows = entry.fuels.iter().map(|row| (key_of(row), row.clone())).collect();
        lines.push(format!("{site}: {} entries of fuel", new.len()));
        all.extend(new);
        documents.push((site, all.into_values().collect::<Vec<_>>()));
    }
    if request.mode == Mode::DryRun {
        return Ok(Summary { number: None, lines });
    }
    let number = writer.transaction(|tx| {
        let number = request.note(tx, bytes, rows.len(), format!("{} sites", documents.len()))?;
        for (site, all) in &documents {
            let text = serde_json::to_string(all).expect("numbers and texts can always be written as JSON");
            let (kind, key, author) = (DocumentKind::Other, fuels_key(site), request.author.to_owned());
            tx.put_document(&NewDocument { kind, key, text, author, at: request.at, valid_from: None })?;
        }
        Ok::<_, StoreError>(number)
    })?;
    Ok(Summary { number: Some(number), lines })
}

fn key_of(row: &FuelRow) -> (Date, String, String) {
    (row.date, row.fuel.clone(), row.purpose.clone())
}

fn fuel(row: &csv::Row<'_>) -> Result<FuelRow, String> {
    let amount = row.decimal("amount")?;
    if amount.mantissa() < 0 {
        return Err("amount: fuel that was burnt is never below 0".to_owned());
    }
    let purpose = row.text("purpose");
    if purpose.len() > PURPOSE_MAX {
        return Err(format!("purpose: {} bytes, at most {PURPOSE_MAX} are kept", purpose.len()));
    }
    Ok(FuelRow {
        date: row.parsed("date")?,
        fuel: row.text("fuel").to_owned(),
        amount,
        unit: row.parsed("unit")?,
        purpose: purpose.to_owned(),
    })
}
