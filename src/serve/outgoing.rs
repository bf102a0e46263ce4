//! What large answers take together while their clients take them: as much memory as is configured, the next is told to come
//! back. Tiles are smaller and not counted.

use super::problem::Problem;
use axum::body::HttpBody as _;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes of an answer that counts.
const LARGE: u64 = 1 << 20;
const KIB: u64 = 1024;

pub struct Outgoing {
    /// In KiB.
    room: Arc<Semaphore>,
    most: u32,
}

/// The room of an answer, held as long as there is something left of it.
#[derive(Clone)]
pub struct Hold {
    _room: Arc<OwnedSemaphorePermit>,
}

impl Outgoing {
    pub fn new(bytes: u64) -> Outgoing {
        let most = u32::try_from(bytes / KIB).unwrap_or(u32::MAX);
        Outgoing { room: Arc::new(Semaphore::new(most as usize)), most }
    }

    /// The answer, with what it holds beside it, or a refusal where there is no room. One that is larger than all the room
    /// takes it whole.
    pub fn admitted(&self, mut answer: Response) -> Response {
        let size = answer.body().size_hint().exact().filter(|size| *size >= LARGE);
        let Some(size) = size else { return answer };
        let kib = u32::try_from(size.div_ceil(KIB)).unwrap_or(u32::MAX).min(self.most);
        match self.room.clone().try_acquire_many_owned(kib) {
            Ok(room) => {
                answer.extensions_mut().insert(Hold { _room: Arc::new(room) });
                answer
            }
            Err(_) => Problem::overloaded().into_response(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    fn answer(bytes: usize) -> Response {
        Response::new(Body::from(vec![0; bytes]))
    }

    #[test]
    fn large_answers_share_a_room_and_small_ones_need_none() {
        let outgoing = Outgoing::new(4 << 20);
        let status = |bytes: usize| outgoing.admitted(answer(bytes)).status().as_u16();
        let held = [outgoing.admitted(answer(3 << 20)), outgoing.admitted(answer(1 << 20))];
        assert!(held.iter().all(|a| a.status() == 200));
        assert_eq!((status(1 << 20), status((1 << 20) - 1), status(0)), (503, 200, 200));
        drop(held);
        assert_eq!(status(1 << 20), 200);
        // More than all the room: alone.
        let huge = outgoing.admitted(answer(9 << 20));
        assert_eq!((huge.status().as_u16(), status(1 << 20)), (200, 503));
        drop(huge);
        assert_eq!(status(4 << 20), 200);
    }
}
