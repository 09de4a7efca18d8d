//! `wattwacht.proto` and the messages in `message.rs` say the same. Both are read as text, since prost keeps no names.

use std::collections::BTreeSet;

/// `Message.field type number` of every field.
type Fields = BTreeSet<String>;

fn of_proto_file() -> Fields {
    let text = include_str!("../../wattwacht.proto");
    let mut fields = Fields::new();
    let mut message = "";
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with("//")).skip(2) {
        if let Some(name) = line.strip_prefix("message ") {
            message = name.trim_end_matches(" {");
        }
        let Some((left, number)) = line.strip_suffix(';').and_then(|line| line.split_once(" = ")) else {
            continue;
        };
        let (kind, name) = left.rsplit_once(' ').expect("a field has a type and a name");
        fields.insert(format!("{message}.{name} {kind} {number}"));
    }
    fields
}

fn of_messages() -> Fields {
    let text = include_str!("../message.rs");
    let (text, _) = text.split_once("/// A [`Batch`] of which only").expect("the heads come last");
    let mut fields = Fields::new();
    let (mut message, mut attribute) = ("", "");
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("pub(crate) struct ") {
            message = name.trim_end_matches(" {");
        } else if line.starts_with("pub(crate) enum Kind") {
            message = "Payload";
        } else if let Some(found) = line.strip_prefix("#[prost(").filter(|found| !found.starts_with("oneof"))
        {
            attribute = found.trim_end_matches(")]");
        } else if !attribute.is_empty() {
            fields.insert(field(message, attribute, line.trim_end_matches(',')));
            attribute = "";
        }
    }
    fields
}

fn field(message: &str, attribute: &str, line: &str) -> String {
    let (kind, number) = attribute.split_once("tag = ").expect("every field has a number");
    let number = number.trim_matches('"');
    if let Some((name, inner)) = line.split_once('(').filter(|_| !line.starts_with("pub")) {
        let snake = name.chars().fold(String::new(), |mut snake, letter| {
            if letter.is_uppercase() && !snake.is_empty() {
                snake.push('_');
            }
            snake.extend(letter.to_lowercase());
            snake
        });
        return format!("{message}.{snake} {} {number}", inner.trim_end_matches(')'));
    }
    let (name, rust) = line.trim_start_matches("pub(crate) ").split_once(": ").expect("a field has a type");
    let label = ["optional", "repeated"].into_iter().find(|label| kind.contains(label));
    let kind =
        kind.split([',', ' ']).next().expect("split gives at least one part").trim_start_matches("bytes = ");
    let kind = if kind == "message" { rust.trim_start_matches("Vec<").trim_end_matches('>') } else { kind };
    let label = label.map(|label| format!("{label} ")).unwrap_or_default();
    format!("{message}.{name} {label}{kind} {number}")
}

#[test]
fn the_proto_file_says_the_same_as_the_code() {
    let (proto, code) = (of_proto_file(), of_messages());
    assert!(code.len() > 50, "only {} fields were understood", code.len());
    assert_eq!(proto.difference(&code).collect::<Vec<_>>(), Vec::<&String>::new(), "only in the proto file");
    assert_eq!(code.difference(&proto).collect::<Vec<_>>(), Vec::<&String>::new(), "only in the code");
}
