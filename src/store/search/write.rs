//! Writing a search index: texts come in the table's order, equal ones are counted together, then all are sorted and their
//! grams gathered. Memory: about 60 bytes and the text for each distinct one, 8 bytes for each record that has one.

use super::{BLOCK_TEXTS, FIELD_BYTES, HEAD_BYTES, MAGIC, STEPS, fold, gram};
use crate::error::{Error, Result};
use crate::geo::BBox;
use crate::store::varint::put_varint;
use foldhash::fast::FixedState;
use hashbrown::{HashMap, HashTable};
use std::hash::BuildHasher;

/// No further record.
const END: u32 = u32::MAX;

/// Gathers the texts of a layer's searchable fields.
pub struct SearchWriter {
    fields: Vec<FieldTexts>,
}

/// A box in steps of a degree: west, south, east, north.
type Steps = [i32; 4];

struct Text {
    at: u32,
    len: u32,
    count: u32,
    /// The latest record in `chain`.
    latest: u32,
    bbox: Steps,
}

struct FieldTexts {
    field: u32,
    /// Folded texts, one after the other.
    bytes: Vec<u8>,
    texts: Vec<Text>,
    /// Text by its bytes.
    known: HashTable<u32>,
    /// Record, and its predecessor of the same text in this list.
    chain: Vec<[u32; 2]>,
    hasher: FixedState,
}

impl SearchWriter {
    /// `fields`: positions in the layer of those that are searched.
    pub fn new(fields: impl Iterator<Item = usize>) -> SearchWriter {
        let empty = |field| FieldTexts {
            field: field as u32,
            bytes: vec![],
            texts: vec![],
            known: HashTable::new(),
            chain: vec![],
            hasher: FixedState::default(),
        };
        SearchWriter { fields: fields.map(empty).collect() }
    }

    /// Whether a field is searched.
    pub fn reads(&self, field: usize) -> bool {
        self.fields.iter().any(|f| f.field as usize == field)
    }

    /// The text of a record's field; of a field that is not searched it is passed over. Records come in rising order.
    ///
    /// # Errors
    /// `Error::Data` when a field has more than 4 GB of texts or records.
    pub fn push(&mut self, field: usize, text: &str, record: u64, bbox: &BBox) -> Result<()> {
        match self.fields.iter_mut().find(|f| f.field as usize == field) {
            Some(texts) => texts.push(fold(text).as_bytes(), record, bbox),
            None => Ok(()),
        }
    }

    /// The index as bytes; none where no field is searched.
    pub fn seal(self) -> Result<Option<Vec<u8>>> {
        if self.fields.is_empty() {
            return Ok(None);
        }
        let boxes = self.fields.iter().flat_map(|f| f.texts.iter().map(|t| t.bbox));
        let origin = boxes.fold([i32::MAX; 2], |[w, s], b| [w.min(b[0]), s.min(b[1])]);
        let mut out = vec![0; HEAD_BYTES + self.fields.len() * FIELD_BYTES];
        let mut head = MAGIC.to_vec();
        head.extend((self.fields.len() as u64).to_le_bytes());
        head.extend(origin.map(i32::to_le_bytes).as_flattened());
        for field in self.fields {
            head.extend(field.write(origin, &mut out)?);
        }
        out[..head.len()].copy_from_slice(&head);
        Ok(Some(out))
    }
}

fn too_many() -> Error {
    Error::Data("a searched field has more texts than its index can number".to_string())
}

fn small(n: usize) -> Result<u32> {
    u32::try_from(n).map_err(|_| too_many())
}

fn steps(bbox: &BBox) -> Steps {
    bbox.to_array().map(|d| (d * STEPS).round() as i32)
}

impl FieldTexts {
    fn push(&mut self, text: &[u8], record: u64, bbox: &BBox) -> Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        let hash = self.hasher.hash_one(text);
        let of = |bytes: &[u8], t: &Text| bytes[t.at as usize..][..t.len as usize] == *text;
        let known = self.known.find(hash, |&i| of(&self.bytes, &self.texts[i as usize])).copied();
        let bbox = steps(bbox);
        let link = small(self.chain.len())?;
        let record = u32::try_from(record).map_err(|_| too_many())?;
        match known {
            Some(i) => {
                let t = &mut self.texts[i as usize];
                self.chain.push([record, t.latest]);
                (t.count, t.latest) = (t.count + 1, link);
                let [[w, s, e, n], [w2, s2, e2, n2]] = [t.bbox, bbox];
                t.bbox = [w.min(w2), s.min(s2), e.max(e2), n.max(n2)];
            }
            None => {
                let (at, i) = (small(self.bytes.len())?, small(self.texts.len())?);
                self.bytes.extend_from_slice(text);
                self.texts.push(Text { at, len: text.len() as u32, count: 1, latest: link, bbox });
                self.chain.push([record, END]);
                let (hasher, bytes, texts) = (&self.hasher, &self.bytes, &self.texts);
                let hash_of = |&i: &u32| {
                    let t = &texts[i as usize];
                    hasher.hash_one(&bytes[t.at as usize..][..t.len as usize])
                };
                self.known.insert_unique(hash, i, hash_of);
            }
        }
        Ok(())
    }

    fn bytes_of(&self, t: &Text) -> &[u8] {
        &self.bytes[t.at as usize..][..t.len as usize]
    }

    /// Appends the field's sections; its entry in the header.
    fn write(mut self, origin: [i32; 2], out: &mut Vec<u8>) -> Result<Vec<u8>> {
        self.known = HashTable::new();
        let mut texts = std::mem::take(&mut self.texts);
        texts.sort_unstable_by(|a, b| self.bytes_of(a).cmp(self.bytes_of(b)));
        let heads_at = out.len();
        let blocks = texts.chunks(BLOCK_TEXTS);
        out.resize(heads_at + (blocks.len() + 1) * 4, 0);
        let texts_at = out.len();
        let (mut grams, mut members) = (Grams::default(), vec![]);
        let mut heads = vec![];
        for (number, block) in blocks.enumerate() {
            heads.push(small(out.len() - texts_at)?);
            self.write_block(block, number as u32, origin, out, &mut grams, &mut members);
        }
        heads.push(small(out.len() - texts_at)?);
        let heads: Vec<u8> = heads.into_iter().flat_map(u32::to_le_bytes).collect();
        out[heads_at..texts_at].copy_from_slice(&heads);
        let grams_at = out.len();
        let count = grams.postings.len();
        let postings = grams.write(out)?;
        let postings_at = out.len();
        out.extend(postings);
        let members_at = out.len();
        out.extend(members);
        let mut entry =
            [self.field, small(texts.len())?, small(count)?, 0].map(u32::to_le_bytes).as_flattened().to_vec();
        let sections = [heads_at, texts_at, grams_at, postings_at, members_at, out.len()];
        entry.extend(sections.map(|at| (at as u64).to_le_bytes()).as_flattened());
        Ok(entry)
    }

    fn write_block(
        &self,
        block: &[Text],
        number: u32,
        [west, south]: [i32; 2],
        out: &mut Vec<u8>,
        grams: &mut Grams,
        members: &mut Vec<u8>,
    ) {
        let mut before: Vec<char> = vec![];
        for t in block {
            // Folded from a `str`.
            let text = std::str::from_utf8(self.bytes_of(t)).unwrap_or_default();
            let letters: Vec<char> = text.chars().collect();
            let same = letters.iter().zip(&before).take_while(|(a, b)| a == b).count();
            let shared: usize = letters[..same].iter().map(|c| c.len_utf8()).sum();
            put_varint(out, shared as u64);
            put_varint(out, (text.len() - shared) as u64);
            out.extend_from_slice(&text.as_bytes()[shared..]);
            put_varint(out, u64::from(t.count));
            match t.count {
                1 => put_varint(out, u64::from(self.chain[t.latest as usize][0])),
                _ => {
                    put_varint(out, members.len() as u64);
                    self.write_members(t, members);
                }
            }
            let [w, s, e, n] = t.bbox.map(i64::from);
            for distance in [w - i64::from(west), s - i64::from(south), e - w, n - s] {
                put_varint(out, distance as u64);
            }
            // What ends in the shared part stands in the block already.
            gram::ending_from(&letters, same, &mut |key| grams.add(key, number));
            before = letters;
        }
    }

    fn write_members(&self, t: &Text, members: &mut Vec<u8>) {
        let mut records = Vec::with_capacity(t.count as usize);
        let mut link = t.latest;
        while link != END {
            let [record, next] = self.chain[link as usize];
            records.push(record);
            link = next;
        }
        let mut before = 0;
        for record in records.into_iter().rev() {
            put_varint(members, u64::from(record - before));
            before = record;
        }
    }
}

/// The blocks of each gram, as they will be written.
#[derive(Default)]
struct Grams {
    postings: HashMap<u64, Posting, FixedState>,
}

struct Posting {
    latest: u32,
    bytes: Vec<u8>,
}

impl Grams {
    /// Blocks come in rising order.
    fn add(&mut self, gram: u64, block: u32) {
        let posting = self.postings.entry(gram).or_insert(Posting { latest: END, bytes: vec![] });
        if posting.latest != block {
            let from = if posting.latest == END { 0 } else { posting.latest };
            put_varint(&mut posting.bytes, u64::from(block - from));
            posting.latest = block;
        }
    }

    /// Appends the directory; the postings that it leads to.
    fn write(self, out: &mut Vec<u8>) -> Result<Vec<u8>> {
        let mut all: Vec<(u64, Posting)> = self.postings.into_iter().collect();
        all.sort_unstable_by_key(|(key, _)| *key);
        let mut postings = vec![];
        for (key, posting) in all {
            out.extend(key.to_le_bytes());
            out.extend(small(postings.len())?.to_le_bytes());
            postings.extend(posting.bytes);
        }
        out.extend(u64::MAX.to_le_bytes());
        out.extend(small(postings.len())?.to_le_bytes());
        Ok(postings)
    }
}
