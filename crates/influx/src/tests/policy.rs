//! The write policy against a transport in memory. Time is paused, so waits cost nothing.

use std::collections::BTreeSet;
use std::io::Read;
use std::sync::Mutex;

use flate2::read::GzDecoder;

use crate::{Observer, Outcome, Setback, Transport, Writer, Written};

/// Answers from a script first, then takes every line but those that hold `bad`.
#[derive(Default)]
struct Memory {
    script: Mutex<Vec<Outcome>>,
    stored: Mutex<Vec<String>>,
    posts: Mutex<usize>,
    lines_max: Option<usize>,
    bad: Option<&'static str>,
}

impl Transport for &Memory {
    async fn post(&self, body: Vec<u8>) -> Outcome {
        *self.posts.lock().unwrap() += 1;
        if let Some(outcome) = self.script.lock().unwrap().pop() {
            return outcome;
        }
        let mut text = String::new();
        GzDecoder::new(body.as_slice()).read_to_string(&mut text).unwrap();
        let lines: Vec<_> = text.lines().map(str::to_owned).collect();
        if self.lines_max.is_some_and(|most| lines.len() > most) {
            return Outcome::TooLarge;
        }
        // As version 2 does it: one bad line and nothing is stored.
        if self.bad.is_some_and(|bad| text.contains(bad)) {
            return Outcome::Refused { text: "unable to parse".into() };
        }
        self.stored.lock().unwrap().extend(lines);
        Outcome::Stored
    }
}

#[derive(Default)]
struct Notes {
    quarantined: Vec<String>,
    setbacks: Vec<Setback>,
    stored: usize,
}

impl Observer for Notes {
    fn quarantined(&mut self, line: &str, _why: &str) {
        self.quarantined.push(line.to_owned());
    }

    fn setback(&mut self, setback: &Setback) {
        self.setbacks.push(setback.clone());
    }

    fn stored(&mut self) {
        self.stored += 1;
    }
}

fn lines(count: usize) -> String {
    (0..count).map(|n| format!("m v={n} {n}")).collect::<Vec<_>>().join("\n") + "\n"
}

#[tokio::test(start_paused = true)]
async fn one_bad_line_costs_only_itself_and_few_requests() {
    let memory = Memory { bad: Some("v=777 "), ..Memory::default() };
    let mut notes = Notes::default();
    let written = Writer::new(&memory).write(&lines(1000), &mut notes).await;
    assert_eq!(written, Written { lines: 999, quarantined: 1, beyond_retention: 0 });
    assert_eq!(notes.quarantined, ["m v=777 777"]);
    let stored: BTreeSet<_> = memory.stored.lock().unwrap().iter().cloned().collect();
    assert_eq!(stored.len(), 999);
    // 10 halvings of 1000 lines, two requests each, and the first.
    assert!(*memory.posts.lock().unwrap() <= 21, "{} posts", memory.posts.lock().unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_body_too_large_is_halved_until_it_fits_and_keeps_its_order() {
    let memory = Memory { lines_max: Some(300), ..Memory::default() };
    let written = Writer::new(&memory).write(&lines(1000), &mut Notes::default()).await;
    assert_eq!(written.lines, 1000);
    assert_eq!(memory.stored.lock().unwrap().join("\n") + "\n", lines(1000));
}

#[tokio::test(start_paused = true)]
async fn trouble_of_the_server_loses_nothing_and_is_told() {
    let busy = |seconds: Option<u64>| Outcome::Busy {
        retry_after: seconds.map(std::time::Duration::from_secs),
        text: "status 503".into(),
    };
    let denied = Outcome::Denied { status: 401, text: "unauthorized".into() };
    let memory = Memory { script: Mutex::new(vec![busy(None), denied, busy(Some(7))]), ..Memory::default() };
    let mut notes = Notes::default();
    let written = Writer::new(&memory).write(&lines(3), &mut notes).await;
    assert_eq!((written.lines, memory.stored.lock().unwrap().len()), (3, 3));
    assert_eq!(notes.setbacks[0].wait.as_secs(), 7);
    assert_eq!(notes.setbacks[1].denied, Some(401));
    assert!(notes.setbacks[2].wait.as_secs() <= 60);
    assert_eq!(notes.stored, 1);
}

#[tokio::test(start_paused = true)]
async fn points_beyond_the_servers_retention_are_counted_and_not_sent_again() {
    let memory = Memory { script: Mutex::new(vec![Outcome::Retention { dropped: 2 }]), ..Memory::default() };
    let written = Writer::new(&memory).write(&lines(5), &mut Notes::default()).await;
    assert_eq!(written, Written { lines: 3, quarantined: 0, beyond_retention: 2 });
    assert_eq!(*memory.posts.lock().unwrap(), 1);
}
