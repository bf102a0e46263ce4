//! From lon/lat into one tile and back. No clipping, no rounding.
//!
//! A vertex is first placed in the whole matrix (in tile units) and then moved by a whole number of units into
//! its tile. The move is exact in f64, so one vertex seen from two tiles differs by exactly the tile's side and
//! rounds alike in both.

use super::gauss_kruger::GaussKruger;
use super::mercator::Band;

/// Projects into one tile: (0, 0) top left, (extent, extent) bottom right, y down.
///
/// In Web Mercator latitudes beyond ±85.0511° (the edge of its square) are drawn to that edge. Longitudes are
/// not wrapped: a shape across the antimeridian has to come in split.
#[derive(Debug, Clone)]
pub struct Projector {
    pub(super) plane: Plane,
    /// Units of the matrix = a · plane + b, for x and y.
    pub(super) a: [f64; 2],
    pub(super) b: [f64; 2],
    /// Units from the matrix' corner to the tile's; whole numbers.
    pub(super) corner: [f64; 2],
}

/// What stands between lon/lat and the linear part.
#[derive(Debug, Clone)]
pub(super) enum Plane {
    /// Degrees as they are.
    Degrees,
    /// x in degrees, y the Mercator ordinate on the unit sphere. The band of the tile's middle.
    Mercator(Band),
    GaussKruger(Box<GaussKruger>),
}

impl Projector {
    /// `[longitude°, latitude°]` → tile units.
    pub fn project(&self, lonlat: [f64; 2]) -> [f64; 2] {
        match &self.plane {
            Plane::Degrees => self.place(lonlat),
            Plane::Mercator(band) => self.place([lonlat[0], band.mercator_y(lonlat[1])]),
            Plane::GaussKruger(g) => self.place(g.forward(lonlat)),
        }
    }

    /// Appends the projection of every vertex to `out`.
    pub fn project_into(&self, lonlat: &[[f64; 2]], out: &mut Vec<[f64; 2]>) {
        match &self.plane {
            Plane::Degrees => out.extend(lonlat.iter().map(|p| self.place(*p))),
            Plane::Mercator(band) => out.extend(lonlat.iter().map(|p| self.place([p[0], band.mercator_y(p[1])]))),
            Plane::GaussKruger(g) => out.extend(lonlat.iter().map(|p| self.place(g.forward(*p)))),
        }
    }

    /// Tile units → `[longitude°, latitude°]`.
    pub fn unproject(&self, units: [f64; 2]) -> [f64; 2] {
        let p = [0, 1].map(|k| (units[k] + self.corner[k] - self.b[k]) / self.a[k]);
        match &self.plane {
            Plane::Degrees => p,
            Plane::Mercator(_) => [p[0], p[1].sinh().atan().to_degrees()],
            Plane::GaussKruger(g) => g.inverse(p),
        }
    }

    #[inline]
    fn place(&self, p: [f64; 2]) -> [f64; 2] {
        // Two steps on purpose, see the head of the file.
        let in_matrix = |k: usize| self.a[k] * p[k] + self.b[k];
        [in_matrix(0) - self.corner[0], in_matrix(1) - self.corner[1]]
    }
}
