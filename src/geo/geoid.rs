//! Height of the geoid above the ellipsoid (N): what turns a height above the sea into an ellipsoidal one, h = H + N. A
//! constant or a grid, bilinear, and a bias for what lies between a height datum and the geoid. Reads no file.

use super::BBox;
use super::lattice::bilinear;

/// N on a grid of longitude and latitude, from the south-west, row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct GeoidGrid {
    /// Of the first node, `[longitude°, latitude°]`.
    first: [f64; 2],
    /// Degrees between nodes.
    step: [f64; 2],
    size: [usize; 2],
    /// Metres; not finite where unknown.
    n_m: Vec<f32>,
    /// Least and greatest of them.
    range_m: [f32; 2],
}

/// In a box that more crossings of lines lie in, N is taken to be anything that the grid has.
const MOST_CROSSINGS: f64 = 65_536.0;

impl GeoidGrid {
    /// `size` nodes eastward and northward of `first`. `None` where the numbers do not hold together.
    pub fn new(first: [f64; 2], step: [f64; 2], size: [usize; 2], n_m: Vec<f32>) -> Option<GeoidGrid> {
        let sound = first.iter().all(|v| v.is_finite()) && step.iter().all(|s| *s > 0.0 && *s < 90.0);
        let full = size.iter().all(|n| *n >= 2) && size[0].checked_mul(size[1]) == Some(n_m.len());
        let known = n_m.iter().filter(|n| n.is_finite());
        let range_m = known.fold([f32::INFINITY, f32::NEG_INFINITY], |[low, high], n| [low.min(*n), high.max(*n)]);
        (sound && full).then_some(GeoidGrid { first, step, size, n_m, range_m })
    }

    /// The bytes of a GTX file (NOAA VDatum): big-endian, south and west edge, steps, rows and columns, then floats from
    /// the south-west; −88.8888 is unknown.
    pub fn from_gtx(bytes: &[u8]) -> Option<GeoidGrid> {
        let double = |at: usize| Some(f64::from_be_bytes(*bytes.get(at..)?.first_chunk()?));
        let int = |at: usize| usize::try_from(i32::from_be_bytes(*bytes.get(at..)?.first_chunk()?)).ok();
        let (first, step, size) = ([double(8)?, double(0)?], [double(24)?, double(16)?], [int(36)?, int(32)?]);
        let values = bytes.get(40..40 + size[0].checked_mul(size[1])?.checked_mul(4)?)?;
        let value = |b: &[u8; 4]| match f32::from_be_bytes(*b) {
            v if (v + 88.8888).abs() < 1e-3 => f32::NAN,
            v => v,
        };
        GeoidGrid::new(first, step, size, values.as_chunks::<4>().0.iter().map(value).collect())
    }

    /// Whether it goes around the earth, so that its last column's neighbour is the first.
    fn around(&self) -> bool {
        self.step[0] * self.size[0] as f64 >= 360.0 - self.step[0] / 2.0
    }

    fn undulation_m(&self, [lon, lat]: [f64; 2]) -> Option<f64> {
        let east = (lon - self.first[0]).rem_euclid(360.0);
        let (u, v) = (east / self.step[0], (lat - self.first[1]) / self.step[1]);
        let last = [if self.around() { self.size[0] } else { self.size[0] - 1 }, self.size[1] - 1];
        if u > last[0] as f64 || v < 0.0 || v > last[1] as f64 {
            return None;
        }
        let node = |i: usize, j: usize| {
            let n = *self.n_m.get(j * self.size[0] + i % self.size[0])?;
            n.is_finite().then_some(f64::from(n))
        };
        bilinear([u, v], last, node)
    }

    /// Longitudes or latitudes (`axis` 0, 1) of the grid's lines strictly between two.
    fn lines(&self, axis: usize, from: f64, to: f64) -> impl Iterator<Item = f64> + '_ {
        let number = |v: f64| (v - self.first[axis]) / self.step[axis];
        let lines = number(from).ceil() as i64..=number(to).floor() as i64;
        lines.map(move |k| self.first[axis] + k as f64 * self.step[axis])
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Model {
    Constant(f64),
    Grid(GeoidGrid),
}

/// A named geoid.
#[derive(Debug, Clone, PartialEq)]
pub struct Geoid {
    /// As it is told: `constant`, `egm96`, a file's name.
    pub name: String,
    /// Metres that the height datum lies above the geoid (1985: 0.2 to 0.35 in publications): part of every N.
    pub bias_m: f64,
    model: Model,
}

impl Geoid {
    pub fn constant(undulation_m: f64) -> Geoid {
        Geoid { name: "constant".into(), bias_m: 0.0, model: Model::Constant(undulation_m) }
    }

    pub fn grid(name: impl Into<String>, grid: GeoidGrid) -> Geoid {
        Geoid { name: name.into(), bias_m: 0.0, model: Model::Grid(grid) }
    }

    pub fn biased(self, bias_m: f64) -> Geoid {
        Geoid { bias_m, ..self }
    }

    /// The one number of a constant, bias included.
    pub fn is_constant(&self) -> Option<f64> {
        match self.model {
            Model::Constant(n) => Some(n + self.bias_m),
            Model::Grid(_) => None,
        }
    }

    /// N at `[longitude°, latitude°]`, metres; `None` outside of the grid.
    pub fn undulation_m(&self, lonlat: [f64; 2]) -> Option<f64> {
        let n = match &self.model {
            Model::Constant(n) => Some(*n),
            Model::Grid(grid) => grid.undulation_m(lonlat),
        };
        n.map(|n| n + self.bias_m)
    }

    /// Least and greatest N in a box of degrees: those at its corners, and where the grid's lines cross it, since between
    /// lines N is bilinear. Of a box that leaves the grid, where it is on the grid; `None` when it is nowhere.
    pub fn range_m(&self, b: &BBox) -> Option<[f64; 2]> {
        let (mut xs, mut ys) = (vec![b.min_x, b.max_x], vec![b.min_y, b.max_y]);
        if let Model::Grid(grid) = &self.model {
            if b.width() / grid.step[0] * b.height() / grid.step[1] > MOST_CROSSINGS {
                return Some(grid.range_m.map(|n| f64::from(n) + self.bias_m)).filter(|[low, high]| low <= high);
            }
            xs.extend(grid.lines(0, b.min_x, b.max_x));
            ys.extend(grid.lines(1, b.min_y, b.max_y));
        }
        let mut range = [f64::INFINITY, f64::NEG_INFINITY];
        for (x, y) in ys.iter().flat_map(|y| xs.iter().map(move |x| (*x, *y))) {
            if let Some(n) = self.undulation_m([x, y]) {
                range = [range[0].min(n), range[1].max(n)];
            }
        }
        (range[0] <= range[1]).then_some(range)
    }

    /// Tells models apart: part of what tiles are made of.
    pub fn digest(&self) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.bias_m.to_le_bytes());
        match &self.model {
            Model::Constant(n) => hasher.update(&n.to_le_bytes()),
            Model::Grid(g) => {
                let numbers = [g.first[0], g.first[1], g.step[0], g.step[1], g.size[0] as f64, g.size[1] as f64];
                let mut bytes: Vec<u8> = numbers.iter().flat_map(|v| v.to_le_bytes()).collect();
                bytes.extend(g.n_m.iter().flat_map(|v| v.to_le_bytes()));
                hasher.update(&bytes)
            }
        };
        hasher.finalize()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole_earth() -> GeoidGrid {
        let value = |k: usize| ((k % 36) as f32 - 18.0) * 2.0 + (k / 36) as f32;
        GeoidGrid::new([-180.0, -90.0], [10.0, 10.0], [36, 19], (0..36 * 19).map(value).collect()).unwrap()
    }

    #[test]
    fn bilinear_around_the_earth_and_with_a_bias() {
        let geoid = Geoid::grid("test", whole_earth()).biased(0.25);
        assert_eq!(geoid.undulation_m([0.0, 0.0]), Some(9.25));
        assert_eq!(geoid.undulation_m([5.0, 5.0]), Some(1.0 + 9.5 + 0.25));
        // Between the last column (170°) and the first.
        assert_eq!(geoid.undulation_m([175.0, -90.0]), Some((34.0 - 36.0) / 2.0 + 0.25));
        assert_eq!(geoid.undulation_m([190.0, -90.0]), geoid.undulation_m([-170.0, -90.0]));
        assert_eq!((Geoid::constant(-12.5).undulation_m([7.0, 8.0]), geoid.is_constant()), (Some(-12.5), None));
        assert_eq!(Geoid::constant(-12.5).biased(0.3).is_constant(), Some(-12.2));
        let part = GeoidGrid::new([114.0, 34.0], [0.5, 0.5], [3, 3], vec![1.0; 9]).unwrap();
        let part = Geoid::grid("part", part);
        assert_eq!((part.undulation_m([115.0, 35.0]), part.undulation_m([115.1, 35.0])), (Some(1.0), None));
        assert_eq!(part.undulation_m([113.9, 34.5]), None);
        assert_ne!(part.digest(), part.clone().biased(0.1).digest());
    }

    #[test]
    fn ranges_are_true_over_lines_of_the_grid() {
        let values = vec![0.0, 0.0, 0.0, 0.0, 9.0, 0.0, 0.0, 0.0, -4.0];
        let geoid = Geoid::grid("peak", GeoidGrid::new([114.0, 34.0], [1.0, 1.0], [3, 3], values).unwrap());
        let range = |b: [f64; 4]| geoid.range_m(&BBox::new(b[0], b[1], b[2], b[3]));
        assert_eq!(range([114.2, 34.2, 115.7, 35.1]).unwrap()[1], 9.0);
        let small = range([114.5, 34.5, 114.6, 34.75]).unwrap();
        assert!((small[0] - 9.0 * 0.25).abs() < 1e-9 && (small[1] - 9.0 * 0.6 * 0.75).abs() < 1e-9, "{small:?}");
        assert_eq!(range([115.0, 35.0, 116.0, 36.0]), Some([-4.0, 9.0]));
        // Partly off the grid, and nowhere on it.
        assert_eq!(range([115.0, 35.0, 116.5, 35.5]), Some([-2.0, 9.0]));
        assert_eq!(range([117.0, 35.0, 118.0, 35.5]), None);
        let earth = Geoid::grid("earth", whole_earth()).biased(0.5);
        let all = earth.range_m(&BBox::new(-180.0, -90.0, 180.0, 90.0)).unwrap();
        assert_eq!(all, [-36.0 + 0.5, 34.0 + 18.0 + 0.5]);
        // So many lines that they are not asked one by one.
        let dense = GeoidGrid::new([0.0, 0.0], [0.01, 0.01], [1000, 1000], (0..1_000_000).map(|i| i as f32).collect());
        let dense = Geoid::grid("dense", dense.unwrap());
        assert_eq!(dense.range_m(&BBox::new(1.0, 1.0, 9.0, 9.0)), Some([0.0, 999_999.0]));
        assert!(dense.range_m(&BBox::new(1.0, 1.0, 2.0, 2.0)).unwrap()[1] < 300_000.0);
        assert_eq!(Geoid::constant(3.0).range_m(&BBox::new(0.0, 0.0, 1.0, 1.0)), Some([3.0, 3.0]));
    }

    #[test]
    fn a_gtx_file_is_read_and_a_broken_one_is_none() {
        let mut bytes = vec![];
        [34.0f64, 114.0, 0.25, 0.25].iter().for_each(|v| bytes.extend(v.to_be_bytes()));
        [2i32, 3].iter().for_each(|v| bytes.extend(v.to_be_bytes()));
        [1.0f32, 2.0, 3.0, 4.0, 5.0, -88.8888].iter().for_each(|v| bytes.extend(v.to_be_bytes()));
        let geoid = Geoid::grid("g", GeoidGrid::from_gtx(&bytes).unwrap());
        assert_eq!(geoid.undulation_m([114.25, 34.0]), Some(2.0));
        assert_eq!(geoid.undulation_m([114.125, 34.125]), Some(3.0));
        assert_eq!(geoid.undulation_m([114.4, 34.2]), None);
        assert_eq!(GeoidGrid::from_gtx(&bytes[..60]), None);
        assert_eq!(GeoidGrid::from_gtx(&[0; 40]), None);
    }
}
