//! The last stretch every record takes, batch by batch: tidy, make valid, reproject, turn, count, hand over.

use super::{Outcome, Stop, valid};
use crate::error::Result;
use crate::feature::{Geometry, Model};
use crate::geo::lattice::{Patch, TileAt};
use crate::geo::{BBox, GeometryKind};
use crate::import::city::{self, Attributes};
use crate::import::repair::{self, Repairs, reject};
use crate::import::reproject::Reproject;
use crate::import::wire::{Done, Frame, Image, Opened, Raw, Record, Reject, Who};
use rayon::prelude::*;

/// A frame holds up to this many records or vertices, whichever is reached first.
const BATCH_RECORDS: usize = 512;
const BATCH_VERTICES: usize = 100_000;

/// A record with a 3D model in source coordinates; its geometry is the model's outline.
pub struct ModelDraft {
    row: u64,
    /// The object's id, where it is known: whatever is told of the record names it.
    object: Option<String>,
    model: Result<Model, Reject>,
    faults: Vec<Reject>,
    values: Vec<Raw>,
}

impl ModelDraft {
    /// `values` are those of `city::columns`.
    pub fn new(
        row: u64,
        object: Option<&str>,
        model: Result<Model, Reject>,
        faults: Vec<Reject>,
        values: Vec<Raw>,
    ) -> ModelDraft {
        ModelDraft { row, object: object.map(|id| id.chars().take(80).collect()), model, faults, values }
    }

    fn into_draft(self) -> Draft {
        let (model, geometry) = match self.model {
            // The outline is taken once the model is in degrees.
            Ok(model) => (Some(model), Err(reject("no-footprint", ""))),
            Err(why) => (None, Err(why)),
        };
        let (object, faults) = (self.object, self.faults);
        Draft { row: self.row, geometry, model, object, faults, repairs: Repairs::default(), values: self.values }
    }
}

/// A record in source coordinates.
pub struct Draft {
    pub row: u64,
    pub geometry: Result<Geometry, Reject>,
    pub repairs: Repairs,
    pub values: Vec<Raw>,
    model: Option<Model>,
    object: Option<String>,
    faults: Vec<Reject>,
}

impl Draft {
    /// A record without a model.
    pub fn flat(row: u64, geometry: Result<Geometry, Reject>, repairs: Repairs, values: Vec<Raw>) -> Draft {
        Draft { row, geometry, repairs, values, model: None, object: None, faults: vec![] }
    }

    /// A vertex of it, as written.
    fn first(&self) -> Option<[f64; 2]> {
        let of_model = || self.model.as_ref().and_then(|m| m.positions.first()).map(|p| [p[0], p[1]]);
        self.geometry.as_ref().ok().and_then(|g| g.xy.first().copied()).or_else(of_model)
    }
}

pub struct Pipe<'a> {
    reproject: &'a Reproject,
    out: &'a mut dyn FnMut(Frame) -> Result<()>,
    batch: Vec<Draft>,
    vertices: usize,
    done: Done,
    strays: u64,
    named: &'a str,
    zone_checked: bool,
}

impl<'a> Pipe<'a> {
    /// Sends `opened` and takes records from then on.
    pub fn open(
        opened: Opened,
        reproject: &'a Reproject,
        named: &'a str,
        out: &'a mut dyn FnMut(Frame) -> Result<()>,
    ) -> Outcome<Pipe<'a>> {
        let mut opened = opened;
        opened.crs = reproject.crs.clone();
        opened.operation = reproject.operation.clone();
        opened.vertical = reproject.vertical.clone();
        opened.findings.extend(reproject.findings.iter().cloned());
        out(Frame::Opened(opened)).map_err(Stop::Sink)?;
        let done = Done::default();
        Ok(Pipe { reproject, out, batch: vec![], vertices: 0, done, strays: 0, named, zone_checked: false })
    }

    pub fn push(&mut self, draft: Draft) -> Outcome<()> {
        self.vertices += draft.geometry.as_ref().map_or(0, |g| g.xy.len());
        self.vertices += draft.model.as_ref().map_or(0, |m| m.positions.len());
        self.batch.push(draft);
        match self.batch.len() >= BATCH_RECORDS || self.vertices >= BATCH_VERTICES {
            true => self.flush(),
            false => Ok(()),
        }
    }

    pub fn push_model(&mut self, draft: ModelDraft) -> Outcome<()> {
        self.push(draft.into_draft())
    }

    /// Hands over tiles of heights, in metres over whatever the source measures from.
    pub fn heights(&mut self, tiles: Vec<(TileAt, Patch)>) -> Outcome<()> {
        match tiles.is_empty() {
            true => Ok(()),
            false => (self.out)(Frame::Heights(tiles)).map_err(Stop::Sink),
        }
    }

    /// Hands an image over, before the models that wear it.
    pub fn image(&mut self, image: Image) -> Outcome<()> {
        (self.out)(Frame::Image(image)).map_err(Stop::Sink)
    }

    /// What people should know of the whole source.
    pub fn finding(&mut self, what: String) {
        self.done.findings.push(what);
    }

    fn flush(&mut self) -> Outcome<()> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let mut batch = std::mem::take(&mut self.batch);
        self.vertices = 0;
        self.check_zone(&batch)?;
        for d in batch.iter_mut().filter(|d| d.model.is_none()) {
            let taken = std::mem::replace(&mut d.geometry, Err(reject("empty-geometry", "")));
            d.geometry = taken.and_then(|g| prepare(g, &mut d.repairs));
        }
        self.to_degrees(&mut batch);
        // The costly part of models, on all cores. Other records wait for no other thread.
        let mut modelled: Vec<&mut Draft> = batch.iter_mut().filter(|d| d.model.is_some()).collect();
        if !modelled.is_empty() {
            modelled.par_iter_mut().for_each(|d| {
                if let Some(model) = &d.model {
                    (d.geometry, d.faults) = city::judge(model, std::mem::take(&mut d.faults));
                }
            });
        }
        let records: Vec<Record> = batch.into_iter().map(|d| self.finish(d)).collect();
        self.done.read += records.len() as u64;
        (self.out)(Frame::Records(records)).map_err(Stop::Sink)
    }

    /// The first batch tells a wrong zone, degrees taken for metres, or northing first.
    fn check_zone(&mut self, batch: &[Draft]) -> Outcome<()> {
        if self.zone_checked {
            return Ok(());
        }
        let with_shape: Vec<[f64; 2]> = batch.iter().filter_map(Draft::first).collect();
        if with_shape.is_empty() {
            return Ok(());
        }
        self.zone_checked = true;
        let complaints: Vec<String> = with_shape.iter().filter_map(|p| self.reproject.wrong_zone(*p)).collect();
        match complaints.len() * 2 > with_shape.len() {
            true => super::fail(Who::Operator, "wrong-crs", format!("{}: {}", self.named, complaints[0])),
            false => Ok(()),
        }
    }

    /// All vertices of the batch in one call.
    fn to_degrees(&self, batch: &mut [Draft]) {
        let mut all: Vec<[f64; 2]> =
            batch.iter().flat_map(|d| d.geometry.iter()).flat_map(|g| g.xy.iter().copied()).collect();
        let of_models = |d: &Draft| d.model.iter().flat_map(|m| &m.positions).map(|p| [p[0], p[1]]).collect::<Vec<_>>();
        all.extend(batch.iter().flat_map(of_models));
        self.reproject.forward(&mut all);
        let mut rest = all.as_slice();
        for g in batch.iter_mut().filter_map(|d| d.geometry.as_mut().ok()) {
            let (own, after) = rest.split_at(g.xy.len());
            g.xy.copy_from_slice(own);
            self.reproject.heights(&mut g.z);
            rest = after;
        }
        let mut rest = rest.iter();
        for p in batch.iter_mut().flat_map(|d| &mut d.model).flat_map(|m| &mut m.positions) {
            let [x, y] = rest.next().copied().unwrap_or([f64::NAN; 2]);
            self.reproject.heights(&mut p[2..]);
            *p = [x, y, p[2]];
        }
    }

    /// The outline of a draft's model, as good as any polygon, or why the model cannot stand.
    fn stand(&self, model: &Model, d: &mut Draft, outline: Result<Geometry, Reject>) -> Result<Geometry, Reject> {
        if let Some(why) = model.positions.iter().find_map(|p| self.reproject.refuse([p[0], p[1]])) {
            return Err(reject("outside-crs", why));
        }
        let outline = outline?;
        let [low, high] = model.bounds();
        let finest = model.lods.last().map(|l| l.tier.to_string()).unwrap_or_default();
        Attributes::measure(&mut d.values, finest, high[2] - low[2]);
        prepare(outline, &mut d.repairs)
    }

    fn finish(&mut self, mut d: Draft) -> Record {
        let mut model = d.model.take();
        if let Some(model) = &model {
            let outline = std::mem::replace(&mut d.geometry, Err(reject("no-footprint", "")));
            d.geometry = self.stand(model, &mut d, outline);
        }
        let named = |mut told: Reject| {
            if let Some(id) = &d.object {
                told.detail = format!("object {id}: {}", told.detail);
            }
            told
        };
        let geometry = d.geometry.and_then(|mut g| {
            if let Some(why) = g.xy.iter().find_map(|p| self.reproject.refuse(*p)) {
                return Err(reject("outside-crs", why));
            }
            repair::orient(&mut g, &mut d.repairs)?;
            Ok(g)
        });
        let geometry = geometry.map_err(named);
        if let Ok(g) = &geometry {
            self.strays += u64::from(g.xy.first().is_some_and(|p| self.reproject.strays(*p)));
            let b = self.done.bounds.unwrap_or(BBox::EMPTY).join(&g.bbox());
            self.done.bounds = Some(b);
            if !self.done.kinds.contains(&g.kind) {
                self.done.kinds.push(g.kind);
            }
        }
        model.take_if(|_| geometry.is_err());
        let faults = if geometry.is_ok() { d.faults.into_iter().map(named).collect() } else { vec![] };
        // What was repaired on a refused record helps nobody.
        let repairs = if geometry.is_ok() { d.repairs.into_codes() } else { vec![] };
        Record { row: d.row, geometry, repairs, values: d.values, model, faults }
    }

    /// Hands over what is left and closes the stream.
    pub fn done(mut self) -> Outcome<()> {
        self.flush()?;
        self.done.kinds.sort();
        if self.strays * 2 > self.done.read {
            self.done.findings.push(format!(
                "{} of {} records lie outside the area of use of {}: check the zone",
                self.strays, self.done.read, self.reproject.crs
            ));
        }
        (self.out)(Frame::Done(self.done)).map_err(Stop::Sink)
    }

    pub fn read(&self) -> u64 {
        self.done.read + self.batch.len() as u64
    }
}

fn prepare(g: Geometry, repairs: &mut Repairs) -> Result<Geometry, Reject> {
    if let Some(p) = g.xy.iter().find(|p| !p[0].is_finite() || !p[1].is_finite()) {
        return Err(reject("not-finite", format!("a vertex is {} {}", p[0], p[1])));
    }
    let g = repair::tidy(g, repairs)?;
    match g.kind {
        GeometryKind::Polygon => valid::made_valid(g, repairs),
        _ => Ok(g),
    }
}
