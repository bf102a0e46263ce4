//! CityJSON 1.0, 1.1 and 2.0 documents, and sequences of features (CityJSONSeq, one JSON text a line). A document is
//! read twice, first for where things stand; in memory are its vertices and one object at a time. A sequence costs a
//! line at a time.

mod geometry;
mod nested;
mod object;
mod scan;
mod wardrobe;

use super::columns::Attributes;
use super::images::{Place, Shelf};
use crate::error::Result;
use crate::feature::Tier;
use crate::import::read::pipe::Pipe;
use crate::import::read::textfile;
use crate::import::read::unpack::Input;
use crate::import::read::{OrIo, Outcome, fail, incomplete};
use crate::import::repair::reject;
use crate::import::wire::{Frame, Opened, ReadJob, Reject, Who};
use geometry::{Space, Templates};
use object::{LeftOut, Object, Shared};
use scan::{Broken, Layout, Scanner, Span};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use wardrobe::{Appearance, Wardrobe};

/// A feature of a sequence, or an object of a document, is not larger than this.
const MAX_ITEM_BYTES: u64 = 256 << 20;
/// A document's vertices stay in memory; larger ones are to be delivered as a sequence.
const MAX_VERTICES_BYTES: u64 = 1 << 30;

#[derive(Debug, Default, Deserialize)]
struct Transform {
    scale: [f64; 3],
    translate: [f64; 3],
}

#[derive(Debug, Default, Deserialize)]
struct Metadata {
    #[serde(default, rename = "referenceSystem")]
    reference_system: Option<String>,
}

/// Whether the first JSON text of a file calls itself CityJSON.
pub fn is_one(path: &Path) -> Outcome<bool> {
    let mut file = BufReader::with_capacity(1 << 16, File::open(path).or_io(path)?);
    let (mut seen, mut scanner) = (vec![], Scanner::default());
    loop {
        let chunk = file.fill_buf().or_io(path)?;
        if chunk.is_empty() {
            return Ok(false);
        }
        // A name or a value is not split: what was before is looked at again.
        seen.extend_from_slice(chunk);
        let compact: Vec<u8> = seen.iter().copied().filter(|b| !b.is_ascii_whitespace()).collect();
        let says = |name: &str| compact.windows(name.len()).any(|w| w == name.as_bytes());
        if says("\"type\":\"CityJSON\"") || says("\"type\":\"CityJSONFeature\"") || says("\"CityObjects\":{") {
            return Ok(true);
        }
        if says("\"type\":\"FeatureCollection\"") || says("\"type\":\"Feature\"") {
            return Ok(false);
        }
        let n = chunk.len();
        match scanner.feed(chunk) {
            Ok(taken) if taken == n => {}
            _ => return Ok(false),
        }
        file.consume(n);
        seen.drain(..seen.len().saturating_sub(256));
    }
}

pub fn read(job: &ReadJob, input: &Input, out: &mut dyn FnMut(Frame) -> Result<()>) -> Outcome<()> {
    let looked = textfile::json(&input.path, job.encoding.as_deref(), &input.named)?;
    let path = match looked.is_plain_utf8() {
        true => input.path.clone(),
        false => looked.transcode(&input.path, &job.scratch.join("source.city.json"), &input.named)?,
    };
    let survey = survey(&path, &input.named)?;
    let source = Source::open(job, input, path, survey)?;
    source.read(out, looked.choice.label(), &looked.choice.findings)
}

/// What the first pass saw.
struct Survey {
    /// The document, or the first line of a sequence.
    head: Layout,
    /// Byte after it.
    head_end: u64,
    sequence: bool,
    attributes: BTreeSet<String>,
    records: u64,
}

fn broken<T>(named: &str, place: &str, why: Broken) -> Outcome<T> {
    match why {
        Broken::Early => incomplete(named, format!("the JSON document ends early{place}")),
        Broken::Malformed(what) => fail(Who::Supplier, "malformed", format!("{named}: is not JSON{place}: {what}")),
    }
}

fn survey(path: &Path, named: &str) -> Outcome<Survey> {
    let mut file = BufReader::with_capacity(1 << 18, File::open(path).or_io(path)?);
    let mut scanner = Scanner::default();
    while !scanner.is_over() {
        let chunk = file.fill_buf().or_io(path)?;
        if chunk.is_empty() {
            return broken(named, "", Broken::Early);
        }
        match scanner.feed(chunk) {
            Ok(taken) => file.consume(taken),
            Err(why) => return broken(named, "", why),
        }
    }
    let head_end = file.stream_position().or_io(path)?;
    let mut head = match scanner.finish() {
        Ok(head) => head,
        Err(why) => return broken(named, "", why),
    };
    let mut attributes = std::mem::take(&mut head.attributes);
    let mut records = head.objects.iter().filter(|o| o.root).count() as u64;
    let mut sequence = false;
    let mut lines = Lines::new(file, named);
    while let Some((number, line)) = lines.next(path)? {
        sequence = true;
        let layout = match layout_of(line) {
            Ok(layout) => layout,
            Err(why) => return broken(named, &format!(", line {number}"), why),
        };
        records += layout.objects.iter().filter(|o| o.root).count() as u64;
        attributes.extend(layout.attributes);
    }
    if !sequence && !head.has_objects {
        return broken(named, "", Broken::Malformed("it has no `CityObjects`".into()));
    }
    Ok(Survey { head, head_end, sequence, attributes, records })
}

fn layout_of(line: &[u8]) -> std::result::Result<Layout, Broken> {
    let mut scanner = Scanner::default();
    let taken = scanner.feed(line)?;
    match line[taken..].trim_ascii().is_empty() {
        true => scanner.finish(),
        false => Err(Broken::Malformed("a line holds more than one JSON text".into())),
    }
}

/// The lines after the first, blank ones left out.
struct Lines<'a> {
    file: BufReader<File>,
    named: &'a str,
    number: u64,
    line: Vec<u8>,
}

impl<'a> Lines<'a> {
    /// `file` stands behind the first JSON text.
    fn new(file: BufReader<File>, named: &'a str) -> Lines<'a> {
        Lines { file, named, number: 0, line: vec![] }
    }

    /// The next line and its number.
    fn next(&mut self, path: &Path) -> Outcome<Option<(u64, &[u8])>> {
        loop {
            self.line.clear();
            let got = (&mut self.file).take(MAX_ITEM_BYTES + 1).read_until(b'\n', &mut self.line).or_io(path)?;
            self.number += 1;
            if got == 0 {
                return Ok(None);
            }
            if got as u64 > MAX_ITEM_BYTES {
                let what = format!("{}: line {} is longer than {MAX_ITEM_BYTES} bytes", self.named, self.number);
                return fail(Who::Supplier, "too-large", what);
            }
            // RFC 8142 writes a record separator before each text.
            if self.line.first() == Some(&0x1e) {
                self.line[0] = b' ';
            }
            if !self.line.trim_ascii().is_empty() {
                return Ok(Some((self.number, &self.line)));
            }
        }
    }
}

/// Bytes of one document: in a file, or a line in memory.
enum Bytes<'a> {
    File { file: &'a File, path: &'a Path },
    Line(&'a [u8]),
}

impl Bytes<'_> {
    /// A value of the document, parsed.
    fn parse<T: DeserializeOwned>(&self, span: Span) -> Outcome<std::result::Result<T, serde_json::Error>> {
        match self {
            Bytes::File { file, path } => {
                let mut bytes = vec![0; span.len as usize];
                file.read_exact_at(&mut bytes, span.at).or_io(path)?;
                Ok(serde_json::from_slice(&bytes))
            }
            Bytes::Line(line) => {
                let bytes = line.get(span.at as usize..(span.at + span.len) as usize).unwrap_or_default();
                Ok(serde_json::from_slice(bytes))
            }
        }
    }
}

struct Source<'a> {
    job: &'a ReadJob,
    input: &'a Input,
    named: &'a str,
    path: PathBuf,
    survey: Survey,
    attributes: Attributes,
    lods: Vec<Tier>,
    transform: Transform,
    templates: Templates,
    reference_system: Option<String>,
}

impl<'a> Source<'a> {
    fn open(job: &'a ReadJob, input: &'a Input, path: PathBuf, mut survey: Survey) -> Outcome<Source<'a>> {
        let named = input.named.as_str();
        let file = File::open(&path).or_io(&path)?;
        let head = Head { bytes: Bytes::File { file: &file, path: &path }, layout: &survey.head, named };
        head.is_cityjson()?;
        let transform: Option<Transform> = head.member("transform")?;
        if transform.is_none() && survey.sequence {
            return incomplete(named, "the first line has no `transform`");
        }
        let unit = Transform { scale: [1.0; 3], translate: [0.0; 3] };
        let transform = transform.unwrap_or(unit);
        if !transform.scale.iter().chain(&transform.translate).all(|v| v.is_finite()) || transform.scale.contains(&0.0)
        {
            return fail(Who::Supplier, "malformed", format!("{named}: `transform` has no usable scale"));
        }
        let templates: Templates = head.member("geometry-templates")?.unwrap_or_default();
        let metadata: Metadata = head.member("metadata")?.unwrap_or_default();
        let attributes = Attributes::new(std::mem::take(&mut survey.attributes));
        let (lods, reference_system) = (super::wanted(job, named)?, metadata.reference_system);
        Ok(Source { job, input, named, path, survey, attributes, lods, transform, templates, reference_system })
    }

    fn read(&self, out: &mut dyn FnMut(Frame) -> Result<()>, encoding: String, findings: &[String]) -> Outcome<()> {
        // Coordinates are x = east whatever the CRS says: that is how all writers of CityJSON take it.
        let reproject = super::reproject(self.job, self.reference_system.as_deref(), false, self.named)?;
        let opened = Opened {
            columns: self.attributes.names.clone(),
            declared: Some(self.survey.records),
            encoding,
            findings: findings.to_vec(),
            ..Opened::default()
        };
        let mut pipe = Pipe::open(opened, &reproject, self.named, out)?;
        let mut left_out = LeftOut::default();
        let file = File::open(&self.path).or_io(&self.path)?;
        let head =
            Head { bytes: Bytes::File { file: &file, path: &self.path }, layout: &self.survey.head, named: self.named };
        let appearance: Option<Appearance> = head.member("appearance")?;
        let wardrobe = self.wardrobe(appearance.unwrap_or_default(), &mut pipe)?;
        self.head_objects(&wardrobe, &mut pipe, &mut left_out)?;
        self.lines(&wardrobe, &mut pipe, &mut left_out)?;
        for (n, what) in [
            (left_out.dressed.textures, "geometries have textures"),
            (left_out.dressed.materials, "geometries have materials"),
            (left_out.interior, "rooms, storeys and pieces of furniture are left out"),
        ] {
            if n > 0 {
                pipe.finding(format!("{n} {what}"));
            }
        }
        if let Some(stated) = self.job.stated_rows.filter(|s| *s != pipe.read()) {
            return incomplete(self.named, format!("{stated} records are stated, {} were read", pipe.read()));
        }
        pipe.done()
    }

    /// What surfaces may wear; its images are handed over.
    fn wardrobe(&self, appearance: Appearance, pipe: &mut Pipe) -> Outcome<Wardrobe> {
        let mut place = Place::of(self.job, self.input)?;
        let shelf = Shelf::load(&mut place, &appearance.uris(), |image| pipe.image(image))?;
        shelf.findings().into_iter().for_each(|what| pipe.finding(what));
        Ok(Wardrobe::new(appearance, &shelf))
    }

    fn shared<'s>(&'s self, wardrobe: &'s Wardrobe) -> Shared<'s> {
        Shared {
            templates: &self.templates,
            wardrobe,
            attributes: &self.attributes,
            lods: &self.lods,
            vertices_limit: self.job.limits.vertices,
            text_limit: self.job.limits.text_bytes,
        }
    }

    fn head_objects(&self, wardrobe: &Wardrobe, pipe: &mut Pipe, left_out: &mut LeftOut) -> Outcome<()> {
        if self.survey.head.objects.is_empty() {
            return Ok(());
        }
        let file = File::open(&self.path).or_io(&self.path)?;
        let bytes = Bytes::File { file: &file, path: &self.path };
        let vertices = match self.vertices(&bytes, &self.survey.head)? {
            Ok(vertices) => vertices,
            Err(what) => return fail(Who::Supplier, "malformed", format!("{}: `vertices`: {what}", self.named)),
        };
        self.objects(&bytes, &self.survey.head, &vertices, None, wardrobe, pipe, left_out)
    }

    fn lines(&self, wardrobe: &Wardrobe, pipe: &mut Pipe, left_out: &mut LeftOut) -> Outcome<()> {
        if !self.survey.sequence {
            return Ok(());
        }
        let mut file = BufReader::with_capacity(1 << 18, File::open(&self.path).or_io(&self.path)?);
        file.seek(SeekFrom::Start(self.survey.head_end)).or_io(&self.path)?;
        let mut lines = Lines::new(file, self.named);
        while let Some((number, line)) = lines.next(&self.path)? {
            let layout = match layout_of(line) {
                Ok(layout) => layout,
                Err(why) => return broken(self.named, &format!(", line {number}"), why),
            };
            let bytes = Bytes::Line(line);
            // Broken vertices cost their feature, not the file.
            let vertices = self.vertices(&bytes, &layout)?;
            let why = vertices.as_ref().err().map(|what| reject("bad-vertices", what.clone()));
            let vertices = vertices.unwrap_or_default();
            // A feature of a sequence may bring an appearance of its own.
            let own: Option<Appearance> =
                layout.member("appearance").map(|s| bytes.parse(s)).transpose()?.and_then(Result::ok);
            let own = own.map(|a| self.wardrobe(a, pipe)).transpose()?;
            self.objects(
                &bytes,
                &layout,
                &vertices,
                Some((number, why)),
                own.as_ref().unwrap_or(wardrobe),
                pipe,
                left_out,
            )?;
        }
        Ok(())
    }

    fn vertices(&self, bytes: &Bytes, layout: &Layout) -> Outcome<std::result::Result<Vec<[f64; 3]>, String>> {
        let Some(span) = layout.member("vertices") else { return Ok(Ok(vec![])) };
        if span.len > MAX_VERTICES_BYTES {
            let what =
                format!("{}: its vertices take {} bytes; deliver it as a CityJSON sequence", self.named, span.len);
            return fail(Who::Supplier, "too-large", what);
        }
        Ok(bytes.parse(span)?.map_err(|e| e.to_string()))
    }

    #[allow(clippy::too_many_arguments, reason = "one call's worth of borrowed parts of one source")]
    /// Every object without a parent becomes a record. `line`: its number in a sequence, and why it cannot be read.
    fn objects(
        &self,
        bytes: &Bytes,
        layout: &Layout,
        vertices: &[[f64; 3]],
        line: Option<(u64, Option<Reject>)>,
        wardrobe: &Wardrobe,
        pipe: &mut Pipe,
        left_out: &mut LeftOut,
    ) -> Outcome<()> {
        let space = Space { vertices, scale: self.transform.scale, translate: self.transform.translate };
        let with_parents = layout.objects.iter().any(|o| !o.root);
        let by_id: HashMap<&str, Span> =
            layout.objects.iter().filter(|_| with_parents).map(|o| (o.id.as_str(), o.span)).collect();
        let parse = |span: Span| -> std::result::Result<Object, Reject> {
            if span.len > MAX_ITEM_BYTES {
                return Err(reject("broken-object", format!("it is larger than {MAX_ITEM_BYTES} bytes")));
            }
            let parsed = bytes.parse::<Object>(span).map_err(|_| reject("broken-object", "it cannot be read"))?;
            parsed.map_err(|e| reject("broken-object", e.to_string()))
        };
        let shared = self.shared(wardrobe);
        for (i, o) in layout.objects.iter().enumerate().filter(|(_, o)| o.root) {
            let row = line.as_ref().map_or(i as u64 + 1, |(number, _)| *number);
            let refused = line.as_ref().and_then(|(_, why)| why.clone());
            let object = refused.map_or_else(|| parse(o.span), Err);
            let find = |id: &str| by_id.get(id).map(|span| parse(*span));
            let (draft, left) = object::draft(row, &o.id, object, &shared, &space, &find);
            left_out.add(left);
            pipe.push_model(draft)?;
        }
        Ok(())
    }
}

/// The members that hold for the whole source.
struct Head<'a> {
    bytes: Bytes<'a>,
    layout: &'a Layout,
    named: &'a str,
}

impl Head<'_> {
    fn member<T: DeserializeOwned>(&self, name: &str) -> Outcome<Option<T>> {
        let Some(span) = self.layout.member(name).filter(|s| s.len <= MAX_ITEM_BYTES) else { return Ok(None) };
        match self.bytes.parse::<Option<T>>(span)? {
            Ok(value) => Ok(value),
            Err(e) => fail(Who::Supplier, "malformed", format!("{}: `{name}`: {e}", self.named)),
        }
    }

    fn is_cityjson(&self) -> Outcome<()> {
        let kind: String = self.member("type")?.unwrap_or_default();
        if kind == "CityJSONFeature" {
            let what =
                "begins with a CityJSONFeature; the line with `transform` and the CRS that comes first is missing";
            return incomplete(self.named, what);
        }
        let version: String = self.member("version")?.unwrap_or_default();
        let known = ["1.0", "1.1", "2.0"].iter().any(|v| version == *v || version.starts_with(&format!("{v}.")));
        match (kind.as_str(), known) {
            ("CityJSON", true) => Ok(()),
            ("CityJSON", false) => {
                let what = format!("{}: is CityJSON `{version}`; 1.0, 1.1 and 2.0 are read", self.named);
                fail(Who::Supplier, "unknown-version", what)
            }
            _ => fail(Who::Supplier, "not-this-format", format!("{}: is not CityJSON", self.named)),
        }
    }
}
