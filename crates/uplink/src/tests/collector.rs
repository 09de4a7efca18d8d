//! A collector in a few lines: one cursor, a list of what was stored, and a script of how to misbehave.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::Pki;

/// What to do with the next batch instead of taking it.
#[derive(Debug, Clone)]
pub(super) enum Act {
    /// Answer with a status.
    Answer(u16),
    /// Answer 429 and ask to be left alone for so long.
    Wait(Duration),
    /// Store it, then cut every connection before the answer.
    StoreAndCut,
    /// Never answer.
    Hang,
    /// Say that so much is stored.
    Claim(u64),
}

#[derive(Debug, Default)]
pub(super) struct Book {
    pub(super) next: u64,
    /// Number and payload of what was stored, in the order in which it was.
    pub(super) stored: Vec<(u64, Vec<u8>)>,
    pub(super) script: VecDeque<Act>,
    /// When each batch came, its size, and the `gap_from` it told.
    pub(super) batches: Vec<(Instant, usize, Option<u64>)>,
    pub(super) duplicates: u32,
    pub(super) cursor_status: Option<u16>,
    pub(super) largest: Option<usize>,
    cut: CancellationToken,
}

/// The collector; a clone is the same one.
#[derive(Debug, Clone)]
pub(super) struct Collector {
    book: Arc<Mutex<Book>>,
    pub(super) address: SocketAddr,
}

impl Collector {
    pub(super) async fn start(pki: &Pki) -> Self {
        Self::start_on(TcpListener::bind("127.0.0.1:0").await.unwrap(), pki)
    }

    pub(super) fn start_on(listener: TcpListener, pki: &Pki) -> Self {
        let collector = Self { book: Arc::default(), address: listener.local_addr().unwrap() };
        let acceptor = TlsAcceptor::from(Arc::new(server_config(pki)));
        let router = Router::new()
            .route("/v1/batches", post(batches))
            .route("/v1/cursor", get(cursor))
            .layer(DefaultBodyLimit::max(wire::MAX_BATCH_BYTES))
            .with_state(collector.clone());
        let serving = collector.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let cut = serving.book().cut.clone();
                tokio::spawn(serve(stream, acceptor.clone(), router.clone(), cut));
            }
        });
        collector
    }

    pub(super) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap()
    }

    pub(super) fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    pub(super) fn act(&self, acts: impl IntoIterator<Item = Act>) {
        self.book().script.extend(acts);
    }

    /// Cuts every connection.
    fn cut(&self) {
        std::mem::take(&mut self.book().cut).cancel();
    }

    /// Numbers of what was stored.
    pub(super) fn numbers(&self) -> Vec<u64> {
        self.book().stored.iter().map(|(number, _)| *number).collect()
    }
}

fn server_config(pki: &Pki) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(pki.path("ca.pem")).unwrap()).unwrap();
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().unwrap();
    let chain = vec![CertificateDer::from_pem_file(pki.path("server.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(pki.path("server.key")).unwrap();
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config
}

async fn serve(stream: TcpStream, acceptor: TlsAcceptor, router: Router, cut: CancellationToken) {
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let builder = Builder::new(TokioExecutor::new());
    let connection = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    tokio::select! {
        // A client that is gone is the client's business.
        _ = connection => {}
        () = cut.cancelled() => {}
    }
}

async fn cursor(State(collector): State<Collector>) -> Response {
    let book = collector.book();
    match book.cursor_status {
        Some(status) => StatusCode::from_u16(status).unwrap().into_response(),
        None => format!("{{\"next\":{}}}", book.next).into_response(),
    }
}

async fn batches(State(collector): State<Collector>, headers: HeaderMap, body: Bytes) -> Response {
    assert_eq!(headers[header::CONTENT_TYPE], "application/x-protobuf");
    assert_eq!(headers["wattwacht-schema"], "1");
    let batch = wire::decode_batch(&body).unwrap();
    let act = {
        let mut book = collector.book();
        book.batches.push((Instant::now(), body.len(), batch.gap_from));
        if book.largest.is_some_and(|largest| body.len() > largest) {
            return StatusCode::PAYLOAD_TOO_LARGE.into_response();
        }
        book.script.pop_front()
    };
    match act {
        None => collector.book().take(batch),
        Some(Act::Answer(status)) => (StatusCode::from_u16(status).unwrap(), "not now").into_response(),
        Some(Act::Wait(wait)) => {
            let asked = [(header::RETRY_AFTER, wait.as_secs().to_string())];
            (StatusCode::TOO_MANY_REQUESTS, asked, "busy").into_response()
        }
        Some(Act::Claim(next)) => format!("{{\"next\":{next}}}").into_response(),
        Some(Act::StoreAndCut) => {
            collector.book().take(batch);
            collector.cut();
            std::future::pending().await
        }
        Some(Act::Hang) => std::future::pending().await,
    }
}

impl Book {
    /// A duplicate is harmless, a hole needs its `gap_from`.
    fn take(&mut self, batch: wire::Batch) -> Response {
        if batch.last < self.next {
            self.duplicates += 1;
        } else if batch.first > self.next && batch.gap_from.is_none_or(|gap| gap > self.next) {
            return (StatusCode::CONFLICT, format!("{{\"next\":{}}}", self.next)).into_response();
        } else {
            let new = batch.records.into_iter().filter(|record| record.sequence >= self.next);
            self.stored.extend(new.map(|record| (record.sequence, record.payload)));
            self.next = batch.last + 1;
        }
        format!("{{\"next\":{}}}", self.next).into_response()
    }
}
