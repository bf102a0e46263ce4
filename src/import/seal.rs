//! A layer that no source can change any more, on its way into the draft: snapped, sorted into its file, with everything
//! that is derived from it alone. Nothing here waits for other layers, so it goes on while further sources are read.

use super::progress::Progress;
use super::seeding::Sown;
use super::snap::{Held, Moved};
use crate::derive::derive_flat;
use crate::error::Result;
use crate::layer::Layer;
use crate::store::{Draft, FilesWriter, IMAGES, LayerEntry, ModelWriter, Schema, TableWriter};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::Sender;

/// All records of a layer's next version, in the order in which they came.
pub struct Unsealed {
    pub layer: Arc<Layer>,
    /// Records by source.
    pub sources: BTreeMap<String, u64>,
    /// Polygons that are to be snapped; the others stand in `writer`.
    pub held: Option<Held>,
    pub writer: Option<TableWriter>,
    pub models: Option<ModelWriter>,
    /// What its models wear.
    pub images: Option<FilesWriter>,
}

/// A layer in the draft's blobs.
pub struct Sealed {
    /// None where no record is left.
    pub entry: Option<LayerEntry>,
    /// What snapping did, by source.
    pub moved: BTreeMap<String, Moved>,
}

impl Unsealed {
    fn seal(mut self, draft: &Draft) -> Result<Sealed> {
        let moved = match self.held.take() {
            Some(held) => held.settle(&mut |feature| self.writer(draft)?.push(feature))?,
            None => BTreeMap::new(),
        };
        let Some(writer) = self.writer else { return Ok(Sealed { entry: None, moved }) };
        let models = self.models.map(ModelWriter::seal).transpose()?;
        let mut entry = derive_flat(draft, &self.layer, writer.seal()?, models, self.sources)?;
        if let Some(images) = self.images {
            entry.extra.insert(IMAGES.to_string(), draft.add_file(&images.seal(b"")?.path)?);
        }
        Ok(Sealed { entry: Some(entry), moved })
    }

    fn writer(&mut self, draft: &Draft) -> Result<&mut TableWriter> {
        let writer = match self.writer.take() {
            Some(writer) => writer,
            None => TableWriter::new(draft.staging(), &self.layer.id, Schema::of(&self.layer))?,
        };
        Ok(self.writer.insert(writer))
    }
}

/// Where layers are sealed: on the cores that reading leaves.
pub struct Sealing<'a, 's> {
    pub scope: &'a rayon::Scope<'s>,
    pub draft: &'s Draft,
    pub progress: &'s Progress,
    /// Takes what came of each, by its number.
    pub done: Sender<(usize, Result<Sealed>)>,
    /// Takes those that are sealed.
    pub sow: Sender<Sown>,
    /// Set once it is known that nothing will be published.
    pub given_up: &'a AtomicBool,
}

impl Sealing<'_, '_> {
    pub fn take(&self, number: usize, unsealed: Unsealed) {
        let (draft, progress, done, sow) = (self.draft, self.progress, self.done.clone(), self.sow.clone());
        self.scope.spawn(move |_| {
            let layer = Arc::clone(&unsealed.layer);
            let sealed = unsealed.seal(draft);
            if let Ok(Sealed { entry: Some(entry), .. }) = &sealed {
                progress.line(&format!("{}: {} records", layer.id, entry.count));
                let _ = sow.send(Sown { number, layer, entry: entry.clone() });
            }
            // Where nobody takes it any more the import has failed.
            let _ = done.send((number, sealed));
        });
    }
}
