//! Pixels: files to pictures and back. The only place of `scene` that names `image`.

use super::pack::PAD;
use crate::error::{Error, Result};
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::{ImageReader, Limits, RgbaImage};
use std::io::Cursor;

/// What one image may take when decoded: import keeps none larger.
const MOST_SIDE: u32 = 4096;
const MOST_BYTES: u64 = 128 << 20;
/// As import writes them.
const JPEG_QUALITY: u8 = 80;

/// One of the sizes that an image is there in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    pub width: u32,
    pub height: u32,
    /// Of its file.
    pub bytes: u64,
    /// Whether it can be seen through.
    pub clear: bool,
}

impl Size {
    /// From the first bytes of a file (4 KiB are enough for those that import writes) and its length; `None` where it is
    /// no JPEG or PNG that may be decoded.
    pub fn of(head: &[u8], bytes: u64) -> Option<Size> {
        let clear = head.starts_with(b"\x89PNG");
        let reader = ImageReader::new(Cursor::new(head)).with_guessed_format().ok()?;
        let (width, height) = reader.into_dimensions().ok()?;
        let sound = width.min(height) > 0 && width.max(height) <= MOST_SIDE;
        sound.then_some(Size { width, height, bytes, clear })
    }
}

/// A file's picture.
///
/// # Errors
/// `Error::Damaged` where it is none, or larger than import makes them.
pub fn decoded(file: &[u8]) -> Result<RgbaImage> {
    let broken = |what: String| Error::damaged("images", format!("one of them is no picture ({what})"));
    let mut reader = ImageReader::new(Cursor::new(file)).with_guessed_format().map_err(|e| broken(e.to_string()))?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MOST_SIDE);
    limits.max_image_height = Some(MOST_SIDE);
    limits.max_alloc = Some(MOST_BYTES);
    reader.limits(limits);
    reader.decode().map(|i| i.to_rgba8()).map_err(|e| broken(e.to_string()))
}

/// A picture that parts of others are painted on.
pub struct Sheet {
    clear: bool,
    picture: RgbaImage,
}

impl Sheet {
    pub fn new(clear: bool, [width, height]: [u32; 2]) -> Sheet {
        Sheet { clear, picture: RgbaImage::new(width, height) }
    }

    /// Paints the pixels of `from` between two corners, repeated where they lie outside of it, with their border carried
    /// on over the padding; `to`: the padding's upper left.
    pub fn paint(&mut self, from: &RgbaImage, [low, high]: [[i32; 2]; 2], to: [u32; 2]) {
        let whole = [from.width() as i32, from.height() as i32];
        let sides = [0, 1].map(|k| (high[k] - low[k]) as u32 + 2 * PAD);
        for y in 0..sides[1] {
            for x in 0..sides[0] {
                let at = [x, y].map(|n| n as i32 - PAD as i32);
                let [i, j] = [0, 1].map(|k| (low[k] + at[k]).clamp(low[k], high[k] - 1).rem_euclid(whole[k]) as u32);
                self.picture.put_pixel(to[0] + x, to[1] + y, *from.get_pixel(i, j));
            }
        }
    }

    /// JPEG, or PNG where it can be seen through.
    pub fn encoded(&self) -> Result<Vec<u8>> {
        let mut out = vec![];
        let (picture, failed) = (&self.picture, |e: image::ImageError| Error::Data(format!("a texture: {e}")));
        match self.clear {
            true => picture.write_with_encoder(PngEncoder::new(&mut out)).map_err(failed)?,
            false => {
                let opaque = image::DynamicImage::ImageRgba8(picture.clone()).into_rgb8();
                opaque.write_with_encoder(JpegEncoder::new_with_quality(&mut out, JPEG_QUALITY)).map_err(failed)?;
            }
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgba;

    #[test]
    fn parts_are_painted_with_their_border_carried_on() {
        let from = RgbaImage::from_fn(8, 4, |x, y| Rgba([x as u8, y as u8, 7, 255]));
        let mut sheet = Sheet::new(true, [32, 32]);
        // Two pixels right of the border and two beyond it, the lowest row and the one above.
        sheet.paint(&from, [[6, 2], [10, 4]], [3, 5]);
        let at = |x: u32, y: u32| sheet.picture.get_pixel(x, y).0;
        let inner = [3 + PAD, 5 + PAD];
        for (dx, column) in [6, 7, 0, 1].into_iter().enumerate() {
            for (dy, row) in [2, 3].into_iter().enumerate() {
                assert_eq!(at(inner[0] + dx as u32, inner[1] + dy as u32), [column, row, 7, 255]);
            }
        }
        assert_eq!((at(3, 5), at(inner[0] + 3 + PAD, inner[1] + 1 + PAD)), ([6, 2, 7, 255], [1, 3, 7, 255]));
        assert_eq!((at(2, 5), at(inner[0] + 4 + PAD, 5)), ([0; 4], [0; 4]));
        let back = decoded(&sheet.encoded().unwrap()).unwrap();
        assert_eq!(back, sheet.picture);
    }

    #[test]
    fn a_head_tells_the_size_and_lies_are_refused() {
        let sheet = |clear| Sheet::new(clear, [160, 48]).encoded().unwrap();
        for clear in [false, true] {
            let file = sheet(clear);
            let size = Size::of(&file[..file.len().min(1024)], 77).unwrap();
            assert_eq!(size, Size { width: 160, height: 48, bytes: 77, clear });
        }
        assert!(Size::of(b"no picture", 10).is_none() && decoded(b"no picture").is_err());
        // A PNG that says it is as wide as 2^31 - 1: refused before anything is set aside for it.
        let mut huge = sheet(true);
        huge[16..20].copy_from_slice(&(i32::MAX as u32).to_be_bytes());
        assert!(Size::of(&huge, 9).is_none() && decoded(&huge).is_err());
    }
}
