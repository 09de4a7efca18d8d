//! The engine against real sockets: a server that behaves, made by others, and servers that misbehave on purpose.

mod bench;
mod gateway;
mod snmp;
