//! GCJ-02 and BD-09, the shifted systems of public maps in China, to and from CGCS2000. They are no datums:
//! nothing is stored in them.
//!
//! The formulas are the widely published, unofficial ones (the "eviltransform" of 2013 and Baidu's own sample
//! code); nobody but their makers can say how exact they are. The inverses are iterated to the formula's own
//! precision (below 1 mm); of BD-09's second step the published approximate inverse is only the start.

use std::f64::consts::PI;

/// Krasovsky 1940, on which the shift is computed.
const A_M: f64 = 6_378_245.0;
const E2: f64 = 0.006_693_421_622_965_943;
/// 1e-10° is 0.01 mm.
const STILL_DEG: f64 = 1e-10;
const STEPS: usize = 20;

/// Whether the shift applies at all: the box that the published formula uses.
fn is_shifted([lon, lat]: [f64; 2]) -> bool {
    (72.004..=137.8347).contains(&lon) && (0.8293..=55.8271).contains(&lat)
}

/// CGCS2000 `[longitude°, latitude°]` → GCJ-02. Outside of the formula's box nothing is shifted.
pub fn to_gcj02([lon, lat]: [f64; 2]) -> [f64; 2] {
    if !is_shifted([lon, lat]) {
        return [lon, lat];
    }
    let [d_lon, d_lat] = offset_m(lon - 105.0, lat - 35.0);
    let sin = lat.to_radians().sin();
    let w2 = 1.0 - E2 * sin * sin;
    let w = w2.sqrt();
    let north = d_lat * 180.0 / (A_M * (1.0 - E2) / (w2 * w) * PI);
    let east = d_lon * 180.0 / (A_M / w * lat.to_radians().cos() * PI);
    [lon + east, lat + north]
}

/// GCJ-02 → CGCS2000, by iteration.
pub fn from_gcj02(gcj: [f64; 2]) -> [f64; 2] {
    invert(to_gcj02, gcj)
}

/// CGCS2000 → BD-09.
pub fn to_bd09(lonlat: [f64; 2]) -> [f64; 2] {
    gcj02_to_bd09(to_gcj02(lonlat))
}

/// BD-09 → CGCS2000, by iteration.
pub fn from_bd09(bd: [f64; 2]) -> [f64; 2] {
    from_gcj02(bd09_to_gcj02(bd))
}

/// GCJ-02 → BD-09.
pub fn gcj02_to_bd09([x, y]: [f64; 2]) -> [f64; 2] {
    let z = x.hypot(y) + 0.00002 * (y * BD_PI).sin();
    let theta = y.atan2(x) + 0.000003 * (x * BD_PI).cos();
    [z * theta.cos() + 0.0065, z * theta.sin() + 0.006]
}

/// BD-09 → GCJ-02, by iteration.
pub fn bd09_to_gcj02(bd: [f64; 2]) -> [f64; 2] {
    invert(gcj02_to_bd09, bd)
}

const BD_PI: f64 = PI * 3000.0 / 180.0;

/// The shift in metres, east and north, before the ellipsoid's scale.
fn offset_m(x: f64, y: f64) -> [f64; 2] {
    let root = x.abs().sqrt();
    let wave = |v: f64, big: f64, small: f64| (big * (v * PI).sin() + small * (v / 3.0 * PI).sin()) * 2.0 / 3.0;
    let short = (20.0 * (6.0 * x * PI).sin() + 20.0 * (2.0 * x * PI).sin()) * 2.0 / 3.0;
    let east = 300.0
        + x
        + 2.0 * y
        + 0.1 * x * x
        + 0.1 * x * y
        + 0.1 * root
        + short
        + wave(x, 20.0, 40.0)
        + (150.0 * (x / 12.0 * PI).sin() + 300.0 * (x / 30.0 * PI).sin()) * 2.0 / 3.0;
    let north = -100.0
        + 2.0 * x
        + 3.0 * y
        + 0.2 * y * y
        + 0.1 * x * y
        + 0.2 * root
        + short
        + wave(y, 20.0, 40.0)
        + (160.0 * (y / 12.0 * PI).sin() + 320.0 * (y * PI / 30.0).sin()) * 2.0 / 3.0;
    [east, north]
}

/// Fixed-point iteration: the shifts change by less than 1 % of a step.
fn invert(forward: fn([f64; 2]) -> [f64; 2], wanted: [f64; 2]) -> [f64; 2] {
    let mut at = wanted;
    for _ in 0..STEPS {
        let there = forward(at);
        let [dx, dy] = [wanted[0] - there[0], wanted[1] - there[1]];
        at = [at[0] + dx, at[1] + dy];
        if dx.abs() < STILL_DEG && dy.abs() < STILL_DEG {
            break;
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_places() {
        for (at, gcj) in [
            ([114.3, 34.8], [114.305834, 34.799097]),
            ([120.3, 31.57], [120.304600, 31.568099]),
            ([106.57, 29.6], [106.573695, 29.597134]),
            ([120.65, 27.78], [120.653948, 27.776661]),
        ] {
            let got = to_gcj02(at);
            assert!((got[0] - gcj[0]).abs() < 6e-7 && (got[1] - gcj[1]).abs() < 6e-7, "{at:?} {got:?}");
        }
        let bd = to_bd09([114.3, 34.8]);
        assert!((bd[0] - 114.312432).abs() < 6e-7 && (bd[1] - 34.804770).abs() < 6e-7, "{bd:?}");
    }

    #[test]
    fn distances_of_the_published_places() {
        for (at, gcj_m, bd_m) in [
            ([114.3, 34.8], 543.0, 1255.0),
            ([120.3, 31.57], 485.0, 1142.0),
            ([106.57, 29.6], 479.0, 1049.0),
            ([120.65, 27.78], 537.0, 1069.0),
        ] {
            let away = |p: [f64; 2]| super::super::ring::length_m(&[at, p]);
            assert!((away(to_gcj02(at)) - gcj_m).abs() < 1.0, "{at:?}");
            assert!((away(to_bd09(at)) - bd_m).abs() < 1.0, "{at:?}");
        }
    }

    #[test]
    fn round_trips_below_a_millimetre() {
        for i in 0..3000 {
            let at = [74.0 + f64::from(i * 37 % 620) / 10.0, 3.0 + f64::from(i * 91 % 500) / 10.0];
            for back in [from_gcj02(to_gcj02(at)), from_bd09(to_bd09(at))] {
                assert!((back[0] - at[0]).abs() < 2e-9 && (back[1] - at[1]).abs() < 2e-9, "{at:?} {back:?}");
            }
        }
    }

    #[test]
    fn abroad_nothing_moves() {
        for at in [[2.35, 48.85], [-122.4, 37.8], [151.2, -33.9]] {
            assert_eq!((to_gcj02(at), from_gcj02(at)), (at, at));
        }
    }
}
