//! The ordinate of Web Mercator. Every vertex of every tile asks for it, and a sine and an area tangent a vertex are a tenth of
//! drawing points; so it is a series about the middle of one of 32 bands a degree, made when a band is first asked for.
//! A function of the latitude alone: one vertex comes out the same in all tiles.

use super::crs::MERCATOR_MAX_LATITUDE_DEG;
use std::sync::OnceLock;

const BANDS_A_DEGREE: f64 = 32.0;
/// Where the first band begins: south of the edge of the square.
const SOUTH_DEG: f64 = -86.0;
const BANDS: usize = 172 * BANDS_A_DEGREE as usize;

static ALL: [OnceLock<Band>; BANDS] = [const { OnceLock::new() }; BANDS];

/// Latitudes between two multiples of a 32nd degree.
#[derive(Debug, Clone, Copy)]
pub(super) struct Band {
    /// Its number, counted from the south.
    number: f64,
    middle_deg: f64,
    /// Coefficients of the powers 0 to 4 of the distance from the middle, in radians.
    series: [f64; 5],
}

impl Band {
    /// The band of a latitude in degrees, which is clamped.
    pub fn at(latitude_deg: f64) -> &'static Band {
        let number = (position(clamped(latitude_deg)) as usize).min(BANDS - 1);
        ALL[number].get_or_init(|| Band::new(number as f64))
    }

    /// Taylor's: the derivative of the ordinate is the secant.
    fn new(number: f64) -> Band {
        let middle_deg = (number + 0.5) / BANDS_A_DEGREE + SOUTH_DEG;
        let (sin, cos) = middle_deg.to_radians().sin_cos();
        let (sec, tan) = (1.0 / cos, sin / cos);
        let t2 = tan * tan;
        let third = sec * (1.0 + 2.0 * t2) / 6.0;
        let fourth = sec * tan * (5.0 + 6.0 * t2) / 24.0;
        Band { number, middle_deg, series: [sin.atanh(), sec, sec * tan / 2.0, third, fourth] }
    }

    /// `mercator_y`, quicker where the latitude lies in this band.
    #[inline]
    pub fn mercator_y(&self, latitude_deg: f64) -> f64 {
        let latitude_deg = clamped(latitude_deg);
        let position = position(latitude_deg);
        match self.number <= position && position < self.number + 1.0 {
            true => self.ordinate(latitude_deg),
            false => Band::at(latitude_deg).ordinate(latitude_deg),
        }
    }

    #[inline]
    fn ordinate(&self, latitude_deg: f64) -> f64 {
        let [c0, c1, c2, c3, c4] = self.series;
        let x = (latitude_deg - self.middle_deg).to_radians();
        c0 + x * ((c1 + c2 * x) + x * x * (c3 + c4 * x))
    }
}

/// Mercator ordinate on the unit sphere of a latitude in degrees, clamped to ±85.0511° (±π). Within 1e-14 of the formula,
/// atanh(sin φ) (EPSG guidance note 7-2, 3.2.1.2), below 70°, some ten nanometres of ground, and within 1e-13 up to the edge.
pub(super) fn mercator_y(latitude_deg: f64) -> f64 {
    Band::at(latitude_deg).mercator_y(latitude_deg)
}

/// What is no number stays none.
#[inline]
fn clamped(latitude_deg: f64) -> f64 {
    latitude_deg.clamp(-MERCATOR_MAX_LATITUDE_DEG, MERCATOR_MAX_LATITUDE_DEG)
}

#[inline]
fn position(latitude_deg: f64) -> f64 {
    (latitude_deg - SOUTH_DEG) * BANDS_A_DEGREE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_series_is_the_formula_whatever_band_is_asked() {
        let formula = |deg: f64| deg.to_radians().sin().atanh();
        let (step, far) = (MERCATOR_MAX_LATITUDE_DEG / 100_000.0, Band::at(34.8));
        for i in -100_000..=100_000 {
            let deg = f64::from(i) * step;
            let (ours, theirs) = (mercator_y(deg), formula(deg));
            // The formula itself is off by as much where the sine comes near 1.
            let allowed = if deg.abs() > 70.0 { 2e-13 } else { 1e-14 };
            assert!((ours - theirs).abs() <= allowed, "{deg}: {ours} {theirs}");
            assert_eq!(far.mercator_y(deg), ours, "{deg}");
        }
        for edge in [90.0, -90.0, f64::INFINITY] {
            assert_eq!(mercator_y(edge), mercator_y(MERCATOR_MAX_LATITUDE_DEG.copysign(edge)));
            assert!((mercator_y(edge).abs() - std::f64::consts::PI).abs() < 1e-12);
        }
        assert!(mercator_y(f64::NAN).is_nan() && far.mercator_y(f64::NAN).is_nan());
    }
}
