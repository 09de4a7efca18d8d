//! The engine against real sockets: a server that behaves, made by others, and servers that misbehave on purpose.

mod bench;
mod bus;
mod gateway;
mod line;
mod names;
mod snmp;
mod snmp_v3;
