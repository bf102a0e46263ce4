//! Proof of GeoJSON before GDAL reads it: whole JSON, not too deep, its features counted, and no CRS that is kept elsewhere:
//! GDAL would fetch it.

use super::complete::Proven;
use super::{OrIo, Outcome, fail, incomplete};
use crate::import::wire::Who;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// The document closes, nothing follows it, and its features are counted.
pub fn document(path: &Path, named: &str, proven: &mut Proven) -> Outcome<()> {
    depth(path, named)?;
    let reader = BufReader::with_capacity(1 << 18, File::open(path).or_io(path)?);
    let mut json = serde_json::Deserializer::from_reader(reader);
    match json.deserialize_map(Object).and_then(|seen| json.end().map(|()| seen)) {
        Ok(seen) => {
            proven.declared = seen.features;
            proven.crs_name = seen.crs.clone();
            refuse_elsewhere(&seen, named)
        }
        Err(e) if e.is_eof() => incomplete(named, format!("the JSON document ends early: {e}")),
        Err(e) => fail(Who::Supplier, "malformed", format!("{named}: is not JSON: {e}")),
    }
}

fn refuse_elsewhere(seen: &Seen, named: &str) -> Outcome<()> {
    match seen.elsewhere {
        false => Ok(()),
        true => {
            let what = "links to a CRS that is kept elsewhere, which is not followed; name it by its EPSG code";
            fail(Who::Supplier, "external-reference", format!("{named}: {what}"))
        }
    }
}

/// What was seen in a value.
#[derive(Default)]
struct Seen {
    /// Items of its `features`.
    features: Option<u64>,
    /// A CRS of it, or of a geometry in it, is a link.
    elsewhere: bool,
    /// What its own CRS is called.
    crs: Option<String>,
}

/// An object of GeoJSON, or whatever stands in its place.
struct Object;

impl<'de> DeserializeSeed<'de> for Object {
    type Value = Seen;

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Seen, D::Error> {
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Object {
    type Value = Seen;

    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("a GeoJSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Seen, A::Error> {
        let mut seen = Seen::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "features" => {
                    let list = map.next_value_seed(List)?;
                    (seen.features, seen.elsewhere) = (list.features, seen.elsewhere | list.elsewhere);
                }
                "geometries" => seen.elsewhere |= map.next_value_seed(List)?.elsewhere,
                "geometry" => seen.elsewhere |= map.next_value_seed(Object)?.elsewhere,
                "crs" => {
                    let crs = map.next_value()?;
                    seen.elsewhere |= is_link(&crs);
                    seen.crs = crs["properties"]["name"].as_str().map(String::from);
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(seen)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Seen, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Seen::default())
    }

    fn visit_unit<E>(self) -> Result<Seen, E> {
        Ok(Seen::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Seen, E> {
        Ok(Seen::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Seen, E> {
        Ok(Seen::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Seen, E> {
        Ok(Seen::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Seen, E> {
        Ok(Seen::default())
    }

    fn visit_str<E>(self, _: &str) -> Result<Seen, E> {
        Ok(Seen::default())
    }
}

/// An array of objects, none kept.
struct List;

impl<'de> DeserializeSeed<'de> for List {
    type Value = Seen;

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Seen, D::Error> {
        d.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for List {
    type Value = Seen;

    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("an array of GeoJSON objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Seen, A::Error> {
        let (mut count, mut elsewhere) = (0, false);
        while let Some(seen) = seq.next_element_seed(Object)? {
            (count, elsewhere) = (count + 1, elsewhere | seen.elsewhere);
        }
        Ok(Seen { features: Some(count), elsewhere, crs: None })
    }
}

/// A CRS of GeoJSON 2008 that says where it is to be fetched from.
fn is_link(crs: &Value) -> bool {
    let kind = crs["type"].as_str().unwrap_or_default();
    ["link", "url"].iter().any(|k| kind.eq_ignore_ascii_case(k))
}

/// Whether a name is that of the CRS that GDAL found: of a name that it does not know it makes WGS 84, without a word.
/// `found`: `EPSG:n`.
pub fn is_called(found: &str, name: &str) -> bool {
    let plain: String = name.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_uppercase();
    let code = plain.rsplit([':', '/']).next().unwrap_or_default();
    match found.strip_prefix("EPSG:") {
        Some("4326" | "4979") if plain.contains("CRS84") || plain == "WGS84" => true,
        Some(found) if plain.contains("EPSG") => found == code,
        _ => !found.starts_with("EPSG:4326"),
    }
}

/// Brackets nested deeper than any GeoJSON are an attack on recursive readers.
const MAX_JSON_DEPTH: u32 = 64;

fn depth(path: &Path, named: &str) -> Outcome<()> {
    let mut reader = BufReader::with_capacity(1 << 18, File::open(path).or_io(path)?);
    let (mut open, mut in_string, mut escaped) = (0u32, false, false);
    loop {
        let chunk = reader.fill_buf().or_io(path)?;
        if chunk.is_empty() {
            return Ok(());
        }
        for b in chunk {
            match b {
                _ if escaped => escaped = false,
                b'\\' if in_string => escaped = true,
                b'"' => in_string = !in_string,
                b'{' | b'[' if !in_string => open += 1,
                b'}' | b']' if !in_string => open = open.saturating_sub(1),
                _ => {}
            }
            if open > MAX_JSON_DEPTH {
                return fail(
                    Who::Supplier,
                    "malformed",
                    format!("{named}: nested deeper than {MAX_JSON_DEPTH} levels"),
                );
            }
        }
        let n = chunk.len();
        reader.consume(n);
    }
}

/// Each record (RFC 8142: after a record separator, else each line) is a whole JSON text.
pub fn lines(path: &Path, named: &str, proven: &mut Proven) -> Outcome<()> {
    depth(path, named)?;
    let mut reader = BufReader::with_capacity(1 << 18, File::open(path).or_io(path)?);
    let separator = match reader.fill_buf().or_io(path)?.first() {
        Some(0x1e) => 0x1e,
        _ => b'\n',
    };
    let (mut count, mut number, mut record) = (0u64, 0u64, vec![]);
    while reader.read_until(separator, &mut record).or_io(path)? > 0 {
        number += 1;
        let text = record.trim_ascii().trim_suffix_byte(separator).trim_ascii();
        if !text.is_empty() {
            count += 1;
            let mut json = serde_json::Deserializer::from_slice(text);
            match Object.deserialize(&mut json).and_then(|seen| json.end().map(|()| seen)) {
                Ok(seen) => refuse_elsewhere(&seen, named)?,
                Err(e) if e.is_eof() => return incomplete(named, format!("record {number} ends early: {e}")),
                Err(e) => {
                    return fail(Who::Supplier, "malformed", format!("{named}: record {number} is not JSON: {e}"));
                }
            }
        }
        record.clear();
    }
    proven.declared = Some(count);
    Ok(())
}

trait TrimSuffix {
    fn trim_suffix_byte(&self, b: u8) -> &[u8];
}

impl TrimSuffix for [u8] {
    fn trim_suffix_byte(&self, b: u8) -> &[u8] {
        self.strip_suffix(&[b]).unwrap_or(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> Seen {
        Object.deserialize(&mut serde_json::Deserializer::from_str(text)).unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    #[test]
    fn a_crs_elsewhere_is_seen_where_gdal_looks_for_it() {
        let link = r#""crs":{"type":"LINK","properties":{"href":"http://127.0.0.1/crs"}}"#;
        let point = |more: &str| format!(r#"{{"type":"Point",{more}"coordinates":[1e999,0]}}"#);
        let feature = |geometry: &str| format!(r#"{{"type":"Feature","properties":{{{link}}},"geometry":{geometry}}}"#);
        let all = |more: &str, feature: &str| format!(r#"{{{more}"features":[{feature},null]}}"#);
        assert!(seen(&all(&format!("{link},"), "null")).elsewhere);
        assert!(seen(&all("", &feature(&point(&format!("{link},"))))).elsewhere);
        let nested = format!(r#"{{"type":"GeometryCollection","geometries":[{}]}}"#, point(&format!("{link},")));
        assert!(seen(&all("", &feature(&nested))).elsewhere);
        // What properties say leads nowhere; a name is no link.
        let named = r#""crs":{"type":"name","properties":{"name":"urn:ogc:def:crs:EPSG::4490"}},"#;
        let good = seen(&all(named, &feature(&point(""))));
        assert_eq!((good.elsewhere, good.features), (false, Some(2)));
        assert_eq!(good.crs.as_deref(), Some("urn:ogc:def:crs:EPSG::4490"));
        for (found, name, is) in [
            ("EPSG:4326", "urn:ogc:def:crs:OGC:1.3:CRS84", true),
            ("EPSG:4326", "EPSG:4326", true),
            ("EPSG:4326", "WGS 84", true),
            ("EPSG:4490", "urn:ogc:def:crs:EPSG::4490", true),
            ("EPSG:4547", "http://www.opengis.net/def/crs/EPSG/0/4547", true),
            ("EPSG:4547", "CGCS2000 / 3-degree Gauss-Kruger CM 114E", true),
            ("EPSG:4326", "urn:ogc:def:crs:EPSG::99999999", false),
            ("EPSG:4326", "GCJ-02", false),
            ("EPSG:4326", "file:///etc/passwd", false),
            ("EPSG:4547", "EPSG:4547x", false),
        ] {
            assert_eq!(is_called(found, name), is, "{found} {name}");
        }
    }
}
