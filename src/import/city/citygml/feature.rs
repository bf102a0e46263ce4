//! One CityGML feature (1.0, 2.0 or 3.0) → a model and its values: geometry by level of detail, surfaces with what they
//! are, references inside the feature resolved. GML's ways to write a polygon are known here, files are not.

use super::appearance::Appearance;
use super::attributes::{AttributeWalk, attribute, is_interior, lod_of};
use crate::feature::{Model, Paint, Role, Tier};
use crate::import::city::build::{Builder, role};
use crate::import::repair::reject;
use crate::import::wire::{Raw, Reject};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::collections::{BTreeSet, HashMap};

/// A surface that is named by reference and is not in the feature.
const DANGLING: &str = "dangling-reference";
const IMPLICIT: &str = "implicit-geometry-left-out";

/// What one feature says.
pub struct Read {
    pub id: String,
    pub kind: String,
    pub attributes: Vec<(String, Raw)>,
    pub model: Result<Model, Reject>,
    pub faults: Vec<Reject>,
    pub interior: u64,
}

type Ring = Vec<[f64; 3]>;

struct Polygon {
    role: Role,
    rings: Vec<Ring>,
    /// What it wears, and where each ring's points lie in the image.
    worn: Option<(Paint, Vec<Vec<[f32; 2]>>)>,
    /// A solid already has it.
    used: bool,
}

/// A surface of a shell.
enum Member {
    Polygon(usize),
    /// By id, and whether it is turned.
    Reference(String, bool),
}

/// One `lodN…` property.
struct Root {
    tier: Tier,
    /// Of a thematic surface: wall, roof …
    thematic: bool,
    /// (bounds a solid, surfaces)
    shells: Vec<(bool, Vec<Member>)>,
}

/// What an id stands for: polygons from, to.
type Ids = HashMap<String, (usize, usize)>;

/// Parses `xml`, one feature element and what is in it. `srs`: the CRS of the file, which no geometry may leave.
///
/// # Errors
/// What is wrong with its XML.
pub fn read(
    xml: &str,
    wanted: &[Tier],
    limit: u64,
    srs: Option<&str>,
    appearance: &Appearance,
) -> Result<Read, String> {
    let mut parser = Parser {
        reader: Reader::from_str(xml),
        builder: Builder::new(wanted, limit),
        walk: AttributeWalk::default(),
        read: Read {
            id: String::new(),
            kind: String::new(),
            attributes: vec![],
            model: Err(reject("null-geometry", "")),
            faults: vec![],
            interior: 0,
        },
        polygons: vec![],
        roots: vec![],
        ids: HashMap::new(),
        roles: vec![],
        groups: vec![],
        depth: 0,
        wrong: None,
        srs,
        appearance,
    };
    parser.run().map_err(|e| e.to_string())?;
    Ok(parser.finish())
}

struct Parser<'x, 'w> {
    reader: Reader<&'x [u8]>,
    builder: Builder<'w>,
    walk: AttributeWalk,
    read: Read,
    polygons: Vec<Polygon>,
    roots: Vec<Root>,
    ids: Ids,
    /// Thematic surfaces that are open: depth, role.
    roles: Vec<(usize, Role)>,
    /// Composite surfaces that are open: depth, id, first polygon.
    groups: Vec<(usize, String, usize)>,
    depth: usize,
    /// The first thing that makes the geometry unusable.
    wrong: Option<Reject>,
    srs: Option<&'x str>,
    appearance: &'x Appearance,
}

type Xml<T> = Result<T, quick_xml::Error>;

impl<'x> Parser<'x, '_> {
    fn run(&mut self) -> Xml<()> {
        loop {
            match self.reader.read_event()? {
                Event::Start(e) => {
                    self.depth += 1;
                    self.walk.start(&e);
                    self.start(&e)?;
                }
                Event::Empty(e) => {
                    self.walk.start(&e);
                    self.attribute_ends();
                }
                Event::End(_) => {
                    self.attribute_ends();
                    self.roles.pop_if(|(depth, _)| *depth == self.depth);
                    self.depth -= 1;
                }
                Event::Text(t) => self.walk.text(&t.xml10_content()),
                Event::CData(t) => self.walk.text(&t.xml10_content()),
                Event::GeneralRef(r) => self.walk.text(entity(&r).as_deref().unwrap_or_default()),
                Event::Eof => return Ok(()),
                _ => {}
            }
        }
    }

    fn attribute_ends(&mut self) {
        if let Some((name, text)) = self.walk.end()
            && !self.read.attributes.iter().any(|(n, _)| *n == name)
        {
            self.read.attributes.push((name, Raw::Text(text)));
        }
    }

    /// An element outside of geometry begins.
    fn start(&mut self, e: &BytesStart<'x>) -> Xml<()> {
        let local = e.local_name();
        let name: &str = local.as_ref();
        if self.depth == 1 {
            self.read.kind = name.to_string();
            self.read.id = attribute(e, "id").unwrap_or_default();
            return Ok(());
        }
        if is_interior(name) {
            self.read.interior += 1;
            return self.pass(e);
        }
        if name == "appearance" || name == "appearanceMember" {
            return self.pass(e);
        }
        if let Some(level) = lod_of(name) {
            let tier = Tier { level, refined: None };
            if name.ends_with("ImplicitRepresentation") {
                self.builder.faults.note(IMPLICIT, || format!("{name}: a shape that is placed by reference"));
                return self.pass(e);
            }
            if name.ends_with("Curve") || name.ends_with("Point") || !self.builder.takes(tier) {
                return self.pass(e);
            }
            self.roots.push(Root { tier, thematic: !self.roles.is_empty(), shells: vec![] });
            return self.geometry();
        }
        let role = role(name);
        if role != Role::Other {
            self.roles.push((self.depth, role));
        } else if name.ends_with("Surface") && !self.roles.is_empty() || name.ends_with("TrafficArea") {
            self.roles.push((self.depth, Role::Other));
        }
        Ok(())
    }

    /// Goes past an element and its content.
    fn pass(&mut self, e: &BytesStart<'x>) -> Xml<()> {
        self.reader.read_to_end(e.name())?;
        self.passed()
    }

    fn passed(&mut self) -> Xml<()> {
        self.attribute_ends();
        self.depth -= 1;
        Ok(())
    }

    /// The content of a `lodN…` property, to its end.
    fn geometry(&mut self) -> Xml<()> {
        let (mut depth, mut polygon, mut turned) = (0usize, None::<OpenPolygon>, vec![]);
        let closed_by = |name: &str| name == "exterior" || name == "interior";
        // Whether exterior and interior mean shells: directly below a Solid.
        let mut solids: Vec<usize> = vec![];
        loop {
            let event = self.reader.read_event()?;
            let empty = matches!(event, Event::Empty(_));
            match event {
                Event::Start(e) | Event::Empty(e) => {
                    depth += 1;
                    let local = e.local_name();
                    let name: &str = local.as_ref();
                    self.check_srs(&e);
                    match name {
                        "Solid" => solids.push(depth),
                        "OrientableSurface" if attribute(&e, "orientation").as_deref() == Some("-") => {
                            turned.push(depth)
                        }
                        "Polygon" | "Triangle" | "Rectangle" | "PolygonPatch" if !empty => {
                            let id = attribute(&e, "id");
                            polygon = Some(OpenPolygon { depth, id, rings: vec![], ring_ids: vec![] });
                        }
                        "CompositeSurface" | "MultiSurface" | "TriangulatedSurface" | "Surface" | "Tin" if !empty => {
                            if let Some(id) = attribute(&e, "id") {
                                self.groups.push((depth, id, self.polygons.len()));
                            }
                        }
                        "surfaceMember" | "baseSurface" => {
                            if let Some(href) = attribute(&e, "href") {
                                let id = href.rsplit('#').next().unwrap_or_default().to_string();
                                self.shell().push(Member::Reference(id, !turned.is_empty()));
                            }
                        }
                        _ if closed_by(name) && polygon.is_none() && solids.last() == Some(&(depth - 1)) => {
                            if let Some(root) = self.roots.last_mut() {
                                root.shells.push((true, vec![]));
                            }
                        }
                        "posList" | "pos" | "coordinates" if !empty => {
                            let dimension = attribute(&e, "srsDimension").or(attribute(&e, "dimension"));
                            let text = self.reader.read_text(e.name())?;
                            depth -= 1;
                            if let Some(p) = &mut polygon {
                                let flat = dimension.as_deref() == Some("2");
                                if let Err(why) = p.places(&text, flat) {
                                    self.wrong.get_or_insert(why);
                                }
                            }
                            continue;
                        }
                        "LinearRing" => {
                            if let Some(p) = &mut polygon {
                                p.rings.push(vec![]);
                                p.ring_ids.push((!self.appearance.is_empty()).then(|| attribute(&e, "id")).flatten());
                            }
                        }
                        _ => {}
                    }
                    if empty {
                        depth -= 1;
                        solids.pop_if(|d| *d > depth);
                        turned.pop_if(|d| *d > depth);
                    }
                }
                Event::End(_) if depth == 0 => {
                    return self.passed();
                }
                Event::End(_) => {
                    if let Some(done) = polygon.take_if(|p| p.depth == depth) {
                        self.add(done, !turned.is_empty());
                    }
                    if let Some((_, id, from)) = self.groups.pop_if(|(d, ..)| *d == depth) {
                        self.ids.insert(id, (from, self.polygons.len()));
                    }
                    solids.pop_if(|d| *d == depth);
                    turned.pop_if(|d| *d == depth);
                    depth -= 1;
                }
                Event::Eof => return Ok(()),
                _ => {}
            }
        }
    }

    fn check_srs(&mut self, e: &BytesStart) {
        if e.attributes_raw().contains("srsName")
            && let (Some(own), Some(srs)) = (attribute(e, "srsName"), self.srs)
            && own != srs
        {
            let what = format!("its geometry is in `{own}`, the file in `{srs}`");
            self.wrong.get_or_insert(reject("mixed-crs", what));
        }
    }

    /// The shell that takes surfaces now.
    fn shell(&mut self) -> &mut Vec<Member> {
        if self.roots.is_empty() {
            self.roots.push(Root { tier: Tier::default(), thematic: false, shells: vec![] });
        }
        let last = self.roots.len() - 1;
        let root = &mut self.roots[last];
        if root.shells.is_empty() {
            root.shells.push((false, vec![]));
        }
        let last = root.shells.len() - 1;
        &mut root.shells[last].1
    }

    fn add(&mut self, done: OpenPolygon, turned: bool) {
        let at = self.polygons.len();
        let mut rings = done.rings;
        let mut worn = None;
        if !self.appearance.is_empty() {
            let ids = done.ring_ids.into_iter().chain(std::iter::repeat(None));
            let named: Vec<(Option<String>, usize)> = ids.zip(rings.iter().map(Vec::len)).collect();
            worn = self.appearance.of(done.id.as_deref(), &named);
        }
        if turned {
            rings.iter_mut().for_each(|r| r.reverse());
            worn.iter_mut().flat_map(|(_, uv)| uv).for_each(|uv| uv.reverse());
        }
        let role = self.roles.last().map_or(Role::Unknown, |(_, role)| *role);
        self.polygons.push(Polygon { role, rings, worn, used: false });
        if let Some(id) = done.id {
            self.ids.insert(id, (at, at + 1));
        }
        self.shell().push(Member::Polygon(at));
    }

    fn finish(mut self) -> Read {
        let built = match self.wrong.take() {
            Some(why) => Err(why),
            None => self.build(),
        };
        let (model, faults) = self.builder.finish();
        Read { model: built.and(model), faults, ..self.read }
    }

    fn build(&mut self) -> Result<(), Reject> {
        let tiers: BTreeSet<Tier> = self.roots.iter().map(|r| r.tier).collect();
        tiers.into_iter().try_for_each(|tier| self.build_tier(tier))
    }

    /// Solids first, by the surfaces they name; then the surfaces that no solid has.
    fn build_tier(&mut self, tier: Tier) -> Result<(), Reject> {
        let roots: Vec<Root> = self.roots.extract_if(.., |r| r.tier == tier).collect();
        let has_themes = roots.iter().any(|r| r.thematic);
        let mut loose: Vec<usize> = vec![];
        // A solid that repeats the thematic surfaces as polygons of its own says nothing new.
        let mut bounded = false;
        for root in &roots {
            for (closed, members) in &root.shells {
                let named = members.iter().any(|m| matches!(m, Member::Reference(..)));
                let repeats = *closed && has_themes && !root.thematic && !named;
                bounded |= repeats;
                match (closed, repeats) {
                    (_, true) => {}
                    (true, _) => self.solid_shell(tier, members)?,
                    (false, _) => loose.extend(self.resolved(members).into_iter().filter(|m| !m.1).map(|m| m.0)),
                }
            }
        }
        loose.retain(|&at| !std::mem::replace(&mut self.polygons[at].used, true));
        let loose: Vec<(usize, bool)> = loose.into_iter().map(|at| (at, false)).collect();
        self.write_shell(tier, bounded, &loose)
    }

    fn solid_shell(&mut self, tier: Tier, members: &[Member]) -> Result<(), Reject> {
        let members = self.resolved(members);
        members.iter().for_each(|(at, _)| self.polygons[*at].used = true);
        self.write_shell(tier, true, &members)
    }

    /// Polygons of a shell, and whether each is turned.
    fn resolved(&mut self, members: &[Member]) -> Vec<(usize, bool)> {
        let mut found = vec![];
        for member in members {
            match member {
                Member::Polygon(at) => found.push((*at, false)),
                Member::Reference(id, turned) => match self.ids.get(id) {
                    Some(&(from, to)) => found.extend((from..to).map(|at| (at, *turned))),
                    None => self.builder.faults.note(DANGLING, || format!("no surface `{id}` in the feature")),
                },
            }
        }
        found
    }

    fn write_shell(&mut self, tier: Tier, closed: bool, members: &[(usize, bool)]) -> Result<(), Reject> {
        if members.is_empty() {
            return Ok(());
        }
        let mut shell = self.builder.shell(tier, closed);
        for &(at, turned) in members {
            let polygon = &self.polygons[at];
            let ring = |ring: &Ring| {
                let mut ring = ring.clone();
                if turned {
                    ring.reverse();
                }
                ring.into_iter().map(Ok)
            };
            match &polygon.worn {
                None => shell.surface(polygon.role, polygon.rings.iter().map(ring))?,
                Some((paint, uv)) => {
                    let dressed = |(places, uv): (&Ring, &Vec<[f32; 2]>)| {
                        let mut corners: Vec<_> = places.iter().copied().zip(uv.iter().copied()).collect();
                        if turned {
                            corners.reverse();
                        }
                        corners.into_iter().map(Ok)
                    };
                    shell.painted(polygon.role, Some(*paint), polygon.rings.iter().zip(uv).map(dressed))?;
                }
            }
        }
        shell.close();
        Ok(())
    }
}

struct OpenPolygon {
    depth: usize,
    id: Option<String>,
    rings: Vec<Ring>,
    ring_ids: Vec<Option<String>>,
}

impl OpenPolygon {
    /// Numbers of a position or of a list of them, as written, into the ring that is open.
    fn places(&mut self, text: &str, flat: bool) -> Result<(), Reject> {
        if self.rings.is_empty() {
            self.rings.push(vec![]);
        }
        let Some(ring) = self.rings.last_mut() else { return Ok(()) };
        let mut numbers = text.split([' ', '\n', '\t', '\r', ',']).filter(|t| !t.is_empty());
        let number =
            |t: &str| t.parse::<f64>().map_err(|_| reject("bad-coordinates", format!("`{}` is no number", short(t))));
        while let Some(x) = numbers.next() {
            let mut next = || {
                let text =
                    numbers.next().ok_or_else(|| reject("bad-coordinates", "numbers are missing from a position"));
                text.and_then(number)
            };
            let (x, y) = (number(x)?, next()?);
            let z = if flat { 0.0 } else { next()? };
            ring.push([x, y, z]);
        }
        Ok(())
    }
}

fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

/// A character or one of XML's five entities; no others can be declared without a document type.
pub fn entity(r: &quick_xml::events::BytesRef) -> Option<String> {
    if let Ok(Some(c)) = r.resolve_char_ref() {
        return Some(c.to_string());
    }
    let name = r.xml10_content();
    quick_xml::escape::resolve_xml_entity(&name).map(str::to_string)
}
