//! The 96 component classes of the sample city (`data/component-classes.csv`): where each stands and who answers for it.

use super::counts;
use super::names::{self, Org};
use crate::error::{Error, Result};

pub const TABLE: &str = include_str!("../../data/component-classes.csv");
pub const ROUTES: &str = include_str!("../../data/component-layer-map.csv");

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Class {
    pub code: String,
    pub name: String,
    pub geometry: String,
    pub layer: String,
    /// How many there are at this scale.
    pub count: usize,
}

/// Where things of a class stand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stand {
    /// On a well of this network.
    Well(&'static str),
    /// Between carriageway (0) and block front (1); more of them on wide streets by this power.
    Kerb { off: f64, wide: f64 },
    /// At the crossings of public roads.
    Crossing { off: f64 },
    /// On open land inside blocks.
    Block,
    /// In parks and along lakes.
    Park,
    /// Along canals.
    Canal,
}

/// The classes, in order; at a scale each layer's classes share the layer's count by weight.
pub fn classes(scale: f64) -> Result<Vec<Class>> {
    let bad = |what: String| Error::config("data/component-classes.csv", 0, what);
    let mut rows = csv::ReaderBuilder::new().from_reader(TABLE.as_bytes());
    let mut found: Vec<(Class, f64)> = vec![];
    for row in rows.records() {
        let row = row.map_err(|e| bad(e.to_string()))?;
        let cell = |i: usize| row.get(i).unwrap_or_default().to_string();
        let weight = cell(6).parse::<f64>().map_err(|e| bad(format!("{}: {e}", cell(0))))?;
        found.push((Class { code: cell(0), name: cell(1), geometry: cell(4), layer: cell(5), count: 0 }, weight));
    }
    let layers: Vec<String> = found.iter().map(|(c, _)| c.layer.clone()).collect();
    for layer in layers {
        let n = counts::count(&layer, scale) as f64;
        let total: f64 = found.iter().filter(|(c, _)| c.layer == layer).map(|(_, w)| w).sum();
        let (mut sum, mut given) = (0.0, 0);
        for (c, w) in found.iter_mut().filter(|(c, _)| c.layer == layer) {
            sum += *w;
            let upto = (sum / total * n).round() as usize;
            c.count = upto - given;
            given = upto;
        }
    }
    Ok(found.into_iter().map(|(c, _)| c).collect())
}

pub fn stand(code: &str) -> Stand {
    let kerb = |off, wide| Stand::Kerb { off, wide };
    match code {
        "0101" => Stand::Well("JS"),
        "0102" => Stand::Well("WS"),
        "0103" => Stand::Well("YS"),
        "0104" => Stand::Well("YB"),
        "0105" => Stand::Well("GD"),
        "0106" | "0112" => Stand::Well("LD"),
        "0107" | "0108" | "0109" => Stand::Well("DX"),
        "0110" => Stand::Well("RS"),
        "0111" => Stand::Well("TR"),
        "0127" => Stand::Well("ZS"),
        "0118" => kerb(0.18, 1.0),
        "0402" | "0403" => kerb(0.42, 0.8),
        "0117" => kerb(0.62, -0.2),
        "0115" | "0116" | "0134" | "2101" | "2102" => kerb(0.9, 0.2),
        "0306" | "0307" => kerb(1.02, 0.4),
        "0136" | "0209" => kerb(0.25, 0.9),
        "0210" | "0213" | "0214" | "0217" | "0215" => Stand::Crossing { off: 0.3 },
        "0203" | "0202" | "0204" | "2105" => kerb(0.22, 1.1),
        "0305" | "2107" | "0212" | "2106" | "2111" | "0407" => kerb(0.7, 0.4),
        "0119" | "0120" | "0404" | "0406" | "0409" | "0410" | "2110" | "0401" => Stand::Park,
        "0126" | "0131" | "0132" | "0135" | "0301" | "0302" | "0304" | "0308" | "0309" | "0502" | "0503" | "2103"
        | "2104" => Stand::Block,
        "0310" | "0603" | "0605" => Stand::Canal,
        _ => kerb(0.55, 0.3),
    }
}

/// The owner; `None` where nobody is known.
pub fn owner(code: &str, chance: usize) -> Option<Org> {
    let telecom = names::TELECOM[chance % names::TELECOM.len()];
    Some(match code {
        "0101" | "0127" | "0132" => names::WATER,
        "0102" | "0103" | "0104" | "0216" | "2103" | "2109" => names::DRAINAGE,
        "0105" | "0116" | "0133" | "0134" => names::POWER,
        "0106" | "0118" | "0119" | "0120" | "2101" | "2102" => names::LIGHTING,
        "0107" | "0109" | "0115" | "0122" => telecom,
        "0117" => [names::POWER, telecom, names::LIGHTING][chance % 3],
        "0108" => names::CABLE_TV,
        "0110" => names::HEAT,
        "0111" | "0135" => names::GAS,
        "0112" | "0136" | "0138" | "0209" | "0210" | "0211" | "0214" | "0215" | "0217" | "2108" => {
            names::TRAFFIC_POLICE
        }
        "0113" => names::FIRE,
        "0114" | "0306" | "0307" | "0125" | "0137" | "0602" => return None,
        "0121" | "0123" => names::POST,
        "0126" => names::SPORTS,
        "0128" | "0203" | "2105" => names::BUSES,
        "0129" => names::PIPELINE,
        "0201" | "0202" => names::PARKING,
        "0204" | "0605" => names::TRANSPORT,
        "0205" | "0206" | "0207" | "0208" => names::BRIDGES,
        "0213" => names::CIVIL_AFFAIRS,
        "0301" | "0302" | "0303" | "0304" | "0305" | "2107" => names::SANITATION,
        "0308" | "0310" | "0311" => names::ECOLOGY,
        "0309" => names::WEATHER,
        "0401" | "0402" | "0403" | "0404" | "0405" | "0406" | "0407" | "0408" | "0409" | "0410" | "2110" => {
            names::PARKS
        }
        "0502" => names::AIR_DEFENCE,
        "0503" => names::HOUSING,
        "0601" => names::EMERGENCY,
        "0603" | "0604" | "0606" => names::RIVERS,
        "2104" => names::CHARGING,
        _ => names::URBAN_BUREAU,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_sum_to_their_layers() {
        for scale in [1.0, 0.3, 0.004] {
            let all = classes(scale).unwrap();
            assert_eq!(all.len(), 96);
            for (layer, _) in counts::FULL.iter().filter(|(l, _)| l.starts_with("cp_")) {
                let sum: usize = all.iter().filter(|c| c.layer == *layer).map(|c| c.count).sum();
                assert_eq!(sum, counts::count(layer, scale), "{layer} at {scale}");
            }
        }
        let full = classes(1.0).unwrap();
        assert_eq!(full.iter().find(|c| c.code == "2101").unwrap().count, 218);
    }
}
