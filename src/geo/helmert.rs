//! Datum changes by configured parameters: seven in space, four in the plane. There are no built-in parameters:
//! those of Xian 1980, Beijing 1954 and of the cities' own systems are local, and none means no transformation.

use super::ellipsoid::Ellipsoid;

const ARC_SECOND: f64 = std::f64::consts::PI / 180.0 / 3600.0;

/// Seven parameters in the position-vector convention (EPSG:9606, PROJ `+convention=position_vector`), linearised
/// in the rotations as EPSG Guidance Note 7-2 has it. For the coordinate-frame convention turn the rotations'
/// signs.
#[derive(Debug, Clone, Copy, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Helmert7 {
    /// Shift along X, Y, Z.
    pub shift_m: [f64; 3],
    /// Rotation about X, Y, Z in arc seconds.
    pub rotation_arcsec: [f64; 3],
    /// Scale difference in parts per million.
    pub scale_ppm: f64,
}

impl Helmert7 {
    /// Geocentric metres of the source datum → of the target datum.
    pub fn forward(&self, [x, y, z]: [f64; 3]) -> [f64; 3] {
        let [rx, ry, rz] = self.rotation_arcsec.map(|r| r * ARC_SECOND);
        let m = 1.0 + self.scale_ppm * 1e-6;
        let [tx, ty, tz] = self.shift_m;
        [tx + m * (x - rz * y + ry * z), ty + m * (rz * x + y - rx * z), tz + m * (-ry * x + rx * y + z)]
    }

    /// The exact inverse of `forward`.
    pub fn inverse(&self, p: [f64; 3]) -> [f64; 3] {
        let m = 1.0 + self.scale_ppm * 1e-6;
        let q = [0, 1, 2].map(|k| (p[k] - self.shift_m[k]) / m);
        // R = I + S(r), S skew: (I + S) x = q has x = (q − r × q + r (r·q)) / (1 + r·r).
        let r = self.rotation_arcsec.map(|r| r * ARC_SECOND);
        let dot = r[0] * q[0] + r[1] * q[1] + r[2] * q[2];
        let turned = [r[1] * q[2] - r[2] * q[1], r[2] * q[0] - r[0] * q[2], r[0] * q[1] - r[1] * q[0]];
        let norm = 1.0 + r[0] * r[0] + r[1] * r[1] + r[2] * r[2];
        [0, 1, 2].map(|k| (q[k] - turned[k] + r[k] * dot) / norm)
    }

    /// `[longitude°, latitude°]` and ellipsoidal height in metres on `source` → on `target`.
    pub fn geodetic(&self, source: &Ellipsoid, target: &Ellipsoid, lonlat: [f64; 2], height_m: f64) -> ([f64; 2], f64) {
        target.from_geocentric(self.forward(source.to_geocentric(lonlat, height_m)))
    }
}

/// A similarity in the plane, x east and y north in metres:
/// E = dx + m (x cos θ − y sin θ), N = dy + m (x sin θ + y cos θ), θ counter-clockwise.
#[derive(Debug, Clone, Copy, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Similarity4 {
    pub shift_m: [f64; 2],
    /// Scale difference in parts per million.
    pub scale_ppm: f64,
    pub rotation_arcsec: f64,
}

impl Similarity4 {
    pub fn forward(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let (a, b) = self.coefficients();
        [self.shift_m[0] + a * x - b * y, self.shift_m[1] + b * x + a * y]
    }

    pub fn inverse(&self, [e, n]: [f64; 2]) -> [f64; 2] {
        let (a, b) = self.coefficients();
        let (x, y) = (e - self.shift_m[0], n - self.shift_m[1]);
        let m2 = a * a + b * b;
        [(a * x + b * y) / m2, (a * y - b * x) / m2]
    }

    /// m cos θ and m sin θ.
    fn coefficients(&self) -> (f64, f64) {
        let m = 1.0 + self.scale_ppm * 1e-6;
        let (sin, cos) = (self.rotation_arcsec * ARC_SECOND).sin_cos();
        (m * cos, m * sin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_epsg_guidance_note_7_2() {
        // WGS 72 to WGS 84, 9606: X 3657660.66, Y 255768.55, Z 5201382.11.
        let h = Helmert7 { shift_m: [0.0, 0.0, 4.5], rotation_arcsec: [0.0, 0.0, 0.554], scale_ppm: 0.219 };
        let got = h.forward([3657660.66, 255768.55, 5201382.11]);
        for (g, want) in got.iter().zip([3657660.78, 255778.43, 5201387.75]) {
            assert!((g - want).abs() < 0.006, "{got:?}");
        }
    }

    #[test]
    fn space_round_trips() {
        let h = Helmert7 { shift_m: [-12.3, 85.1, 40.7], rotation_arcsec: [1.2, -3.4, 2.2], scale_ppm: -4.1 };
        let (source, target) = (Ellipsoid::KRASOVSKY_1940, Ellipsoid::CGCS2000);
        for lon in [75.0, 114.3, 134.9] {
            for lat in [3.0, 34.8, 53.0] {
                let p = source.to_geocentric([lon, lat], 71.5);
                let back = h.inverse(h.forward(p));
                assert!((0..3).all(|k| (back[k] - p[k]).abs() < 1e-7), "{back:?} {p:?}");
                let (there, height) = h.geodetic(&source, &target, [lon, lat], 71.5);
                let (lonlat, z) = source.from_geocentric(h.inverse(target.to_geocentric(there, height)));
                assert!((lonlat[0] - lon).abs() < 1e-11 && (lonlat[1] - lat).abs() < 1e-11 && (z - 71.5).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn plane_by_hand_and_back() {
        let quarter = Similarity4 { shift_m: [10.0, 20.0], scale_ppm: 1e6, rotation_arcsec: 90.0 * 3600.0 };
        let got = quarter.forward([1.0, 0.0]);
        assert!((got[0] - 10.0).abs() < 1e-12 && (got[1] - 22.0).abs() < 1e-12, "{got:?}");
        let s = Similarity4 { shift_m: [-3_000_123.4, 45_678.9], scale_ppm: 12.5, rotation_arcsec: 812.7 };
        let p = [527_452.964, 3_852_446.171];
        let back = s.inverse(s.forward(p));
        assert!((back[0] - p[0]).abs() < 1e-7 && (back[1] - p[1]).abs() < 1e-7, "{back:?}");
    }
}
