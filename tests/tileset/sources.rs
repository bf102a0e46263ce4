//! What files say, read without the importer: vertices of city models by object, of the levels that are drawn; lines of a
//! shapefile with their table; pipes and manholes of an underground inventory. And PROJ's `cct`, for the plane.

use flate2::read::MultiGzDecoder;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

/// Lines of one thing, in the plane: a list of places a part.
pub type Parts = Vec<Vec<[f64; 2]>>;

pub type Places = BTreeMap<String, Vec<Vertex>>;

/// Where a vertex is, and whether it is certainly drawn: rings that enclose nothing are told, not drawn.
pub type Vertex = ([f64; 3], bool);

/// A file's text, unpacked.
pub fn text(path: &Path) -> String {
    let bytes = std::fs::read(path).unwrap();
    let mut text = String::new();
    match bytes.starts_with(&[0x1f, 0x8b]) {
        true => drop(MultiGzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap()),
        false => text = String::from_utf8(bytes).unwrap(),
    }
    text
}

/// Whether a ring in space has more than 3 cm² (Newell): what has less than 1 cm² is not drawn.
fn encloses(ring: &[[f64; 3]], unit_m: [f64; 3]) -> bool {
    let at = |i: usize| [0, 1, 2].map(|k| (ring[i % ring.len()][k] - ring[0][k]) * unit_m[k]);
    let mut sum = [0.0; 3];
    for i in 0..ring.len() {
        let (a, b) = (at(i), at(i + 1));
        for (k, part) in sum.iter_mut().enumerate() {
            let (u, v) = ((k + 1) % 3, (k + 2) % 3);
            *part += a[u] * b[v] - a[v] * b[u];
        }
    }
    sum.iter().map(|x| x * x).sum::<f64>().sqrt() > 6e-4
}

/// Objects of the first level with the vertices of all their geometries and parts'.
pub fn cityjson(path: &Path) -> Places {
    let doc: Value = serde_json::from_str(&text(path)).unwrap();
    let number = |v: &Value| v.as_f64().unwrap();
    let part = |key: &str, k: usize, other: f64| doc["transform"][key].get(k).map_or(other, number);
    let vertices: Vec<[f64; 3]> = doc["vertices"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| [0, 1, 2].map(|k| number(&v[k]) * part("scale", k, 1.0) + part("translate", k, 0.0)))
        .collect();
    fn rings(boundaries: &Value, found: &mut Vec<Vec<usize>>) {
        let Some(items) = boundaries.as_array() else { return };
        match items.first().is_some_and(Value::is_u64) {
            true => found.push(items.iter().map(|i| i.as_u64().unwrap() as usize).collect()),
            false => items.iter().for_each(|b| rings(b, found)),
        }
    }
    let mut all = Places::new();
    let objects = doc["CityObjects"].as_object().unwrap();
    for (id, object) in objects.iter().filter(|(_, o)| o.get("parents").is_none()) {
        let children = object["children"].as_array().into_iter().flatten();
        let family = std::iter::once(object).chain(children.map(|c| &objects[c.as_str().unwrap()]));
        let mut found = vec![];
        for geometry in family.flat_map(|o| o["geometry"].as_array().into_iter().flatten()) {
            rings(&geometry["boundaries"], &mut found);
        }
        let ring = |r: &Vec<usize>| r.iter().map(|i| vertices[*i]).collect::<Vec<_>>();
        let with = |r: Vec<[f64; 3]>| {
            let sure = r.len() > 2 && encloses(&r, [1.0; 3]);
            r.into_iter().map(move |p| (p, sure))
        };
        all.insert(id.clone(), found.iter().map(ring).flat_map(with).collect());
    }
    all
}

/// Buildings, bridges and tunnels of PLATEAU: positions under elements of a level of detail, axes as in the file.
pub fn plateau(path: &Path, lod: &str) -> Places {
    let text = text(path);
    let mut all = Places::new();
    for member in between(&text, "<core:cityObjectMember>", "</core:cityObjectMember>") {
        let Some(id) = member.split_once("gml:id=\"").and_then(|(_, rest)| rest.split_once('"')) else { continue };
        let mut places = vec![];
        for prefix in ["bldg", "brid", "tun"] {
            for kind in ["Solid", "MultiSurface", "Geometry", "RoofEdge", "FootPrint"] {
                let tag = format!("{prefix}:lod{lod}{kind}");
                for part in between(member, &format!("<{tag}>"), &format!("</{tag}>")) {
                    places.extend(rings(part));
                }
            }
        }
        if !places.is_empty() {
            all.insert(id.0.to_string(), places);
        }
    }
    all
}

fn rings(part: &str) -> Vec<Vertex> {
    let mut places = vec![];
    for list in between(part, "<gml:posList>", "</gml:posList>") {
        let numbers: Vec<f64> = list.split_whitespace().map(|n| n.parse().unwrap()).collect();
        let ring = numbers.as_chunks::<3>().0;
        // Degrees of latitude and longitude in metres, nearly.
        let sure = ring.len() > 3 && encloses(&ring[..ring.len() - 1], [111e3, 91e3, 1.0]);
        places.extend(ring.iter().map(|p| (*p, sure)));
    }
    places
}

/// What stands between two texts, time after time.
pub fn between<'a>(text: &'a str, begin: &'a str, end: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(begin).skip(1).filter_map(move |rest| rest.split_once(end).map(|(inside, _)| inside))
}

/// Lines of a shapefile (ESRI 1998: type 3), a list of parts a record, in its order.
pub fn shapefile_lines(path: &Path) -> Vec<Parts> {
    let bytes = std::fs::read(path).unwrap();
    let int = |at: usize| i32::from_le_bytes(*bytes[at..].first_chunk().unwrap()) as usize;
    let double = |at: usize| f64::from_le_bytes(*bytes[at..].first_chunk().unwrap());
    let (mut at, mut all) = (100, vec![]);
    while at < bytes.len() {
        let words = i32::from_be_bytes(*bytes[at + 4..].first_chunk().unwrap()) as usize;
        let record = at + 8;
        assert_eq!(int(record), 3, "a line");
        let (parts, points) = (int(record + 36), int(record + 40));
        let starts: Vec<usize> = (0..parts).map(|i| int(record + 44 + 4 * i)).chain([points]).collect();
        let first = record + 44 + 4 * parts;
        let point = |i: usize| [double(first + 16 * i), double(first + 16 * i + 8)];
        all.push(starts.windows(2).map(|w| (w[0]..w[1]).map(point).collect()).collect());
        at = record + 2 * words;
    }
    all
}

/// A column of a shapefile's table, without blanks; empty where it has no value.
pub fn dbf_column(path: &Path, name: &str) -> Vec<String> {
    let bytes = std::fs::read(path).unwrap();
    let short = |at: usize| u16::from_le_bytes(*bytes[at..].first_chunk().unwrap()) as usize;
    let (count, head, width) = (u32::from_le_bytes(*bytes[4..].first_chunk().unwrap()) as usize, short(8), short(10));
    let text = |range: std::ops::Range<usize>| {
        let text = String::from_utf8_lossy(&bytes[range]).into_owned();
        text.trim_matches([' ', '\0', '*']).to_string()
    };
    let mut offset = 1;
    for field in (32..head - 32).step_by(32) {
        let long = bytes[field + 16] as usize;
        if text(field..field + 11).split('\0').next() == Some(name) {
            return (0..count).map(|i| head + i * width + offset).map(|at| text(at..at + long)).collect();
        }
        offset += long;
    }
    panic!("{name} is no column of {}", path.display());
}

/// Things of an underground inventory (PLATEAU's `uro:` and a name): by id, their lists of positions, easting first.
pub fn inventory(path: &Path, kind: &str) -> BTreeMap<String, Parts> {
    let text = text(path);
    let list = |part: &str| -> Vec<[f64; 2]> {
        let numbers: Vec<f64> = part.split_whitespace().map(|n| n.parse().unwrap()).collect();
        numbers.as_chunks::<3>().0.iter().map(|p| [p[1], p[0]]).collect()
    };
    let mut all = BTreeMap::new();
    for member in between(&text, &format!("<uro:{kind} gml:id=\""), &format!("</uro:{kind}>")) {
        let id = member.split('"').next().unwrap();
        let lines = between(member, "<gml:posList>", "</gml:posList>");
        let lists = lines.chain(between(member, "<gml:pos>", "</gml:pos>")).map(list).collect();
        all.insert(id.to_string(), lists);
    }
    all
}

/// Longitude and latitude in degrees by `cct`, heights as they are: the datum change is of the plane alone. `None`, loudly,
/// where it is not installed.
pub fn through_proj(pipeline: &str, places: &Places) -> Option<Places> {
    let moved = cct(pipeline, places)?;
    let same = |(code, all): (&String, Vec<[f64; 3]>)| {
        let own = places[code].iter().zip(all).map(|((p, sure), r)| ([r[0], r[1], p[2]], *sure));
        (code.clone(), own.collect())
    };
    Some(places.keys().zip(moved).map(same).collect())
}

/// Places in degrees with N of a GTX file and a bias added to their heights, by `cct`.
pub fn lifted(gtx: &Path, bias_m: f64, places: &Places) -> Option<Places> {
    let pipeline = format!(
        "+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad +step +proj=vgridshift +grids={} +multiplier=1 \
         +step +proj=unitconvert +xy_in=rad +xy_out=deg",
        gtx.display()
    );
    let moved = cct(&pipeline, places)?;
    let lift = |(code, all): (&String, Vec<[f64; 3]>)| {
        let own = places[code].iter().zip(all).map(|((p, sure), r)| ([p[0], p[1], r[2] + bias_m], *sure));
        (code.clone(), own.collect())
    };
    Some(places.keys().zip(moved).map(lift).collect())
}

/// All places through a pipeline of PROJ, in their order.
fn cct(pipeline: &str, places: &Places) -> Option<Vec<Vec<[f64; 3]>>> {
    let mut command = Command::new("cct");
    command.args(["-d", "11"]).args(pipeline.split_whitespace()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let Ok(mut child) = command.spawn() else {
        eprintln!("SKIPPED: no cct (Debian: proj-bin); positions of projected files are not compared");
        return None;
    };
    let lines: String =
        places.values().flatten().map(|(p, _)| format!("{:?} {:?} {:?} 0\n", p[0], p[1], p[2])).collect();
    let mut input = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let out = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    let mut rows = text.lines().map(|l| {
        let n: Vec<f64> = l.split_whitespace().take(3).map(|n| n.parse().unwrap()).collect();
        [n[0], n[1], n[2]]
    });
    Some(places.values().map(|all| rows.by_ref().take(all.len()).collect()).collect())
}
