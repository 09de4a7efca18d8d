//! What is at one place.

use std::net::SocketAddr;
use std::time::Duration;

use profile::Library;

use super::{Found, Place, Progress, Search};
use crate::address::Address;
use crate::modbus::{Bus, DEVICE_SILENT, SessionError};
use crate::probe::line::Line;
use crate::probe::snmp_client::Client;
use crate::probe::{Pace, Patience, ProbeError, Question, Watch, fit, snmp};

/// Units in a row that answer alike before they count as one device that does not look at its unit id.
const ALIKE: usize = 4;
/// How often is knocked over UDP before nobody is there: a lost packet must not hide a device.
const KNOCKS: u32 = 2;

type Tell<'t> = &'t (dyn Fn(Progress<'_>) + Sync);

/// Waits at the pace of the whole search.
#[derive(Debug)]
struct Paced<'p> {
    pace: &'p Pace<'p>,
    time: &'p dyn Patience,
}

impl Patience for Paced<'_> {
    fn now(&self) -> Duration {
        self.time.now()
    }

    fn wait(&self, _: Duration) {
        self.pace.turn();
    }
}

/// Everything that answers at one place.
pub(super) fn at(
    search: &Search<'_>,
    library: &Library,
    place: &Place,
    (pace, tell): (&Pace<'_>, Tell<'_>),
) -> Vec<Found> {
    let patience = Paced { pace, time: search.time };
    let mut found = Vec::new();
    match place {
        Place::Bus(bus) => {
            found.extend(modbus(search, library, (bus, &search.units.on_line()), (&patience, tell)));
        }
        Place::Host(host) => {
            if let Some(port) = search.modbus_port {
                let bus = Bus::Tcp(SocketAddr::new(*host, port).to_string());
                found.extend(modbus(search, library, (&bus, &search.units.over_tcp()), (&patience, tell)));
            }
            let endpoint = SocketAddr::new(*host, search.snmp_port).to_string();
            found.extend(over_snmp(search, library, &endpoint, &patience));
        }
    }
    for one in &found {
        tell(Progress::Found(one));
    }
    found
}

fn modbus(
    search: &Search<'_>,
    library: &Library,
    (bus, units): (&Bus, &[u8]),
    (patience, tell): (&Paced<'_>, Tell<'_>),
) -> Vec<Found> {
    patience.pace.turn();
    let mut line = match Line::open(bus, units.first().copied().unwrap_or(1), search.timeout, patience) {
        Ok(line) => line,
        Err(error) => {
            // A host that is not there is the usual case; a line that cannot be opened is not.
            if bus.line().is_some() {
                tell(Progress::Gave(&error.to_string()));
            }
            return Vec::new();
        }
    };
    let (mut found, mut prints) = (Vec::new(), Vec::new());
    for unit in units {
        if search.time.is_over() {
            break;
        }
        line.turn_to(*unit);
        let print = match line.ping() {
            Ok(words) => format!("{words:?}"),
            Err(SessionError::Exception { code, .. }) if !DEVICE_SILENT.contains(&code) => {
                format!("exception {code}")
            }
            Err(SessionError::Reach { source, .. }) => {
                tell(Progress::Gave(&format!("{bus}: gone at unit {unit}: {source}")));
                break;
            }
            Err(_) => continue,
        };
        let one = unit_found(&mut line, library);
        let print = format!("{print} {:?} {:?} {:?}", one.profile, one.model, one.serial);
        prints.push(print);
        found.push(one);
        // Over TCP the usual ids are names of one and the same device.
        if matches!((&search.units, bus), (super::Units::Usual, Bus::Tcp(_))) {
            break;
        }
        if !bus.is_rtu() && all_alike(&prints, found.len()) {
            found.truncate(1);
            if let Some(first) = found.first_mut() {
                first.why.push_str("; it answers alike to every unit id, so it is taken for one device");
            }
            break;
        }
    }
    found
}

/// Do the first units all answer, and alike?
fn all_alike(prints: &[String], found: usize) -> bool {
    found == ALIKE && prints.iter().all(|print| Some(print) == prints.first())
}

fn unit_found(line: &mut Line<'_>, library: &Library) -> Found {
    let address = Address::Modbus { bus: line.bus().clone(), unit: line.unit };
    let mut found = Found {
        address: address.to_string(),
        profile: None,
        why: String::new(),
        name: None,
        maker: None,
        model: None,
        serial: None,
        credentials: None,
        place: (0, u16::from(line.unit)),
    };
    match fit::recognise(line, library) {
        Ok((Some(fit), _)) => {
            found.profile = Some(fit.profile.id.to_string());
            found.why = fit.why;
            let identity = &fit.profile.identity;
            let mut text =
                |source: &Option<profile::IdentitySource>| source.as_ref().and_then(|one| line.text(one));
            found.serial = text(&identity.serial);
            found.maker = text(&identity.maker).or(Some(fit.profile.maker.clone()));
            found.model = text(&identity.model).or(Some(fit.profile.model.clone()));
        }
        Ok((None, notes)) => {
            found.why = std::iter::once("no profile recognises it".to_owned())
                .chain(notes)
                .collect::<Vec<_>>()
                .join("; ");
        }
        Err(error) => found.why = error.to_string(),
    }
    found
}

fn over_snmp(search: &Search<'_>, library: &Library, endpoint: &str, patience: &Paced<'_>) -> Option<Found> {
    let address: Address = format!("snmp://{endpoint}").parse().ok()?;
    for (name, secret) in &search.secrets {
        if search.time.is_over() {
            return None;
        }
        let question = Question {
            address: &address,
            profile: None,
            secret: secret.clone(),
            timeout: search.timeout,
            watch: Watch::Never,
            patience,
        };
        match knock(&question, endpoint) {
            Ok(true) => return agent(&question, library, endpoint, name).ok(),
            Ok(false) => {}
            // Nothing listens there, whatever the name.
            Err(_) => return None,
        }
    }
    None
}

/// Does somebody answer to this name?
fn knock(question: &Question<'_>, endpoint: &str) -> Result<bool, ProbeError> {
    for _ in 0..KNOCKS {
        match snmp::system(&mut Client::open(endpoint, question)?.with_attempts(1)) {
            Ok(_) => return Ok(true),
            Err(error @ ProbeError::Reach { .. }) => return Err(error),
            Err(_) => {}
        }
    }
    Ok(false)
}

fn agent(
    question: &Question<'_>,
    library: &Library,
    endpoint: &str,
    name: &str,
) -> Result<Found, ProbeError> {
    let mut client = Client::open(endpoint, question)?;
    let (profile, system, notes) = snmp::recognise(&mut client, library)?;
    let mut text =
        |source: Option<&profile::IdentitySource>| source.and_then(|one| snmp::text(&mut client, one));
    let identity = profile.as_ref().map(|profile| profile.identity.clone()).unwrap_or_default();
    let chosen = notes.iter().find_map(|note| note.split_once("was chosen: "));
    let why = match (chosen, &system.object_id) {
        (Some((_, why)), _) => why.to_owned(),
        (None, Some(oid)) => format!("no profile recognises it; its sysObjectID is {oid}"),
        (None, None) => "no profile recognises it; it has no sysObjectID".to_owned(),
    };
    Ok(Found {
        address: question.address.to_string(),
        why,
        maker: text(identity.maker.as_ref())
            .or_else(|| profile.as_ref().map(|profile| profile.maker.clone())),
        model: text(identity.model.as_ref()).or(system.description),
        serial: text(identity.serial.as_ref()),
        profile: profile.map(|profile| profile.id.to_string()),
        name: system.name,
        credentials: Some(name.to_owned()),
        place: (0, 256),
    })
}
