//! Wrong zones told from the numbers: eastings with or without the zone prefix, degrees taken for metres, northing
//! first. Suggests the CRS that fits; never corrects anything.

/// What is needed to tell a wrong zone from the numbers.
#[derive(Debug, Clone, Copy, Default)]
pub struct ZoneHint {
    /// Code of a CGCS2000 Gauss–Krüger CRS.
    epsg: Option<u32>,
}

impl ZoneHint {
    pub fn of(id: Option<&str>) -> ZoneHint {
        let code = id.and_then(|i| i.strip_prefix("EPSG:")).and_then(|c| c.parse().ok());
        ZoneHint { epsg: code.filter(|c| (4491..=4554).contains(c)) }
    }

    /// crs.md §2.5: eastings with a zone prefix are 13 000 000 – 45 999 999, without one below 1 000 000.
    pub fn judge(self, x: f64, y: f64, metres: bool, crs: &str) -> Option<String> {
        let degrees = x.abs() <= 360.0 && y.abs() <= 90.0;
        if !metres {
            return (!degrees && (x.abs() > 1000.0 || y.abs() > 1000.0)).then(|| {
                format!(
                    "coordinates such as {x} {y} are metres, but {crs} is in degrees{}",
                    prefix(x).map(|z| format!("; they fit EPSG:{}", with_zone(z))).unwrap_or_default()
                )
            });
        }
        if degrees && x != 0.0 && y != 0.0 && self.epsg.is_some() {
            return Some(format!("coordinates such as {x} {y} are degrees, but {crs} is in metres; declare EPSG:4490"));
        }
        let code = self.epsg?;
        let zoned = zone_of(code);
        match (prefix(x), zoned) {
            (Some(found), Some(zone)) if found == zone => None,
            (Some(found), _) => Some(format!(
                "eastings such as {x} carry the zone prefix {found}, but {crs} has {}; declare EPSG:{}",
                zoned.map_or("none".to_string(), |z| format!("zone {z}")),
                with_zone(found)
            )),
            (None, Some(zone)) if x.abs() < 1_000_000.0 => Some(format!(
                "eastings such as {x} have no zone prefix, but {crs} has zone {zone}; declare EPSG:{}",
                without_zone(zone)
            )),
            (None, _) if prefix(y).is_some() || (2_000_000.0..6_000_000.0).contains(&x) && y < 1_000_000.0 => Some(
                format!("coordinates such as {x} {y} look like northing first; declare axis = \"ne\" (or swap xy)"),
            ),
            _ => None,
        }
    }
}

/// Zone number written into an easting.
fn prefix(x: f64) -> Option<u32> {
    let zone = (x / 1_000_000.0).floor();
    ((13.0..=23.0).contains(&zone) || (25.0..=45.0).contains(&zone)).then_some(zone as u32)
}

/// Zone of a CGCS2000 CRS that writes it into the easting: 4491–4501 six-degree 13–23, 4513–4533 three-degree 25–45.
fn zone_of(epsg: u32) -> Option<u32> {
    match epsg {
        4491..=4501 => Some(epsg - 4491 + 13),
        4513..=4533 => Some(epsg - 4513 + 25),
        _ => None,
    }
}

fn with_zone(zone: u32) -> u32 {
    if zone <= 23 { 4491 + zone - 13 } else { 4513 + zone - 25 }
}

fn without_zone(zone: u32) -> u32 {
    if zone <= 23 { 4502 + zone - 13 } else { 4534 + zone - 25 }
}
