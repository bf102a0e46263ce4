//! Seeded tiles of sealed layers, made while further sources are read: by threads that stand back behind reading and sealing, as no
//! other part of an import waits for them.

use crate::derive::seeds;
use crate::error::Result;
use crate::layer::Layer;
use crate::store::{BlobRef, Draft, LayerEntry};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// How far the threads stand back: the system's steps of niceness.
const BACK: i32 = 15;

/// A sealed layer, by its number.
pub struct Sown {
    pub number: usize,
    pub layer: Arc<Layer>,
    pub entry: LayerEntry,
}

/// The seeded tiles of each layer.
pub type Seeded = BTreeMap<usize, Result<Option<BlobRef>>>;

/// Does `work`, which gives layers away, and has these seeded meanwhile; both outcomes when all is done. No layer is begun once
/// the import is `given_up`.
pub fn beside<T>(draft: &Draft, given_up: &AtomicBool, work: impl FnOnce(Sender<Sown>) -> T) -> (T, Seeded) {
    let ((give, sown), (tell, told)) = (channel(), channel());
    let sown = Mutex::new(sown);
    let outcome = thread::scope(|scope| {
        for _ in 0..rayon::current_num_threads() {
            let (tell, sown) = (tell.clone(), &sown);
            scope.spawn(move || {
                // Where the system does not let it stand back it works like the others.
                let _ = rustix::process::nice(BACK);
                while let Some(Sown { number, layer, entry }) = next(sown) {
                    if !given_up.load(Ordering::Relaxed) {
                        let _ = tell.send((number, seeds::write(draft, &layer, &entry)));
                    }
                }
            });
        }
        work(give)
    });
    drop(tell);
    (outcome, told.into_iter().collect())
}

fn next(sown: &Mutex<Receiver<Sown>>) -> Option<Sown> {
    sown.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}
