//! Asks a collector on this machine whether it is well.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Longest answer that is read.
const ANSWER_MAX: u64 = 1 << 20;

/// Status and body of `GET path`; `None` if there is no answer.
pub(crate) async fn get(address: SocketAddr, path: &str) -> Option<(u16, String)> {
    timeout(PATIENCE, exchange(address, path)).await.ok()?.ok()?
}

async fn exchange(address: SocketAddr, path: &str) -> std::io::Result<Option<(u16, String)>> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(ANSWER_MAX).read_to_end(&mut answer).await?;
    Ok(parse(&String::from_utf8_lossy(&answer)))
}

fn parse(answer: &str) -> Option<(u16, String)> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, body.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_cut_into_status_and_body() {
        assert_eq!(parse("HTTP/1.1 503 x\r\nA: b\r\n\r\nnot yet"), Some((503, "not yet".to_owned())));
        assert_eq!(parse("SSH-2.0"), None);
    }
}
