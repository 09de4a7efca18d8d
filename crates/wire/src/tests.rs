//! Tests of the format as a whole.

mod example;
mod golden;
mod hostile;
mod proto_file;
mod round_trip;
