//! The door over real TLS, against senders that are forged, broken or too large.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use model::{Quantity, Raw, Timestamp};
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, SanType};
use tokio_util::sync::CancellationToken;

use super::{Counters, Door, Gate, Identity, router};
use crate::config::Ingest;
use crate::testing::{Feed, Rig, agent_key, group, series};

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// Certificate and key of `common`, with these alternative names.
    fn sign(&self, common: &str, names: Vec<SanType>) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, common);
        params.subject_alt_names = names;
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }

    fn agent(&self, uri: &str, common: &str) -> (String, String) {
        self.sign(common, vec![SanType::URI(uri.try_into().unwrap())])
    }
}

/// An open door on a record, and an authority that may vouch for agents.
struct House {
    rig: Rig,
    authority: Authority,
    address: SocketAddr,
    counters: Arc<Counters>,
    stop: CancellationToken,
}

fn provider() {
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        // Another test of this process was first.
    }
}

fn file(dir: &Path, name: &str, text: &str) -> PathBuf {
    std::fs::write(dir.join(name), text).unwrap();
    dir.join(name)
}

impl House {
    async fn open() -> Self {
        provider();
        let rig = tokio::task::spawn_blocking(Rig::new).await.unwrap();
        let authority = Authority::new("city");
        let (cert, key) = authority.sign("collector", vec![SanType::IpAddress([127, 0, 0, 1].into())]);
        let dir = rig.dir.path();
        let config = Ingest {
            listen: "127.0.0.1:0".parse().unwrap(),
            ca: file(dir, "ca.pem", &authority.pem),
            cert: file(dir, "collector.pem", &cert),
            key: file(dir, "collector.key", &key),
        };
        let door = Door::open(&config).await.unwrap();
        let address = door.address().unwrap();
        let counters = Arc::new(Counters::default());
        let gate = Gate {
            writer: rig.writer.clone(),
            clock: rig.clock.clock(),
            counters: Arc::clone(&counters),
            closer: Arc::clone(&rig.counters),
            wake: None,
        };
        let stop = CancellationToken::new();
        tokio::spawn(door.serve(router(gate), stop.clone()));
        Self { rig, authority, address, counters, stop }
    }

    fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.address)
    }

    /// A client that trusts the collector and shows this certificate.
    fn client(&self, (cert, key): &(String, String)) -> reqwest::Client {
        let identity = reqwest::Identity::from_pem(format!("{cert}{key}").as_bytes()).unwrap();
        self.stranger().identity(identity).build().unwrap()
    }

    fn stranger(&self) -> reqwest::ClientBuilder {
        let root = reqwest::Certificate::from_pem(self.authority.pem.as_bytes()).unwrap();
        reqwest::Client::builder().tls_certs_only([root])
    }

    fn agent(&self) -> reqwest::Client {
        self.client(&self.authority.agent("wattwacht:agent/rz-1/agent-1", "agent-1"))
    }

    async fn post(&self, client: &reqwest::Client, body: Vec<u8>) -> (u16, String) {
        let answer = client.post(self.url("/v1/batches")).body(body).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Rows in the inbox: what was stored.
    fn stored(&self) -> u64 {
        self.rig.store.reader().unwrap().inbox_load().unwrap().batches
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn some_batches(count: usize) -> (Feed, Vec<wire::Batch>) {
    let mut feed = Feed::new("rz-1", "agent-1", 1);
    let at = Timestamp::from_seconds(1_767_571_200);
    let all = vec![series(1, "meter-1", Quantity::ActivePower, "total")];
    let mut batches = vec![feed.opening(at, all, vec![group(0, "meter-1", 10, &[1])])];
    for n in 1..count {
        let later = i64::try_from(n).unwrap() * 10_000;
        let poll = feed.poll(0, at.plus_millis(later), &[Raw::Integer(7)]);
        batches.push(feed.batch([poll]));
    }
    (feed, batches)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_acknowledged_once_it_is_stored_and_a_replay_changes_nothing() {
    let house = House::open().await;
    let client = house.agent();
    let (_, batches) = some_batches(2);
    for expected in ["{\"next\":2}", "{\"next\":3}"].into_iter().zip(&batches) {
        let (next, batch) = expected;
        assert_eq!(house.post(&client, wire::encode_batch(batch)).await, (200, next.to_owned()));
    }
    for _ in 0..5 {
        assert_eq!(house.post(&client, wire::encode_batch(&batches[0])).await.0, 200);
    }
    assert_eq!((house.stored(), house.counters.duplicate.load(Ordering::Relaxed)), (2, 5));
    let spool = batches[0].spool;
    let answer = client.get(house.url(&format!("/v1/cursor?spool={spool}"))).send().await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "{\"next\":3}");
    let reader = house.rig.store.reader().unwrap();
    assert_eq!(reader.inbox_after(store::InboxId::new(0), 1).unwrap()[0].agent, agent_key("rz-1", "agent-1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hole_is_sent_back_to_where_it_begins_unless_the_sender_says_that_it_is_gone() {
    let house = House::open().await;
    let client = house.agent();
    let (_, mut batches) = some_batches(4);
    assert_eq!(house.post(&client, wire::encode_batch(&batches[0])).await.0, 200);
    assert_eq!(house.post(&client, wire::encode_batch(&batches[2])).await, (409, "{\"next\":2}".to_owned()));
    assert_eq!(house.stored(), 1);
    batches[2].gap_from = Some(2);
    assert_eq!(house.post(&client, wire::encode_batch(&batches[2])).await, (200, "{\"next\":4}".to_owned()));
    // A gap that begins behind what is here would lose what lies between.
    let (_, batches) = some_batches(8);
    let mut far = batches[6].clone();
    far.gap_from = Some(6);
    assert_eq!(house.post(&client, wire::encode_batch(&far)).await.0, 409);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_cut_forged_or_too_large_is_refused_and_never_half_stored() {
    let house = House::open().await;
    let client = house.agent();
    let (_, batches) = some_batches(3);
    let body = wire::encode_batch(&batches[0]);
    for cut in [0, 1, body.len() / 2, body.len() - 1] {
        assert_eq!(house.post(&client, body[..cut].to_vec()).await.0, 400, "cut to {cut}");
    }
    for place in 0..body.len() {
        let mut forged = body.clone();
        forged[place] ^= 0x55;
        let status = house.post(&client, forged).await.0;
        // A flipped bit that still decodes (inside a payload) is a batch of its own; what matters is below.
        assert!(matches!(status, 200 | 400 | 403 | 409 | 413 | 426), "byte {place}: {status}");
    }
    let too_large = vec![0; wire::MAX_BATCH_BYTES + 1];
    assert_eq!(house.post(&client, too_large).await.0, 413);
    let mut numbers = batches[1].clone();
    numbers.last += 1;
    assert_eq!(house.post(&client, wire::encode_batch(&numbers)).await.0, 400);
    // Whatever was stored can be decoded whole.
    let reader = house.rig.store.reader().unwrap();
    for item in reader.inbox_after(store::InboxId::new(0), 1000).unwrap() {
        let batch = wire::decode_batch(&item.body).unwrap();
        assert_eq!((batch.first, batch.last), (item.first, item.last));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_schema_stays_with_its_sender() {
    let house = House::open().await;
    let client = house.agent();
    let (_, batches) = some_batches(1);
    let mut newer = batches[0].clone();
    newer.schema = wire::SCHEMA + 1;
    assert_eq!(house.post(&client, wire::encode_batch(&newer)).await.0, 426);
    let request = client.post(house.url("/v1/batches")).header(wire::SCHEMA_HEADER, "99").body(Vec::new());
    assert_eq!(request.send().await.unwrap().status().as_u16(), 426);
    assert_eq!(house.stored(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_a_spool_is_told_apart_and_refused() {
    let house = House::open().await;
    let client = house.agent();
    let (_, batches) = some_batches(2);
    assert_eq!(house.post(&client, wire::encode_batch(&batches[0])).await.0, 200);
    assert_eq!(house.post(&client, wire::encode_batch(&batches[1])).await.0, 200);
    let mut other = batches[1].clone();
    other.records[0].payload = vec![1, 2, 3];
    assert_eq!(house.post(&client, wire::encode_batch(&other)).await.0, 403);
    assert_eq!(house.stored(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_in_without_a_certificate_of_ours_that_names_an_agent() {
    let house = House::open().await;
    let foreign = Authority::new("elsewhere");
    let uri = "wattwacht:agent/rz-1/agent-1";
    let strangers = [
        house.stranger().build().unwrap(),
        house.client(&foreign.agent(uri, "agent-1")),
        house.client(&house.authority.sign("agent-1", vec![])),
        house.client(&house.authority.agent(uri, "agent-2")),
        house.client(&house.authority.agent("wattwacht:agent/rz-1", "agent-1")),
        house.client(&house.authority.agent("wattwacht:agent/RZ/agent-1", "agent-1")),
    ];
    let (_, batches) = some_batches(1);
    for (n, client) in strangers.into_iter().enumerate() {
        let request = client.post(house.url("/v1/batches")).body(wire::encode_batch(&batches[0]));
        assert!(request.send().await.is_err(), "stranger {n} got an answer");
    }
    assert_eq!(house.stored(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_speaks_for_its_own_site_only() {
    let house = House::open().await;
    let other = house.client(&house.authority.agent("wattwacht:agent/rz-2/agent-1", "agent-1"));
    let (_, batches) = some_batches(1);
    assert_eq!(house.post(&other, wire::encode_batch(&batches[0])).await.0, 200);
    let reader = house.rig.store.reader().unwrap();
    assert_eq!(reader.inbox_after(store::InboxId::new(0), 1).unwrap()[0].agent, agent_key("rz-2", "agent-1"));
    let answer = house.agent().get(house.url(&format!("/v1/cursor?spool={}", batches[0].spool)));
    assert_eq!(answer.send().await.unwrap().text().await.unwrap(), "{\"next\":0}");
}

#[test]
fn an_identity_needs_uri_and_common_name_to_agree() {
    let authority = Authority::new("city");
    let der = |(pem, _): (String, String)| {
        use rustls_pki_types::pem::PemObject;
        rustls_pki_types::CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
    };
    let good = der(authority.agent("wattwacht:agent/rz-1/agent-1", "agent-1"));
    assert_eq!(Identity::from_der(&good).unwrap().agent, agent_key("rz-1", "agent-1"));
    let two = vec![
        SanType::URI("wattwacht:agent/rz-1/a".try_into().unwrap()),
        SanType::URI("wattwacht:agent/rz-2/a".try_into().unwrap()),
    ];
    assert!(Identity::from_der(&der(authority.sign("a", two))).is_err());
    assert!(Identity::from_der(&der(authority.agent("wattwacht:agent/rz-1/a", "b"))).is_err());
    assert!(Identity::from_der(&[0x30, 0x03, 1, 2, 3]).is_err());
}
