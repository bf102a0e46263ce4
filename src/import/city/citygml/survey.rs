//! The first pass over a CityGML file: well-formed to its end, what version and CRS it has, where its features stand
//! and what their attributes are called. A large file is looked through in stretches, side by side. Builds nothing.

use super::attributes::{AttributeWalk, attribute};
use crate::import::read::{OrIo, Outcome, fail, incomplete};
use crate::import::wire::Who;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use rayon::prelude::*;
use std::borrow::Cow;
use std::collections::HashSet;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::Path;

const MAX_DEPTH: usize = 200;

#[derive(Debug, Default, PartialEq)]
pub struct Survey {
    /// Bytes of each feature element: from, to.
    pub features: Vec<(u64, u64)>,
    /// Names of attributes in the order they were met.
    pub attributes: Vec<String>,
    /// The first srsName.
    pub srs: Option<String>,
    /// Bytes of each element of appearances: from, to.
    pub appearances: Vec<(u64, u64)>,
    /// Elements of the model that are no members: what is in them is left out.
    pub strangers: u64,
}

/// What a model holds beside its features: GML's standard properties, appearances, versions.
const NO_FEATURES: [&str; 13] = [
    "appearance",
    "appearanceMember",
    "boundedBy",
    "description",
    "descriptionReference",
    "engineeringCRS",
    "identifier",
    "location",
    "metaDataProperty",
    "name",
    "relativeToTerrain",
    "versionMember",
    "versionTransitionMember",
];

pub fn survey(path: &Path, named: &str) -> Outcome<Survey> {
    let whole = Part { path, named, from: 0, to: u64::MAX, opening: vec![] };
    // Parts that are not sound by themselves say nothing of the whole: it is then read in one piece.
    let size = std::fs::metadata(path).or_io(path)?.len();
    match parts(path, named, size / PART_BYTES).and_then(|parts| together(&parts)) {
        Some(found) => Ok(found),
        None => whole.scan()?.finish(),
    }
}

/// A stretch is held in memory: smaller ones are more work to cut, larger ones no faster.
const PART_BYTES: u64 = 8 << 20;
/// How far the end of a member is looked for.
const LOOKED_THROUGH: u64 = 4 << 20;

/// A stretch of a file that begins and ends between two members.
struct Part<'a> {
    path: &'a Path,
    named: &'a str,
    from: u64,
    to: u64,
    /// Put before it: the root's tag, where it stands in an earlier stretch.
    opening: Vec<u8>,
}

/// So many about equal stretches of a file; `None` where it has no places to cut.
fn parts<'a>(path: &'a Path, named: &'a str, count: u64) -> Option<Vec<Part<'a>>> {
    if count < 2 {
        return None;
    }
    let file = File::open(path).ok()?;
    let size = file.metadata().ok()?.len();
    let mut cuts: Vec<u64> = (1..count).map(|i| cut_after(&file, size / count * i)).collect::<Option<_>>()?;
    cuts.push(u64::MAX);
    cuts.dedup();
    let opening = opening(&file)?;
    let mut from = 0;
    let part = |to| {
        let opening = if from == 0 { vec![] } else { opening.clone() };
        Part { path, named, from: std::mem::replace(&mut from, to), to, opening }
    };
    Some(cuts.into_iter().map(part).collect())
}

/// The end of the first member that ends after a byte.
fn cut_after(file: &File, at: u64) -> Option<u64> {
    let mut text = vec![0; LOOKED_THROUGH as usize];
    let read = file.read_at(&mut text, at).ok()?;
    let text = &text[..read];
    let ends = |name: &[u8]| {
        let mut found = text.windows(name.len()).enumerate().filter(|(_, w)| *w == name).map(|(i, _)| i);
        found.find(|i| text[..*i].iter().rev().take(64).find(|b| matches!(b, b'<' | b'>' | b'/')) == Some(&b'/'))
    };
    let end = |name: &[u8]| ends(name).map(|i| at + (i + name.len()) as u64);
    end(b"cityObjectMember>").or_else(|| end(b"featureMember>"))
}

/// The root's start tag without its attributes.
fn opening(file: &File) -> Option<Vec<u8>> {
    let mut head = vec![0; 64 << 10];
    let read = file.read_at(&mut head, 0).ok()?;
    let mut reader = Reader::from_reader(&head[..read]);
    let mut buffer = vec![];
    loop {
        match reader.read_event_into(&mut buffer).ok()? {
            Event::Start(e) => {
                let name = e.name();
                let name: &str = name.as_ref();
                return Some(format!("<{name}>").into_bytes());
            }
            Event::Eof => return None,
            _ => {}
        }
    }
}

/// What the stretches say, if each of them is sound.
fn together(parts: &[Part<'_>]) -> Option<Survey> {
    let scanned: Vec<Pass<'_>> = parts.par_iter().map(Part::scan_in_memory).collect::<Option<_>>()?;
    let mut found = Survey::default();
    for (i, pass) in scanned.into_iter().enumerate() {
        let open = usize::from(i + 1 < parts.len());
        if pass.depth != open || pass.roots != 1 {
            return None;
        }
        found.features.extend(pass.found.features);
        found.appearances.extend(pass.found.appearances);
        found.strangers += pass.found.strangers;
        found.srs = found.srs.or(pass.found.srs);
        let new: Vec<String> = pass.found.attributes.into_iter().filter(|a| !found.attributes.contains(a)).collect();
        found.attributes.extend(new);
    }
    Some(found)
}

impl<'a> Part<'a> {
    /// Reads it bit by bit.
    fn scan(&self) -> Outcome<Pass<'a>> {
        let mut file = File::open(self.path).or_io(self.path)?;
        file.seek(SeekFrom::Start(self.from)).or_io(self.path)?;
        let own = BufReader::with_capacity(1 << 18, file.take(self.to - self.from));
        let mut reader = Reader::from_reader(self.opening.chain(own));
        let mut buffer = vec![];
        let mut pass = Pass::new(self.named);
        loop {
            let before = self.place(reader.buffer_position());
            buffer.clear();
            let event = reader.read_event_into(&mut buffer);
            if pass.take(event, before, self.place(reader.buffer_position()))? {
                return Ok(pass);
            }
        }
    }

    /// The same from memory, where nothing is copied and the text is checked in one go; `None` where it is not sound, or
    /// begins with a byte order mark, which the reader does not count.
    fn scan_in_memory(&self) -> Option<Pass<'a>> {
        let mut bytes = self.opening.clone();
        let mut file = File::open(self.path).ok()?;
        file.seek(SeekFrom::Start(self.from)).ok()?;
        file.take(self.to - self.from).read_to_end(&mut bytes).ok()?;
        let text = std::str::from_utf8(&bytes).ok().filter(|t| !t.starts_with('\u{feff}'))?;
        let mut reader = Reader::from_str(text);
        let mut pass = Pass::new(self.named);
        loop {
            let before = self.place(reader.buffer_position());
            let event = reader.read_event();
            if pass.take(event, before, self.place(reader.buffer_position())).ok()? {
                return Some(pass);
            }
        }
    }

    /// Where a position of the reader is in the file.
    fn place(&self, position: u64) -> u64 {
        position.wrapping_add(self.from).wrapping_sub(self.opening.len() as u64)
    }
}

struct Pass<'a> {
    named: &'a str,
    depth: usize,
    roots: u32,
    /// Depth of the open member property, and where its feature began.
    member: Option<(usize, Option<u64>)>,
    walk: Option<AttributeWalk>,
    /// Depth of the open appearance, and where it began.
    appearance: Option<(usize, u64)>,
    known: HashSet<String>,
    found: Survey,
}

impl<'a> Pass<'a> {
    fn new(named: &'a str) -> Pass<'a> {
        Pass {
            named,
            depth: 0,
            roots: 0,
            member: None,
            walk: None,
            appearance: None,
            known: HashSet::new(),
            found: Survey::default(),
        }
    }

    /// One event and the bytes between which it stands; whether it was the last.
    fn take(&mut self, event: quick_xml::Result<Event<'_>>, before: u64, after: u64) -> Outcome<bool> {
        let named = self.named;
        // No XML has one (XML 1.0, 2.2), and names with one would be read as if they had none.
        if event.as_ref().is_ok_and(|e| e.contains('\0')) {
            return fail(Who::Supplier, "malformed", format!("{named}: has a zero near byte {before}"));
        }
        match event {
            Ok(Event::Start(e)) => self.start(&e, before)?,
            Ok(Event::Empty(e)) => {
                self.start(&e, before)?;
                self.end(after);
            }
            Ok(Event::End(_)) => self.end(after),
            Ok(Event::Text(t)) => self.text(|| t.xml10_content()),
            Ok(Event::CData(t)) => self.text(|| t.xml10_content()),
            Ok(Event::GeneralRef(r)) => {
                if super::feature::entity(&r).is_none() {
                    let what = format!("{named}: names an entity that is not declared");
                    return fail(Who::Supplier, "malformed", what);
                }
            }
            Ok(Event::DocType(_)) => {
                return fail(Who::Supplier, "malformed", format!("{named}: has a document type; remove it"));
            }
            Ok(Event::Eof) => return Ok(true),
            Ok(_) => {}
            Err(quick_xml::Error::Syntax(e)) => {
                return incomplete(named, format!("the XML document ends early: {e}"));
            }
            Err(e) => {
                return fail(Who::Supplier, "malformed", format!("{named}: is not XML at byte {before}: {e}"));
            }
        }
        Ok(false)
    }

    fn start(&mut self, e: &BytesStart, at: u64) -> Outcome<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let what = format!("{}: nested deeper than {MAX_DEPTH} levels", self.named);
            return fail(Who::Supplier, "malformed", what);
        }
        let local = e.local_name();
        let name: &str = local.as_ref();
        if self.depth == 1 {
            self.roots += 1;
            if name != "CityModel" {
                let what = format!("{}: is not CityGML, its root is <{name}>", self.named);
                return fail(Who::Supplier, "not-this-format", what);
            }
        }
        if self.found.srs.is_none() && e.attributes_raw().contains("srsName") {
            self.found.srs = attribute(e, "srsName");
        }
        if self.appearance.is_none() && (name == "appearanceMember" || name == "appearance") {
            self.appearance = Some((self.depth, at));
        }
        let member = name == "cityObjectMember" || name == "featureMember";
        if self.depth == 2 && !member && !NO_FEATURES.contains(&name) {
            self.found.strangers += 1;
        }
        match &mut self.member {
            None if member => self.member = Some((self.depth, None)),
            Some((depth, from @ None)) if self.depth == *depth + 1 => {
                *from = Some(at);
                self.walk = Some(AttributeWalk::default());
            }
            _ => {}
        }
        if let Some(walk) = &mut self.walk {
            walk.start(e);
        }
        Ok(())
    }

    fn text<'t>(&mut self, text: impl FnOnce() -> Cow<'t, str>) {
        if let Some(walk) = self.walk.as_mut().filter(|walk| walk.wants_text()) {
            walk.text(&text());
        }
    }

    fn end(&mut self, at: u64) {
        if let Some((name, _)) = self.walk.as_mut().and_then(AttributeWalk::end)
            && !self.known.contains(&name)
        {
            self.known.insert(name.clone());
            self.found.attributes.push(name);
        }
        if let Some((_, from)) = self.appearance.take_if(|(depth, _)| *depth == self.depth) {
            self.found.appearances.push((from, at));
        }
        match self.member {
            Some((depth, Some(from))) if self.depth == depth + 1 => {
                self.found.features.push((from, at));
                self.member = Some((depth, None));
                self.walk = None;
            }
            Some((depth, _)) if self.depth == depth => self.member = None,
            _ => {}
        }
        self.depth = self.depth.saturating_sub(1);
    }

    fn finish(self) -> Outcome<Survey> {
        match self.depth == 0 && self.roots == 1 {
            true => Ok(self.found),
            false => incomplete(self.named, format!("the XML document ends early, {} elements are open", self.depth)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(members: impl Iterator<Item = String>) -> String {
        let members: String = members.map(|m| format!("<c:cityObjectMember>{m}</c:cityObjectMember>\n")).collect();
        format!(
            "<?xml version=\"1.0\"?>\n<c:CityModel xmlns:c=\"http://www.opengis.net/citygml/2.0\">\n{members}</c:CityModel>"
        )
    }

    fn house(i: u32) -> String {
        let own = if i.is_multiple_of(3) { format!("<b:a{i}>1</b:a{i}>") } else { String::new() };
        let place = format!("<b:lod1Solid srsName=\"EPSG:4490\"><g:posList>{i} 2 3</g:posList></b:lod1Solid>");
        format!("<b:Building>{own}<b:name>Haus {i}</b:name>{place}</b:Building>")
    }

    /// The survey in one piece, and in so many stretches where they are sound.
    fn both(text: &str, count: u64) -> (Option<Survey>, Option<Survey>) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.gml");
        std::fs::write(&path, text).unwrap();
        let whole = Part { path: &path, named: "a", from: 0, to: u64::MAX, opening: vec![] };
        let whole = whole.scan().ok().and_then(|p| p.finish().ok());
        (whole, parts(&path, "a", count).and_then(|p| together(&p)))
    }

    #[test]
    fn stretches_say_what_the_whole_says() {
        let text = model((0..40).map(house));
        // With a byte order mark, and without.
        for text in [text.clone(), format!("\u{feff}{text}")] {
            for count in 2..9 {
                let (whole, cut) = both(&text, count);
                assert_eq!(whole.as_ref().map(|s| s.features.len()), Some(40));
                assert!(cut == whole || (cut.is_none() && text.starts_with('\u{feff}')), "{count}");
            }
        }
        let (from, to) = both(&text, 4).1.unwrap().features[31];
        assert_eq!(text[from as usize..to as usize], house(31));
    }

    #[test]
    fn what_is_not_sound_in_stretches_is_left_to_the_whole() {
        // A cut inside of a comment, a member in a member, an end too few, one too many.
        let comment = model((0..40).map(|i| format!("{}<!-- </c:cityObjectMember> -->", house(i))));
        let nested =
            model((0..40).map(|i| format!("<g:Group><c:cityObjectMember>{}</c:cityObjectMember></g:Group>", house(i))));
        let text = model((0..40).map(house));
        let short = text.replace("</c:CityModel>", "");
        let broken = text.replacen("</b:Building>", "", 1);
        for (what, text) in [("comment", comment), ("nested", nested), ("short", short), ("broken", broken)] {
            for count in 2..9 {
                let (whole, cut) = both(&text, count);
                assert!(cut.is_none() || cut == whole, "{what} {count}");
            }
        }
    }
}
