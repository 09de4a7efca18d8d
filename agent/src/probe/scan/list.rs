//! A list of devices as an agent's configuration takes it.

use std::collections::BTreeSet;

use model::DeviceId;

use super::Found;

/// Characters of an id that are made of a name; ids have 63 at most, and a number may follow.
const ID_MAX: usize = 50;
/// Names that are those of a card and not of a device: they say nothing.
const NO_NAMES: [&str; 6] = ["", "unknown", "localhost", "none", "default", "not-set"];

/// `[[device]]` for each device; one that no profile recognises, or that answers at an address that is there already,
/// stands as a comment with the reason. `credentials` are the tables that the devices name, as they are to be written.
pub fn toml(found: &[Found], credentials: &str) -> String {
    let mut taken = BTreeSet::new();
    let mut text = credentials.to_owned();
    for one in found {
        let id = id(one, &mut taken);
        text.push('\n');
        text.push_str(&device(one, &id));
    }
    text
}

fn device(found: &Found, id: &str) -> String {
    let about: Vec<&str> = [&found.maker, &found.model, &found.serial, &found.name]
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect();
    let mut lines = vec![format!("# {}", comment(&about.join(", "))), format!("# {}", comment(&found.why))];
    let sign = if found.profile.is_some() { "" } else { "# " };
    lines.push(format!("{sign}[[device]]"));
    lines.push(format!("{sign}id = \"{id}\""));
    lines.push(match &found.profile {
        Some(profile) => format!("profile = \"{profile}\""),
        None => "# profile = \"?\"".to_owned(),
    });
    lines.push(format!("{sign}address = {}", quoted(&found.address)));
    lines.extend(found.credentials.as_ref().map(|name| format!("{sign}credentials = {}", quoted(name))));
    lines.push(format!("{sign}every = \"10s\""));
    lines.retain(|line| line != "# ");
    lines.join("\n") + "\n"
}

/// A text of a device in one line.
fn comment(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect()
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let escaped: String = text
        .chars()
        .filter(|c| !c.is_control())
        .flat_map(|c| if matches!(c, '"' | '\\') { vec!['\\', c] } else { vec![c] })
        .collect();
    format!("\"{escaped}\"")
}

/// From the device's own name, else profile and serial number, else profile and address; each id once.
fn id(found: &Found, taken: &mut BTreeSet<String>) -> String {
    let name = found.name.as_deref().map(slug).filter(|name| !NO_NAMES.contains(&name.as_str()));
    let kind = found.profile.as_deref().unwrap_or("device");
    let rest = found.address.split_once("://").map_or(found.address.as_str(), |(_, rest)| rest);
    let rest = rest.split('?').next().unwrap_or(rest);
    let made =
        name.unwrap_or_else(|| match found.serial.as_deref().map(slug).filter(|serial| !serial.is_empty()) {
            Some(serial) => slug(&format!("{kind}-{serial}")),
            None => slug(&format!("{kind}-{rest}")),
        });
    let first = if DeviceId::new(&made).is_ok() { made } else { "device".to_owned() };
    let numbered = (2..).map(|n: u32| format!("{first}-{n}"));
    let free = std::iter::once(first.clone()).chain(numbered).find(|id| !taken.contains(id)).unwrap_or(first);
    taken.insert(free.clone());
    free
}

/// A text as a part of an id.
fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.chars().map(|c| c.to_ascii_lowercase()) {
        if c.is_ascii_alphanumeric() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
        if slug.len() >= ID_MAX {
            break;
        }
    }
    slug.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(profile: Option<&str>, serial: Option<&str>, name: Option<&str>) -> Found {
        Found {
            address: "modbus+tcp://10.4.0.17:502/1".into(),
            profile: profile.map(Into::into),
            why: "it says\nso".into(),
            name: name.map(Into::into),
            maker: Some("Acme".into()),
            model: None,
            serial: serial.map(Into::into),
            credentials: None,
            place: (0, 0),
        }
    }

    #[test]
    fn a_device_is_named_after_itself_its_serial_number_or_its_address_and_no_id_comes_twice() {
        let all = [
            found(Some("acme-x"), Some("S/N 77"), Some("PDU A07 (left)")),
            found(Some("acme-x"), Some("S/N 77"), None),
            found(Some("acme-x"), None, Some("localhost")),
            found(Some("acme-x"), None, None),
        ];
        let text = toml(&all, "");
        let ids: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("id = ")).collect();
        let address = "\"acme-x-10-4-0-17-502-1\"";
        assert_eq!(ids, ["\"pdu-a07-left\"", "\"acme-x-s-n-77\"", address, "\"acme-x-10-4-0-17-502-1-2\""]);
    }

    #[test]
    fn a_device_that_nobody_knows_stands_as_a_comment_with_the_reason_in_one_line() {
        let text = toml(&[found(None, None, None)], "");
        assert!(text.lines().filter(|line| !line.is_empty()).all(|line| line.starts_with('#')), "{text}");
        assert!(text.contains("# it says so\n# [[device]]"), "{text}");
    }
}
