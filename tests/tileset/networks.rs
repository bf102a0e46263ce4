//! Real networks through the whole way, as their manifests deliver them: every pipe is in the tiles, about the line of its
//! file at the depth that is declared, as wide as its record says; what was assumed is told. Files are read here, positions
//! are `cct`'s.

use super::checker::volume::{length, minus};
use super::common::declared::{self, CODE, metres};
use super::common::shared_data;
use super::common::web::served;
use super::delivery::{City, Run};
use super::drawn::{Drawn, drawn, drawn_with};
use super::sources::{Parts, Vertex, dbf_column, inventory, shapefile_lines, through_proj};
use super::tubes::{Pipe, measured, on_earth};
use std::collections::BTreeMap;
use std::path::Path;

/// NAD83 of Canada is WGS84 by the operation that import names (EPSG:1188, all zero).
const UTM_10: &str =
    "+proj=pipeline +step +inv +proj=utm +zone=10 +ellps=GRS80 +step +proj=unitconvert +xy_in=rad +xy_out=deg";
const JAPAN_8: &str = "+proj=pipeline +step +inv +proj=tmerc +lat_0=36 +lon_0=138.5 +k=0.9999 +x_0=0 +y_0=0 +ellps=GRS80 \
    +step +proj=unitconvert +xy_in=rad +xy_out=deg";

/// Parts of lines by name → the same in degrees.
fn placed(by: &str, lines: &BTreeMap<String, Parts>) -> Option<BTreeMap<String, Parts>> {
    let flat = |(code, parts): (&String, &Parts)| -> (String, Vec<Vertex>) {
        (code.clone(), parts.iter().flatten().map(|p| ([p[0], p[1], 0.0], true)).collect())
    };
    let moved = through_proj(by, &lines.iter().map(flat).collect())?;
    let parts = |(code, all): (String, Vec<Vertex>)| {
        let mut all = all.into_iter().map(|([x, y, _], _)| [x, y]);
        let parts = lines[&code].iter().map(|part| all.by_ref().take(part.len()).collect()).collect();
        (code, parts)
    };
    Some(moved.into_iter().map(parts).collect())
}

/// Metres between places in degrees.
fn apart_m(a: [f64; 2], b: [f64; 2]) -> f64 {
    length(minus(on_earth([a[0], a[1], 0.0]), on_earth([b[0], b[1], 0.0])))
}

/// Centre lines at heights that fall from one end to the other with the length.
fn falling(parts: &[Vec<[f64; 2]>], [from_m, to_m]: [f64; 2]) -> Vec<Vec<[f64; 3]>> {
    let part = |part: &Vec<[f64; 2]>| {
        let mut walked = vec![0.0];
        part.windows(2).for_each(|s| walked.push(walked[walked.len() - 1] + apart_m(s[0], s[1])));
        let whole = walked[walked.len() - 1];
        let height = |w: f64| if whole > 0.0 { from_m + (to_m - from_m) * w / whole } else { from_m };
        part.iter().zip(&walked).map(|(p, w)| [p[0], p[1], height(*w)]).collect()
    };
    parts.iter().map(part).collect()
}

fn stored(run: &Run, source: usize) -> u64 {
    run.report["sources"][source]["stored"].as_u64().unwrap()
}

/// Records of a layer that have no shape in 3D, as the report counts them.
fn undrawn(run: &Run, layer: &str) -> u64 {
    let layers = run.report["layers"].as_array().unwrap();
    layers.iter().find(|l| l["id"] == layer).and_then(|l| l["undrawn"].as_u64()).unwrap()
}

/// What the network's file says of each record: its line in degrees, its diameter where it has one.
type Nanaimo = BTreeMap<String, Row>;
type Row = (Parts, Option<f64>);

fn nanaimo(data: &Path) -> Option<Nanaimo> {
    let file = data.join("3-pipes/nanaimo/PIPES_AND_SERVICES_sm.shp");
    let lines = shapefile_lines(&file);
    let sizes = dbf_column(&file.with_extension("dbf"), "DIAMETER");
    assert_eq!((lines.len(), sizes.len()), (3331, 3331));
    let by_row = lines.into_iter().enumerate().map(|(i, parts)| (format!("{i:04}"), parts)).collect();
    let size = |row: &String| sizes[row.parse::<usize>().unwrap()].parse().ok();
    Some(placed(UTM_10, &by_row)?.into_iter().map(|(row, parts)| (row.clone(), (parts, size(&row)))).collect())
}

/// Records of a layer by the rows of the file that their lines are of: its records have no name of their own.
fn by_row(city: &City, layer: &str, of: &Nanaimo) -> BTreeMap<String, String> {
    let cell = |p: [f64; 2]| p.map(|x| (x * 1e6).round() as i64);
    let mut rows: BTreeMap<[i64; 2], Vec<&String>> = BTreeMap::new();
    for (row, (parts, _)) in of {
        rows.entry(cell(parts[0][0])).or_default().push(row);
    }
    let mut ids = BTreeMap::new();
    for feature in city.features(layer) {
        let xy = &feature.geometry.xy;
        let same = |row: &&String| {
            let all: Vec<[f64; 2]> = of[*row].0.concat();
            all.len() == xy.len() && all.iter().zip(xy).all(|(a, b)| apart_m(*a, *b) < 1e-3)
        };
        let [x, y] = cell(xy[0]);
        let near = (x - 1..=x + 1).flat_map(|x| (y - 1..=y + 1).map(move |y| [x, y]));
        let found: Vec<&String> = near.filter_map(|c| rows.get(&c)).flatten().copied().filter(same).collect();
        let row = found.into_iter().find(|row| !ids.contains_key(*row));
        let row = row.unwrap_or_else(|| panic!("{layer}: a line that is in no row, {:?}", xy[0]));
        ids.insert(row.clone(), feature.id.0.to_string());
    }
    ids
}

/// Wide enough to be a tube: the others are lines.
const THIN_M: f64 = 0.01;

#[tokio::test]
async fn nanaimos_mains_and_services_lie_where_and_as_wide_as_delivered() {
    let Some(data) = shared_data() else { return };
    let city = City::new().with_env("CHENGTU_SHARED_DATA", &data);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    city.copy_layers(&root.join("layers"));
    city.copy_layers(&root.join("tests/layers"));
    // As delivered; and with elevations, of the outer top and of the invert.
    let delivered = std::fs::read_to_string(root.join("tests/deliveries/nanaimo.toml")).unwrap();
    let own = delivered.split("[[source]]").nth(1).unwrap();
    let levelled = |id: &str, layer: &str, reference: &str| {
        let with = own.replace("nanaimo/pipes shp", id).replace("pl_water", layer);
        format!(
            "[[source]]{with}start_elevation_m = {{ value = 31.5 }}\nend_elevation_m = {{ value = 28.25 }}\n\
             elevation_ref = {{ value = \"{reference}\" }}\n"
        )
    };
    city.write("as_delivered.toml", &format!("[[source]]{own}"));
    let more = levelled("tops", "pl_gas", "outer_top") + &levelled("inverts", "pl_industry", "inner_bottom");
    city.write("levelled.toml", &more);
    let run = city.import(&["as_delivered.toml", "levelled.toml"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!([0, 1, 2].map(|i| stored(&run, i)), [3331; 3]);
    let Some(source) = nanaimo(&data) else { return };
    let router = served(&city.store());
    for (layer, default_mm, levels_m, lift) in [
        // Under ground at height 0: the class's cover of 1 m over the outer top.
        ("pl_water", 200.0, [-1.0, -1.0], -1.0),
        ("pl_gas", 160.0, [31.5, 28.25], -1.0),
        ("pl_industry", 200.0, [31.5, 28.25], 1.0),
    ] {
        let ids = by_row(&city, layer, &source);
        let mut found = drawn_with(&router, layer, &["section_width_mm"]).await;
        // One has no length; with another elevation at its end it is upright.
        let flat = layer == "pl_water";
        assert_eq!((ids.len(), found.len()), (3331, 3331 - usize::from(flat)), "{layer}");
        assert_eq!(undrawn(&run, layer), u64::from(flat), "{layer}");
        let by_row: BTreeMap<String, Drawn> =
            ids.iter().filter_map(|(row, id)| Some((row.clone(), found.remove(id)?))).collect();
        let pipe = |(row, (parts, size)): (&String, &Row)| {
            let radius_m = size.unwrap_or(default_mm) / 2000.0;
            let parts = falling(parts, levels_m.map(|h| h + lift * radius_m));
            (row.clone(), Pipe { parts, radius_m: if radius_m > THIN_M { radius_m } else { 0.0 } })
        };
        let length_m = |parts: &[Vec<[f64; 2]>]| apart_m(parts[0][0], parts[0][parts[0].len() - 1]);
        let long = source.iter().filter(|(_, (parts, _))| !flat || length_m(parts) > 1e-3);
        let figures = measured(layer, &long.map(pipe).collect(), &by_row);
        assert!(
            figures.pipes >= 3330 && (figures.joints + figures.bends) * 4 < figures.vertices,
            "{layer} {figures:?}"
        );
        let without = source.values().filter(|(_, size)| size.is_none()).count();
        assert_eq!(without, 1056);
        for (row, drawn) in &by_row {
            assert_eq!(drawn.says("_size_assumed"), source[row].1.is_none(), "{layer} {row}: {:?}", drawn.row);
            assert_eq!(drawn.says("_height_assumed"), flat, "{layer} {row}");
        }
    }
}

const TUBE: &str = r#"{ kind = "tube", below_ground = true, default_mm = 250, default_cover_m = 0.8 }"#;
const NODE: &str = r#"{ kind = "node", below_ground = true, default_mm = 600, default_cover_m = 0.8 }"#;
/// A fitting hangs where its pipe would be: so far about its middle at most.
const FITTING_M: f64 = 0.5;

#[tokio::test]
async fn nagaokas_inventory_is_in_the_tiles_pipe_by_pipe() {
    let Some(data) = shared_data() else { return };
    let city = City::new().with_env("CHENGTU_SHARED_DATA", &data);
    city.layer("t", "pipes", &declared::scene("pipes", "line", TUBE, &[CODE]));
    city.layer("t", "nodes", &declared::scene("nodes", "point", NODE, &[CODE, &metres("depth_m")]));
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let delivered = std::fs::read_to_string(root.join("tests/deliveries/nagaoka.toml")).unwrap();
    let own = delivered.replace("t_line", "pipes").replace("t_any", "nodes");
    city.write("nagaoka.toml", &own.replace("{ kind = \"dmCode\" }", "{ code = \"gml_id\" }"));
    let run = city.import(&["nagaoka.toml"]);
    assert_eq!(run.code, 0, "{run:?}");

    // By layer: name → lists of positions, of all files and kinds that the manifest names.
    let manifest: toml::Table = toml::from_str(&own).unwrap();
    let mut all: BTreeMap<&str, BTreeMap<String, Parts>> = BTreeMap::new();
    for (i, source) in manifest["source"].as_array().unwrap().iter().enumerate() {
        let path = source["path"].as_str().unwrap().replace("${CHENGTU_SHARED_DATA}", data.to_str().unwrap());
        let things = inventory(Path::new(&path), source["gdal_layer"].as_str().unwrap());
        assert_eq!(stored(&run, i), things.len() as u64, "{path}");
        all.entry(source["layer"].as_str().unwrap()).or_default().extend(things);
    }
    let router = served(&city.store());
    let Some(lines) = placed(JAPAN_8, &all["pipes"]) else { return };
    let radius_m = 0.125;
    let pipe = |(code, parts): (&String, &Parts)| {
        (code.clone(), Pipe { parts: falling(parts, [-0.8 - radius_m; 2]), radius_m })
    };
    let pipes: BTreeMap<String, Pipe> = lines.iter().map(pipe).collect();
    let found = drawn(&router, "pipes").await;
    let figures = measured("nagaoka", &pipes, &found);
    assert!(figures.pipes > 1000 && (figures.joints + figures.bends) * 4 < figures.vertices, "{figures:?}");
    // No record has a size or a height, and 0 at a vertex is none.
    assert!(found.values().all(|d| d.says("_size_assumed") && d.says("_height_assumed")));

    let points = placed(JAPAN_8, &all["nodes"]).unwrap();
    let found = drawn(&router, "nodes").await;
    assert!(points.len() > 500 && points.keys().eq(found.keys()), "{} of {}", found.len(), points.len());
    for (code, point) in &points {
        let at = on_earth([point[0][0][0], point[0][0][1], -0.8]);
        let far = found[code].places.iter().map(|p| length(minus(*p, at))).fold(0.0, f64::max);
        assert!(far < FITTING_M, "{code}: {far:.3} m from its place");
        assert!(found[code].says("_height_assumed"), "{code}");
    }
}
