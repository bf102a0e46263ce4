//! What a delivery manifest (`import/*.toml`) may say, as serde reads it. Only shapes and defaults stand here:
//! files are found in `load`, declarations are judged in `check`, rows are mapped in `map`.
//!
//! ```toml
//! id = "kaifeng-components-2026"           # default: the file's stem
//!
//! [[source]]
//! id = "components"                        # default: delivery id + "/" + path stem (+ "#" + member or gdal_layer)
//! path = "部件普查2026.csv"                 # relative to this file; may begin with ${NAME} from the environment
//! member = "…"                             # a file inside an archive, where it holds several
//! format = "csv"                           # only where the extension does not say it
//! gdal_layer = "…"                         # where the container holds several
//! crs = "EPSG:4547"                        # or { definition, axis, operation, helmert, vertical }: `wire::CrsSpec`
//! vertical = "1985"                        # or { datum, offset_m, geoid, bias_m }: `VerticalSpec`; also for all sources
//! encoding = "GB18030"
//! xy = { x = "Y坐标", y = "X坐标", z = "高程" }  # CSV: x = the column of the EASTING (surveyors' X is north)
//! rows = 780000                            # how many rows the supplier states
//! end_marker = "END"                       # CSV: what stands alone on the last line
//! key = "部件标识码"                         # or several columns; without it a record is known by its content
//! key_scope = "layer"                      # "layer": unique among all sources of a layer; "source": per source
//! layer = "…"                              # one target layer, or:
//! route = { field = "小类代码", map = "component-layer-map.csv", from = "component_code", to = "layer_id" }
//! fields = { code = "部件标识码", state = { from = "状态", map = { "1" = "完好" } } }
//! filter = { field = "状态", not_in = ["移除"] }
//! geometry = ["polygon"]                   # records of other kinds are left out and counted
//! snap_m = 0.05                            # polygons: vertices this near to a neighbour's border go onto it
//! lod = "2"                                # city models: these levels of detail alone
//! resolution_m = 5.0                       # GeoTIFF: metres between heights; default: its pixels'
//! nodata = -9999                           # GeoTIFF: what means no height, where the file does not say it
//! mode = "replace"                         # or "upsert"
//! max_rejects = 0.001                      # a share (0.0 ..= 1.0) or a count (an integer)
//! max_unpacked_mib = 8192                  # what an archive may grow to
//! ```

use super::wire::{CrsSpec, Format, XyColumns};
use crate::geo::GeometryKind;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::{Deserialize, Deserializer, de};
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use toml::Spanned;

/// One `[[source]]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceDecl {
    pub id: Option<Spanned<String>>,
    pub path: Spanned<String>,
    pub member: Option<String>,
    pub format: Option<Format>,
    pub gdal_layer: Option<String>,
    pub crs: Option<Spanned<TextOr<CrsSpec>>>,
    pub vertical: Option<Spanned<TextOr<VerticalSpec>>>,
    pub encoding: Option<Spanned<String>>,
    pub xy: Option<Spanned<XyColumns>>,
    pub rows: Option<u64>,
    pub end_marker: Option<Spanned<String>>,
    pub key: Option<Spanned<Many<String>>>,
    #[serde(default)]
    pub key_scope: KeyScope,
    pub layer: Option<Spanned<String>>,
    pub route: Option<Spanned<RouteDecl>>,
    #[serde(default)]
    pub fields: BTreeMap<String, Spanned<TextOr<FieldRule>>>,
    pub filter: Option<Spanned<Many<Filter>>>,
    pub geometry: Option<Many<GeometryKind>>,
    /// Metres.
    pub snap_m: Option<Spanned<f64>>,
    pub lod: Option<Spanned<Many<String>>>,
    /// GeoTIFF: metres between heights, and the number that means none.
    pub resolution_m: Option<Spanned<f64>>,
    pub nodata: Option<Spanned<f64>>,
    pub mode: Option<Spanned<Mode>>,
    pub max_rejects: Option<Spanned<MaxRejects>>,
    pub max_unpacked_mib: Option<u64>,
}

/// What heights are measured from, and how they become those of the store.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerticalSpec {
    /// `1985`, `1956`, `ellipsoidal`, `EPSG:…`, `local:…`.
    pub datum: Option<String>,
    /// 1985 height = delivered height + this, metres.
    pub offset_m: Option<f64>,
    /// Of ellipsoidal heights: `egm96`, a `.gtx` or `.tif` file, or metres.
    pub geoid: Option<Scalar>,
    /// Metres that the height datum lies above the geoid.
    pub bias_m: Option<f64>,
}

/// What happens to the records a source has in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// They all go; the delivery is the whole truth of this source.
    #[default]
    Replace,
    /// Records with a delivered key are replaced, the others stay.
    Upsert,
}

/// Where a key is unique.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyScope {
    /// Among all sources of a layer: the key is the thing's own name, e.g. the 16-digit component code.
    #[default]
    Layer,
    /// Within the source: serial numbers that other suppliers use too.
    Source,
}

/// The class column that decides the layer of each record.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteDecl {
    pub field: String,
    /// A CSV file relative to the manifest, or the table itself: `{ "0101" = "layer id" }`.
    pub map: TextOr<BTreeMap<String, String>>,
    /// Column of the class in the CSV file; default: its first.
    pub from: Option<String>,
    /// Column of the layer id in the CSV file; default: `layer_id`.
    pub to: Option<String>,
    /// Digits of a class code: leading zeros that a spreadsheet ate come back.
    pub pad: Option<usize>,
}

/// How one field of the layer gets its value. `field = "column"` is short for `{ from = "column" }`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldRule {
    /// Source column; default: the column called like the field or its Chinese name.
    pub from: Option<String>,
    /// The same value for every record; excludes everything else.
    pub value: Option<Scalar>,
    /// Source value → value. Values that are not listed go on as they are.
    #[serde(default)]
    pub map: BTreeMap<String, String>,
    /// What the values that `map` does not list become, instead.
    pub other: Option<String>,
    /// Source values that mean "not known".
    #[serde(default)]
    pub null: Vec<Scalar>,
    /// value = source × scale + offset
    pub scale: Option<f64>,
    pub offset: Option<f64>,
    /// Formats to try in order: `%Y %m %d %H %M %S` and literals, or `excel` for spreadsheet day numbers.
    pub date: Option<Many<String>>,
    /// Digits of a code: leading zeros that a spreadsheet ate come back.
    pub pad: Option<usize>,
}

/// Records that belong to the delivery but not to the city's store; those left out are counted.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    pub field: String,
    #[serde(rename = "in")]
    pub is_in: Option<Vec<Scalar>>,
    pub not_in: Option<Vec<Scalar>>,
}

/// How many records may be refused before the source is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MaxRejects {
    Share(f64),
    Count(u64),
}

impl Default for MaxRejects {
    fn default() -> MaxRejects {
        MaxRejects::Share(0.001)
    }
}

impl MaxRejects {
    /// How many of `read` records may be refused.
    pub fn of(self, read: u64) -> u64 {
        match self {
            MaxRejects::Count(n) => n,
            MaxRejects::Share(s) => (read as f64 * s).floor() as u64,
        }
    }
}

impl<'de> Deserialize<'de> for MaxRejects {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<MaxRejects, D::Error> {
        match Scalar::deserialize(d)? {
            Scalar::Int(n) if n >= 0 => Ok(MaxRejects::Count(n as u64)),
            Scalar::Float(s) if (0.0..=1.0).contains(&s) => Ok(MaxRejects::Share(s)),
            other => Err(de::Error::custom(format!(
                "max_rejects = {other}: expected a share from 0.0 to 1.0 or a count (an integer)"
            ))),
        }
    }
}

/// A value written in a manifest.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scalar::Bool(v) => v.fmt(f),
            Scalar::Int(v) => v.fmt(f),
            Scalar::Float(v) => v.fmt(f),
            Scalar::Text(v) => v.fmt(f),
        }
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Scalar, D::Error> {
        struct V;
        impl de::Visitor<'_> for V {
            type Value = Scalar;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, a number or true/false")
            }
            fn visit_bool<E>(self, v: bool) -> Result<Scalar, E> {
                Ok(Scalar::Bool(v))
            }
            fn visit_i64<E>(self, v: i64) -> Result<Scalar, E> {
                Ok(Scalar::Int(v))
            }
            fn visit_f64<E>(self, v: f64) -> Result<Scalar, E> {
                Ok(Scalar::Float(v))
            }
            fn visit_str<E>(self, v: &str) -> Result<Scalar, E> {
                Ok(Scalar::Text(v.to_string()))
            }
        }
        d.deserialize_any(V)
    }
}

/// One value or a list of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Many<T>(pub Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Many<T> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Many<T>, D::Error> {
        struct V<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> de::Visitor<'de> for V<T> {
            type Value = Many<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("one value or a list")
            }
            fn visit_str<E: de::Error>(self, v: &str) -> Result<Many<T>, E> {
                Ok(Many(vec![T::deserialize(de::value::StrDeserializer::new(v))?]))
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Many<T>, A::Error> {
                Ok(Many(vec![T::deserialize(MapAccessDeserializer::new(map))?]))
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, seq: A) -> Result<Many<T>, A::Error> {
                Ok(Many(Vec::deserialize(SeqAccessDeserializer::new(seq))?))
            }
        }
        d.deserialize_any(V(PhantomData))
    }
}

/// A text, or the table it is short for.
#[derive(Debug, Clone, PartialEq)]
pub enum TextOr<T> {
    Text(String),
    Table(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for TextOr<T> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<TextOr<T>, D::Error> {
        struct V<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> de::Visitor<'de> for V<T> {
            type Value = TextOr<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a table")
            }
            fn visit_str<E>(self, v: &str) -> Result<TextOr<T>, E> {
                Ok(TextOr::Text(v.to_string()))
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<TextOr<T>, A::Error> {
                Ok(TextOr::Table(T::deserialize(MapAccessDeserializer::new(map))?))
            }
        }
        d.deserialize_any(V(PhantomData))
    }
}

impl TextOr<CrsSpec> {
    pub fn spec(&self) -> CrsSpec {
        match self {
            TextOr::Text(t) => CrsSpec { definition: Some(t.clone()), ..CrsSpec::default() },
            TextOr::Table(spec) => spec.clone(),
        }
    }
}

impl TextOr<VerticalSpec> {
    pub fn spec(&self) -> VerticalSpec {
        match self {
            TextOr::Text(datum) => VerticalSpec { datum: Some(datum.clone()), ..VerticalSpec::default() },
            TextOr::Table(spec) => spec.clone(),
        }
    }
}

impl TextOr<FieldRule> {
    pub fn rule(&self) -> FieldRule {
        match self {
            TextOr::Text(column) => FieldRule { from: Some(column.clone()), ..FieldRule::default() },
            TextOr::Table(rule) => rule.clone(),
        }
    }
}
