//! Why nothing can be said about a device, and what to do about it.

use std::fmt;
use std::io;
use std::time::Duration;

use crate::snmp::{Credentials, InvalidCommunity, Refusal, Version};

/// In whose name an SNMP device is asked, and where that came from. Its text never shows the secret itself.
#[derive(Debug, Clone)]
pub struct Secret {
    /// Version and community or user.
    pub credentials: Credentials,
    /// Where they came from, for messages: "the usual community `public`".
    pub origin: String,
}

impl Secret {
    /// The community that devices have before anybody sets one, over v2c.
    ///
    /// # Errors
    /// Never: it has a length that can be sent.
    pub fn usual() -> Result<Self, InvalidCommunity> {
        let credentials = Credentials::v2c(b"public")?;
        Ok(Self { credentials, origin: "the usual community `public`".to_owned() })
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = match self.credentials.version() {
            Version::V1 => "v1",
            Version::V2c => "v2c",
            Version::V3 => "v3",
        };
        write!(f, "SNMP {version} with {}", self.origin)
    }
}

/// Why nothing can be said about a device.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// It cannot be reached.
    #[error("cannot reach `{endpoint}`: {}", way_out(source, .endpoint))]
    Reach {
        /// `host:port`, or the serial port.
        endpoint: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// It takes the connection, but this unit does not answer.
    #[error("{}", silent_unit(.endpoint, *.unit, *.timeout, .answering, .tried))]
    Unit {
        /// The bus as it is written in an address, `modbus+tcp://host:502`.
        endpoint: String,
        /// The unit that was asked.
        unit: u8,
        /// How long was waited.
        timeout: Duration,
        /// Units that answered instead.
        answering: Vec<u8>,
        /// Units that were tried and are silent too.
        tried: Vec<u8>,
    },
    /// It does not answer over UDP.
    #[error(
        "no answer from `{endpoint}` to {tried} within {timeout:?}: agents stay silent when the community or user is wrong, \
         when SNMP is switched off or of another version, and when their list of allowed managers lacks this machine"
    )]
    Silent {
        /// `host:port`.
        endpoint: String,
        /// What was sent: version, and whose community.
        tried: String,
        /// How long was waited.
        timeout: Duration,
    },
    /// It answers something else.
    #[error("`{endpoint}` answers nonsense: {problem}")]
    Nonsense {
        /// `host:port`.
        endpoint: String,
        /// What.
        problem: String,
    },
    /// The profile is for another protocol.
    #[error("profile `{0}` is for another protocol than the address")]
    Protocol(String),
    /// It answers that it does not answer us; SNMP v3 says so.
    #[error("`{endpoint}` refuses {tried}")]
    Refused {
        /// `host:port`.
        endpoint: String,
        /// What was sent: version, and whose user.
        tried: String,
        /// What it says.
        #[source]
        source: Refusal,
    },
    /// The address is for something else.
    #[error("{what} needs an address such as {example}")]
    Address {
        /// What was wanted.
        what: &'static str,
        /// An address that would do.
        example: &'static str,
    },
}

/// What a failure to connect means for whoever stands before the device.
fn way_out(error: &io::Error, endpoint: &str) -> String {
    let port = endpoint.rsplit_once(':').map_or("that port", |(_, port)| port);
    match error.kind() {
        io::ErrorKind::ConnectionRefused => format!(
            "the machine is there, but nothing listens on port {port}: is the protocol switched on, is the port right? \
             Gateways that take one client only refuse the second"
        ),
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => {
            "no answer at all: switched off, another address, or a firewall in between".to_owned()
        }
        io::ErrorKind::HostUnreachable => {
            "no such machine on its network (nobody answers ARP, or a router says so): is the address right?"
                .to_owned()
        }
        io::ErrorKind::NetworkUnreachable => {
            "no route: this machine has no address in that network and no gateway to it".to_owned()
        }
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::UnexpectedEof => {
            "it closed the connection at once: often a gateway whose only place is taken, or an access list"
                .to_owned()
        }
        io::ErrorKind::PermissionDenied => {
            "not allowed: for a serial port the user must be in its group (often `dialout`)".to_owned()
        }
        io::ErrorKind::NotFound => "there is no such name or port here".to_owned(),
        _ => "is the name right?".to_owned(),
    }
}

fn silent_unit(endpoint: &str, unit: u8, timeout: Duration, answering: &[u8], tried: &[u8]) -> String {
    let list = |units: &[u8]| units.iter().map(u8::to_string).collect::<Vec<_>>().join(", ");
    let head = format!("`{endpoint}`: connection OK, unit {unit} silent for {timeout:?}");
    let Some(first) = answering.first() else {
        return format!(
            "{head}, units {} too: does the device speak Modbus on this port; behind a gateway, are the serial line, its \
             rate and its parity right, and does somebody else hold the line?",
            list(tried)
        );
    };
    let answers = if answering.len() == 1 { "answers" } else { "answer" };
    let units = if answering.len() == 1 { "unit" } else { "units" };
    format!("{head}, {units} {} {answers}: try {endpoint}/{first}", list(answering))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(answering: &[u8], tried: &[u8]) -> String {
        ProbeError::Unit {
            endpoint: "modbus+tcp://gw:502".into(),
            unit: 5,
            timeout: Duration::from_secs(2),
            answering: answering.to_vec(),
            tried: tried.to_vec(),
        }
        .to_string()
    }

    #[test]
    fn a_wrong_unit_does_not_look_like_a_dead_line() {
        assert_eq!(
            unit(&[1], &[]),
            "`modbus+tcp://gw:502`: connection OK, unit 5 silent for 2s, unit 1 answers: try modbus+tcp://gw:502/1"
        );
        assert!(unit(&[1, 255], &[]).contains("units 1, 255 answer: try modbus+tcp://gw:502/1"));
        assert!(unit(&[], &[1, 255, 0]).contains("units 1, 255, 0 too: does the device speak Modbus"));
    }

    #[test]
    fn refused_unreachable_and_silent_are_told_apart_with_a_way_out() {
        let reach = |kind: io::ErrorKind| {
            ProbeError::Reach { endpoint: "10.0.0.1:502".into(), source: kind.into() }.to_string()
        };
        for (kind, part) in [
            (io::ErrorKind::ConnectionRefused, "nothing listens on port 502"),
            (io::ErrorKind::TimedOut, "switched off, another address, or a firewall"),
            (io::ErrorKind::HostUnreachable, "is the address right?"),
            (io::ErrorKind::NetworkUnreachable, "no route"),
            (io::ErrorKind::ConnectionReset, "only place is taken"),
        ] {
            assert!(reach(kind).contains(part), "{}", reach(kind));
        }
    }

    #[test]
    fn a_secret_is_not_shown() {
        let credentials = Credentials::v2c(b"s3cret").unwrap();
        let secret = Secret { credentials, origin: "the community in `x`".into() };
        assert!(!format!("{secret:?}").contains("s3cret"));
        assert_eq!(secret.to_string(), "SNMP v2c with the community in `x`");
    }
}
