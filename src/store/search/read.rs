//! Reading a search index: the texts that are, begin with or hold what is sought, with a bound on how many are looked at.

use super::{BLOCK_TEXTS, FIELD_BYTES, GRAM_BYTES, HEAD_BYTES, MAGIC, STEPS, fold, gram};
use crate::error::Result;
use crate::geo::BBox;
use crate::store::BlobRef;
use crate::store::blob::{Blob, BlockCache, Cursor};
use crate::store::varint::take_varint;
use std::path::Path;
use std::sync::Arc;

/// Texts of a field that are taken as beginning with what is sought.
const MOST_BEGINNING: usize = 256;
/// Blocks of a field that are looked through for what is sought.
const MOST_BLOCKS: usize = 16;
/// Bytes of the postings of a gram that are read: a gram that stands in more blocks tells too little.
const MOST_POSTINGS: usize = 8 << 10;

/// Records of one text that are looked at.
const MOST_MEMBERS: u64 = 1 << 18;
/// Members are read in pieces of this many bytes.
const PIECE_BYTES: u64 = 4 << 10;
/// Bytes of the longest varint.
const LONGEST_VARINT: usize = 10;

/// What is sought, prepared once for all indexes.
#[derive(Debug, Clone)]
pub struct Sought {
    text: String,
    /// Its words: a text that has them all has what is sought, wherever they stand in it.
    words: Vec<String>,
    grams: Vec<u64>,
}

impl Sought {
    /// `None` of a text that has nothing but blanks.
    pub fn new(text: &str) -> Option<Sought> {
        let text = fold(text).into_owned();
        let words: Vec<String> = text.split(' ').map(String::from).collect();
        let mut grams = words.iter().flat_map(|w| gram::telling(&w.chars().collect::<Vec<_>>())).collect::<Vec<_>>();
        grams.sort_unstable();
        grams.dedup();
        (!text.is_empty()).then_some(Sought { text, words, grams })
    }

    /// Folded.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// How a text has what is sought; the better ones first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    Exact,
    Prefix,
    Suffix,
    Inside,
}

impl How {
    fn of(text: &str, sought: &Sought) -> Option<How> {
        let whole = sought.text.as_str();
        match () {
            () if text == whole => Some(How::Exact),
            () if text.starts_with(whole) => Some(How::Prefix),
            () if text.ends_with(whole) => Some(How::Suffix),
            () if sought.words.iter().all(|word| text.contains(word.as_str())) => Some(How::Inside),
            () => None,
        }
    }
}

/// A text that has what is sought.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Found<'t> {
    /// Folded.
    pub text: &'t str,
    pub how: How,
    /// Records that have the text.
    pub count: u64,
    /// Around them, degrees, to 1e-7.
    pub bbox: BBox,
    pub records: Records,
}

/// Which records have a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Records {
    /// Its place in the layer's table.
    One(u64),
    Several {
        count: u64,
        /// Where they are listed.
        at: u64,
    },
}

/// The search index of a layer, open.
pub struct SearchIndex {
    blob: Blob,
    origin: [i32; 2],
    fields: Vec<Section>,
}

/// Where the parts of a field stand.
#[derive(Debug, Clone, Copy)]
struct Section {
    field: usize,
    texts: usize,
    grams: usize,
    heads_at: u64,
    texts_at: u64,
    grams_at: u64,
    postings_at: u64,
    members_at: u64,
    end: u64,
}

impl Section {
    fn blocks(&self) -> usize {
        self.texts.div_ceil(BLOCK_TEXTS)
    }

    fn read(bytes: &[u8; FIELD_BYTES]) -> Section {
        let small = |at: usize| bytes[at..].first_chunk().map_or(0, |w| u32::from_le_bytes(*w)) as usize;
        let word = |at: usize| bytes[at..].first_chunk().map_or(0, |w| u64::from_le_bytes(*w));
        Section {
            field: small(0),
            texts: small(4),
            grams: small(8),
            heads_at: word(16),
            texts_at: word(24),
            grams_at: word(32),
            postings_at: word(40),
            members_at: word(48),
            end: word(56),
        }
    }

    fn is_sound(&self, size: u64) -> bool {
        let heads = self.heads_at.checked_add((self.blocks() as u64 + 1) * 4);
        let grams = self.grams_at.checked_add((self.grams as u64 + 1) * GRAM_BYTES as u64);
        let rising = self.texts_at <= self.grams_at && self.postings_at <= self.members_at;
        heads == Some(self.texts_at)
            && grams == Some(self.postings_at)
            && rising
            && self.members_at <= self.end
            && self.end <= size
    }
}

impl SearchIndex {
    pub(in crate::store) fn open(store: &Path, blob: &BlobRef, cache: &Arc<BlockCache>) -> Result<SearchIndex> {
        let blob = Blob::open(store, blob, cache)?;
        let broken = || blob.damaged("its header does not hold together");
        let mut cursor = Cursor::new(&blob);
        let head: [u8; HEAD_BYTES] = cursor.bytes(0, HEAD_BYTES)?.first_chunk().copied().unwrap_or([0; HEAD_BYTES]);
        let small = |at: usize| head[at..].first_chunk().map_or(0, |w| i32::from_le_bytes(*w));
        let count = usize::try_from(small(8)).map_err(|_| broken())?;
        let entries = cursor.bytes(HEAD_BYTES as u64, count.checked_mul(FIELD_BYTES).ok_or_else(broken)?)?;
        let fields: Vec<Section> = entries.as_chunks().0.iter().map(Section::read).collect();
        match head.starts_with(MAGIC) && fields.iter().all(|f| f.is_sound(blob.size)) {
            true => Ok(SearchIndex { origin: [small(16), small(20)], fields, blob }),
            false => Err(broken()),
        }
    }

    /// Calls `each` for texts of the field that have what is sought: first those that begin with it, in their order. Whether
    /// these are all: of more than a bound, some are left out.
    pub fn find(&self, field: usize, sought: &Sought, each: &mut dyn FnMut(&Found<'_>)) -> Result<bool> {
        let Some(section) = self.fields.iter().find(|f| f.field == field && f.texts > 0) else { return Ok(true) };
        let mut field = Field { index: self, section, cursor: Cursor::new(&self.blob) };
        // They rank before all others of the field: with that many, no other is wanted.
        Ok(field.beginning(sought, each)? && field.holding(sought, each)?)
    }

    /// Records that have a text, by their places in the table, rising: all of them, or about `most` evenly among them.
    pub fn records(&self, field: usize, records: Records, most: usize) -> Result<Vec<u64>> {
        let (count, at) = match records {
            Records::One(record) => return Ok(vec![record]),
            Records::Several { count, at } => (count.min(MOST_MEMBERS), at),
        };
        let Some(section) = self.fields.iter().find(|f| f.field == field) else { return Ok(vec![]) };
        let (mut at, mut cursor) = (section.members_at.saturating_add(at), Cursor::new(&self.blob));
        if at > section.end {
            return Err(self.broken());
        }
        let step = count.div_ceil(most.max(1) as u64);
        let (mut taken, mut record, mut out) = (0, 0u64, vec![]);
        while taken < count {
            let len = section.end.saturating_sub(at).min(PIECE_BYTES);
            let mut rest = cursor.bytes(at, len as usize)?;
            let before = rest.len();
            while taken < count && (rest.len() >= LONGEST_VARINT || at + len == section.end) {
                record = record.saturating_add(take_varint(&mut rest).ok_or_else(|| self.broken())?);
                if taken % step == 0 {
                    out.push(record);
                }
                taken += 1;
            }
            at += (before - rest.len()) as u64;
        }
        Ok(out)
    }

    fn broken(&self) -> crate::error::Error {
        self.blob.damaged("its texts do not hold together")
    }
}

/// A field being searched.
struct Field<'a> {
    index: &'a SearchIndex,
    section: &'a Section,
    cursor: Cursor<'a>,
}

impl<'a> Field<'a> {
    fn beginning(&mut self, sought: &Sought, each: &mut dyn FnMut(&Found<'_>)) -> Result<bool> {
        let (mut from, mut to) = (0, self.section.blocks());
        while from < to {
            let middle = from + (to - from) / 2;
            match self.head(middle)? < sought.text.as_bytes() {
                true => from = middle + 1,
                false => to = middle,
            }
        }
        // The block before may hold some behind its first text.
        let (mut left, mut more) = (MOST_BEGINNING, false);
        for number in from.saturating_sub(1)..self.section.blocks() {
            let mut beyond = false;
            self.texts(number, &mut |mut found| {
                match How::of(found.text, sought) {
                    Some(how @ (How::Exact | How::Prefix)) if left > 0 => {
                        left -= 1;
                        found.how = how;
                        each(&found);
                    }
                    Some(How::Exact | How::Prefix) => more = true,
                    _ => beyond = found.text > sought.text.as_str(),
                }
                !beyond && !more
            })?;
            if beyond || more {
                break;
            }
        }
        Ok(!more)
    }

    fn holding(&mut self, sought: &Sought, each: &mut dyn FnMut(&Found<'_>)) -> Result<bool> {
        let Some((blocks, mut all)) = self.blocks_with(&sought.grams)? else { return Ok(true) };
        all &= blocks.len() <= MOST_BLOCKS;
        for number in blocks.into_iter().take(MOST_BLOCKS) {
            self.texts(number, &mut |mut found| {
                if let Some(how @ (How::Suffix | How::Inside)) = How::of(found.text, sought) {
                    found.how = how;
                    each(&found);
                }
                true
            })?;
        }
        Ok(all)
    }

    /// Blocks that may hold a text with all these grams, rising, and whether there are no others; `None` where a gram is in
    /// no block.
    fn blocks_with(&mut self, grams: &[u64]) -> Result<Option<(Vec<usize>, bool)>> {
        let mut places = vec![];
        for gram in grams {
            match self.postings(*gram)? {
                Some(place) => places.push(place),
                None => return Ok(None),
            }
        }
        places.sort_unstable_by_key(|(at, len)| (*len, *at));
        let Some((&(at, len), others)) = places.split_first() else { return Ok(None) };
        let mut blocks = self.posting(at, len)?;
        for &(at, len) in others {
            if blocks.len() <= 2 || len > MOST_POSTINGS {
                break;
            }
            let with = self.posting(at, len)?;
            blocks.retain(|b| with.binary_search(b).is_ok());
        }
        Ok(Some((blocks, len <= MOST_POSTINGS)))
    }

    /// Where the postings of a gram are and how many bytes.
    fn postings(&mut self, gram: u64) -> Result<Option<(u64, usize)>> {
        let Section { grams, grams_at, postings_at, members_at, .. } = *self.section;
        let (mut from, mut to) = (0, grams);
        while from < to {
            let middle = from + (to - from) / 2;
            let pair = self.cursor.bytes(grams_at + (middle * GRAM_BYTES) as u64, 2 * GRAM_BYTES)?;
            let key = pair.first_chunk().map_or(0, |k| u64::from_le_bytes(*k));
            let at = |i: usize| pair[i..].first_chunk().map_or(0, |a| u64::from(u32::from_le_bytes(*a)));
            let (at, end) = (at(8), at(8 + GRAM_BYTES));
            match key.cmp(&gram) {
                std::cmp::Ordering::Less => from = middle + 1,
                std::cmp::Ordering::Greater => to = middle,
                std::cmp::Ordering::Equal => {
                    let inside = at <= end && postings_at + end <= members_at;
                    return if inside {
                        Ok(Some((postings_at + at, (end - at) as usize)))
                    } else {
                        Err(self.index.broken())
                    };
                }
            }
        }
        Ok(None)
    }

    /// The blocks of a posting, rising; the first of them where it is long.
    fn posting(&mut self, at: u64, len: usize) -> Result<Vec<usize>> {
        let mut rest = self.cursor.bytes(at, len.min(MOST_POSTINGS))?;
        let (mut blocks, mut number) = (Vec::with_capacity(rest.len()), 0u64);
        while !rest.is_empty() {
            // A number cut off at the bound is left out.
            let Some(step) = take_varint(&mut rest) else { break };
            number = number.saturating_add(step);
            blocks.push(number as usize);
        }
        Ok(blocks)
    }

    /// The bytes of a block of texts.
    fn block(&mut self, number: usize) -> Result<&[u8]> {
        let Section { heads_at, texts_at, grams_at, .. } = *self.section;
        if number >= self.section.blocks() {
            return Err(self.index.broken());
        }
        let pair = self.cursor.bytes(heads_at + number as u64 * 4, 8)?;
        let [from, to] = [0, 4].map(|i| pair[i..].first_chunk().map_or(0, |a| u64::from(u32::from_le_bytes(*a))));
        if from > to || texts_at + to > grams_at {
            return Err(self.index.broken());
        }
        self.cursor.bytes(texts_at + from, (to - from) as usize)
    }

    /// The first text of a block.
    fn head(&mut self, number: usize) -> Result<&[u8]> {
        let index = self.index;
        let mut rest = self.block(number)?;
        let whole = take_varint(&mut rest) == Some(0);
        let len = take_varint(&mut rest).filter(|_| whole).and_then(|len| usize::try_from(len).ok());
        len.and_then(|len| rest.get(..len)).ok_or_else(|| index.broken())
    }

    /// Calls `each` for the texts of a block in their order, until it says false.
    fn texts(&mut self, number: usize, each: &mut dyn FnMut(Found<'_>) -> bool) -> Result<()> {
        let index = self.index;
        let mut rest = self.block(number)?;
        let mut text = vec![];
        while !rest.is_empty() {
            let (count, records, bbox) = entry(&mut rest, &mut text, index.origin).ok_or_else(|| index.broken())?;
            let text = std::str::from_utf8(&text).map_err(|_| index.broken())?;
            if !each(Found { text, how: How::Inside, count, bbox, records }) {
                break;
            }
        }
        Ok(())
    }
}

/// The next text of a block, after `text`, which becomes it.
fn entry(rest: &mut &[u8], text: &mut Vec<u8>, origin: [i32; 2]) -> Option<(u64, Records, BBox)> {
    let shared = usize::try_from(take_varint(rest)?).ok().filter(|n| *n <= text.len())?;
    let len = usize::try_from(take_varint(rest)?).ok()?;
    let (own, after) = rest.split_at_checked(len)?;
    *rest = after;
    text.truncate(shared);
    text.extend_from_slice(own);
    let (count, place) = (take_varint(rest)?, take_varint(rest)?);
    let records = if count == 1 { Records::One(place) } else { Records::Several { count, at: place } };
    let mut steps = || take_varint(rest).map(|n| n as f64);
    let (west, south) = (f64::from(origin[0]) + steps()?, f64::from(origin[1]) + steps()?);
    let (east, north) = (west + steps()?, south + steps()?);
    Some((count, records, BBox::new(west / STEPS, south / STEPS, east / STEPS, north / STEPS)))
}
