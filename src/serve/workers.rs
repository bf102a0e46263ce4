//! A bounded pool for work that takes a core: so many threads, so many waiting, the rest is refused at once, so that
//! cached answers stay fast and memory stays bounded. Threads of its own and few of them: what one tile took of the
//! allocator the next one finds warm.

use super::problem::Problem;
use crate::error::{Error, Result};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Semaphore, oneshot};

type Job = Box<dyn FnOnce() + Send>;

/// Its threads end when the last clone is dropped.
#[derive(Clone)]
pub struct Workers {
    /// At work or waiting.
    admitted: Arc<Semaphore>,
    /// How many those may be.
    places: usize,
    jobs: Sender<Job>,
}

impl Workers {
    /// # Errors
    /// Where the system gives no thread.
    pub fn new(name: &str, workers: usize, queue: usize) -> Result<Workers> {
        let workers = workers.max(1);
        let (jobs, waiting) = channel();
        let waiting = Arc::new(Mutex::new(waiting));
        for number in 0..workers {
            let (thread, waiting) = (std::thread::Builder::new().name(format!("{name}-{number}")), waiting.clone());
            thread.spawn(move || work_off(&waiting)).map_err(|e| Error::io("thread", e))?;
        }
        let places = workers.saturating_add(queue).min(Semaphore::MAX_PERMITS);
        Ok(Workers { admitted: Arc::new(Semaphore::new(places)), places, jobs })
    }

    /// Runs `work` on a thread that may block. `overloaded` when the queue is full; a panic is an internal problem.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let admitted = self.admitted.clone().try_acquire_owned().map_err(|_| Problem::overloaded())?;
        let (tell, told) = oneshot::channel();
        let job = move || {
            let outcome = guarded(work);
            // Held by the work, not by who waits for it: a client that leaves frees no core.
            drop(admitted);
            let _ = tell.send(outcome);
        };
        self.jobs.send(Box::new(job)).map_err(|_| Problem::internal())?;
        told.await.unwrap_or_else(|_| Err(Problem::internal()))
    }

    /// Has `work` done where nothing else is at work or waiting; whether it is. For what nobody waits for.
    pub fn run_when_idle(&self, work: impl FnOnce() + Send + 'static) -> bool {
        if self.admitted.available_permits() < self.places {
            return false;
        }
        let Ok(admitted) = self.admitted.clone().try_acquire_owned() else { return false };
        let job = move || {
            let _ = guarded(|| {
                work();
                Ok(())
            });
            drop(admitted);
        };
        self.jobs.send(Box::new(job)).is_ok()
    }
}

/// Does the work on this thread; a panic is an internal problem.
pub fn guarded<T>(work: impl FnOnce() -> Result<T, Problem>) -> Result<T, Problem> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        tracing::error!("a worker panicked");
        Err(Problem::internal())
    })
}

/// One thread: a job after another, until no more can come.
fn work_off(waiting: &Mutex<Receiver<Job>>) {
    loop {
        let job = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match job {
            Ok(job) => job(),
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[tokio::test]
    async fn a_full_queue_refuses_at_once_and_recovers() {
        let workers = Workers::new("test", 1, 1).unwrap();
        let (release, wait) = mpsc::channel::<()>();
        let admit = |left: usize| {
            let admitted = workers.admitted.clone();
            async move {
                while admitted.available_permits() > left {
                    tokio::task::yield_now().await;
                }
            }
        };
        let busy = {
            let w = workers.clone();
            tokio::spawn(async move { w.run(move || wait.recv().map_err(|_| Problem::internal())).await })
        };
        admit(1).await;
        let waiting = {
            let w = workers.clone();
            tokio::spawn(async move { w.run(|| Ok(2)).await })
        };
        admit(0).await;
        assert_eq!(workers.run(|| Ok(3)).await.unwrap_err().code, "overloaded");
        release.send(()).unwrap();
        assert!(busy.await.unwrap().is_ok());
        assert_eq!(waiting.await.unwrap().unwrap(), 2);
        assert_eq!(workers.run(|| Ok(4)).await.unwrap(), 4);
    }

    #[tokio::test]
    async fn what_nobody_waits_for_is_done_by_idle_workers_alone() {
        let workers = Workers::new("test", 2, 8).unwrap();
        let (done, seen) = mpsc::channel();
        let (release, wait) = mpsc::channel::<()>();
        assert!(workers.run_when_idle(move || {
            let _ = wait.recv();
            done.send(1).unwrap();
        }));
        assert!(!workers.run_when_idle(|| panic!("one is at work")));
        release.send(()).unwrap();
        assert_eq!(seen.recv_timeout(std::time::Duration::from_secs(10)), Ok(1));
    }

    #[tokio::test]
    async fn a_panic_is_a_problem_and_frees_its_place() {
        let workers = Workers::new("test", 1, 0).unwrap();
        for _ in 0..3 {
            assert_eq!(workers.run::<()>(|| panic!("a bug")).await.unwrap_err().status, 500);
        }
        assert_eq!(workers.run(|| Ok(1)).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn work_goes_on_without_who_asked() {
        let workers = Workers::new("test", 2, 8).unwrap();
        let (done, seen) = mpsc::channel();
        let (started, begun) = oneshot::channel();
        let w = workers.clone();
        let asker = tokio::spawn(async move {
            w.run(move || {
                let _ = started.send(());
                std::thread::sleep(std::time::Duration::from_millis(20));
                done.send(7).map_err(|_| Problem::internal())
            })
            .await
        });
        begun.await.unwrap();
        asker.abort();
        assert_eq!(seen.recv_timeout(std::time::Duration::from_secs(10)), Ok(7));
    }
}
