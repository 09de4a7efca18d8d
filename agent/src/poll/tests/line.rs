use std::io::{Read, Write};
use std::time::{Duration, Instant};

use model::{Missing, Raw};

use super::bench::*;
use crate::modbus::{Bus, SerialLine};
use crate::poll::{GatewayPlan, Manners};
use crate::testing::line::{Act, Heard, Line, framed, read_all};

fn on_line(settings: &SerialLine, manners: Manners, devices: &[Device]) -> GatewayPlan {
    on_bus(Bus::Rtu(settings.clone()), Manners { silence: settings.silence(), ..manners }, devices)
}

fn one_device(line: &Line) -> crate::poll::Plan {
    plan(vec![on_line(&line.settings, Manners::default(), &[Device::new(1, 1, &[7])])])
}

/// The first values of at least `polls` polls of one device that does with each request what `behave` says.
fn values(behave: impl Fn(Heard) -> Vec<Act> + Send + 'static, polls: usize) -> (Running, Line) {
    let line = Line::start(behave);
    let mut running = start(one_device(&line));
    running.until("polls", |running| running.polls(1).len() >= polls);
    (running, line)
}

fn counted(heard: Heard) -> Vec<u8> {
    heard.words(&[u16::try_from(heard.n).unwrap()])
}

#[test]
fn a_serial_line_is_read_on_the_tick_in_split_and_noisy_pieces() {
    let (running, _line) = values(
        |heard| {
            let answer = heard.addresses();
            let (front, back) = answer.split_at(3);
            let noise = vec![0xff, 0x00, 0x01, 0x03];
            let pause = || Act::Wait(Duration::from_millis(5));
            vec![Act::Send(noise), pause(), Act::Send(front.to_vec()), pause(), Act::Send(back.to_vec())]
        },
        4,
    );
    for poll in running.polls(1) {
        assert_eq!(poll.values, integers(&[7]));
        assert_eq!(poll.time.millis() % 200, 0, "not on the tick");
    }
}

#[test]
fn an_adapter_that_hears_itself_is_understood_from_the_first_request_and_told_once() {
    let (running, _line) =
        values(|heard| vec![Act::Send(heard.bytes.to_vec()), Act::Send(heard.addresses())], 5);
    assert_eq!(running.firsts(1)[..5], integers(&[7, 7, 7, 7, 7]));
    let told = running.told();
    assert!(told.len() == 1 && told[0].contains("echo = true"), "{told:?}");
}

#[test]
fn only_an_echo_and_no_answer_is_no_answer() {
    let (running, _line) = values(
        |heard| match heard.n {
            1 => vec![Act::Send(heard.bytes.to_vec())],
            _ => vec![Act::Send(counted(heard))],
        },
        2,
    );
    assert_eq!(running.firsts(1)[..2], [Ok(Raw::Integer(0)), Err(Missing::NoAnswer)]);
}

#[test]
fn a_wrong_checksum_is_nonsense_long_before_the_time_limit_and_the_next_poll_is_good() {
    let line = Line::start(|heard| {
        let mut answer = counted(heard);
        if heard.n == 1 {
            *answer.last_mut().unwrap() ^= 1;
        }
        vec![Act::Send(answer)]
    });
    // The limit is that of the period: had the answer been waited for, the next poll would come first.
    let device = Device { timeout_ms: 10_000, ..Device::new(1, 1, &[7]) };
    let mut running = start(plan(vec![on_line(&line.settings, Manners::default(), &[device])]));
    running.until("polls", |running| running.polls(1).len() >= 4);
    let firsts = running.firsts(1);
    assert_eq!(firsts[..2], [Ok(Raw::Integer(0)), Err(Missing::Nonsense)]);
    assert!(firsts[2..4].contains(&Ok(Raw::Integer(2))), "{firsts:?}");
}

#[test]
fn a_late_answer_on_a_line_is_never_taken_for_the_next() {
    // Unit 1 answers its second request 60 ms after the limit of 100 ms, when others would already be asked again.
    let (running, _line) = values(
        |heard| match heard.n {
            1 => vec![Act::Wait(Duration::from_millis(160)), Act::Send(heard.words(&[999]))],
            _ => vec![Act::Send(counted(heard))],
        },
        6,
    );
    let firsts = running.firsts(1);
    assert!(!firsts.contains(&Ok(Raw::Integer(999))), "{firsts:?}");
    assert_eq!(firsts[..2], [Ok(Raw::Integer(0)), Err(Missing::NoAnswer)]);
    assert!(firsts[2..].contains(&Ok(Raw::Integer(2))), "{firsts:?}");
}

#[test]
fn a_repetition_on_a_line_waits_until_the_late_answer_has_come_and_gone() {
    let line = Line::start(|heard| match heard.n {
        1 => vec![Act::Wait(Duration::from_millis(160)), Act::Send(heard.words(&[999]))],
        _ => vec![Act::Send(counted(heard))],
    });
    let device = Device { period_ms: 1000, ..Device::new(1, 1, &[7]) };
    let mut gateway = on_line(&line.settings, Manners::default(), &[device]);
    gateway.devices[0].0.retries = 1;
    let mut running = start(plan(vec![gateway]));
    running.until("polls", |running| running.polls(1).len() >= 3);
    assert_eq!(running.firsts(1)[..3], integers(&[0, 2, 3]));
}

#[test]
fn of_a_late_answer_merged_with_the_right_one_only_the_right_one_is_taken() {
    let line = Line::start(|heard| match (heard.bytes[0], heard.n) {
        // Unit 1 misses its limit once; what it says comes in one piece with the answer of unit 2.
        (1, 0) => vec![],
        (2, 1) => vec![Act::Send([framed(&[1, 3, 2, 3, 231]), heard.words(&[22])].concat())],
        (unit, _) => vec![Act::Send(heard.words(&[u16::from(unit) * 11]))],
    });
    let devices = [1, 2].map(|unit| Device::new(u32::from(unit), unit, &[7]));
    let mut running = start(plan(vec![on_line(&line.settings, Manners::default(), &devices)]));
    running.until("polls", |running| running.polls(1).len() >= 5 && running.polls(2).len() >= 5);
    assert!(running.firsts(2).iter().all(|one| *one == Ok(Raw::Integer(22))), "{:?}", running.firsts(2));
    assert_eq!(running.firsts(1)[0], Err(Missing::NoAnswer));
    assert!(running.firsts(1)[1..].contains(&Ok(Raw::Integer(11))));
}

#[test]
fn of_two_answers_of_one_unit_in_one_piece_none_is_taken() {
    let (running, _line) = values(
        |heard| match heard.n {
            1 => vec![Act::Send([heard.words(&[999]), counted(heard)].concat())],
            _ => vec![Act::Send(counted(heard))],
        },
        3,
    );
    assert_eq!(running.firsts(1)[..2], [Ok(Raw::Integer(0)), Err(Missing::Nonsense)]);
    assert_eq!(running.firsts(1)[2], Ok(Raw::Integer(2)));
}

/// 20 units on a bus, polled every second, of which unit 7 is dead: the others lose no sample.
fn one_of_20_is_dead(bus: Bus, silence: Duration) {
    let devices: Vec<Device> = (1..=20u8)
        .map(|unit| Device { period_ms: 1000, timeout_ms: 1000, ..Device::new(u32::from(unit), unit, &[10]) })
        .collect();
    let mut running = start(plan(vec![on_bus(bus, Manners { silence, ..Manners::default() }, &devices)]));
    running.until("polls", |running| (1..=20).all(|group| running.polls(group).len() >= 5));
    for group in (1..=20).filter(|group| *group != 7) {
        let polls = running.polls(group);
        assert!(polls.iter().all(|poll| poll.values == integers(&[10])), "unit {group}: {polls:#?}");
        let times: Vec<i64> = polls.iter().map(|poll| poll.time.millis()).collect();
        assert!(times.windows(2).all(|pair| pair[1] - pair[0] <= 1750), "unit {group} at {times:?}");
    }
    assert!(running.firsts(7).contains(&Err(Missing::NoAnswer)));
}

#[test]
fn one_dead_unit_of_20_on_a_line_costs_the_others_no_sample() {
    let line =
        Line::start(|heard| if heard.bytes[0] == 7 { vec![] } else { vec![Act::Send(heard.addresses())] });
    one_of_20_is_dead(Bus::Rtu(line.settings.clone()), line.settings.silence());
}

#[test]
fn one_dead_unit_of_20_behind_a_serial_server_costs_the_others_no_sample() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        // One client at a time, as serial servers have it.
        for mut stream in listener.incoming().flatten() {
            let mut bytes = [0; 8];
            while stream.read_exact(&mut bytes).is_ok() {
                let heard = Heard { n: 0, bytes };
                if bytes[0] != 7 && stream.write_all(&heard.addresses()).is_err() {
                    break;
                }
            }
        }
    });
    one_of_20_is_dead(Bus::RtuTcp(address.to_string()), Duration::ZERO);
}

#[test]
fn a_port_that_is_pulled_and_put_back_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ttyUSB0");
    // A device that answers `requests` requests and is gone, with its line.
    let plug = |requests: usize| {
        let line = Line::to_be_pulled();
        let (name, mut far) = (line.settings.path.clone(), line.far());
        let name_of_port = path.clone();
        let device = std::thread::spawn(move || {
            for n in 0..requests {
                let mut bytes = [0; 8];
                read_all(&mut far, &mut bytes).unwrap();
                far.write_all(&Heard { n, bytes }.addresses()).unwrap();
            }
            // The name goes first: the number of the terminal may at once be that of another test.
            std::fs::remove_file(&name_of_port).unwrap();
            drop(line);
        });
        std::os::unix::fs::symlink(name, &path).unwrap();
        device
    };
    let device = plug(3);
    let settings = SerialLine { path: path.clone(), ..Line::open().settings };
    let mut running = start(plan(vec![on_line(&settings, Manners::default(), &[Device::new(1, 1, &[7])])]));
    running.until("values", |running| running.firsts(1).contains(&Ok(Raw::Integer(7))));
    device.join().unwrap();
    running.until("loss", |running| running.firsts(1).contains(&Err(Missing::Refused)));
    let lost = running.firsts(1).len();
    let _device = plug(1000);
    running.until("return", |running| running.firsts(1)[lost..].contains(&Ok(Raw::Integer(7))));
    // Before the terminal goes: its number may be that of another test then.
    running.stop();
}

#[test]
fn requests_on_a_line_keep_the_pause_that_the_bus_asks_for() {
    let pause = Duration::from_millis(30);
    let (tell, seen) = std::sync::mpsc::channel();
    let line = Line::open();
    let mut far = line.far();
    std::thread::spawn(move || {
        let mut answered = None;
        for n in 0.. {
            let mut bytes = [0; 8];
            read_all(&mut far, &mut bytes).unwrap();
            if tell.send(answered.map(|at: Instant| at.elapsed())).is_err() {
                return;
            }
            far.write_all(&Heard { n, bytes }.addresses()).unwrap();
            answered = Some(Instant::now());
        }
    });
    let device = Device::new(1, 1, &[10, 500, 900]);
    let manners = Manners { pause, ..Manners::default() };
    let mut running = start(plan(vec![on_line(&line.settings, manners, &[device])]));
    running.until("polls", |running| running.polls(1).len() >= 3);
    assert!(running.polls(1).iter().all(|poll| poll.values == integers(&[10, 500, 900])));
    let gaps: Vec<Duration> = seen.try_iter().flatten().collect();
    assert!(gaps.len() >= 6 && gaps.iter().all(|gap| *gap >= pause), "{gaps:?}");
    // Before the terminal goes: its number may be that of another test then.
    running.stop();
}

#[test]
fn a_server_made_by_others_is_read_over_tcp_and_over_a_line() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let address = runtime.block_on(others::serve());
    let line = Line::open();
    bridge(&line, address);
    for bus in [Bus::RtuTcp(address.to_string()), Bus::Rtu(line.settings.clone())] {
        let device = Device::new(1, 17, &[10, 500]);
        let mut running = start(plan(vec![on_bus(bus, Manners::default(), &[device])]));
        running.until("polls", |running| running.polls(1).len() >= 4);
        assert!(
            running.polls(1).iter().all(|poll| poll.values == integers(&[10, 500])),
            "{:#?}",
            running.polls(1)
        );
        running.stop();
    }
}

#[test]
fn an_answer_over_tcp_that_is_late_has_nowhere_to_arrive() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, connected) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut n = 0;
        for mut stream in listener.incoming().flatten() {
            tell.send(()).unwrap();
            let mut bytes = [0; 8];
            while stream.read_exact(&mut bytes).is_ok() {
                let heard = Heard { n, bytes };
                n += 1;
                // The second request is not answered.
                if n != 2 && stream.write_all(&counted(heard)).is_err() {
                    break;
                }
            }
        }
    });
    let bus = Bus::RtuTcp(address.to_string());
    let mut running = start(plan(vec![on_bus(bus, Manners::default(), &[Device::new(1, 1, &[7])])]));
    running.until("polls", |running| running.polls(1).len() >= 4);
    assert_eq!(running.firsts(1)[..2], [Ok(Raw::Integer(0)), Err(Missing::NoAnswer)]);
    assert!(running.firsts(1)[2..].contains(&Ok(Raw::Integer(2))));
    assert!(connected.try_iter().count() >= 2, "the connection was kept");
}

/// Hands on bytes between a line and a server.
fn bridge(line: &Line, address: std::net::SocketAddr) {
    let stream = std::net::TcpStream::connect(address).unwrap();
    let (mut from_line, mut to_line) = (line.far(), line.far());
    let (mut to_server, mut from_server) = (stream.try_clone().unwrap(), stream);
    std::thread::spawn(move || {
        let mut byte = [0; 1];
        while read_all(&mut from_line, &mut byte).is_ok() && to_server.write_all(&byte).is_ok() {}
    });
    std::thread::spawn(move || {
        let mut room = [0; 256];
        while let Ok(read @ 1..) = from_server.read(&mut room) {
            to_line.write_all(&room[..read]).unwrap();
        }
    });
}

mod others {
    //! tokio-modbus as a server for frames of a serial line.

    use std::future;
    use std::net::SocketAddr;

    use tokio::net::TcpListener;
    use tokio_modbus::server::rtu_over_tcp::{Server, accept_tcp_connection};
    use tokio_modbus::{ExceptionCode, Request, Response, SlaveRequest};

    struct Addresses;

    impl tokio_modbus::server::Service for Addresses {
        type Request = SlaveRequest<'static>;
        type Response = Response;
        type Exception = ExceptionCode;
        type Future = future::Ready<Result<Response, ExceptionCode>>;

        fn call(&self, request: SlaveRequest<'static>) -> Self::Future {
            future::ready(match request {
                SlaveRequest { slave: 17, request: Request::ReadHoldingRegisters(from, count) } => {
                    Ok(Response::ReadHoldingRegisters((from..from + count).collect()))
                }
                _ => Err(ExceptionCode::IllegalDataAddress),
            })
        }
    }

    pub(super) async fn serve() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let server = Server::new(listener);
            let accept =
                |stream, from| async move { accept_tcp_connection(stream, from, |_| Ok(Some(Addresses))) };
            server.serve(&accept, |error| panic!("{error}")).await.unwrap();
        });
        address
    }
}
