//! The protobuf wire format, as much of it as a vector tile needs to be written. Reading is in `decode`.

/// Wire type of numbers.
pub const VARINT: u32 = 0;
/// Wire type of doubles.
pub const FIXED64: u32 = 1;
/// Wire type of texts, messages and packed numbers.
pub const BYTES: u32 = 2;
/// Wire type of floats.
pub const FIXED32: u32 = 5;

/// Most numbers of a tile have one byte or two; ids have eight.
#[inline]
pub fn put_varint(out: &mut Vec<u8>, v: u64) {
    match v {
        0..0x80 => out.push(v as u8),
        0x80..0x4000 => out.extend_from_slice(&[v as u8 | 0x80, (v >> 7) as u8]),
        _ => put_long_varint(out, v),
    }
}

fn put_long_varint(out: &mut Vec<u8>, v: u64) {
    match v < 1 << 56 {
        true => put_first_of::<8>(out, &short_varint(v).to_le_bytes(), varint_len(v)),
        false => put_first_of::<16>(out, &varint(v).to_le_bytes(), varint_len(v)),
    }
}

/// What `put_varint` writes of less than 2⁵⁶, the first byte lowest. Without a loop: seven bits a byte, then "more follows" in
/// all but the last.
fn short_varint(v: u64) -> u64 {
    sevens(v) | MORE & ((1 << (8 * (varint_len(v) - 1))) - 1)
}

const MORE: u64 = 0x8080_8080_8080_8080;

fn sevens(v: u64) -> u64 {
    (0..8).fold(0, |word, i| word | (v & 0x7f << (7 * i)) << i)
}

/// What `put_varint` writes, the first byte lowest.
pub fn varint(v: u64) -> u128 {
    if v < 1 << 56 {
        return u128::from(short_varint(v));
    }
    let last = v >> 63;
    let high = v >> 56 & 0x7f | last << 7 | last << 8;
    u128::from(sevens(v) | MORE) | u128::from(high) << 64
}

/// Appends the first `len` of `bytes`. Where `N` of them are there and enough, without a call: what is too much is cut off
/// again. Tiles are made of thousands of pieces of some ten bytes, and copying each by its length is a tenth of writing one.
#[inline]
pub fn put_first_of<const N: usize>(out: &mut Vec<u8>, bytes: &[u8], len: usize) {
    match bytes.first_chunk::<N>() {
        Some(piece) if len <= N => {
            let end = out.len() + len;
            out.extend_from_slice(piece);
            out.truncate(end);
        }
        _ => out.extend_from_slice(&bytes[..len.min(bytes.len())]),
    }
}

/// Bytes that `put_varint` writes.
#[inline]
pub fn varint_len(v: u64) -> usize {
    (64 - (v | 1).leading_zeros() as usize).div_ceil(7)
}

#[inline]
pub fn put_tag(out: &mut Vec<u8>, field: u32, wire_type: u32) {
    put_varint(out, u64::from(field << 3 | wire_type));
}

#[inline]
pub fn put_bytes(out: &mut Vec<u8>, field: u32, bytes: &[u8]) {
    put_tag(out, field, BYTES);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

#[inline]
pub fn put_number(out: &mut Vec<u8>, field: u32, v: u64) {
    put_tag(out, field, VARINT);
    put_varint(out, v);
}

/// Small for small magnitudes of either sign.
#[inline]
pub fn zigzag(v: i64) -> u64 {
    ((v << 1) ^ (v >> 63)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_agree_with_what_is_written() {
        let edges = (0..64).flat_map(|bit| [(1 << bit) - 1, 1 << bit, (1 << bit) + 1, 0x5555_5555_5555_5555 >> bit]);
        for v in edges.chain([u64::MAX]) {
            let mut out = vec![9];
            put_varint(&mut out, v);
            assert_eq!(out.len() - 1, varint_len(v), "{v}");
            let back = out[1..].iter().rev().fold(0u128, |sum, b| sum << 7 | u128::from(b & 0x7f));
            assert_eq!((back, out[0]), (u128::from(v), 9));
            let (last, others) = out[1..].split_last().unwrap();
            assert!(*last < 0x80 && others.iter().all(|b| *b >= 0x80), "{v}");
        }
    }

    #[test]
    fn the_first_bytes_are_appended_however_many_follow() {
        let all: Vec<u8> = (0..64).collect();
        for (from, len) in (0..64).flat_map(|from| (0..=64 - from).map(move |len| (from, len))) {
            let mut out = vec![9];
            put_first_of::<32>(&mut out, &all[from..], len);
            assert_eq!((out[0], &out[1..]), (9, &all[from..from + len]));
        }
    }

    #[test]
    fn zigzag_of_the_specification() {
        for (v, want) in [(0, 0), (-1, 1), (1, 2), (-2, 3), (2147483647, 4294967294), (-2147483648, 4294967295)] {
            assert_eq!(zigzag(v), want);
        }
        assert_eq!(zigzag(i64::MIN), u64::MAX);
    }
}
