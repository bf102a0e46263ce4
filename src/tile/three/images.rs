//! Which sizes of its images a tile carries: as large as its budget lets them be.

use crate::error::Result;
use crate::feature::ImageId;
use crate::store::{FileEntry, IMAGE_SIDES, ImageBlob};

/// Bytes of images in one tile.
const BUDGET: u64 = 700 << 10;

/// An image in a size: whose it is, and where it stands.
type Found<'a> = Option<(&'a ImageBlob, FileEntry)>;

/// The files of a tile's images, in their order, in the largest size in which all of them fit the budget; where they fit
/// in none, those that come first in the smallest.
pub fn files(kept: &[&ImageBlob], wanted: &[ImageId]) -> Result<Vec<Option<Vec<u8>>>> {
    let mut chosen: Vec<Found<'_>> = vec![];
    for side in IMAGE_SIDES {
        chosen = wanted.iter().map(|id| find(kept, id, side)).collect::<Result<_>>()?;
        if chosen.iter().flatten().map(|(_, entry)| entry.size).sum::<u64>() <= BUDGET {
            break;
        }
    }
    let mut left = BUDGET;
    let read = |found: Found<'_>| {
        let Some((images, entry)) = found.filter(|(_, e)| e.size <= left) else { return Ok(None) };
        left -= entry.size;
        images.read(&entry).map(Some)
    };
    chosen.into_iter().map(read).collect()
}

fn find<'a>(kept: &[&'a ImageBlob], id: &ImageId, side: u16) -> Result<Found<'a>> {
    for &images in kept {
        if let Some(entry) = images.find(id, side)? {
            return Ok(Some((images, entry)));
        }
    }
    Ok(None)
}
