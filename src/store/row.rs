//! One record, viewed in verified bytes without copying. Bounds-checked little-endian reading of the few
//! FlatBuffers fields that FlatGeobuf has; all of it is checked once when the view is made, so that the reading
//! itself cannot fail. Needs no FlatBuffers library: a verified byte may still be a hostile byte.

use super::fgb::{self, slot};
use super::table::{ColumnKind, Schema};
use crate::feature::{Feature, FeatureId, Geometry, SourceTag, Value, ValueRef};
use crate::geo::{BBox, GeometryKind};
use smallvec::SmallVec;

/// Which of a row's values are read; the others are skipped, their texts unseen.
#[derive(Debug, Clone, Copy)]
pub enum Wanted<'w> {
    All,
    /// Per column of the schema.
    These(&'w [bool]),
}

impl Wanted<'_> {
    fn has(self, column: usize) -> bool {
        match self {
            Wanted::All => true,
            Wanted::These(columns) => columns.get(column).copied().unwrap_or(false),
        }
    }
}

/// Columns and values that are not null, in column order; of few columns without an allocation. They stand beside the row that
/// they are of: together the two would be moved about.
pub(super) type Values<'a> = SmallVec<[(u16, ValueRef<'a>); 24]>;

/// One record of a table.
pub struct Row<'a> {
    /// As in the file, size prefix included.
    pub(super) bytes: &'a [u8],
    pub(super) schema: &'a Schema,
    ordinal: u64,
    id: FeatureId,
    source: SourceTag,
    shape: Shape<'a>,
    /// Those that are wanted.
    values: &'a [(u16, ValueRef<'a>)],
}

/// Where the vertices stand.
struct Shape<'a> {
    kind: GeometryKind,
    of: Parts<'a>,
}

enum Parts<'a> {
    One(Part<'a>),
    /// Positions of `Geometry` tables, relative to where each stands.
    Many(Flat<'a>, usize, usize),
}

/// Vertices that share one `Geometry` table: x and y in turn, heights or nothing, ends or nothing.
#[derive(Clone, Copy)]
struct Part<'a> {
    xy: &'a [[u8; 16]],
    z: &'a [[u8; 8]],
    ends: &'a [[u8; 4]],
}

impl<'a> Row<'a> {
    /// Views a size-prefixed feature, with its values in `values`, which is empty; `None` when any part of it is not what
    /// `fgb::Encoder` writes.
    pub(super) fn parse<'b: 'a>(
        bytes: &'b [u8],
        ordinal: u64,
        schema: &'b Schema,
        wanted: Wanted<'_>,
        values: &'a mut Values<'b>,
    ) -> Option<Row<'a>> {
        let flat = Flat(bytes.get(4..)?);
        let feature = flat.root()?;
        let properties = flat.vector::<1>(flat.field(feature, slot::PROPERTIES)?)?.as_flattened();
        let (own, properties) = properties.split_at_checked(fgb::OWN_BYTES)?;
        let (id, source) = own_values(own)?;
        read_values(properties, schema, wanted, values)?;
        let shape = Shape::parse(flat, flat.indirect(flat.field(feature, slot::GEOMETRY)?)?)?;
        Some(Row { bytes, schema, ordinal, id, source, shape, values })
    }

    /// Its place in the table, from 0.
    pub fn ordinal(&self) -> u64 {
        self.ordinal
    }

    pub fn id(&self) -> FeatureId {
        self.id
    }

    pub fn source(&self) -> SourceTag {
        self.source
    }

    pub fn kind(&self) -> GeometryKind {
        self.shape.kind
    }

    /// Degrees.
    pub fn bbox(&self) -> BBox {
        let xy = self.shape.parts().flat_map(|p| p.xy.iter().map(vertex));
        xy.fold(BBox::EMPTY, BBox::add)
    }

    pub fn vertices(&self) -> usize {
        self.shape.parts().map(|p| p.xy.len()).sum()
    }

    pub(super) fn has_heights(&self) -> bool {
        self.shape.parts().next().is_some_and(|p| !p.z.is_empty())
    }

    /// Fills `g` (cleared first; its buffers are reused) with the row's geometry.
    pub fn read_geometry(&self, g: &mut Geometry) {
        g.kind = self.shape.kind;
        g.xy.clear();
        g.z.clear();
        g.ends.clear();
        g.parts.clear();
        for part in self.shape.parts() {
            let from = g.xy.len() as u32;
            g.xy.extend(part.xy.iter().map(vertex));
            g.z.extend(part.z.iter().map(|z| f64::from_le_bytes(*z)));
            if g.kind == GeometryKind::Point {
                continue;
            }
            match part.ends {
                [] => g.ends.push(g.xy.len() as u32),
                ends => g.ends.extend(ends.iter().map(|e| from + u32::from_le_bytes(*e))),
            }
            if g.kind == GeometryKind::Polygon {
                g.parts.push(g.ends.len() as u32);
            }
        }
    }

    /// Calls `each(column, value)` for every value that is wanted and not null, in column order.
    pub fn values(&self, mut each: impl FnMut(usize, ValueRef<'a>)) {
        self.values.iter().for_each(|(column, value)| each(usize::from(*column), *value));
    }

    /// Of a row all of whose values are wanted.
    pub fn to_feature(&self) -> Feature {
        let mut geometry = Geometry { kind: self.kind(), xy: vec![], z: vec![], ends: vec![], parts: vec![] };
        self.read_geometry(&mut geometry);
        let mut values = vec![Value::Null; self.schema.columns.len()];
        self.values(|column, value| values[column] = value.to_value());
        Feature { id: self.id, source: self.source, geometry, values }
    }
}

fn vertex(bytes: &[u8; 16]) -> [f64; 2] {
    let [x0, x1, x2, x3, x4, x5, x6, x7, y0, y1, y2, y3, y4, y5, y6, y7] = *bytes;
    [f64::from_le_bytes([x0, x1, x2, x3, x4, x5, x6, x7]), f64::from_le_bytes([y0, y1, y2, y3, y4, y5, y6, y7])]
}

fn own_values(mut own: &[u8]) -> Option<(FeatureId, SourceTag)> {
    let id = (take(&mut own)? == 0u16.to_le_bytes()).then_some(u64::from_le_bytes(take(&mut own)?))?;
    let source = (take(&mut own)? == 1u16.to_le_bytes()).then_some(u32::from_le_bytes(take(&mut own)?))?;
    (1..=FeatureId::MAX).contains(&id).then_some((FeatureId(id), SourceTag(source)))
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, after) = rest.split_first_chunk::<N>()?;
    *rest = after;
    Some(*first)
}

/// Adds the wanted values, where all read to the end in rising columns.
fn read_values<'a>(mut rest: &'a [u8], schema: &Schema, wanted: Wanted<'_>, values: &mut Values<'a>) -> Option<()> {
    let mut least = 0;
    while !rest.is_empty() {
        let column = (u16::from_le_bytes(take(&mut rest)?) as usize).checked_sub(fgb::OWN_COLUMNS)?;
        let kind = schema.columns.get(column).filter(|_| column >= least)?.kind;
        least = column + 1;
        match wanted.has(column) {
            true => values.push((column as u16, read_value(&mut rest, kind)?)),
            false => skip_value(&mut rest, kind)?,
        }
    }
    Some(())
}

fn read_value<'a>(rest: &mut &'a [u8], kind: ColumnKind) -> Option<ValueRef<'a>> {
    Some(match kind {
        ColumnKind::Bool => ValueRef::Bool(take::<1>(rest)?[0] != 0),
        ColumnKind::Int => ValueRef::Int(i64::from_le_bytes(take(rest)?)),
        ColumnKind::Float => ValueRef::Float(f64::from_le_bytes(take(rest)?)),
        ColumnKind::Text => ValueRef::Text(std::str::from_utf8(take_text(rest)?).ok()?),
    })
}

fn skip_value(rest: &mut &[u8], kind: ColumnKind) -> Option<()> {
    match kind {
        ColumnKind::Bool => take::<1>(rest).map(drop),
        ColumnKind::Int | ColumnKind::Float => take::<8>(rest).map(drop),
        ColumnKind::Text => take_text(rest).map(drop),
    }
}

fn take_text<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = u32::from_le_bytes(take(rest)?) as usize;
    let (text, after) = rest.split_at_checked(len)?;
    *rest = after;
    Some(text)
}

impl<'a> Shape<'a> {
    fn parse(flat: Flat<'a>, at: usize) -> Option<Shape<'a>> {
        let (kind, many) = fgb::kind_of(*flat.0.get(flat.field(at, slot::TYPE)?)?)?;
        if !many {
            let part = Part::parse(flat, at)?;
            let ends_fit = part.ends.is_empty() || kind != GeometryKind::Point;
            return ends_fit.then_some(Shape { kind, of: Parts::One(part) });
        }
        let parts = flat.indirect(flat.field(at, slot::PARTS)?)?;
        let count = flat.u32(parts)? as usize;
        let shape = Shape { kind, of: Parts::Many(flat, parts, count) };
        let same_heights = |p: Part<'a>| p.z.is_empty() == shape.parts().next().is_some_and(|f| f.z.is_empty());
        let sound = count > 0 && (0..count).all(|i| part_at(flat, parts, i).is_some_and(same_heights));
        sound.then_some(shape)
    }

    fn parts(&self) -> impl Iterator<Item = Part<'a>> {
        let (one, many) = match self.of {
            Parts::One(part) => (Some(part), None),
            Parts::Many(flat, parts, count) => (None, Some((0..count).filter_map(move |i| part_at(flat, parts, i)))),
        };
        one.into_iter().chain(many.into_iter().flatten())
    }
}

/// The i-th table of a vector of tables.
fn part_at(flat: Flat<'_>, parts: usize, i: usize) -> Option<Part<'_>> {
    Part::parse(flat, flat.indirect(parts.checked_add(4)?.checked_add(i.checked_mul(4)?)?)?)
}

impl<'a> Part<'a> {
    fn parse(flat: Flat<'a>, at: usize) -> Option<Part<'a>> {
        let (xy, odd) = flat.vector::<8>(flat.field(at, slot::XY)?)?.as_flattened().as_chunks::<16>();
        let z = flat.field(at, slot::Z).map_or(Some(&[][..]), |z| flat.vector::<8>(z))?;
        let ends = flat.field(at, slot::ENDS).map_or(Some(&[][..]), |e| flat.vector::<4>(e))?;
        let end = |e: &[u8; 4]| u32::from_le_bytes(*e) as usize;
        let rising = ends.windows(2).all(|w| end(&w[0]) < end(&w[1]));
        let divided = ends.last().is_none_or(|e| end(e) == xy.len()) && ends.first().is_none_or(|e| end(e) > 0);
        let heights = z.is_empty() || z.len() == xy.len();
        (!xy.is_empty() && odd.is_empty() && rising && divided && heights).then_some(Part { xy, z, ends })
    }
}

/// A FlatBuffer: a root table, reached by relative offsets.
#[derive(Clone, Copy)]
struct Flat<'a>(&'a [u8]);

impl<'a> Flat<'a> {
    fn bytes<const N: usize>(self, at: usize) -> Option<[u8; N]> {
        self.0.get(at..)?.first_chunk().copied()
    }

    fn u16(self, at: usize) -> Option<usize> {
        self.bytes(at).map(|b| u16::from_le_bytes(b) as usize)
    }

    fn u32(self, at: usize) -> Option<u32> {
        self.bytes(at).map(u32::from_le_bytes)
    }

    /// The position that the forward offset at `at` leads to.
    fn indirect(self, at: usize) -> Option<usize> {
        at.checked_add(self.u32(at)? as usize)
    }

    fn root(self) -> Option<usize> {
        self.indirect(0)
    }

    /// Position of a table's field; `None` where the table leaves it out.
    fn field(self, table: usize, slot: usize) -> Option<usize> {
        let back = i32::from_le_bytes(self.bytes(table)?);
        let vtable = usize::try_from(i64::try_from(table).ok()? - i64::from(back)).ok()?;
        if slot + 2 > self.u16(vtable)? {
            return None;
        }
        match self.u16(vtable.checked_add(slot)?)? {
            0 => None,
            offset => table.checked_add(offset),
        }
    }

    /// The elements of the vector that the field at `at` points to.
    fn vector<const N: usize>(self, at: usize) -> Option<&'a [[u8; N]]> {
        let start = self.indirect(at)?;
        let len = (self.u32(start)? as usize).checked_mul(N)?;
        let data = self.0.get(start.checked_add(4)?..)?.get(..len)?;
        Some(data.as_chunks::<N>().0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fgb::Encoder;
    use super::super::table::Column;
    use super::*;

    fn schema() -> Schema {
        let kinds = [ColumnKind::Text, ColumnKind::Int, ColumnKind::Float, ColumnKind::Bool];
        Schema { columns: kinds.iter().map(|&kind| Column { name: format!("{kind:?}"), kind }).collect() }
    }

    fn shapes() -> Vec<Geometry> {
        let square =
            |x: f64, y: f64, side: f64| vec![[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]];
        let hole: Vec<[f64; 2]> = square(1.0, 1.0, 1.0).into_iter().rev().collect();
        let one = Geometry::polygon(&[square(0.0, 0.0, 9.0), hole.clone()]);
        let mut two = Geometry::polygon(&[square(0.0, 0.0, 9.0), hole, square(20.0, 0.0, 1.0)]);
        two.parts = vec![2, 3];
        let points = Geometry { xy: vec![[1.0, 2.0], [3.0, 4.0]], ..Geometry::point(0.0, 0.0) };
        let lines = Geometry { ends: vec![2, 5], ..Geometry::line(square(0.0, 0.0, 1.0)) };
        let line = Geometry::line(vec![[114.3, 34.8], [114.4, 34.9]]);
        vec![Geometry::point(114.3, 34.8), points, line, lines, one, two]
    }

    fn features() -> Vec<Feature> {
        let mut all = vec![];
        for (i, flat) in shapes().into_iter().enumerate() {
            let high = Geometry { z: flat.xy.iter().map(|p| p[0] * 2.0).collect(), ..flat.clone() };
            let full = vec![Value::Text("路灯".into()), Value::Int(-5), Value::Float(0.25), Value::Bool(true)];
            let few = vec![Value::Null, Value::Null, Value::Float(f64::MAX), Value::Null];
            let id = FeatureId(FeatureId::MAX - i as u64);
            all.push(Feature { id, source: SourceTag(u32::MAX), geometry: flat, values: full });
            all.push(Feature { id: FeatureId(1), source: SourceTag(0), geometry: high, values: few });
        }
        all
    }

    #[test]
    fn every_shape_and_value_reads_back() {
        for f in features() {
            let schema = schema();
            let mut encoder = Encoder::new();
            let bytes = encoder.encode(&f, &schema).expect("encodes");
            let mut values = Values::new();
            let row = Row::parse(bytes, 0, &schema, Wanted::All, &mut values).expect("parses");
            assert_eq!(row.to_feature(), f);
            assert_eq!(row.bbox(), f.geometry.bbox());
            assert_eq!(row.has_heights(), !f.geometry.z.is_empty());
        }
    }

    #[test]
    fn what_is_not_wanted_is_skipped_and_may_be_no_text() {
        let schema = schema();
        let feature = &features()[0];
        let mut encoder = Encoder::new();
        let bytes = encoder.encode(feature, &schema).expect("encodes").to_vec();
        let read = |bytes: &[u8], wanted: Wanted<'_>| {
            let mut values = vec![];
            let mut read = Values::new();
            let row = Row::parse(bytes, 0, &schema, wanted, &mut read)?;
            row.values(|column, value| values.push((column, value.to_value())));
            Some(values)
        };
        let (int, bool) = ((1, Value::Int(-5)), (3, Value::Bool(true)));
        assert_eq!(read(&bytes, Wanted::These(&[false, true, false, true])), Some(vec![int.clone(), bool.clone()]));
        assert_eq!(read(&bytes, Wanted::These(&[])), Some(vec![]));
        let mut broken = bytes;
        let text = broken.windows(3).position(|w| w == "路".as_bytes()).expect("is in it");
        broken[text] = 0xff;
        assert_eq!(read(&broken, Wanted::All), None);
        assert_eq!(read(&broken, Wanted::These(&[false, true, false, true])), Some(vec![int, bool]));
    }

    /// Any byte changed, any length cut: another record or none, never a panic.
    #[test]
    fn no_changed_byte_makes_the_view_panic() {
        let schema = schema();
        for f in features() {
            let mut encoder = Encoder::new();
            let bytes = encoder.encode(&f, &schema).expect("encodes").to_vec();
            for cut in 0..bytes.len() {
                let mut values = Values::new();
                let row = Row::parse(&bytes[..cut], 0, &schema, Wanted::All, &mut values);
                assert!(row.is_none_or(|r| r.to_feature() == f), "cut at {cut}");
            }
            for i in 0..bytes.len() {
                for value in [0, 1, 0x7f, 0x80, 0xff, bytes[i] ^ 1, bytes[i].wrapping_add(4)] {
                    let mut changed = bytes.clone();
                    changed[i] = value;
                    let mut values = Values::new();
                    if let Some(row) = Row::parse(&changed, 0, &schema, Wanted::All, &mut values) {
                        row.to_feature();
                    }
                }
            }
        }
    }
}
