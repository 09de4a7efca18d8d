use line::Encoder;
use model::{Quantity, Timestamp};
use store::{Block, BlockBuilder, Chunk, DeviceKey, Hour, SeriesId};

use super::lines::{Descriptors, Owner, encode};
use crate::testing::series;

fn block() -> (Block, Descriptors) {
    use model::{Encoding, Missing, Raw};
    let ids = [SeriesId::new(1), SeriesId::new(2), SeriesId::new(3)];
    let shape: Vec<_> = ids.iter().map(|id| (*id, 1, Encoding::Integer)).collect();
    let mut builder = BlockBuilder::new(&shape);
    let rows = [
        [Ok(Raw::Integer(10)), Ok(Raw::Integer(20)), Ok(Raw::Integer(30))],
        [Ok(Raw::Integer(11)), Err(Missing::NoAnswer), Ok(Raw::Integer(31))],
        [Err(Missing::NoAnswer); 3],
    ];
    for (n, row) in (0..).zip(rows) {
        builder.push(Timestamp::from_seconds(3600 + n * 10), &row).unwrap();
    }
    let described = [
        series(1, "pdu-17", Quantity::ActivePower, "outlet.7"),
        series(2, "pdu-17", Quantity::Current, "outlet.7"),
        series(3, "pdu-17", Quantity::ActiveEnergyImport, "total"),
    ];
    let known = ids.into_iter().zip(described).map(|(id, descriptor)| ((id, 1), descriptor)).collect();
    (builder.finish(), known)
}

#[test]
fn a_chunk_makes_one_line_for_each_tick_domain_and_channel() {
    let (block, known) = block();
    let first = Hour::of(Timestamp::from_seconds(3600)).unwrap();
    let chunk = Chunk { device: DeviceKey::new(1), first, hours: 1, blocks: vec![block] };
    let (site, device) = ("rz-1".parse().unwrap(), "pdu-17".parse().unwrap());
    let owner = Owner { site: &site, device: &device, topology: None };
    let mut encoder = Encoder::new();
    encode(&mut encoder, &chunk, (owner, &known), Timestamp::MIN);
    // A missing value is left out, never zero; a row of missing values has no line.
    assert_eq!(
        encoder.take(),
        "power,channel=outlet.7,device=pdu-17,site=rz-1 active_power_w=10,current_a=20 3600000\n\
         power,channel=outlet.7,device=pdu-17,site=rz-1 active_power_w=11 3610000\n\
         energy,channel=total,device=pdu-17,site=rz-1 active_energy_import_wh=30 3600000\n\
         energy,channel=total,device=pdu-17,site=rz-1 active_energy_import_wh=31 3610000\n"
    );
    encode(&mut encoder, &chunk, (owner, &known), Timestamp::from_seconds(3600));
    assert_eq!(encoder.lines(), 2, "what was sent before is not sent again");
}
