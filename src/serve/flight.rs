//! Single flight: whoever asks for what is already being computed waits for that, and gets the same outcome.
//! A flight goes on when its askers have gone away; keeps no result once it has landed (the cache does).

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

type Landing<V> = watch::Receiver<Option<V>>;
/// A flight of one's own, or the landing of the one that is under way.
type Boarding<K, V> = Result<(Pilot<K, V>, Landing<V>), Landing<V>>;

pub struct Flights<K, V> {
    under_way: Mutex<HashMap<K, Landing<V>>>,
}

impl<K, V> Flights<K, V>
where
    K: Copy + Eq + Hash + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    pub fn new() -> Arc<Flights<K, V>> {
        Arc::new(Flights { under_way: Mutex::new(HashMap::new()) })
    }

    /// The outcome of `work`, or of the flight for `key` that is under way. `None` when the work panicked.
    pub async fn join<F>(self: &Arc<Self>, key: K, work: impl FnOnce() -> F) -> Option<V>
    where
        F: Future<Output = V> + Send + 'static,
    {
        let mut landing = match self.board(key) {
            Err(landing) => landing,
            Ok((pilot, landing)) => {
                let work = work();
                tokio::spawn(async move { pilot.land(work.await) });
                landing
            }
        };
        landing.wait_for(Option::is_some).await.ok()?.clone()
    }

    /// The same for work that is done here and now.
    pub async fn join_here(self: &Arc<Self>, key: K, work: impl FnOnce() -> V) -> Option<V> {
        match self.board(key) {
            Err(mut landing) => landing.wait_for(Option::is_some).await.ok()?.clone(),
            Ok((pilot, _)) => {
                let outcome = work();
                pilot.land(outcome.clone());
                Some(outcome)
            }
        }
    }

    fn board(self: &Arc<Self>, key: K) -> Boarding<K, V> {
        let mut under_way = self.lock();
        if let Some(landing) = under_way.get(&key) {
            return Err(landing.clone());
        }
        let (tell, landing) = watch::channel(None);
        under_way.insert(key, landing.clone());
        Ok((Pilot { seat: Seat { flights: self.clone(), key }, tell }, landing))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Landing<V>>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who flies.
struct Pilot<K: Copy + Eq + Hash + Send + 'static, V: Clone + Send + Sync + 'static> {
    seat: Seat<K, V>,
    tell: watch::Sender<Option<V>>,
}

impl<K: Copy + Eq + Hash + Send + 'static, V: Clone + Send + Sync + 'static> Pilot<K, V> {
    /// Off the board before the outcome is told: who asks from now on finds it in the cache.
    fn land(self, outcome: V) {
        drop(self.seat);
        let _ = self.tell.send(Some(outcome));
    }
}

/// Takes the flight off the board, whatever happened to it.
struct Seat<K: Copy + Eq + Hash + Send + 'static, V: Clone + Send + Sync + 'static> {
    flights: Arc<Flights<K, V>>,
    key: K,
}

impl<K: Copy + Eq + Hash + Send + 'static, V: Clone + Send + Sync + 'static> Drop for Seat<K, V> {
    fn drop(&mut self) {
        self.flights.lock().remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::sync::Notify;

    #[tokio::test]
    async fn many_askers_one_flight() {
        let flights = Flights::<u8, usize>::new();
        let (count, go) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let ask = || {
            let (flights, count, go) = (flights.clone(), count.clone(), go.clone());
            tokio::spawn(async move {
                let work = || async move {
                    go.notified().await;
                    count.fetch_add(1, Ordering::SeqCst) + 1
                };
                flights.join(1, work).await
            })
        };
        let mut askers: Vec<_> = (0..50).map(|_| ask()).collect();
        while flights.lock().is_empty() {
            tokio::task::yield_now().await;
        }
        // The first asker goes away; the others still get the one outcome.
        askers.remove(0).abort();
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        go.notify_one();
        for asker in askers {
            assert_eq!(asker.await.unwrap(), Some(1));
        }
        assert!(flights.lock().is_empty());
    }

    #[tokio::test]
    async fn a_panic_ends_its_flight_and_no_other() {
        let flights = Flights::<u8, u8>::new();
        assert_eq!(flights.join(1, || async { panic!("a bug") }).await, None);
        assert_eq!(flights.join(1, || async { 7 }).await, Some(7));
        assert!(flights.lock().is_empty());
    }

    #[tokio::test]
    async fn what_is_done_here_is_told_to_who_waits_there() {
        let flights = Flights::<u8, u8>::new();
        let (pilot, _) = flights.board(1).ok().unwrap();
        let waiting = {
            let flights = flights.clone();
            tokio::spawn(async move { flights.join_here(1, || panic!("somebody else does it")).await })
        };
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        pilot.land(7);
        assert_eq!(waiting.await.unwrap(), Some(7));
        assert_eq!(flights.join_here(1, || 8).await, Some(8));
        assert!(flights.lock().is_empty());
    }
}
