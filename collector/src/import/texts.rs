//! Site files and factor sets: TOML, kept as they are, in versions.

use accounting::Topology;
use store::{DocumentKind, DocumentVersion, NewDocument, Writer};

use super::{ImportError, Mode, Request, Summary};

/// Lines of a difference that are shown.
const LINES_SHOWN_MAX: usize = 200;

/// A site's file.
pub(super) fn topology(
    writer: &mut Writer,
    request: &Request<'_>,
    bytes: &[u8],
) -> Result<Summary, ImportError> {
    let text = utf8(request, bytes)?;
    let topology = Topology::read(&request.name(), text).map_err(ImportError::Text)?;
    let site = &topology.site;
    if site.city != *request.city {
        let what =
            format!("site `{}` is of city `{}`, this collector of `{}`", site.id, site.city, request.city);
        return Err(request.contradiction(1, what));
    }
    keep(writer, request, bytes, &Kept { kind: DocumentKind::Topology, key: site.id.to_string(), text })
}

/// A factor set's file.
pub(super) fn factors(
    writer: &mut Writer,
    request: &Request<'_>,
    bytes: &[u8],
) -> Result<Summary, ImportError> {
    let text = utf8(request, bytes)?;
    let set = carbon::FactorFile::read(&request.name(), text).map_err(ImportError::Text)?;
    keep(writer, request, bytes, &Kept { kind: DocumentKind::Factors, key: set.source().id.clone(), text })
}

struct Kept<'t> {
    kind: DocumentKind,
    key: String,
    text: &'t str,
}

fn utf8<'b>(request: &Request<'_>, bytes: &'b [u8]) -> Result<&'b str, ImportError> {
    std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.iter().take(error.valid_up_to()).filter(|byte| **byte == b'\n').count();
        request.contradiction(before as u64 + 1, "the text is not UTF-8")
    })
}

fn keep(
    writer: &mut Writer,
    request: &Request<'_>,
    bytes: &[u8],
    new: &Kept<'_>,
) -> Result<Summary, ImportError> {
    let name = format!("{} {}", new.kind.as_str(), new.key);
    let latest = writer.reader().document(new.kind, &new.key, DocumentVersion::Latest)?;
    let old = latest.as_ref().map_or("", |latest| latest.document.text.as_str());
    if latest.is_some() && old == new.text {
        return Ok(Summary { number: None, lines: vec![format!("{name}: no change")] });
    }
    let next = latest.as_ref().map_or(0, |latest| latest.version) + 1;
    let mut lines = vec![format!("{name}: version {next}")];
    lines.extend(difference(old, new.text));
    if request.mode == Mode::DryRun {
        return Ok(Summary { number: None, lines });
    }
    let number = writer.transaction(|tx| {
        let document = NewDocument {
            kind: new.kind,
            key: new.key.clone(),
            text: new.text.to_owned(),
            author: request.author.to_owned(),
            at: request.at,
            valid_from: None,
        };
        let version = tx.put_document(&document)?;
        request.note(tx, bytes, 1, format!("{name} version {version}"))
    })?;
    Ok(Summary { number: Some(number), lines })
}

/// The lines that went (`-`) and came (`+`) between two texts, beyond their common head and tail.
fn difference(old: &str, new: &str) -> Vec<String> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let (old, new) = (old.get(head..).unwrap_or_default(), new.get(head..).unwrap_or_default());
    let tail = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count();
    let gone = old.iter().take(old.len() - tail).map(|line| format!("- {line}"));
    let come = new.iter().take(new.len() - tail).map(|line| format!("+ {line}"));
    let mut lines: Vec<String> = gone.chain(come).collect();
    if lines.len() > LINES_SHOWN_MAX {
        let more = lines.len() - LINES_SHOWN_MAX;
        lines.truncate(LINES_SHOWN_MAX);
        lines.push(format!("... and {more} more lines"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_shows_what_went_and_what_came() {
        assert_eq!(difference("a\nb\nc\n", "a\nx\ny\nc\n"), ["- b", "+ x", "+ y"]);
        assert_eq!(difference("", "a\n"), ["+ a"]);
        assert!(difference("a\n", "a\n").is_empty());
        assert_eq!(difference("a\na\n", "a\n"), ["- a"]);
    }
}
