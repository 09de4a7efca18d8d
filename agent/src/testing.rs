//! Devices for tests: real sockets on loopback that do with each request what a test wants.

pub(crate) mod faulty;
pub(crate) mod line;
pub(crate) mod responder;
pub(crate) mod snmpd;
