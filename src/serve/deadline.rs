//! A connection that ends by itself when its peer stalls: nothing said at the beginning, a header that does not end, nothing
//! moved for long, or an answer that is not taken. hyper's own deadline of headers runs between requests too, and would close
//! connections that are merely idle; here the two are told apart.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// What HTTP/2's preface takes; until as much is read it is not known which protocol is spoken.
const PREFACE_BYTES: u64 = 24;
/// What HTTP/2's preface begins with, and no method of HTTP/1.
const PREFACE: &[u8] = b"PRI";

/// Bytes a second that a client takes of its answer at least, once it has used up the time it may let one wait.
const PACE: f64 = 16.0 * 1024.0;

/// What is known of the requests on a connection: how many there were, and how many are being answered.
#[derive(Default)]
pub struct Talk {
    heads: AtomicU64,
    open: AtomicUsize,
}

impl Talk {
    /// A header has come to its end.
    pub fn begins(self: &Arc<Self>) -> Answering {
        self.heads.fetch_add(1, Ordering::Relaxed);
        self.open.fetch_add(1, Ordering::Relaxed);
        Answering(Arc::clone(self))
    }
}

/// Held until an answer's body has ended.
pub struct Answering(Arc<Talk>);

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

#[derive(Debug, Clone, Copy)]
pub struct Deadlines {
    /// From the accept to the first 24 bytes, or the first byte of an answer.
    pub hello: Duration,
    /// From the first byte of an HTTP/1 request's header to its last.
    pub header: Duration,
    /// Without a byte in either direction.
    pub idle: Duration,
    /// That answers wait for the client to take them; what it takes gives time back.
    pub write: Duration,
}

pub struct Deadline<S> {
    io: S,
    limits: Deadlines,
    accepted: Instant,
    read: u64,
    /// As far as it has been read, it is HTTP/2's preface.
    preface: bool,
    /// When an HTTP/1 header began, and how many had ended by then.
    head: Option<(Instant, u64)>,
    talk: Arc<Talk>,
    greeted: bool,
    moved: Instant,
    idle: Pin<Box<Sleep>>,
    /// Since when an answer waits.
    stalled: Option<Instant>,
    /// What is left of the time that answers may wait.
    patience: Duration,
    write: Pin<Box<Sleep>>,
}

impl<S> Deadline<S> {
    pub fn new(io: S, limits: Deadlines, talk: Arc<Talk>) -> Deadline<S> {
        let now = Instant::now();
        let idle = Box::pin(sleep_until(now + limits.idle.min(limits.hello)));
        let write = Box::pin(sleep_until(now + limits.write));
        Deadline {
            io,
            limits,
            accepted: now,
            read: 0,
            preface: true,
            head: None,
            talk,
            greeted: false,
            moved: now,
            idle,
            stalled: None,
            patience: limits.write,
            write,
        }
    }

    /// Keeps the books of a read.
    fn heard(&mut self, bytes: &[u8]) {
        self.moved = Instant::now();
        let rest = PREFACE.get(self.read as usize..).unwrap_or_default();
        self.preface &= bytes.iter().zip(rest).all(|(a, b)| a == b);
        self.read += bytes.len() as u64;
        self.greeted |= self.read >= PREFACE_BYTES;
        let heads = self.talk.heads.load(Ordering::Relaxed);
        let between = self.talk.open.load(Ordering::Relaxed) == 0 && self.head.is_none_or(|(_, at)| at != heads);
        if !self.preface && between && !bytes.is_empty() {
            self.head = Some((self.moved, heads));
            self.patience = self.limits.write;
        }
    }

    /// When the peer will have been waited for too long.
    fn due(&self) -> Instant {
        let mut due = self.moved + self.limits.idle;
        if !self.greeted {
            due = due.min(self.accepted + self.limits.hello);
        }
        match self.head {
            Some((since, heads)) if heads == self.talk.heads.load(Ordering::Relaxed) => {
                due.min(since + self.limits.header)
            }
            _ => due,
        }
    }

    /// Pending until the connection has been idle for too long. The timer is moved only when it rings, which is at least
    /// once in the time of a header, so that a busy connection pays nothing for it.
    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        loop {
            ready!(self.idle.as_mut().poll(cx));
            let (due, now) = (self.due(), Instant::now());
            if due <= now {
                return Poll::Ready(io::ErrorKind::TimedOut.into());
            }
            self.idle.as_mut().reset(due.min(now + self.limits.header));
        }
    }

    /// Keeps the books of a write: waiting takes from the client's patience, what it takes gives some back.
    fn written(&mut self, cx: &mut Context<'_>, outcome: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(r) = outcome {
            self.moved = Instant::now();
            if let Some(since) = self.stalled.take() {
                self.patience = self.patience.saturating_sub(self.moved - since);
            }
            let bytes = r.as_ref().map_or(0, |n| *n);
            self.patience = (self.patience + Duration::from_secs_f64(bytes as f64 / PACE)).min(self.limits.write);
            self.greeted |= r.as_ref().is_ok_and(|n| *n > 0);
            return Poll::Ready(r);
        }
        if self.stalled.is_none() {
            let now = Instant::now();
            self.stalled = Some(now);
            self.write.as_mut().reset(now + self.patience);
        }
        match self.write.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Deadline<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        match Pin::new(&mut self.io).poll_read(cx, buf) {
            Poll::Ready(r) => {
                self.heard(&buf.filled()[before..]);
                Poll::Ready(r)
            }
            Poll::Pending => self.poll_idle(cx).map(Err),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Deadline<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.io).poll_write(cx, buf);
        self.written(cx, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.io).poll_write_vectored(cx, bufs);
        self.written(cx, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    const LIMITS: Deadlines = Deadlines {
        hello: Duration::from_secs(10),
        header: Duration::from_secs(10),
        idle: Duration::from_secs(60),
        write: Duration::from_secs(30),
    };

    fn deadline<S>(io: S) -> Deadline<S> {
        Deadline::new(io, LIMITS, Arc::default())
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_or_dribbling_greeting_is_cut() {
        let (_peer, ours) = duplex(64);
        let begun = Instant::now();
        let e = deadline(ours).read_u8().await.unwrap_err();
        assert_eq!((e.kind(), begun.elapsed().as_secs()), (io::ErrorKind::TimedOut, 10));

        let (mut peer, ours) = duplex(64);
        let dribble = tokio::spawn(async move {
            while peer.write_all(b"P").await.is_ok() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        let begun = Instant::now();
        let mut all = vec![];
        assert!(deadline(ours).read_to_end(&mut all).await.is_err());
        assert!(begun.elapsed().as_secs() <= 10 && all.len() <= 11);
        dribble.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_connection_is_cut_and_a_lively_one_is_not() {
        let (mut peer, ours) = duplex(64);
        let mut ours = deadline(ours);
        peer.write_all(&[b'x'; 24]).await.unwrap();
        ours.read_exact(&mut [0; 24]).await.unwrap();
        let _open = ours.talk.begins();
        for _ in 0..5 {
            tokio::time::sleep(Duration::from_secs(50)).await;
            peer.write_all(b"y").await.unwrap();
            ours.read_u8().await.unwrap();
        }
        let begun = Instant::now();
        assert_eq!(ours.read_u8().await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(begun.elapsed().as_secs(), 60);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_not_taken_is_cut_and_a_slow_one_is_not() {
        // How long 40 pieces of 16 KiB take, or it takes to be cut, where the client takes so many bytes each time after so long.
        let taken = async |bytes: usize, pause: u64| {
            let (mut peer, ours) = duplex(bytes);
            let mut ours = deadline(ours);
            tokio::spawn(async move {
                let mut piece = vec![0; bytes];
                loop {
                    tokio::time::sleep(Duration::from_secs(pause)).await;
                    if peer.read_exact(&mut piece).await.is_err() {
                        return;
                    }
                }
            });
            let begun = Instant::now();
            let all = ours.write_all(&vec![1; 40 << 14]).await;
            (all.is_ok(), begun.elapsed().as_secs())
        };
        assert_eq!(taken(1 << 14, 1).await, (true, 39), "as fast as it must");
        assert_eq!(taken(1 << 17, 7).await, (true, 28), "seldom, but much");
        assert_eq!(taken(64, 1000).await, (false, 30));
        let (whole, seconds) = taken(64, 1).await;
        assert!(!whole && (30..=31).contains(&seconds), "a few bytes now and then: {seconds}");
        assert!(!taken(1 << 14, 3).await.0, "too slowly in the long run");
    }

    #[tokio::test(start_paused = true)]
    async fn a_header_has_its_own_deadline_between_requests_and_http_2_has_none() {
        for (first, cut_after) in [("GET / HTTP/1.1 and so on", Some(10)), ("PRI * HTTP/2.0 and so on", None)] {
            let (mut peer, ours) = duplex(64);
            let mut ours = deadline(ours);
            peer.write_all(first.as_bytes()).await.unwrap();
            ours.read_exact(&mut [0; 24]).await.unwrap();
            drop(ours.talk.begins());
            // Idle for longer than a header may take.
            assert!(tokio::time::timeout(Duration::from_secs(40), ours.read_u8()).await.is_err(), "{first}");
            let dribble = tokio::spawn(async move {
                for _ in 0..30 {
                    if peer.write_all(b"G").await.is_err() {
                        return;
                    }
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            });
            let begun = Instant::now();
            let mut heard = 0;
            let cut = loop {
                match ours.read_u8().await {
                    Ok(_) => heard += 1,
                    Err(e) => break (e.kind() == io::ErrorKind::TimedOut).then(|| begun.elapsed().as_secs()),
                }
            };
            assert_eq!((cut, heard == 30), (cut_after, cut_after.is_none()), "{first}");
            drop(ours);
            dribble.await.unwrap();
        }
    }
}
