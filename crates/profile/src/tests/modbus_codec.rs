//! Encoding is the inverse of decoding, whatever the type, the order and the scale.

use model::{Channel, Decimal, Missing, Quantity, Raw, Unit};
use proptest::prelude::*;

use crate::{Amount, DataType, EncodeError, ModbusReading, Order};

fn reading(data_type: DataType, order: Order) -> ModbusReading {
    let mut reading = ModbusReading::new(Quantity::ActivePower, Channel::total(), 0, data_type).unwrap();
    reading.order = order;
    reading
}

fn energy(data_type: DataType, scale: &str) -> ModbusReading {
    let reading = ModbusReading::new(Quantity::ActiveEnergyImport, Channel::total(), 0, data_type).unwrap();
    reading.scaled(scale.parse().unwrap(), Unit::KilowattHour).unwrap()
}

fn types() -> impl Strategy<Value = DataType> {
    prop::sample::select(&DataType::ALL[1..])
}

fn orders() -> impl Strategy<Value = Order> {
    prop::sample::select(&Order::ALL[..])
}

proptest! {
    #[test]
    fn what_decodes_encodes_to_the_same_words(
        data_type in types(),
        order in orders(),
        words in prop::collection::vec(any::<u16>(), 4),
        mantissa in 1i64..1000,
    ) {
        let mut reading = reading(data_type, order);
        if !data_type.is_float() {
            reading = reading.scaled(Decimal::new(mantissa, -2), Unit::Kilowatt).unwrap();
        }
        let words = &words[..usize::from(reading.words())];
        if let Ok(raw) = reading.decode(words) {
            prop_assert_eq!(reading.encode_raw(raw).unwrap(), words);
        }
    }

    #[test]
    fn every_order_is_a_rearrangement_of_the_same_bytes(data_type in types(), words in prop::collection::vec(any::<u16>(), 4)) {
        let words = &words[..usize::from(data_type.words())];
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
        // The definition, byte by byte: abcdefgh, ghefcdab, badcfehg, hgfedcba.
        let arranged = |order: Order| -> Vec<u8> {
            let mut pairs: Vec<Vec<u8>> = bytes.chunks(2).map(<[u8]>::to_vec).collect();
            match order {
                Order::Abcd => {}
                Order::Cdab => pairs.reverse(),
                Order::Badc => pairs.iter_mut().for_each(|pair| pair.reverse()),
                Order::Dcba => return bytes.iter().rev().copied().collect(),
            }
            pairs.concat()
        };
        let plain = reading(data_type, Order::Abcd).decode(words);
        for order in Order::ALL {
            let words: Vec<u16> = arranged(order).chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
            prop_assert_eq!(reading(data_type, order).decode(&words), plain);
        }
    }

    #[test]
    fn an_exact_energy_is_shown_to_its_last_complete_step(milliwatt_hours in 0i64..4_000_000_000_000) {
        let reading = energy(DataType::U64, "0.01");
        let words = reading.encode(Amount::Exact(Decimal::new(milliwatt_hours, -3))).unwrap();
        // One step is 0.01 kWh = 10 Wh = 10 000 mWh.
        prop_assert_eq!(reading.decode(&words), Ok(Raw::Integer(milliwatt_hours / 10_000)));
    }
}

#[test]
fn a_gauge_is_rounded_and_a_counter_is_not() {
    let power = reading(DataType::I16, Order::Abcd);
    assert_eq!(power.encode(Amount::Float(-2.6)), Ok(vec![0xFFFD]));
    let counter = energy(DataType::U32, "1");
    assert_eq!(counter.encode(Amount::Float(1999.9)), Ok(vec![0, 1]));
    assert_eq!(counter.encode(Amount::Exact(Decimal::new(2, 3))), Ok(vec![0, 2]));
}

#[test]
fn a_counter_begins_again_where_its_maker_says() {
    let mut counter = energy(DataType::U32, "0.1");
    counter.wraps_at_register = Some(1000);
    // 100.3 kWh are 1003 steps, 3 after the wrap; in raw steps of 100 Wh the wrap is at 1000 as well.
    assert_eq!(counter.encode(Amount::Exact(Decimal::new(100_300, 0))), Ok(vec![0, 3]));
    assert_eq!((counter.wraps_at(), counter.exponent()), (Some(1000), 2));
}

#[test]
fn what_does_not_fit_is_refused_and_not_cut() {
    let small = reading(DataType::U16, Order::Abcd);
    assert!(matches!(small.encode(Amount::Float(65_536.0)), Err(EncodeError::OutOfRange(_))));
    assert!(matches!(small.encode(Amount::Float(-1.0)), Err(EncodeError::OutOfRange(_))));
    assert!(matches!(small.encode(Amount::Float(f64::NAN)), Err(EncodeError::OutOfRange(_))));
    assert!(matches!(small.encode_raw(Raw::Float32(1.0)), Err(EncodeError::Kind(_))));
    let coarse = small.scaled(Decimal::new(3, 0), Unit::Watt).unwrap();
    assert!(coarse.encode_raw(Raw::Integer(4)).is_err(), "4 lies between the steps 3 and 6");
}

#[test]
fn a_device_says_no_value_in_its_own_way() {
    let float = reading(DataType::F32, Order::Cdab);
    assert_eq!(float.decode(&float.encode_missing().unwrap()), Err(Missing::NotAvailable));
    let mut whole = reading(DataType::U32, Order::Abcd);
    assert_eq!(whole.encode_missing(), None);
    whole.sentinels = vec![0xFFFF_FFFF];
    assert_eq!(whole.encode_missing(), Some(vec![0xFFFF, 0xFFFF]));
}

#[test]
fn a_value_beyond_64_bits_is_out_of_range() {
    let big = energy(DataType::I64, "0.003");
    assert_eq!(big.decode(&[0x7FFF, 0xFFFF, 0xFFFF, 0xFFFF]), Err(Missing::OutOfRange));
}
