//! The keys and values of one layer, each written once. Knows the wire form of a value, not of a feature.
//!
//! Types: a whole number ≥ 0 is `uint_value`, a negative one `sint_value`; a float is `float_value` where f32
//! holds it exactly, else `double_value`; −0 is 0; a float that is not finite counts as null, as JSON has it.

use super::wire::{BYTES, FIXED32, FIXED64, put_bytes, put_first_of, put_tag, put_varint, varint, varint_len, zigzag};
use crate::feature::ValueRef;
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use std::hash::{BuildHasher, Hasher};

const KEYS: u32 = 3;
const VALUES: u32 = 4;
/// First byte of a value that is a text: field 1, length-delimited.
const TEXT: u8 = 1 << 3 | BYTES as u8;

/// Entries in order of first use, held as they will stand in the layer.
#[derive(Default)]
pub struct Dictionary {
    /// Wire form of all entries, one after the other.
    pub bytes: Vec<u8>,
    /// Where each entry ends in `bytes`.
    ends: Vec<u32>,
    /// Of each entry up to the last that is a `Small` its bytes as a number: compared at once. 0 of others.
    smalls: Vec<u128>,
    /// Hash and index.
    index: HashTable<(u64, u32)>,
    hasher: FixedState,
}

impl Dictionary {
    /// Forgets all entries, not the room they took.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.smalls.clear();
        self.index.clear();
    }

    /// The index of a key.
    pub fn key(&mut self, key: &str) -> u32 {
        let head = 1 + varint_len(key.len() as u64);
        let is_key = |entry: &[u8]| entry.get(head..) == Some(key.as_bytes());
        let hash = self.hash(key.as_bytes());
        self.find(hash, is_key).unwrap_or_else(|| {
            put_bytes(&mut self.bytes, KEYS, key.as_bytes());
            self.settle(hash)
        })
    }

    /// Whether a value is written at all: null is not, nor a float that is not finite.
    pub fn has(value: ValueRef<'_>) -> bool {
        match value {
            ValueRef::Null => false,
            ValueRef::Float(f) => f.is_finite(),
            _ => true,
        }
    }

    /// The index of a value, of which `has` is true. `hint` is a likely one.
    pub fn value(&mut self, value: ValueRef<'_>, hint: u32) -> u32 {
        match Small::of(value) {
            Ok(small) => self.small(small, hint),
            Err(text) => self.text(text, hint),
        }
    }

    fn text(&mut self, t: &str, hint: u32) -> u32 {
        let inner = 1 + varint_len(t.len() as u64);
        let head = 1 + varint_len((inner + t.len()) as u64);
        // No other type has this first byte, and a text of another length has no tail of this one.
        let is_text = |e: &[u8]| e.get(head) == Some(&TEXT) && e.get(head + inner..) == Some(t.as_bytes());
        if entry(&self.bytes, &self.ends, hint).is_some_and(is_text) {
            return hint;
        }
        let hash = self.hash(t.as_bytes());
        self.find(hash, is_text).unwrap_or_else(|| {
            put_text(&mut self.bytes, t);
            self.settle(hash)
        })
    }

    fn small(&mut self, v: Small, hint: u32) -> u32 {
        if self.smalls.get(hint as usize) == Some(&v.bytes) {
            return hint;
        }
        let hash = v.hash();
        let same = |known: &(u64, u32)| known.0 == hash && self.smalls.get(known.1 as usize) == Some(&v.bytes);
        if let Some(known) = self.index.find(hash, same) {
            return known.1;
        }
        v.put(&mut self.bytes);
        let i = self.settle(hash);
        self.smalls.resize(i as usize, 0);
        self.smalls.push(v.bytes);
        i
    }

    fn hash(&self, bytes: &[u8]) -> u64 {
        let mut h = self.hasher.build_hasher();
        h.write(bytes);
        h.finish()
    }

    fn find(&self, hash: u64, is_it: impl Fn(&[u8]) -> bool) -> Option<u32> {
        let same = |known: &(u64, u32)| known.0 == hash && entry(&self.bytes, &self.ends, known.1).is_some_and(&is_it);
        self.index.find(hash, same).map(|known| known.1)
    }

    /// The index of an entry as `put_value` writes it.
    pub fn entry(&mut self, bytes: &[u8]) -> u32 {
        let hash = self.hash(bytes);
        self.find(hash, |e| e == bytes).unwrap_or_else(|| {
            self.bytes.extend_from_slice(bytes);
            self.settle(hash)
        })
    }

    /// The same of one that is not there yet, nor is it found later: the first `len` of `bytes`.
    #[inline]
    pub fn append(&mut self, bytes: &[u8], len: usize) -> u32 {
        put_first_of::<32>(&mut self.bytes, bytes, len);
        self.end()
    }

    fn end(&mut self) -> u32 {
        self.ends.push(self.bytes.len() as u32);
        self.ends.len() as u32 - 1
    }

    /// Makes an entry of what was written at the end.
    fn settle(&mut self, hash: u64) -> u32 {
        let i = self.end();
        self.index.insert_unique(hash, (hash, i), |known| known.0);
        i
    }
}

fn entry<'a>(bytes: &'a [u8], ends: &[u32], i: u32) -> Option<&'a [u8]> {
    let i = i as usize;
    let to = *ends.get(i)? as usize;
    let from = if i == 0 { 0 } else { ends[i - 1] as usize };
    Some(&bytes[from..to])
}

/// Writes the entry of a value as it stands in a layer; nothing for one that is not written at all.
pub fn put_value(out: &mut Vec<u8>, value: ValueRef<'_>) {
    match Small::of(value) {
        _ if !Dictionary::has(value) => {}
        Ok(small) => small.put(out),
        Err(text) => put_text(out, text),
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_tag(out, VALUES, BYTES);
    put_varint(out, (1 + varint_len(text.len() as u64) + text.len()) as u64);
    put_bytes(out, 1, text.as_bytes());
}

/// The text in an entry; `None` of a value of another type.
pub fn text_of(entry: &[u8]) -> Option<&str> {
    let after_number = |bytes: &'_ [u8]| bytes.iter().position(|b| b & 0x80 == 0).map(|last| last + 1);
    let inner = entry.get(1..)?;
    let inner = inner.get(after_number(inner)?..)?;
    let text = inner.strip_prefix(&[TEXT])?;
    std::str::from_utf8(text.get(after_number(text)?..)?).ok()
}

/// The whole entry of a value that is no text: at most 13 bytes, of which the second says how many follow it.
struct Small {
    /// Little-endian: the first byte lowest.
    bytes: u128,
}

impl Small {
    /// Of a value of which `has` is true; a text is told apart. (Null is kept off: an empty text is what comes nearest.)
    fn of(value: ValueRef<'_>) -> Result<Small, &str> {
        match value {
            ValueRef::Text(t) => Err(t),
            ValueRef::Null => Err(""),
            ValueRef::Bool(b) => Ok(Small::number(7, u64::from(b))),
            ValueRef::Int(i) if i >= 0 => Ok(Small::number(5, i as u64)),
            ValueRef::Int(i) => Ok(Small::number(6, zigzag(i))),
            ValueRef::Float(f) => Ok(Small::float(f)),
        }
    }

    fn number(field: u32, v: u64) -> Small {
        Small::new(field << 3, varint(v), varint_len(v))
    }

    fn float(f: f64) -> Small {
        let f = if f == 0.0 { 0.0 } else { f };
        let single = f as f32;
        match f64::from(single) == f {
            true => Small::new(2 << 3 | FIXED32, u128::from(single.to_bits()), 4),
            false => Small::new(3 << 3 | FIXED64, u128::from(f.to_bits()), 8),
        }
    }

    /// The value's tag and its `len` bytes.
    fn new(tag: u32, value: u128, len: usize) -> Small {
        let head = u128::from(VALUES << 3 | BYTES) | (1 + len as u128) << 8 | u128::from(tag) << 16;
        Small { bytes: head | value << 24 }
    }

    fn put(&self, out: &mut Vec<u8>) {
        let bytes = self.bytes.to_le_bytes();
        put_first_of::<16>(out, &bytes, usize::from(bytes[1]) + 2);
    }

    /// Both halves multiplied into each other, as wyhash does; the constants are its odd ones.
    fn hash(&self) -> u64 {
        let all = self.bytes;
        let (low, high) = (all as u64 ^ 0xa076_1d64_78bd_642f, (all >> 64) as u64 ^ 0xe703_7ed1_a0b4_28db);
        let product = u128::from(low) * u128::from(high);
        product as u64 ^ (product >> 64) as u64
    }
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
            assert_eq!(d.value(*v, 0), i as u32);
        }
        for (i, v) in values.iter().enumerate() {
            for hint in 0..9 {
                assert_eq!(d.value(*v, hint), i as u32, "again, {hint}");
            }
        }
        assert_eq!(d.value(ValueRef::Float(-0.0), 0), d.value(ValueRef::Float(0.0), 0));
        for nothing in [ValueRef::Null, ValueRef::Float(f64::NAN), ValueRef::Float(f64::INFINITY)] {
            assert!(!Dictionary::has(nothing));
        }
    }

    #[test]
    fn an_entry_alone_is_the_one_of_a_layer() {
        let long = "长".repeat(200);
        let texts = ["", "路灯", &long].map(ValueRef::Text);
        let others = [ValueRef::Int(7), ValueRef::Int(i64::MIN), ValueRef::Float(0.1), ValueRef::Bool(true)];
        let (mut d, mut again, mut found) = (Dictionary::default(), Dictionary::default(), Dictionary::default());
        for (i, value) in texts.into_iter().chain(others).enumerate() {
            let mut entry = vec![];
            put_value(&mut entry, value);
            assert_eq!(
                (d.value(value, 0), again.append(&entry, entry.len()), found.entry(&entry)),
                (i as u32, i as u32, i as u32)
            );
            assert_eq!(found.entry(&entry), i as u32);
            let text = if let ValueRef::Text(t) = value { Some(t) } else { None };
            assert_eq!(text_of(&entry), text);
        }
        assert_eq!((&d.bytes, &d.bytes), (&again.bytes, &found.bytes));
        let mut nothing = vec![];
        [ValueRef::Null, ValueRef::Float(f64::NAN)].into_iter().for_each(|v| put_value(&mut nothing, v));
        assert!(nothing.is_empty() && text_of(&nothing).is_none());
    }

    #[test]
    fn many_values_stay_distinct() {
        let mut d = Dictionary::default();
        for round in 0..2 {
            for i in 0..5000 {
                assert_eq!(d.value(ValueRef::Text(&format!("值{i}")), i / 2), i, "round {round}");
            }
        }
    }

    #[test]
    fn keys_stay_distinct_and_what_is_cleared_is_forgotten() {
        let mut d = Dictionary::default();
        let long = "k".repeat(300);
        let keys = ["name", "ame", "e", "名称", "code", &long];
        for round in 0..2 {
            for (i, k) in keys.iter().enumerate() {
                assert_eq!(d.key(k), i as u32, "round {round}");
            }
        }
        d.clear();
        assert_eq!((d.bytes.len(), d.value(ValueRef::Text("code"), 4), d.key("code")), (0, 0, 1));
    }
}
