//! Rectangles into the least picture that holds them. Knows no pixels' colours; the only place that names `guillotiere`.

use guillotiere::{AtlasAllocator, size2};

/// Largest side of a picture, pixels: what every client can take.
pub const MOST_SIDE: u32 = 2048;
/// Pixels around each rectangle that repeat its border: smaller pictures of the picture (mip levels) and smoothing
/// between pixels find nothing else there.
pub const PAD: u32 = 4;
const LEAST_SIDE: u32 = 64;

/// What rectangles became.
#[derive(Debug, Clone, PartialEq)]
pub struct Packed {
    /// Width and height of the picture.
    pub sides: [u32; 2],
    /// Upper left corner of each rectangle's padding; `None` of those that found no room.
    pub places: Vec<Option<[u32; 2]>>,
}

/// Packs rectangles of `sides` without their padding: in the least picture that holds them all, else the largest.
pub fn packed(sides: &[[u32; 2]]) -> Packed {
    let padded: Vec<[u32; 2]> = sides.iter().map(|s| s.map(|n| n.saturating_add(2 * PAD))).collect();
    let area: u64 = padded.iter().map(|[w, h]| u64::from(*w) * u64::from(*h)).sum();
    let mut sides = [LEAST_SIDE; 2];
    loop {
        let holds = u64::from(sides[0]) * u64::from(sides[1]) >= area;
        let places = if holds { at(&padded, sides) } else { vec![] };
        if sides == [MOST_SIDE; 2] || (holds && places.iter().all(Option::is_some)) {
            return Packed { sides, places: if holds { places } else { at(&padded, sides) } };
        }
        // Powers of two: what old graphics can shrink.
        sides = if sides[0] == sides[1] { [sides[0] * 2, sides[1]] } else { [sides[0]; 2] };
    }
}

/// The higher first, then the wider.
fn at(padded: &[[u32; 2]], sides: [u32; 2]) -> Vec<Option<[u32; 2]>> {
    let mut room = AtlasAllocator::new(size2(sides[0] as i32, sides[1] as i32));
    let mut order: Vec<usize> = (0..padded.len()).collect();
    order.sort_by_key(|&i| (std::cmp::Reverse(padded[i][1]), std::cmp::Reverse(padded[i][0]), i));
    let mut places = vec![None; padded.len()];
    for i in order {
        let [w, h] = padded[i];
        let fits = w <= sides[0] && h <= sides[1];
        let got = fits.then(|| room.allocate(size2(w as i32, h as i32))).flatten();
        places[i] = got.map(|a| [a.rectangle.min.x as u32, a.rectangle.min.y as u32]);
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rectangles_lie_apart_and_inside() {
        // Sizes without a pattern, the same in every run.
        let size = |i: u32| [1 + i.wrapping_mul(2_654_435_761) % 180, 1 + i.wrapping_mul(40_503) % 90];
        for count in [1, 7, 150] {
            let all: Vec<[u32; 2]> = (0..count).map(size).collect();
            let packed = packed(&all);
            assert!(packed.places.iter().all(Option::is_some));
            let padded: Vec<[[u32; 2]; 2]> = (all.iter().zip(&packed.places))
                .map(|(s, p)| (p.unwrap(), s))
                .map(|(p, s)| [p, [p[0] + s[0] + 2 * PAD, p[1] + s[1] + 2 * PAD]])
                .collect();
            for (i, a) in padded.iter().enumerate() {
                assert!((0..2).all(|k| a[1][k] <= packed.sides[k]));
                let apart = |b: &[[u32; 2]; 2]| (0..2).any(|k| a[1][k] <= b[0][k] || b[1][k] <= a[0][k]);
                assert!(padded[i + 1..].iter().all(apart));
            }
            // Powers of two may leave three quarters of it empty, no more.
            let filled: u32 = padded.iter().map(|[a, b]| (b[0] - a[0]) * (b[1] - a[1])).sum();
            let share = f64::from(filled) / f64::from(packed.sides[0] * packed.sides[1]);
            assert!(count == 1 || share > 0.25, "{count}: {share}");
            assert!(packed.sides.iter().all(|s| s.is_power_of_two()));
        }
    }

    #[test]
    fn what_finds_no_room_is_told() {
        let packed = packed(&[[2000, 2000], [3000, 5], [500, 30]]);
        assert_eq!(packed.places.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, true]);
    }
}
