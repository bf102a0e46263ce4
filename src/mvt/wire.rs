//! The protobuf wire format, as much of it as a vector tile needs to be written. Reading is in `decode`.

/// Wire type of numbers.
pub const VARINT: u32 = 0;
/// Wire type of doubles.
pub const FIXED64: u32 = 1;
/// Wire type of texts, messages and packed numbers.
pub const BYTES: u32 = 2;
/// Wire type of floats.
pub const FIXED32: u32 = 5;

#[inline]
pub fn put_varint(out: &mut Vec<u8>, mut v: u64) {
    while v >= 0x80 {
        out.push(v as u8 | 0x80);
        v >>= 7;
    }
    out.push(v as u8);
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
        for v in [0, 1, 127, 128, 16383, 16384, u64::from(u32::MAX), 1 << 53, u64::MAX] {
            let mut out = vec![];
            put_varint(&mut out, v);
            assert_eq!(out.len(), varint_len(v), "{v}");
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
