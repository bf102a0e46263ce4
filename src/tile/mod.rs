//! One tile from one City: plan → query → mvt. Knows no HTTP and no cache.

use crate::audience::Audience;
use crate::city::City;
use crate::error::Result;
use crate::geo::{TileKey, TileMatrixSet};
use crate::layer::LayerIx;

/// Digest of the blobs and declarations a plan reads, the audience, the grid and the encoder's version:
/// the cache key. Publishing one layer leaves the tiles of the others warm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Revision(pub [u8; 16]);

/// What will be read, as a value.
pub struct Plan {
    pub revision: Revision,
    pub key: TileKey,
}

/// Why there is no plan.
#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The zoom is outside the range of all asked layers.
    ZoomNotServed { min: u8, max: u8 },
}

/// Plans a tile of `layers` (in this order; each visible to `audience`). `Ok(None)` when the census knows that
/// nothing is there.
pub fn plan(
    _city: &City,
    _audience: &Audience,
    _grid: &TileMatrixSet,
    _layers: &[LayerIx],
    _key: TileKey,
) -> Result<Result<Option<Plan>, Refusal>> {
    todo!()
}

/// The tile's bytes, uncompressed; empty when nothing is left.
pub fn render(_city: &City, _plan: &Plan) -> Result<Vec<u8>> {
    todo!()
}
