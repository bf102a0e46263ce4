//! Finished answers in memory, bounded in bytes, in the codings that were asked for. A key carries the revision of what it was made
//! from, so nothing is ever invalidated: what nobody asks for any more is pushed out. Who asks first does not wait for good
//! packing; what is asked again is packed well by a worker that has nothing else to do.

use super::coding::{self, Coding, Effort};
use super::etag::Digest;
use super::flight::Flights;
use super::metrics::Metrics;
use super::problem::Problem;
use super::workers::{Workers, guarded};
use crate::error::Result;
use crate::geo::TileKey;
use crate::style::Ratio;
use crate::tile::{Made, Revision};
use bytes::Bytes;
use quick_cache::{Weighter, sync::Cache as Memory};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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
    pub effort: Effort,
    /// Of the bytes before coding, or of the gzip that they came in.
    pub digest: Digest,
}

impl Coded {
    /// Bytes as they are.
    pub fn plain(bytes: Bytes, digest: Digest) -> Coded {
        Coded { bytes, coding: Coding::Identity, effort: Effort::Full, digest }
    }
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
    /// Whether an answer is being packed better: one at a time.
    packing: AtomicBool,
    metrics: Arc<Metrics>,
}

/// Where an answer is made that memory does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Worker,
    Here,
}

impl Cache {
    pub fn new(bytes: u64, workers: Workers, metrics: Arc<Metrics>) -> Arc<Cache> {
        // An answer is some 10 KiB; only a hint.
        let items = (bytes / 10_000).max(64) as usize;
        let memory = Memory::with_weighter(items, bytes, ByBytes);
        Arc::new(Cache { memory, flights: Flights::new(), workers, packing: AtomicBool::new(false), metrics })
    }

    /// The answer in `coding` where memory has it.
    pub fn known(self: &Arc<Self>, of: Of, coding: Coding) -> Option<Coded> {
        let key = Key(of, coding);
        let coded = self.memory.get(&key)?;
        if coded.effort == Effort::Quick {
            self.pack_well(key, &coded);
        }
        Some(coded)
    }

    /// The answer in `coding`, packed with this effort if it has to be; `make` gives its uncompressed bytes when it is there
    /// in no coding, on a worker, once however many ask at the same time.
    pub async fn get<M: Into<Made>>(
        self: &Arc<Self>,
        of: Of,
        coding: Coding,
        effort: Effort,
        make: impl FnOnce() -> Result<M> + Send + 'static,
    ) -> Result<(Coded, Outcome), Problem> {
        self.get_at(Place::Worker, of, (coding, effort), make).await
    }

    /// The same for what costs less than to wake a worker: made by the asking thread.
    pub async fn get_here<M: Into<Made>>(
        self: &Arc<Self>,
        of: Of,
        coding: Coding,
        effort: Effort,
        make: impl FnOnce() -> Result<M> + Send + 'static,
    ) -> Result<(Coded, Outcome), Problem> {
        self.get_at(Place::Here, of, (coding, effort), make).await
    }

    async fn get_at<M: Into<Made>>(
        self: &Arc<Self>,
        place: Place,
        of: Of,
        (coding, effort): (Coding, Effort),
        make: impl FnOnce() -> Result<M> + Send + 'static,
    ) -> Result<(Coded, Outcome), Problem> {
        if let Some(coded) = self.known(of, coding) {
            return Ok((coded, Outcome::Warm));
        }
        let mut make = Some(make);
        loop {
            let (own, make) = (self.clone(), &mut make);
            let landed = match place {
                Place::Here => {
                    let work = || guarded(|| own.settle(of, coding, effort, make.take()));
                    self.flights.join_here(of, work).await
                }
                Place::Worker => {
                    let work = || {
                        let make = make.take();
                        async move {
                            let workers = own.workers.clone();
                            workers.run(move || own.settle(of, coding, effort, make)).await
                        }
                    };
                    self.flights.join(of, work).await
                }
            };
            let landed = landed.unwrap_or_else(|| Err(Problem::internal()))?;
            // Else it was somebody's flight for another coding: that is in memory now, and the next starts from it.
            if landed.coding == coding || landed.bytes.is_empty() {
                return Ok((landed, Outcome::Cold));
            }
        }
    }

    /// Makes the answer in one coding and remembers it: from another coding of it where memory has one.
    fn settle<M: Into<Made>>(
        &self,
        of: Of,
        coding: Coding,
        effort: Effort,
        make: Option<impl FnOnce() -> Result<M>>,
    ) -> Result<Coded, Problem> {
        // Another flight may have landed between the look into memory and the boarding of this one.
        if let Some(coded) = self.memory.get(&Key(of, coding)) {
            return Ok(coded);
        }
        let made = match Coding::ALL.into_iter().find_map(|c| self.memory.get(&Key(of, c))) {
            Some(nothing) if nothing.bytes.is_empty() => return Ok(nothing),
            Some(other) => other,
            None => {
                let make = make.ok_or_else(Problem::internal)?;
                self.metrics.made();
                as_made(of, make()?.into())
            }
        };
        let coded = match made.coding == coding || made.bytes.is_empty() {
            true => made,
            false => {
                if coding != Coding::Identity {
                    self.metrics.compressed();
                }
                recoded(made, coding, effort)?
            }
        };
        self.memory.insert(Key(of, coding), coded.clone());
        Ok(coded)
    }

    /// Has an answer packed well that was packed in haste, if a worker is idle; else somebody else asks for it some time.
    fn pack_well(self: &Arc<Self>, key: Key, quick: &Coded) {
        if self.packing.swap(true, Ordering::AcqRel) {
            return;
        }
        let (own, quick) = (self.clone(), quick.clone());
        let given = self.workers.run_when_idle(move || {
            let packed = guarded(|| {
                let bytes = coding::decode(&quick.bytes, quick.coding)?;
                let full = pack(&bytes, quick.coding, Effort::Full, quick.digest)?;
                // Of small answers haste may have made fewer.
                let bytes = if full.bytes.len() < quick.bytes.len() { full.bytes } else { quick.bytes };
                Ok(Coded { bytes, ..full })
            });
            match packed {
                Ok(full) => {
                    own.metrics.packed_better();
                    own.memory.insert(key, full);
                }
                Err(_) => tracing::error!("an answer could not be packed better"),
            }
            own.packing.store(false, Ordering::Release);
        });
        if !given {
            self.packing.store(false, Ordering::Release);
        }
    }

    pub fn bytes(&self) -> u64 {
        self.memory.weight()
    }

    pub fn capacity(&self) -> u64 {
        self.memory.capacity()
    }
}

/// An answer in the coding that it came in.
fn as_made(of: Of, made: Made) -> Coded {
    match (made, of) {
        (Made::Plain(bytes), Of::Document(digest)) => Coded::plain(exact(bytes), digest),
        (Made::Plain(bytes), _) => {
            let digest = Digest::quick(&bytes);
            Coded::plain(exact(bytes), digest)
        }
        (Made::Gzip(bytes), _) => {
            let digest = Digest::quick(&bytes);
            Coded { bytes: exact(bytes), coding: Coding::Gzip, effort: Effort::Quick, digest }
        }
    }
}

/// The same answer in another coding.
fn recoded(coded: Coded, coding: Coding, effort: Effort) -> Result<Coded> {
    if coded.coding == Coding::Identity {
        return pack(&coded.bytes, coding, effort, coded.digest);
    }
    let bytes = coding::decode(&coded.bytes, coded.coding)?;
    match coding {
        Coding::Identity => Ok(Coded::plain(exact(bytes), coded.digest)),
        _ => pack(&bytes, coding, effort, coded.digest),
    }
}

fn pack(bytes: &[u8], coding: Coding, effort: Effort, digest: Digest) -> Result<Coded> {
    Ok(Coded { bytes: exact(coding::encode(bytes, coding, effort)?), coding, effort, digest })
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
    use std::sync::atomic::AtomicUsize;

    fn of(n: u8) -> Of {
        Of::Tile(Revision([n; 16]), TileKey { z: 1, x: 0, y: 0 })
    }

    fn cache(bytes: u64) -> Arc<Cache> {
        Cache::new(bytes, Workers::new("test", 2, 64).unwrap(), Arc::new(Metrics::new()))
    }

    fn never() -> Result<Vec<u8>> {
        panic!("a bug")
    }

    #[tokio::test]
    async fn what_comes_packed_is_sent_so_and_is_one_answer_in_all_codings() {
        let (cache, plain) = (cache(1 << 20), vec![7; 5000]);
        let packed = coding::encode(&plain, Coding::Gzip, Effort::Quick).unwrap();
        for codings in
            [[Coding::Gzip, Coding::Identity, Coding::Brotli], [Coding::Identity, Coding::Zstd, Coding::Gzip]]
        {
            let n = codings[0] as u8;
            for coding in codings {
                let make = packed.clone();
                let (coded, _) = cache.get(of(n), coding, Effort::Quick, || Ok(Made::Gzip(make))).await.unwrap();
                assert_eq!((coded.coding, coded.digest), (coding, Digest::quick(&packed)));
                assert_eq!(coding::decode(&coded.bytes, coding).unwrap(), plain);
            }
        }
        let (coded, outcome) = cache.get(of(Coding::Gzip as u8), Coding::Gzip, Effort::Quick, never).await.unwrap();
        assert_eq!((&coded.bytes[..], outcome), (&packed[..], Outcome::Warm));
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
                    cache.get(of(1), codings[i % 4], Effort::Full, make).await
                })
            })
            .collect();
        for (i, ask) in asks.into_iter().enumerate() {
            let (coded, _) = ask.await.unwrap().unwrap();
            assert_eq!((coded.coding, coded.digest), (codings[i % 4], Digest::quick(&[7; 5000])));
        }
        assert_eq!(made.load(Ordering::SeqCst), 1);
        let (_, outcome) = cache.get(of(1), Coding::Gzip, Effort::Full, never).await.unwrap();
        assert_eq!(outcome, Outcome::Warm);
    }

    #[tokio::test]
    async fn a_failure_is_shared_but_not_kept() {
        let cache = cache(1 << 20);
        let fail = || Err::<Vec<u8>, _>(crate::error::Error::damaged("x", "bits"));
        assert_eq!(cache.get(of(1), Coding::Gzip, Effort::Full, fail).await.unwrap_err().code, "layer-data-damaged");
        assert!(cache.get(of(1), Coding::Gzip, Effort::Full, || Ok(vec![1; 9])).await.is_ok());
        assert_eq!(cache.get(of(2), Coding::Gzip, Effort::Full, never).await.unwrap_err().code, "internal-error");
        assert!(cache.get(of(2), Coding::Gzip, Effort::Full, || Ok(vec![1; 9])).await.is_ok());
    }

    #[tokio::test]
    async fn what_is_asked_again_is_packed_well() {
        let (cache, plain) =
            (cache(1 << 20), (0..20_000u32).flat_map(|i| (i * i % 97).to_le_bytes()).collect::<Vec<u8>>());
        let make = plain.clone();
        let (quick, outcome) = cache.get_here(of(1), Coding::Gzip, Effort::Quick, || Ok(make)).await.unwrap();
        assert_eq!((quick.effort, outcome), (Effort::Quick, Outcome::Cold));
        let mut asked = 0;
        let full = loop {
            let coded = cache.known(of(1), Coding::Gzip).unwrap();
            if coded.effort == Effort::Full {
                break coded;
            }
            asked += 1;
            assert!(asked < 1000, "nobody packs it");
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        };
        assert!(full.bytes.len() < quick.bytes.len() && full.digest == quick.digest);
        assert_eq!(coding::decode(&full.bytes, Coding::Gzip).unwrap(), plain);
    }

    #[tokio::test]
    async fn what_panics_here_is_a_problem_and_the_next_is_made() {
        let cache = cache(1 << 20);
        let fails = cache.get_here(of(1), Coding::Gzip, Effort::Quick, never).await;
        assert_eq!(fails.unwrap_err().code, "internal-error");
        assert!(cache.get_here(of(1), Coding::Gzip, Effort::Quick, || Ok(vec![1; 9])).await.is_ok());
    }

    #[tokio::test]
    async fn memory_stays_bounded() {
        let cache = cache(200_000);
        for n in 0..200 {
            cache.get(of(n), Coding::Identity, Effort::Full, || Ok(vec![0; 5000])).await.unwrap();
            assert!(cache.bytes() <= 200_000, "{}", cache.bytes());
        }
    }

    #[tokio::test]
    async fn an_empty_answer_has_no_coding() {
        let (coded, _) = cache(1 << 20).get(of(1), Coding::Brotli, Effort::Full, || Ok(vec![])).await.unwrap();
        assert_eq!((coded.bytes.len(), coded.coding), (0, Coding::Identity));
    }
}
