//! Bounding volumes of 3D Tiles: what is one, what a transform makes of it, and a sphere around it (OGC 22-025r4 §6.7).

use crate::geo::ellipsoid::Ellipsoid;
use crate::scene::moved;
use serde_json::{Value, json};
use std::f64::consts::{FRAC_PI_2, PI};

/// Samples along each side of a region.
const SIDE: usize = 5;
/// What is written for whole degrees may exceed them by rounding.
const TOLERANCE: f64 = 1e-6;

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Volume {
    /// Middle and three half axes.
    Box([f64; 12]),
    /// West, south, east, north in radians; lowest and highest ellipsoidal height in metres.
    Region([f64; 6]),
    /// Middle and radius.
    Sphere([f64; 4]),
}

impl Volume {
    /// The volume of a tile; what is wrong with it otherwise.
    pub fn of(value: &Value) -> Result<Volume, String> {
        if let Some(list) = value.get("box") {
            return Ok(Volume::Box(numbers(list, "box")?));
        }
        if let Some(list) = value.get("region") {
            let r: [f64; 6] = numbers(list, "region")?;
            let [west, south, east, north, low, high] = r;
            let turned = [west, east].iter().any(|x| x.abs() > PI + TOLERANCE);
            let tilted = [south, north].iter().any(|x| x.abs() > FRAC_PI_2 + TOLERANCE);
            return match turned || tilted || south > north || low > high {
                true => Err(format!("region {r:?} is not west, south, east, north in radians, low, high in metres")),
                false => Ok(Volume::Region(r)),
            };
        }
        if let Some(list) = value.get("sphere") {
            let s: [f64; 4] = numbers(list, "sphere")?;
            return match s[3] < 0.0 {
                true => Err("sphere has a negative radius".to_string()),
                false => Ok(Volume::Sphere(s)),
            };
        }
        Err("neither box, region nor sphere".to_string())
    }

    /// Where a transform (4 × 4, column by column) puts it. Regions stay: they are tied to the earth.
    pub fn moved(self, matrix: &[f64; 16]) -> Volume {
        let turned = |v: [f64; 3]| [0, 1, 2].map(|r| matrix[r] * v[0] + matrix[4 + r] * v[1] + matrix[8 + r] * v[2]);
        match self {
            Volume::Region(_) => self,
            Volume::Sphere([x, y, z, radius]) => {
                let [x, y, z] = moved(matrix, [x, y, z]);
                let stretch = (0..3).map(|k| length([matrix[4 * k], matrix[4 * k + 1], matrix[4 * k + 2]]));
                Volume::Sphere([x, y, z, radius * stretch.fold(0.0, f64::max)])
            }
            Volume::Box(b) => {
                let mut out = [0.0; 12];
                out[..3].copy_from_slice(&moved(matrix, [b[0], b[1], b[2]]));
                for k in 1..4 {
                    out[3 * k..3 * k + 3].copy_from_slice(&turned([b[3 * k], b[3 * k + 1], b[3 * k + 2]]));
                }
                Volume::Box(out)
            }
        }
    }

    pub fn to_json(self) -> Value {
        match self {
            Volume::Box(b) => json!({ "box": b }),
            Volume::Region(r) => json!({ "region": r }),
            Volume::Sphere(s) => json!({ "sphere": s }),
        }
    }

    /// A sphere that holds it: middle and radius, metres.
    pub fn sphere(self) -> [f64; 4] {
        match self {
            Volume::Sphere(s) => s,
            Volume::Box(b) => {
                let corner = |i: usize| {
                    let sign = |k: usize| if i >> k & 1 == 0 { -1.0 } else { 1.0 };
                    length([0, 1, 2].map(|r| (0..3).map(|k| sign(k) * b[3 + 3 * k + r]).sum()))
                };
                [b[0], b[1], b[2], (0..8).map(corner).fold(0.0, f64::max)]
            }
            Volume::Region(r) => of_region(r),
        }
    }
}

/// Around samples of both lids; between two of them the ground rises by no more than their arc's sagitta.
fn of_region([west, south, east, north, low, high]: [f64; 6]) -> [f64; 4] {
    let wide = if east < west { east + 2.0 * PI - west } else { east - west };
    let at = |i: usize, j: usize, h: f64| {
        let part = |k: usize| k as f64 / (SIDE - 1) as f64;
        let lonlat = [west + wide * part(i), south + (north - south) * part(j)].map(f64::to_degrees);
        Ellipsoid::CGCS2000.to_geocentric(lonlat, h)
    };
    let middle = at(SIDE / 2, SIDE / 2, (low + high) / 2.0);
    let places = (0..SIDE * SIDE).flat_map(|n| [low, high].map(|h| at(n % SIDE, n / SIDE, h)));
    let farthest = places.map(|p| length([0, 1, 2].map(|k| p[k] - middle[k]))).fold(0.0, f64::max);
    let step_rad = wide.max(north - south) / (SIDE - 1) as f64;
    let sagitta_m = (Ellipsoid::CGCS2000.a_m + high) * step_rad * step_rad / 4.0;
    [middle[0], middle[1], middle[2], farthest + sagitta_m]
}

fn numbers<const N: usize>(list: &Value, what: &str) -> Result<[f64; N], String> {
    let found: Option<Vec<f64>> = list.as_array().map(|a| a.iter().map_while(Value::as_f64).collect());
    let exact: Option<[f64; N]> = found.and_then(|f| f.try_into().ok());
    exact.filter(|_| list.as_array().is_some_and(|a| a.len() == N)).ok_or(format!("{what} is not {N} numbers"))
}

fn length(v: [f64; 3]) -> f64 {
    v.iter().map(|x| x * x).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volumes_are_told_from_what_is_none() {
        let good = [
            json!({ "box": [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1] }),
            json!({ "region": [1.99, 0.60, 2.0, 0.61, -10, 90.5] }),
            json!({ "region": [3.1, 0.60, -3.1, 0.61, 0, 0] }),
            json!({ "sphere": [1, 2, 3, 0] }),
        ];
        good.iter().for_each(|v| assert!(Volume::of(v).is_ok_and(|w| Volume::of(&w.to_json()) == Ok(w)), "{v}"));
        for bad in [
            json!({}),
            json!({ "box": [0, 0, 0, 1] }),
            json!({ "box": [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, "1"] }),
            json!({ "region": [114.0, 34.0, 114.5, 35.0, 0, 100] }),
            json!({ "region": [1.99, 0.61, 2.0, 0.60, 0, 100] }),
            json!({ "region": [1.99, 0.60, 2.0, 0.61, 100, 0] }),
            json!({ "sphere": [0, 0, 0, -1] }),
            json!({ "sphere": null }),
        ] {
            assert!(Volume::of(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_sphere_holds_its_volume() {
        let turn = [0.0, 2.0, 0.0, 0.0, -2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.0, 0.0, 10.0, 20.0, 30.0, 1.0];
        let one = Volume::Box([0.0, 0.0, 0.0, 3.0, 0.0, 0.0, 0.0, 4.0, 0.0, 0.0, 0.0, 12.0]);
        assert_eq!(one.sphere(), [0.0, 0.0, 0.0, 13.0]);
        assert_eq!(one.moved(&turn).sphere(), [10.0, 20.0, 30.0, 26.0]);
        assert_eq!(Volume::Sphere([1.0, 0.0, 0.0, 3.0]).moved(&turn), Volume::Sphere([10.0, 22.0, 30.0, 6.0]));
        for region in
            [[1.99, 0.60, 2.0, 0.61, -10.0, 90.0], [3.0, -0.2, -3.0, 0.3, 0.0, 0.0], [-PI, -1.5, PI, 1.5, 0.0, 9e3]]
        {
            let [x, y, z, r] = Volume::Region(region).sphere();
            let [west, south, mut east, north, low, high] = region;
            east += if east < west { 2.0 * PI } else { 0.0 };
            for n in 0..41 * 41 {
                let part = |k: usize| k as f64 / 40.0;
                let lonlat = [west + (east - west) * part(n % 41), south + (north - south) * part(n / 41)];
                for h in [low, high] {
                    let p = Ellipsoid::CGCS2000.to_geocentric(lonlat.map(f64::to_degrees), h);
                    assert!(length([p[0] - x, p[1] - y, p[2] - z]) <= r, "{region:?} {lonlat:?}");
                }
            }
        }
    }
}
