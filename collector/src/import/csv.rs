//! The CSV files that people import: RFC 4180, one header row, every mistake with its line, all or nothing.

use std::fmt::{self, Display};
use std::str::FromStr;

use model::Decimal;

/// Rows that one file may have: a year of quarter hours of 50 meter points, and more than a spreadsheet holds.
const ROWS_MAX: usize = 2_000_000;
/// Mistakes that are listed; beyond them only their number is of use.
const MISTAKES_SHOWN_MAX: usize = 100;

/// How a CSV file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Variant {
    /// RFC 4180: `,` between fields, `.` in decimals.
    #[default]
    Rfc4180,
    /// What a German Excel writes: `;` between fields, `,` in decimals, a byte order mark.
    ExcelDe,
}

/// What is wrong in a CSV file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct CsvMistakes {
    file: String,
    mistakes: Vec<(u64, String)>,
    count: usize,
}

/// One mistake a line, `FILE:LINE: what`.
impl Display for CsvMistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (line, what) in &self.mistakes {
            writeln!(f, "{}:{line}: {what}", self.file)?;
        }
        if self.count > self.mistakes.len() {
            writeln!(f, "{}: and {} more", self.file, self.count - self.mistakes.len())?;
        }
        write!(f, "{}: nothing was imported", self.file)
    }
}

/// One row, whose fields are asked for by the names of their columns.
#[derive(Debug)]
pub(super) struct Row<'r> {
    record: &'r csv::StringRecord,
    columns: &'r [&'static str],
    variant: Variant,
}

impl<'r> Row<'r> {
    /// A field as it stands, without the blanks around it.
    pub(super) fn text(&self, column: &'static str) -> &'r str {
        let place = self.columns.iter().position(|name| *name == column);
        place.and_then(|place| self.record.get(place)).unwrap_or_default().trim()
    }

    /// A field that is read by `FromStr`.
    pub(super) fn parsed<T: FromStr<Err: Display>>(&self, column: &'static str) -> Result<T, String> {
        self.text(column).parse().map_err(|error: T::Err| format!("{column}: {error}"))
    }

    /// A decimal number, with a decimal comma in the variant that has one.
    pub(super) fn decimal(&self, column: &'static str) -> Result<Decimal, String> {
        let text = self.text(column);
        let text = match self.variant {
            Variant::Rfc4180 => text.to_owned(),
            Variant::ExcelDe => text.replace('.', "").replace(',', "."),
        };
        text.parse().map_err(|error| format!("{column}: {error}"))
    }
}

/// Reads all rows of a file. `read` turns one into a value or says what is wrong with it.
///
/// # Errors
/// Every mistake of the file; then no row counts.
pub(super) fn rows<T>(
    file: &str,
    bytes: &[u8],
    variant: Variant,
    columns: &'static [&'static str],
    mut read: impl FnMut(&Row<'_>) -> Result<T, String>,
) -> Result<Vec<T>, CsvMistakes> {
    let mut notes = CsvMistakes { file: file.to_owned(), mistakes: Vec::new(), count: 0 };
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let delimiter = match variant {
        Variant::Rfc4180 => b',',
        Variant::ExcelDe => b';',
    };
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(bytes);
    if let Err(what) = check_header(&mut reader, columns) {
        notes.add(1, what);
        return Err(notes);
    }
    let mut values = Vec::new();
    for record in reader.records() {
        if values.len() >= ROWS_MAX {
            notes.add(0, format!("more than {ROWS_MAX} rows; split the file"));
            break;
        }
        match record {
            Ok(record) => {
                let line = record.position().map_or(0, csv::Position::line);
                match row(&record, columns, variant, &mut read) {
                    Ok(value) => values.push(value),
                    Err(what) => notes.add(line, what),
                }
            }
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                notes.add(line, broken(&error));
                break;
            }
        }
    }
    if notes.count == 0 { Ok(values) } else { Err(notes) }
}

impl CsvMistakes {
    fn add(&mut self, line: u64, what: String) {
        self.count += 1;
        if self.mistakes.len() < MISTAKES_SHOWN_MAX {
            self.mistakes.push((line, what));
        }
    }
}

fn check_header(reader: &mut csv::Reader<&[u8]>, columns: &[&str]) -> Result<(), String> {
    let header = reader.headers().map_err(|error| broken(&error))?;
    let found: Vec<&str> = header.iter().map(str::trim).collect();
    if found == columns {
        return Ok(());
    }
    let shown: String = found.join(",").chars().take(200).collect();
    Err(format!("the header is `{shown}`, expected `{}`", columns.join(",")))
}

fn row<T>(
    record: &csv::StringRecord,
    columns: &[&'static str],
    variant: Variant,
    read: &mut impl FnMut(&Row<'_>) -> Result<T, String>,
) -> Result<T, String> {
    if record.len() != columns.len() {
        return Err(format!("{} fields, expected {}", record.len(), columns.len()));
    }
    read(&Row { record, columns, variant })
}

fn broken(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::Utf8 { .. } => "the text is not UTF-8".to_owned(),
        _ => "the file cannot be read as CSV".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[&str] = &["name", "amount"];

    fn read(text: &[u8], variant: Variant) -> Result<Vec<(String, Decimal)>, CsvMistakes> {
        rows("x.csv", text, variant, COLUMNS, |row| Ok((row.text("name").to_owned(), row.decimal("amount")?)))
    }

    #[test]
    fn quoted_fields_line_ends_and_a_byte_order_mark_are_taken_as_rfc_4180_has_them() {
        let rows =
            read(b"\xef\xbb\xbfname,amount\r\n\"a,\"\"b\"\"\",1.5\r\nc,2\r\n", Variant::Rfc4180).unwrap();
        assert_eq!(rows, [("a,\"b\"".into(), Decimal::new(15, -1)), ("c".into(), Decimal::new(2, 0))]);
    }

    #[test]
    fn the_german_variant_reads_semicolons_and_decimal_commas() {
        let rows = read("name;amount\nä;1.234,5\n".as_bytes(), Variant::ExcelDe).unwrap();
        assert_eq!(rows, [("ä".into(), Decimal::new(12345, -1))]);
    }

    #[test]
    fn every_bad_line_is_named_and_nothing_is_imported() {
        let said = read(b"name,amount\na,1\nb,x\nc\nd,4\n", Variant::Rfc4180).unwrap_err().to_string();
        let lines: Vec<&str> = said.lines().collect();
        assert!(lines[0].starts_with("x.csv:3: amount: `x` is no decimal number"), "{said}");
        assert_eq!(lines[1..], ["x.csv:4: 1 fields, expected 2", "x.csv: nothing was imported"]);
    }

    #[test]
    fn a_wrong_header_says_what_was_expected() {
        let said = read(b"name;amount\n", Variant::Rfc4180).unwrap_err().to_string();
        assert!(said.starts_with("x.csv:1: the header is `name;amount`, expected `name,amount`"), "{said}");
    }
}
