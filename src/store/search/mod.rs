//! The texts of a layer that people look for: every distinct text of a searchable field once, sorted, with how many records
//! have it, where they are, and which block of texts holds which grams. Read by blocks, never as a whole. Knows neither
//! what a field means nor which answer is the best.
//!
//! ```text
//! "CTSEARC1"  fields u32  0 u32  west i32  south i32          little-endian; 1e-7 degrees
//! per field:  field u32  texts u32  grams u32  0 u32          field: its position in the layer
//!             heads_at u64  texts_at u64  grams_at u64  postings_at u64  members_at u64  end u64
//! heads:      at u32 of each block of 64 texts, and the end   from texts_at
//! texts:      shared, rest (varints), bytes;                  shared: bytes in common with the text before in the block
//!             count, record or place in members, west, south, width, height (varints)
//! grams:      key u64, at u32, and an end; sorted by key      from postings_at
//! postings:   numbers of the blocks that hold a gram (varints of differences)
//! members:    records of a text that several have (varints of differences)
//! ```
//! A record is its place in the layer's table. Texts are folded (`fold`).

mod fold;
mod gram;
mod read;
mod write;

pub use fold::{LONGEST, fold};
pub use read::{Found, How, Records, SearchIndex, Sought};
pub use write::SearchWriter;

/// Name among a layer entry's extra blobs of its search index.
pub const SEARCH: &str = "search";

const MAGIC: &[u8; 8] = b"CTSEARC1";
const HEAD_BYTES: usize = 24;
const FIELD_BYTES: usize = 64;
/// Texts of a block.
const BLOCK_TEXTS: usize = 64;
const GRAM_BYTES: usize = 12;
/// Steps of a degree in boxes.
const STEPS: f64 = 1e7;

#[cfg(test)]
mod tests;
