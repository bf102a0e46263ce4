//! The images that a tile's features wear: what there is of them, and how fine the tile needs them.

use crate::error::Result;
use crate::feature::ImageId;
use crate::scene::Drawing;
use crate::scene::atlas::{Limits, Size};
use crate::store::{FileEntry, ImageBlob};

/// Bytes of textures in one tile: the rest of a mebibyte is for shapes and properties.
const BUDGET: u64 = 700 << 10;
/// Where a tile stays when the eye comes near: a pixel at 20 m.
const NEAR_TEXEL_M: f64 = 0.01;
/// Pixels that a tile's error may span before finer ones replace it (clients' usual screen-space error).
const REPLACED_AT_PX: f64 = 16.0;
/// Enough of a file to know its width and height.
const HEAD_BYTES: usize = 4096;

/// The finest texels that a tile needs: of one that finer ones replace, what is a pixel when they do.
pub fn texel_m(replaced_at_m: Option<f64>) -> f64 {
    replaced_at_m.map_or(NEAR_TEXEL_M, |error_m| (error_m / REPLACED_AT_PX).max(NEAR_TEXEL_M))
}

/// Gives a drawing the textures of what it wears, from the images that are kept.
pub fn hang(drawing: &mut Drawing<'_>, kept: &[&ImageBlob], texel_m: f64) -> Result<()> {
    let mut entries: Vec<Vec<(&ImageBlob, FileEntry)>> = vec![];
    let mut stock: Vec<Vec<Size>> = vec![];
    for id in drawing.images() {
        let mut sizes = vec![];
        for (images, entry) in found(kept, id)? {
            // A smaller size that is as large is none.
            let size = Size::of(&images.head(&entry, HEAD_BYTES)?, entry.size);
            let size = size.filter(|s| sizes.last().is_none_or(|(l, _)| is_larger(l, s)));
            sizes.extend(size.map(|s| (s, (images, entry))));
        }
        let (size, entry) = sizes.into_iter().unzip();
        stock.push(size);
        entries.push(entry);
    }
    drawing.hang(&stock, Limits { texel_m, bytes: BUDGET }, &mut |image, size| {
        let (images, entry) = &entries[image][size];
        images.read(entry)
    })
}

fn is_larger(a: &Size, b: &Size) -> bool {
    a.width * a.height > b.width * b.height
}

fn found<'a>(kept: &[&'a ImageBlob], id: &ImageId) -> Result<Vec<(&'a ImageBlob, FileEntry)>> {
    for &images in kept {
        let sizes = images.sizes(id)?;
        if !sizes.is_empty() {
            return Ok(sizes.into_iter().map(|entry| (images, entry)).collect());
        }
    }
    Ok(vec![])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tile_that_is_replaced_needs_coarser_texels() {
        assert_eq!([None, Some(16.0), Some(0.0)].map(texel_m), [0.01, 1.0, 0.01]);
    }
}
