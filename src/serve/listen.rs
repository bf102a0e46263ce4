//! The accept loop: how many connections, how long each may stall, and how they end. HTTP/1 and HTTP/2 on one port.
//! `axum::serve` has none of these limits.

use super::access::Peer;
use super::config::Options;
use super::deadline::Deadlines;
use super::metrics::Metrics;
use super::speakers::{Accepted, Speakers};
use super::stream::Streams;
use crate::error::{Error, Result};
use hyper_util::rt::TokioTimer;
use hyper_util::server::conn::auto::Builder;
use std::future::Future;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;

/// Head of an HTTP/1 request, and the list of an HTTP/2 one.
const MAX_HEAD_BYTES: usize = 16 * 1024;
const BACKLOG: u32 = 1024;
const REFUSAL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nCache-Control: no-store\r\n\
    Content-Length: 0\r\nConnection: close\r\n\r\n";

#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub connections: usize,
    pub deadlines: Deadlines,
    pub drain: Duration,
}

impl Limits {
    pub fn of(o: &Options) -> Limits {
        let s = Duration::from_secs;
        let (header, idle, write) = (s(o.header_s), s(o.idle_s), s(o.write_s));
        let deadlines = Deadlines { hello: header, header, idle, write };
        Limits { connections: o.connections, deadlines, drain: s(o.drain_s) }
    }
}

pub fn bind(address: SocketAddr) -> Result<TcpListener> {
    let open = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    open().map_err(|e| Error::Io { path: format!("listening on {address}").into(), source: e })
}

/// Accepts until `stop`, then lets open requests finish for as long as `drain` says. Connections go to `speakers`.
pub async fn serve(
    listener: TcpListener,
    speakers: Speakers,
    metrics: Arc<Metrics>,
    limits: Limits,
    stop: impl Future<Output = ()>,
) {
    let room = Arc::new(Semaphore::new(limits.connections));
    let mut stop = std::pin::pin!(stop);
    loop {
        let (stream, peer) = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, from)) => (stream, Peer(from.ip())),
                Err(e) => {
                    // Mostly out of file descriptors: give connections time to close.
                    tracing::warn!(error = %e, "cannot accept");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
        };
        let Ok(seat) = room.clone().try_acquire_owned() else {
            metrics.connection_refused();
            refuse(stream);
            continue;
        };
        if let Ok(stream) = stream.into_std() {
            speakers.hand_over(Accepted { stream, peer, held: (seat, metrics.connection_begins()) });
        }
    }
    drop(listener);
    tracing::info!("stopping: open requests finish");
    if !speakers.finish().await {
        tracing::warn!("some requests did not finish in time");
    }
}

pub fn builder(limits: &Limits) -> Builder<Streams> {
    let mut http = Builder::new(Streams { limit: limits.deadlines.write });
    // The deadline of headers is `Deadline`'s.
    http.http1().timer(TokioTimer::new()).header_read_timeout(None).max_buf_size(MAX_HEAD_BYTES);
    http.http2()
        .timer(TokioTimer::new())
        .max_header_list_size(MAX_HEAD_BYTES as u32)
        .max_concurrent_streams(128)
        .max_send_buf_size(256 * 1024);
    http
}

/// One over the limit: told so in one write that cannot wait, and closed.
fn refuse(stream: TcpStream) {
    if let Ok(mut stream) = stream.into_std() {
        let _ = stream.write_all(REFUSAL);
        let _ = stream.shutdown(std::net::Shutdown::Write);
    }
}
