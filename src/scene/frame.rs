//! A tile's own frame: metres east, north and up of a point of the ellipsoid, and the matrix that sets it on the
//! earth. No datum of heights: heights that come in are ellipsoidal.

use crate::geo::ellipsoid::Ellipsoid;

/// East, north, up at an origin. CGCS2000 (GRS80) stands for WGS84, whose semi-minor axis differs by 0.1 mm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Frame {
    /// Geocentric metres (EPSG:4978).
    origin: [f64; 3],
    /// Unit vectors, geocentric.
    east: [f64; 3],
    north: [f64; 3],
    up: [f64; 3],
}

/// The ellipsoid's normal through a place, in a frame: `at(h)` is the point at ellipsoidal height h.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pillar {
    pub foot: [f64; 3],
    pub up: [f64; 3],
}

impl Pillar {
    pub fn at(&self, height_m: f64) -> [f64; 3] {
        [0, 1, 2].map(|i| self.foot[i] + self.up[i] * height_m)
    }
}

impl Frame {
    /// At `[longitude°, latitude°]` and an ellipsoidal height in metres.
    pub fn at(lonlat: [f64; 2], height_m: f64) -> Frame {
        let (sin_lon, cos_lon) = lonlat[0].to_radians().sin_cos();
        let (sin_lat, cos_lat) = lonlat[1].to_radians().sin_cos();
        Frame {
            origin: Ellipsoid::CGCS2000.to_geocentric(lonlat, height_m),
            east: [-sin_lon, cos_lon, 0.0],
            north: [-sin_lat * cos_lon, -sin_lat * sin_lon, cos_lat],
            up: [cos_lat * cos_lon, cos_lat * sin_lon, sin_lat],
        }
    }

    /// A tile's `transform`: 4 × 4, column by column, from this frame (z up) to geocentric metres.
    pub fn transform(&self) -> [f64; 16] {
        let ([a, b, c], [d, e, f]) = (self.east, self.north);
        let ([g, h, i], [x, y, z]) = (self.up, self.origin);
        [a, b, c, 0.0, d, e, f, 0.0, g, h, i, 0.0, x, y, z, 1.0]
    }

    /// `[longitude°, latitude°]` and ellipsoidal height → east, north, up in metres, through geocentric
    /// coordinates, so that the earth's curve is in it (20 mm at 1 km).
    pub fn local(&self, lonlat: [f64; 2], height_m: f64) -> [f64; 3] {
        let p = Ellipsoid::CGCS2000.to_geocentric(lonlat, height_m);
        self.rotated([0, 1, 2].map(|i| p[i] - self.origin[i]))
    }

    pub fn pillar(&self, lonlat: [f64; 2]) -> Pillar {
        let (sin_lon, cos_lon) = lonlat[0].to_radians().sin_cos();
        let (sin_lat, cos_lat) = lonlat[1].to_radians().sin_cos();
        let e = Ellipsoid::CGCS2000;
        let n = e.a_m / (1.0 - e.e2() * sin_lat * sin_lat).sqrt();
        let p = [n * cos_lat * cos_lon, n * cos_lat * sin_lon, n * (1.0 - e.e2()) * sin_lat];
        Pillar {
            foot: self.rotated([0, 1, 2].map(|i| p[i] - self.origin[i])),
            up: self.rotated([cos_lat * cos_lon, cos_lat * sin_lon, sin_lat]),
        }
    }

    /// The matrix from this frame to another, as `transform` is to geocentric metres: what a child tile's `transform`
    /// is below its parent's.
    pub fn within(&self, outer: &Frame) -> [f64; 16] {
        let ([a, b, c], [d, e, f]) = (outer.rotated(self.east), outer.rotated(self.north));
        let [g, h, i] = outer.rotated(self.up);
        let [x, y, z] = outer.rotated([0, 1, 2].map(|i| self.origin[i] - outer.origin[i]));
        [a, b, c, 0.0, d, e, f, 0.0, g, h, i, 0.0, x, y, z, 1.0]
    }

    /// East, north, up → `[longitude°, latitude°]` and ellipsoidal height in metres.
    pub fn geographic(&self, local: [f64; 3]) -> ([f64; 2], f64) {
        let geocentric = [0, 1, 2]
            .map(|i| self.origin[i] + self.east[i] * local[0] + self.north[i] * local[1] + self.up[i] * local[2]);
        Ellipsoid::CGCS2000.from_geocentric(geocentric)
    }

    fn rotated(&self, d: [f64; 3]) -> [f64; 3] {
        [self.east, self.north, self.up].map(|axis| dot(axis, d))
    }
}

/// A place through a matrix of `transform` or `within`.
pub fn moved(matrix: &[f64; 16], [x, y, z]: [f64; 3]) -> [f64; 3] {
    [0, 1, 2].map(|r| matrix[r] * x + matrix[4 + r] * y + matrix[8 + r] * z + matrix[12 + r])
}

/// East, north, up → glTF's x, y (up), z. Clients of 3D Tiles turn glTF back by x, −z, y.
pub fn to_gltf<T: std::ops::Neg<Output = T> + Copy>([east, north, up]: [T; 3]) -> [T; 3] {
    [east, up, -north]
}

pub(super) fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

pub(super) fn cross(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

pub(super) fn sub(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

/// `a + b·t`.
pub(super) fn along(a: [f64; 3], b: [f64; 3], t: f64) -> [f64; 3] {
    [a[0] + b[0] * t, a[1] + b[1] * t, a[2] + b[2] * t]
}

pub(super) fn length(a: [f64; 3]) -> f64 {
    dot(a, a).sqrt()
}

/// The direction of a vector; `None` of one too short to have any.
pub(super) fn unit(a: [f64; 3]) -> Option<[f64; 3]> {
    let l = length(a);
    (l > 1e-9).then(|| a.map(|x| x / l))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_matrix_sets_local_points_on_the_earth() {
        let frame = Frame::at([114.3, 34.8], 60.0);
        let m = frame.transform();
        for (lonlat, h) in [([114.3, 34.8], 60.0), ([114.31, 34.79], -3.0), ([114.25, 34.85], 420.0)] {
            let l = frame.local(lonlat, h);
            let on_earth = [0, 1, 2].map(|r| m[r] * l[0] + m[4 + r] * l[1] + m[8 + r] * l[2] + m[12 + r]);
            let want = Ellipsoid::CGCS2000.to_geocentric(lonlat, h);
            assert!((0..3).all(|i| (on_earth[i] - want[i]).abs() < 1e-8), "{on_earth:?} {want:?}");
            assert!(length(sub(frame.pillar(lonlat).at(h), l)) < 1e-8);
            let (back, height) = frame.geographic(l);
            assert!((back[0] - lonlat[0]).abs() < 1e-11 && (back[1] - lonlat[1]).abs() < 1e-11);
            assert!((height - h).abs() < 1e-6);
        }
    }

    #[test]
    fn a_frame_within_another_leads_to_the_same_place() {
        let (inner, outer) = (Frame::at([114.4, 34.7], 12.0), Frame::at([114.3, 34.8], 60.0));
        let local = [120.0, -50.0, 30.0];
        let one = moved(&outer.transform(), moved(&inner.within(&outer), local));
        let other = moved(&inner.transform(), local);
        assert!((0..3).all(|i| (one[i] - other[i]).abs() < 1e-6), "{one:?} {other:?}");
    }

    #[test]
    fn axes_point_east_north_and_up() {
        let frame = Frame::at([114.3, 34.8], 0.0);
        let north = frame.local([114.3, 34.801], 0.0);
        assert!(north[1] > 110.0 && north[0].abs() < 1e-6, "{north:?}");
        let east = frame.local([114.301, 34.8], 0.0);
        assert!(east[0] > 91.0 && east[1].abs() < 0.01, "{east:?}");
        // A kilometre away the ground has sunk by d² / 2R = 78 mm.
        let far = frame.local([114.3, 34.8 + 1000.0 / 110_940.0], 0.0);
        assert!((far[2] + 0.078).abs() < 0.002, "{far:?}");
        assert_eq!(to_gltf([1.0, 2.0, 3.0]), [1.0, 3.0, -2.0]);
    }
}
