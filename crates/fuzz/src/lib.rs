//! Throws bytes at every decoder of what this system is handed by others: devices, collectors, disks and people.
//!
//! Each target is an ordinary test. On stable Rust it runs for a bounded time: over the seeds in its corpus
//! (`__fuzz__/NAME/corpus`), over mutations of them, and over random bytes. `packaging/fuzz NAME` runs the same target
//! by libFuzzer where a nightly toolchain is at hand. An input that broke something goes into `__fuzz__/NAME/crashes`, and
//! every later run begins with it.
//!
//! Promises held here: no input makes a decoder panic, loop without an end or read beyond what there is; what a decoder
//! takes, it takes whole.

#[cfg(test)]
mod agent_config;
#[cfg(test)]
mod chains;
#[cfg(test)]
mod device_values;
#[cfg(test)]
mod modbus;
#[cfg(test)]
mod records;
#[cfg(test)]
mod seeds;
#[cfg(test)]
mod snmp_answers;
#[cfg(test)]
mod snmp_users;
#[cfg(test)]
mod texts;
#[cfg(test)]
mod throw;
