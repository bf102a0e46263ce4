//! What batches of lookups may take together: memory for bodies on their way in, places, and turns at the cores. A batch whose
//! client is slow in taking the answer keeps its body and its place, but no turn; too slow, it is ended.

use super::problem::Problem;
use axum::body::{Body, HttpBody as _};
use bytes::Bytes;
use futures_core::Stream;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::{Instant, timeout};

/// Bodies of the largest size that find room at once.
const BODIES: usize = 8;
const KIB: usize = 1024;
/// Pieces of an answer that may wait for its client.
const PIECES: usize = 4;
/// Bytes a second that a client takes at least, once it has used up its patience.
const PACE: f64 = 64.0 * 1024.0;

pub struct Batches {
    most_bytes: usize,
    /// In KiB.
    memory: Arc<Semaphore>,
    places: Arc<Semaphore>,
    turns: Arc<Turns>,
    patience: Duration,
}

/// A body that was read, and the room that it takes.
pub struct Held {
    pub bytes: Vec<u8>,
    room: OwnedSemaphorePermit,
}

impl Batches {
    /// `workers` are at work at the same time, `queue` may wait for that or for their clients, these for `patience` in all.
    pub fn new(most_bytes: usize, workers: usize, queue: usize, patience: Duration) -> Batches {
        let memory = BODIES.saturating_mul(most_bytes / KIB + 1);
        let places = workers.max(1).saturating_add(queue);
        let semaphore = |permits: usize| Arc::new(Semaphore::new(permits.min(Semaphore::MAX_PERMITS)));
        let turns = Arc::new(Turns { free: Mutex::new(workers.max(1)), freed: Condvar::new() });
        Batches { most_bytes, memory: semaphore(memory), places: semaphore(places), turns, patience }
    }

    /// Reads a body. It takes room as it comes, not as it announces itself: who sends nothing takes none.
    ///
    /// # Errors
    /// 413 of one that is too large or breaks off, 503 where there is no room.
    pub async fn body(&self, body: Body) -> Result<Held, Problem> {
        // Where its length is told it is refused before it is sent.
        if body.size_hint().lower() > self.most_bytes as u64 {
            return Err(too_large(self.most_bytes));
        }
        let mut stream = pin!(body.into_data_stream());
        let mut held = Held { bytes: vec![], room: self.room(0)? };
        while let Some(piece) = poll_fn(|cx| stream.as_mut().poll_next(cx)).await {
            let piece = piece.map_err(|_| too_large(self.most_bytes))?;
            let len = held.bytes.len() + piece.len();
            if len > self.most_bytes {
                return Err(too_large(self.most_bytes));
            }
            held.room.merge(self.room(len.div_ceil(KIB) - held.room.num_permits())?);
            held.bytes.extend_from_slice(&piece);
        }
        Ok(held)
    }

    fn room(&self, kib: usize) -> Result<OwnedSemaphorePermit, Problem> {
        let kib = u32::try_from(kib).map_err(|_| Problem::overloaded())?;
        self.memory.clone().try_acquire_many_owned(kib).map_err(|_| Problem::overloaded())
    }

    /// Starts `work` on a thread of its own; the answer it writes piece by piece, once the first is there. The work is told
    /// where nobody listens any more.
    ///
    /// # Errors
    /// 503 where no place is free, and what the work ends with before its first piece.
    pub async fn answer(
        &self,
        work: impl FnOnce(&mut dyn FnMut(Vec<u8>) -> bool) -> Result<(), Problem> + Send + 'static,
    ) -> Result<Body, Problem> {
        let place = self.places.clone().try_acquire_owned().map_err(|_| Problem::overloaded())?;
        let (made, ready) = mpsc::channel(1);
        let (told, pieces) = mpsc::channel(PIECES);
        let (began, begun) = oneshot::channel();
        let turns = self.turns.clone();
        tokio::task::spawn_blocking(move || {
            let _place = place;
            in_turns(&turns, &made, began, work);
        });
        tokio::spawn(hand_on(ready, told, self.patience));
        // Nothing is told where the work panicked.
        begun.await.unwrap_or_else(|_| Err(Problem::internal()))?;
        Ok(Body::from_stream(Pieces { pieces, whole: false }))
    }
}

fn too_large(most: usize) -> Problem {
    let detail = "the body is too large or broke off; split the batch";
    Problem::new(413, "batch-too-large", detail).with("max_bytes", most)
}

/// How many batches are at work at the same time.
struct Turns {
    free: Mutex<usize>,
    freed: Condvar,
}

struct Turn<'a>(&'a Turns);

impl Turns {
    fn take(&self) -> Turn<'_> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = self.freed.wait_while(free, |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Turn(self)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}

/// Does the work on this thread, in turn with others; while its client takes nothing, others have the turn.
fn in_turns(
    turns: &Turns,
    made: &mpsc::Sender<Piece>,
    began: oneshot::Sender<Result<(), Problem>>,
    work: impl FnOnce(&mut dyn FnMut(Vec<u8>) -> bool) -> Result<(), Problem>,
) {
    let mut turn = Some(turns.take());
    if began.is_closed() {
        return;
    }
    let mut began = Some(began);
    let mut begin = |result| {
        if let Some(began) = began.take() {
            let _ = began.send(result);
        }
    };
    let mut send = |piece| match made.try_send(piece) {
        Ok(()) => true,
        Err(TrySendError::Closed(_)) => false,
        Err(TrySendError::Full(piece)) => {
            turn = None;
            let sent = made.blocking_send(piece).is_ok();
            turn = Some(turns.take());
            sent
        }
    };
    let result = work(&mut |piece| {
        begin(Ok(()));
        send(Piece::Rows(Bytes::from(piece)))
    });
    if result.is_ok() {
        send(Piece::End);
    }
    begin(result);
}

/// A part of an answer, or its proper end.
#[derive(Debug)]
enum Piece {
    Rows(Bytes),
    End,
}

/// Hands on what is made as the client takes it. Its patience wears off while it is waited for, and comes back with what it takes.
async fn hand_on(mut made: mpsc::Receiver<Piece>, told: mpsc::Sender<Piece>, patience: Duration) {
    let mut left = patience;
    while let Some(piece) = made.recv().await {
        let bytes = match &piece {
            Piece::Rows(rows) => rows.len(),
            Piece::End => 0,
        };
        let begun = Instant::now();
        match timeout(left, told.send(piece)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return,
            Err(_) => {
                tracing::debug!("a batch was ended: its client took the answer too slowly");
                return;
            }
        }
        let earned = Duration::from_secs_f64(bytes as f64 / PACE);
        left = (left.saturating_sub(begun.elapsed()) + earned).min(patience);
    }
}

/// What has been answered so far; breaks the transfer off where the work did.
struct Pieces {
    pieces: mpsc::Receiver<Piece>,
    whole: bool,
}

impl Stream for Pieces {
    type Item = Result<Bytes, std::io::Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.whole {
            return Poll::Ready(None);
        }
        self.pieces.poll_recv(cx).map(|piece| match piece {
            Some(Piece::Rows(rows)) => Some(Ok(rows)),
            Some(Piece::End) => {
                self.whole = true;
                None
            }
            None => Some(Err(std::io::Error::other("the batch ended early"))),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::to_bytes;

    /// How many of ten pieces of 64 KiB a client gets that waits so long before each.
    async fn taken(pause: Duration) -> usize {
        let (made, ready) = mpsc::channel(1);
        let (told, mut pieces) = mpsc::channel(1);
        tokio::spawn(hand_on(ready, told, Duration::from_secs(30)));
        tokio::spawn(async move {
            for _ in 0..10 {
                if made.send(Piece::Rows(Bytes::from(vec![0; 64 << 10]))).await.is_err() {
                    return;
                }
            }
        });
        let mut taken = 0;
        loop {
            tokio::time::sleep(pause).await;
            match pieces.recv().await {
                Some(_) => taken += 1,
                None => return taken,
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_client_gets_all_and_one_that_is_too_slow_does_not() {
        assert_eq!(taken(Duration::ZERO).await, 10);
        assert_eq!(taken(Duration::from_secs(1)).await, 10, "as fast as it must");
        assert_eq!(taken(Duration::from_secs(3)).await, 10, "its patience lasts");
        let some = taken(Duration::from_secs(10)).await;
        assert!((2..6).contains(&some), "{some}");
        assert_eq!(taken(Duration::from_secs(40)).await, 1, "one was there before it was waited for");
    }

    #[tokio::test]
    async fn a_panic_is_told_and_frees_place_and_turn() {
        let batches = Batches::new(1 << 20, 1, 0, Duration::from_secs(30));
        for _ in 0..3 {
            let problem = batches.answer(|_| panic!("a bug")).await.unwrap_err();
            assert_eq!(problem.code, "internal-error");
            // What was told is not yet given back.
            drop(batches.places.acquire().await.unwrap());
        }
        let answer = batches.answer(|send| send(b"rows".to_vec()).then_some(()).ok_or_else(Problem::internal));
        let answer = answer.await.unwrap();
        assert_eq!(to_bytes(answer, 100).await.unwrap(), "rows");
    }
}
