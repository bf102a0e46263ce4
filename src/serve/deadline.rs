//! A connection that ends by itself when its peer stalls: nothing said at the beginning, nothing moved for long, or an
//! answer that is not taken. HTTP/1 headers have their own deadline in hyper; this one stands below any protocol.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// What HTTP/2's preface takes; until as much is read it is not known which protocol is spoken.
const PREFACE_BYTES: u64 = 24;

#[derive(Debug, Clone, Copy)]
pub struct Deadlines {
    /// From the accept to the first 24 bytes, or the first byte of an answer.
    pub hello: Duration,
    /// Without a byte in either direction.
    pub idle: Duration,
    /// Without a byte of a waiting answer taken.
    pub write: Duration,
}

pub struct Deadline<S> {
    io: S,
    limits: Deadlines,
    accepted: Instant,
    read: u64,
    greeted: bool,
    moved: Instant,
    idle: Pin<Box<Sleep>>,
    /// Since when an answer waits.
    stalled: Option<Instant>,
    write: Pin<Box<Sleep>>,
}

impl<S> Deadline<S> {
    pub fn new(io: S, limits: Deadlines) -> Deadline<S> {
        let now = Instant::now();
        let idle = Box::pin(sleep_until(now + limits.idle.min(limits.hello)));
        let write = Box::pin(sleep_until(now + limits.write));
        Deadline { io, limits, accepted: now, read: 0, greeted: false, moved: now, idle, stalled: None, write }
    }

    /// Pending until the connection has been idle for too long. The timer is moved only when it rings, so that a busy
    /// connection pays nothing for it.
    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        loop {
            ready!(self.idle.as_mut().poll(cx));
            let quiet = self.moved + self.limits.idle;
            let due = if self.greeted { quiet } else { quiet.min(self.accepted + self.limits.hello) };
            if due <= Instant::now() {
                return Poll::Ready(io::ErrorKind::TimedOut.into());
            }
            self.idle.as_mut().reset(due);
        }
    }

    /// Keeps the books of a write: progress clears the deadline, the first refusal starts it.
    fn written(&mut self, cx: &mut Context<'_>, outcome: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(r) = outcome {
            self.stalled = None;
            self.moved = Instant::now();
            self.greeted |= r.as_ref().is_ok_and(|n| *n > 0);
            return Poll::Ready(r);
        }
        if self.stalled.is_none() {
            let now = Instant::now();
            self.stalled = Some(now);
            self.write.as_mut().reset(now + self.limits.write);
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
                self.read += (buf.filled().len() - before) as u64;
                self.greeted |= self.read >= PREFACE_BYTES;
                self.moved = Instant::now();
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

    const LIMITS: Deadlines =
        Deadlines { hello: Duration::from_secs(10), idle: Duration::from_secs(60), write: Duration::from_secs(30) };

    #[tokio::test(start_paused = true)]
    async fn a_silent_or_dribbling_greeting_is_cut() {
        let (_peer, ours) = duplex(64);
        let begun = Instant::now();
        let e = Deadline::new(ours, LIMITS).read_u8().await.unwrap_err();
        assert_eq!((e.kind(), begun.elapsed().as_secs()), (io::ErrorKind::TimedOut, 10));

        let (mut peer, ours) = duplex(64);
        let dribble = tokio::spawn(async move {
            while peer.write_all(b"P").await.is_ok() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        let begun = Instant::now();
        let mut all = vec![];
        assert!(Deadline::new(ours, LIMITS).read_to_end(&mut all).await.is_err());
        assert!(begun.elapsed().as_secs() <= 10 && all.len() <= 11);
        dribble.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_connection_is_cut_and_a_lively_one_is_not() {
        let (mut peer, ours) = duplex(64);
        let mut ours = Deadline::new(ours, LIMITS);
        peer.write_all(&[b'x'; 24]).await.unwrap();
        ours.read_exact(&mut [0; 24]).await.unwrap();
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
        let (mut peer, ours) = duplex(64);
        let mut ours = Deadline::new(ours, LIMITS);
        let slow = tokio::spawn(async move {
            for _ in 0..10 {
                tokio::time::sleep(Duration::from_secs(20)).await;
                peer.read_exact(&mut [0; 64]).await.unwrap();
            }
            peer
        });
        ours.write_all(&[1; 640]).await.unwrap();
        let _peer = slow.await.unwrap();
        let begun = Instant::now();
        assert_eq!(ours.write_all(&[1; 640]).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(begun.elapsed().as_secs(), 30);
    }
}
