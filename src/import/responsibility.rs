//! After the layers are written and before they are published: what `ownership` has to say about the data that decide who
//! is responsible. Judges only where something of it has changed.

use crate::error::Result;
use crate::layer::Catalog;
use crate::ownership::register::{REGISTER, Register};
use crate::ownership::{Data, Note, Ownership, inputs};
use crate::store::Draft;

/// Findings about the draft's territory, duties, components and register; none where all is as it was.
pub fn audit(catalog: &Catalog, draft: &Draft, delivered: Option<&Register>) -> Result<Vec<Note>> {
    let now = inputs(catalog, &draft.manifest);
    if draft.base().is_some_and(|b| inputs(&b.catalog, &b.manifest) == now) {
        return Ok(vec![]);
    }
    let kept = match (delivered, draft.base()) {
        (None, Some(base)) => base.manifest.extra.get(REGISTER).map(|blob| Register::from_json(&base.blob(blob)?)),
        _ => None,
    };
    let kept = kept.transpose()?;
    let none = Register::default();
    let table = |id: &str| draft.manifest.layers.get(id).map(|l| draft.table(&l.features)).transpose();
    let data = Data { catalog, manifest: &draft.manifest, table: &table };
    Ownership::audit(&data, delivered.or(kept.as_ref()).unwrap_or(&none))
}
