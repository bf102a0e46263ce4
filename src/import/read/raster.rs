//! Digital elevation models: one GeoTIFF, or a folder of them, resampled onto the lattice of the ground tile by tile, so
//! that a province costs no more memory than a village. One record a file, with its outline.

use super::pipe::{Draft, Pipe};
use super::unpack::Input;
use super::{OrIo, Outcome, fail, gdal_door, sniff};
use crate::error::Result;
use crate::feature::Geometry;
use crate::geo::BBox;
use crate::geo::lattice::{self, CELLS, NODES, Patch, TileAt};
use crate::import::repair::Repairs;
use crate::import::reproject::{FileCrs, Reproject};
use crate::import::wire::{Format, Frame, Opened, Raw, ReadJob, Who};
use gdal::Dataset;
use gdal::raster::ResampleAlg;
use std::collections::{BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

const COLUMNS: [&str; 5] = ["file", "resolution_m", "vertical_datum", "lowest_m", "highest_m"];
/// Points along each side of an outline.
const PER_SIDE: usize = 16;
/// The way back to the raster's plane is asked at every so many nodes and straight between: of a tile a kilometre wide
/// it bends by 0.1 mm in that distance.
const STRIDE: usize = 4;
/// No city lies outside; numbers beyond are nodata that nobody declared.
const HEIGHTS_M: std::ops::Range<f64> = -1000.0..9000.0;
/// Files kept open at a time.
const OPEN: usize = 32;
/// A frame of tiles holds up to this many.
const BATCH_TILES: usize = 64;
/// Pixels of one window, at most.
const WIDEST: usize = 4096;

pub fn read(job: &ReadJob, input: &Input, out: &mut dyn FnMut(Frame) -> Result<()>) -> Outcome<()> {
    let files = files(input)?;
    let first = open(&files[0])?;
    let reproject = Reproject::choose(&job.crs, &file_crs(&first), Some(extent(&first)), &named(&files[0]))?;
    if reproject.vertical.is_empty() {
        let what = "nothing says what its heights are measured from; declare vertical = \"1985\" (or another)";
        return fail(Who::Operator, "no-vertical-datum", format!("{}: {what}", input.named));
    }
    let mut sheets = vec![];
    for path in files {
        sheets.push(Sheet::survey(job, path, &reproject)?);
    }
    let own_m = sheets.iter().map(|s| s.pixel_m).fold(f64::INFINITY, f64::min);
    let spacing_m = job.resolution_m.unwrap_or(own_m);
    let opened = Opened {
        columns: COLUMNS.map(String::from).to_vec(),
        declared: Some(sheets.len() as u64),
        encoding: "none (a raster)".into(),
        findings: vec![format!("heights every {:.2} m, from pixels of {own_m:.2} m", step_m(spacing_m))],
        ..Opened::default()
    };
    let mut pipe = Pipe::open(opened, &reproject, &input.named, out)?;
    let mut mosaic = Mosaic { job, reproject: &reproject, sheets, open: VecDeque::new(), spacing_m };
    mosaic.resample(&mut pipe)?;
    for (i, sheet) in mosaic.sheets.iter().enumerate() {
        let Some([low, high]) = sheet.range_m else {
            let what = "no pixel in it has a height (all are nodata)";
            return fail(Who::Supplier, "no-heights", format!("{}: {what}", named(&sheet.path)));
        };
        let values = vec![
            Raw::Text(sheet.path.file_stem().unwrap_or_default().to_string_lossy().into_owned()),
            Raw::Float(round(step_m(spacing_m), 1000.0)),
            Raw::Text(reproject.vertical.clone()),
            Raw::Float(round(low, 1000.0)),
            Raw::Float(round(high, 1000.0)),
        ];
        let outline = Geometry::polygon(std::slice::from_ref(&sheet.outline));
        pipe.push(Draft::flat(i as u64 + 1, Ok(outline), Repairs::default(), values))?;
    }
    pipe.done()
}

fn round(v: f64, steps: f64) -> f64 {
    (v * steps).round() / steps
}

/// Metres between nodes of the level that is taken for a spacing, northward.
fn step_m(spacing_m: f64) -> f64 {
    TileAt::spacing_deg(lattice::level_for(spacing_m)) * 110_900.0
}

/// The file, or those of the folder, by name.
fn files(input: &Input) -> Outcome<Vec<PathBuf>> {
    if !input.path.is_dir() {
        return Ok(vec![input.path.clone()]);
    }
    let is_tiff =
        |p: &PathBuf| p.extension().is_some_and(|x| x.eq_ignore_ascii_case("tif") || x.eq_ignore_ascii_case("tiff"));
    let listed = std::fs::read_dir(&input.path).or_io(&input.path)?;
    let mut files: Vec<PathBuf> = listed.flatten().map(|e| e.path()).filter(is_tiff).collect();
    files.sort();
    for path in &files {
        sniff::check(Format::Geotiff, &Input::plain(path))?;
    }
    match files.is_empty() {
        true => fail(Who::Supplier, "no-layer", format!("{}: holds no .tif file", input.named)),
        false => Ok(files),
    }
}

fn named(path: &Path) -> String {
    path.display().to_string()
}

fn open(path: &Path) -> Outcome<Dataset> {
    gdal_door::open_raster(path, &named(path))
}

fn file_crs(dataset: &Dataset) -> FileCrs {
    let definition = dataset.spatial_ref().ok().and_then(|s| s.authority().ok().or_else(|| s.to_wkt().ok()));
    gdal_door::complaints();
    FileCrs { definition: definition.filter(|d| !d.is_empty()), ..FileCrs::default() }
}

fn extent(dataset: &Dataset) -> BBox {
    let (width, height) = dataset.raster_size();
    let plane = Plane(dataset.geo_transform().unwrap_or_default());
    let corners = [[0.0, 0.0], [width as f64, 0.0], [0.0, height as f64], [width as f64, height as f64]];
    BBox::of(&corners.map(|p| plane.at(p)))
}

/// GDAL's six numbers from pixels (column, row) to the raster's coordinates.
#[derive(Debug, Clone, Copy)]
struct Plane([f64; 6]);

impl Plane {
    fn at(&self, [c, r]: [f64; 2]) -> [f64; 2] {
        let [x, a, b, y, d, e] = self.0;
        [x + a * c + b * r, y + d * c + e * r]
    }

    fn pixel(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let [x0, a, b, y0, d, e] = self.0;
        let (det, u, v) = (a * e - b * d, x - x0, y - y0);
        [(u * e - v * b) / det, (v * a - u * d) / det]
    }

    fn is_sound(&self) -> bool {
        let [_, a, b, _, d, e] = self.0;
        self.0.iter().all(|v| v.is_finite()) && a * e - b * d != 0.0
    }
}

/// One file.
struct Sheet {
    path: PathBuf,
    size: [usize; 2],
    plane: Plane,
    pixel_m: f64,
    nodata: Option<f64>,
    scale: f64,
    offset: f64,
    /// In the raster's coordinates, closed.
    outline: Vec<[f64; 2]>,
    /// Of its outline, degrees.
    bounds: BBox,
    /// Least and greatest height that was met.
    range_m: Option<[f64; 2]>,
}

impl Sheet {
    fn survey(job: &ReadJob, path: PathBuf, reproject: &Reproject) -> Outcome<Sheet> {
        let (dataset, name) = (open(&path)?, named(&path));
        let supplier = |code: &str, what: String| fail(Who::Supplier, code, format!("{name}: {what}"));
        match dataset.raster_count() {
            1 => {}
            0 => return supplier("no-band", "has no band".into()),
            n => return supplier("not-a-dem", format!("has {n} bands; a DEM has one")),
        }
        let Ok(band) = dataset.rasterband(1) else { return supplier("no-band", "its band cannot be read".into()) };
        let plane = Plane(dataset.geo_transform().unwrap_or_default());
        gdal_door::complaints();
        if !plane.is_sound() || plane.0 == [0.0, 1.0, 0.0, 0.0, 0.0, 1.0] {
            return supplier("no-place", "does not say where it lies (no geotransform)".into());
        }
        // Each file of a folder is in the CRS of the first.
        let own = Reproject::choose(&job.crs, &file_crs(&dataset), Some(extent(&dataset)), &name)?;
        if (&own.crs, &own.vertical) != (&reproject.crs, &reproject.vertical) {
            let what = format!("is in {}, other files of the folder in {}", own.crs, reproject.crs);
            return fail(Who::Operator, "mixed-crs", format!("{name}: {what}; make it a source of its own"));
        }
        let unit = match band.unit().trim().to_lowercase().as_str() {
            "" | "m" | "metre" | "meter" | "metres" | "meters" => 1.0,
            "ft" | "foot" | "feet" => 0.3048,
            "us survey foot" | "us-ft" | "ussurveyfoot" => 1200.0 / 3937.0,
            other => {
                return supplier("unknown-unit", format!("its heights are in `{other}`; metres and feet are known"));
            }
        };
        let (width, height) = dataset.raster_size();
        let [_, a, b, _, d, e] = plane.0;
        let mut outline: Vec<[f64; 2]> = vec![];
        let (w, h) = (width as f64, height as f64);
        for (from, to) in [([0., h], [w, h]), ([w, h], [w, 0.]), ([w, 0.], [0., 0.]), ([0., 0.], [0., h])] {
            let part = |k: usize| {
                let t = k as f64 / PER_SIDE as f64;
                plane.at([0, 1].map(|i| from[i] + (to[i] - from[i]) * t))
            };
            outline.extend((0..PER_SIDE).map(part));
        }
        outline.push(outline[0]);
        let mut degrees = outline.clone();
        reproject.forward(&mut degrees);
        if let Some(why) = degrees.iter().find_map(|p| reproject.refuse(*p)) {
            return fail(Who::Operator, "outside-crs", format!("{name}: {why}"));
        }
        Ok(Sheet {
            size: [width, height],
            plane,
            pixel_m: a.hypot(d).min(b.hypot(e)) * reproject.metres_per_unit(),
            nodata: job.nodata.or(band.no_data_value()),
            scale: band.scale().filter(|s| *s != 0.0).unwrap_or(1.0) * unit,
            offset: band.offset().unwrap_or(0.0) * unit,
            bounds: BBox::of(&degrees),
            outline,
            range_m: None,
            path,
        })
    }
}

/// All files of a source on one level.
struct Mosaic<'a> {
    job: &'a ReadJob,
    reproject: &'a Reproject,
    sheets: Vec<Sheet>,
    /// The files read last, the latest at the end.
    open: VecDeque<(usize, Dataset)>,
    spacing_m: f64,
}

impl Mosaic<'_> {
    /// Row by row from the north, as rasters lie.
    fn resample(&mut self, pipe: &mut Pipe<'_>) -> Outcome<()> {
        let level = lattice::level_for(self.spacing_m);
        let mut rows: BTreeSet<(std::cmp::Reverse<u32>, u32)> = BTreeSet::new();
        for s in &self.sheets {
            // A node on the edge of two tiles is in both.
            let margin = TileAt::spacing_deg(level) / 4.0;
            let a = TileAt::of(level, [s.bounds.min_x - margin, s.bounds.min_y - margin]);
            let b = TileAt::of(level, [s.bounds.max_x + margin, s.bounds.max_y + margin]);
            rows.extend((a.y..=b.y).flat_map(|y| (a.x..=b.x).map(move |x| (std::cmp::Reverse(y), x))));
        }
        let mut batch = vec![];
        for (std::cmp::Reverse(y), x) in rows {
            let at = TileAt { level, x, y };
            let patch = self.patch(at)?;
            if !patch.is_empty() {
                batch.push((at, patch));
            }
            if batch.len() >= BATCH_TILES {
                pipe.heights(std::mem::take(&mut batch))?;
            }
        }
        pipe.heights(batch)
    }

    /// Each node by the first file that knows it.
    fn patch(&mut self, at: TileAt) -> Outcome<Patch> {
        let mut patch = Patch::default();
        let corners = [at.corner(), at.node(CELLS, CELLS)];
        let bounds = BBox::of(&corners);
        let near: Vec<usize> = (0..self.sheets.len()).filter(|i| self.sheets[*i].bounds.intersects(&bounds)).collect();
        if near.is_empty() {
            return Ok(patch);
        }
        let places = self.places(at);
        for i in near {
            self.fill(i, &places, &mut patch)?;
        }
        Ok(patch)
    }

    /// The nodes of a tile in the rasters' coordinates.
    fn places(&self, at: TileAt) -> Vec<[f64; 2]> {
        let across = CELLS / STRIDE + 1;
        let mut known: Vec<[f64; 2]> =
            (0..across * across).map(|k| at.node(k % across * STRIDE, k / across * STRIDE)).collect();
        self.reproject.backward(&mut known);
        let place = |k: usize| {
            let (u, v) = ((k % NODES) as f64 / STRIDE as f64, (k / NODES) as f64 / STRIDE as f64);
            [0, 1].map(|c| {
                let node = |i: usize, j: usize| Some(known[j.min(across - 1) * across + i.min(across - 1)][c]);
                lattice::bilinear([u, v], [across - 1, across - 1], node).unwrap_or(f64::NAN)
            })
        };
        (0..NODES * NODES).map(place).collect()
    }

    fn fill(&mut self, i: usize, places: &[[f64; 2]], patch: &mut Patch) -> Outcome<()> {
        let sheet = &self.sheets[i];
        let [width, height] = sheet.size.map(|n| n as f64);
        // From the first pixel's middle; half a pixel beyond the outermost ones belongs to them.
        let pixels: Vec<Option<[f64; 2]>> = places
            .iter()
            .map(|p| {
                let [c, r] = sheet.plane.pixel(*p);
                let inside = c >= 0.0 && c <= width && r >= 0.0 && r <= height;
                inside.then(|| [(c - 0.5).clamp(0.0, width - 1.0), (r - 0.5).clamp(0.0, height - 1.0)])
            })
            .collect();
        let wanted: Vec<[f64; 2]> = pixels.iter().flatten().copied().collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let window = Window::around(&BBox::of(&wanted), sheet.size, self.thinned(sheet));
        let values = self.read(i, &window)?;
        let sheet = &mut self.sheets[i];
        for (k, pixel) in pixels.iter().enumerate() {
            let Some(pixel) = pixel else { continue };
            let height_m = window.sample(&values, *pixel);
            if let Some(h) = height_m {
                let [low, high] = sheet.range_m.unwrap_or([h, h]);
                sheet.range_m = Some([low.min(h), high.max(h)]);
                if patch.at(k % NODES, k / NODES).is_none() {
                    patch.set(k % NODES, k / NODES, Some(h));
                }
            }
        }
        Ok(())
    }

    /// How many pixels become one where the declared spacing is coarser than the file's. GDAL's mean knows the file's own
    /// nodata alone.
    fn thinned(&self, sheet: &Sheet) -> usize {
        let times = (self.spacing_m / sheet.pixel_m).floor() as usize;
        if self.job.nodata.is_some() { 1 } else { times.max(1) }
    }

    /// A window's heights in metres, row by row.
    fn read(&mut self, i: usize, window: &Window) -> Outcome<Vec<Option<f64>>> {
        let path = self.sheets[i].path.clone();
        let name = named(&path);
        if window.shape[0] > WIDEST || window.shape[1] > WIDEST {
            let what = "its pixels are far finer than the declared resolution_m; deliver it coarser";
            return fail(Who::Operator, "too-fine", format!("{name}: {what}"));
        }
        let at = match self.open.iter().position(|(open, _)| *open == i) {
            Some(at) => at,
            None => {
                if self.open.len() == OPEN {
                    self.open.pop_front();
                }
                self.open.push_back((i, open(&path)?));
                self.open.len() - 1
            }
        };
        let from = (window.from[0] as isize, window.from[1] as isize);
        let how = (window.times > 1).then_some(ResampleAlg::Average);
        let (size, shape) = ((window.size[0], window.size[1]), (window.shape[0], window.shape[1]));
        let read = self.open[at].1.rasterband(1).and_then(|band| band.read_as::<f64>(from, size, shape, how));
        super::ogr::refuse_complaints(&name)?;
        let Ok(buffer) = read else {
            return fail(Who::Supplier, "unreadable", format!("{name}: a part of it cannot be read"));
        };
        let sheet = &self.sheets[i];
        let mut heights = Vec::with_capacity(buffer.data().len());
        for raw in buffer.data() {
            let none = !raw.is_finite() || sheet.nodata.is_some_and(|n| (raw - n).abs() <= n.abs() * 1e-6);
            let mut z = [raw * sheet.scale + sheet.offset];
            self.reproject.heights(&mut z);
            if !none && !HEIGHTS_M.contains(&z[0]) {
                let what =
                    format!("a height of {raw} is of nothing on earth; if it means none, declare nodata = {raw}");
                return fail(Who::Supplier, "bad-heights", format!("{name}: {what}"));
            }
            heights.push((!none).then_some(z[0]));
        }
        Ok(heights)
    }
}

/// A part of a raster, every `times` pixels of a side one.
struct Window {
    from: [usize; 2],
    size: [usize; 2],
    shape: [usize; 2],
    times: usize,
}

impl Window {
    fn around(wanted: &BBox, size: [usize; 2], times: usize) -> Window {
        let side = |low: f64, high: f64, all: usize| {
            // One more on either side, for the mean of coarser pixels reaches half of them out.
            let from = ((low / times as f64).floor() as usize).saturating_sub(1) * times;
            let to = (((high / times as f64).floor() as usize + 3) * times).min(all);
            (from.min(all - 1), (to - from.min(all - 1)).max(1))
        };
        let (c, w) = side(wanted.min_x, wanted.max_x, size[0]);
        let (r, h) = side(wanted.min_y, wanted.max_y, size[1]);
        Window { from: [c, r], size: [w, h], shape: [w.div_ceil(times), h.div_ceil(times)], times }
    }

    /// Bilinear at a pixel of the whole raster, counted from the middle of the first.
    fn sample(&self, values: &[Option<f64>], pixel: [f64; 2]) -> Option<f64> {
        let at = [0, 1].map(|k| {
            // The last coarse pixel of a row may be made of fewer.
            let step = self.size[k] as f64 / self.shape[k] as f64;
            let u = (pixel[k] - self.from[k] as f64 + 0.5) / step - 0.5;
            u.clamp(0.0, (self.shape[k] - 1) as f64)
        });
        lattice::bilinear(at, [self.shape[0] - 1, self.shape[1] - 1], |i, j| {
            values.get(j * self.shape[0] + i.min(self.shape[0] - 1)).copied().flatten()
        })
    }
}
