//! One streaming pass over an XML file: well-formed to its end, without a document type (entity bombs), and what
//! srsName it uses. Builds nothing.

use super::complete::Lost;
use super::{OrIo, Outcome, fail, incomplete};
use crate::import::wire::Who;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

const MAX_DEPTH: u32 = 200;
/// What a collection may have beside its members (GML 2 and 3, WFS 2).
const NO_MEMBERS: [&str; 11] = [
    "boundedBy",
    "name",
    "description",
    "descriptionReference",
    "identifier",
    "metaDataProperty",
    "metadata",
    "location",
    "truncatedResponse",
    "additionalObjects",
    "additionalValues",
];

pub struct Walked {
    /// The first srsName met.
    pub srs_name: Option<String>,
    /// Elements of the root that are neither members, which end in `member` or `members` for GDAL, nor known: by name.
    pub strangers: Lost,
}

fn is_known(name: &str) -> bool {
    let low = name.to_ascii_lowercase();
    low.ends_with("member") || low.ends_with("members") || NO_MEMBERS.contains(&name)
}

pub fn walk(path: &Path, named: &str) -> Outcome<Walked> {
    let file = BufReader::with_capacity(1 << 18, File::open(path).or_io(path)?);
    let mut reader = Reader::from_reader(file);
    let (mut depth, mut roots, mut srs_name, mut buffer) = (0u32, 0u32, None, vec![]);
    let mut strangers = Lost::default();
    let mut child = |depth: u32, e: &BytesStart| {
        let name = e.local_name();
        // A member inside a member is not read either.
        let nested = depth > 1 && matches!(name.as_ref(), "featureMember" | "featureMembers");
        if depth == 1 && !is_known(name.as_ref()) || nested {
            strangers.add(name.as_ref());
        }
    };
    loop {
        let at = reader.buffer_position();
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Start(e)) => {
                roots += u32::from(depth == 0);
                child(depth, &e);
                depth += 1;
                srs_name = srs_name.or_else(|| srs(&e));
            }
            Ok(Event::Empty(e)) => {
                roots += u32::from(depth == 0);
                child(depth, &e);
                srs_name = srs_name.or_else(|| srs(&e));
            }
            Ok(Event::End(_)) => depth = depth.saturating_sub(1),
            Ok(Event::DocType(_)) => {
                return fail(Who::Supplier, "malformed", format!("{named}: has a document type; remove it"));
            }
            Ok(Event::Eof) if depth > 0 || roots != 1 => {
                return incomplete(named, format!("the XML document ends early, {depth} elements are open"));
            }
            Ok(Event::Eof) => return Ok(Walked { srs_name, strangers }),
            Ok(_) => {}
            Err(quick_xml::Error::Syntax(e)) => return incomplete(named, format!("the XML document ends early: {e}")),
            Err(e) => return fail(Who::Supplier, "malformed", format!("{named}: is not XML at byte {at}: {e}")),
        }
        if depth > MAX_DEPTH {
            return fail(Who::Supplier, "malformed", format!("{named}: nested deeper than {MAX_DEPTH} levels"));
        }
        buffer.clear();
    }
}

fn srs(e: &BytesStart) -> Option<String> {
    let found = e.attributes().flatten().find(|a| a.key.local_name().as_ref() == "srsName")?;
    Some(found.value.trim().to_string()).filter(|s| !s.is_empty())
}
