use model::{Period, Severity, SinkId};

use super::*;
use crate::{
    AlarmFilter, AuditVerdict, ChangeSeq, Changed, DocumentKind, DocumentVersion, NewAlarm, NewAudit,
    NewDocument, NewReport, Opened, Quarantined, SinkCursor, Tx,
};

fn write<T>(writer: &mut Writer, work: impl FnOnce(&Tx<'_>) -> Result<T, StoreError>) -> T {
    writer.transaction(work).unwrap()
}

fn topology(text: &str, at: Timestamp) -> NewDocument {
    NewDocument {
        kind: DocumentKind::Topology,
        key: "rz-nord".to_owned(),
        text: text.to_owned(),
        author: "ada".to_owned(),
        at,
        valid_from: None,
    }
}

#[test]
fn a_document_gets_a_version_for_each_new_text_and_all_stay() {
    let (_dir, store) = record();
    let mut writer = store.writer().unwrap();
    let later = NOW.plus_millis(1);
    let versions = ["a", "a", "b"].map(|text| {
        let at = if text == "a" { NOW } else { later };
        write(&mut writer, |tx| tx.put_document(&topology(text, at)))
    });
    assert_eq!(versions, [1, 1, 2]);
    let reader = writer.reader();
    let text = |version| {
        let found = reader.document(DocumentKind::Topology, "rz-nord", version).unwrap();
        found.map(|document| document.document.text)
    };
    assert_eq!(text(DocumentVersion::Latest).as_deref(), Some("b"));
    assert_eq!(text(DocumentVersion::Number(1)).as_deref(), Some("a"));
    assert_eq!(text(DocumentVersion::At(NOW)).as_deref(), Some("a"));
    assert_eq!(text(DocumentVersion::Number(3)), None);
    assert_eq!(reader.document_history(DocumentKind::Topology, "rz-nord").unwrap().len(), 2);
    assert_eq!(reader.documents(DocumentKind::Topology).unwrap().len(), 1);
    assert_eq!(reader.documents(DocumentKind::Factors).unwrap(), []);
    // SHA-256 of "a", by GNU sha256sum.
    let expected = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";
    let first =
        reader.document(DocumentKind::Topology, "rz-nord", DocumentVersion::Number(1)).unwrap().unwrap();
    assert_eq!(hex(&first.sha256), expected);
    assert_eq!(reader.document_by_number(first.number).unwrap(), Some(first));
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| format!("{digit:x}"))
        .collect::<Vec<_>>()
        .concat()
}

fn audit(writer: &mut Writer, count: usize) {
    for n in 0..count {
        let entry = NewAudit {
            at: NOW,
            actor: "ada".to_owned(),
            action: "import".to_owned(),
            object: format!("file {n}"),
            detail: String::new(),
        };
        write(writer, |tx| tx.audit(&entry));
    }
}

#[test]
fn an_audit_log_that_nobody_touched_is_whole() {
    let (_dir, store) = record();
    let mut writer = store.writer().unwrap();
    let empty = AuditVerdict::Whole { entries: 0, head: [0; 32] };
    assert_eq!(writer.reader().verify_audit().unwrap(), empty);
    audit(&mut writer, 5);
    let last = writer.reader().audit_log(4, 10).unwrap().pop().unwrap();
    let whole = AuditVerdict::Whole { entries: 5, head: last.hash };
    assert_eq!(writer.reader().verify_audit().unwrap(), whole);
}

#[test]
fn tampering_with_the_audit_log_is_found() {
    for (tampering, broken) in [
        ("UPDATE audit SET actor = 'eve' WHERE id = 3", 3),
        ("UPDATE audit SET at_ms = at_ms + 1 WHERE id = 1", 1),
        ("UPDATE audit SET object = 'file 2i', action = 'mport' WHERE id = 3", 3),
        ("UPDATE audit SET hash = zeroblob(32) WHERE id = 5", 5),
        ("DELETE FROM audit WHERE id = 2", 2),
        ("DELETE FROM audit WHERE id = 5", 5),
    ] {
        let (dir, store) = record();
        let mut writer = store.writer().unwrap();
        audit(&mut writer, 5);
        let sql = rusqlite::Connection::open(dir.path().join("core.db")).unwrap();
        assert_eq!(sql.execute(tampering, []).unwrap(), 1);
        match writer.reader().verify_audit().unwrap() {
            AuditVerdict::Broken { number, .. } => assert_eq!(number, broken, "{tampering}"),
            whole @ AuditVerdict::Whole { .. } => panic!("{tampering}: {whole:?}"),
        }
    }
}

#[test]
fn an_alarm_is_open_once_until_it_is_closed() {
    let (_dir, store) = record();
    let mut writer = store.writer().unwrap();
    let alarm = NewAlarm {
        site: site(),
        kind: "silent_device".to_owned(),
        subject: "meter-1".to_owned(),
        severity: Severity::Warning,
        detail: "for 5 min".to_owned(),
        at: NOW,
    };
    let Opened::New(id) = write(&mut writer, |tx| tx.open_alarm(&alarm)) else { panic!("was open") };
    let worse = NewAlarm { severity: Severity::Critical, at: NOW.plus_millis(9), ..alarm.clone() };
    assert_eq!(write(&mut writer, |tx| tx.open_alarm(&worse)), Opened::Already(id));
    let open = writer.reader().alarms(Some(&site()), AlarmFilter::Open, 10).unwrap();
    assert_eq!((open.len(), open[0].alarm.severity, open[0].alarm.at), (1, Severity::Critical, NOW));
    let end = NOW.plus_millis(1000);
    let close =
        |writer: &mut Writer| write(writer, |tx| tx.close_alarm(&site(), "silent_device", "meter-1", end));
    assert_eq!(close(&mut writer), Some(id));
    assert_eq!(close(&mut writer), None);
    assert_eq!(writer.reader().alarms(None, AlarmFilter::Open, 10).unwrap(), []);
    let during = AlarmFilter::During(Period::new(NOW.plus_millis(5), NOW.plus_millis(6)));
    assert_eq!(writer.reader().alarms(None, during, 10).unwrap()[0].closed, Some(end));
    assert!(matches!(write(&mut writer, |tx| tx.open_alarm(&alarm)), Opened::New(new) if new != id));
}

#[test]
fn a_sink_that_was_reset_is_not_moved_by_what_was_under_way() {
    let (_dir, store) = record();
    let mut writer = store.writer().unwrap();
    let sink = SinkId::new("influx").unwrap();
    let cursor = |generation, position| SinkCursor { generation, position: ChangeSeq::new(position) };
    assert_eq!(writer.reader().sink_cursor(&sink).unwrap(), None);
    assert!(write(&mut writer, |tx| tx.set_sink_cursor(&sink, cursor(0, 50))));
    assert_eq!(write(&mut writer, |tx| tx.reset_sink(&sink, ChangeSeq::new(0))), cursor(1, 0));
    assert!(!write(&mut writer, |tx| tx.set_sink_cursor(&sink, cursor(0, 60))));
    assert!(write(&mut writer, |tx| tx.set_sink_cursor(&sink, cursor(1, 7))));
    assert_eq!(writer.reader().sink_cursor(&sink).unwrap(), Some(cursor(1, 7)));
}

#[test]
fn a_refused_line_is_kept_with_what_the_sink_said() {
    let (_dir, store) = record();
    let mut writer = store.writer().unwrap();
    let sink = SinkId::new("influx").unwrap();
    let refused =
        Quarantined { sink: sink.clone(), line: "power v=".to_owned(), error: "400".to_owned(), at: NOW };
    write(&mut writer, |tx| tx.quarantine(&refused));
    assert_eq!(writer.reader().quarantined(&sink, 10).unwrap(), [refused]);
    assert_eq!(writer.reader().quarantine_len(&sink).unwrap(), 1);
}

#[test]
fn sealing_the_same_facts_again_makes_no_revision_and_other_facts_do() {
    let (_dir, store) = record();
    let mut writer = store.writer().unwrap();
    let period = Period::new(NOW, NOW.plus_millis(1000));
    let report = |facts: &[u8]| NewReport {
        site: site(),
        kind: "month".to_owned(),
        period,
        facts: facts.to_vec(),
        author: "ada".to_owned(),
        at: NOW,
    };
    let [first, again, other] = [b"{}".as_slice(), b"{}", b"{\"a\":1}"]
        .map(|facts| write(&mut writer, |tx| tx.seal_report(&report(facts))));
    assert_eq!((first.revision, first.known), (0, false));
    assert_eq!((again.revision, again.known), (0, true));
    assert_eq!((other.revision, other.known), (1, false));
    let reader = writer.reader();
    let latest = reader.report(&site(), "month", period, None).unwrap().unwrap();
    assert_eq!(latest.report.facts, b"{\"a\":1}");
    let old = reader.report(&site(), "month", period, Some(0)).unwrap().unwrap();
    assert!(old.is_unchanged());
    assert_eq!(reader.reports(&site()).unwrap().len(), 2);
    assert_eq!(reader.newest_report(&site()).unwrap(), Some(latest));
    assert_eq!(reader.report_by_number(first.number).unwrap(), Some(old));
    let changes = reader.change_after(ChangeSeq::new(0), 10).unwrap();
    assert_eq!(changes[1].what, Changed::Report { number: other.number, revision: 1 });
    assert_eq!(write(&mut writer, |tx| tx.forget_changes(changes[0].seq)), 1);
    assert_eq!(writer.reader().change_after(ChangeSeq::new(0), 10).unwrap(), changes[1..]);
}
