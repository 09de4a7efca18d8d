//! Frames of Modbus, as they come from a connection or a line: TCP and RTU, registers, bits, file records, identification.

use agent::modbus::{
    Access, Answer, Ask, FRAME_BYTES_MAX, Found, RTU_BYTES_MAX, Request, crc16, find_rtu, split_frame,
};
use profile::Function;

use crate::throw::{Bytes, fuzz};

const FUNCTIONS: [Function; 5] =
    [Function::Coils, Function::DiscreteInputs, Function::Holding, Function::Input, Function::FileRecord];
const ACCESSES: [Access; 4] = [Access::Basic, Access::Regular, Access::Extended, Access::One];

/// What was asked: function, unit, one less than the count.
fn request(input: &mut Bytes<'_>) -> Request {
    let which = usize::from(input.byte());
    let unit = input.byte();
    let count = input.word();
    let ask = match FUNCTIONS.get(which % 6) {
        Some(function) => {
            let count = count % function.count_max() + 1;
            Ask::Read { function: *function, file: count, address: 0, count }
        }
        None => Ask::Identify { access: ACCESSES[usize::from(count) % 4], object: 0 },
    };
    Request { unit, ask }
}

/// What may be done with the PDU of an answer.
fn pdu(request: &Request, unit: u8, pdu: &[u8], words: &mut Vec<u16>) {
    let Ok(Answer::Data(data)) = request.answer(unit, pdu) else { return };
    assert_eq!(unit, request.unit);
    request.words(data, words);
    match request.ask {
        Ask::Read { count, .. } => assert_eq!(words.len(), usize::from(count)),
        Ask::Identify { .. } => assert_eq!(words.len(), data.len()),
    }
}

/// What was asked, then a stream.
fn frames(bytes: &[u8]) {
    let mut input = Bytes(bytes);
    let request = request(&mut input);
    let mut rest = input.0;
    let mut words = Vec::new();
    while let Ok(Some((frame, used))) = split_frame(rest) {
        assert!(used >= frame.pdu.len() + 7 && used <= FRAME_BYTES_MAX && used <= rest.len());
        pdu(&request, frame.unit, frame.pdu, &mut words);
        rest = &rest[used..];
    }
}

fuzz!(frames_of_modbus_tcp_are_taken_whole_or_not_at_all, "modbus_tcp", frames);

/// What was asked, then what came over the line: once as it is, once with the checksum that it would need.
fn line(bytes: &[u8]) {
    let mut input = Bytes(bytes);
    let request = request(&mut input);
    let came = input.take(2 * RTU_BYTES_MAX);
    let summed = [came, &crc16(came).to_le_bytes()].concat();
    for came in [came, &summed] {
        let mut rest = came;
        while let Found::Whole { from, to } = find_rtu(&request, rest) {
            let frame = &rest[from..to];
            let (body, sum) = frame.split_at(frame.len() - 2);
            assert_eq!(crc16(body).to_le_bytes(), sum, "a wrong checksum was taken");
            assert_eq!(body[0], request.unit);
            pdu(&request, body[0], &body[1..], &mut Vec::new());
            rest = &rest[to..];
        }
    }
}

fuzz!(a_frame_of_a_line_has_a_right_checksum_and_answers_what_was_asked, "modbus_rtu", line);
