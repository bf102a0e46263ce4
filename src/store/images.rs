//! Images that models of a layer wear: each once, in several sizes, as files of one blob named by image and size.

use super::files::{FileEntry, Files};
use crate::error::Result;
use crate::feature::ImageId;
use std::sync::Arc;

/// The images' name among a layer entry's extra blobs.
pub const IMAGES: &str = "images";

/// Longer sides that images are kept in, pixels, largest first. An image has those sizes that are not larger than its own
/// size rounded up to one of them.
pub const IMAGE_SIDES: [u16; 5] = [1024, 512, 256, 128, 64];

/// What an image in a size is called among the files.
pub fn image_name(id: &ImageId, side: u16) -> String {
    let hex: String = id.iter().map(|b| format!("{b:02x}")).collect();
    format!("{hex}/{side}")
}

/// The open images of a layer.
pub struct ImageBlob(pub Arc<Files>);

impl ImageBlob {
    /// The sizes that the image is there in, the largest first; none where there is no such image.
    pub fn sizes(&self, id: &ImageId) -> Result<Vec<FileEntry>> {
        let found = IMAGE_SIDES.iter().map(|side| self.0.find(&image_name(id, *side)));
        found.filter_map(Result::transpose).collect()
    }

    /// The first `len` bytes of a file.
    pub fn head(&self, entry: &FileEntry, len: usize) -> Result<Vec<u8>> {
        self.0.read(entry, 0, len)
    }

    pub fn read(&self, entry: &FileEntry) -> Result<Vec<u8>> {
        self.0.read(entry, 0, entry.size as usize)
    }
}
