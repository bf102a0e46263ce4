//! The first pass over a CityGML file: well-formed to its end, what version and CRS it has, where its features stand
//! and what their attributes are called. Builds nothing.

use super::attributes::{AttributeWalk, attribute};
use crate::import::read::{OrIo, Outcome, fail, incomplete};
use crate::import::wire::Who;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::collections::HashSet;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

const MAX_DEPTH: usize = 200;

#[derive(Default)]
pub struct Survey {
    /// Bytes of each feature element: from, to.
    pub features: Vec<(u64, u64)>,
    /// Names of attributes in the order they were met.
    pub attributes: Vec<String>,
    /// The first srsName.
    pub srs: Option<String>,
}

pub fn survey(path: &Path, named: &str) -> Outcome<Survey> {
    let file = BufReader::with_capacity(1 << 18, File::open(path).or_io(path)?);
    let mut pass =
        Pass { named, depth: 0, roots: 0, member: None, walk: None, known: HashSet::new(), found: Survey::default() };
    let mut reader = Reader::from_reader(file);
    let mut buffer = vec![];
    loop {
        let before = reader.buffer_position();
        buffer.clear();
        let event = reader.read_event_into(&mut buffer);
        let after = reader.buffer_position();
        match event {
            Ok(Event::Start(e)) => pass.start(&e, before)?,
            Ok(Event::Empty(e)) => {
                pass.start(&e, before)?;
                pass.end(after);
            }
            Ok(Event::End(_)) => pass.end(after),
            Ok(Event::Text(t)) => pass.text(&t.xml10_content()),
            Ok(Event::CData(t)) => pass.text(&t.xml10_content()),
            Ok(Event::GeneralRef(r)) => {
                if super::feature::entity(&r).is_none() {
                    return fail(Who::Supplier, "malformed", format!("{named}: names an entity that is not declared"));
                }
            }
            Ok(Event::DocType(_)) => {
                return fail(Who::Supplier, "malformed", format!("{named}: has a document type; remove it"));
            }
            Ok(Event::Eof) => return pass.finish(),
            Ok(_) => {}
            Err(quick_xml::Error::Syntax(e)) => return incomplete(named, format!("the XML document ends early: {e}")),
            Err(e) => return fail(Who::Supplier, "malformed", format!("{named}: is not XML at byte {before}: {e}")),
        }
    }
}

struct Pass<'a> {
    named: &'a str,
    depth: usize,
    roots: u32,
    /// Depth of the open member property, and where its feature began.
    member: Option<(usize, Option<u64>)>,
    walk: Option<AttributeWalk>,
    known: HashSet<String>,
    found: Survey,
}

impl Pass<'_> {
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
        match &mut self.member {
            None if name == "cityObjectMember" || name == "featureMember" => self.member = Some((self.depth, None)),
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

    fn text(&mut self, text: &str) {
        if let Some(walk) = &mut self.walk {
            walk.text(text);
        }
    }

    fn end(&mut self, at: u64) {
        if let Some((name, _)) = self.walk.as_mut().and_then(AttributeWalk::end)
            && !self.known.contains(&name)
        {
            self.known.insert(name.clone());
            self.found.attributes.push(name);
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
