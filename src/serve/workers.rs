//! A bounded pool for work that takes a core: so many at once, so many waiting, the rest is refused at once, so that
//! cached answers stay fast and memory stays bounded.

use super::problem::Problem;
use std::sync::Arc;
use tokio::sync::Semaphore;

#[derive(Clone)]
pub struct Workers {
    /// At work or waiting.
    admitted: Arc<Semaphore>,
    /// At work.
    slots: Arc<Semaphore>,
}

impl Workers {
    pub fn new(workers: usize, queue: usize) -> Workers {
        let admitted = Arc::new(Semaphore::new((workers + queue).min(Semaphore::MAX_PERMITS)));
        Workers { admitted, slots: Arc::new(Semaphore::new(workers.min(Semaphore::MAX_PERMITS))) }
    }

    /// Runs `work` on a thread that may block. `overloaded` when the queue is full; a panic is an internal problem.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let admitted = self.admitted.clone().try_acquire_owned().map_err(|_| Problem::overloaded())?;
        let slot = self.slots.clone().acquire_owned().await.map_err(|_| Problem::overloaded())?;
        let task = tokio::task::spawn_blocking(move || {
            // Held by the work, not by who waits for it: a client that leaves frees no core.
            let _held = (admitted, slot);
            work()
        });
        task.await.unwrap_or_else(|e| {
            tracing::error!(error = %e, "a worker panicked");
            Err(Problem::internal())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[tokio::test]
    async fn a_full_queue_refuses_at_once_and_recovers() {
        let workers = Workers::new(1, 1);
        let (release, wait) = mpsc::channel::<()>();
        let busy = {
            let w = workers.clone();
            tokio::spawn(async move { w.run(move || wait.recv().map_err(|_| Problem::internal())).await })
        };
        while workers.slots.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let waiting = {
            let w = workers.clone();
            tokio::spawn(async move { w.run(|| Ok(2)).await })
        };
        while workers.admitted.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(workers.run(|| Ok(3)).await.unwrap_err().code, "overloaded");
        release.send(()).unwrap();
        assert!(busy.await.unwrap().is_ok());
        assert_eq!(waiting.await.unwrap().unwrap(), 2);
        assert_eq!(workers.run(|| Ok(4)).await.unwrap(), 4);
    }

    #[tokio::test]
    async fn a_panic_is_a_problem_and_frees_its_slot() {
        let workers = Workers::new(1, 0);
        for _ in 0..3 {
            assert_eq!(workers.run::<()>(|| panic!("a bug")).await.unwrap_err().status, 500);
        }
        assert_eq!(workers.run(|| Ok(1)).await.unwrap(), 1);
    }
}
