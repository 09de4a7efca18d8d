use model::Missing;
use proptest::prelude::*;

use super::*;
use crate::{GapPolicy, InboxId, Outcome, ReceivedBatch};

fn batch(spool_byte: u8, first: u64, last: u64) -> ReceivedBatch {
    ReceivedBatch {
        agent: agent("agent-1"),
        spool: spool(spool_byte),
        first,
        last,
        checksums: (first..=last).map(checksum).collect(),
        received: NOW,
        gap: GapPolicy::Refuse,
        body: format!("{first}..={last}").into_bytes(),
    }
}

/// The "payload checksum" of a record of these tests.
fn checksum(sequence: u64) -> u32 {
    u32::try_from(sequence * 2_654_435_761 % 4_294_967_291).unwrap()
}

fn stored(outcome: Outcome) -> Option<u64> {
    match outcome {
        Outcome::Stored { next, .. } => Some(next),
        _ => None,
    }
}

#[test]
fn a_batch_is_stored_once_however_often_it_is_sent() {
    let (_dir, store) = record();
    let mut writer = store.writer().unwrap();
    let outcomes = writer.ingest(&[batch(1, 0, 4), batch(1, 0, 4), batch(1, 5, 5), batch(1, 2, 3)]).unwrap();
    assert_eq!(stored(outcomes[0]), Some(5));
    assert_eq!(outcomes[1], Outcome::Duplicate { next: 5 });
    assert_eq!(stored(outcomes[2]), Some(6));
    assert_eq!(outcomes[3], Outcome::Duplicate { next: 6 });
    let items = store.reader().unwrap().inbox_after(InboxId::new(0), 10).unwrap();
    assert_eq!(items.iter().map(|item| (item.first, item.last)).collect::<Vec<_>>(), [(0, 4), (5, 5)]);
    assert_eq!(items[0].body, b"0..=4");
}

#[test]
fn of_an_overlapping_batch_only_the_new_records_count() {
    let (_dir, store) = record();
    let mut writer = store.writer().unwrap();
    writer.ingest(&[batch(1, 0, 4)]).unwrap();
    assert_eq!(stored(writer.ingest(&[batch(1, 3, 8)]).unwrap()[0]), Some(9));
    let items = writer.reader().inbox_after(InboxId::new(0), 10).unwrap();
    assert_eq!(items.iter().map(|item| (item.first, item.last)).collect::<Vec<_>>(), [(0, 4), (5, 8)]);
}

#[test]
fn a_batch_after_a_gap_is_refused_and_the_sender_told_where_to_go_on() {
    let (_dir, store) = record();
    let mut writer = store.writer().unwrap();
    writer.ingest(&[batch(1, 0, 4)]).unwrap();
    assert_eq!(writer.ingest(&[batch(1, 7, 8)]).unwrap(), [Outcome::Refused { next: 5 }]);
    let cursor = writer.reader().cursor(&agent("agent-1"), spool(1)).unwrap().unwrap();
    assert_eq!(cursor.next, 5);
    assert_eq!(writer.reader().gaps(&agent("agent-1")).unwrap(), []);
}

#[test]
fn a_gap_that_the_sender_declares_is_accepted_and_noted_with_its_reason() {
    let (_dir, store) = record();
    let mut writer = store.writer().unwrap();
    writer.ingest(&[batch(1, 0, 4)]).unwrap();
    let late = ReceivedBatch { gap: GapPolicy::Accept(Missing::SpoolFull), ..batch(1, 7, 8) };
    assert_eq!(stored(writer.ingest(&[late]).unwrap()[0]), Some(9));
    let gaps = writer.reader().gaps(&agent("agent-1")).unwrap();
    assert_eq!((gaps[0].first, gaps[0].last, gaps[0].reason), (5, 6, Missing::SpoolFull));
}

#[test]
fn an_unknown_spool_is_taken_from_where_it_begins() {
    let (_dir, store) = record();
    let mut writer = store.writer().unwrap();
    assert_eq!(stored(writer.ingest(&[batch(1, 100, 101)]).unwrap()[0]), Some(102));
    let gaps = writer.reader().gaps(&agent("agent-1")).unwrap();
    assert_eq!((gaps[0].first, gaps[0].last), (0, 99));
}

#[test]
fn two_spools_of_one_agent_and_two_agents_do_not_disturb_each_other() {
    let (_dir, store) = record();
    let mut writer = store.writer().unwrap();
    let other = ReceivedBatch { agent: agent("agent-2"), ..batch(1, 0, 9) };
    let outcomes = writer.ingest(&[batch(1, 0, 4), batch(2, 0, 1), other]).unwrap();
    assert_eq!(outcomes.into_iter().map(stored).collect::<Vec<_>>(), [Some(5), Some(2), Some(10)]);
    let cursors = writer.reader().cursors(&agent("agent-1")).unwrap();
    assert_eq!(cursors.iter().map(|cursor| cursor.next).collect::<Vec<_>>(), [5, 2]);
}

#[test]
fn a_clone_that_sends_other_records_under_known_numbers_is_found_out() {
    let (_dir, store) = record();
    let mut writer = store.writer().unwrap();
    writer.ingest(&[batch(1, 0, 4)]).unwrap();
    for (first, last) in [(0, 4), (4, 9), (0, 12)] {
        let mut clone = batch(1, first, last);
        clone.checksums.iter_mut().for_each(|crc| *crc ^= 1);
        assert_eq!(writer.ingest(&[clone]).unwrap(), [Outcome::Cloned { next: 5 }]);
    }
    assert_eq!(stored(writer.ingest(&[batch(1, 4, 5)]).unwrap()[0]), Some(6));
}

#[test]
fn a_batch_without_a_checksum_for_each_record_is_an_error_and_nothing_of_its_group_is_stored() {
    let (_dir, store) = record();
    let mut writer = store.writer().unwrap();
    let mut wrong = batch(2, 0, 4);
    wrong.checksums.pop();
    assert!(writer.ingest(&[batch(1, 0, 4), wrong]).is_err());
    assert_eq!(writer.reader().cursor(&agent("agent-1"), spool(1)).unwrap(), None);
    assert_eq!(writer.reader().inbox_load().unwrap().batches, 0);
}

#[test]
fn what_was_not_committed_is_gone_after_reopening_and_what_was_is_there() {
    let (dir, store) = record();
    let mut writer = store.writer().unwrap();
    writer.ingest(&[batch(1, 0, 4)]).unwrap();
    let undone: Result<(), StoreError> = writer.transaction(|tx| {
        tx.ingest(&batch(1, 5, 9))?;
        Err(StoreError::Refused { what: "the test".to_owned(), why: "it wants it so" })
    });
    assert!(undone.is_err());
    // As a crash would leave it: no checkpoint, no clean end of a transaction that is under way.
    let tx = crate::tx::Tx::begin(&writer.core).unwrap();
    tx.ingest(&batch(1, 5, 6)).unwrap();
    std::mem::forget(tx);
    std::mem::forget(writer);
    drop(store);
    let copy = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    let store = reopen(&copy);
    let reader = store.reader().unwrap();
    assert_eq!(reader.cursor(&agent("agent-1"), spool(1)).unwrap().unwrap().next, 5);
    assert_eq!(reader.inbox_after(InboxId::new(0), 10).unwrap().len(), 1);
}

#[test]
fn the_closer_finds_its_place_and_the_state_of_its_spools_again() {
    let (dir, store) = record();
    let mut writer = store.writer().unwrap();
    writer.ingest(&[batch(1, 0, 4), batch(1, 5, 9), batch(1, 10, 11)]).unwrap();
    let items = writer.reader().inbox_after(InboxId::new(0), 2).unwrap();
    let through = items[1].id;
    let closed: Result<usize, StoreError> = writer.transaction(|tx| {
        tx.put_spool_state(spool(1), b"run 7")?;
        tx.delete_inbox_through(through)
    });
    assert_eq!(closed.unwrap(), 2);
    drop((writer, store));
    let reader = reopen(&dir).reader().unwrap();
    assert_eq!(reader.closer_position().unwrap(), through);
    assert_eq!(reader.spool_state(spool(1)).unwrap().as_deref(), Some(b"run 7".as_slice()));
    assert_eq!(reader.inbox_after(through, 10).unwrap().len(), 1);
    assert_eq!(reader.inbox_load().unwrap().batches, 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn whatever_is_sent_in_whatever_pieces_each_record_is_there_once(
        pieces in proptest::collection::vec((0u64..40, 0u64..12), 1..40),
    ) {
        let (_dir, store) = record();
        let mut writer = store.writer().unwrap();
        writer.ingest(&[batch(1, 0, 0)]).unwrap();
        let mut next = 1;
        for (first, more) in pieces {
            let outcome = writer.ingest(&[batch(1, first, first + more)]).unwrap()[0];
            if first <= next && first + more >= next {
                next = first + more + 1;
                prop_assert_eq!(stored(outcome), Some(next));
            } else {
                prop_assert_eq!(stored(outcome), None);
            }
        }
        let items = writer.reader().inbox_after(InboxId::new(0), 100).unwrap();
        let records: Vec<u64> = items.iter().flat_map(|item| item.first..=item.last).collect();
        prop_assert_eq!(records, (0..next).collect::<Vec<_>>());
    }
}
