//! A place's position on a Hilbert curve over the whole world: near places get near keys. The world box is
//! fixed, so a key never depends on what else is stored.

/// The key of `[longitude°, latitude°]`: both axes in 2³² steps of the box ±180°, ±90°. Beyond it the edge
/// counts; a coordinate that is not a number counts as the lower edge.
pub fn key([lon, lat]: [f64; 2]) -> u64 {
    // `as` saturates, and takes what is not a number as 0.
    let step = |v: f64, half: f64| ((v + half) / (2.0 * half) * 4_294_967_296.0) as u32;
    from_steps(step(lon, 180.0), step(lat, 90.0))
}

/// Distance along the curve of order 32 (D. Hilbert 1891; the usual walk from the coarsest quadrant down).
fn from_steps(mut x: u32, mut y: u32) -> u64 {
    let mut d = 0;
    for bit in (0..32).rev() {
        let (rx, ry) = (x >> bit & 1, y >> bit & 1);
        d = d << 2 | u64::from((3 * rx) ^ ry);
        if ry == 0 {
            if rx == 1 {
                (x, y) = (!x, !y);
            }
            (x, y) = (y, x);
        }
    }
    d
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_on_the_curve_are_neighbours_on_the_ground() {
        // The first 2^10 cells of a curve of order 5, walked in order of their keys.
        let mut cells: Vec<(u64, i64, i64)> = (0..1024u32)
            .map(|i| {
                let (x, y) = (i % 32, i / 32);
                (from_steps(x << 27, y << 27) >> 54, i64::from(x), i64::from(y))
            })
            .collect();
        cells.sort_unstable();
        for w in cells.windows(2) {
            assert_eq!((w[0].1 - w[1].1).abs() + (w[0].2 - w[1].2).abs(), 1, "{w:?}");
            assert_eq!(w[1].0 - w[0].0, 1);
        }
        assert_eq!((cells[0].0, cells[0].1, cells[0].2), (0, 0, 0));
    }

    #[test]
    fn every_coordinate_has_a_key() {
        assert_eq!(key([-180.0, -90.0]), 0);
        assert_eq!(key([f64::NAN, f64::NEG_INFINITY]), 0);
        assert_eq!(key([500.0, 90.0]), key([180.0, 200.0]));
        assert_ne!(key([114.3, 34.8]), key([114.300_000_2, 34.8]));
        // A golden value: stores are ordered by it.
        assert_eq!(key([114.3, 34.8]), 13_017_812_955_788_018_213);
    }
}
