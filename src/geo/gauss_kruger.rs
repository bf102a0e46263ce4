//! The transverse Mercator (Gauss–Krüger) projection in closed form. No datum shift, no EPSG code.
//!
//! Krüger's series in the third flattening n to n⁶, as given by C. F. F. Karney, "Transverse Mercator with an
//! accuracy of a few nanometers", Journal of Geodesy 85 (2011) 475–485, equations (7)–(11), (19)–(21), (35), (36).
//! Its error stays below 5 nm within 3,900 km of the central meridian.

use super::ellipsoid::Ellipsoid;

/// Longitudes are taken at most this far from the central meridian: the projection runs to infinity at 90°.
const REACH_DEG: f64 = 75.0;

/// A projection with its series worked out; cheap to copy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GaussKruger {
    pub ellipsoid: Ellipsoid,
    pub central_meridian_deg: f64,
    /// Scale on the central meridian; 1 in every Chinese system.
    pub scale: f64,
    pub false_easting_m: f64,
    pub false_northing_m: f64,
    e: f64,
    /// Scale times the rectifying radius, metres.
    radius_m: f64,
    alpha: [f64; 6],
    beta: [f64; 6],
}

fn series(n: f64, coefficients: &[&[f64]; 6]) -> [f64; 6] {
    let mut out = [0.0; 6];
    for (j, c) in coefficients.iter().enumerate() {
        let tail = c.iter().rev().fold(0.0, |sum, k| sum * n + k);
        out[j] = tail * n.powi(j as i32 + 1);
    }
    out
}

/// Karney (35): row j holds the coefficients of n^j, n^(j+1) … n⁶.
const ALPHA: [&[f64]; 6] = [
    &[1.0 / 2.0, -2.0 / 3.0, 5.0 / 16.0, 41.0 / 180.0, -127.0 / 288.0, 7891.0 / 37800.0],
    &[13.0 / 48.0, -3.0 / 5.0, 557.0 / 1440.0, 281.0 / 630.0, -1983433.0 / 1935360.0],
    &[61.0 / 240.0, -103.0 / 140.0, 15061.0 / 26880.0, 167603.0 / 181440.0],
    &[49561.0 / 161280.0, -179.0 / 168.0, 6601661.0 / 7257600.0],
    &[34729.0 / 80640.0, -3418889.0 / 1995840.0],
    &[212378941.0 / 319334400.0],
];

/// Karney (36).
const BETA: [&[f64]; 6] = [
    &[1.0 / 2.0, -2.0 / 3.0, 37.0 / 96.0, -1.0 / 360.0, -81.0 / 512.0, 96199.0 / 604800.0],
    &[1.0 / 48.0, 1.0 / 15.0, -437.0 / 1440.0, 46.0 / 105.0, -1118711.0 / 3870720.0],
    &[17.0 / 480.0, -37.0 / 840.0, -209.0 / 4480.0, 5569.0 / 90720.0],
    &[4397.0 / 161280.0, -11.0 / 504.0, -830251.0 / 7257600.0],
    &[4583.0 / 161280.0, -108847.0 / 3991680.0],
    &[20648693.0 / 638668800.0],
];

impl GaussKruger {
    pub fn new(ellipsoid: Ellipsoid, central_meridian_deg: f64, scale: f64, false_en_m: [f64; 2]) -> GaussKruger {
        let n = ellipsoid.n();
        let n2 = n * n;
        let rectifying = ellipsoid.a_m / (1.0 + n) * (1.0 + n2 / 4.0 + n2 * n2 / 64.0 + n2 * n2 * n2 / 256.0);
        GaussKruger {
            ellipsoid,
            central_meridian_deg,
            scale,
            false_easting_m: false_en_m[0],
            false_northing_m: false_en_m[1],
            e: ellipsoid.e2().sqrt(),
            radius_m: scale * rectifying,
            alpha: series(n, &ALPHA),
            beta: series(n, &BETA),
        }
    }

    /// A CGCS2000 zone: scale 1, no false northing.
    pub fn cgcs2000(central_meridian_deg: f64, false_easting_m: f64) -> GaussKruger {
        GaussKruger::new(Ellipsoid::CGCS2000, central_meridian_deg, 1.0, [false_easting_m, 0.0])
    }

    /// `[longitude°, latitude°]` → `[easting, northing]` in metres. Longitudes beyond 75° from the central
    /// meridian are drawn to that limit.
    pub fn forward(&self, [lon, lat]: [f64; 2]) -> [f64; 2] {
        let mut from_centre = lon - self.central_meridian_deg;
        from_centre -= 360.0 * (from_centre / 360.0).round();
        let (sin_l, cos_l) = from_centre.clamp(-REACH_DEG, REACH_DEG).to_radians().sin_cos();
        let conformal = self.conformal_tan(lat.clamp(-90.0, 90.0).to_radians().tan());
        let xi = conformal.atan2(cos_l);
        let eta = (sin_l / conformal.hypot(cos_l)).asinh();
        let [d_xi, d_eta] = trigonometric_sum(&self.alpha, xi, eta);
        [self.false_easting_m + self.radius_m * (eta + d_eta), self.false_northing_m + self.radius_m * (xi + d_xi)]
    }

    /// `[easting, northing]` in metres → `[longitude°, latitude°]`.
    pub fn inverse(&self, [easting, northing]: [f64; 2]) -> [f64; 2] {
        let xi = (northing - self.false_northing_m) / self.radius_m;
        let eta = (easting - self.false_easting_m) / self.radius_m;
        let [d_xi, d_eta] = trigonometric_sum(&self.beta, xi, eta);
        let (xi, eta) = (xi - d_xi, eta - d_eta);
        let conformal = xi.sin() / eta.sinh().hypot(xi.cos());
        let lon = eta.sinh().atan2(xi.cos());
        [self.central_meridian_deg + lon.to_degrees(), self.geodetic_tan(conformal).atan().to_degrees()]
    }

    /// tan of the geodetic latitude → tan of the conformal latitude, Karney (7)–(9).
    fn conformal_tan(&self, tau: f64) -> f64 {
        let hyp = tau.hypot(1.0);
        let sigma = (self.e * (self.e * tau / hyp).atanh()).sinh();
        tau * sigma.hypot(1.0) - sigma * hyp
    }

    /// The inverse of `conformal_tan` by Newton's method, Karney (19)–(21); converges in two steps.
    fn geodetic_tan(&self, conformal: f64) -> f64 {
        let e2m = 1.0 - self.e * self.e;
        let mut tau = conformal / e2m;
        for _ in 0..5 {
            let now = self.conformal_tan(tau);
            let step = (conformal - now) / now.hypot(1.0) * (1.0 + e2m * tau * tau) / (e2m * tau.hypot(1.0));
            tau += step;
            if step.abs() <= 1e-15 * tau.abs().max(1.0) {
                break;
            }
        }
        tau
    }
}

/// Σ c_j sin 2jξ cosh 2jη and Σ c_j cos 2jξ sinh 2jη: the two sums of Karney (11).
fn trigonometric_sum(c: &[f64; 6], xi: f64, eta: f64) -> [f64; 2] {
    let mut sum = [0.0; 2];
    for (j, c) in c.iter().enumerate().rev() {
        let k = 2.0 * (j as f64 + 1.0);
        let (sin, cos) = (k * xi).sin_cos();
        sum[0] += c * sin * (k * eta).cosh();
        sum[1] += c * cos * (k * eta).sinh();
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_to_a_nanodegree_within_and_beyond_the_zone() {
        let p = GaussKruger::cgcs2000(114.0, 500_000.0);
        for i in 0..2000 {
            let lon = 114.0 + ((i * 37) % 601) as f64 / 10.0 - 30.0;
            let lat = ((i * 91) % 1601) as f64 / 10.0 - 80.0;
            let back = p.inverse(p.forward([lon, lat]));
            assert!((back[0] - lon).abs() < 1e-11 && (back[1] - lat).abs() < 1e-11, "{lon} {lat} → {back:?}");
        }
    }

    #[test]
    fn pole_equator_and_far_away_stay_finite() {
        let p = GaussKruger::cgcs2000(114.0, 500_000.0);
        let [e, n] = p.forward([20.0, 90.0]);
        assert!((e - 500_000.0).abs() < 1e-6 && (n - 10_001_965.73).abs() < 0.01, "{e} {n}");
        assert_eq!(p.forward([114.0, 0.0]), [500_000.0, 0.0]);
        for lon in [-180.0, -66.0, 0.0, 24.0, 180.0] {
            assert!(p.forward([lon, 0.0]).iter().all(|v| v.is_finite()), "{lon}");
        }
    }
}
