//! TLS with client certificates, and HTTP 1.1 or 2 over it.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::certificate::Identity;
use crate::config;

/// Longest time for a TLS handshake, and for the head of a request.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Connections at once. Each agent holds one or two; with 16 KiB of buffers each they stay under 64 MiB.
const CONNECTIONS_MAX: usize = 2048;
/// How long open requests may take after a stop is asked for.
const STOP_GRACE: Duration = Duration::from_secs(5);

/// Why the door cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// A PEM file that holds something else.
    #[error("{what} `{}`: {problem}", path.display())]
    Pem {
        /// What the file is for.
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// What was found and expected.
        problem: String,
    },
    /// Certificate and key do not make a TLS server.
    #[error("certificate `{}` and key `{}` make no TLS server: {problem}", cert.display(), key.display())]
    Tls {
        /// The certificate.
        cert: PathBuf,
        /// The key.
        key: PathBuf,
        /// What rustls says.
        problem: String,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {listen} for agents")]
    Listen {
        /// The address.
        listen: SocketAddr,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

/// An open door.
#[derive(Debug)]
pub struct Door {
    listener: TcpListener,
    tls: Arc<ServerConfig>,
}

impl Door {
    /// Reads the certificates and listens.
    ///
    /// # Errors
    /// If a file is not what it should be, or the address is taken.
    pub async fn open(config: &config::Ingest) -> Result<Self, DoorError> {
        let tls = Arc::new(server_config(config)?);
        let listen = config.listen;
        let listener =
            TcpListener::bind(listen).await.map_err(|source| DoorError::Listen { listen, source })?;
        Ok(Self { listener, tls })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// If the system does not say.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop`, then lets open requests end.
    pub async fn serve(self, router: Router, stop: CancellationToken) {
        let acceptor = TlsAcceptor::from(self.tls);
        let tracker = TaskTracker::new();
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        loop {
            let accepted = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                accepted = self.listener.accept() => accepted,
            };
            let Ok((stream, peer)) = accepted else {
                // Out of file handles, or the peer gave up: give the system a moment instead of spinning.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                tracing::warn!(%peer, "too many connections, one was turned away");
                continue;
            };
            let (acceptor, router, stop) = (acceptor.clone(), router.clone(), stop.clone());
            tracker.spawn(async move {
                serve_one(acceptor, stream, peer, router, stop).await;
                drop(place);
            });
        }
        tracker.close();
        if tokio::time::timeout(STOP_GRACE, tracker.wait()).await.is_err() {
            tracing::warn!(connections = tracker.len(), "connections were still open at the end");
        }
    }
}

async fn serve_one(
    acceptor: TlsAcceptor,
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    stop: CancellationToken,
) {
    let tls = match tokio::time::timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await {
        Ok(Ok(tls)) => tls,
        Ok(Err(error)) => return tracing::debug!(%peer, %error, "no TLS"),
        Err(_) => return tracing::debug!(%peer, "no TLS in time"),
    };
    let shown = tls.get_ref().1.peer_certificates().and_then(<[_]>::first);
    let identity = match shown.map(|certificate| Identity::from_der(certificate)) {
        Some(Ok(identity)) => identity,
        Some(Err(error)) => return tracing::warn!(%peer, %error, "a client certificate names no agent"),
        None => return,
    };
    let service = TowerToHyperService::new(router.layer(Extension(Arc::new(identity))));
    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http1().timer(TokioTimer::new()).header_read_timeout(HANDSHAKE_TIMEOUT);
    server.http2().timer(TokioTimer::new()).keep_alive_interval(Some(Duration::from_secs(30)));
    let connection = server.serve_connection(TokioIo::new(tls), service);
    let mut connection = std::pin::pin!(connection);
    let served = tokio::select! {
        biased;
        served = connection.as_mut() => served,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%peer, error, "connection ended");
    }
}

fn server_config(config: &config::Ingest) -> Result<ServerConfig, DoorError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates("authority", &config.ca)? {
        roots.add(certificate).map_err(|error| pem("authority", &config.ca, &error))?;
    }
    let verifier = WebPkiClientVerifier::builder(Arc::new(roots))
        .build()
        .map_err(|error| pem("authority", &config.ca, &error))?;
    let chain = certificates("certificate", &config.cert)?;
    let key = PrivateKeyDer::from_pem_file(&config.key).map_err(|error| pem("key", &config.key, &error))?;
    let mut tls = ServerConfig::builder()
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)
        .map_err(|error| DoorError::Tls {
            cert: config.cert.clone(),
            key: config.key.clone(),
            problem: error.to_string(),
        })?;
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(tls)
}

fn certificates(what: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, DoorError> {
    let found: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error: rustls_pki_types::pem::Error| pem(what, path, &error))?;
    if found.is_empty() {
        return Err(pem(what, path, &"found no certificate, expected one in PEM"));
    }
    Ok(found)
}

fn pem(what: &'static str, path: &Path, problem: &dyn std::fmt::Display) -> DoorError {
    DoorError::Pem { what, path: path.to_owned(), problem: problem.to_string() }
}
