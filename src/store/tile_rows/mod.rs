//! The rows of a table of single points in the form that tiles take them: a point's place stands in the table's index, here
//! are its id and its values, each as its entry in a vector tile. Values that several rows have stand once and are named
//! by number, so that a tile copies them instead of reading, hashing and writing texts. Knows no wire form: an entry is
//! bytes. Tiles are drawn from the table where these are missing, and come out the same.
//!
//! ```text
//! "CTTILER1"  rows u64  groups_at u64  values u32  entry_bytes u32      little-endian
//! rows:       length of the rest (varint), id u64, then per value: column, number (varints), in rising columns;
//!             number 0: length (varint) and entry of a value that no other row has; else 1 + its place among the values
//! groups:     at u32 of each 16 rows, from the first row on, and the end
//! values:     end u32 of each entry; then the entries, the most frequent first
//! ```
//! Rows stand in the table's order.

mod file;
mod notes;
mod read;
mod write;

pub use read::{Coded, TileRow, TileRows, TileRowsReader};
pub use write::TileRowsWriter;

/// Name among a layer entry's extra blobs of the tile rows of its features. Overviews have none: they are small.
pub const TILE_ROWS: &str = "tile-rows";

const MAGIC: &[u8; 8] = b"CTTILER1";
const HEAD_BYTES: usize = 32;
/// Rows that are found together.
const GROUP: u64 = 16;
