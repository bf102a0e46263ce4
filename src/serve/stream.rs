//! HTTP/2 streams that end by themselves when their client stalls them. Below, a connection has its own deadlines
//! (`deadline`); a client that keeps it alive and gives one stream no window would hold that stream's answer for ever.

use super::deadline::Answering;
use super::outgoing::Hold;
use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// An answer is handed on in pieces of this size, each when the client has begun to give window for it: what is handed on is out
/// of reach. The smaller, the finer is progress seen; each is a frame with a header of 9 bytes.
const PIECE: usize = 4 * 1024;
/// The same of HTTP/1, whose connection watches its progress itself: only so much of a large answer is out of reach.
const PLAIN_PIECE: usize = 256 * 1024;
/// What is shorter may wait for its window unwatched.
const SHORT: usize = 1024;

tokio::task_local! {
    /// Of the stream whose task this is; HTTP/1 has none.
    static TURN: Arc<Turn>;
}

/// Since when an answer waits for its client; nothing while it is being made.
#[derive(Default)]
struct Turn(Mutex<Option<Instant>>);

impl Turn {
    fn set(&self, since: Option<Instant>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = since;
    }

    fn since(&self) -> Option<Instant> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs streams, and drops those that wait for their client for longer than `limit`: that resets them.
#[derive(Clone)]
pub struct Streams {
    pub limit: Duration,
}

impl<F> hyper::rt::Executor<F> for Streams
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    fn execute(&self, stream: F) {
        tokio::spawn(within(self.limit, stream));
    }
}

/// Whether the stream came to its end.
async fn within(limit: Duration, stream: impl Future) -> bool {
    let turn = Arc::new(Turn::default());
    let mut stream = pin!(TURN.scope(turn.clone(), stream));
    let mut bell = pin!(sleep(limit));
    let ended = poll_fn(|cx| {
        if stream.as_mut().poll(cx).is_ready() {
            return Poll::Ready(true);
        }
        let Some(since) = turn.since() else { return Poll::Pending };
        if bell.deadline() != since + limit {
            bell.as_mut().reset(since + limit);
        }
        bell.as_mut().poll(cx).map(|()| false)
    });
    let ended = ended.await;
    if !ended {
        tracing::debug!("a stream was cut: its client took nothing of the answer");
    }
    ended
}

/// An answer's body that tells whose turn it is, and its connection when it has ended.
pub struct Paced {
    inner: Body,
    turn: Option<Arc<Turn>>,
    /// Of the last frame, what has not been handed on.
    rest: Bytes,
    _answering: Answering,
    _hold: Option<Hold>,
}

impl Paced {
    /// Within the task of the stream.
    pub fn new(inner: Body, answering: Answering, hold: Option<Hold>) -> Paced {
        let turn = TURN.try_with(Arc::clone).ok();
        Paced { inner, turn, rest: Bytes::new(), _answering: answering, _hold: hold }
    }

    /// The next piece of what is left. The last byte goes by itself: whoever gets it has given window for all before it.
    fn piece(&mut self) -> Bytes {
        let take = match self.rest.len() {
            n if self.turn.is_none() => n.min(PLAIN_PIECE),
            n if n <= SHORT => n,
            n if n <= PIECE => n - 1,
            _ => PIECE,
        };
        self.rest.split_to(take)
    }

    fn next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.inner).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) if self.turn.is_some() || data.len() > PLAIN_PIECE => self.rest = data,
                    Ok(data) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                    Err(other) => return Poll::Ready(Some(Ok(other))),
                },
                other => return Poll::Ready(other),
            }
        }
        Poll::Ready(Some(Ok(Frame::data(self.piece()))))
    }
}

impl HttpBody for Paced {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let next = self.next(cx);
        if let Some(turn) = &self.turn {
            turn.set(next.is_ready().then(Instant::now));
        }
        next
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (inner, rest) = (self.inner.size_hint(), self.rest.len() as u64);
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower() + rest);
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper + rest);
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::deadline::Talk;

    #[tokio::test]
    async fn a_large_answer_is_handed_on_in_pieces() {
        for size in [0, 1, PLAIN_PIECE, PLAIN_PIECE + 1, 3 * PLAIN_PIECE, (1 << 20) + 7] {
            let all: Vec<u8> = (0..size).map(|i| i as u8).collect();
            let mut paced = Paced::new(Body::from(all.clone()), Arc::<Talk>::default().begins(), None);
            let (mut got, mut left) = (vec![], paced.size_hint().exact());
            while let Some(frame) = poll_fn(|cx| Pin::new(&mut paced).poll_frame(cx)).await {
                let piece = frame.unwrap().into_data().unwrap();
                assert!(piece.len() <= PLAIN_PIECE && !piece.is_empty());
                got.extend_from_slice(&piece);
                left = left.map(|l| l - piece.len() as u64);
                assert_eq!(paced.size_hint().exact(), left);
            }
            assert!(paced.is_end_stream() && got == all, "{size}");
        }
    }
}
