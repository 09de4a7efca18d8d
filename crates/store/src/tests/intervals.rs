use model::{Coverage, Energy, IntervalValue, MeterPointId, Method, Period, QuarterHour, Reason};
use proptest::prelude::*;

use super::*;
use crate::{
    Cause, ChangeSeq, Changed, Finality, GaugeQuarter, IntervalSeriesId, IntervalSubject, NewImport,
    PutIntervals, Undone,
};

fn wh(value: i64) -> IntervalValue {
    IntervalValue::measured(Energy::from_watt_hours(value))
}

fn cause(at: Timestamp) -> Cause {
    Cause { at, why: "test".to_owned(), import: None }
}

fn series(writer: &mut Writer) -> IntervalSeriesId {
    let subject = IntervalSubject::MeterPoint { site: site(), point: MeterPointId::new("grid").unwrap() };
    writer.transaction::<_, StoreError>(|tx| tx.interval_series(&subject)).unwrap()
}

fn put(
    writer: &mut Writer,
    id: IntervalSeriesId,
    first: QuarterHour,
    values: &[IntervalValue],
    finality: Finality,
) -> PutIntervals {
    let values: Vec<_> = values.iter().copied().map(Some).collect();
    writer
        .transaction::<_, StoreError>(|tx| tx.put_intervals(id, first, &values, (finality, &cause(NOW))))
        .unwrap()
}

fn quarters(first: QuarterHour, count: i64) -> Period {
    Period::new(first.start(), QuarterHour::from_index(first.index() + count).start())
}

#[test]
fn intervals_read_back_over_days_and_what_was_never_said_is_missing() {
    let (dir, store) = record();
    let mut writer = store.writer().unwrap();
    let id = series(&mut writer);
    // 19:00Z to past the end of the next day.
    let first = NOW.quarter();
    let values: Vec<_> = (0..130).map(|n| wh(1000 + n)).collect();
    put(&mut writer, id, first, &values, Finality::Final);
    drop((writer, store));
    let reader = reopen(&dir).reader().unwrap();
    assert_eq!(reader.intervals(id, quarters(first, 130)).unwrap(), values);
    let around = reader.intervals(id, quarters(QuarterHour::from_index(first.index() - 200), 500)).unwrap();
    assert_eq!(around.len(), 500);
    assert_eq!(around[199], IntervalValue::missing(None));
    assert_eq!(around[200..330], values);
    assert_eq!(around[330], IntervalValue::missing(None));
}

#[test]
fn open_intervals_are_rewritten_in_place_and_no_change_is_logged() {
    let (_dir, store) = record();
    let mut writer = store.writer().unwrap();
    let id = series(&mut writer);
    let first = NOW.quarter();
    put(&mut writer, id, first, &[wh(1), wh(2)], Finality::Open);
    let done = put(&mut writer, id, first, &[wh(1), wh(3)], Finality::Open);
    assert_eq!((done.written, done.unchanged, done.revised), (1, 1, 0));
    let reader = writer.reader();
    assert_eq!(reader.intervals(id, quarters(first, 2)).unwrap(), [wh(1), wh(3)]);
    assert_eq!(reader.revisions(id, quarters(first, 2)).unwrap(), []);
    assert_eq!(reader.change_after(ChangeSeq::new(0), 10).unwrap(), []);
}

#[test]
fn a_change_of_a_final_interval_is_a_revision_and_the_old_state_stays_readable() {
    let (_dir, store) = record();
    let mut writer = store.writer().unwrap();
    let id = series(&mut writer);
    let first = NOW.quarter();
    put(&mut writer, id, first, &[wh(1), wh(2)], Finality::Final);
    let again = put(&mut writer, id, first, &[wh(1), wh(2)], Finality::Final);
    assert_eq!(again, PutIntervals { unchanged: 2, ..PutIntervals::default() });
    let later = NOW.plus_millis(1000);
    let substitute =
        IntervalValue::substitute(Energy::from_watt_hours(9), Method::Interpolation, Reason::DeviceFaulty);
    let corrected = Cause { at: later, why: "meter exchanged".to_owned(), import: None };
    let done = writer
        .transaction::<_, StoreError>(|tx| {
            tx.put_intervals(id, first, &[None, Some(substitute)], (Finality::Final, &corrected))
        })
        .unwrap();
    assert_eq!((done.written, done.revised), (1, 1));
    let reader = writer.reader();
    assert_eq!(reader.intervals(id, quarters(first, 2)).unwrap(), [wh(1), substitute]);
    assert_eq!(reader.intervals_as_of(id, quarters(first, 2), NOW).unwrap(), [wh(1), wh(2)]);
    assert_eq!(reader.intervals_as_of(id, quarters(first, 2), later).unwrap(), [wh(1), substitute]);
    let revisions = reader.revisions(id, quarters(first, 2)).unwrap();
    assert_eq!(
        (revisions[0].revision, revisions[0].replaced, revisions[0].why.as_str()),
        (0, later, "meter exchanged")
    );
    let changes = reader.change_after(ChangeSeq::new(0), 10).unwrap();
    let seen: Vec<_> = changes
        .iter()
        .map(|change| match change.what {
            Changed::Intervals { series, revision, .. } => (series, revision),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(seen, [(id, 0), (id, 1)]);
    assert!(changes[0].seq < changes[1].seq);
    assert_eq!(reader.last_change().unwrap(), changes[1].seq);
}

#[test]
fn an_open_value_never_replaces_a_final_one() {
    let (_dir, store) = record();
    let mut writer = store.writer().unwrap();
    let id = series(&mut writer);
    let first = NOW.quarter();
    put(&mut writer, id, first, &[wh(1)], Finality::Final);
    let done = put(&mut writer, id, first, &[wh(5)], Finality::Open);
    assert_eq!((done.refused, done.written), (1, 0));
    assert_eq!(writer.reader().intervals(id, quarters(first, 1)).unwrap(), [wh(1)]);
}

#[test]
fn undoing_an_import_puts_back_what_was_there_and_leaves_what_was_changed_since() {
    let (_dir, store) = record();
    let mut writer = store.writer().unwrap();
    let id = series(&mut writer);
    let first = NOW.quarter();
    put(&mut writer, id, first, &[wh(1)], Finality::Final);
    let import = NewImport {
        kind: "intervals".to_owned(),
        file: "grid.csv".to_owned(),
        sha256: [1; 32],
        rows: 3,
        author: "ada".to_owned(),
        at: NOW,
    };
    let values = [Some(wh(10)), Some(wh(20)), Some(wh(30))];
    let number = writer
        .transaction::<_, StoreError>(|tx| {
            let number = tx.add_import(&import)?;
            let cause = Cause { import: Some(number), ..cause(NOW) };
            tx.put_intervals(id, first, &values, (Finality::Final, &cause))?;
            Ok(number)
        })
        .unwrap();
    put(&mut writer, id, QuarterHour::from_index(first.index() + 2), &[wh(33)], Finality::Final);
    let mut undo = || writer.transaction::<_, StoreError>(|tx| tx.undo_import(number, &cause(NOW)));
    assert_eq!(undo().unwrap(), Undone { restored: 2, kept: 1 });
    assert!(matches!(undo(), Err(StoreError::Refused { .. })));
    let reader = writer.reader();
    let expected = [wh(1), IntervalValue::missing(None), wh(33)];
    assert_eq!(reader.intervals(id, quarters(first, 3)).unwrap(), expected);
    assert_eq!(reader.import(number).unwrap().unwrap().undone, Some(NOW));
    assert_eq!(reader.revisions(id, quarters(first, 3)).unwrap().len(), 3);
}

#[test]
fn sums_of_months_count_energy_and_coverage_apart() {
    let (_dir, store) = record();
    let mut writer = store.writer().unwrap();
    let id = series(&mut writer);
    let first = NOW.quarter();
    let mut values = vec![wh(1); 200];
    values[10] = IntervalValue::missing(Some(Reason::CommunicationFault));
    values[150] =
        IntervalValue::substitute(Energy::from_watt_hours(4), Method::HoldValue, Reason::DeviceFaulty);
    put(&mut writer, id, first, &values, Finality::Final);
    let (a, b) = (quarters(first, 100), quarters(QuarterHour::from_index(first.index() + 100), 300));
    let sums = writer.reader().interval_sums(id, &[a, b]).unwrap();
    assert_eq!(sums[0].energy, Energy::from_watt_hours(99));
    assert_eq!(sums[0].coverage, Coverage { expected: 100, measured: 99, substitute: 0, provisional: 0 });
    assert_eq!(sums[1].energy, Energy::from_watt_hours(99 + 4));
    assert_eq!(sums[1].coverage, Coverage { expected: 300, measured: 99, substitute: 1, provisional: 0 });
    assert!(writer.reader().interval_sums(id, &[b, a]).is_err());
}

#[test]
fn a_subject_has_one_series_and_a_series_knows_its_subject() {
    let (_dir, store) = record();
    let mut writer = store.writer().unwrap();
    let register = register(&mut writer, "meter-1", Quantity::ActiveEnergyImport);
    let subject = IntervalSubject::Register(register.series);
    let ids: Result<_, StoreError> =
        writer.transaction(|tx| Ok((tx.interval_series(&subject)?, tx.interval_series(&subject)?)));
    let (first, second) = ids.unwrap();
    assert_eq!(first, second);
    let imported = series(&mut writer);
    let reader = writer.reader();
    assert_eq!(reader.interval_subject(first).unwrap(), subject);
    assert_eq!(reader.imported_points(&site()).unwrap(), [(MeterPointId::new("grid").unwrap(), imported)]);
    assert_eq!(reader.interval_span(first).unwrap(), None);
}

#[test]
fn quarter_hours_before_1970_are_refused() {
    let (_dir, store) = record();
    let mut writer = store.writer().unwrap();
    let id = series(&mut writer);
    let put: Result<_, StoreError> = writer.transaction(|tx| {
        tx.put_intervals(id, QuarterHour::from_index(-1), &[Some(wh(1))], (Finality::Open, &cause(NOW)))
    });
    assert!(matches!(put, Err(StoreError::OutOfRange { .. })));
}

#[test]
fn gauges_read_back_to_seven_digits_and_later_ones_replace_earlier_ones() {
    let (_dir, store) = record();
    let mut writer = store.writer().unwrap();
    let id = register(&mut writer, "crac-1", Quantity::Temperature).series;
    let first = NOW.quarter();
    let gauge = |n: u32| GaugeQuarter::new(20.0 + f64::from(n) / 8.0, 19.5, 25.25, 90 - n);
    let values: Vec<_> = (0..40).map(|n| (n != 7).then(|| gauge(n))).collect();
    let put = |writer: &mut Writer, first, values: &[Option<GaugeQuarter>]| {
        writer.transaction::<_, StoreError>(|tx| tx.put_gauges(id, first, values)).unwrap();
    };
    put(&mut writer, first, &values);
    put(&mut writer, first, &[None, Some(gauge(50))]);
    let back = writer.reader().gauges(id, quarters(first, 41)).unwrap();
    let mut expected = values;
    expected[1] = Some(gauge(50));
    expected.push(None);
    assert_eq!(back, expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    #[test]
    fn any_sequence_of_writes_leaves_the_last_value_of_each_quarter_hour(
        writes in proptest::collection::vec((0i64..300, 1i64..120, 0i64..1_000_000), 1..12),
    ) {
        let (_dir, store) = record();
        let mut writer = store.writer().unwrap();
        let id = series(&mut writer);
        let first = NOW.quarter();
        let mut model = vec![IntervalValue::missing(None); 420];
        for (offset, count, seed) in writes {
            let values: Vec<_> = (0..count).map(|n| wh(seed + n)).collect();
            let at = QuarterHour::from_index(first.index() + offset);
            put(&mut writer, id, at, &values, Finality::Final);
            let from = usize::try_from(offset).unwrap();
            model[from..from + values.len()].copy_from_slice(&values);
        }
        prop_assert_eq!(writer.reader().intervals(id, quarters(first, 420)).unwrap(), model);
    }
}
