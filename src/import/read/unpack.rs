//! From the named path to files that may be opened: archives unpacked by us into the scratch folder, with limits on
//! bytes, entries and ratio, no links and no way out of the folder. Never hands an archive or `/vsi…` to GDAL.

use super::{OrIo, Outcome, fail};
use crate::import::wire::{Format, ReadJob, Who};
use encoding_rs::GB18030;
use flate2::read::MultiGzDecoder;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use zip::ZipArchive;

const MAX_ENTRIES: usize = 20_000;
/// Deflate cannot do better than about 1030:1; real geodata stays far below. Small files may look extreme.
const MAX_RATIO: u64 = 500;
const RATIO_FREE_BYTES: u64 = 32 << 20;

/// What is to be opened.
#[derive(Debug)]
pub struct Input {
    /// A file, or the folder of a file geodatabase.
    pub path: PathBuf,
    /// For messages: `delivery.zip!roads.shp`.
    pub named: String,
    /// What it is called in the archive that it came out of.
    pub member: Option<String>,
}

impl Input {
    /// What needs no unpacking.
    pub fn plain(path: &Path) -> Input {
        Input { path: path.to_path_buf(), named: path.display().to_string(), member: None }
    }
}

/// Finds and, where needed, unpacks the job's file.
pub fn stage(job: &ReadJob) -> Outcome<Input> {
    let named = job.path.display().to_string();
    if named.starts_with("/vsi") {
        return fail(Who::Operator, "bad-path", format!("{named}: GDAL's virtual paths are not taken"));
    }
    let meta = fs::metadata(&job.path).or_io(&job.path)?;
    let plain = Input::plain(&job.path);
    if meta.is_dir() {
        return match job.format {
            Format::Gdb | Format::Geotiff => Ok(plain),
            _ => fail(Who::Operator, "not-this-format", format!("{named}: is a folder, not a file")),
        };
    }
    // What an earlier job left there must not be taken for this one's.
    let _ = fs::remove_dir_all(job.scratch.join("unpacked"));
    let mut magic = [0u8; 4];
    let got = File::open(&job.path).and_then(|mut f| f.read(&mut magic)).or_io(&job.path)?;
    let by_name = |e: &str| job.path.extension().is_some_and(|x| x.eq_ignore_ascii_case(e));
    match magic {
        _ if by_name("zip") => unzip(job, &named),
        [0x1f, 0x8b, ..] if got >= 2 && by_name("gz") => gunzip(job, &named),
        _ if by_name("gz") => fail(Who::Supplier, "broken-archive", format!("{named}: is not a gzip file")),
        _ => Ok(plain),
    }
}

/// Counts what comes out of an archive and stops at the limits.
struct Budget<'a> {
    left: u64,
    named: &'a str,
    limit: u64,
}

impl Budget<'_> {
    fn copy(&mut self, from: &mut dyn Read, to: &mut dyn Write, packed: u64) -> Outcome<()> {
        let cap = self.left.min(packed.saturating_mul(MAX_RATIO).max(RATIO_FREE_BYTES));
        let copied = match io::copy(&mut from.take(cap + 1), to) {
            Ok(n) => n,
            Err(e) => {
                return fail(Who::Supplier, "broken-archive", format!("{}: {e}", self.named));
            }
        };
        if copied > cap {
            let what = match cap == self.left {
                true => format!("unpacks to more than {} bytes", self.limit),
                false => format!("one file unpacks to more than {MAX_RATIO} times its size: a zip bomb"),
            };
            return fail(Who::Supplier, "too-large", format!("{}: {what}", self.named));
        }
        self.left -= copied;
        Ok(())
    }
}

fn gunzip(job: &ReadJob, named: &str) -> Outcome<Input> {
    let stem = job.path.file_stem().unwrap_or_default();
    let path = job.scratch.join("unpacked").join(Path::new(stem).file_name().unwrap_or_default());
    let packed = File::open(&job.path).or_io(&job.path)?;
    let packed_bytes = packed.metadata().or_io(&job.path)?.len();
    let mut out = create(&path)?;
    let mut budget = Budget { left: job.limits.unpacked_bytes, named, limit: job.limits.unpacked_bytes };
    budget.copy(&mut MultiGzDecoder::new(BufReader::new(packed)), &mut out, packed_bytes)?;
    out.flush().or_io(&path)?;
    Ok(Input { path, named: named.to_string(), member: None })
}

fn create(path: &Path) -> Outcome<BufWriter<File>> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).or_io(parent)?;
    }
    File::create(path).or_io(path).map(BufWriter::new)
}

/// A file in the archive, its name decoded.
pub struct Entry {
    pub index: usize,
    pub name: String,
}

/// An open archive.
pub type Archive = ZipArchive<BufReader<File>>;

/// Opens an archive and lists the files in it; refuses one with links or with names that leave it.
pub fn open(path: &Path, named: &str) -> Outcome<(Archive, Vec<Entry>)> {
    let file = File::open(path).or_io(path)?;
    let mut archive = match ZipArchive::new(BufReader::new(file)) {
        Ok(a) => a,
        Err(e) => {
            return fail(Who::Supplier, "broken-archive", format!("{named}: not a readable zip archive: {e}"));
        }
    };
    if archive.len() > MAX_ENTRIES {
        return fail(Who::Supplier, "too-large", format!("{named}: more than {MAX_ENTRIES} entries"));
    }
    // Of two files with one name the archive's reader keeps the last, without a word.
    if let Some(listed) = listed(path)?
        && listed != archive.len()
    {
        let what = format!("its directory lists {listed} files, of which {} have names of their own", archive.len());
        return fail(Who::Supplier, "broken-archive", format!("{named}: {what}"));
    }
    let entries = entries(&mut archive, named)?;
    Ok((archive, entries))
}

/// Files that the record at the archive's end counts; `None` where another record does (zip64).
fn listed(path: &Path) -> Outcome<Option<usize>> {
    const RECORD: usize = 22;
    let mut file = File::open(path).or_io(path)?;
    let size = file.metadata().or_io(path)?.len();
    file.seek(SeekFrom::Start(size.saturating_sub((RECORD + 0xffff) as u64))).or_io(path)?;
    let mut end = vec![];
    file.take((RECORD + 0xffff) as u64).read_to_end(&mut end).or_io(path)?;
    let record = end.windows(RECORD).rev().find(|w| w.starts_with(b"PK\x05\x06"));
    Ok(record.map(|r| usize::from(u16::from_le_bytes([r[10], r[11]]))).filter(|n| *n < 0xffff))
}

fn unzip(job: &ReadJob, named: &str) -> Outcome<Input> {
    let broken = |e: &dyn std::fmt::Display| format!("{named}: not a readable zip archive: {e}");
    let (mut archive, entries) = open(&job.path, named)?;
    let main = choose(job, &entries, named)?;
    let wanted = belongs_to(job.format, &main);
    let root = job.scratch.join("unpacked");
    let mut budget = Budget { left: job.limits.unpacked_bytes, named, limit: job.limits.unpacked_bytes };
    let path = root.join(match job.format {
        Format::Gdb => "source.gdb".to_string(),
        _ => format!("source.{}", extension(&main)),
    });
    for e in entries.iter().filter(|e| wanted.matches(&e.name)) {
        let target = match &wanted {
            Wanted::Folder(folder) => path.join(Path::new(&e.name[folder.len()..]).file_name().unwrap_or_default()),
            _ => root.join(format!("source.{}", extension(&e.name))),
        };
        if target.exists() {
            let what = format!("`{}` is there twice, in other letters", e.name.escape_debug());
            return fail(Who::Supplier, "broken-archive", format!("{named}: {what}"));
        }
        let mut packed = match archive.by_index(e.index) {
            Ok(p) => p,
            Err(x) => return fail(Who::Supplier, "broken-archive", broken(&x)),
        };
        let packed_bytes = packed.compressed_size();
        let mut out = create(&target)?;
        budget.copy(&mut packed, &mut out, packed_bytes)?;
        out.flush().or_io(&target)?;
    }
    Ok(Input { path, named: format!("{named}!{main}"), member: Some(main) })
}

fn extension(name: &str) -> String {
    name.rsplit_once('.').map(|(_, e)| e.to_ascii_lowercase()).unwrap_or_default()
}

/// An entry's name is UTF-8 by bit 11 or by its bytes, else GB18030: Chinese Windows writes GBK without a word.
pub fn entry_name(raw: &[u8]) -> String {
    let name = match std::str::from_utf8(raw) {
        Ok(n) => n.to_string(),
        Err(_) => GB18030.decode_without_bom_handling(raw).0.into_owned(),
    };
    name.replace('\\', "/")
}

fn entries<R: Read + io::Seek>(archive: &mut ZipArchive<R>, named: &str) -> Outcome<Vec<Entry>> {
    let mut found = vec![];
    for index in 0..archive.len() {
        let file = match archive.by_index_raw(index) {
            Ok(f) => f,
            Err(e) => return fail(Who::Supplier, "broken-archive", format!("{named}: entry {index}: {e}")),
        };
        let name = entry_name(file.name_raw());
        let drive = name.as_bytes().get(1) == Some(&b':');
        let escapes = name.starts_with('/') || drive || name.split('/').any(|part| part == "..") || name.contains('\0');
        if escapes || file.is_symlink() {
            return fail(
                Who::Supplier,
                "broken-archive",
                format!("{named}: entry `{}` is a link or leaves the archive", name.escape_debug()),
            );
        }
        if !file.is_dir() {
            found.push(Entry { index, name });
        }
    }
    Ok(found)
}

/// Extensions a format's main file has.
fn extensions(format: Format) -> &'static [&'static str] {
    match format {
        Format::Shapefile => &["shp"],
        Format::Gpkg => &["gpkg"],
        Format::Gdb => &["gdbtable"],
        Format::Flatgeobuf => &["fgb"],
        Format::Geojson => &["geojson", "json"],
        Format::Geojsonseq => &["geojsonl", "geojsons", "geojsonseq", "ndjson", "jsonl"],
        Format::Csv => &["csv", "txt", "tsv"],
        Format::Dxf => &["dxf"],
        Format::Geotiff => &["tif", "tiff"],
        Format::Gml | Format::Citygml => &["gml", "xml", "citygml"],
        Format::Cityjson => &["json", "jsonl", "cityjson", "cityjsonseq"],
    }
}

/// The job's member: by its whole name, by its last part, or the only one of the format.
fn choose(job: &ReadJob, entries: &[Entry], named: &str) -> Outcome<String> {
    let mut candidates: Vec<String> = match job.format {
        Format::Gdb => entries
            .iter()
            .filter(|e| e.name.to_ascii_lowercase().ends_with(".gdbtable"))
            .map(|e| e.name.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/")))
            .collect(),
        f => entries
            .iter()
            .filter(|e| extensions(f).contains(&extension(&e.name).as_str()) && !e.name.starts_with("__MACOSX/"))
            .map(|e| e.name.clone())
            .collect(),
    };
    candidates.sort();
    candidates.dedup();
    if let Some(member) = &job.member {
        let wanted = member.trim_end_matches('/');
        let bare = |c: &str| c.trim_end_matches('/').to_string();
        let exact = entries.iter().map(|e| &e.name).chain(&candidates).find(|c| bare(c) == wanted);
        let last = candidates.iter().filter(|c| bare(c).rsplit('/').next() == Some(wanted)).collect::<Vec<_>>();
        return match (exact, last.as_slice()) {
            (Some(c), _) => Ok(c.clone()),
            (None, [one]) => Ok((*one).clone()),
            _ => fail(Who::Operator, "no-member", format!("{named}: has no `{member}`; it has {}", list(&candidates))),
        };
    }
    match candidates.as_slice() {
        [one] => Ok(one.clone()),
        [] => fail(
            Who::Supplier,
            "no-member",
            format!("{named}: holds no .{} file; it has {}", extensions(job.format)[0], {
                list(&entries.iter().map(|e| e.name.clone()).collect::<Vec<_>>())
            }),
        ),
        many => fail(Who::Operator, "no-member", format!("{named}: name one of its files in `member`: {}", list(many))),
    }
}

fn list(names: &[String]) -> String {
    let more = names.len().saturating_sub(10);
    let shown = names.iter().take(10).map(|n| n.escape_debug().to_string()).collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

/// Which entries belong to the chosen one.
enum Wanted {
    File(String),
    /// Shapefile: same folder and stem, whatever the case.
    Stem(String),
    Folder(String),
}

impl Wanted {
    fn matches(&self, name: &str) -> bool {
        match self {
            Wanted::File(f) => name == f,
            Wanted::Stem(stem) => {
                let known = ["shp", "shx", "dbf", "prj", "cpg"].contains(&extension(name).as_str());
                known && name.rsplit_once('.').is_some_and(|(s, _)| s.eq_ignore_ascii_case(stem))
            }
            Wanted::Folder(folder) => name.strip_prefix(folder.as_str()).is_some_and(|rest| !rest.contains('/')),
        }
    }
}

fn belongs_to(format: Format, main: &str) -> Wanted {
    match format {
        Format::Gdb => Wanted::Folder(main.to_string()),
        Format::Shapefile => Wanted::Stem(main.rsplit_once('.').map_or(main, |(s, _)| s).to_string()),
        _ => Wanted::File(main.to_string()),
    }
}
