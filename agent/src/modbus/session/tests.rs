use std::time::Duration;

use profile::Function;

use super::*;
use crate::testing::faulty::{Reaction, Server};
use crate::testing::line::{Act, Line, framed};

const TIMEOUT: Duration = Duration::from_millis(200);

fn on_line(line: &Line) -> Session {
    Session::new(&Bus::Rtu(line.settings.clone()), TIMEOUT).unwrap()
}

fn holding(address: u16, count: u16) -> Ask {
    Ask::read(Function::Holding, address, count)
}

#[test]
fn registers_are_read_over_tcp_and_an_exception_keeps_the_connection() {
    let server = Server::start(|asked| match asked.start {
        9 => Reaction::Send(asked.exception(2)),
        _ => Reaction::Send(asked.addresses()),
    });
    let mut session = Session::new(&Bus::Tcp(server.address.to_string()), TIMEOUT).unwrap();
    assert_eq!(session.read(1, holding(7, 2)).unwrap(), [7, 8]);
    assert!(matches!(session.read(1, holding(9, 1)), Err(SessionError::Exception { code: 2, .. })));
    assert_eq!(session.read(200, holding(3, 1)).unwrap(), [3]);
    assert_eq!(server.connections(), 1);
}

#[test]
fn registers_are_read_over_a_serial_line() {
    let line = Line::start(|heard| vec![Act::Send(heard.addresses())]);
    let mut session = on_line(&line);
    assert_eq!(session.read(1, holding(700, 3)).unwrap(), [700, 701, 702]);
    assert_eq!(session.read(2, holding(1, 1)).unwrap(), [1]);
}

#[test]
fn a_late_answer_on_a_serial_line_is_waited_for_and_never_taken_for_the_next() {
    let line = Line::start(|heard| match heard.n {
        0 => vec![Act::Wait(TIMEOUT + Duration::from_millis(60)), Act::Send(heard.words(&[999]))],
        n => vec![Act::Send(heard.words(&[u16::try_from(n).unwrap()]))],
    });
    let mut session = on_line(&line);
    assert!(matches!(session.read(1, holding(0, 1)), Err(SessionError::NoAnswer { unit: 1, .. })));
    assert_eq!(session.read(1, holding(0, 1)).unwrap(), [1]);
    assert_eq!(session.read(1, holding(0, 1)).unwrap(), [2]);
}

#[test]
fn an_identification_of_several_parts_is_put_together_over_a_serial_line() {
    let line = Line::open();
    let mut far = line.far();
    std::thread::spawn(move || {
        use std::io::{Read, Write};
        // 43 14 access object and the checksum make seven bytes with the unit.
        let mut request = [0u8; 7];
        let mut taken = 0;
        let parts: [&[u8]; 2] = [
            &[5, 0x2b, 0x0e, 2, 0x82, 0xff, 4, 2, 0, 4, b'A', b'C', b'M', b'E', 1, 1, b'X'],
            &[5, 0x2b, 0x0e, 2, 0x82, 0, 0, 1, 4, 2, b'M', b'1'],
        ];
        for part in parts {
            while taken < 7 {
                match far.read(&mut request[taken..]) {
                    Ok(read) => taken += read,
                    Err(_) => std::thread::yield_now(),
                }
            }
            taken = 0;
            far.write_all(&framed(part)).unwrap();
        }
    });
    let found = on_line(&line).identify(5, Access::Regular).unwrap();
    let texts: Vec<Option<String>> = [0, 1, 4].map(|object| found.text(object)).into();
    assert_eq!(texts, ["ACME", "X", "M1"].map(|text| Some(text.to_owned())));
}

#[test]
fn a_port_that_is_not_there_is_said_so() {
    let bus = Bus::Rtu(crate::modbus::SerialLine::new(std::path::Path::new("/dev/no-such-port")));
    let error = Session::new(&bus, TIMEOUT).unwrap().read(1, holding(0, 1)).unwrap_err();
    assert!(matches!(error, SessionError::Reach { .. }), "{error}");
    assert_eq!(error.missing(), Missing::Refused);
}
