//! A small store with a blob of each kind that is written in its own way, and the proof that it is whole.

use crate::error::{Error, Result};
use crate::feature::{Feature, FeatureId, Geometry, Lod, Model, Role, Shell, SourceTag, Surface, Tier};
use crate::geo::BBox;
use crate::geo::lattice::{Patch, TileAt};
use crate::layer::Catalog;
use crate::store::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Points of the snapshot that there is before.
pub const OLD: u64 = 10;
/// Points of the snapshot that is published under torture.
pub const NEW: u64 = 300;
/// Points of the one after it, which must succeed.
pub const NEXT: u64 = 40;

const WORLD: BBox = BBox { min_x: -180.0, min_y: -90.0, max_x: 180.0, max_y: 90.0 };
const GROUND_TILE: [f64; 2] = [114.3, 34.8];

fn features(count: u64) -> impl Iterator<Item = Feature> {
    (1..=count).map(move |id| Feature {
        id: FeatureId(id),
        source: SourceTag(1),
        geometry: Geometry::point(114.0 + id as f64 / 1e4, 34.0 + count as f64 / 1e3),
        values: vec![],
    })
}

/// A box of this height.
fn model(height: f64) -> Model {
    let corner =
        |i: u32| [f64::from(i & 1) / 1e4 + 114.0, f64::from(i >> 1 & 1) / 1e4 + 34.0, f64::from(i >> 2) * height];
    let corners = vec![2, 3, 1, 0, 4, 5, 7, 6, 0, 1, 5, 4, 1, 3, 7, 5, 3, 2, 6, 7, 2, 0, 4, 6];
    let lod = Lod {
        tier: Tier { level: 1, refined: None },
        ring_ends: (1..=6).map(|i| i * 4).collect(),
        surfaces: (1..=6).map(|ring_end| Surface { ring_end, role: Role::Wall }).collect(),
        shells: vec![Shell { surface_end: 6, closed: true }],
        corners,
    };
    Model { positions: (0..8).map(corner).collect(), lods: vec![lod], skin: None }
}

fn text(count: u64, number: u64) -> String {
    format!("file {number} of {count} ").repeat(80)
}

fn height(count: u64) -> f64 {
    count as f64 / 8.0
}

/// Publishes one layer with this many points: in sorted runs, with models, files and ground.
pub fn publish(store: &Store, count: u64) -> Result<String> {
    let mut draft = store.draft()?;
    let staging = draft.staging().to_path_buf();
    let mut table = TableWriter::with_run_bytes(&staging, "layer", Schema::default(), 12 << 10)?;
    let mut models = ModelWriter::with_run_bytes(&staging, "layer", 4 << 10);
    for f in features(count) {
        table.push(&f)?;
        if f.id.0 % 8 == 0 {
            models.push(f.id, f.geometry.bbox(), &model(height(f.id.0)))?;
        }
    }
    let sealed = table.seal()?;
    let entry = LayerEntry {
        declaration: String::new(),
        count,
        bounds: sealed.bounds,
        features: draft.add_file(&sealed.path)?,
        overviews: BTreeMap::new(),
        census: draft.add_bytes(b"the same in all")?,
        ids: draft.add_bytes(&sealed.ids_blob())?,
        sources: BTreeMap::new(),
        extra: BTreeMap::from([(MODELS.to_string(), draft.add_file(&models.seal()?.path)?)]),
    };
    draft.manifest.layers.insert("layer".to_string(), entry);
    let (files, ground) = (draft.add_file(&files(&staging, count)?)?, draft.add_file(&ground(&staging, count)?)?);
    draft.manifest.extra.insert(tileset_key("layer", "made-elsewhere"), files);
    draft.manifest.extra.insert(GROUND.to_string(), ground);
    draft.manifest.catalog = draft.add_bytes(&Catalog::new(vec![]).to_json())?;
    draft.publish()
}

fn files(staging: &Path, count: u64) -> Result<PathBuf> {
    let mut files = FilesWriter::with_run_bytes(staging, "files", 100)?;
    for number in 0..4 {
        let (name, text) = (format!("{number}.b3dm"), text(count, number));
        files.add(&name, FileKind::of(0), &mut text.as_bytes()).map_err(|e| match e {
            NotAdded::Unread(e) => Error::io("a file", e),
            NotAdded::Failed(e) => e,
        })?;
    }
    Ok(files.seal(b"{}")?.path)
}

fn ground(staging: &Path, count: u64) -> Result<PathBuf> {
    let mut ground = GroundWriter::new(staging)?;
    let mut patch = Patch::default();
    (0..64).for_each(|k| patch.set(k % 8, k / 8, Some(height(count))));
    ground.push(TileAt::of(12, GROUND_TILE), &patch, 0.0)?;
    ground.seal()
}

/// How many points the current snapshot has, all of which and all beside them is read and compared; else what is wrong.
pub fn count_in(store: &Store) -> Result<u64, String> {
    let said = |e: Error| e.to_string();
    let id = store.current().map_err(said)?.ok_or("nothing is published")?;
    let snapshot = store.snapshot(&id, &Arc::new(BlockCache::new(1 << 20))).map_err(said)?;
    let count = snapshot.manifest.layers.get("layer").ok_or("the layer is gone")?.count;
    let equal = |right: bool, what: &str| if right { Ok(()) } else { Err(format!("{what} of {count} differ")) };

    let mut found = vec![];
    let table = snapshot.features("layer").map_err(said)?.ok_or("no features")?;
    let mut each = |row: &Row<'_>| {
        found.push(row.to_feature());
        Ok(())
    };
    table.query(&WORLD, &mut each).map_err(said)?;
    found.sort_by_key(|f| f.id);
    equal(found.iter().cloned().eq(features(count)), "features")?;
    let last = snapshot.offset_of("layer", FeatureId(count)).map_err(said)?.ok_or("no offset")?;
    equal(Some(&table.get(last).map_err(said)?) == found.last(), "features by id")?;
    let models = snapshot.models("layer").map_err(said)?.ok_or("no models")?;
    for id in (8..=count).step_by(8) {
        let found = models.get(FeatureId(id)).map_err(said)?;
        equal(found.is_some_and(|m| (m.positions[7][2] - height(id)).abs() < 1e-3), "models")?;
    }
    let (_, files) = snapshot.tilesets("layer").map_err(said)?.pop().ok_or("no files")?;
    for number in 0..4 {
        let entry = files.find(&format!("{number}.b3dm")).map_err(said)?.ok_or("no such file")?;
        equal(files.read(&entry, 0, entry.size as usize).map_err(said)? == text(count, number).as_bytes(), "files")?;
    }
    let ground = snapshot.ground().map_err(said)?.ok_or("no ground")?;
    let patch = ground.patch(TileAt::of(12, GROUND_TILE)).map_err(said)?.ok_or("no ground there")?;
    equal(patch.at(3, 3) == Some(height(count)), "heights")?;
    Ok(count)
}

/// The current snapshot is one of these, whole, and nothing of the store is damaged.
pub fn whole(store: &Store, may: &[u64]) -> Result<u64, String> {
    let count = count_in(store)?;
    if !may.contains(&count) {
        return Err(format!("{count} points are published, not one of {may:?}"));
    }
    match store.verify().map_err(|e| e.to_string())?.as_slice() {
        [] => Ok(count),
        findings => Err(format!("{findings:?}")),
    }
}

/// The next import works, and leaves nothing of those before it.
pub fn next_works(store: &Store) -> Result<(), String> {
    let said = |e: Error| e.to_string();
    publish(store, NEXT).map_err(said)?;
    whole(store, &[NEXT])?;
    store.gc(1).map_err(said)?;
    whole(store, &[NEXT])?;
    let names = |folder: &str| store.names_in(folder).map_err(said);
    let asides = names("")?.into_iter().chain(names("snapshots")?).filter(|n| n.starts_with('.'));
    let orphans = store.orphans().map_err(said)?.into_iter().map(|p| p.display().to_string());
    let left: BTreeSet<String> = names("staging")?.into_iter().chain(asides).chain(orphans).collect();
    if left.is_empty() { Ok(()) } else { Err(format!("these are left: {left:?}")) }
}

/// A store with the old snapshot, to be copied.
pub fn old() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    let store = Store::open(dir.path(), true).expect("a store");
    publish(&store, OLD).expect("publishes");
    dir
}

pub fn copy_of(old: &Path) -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().expect("a folder");
    let store = Store::open(dir.path(), true).expect("a store");
    for folder in ["", "blobs", "snapshots"] {
        for entry in std::fs::read_dir(old.join(folder)).expect("lists").flatten().filter(|e| e.path().is_file()) {
            std::fs::copy(entry.path(), dir.path().join(folder).join(entry.file_name())).expect("copies");
        }
    }
    (dir, store)
}
