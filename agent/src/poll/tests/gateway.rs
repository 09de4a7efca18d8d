use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use model::{Channel, DeviceId, EventKind, Missing, Quantity, Raw};
use profile::{DataType, Function, Limits, ModbusReading, Order, plan as blocks};

use super::bench::*;
use crate::poll::Message;
use crate::poll::schedule::Schedule;
use crate::testing::faulty::{Asked, Reaction, Server};

fn one_device(server: &Server) -> crate::poll::Plan {
    plan(vec![gateway(server.address.to_string(), 1, &[Device::new(1, 1, &[7])])])
}

/// A device read by one register that goes wrong in its second request; gives the polls after at least `polls`.
fn second_goes_wrong(
    wrong: impl Fn(Asked) -> Reaction + Send + Sync + 'static,
    polls: usize,
) -> (Running, Server) {
    let server = Server::start(move |asked| {
        let value = u16::try_from(asked.n).unwrap();
        if asked.n == 1 { wrong(asked) } else { Reaction::Send(asked.words(&[value])) }
    });
    let mut running = start(one_device(&server));
    running.until("polls", |running| running.polls(1).len() >= polls);
    (running, server)
}

#[test]
fn a_server_made_by_others_is_read_in_every_type_on_the_tick() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let address = runtime.block_on(others::serve());
    let power = |n: u16, data_type| {
        let channel = Channel::new(&format!("outlet.{n}")).unwrap();
        ModbusReading::new(Quantity::ActivePower, channel, n * 100, data_type).unwrap()
    };
    let mut readings = vec![power(0, DataType::F32), power(1, DataType::I16), power(2, DataType::U32)];
    readings[2].order = Order::Cdab;
    readings[2].function = Function::Input;
    let device = DeviceId::new("meter").unwrap();
    let (mut one, schedule) = Device::new(1, 1, &[]).plan();
    one = crate::poll::ModbusPlan {
        device,
        blocks: blocks(&readings, &Limits::default()),
        readings: readings.into(),
        ..one
    };
    assert_eq!(one.blocks.len(), 3);
    let schedule = Schedule { offset_ms: 30, ..schedule };
    let mut gateway = gateway(address.to_string(), 2, &[]);
    gateway.devices.push((one, schedule));
    let mut running = start(plan(vec![gateway]));
    running.until("polls", |running| running.polls(1).len() >= 5);
    let expected = vec![Ok(Raw::Float32(230.5)), Ok(Raw::Integer(-40)), Ok(Raw::Integer(0x0001_0002))];
    for poll in running.polls(1) {
        assert_eq!(poll.values, expected);
        assert_eq!(poll.time.millis() % 200, 30, "not on the tick: {}", poll.time);
    }
    let (statistics, _) = running.stop();
    assert_eq!(statistics.connects, 1);
    assert!(statistics.complete >= 5);
}

#[test]
fn a_late_answer_is_never_taken_for_the_next() {
    let (running, server) = second_goes_wrong(|asked| Reaction::SendLate(asked.words(&[999])), 5);
    let firsts = running.firsts(1);
    assert_eq!(firsts[..2], [Ok(Raw::Integer(0)), Err(Missing::NoAnswer)]);
    assert_eq!(firsts[2..5], integers(&[2, 3, 4]), "the value of the late answer was taken");
    assert_eq!(server.connections(), 2, "the connection was kept");
}

#[test]
fn an_answer_with_another_transaction_unit_or_function_is_nonsense_and_ends_the_connection() {
    let wrong: [fn(Asked) -> Asked; 3] = [
        |asked| Asked { transaction: asked.transaction.wrapping_add(1), ..asked },
        |asked| Asked { unit: 9, ..asked },
        |asked| Asked { function: 4, ..asked },
    ];
    for (n, wrong) in wrong.into_iter().enumerate() {
        let (running, server) = second_goes_wrong(move |asked| Reaction::Send(wrong(asked).words(&[999])), 3);
        let firsts = running.firsts(1);
        assert_eq!(
            firsts[..3],
            [Ok(Raw::Integer(0)), Err(Missing::Nonsense), Ok(Raw::Integer(2))],
            "case {n}"
        );
        assert_eq!(server.connections(), 2, "case {n}");
        assert_eq!(running.stop().0.strays, 1, "case {n}");
    }
}

#[test]
fn a_short_answer_and_no_frame_at_all_are_told_apart() {
    let (running, _server) = second_goes_wrong(|asked| Reaction::Send(asked.words(&[])), 3);
    assert_eq!(running.firsts(1)[1], Err(Missing::ShortAnswer));
    let (running, _server) =
        second_goes_wrong(|_| Reaction::Send(b"HTTP/1.1 400 Bad Request\r\n".to_vec()), 3);
    assert_eq!(running.firsts(1)[1..3], [Err(Missing::Nonsense), Ok(Raw::Integer(2))]);
}

#[test]
fn an_exception_is_a_healthy_exchange_and_keeps_the_connection() {
    let (running, server) = second_goes_wrong(|asked| Reaction::Send(asked.exception(2)), 3);
    assert_eq!(running.firsts(1)[1..3], [Err(Missing::Exception), Ok(Raw::Integer(2))]);
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_connection_that_was_good_and_breaks_costs_no_sample() {
    let (running, server) = second_goes_wrong(|_| Reaction::Close, 4);
    assert_eq!(running.firsts(1)[..4], integers(&[0, 2, 3, 4]));
    assert_eq!(server.connections(), 2);
}

#[test]
fn a_device_that_always_hangs_up_is_disconnected_and_left_alone_more_and_more() {
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&requests);
    let server = Server::start(move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        Reaction::Close
    });
    let mut running = start(one_device(&server));
    running.until("back-off", |running| {
        running.firsts(1).iter().filter(|one| **one == Err(Missing::BackedOff)).count() >= 8
    });
    let firsts = running.firsts(1);
    assert_eq!(firsts[0], Err(Missing::Disconnected));
    assert!(firsts.iter().all(Result::is_err));
    let asked = requests.load(Ordering::SeqCst);
    assert!(asked * 2 < firsts.len(), "{asked} requests in {} polls", firsts.len());
}

#[test]
fn a_refused_connection_says_so() {
    let address = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let mut running = start(plan(vec![gateway(address.to_string(), 1, &[Device::new(1, 1, &[7])])]));
    running
        .until("a silent device", |running| running.all.iter().any(|one| matches!(one, Message::Event(..))));
    running.until("polls", |running| running.polls(1).len() >= 4);
    assert_eq!(running.firsts(1)[0], Err(Missing::Refused));
    assert!(running.firsts(1).contains(&Err(Missing::BackedOff)));
}

#[test]
fn a_device_that_goes_silent_and_comes_back_is_told_once_each() {
    let dead = Arc::new(AtomicBool::new(true));
    let seen = Arc::clone(&dead);
    let server = Server::start(move |asked| {
        if seen.load(Ordering::SeqCst) { Reaction::Silence } else { Reaction::Send(asked.words(&[5])) }
    });
    let mut running = start(one_device(&server));
    let kinds = |running: &Running| {
        let kind = |one: &Message| if let Message::Event(_, event) = one { Some(event.kind) } else { None };
        running.all.iter().filter_map(kind).collect::<Vec<_>>()
    };
    running.until("silence", |running| kinds(running) == [EventKind::DeviceSilent]);
    dead.store(false, Ordering::SeqCst);
    running.until("return", |running| kinds(running) == [EventKind::DeviceSilent, EventKind::DeviceBack]);
    running.until("values", |running| running.firsts(1).contains(&Ok(Raw::Integer(5))));
}

#[test]
fn one_dead_unit_of_20_behind_a_gateway_costs_the_others_no_sample() {
    let server = Server::start(|asked| match asked.unit {
        7 => Reaction::Silence,
        _ => Reaction::Send(asked.addresses()),
    });
    // Two blocks each: far apart, so that they cannot be joined.
    let devices: Vec<Device> = (1..=20u8)
        .map(|unit| Device {
            period_ms: 500,
            timeout_ms: 1000,
            ..Device::new(u32::from(unit), unit, &[10, 500])
        })
        .collect();
    let mut running = start(plan(vec![gateway(server.address.to_string(), 1, &devices)]));
    running.until("polls", |running| (1..=20).all(|group| running.polls(group).len() >= 8));
    for group in (1..=20).filter(|group| *group != 7) {
        let polls = running.polls(group);
        assert!(polls.iter().all(|poll| poll.values == integers(&[10, 500])), "unit {group}: {polls:#?}");
        let times: Vec<i64> = polls.iter().map(|poll| poll.time.millis()).collect();
        assert!(times.windows(2).all(|pair| pair[1] - pair[0] <= 1000), "unit {group} at {times:?}");
    }
    assert!(running.firsts(7).contains(&Err(Missing::NoAnswer)));
    assert!(running.firsts(7).contains(&Err(Missing::BackedOff)));
}

#[test]
fn several_requests_under_way_are_matched_by_their_transaction_whatever_the_order() {
    // The first of each pair of requests is answered after the second.
    let server = Server::start(|asked| match asked.n % 2 {
        0 => Reaction::SendLate(asked.addresses()),
        _ => Reaction::Send(asked.addresses()),
    });
    let device = Device { timeout_ms: 150, ..Device::new(1, 1, &[10, 500]) };
    let mut running = start(plan(vec![gateway(server.address.to_string(), 2, &[device])]));
    running.until("polls", |running| running.polls(1).len() >= 5);
    assert!(
        running.polls(1).iter().all(|poll| poll.values == integers(&[10, 500])),
        "{:#?}",
        running.polls(1)
    );
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_silent_gateway_delays_no_other_device() {
    let silent = Server::start(|_| Reaction::Silence);
    let good = Server::start(|asked| Reaction::Send(asked.addresses()));
    let mut gateways = vec![gateway(good.address.to_string(), 1, &[Device::new(1, 1, &[10])])];
    gateways.extend((2..30).map(|n| gateway(silent.address.to_string(), 1, &[Device::new(n, 1, &[10])])));
    let mut running = start(plan(gateways));
    running.until("polls", |running| running.polls(1).len() >= 8);
    assert!(
        running.polls(1).iter().all(|poll| poll.values == integers(&[10]) && poll.time.millis() % 200 == 0)
    );
}

#[test]
fn a_clock_that_is_set_is_recorded_and_polls_go_on_by_the_new_time() {
    let server = Server::start(|asked| Reaction::Send(asked.addresses()));
    let clock = MovedClock::new();
    let mut running = start_with(one_device(&server), Box::new(clock.clone()));
    running.until("polls", |running| running.polls(1).len() >= 2);
    clock.ahead_us.store(-3_600_000_000, Ordering::SeqCst);
    running.until("the step", |running| running.all.iter().any(|one| matches!(one, Message::ClockStep(..))));
    let step = running.all.iter().position(|one| matches!(one, Message::ClockStep(..))).unwrap();
    let Message::ClockStep(before, after) = running.all[step] else { unreachable!() };
    assert!((after.millis_since(before) + 3_600_000).abs() < 2000, "{before} {after}");
    running.all.drain(..step);
    running.until("polls", |running| running.polls(1).len() >= 6);
    let times: Vec<i64> = running.polls(1).iter().map(|poll| poll.time.millis()).skip(1).collect();
    assert!(times.iter().all(|time| *time < before.millis() - 3_000_000 && time % 200 == 0), "{times:?}");
}

#[test]
fn a_stop_leaves_no_poll_without_an_end() {
    let server = Server::start(|_| Reaction::Silence);
    let device = Device { period_ms: 10_000, timeout_ms: 10_000, ..Device::new(1, 1, &[10]) };
    let (mut one, _) = device.plan();
    one.period = std::time::Duration::from_secs(10);
    let mut plan_of_one = gateway(server.address.to_string(), 1, &[]);
    // Due within the next 100 ms, and then not again for 10 s.
    let soon = crate::clock::Clock::now(&crate::clock::SystemClock::start()).wall().millis() + 100;
    let offset_ms = u32::try_from(soon.rem_euclid(10_000) / 10 * 10).unwrap();
    plan_of_one.devices.push((one, Schedule { period_ms: 10_000, offset_ms }));
    let running = start(plan(vec![plan_of_one]));
    let deadline = std::time::Instant::now() + AT_MOST;
    while server.connections() == 0 {
        assert!(std::time::Instant::now() < deadline, "it was never asked");
        std::thread::yield_now();
    }
    let (statistics, all) = running.stop();
    let polls: Vec<_> = all
        .iter()
        .filter_map(
            |one| if let Message::Samples(_, samples) = one { Some(samples.polls.clone()) } else { None },
        )
        .flatten()
        .collect();
    assert_eq!(polls.len(), 1);
    assert_eq!(polls[0].values, [Err(Missing::AgentDown)]);
    assert_eq!(statistics.polls, 1);
}

mod others {
    //! tokio-modbus as a server: written by others, so it shares no mistake of ours.

    use std::future;
    use std::net::SocketAddr;

    use tokio::net::TcpListener;
    use tokio_modbus::server::tcp::{Server, accept_tcp_connection};
    use tokio_modbus::{ExceptionCode, Request, Response};

    struct Registers;

    impl tokio_modbus::server::Service for Registers {
        type Request = Request<'static>;
        type Response = Response;
        type Exception = ExceptionCode;
        type Future = future::Ready<Result<Response, ExceptionCode>>;

        fn call(&self, request: Request<'static>) -> Self::Future {
            // 230.5 as IEEE 754 is 4366 8000 hex.
            future::ready(match request {
                Request::ReadHoldingRegisters(0, 2) => {
                    Ok(Response::ReadHoldingRegisters(vec![0x4366, 0x8000]))
                }
                Request::ReadHoldingRegisters(100, 1) => Ok(Response::ReadHoldingRegisters(vec![0xffd8])),
                Request::ReadInputRegisters(200, 2) => Ok(Response::ReadInputRegisters(vec![2, 1])),
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
                |stream, from| async move { accept_tcp_connection(stream, from, |_| Ok(Some(Registers))) };
            server.serve(&accept, |error| panic!("{error}")).await.unwrap();
        });
        address
    }
}
