//! Finished answers in memory, bounded in bytes, in the codings that were asked for. A key carries the revision of what it was made
//! from, so nothing is ever invalidated: what nobody asks for any more is pushed out.

use super::coding::{self, Coding};
use super::etag::Digest;
use super::flight::Flights;
use super::metrics::Metrics;
use super::problem::Problem;
use super::workers::Workers;
use crate::error::Result;
use crate::geo::TileKey;
use crate::style::Ratio;
use crate::tile::Revision;
use bytes::Bytes;
use quick_cache::{Weighter, sync::Cache as Memory};
use std::sync::Arc;

/// What an answer is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Of {
    Tile(Revision, TileKey),
    /// A node of a tree of 3D tiles.
    Content(Revision, usize),
    Document(Digest),
    /// A sheet of pictures: of the style at this place, index or image.
    Sprite(usize, Ratio, Part),
    /// Letters: the fonts by their names, the first code point.
    Glyphs(Digest, u32),
}

/// The two files of a sheet of pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    Index,
    Image,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key(Of, Coding);

/// An answer in one coding.
#[derive(Debug, Clone)]
pub struct Coded {
    pub bytes: Bytes,
    pub coding: Coding,
    /// Of the bytes before coding.
    pub digest: Digest,
}

/// Where an answer came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Warm,
    Cold,
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<Key, Coded> for ByBytes {
    fn weight(&self, _: &Key, coded: &Coded) -> u64 {
        // Key, handles and the cache's own slot: about 200 B.
        coded.bytes.len() as u64 + 200
    }
}

pub struct Cache {
    memory: Memory<Key, Coded, ByBytes>,
    flights: Arc<Flights<Of, Result<Coded, Problem>>>,
    workers: Workers,
    metrics: Arc<Metrics>,
}

impl Cache {
    pub fn new(bytes: u64, workers: Workers, metrics: Arc<Metrics>) -> Arc<Cache> {
        // An answer is some 10 KiB; only a hint.
        let items = (bytes / 10_000).max(64) as usize;
        let memory = Memory::with_weighter(items, bytes, ByBytes);
        Arc::new(Cache { memory, flights: Flights::new(), workers, metrics })
    }

    /// The answer in `coding`; `make` gives its uncompressed bytes when it is there in no coding, on a worker, once
    /// however many ask at the same time.
    pub async fn get(
        self: &Arc<Self>,
        of: Of,
        coding: Coding,
        make: impl FnOnce() -> Result<Vec<u8>> + Send + 'static,
    ) -> Result<(Coded, Outcome), Problem> {
        if let Some(coded) = self.memory.get(&Key(of, coding)) {
            return Ok((coded, Outcome::Warm));
        }
        let mut make = Some(make);
        loop {
            let flight = self.flights.join(of, || {
                let (own, make) = (self.clone(), make.take());
                async move { own.settle(of, coding, make).await }
            });
            let landed = flight.await.unwrap_or_else(|| Err(Problem::internal()))?;
            // Else it was somebody's flight for another coding: that is in memory now, and the next starts from it.
            if landed.coding == coding || landed.bytes.is_empty() {
                return Ok((landed, Outcome::Cold));
            }
        }
    }

    /// Makes the answer in one coding and remembers it: from another coding of it where memory has one.
    async fn settle(
        self: Arc<Self>,
        of: Of,
        coding: Coding,
        make: Option<impl FnOnce() -> Result<Vec<u8>> + Send + 'static>,
    ) -> Result<Coded, Problem> {
        // Another flight may have landed between the look into memory and the boarding of this one.
        if let Some(coded) = self.memory.get(&Key(of, coding)) {
            return Ok(coded);
        }
        let other = Coding::ALL.into_iter().find_map(|c| self.memory.get(&Key(of, c)));
        if let Some(nothing) = other.as_ref().filter(|c| c.bytes.is_empty()) {
            return Ok(nothing.clone());
        }
        let make = make.ok_or_else(Problem::internal)?;
        let metrics = self.metrics.clone();
        let work = move || {
            let (bytes, digest) = match other {
                Some(other) => (coding::decode(&other.bytes, other.coding)?, other.digest),
                None => {
                    metrics.made();
                    let bytes = make()?;
                    let digest = Digest::of(&bytes);
                    (bytes, digest)
                }
            };
            if coding == Coding::Identity || bytes.is_empty() {
                return Ok(Coded { bytes: exact(bytes), coding: Coding::Identity, digest });
            }
            metrics.compressed();
            Ok(Coded { bytes: exact(coding::encode(&bytes, coding)?), coding, digest })
        };
        let coded = self.workers.run(work).await?;
        self.memory.insert(Key(of, coding), coded.clone());
        Ok(coded)
    }

    pub fn bytes(&self) -> u64 {
        self.memory.weight()
    }

    pub fn capacity(&self) -> u64 {
        self.memory.capacity()
    }
}

/// Bytes that take as much memory as they count: what was written piece by piece has room to spare.
fn exact(bytes: Vec<u8>) -> Bytes {
    match bytes.capacity() > bytes.len() + bytes.len() / 16 {
        true => Bytes::copy_from_slice(&bytes),
        false => Bytes::from(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn of(n: u8) -> Of {
        Of::Tile(Revision([n; 16]), TileKey { z: 1, x: 0, y: 0 })
    }

    fn cache(bytes: u64) -> Arc<Cache> {
        Cache::new(bytes, Workers::new("test", 2, 64).unwrap(), Arc::new(Metrics::new()))
    }

    #[tokio::test]
    async fn all_codings_of_a_tile_come_from_one_making() {
        let (cache, made) = (cache(1 << 20), Arc::new(AtomicUsize::new(0)));
        let codings = [Coding::Gzip, Coding::Brotli, Coding::Zstd, Coding::Identity];
        let asks: Vec<_> = (0..40)
            .map(|i| {
                let (cache, made) = (cache.clone(), made.clone());
                tokio::spawn(async move {
                    let make = move || {
                        made.fetch_add(1, Ordering::SeqCst);
                        std::thread::sleep(std::time::Duration::from_millis(20));
                        Ok(vec![7; 5000])
                    };
                    cache.get(of(1), codings[i % 4], make).await
                })
            })
            .collect();
        for (i, ask) in asks.into_iter().enumerate() {
            let (coded, _) = ask.await.unwrap().unwrap();
            assert_eq!((coded.coding, coded.digest), (codings[i % 4], Digest::of(&[7; 5000])));
        }
        assert_eq!(made.load(Ordering::SeqCst), 1);
        let (_, outcome) = cache.get(of(1), Coding::Gzip, || panic!("it is there")).await.unwrap();
        assert_eq!(outcome, Outcome::Warm);
    }

    #[tokio::test]
    async fn a_failure_is_shared_but_not_kept() {
        let cache = cache(1 << 20);
        let fail = || Err(crate::error::Error::damaged("x", "bits"));
        assert_eq!(cache.get(of(1), Coding::Gzip, fail).await.unwrap_err().code, "layer-data-damaged");
        assert!(cache.get(of(1), Coding::Gzip, || Ok(vec![1; 9])).await.is_ok());
        assert_eq!(cache.get(of(2), Coding::Gzip, || panic!("a bug")).await.unwrap_err().code, "internal-error");
        assert!(cache.get(of(2), Coding::Gzip, || Ok(vec![1; 9])).await.is_ok());
    }

    #[tokio::test]
    async fn memory_stays_bounded() {
        let cache = cache(200_000);
        for n in 0..200 {
            cache.get(of(n), Coding::Identity, || Ok(vec![0; 5000])).await.unwrap();
            assert!(cache.bytes() <= 200_000, "{}", cache.bytes());
        }
    }

    #[tokio::test]
    async fn an_empty_answer_has_no_coding() {
        let (coded, _) = cache(1 << 20).get(of(1), Coding::Brotli, || Ok(vec![])).await.unwrap();
        assert_eq!((coded.bytes.len(), coded.coding), (0, Coding::Identity));
    }
}
