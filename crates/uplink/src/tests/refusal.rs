//! What a collector may refuse, and what then happens: nothing is lost, and a person can see why.

use std::time::Duration;

use spool::Options;

use super::collector::{Act, Collector};
use super::{Pki, Running, Source, wait_until};
use crate::{State, Trouble, Uplink};

#[tokio::test]
async fn a_collector_that_asks_for_time_is_given_it() {
    let pki = Pki::new();
    let collector = Collector::start(&pki).await;
    let mut source = Source::new(Options::default());
    source.fill(3);
    collector.act([Act::Wait(Duration::from_secs(1))]);
    let running = Running::start(pki.config(&collector.url()), &source);
    running.delivered().await;
    let times: Vec<_> = collector.book().batches.iter().map(|(when, ..)| *when).collect();
    assert_eq!((times.len(), running.retries(Trouble::Busy)), (2, 1));
    let waited = times[1] - times[0];
    assert!(waited >= Duration::from_secs(1), "{waited:?}");
    running.stop().await;
}

#[tokio::test]
async fn failures_of_the_collector_are_tried_again() {
    let pki = Pki::new();
    let collector = Collector::start(&pki).await;
    let mut source = Source::new(Options::default());
    source.fill(3);
    collector.act([500, 502, 503, 418].map(Act::Answer));
    let running = Running::start(pki.config(&collector.url()), &source);
    running.delivered().await;
    assert_eq!((running.retries(Trouble::Answer), running.retries(Trouble::Busy)), (3, 1));
    running.stop().await;
}

#[tokio::test]
async fn a_collector_that_is_too_old_is_waited_for_and_nothing_is_lost() {
    let pki = Pki::new();
    let collector = Collector::start(&pki).await;
    let mut source = Source::new(Options::default());
    source.fill(3);
    collector.act(vec![Act::Answer(426); 3]);
    let running = Running::start(pki.config(&collector.url()), &source);
    wait_until("it is seen", || running.snapshot().state == State::CollectorTooOld).await;
    assert_eq!(running.snapshot().last_error.as_deref(), Some("the collector answers 426: not now"));
    running.delivered().await;
    assert_eq!(collector.numbers(), [0, 1, 2]);
    assert_eq!((running.snapshot().state, running.snapshot().last_error), (State::Connected, None));
    running.stop().await;
}

#[tokio::test]
async fn an_agent_that_is_not_let_in_says_so_and_keeps_what_it_has() {
    for status in [401, 403, 404] {
        let pki = Pki::new();
        let collector = Collector::start(&pki).await;
        collector.book().cursor_status = Some(status);
        let mut source = Source::new(Options::default());
        source.fill(3);
        let running = Running::start(pki.config(&collector.url()), &source);
        wait_until("it is seen", || running.snapshot().state == State::Refused).await;
        let said = running.snapshot().last_error.unwrap();
        assert_eq!(said, format!("the collector answers {status}: "));
        assert_eq!(running.snapshot().lag_records, 3);
        collector.book().cursor_status = None;
        running.delivered().await;
        assert_eq!(collector.numbers(), [0, 1, 2]);
        running.stop().await;
    }
}

#[tokio::test]
async fn a_collector_that_takes_nothing_and_says_well_done_is_not_asked_in_haste() {
    let pki = Pki::new();
    let collector = Collector::start(&pki).await;
    let mut source = Source::new(Options::default());
    source.fill(3);
    collector.act(vec![Act::Claim(0); 5]);
    let running = Running::start(pki.config(&collector.url()), &source);
    running.delivered().await;
    assert_eq!((running.retries(Trouble::Rewind), collector.numbers()), (5, vec![0, 1, 2]));
    running.stop().await;
}

#[tokio::test]
async fn a_collector_whose_certificate_another_authority_signed_is_not_trusted_until_the_file_is_put_right() {
    let pki = Pki::new();
    let collector = Collector::start(&pki).await;
    let right = std::fs::read(pki.path("ca.pem")).unwrap();
    std::fs::write(pki.path("ca.pem"), std::fs::read(Pki::new().path("ca.pem")).unwrap()).unwrap();
    let mut source = Source::new(Options::default());
    source.fill(3);
    let running = Running::start(pki.config(&collector.url()), &source);
    wait_until("it has failed", || running.snapshot().last_error.is_some()).await;
    let said = running.snapshot().last_error.unwrap();
    assert!(said.starts_with(&format!("cannot reach the collector at {}: ", collector.url())), "{said}");
    assert!(said.contains("invalid peer certificate"), "{said}");
    let hint = format!("(its certificate is not signed by one in `{}`)", pki.path("ca.pem").display());
    assert!(said.ends_with(&hint), "{said}");
    assert_eq!(collector.book().batches.len(), 0);
    std::fs::write(pki.path("ca.pem"), right).unwrap();
    running.delivered().await;
    running.stop().await;
}

#[tokio::test]
async fn an_agent_that_another_authority_signed_is_not_let_in() {
    let pki = Pki::new();
    let collector = Collector::start(&pki).await;
    let stranger = Pki::new();
    let mut config = pki.config(&collector.url());
    (config.cert, config.key) = (stranger.path("agent.pem"), stranger.path("agent.key"));
    let mut source = Source::new(Options::default());
    source.fill(1);
    let running = Running::start(config, &source);
    wait_until("it has failed", || running.retries(Trouble::Network) > 1).await;
    let said = running.snapshot().last_error.unwrap();
    assert!(said.contains("fatal alert") || said.contains("closed") || said.contains("reset"), "{said}");
    assert_eq!(collector.book().batches.len(), 0);
    running.stop().await;
}

#[test]
fn files_that_cannot_be_used_are_named_at_once() {
    let pki = Pki::new();
    let source = Source::new(Options::default());
    let said = |change: &dyn Fn(&mut crate::Config)| {
        let mut config = pki.config("https://localhost:1");
        change(&mut config);
        Uplink::new(config, source.spool.reader()).unwrap_err().to_string()
    };
    let path = |name: &str| pki.path(name).display().to_string();
    assert_eq!(
        said(&|config| config.ca = pki.path("nowhere.pem")),
        format!("cannot read the collector's certificate authority `{}`", path("nowhere.pem"))
    );
    assert_eq!(
        said(&|config| config.cert = pki.path("agent.key")),
        format!("the certificate `{}`: no certificate in it, one in PEM was expected", path("agent.key"))
    );
    let key = said(&|config| config.key = pki.path("agent.pem"));
    assert!(key.starts_with(&format!("the private key `{}`: ", path("agent.pem"))), "{key}");
    assert_eq!(
        said(&|config| config.key = pki.path("server.key")),
        format!("certificate `{}` and key `{}` make no TLS client", path("agent.pem"), path("server.key"))
    );
}
