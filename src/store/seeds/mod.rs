//! Seeded tiles (预切片) of a layer: those with many features of the zooms that are asked for most, drawn and packed when the layer
//! was sealed. A tile that is not here is drawn when it is asked for, and a seed is put into an answer only where drawing would give
//! the same bytes: each zoom says what its tiles were drawn by.
//!
//! ```text
//! "CTSEEDS1"  index_at u64                                              little-endian
//! seeds:      of each tile its length u32 and CRC-32 u32 before packing, then its blocks of deflate (`deflate::Piece`)
//! index:      zooms u32, then of each zoom: z u32, tiles u32, recipe [16]
//!             keys (y u32, x u32) of the tiles, rising, zoom after zoom
//!             ends u64 of each tile, in the same order
//! ```

mod read;
mod write;

pub use read::{Seeds, SeedsOf};
pub use write::SeedsWriter;

/// Name among a layer entry's extra blobs of its seeded tiles.
pub const SEEDS: &str = "seeds";

/// What the tiles of a zoom were drawn by: a digest.
pub type Recipe = [u8; 16];

const MAGIC: &[u8; 8] = b"CTSEEDS1";
const HEAD_BYTES: usize = 16;
/// Before a seed's blocks.
const SEED_HEAD_BYTES: usize = 8;
const ZOOM_BYTES: usize = 24;
