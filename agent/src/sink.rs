//! Where what was polled goes: into the spool and on to a collector, into line protocol, or nowhere.

mod line;
mod spool;

pub use line::LineSink;
pub use spool::{SpoolSink, SpoolSinkError};

use crate::poll::Message;

/// Whoever writes what the engine hands on. Lives on a thread of its own, as disks may be slow.
pub trait Sink: Send {
    /// Takes messages in their order.
    fn take(&mut self, message: Message);
    /// What was taken is to be durable now, as far as the sink can make it so.
    fn settle(&mut self);
    /// The engine has stopped and nothing more will come.
    fn close(self: Box<Self>);
}

/// Takes all that comes until the engine has gone. What waits together is settled together.
pub fn drain(messages: &std::sync::mpsc::Receiver<Message>, mut sink: Box<dyn Sink>) {
    while let Ok(message) = messages.recv() {
        sink.take(message);
        for message in messages.try_iter() {
            sink.take(message);
        }
        sink.settle();
    }
    sink.close();
}
