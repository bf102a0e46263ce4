//! DEFLATE (RFC 1951) in haste: the lowest level of ISA-L's igzip, which looks once at each place and writes what it finds in a
//! Huffman code (RFC 1951, 3.2.7) that was made beforehand. The usual compressors make a code for each answer, and of a
//! vector tile of a few kilobytes that is most of their work. Ours was made from tiles of all layers (`symbols`); tiles of layers
//! it has not seen come out 2 to 7 % larger than with libdeflate's fastest level, in a third to a half of its time
//! (`cargo bench --bench cold`).
#![allow(
    unsafe_code,
    reason = "ISA-L is a C library; every call stands in this file, and no pointer outlives its call"
)]

use super::symbols;
use crate::error::{Error, Result};
use isal_sys::igzip_lib as c;
use std::sync::LazyLock;

/// How often each symbol of deflate came: literals and lengths, and distances.
pub struct Symbols {
    pub literals: [u64; 286],
    pub distances: [u64; 30],
}

impl Symbols {
    /// Of samples, each by itself.
    pub fn of<'a>(samples: impl Iterator<Item = &'a [u8]>) -> Symbols {
        let mut counted = histogram();
        for sample in samples {
            let length = sample.len().min(MOST_BYTES);
            // SAFETY: ISA-L only reads so many bytes of the sample.
            unsafe { c::isal_update_histogram(sample.as_ptr().cast_mut(), length as i32, &raw mut *counted) };
        }
        Symbols { literals: counted.lit_len_histogram, distances: counted.dist_histogram }
    }
}

fn histogram() -> Box<c::isal_huff_histogram> {
    let empty = c::isal_huff_histogram { lit_len_histogram: [0; 286], dist_histogram: [0; 30], hash_table: [0; 8192] };
    Box::new(empty)
}

/// What is longer is worth a code of its own. As long as this no tile is over the budget of a tile, whatever it packs into.
pub const MOST_BYTES: usize = 256 << 10;

static CODE: LazyLock<Option<Box<c::isal_hufftables>>> = LazyLock::new(|| code(&symbols::OF_TILES));

/// The code for what consists of such symbols, of any others too; none where ISA-L makes none.
fn code(symbols: &Symbols) -> Option<Box<c::isal_hufftables>> {
    let mut counted = histogram();
    (counted.lit_len_histogram, counted.dist_histogram) = (symbols.literals, symbols.distances);
    // SAFETY: tables of numbers, for which zeros are values; both are ours for the time of the call.
    unsafe {
        let mut code: Box<c::isal_hufftables> = Box::new(std::mem::zeroed());
        (c::isal_create_hufftables(&raw mut *code, &raw mut *counted) == 0).then_some(code)
    }
}

/// What comes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A whole answer: a member of gzip (RFC 1952).
    Gzip,
    /// Blocks of deflate that know nothing of what stands before them, none the last, up to the end of a byte.
    Blocks,
}

/// A compressor with its tables, for one answer after another.
pub struct Igzip(Box<c::isal_zstream>);

impl Default for Igzip {
    fn default() -> Igzip {
        // SAFETY: numbers and pointers; it is filled in before each use.
        Igzip(Box::new(unsafe { std::mem::zeroed() }))
    }
}

impl Igzip {
    /// Bytes that an answer may take: as it is, with the heads of gzip and of its blocks.
    pub fn bound(bytes: usize) -> usize {
        bytes + bytes / 32 + 512
    }

    /// Packs `bytes` into the beginning of `out`; how many they are there.
    ///
    /// # Errors
    /// Where `bytes` are more than `MOST_BYTES`, or do not fit.
    pub fn pack(&mut self, bytes: &[u8], form: Form, out: &mut [u8]) -> Result<usize> {
        let failed = |what: String| Error::io("gzip", std::io::Error::other(what));
        if bytes.len() > MOST_BYTES {
            return Err(failed(format!("{} bytes are too many", bytes.len())));
        }
        let Some(code) = &*CODE else { return Err(failed("there is no code".into())) };
        let (wrapper, last, flush) = match form {
            Form::Gzip => (c::IGZIP_GZIP, 1, c::NO_FLUSH),
            Form::Blocks => (c::IGZIP_DEFLATE, 0, c::FULL_FLUSH),
        };
        let stream = &mut *self.0;
        // SAFETY: `bytes`, the code and `out` outlive the call; ISA-L reads of the first two, which it takes by pointers that
        // may be written through, and writes no more than `avail_out`.
        let told = unsafe {
            c::isal_deflate_stateless_init(stream);
            let code = std::ptr::from_ref(&**code).cast_mut();
            c::isal_deflate_set_hufftables(stream, code, c::IGZIP_HUFFTABLE_CUSTOM as i32);
            stream.level = 0;
            (stream.end_of_stream, stream.flush, stream.gzip_flag) = (last, flush as u16, wrapper as u16);
            (stream.next_in, stream.avail_in) = (bytes.as_ptr().cast_mut(), bytes.len() as u32);
            (stream.next_out, stream.avail_out) = (out.as_mut_ptr(), u32::try_from(out.len()).unwrap_or(u32::MAX));
            c::isal_deflate_stateless(stream)
        };
        match told {
            0 => Ok(stream.total_out as usize),
            code => Err(failed(format!("ISA-L refuses with {code}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::{DeflateDecoder, GzDecoder};
    use std::io::Read;

    /// Bytes that repeat the less the larger `kinds` is.
    fn bytes(len: usize, kinds: u64) -> Vec<u8> {
        let mut state = len as u64 * 2 + 1;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state >> 33
        };
        (0..len).map(|_| (next() % kinds) as u8).collect()
    }

    #[test]
    fn whatever_is_packed_fits_and_comes_back() {
        let mut igzip = Igzip::default();
        let sizes = (0..300).chain((8..18).flat_map(|bit| (1 << bit) - 1..=(1 << bit) + 1)).chain([MOST_BYTES]);
        for (len, kinds) in sizes.flat_map(|len| [(len, 1), (len, 4), (len, 60), (len, 256)]) {
            let plain = bytes(len, kinds);
            // What stands behind the room is not touched.
            let room = Igzip::bound(len);
            let mut out = vec![7; room + 64];
            let packed = igzip.pack(&plain, Form::Gzip, &mut out[..room]).unwrap();
            assert!(out[room..].iter().all(|b| *b == 7), "{len} {kinds}");
            let mut back = vec![];
            GzDecoder::new(&out[..packed]).read_to_end(&mut back).unwrap();
            assert!(back == plain, "{len} bytes of {kinds}");
            let blocks = igzip.pack(&plain, Form::Blocks, &mut out[..room]).unwrap();
            assert!(out[room..].iter().all(|b| *b == 7), "{len} {kinds}");
            // None of them is the last: an empty one (RFC 1951, 3.2.6) ends them.
            let ended = [&out[..blocks], &[3, 0]].concat();
            back.clear();
            DeflateDecoder::new(&ended[..]).read_to_end(&mut back).unwrap();
            assert!(back == plain, "blocks of {len} bytes of {kinds}");
        }
    }

    #[test]
    fn too_much_and_too_little_room_are_refused() {
        let mut igzip = Igzip::default();
        let plain = bytes(5000, 256);
        let mut out = vec![7; 6000];
        assert!(igzip.pack(&plain, Form::Gzip, &mut out[..4000]).is_err());
        assert!(out[4000..].iter().all(|b| *b == 7));
        assert!(igzip.pack(&vec![0; MOST_BYTES + 1], Form::Gzip, &mut out).is_err());
        // And it goes on.
        assert!(igzip.pack(&plain, Form::Gzip, &mut out).is_ok());
    }

    #[test]
    fn the_code_is_one_of_tiles() {
        let (mut ours, mut even) = (Igzip::default(), vec![0; 1 << 16]);
        // Features of a tile: a tag, an id, small numbers.
        let tile: Vec<u8> = (0..300u32).flat_map(|i| [0x12, 30, 8, i as u8 | 0x80, 3, 0x18, 1, 0x22, 5, 9]).collect();
        let packed = ours.pack(&tile, Form::Gzip, &mut even).unwrap();
        assert!(packed < tile.len() / 3, "{packed}");
        let counted = Symbols::of([tile.as_slice()].into_iter());
        assert_eq!(counted.literals[256], 1, "an end");
        assert!(counted.literals[257..].iter().sum::<u64>() > 100, "matches");
        assert!(code(&counted).is_some());
    }
}
