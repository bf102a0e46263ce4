//! Images beside a city model: found by the URIs in it (`place`), decoded within limits, and made ready for tiles: in
//! several sizes, as JPEG, or PNG where they can be seen through. A missing or broken image is counted; its surfaces keep
//! their colour.

mod place;

pub use place::Place;

use crate::feature::ImageId;
use crate::import::wire::Image;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, ImageReader, Limits};
use rayon::prelude::*;
use std::collections::{BTreeSet, HashMap};
use std::io::Cursor;

/// Images of one source; more than any delivery has in one file.
const MAX_IMAGES: usize = 50_000;
/// Names that the report gives of those that are missing.
const TOLD: usize = 5;
/// Memory that the decoding of one image may take.
const MAX_DECODED_BYTES: u64 = 512 << 20;
const MAX_SIDE: u32 = 16_384;
const JPEG_QUALITY: u8 = 80;
/// Images decoded side by side before they are handed on.
const PORTION: usize = 8;

/// The images of one source.
#[derive(Debug, Default)]
pub struct Shelf {
    found: HashMap<String, ImageId>,
    /// Named in the model and not beside it.
    pub absent: Missing,
    /// There, but no image that can be read.
    pub broken: Missing,
    /// More than are taken.
    pub beyond: u64,
}

/// How many, and the names of the first.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Missing {
    pub count: u64,
    named: Vec<String>,
}

impl Missing {
    fn add(&mut self, uri: &str) {
        self.count += 1;
        if self.named.len() < TOLD {
            self.named.push(uri.chars().take(80).flat_map(char::escape_debug).collect());
        }
    }

    fn names(&self) -> String {
        let more = self.count - self.named.len() as u64;
        let tail = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("{}{tail}", self.named.join(", "))
    }
}

impl Shelf {
    /// Loads every image that is named. `place`: where the model lies; nothing outside of it is read. `send` takes each
    /// image once, whatever its names.
    pub fn load<E>(
        place: &mut Place,
        uris: &BTreeSet<String>,
        mut send: impl FnMut(Image) -> Result<(), E>,
    ) -> Result<Shelf, E> {
        let mut shelf = Shelf { beyond: uris.len().saturating_sub(MAX_IMAGES) as u64, ..Shelf::default() };
        let mut sent = BTreeSet::new();
        let uris: Vec<&String> = uris.iter().take(MAX_IMAGES).collect();
        for portion in uris.chunks(PORTION) {
            let files: Vec<_> = portion.iter().map(|uri| place.fetch(uri)).collect();
            let made = files.par_iter().map(|file| file.as_ref().map(|f| f.as_ref().ok().and_then(|f| prepare(f))));
            let made: Vec<Option<Option<Image>>> = made.collect();
            for (uri, image) in portion.iter().zip(made) {
                match image {
                    None => shelf.absent.add(uri),
                    Some(None) => shelf.broken.add(uri),
                    Some(Some(image)) => {
                        shelf.found.insert((*uri).clone(), image.id);
                        if sent.insert(image.id) {
                            send(image)?;
                        }
                    }
                }
            }
        }
        Ok(shelf)
    }

    pub fn get(&self, uri: &str) -> Option<ImageId> {
        self.found.get(uri).copied()
    }

    /// For the report.
    pub fn findings(&self) -> Vec<String> {
        let mut told = vec![];
        if !self.found.is_empty() {
            told.push(format!("{} images are worn by surfaces", self.found.len()));
        }
        let lacking = [
            (&self.absent, "images are not beside the file"),
            (&self.broken, "image files cannot be read as JPEG or PNG"),
        ];
        for (missing, what) in lacking.into_iter().filter(|(m, _)| m.count > 0) {
            told.push(format!("{} {what}: their surfaces keep their colour ({})", missing.count, missing.names()));
        }
        if self.beyond > 0 {
            told.push(format!("{} images beyond the first {MAX_IMAGES} are left out", self.beyond));
        }
        told
    }
}

/// The image in all its sizes; `None` when it is none.
fn prepare(bytes: &[u8]) -> Option<Image> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok()?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_DECODED_BYTES);
    reader.limits(limits);
    let whole = reader.decode().ok()?;
    let clear = whole.color().has_alpha() && whole.to_rgba8().pixels().any(|p| p.0[3] < 255);
    let own = whole.width().max(whole.height());
    let mut sizes = vec![];
    let mut smaller = whole.clone();
    for (i, &side) in crate::store::IMAGE_SIDES.iter().enumerate() {
        // The smallest size that holds the image whole is its largest.
        let next = crate::store::IMAGE_SIDES.get(i + 1).copied().unwrap_or(0);
        if own <= u32::from(next) {
            continue;
        }
        // Powers of two on both sides: what old graphics can repeat and shrink.
        let scale = (f64::from(side) / f64::from(own)).min(1.0);
        let [w, h] = [whole.width(), whole.height()].map(|n| power_of_two(f64::from(n) * scale, u32::from(side)));
        if (smaller.width(), smaller.height()) != (w, h) {
            smaller = smaller.resize_exact(w, h, FilterType::Triangle);
        }
        sizes.push((side, encoded(&smaller, clear)?));
    }
    let mut id = ImageId::default();
    id.copy_from_slice(&blake3::hash(bytes).as_bytes()[..16]);
    Some(Image { id, sizes })
}

/// The nearest power of two, at most `most`.
fn power_of_two(pixels: f64, most: u32) -> u32 {
    (pixels.max(1.0).log2().round().exp2() as u32).clamp(1, most)
}

fn encoded(image: &DynamicImage, clear: bool) -> Option<Vec<u8>> {
    let mut out = vec![];
    let done = match clear {
        true => image.to_rgba8().write_with_encoder(PngEncoder::new(&mut out)),
        false => image.to_rgb8().write_with_encoder(JpegEncoder::new_with_quality(&mut out, JPEG_QUALITY)),
    };
    done.ok().map(|()| out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use encoding_rs::GB18030;
    use image::{Rgb, RgbImage, Rgba, RgbaImage};
    use std::ffi::OsStr;
    use std::fs;
    use std::os::unix::ffi::OsStrExt;
    use std::path::PathBuf;

    #[test]
    fn an_image_is_found_by_any_of_its_names() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("model");
        fs::create_dir_all(folder.join("贴图")).unwrap();
        let png = |path: PathBuf| RgbImage::from_pixel(3, 2, Rgb([9, 8, 7])).save(path).unwrap();
        png(folder.join("贴图/墙 1.png"));
        png(dir.path().join("outside.png"));
        fs::write(folder.join("bad.jpg"), b"no image").unwrap();
        fs::copy(folder.join("贴图/墙 1.png"), folder.join(OsStr::from_bytes(&GB18030.encode("屋顶.png").0))).unwrap();
        let names = ["贴图/墙 1.png", "贴图\\墙 1.png", "%E8%B4%B4%E5%9B%BE/%E5%A2%99%201.png", "屋顶.png"];
        let lacking = ["../outside.png", "gone.png", "/etc/hostname", "http://example.org/a.png", "贴图"];
        let all: BTreeSet<String> = names.iter().chain(&lacking).chain(&["bad.jpg"]).map(|n| n.to_string()).collect();
        let mut sent = vec![];
        let shelf = Shelf::load(&mut Place::Folder(folder.clone()), &all, |image| -> Result<(), ()> {
            sent.push(image.id);
            Ok(())
        });
        let shelf = shelf.unwrap();
        // Four names, one picture.
        assert_eq!((sent.len(), shelf.absent.count, shelf.broken.count), (1, 5, 1));
        assert!(
            shelf.findings().iter().any(|f| f.contains("1 image files cannot be read") && f.ends_with("(bad.jpg)"))
        );
        names.iter().for_each(|n| assert_eq!(shelf.get(n), Some(sent[0]), "{n}"));
        lacking.iter().for_each(|n| assert_eq!(shelf.get(n), None, "{n}"));
    }

    #[test]
    fn sizes_fall_from_the_images_own() {
        let file = |image: DynamicImage| {
            let mut out = Cursor::new(vec![]);
            image.write_to(&mut out, image::ImageFormat::Png).unwrap();
            out.into_inner()
        };
        let sides = |i: &Image| i.sizes.iter().map(|(side, _)| *side).collect::<Vec<_>>();
        let small = prepare(&file(RgbImage::new(40, 30).into())).unwrap();
        assert_eq!(sides(&small), [64]);
        let large = prepare(&file(RgbImage::new(3000, 300).into())).unwrap();
        assert_eq!(sides(&large), [1024, 512, 256, 128, 64]);
        let back = image::load_from_memory(&large.sizes[1].1).unwrap();
        assert_eq!((back.width(), back.height()), (512, 64));
        assert!(large.sizes.iter().all(|(_, bytes)| bytes.starts_with(&[0xff, 0xd8])));
        let clear = prepare(&file(RgbaImage::from_pixel(9, 9, Rgba([1, 2, 3, 4])).into())).unwrap();
        assert!(clear.sizes[0].1.starts_with(b"\x89PNG"));
        let solid = prepare(&file(RgbaImage::from_pixel(9, 9, Rgba([1, 2, 3, 255])).into())).unwrap();
        assert!(solid.sizes[0].1.starts_with(&[0xff, 0xd8]));
        assert!(prepare(b"\x89PNG\r\n\x1a\n").is_none() && prepare(b"").is_none());
    }
}
