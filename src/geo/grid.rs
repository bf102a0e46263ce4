//! Tile grids: OGC Two Dimensional Tile Matrix Sets (OGC 17-083r4). x and y count from the top left in every
//! grid. `WebMercatorQuad` and `CGCS2000Quad` (天地图 `c`, EPSG:4490, from z 1: 2 × 1 tiles) are built in, others
//! come as OGC TMS JSON (`tms_json`). No tile is read here.

use super::BBox;
use super::crs::{Crs, MERCATOR_MAX_LATITUDE_DEG, MERCATOR_RADIUS_M};
use super::mercator::Band;
use super::projector::{Plane, Projector};
use std::ops::RangeInclusive;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TileKey {
    pub z: u8,
    pub x: u32,
    pub y: u32,
}

/// A tile matrix set over a CRS the house knows in closed form.
#[derive(Debug, Clone, PartialEq)]
pub struct TileMatrixSet {
    pub id: String,
    pub(super) title: String,
    /// The OGC register's name of the set, if it has one.
    pub(super) uri: Option<String>,
    pub(super) well_known_scale_set: Option<String>,
    pub(super) crs: Crs,
    /// Axis names as in the document, in the order in which its coordinates are written.
    pub(super) ordered_axes: [String; 2],
    pub(super) northing_first: bool,
    pub(super) first: u8,
    /// Of zooms `first`, `first` + 1, …
    pub(super) matrices: Vec<Matrix>,
}

/// One zoom of a grid.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Matrix {
    /// Top left corner, `[east, north]` in CRS units.
    pub origin: [f64; 2],
    /// Side of a pixel in CRS units.
    pub cell_size: f64,
    /// Pixels of a tile across and down.
    pub tile_px: [u32; 2],
    /// Tiles across and down.
    pub size: (u32, u32),
}

impl Matrix {
    /// Sides of a tile in CRS units.
    pub fn span(&self) -> [f64; 2] {
        self.tile_px.map(|px| self.cell_size * f64::from(px))
    }

    /// The whole matrix in CRS units.
    pub fn bbox(&self) -> BBox {
        let [w, h] = self.span();
        let [x, y] = self.origin;
        BBox::new(x, y - h * f64::from(self.size.1), x + w * f64::from(self.size.0), y)
    }
}

impl TileMatrixSet {
    /// EPSG:3857, zooms 0–24, 2^z × 2^z tiles: what web maps call XYZ.
    pub fn web_mercator_quad() -> TileMatrixSet {
        let half = std::f64::consts::PI * MERCATOR_RADIUS_M;
        let matrix = |z: u32| Matrix {
            origin: [-half, half],
            cell_size: half / 128.0 / f64::from(1u32 << z),
            tile_px: [256, 256],
            size: (1 << z, 1 << z),
        };
        TileMatrixSet {
            id: "WebMercatorQuad".into(),
            title: "Google Maps Compatible for the World".into(),
            uri: Some("http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad".into()),
            well_known_scale_set: Some("http://www.opengis.net/def/wkss/OGC/1.0/GoogleMapsCompatible".into()),
            crs: Crs::WebMercator,
            ordered_axes: ["X".into(), "Y".into()],
            northing_first: false,
            first: 0,
            matrices: (0..=24).map(matrix).collect(),
        }
    }

    /// EPSG:4490, zooms 1–24, 2^z × 2^(z−1) tiles: 天地图's `c`. Zoom z has the scale of WebMercatorQuad's z at
    /// the equator and equals WorldCRS84Quad's z − 1.
    pub fn cgcs2000_quad() -> TileMatrixSet {
        let matrix = |z: u32| Matrix {
            origin: [-180.0, 90.0],
            cell_size: 1.40625 / f64::from(1u32 << z),
            tile_px: [256, 256],
            size: (1 << z, 1 << (z - 1)),
        };
        TileMatrixSet {
            id: "CGCS2000Quad".into(),
            title: "CGCS2000 for the World (天地图 c)".into(),
            uri: None,
            well_known_scale_set: None,
            crs: Crs::Geographic { epsg: 4490 },
            ordered_axes: ["Lat".into(), "Lon".into()],
            northing_first: true,
            first: 1,
            matrices: (1..=24).map(matrix).collect(),
        }
    }

    pub fn crs(&self) -> &Crs {
        &self.crs
    }

    /// First and last matrix.
    pub fn levels(&self) -> RangeInclusive<u8> {
        self.first..=self.first + (self.matrices.len().max(1) - 1) as u8
    }

    /// Tiles across and down at z; `None` where the set has no such matrix.
    pub fn size(&self, z: u8) -> Option<(u32, u32)> {
        self.matrix(z).map(|m| m.size)
    }

    /// Whether the grid has this tile.
    pub fn contains(&self, key: TileKey) -> bool {
        self.size(key.z).is_some_and(|(w, h)| key.x < w && key.y < h)
    }

    /// The zoom whose declared detail belongs to matrix z: floor(log2(1.40625° / degrees of longitude per pixel)),
    /// a pixel being 1/256 of a tile's side. z itself in both built-in grids. In Gauss–Krüger grids a degree of
    /// longitude is taken at 35° N, the middle of the country.
    pub fn nominal_zoom(&self, z: u8) -> u8 {
        let Some(m) = self.matrix(z) else { return z };
        let unit_deg = match self.crs {
            Crs::Crs84 | Crs::Geographic { .. } => 1.0,
            Crs::WebMercator => (1.0 / MERCATOR_RADIUS_M).to_degrees(),
            Crs::GaussKruger { projection, .. } => {
                let lat = 35f64.to_radians();
                (1.0 / (projection.ellipsoid.prime_vertical_m(lat) * lat.cos())).to_degrees()
            }
        };
        let pixel_deg = m.span()[0] / 256.0 * unit_deg;
        // The nudge keeps an exact power of two from falling short by a rounding error.
        ((1.40625 / pixel_deg).log2() + 1e-9).floor().clamp(0.0, 30.0) as u8
    }

    /// The lon/lat box that a tile covers with `buffer_px` pixels (of 256) around it, clamped to the world;
    /// `EMPTY` for a zoom the grid does not have.
    ///
    /// In Web Mercator the world ends at ±85.0511°. In projected grids the box is the smallest around the
    /// tile's curved edges, never smaller.
    pub fn window(&self, key: TileKey, buffer_px: f64) -> BBox {
        let Some(m) = self.matrix(key.z) else { return BBox::EMPTY };
        let [w, h] = m.span();
        let (bx, by) = (w * buffer_px / 256.0, h * buffer_px / 256.0);
        let left = m.origin[0] + f64::from(key.x) * w;
        let top = m.origin[1] - f64::from(key.y) * h;
        let tile = BBox::new(left - bx, top - h - by, left + w + bx, top + by);
        match &self.crs {
            Crs::Crs84 | Crs::Geographic { .. } => clamp(tile, &WORLD),
            Crs::WebMercator => {
                let [west, south] = self.crs.inverse([tile.min_x, tile.min_y]);
                let [east, north] = self.crs.inverse([tile.max_x, tile.max_y]);
                clamp(pad(BBox::new(west, south, east, north), ROUNDING_DEG), &MERCATOR_WORLD)
            }
            Crs::GaussKruger { projection, .. } => {
                let reach = clamp(tile, &gauss_kruger_reach(projection.false_easting_m));
                let image = image_box(&reach, |p| projection.inverse(p));
                clamp(pad(image, ROUNDING_DEG), &WORLD)
            }
        }
    }

    /// The tiles of matrix z that a lon/lat box touches: (x range, y range), both inclusive; a box that ends
    /// on a tile's edge touches the next tile too. `None` where it touches none.
    pub fn tiles_over(&self, b: &BBox, z: u8) -> Option<(RangeInclusive<u32>, RangeInclusive<u32>)> {
        let m = self.matrix(z)?;
        if b.is_empty() {
            return None;
        }
        let plane = match &self.crs {
            Crs::Crs84 | Crs::Geographic { .. } => *b,
            Crs::WebMercator => {
                if !b.intersects(&MERCATOR_WORLD) {
                    return None;
                }
                let [min_x, min_y] = self.crs.forward([b.min_x, b.min_y]);
                // Most boxes are those of points.
                let is_point = b.min_x == b.max_x && b.min_y == b.max_y;
                let [max_x, max_y] = if is_point { [min_x, min_y] } else { self.crs.forward([b.max_x, b.max_y]) };
                BBox::new(min_x, min_y, max_x, max_y)
            }
            Crs::GaussKruger { projection, .. } => image_box(b, |p| projection.forward(p)),
        };
        let [w, h] = m.span();
        let columns = touched((plane.min_x - m.origin[0]) / w, (plane.max_x - m.origin[0]) / w, m.size.0)?;
        let rows = touched((m.origin[1] - plane.max_y) / h, (m.origin[1] - plane.min_y) / h, m.size.1)?;
        Some((columns, rows))
    }

    /// lon/lat degrees → tile units: (0, 0) top left, (extent, extent) bottom right, y down. The key has to be
    /// one of this grid (`contains`); for another zoom the nearest matrix is taken.
    pub fn projector(&self, key: TileKey, extent: u32) -> Projector {
        let nearest = key.z.clamp(*self.levels().start(), *self.levels().end());
        let extent = f64::from(extent);
        let corner = [f64::from(key.x) * extent, f64::from(key.y) * extent];
        let Some(m) = self.matrix(nearest) else {
            return Projector { plane: Plane::Degrees, a: [1.0; 2], b: [0.0; 2], corner };
        };
        let [w, h] = m.span();
        let per_unit = [extent / w, -extent / h];
        let b = [-m.origin[0] * per_unit[0], -m.origin[1] * per_unit[1]];
        let (plane, a) = match &self.crs {
            Crs::Crs84 | Crs::Geographic { .. } => (Plane::Degrees, per_unit),
            Crs::WebMercator => {
                let degree = std::f64::consts::PI * MERCATOR_RADIUS_M / 180.0;
                let a = [per_unit[0] * degree, per_unit[1] * MERCATOR_RADIUS_M];
                let middle = (corner[1] + extent / 2.0 - b[1]) / a[1];
                (Plane::Mercator(*Band::at(middle.sinh().atan().to_degrees())), a)
            }
            Crs::GaussKruger { projection, .. } => (Plane::GaussKruger(Box::new(*projection)), per_unit),
        };
        Projector { plane, a, b, corner }
    }

    fn matrix(&self, z: u8) -> Option<&Matrix> {
        self.matrices.get(usize::from(z.checked_sub(self.first)?))
    }
}

const WORLD: BBox = BBox { min_x: -180.0, min_y: -90.0, max_x: 180.0, max_y: 90.0 };
const MERCATOR_WORLD: BBox =
    BBox { min_x: -180.0, min_y: -MERCATOR_MAX_LATITUDE_DEG, max_x: 180.0, max_y: MERCATOR_MAX_LATITUDE_DEG };
/// One micrometre: more than the rounding error of a projection and back.
const ROUNDING_DEG: f64 = 1e-11;
/// A tile's edge is a hair's breadth wide, in tiles, so that a vertex computed to lie on it touches both tiles.
const EDGE: f64 = 1e-9;

/// Where Gauss–Krüger is one to one with the series' accuracy: 4,000 km from the meridian, short of the poles.
fn gauss_kruger_reach(false_easting_m: f64) -> BBox {
    BBox::new(false_easting_m - 4.0e6, -9.99e6, false_easting_m + 4.0e6, 9.99e6)
}

/// Whether any of a matrix lies where its CRS has ground.
pub(super) fn meets_world(crs: &Crs, matrix: &Matrix) -> bool {
    let overlap = |a: &BBox, b: &BBox| a.min_x < b.max_x && b.min_x < a.max_x && a.min_y < b.max_y && b.min_y < a.max_y;
    let b = matrix.bbox();
    match crs {
        Crs::Crs84 | Crs::Geographic { .. } => overlap(&b, &WORLD),
        Crs::WebMercator => {
            let half = std::f64::consts::PI * MERCATOR_RADIUS_M;
            overlap(&b, &BBox::new(-half, -half, half, half))
        }
        Crs::GaussKruger { projection, .. } => overlap(&b, &gauss_kruger_reach(projection.false_easting_m)),
    }
}

fn clamp(b: BBox, to: &BBox) -> BBox {
    BBox::new(
        b.min_x.clamp(to.min_x, to.max_x),
        b.min_y.clamp(to.min_y, to.max_y),
        b.max_x.clamp(to.min_x, to.max_x),
        b.max_y.clamp(to.min_y, to.max_y),
    )
}

fn pad(b: BBox, by: f64) -> BBox {
    BBox::new(b.min_x - by, b.min_y - by, b.max_x + by, b.max_y + by)
}

fn touched(from: f64, to: f64, count: u32) -> Option<RangeInclusive<u32>> {
    let last = f64::from(count) - 1.0;
    let (from, to) = ((from - EDGE).ceil() - 1.0, (to + EDGE).floor());
    let (from, to) = (from.max(0.0), to.min(last));
    (from <= to).then_some(from as u32..=to as u32)
}

/// A box around the image of a box under a smooth map. The image's extremes lie on the image of the edges;
/// between two samples an edge leaves its chord by at most an eighth of the second difference, and twice that
/// is added.
fn image_box(b: &BBox, map: impl Fn([f64; 2]) -> [f64; 2]) -> BBox {
    const STEPS: usize = 32;
    let corners = [[b.min_x, b.min_y], [b.max_x, b.min_y], [b.max_x, b.max_y], [b.min_x, b.max_y]];
    let mut image = BBox::EMPTY;
    let mut sag = [0.0f64; 2];
    for i in 0..4 {
        let (p, q) = (corners[i], corners[(i + 1) % 4]);
        let mut before: [[f64; 2]; 2] = [[f64::NAN; 2]; 2];
        for s in 0..=STEPS {
            let t = s as f64 / STEPS as f64;
            let v = map([p[0] + (q[0] - p[0]) * t, p[1] + (q[1] - p[1]) * t]);
            image = image.add(v);
            for k in 0..2 {
                // `max` passes over the NaN of the first two steps.
                sag[k] = sag[k].max((v[k] - 2.0 * before[1][k] + before[0][k]).abs());
            }
            before = [before[1], v];
        }
    }
    BBox::new(
        image.min_x - sag[0] / 4.0,
        image.min_y - sag[1] / 4.0,
        image.max_x + sag[0] / 4.0,
        image.max_y + sag[1] / 4.0,
    )
}

#[cfg(test)]
#[path = "grid_tests.rs"]
mod tests;
