//! Shapefiles: the parts found whatever their case, proven to fit each other, shapes by GDAL, attributes by `dbf`.
//! GDAL never sees the .dbf and .cpg: it opens links in the scratch folder.

use super::dbf::Dbf;
use super::ogr;
use super::pipe::{Draft, Pipe};
use super::text::{Choice, Proposals};
use super::unpack::Input;
use super::{OrIo, Outcome, fail, gdal_door, incomplete, wkb};
use crate::error::Result;
use crate::import::repair::{Repairs, reject};
use crate::import::reproject::Reproject;
use crate::import::wire::{Format, Frame, Opened, ReadJob, Reject, Who};
use gdal::vector::LayerAccess;
use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

pub fn read(job: &ReadJob, input: &Input, out: &mut dyn FnMut(Frame) -> Result<()>) -> Outcome<()> {
    let parts = Parts::find(input)?;
    let dbf = Dbf::open(&parts.dbf, &input.named)?;
    let mut findings = parts.prove(&dbf, &input.named)?;
    let cpg = parts.cpg.as_deref().and_then(|p| fs::read(p).ok());
    let cpg = cpg.as_ref().map(|b| String::from_utf8_lossy(b).into_owned());
    let proposals =
        Proposals { explicit: job.encoding.as_deref(), cpg: cpg.as_deref(), language_byte: Some(dbf.language_byte) };
    let (survey, deleted) = dbf.survey(proposals.candidate())?;
    let choice = match proposals.decide(&survey) {
        Ok(c) => c,
        Err(what) => return fail(Who::Operator, "unknown-encoding", format!("{}: {what}", input.named)),
    };
    findings.extend(choice.findings.iter().cloned());
    let dataset = gdal_door::open(&parts.staged(&job.scratch)?, Format::Shapefile, &[], &input.named)?;
    let mut layer = ogr::only_layer(&dataset, None, &input.named)?;
    let file_crs = ogr::file_crs(&layer);
    let reproject = Reproject::choose(&job.crs, &file_crs, ogr::extent(&layer), &input.named)?;
    let (columns, wanted) = wanted(job, &dbf, &choice);
    let opened = Opened {
        columns,
        declared: Some(dbf.records - deleted),
        deleted,
        encoding: choice.label(),
        findings,
        ..Opened::default()
    };
    let mut pipe = Pipe::open(opened, &reproject, &input.named, out)?;
    let limits = wkb::Limits { sagitta: reproject.curve_tolerance(), vertices: job.limits.vertices };
    let mut rows = dbf.reader()?;
    let mut seen = 0;
    for feature in layer.features() {
        // Without a .dbf in sight GDAL numbers the shapes by their place, deleted rows included.
        let index = feature.fid().unwrap_or(seen);
        seen = index + 1;
        let Some(row) = rows.row(index)? else { continue };
        let mut repairs = Repairs::default();
        let geometry = match feature.geometry_by_index(0) {
            Err(_) => Err(reject("null-geometry", "the record has no shape")),
            Ok(g) => ogr::shape(g, &limits, &mut repairs).map_err(|e| nan_point(g, e)),
        };
        let values = wanted.iter().map(|&c| dbf.columns[c].value(row, choice.encoding, &mut repairs)).collect();
        ogr::refuse_complaints(&input.named)?;
        pipe.push(Draft::flat(index + 1, geometry, repairs, values))?;
    }
    ogr::refuse_complaints(&input.named)?;
    if let Some(stated) = job.stated_rows.filter(|s| *s != dbf.records - deleted) {
        let found = dbf.records - deleted;
        return incomplete(&input.named, format!("{stated} records are stated, {found} were read"));
    }
    if seen != dbf.records {
        return incomplete(&input.named, format!("{} records are declared, {seen} were read", dbf.records));
    }
    pipe.done()
}

/// GDAL calls a point of NaN empty. A shapefile has null shapes for "none", so here it is a bad number.
fn nan_point(g: &gdal::vector::Geometry, e: Reject) -> Reject {
    use gdal::vector::{OGRwkbGeometryType, geometry_type_flatten};
    let point = geometry_type_flatten(g.geometry_type()) == OGRwkbGeometryType::wkbPoint;
    if point && e.code == "empty-geometry" { reject("not-finite", "the point is not a number") } else { e }
}

/// Names and places of the columns that are asked for.
fn wanted(job: &ReadJob, dbf: &Dbf, choice: &Choice) -> (Vec<String>, Vec<usize>) {
    let asked = |n: &String| job.columns.as_ref().is_none_or(|c| c.contains(n));
    dbf.names(choice).into_iter().enumerate().filter(|(_, n)| asked(n)).map(|(i, n)| (n, i)).unzip()
}

struct Parts {
    shp: PathBuf,
    shx: PathBuf,
    dbf: PathBuf,
    prj: Option<PathBuf>,
    cpg: Option<PathBuf>,
}

impl Parts {
    fn find(input: &Input) -> Outcome<Parts> {
        let folder = input.path.parent().unwrap_or(Path::new("."));
        let stem = input.path.file_stem().unwrap_or_default().to_ascii_lowercase();
        let mut beside: Vec<PathBuf> = fs::read_dir(folder)
            .or_io(folder)?
            .flatten()
            .map(|e| e.path())
            .filter(|p| p.is_file() && p.file_stem().is_some_and(|s| s.to_ascii_lowercase() == stem))
            .collect();
        beside.sort();
        // The same case as the .shp wins where two differ by case alone.
        let own = |p: &&PathBuf| p.file_stem() == input.path.file_stem();
        let part = |ext: &str| {
            let has = |p: &&PathBuf| p.extension().is_some_and(|x| x.eq_ignore_ascii_case(ext));
            beside.iter().filter(has).find(own).or(beside.iter().find(has)).cloned()
        };
        let needed = |ext: &str| match part(ext) {
            Some(p) => Ok(p),
            None => incomplete(&input.named, format!("the .{ext} file is missing beside the .shp")),
        };
        Ok(Parts {
            shp: input.path.clone(),
            shx: needed("shx")?,
            dbf: needed("dbf")?,
            prj: part("prj"),
            cpg: part("cpg"),
        })
    }

    /// .shp, .shx and .dbf tell the same count and are as long as they say.
    fn prove(&self, dbf: &Dbf, named: &str) -> Outcome<Vec<String>> {
        let shp = Header::read(&self.shp, named)?;
        let shx = Header::read(&self.shx, named)?;
        if shx.declared != shx.size {
            let (d, s) = (shx.declared, shx.size);
            return incomplete(named, format!("the .shx declares {d} bytes and has {s}"));
        }
        let entries = (shx.size - 100) / 8;
        let (whole, broken) = self.walk(shp.size, named)?;
        if shp.declared > shp.size || whole < entries {
            return incomplete(
                named,
                format!(
                    "the .shp declares {entries} records in {} bytes; {whole} are there in {} bytes{}",
                    shp.declared,
                    shp.size,
                    broken.map(|b| format!(" ({b})")).unwrap_or_default()
                ),
            );
        }
        if entries != dbf.records {
            return incomplete(named, format!("the .shx has {entries} shapes, the .dbf {} rows", dbf.records));
        }
        let longer = shp.size > shp.declared;
        Ok(longer
            .then(|| format!("the .shp has {} bytes after its declared end", shp.size - shp.declared))
            .into_iter()
            .collect())
    }

    /// How many entries of the .shx point to a record header that agrees with them, until one does not.
    fn walk(&self, shp_size: u64, named: &str) -> Outcome<(u64, Option<String>)> {
        let mut index = BufReader::new(File::open(&self.shx).or_io(&self.shx)?);
        let mut shapes = BufReader::with_capacity(1 << 18, File::open(&self.shp).or_io(&self.shp)?);
        let mut header = [0u8; 100];
        if index.read_exact(&mut header).is_err() {
            return incomplete(named, "the .shx ends inside its header");
        }
        let (mut at, mut count, mut entry, mut places) = (0i64, 0u64, [0u8; 8], vec![]);
        while index.read_exact(&mut entry).is_ok() {
            let (offset, length) = (word(&entry, 0), word(&entry, 4));
            if (offset + length) * 2 + 8 > shp_size {
                return Ok((count, Some(format!("record {} ends beyond the file", count + 1))));
            }
            let mut head = [0u8; 8];
            let to = offset as i64 * 2;
            if shapes.seek_relative(to - at).is_err() || shapes.read_exact(&mut head).is_err() {
                return Ok((count, Some(format!("record {} cannot be read", count + 1))));
            }
            at = to + 8;
            if word(&head, 4) != length {
                return Ok((count, Some(format!("record {} has another length than its index entry", count + 1))));
            }
            count += 1;
            places.push(offset as u32);
        }
        places.sort_unstable();
        let twice = places.windows(2).filter(|p| p[0] == p[1]).count() as u64;
        Ok((count - twice, (twice > 0).then(|| format!("{twice} index entries point to another one's record"))))
    }

    /// Links with plain names for GDAL: without .dbf, .cpg and spatial index.
    fn staged(&self, scratch: &Path) -> Outcome<PathBuf> {
        let folder = scratch.join("shapefile");
        fs::create_dir_all(&folder).or_io(&folder)?;
        let parts = [(Some(&self.shp), "shp"), (Some(&self.shx), "shx"), (self.prj.as_ref(), "prj")];
        for (path, ext) in parts {
            let Some(path) = path else { continue };
            let whole = fs::canonicalize(path).or_io(path)?;
            let link = folder.join(format!("source.{ext}"));
            let _ = fs::remove_file(&link);
            symlink(&whole, &link).or_io(&link)?;
        }
        Ok(folder.join("source.shp"))
    }
}

/// Big-endian count of 16-bit words.
fn word(bytes: &[u8; 8], at: usize) -> u64 {
    u64::from(u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]))
}

struct Header {
    declared: u64,
    size: u64,
}

impl Header {
    fn read(path: &Path, named: &str) -> Outcome<Header> {
        let mut file = File::open(path).or_io(path)?;
        let size = file.metadata().or_io(path)?.len();
        let mut h = [0u8; 100];
        if file.read_exact(&mut h).is_err() {
            return incomplete(named, format!("{} ends inside its header", path.display()));
        }
        if h[..4] != [0, 0, 0x27, 0x0a] {
            return fail(Who::Supplier, "not-this-format", format!("{}: is no shapefile part", path.display()));
        }
        Ok(Header { declared: u64::from(u32::from_be_bytes([h[24], h[25], h[26], h[27]])) * 2, size })
    }
}
