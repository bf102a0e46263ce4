//! The one door to the `meshopt` crate: streams of EXT_meshopt_compression, and their reading back. Vertex streams
//! are of codec version 0 (header 0xa0): the extension has no other, and the library would write version 1.

use meshopt as codec;

/// Vertex streams of version 0; index and sequence streams have one version.
const VERTEX_VERSION: Option<i32> = Some(0);
/// Level 2 is the default of the library.
const LEVEL: i32 = 2;

/// Attributes of `N` bytes each (`N` a multiple of 4, at most 256).
pub fn vertices<const N: usize>(data: &[[u8; N]]) -> Vec<u8> {
    codec::encode_vertex_buffer_level(data, LEVEL, VERTEX_VERSION).unwrap_or_default()
}

/// Triangles in an order that uses a vertex again while it is at hand.
pub fn reuse_order(indices: &mut [u32], vertex_count: usize) {
    codec::optimize_vertex_cache_in_place(indices, vertex_count);
}

/// Three a triangle.
pub fn triangles(indices: &[u32], vertex_count: usize) -> Vec<u8> {
    codec::encode_index_buffer(indices, vertex_count).unwrap_or_default()
}

/// Any indices.
pub fn sequence(indices: &[u32], vertex_count: usize) -> Vec<u8> {
    codec::encode_index_sequence(indices, vertex_count).unwrap_or_default()
}

/// A number as the extension's EXPONENTIAL filter wants it: `mantissa` · 2^`exponent`, the mantissa within 24 bits.
pub fn exponential(mantissa: i32, exponent: i32) -> [u8; 4] {
    ((exponent << 24) | (mantissa & 0x00ff_ffff)).to_le_bytes()
}

/// What `exponential` wrote.
pub fn from_exponential(bytes: [u8; 4]) -> f32 {
    let v = i32::from_le_bytes(bytes);
    let mantissa = (v << 8) >> 8;
    (f64::from(mantissa) * f64::from(v >> 24).exp2()) as f32
}

/// Reads a vertex stream of version 0; `None` when it is none.
pub fn read_vertices(stream: &[u8], count: usize, stride: usize) -> Option<Vec<u8>> {
    fn flat<const N: usize>(stream: &[u8], count: usize) -> Option<Vec<u8>> {
        let data: Vec<Cell<N>> = codec::decode_vertex_buffer(stream, count).ok()?;
        Some(data.iter().flat_map(|c| c.0).collect())
    }
    if codec::decode_vertex_version(stream) != VERTEX_VERSION {
        return None;
    }
    match stride {
        4 => flat::<4>(stream, count),
        8 => flat::<8>(stream, count),
        12 => flat::<12>(stream, count),
        16 => flat::<16>(stream, count),
        _ => None,
    }
}

/// Reads triangles (`None` when broken).
pub fn read_triangles(stream: &[u8], count: usize) -> Option<Vec<u32>> {
    codec::decode_index_buffer(stream, count).ok()
}

pub fn read_sequence(stream: &[u8], count: usize) -> Option<Vec<u32>> {
    codec::decode_index_sequence(stream, count).ok()
}

/// Arrays of any size with a default value.
#[derive(Clone)]
#[repr(transparent)]
struct Cell<const N: usize>([u8; N]);

impl<const N: usize> Default for Cell<N> {
    fn default() -> Cell<N> {
        Cell([0; N])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_of_the_extension_and_read_back() {
        let data: Vec<[u8; 8]> = (0..300u16).map(|i| [i as u8, (i / 7) as u8, 0, 0, 9, (i % 5) as u8, 1, 2]).collect();
        let stream = vertices(&data);
        assert_eq!(stream[0], 0xa0);
        assert_eq!(read_vertices(&stream, 300, 8).unwrap(), data.concat());
        let indices: Vec<u32> = (0..100).flat_map(|i| [i, i + 1, i + 2]).collect();
        assert_eq!(triangles(&indices, 102)[0], 0xe1);
        assert_eq!(sequence(&indices, 102)[0], 0xd1);
        assert_eq!(read_sequence(&sequence(&indices, 102), 300).unwrap(), indices);
    }

    #[test]
    fn the_filter_keeps_24_bits() {
        for (m, e) in [(0, -8), (1, -8), (-1, -8), (8_388_607, -11), (-8_388_608, -11), (77, 3)] {
            assert_eq!(f64::from(from_exponential(exponential(m, e))), f64::from(m) * f64::from(e).exp2());
        }
    }
}
