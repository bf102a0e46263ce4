//! The CRSs that a request may name, in closed form: requests never meet PROJ. Legacy datums and local
//! systems are no part of it; import converts them.
//!
//! Coordinates here are always x = east, y = north, whatever order EPSG writes them in;
//! `northing_first` tells the written order.

use super::gauss_kruger::GaussKruger;
use super::mercator::mercator_y;

/// Radius of the sphere of EPSG:3857, metres.
pub const MERCATOR_RADIUS_M: f64 = 6_378_137.0;
/// Where Web Mercator's square ends: atan(sinh(π)). Latitudes beyond it are drawn to it.
pub const MERCATOR_MAX_LATITUDE_DEG: f64 = 85.051_128_779_806_59;

/// A CRS known in closed form. CGCS2000 and WGS84 are one by a declared null.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Crs {
    /// OGC:CRS84: longitude, latitude in degrees.
    Crs84,
    /// EPSG:4490 (CGCS2000) or EPSG:4326 (WGS84), degrees; latitude is written first.
    Geographic { epsg: u16 },
    /// EPSG:3857. Latitudes are clamped to ±85.0511°.
    WebMercator,
    /// EPSG:4491–4554, CGCS2000 Gauss–Krüger, metres; northing is written first.
    GaussKruger { epsg: u16, projection: GaussKruger },
}

impl Crs {
    /// `None` for a code that has no closed form here.
    ///
    /// * 4491–4501, 6° zones 13–23, and 4513–4533, 3° zones 25–45: easting carries the zone number.
    /// * 4502–4512, central meridians 75°–135° by 6°, and 4534–4554, by 3°: false easting 500,000 m.
    pub fn from_epsg(code: u32) -> Option<Crs> {
        let epsg = u16::try_from(code).ok()?;
        let zone = |number: u16, meridian: u16, numbered: f64| {
            let false_easting_m = f64::from(number) * 1e6 * numbered + 500_000.0;
            Crs::GaussKruger { epsg, projection: GaussKruger::cgcs2000(f64::from(meridian), false_easting_m) }
        };
        Some(match epsg {
            4326 | 4490 => Crs::Geographic { epsg },
            3857 => Crs::WebMercator,
            4491..=4501 => zone(epsg - 4478, (epsg - 4478) * 6 - 3, 1.0),
            4502..=4512 => zone(0, (epsg - 4502) * 6 + 75, 0.0),
            4513..=4533 => zone(epsg - 4488, (epsg - 4488) * 3, 1.0),
            4534..=4554 => zone(0, (epsg - 4534) * 3 + 75, 0.0),
            _ => return None,
        })
    }

    /// Reads `EPSG:4490`, `urn:ogc:def:crs:EPSG::4490`, `http(s)://www.opengis.net/def/crs/EPSG/0/4490`,
    /// `…/OGC/1.3/CRS84`, `OGC:CRS84`, in brackets or not (`[EPSG:4490]`, the safe CURIE).
    pub fn from_name(name: &str) -> Option<Crs> {
        let name = name.trim().trim_start_matches('[').trim_end_matches(']');
        let (rest, code) = name.rsplit_once(['/', ':'])?;
        let authority = rest.to_ascii_uppercase();
        let has = |a: &str| authority.split(['/', ':']).any(|w| w == a);
        match code {
            _ if has("EPSG") => Crs::from_epsg(code.parse().ok()?),
            "CRS84" if has("OGC") => Some(Crs::Crs84),
            _ => None,
        }
    }

    /// The OGC name: `http://www.opengis.net/def/crs/EPSG/0/4490`.
    pub fn uri(&self) -> String {
        match self {
            Crs::Crs84 => "http://www.opengis.net/def/crs/OGC/1.3/CRS84".to_string(),
            Crs::WebMercator => epsg_uri(3857),
            Crs::Geographic { epsg } | Crs::GaussKruger { epsg, .. } => epsg_uri(*epsg),
        }
    }

    /// Whether the CRS's own axis order writes latitude or northing first.
    pub fn northing_first(&self) -> bool {
        matches!(self, Crs::Geographic { .. } | Crs::GaussKruger { .. })
    }

    /// Metres per unit of the CRS, as OGC 17-083r4 counts a degree for scale denominators: 111,319.49 m.
    pub fn metres_per_unit(&self) -> f64 {
        match self {
            Crs::Crs84 | Crs::Geographic { .. } => std::f64::consts::PI * MERCATOR_RADIUS_M / 180.0,
            Crs::WebMercator | Crs::GaussKruger { .. } => 1.0,
        }
    }

    /// `[longitude°, latitude°]` → `[east, north]` in the CRS's unit.
    pub fn forward(&self, lonlat: [f64; 2]) -> [f64; 2] {
        match self {
            Crs::Crs84 | Crs::Geographic { .. } => lonlat,
            Crs::WebMercator => [lonlat[0].to_radians() * MERCATOR_RADIUS_M, mercator_y(lonlat[1]) * MERCATOR_RADIUS_M],
            Crs::GaussKruger { projection, .. } => projection.forward(lonlat),
        }
    }

    /// `[east, north]` in the CRS's unit → `[longitude°, latitude°]`.
    pub fn inverse(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        match self {
            Crs::Crs84 | Crs::Geographic { .. } => [x, y],
            Crs::WebMercator => {
                [(x / MERCATOR_RADIUS_M).to_degrees(), (y / MERCATOR_RADIUS_M).sinh().atan().to_degrees()]
            }
            Crs::GaussKruger { projection, .. } => projection.inverse([x, y]),
        }
    }
}

fn epsg_uri(code: u16) -> String {
    format!("http://www.opengis.net/def/crs/EPSG/0/{code}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::process::{Command, Stdio};

    /// lon, lat, EPSG, E, N computed with PROJ 9.5.1 and the EPSG data set.
    const VECTORS: &[(f64, f64, u32, f64, f64)] = &[
        (114.3, 34.8, 4547, 527452.964, 3852446.171),
        (114.3, 34.8, 4526, 38527452.964, 3852446.171),
        (114.3, 34.8, 4509, 252891.583, 3855729.508),
        (114.3, 34.8, 3857, 12723817.798, 4136735.049),
        (113.9, 34.4, 4547, 490805.048, 3808036.378),
        (113.9, 34.4, 4508, 766695.068, 3811846.932),
        (113.9, 34.4, 4509, 214905.842, 3812391.710),
        (115.0, 34.85, 4547, 591456.071, 3858408.110),
        (120.3, 31.57, 4549, 528479.501, 3494211.755),
        (120.3, 31.57, 4528, 40528479.501, 3494211.755),
        (106.57, 29.6, 4545, 361467.231, 3276627.787),
        (106.57, 29.6, 4544, 652097.091, 3276803.233),
        (120.65, 27.78, 4549, 564065.375, 3074231.235),
    ];

    #[test]
    fn published_vectors_within_a_millimetre_and_back() {
        for &(lon, lat, code, e, n) in VECTORS {
            let crs = Crs::from_epsg(code).unwrap();
            let p = crs.forward([lon, lat]);
            assert!((p[0] - e).abs() < 1e-3 && (p[1] - n).abs() < 1e-3, "{code}: {p:?}");
            let back = crs.inverse(p);
            assert!((back[0] - lon).abs() < 1e-11 && (back[1] - lat).abs() < 1e-11, "{code}: {back:?}");
        }
    }

    #[test]
    fn every_zone_code_has_its_meridian_and_easting() {
        for n in 25..=45 {
            for (code, easting) in [(4488 + n, f64::from(n) * 1e6 + 5e5), (4509 + n, 5e5)] {
                let [e, _] = Crs::from_epsg(code).unwrap().forward([3.0 * f64::from(n), 30.0]);
                assert!((e - easting).abs() < 1e-6, "{code}");
            }
        }
        for n in 13..=23 {
            for (code, easting) in [(4478 + n, f64::from(n) * 1e6 + 5e5), (4489 + n, 5e5)] {
                let [e, _] = Crs::from_epsg(code).unwrap().forward([6.0 * f64::from(n) - 3.0, 30.0]);
                assert!((e - easting).abs() < 1e-6, "{code}");
            }
        }
        assert!([4490, 4555, 2361, 0, 70_000].map(Crs::from_epsg)[1..].iter().all(Option::is_none));
    }

    #[test]
    fn names_in_every_spelling() {
        for name in [
            "EPSG:4490",
            "[EPSG:4490]",
            "urn:ogc:def:crs:EPSG::4490",
            "http://www.opengis.net/def/crs/EPSG/0/4490",
            "https://www.opengis.net/def/crs/EPSG/0/4490",
        ] {
            assert_eq!(Crs::from_name(name), Crs::from_epsg(4490), "{name}");
        }
        assert_eq!(Crs::from_name("http://www.opengis.net/def/crs/OGC/1.3/CRS84"), Some(Crs::Crs84));
        for name in ["", "4490", "EPSG:", "EPSG:x", "EPSG:2361", "IAU:4490", "CRS84", "EPSG:CRS84"] {
            assert_eq!(Crs::from_name(name), None, "{name}");
        }
        for code in [3857, 4326, 4490, 4509, 4547] {
            let crs = Crs::from_epsg(code).unwrap();
            assert_eq!(Crs::from_name(&crs.uri()), Some(crs));
        }
    }

    /// An independent oracle where PROJ's tool is installed.
    #[test]
    fn agrees_with_cs2cs() {
        for (code, meridian) in [(4545, 108.0), (4509, 117.0), (4526, 114.0), (4491, 75.0), (3857, 100.0)] {
            let points: Vec<[f64; 2]> = (0..200)
                .map(|i| [meridian + (i * 7 % 61) as f64 / 10.0 - 3.0, 5.0 + (i * 13 % 490) as f64 / 10.0])
                .collect();
            let Some(expected) = cs2cs(code, &points) else {
                eprintln!("SKIPPED: cs2cs is not installed, nothing was compared");
                return;
            };
            let crs = Crs::from_epsg(code).unwrap();
            for (p, want) in points.iter().zip(expected) {
                let got = crs.forward(*p);
                let (e, n) = if crs.northing_first() { (want[1], want[0]) } else { (want[0], want[1]) };
                assert!((got[0] - e).abs() < 1e-4 && (got[1] - n).abs() < 1e-4, "{code} {p:?}: {got:?} {want:?}");
            }
        }
    }

    /// Latitude, longitude in; the CRS's own axis order out.
    fn cs2cs(code: u32, points: &[[f64; 2]]) -> Option<Vec<[f64; 2]>> {
        // 4326 for 3857: from 4490 PROJ goes the same way with a ballpark note.
        let from = if code == 3857 { "EPSG:4326" } else { "EPSG:4490" };
        let mut child = Command::new("cs2cs")
            .args(["-f", "%.6f", from, &format!("EPSG:{code}")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        let text: String = points.iter().map(|p| format!("{} {}\n", p[1], p[0])).collect();
        child.stdin.take()?.write_all(text.as_bytes()).ok()?;
        let out = String::from_utf8(child.wait_with_output().ok()?.stdout).ok()?;
        let rows = out.lines().map(|l| {
            let mut v = l.split_whitespace().map(|w| w.parse::<f64>().unwrap());
            [v.next().unwrap(), v.next().unwrap()]
        });
        Some(rows.collect())
    }
}
