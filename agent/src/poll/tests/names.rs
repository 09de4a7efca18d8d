//! Names of devices that move to another address.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::Mutex;

use model::{Missing, Raw};

use super::bench::*;
use crate::clock::SystemClock;
use crate::testing::faulty::{Reaction, Server};

/// A device that answers so many requests with 1 and is gone then, address and all.
fn one_that_leaves(requests: usize) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        for _ in 0..requests {
            let mut request = [0u8; 12];
            stream.read_exact(&mut request).unwrap();
            let answer = [&request[..5], &[5, request[6], 3, 2, 0, 1]].concat();
            stream.write_all(&answer).unwrap();
        }
    });
    address
}

#[test]
fn a_gateway_whose_name_moves_is_found_at_its_new_address() {
    let old = one_that_leaves(3);
    let new = Server::start(|asked| Reaction::Send(asked.words(&[2])));
    // The name means another address from the second time on that it is looked up.
    let address = Mutex::new(vec![new.address, old]);
    let one = plan(vec![gateway("meter.example:502".to_owned(), 1, &[Device::new(1, 1, &[7])])]);
    let resolver = Box::new(move |name: &str| {
        assert_eq!(name, "meter.example:502");
        let mut left = address.lock().unwrap();
        Ok(Some(if left.len() > 1 { left.pop().unwrap() } else { left[0] }))
    });
    let mut running = start_resolved(one, Box::new(SystemClock::start()), resolver);
    let good = |running: &Running, value| running.firsts(1).contains(&Ok(Raw::Integer(value)));
    running.until("the old address", |running| good(running, 1));
    running.until("the new address", |running| good(running, 2));
    let firsts = running.firsts(1);
    let from = firsts.iter().rposition(|one| *one == Ok(Raw::Integer(1))).unwrap();
    let lost: Vec<_> = firsts[from..].iter().filter_map(|one| one.err()).collect();
    assert!(lost.len() <= 3, "{lost:?}");
    let reasons = [Missing::Refused, Missing::Disconnected, Missing::NoAnswer, Missing::BackedOff];
    assert!(lost.iter().all(|reason| reasons.contains(reason)), "{lost:?}");
}
