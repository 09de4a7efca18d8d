//! A collector that keeps nothing: it takes batches over TLS and says that it has them.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use rcgen::{CertificateParams, DnType, KeyPair, SanType};
use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// Where it listens.
const ADDRESS: &str = "127.23.0.1:18443";

/// Number of the first record that it does not have.
type Next = Arc<AtomicU64>;

/// Writes a certificate that is its own authority, for both sides, and gives what an agent's configuration says of it.
pub(crate) fn prepare(folder: &Path) -> anyhow::Result<String> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "bench");
    params.subject_alt_names = vec![SanType::IpAddress(ADDRESS.parse::<SocketAddr>()?.ip())];
    let key = KeyPair::generate()?;
    std::fs::write(folder.join("sink.pem"), params.self_signed(&key)?.pem())?;
    std::fs::write(folder.join("sink.key"), key.serialize_pem())?;
    Ok(format!(
        "\n[collector]\nurl = \"https://{ADDRESS}\"\nca = \"sink.pem\"\ncert = \"sink.pem\"\nkey = \"sink.key\"\n"
    ))
}

/// Serves with the certificate in `folder` until the process is ended.
pub(crate) fn serve(folder: &Path) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(accept(folder))
}

async fn accept(folder: &Path) -> anyhow::Result<()> {
    let chain = vec![CertificateDer::from_pem_file(folder.join("sink.pem"))?];
    let key = PrivateKeyDer::from_pem_file(folder.join("sink.key"))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let router = Router::new()
        .route("/v1/batches", post(batches))
        .route("/v1/cursor", get(cursor))
        .layer(DefaultBodyLimit::max(wire::MAX_BATCH_BYTES))
        .with_state(Next::default());
    let listener = TcpListener::bind(ADDRESS).await.with_context(|| format!("cannot listen on {ADDRESS}"))?;
    loop {
        let (stream, _) = listener.accept().await?;
        let (acceptor, router) = (acceptor.clone(), router.clone());
        tokio::spawn(async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let builder = Builder::new(TokioExecutor::new());
            let served =
                builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router)).await;
            // A client that is gone is the client's business.
            drop(served);
        });
    }
}

async fn cursor(State(next): State<Next>) -> String {
    said(next.load(Ordering::Relaxed))
}

async fn batches(State(next): State<Next>, body: Bytes) -> Response {
    match wire::decode_batch(&body) {
        Ok(batch) => {
            next.store(batch.last + 1, Ordering::Relaxed);
            said(batch.last + 1).into_response()
        }
        Err(error) => (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    }
}

fn said(next: u64) -> String {
    format!("{{\"next\":{next}}}")
}
