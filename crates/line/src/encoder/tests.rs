use model::{Channel, DeviceId, Domain, Quantity, RackId, RoomId, SiteId};
use proptest::prelude::*;

use super::*;
use crate::{Reading, Refused};

fn key(measurement: &str, tags: &[(&str, &str)]) -> SeriesKey {
    SeriesKey::new(measurement, tags).unwrap()
}

#[test]
fn a_sample_makes_the_line_of_the_contract() {
    let (site, device) = (SiteId::new("rz-1").unwrap(), DeviceId::new("pdu-17").unwrap());
    let (channel, room, rack) =
        (Channel::new("outlet.7").unwrap(), RoomId::new("r1").unwrap(), RackId::new("a07").unwrap());
    let mut encoder = Encoder::new();
    let mut reading = Reading {
        domain: Domain::Power,
        site: &site,
        device: &device,
        channel: &channel,
        room: Some(&room),
        rack: Some(&rack),
    };
    let at = Timestamp::from_millis(1_795_359_523_000);
    let line = encoder.begin(&SeriesKey::of(&reading));
    let line = line.float(&FieldKey::of(Quantity::ActivePower), 1234.5);
    assert!(line.float(&FieldKey::of(Quantity::Voltage), 231.2).end(at));
    (reading.room, reading.rack) = (None, None);
    assert!(encoder.begin(&SeriesKey::of(&reading)).float(&FieldKey::of(Quantity::Current), 5.0).end(at));
    assert_eq!(
        encoder.text(),
        "power,channel=outlet.7,device=pdu-17,rack=a07,room=r1,site=rz-1 active_power_w=1234.5,voltage_v=231.2 1795359523000\n\
         power,channel=outlet.7,device=pdu-17,site=rz-1 current_a=5 1795359523000\n"
    );
    assert_eq!(encoder.lines(), 2);
}

#[test]
fn the_order_in_which_tags_are_named_does_not_matter() {
    assert_eq!(key("m", &[("b", "2"), ("a", "1"), ("c", "")]), key("m", &[("a", "1"), ("b", "2")]));
    assert_eq!(key("m", &[("b", "2"), ("a", "1")]).as_str(), "m,a=1,b=2");
}

#[test]
fn what_would_break_a_line_is_refused() {
    for bad in ["a\nb", "a\r", "tail\\", "\\", "\u{1b}[31m", "nul\0"] {
        assert!(matches!(SeriesKey::new("m", &[("t", bad)]), Err(Refused::Character { .. })), "{bad:?}");
        assert!(SeriesKey::new(bad, &[]).is_err() && FieldKey::new(bad).is_err(), "{bad:?}");
    }
    for reserved in ["time", "_time", "_measurement", "#comment"] {
        assert!(matches!(FieldKey::new(reserved), Err(Refused::Reserved { .. })), "{reserved}");
    }
    assert!(matches!(SeriesKey::new("", &[]), Err(Refused::Empty { .. })));
    assert!(matches!(SeriesKey::new("m", &[("a", "1"), ("a", "2")]), Err(Refused::Twice(_))));
    assert!(matches!(SeriesKey::new("m", &[("a", &"x".repeat(70_000))]), Err(Refused::Long { .. })));
}

#[test]
fn nan_and_infinity_are_left_out_and_a_point_without_field_is_no_line() {
    let mut encoder = Encoder::new();
    let (head, field) = (key("m", &[]), FieldKey::new("v").unwrap());
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert!(!encoder.begin(&head).float(&field, value).end(Timestamp::from_millis(1)));
    }
    assert!(!encoder.begin(&head).float(&field, 1.0).end(Timestamp::MAX));
    drop(encoder.begin(&head).float(&field, 1.0));
    assert!(encoder.is_empty() && encoder.text().is_empty());
    assert!(encoder.begin(&head).float(&field, 2.0).end(Timestamp::from_millis(1)));
    assert_eq!(encoder.take(), "m v=2 1\n");
    assert!(encoder.is_empty());
}

#[test]
fn names_and_texts_are_escaped_as_each_place_wants_it() {
    let mut encoder = Encoder::new();
    let head = key("a b,c=d", &[("k 1", "v,=2")]);
    let line = encoder.begin(&head).text(&FieldKey::new("f=1").unwrap(), "say \"a\\b\"\nnow");
    assert!(line.integer(&FieldKey::new("n").unwrap(), -3).end(Timestamp::from_millis(7)));
    let expected = r#"a\ b\,c=d,k\ 1=v\,\=2 f\=1="say \"a\\b\" now",n=-3i 7"#;
    assert_eq!(encoder.text().trim_end(), expected);
}

/// A reader written after the description of line protocol, not after the encoder: splits at the first space and the
/// last one that no backslash precedes.
fn read_back(line: &str) -> (Vec<String>, String, String) {
    let mut parts = vec![String::new()];
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        let last = parts.len() - 1;
        match c {
            '\\' => parts[last].extend(chars.next()),
            ',' => parts.push("\u{1}".to_owned()),
            '=' => parts.push("\u{2}".to_owned()),
            ' ' => break,
            c => parts[last].push(c),
        }
    }
    let (fields, time) = chars.as_str().rsplit_once(' ').unwrap();
    (parts, fields.to_owned(), time.to_owned())
}

#[test]
fn the_longest_floats_stay_short() {
    // Found by the property below: sign, zeros and 17 digits without an exponent.
    for value in
        [-0.000_000_100_000_000_000_000_01, -0.000_012_345_678_901_234_567, -1.234_567_890_123_456_7e-300]
    {
        let mut encoder = Encoder::new();
        let line = encoder.begin(&key("m", &[])).float(&FieldKey::new("v").unwrap(), value);
        assert!(line.end(Timestamp::from_millis(0)));
        assert!(encoder.len() <= "m v= 0\n".len() + 25, "{}", encoder.text());
    }
}

proptest! {
    // Measurements escape no `=`, at which the reader above splits, so those are left out.
    #[test]
    fn any_accepted_name_reads_back_and_stays_on_one_line(
        measurement in "[\\PC&&[^=]]{1,12}", tag in "\\PC{1,12}", value in "\\PC{1,12}",
    ) {
        let Ok(head) = SeriesKey::new(&measurement, &[(&tag, &value)]) else { return Ok(()) };
        let mut encoder = Encoder::new();
        prop_assert!(encoder.begin(&head).float(&FieldKey::new("v").unwrap(), 1.0).end(Timestamp::from_millis(5)));
        prop_assert_eq!(encoder.text().matches('\n').count(), 1);
        let (parts, fields, time) = read_back(encoder.text().trim_end_matches('\n'));
        prop_assert_eq!(parts, [measurement, format!("\u{1}{tag}"), format!("\u{2}{value}")]);
        prop_assert_eq!((fields.as_str(), time.as_str()), ("v=1", "5"));
    }

    #[test]
    fn any_float_reads_back_to_the_same_bits(bits in any::<u64>()) {
        let value = f64::from_bits(bits);
        prop_assume!(value.is_finite());
        let mut encoder = Encoder::new();
        let head = SeriesKey::new("m", &[]).unwrap();
        prop_assert!(encoder.begin(&head).float(&FieldKey::new("v").unwrap(), value).end(Timestamp::from_millis(0)));
        let text = encoder.text().trim_start_matches("m v=").trim_end_matches(" 0\n");
        prop_assert!(text.len() <= 25, "{} is too long", text);
        prop_assert_eq!(text.parse::<f64>().unwrap().to_bits(), bits);
    }

    #[test]
    fn any_text_stays_inside_its_quotes(value in any::<String>()) {
        let mut encoder = Encoder::new();
        let head = SeriesKey::new("m", &[]).unwrap();
        prop_assert!(encoder.begin(&head).text(&FieldKey::new("t").unwrap(), &value).end(Timestamp::from_millis(0)));
        let quoted = encoder.text().trim_start_matches("m t=\"").strip_suffix("\" 0\n").unwrap();
        let mut escaped = false;
        for c in quoted.chars() {
            prop_assert!(!c.is_control() && (escaped || c != '"'));
            escaped = !escaped && c == '\\';
        }
        prop_assert!(!escaped, "the closing quote is escaped");
    }
}
