//! Compressing and its undoing.

use super::{Coding, Effort};
use crate::deflate::{self, igzip};
use crate::error::{Error, Result};
use libdeflater::{CompressionLvl, Compressor, Decompressor};
use std::cell::RefCell;
use std::io::Read;

/// Compresses. Levels are where the measured curve of size over time bends for tiles.
pub fn encode(bytes: &[u8], coding: Coding, effort: Effort) -> Result<Vec<u8>> {
    let failed = |e| Error::io(coding.token().unwrap_or("identity"), e);
    let level = |quick, full| if effort == Effort::Quick { quick } else { full };
    match coding {
        Coding::Identity => Ok(bytes.to_vec()),
        Coding::Gzip => gzip(bytes, effort),
        Coding::Brotli => {
            let mut out = Vec::with_capacity(bytes.len() / 2);
            let params = brotli::enc::BrotliEncoderParams { quality: level(2, 5), lgwin: 20, ..Default::default() };
            brotli::BrotliCompress(&mut &*bytes, &mut out, &params).map_err(failed)?;
            Ok(out)
        }
        Coding::Zstd => zstd::bulk::compress(bytes, level(1, 9)).map_err(failed),
    }
}

/// Of libdeflate, for large answers in haste and for all in leisure. Beside zlib's 6 the first takes a third of the time or less
/// for 3 to 6 % more bytes, the second about as long for 3 to 5 % fewer.
const GZIP_LEVELS: [i32; 2] = [1, 7];

struct Gzip {
    fast: Compressor,
    well: Compressor,
    out: Vec<u8>,
}

impl Default for Gzip {
    fn default() -> Gzip {
        let [fast, well] = GZIP_LEVELS.map(|level| Compressor::new(CompressionLvl::new(level).unwrap_or_default()));
        Gzip { fast, well, out: vec![] }
    }
}

impl Gzip {
    fn pack(&mut self, bytes: &[u8], effort: Effort) -> Result<Vec<u8>> {
        let room = self.fast.gzip_compress_bound(bytes.len());
        self.out.resize(self.out.len().max(room), 0);
        let len = match effort {
            Effort::Quick => self.fast.gzip_compress(bytes, &mut self.out),
            Effort::Full => self.well.gzip_compress(bytes, &mut self.out),
        };
        let coded = len.map(|len| self.out[..len].to_vec()).map_err(|e| Error::io("gzip", std::io::Error::other(e)));
        // What a rare large answer took is given back.
        if self.out.len() > GZIP_ROOM_BYTES {
            self.out = vec![];
        }
        coded
    }
}

const GZIP_ROOM_BYTES: usize = 1 << 20;

/// Of bytes that are at hand whole. The compressors' tables and their room are made once a thread: they are larger than tiles.
fn gzip(bytes: &[u8], effort: Effort) -> Result<Vec<u8>> {
    if effort == Effort::Quick && bytes.len() <= igzip::MOST_BYTES {
        return deflate::gzip(bytes);
    }
    thread_local! {
        static GZIP: RefCell<Gzip> = RefCell::default();
    }
    GZIP.with_borrow_mut(|gzip| gzip.pack(bytes, effort))
}

/// Deflate packs no byte into less than this part of one (RFC 1951, 3.2.5: 258 bytes in two bits).
const MOST_PACKED: usize = 1032;

/// Undoes gzip of one member, whose last bytes say how long it becomes; `None` where that does not hold.
fn gunzip(bytes: &[u8]) -> Option<Vec<u8>> {
    thread_local! {
        static DECOMPRESSOR: RefCell<Decompressor> = RefCell::new(Decompressor::new());
    }
    let len = u32::from_le_bytes(*bytes.last_chunk()?) as usize;
    if len > bytes.len().saturating_mul(MOST_PACKED) {
        return None;
    }
    let mut out = vec![0; len];
    let written = DECOMPRESSOR.with_borrow_mut(|d| d.gzip_decompress(bytes, &mut out)).ok()?;
    (written == len).then_some(out)
}

/// Undoes `encode`.
pub fn decode(bytes: &[u8], coding: Coding) -> Result<Vec<u8>> {
    let mut out = vec![];
    let read = match coding {
        Coding::Identity => return Ok(bytes.to_vec()),
        Coding::Gzip => match gunzip(bytes) {
            Some(whole) => return Ok(whole),
            None => flate2::read::GzDecoder::new(bytes).read_to_end(&mut out).map(drop),
        },
        Coding::Brotli => brotli::BrotliDecompress(&mut &*bytes, &mut out),
        Coding::Zstd => zstd::stream::copy_decode(bytes, &mut out),
    };
    read.map_err(|e| Error::io(coding.token().unwrap_or("identity"), e))?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_coding_can_be_undone() {
        let text: Vec<u8> = (0..5000u32).flat_map(|i| (i / 7 % 251).to_le_bytes()).collect();
        for input in [&text[..], b"", b"x"] {
            for (coding, effort) in Coding::ALL.into_iter().flat_map(|c| [(c, Effort::Quick), (c, Effort::Full)]) {
                assert_eq!(decode(&encode(input, coding, effort).unwrap(), coding).unwrap(), input, "{coding:?}");
            }
        }
        assert!(decode(b"no gzip", Coding::Gzip).is_err());
    }
}
