//! Images of the deliveries of one import, in one unnamed file, until it is known which layers' models wear them.

use super::wire::Image;
use crate::error::{Error, Result};
use crate::feature::ImageId;
use crate::store::{FileKind, FilesWriter, IMAGE_SIDES, ImageBlob, Media, NotAdded, image_name};
use std::collections::HashMap;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;

#[derive(Default)]
pub struct ImagePool {
    file: Option<File>,
    end: u64,
    /// Side, place and length of each size.
    at: HashMap<ImageId, Vec<(u16, u64, usize)>>,
}

impl ImagePool {
    pub fn add(&mut self, staging: &Path, image: Image) -> Result<()> {
        if self.at.contains_key(&image.id) {
            return Ok(());
        }
        let io = |e| Error::io(staging, e);
        let mut file = match self.file.take() {
            Some(file) => file,
            None => tempfile::tempfile_in(staging).map_err(io)?,
        };
        let mut sizes = vec![];
        for (side, bytes) in &image.sizes {
            file.write_all(bytes).map_err(io)?;
            sizes.push((*side, self.end, bytes.len()));
            self.end += bytes.len() as u64;
        }
        self.file = Some(file);
        self.at.insert(image.id, sizes);
        Ok(())
    }

    /// Copies an image, unless it is there.
    pub fn give(&self, id: &ImageId, to: &mut FilesWriter) -> Result<()> {
        let (Some(file), Some(sizes)) = (&self.file, self.at.get(id)) else { return Ok(()) };
        for &(side, at, length) in sizes {
            let mut bytes = vec![0; length];
            file.read_exact_at(&mut bytes, at).map_err(|e| Error::io("images of the import", e))?;
            put(&image_name(id, side), &bytes, to)?;
        }
        Ok(())
    }
}

/// Copies an image of an earlier import, unless it is there.
pub fn copy(id: &ImageId, from: &ImageBlob, to: &mut FilesWriter) -> Result<()> {
    for name in IMAGE_SIDES.map(|side| image_name(id, side)) {
        if let Some(entry) = from.0.find(&name)? {
            put(&name, &from.read(&entry)?, to)?;
        }
    }
    Ok(())
}

fn put(name: &str, bytes: &[u8], to: &mut FilesWriter) -> Result<()> {
    if to.holds(name) {
        return Ok(());
    }
    let media = if bytes.starts_with(b"\x89PNG") { Media::Png } else { Media::Jpeg };
    match to.add(name, FileKind { media, gzip: false }, &mut &*bytes) {
        Ok(_) => Ok(()),
        Err(NotAdded::Failed(e)) => Err(e),
        Err(NotAdded::Unread(e)) => Err(Error::io(name, e)),
    }
}
