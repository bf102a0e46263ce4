//! Letters as distance fields, 256 to a file: what `{glyphs}` of a style asks for. Drawn from outlines on request;
//! caches nothing. The one door of ab_glyph and sdf_glyph_renderer.
//!
//! The file is MapLibre's glyph protobuf: a field of 24 px to the em with 3 px around, 8 px of distance over the
//! bytes' range, three quarters of it outside; `top` counts from the font's ascender, as MapLibre's baseline expects.

use super::Stack;
use crate::error::{Error, Result};
use crate::mvt::wire::{put_bytes, put_number, zigzag};
use ab_glyph::{Font, FontRef, OutlinedGlyph, PxScale};
use rayon::prelude::*;
use sdf_glyph_renderer::{BitmapGlyph, clamp_to_u8};

/// Code points of one file.
const RANGE: u32 = 256;
/// Beyond the basic plane clients ask for nothing.
const LAST: u32 = 0xFFFF;
const EM_PX: f32 = 24.0;
const BORDER_PX: usize = 3;
const RADIUS_PX: usize = 8;
/// The part of the bytes' range that is inside.
const INSIDE: f64 = 0.25;
/// Outlines are filled this much finer than the field: strokes of hanzi are thinner than two pixels.
const FINER: usize = 2;

/// The first code point of `"<first>-<last>"`, where it is one of the files there are.
pub fn range_start(text: &str) -> Option<u32> {
    let (first, last) = text.split_once('-')?;
    let number = |t: &str| t.bytes().all(|b| b.is_ascii_digit()).then(|| t.parse::<u32>().ok()).flatten();
    let (first, last) = (number(first)?, number(last)?);
    (first.is_multiple_of(RANGE) && last == first + RANGE - 1 && last <= LAST).then_some(first)
}

impl Stack {
    /// The letters from code point `first` on, each from the first font that has it. Those that none has are not in it.
    ///
    /// # Errors
    /// A font that was there when the server looked and cannot be read now.
    pub fn range(&self, first: u32) -> Result<Vec<u8>> {
        let mut glyphs: Vec<Option<Vec<u8>>> = vec![None; RANGE as usize];
        for face in &self.faces {
            let bytes = std::fs::read(&face.file).map_err(|e| Error::Io { path: face.file.clone(), source: e })?;
            let font = FontRef::try_from_slice_and_index(&bytes, face.index);
            let font = font.map_err(|e| Error::config(&face.file, 0, e.to_string()))?;
            let missing = glyphs.par_iter_mut().zip(first..first + RANGE).filter(|(g, _)| g.is_none());
            missing.for_each(|(glyph, code)| {
                *glyph = char::from_u32(code).and_then(|c| letter(&font, c)).map(|l| l.message(code));
            });
        }
        let mut stack = vec![];
        put_bytes(&mut stack, 1, self.name.as_bytes());
        put_bytes(&mut stack, 2, format!("{first}-{}", first + RANGE - 1).as_bytes());
        for glyph in glyphs.iter().flatten() {
            put_bytes(&mut stack, 3, glyph);
        }
        let mut file = vec![];
        put_bytes(&mut file, 1, &stack);
        Ok(file)
    }
}

/// A letter: its field row by row from the top, and where it stands, pixels.
struct Letter {
    field: Vec<u8>,
    /// Without the border.
    width: usize,
    height: usize,
    /// From the pen to the left edge, from the ascender up to the top edge.
    left: i32,
    top: i32,
    advance: u32,
}

impl Letter {
    fn message(&self, code: u32) -> Vec<u8> {
        let mut out = vec![];
        put_number(&mut out, 1, code.into());
        if !self.field.is_empty() {
            put_bytes(&mut out, 2, &self.field);
        }
        put_number(&mut out, 3, self.width as u64);
        put_number(&mut out, 4, self.height as u64);
        put_number(&mut out, 5, zigzag(self.left.into()));
        put_number(&mut out, 6, zigzag(self.top.into()));
        put_number(&mut out, 7, self.advance.into());
        out
    }
}

/// None where the font has no such letter.
fn letter(font: &FontRef<'_>, c: char) -> Option<Letter> {
    let id = font.glyph_id(c);
    if id.0 == 0 {
        return None;
    }
    let em = font.units_per_em()?;
    let scaled = |units: f32| units / em * EM_PX;
    let advance = scaled(font.h_advance_unscaled(id)).round().max(0.0) as u32;
    let ascender = scaled(font.ascent_unscaled()).round() as i32;
    let height_px = scaled(font.height_unscaled()) * FINER as f32;
    let Some(outline) = font.outline_glyph(id.with_scale(PxScale::from(height_px))) else {
        return Some(Letter { field: vec![], width: 0, height: 0, left: 0, top: 0, advance });
    };
    let (field, [left, top, right, bottom]) = field(&outline)?;
    let (width, height) = ((right - left) as usize, (bottom - top) as usize);
    Some(Letter { field, width, height, left, top: -top - ascender, advance })
}

/// The field with its border, and the box around the outline: left, top, right, bottom in pixels from the pen, down.
fn field(drawn: &OutlinedGlyph) -> Option<(Vec<u8>, [i32; 4])> {
    let finer = FINER as i32;
    let bounds = drawn.px_bounds();
    let low = |v: f32| (v as i32).div_euclid(finer);
    let high = |v: f32| -(-(v as i32)).div_euclid(finer);
    let edges = [low(bounds.min.x), low(bounds.min.y), high(bounds.max.x), high(bounds.max.y)];
    let [left, top, right, bottom] = edges;
    let (width, height) = (usize::try_from(right - left).ok()?, usize::try_from(bottom - top).ok()?);
    let (columns, rows) = ((width + 2 * BORDER_PX) * FINER, (height + 2 * BORDER_PX) * FINER);
    let mut filled = vec![0_u8; columns * rows];
    let border = BORDER_PX as i32;
    let (x0, y0) = (bounds.min.x as i32 - (left - border) * finer, bounds.min.y as i32 - (top - border) * finer);
    drawn.draw(|x, y, covered| {
        let (x, y) = (x as usize + x0 as usize, y as usize + y0 as usize);
        if let Some(pixel) = filled.get_mut(y * columns + x) {
            *pixel = (covered.clamp(0.0, 1.0) * 255.0).round() as u8;
        }
    });
    let bitmap = BitmapGlyph::new(filled, width * FINER, height * FINER, BORDER_PX * FINER).ok()?;
    let fine = bitmap.render_sdf(RADIUS_PX * FINER);
    let coarse: Vec<f64> = (0..rows / FINER)
        .flat_map(|row| (0..columns / FINER).map(move |column| (row, column)))
        .map(|(row, column)| {
            let cells = (0..FINER * FINER).map(|i| (row * FINER + i / FINER, column * FINER + i % FINER));
            cells.map(|(y, x)| fine[y * columns + x]).sum::<f64>() / (FINER * FINER) as f64
        })
        .collect();
    Some((clamp_to_u8(&coarse, INSIDE).ok()?, edges))
}

#[cfg(test)]
mod tests {
    use super::super::Fonts;
    use super::*;
    use std::path::{Path, PathBuf};

    const PLACE: &str = "/usr/share/fonts/opentype/noto";
    const NAME: &str = "Noto Sans CJK SC Regular";

    /// Id, field, width, height, left, top, advance.
    type Read = (u64, Vec<u8>, u64, u64, i64, i64, u64);

    /// Written apart from the writer: fields of a message, varints and bytes alone.
    fn fields(mut bytes: &[u8]) -> Vec<(u64, u64, Vec<u8>)> {
        fn varint(bytes: &mut &[u8]) -> u64 {
            let mut v = 0;
            for shift in (0..).step_by(7) {
                let (first, rest) = bytes.split_first().unwrap();
                *bytes = rest;
                v |= u64::from(first & 0x7F) << shift;
                if first & 0x80 == 0 {
                    return v;
                }
            }
            v
        }
        let mut out = vec![];
        while !bytes.is_empty() {
            let tag = varint(&mut bytes);
            let v = varint(&mut bytes);
            let mut inner = vec![];
            if tag & 7 == 2 {
                let (a, b) = bytes.split_at(v as usize);
                (inner, bytes) = (a.to_vec(), b);
            }
            out.push((tag >> 3, v, inner));
        }
        out
    }

    fn read(file: &[u8]) -> (String, String, Vec<Read>) {
        let stacks = fields(file);
        assert_eq!((stacks.len(), stacks[0].0), (1, 1));
        let (mut name, mut range, mut glyphs) = (String::new(), String::new(), vec![]);
        let signed = |v: u64| (v >> 1) as i64 ^ -((v & 1) as i64);
        for (field, _, bytes) in fields(&stacks[0].2) {
            match field {
                1 => name = String::from_utf8(bytes).unwrap(),
                2 => range = String::from_utf8(bytes).unwrap(),
                _ => {
                    let mut g: Read = Default::default();
                    for (field, v, bytes) in fields(&bytes) {
                        match field {
                            1 => g.0 = v,
                            2 => g.1 = bytes,
                            3 => g.2 = v,
                            4 => g.3 = v,
                            5 => g.4 = signed(v),
                            6 => g.5 = signed(v),
                            _ => g.6 = v,
                        }
                    }
                    glyphs.push(g);
                }
            }
        }
        (name, range, glyphs)
    }

    fn fonts() -> Option<Fonts> {
        let fonts = Fonts::find(&[PathBuf::from(PLACE)]);
        let there = fonts.stack(NAME).is_some();
        if !there {
            eprintln!("SKIPPED: no {NAME} in {PLACE}; `apt-get install fonts-noto-cjk`");
        }
        there.then_some(fonts)
    }

    #[test]
    fn a_range_is_one_of_256_from_a_multiple_of_them() {
        let good = [("0-255", 0), ("19968-20223", 19968), ("65280-65535", 65280)];
        good.iter().for_each(|(text, first)| assert_eq!(range_start(text), Some(*first)));
        for bad in ["", "0", "0-256", "1-256", "-255", "0-", "+0-255", "65536-65791", "0-255-", "99999999999-1"] {
            assert_eq!(range_start(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn no_font_is_no_stack() {
        let none = Fonts::find(&[PathBuf::from("/nowhere"), Path::new(env!("CARGO_MANIFEST_DIR")).join("styles")]);
        assert_eq!(none.names().count(), 0);
        assert!(none.stack(NAME).is_none());
    }

    #[test]
    fn fonts_are_found_by_family_and_style_and_combine() {
        let Some(fonts) = fonts() else { return };
        assert!(fonts.names().any(|n| n == "Noto Sans CJK SC Bold"));
        assert_eq!(fonts.stack(&format!("Open Sans Regular, {NAME},{NAME}")).unwrap().faces.len(), 2);
        assert!(fonts.stack("Open Sans Regular,Arial").is_none());
        assert_eq!(fonts.stack(&vec![NAME; 100].join(",")).unwrap().faces.len(), 8);
    }

    #[test]
    fn letters_stand_where_maps_expect_them() {
        let Some(fonts) = fonts() else { return };
        let stack = fonts.stack(NAME).unwrap();
        let (name, range, latin) = read(&stack.range(0).unwrap());
        assert_eq!((name.as_str(), range.as_str()), (NAME, "0-255"));
        for (_, field, width, height, ..) in &latin {
            let area = (width + 6) * (height + 6);
            assert_eq!(field.len() as u64, if field.is_empty() { 0 } else { area });
        }
        let of = |c: char, all: &[Read]| all.iter().find(|g| g.0 == u64::from(c as u32)).unwrap().clone();
        let space = of(' ', &latin);
        assert!(space.1.is_empty() && space.6 > 0);
        // The ascender of this font is 1.16 em, 28 px; its H is 0.733 em high and stands on the baseline.
        let h = of('H', &latin);
        assert_eq!((h.3, h.5), (18, 18 - 28));
        assert!(latin.iter().all(|g| g.0 >= 32), "a control character has no shape");

        let (_, _, hanzi) = read(&stack.range(0x5F00).unwrap());
        let kai = of('开', &hanzi);
        assert_eq!(kai.6, 24);
        assert!((20..=24).contains(&kai.2) && (20..=24).contains(&kai.3), "{kai:?}");
    }

    #[test]
    fn a_field_is_above_three_quarters_inside_and_falls_outwards() {
        let Some(fonts) = fonts() else { return };
        let (_, _, latin) = read(&fonts.stack(NAME).unwrap().range(0).unwrap());
        let (_, field, width, height, ..) = latin.iter().find(|g| g.0 == u64::from(b'I')).unwrap().clone();
        let columns = (width + 6) as usize;
        let middle = &field[columns * (height as usize / 2 + 3)..][..columns];
        // A stem: rises to it, is inside, falls again, by 255 / 8 a pixel.
        let top = middle.iter().position(|v| v == middle.iter().max().unwrap()).unwrap();
        assert!(middle[top] > 191 && middle[0] < 128 && middle[columns - 1] < 128, "{middle:?}");
        assert!(middle[..=top].is_sorted() && middle[top + 1..].iter().rev().is_sorted(), "{middle:?}");
        assert!(middle[..top].windows(2).all(|w| w[1] - w[0] <= 34), "{middle:?}");
    }

    #[test]
    fn what_a_font_lacks_is_not_in_the_file() {
        let Some(fonts) = fonts() else { return };
        // Private use.
        let (_, range, glyphs) = read(&fonts.stack(NAME).unwrap().range(0xE100).unwrap());
        assert_eq!((range.as_str(), glyphs.len()), ("57600-57855", 0));
    }
}
