//! The ids of features: derived from keys or content, unique within a layer, the same in every re-import. Knows who
//! holds which id in the layers that an import touches; nothing of files.

use super::map::reject;
use super::wire::Reject;
use crate::feature::{FeatureId, Geometry, Value};
use crate::layer::{Layer, LayerIx};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// What an id is derived from.
pub enum Name<'a> {
    /// The key alone: the thing's own name, whoever delivers it.
    Key(&'a [String]),
    /// The key is a number within its source.
    SourceKey(&'a str, &'a [String]),
    /// Source and digest of the content; twins are numbered.
    Content(&'a str, [u8; 32]),
}

/// Ids are hashes already; one multiplication spreads their 53 bits over the 64 that the table looks at.
#[derive(Default)]
pub struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for &b in bytes {
            self.write_u64(self.0 ^ u64::from(b));
        }
    }
    fn write_u64(&mut self, v: u64) {
        self.0 = v.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

type ById<T> = HashMap<u64, T, BuildHasherDefault<Spread>>;

/// Position of a source in `Identities::sources`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceIx(pub u16);

/// Who holds an id in a layer. 16 bytes: millions of them are kept.
#[derive(Clone, Copy)]
struct Holder {
    /// 64 more bits of the digest: tells the same key from another with the same id. 0 in records of the store.
    check: u64,
    row: u32,
    source: SourceIx,
    stored: bool,
}

/// What the source that is being read has claimed.
#[derive(Clone, Copy)]
struct Claim {
    check: u64,
    row: u32,
    twins: u32,
}

#[derive(Default)]
pub struct Identities {
    sources: Vec<String>,
    layers: HashMap<LayerIx, ById<Holder>>,
    claims: ById<Claim>,
}

impl Identities {
    pub fn new(sources: Vec<String>) -> Identities {
        Identities { sources, ..Identities::default() }
    }

    /// The index of a source; new ones (known from the store alone) are added.
    pub fn source(&mut self, id: &str) -> SourceIx {
        let at = self.sources.iter().position(|s| s == id).unwrap_or_else(|| {
            self.sources.push(id.to_string());
            self.sources.len() - 1
        });
        SourceIx(at as u16)
    }

    /// A record of the store that stays unless its own source delivers it anew.
    pub fn hold(&mut self, layer: LayerIx, id: FeatureId, source: SourceIx) {
        let holder = Holder { check: 0, row: 0, source, stored: true };
        self.layers.entry(layer).or_default().insert(id.0, holder);
    }

    /// The next source begins: repeated keys are repeated within one source.
    pub fn begin_source(&mut self) {
        self.claims = ById::default();
    }

    /// The id of a record, or why it cannot have one. `shown` is the key as the report may show it.
    pub fn claim(
        &mut self,
        layer: LayerIx,
        source: SourceIx,
        row: u64,
        name: &Name<'_>,
        shown: impl Fn() -> String,
    ) -> Result<FeatureId, Reject> {
        let (mut id, mut check) = name.digest(0);
        let row = u32::try_from(row).unwrap_or(u32::MAX);
        if let Some(first) = self.claims.get_mut(&id.0) {
            if first.check != check {
                let detail = format!("key `{}` has the id of another key, that of row {}", shown(), first.row);
                return Err(reject("id-collision", detail));
            }
            if !matches!(name, Name::Content(..)) {
                return Err(reject("repeated-key", format!("key `{}` is already in row {}", shown(), first.row)));
            }
            first.twins += 1;
            (id, check) = name.digest(first.twins);
        }
        let holders = self.layers.entry(layer).or_default();
        if let Some(holder) = holders.get(&id.0).filter(|h| !(h.stored && h.source == source)) {
            let row = if holder.stored { String::new() } else { format!(", row {}", holder.row) };
            let other = format!("{}{row}", self.sources[usize::from(holder.source.0)]);
            // A record of the store does not tell its key: what is named the same way can only be the same key.
            let same = if holder.stored { matches!(name, Name::Key(_)) } else { holder.check == check };
            return Err(match same {
                true => reject("key-of-another-source", format!("key `{}` is held by source {other}", shown())),
                false => {
                    reject("id-collision", format!("`{}` has the id of another record, of source {other}", shown()))
                }
            });
        }
        holders.insert(id.0, Holder { check, row, source, stored: false });
        self.claims.insert(id.0, Claim { check, row, twins: 0 });
        Ok(id)
    }

    /// Whether this import has a record of `source` with this id in one of `layers`.
    pub fn delivered(&self, layers: &[LayerIx], source: SourceIx, id: FeatureId) -> bool {
        let is = |h: &Holder| !h.stored && h.source == source;
        layers.iter().any(|l| self.layers.get(l).and_then(|ids| ids.get(&id.0)).is_some_and(is))
    }
}

impl Name<'_> {
    /// The id and 64 more bits of the same digest; `twin` counts records of equal content.
    fn digest(&self, twin: u32) -> (FeatureId, u64) {
        let twin = twin.to_le_bytes();
        let mut parts: Vec<&[u8]> = vec![];
        match self {
            Name::Key(key) => {
                parts.push(b"k");
                parts.extend(key.iter().map(|k| k.as_bytes()));
            }
            Name::SourceKey(source, key) => {
                parts.extend([b"s".as_slice(), source.as_bytes()]);
                parts.extend(key.iter().map(|k| k.as_bytes()));
            }
            Name::Content(source, digest) => parts.extend([b"c".as_slice(), source.as_bytes(), digest, &twin]),
        }
        FeatureId::from_parts_checked(&parts)
    }
}

/// Digest of what a record says: shape to 0.1 mm and the values that are there, by field name, so that a field that
/// the layer gains changes no id.
pub fn content(layer: &Layer, geometry: &Geometry, values: &[Value]) -> [u8; 32] {
    // One call of the hash: many small ones take twice as long.
    let mut said: Vec<u8> = Vec::with_capacity(1024);
    said.push(geometry.kind as u8);
    // The last bits of a reprojected coordinate are the business of PROJ's version.
    for c in geometry.xy.iter().flatten() {
        said.extend(((c * 1e9).round() as i64).to_le_bytes());
    }
    for z in &geometry.z {
        said.extend(((z * 1e4).round() as i64).to_le_bytes());
    }
    for n in geometry.ends.iter().chain(&geometry.parts) {
        said.extend(n.to_le_bytes());
    }
    for (field, value) in layer.fields.iter().zip(values).filter(|(_, v)| !v.is_null()) {
        said.extend(field.name.as_bytes());
        said.push(0);
        match value {
            Value::Null => {}
            Value::Bool(v) => said.extend([1, u8::from(*v)]),
            Value::Int(v) => {
                said.push(2);
                said.extend(v.to_le_bytes());
            }
            Value::Float(v) => {
                said.push(3);
                said.extend(v.to_bits().to_le_bytes());
            }
            Value::Text(v) => {
                said.push(4);
                said.extend(v.as_bytes());
                said.push(0);
            }
        }
    }
    *blake3::hash(&said).as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: SourceIx = SourceIx(0);
    const B: SourceIx = SourceIx(1);
    const L: LayerIx = LayerIx(0);
    const M: LayerIx = LayerIx(1);

    fn code(claim: Result<FeatureId, Reject>) -> String {
        claim.map_or_else(|r| r.code, |id| format!("ok {}", id.0 > 0))
    }

    fn key(text: &str) -> Vec<String> {
        vec![text.to_string()]
    }

    #[test]
    fn a_key_has_one_holder() {
        let mut ids = Identities::new(vec!["a".into(), "b".into()]);
        let (x, y) = (key("x"), key("y"));
        assert_eq!(code(ids.claim(L, A, 1, &Name::Key(&x), || "x".to_string())), "ok true");
        assert_eq!(code(ids.claim(L, A, 2, &Name::Key(&x), || "x".to_string())), "repeated-key");
        // The same source may not hold a key in two layers either.
        assert_eq!(code(ids.claim(M, A, 3, &Name::Key(&x), || "x".to_string())), "repeated-key");
        ids.begin_source();
        assert_eq!(code(ids.claim(L, B, 1, &Name::Key(&x), || "x".to_string())), "key-of-another-source");
        assert_eq!(code(ids.claim(M, B, 1, &Name::Key(&x), || "x".to_string())), "ok true");
        assert_eq!(code(ids.claim(L, B, 2, &Name::SourceKey("b", &x), || "x".to_string())), "ok true");
        assert_eq!(code(ids.claim(L, B, 3, &Name::Key(&y), || "y".to_string())), "ok true");
    }

    #[test]
    fn records_of_the_store_give_way_to_their_own_source_alone() {
        let mut ids = Identities::new(vec!["a".into(), "b".into()]);
        let x = key("x");
        let (id, _) = Name::Key(&x).digest(0);
        ids.hold(L, id, A);
        assert_eq!(code(ids.claim(L, B, 1, &Name::Key(&x), || "x".to_string())), "key-of-another-source");
        assert!(!ids.delivered(&[L], A, id));
        assert_eq!(ids.claim(L, A, 1, &Name::Key(&x), || "x".to_string()), Ok(id));
        assert!(ids.delivered(&[M, L], A, id) && !ids.delivered(&[L], B, id) && !ids.delivered(&[M], A, id));
    }

    #[test]
    fn another_key_with_the_same_id_is_a_collision() {
        let mut ids = Identities::new(vec!["a".into(), "b".into()]);
        let x = key("x");
        let (id, check) = Name::Key(&x).digest(0);
        ids.claims.insert(id.0, Claim { check: check ^ 1, row: 7, twins: 0 });
        let reject = ids.claim(L, A, 9, &Name::Key(&x), || "x".to_string()).unwrap_err();
        assert!(reject.code == "id-collision" && reject.detail.contains("row 7"), "{reject:?}");
        ids.begin_source();
        ids.layers.entry(L).or_default().insert(id.0, Holder { check: check ^ 1, row: 1, source: B, stored: false });
        assert_eq!(code(ids.claim(L, A, 9, &Name::Key(&x), || "x".to_string())), "id-collision");
    }

    #[test]
    fn twins_are_numbered_and_stay_the_same() {
        let run = || {
            let mut ids = Identities::new(vec!["a".into()]);
            let name = Name::Content("a", [7; 32]);
            (0..3).map(|row| ids.claim(L, A, row, &name, String::new).unwrap()).collect::<Vec<_>>()
        };
        let first = run();
        assert_eq!(first, run());
        assert!(first[0] != first[1] && first[1] != first[2] && first[0] != first[2]);
    }

    #[test]
    fn content_ignores_absent_fields_and_noise() {
        let layer = |fields: &str| -> Layer {
            toml::from_str(&format!(
                "id = \"l\"\nname = {{ zh = \"层\", en = \"l\" }}\ngeometry = [\"point\"]\ndimension = \"2D\"\n\
                 sensitivity = \"public\"\nserve = []\nzoom = {{ min = 0, full = 0, max = 1 }}\nfields = [{fields}]"
            ))
            .unwrap()
        };
        let (a, b) = (r#"{ name = "a", type = "int", zh = "甲" }"#, r#"{ name = "b", type = "int", zh = "乙" }"#);
        let one = content(&layer(a), &Geometry::point(114.3, 34.8), &[Value::Int(1)]);
        let two = layer(&format!("{b}, {a}"));
        let noisy = Geometry::point(114.3 + 1e-12, 34.8);
        assert_eq!(one, content(&two, &noisy, &[Value::Null, Value::Int(1)]));
        assert_ne!(one, content(&two, &noisy, &[Value::Int(1), Value::Null]));
        assert_ne!(one, content(&layer(a), &Geometry::point(114.300001, 34.8), &[Value::Int(1)]));
    }
}
