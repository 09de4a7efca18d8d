//! A Modbus TCP server that does with each request what a test wants.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// A request as it came.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    /// How many came before it, over all connections.
    pub(crate) n: usize,
    pub(crate) transaction: u16,
    pub(crate) unit: u8,
    pub(crate) function: u8,
    pub(crate) start: u16,
    pub(crate) count: u16,
}

/// What to do with a request.
pub(crate) enum Reaction {
    /// Send these bytes.
    Send(Vec<u8>),
    /// Never answer.
    Silence,
    /// Send these bytes when the next request arrives, on whatever connection, before that one is answered.
    SendLate(Vec<u8>),
    /// Close the connection.
    Close,
}

impl Asked {
    /// The frame that answers with these registers.
    pub(crate) fn words(self, words: &[u16]) -> Vec<u8> {
        let data: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
        let mut pdu = vec![self.function, u8::try_from(data.len()).unwrap()];
        pdu.extend(data);
        self.frame(&pdu)
    }

    pub(crate) fn exception(self, code: u8) -> Vec<u8> {
        self.frame(&[self.function | 0x80, code])
    }

    pub(crate) fn frame(self, pdu: &[u8]) -> Vec<u8> {
        let length = u16::try_from(pdu.len() + 1).unwrap();
        let mut frame = [self.transaction, 0, length].map(u16::to_be_bytes).concat();
        frame.push(self.unit);
        frame.extend(pdu);
        frame
    }

    /// Each register holds its own address.
    pub(crate) fn addresses(self) -> Vec<u8> {
        self.words(&(self.start..self.start + self.count).collect::<Vec<_>>())
    }
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

type Late = Arc<Mutex<Vec<(TcpStream, Vec<u8>)>>>;

impl Server {
    pub(crate) fn start(behave: impl Fn(Asked) -> Reaction + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        let behave = Arc::new(behave);
        let (requests, late) = (Arc::new(AtomicUsize::new(0)), Late::default());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                counted.fetch_add(1, Ordering::SeqCst);
                let (behave, requests, late) =
                    (Arc::clone(&behave), Arc::clone(&requests), Arc::clone(&late));
                std::thread::spawn(move || serve(stream, &*behave, &requests, &late));
            }
        });
        Self { address, connections }
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

fn serve(mut stream: TcpStream, behave: &dyn Fn(Asked) -> Reaction, requests: &AtomicUsize, late: &Late) {
    stream.set_nodelay(true).unwrap();
    let mut request = [0u8; 12];
    // A request of function 43 is one byte shorter than one of functions 1 to 4.
    while stream.read_exact(&mut request[..6]).is_ok() {
        let length = usize::from(request[5]).min(6);
        request[6..].fill(0);
        if stream.read_exact(&mut request[6..6 + length]).is_err() {
            return;
        }
        let word = |at: usize| u16::from_be_bytes([request[at], request[at + 1]]);
        let asked = Asked {
            n: requests.fetch_add(1, Ordering::SeqCst),
            transaction: word(0),
            unit: request[6],
            function: request[7],
            start: word(8),
            count: word(10),
        };
        for (mut stream, bytes) in late.lock().unwrap().drain(..) {
            // The client may have hung up on it, as it should.
            if stream.write_all(&bytes).is_ok() {
                stream.flush().unwrap();
            }
        }
        match behave(asked) {
            Reaction::Send(bytes) if stream.write_all(&bytes).is_err() => return,
            Reaction::Send(_) | Reaction::Silence => {}
            Reaction::SendLate(bytes) => late.lock().unwrap().push((stream.try_clone().unwrap(), bytes)),
            Reaction::Close => return,
        }
    }
}
