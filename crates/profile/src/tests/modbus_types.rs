//! The rarer forms of values: decimal digits, signs, flags, offsets, scale factors, files. Words were worked out by hand.

use model::{Channel, Decimal, Missing, Quantity, Raw, Unit};
use proptest::prelude::*;

use crate::modbus::{Defaults, readings};
use crate::{
    Amount, Block, ClockForm, DataType, EncodeError, Function, ModbusReading, Order, Signature, plan,
};

fn power(data_type: DataType) -> ModbusReading {
    ModbusReading::new(Quantity::ActivePower, Channel::total(), 0, data_type).unwrap()
}

fn read(rows: &str) -> Vec<ModbusReading> {
    let text = format!("reading = [\n{rows}\n]\n");
    settings::read("x", &text, |root| Some(readings(root, "reading", &Defaults::default())))
        .unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn binary_coded_digits_are_read_two_in_a_byte() {
    assert_eq!(power(DataType::Bcd16).decode(&[0x1234]), Ok(Raw::Integer(1234)));
    assert_eq!(power(DataType::Bcd32).decode(&[0x1234, 0x5678]), Ok(Raw::Integer(12_345_678)));
    let long = power(DataType::Bcd64).decode(&[0x9999, 0x8888, 0x7777, 0x6666]);
    assert_eq!(long, Ok(Raw::Integer(9_999_888_877_776_666)));
    let mut swapped = power(DataType::Bcd32);
    swapped.order = Order::Cdab;
    assert_eq!(swapped.decode(&[0x5678, 0x1234]), Ok(Raw::Integer(12_345_678)));
}

#[test]
fn a_digit_above_9_is_nonsense_and_no_number() {
    assert_eq!(power(DataType::Bcd16).decode(&[0x12A4]), Err(Missing::Nonsense));
    assert_eq!(power(DataType::Bcd64).decode(&[0xF000, 0, 0, 0]), Err(Missing::Nonsense));
    assert_eq!(power(DataType::Mod10k32).decode(&[0, 10_000]), Err(Missing::Nonsense));
}

#[test]
fn modulo_10000_words_hold_four_digits_each() {
    assert_eq!(power(DataType::Mod10k32).decode(&[123, 4567]), Ok(Raw::Integer(1_234_567)));
    assert_eq!(power(DataType::Mod10k48).decode(&[1, 2, 3]), Ok(Raw::Integer(100_020_003)));
    let most = power(DataType::Mod10k64).decode(&[9999, 9999, 9999, 9999]);
    assert_eq!(most, Ok(Raw::Integer(9_999_999_999_999_999)));
}

#[test]
fn a_sign_bit_and_three_words_are_read_as_they_are_meant() {
    assert_eq!(power(DataType::Sm16).decode(&[0x8005]), Ok(Raw::Integer(-5)));
    assert_eq!(power(DataType::Sm16).decode(&[0x8000]), Ok(Raw::Integer(0)));
    assert_eq!(power(DataType::Sm32).decode(&[0x8001, 0]), Ok(Raw::Integer(-65_536)));
    assert_eq!(power(DataType::U48).decode(&[1, 0, 2]), Ok(Raw::Integer(0x1_0000_0002)));
}

#[test]
fn flags_of_one_register_are_states_of_their_own_and_keep_each_other() {
    let flags = read(
        "{ quantity = \"state\", channel = \"fan\", function = 3, register = 8, type = \"u16\", bit = 4, unit = \"1\" },
         { quantity = \"state\", channel = \"mode\", function = 3, register = 8, type = \"u16\", mask = 0x0300, unit = \"1\",
           names = { 0 = \"off\", 0x2 = \"on battery\" } },",
    );
    let blocks = plan(&flags, &crate::Limits::default());
    assert_eq!(blocks.len(), 1, "one register, one request");
    // 0x0210: bit 4 is set, bits 8 and 9 hold 2.
    let found: Vec<_> = flags.iter().map(|flag| blocks[0].value(flag, &[0x0210])).collect();
    assert_eq!(found, [Ok(Raw::Integer(1)), Ok(Raw::Integer(2))]);
    assert_eq!(flags[1].name_of(Raw::Integer(2)), Some("on battery"));
    assert_eq!(flags[1].name_of(Raw::Integer(1)), None);
    assert_eq!(flags[1].source(), "fc3 8 u16 abcd mask 0x300");
    // Written backwards, each keeps to its bits.
    let mut register = 0xFFFFu16;
    for (flag, value) in flags.iter().zip([0, 1]) {
        let words = flag.encode_raw(Raw::Integer(value)).unwrap();
        for (mask, word) in &flag.patches(&words)[0].words {
            register = (register & !mask) | (word & mask);
        }
    }
    assert_eq!(register, 0xFDEF);
    assert!(matches!(flags[0].encode_raw(Raw::Integer(2)), Err(EncodeError::OutOfRange(_))));
}

#[test]
fn an_offset_stays_exact_and_comes_back() {
    let kelvin = &read(
        "{ quantity = \"temperature\", channel = \"total\", function = 3, register = 0, type = \"u16\", scale = 0.1,
           offset = -273.15, unit = \"Cel\" },",
    )[0];
    // 0.1 K and 273.15 K meet in hundredths: 2950 x 0.1 K = 295.0 K = 21.85 degrees.
    assert_eq!(kelvin.exponent(), -2);
    assert_eq!(kelvin.decode(&[2950]), Ok(Raw::Integer(2185)));
    assert_eq!(kelvin.encode_raw(Raw::Integer(2185)), Ok(vec![2950]));
    assert!(kelvin.encode_raw(Raw::Integer(2186)).is_err(), "lies between two steps");
    assert_eq!(kelvin.encode(Amount::Float(21.85)), Ok(vec![2950]));
    assert_eq!(kelvin.encode(Amount::Exact(Decimal::new(219, -1))), Ok(vec![2951]), "295.05 K rounds up");
    assert_eq!(kelvin.shape().resolution, 10);
}

#[test]
fn a_scale_factor_beside_the_value_is_applied_exactly() {
    let current = ModbusReading::new(Quantity::Current, Channel::total(), 100, DataType::I16).unwrap();
    let current = current.with_scale_register(104, -6, -2).unwrap();
    let block = Block::of(0, &current);
    assert_eq!((block.start, block.count), (100, 5));
    let answer = |value: u16, factor: i16| [value, 0, 0, 0, factor.cast_unsigned()];
    // 1234 x 10^-2 A = 12.34 A = 12 340 000 steps of a microampere.
    assert_eq!(current.exponent(), -6);
    assert_eq!(block.value(&current, &answer(1234, -2)), Ok(Raw::Integer(12_340_000)));
    assert_eq!(block.value(&current, &answer(1234, 1)), Ok(Raw::Integer(12_340_000_000)));
    assert_eq!(block.value(&current, &answer(0xFFFF, 0)), Ok(Raw::Integer(-1_000_000)));
    assert_eq!(block.value(&current, &answer(1234, i16::MIN)), Err(Missing::NotAvailable));
    assert_eq!(block.value(&current, &answer(1234, 11)), Err(Missing::Nonsense));
    // A tenth of a microampere cannot be told in steps of one, unless there is none.
    assert_eq!(block.value(&current, &answer(1234, -7)), Err(Missing::OutOfRange));
    assert_eq!(block.value(&current, &answer(1230, -7)), Ok(Raw::Integer(123)));
    assert_eq!(block.value(&current, &answer(1234, -2)[..4]), Err(Missing::ShortAnswer));
    assert_eq!(current.source(), "fc3 100 i16 abcd sf 104");
}

#[test]
fn the_simulator_shows_a_value_with_its_usual_scale_factor() {
    let current = ModbusReading::new(Quantity::Current, Channel::total(), 100, DataType::I16).unwrap();
    let current = current.with_scale_register(98, -6, -2).unwrap();
    let words = current.encode(Amount::Float(12.344)).unwrap();
    assert_eq!(words, [1234, 0xFFFE]);
    assert_eq!(current.decode(&words), Ok(Raw::Integer(12_340_000)));
    assert_eq!(current.encode_raw(Raw::Integer(12_340_000)), Ok(words.clone()));
    let places: Vec<_> =
        current.patches(&words).iter().map(|patch| (patch.register, patch.words.clone())).collect();
    assert_eq!(places, [(100, vec![(0xFFFF, 1234)]), (98, vec![(0xFFFF, 0xFFFE)])]);
}

#[test]
fn a_record_of_a_file_is_told_from_the_same_record_of_another() {
    let records = read(
        "{ quantity = \"active_power\", channel = \"l1\", function = 20, file = 4, register = 7, type = \"f32\", unit = \"W\" },
         { quantity = \"active_power\", channel = \"l2\", function = 20, file = 5, register = 7, type = \"f32\", unit = \"W\" },
         { quantity = \"active_power\", channel = \"l3\", function = 20, file = 4, register = 9, type = \"f32\", unit = \"W\" },",
    );
    assert_eq!(records[0].source(), "fc20 4:7 f32 abcd");
    let blocks = plan(&records, &crate::Limits::default());
    let places: Vec<_> = blocks.iter().map(|block| (block.file, block.start, block.count)).collect();
    assert_eq!(places, [(4, 7, 4), (5, 7, 2)]);
    // 2 bytes of function and length, 2 of sub-length and type, 2 for each register: within 253, and the data in 245.
    assert_eq!(Function::FileRecord.count_max(), (245 - 2) / 2);
}

#[test]
fn a_clock_is_read_in_the_forms_that_devices_have() {
    assert_eq!(ClockForm::Unix.text(&[0x6980, 0]).as_deref(), Some("@1769996288"));
    assert_eq!(ClockForm::Unix.text(&[0, 0]), None);
    let words = ClockForm::Words.text(&[2026, 11, 22, 23, 5, 9]);
    assert_eq!(words.as_deref(), Some("2026-11-22 23:05:09"));
    // Year 26; November the 22nd; 23:05; 9.5 seconds.
    let iec = ClockForm::Iec870.text(&[26, 0x0B16, 0x1705, 9500]);
    assert_eq!(iec.as_deref(), Some("2026-11-22 23:05:09"));
    assert_eq!(ClockForm::Iec870.text(&[26, 0x0D16, 0x1705, 0]), None, "there is no month 13");
    assert_eq!(ClockForm::Words.text(&[2026, 11]), None);
}

#[test]
fn a_name_plate_is_recognised_by_how_it_begins_whatever_the_case() {
    let texts = vec!["countis e3".to_owned(), "diris a14".to_owned()];
    let signature = Signature { function: Function::Holding, register: 0, words: vec![0; 5], texts };
    // "DIRIS A14", then a 0 byte.
    assert!(signature.matches(&[0x4449, 0x5249, 0x5320, 0x4131, 0x3400]));
    // "DIRIS A10".
    assert!(!signature.matches(&[0x4449, 0x5249, 0x5320, 0x4131, 0x3000]));
    assert!(!signature.matches(&[0x4449]));
}

fn plain_types() -> impl Strategy<Value = DataType> {
    let plain = DataType::ALL.into_iter().filter(|one| !one.is_float() && *one != DataType::Bit);
    prop::sample::select(plain.collect::<Vec<_>>())
}

proptest! {
    #[test]
    fn every_whole_number_that_a_type_holds_comes_back(
        data_type in plain_types(),
        order in prop::sample::select(&Order::ALL[..]),
        bits in 0u32..63,
        spread in any::<u64>(),
        negative in any::<bool>(),
    ) {
        let mut reading = power(data_type);
        reading.order = order;
        let largest = data_type.largest().unwrap();
        let amount = ((spread >> (bits + 1)).cast_signed()).min(largest);
        let number = if negative && data_type.may_be_negative() { -amount } else { amount };
        let words = reading.encode_raw(Raw::Integer(number)).unwrap();
        prop_assert_eq!(words.len(), usize::from(data_type.words()));
        prop_assert_eq!(reading.decode(&words), Ok(Raw::Integer(number)));
        if let Some(more) = largest.checked_add(1) {
            prop_assert!(reading.encode_raw(Raw::Integer(more)).is_err(), "{} does not fit {}", more, data_type);
        }
    }

    #[test]
    fn any_words_decode_to_a_number_that_encodes_to_them_or_to_a_reason(
        data_type in plain_types(),
        words in prop::collection::vec(any::<u16>(), 4),
    ) {
        let reading = power(data_type);
        let words = &words[..usize::from(data_type.words())];
        if let Ok(Raw::Integer(number)) = reading.decode(words) {
            let again = reading.encode_raw(Raw::Integer(number)).unwrap();
            // Minus zero is the one number that is written in two ways.
            prop_assert!(again == words || number == 0);
        }
    }

    #[test]
    fn a_value_with_a_scale_factor_comes_back_whatever_the_factor(value in any::<i16>(), factor in -10i16..=10) {
        let reading = power(DataType::I16).with_scale_register(1, -6, 0).unwrap();
        let raw = reading.decode(&[value.cast_unsigned(), factor.cast_unsigned()]);
        let exact = i128::from(value) * 10i128.pow(u32::try_from(factor + 10).unwrap());
        match raw {
            Ok(Raw::Integer(raw)) => prop_assert_eq!(i128::from(raw) * 10_000, exact),
            Ok(_) => prop_assert!(false, "a float out of whole numbers"),
            Err(reason) => {
                prop_assert_eq!(reason, Missing::OutOfRange);
                prop_assert!(exact % 10_000 != 0 || i64::try_from(exact / 10_000).is_err());
            }
        }
    }

    #[test]
    fn an_offset_comes_back_whatever_it_is(
        value in any::<i32>(),
        scale in (1i64..1000, -4i8..=2),
        offset in (-100_000i64..100_000, -4i8..=2),
    ) {
        let row = format!(
            "{{ quantity = \"temperature\", channel = \"total\", function = 3, register = 0, type = \"i32\", scale = \"{}\",
               offset = \"{}\", unit = \"Cel\" }},",
            Decimal::new(scale.0, scale.1), Decimal::new(offset.0, offset.1),
        );
        let reading = &read(&row)[0];
        let bits = value.cast_unsigned().to_be_bytes();
        let words = [u16::from_be_bytes([bits[0], bits[1]]), u16::from_be_bytes([bits[2], bits[3]])];
        let raw = reading.decode(&words).unwrap();
        prop_assert_eq!(reading.encode_raw(raw).unwrap(), words);
        let Raw::Integer(steps) = raw else { panic!("a float") };
        // In steps of 10^-4, which divides all of them.
        let fine = |mantissa: i64, exponent: i8| i128::from(mantissa) * 10i128.pow(u32::try_from(exponent + 4).unwrap());
        let meant = i128::from(value) * fine(scale.0, scale.1) + fine(offset.0, offset.1);
        prop_assert_eq!(fine(steps, reading.exponent()), meant);
    }
}

#[test]
fn what_would_lose_bits_or_meaning_is_refused() {
    let float = power(DataType::F32).with_scale_register(9, -6, 0);
    assert!(float.is_err(), "a float with a scale factor");
    let tenths = power(DataType::F32).scaled("0.3".parse().unwrap(), Unit::Watt);
    assert!(tenths.is_err(), "a float with a scale that is no power of ten");
}
