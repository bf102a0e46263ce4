//! Pieces of an answer that are packed each by itself. Deflate's blocks may follow each other (RFC 1951, 3.2.3), and the checksum
//! of a whole follows from those of its parts, so that a gzip member (RFC 1952) of pieces costs a copy of them.

use super::igzip::{Form, Igzip, MOST_BYTES};
use crate::error::Result;
use crc32fast::Hasher;
use std::cell::RefCell;

/// A packed stretch of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece<'a> {
    /// Blocks of deflate up to the end of a byte, none the last.
    pub blocks: &'a [u8],
    /// Bytes before packing, and their CRC-32.
    pub plain: u32,
    pub crc: u32,
}

/// The same, by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PieceBuf {
    pub blocks: Vec<u8>,
    pub plain: u32,
    pub crc: u32,
}

impl PieceBuf {
    pub fn as_piece(&self) -> Piece<'_> {
        Piece { blocks: &self.blocks, plain: self.plain, crc: self.crc }
    }
}

thread_local! {
    /// The compressor's tables and its room are made once a thread: they are larger than tiles.
    static PACKING: RefCell<(Igzip, Vec<u8>)> = RefCell::default();
}

fn pack(bytes: &[u8], form: Form) -> Result<Vec<u8>> {
    PACKING.with_borrow_mut(|(igzip, room)| {
        room.resize(room.len().max(Igzip::bound(bytes.len().min(MOST_BYTES))), 0);
        let len = igzip.pack(bytes, form, room)?;
        Ok(room[..len].to_vec())
    })
}

/// `bytes` as a gzip member.
///
/// # Errors
/// Where they are more than `igzip::MOST_BYTES`.
pub fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    pack(bytes, Form::Gzip)
}

/// `bytes` as a piece.
///
/// # Errors
/// Where they are more than 4 GB.
pub fn piece(bytes: &[u8]) -> Result<PieceBuf> {
    let mut blocks = vec![];
    for part in bytes.chunks(MOST_BYTES) {
        let packed = pack(part, Form::Blocks)?;
        match blocks.is_empty() {
            true => blocks = packed,
            false => blocks.extend(packed),
        }
    }
    let plain = u32::try_from(bytes.len())
        .map_err(|_| crate::error::Error::io("gzip", std::io::Error::other("more than 4 GB in one answer")))?;
    Ok(PieceBuf { blocks, plain, crc: crc32fast::hash(bytes) })
}

/// Head of a member: deflate, no name, no time, no system (RFC 1952, 2.3).
const HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
/// The last block: fixed codes, empty (RFC 1951, 3.2.6).
const LAST_BLOCK: [u8; 2] = [3, 0];

/// A gzip member that is put together.
pub struct Member {
    bytes: Vec<u8>,
    sum: Hasher,
    plain: u32,
}

impl Default for Member {
    fn default() -> Member {
        Member { bytes: HEAD.to_vec(), sum: Hasher::new(), plain: 0 }
    }
}

impl Member {
    pub fn push(&mut self, piece: Piece<'_>) {
        self.bytes.reserve(piece.blocks.len() + LAST_BLOCK.len() + 8);
        self.bytes.extend_from_slice(piece.blocks);
        self.sum.combine(&Hasher::new_with_initial_len(piece.crc, u64::from(piece.plain)));
        self.plain = self.plain.wrapping_add(piece.plain);
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.plain == 0
    }

    pub fn finish(mut self) -> Vec<u8> {
        self.bytes.extend_from_slice(&LAST_BLOCK);
        self.bytes.extend_from_slice(&self.sum.finalize().to_le_bytes());
        self.bytes.extend_from_slice(&self.plain.to_le_bytes());
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::GzDecoder;
    use std::io::Read;

    fn bytes(len: usize, kinds: usize) -> Vec<u8> {
        (0..len).map(|i| (i * i / 7 % kinds) as u8).collect()
    }

    fn plain(member: &[u8]) -> Vec<u8> {
        let mut back = vec![];
        // Refuses a wrong checksum or length.
        GzDecoder::new(member).read_to_end(&mut back).unwrap();
        back
    }

    #[test]
    fn pieces_make_one_member_of_all_their_bytes() {
        let parts: Vec<Vec<u8>> = [(0, 1), (1, 1), (300, 5), (70_000, 251), (9, 250), (MOST_BYTES + 9, 90)]
            .map(|(l, k)| bytes(l, k))
            .to_vec();
        for from in 0..parts.len() {
            let mut member = Member::default();
            for part in &parts[from..] {
                member.push(piece(part).unwrap().as_piece());
            }
            assert!(!member.is_empty());
            let whole = member.finish();
            assert!(plain(&whole) == parts[from..].concat(), "from {from}");
            assert!(whole.len() < parts[from..].concat().len() + 700);
        }
        assert!(Member::default().is_empty());
        assert_eq!(plain(&Member::default().finish()), b"");
    }

    #[test]
    fn a_whole_is_a_member_too() {
        let text = bytes(5000, 90);
        assert!(plain(&gzip(&text).unwrap()) == text);
        assert!(gzip(&vec![0; MOST_BYTES + 1]).is_err());
    }
}
