//! The polygon of a ruling: WKT `POLYGON ((lon lat, …), …)` in degrees. Nothing else of WKT; areas of many parts
//! belong into a layer of duty areas.

use crate::import::values::sample;

/// Its rings, the exterior first.
pub fn parse(text: &str) -> Result<Vec<Vec<[f64; 2]>>, String> {
    let shape = || format!("`{}` is not POLYGON ((longitude latitude, …), …)", sample(text));
    let keyword = text.get(..7).filter(|k| k.eq_ignore_ascii_case("POLYGON")).ok_or_else(shape)?;
    let body = text[keyword.len()..].trim();
    let body = body.strip_prefix('(').and_then(|b| b.strip_suffix(')')).ok_or_else(shape)?;
    let mut rings = vec![];
    let mut rest = body.trim();
    loop {
        let inside = rest.strip_prefix('(').ok_or_else(shape)?;
        let (ring, after) = inside.split_once(')').ok_or_else(shape)?;
        rings.push(ring.split(',').map(|p| position(p.trim())).collect::<Result<Vec<_>, _>>()?);
        rest = after.trim();
        match rest.strip_prefix(',') {
            Some(more) => rest = more.trim(),
            None if rest.is_empty() => return Ok(rings),
            None => return Err(shape()),
        }
    }
}

fn position(text: &str) -> Result<[f64; 2], String> {
    let numbers = text.split_whitespace().map(str::parse).collect::<Result<Vec<f64>, _>>();
    let Ok([lon, lat]) = numbers.as_deref().map(|n| <[f64; 2]>::try_from(n).unwrap_or([f64::NAN; 2])) else {
        return Err(format!("`{}` is not a longitude and a latitude", sample(text)));
    };
    match (-180.0..=180.0).contains(&lon) && (-90.0..=90.0).contains(&lat) {
        true => Ok([lon, lat]),
        false => Err(format!("`{}` is not a longitude and a latitude in degrees, in this order", sample(text))),
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn polygons_are_read_and_all_else_is_named() {
        let ring = |x: f64| vec![[x, 34.0], [x + 1.0, 34.0], [x, 35.0], [x, 34.0]];
        let one = "polygon((114 34,115 34, 114 35 ,114 34))";
        assert_eq!(parse(one), Ok(vec![ring(114.0)]));
        let two = "POLYGON ((114 34, 115 34, 114 35, 114 34), (113 34, 114 34, 113 35, 113 34))";
        assert_eq!(parse(two), Ok(vec![ring(114.0), ring(113.0)]));
        for (text, word) in [
            ("", "is not POLYGON"),
            ("POINT (1 2)", "is not POLYGON"),
            ("POLYGON ((1 2, 3 4)", "is not POLYGON"),
            ("POLYGON ((1 2, 3 4) (1 2))", "is not POLYGON"),
            ("多边形多边形", "is not POLYGON"),
            ("POLYGON EMPTY", "is not POLYGON"),
            ("POLYGON ((1 x, 3 4))", "`1 x` is not"),
            ("POLYGON ((1 2 3, 3 4))", "`1 2 3` is not"),
            ("POLYGON ((34 114, 3 4))", "in this order"),
            ("POLYGON ((500000 3800000, 3 4))", "degrees"),
            ("POLYGON ((NaN 2, 3 4))", "degrees"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(word), "{text}: {error}");
        }
    }
}
