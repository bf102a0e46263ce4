//! CityGML 1.0, 2.0 and 3.0 as streams: a first pass finds the features, a second reads them, some at a time and on all
//! cores, in their order. Coordinates are taken in the order of the CRS's authority where its name is a URN or URL.

mod appearance;
mod attributes;
mod feature;
mod survey;

use super::columns::Attributes;
use super::images::{Place, Shelf};
use crate::error::Result;
use crate::import::read::pipe::{ModelDraft, Pipe};
use crate::import::read::textfile;
use crate::import::read::unpack::Input;
use crate::import::read::{OrIo, Outcome, incomplete};
use crate::import::repair::reject;
use crate::import::wire::{Frame, Opened, ReadJob};
use appearance::Appearance;
use rayon::prelude::*;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::SyncSender;

/// Features are read until they have this many bytes, then parsed side by side.
const PORTION_BYTES: u64 = 8 << 20;
/// A feature larger than this is refused.
const MAX_FEATURE_BYTES: u64 = 256 << 20;

/// Whether a file is CityGML: its root element is CityModel.
pub fn is_one(path: &Path) -> Outcome<bool> {
    let mut head = vec![];
    File::open(path).and_then(|f| f.take(16 << 10).read_to_end(&mut head)).or_io(path)?;
    let text = String::from_utf8_lossy(&head);
    let root =
        text.match_indices('<').map(|(i, _)| &text[i + 1..]).find(|t| t.starts_with(|c: char| c.is_alphabetic()));
    let name = root.map(|t| t.split([' ', '>', '\n', '\r', '\t', '/']).next().unwrap_or_default()).unwrap_or_default();
    Ok(name.rsplit(':').next() == Some("CityModel") && text.contains("www.opengis.net/citygml"))
}

pub fn read(job: &ReadJob, input: &Input, out: &mut dyn FnMut(Frame) -> Result<()>) -> Outcome<()> {
    let named = input.named.as_str();
    let (path, encoding, mut findings) = utf8(job, input)?;
    let mut survey = survey::survey(&path, named)?;
    if survey.strangers > 0 {
        findings.push(format!("{} elements of the model are no members and left out", survey.strangers));
    }
    let lods = super::wanted(job, named)?;
    let srs = survey.srs.clone();
    let authority = srs.as_deref().is_some_and(super::crs::authority_order);
    let reproject = super::reproject(job, srs.as_deref(), authority, named)?;
    let attributes = Attributes::new(std::mem::take(&mut survey.attributes));
    let opened = Opened {
        columns: attributes.names.clone(),
        declared: Some(survey.features.len() as u64),
        encoding,
        findings,
        ..Opened::default()
    };
    let mut pipe = Pipe::open(opened, &reproject, named, out)?;
    let file = File::open(&path).or_io(&path)?;
    let mut place = Place::of(job, input)?;
    let appearance = dressed(&mut place, &file, &path, &survey.appearances, &mut pipe)?;
    let source = Source { job, attributes, lods, srs, appearance };
    let mut interior = 0;
    // The next portion is parsed while this one is handed over.
    std::thread::scope(|scope| {
        let (sender, portions) = std::sync::mpsc::sync_channel(1);
        scope.spawn(|| source.portions(&file, &path, &survey.features, sender));
        portions.into_iter().try_for_each(|portion| -> Outcome<()> {
            for (draft, inside) in portion? {
                interior += inside;
                pipe.push_model(draft)?;
            }
            Ok(())
        })
    })?;
    if interior > 0 {
        pipe.finding(format!("{interior} rooms and pieces of furniture are left out"));
    }
    if let Some(stated) = job.stated_rows.filter(|s| *s != pipe.read()) {
        return incomplete(named, format!("{stated} records are stated, {} were read", pipe.read()));
    }
    pipe.done()
}

/// What the file's features wear; its images are handed over.
fn dressed(place: &mut Place, file: &File, path: &Path, spans: &[(u64, u64)], pipe: &mut Pipe) -> Outcome<Appearance> {
    let mut appearance = Appearance::default();
    let mut unread = 0;
    for (from, to) in spans {
        let mut text = vec![0; (to - from).min(MAX_FEATURE_BYTES) as usize];
        file.read_exact_at(&mut text, *from).or_io(path)?;
        let read = std::str::from_utf8(&text).ok().and_then(|text| appearance.read(text).ok());
        unread += u64::from(read.is_none());
    }
    let shelf = Shelf::load(place, &appearance.uris(), |image| pipe.image(image))?;
    appearance.hang(&shelf);
    shelf.findings().into_iter().for_each(|what| pipe.finding(what));
    for (n, what) in [
        (appearance.others, "textures are given by a mapping and left out"),
        (unread, "appearances cannot be read and are left out"),
    ] {
        if n > 0 {
            pipe.finding(format!("{n} {what}"));
        }
    }
    Ok(appearance)
}

/// The file in UTF-8, the encoding it has and what is odd about it. Who declares UTF-8, or nothing, is taken at his
/// word (XML 1.0 §4.3.3): both passes check it on the way. All others are looked at whole and copied.
fn utf8(job: &ReadJob, input: &Input) -> Outcome<(PathBuf, String, Vec<String>)> {
    let mut head = vec![];
    File::open(&input.path).and_then(|f| f.take(256).read_to_end(&mut head)).or_io(&input.path)?;
    let text = String::from_utf8_lossy(&head).to_ascii_lowercase();
    let declares =
        text.split_once("encoding=").map(|(_, rest)| rest.trim_start_matches(['"', '\'']).starts_with("utf-8"));
    if job.encoding.is_none() && text.starts_with("<?xml") && declares != Some(false) {
        return Ok((input.path.clone(), "UTF-8 (XML declaration)".into(), vec![]));
    }
    let looked = textfile::look(&input.path, job.encoding.as_deref(), &input.named)?;
    let path = match looked.is_plain_utf8() {
        true => input.path.clone(),
        false => looked.transcode(&input.path, &job.scratch.join("source.city.gml"), &input.named)?,
    };
    Ok((path, looked.choice.label(), looked.choice.findings.clone()))
}

struct Source<'a> {
    job: &'a ReadJob,
    attributes: Attributes,
    lods: Vec<crate::feature::Tier>,
    srs: Option<String>,
    appearance: Appearance,
}

/// A record and its inner objects.
type Drafted = (ModelDraft, u64);

impl Source<'_> {
    /// Parses the features, a portion at a time, in their order, until nobody takes them any more.
    fn portions(&self, file: &File, path: &Path, features: &[(u64, u64)], sender: SyncSender<Outcome<Vec<Drafted>>>) {
        let mut features = features.iter().zip(1u64..).peekable();
        while features.peek().is_some() {
            let mut read = || {
                let (mut portion, mut bytes) = (vec![], 0);
                while let Some((&(from, to), row)) = features.next_if(|_| bytes < PORTION_BYTES) {
                    let mut text = vec![0; (to - from).min(MAX_FEATURE_BYTES + 1) as usize];
                    file.read_exact_at(&mut text, from).or_io(path)?;
                    bytes += text.len() as u64;
                    portion.push((row, text));
                }
                Ok(portion)
            };
            let drafts = read().map(|p| p.into_par_iter().map(|(row, text)| self.draft(row, &text)).collect());
            let failed = drafts.is_err();
            if sender.send(drafts).is_err() || failed {
                return;
            }
        }
    }

    fn draft(&self, row: u64, text: &[u8]) -> Drafted {
        let limits = &self.job.limits;
        let read = match std::str::from_utf8(text) {
            _ if text.len() as u64 > MAX_FEATURE_BYTES => {
                Err(reject("broken-object", format!("it is larger than {MAX_FEATURE_BYTES} bytes")))
            }
            Err(_) => Err(reject("broken-text", "it is not UTF-8")),
            Ok(text) => feature::read(text, &self.lods, limits.vertices, self.srs.as_deref(), &self.appearance)
                .map_err(|what| reject("broken-object", what)),
        };
        match read {
            Err(why) => {
                let values = self.attributes.values("", "", vec![], limits.text_bytes);
                (ModelDraft::new(row, None, Err(why), vec![], values), 0)
            }
            Ok(read) => {
                let values = self.attributes.values(&read.id, &read.kind, read.attributes, limits.text_bytes);
                (ModelDraft::new(row, Some(&read.id), read.model, read.faults, values), read.interior)
            }
        }
    }
}
