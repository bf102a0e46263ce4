//! The keys and values of one layer, each written once. Knows the wire form of a value, not of a feature.
//!
//! Types: a whole number ≥ 0 is `uint_value`, a negative one `sint_value`; a float is `float_value` where f32
//! holds it exactly, else `double_value`; −0 is 0; a float that is not finite counts as null, as JSON has it.

use super::wire::{FIXED32, FIXED64, put_bytes, put_number, put_tag, put_varint, zigzag};
use crate::feature::ValueRef;
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use std::hash::{BuildHasher, Hasher};

const KEYS: u32 = 3;
const VALUES: u32 = 4;

/// Entries in order of first use, held as they will stand in the layer.
#[derive(Default)]
pub struct Dictionary {
    /// Wire form of all entries, one after the other.
    pub bytes: Vec<u8>,
    /// Where each entry ends in `bytes`.
    ends: Vec<u32>,
    index: HashTable<u32>,
    hasher: FixedState,
}

impl Dictionary {
    /// The index of a key. `hint` is a likely one: features of a layer name their keys in the same order.
    pub fn key(&mut self, key: &str, hint: u32) -> u32 {
        let from = self.bytes.len();
        if let Some(entry) = self.entry(hint)
            && entry.ends_with(key.as_bytes())
            && entry.len() == key.len() + 1 + super::wire::varint_len(key.len() as u64)
        {
            return hint;
        }
        put_bytes(&mut self.bytes, KEYS, key.as_bytes());
        self.settle(from)
    }

    /// Whether a value is written at all: null is not, nor a float that is not finite.
    pub fn has(value: ValueRef<'_>) -> bool {
        match value {
            ValueRef::Null => false,
            ValueRef::Float(f) => f.is_finite(),
            _ => true,
        }
    }

    /// The index of a value, of which `has` is true.
    pub fn value(&mut self, value: ValueRef<'_>) -> u32 {
        let from = self.bytes.len();
        let out = &mut self.bytes;
        // A value is a message of one field; its length is known beforehand but for texts and integers.
        match value {
            // Kept off by `has`; an empty message would be no value.
            ValueRef::Null => out.extend_from_slice(&[(VALUES << 3 | 2) as u8, 2, 1 << 3 | 2, 0]),
            ValueRef::Text(t) => {
                put_tag(out, VALUES, super::wire::BYTES);
                put_varint(out, (1 + super::wire::varint_len(t.len() as u64) + t.len()) as u64);
                put_bytes(out, 1, t.as_bytes());
            }
            ValueRef::Bool(b) => out.extend_from_slice(&[(VALUES << 3 | 2) as u8, 2, 7 << 3, u8::from(b)]),
            ValueRef::Int(i) => {
                let (field, v) = if i >= 0 { (5, i as u64) } else { (6, zigzag(i)) };
                put_tag(out, VALUES, super::wire::BYTES);
                put_varint(out, 1 + super::wire::varint_len(v) as u64);
                put_number(out, field, v);
            }
            ValueRef::Float(f) => put_float(out, f),
        }
        self.settle(from)
    }

    /// Keeps the entry that was written at the end, or takes it back where it is known.
    fn settle(&mut self, from: usize) -> u32 {
        let Dictionary { bytes, ends, index, hasher } = self;
        let entry = &bytes[from..];
        let hash = hash(hasher, entry);
        let known = index.find(hash, |&i| slice(bytes, ends, i) == Some(entry)).copied();
        if let Some(i) = known {
            bytes.truncate(from);
            return i;
        }
        let i = ends.len() as u32;
        ends.push(bytes.len() as u32);
        index.insert_unique(hash, i, |&i| hash_of(hasher, slice(bytes, ends, i)));
        i
    }

    fn entry(&self, i: u32) -> Option<&[u8]> {
        slice(&self.bytes, &self.ends, i)
    }
}

fn put_float(out: &mut Vec<u8>, f: f64) {
    let f = if f == 0.0 { 0.0 } else { f };
    let single = f as f32;
    put_tag(out, VALUES, super::wire::BYTES);
    if f64::from(single) == f {
        out.push(5);
        put_tag(out, 2, FIXED32);
        out.extend_from_slice(&single.to_le_bytes());
    } else {
        out.push(9);
        put_tag(out, 3, FIXED64);
        out.extend_from_slice(&f.to_le_bytes());
    }
}

fn slice<'a>(bytes: &'a [u8], ends: &[u32], i: u32) -> Option<&'a [u8]> {
    let i = i as usize;
    let to = *ends.get(i)? as usize;
    let from = if i == 0 { 0 } else { ends[i - 1] as usize };
    Some(&bytes[from..to])
}

fn hash(hasher: &FixedState, entry: &[u8]) -> u64 {
    let mut h = hasher.build_hasher();
    h.write(entry);
    h.finish()
}

fn hash_of(hasher: &FixedState, entry: Option<&[u8]>) -> u64 {
    hash(hasher, entry.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_share_an_entry_and_types_stay_apart() {
        let mut d = Dictionary::default();
        let values = [
            ValueRef::Int(1),
            ValueRef::Float(1.0),
            ValueRef::Bool(true),
            ValueRef::Text("1"),
            ValueRef::Int(-1),
            ValueRef::Float(0.1),
            ValueRef::Text(""),
        ];
        for (i, v) in values.iter().enumerate() {
            assert_eq!(d.value(*v), i as u32);
        }
        for (i, v) in values.iter().enumerate() {
            assert_eq!(d.value(*v), i as u32, "again");
        }
        assert_eq!(d.value(ValueRef::Float(-0.0)), d.value(ValueRef::Float(0.0)));
        for nothing in [ValueRef::Null, ValueRef::Float(f64::NAN), ValueRef::Float(f64::INFINITY)] {
            assert!(!Dictionary::has(nothing));
        }
    }

    #[test]
    fn many_values_stay_distinct() {
        let mut d = Dictionary::default();
        for round in 0..2 {
            for i in 0..5000 {
                assert_eq!(d.value(ValueRef::Text(&format!("值{i}"))), i, "round {round}");
            }
        }
    }

    #[test]
    fn keys_with_right_and_wrong_hints() {
        let mut d = Dictionary::default();
        let keys = ["name", "ame", "e", "名称", "code"];
        for (i, k) in keys.iter().enumerate() {
            assert_eq!(d.key(k, i as u32), i as u32);
        }
        for hint in 0..9 {
            for (i, k) in keys.iter().enumerate() {
                assert_eq!(d.key(k, hint), i as u32, "{k} {hint}");
            }
        }
        let long = "k".repeat(300);
        assert_eq!((d.key(&long, 5), d.key(&long, 5), d.key(&long, 0)), (5, 5, 5));
    }
}
