//! What stands in a URL's path, parsed before anything is looked up. Impossible is 4xx here; nothing given is echoed,
//! except a layer id that is spelled like one.

use super::problem::Problem;
use crate::geo::{TileKey, TileMatrixSet};

/// Endings of a tile's last segment; `.pbf` is what older clients ask for.
const TILE_ENDINGS: [&str; 2] = [".mvt", ".pbf"];

/// The three segments of `{z}/{x}/{y}.mvt`, checked against the grid.
pub fn tile_key(grid: &TileMatrixSet, z: &str, x: &str, y_mvt: &str) -> Result<TileKey, Problem> {
    let Some(y) = TILE_ENDINGS.iter().find_map(|e| y_mvt.strip_suffix(e)) else {
        return Err(Problem::not_found("not-found", "vector tiles end in .mvt or .pbf"));
    };
    let [Some(z), Some(x), Some(y)] = [z, x, y].map(whole_number) else {
        return Err(Problem::bad_request("invalid-tile-coordinate", "z, x and y must be whole numbers from 0 on"));
    };
    let levels = grid.levels();
    let size = u8::try_from(z).ok().and_then(|z| Some((z, grid.size(z)?)));
    let Some((z, (columns, rows))) = size else {
        let detail = format!("the grid has zooms {} to {}", levels.start(), levels.end());
        let p = Problem::bad_request("zoom-out-of-range", detail);
        return Err(p.with("min_zoom", *levels.start()).with("max_zoom", *levels.end()));
    };
    match (u32::try_from(x), u32::try_from(y)) {
        (Ok(x), Ok(y)) if x < columns && y < rows => Ok(TileKey { z, x, y }),
        _ => {
            let detail = format!("at this zoom x is below {columns} and y is below {rows}");
            Err(Problem::bad_request("tile-out-of-range", detail).with("max_x", columns - 1).with("max_y", rows - 1))
        }
    }
}

/// Digits alone: no sign, no exponent, no space. Leading zeros count as malformed, so that a tile has one address.
pub fn whole_number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.len() <= 19 && text.bytes().all(|b| b.is_ascii_digit());
    let canonical = text == "0" || !text.starts_with('0');
    (digits && canonical).then(|| text.parse().ok()).flatten()
}

/// The layers of a comma list, each once, in their order; at most `max`.
pub fn layer_list(text: &str, max: usize) -> Result<Vec<&str>, Problem> {
    // Counted before it is cut up: a refused list costs next to nothing.
    let count = text.bytes().filter(|b| *b == b',').count() + 1;
    if count > max.max(1) {
        let detail = "more layers are listed than there are";
        return Err(Problem::bad_request("too-many-layers", detail).with("max", max.max(1)));
    }
    let ids: Vec<&str> = text.split(',').collect();
    if ids.iter().any(|id| id.is_empty()) {
        return Err(Problem::bad_request("invalid-layer-list", "layers are ids separated by single commas"));
    }
    let mut sorted = ids.clone();
    sorted.sort_unstable();
    if sorted.windows(2).any(|w| w[0] == w[1]) {
        return Err(Problem::bad_request("duplicate-layer", "each layer may be listed once"));
    }
    Ok(ids)
}

/// No such layer, or none for this asker: the same words for both.
pub fn unknown_layer(id: &str) -> Problem {
    let spelled_like_an_id =
        matches!(id.len(), 1..=64) && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    match spelled_like_an_id {
        true => Problem::not_found("layer-not-found", format!("there is no layer {id}")),
        false => Problem::not_found("layer-not-found", "there is no such layer"),
    }
}

/// Whether a text is spelled like a snapshot's id: digits, a hyphen, twelve hexadecimal digits.
pub fn snapshot_id(text: &str) -> bool {
    let hex = |c: u8| matches!(c, b'0'..=b'9' | b'a'..=b'f');
    text.split_once('-').is_some_and(|(sequence, digest)| {
        (8..=20).contains(&sequence.len())
            && sequence.bytes().all(|c| c.is_ascii_digit())
            && digest.len() == 12
            && digest.bytes().all(hex)
    })
}

/// `12.json`, `12.glb` → 12 and the ending.
pub fn numbered<'a>(file: &'a str, endings: &[&'a str]) -> Option<(usize, &'a str)> {
    let (number, ending) = file.rsplit_once('.')?;
    let ending = endings.iter().find(|e| **e == ending)?;
    Some((usize::try_from(whole_number(number)?).ok()?, ending))
}

/// A feature id: 1 ..= 2^53 − 1.
pub fn feature_id(text: &str) -> Result<crate::feature::FeatureId, Problem> {
    match whole_number(text) {
        Some(id @ 1..=crate::feature::FeatureId::MAX) => Ok(crate::feature::FeatureId(id)),
        _ => Err(Problem::bad_request("invalid-id", "an item's id is a whole number from 1 to 9007199254740991")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(grid: &TileMatrixSet, path: &str) -> Result<TileKey, (u16, &'static str)> {
        let parts: Vec<&str> = path.split('/').collect();
        tile_key(grid, parts[0], parts[1], parts[2]).map_err(|p| (p.status.as_u16(), p.code))
    }

    #[test]
    fn a_tile_coordinate_is_taken_or_refused_by_name() {
        let grid = TileMatrixSet::web_mercator_quad();
        for (path, key) in
            [("0/0/0.mvt", (0, 0, 0)), ("3/7/0.pbf", (3, 7, 0)), ("14/16383/16383.mvt", (14, 16383, 16383))]
        {
            assert_eq!(code(&grid, path), Ok(TileKey { z: key.0, x: key.1, y: key.2 }), "{path}");
        }
        let malformed =
            ["-1/0/0.mvt", "a/0/0.mvt", "1e1/0/0.mvt", "1/+0/0.mvt", "1/0/ 0.mvt", "1/0.0/0.mvt", "01/0/0.mvt"];
        for path in
            malformed.into_iter().chain(["1/0/.mvt", "1/0/٣.mvt", "1/99999999999999999999999999999999999999999/0.mvt"])
        {
            assert_eq!(code(&grid, path), Err((400, "invalid-tile-coordinate")), "{path}");
        }
        for z in ["31", "32", "60", "255", "256", "4294967296"] {
            assert_eq!(code(&grid, &format!("{z}/0/0.mvt")), Err((400, "zoom-out-of-range")), "{z}");
        }
        for path in ["0/1/0.mvt", "0/0/1.mvt", "3/8/0.mvt", "3/0/8.mvt", "3/4294967296/0.mvt"] {
            assert_eq!(code(&grid, path), Err((400, "tile-out-of-range")), "{path}");
        }
        for path in ["0/0/0.png", "0/0/0", "0/0/0.MVT", "0/0/0.mvt.gz"] {
            assert_eq!(code(&grid, path), Err((404, "not-found")), "{path}");
        }
    }

    #[test]
    fn the_national_grid_begins_at_zoom_1_with_two_tiles() {
        let grid = TileMatrixSet::cgcs2000_quad();
        assert_eq!(code(&grid, "0/0/0.mvt"), Err((400, "zoom-out-of-range")));
        assert!(code(&grid, "1/1/0.mvt").is_ok());
        assert_eq!(code(&grid, "1/1/1.mvt"), Err((400, "tile-out-of-range")));
    }

    #[test]
    fn a_layer_list_keeps_its_order_and_has_each_once() {
        assert_eq!(layer_list("b,a", 2).unwrap(), ["b", "a"]);
        assert_eq!(layer_list("路灯", 2).unwrap(), ["路灯"]);
        for (text, want) in [
            ("a,a", "duplicate-layer"),
            ("a,b,a", "duplicate-layer"),
            ("", "invalid-layer-list"),
            ("a,", "invalid-layer-list"),
            (",a", "invalid-layer-list"),
            ("a,,b", "invalid-layer-list"),
            ("a,b,c,d", "too-many-layers"),
        ] {
            assert_eq!(layer_list(text, 3).unwrap_err().code, want, "{text}");
        }
        assert_eq!(layer_list(&"a,".repeat(10_000), 97).unwrap_err().code, "too-many-layers");
    }

    #[test]
    fn an_unknown_layer_is_named_only_when_it_is_spelled_like_an_id() {
        assert!(unknown_layer("street_lamp_9").detail.ends_with("street_lamp_9"));
        for id in ["A", "a b", "<script>", "路灯", "a/../b", &"a".repeat(65)] {
            assert!(!unknown_layer(id).detail.contains(id), "{id}");
        }
    }

    #[test]
    fn snapshots_and_numbered_files_are_spelled_one_way() {
        for (text, good) in [
            ("00000012-0123456789ab", true),
            ("00000012-0123456789AB", false),
            ("12-0123456789ab", false),
            ("00000012", false),
            ("", false),
        ] {
            assert_eq!(snapshot_id(text), good, "{text}");
        }
        let endings = ["json", "glb"];
        assert_eq!(numbered("12.glb", &endings), Some((12, "glb")));
        for text in ["12.png", "012.glb", ".glb", "-1.glb", "12", "a.json", "12.glb.glb"] {
            assert_eq!(numbered(text, &endings), None, "{text}");
        }
    }

    #[test]
    fn an_item_id_fits_53_bits() {
        for (text, good) in [
            ("1", true),
            ("9007199254740991", true),
            ("9007199254740992", false),
            ("0", false),
            ("-1", false),
            ("1.0", false),
            ("007", false),
            ("", false),
            ("x", false),
        ] {
            assert_eq!(feature_id(text).is_ok(), good, "{text}");
        }
    }
}
