//! FlatGeobuf's bytes as written and as announced: the one door to the `flatgeobuf` and `flatbuffers` crates.
//! Features are encoded and the header is read here; verified feature bytes are viewed in `row`, the index is
//! built and walked in `index`. No files.

use super::table::{Column, ColumnKind, Schema};
use crate::error::{Error, Result};
use crate::feature::{Feature, FeatureId, Geometry, Value};
use crate::geo::{BBox, GeometryKind};
use flatbuffers::{FlatBufferBuilder, WIPOffset};
use flatgeobuf as format;

/// "fgb", major version 3, "fgb", patch level 0 (FlatGeobuf specification).
const MAGIC: [u8; 8] = [b'f', b'g', b'b', 3, b'f', b'g', b'b', 0];
/// Nobody's header is larger: 97 layers have a few dozen columns each.
const HEADER_MAX_BYTES: u32 = 1 << 20;
const ID: &str = "_id";
const SOURCE: &str = "_src";
/// Columns before the schema's own: `_id` and `_src`.
pub(super) const OWN_COLUMNS: usize = 2;
/// Bytes that `_id` and `_src` take at the start of every record's properties.
pub(super) const OWN_BYTES: usize = 2 + 8 + 2 + 4;

/// Field positions in the vtables of FlatGeobuf's `Feature` and `Geometry`.
pub(super) mod slot {
    use flatgeobuf as format;
    pub const GEOMETRY: usize = format::Feature::VT_GEOMETRY as usize;
    pub const PROPERTIES: usize = format::Feature::VT_PROPERTIES as usize;
    pub const ENDS: usize = format::Geometry::VT_ENDS as usize;
    pub const XY: usize = format::Geometry::VT_XY as usize;
    pub const Z: usize = format::Geometry::VT_Z as usize;
    pub const TYPE: usize = format::Geometry::VT_TYPE_ as usize;
    pub const PARTS: usize = format::Geometry::VT_PARTS as usize;
}

/// Kind of a FlatGeobuf geometry type, and whether its shapes stand in `parts`.
pub(super) fn kind_of(geometry_type: u8) -> Option<(GeometryKind, bool)> {
    match format::GeometryType(geometry_type) {
        format::GeometryType::Point | format::GeometryType::MultiPoint => Some((GeometryKind::Point, false)),
        format::GeometryType::LineString | format::GeometryType::MultiLineString => Some((GeometryKind::Line, false)),
        format::GeometryType::Polygon => Some((GeometryKind::Polygon, false)),
        format::GeometryType::MultiPolygon => Some((GeometryKind::Polygon, true)),
        _ => None,
    }
}

/// Encodes features; keeps its buffers from one to the next.
pub(super) struct Encoder {
    builder: FlatBufferBuilder<'static>,
    properties: Vec<u8>,
}

impl Encoder {
    pub fn new() -> Encoder {
        Encoder { builder: FlatBufferBuilder::new(), properties: vec![] }
    }

    /// A size-prefixed FlatGeobuf feature. `Error::Data` when the feature does not fit the schema or its geometry
    /// is not sound (see `check`).
    pub fn encode(&mut self, f: &Feature, schema: &Schema) -> Result<&[u8]> {
        check(f)?;
        self.properties.clear();
        self.properties.extend_from_slice(&0u16.to_le_bytes());
        self.properties.extend_from_slice(&f.id.0.to_le_bytes());
        self.properties.extend_from_slice(&1u16.to_le_bytes());
        self.properties.extend_from_slice(&f.source.0.to_le_bytes());
        put_values(&mut self.properties, f, schema)?;

        let b = &mut self.builder;
        b.reset();
        let properties = b.create_vector(&self.properties);
        let geometry = put_geometry(b, &f.geometry);
        let args = format::FeatureArgs { geometry: Some(geometry), properties: Some(properties), columns: None };
        let feature = format::Feature::create(b, &args);
        format::finish_size_prefixed_feature_buffer(b, feature);
        Ok(b.finished_data())
    }
}

/// What a stored feature must be, whoever made it: an id in range, vertices that are finite, ends that divide them.
fn check(f: &Feature) -> Result<()> {
    let wrong = |what: &str| Err(Error::Data(format!("feature {}: {what}", f.id.0)));
    let g = &f.geometry;
    if f.id.0 == 0 || f.id.0 > FeatureId::MAX {
        return wrong("the id is outside 1 to 2^53 - 1");
    }
    if g.xy.is_empty() {
        return wrong("the geometry has no vertex");
    }
    if !g.xy.as_flattened().iter().all(|v| v.is_finite()) {
        return wrong("a coordinate is not a finite number");
    }
    if !g.z.is_empty() && g.z.len() != g.xy.len() {
        return wrong("there are not as many heights as vertices");
    }
    let divided = match g.kind {
        GeometryKind::Point => g.ends.is_empty() && g.parts.is_empty(),
        GeometryKind::Line => divides(&g.ends, g.xy.len()) && g.parts.is_empty(),
        GeometryKind::Polygon => divides(&g.ends, g.xy.len()) && divides(&g.parts, g.ends.len()),
    };
    if divided { Ok(()) } else { wrong("the ends of lines, rings or polygons do not divide the vertices") }
}

/// Whether `ends` cuts `len` things into consecutive runs, none empty.
fn divides(ends: &[u32], len: usize) -> bool {
    ends.last().is_some_and(|&e| e as usize == len) && ends[0] > 0 && ends.windows(2).all(|w| w[0] < w[1])
}

/// Column index and value of everything that is not null, after FlatGeobuf's property encoding.
fn put_values(out: &mut Vec<u8>, f: &Feature, schema: &Schema) -> Result<()> {
    if f.values.len() != schema.columns.len() {
        let (n, m) = (f.values.len(), schema.columns.len());
        return Err(Error::Data(format!("feature {}: {n} values for {m} columns", f.id.0)));
    }
    for (i, (value, column)) in f.values.iter().zip(&schema.columns).enumerate() {
        if value.is_null() {
            continue;
        }
        out.extend_from_slice(&((i + OWN_COLUMNS) as u16).to_le_bytes());
        match (value, column.kind) {
            (Value::Bool(v), ColumnKind::Bool) => out.push(u8::from(*v)),
            (Value::Int(v), ColumnKind::Int) => out.extend_from_slice(&v.to_le_bytes()),
            (Value::Float(v), ColumnKind::Float) => out.extend_from_slice(&v.to_le_bytes()),
            (Value::Text(v), ColumnKind::Text) => {
                out.extend_from_slice(&(v.len() as u32).to_le_bytes());
                out.extend_from_slice(v.as_bytes());
            }
            (_, kind) => {
                let what = format!("feature {}: column {} holds {kind:?}, not {value:?}", f.id.0, column.name);
                return Err(Error::Data(what));
            }
        }
    }
    Ok(())
}

/// The single form of the type where there is one part, the multi form where there are several.
fn put_geometry<'b>(b: &mut FlatBufferBuilder<'b>, g: &Geometry) -> WIPOffset<format::Geometry<'b>> {
    use format::GeometryType as T;
    match (g.kind, g.xy.len(), g.ends.len(), g.parts.len()) {
        (GeometryKind::Point, 1, ..) => put_part(b, T::Point, &g.xy, &g.z, &[]),
        (GeometryKind::Point, ..) => put_part(b, T::MultiPoint, &g.xy, &g.z, &[]),
        (GeometryKind::Line, _, 1, _) => put_part(b, T::LineString, &g.xy, &g.z, &[]),
        (GeometryKind::Line, ..) => put_part(b, T::MultiLineString, &g.xy, &g.z, &g.ends),
        (GeometryKind::Polygon, .., 1) => put_part(b, T::Polygon, &g.xy, &g.z, &g.ends),
        (GeometryKind::Polygon, ..) => put_multi_polygon(b, g),
    }
}

fn put_part<'b>(
    b: &mut FlatBufferBuilder<'b>,
    type_: format::GeometryType,
    xy: &[[f64; 2]],
    z: &[f64],
    ends: &[u32],
) -> WIPOffset<format::Geometry<'b>> {
    let xy = b.create_vector(xy.as_flattened());
    let z = (!z.is_empty()).then(|| b.create_vector(z));
    // The specification recommends no ends where there is one run.
    let ends = (ends.len() > 1).then(|| b.create_vector(ends));
    let args = format::GeometryArgs { type_, xy: Some(xy), z, ends, ..Default::default() };
    format::Geometry::create(b, &args)
}

fn put_multi_polygon<'b>(b: &mut FlatBufferBuilder<'b>, g: &Geometry) -> WIPOffset<format::Geometry<'b>> {
    let (mut ring, mut vertex) = (0, 0);
    let mut polygons = Vec::with_capacity(g.parts.len());
    for &end in &g.parts {
        let rings = &g.ends[ring..end as usize];
        let until = rings.last().map_or(vertex, |&e| e as usize);
        let ends: Vec<u32> = rings.iter().map(|e| e - vertex as u32).collect();
        let z = if g.z.is_empty() { &[] } else { &g.z[vertex..until] };
        polygons.push(put_part(b, format::GeometryType::Polygon, &g.xy[vertex..until], z, &ends));
        (ring, vertex) = (end as usize, until);
    }
    let parts = b.create_vector(&polygons);
    let type_ = format::GeometryType::MultiPolygon;
    format::Geometry::create(b, &format::GeometryArgs { type_, parts: Some(parts), ..Default::default() })
}

/// What the head of a table file says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Header {
    pub schema: Schema,
    pub count: u64,
    pub bounds: Option<BBox>,
}

/// Magic bytes and header. Every feature names its own geometry type, so that a layer may mix them. `heights` is
/// for foreign readers, which expect heights of all features or of none; ours looks at each feature.
pub(super) fn write_head(name: &str, header: &Header, heights: bool) -> Vec<u8> {
    let mut b = FlatBufferBuilder::new();
    let columns = put_columns(&mut b, &header.schema);
    let columns = b.create_vector(&columns);
    let crs = put_crs(&mut b);
    let name = b.create_string(name);
    let envelope = header.bounds.map(|e| b.create_vector(&e.to_array()));
    let args = format::HeaderArgs {
        name: Some(name),
        envelope,
        geometry_type: format::GeometryType::Unknown,
        has_z: heights,
        columns: Some(columns),
        features_count: header.count,
        // No tree over nothing: readers fail on it.
        index_node_size: if header.count == 0 { 0 } else { super::index::NODE_SIZE as u16 },
        crs: Some(crs),
        ..Default::default()
    };
    let header = format::Header::create(&mut b, &args);
    format::finish_size_prefixed_header_buffer(&mut b, header);
    [&MAGIC[..], b.finished_data()].concat()
}

fn put_columns<'b>(b: &mut FlatBufferBuilder<'b>, schema: &Schema) -> Vec<WIPOffset<format::Column<'b>>> {
    let own = [(ID, format::ColumnType::ULong), (SOURCE, format::ColumnType::UInt)];
    let of_schema = schema.columns.iter().map(|c| (c.name.as_str(), column_type(c.kind)));
    let mut columns = vec![];
    for (i, (name, type_)) in own.into_iter().chain(of_schema).enumerate() {
        let name = Some(b.create_string(name));
        let (nullable, unique) = (i >= OWN_COLUMNS, i == 0);
        let args = format::ColumnArgs { name, type_, nullable, unique, primary_key: unique, ..Default::default() };
        columns.push(format::Column::create(b, &args));
    }
    columns
}

fn put_crs<'b>(b: &mut FlatBufferBuilder<'b>) -> WIPOffset<format::Crs<'b>> {
    let org = Some(b.create_string("EPSG"));
    let name = Some(b.create_string("China Geodetic Coordinate System 2000"));
    format::Crs::create(b, &format::CrsArgs { org, code: 4490, name, ..Default::default() })
}

fn column_type(kind: ColumnKind) -> format::ColumnType {
    match kind {
        ColumnKind::Text => format::ColumnType::String,
        ColumnKind::Int => format::ColumnType::Long,
        ColumnKind::Float => format::ColumnType::Double,
        ColumnKind::Bool => format::ColumnType::Bool,
    }
}

fn column_kind(type_: format::ColumnType) -> Option<ColumnKind> {
    [ColumnKind::Text, ColumnKind::Int, ColumnKind::Float, ColumnKind::Bool]
        .into_iter()
        .find(|&k| column_type(k) == type_)
}

/// Bytes of magic and header, told by the first 12 bytes of a file.
pub(super) fn head_bytes(start: &[u8; 12]) -> Result<u64, &'static str> {
    let size = u32::from_le_bytes([start[8], start[9], start[10], start[11]]);
    match start[..8] == MAGIC && size <= HEADER_MAX_BYTES {
        true => Ok(12 + u64::from(size)),
        false => Err("it does not begin as a FlatGeobuf file of this store does"),
    }
}

/// Reads what `write_head` wrote; a message says what is wrong with it.
pub(super) fn read_head(head: &[u8]) -> Result<Header, &'static str> {
    let header = head.get(8..).and_then(|h| format::size_prefixed_root_as_header(h).ok());
    let header = header.ok_or("its header cannot be read")?;
    let count = header.features_count();
    if header.index_node_size() as usize != if count == 0 { 0 } else { super::index::NODE_SIZE } {
        return Err("its index is not this store's");
    }
    let columns: Vec<_> = header.columns().map(|c| c.iter().collect()).unwrap_or_default();
    let own = [(ID, format::ColumnType::ULong), (SOURCE, format::ColumnType::UInt)];
    let begins = columns.len() >= own.len() && columns.iter().zip(own).all(|(c, o)| (c.name(), c.type_()) == o);
    if !begins {
        return Err("its columns do not begin with _id and _src");
    }
    let column = |c: &format::Column<'_>| Some(Column { name: c.name().to_string(), kind: column_kind(c.type_())? });
    let columns = columns[OWN_COLUMNS..].iter().map(column).collect::<Option<Vec<_>>>();
    let bounds = header.envelope().filter(|e| e.len() == 4);
    let bounds = bounds.map(|e| BBox::new(e.get(0), e.get(1), e.get(2), e.get(3)));
    match columns {
        Some(columns) if bounds.is_some() == (count > 0) => Ok(Header { schema: Schema { columns }, count, bounds }),
        _ => Err("its header does not hold together"),
    }
}

/// The crate's own tree over the same leaves, for `index` to be compared with.
#[cfg(test)]
pub(super) fn reference_index(leaves: &[(BBox, u64)]) -> Vec<u8> {
    use flatgeobuf::packed_r_tree::{NodeItem, PackedRTree, calc_extent};
    let node = |(b, offset): &(BBox, u64)| {
        let mut node = NodeItem::bounds(b.min_x, b.min_y, b.max_x, b.max_y);
        node.offset = *offset;
        node
    };
    let nodes: Vec<_> = leaves.iter().map(node).collect();
    let tree = PackedRTree::build(&nodes, &calc_extent(&nodes), PackedRTree::DEFAULT_NODE_SIZE);
    let mut bytes = vec![];
    tree.expect("the crate builds its tree").stream_write(&mut bytes).expect("and writes it");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feature::SourceTag;

    fn feature(geometry: Geometry) -> Feature {
        Feature { id: FeatureId(7), source: SourceTag(1), geometry, values: vec![Value::Int(1)] }
    }

    fn schema() -> Schema {
        Schema { columns: vec![Column { name: "n".into(), kind: ColumnKind::Int }] }
    }

    #[test]
    fn unsound_features_are_refused_by_name() {
        let ring = vec![[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0]];
        let with = |change: fn(&mut Feature)| {
            let mut f = feature(Geometry::polygon(std::slice::from_ref(&ring)));
            change(&mut f);
            f
        };
        let cases: &[(&str, Feature)] = &[
            ("the id", with(|f| f.id = FeatureId(0))),
            ("the id", with(|f| f.id = FeatureId(1 << 53))),
            ("no vertex", with(|f| f.geometry.xy.clear())),
            ("finite", with(|f| f.geometry.xy[2][1] = f64::NAN)),
            ("heights", with(|f| f.geometry.z = vec![1.0])),
            ("divide", with(|f| f.geometry.ends = vec![3])),
            ("divide", with(|f| f.geometry.ends = vec![0, 4])),
            ("divide", with(|f| f.geometry.parts = vec![])),
            ("divide", with(|f| f.geometry.kind = GeometryKind::Point)),
            ("values", with(|f| f.values.clear())),
            ("column n", with(|f| f.values[0] = Value::Text("1".into()))),
        ];
        for (named, f) in cases {
            let error = Encoder::new().encode(f, &schema()).expect_err(named).to_string();
            assert!(error.contains(named), "{named}: {error}");
        }
        assert!(Encoder::new().encode(&with(|_| ()), &schema()).is_ok());
    }

    #[test]
    fn the_header_reads_back() {
        let kinds = [ColumnKind::Text, ColumnKind::Int, ColumnKind::Float, ColumnKind::Bool];
        let columns = kinds.iter().map(|&kind| Column { name: format!("名 {kind:?}"), kind }).collect();
        for (count, bounds) in [(0, None), (3, Some(BBox::new(114.0, 34.0, 115.0, 35.0)))] {
            let header = Header { schema: Schema { columns: Vec::clone(&columns) }, count, bounds };
            let head = write_head("t", &header, false);
            let start = head[..12].try_into().expect("12 bytes");
            assert_eq!(head_bytes(&start), Ok(head.len() as u64));
            assert_eq!(read_head(&head), Ok(header));
        }
    }

    /// Half of its bytes, or none of them, is no header; and no change to one makes the reader panic.
    #[test]
    fn a_broken_header_is_a_message() {
        let header = Header { schema: schema(), count: 3, bounds: Some(BBox::new(0.0, 0.0, 1.0, 1.0)) };
        let head = write_head("t", &header, false);
        assert!(read_head(&head[..head.len() / 2]).is_err());
        assert!(read_head(&[]).is_err());
        for bit in 0..head.len() * 8 {
            let mut flipped = head.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let _ = read_head(&flipped);
        }
    }
}
