//! One import from manifests to a published snapshot, or to an unchanged store and a report that says why. Reading
//! happens in child processes (`child`); here their frames are mapped, counted and written.

mod write;

use super::check::check_all;
use super::ground::is_terrain;
use super::group::Readers;
use super::identity::{Identities, Name, SourceIx, content};
use super::load::{self, Loaded, Source};
use super::manifest::KeyScope;
use super::map::{Draft as Mapping, Mapped, Mapper};
use super::merge::{self, LayerWork};
use super::pool::ImagePool;
use super::progress::Progress;
use super::report::{Report, SourceReport};
use super::seal::{Sealed, Sealing};
use super::seeding;
use super::verdict::{failure, judge};
use super::vertical::Lift;
use super::wire::{Frame, Record, Who};
use super::{Frames, ImportOptions};
use crate::error::{Error, Result};
use crate::feature::{Feature, SourceTag};
use crate::layer::{Catalog, LayerIx};
use crate::ownership::register::Register;
use crate::store::{Draft, GroundWriter, SEEDS, Store};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Instant;

pub fn import(catalog: &Catalog, options: &ImportOptions) -> Result<String> {
    let loaded = ready(catalog, &options.manifests)?;
    let store = Store::open(&options.store, true)?;
    let draft = store.draft()?;
    let progress = Progress::new();
    if let Some(lack) = super::confine::lacking() {
        progress.line(&format!("this system's kernel has {lack}; limits of memory and time hold"));
    }
    let mut report = Report { base: draft.base().map(|s| s.id.clone()), ..Report::default() };
    let outcome = Transaction::run(catalog, &loaded, draft, &progress, &mut report);
    report.sum_up();
    report.published = outcome.as_ref().ok().cloned();
    print!("{}", report.to_table());
    if let Some(path) = &options.report {
        std::fs::write(path, report.to_json()).map_err(|e| Error::io(path, e))?;
    }
    let id = outcome?;
    store.gc(options.keep)?;
    Ok(id)
}

/// All sources, checked; findings before missing inputs, so that one run shows every mistake.
fn ready(catalog: &Catalog, manifests: &[PathBuf]) -> Result<Loaded> {
    if let Some(gone) = manifests.iter().find(|m| !m.exists()) {
        return Err(Error::Missing(gone.clone()));
    }
    let mut loaded = load::load(manifests);
    let checked = check_all(catalog, &loaded);
    let mut findings = std::mem::take(&mut loaded.findings);
    findings.extend(checked.findings);
    if findings.is_empty() {
        return match checked.missing.into_iter().next() {
            Some((path, _)) => Err(Error::Missing(path)),
            None => Ok(loaded),
        };
    }
    findings.extend(checked.missing.into_iter().map(|(_, finding)| finding));
    findings.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    Err(Error::Config(findings))
}

/// Sources that are opened (unpacked, counted) while one is mapped: of small ones, opening is what takes the time.
const AHEAD: usize = 3;

struct Transaction<'a> {
    sources: &'a [Source],
    /// Of each source.
    tags: Vec<SourceTag>,
    /// Delivered and sound.
    register: Option<Register>,
    staging: PathBuf,
    progress: &'a Progress,
    ids: Identities,
    works: Vec<LayerWork>,
    images: ImagePool,
    /// Position in `works` of each layer.
    at: HashMap<LayerIx, usize>,
    /// Heights of the ground, by source.
    sheets: BTreeMap<String, GroundWriter>,
    readers: Readers,
}

impl<'a> Transaction<'a> {
    fn run(
        catalog: &Catalog,
        loaded: &'a Loaded,
        mut draft: Draft,
        progress: &'a Progress,
        report: &mut Report,
    ) -> Result<String> {
        let sources = loaded.sources.as_slice();
        let register = loaded.register.as_ref().and_then(|source| {
            let (register, account) = super::register::read(source);
            report.register = Some(account);
            register
        });
        let mut ids = Identities::new(sources.iter().map(|s| s.id.clone()).collect());
        let works = merge::plan(catalog, sources, &draft, &mut ids)?;
        let at = works.iter().enumerate().map(|(i, w)| (w.ix, i)).collect();
        let staging = draft.staging().to_path_buf();
        let tags = sources.iter().map(|s| SourceTag::of(&s.id)).collect();
        let (images, sheets, readers) = (ImagePool::default(), BTreeMap::new(), Readers::default());
        let mut transaction =
            Transaction { sources, tags, register, staging, progress, ids, works, images, at, sheets, readers };
        let (done, sealed) = mpsc::channel();
        let given_up = AtomicBool::new(false);
        let (read, seeded) = seeding::beside(&draft, &given_up, |sow| {
            rayon::in_place_scope(|scope| {
                let sealing = Sealing { scope, draft: &draft, progress, done, sow, given_up: &given_up };
                let read = transaction.read_all(catalog, report, &sealing);
                read.inspect_err(|_| given_up.store(true, Ordering::Relaxed))
            })
        });
        read?;
        super::datums::agree(&super::provenance::height_datums(&draft)?, sources, report);
        let tilesets;
        (tilesets, report.tilesets) = super::tileset::read_all(&loaded.tilesets, draft.staging(), progress)?;
        if let Some(error) = failure(sources, report) {
            return Err(error);
        }
        // Of several errors that of the first layer is told.
        let sealed: BTreeMap<usize, Result<Sealed>> = sealed.into_iter().collect();
        let mut sealed: BTreeMap<usize, Sealed> =
            sealed.into_iter().map(|(at, layer)| Ok((at, layer?))).collect::<Result<_>>()?;
        for (at, seeds) in seeded {
            if let (Some(Sealed { entry: Some(entry), .. }), Some(blob)) = (sealed.get_mut(&at), seeds?) {
                entry.extra.insert(SEEDS.to_string(), blob);
            }
        }
        super::tileset::register(catalog, &loaded.tilesets, tilesets, &mut draft)?;
        transaction.write(catalog, &mut draft, sealed, report)?;
        progress.line("publishing");
        draft.publish()
    }

    /// Reads every source, even after one has failed: people see all problems at once.
    fn read_all(&mut self, catalog: &Catalog, report: &mut Report, sealing: &Sealing<'_, '_>) -> Result<()> {
        let sources = self.sources;
        let mut upcoming = 0..sources.len();
        let mut opened: VecDeque<Result<Frames>> = VecDeque::new();
        for (i, source) in sources.iter().enumerate() {
            let room = AHEAD + 1 - opened.len();
            opened.extend(upcoming.by_ref().take(room).map(|i| self.open(i)));
            let Some(frames) = opened.pop_front() else { break };
            let start = Instant::now();
            let mut read = SourceReport {
                id: source.id.clone(),
                manifest: source.file.path.display().to_string(),
                path: source.path.display().to_string(),
                ..SourceReport::default()
            };
            let outcome = frames.and_then(|frames| self.read_one(catalog, i, frames, &mut read));
            read.seconds = Some(start.elapsed().as_secs_f64());
            report.sources.push(read);
            outcome?;
            for work in &mut self.works {
                work.pending.remove(&i);
            }
            self.close_layers(report, sealing)?;
            let _ = std::fs::remove_dir_all(scratch(&self.staging, i));
        }
        // Those that no source feeds.
        self.close_layers(report, sealing)
    }

    /// Hands over the layers that no source can change any more, unless it is known that nothing will be published.
    fn close_layers(&mut self, report: &Report, sealing: &Sealing<'_, '_>) -> Result<()> {
        let sound = report.register.as_ref().is_none_or(|r| r.failed.is_none());
        if !sound || report.sources.iter().any(|s| s.failed.is_some()) {
            sealing.given_up.store(true, Ordering::Relaxed);
            return Ok(());
        }
        for (at, work) in self.works.iter_mut().enumerate().filter(|(_, w)| w.pending.is_empty() && !w.closed) {
            if let Some(unsealed) = work.close(&self.staging, &self.ids)? {
                sealing.take(at, unsealed);
            }
        }
        Ok(())
    }

    fn open(&mut self, i: usize) -> Result<Frames> {
        let staging = &self.staging;
        let jobs = self.sources.iter().enumerate().skip(i).map(|(i, source)| source.job(&scratch(staging, i)));
        self.readers.open(i, jobs)
    }

    fn read_one(&mut self, catalog: &Catalog, i: usize, frames: Frames, read: &mut SourceReport) -> Result<()> {
        let source = &self.sources[i];
        let mut reading: Option<(Mapper, super::progress::Step)> = None;
        let (mut lift, mut has_heights) = (Lift::default(), false);
        let mut done = None;
        // By target and field: stored records without a value.
        let mut empty: Vec<Vec<u64>> = vec![];
        self.ids.begin_source();
        for frame in frames {
            match (frame?, &mut reading) {
                (Frame::Opened(opened), None) => {
                    read.opened(&opened);
                    match Mapper::new(catalog, source, &opened) {
                        Ok(mapper) => {
                            match Lift::of(source, &opened.vertical) {
                                Ok(found) => lift = found,
                                Err(what) => {
                                    read.fail(Who::Operator, "no-geoid", what);
                                    return Ok(());
                                }
                            }
                            read.mapped(&mapper);
                            let total = opened.declared.or(source.decl.rows);
                            empty.resize_with(mapper.targets.len(), Vec::new);
                            reading = Some((mapper, self.progress.start(&source.id, total)));
                        }
                        // A GeoJSON without features has no columns to miss.
                        Err(_) if opened.columns.is_empty() && opened.declared == Some(0) => {}
                        // Dropping the frames ends the child.
                        Err(missing) => {
                            read.fail(Who::Operator, "missing-column", missing.join("\n"));
                            return Ok(());
                        }
                    }
                }
                (Frame::Records(records), Some((mapper, step))) => {
                    step.advance(records.len() as u64);
                    for record in records {
                        has_heights |= self.store_record(i, mapper, record, &lift, read, &mut empty)?;
                    }
                }
                (Frame::Heights(tiles), Some((mapper, _))) if mapper.targets.iter().all(|t| is_terrain(&t.layer)) => {
                    let sheet = match self.sheets.remove(&source.id) {
                        Some(sheet) => sheet,
                        None => GroundWriter::new(&self.staging)?,
                    };
                    let sheet = self.sheets.entry(source.id.clone()).or_insert(sheet);
                    for (at, patch) in tiles {
                        let patch = if lift.is_nothing() { patch } else { lift.patch(at, &patch) };
                        sheet.push(at, &patch, 0.0)?;
                    }
                    has_heights = true;
                }
                (Frame::Image(image), _) => self.images.add(&self.staging, image)?,
                (Frame::Done(d), _) => done = Some(d),
                (Frame::Failed(f), _) => read.failed = Some(f.into()),
                _ => read.fail(Who::Machine, "protocol", "the reading process spoke out of turn"),
            }
        }
        read.findings.extend(done.iter().flat_map(|d| d.findings.iter().cloned()));
        if has_heights {
            read.findings.extend(lift.told());
            read.height_datum = lift.over().to_string();
        }
        read.reject_limit = source.max_rejects().of(read.read);
        judge(source, done.as_ref(), read);
        let summary = match &read.failed {
            Some(f) => format!("FAILED {}: {}", f.code, f.what),
            None => format!("{} read, {} stored, {} rejected", read.read, read.stored, read.rejects()),
        };
        if let Some((mapper, _)) = &reading {
            read.count_empty(mapper, &empty);
        }
        match reading {
            Some((_, step)) => step.finish(&summary),
            None => self.progress.line(&format!("{}: {summary}", source.id)),
        }
        Ok(())
    }

    /// One record: stored, filtered or rejected, and counted as exactly one of them. Whether it has heights that count in
    /// 3D.
    fn store_record(
        &mut self,
        i: usize,
        mapper: &Mapper,
        mut record: Record,
        lift: &Lift,
        read: &mut SourceReport,
        empty: &mut [Vec<u64>],
    ) -> Result<bool> {
        let row = record.row;
        read.read += 1;
        let mut repairs = std::mem::take(&mut record.repairs);
        let faults = std::mem::take(&mut record.faults);
        let mut draft = match mapper.map(record, &mut |code| repairs.push(code.to_string())) {
            Mapped::Feature(draft) => draft,
            Mapped::Filtered(why) => {
                *read.filtered.entry(why.to_string()).or_default() += 1;
                return Ok(false);
            }
            Mapped::Rejected(reject) => {
                read.reject(row, reject);
                return Ok(false);
            }
        };
        let target = &mapper.targets[draft.target];
        let has_heights = match lift.draft(&mut draft, &target.layer) {
            Ok(has_heights) => has_heights,
            Err(reject) => {
                read.reject(row, reject);
                return Ok(false);
            }
        };
        let id = match self.claim(i, mapper, &draft, row) {
            Ok(id) => id,
            Err(reject) => {
                read.reject(row, reject);
                return Ok(false);
            }
        };
        let source = &self.sources[i];
        let feature = Feature { id, source: self.tags[i], geometry: draft.geometry, values: draft.values };
        let Some(&at) = self.at.get(&target.ix) else {
            return Err(Error::damaged(target.layer.id.clone(), "the layer was not planned for"));
        };
        let counts = &mut empty[draft.target];
        counts.resize(feature.values.len(), 0);
        for (count, value) in counts.iter_mut().zip(&feature.values) {
            *count += u64::from(value.is_null());
        }
        self.works[at].push(&self.staging, source, row, feature, draft.model.as_ref())?;
        if let Some(skin) = draft.model.as_ref().and_then(|m| m.skin.as_ref()) {
            self.works[at].wear(&self.staging, skin.images(), &self.images)?;
        }
        repairs.sort_unstable();
        repairs.dedup();
        for code in repairs {
            *read.repaired.entry(code).or_default() += 1;
        }
        faults.into_iter().for_each(|fault| read.fault(row, fault));
        read.stored += 1;
        match read.layers.get_mut(&target.layer.id) {
            Some(count) => *count += 1,
            None => drop(read.layers.insert(target.layer.id.clone(), 1)),
        }
        Ok(has_heights)
    }

    fn claim(
        &mut self,
        i: usize,
        mapper: &Mapper,
        draft: &Mapping,
        row: u64,
    ) -> Result<crate::feature::FeatureId, super::wire::Reject> {
        let source = &self.sources[i];
        let target = &mapper.targets[draft.target];
        let name = match (draft.key.is_empty(), source.key_scope()) {
            (true, _) => Name::Content(&source.id, content(&target.layer, &draft.geometry, &draft.values)),
            (_, KeyScope::Layer) => Name::Key(&draft.key),
            (_, KeyScope::Source) => Name::SourceKey(&source.id, &draft.key),
        };
        self.ids.claim(target.ix, SourceIx(i as u16), row, &name, || mapper.shown_key(draft))
    }
}

/// Where a source's process may write.
fn scratch(staging: &Path, source: usize) -> PathBuf {
    staging.join(format!("read-{source}"))
}

impl SourceReport {
    /// Only of fields that the source has a column for.
    fn count_empty(&mut self, mapper: &Mapper, empty: &[Vec<u64>]) {
        for (target, counts) in mapper.targets.iter().zip(empty) {
            for (field, count) in target.layer.fields.iter().zip(counts).filter(|(_, count)| **count > 0) {
                if mapper.mapped.contains_key(&field.name) {
                    *self.empty.entry(field.name.clone()).or_default() += count;
                }
            }
        }
    }

    fn mapped(&mut self, mapper: &Mapper) {
        self.findings.extend(mapper.notes.iter().cloned());
        self.columns.clone_from(&mapper.mapped);
        self.unused_columns.clone_from(&mapper.unused);
    }
}
