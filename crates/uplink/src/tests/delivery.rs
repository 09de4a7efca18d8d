//! Everything arrives, once, whatever happens to the line.

use std::time::Duration;

use spool::Options;
use tokio::net::TcpListener;

use super::collector::{Act, Collector};
use super::proxy::Line;
use super::{Pki, Running, Source, wait_until};
use crate::{State, Trouble};

fn count(records: u64) -> Vec<u64> {
    (0..records).collect()
}

#[tokio::test]
async fn a_backlog_and_what_follows_it_arrive_in_order_and_once() {
    let pki = Pki::new();
    let collector = Collector::start(&pki).await;
    let mut source = Source::new(Options::default());
    source.fill(2000);
    let running = Running::start(pki.config(&collector.url()), &source);
    running.delivered().await;
    source.fill(10);
    running.delivered().await;
    assert_eq!(collector.numbers(), count(2010));
    let (_, payload) = collector.book().stored[1234].clone();
    assert!(payload.starts_with(b"record 1234 xxx"));
    let snapshot = running.snapshot();
    assert_eq!(
        (snapshot.state, snapshot.records, snapshot.last_error.as_deref()),
        (State::Connected, 2010, None)
    );
    assert_eq!(snapshot.retries, [0; 9]);
    let bytes: usize = collector.book().batches.iter().map(|(_, bytes, _)| bytes).sum();
    assert_eq!((snapshot.bytes, snapshot.batches), (bytes as u64, collector.book().batches.len() as u64));
    let statistics = std::sync::Arc::clone(&running.statistics);
    running.stop().await;
    assert_eq!(statistics.snapshot().state, State::Stopped);
}

#[tokio::test]
async fn a_batch_whose_answer_is_lost_is_sent_again_and_stored_once() {
    let pki = Pki::new();
    let collector = Collector::start(&pki).await;
    let mut source = Source::new(Options::default());
    source.fill(50);
    collector.act([Act::StoreAndCut, Act::StoreAndCut]);
    let running = Running::start(pki.config(&collector.url()), &source);
    running.delivered().await;
    assert_eq!(collector.numbers(), count(50));
    assert_eq!((collector.book().duplicates, running.retries(Trouble::Network)), (2, 2));
    running.stop().await;
}

#[tokio::test]
async fn a_collector_that_never_answers_is_asked_again_after_the_time_out() {
    let pki = Pki::new();
    let collector = Collector::start(&pki).await;
    let mut source = Source::new(Options::default());
    source.fill(3);
    collector.act([Act::Hang]);
    let mut config = pki.config(&collector.url());
    config.pace.request_timeout = Duration::from_millis(100);
    let running = Running::start(config, &source);
    running.delivered().await;
    assert_eq!((collector.numbers(), running.retries(Trouble::Timeout)), (count(3), 1));
    running.stop().await;
}

#[tokio::test]
async fn a_connection_that_died_in_silence_is_given_up_for_a_new_one() {
    let pki = Pki::new();
    let collector = Collector::start(&pki).await;
    let line = Line::to(collector.address).await;
    let mut source = Source::new(Options::default());
    source.fill(3);
    let mut config = pki.config(&format!("https://{}", line.address));
    config.pace.request_timeout = Duration::from_millis(200);
    let running = Running::start(config, &source);
    running.delivered().await;
    line.freeze();
    source.fill(3);
    running.delivered().await;
    assert_eq!((collector.numbers(), running.retries(Trouble::Timeout)), (count(6), 1));
    running.stop().await;
}

#[tokio::test]
async fn a_collector_that_was_set_back_gets_what_it_lost() {
    let pki = Pki::new();
    let collector = Collector::start(&pki).await;
    let mut source = Source::new(Options::default());
    source.fill(30);
    let running = Running::start(pki.config(&collector.url()), &source);
    running.delivered().await;
    {
        let mut book = collector.book();
        book.next = 10;
        book.stored.truncate(10);
    }
    source.fill(1);
    running.delivered().await;
    wait_until("it has all again", || collector.numbers() == count(31)).await;
    assert_eq!(running.retries(Trouble::Rewind), 1);
    running.stop().await;
}

#[tokio::test]
async fn records_that_are_gone_for_good_do_not_hold_up_the_rest() {
    let pki = Pki::new();
    let collector = Collector::start(&pki).await;
    let mut source = Source::new(Options { cap_bytes: 8192, segment_bytes: 2048, ..Options::default() });
    source.fill(500);
    let oldest = source.spool.status().oldest;
    assert!(oldest > 100);
    let running = Running::start(pki.config(&collector.url()), &source);
    running.delivered().await;
    assert_eq!(collector.numbers(), (oldest..500).collect::<Vec<_>>());
    assert_eq!(collector.book().batches[0].2, Some(0), "the first batch tells where the hole begins");
    assert_eq!(running.snapshot().retries, [0; 9]);
    running.stop().await;
}

#[tokio::test]
async fn a_spool_that_was_set_back_goes_on_behind_what_the_collector_has() {
    let pki = Pki::new();
    let collector = Collector::start(&pki).await;
    collector.book().next = 100;
    let mut source = Source::new(Options::default());
    source.fill(5);
    let running = Running::start(pki.config(&collector.url()), &source);
    wait_until("it has asked", || source.spool.reader().acknowledged() == 100).await;
    source.fill(5);
    wait_until("new records arrive", || collector.book().next == 105).await;
    assert_eq!(collector.numbers(), [100, 101, 102, 103, 104]);
    running.stop().await;
}

#[tokio::test]
async fn batches_that_are_too_large_for_the_collector_are_made_smaller() {
    let pki = Pki::new();
    let collector = Collector::start(&pki).await;
    collector.book().largest = Some(600);
    let mut source = Source::new(Options::default());
    source.fill(500);
    let running = Running::start(pki.config(&collector.url()), &source);
    running.delivered().await;
    assert_eq!(collector.numbers(), count(500));
    assert!(running.retries(Trouble::TooLarge) > 0);
    running.stop().await;
}

#[tokio::test]
async fn an_uplink_that_starts_before_its_collector_finds_it_later() {
    let pki = Pki::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let mut source = Source::new(Options::default());
    source.fill(3);
    let running = Running::start(pki.config(&format!("https://{address}")), &source);
    wait_until("it has tried", || running.retries(Trouble::Network) > 2).await;
    let said = running.snapshot().last_error.unwrap();
    assert!(said.contains("Connection refused"), "{said}");
    let collector = Collector::start_on(TcpListener::bind(address).await.unwrap(), &pki);
    running.delivered().await;
    assert_eq!(collector.numbers(), count(3));
    running.stop().await;
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_collector_that_hangs() {
    let pki = Pki::new();
    let collector = Collector::start(&pki).await;
    let mut source = Source::new(Options::default());
    source.fill(3);
    collector.act([Act::Hang]);
    let mut config = pki.config(&collector.url());
    config.pace.request_timeout = Duration::from_hours(1);
    let running = Running::start(config, &source);
    wait_until("the batch is under way", || !collector.book().batches.is_empty()).await;
    running.stop().await;
}
