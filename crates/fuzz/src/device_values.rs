//! What a profile makes of what a device says: any words, any objects.

use std::sync::{Arc, LazyLock};

use model::Raw;
use profile::{Function, IdentitySource, Library, Oid, Profile, SnmpProfile, SnmpValue, VarBinds, plan};

use crate::throw::{Bytes, fuzz};

/// Most objects of one input.
const OBJECTS_MAX: usize = 300;

static PROFILES: LazyLock<Vec<Arc<Profile>>> =
    LazyLock::new(|| Library::built_in().unwrap().iter().map(Arc::clone).collect());

/// The profiles for SNMP.
pub(crate) fn snmp_profiles() -> Vec<&'static SnmpProfile> {
    PROFILES.iter().filter_map(|profile| profile.snmp()).collect()
}

fn modbus_profiles() -> Vec<&'static Arc<Profile>> {
    PROFILES.iter().filter(|profile| profile.modbus().is_some()).collect()
}

/// Which profile, then the words of each of its answers in turn.
fn registers(bytes: &[u8]) {
    let mut input = Bytes(bytes);
    let profile = *input.one_of(&modbus_profiles());
    let (limits, readings) = profile.modbus().unwrap();
    let words = input.words();
    for block in plan(readings, limits) {
        assert!(block.count <= block.function.count_max());
        let mut answer: Vec<u16> = words.iter().copied().cycle().take(usize::from(block.count)).collect();
        if block.function == Function::Coils || block.function == Function::DiscreteInputs {
            for word in &mut answer {
                *word &= 1;
            }
        }
        for reading in block.readings.iter().map(|n| &readings[*n]) {
            match block.value(reading, &answer) {
                Ok(raw) => assert!(raw.is_finite(), "{} of {}: {raw:?}", reading.source(), profile.id),
                Err(reason) => assert!(!reason.to_string().is_empty()),
            }
        }
    }
    let fitting = profile.identification.signatures.iter().filter(|one| one.matches(&words)).count();
    assert!(fitting <= profile.identification.signatures.len());
    let text = IdentitySource::text(&words).unwrap_or_default();
    assert!(!text.contains('\0') || text.len() <= words.len() * 4);
}

fuzz!(no_words_make_a_value_that_is_no_number, "registers", registers);

/// Which profile, then objects: which column, how many parts its row has, its kind of value, its value.
fn objects(bytes: &[u8]) {
    let mut input = Bytes(bytes);
    let profile = *input.one_of(&snmp_profiles());
    let columns = profile.columns_to_walk();
    let scalars = profile.scalars_to_get();
    let mut walk = VarBinds::new();
    while !input.is_empty() && walk.len() < OBJECTS_MAX {
        if let Some((oid, value)) = object(&mut input, &columns, &scalars) {
            walk.insert(oid, value);
        }
    }
    let rows = profile.rows(&walk);
    for row in &rows {
        assert!(row.raw.as_ref().map_or(true, |raw: &Raw| raw.is_finite()));
    }
    let plan = profile.plan(&walk);
    assert!(plan.readings().len() <= rows.len());
    assert!(plan.oids().iter().all(|oid| walk.contains_key(oid)), "asks for what was never seen");
    let values: Vec<SnmpValue> = plan.oids().iter().map(|_| value(&mut Bytes(bytes))).collect();
    assert_eq!(plan.decode(&values).len(), plan.readings().len());
    assert_eq!(plan.decode(&[]).len(), plan.readings().len());
}

fn object(input: &mut Bytes<'_>, columns: &[Oid], scalars: &[Oid]) -> Option<(Oid, SnmpValue)> {
    let which = input.byte();
    let oid = if which & 0x80 != 0 || columns.is_empty() {
        scalars.get(usize::from(which & 0x7f) % scalars.len().max(1))?.clone()
    } else {
        let column = columns.get(usize::from(which) % columns.len())?;
        let parts = usize::from(input.byte() % 5);
        let row: Vec<u32> = (0..parts).map(|_| u32::from(input.byte())).collect();
        column.child(&row)
    };
    Some((oid, value(input)))
}

/// A value of any kind.
pub(crate) fn value(input: &mut Bytes<'_>) -> SnmpValue {
    let number = |input: &mut Bytes<'_>| {
        let mut digits = [0; 8];
        let count = usize::from(input.byte() % 9);
        let taken = input.take(count);
        digits[8 - taken.len()..].copy_from_slice(taken);
        u64::from_be_bytes(digits)
    };
    let small =
        |input: &mut Bytes<'_>| u32::from_be_bytes([input.byte(), input.byte(), input.byte(), input.byte()]);
    let text = |input: &mut Bytes<'_>| {
        let count = usize::from(input.byte() % 40);
        input.take(count).to_vec()
    };
    match input.byte() % 13 {
        0 => SnmpValue::Integer(number(input).cast_signed()),
        1 => SnmpValue::Integer(i64::from(small(input).cast_signed())),
        2 => SnmpValue::Counter32(small(input)),
        3 => SnmpValue::Gauge32(small(input)),
        4 => SnmpValue::Counter64(number(input)),
        5 => SnmpValue::TimeTicks(small(input)),
        6 | 7 => SnmpValue::OctetString(text(input)),
        8 => SnmpValue::Opaque(text(input)),
        9 => SnmpValue::NoSuchInstance,
        10 => SnmpValue::NoSuchObject,
        11 => Oid::new(&[1, 3, 6, small(input)]).map_or(SnmpValue::Null, SnmpValue::Oid),
        _ => SnmpValue::IpAddress(small(input).to_be_bytes()),
    }
}

fuzz!(no_objects_make_a_plan_that_asks_for_what_is_not_there, "objects", objects);
