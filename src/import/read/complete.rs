//! Proof that a container is whole before GDAL reads it: GDAL answers a cut file with the rows it found and success.
//! One rule per format; text formats are brought to UTF-8 on the way.

use super::unpack::Input;
use super::{OrIo, Outcome, fail, fgb, gdal_door, geojson, incomplete, textfile, xml};
use crate::import::wire::{Format, ReadJob, Who};
use gdal::Dataset;
use gdal::vector::LayerAccess;
use gdal::vector::sql::Dialect;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What the proof found out on its way.
#[derive(Debug, Default)]
pub struct Proven {
    /// The file to open: the input itself, a link to it in the scratch folder, or its UTF-8 copy there.
    pub path: PathBuf,
    /// Records that the container declares, where it does.
    pub declared: Option<u64>,
    pub encoding: String,
    /// CRS by the file where GDAL does not see it.
    pub crs: Option<String>,
    /// What a GeoJSON calls its CRS.
    pub crs_name: Option<String>,
    /// Coordinates stand in the authority's axis order.
    pub authority_order: bool,
    /// What stands where records do and is none that GDAL reads; it passes over it without a word.
    pub lost: Lost,
    pub findings: Vec<String>,
}

/// Elements that are not read, by name.
#[derive(Debug, Default)]
pub struct Lost(BTreeMap<String, u64>);

/// Names that are told apart.
const MOST_NAMES: usize = 100;
const MOST_NAME_CHARS: usize = 60;

impl Lost {
    pub fn add(&mut self, name: &str) {
        let name: String = name.chars().take(MOST_NAME_CHARS).collect();
        let name = if self.0.len() < MOST_NAMES || self.0.contains_key(&name) { name } else { "others".into() };
        *self.0.entry(name).or_default() += 1;
    }

    /// The name of each, one after another.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flat_map(|(name, count)| (0..*count).map(move |_| name.as_str()))
    }
}

pub fn prove(job: &ReadJob, input: &Input) -> Outcome<Proven> {
    let by_format = Proven { path: input.path.clone(), encoding: "UTF-8 (by the format)".into(), ..Proven::default() };
    match job.format {
        Format::Gpkg => {
            sqlite_size(&input.path, &input.named)?;
            Ok(by_format)
        }
        Format::Gdb => {
            gdb_sizes(&input.path, &input.named)?;
            Ok(Proven { path: linked(job, &input.path, "source.gdb")?, ..by_format })
        }
        Format::Flatgeobuf => {
            let walked = fgb::walk(&input.path, &input.named)?;
            Ok(Proven { declared: Some(walked), path: linked(job, &input.path, "source.fgb")?, ..by_format })
        }
        Format::Geojson => text(job, input, "source.geojson", geojson::document),
        Format::Geojsonseq => text(job, input, "source.geojsonl", geojson::lines),
        Format::Dxf => text(job, input, "source.dxf", dxf),
        Format::Gml => text(job, input, "source.gml", gml),
        Format::Shapefile | Format::Csv | Format::Geotiff | Format::Cityjson | Format::Citygml => Ok(by_format),
    }
}

/// Brings the text to UTF-8 under a plain name in the scratch folder, then proves it.
fn text(
    job: &ReadJob,
    input: &Input,
    name: &str,
    rule: fn(&Path, &str, &mut Proven) -> Outcome<()>,
) -> Outcome<Proven> {
    let looked = match job.format {
        Format::Geojson | Format::Geojsonseq => textfile::json(&input.path, job.encoding.as_deref(), &input.named)?,
        _ => textfile::look(&input.path, job.encoding.as_deref(), &input.named)?,
    };
    let path = match looked.is_plain_utf8() {
        true => linked(job, &input.path, name)?,
        false => looked.transcode(&input.path, &job.scratch.join(name), &input.named)?,
    };
    let mut proven = Proven { path: path.clone(), encoding: looked.choice.label(), ..Proven::default() };
    proven.findings.extend(looked.choice.findings.iter().cloned());
    rule(&path, &input.named, &mut proven)?;
    Ok(proven)
}

/// A link in the scratch folder: drivers look for sidecar files beside what they open, and some write them.
fn linked(job: &ReadJob, path: &Path, name: &str) -> Outcome<PathBuf> {
    fs::create_dir_all(&job.scratch).or_io(&job.scratch)?;
    let _ = fs::remove_file(job.scratch.join("source.gfs"));
    let whole = fs::canonicalize(path).or_io(path)?;
    let link = job.scratch.join(name);
    let _ = fs::remove_file(&link);
    symlink(&whole, &link).or_io(&link)?;
    Ok(link)
}

/// SQLite's header says how many pages the file has; a write-ahead log beside it holds what the file lacks.
fn sqlite_size(path: &Path, named: &str) -> Outcome<()> {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    if fs::metadata(&log).is_ok_and(|m| m.len() > 0) {
        return incomplete(named, "a -wal file beside it holds changes; close the program that writes it");
    }
    let mut file = File::open(path).or_io(path)?;
    let size = file.metadata().or_io(path)?.len();
    let mut h = [0u8; 100];
    if file.read_exact(&mut h).is_err() {
        return incomplete(named, format!("has {size} bytes, not even a database header"));
    }
    let page = match u16::from_be_bytes([h[16], h[17]]) {
        1 => 65_536,
        n => u64::from(n),
    };
    let word = |at: usize| u64::from(u32::from_be_bytes([h[at], h[at + 1], h[at + 2], h[at + 3]]));
    let pages = word(28);
    // The page count is only valid while it carries the change counter's number (SQLite file format §1.3.7).
    let valid = word(24) == word(92) && pages > 0;
    match page > 0 && size % page == 0 && (!valid || pages * page <= size) {
        true => Ok(()),
        false => incomplete(named, format!("declares {pages} pages of {page} bytes, but has {size} bytes")),
    }
}

/// Each table of a file geodatabase says how long its file is.
fn gdb_sizes(folder: &Path, named: &str) -> Outcome<()> {
    for entry in fs::read_dir(folder).or_io(folder)?.flatten() {
        let path = entry.path();
        if entry.file_type().is_ok_and(|t| t.is_symlink()) {
            return fail(Who::Supplier, "broken-archive", format!("{named}: {} is a link", path.display()));
        }
        if !path.is_file() && !path.is_dir() {
            return fail(Who::Supplier, "broken-archive", format!("{named}: {} is no file", path.display()));
        }
        if path.extension().is_none_or(|x| x != "gdbtable") {
            continue;
        }
        let mut head = [0u8; 32];
        let mut file = File::open(&path).or_io(&path)?;
        let size = file.metadata().or_io(&path)?.len();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if file.read_exact(&mut head).is_err() {
            return incomplete(named, format!("{name} ends inside its header"));
        }
        let declared = head[24..32].iter().rev().fold(0u64, |n, b| n << 8 | u64::from(*b));
        if declared > size {
            return incomplete(named, format!("{name} declares {declared} bytes and has {size}"));
        }
    }
    Ok(())
}

/// A file as it was seen: path, bytes, time of the last change.
type Seen = (PathBuf, u64, SystemTime);

thread_local! {
    /// The database that was found whole last: whoever reads one layer after another of it asks once.
    static SOUND: RefCell<Option<Seen>> = const { RefCell::new(None) };
}

fn seen(path: &Path) -> Option<Seen> {
    let found = fs::metadata(path).ok()?;
    Some((path.to_path_buf(), found.len(), found.modified().ok()?))
}

/// SQLite's own check of a GeoPackage's pages and indexes.
pub fn ask_database(format: Format, path: &Path, dataset: &Dataset, named: &str) -> Outcome<()> {
    let file = seen(path);
    if format != Format::Gpkg || (file.is_some() && SOUND.with_borrow(|sound| *sound == file)) {
        return Ok(());
    }
    let answer = match dataset.execute_sql("PRAGMA quick_check(1)", None, Dialect::DEFAULT) {
        Ok(Some(mut rows)) => rows.features().next().and_then(|f| f.field_as_string(0).ok().flatten()),
        _ => None,
    };
    let said = gdal_door::complaints();
    match answer {
        Some(a) if a == "ok" && said.is_empty() => {
            SOUND.set(file);
            Ok(())
        }
        a => {
            let why = a.filter(|a| a != "ok").into_iter().chain(said).collect::<Vec<_>>().join("; ");
            fail(Who::Supplier, "damaged", format!("{named}: the database is damaged: {why}"))
        }
    }
}

/// Entities that GDAL reads, or that are parts of one.
const DRAWN: [&[u8]; 24] = [
    b"POINT",
    b"LINE",
    b"LWPOLYLINE",
    b"POLYLINE",
    b"VERTEX",
    b"SEQEND",
    b"CIRCLE",
    b"ELLIPSE",
    b"ARC",
    b"SPLINE",
    b"TEXT",
    b"MTEXT",
    b"ATTDEF",
    b"ATTRIB",
    b"INSERT",
    b"DIMENSION",
    b"HATCH",
    b"SOLID",
    b"TRACE",
    b"3DFACE",
    b"LEADER",
    b"MLEADER",
    b"MULTILEADER",
    b"BLOCK",
];
/// What is of the sheet and not of the ground: frames, pictures, lines without end.
const NO_CONTENT: [&[u8]; 14] = [
    b"ENDBLK",
    b"VIEWPORT",
    b"IMAGE",
    b"WIPEOUT",
    b"OLEFRAME",
    b"OLE2FRAME",
    b"XLINE",
    b"RAY",
    b"LIGHT",
    b"SUN",
    b"PDFUNDERLAY",
    b"DWFUNDERLAY",
    b"DGNUNDERLAY",
    b"TOLERANCE",
];

/// Pairs of a group code and a value, to the end: sections that close, nothing outside of them, `EOF` at last. GDAL passes
/// over what stands elsewhere.
fn dxf(path: &Path, named: &str, proven: &mut Proven) -> Outcome<()> {
    let mut reader = BufReader::with_capacity(1 << 18, File::open(path).or_io(path)?);
    let (mut code, mut value, mut line, mut inside) = (vec![], vec![], 0u64, false);
    // Whether the section has entities; its name is what comes first in it.
    let (mut entities, mut unnamed, mut seen) = (false, false, vec![]);
    loop {
        let malformed = |line: u64, what: &str| fail(Who::Supplier, "malformed", format!("{named}:{line}: {what}"));
        if !next_line(&mut reader, &mut code).or_io(path)? || !next_line(&mut reader, &mut value).or_io(path)? {
            return incomplete(named, "the drawing does not end with `0 EOF`");
        }
        line += 2;
        let Some(code) = std::str::from_utf8(code.trim_ascii()).ok().and_then(|c| c.parse::<i32>().ok()) else {
            return malformed(line - 1, "a group code is no number");
        };
        match (code, value.trim_ascii(), inside) {
            (0, b"SECTION", false) => (inside, unnamed) = (true, true),
            (0, b"ENDSEC", true) => (inside, entities) = (false, false),
            (2, name, true) if unnamed => {
                (entities, unnamed) = (name == b"ENTITIES" || name == b"BLOCKS", false);
                // GDAL reads the first alone.
                if entities && seen.iter().any(|s: &Vec<u8>| s == name) {
                    return malformed(line, "a second section of one name");
                }
                seen.push(name.to_vec());
            }
            (0, b"EOF", false) => break,
            (0, b"EOF", true) => return incomplete(named, "the drawing ends inside a section"),
            (0, b"SECTION", true) => return malformed(line, "a section begins inside another"),
            (0, _, false) => return malformed(line, "an element stands outside of all sections"),
            (0, kind, true) if entities && !DRAWN.contains(&kind) && !NO_CONTENT.contains(&kind) => {
                proven.lost.add(&String::from_utf8_lossy(kind));
            }
            _ => {}
        }
    }
    let mut rest = vec![];
    reader.take(4096).read_to_end(&mut rest).or_io(path)?;
    // Old programs end a file with Ctrl-Z.
    match rest.iter().all(|b| b.is_ascii_whitespace() || matches!(b, 0 | 0x1a)) {
        true => Ok(()),
        false => fail(Who::Supplier, "malformed", format!("{named}: something follows its end")),
    }
}

/// A line longer than this is none.
const MAX_LINE_BYTES: u64 = 64 << 20;

/// The next line, without what was before; whether there is one.
fn next_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> std::io::Result<bool> {
    line.clear();
    reader.take(MAX_LINE_BYTES).read_until(b'\n', line).map(|n| n > 0)
}

/// Well-formed to the end of its root; the CRS and its spelling are taken along.
fn gml(path: &Path, named: &str, proven: &mut Proven) -> Outcome<()> {
    let read = xml::walk(path, named)?;
    proven.lost = read.strangers;
    if let Some(name) = read.srs_name {
        // EPSG:4547 means x first to everybody; the URN and URL spellings mean the authority's order (OGC 06-042).
        let authority = name.starts_with("urn:") || name.starts_with("http");
        let code = name.rsplit([':', '/', '#']).next().unwrap_or_default();
        let epsg = name.to_ascii_uppercase().contains("EPSG") && code.bytes().all(|b| b.is_ascii_digit());
        proven.authority_order = authority;
        proven.crs = epsg.then(|| format!("EPSG:{code}"));
    }
    Ok(())
}
