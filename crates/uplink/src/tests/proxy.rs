//! A line that can die without either end being told.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// Passes bytes on, until it does not.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) address: SocketAddr,
    frozen: Arc<Mutex<CancellationToken>>,
}

impl Line {
    pub(super) async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let line = Self { address: listener.local_addr().unwrap(), frozen: Arc::default() };
        let frozen = Arc::clone(&line.frozen);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let frozen = frozen.lock().unwrap().clone();
                tokio::spawn(pass(near, target, frozen));
            }
        });
        line
    }

    /// From now on nothing gets through on the connections that there are, and none of them is closed; new ones work.
    pub(super) fn freeze(&self) {
        std::mem::take(&mut *self.frozen.lock().unwrap()).cancel();
    }
}

async fn pass(mut near: TcpStream, target: SocketAddr, frozen: CancellationToken) {
    let Ok(mut far) = TcpStream::connect(target).await else { return };
    tokio::select! {
        biased;
        () = frozen.cancelled() => std::future::pending().await,
        // One of the two is gone, and the other is closed with it.
        _ = copy_bidirectional(&mut near, &mut far) => {}
    }
}
