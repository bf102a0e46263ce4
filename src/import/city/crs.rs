//! Names of coordinate reference systems as city models write them → what PROJ takes: URNs, URLs, compound forms.
//! Decides no axis order and opens no database.

/// `EPSG:7415`, or `EPSG:3068+5783` for a horizontal and a vertical one; `None` for a name without such codes.
///
/// Known forms: `EPSG:25832`, `urn:ogc:def:crs:EPSG::7415`, `urn:ogc:def:crs,crs:EPSG:6.12:3068,crs:EPSG:6.12:5783`
/// (OGC 07-092r3), `http(s)://www.opengis.net/def/crs/EPSG/0/7415`, `…/def/crs-compound?1=…&2=…` (OGC 11-135r2),
/// `http://www.opengis.net/gml/srs/epsg.xml#4326`.
pub fn epsg(name: &str) -> Option<String> {
    let upper = name.trim().to_ascii_uppercase();
    if !upper.contains("EPSG") {
        return None;
    }
    let compound: Vec<&str> = match upper.split_once("CRS-COMPOUND?") {
        Some((_, query)) => query.split('&').collect(),
        None => upper.split([',', '+', ' ']).filter(|p| p.contains("EPSG") || is_code(p)).collect(),
    };
    let codes: Vec<&str> =
        compound.iter().map(|part| last_word(part)).map(|w| is_code(w).then_some(w)).collect::<Option<_>>()?;
    match codes[..] {
        [] => None,
        [one] => Some(format!("EPSG:{one}")),
        [horizontal, vertical] => Some(format!("EPSG:{horizontal}+{vertical}")),
        _ => None,
    }
}

/// Whether a name's spelling means the authority's axis order (OGC 06-042, 07-092r3): URNs and URLs do.
pub fn authority_order(name: &str) -> bool {
    let name = name.trim().to_ascii_lowercase();
    name.starts_with("urn:") || name.starts_with("http")
}

fn last_word(part: &str) -> &str {
    part.trim_end_matches('/').rsplit([':', '/', '#', '=']).next().unwrap_or_default()
}

fn is_code(word: &str) -> bool {
    !word.is_empty() && word.len() <= 7 && word.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_finds_its_codes() {
        for (name, expected) in [
            ("EPSG:25832", Some("EPSG:25832")),
            ("urn:ogc:def:crs:EPSG::7415", Some("EPSG:7415")),
            ("urn:ogc:def:crs:EPSG:6.9:4547", Some("EPSG:4547")),
            ("urn:ogc:def:crs,crs:EPSG:6.12:3068,crs:EPSG:6.12:5783", Some("EPSG:3068+5783")),
            ("urn:ogc:def:crs,crs:EPSG::28992,crs:EPSG::5709", Some("EPSG:28992+5709")),
            ("https://www.opengis.net/def/crs/EPSG/0/7415", Some("EPSG:7415")),
            ("http://www.opengis.net/def/crs/EPSG/6.12/3068", Some("EPSG:3068")),
            ("http://www.opengis.net/gml/srs/epsg.xml#4326", Some("EPSG:4326")),
            (
                "https://www.opengis.net/def/crs-compound?1=http://www.opengis.net/def/crs/EPSG/0/4547&2=http://www.opengis.net/def/crs/EPSG/0/5737",
                Some("EPSG:4547+5737"),
            ),
            ("EPSG:4547+5737", Some("EPSG:4547+5737")),
            ("urn:adv:crs:ETRS89_UTM32*DE_DHHN2016_NH", None),
            ("EPSG:", None),
            ("", None),
            ("http://example.org/EPSG/none", None),
        ] {
            assert_eq!(epsg(name).as_deref(), expected, "{name}");
        }
        assert!(authority_order("urn:ogc:def:crs:EPSG::6697") && !authority_order("EPSG:6697"));
    }
}
