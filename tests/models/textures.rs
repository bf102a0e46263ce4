//! Textures and colours of city models, from the file beside the model to the glTF in a tile: the picture, where each
//! corner lies in it, what happens when it is missing, and how much a tile may weigh.

use super::common::declared::{self, CODE};
use super::common::web::get;
use super::delivery::City;
use chengtu::serve::{App, Options};
use image::{ImageFormat, Rgb, RgbImage};
use serde_json::Value;
use std::io::Cursor;
use std::path::{Path, PathBuf};

fn png(side: u32, colour: impl Fn(u32, u32) -> [u8; 3]) -> Vec<u8> {
    let mut out = Cursor::new(vec![]);
    RgbImage::from_fn(side, side, |x, y| Rgb(colour(x, y))).write_to(&mut out, ImageFormat::Png).unwrap();
    out.into_inner()
}

/// A picture whose quarters differ: red over green on the left, blue over white on the right.
fn quarters() -> Vec<u8> {
    png(64, |x, y| match (x < 32, y < 32) {
        (true, true) => [255, 0, 0],
        (true, false) => [0, 255, 0],
        (false, true) => [0, 0, 255],
        (false, false) => [255, 255, 255],
    })
}

const HEAD: &str = r#""type":"CityJSON","version":"2.0","transform":{"scale":[0.001,0.001,0.001],
    "translate":[527000.0,3852000.0,70.0]},
    "metadata":{"referenceSystem":"urn:ogc:def:crs,crs:EPSG::4547,crs:EPSG::5737"}"#;

/// Walls of 10 × 8 m facing south, 20 m apart eastwards; `worn`: members of each wall's geometry, `places` its textures'.
fn walls(worn: &[String], images: &[&str], places: &str) -> String {
    let (mut objects, mut vertices) = (vec![], vec![]);
    for (i, worn) in worn.iter().enumerate() {
        let (x, at) = (i as u32 * 20_000, i * 4);
        vertices.extend([[0, 0, 0], [10_000, 0, 0], [10_000, 0, 8_000], [0, 0, 8_000]].map(|[a, b, c]| [x + a, b, c]));
        // A floor, so that there is an outline.
        let floor = vertices.len();
        vertices.extend([[0, 0, 0], [0, 8_000, 0], [10_000, 8_000, 0], [10_000, 0, 0]].map(|[a, b, c]| [x + a, b, c]));
        let at = at * 2;
        objects.push(format!(
            r#""W{i}":{{"type":"Building","geometry":[{{"type":"MultiSurface","lod":"2","boundaries":[[[{},{},{},{}]],[[{},{},{},{}]]],
            "semantics":{{"surfaces":[{{"type":"WallSurface"}},{{"type":"GroundSurface"}}],"values":[0,1]}}{worn}}}]}}"#,
            at, at + 1, at + 2, at + 3, floor, floor + 1, floor + 2, floor + 3
        ));
    }
    let images: Vec<String> = images.iter().map(|i| format!(r#"{{"type":"PNG","image":"{i}"}}"#)).collect();
    format!(
        r#"{{{HEAD},"appearance":{{"textures":[{}],"vertices-texture":{places},
        "materials":[{{"name":"m","diffuseColor":[1.0,0.0,0.0]}}]}},"CityObjects":{{{}}},"vertices":{vertices:?}}}"#,
        images.join(","),
        objects.join(",")
    )
}

const SQUARE: &str = "[[0,0],[1,0],[1,1],[0,1]]";

fn city() -> City {
    let city = City::new();
    city.layer("cim", "towers", &declared::scene("towers", "polygon", r#"{ kind = "surface" }"#, &[CODE]));
    city.write(
        "city.toml",
        "[[source]]\npath = \"a.city.json\"\nlayer = \"towers\"\nkey = \"id\"\nfields = { code = \"id\" }\n",
    );
    city
}

/// The contents of the layer's tiles, as they are.
async fn contents(store: &Path) -> Vec<Glb> {
    let app = App::open(&Options { workers: 1, ..Options::new(store.to_path_buf()) }).unwrap();
    let router = app.router();
    let page = get(&router, "/3dtiles/towers/tileset.json?compress=none").await.json();
    let (mut open, mut found) = (vec![page["root"].clone()], vec![]);
    while let Some(tile) = open.pop() {
        if let Some(uri) = tile["content"]["uri"].as_str() {
            let content = get(&router, &format!("/3dtiles/{}", uri.strip_prefix("../").unwrap())).await;
            assert_eq!(content.status, 200, "{uri}");
            found.push(Glb::new(content.body));
        }
        open.extend(tile["children"].as_array().cloned().unwrap_or_default());
    }
    found
}

struct Glb {
    whole: Vec<u8>,
    json: Value,
    binary: Vec<u8>,
}

impl Glb {
    fn new(whole: Vec<u8>) -> Glb {
        let json = u32::from_le_bytes(*whole[12..].first_chunk().unwrap()) as usize;
        let parsed = serde_json::from_slice(&whole[20..20 + json]).unwrap();
        Glb { json: parsed, binary: whole[28 + json..].to_vec(), whole }
    }

    fn view(&self, view: &Value) -> &[u8] {
        let view = &self.json["bufferViews"][view.as_u64().unwrap() as usize];
        let from = view["byteOffset"].as_u64().unwrap_or(0) as usize;
        &self.binary[from..from + view["byteLength"].as_u64().unwrap() as usize]
    }

    /// Vertices' places in metres and in the image, of the primitive that wears texture `n`.
    fn worn(&self, n: u64) -> Vec<([f64; 3], [f64; 2])> {
        let materials = self.json["materials"].as_array().unwrap();
        let texture = |m: &Value| m["pbrMetallicRoughness"]["baseColorTexture"]["index"].as_u64();
        let primitives = self.json["meshes"][0]["primitives"].as_array().unwrap();
        let wears = |p: &&Value| texture(&materials[p["material"].as_u64().unwrap() as usize]) == Some(n);
        let primitive = primitives.iter().find(wears).expect("a primitive wears it");
        let accessor = |v: &Value| &self.json["accessors"][v.as_u64().unwrap() as usize];
        let (at, uv) =
            (accessor(&primitive["attributes"]["POSITION"]), accessor(&primitive["attributes"]["TEXCOORD_0"]));
        let node = &self.json["nodes"][0];
        let number = |v: &Value| v.as_f64().unwrap();
        let places = self.view(&at["bufferView"]).as_chunks::<8>().0.iter().map(|c| {
            let step = |k: usize| f64::from(u16::from_le_bytes([c[2 * k], c[2 * k + 1]]));
            [0, 1, 2].map(|k| step(k) * number(&node["scale"][k]) + number(&node["translation"][k]))
        });
        let bytes = self.view(&uv["bufferView"]);
        let uv: Vec<[f64; 2]> = match uv["componentType"].as_u64().unwrap() {
            5123 => {
                assert_eq!(uv["normalized"], true);
                let of = |c: &[u8; 4]| [0, 2].map(|k| f64::from(u16::from_le_bytes([c[k], c[k + 1]])) / 65535.0);
                bytes.as_chunks::<4>().0.iter().map(of).collect()
            }
            _ => {
                let of = |c: &[u8; 8]| [0, 4].map(|k| f64::from(f32::from_le_bytes(*c[k..].first_chunk().unwrap())));
                bytes.as_chunks::<8>().0.iter().map(of).collect()
            }
        };
        let all: Vec<_> = places.zip(uv).collect();
        let indices = accessor(&primitive["indices"]);
        let from = indices["byteOffset"].as_u64().unwrap_or(0) as usize;
        let list = self.view(&indices["bufferView"])[from..].as_chunks::<2>().0;
        let mut used: Vec<usize> =
            list[..indices["count"].as_u64().unwrap() as usize].iter().map(|i| u16::from_le_bytes(*i).into()).collect();
        used.sort_unstable();
        used.dedup();
        used.into_iter().map(|i| all[i]).collect()
    }

    fn images(&self) -> usize {
        self.json["images"].as_array().map_or(0, Vec::len)
    }
}

/// Corners of a wall in glTF's axes: its left and right, its foot and head, with what the picture shows there.
fn stands_upright(corners: &[([f64; 3], [f64; 2])]) {
    assert_eq!(corners.len(), 4);
    let low = |k: usize| corners.iter().map(|c| c.0[k]).fold(f64::INFINITY, f64::min);
    let (left, foot) = (low(0), low(1));
    for (at, uv) in corners {
        let across = if at[0] > left + 5.0 { 1.0 } else { 0.0 };
        // glTF counts down from the picture's top.
        let down = if at[1] > foot + 4.0 { 0.0 } else { 1.0 };
        assert!((uv[0] - across).abs() < 1e-4 && (uv[1] - down).abs() < 1e-4, "{at:?} {uv:?}");
    }
}

fn told(run: &super::delivery::Run, what: &str) -> bool {
    run.report["sources"][0]["findings"].as_array().unwrap().iter().any(|f| f.as_str().unwrap().contains(what))
}

#[tokio::test]
async fn a_wall_wears_its_picture_upright() {
    let city = city();
    let texture = r#","texture":{"rgb":{"values":[[[0,0,1,2,3]],[[null]]]}}"#;
    std::fs::create_dir(city.path("贴图")).unwrap();
    city.write_bytes("贴图/q.png", &quarters());
    city.write("a.city.json", &walls(&[texture.to_string()], &["贴图/q.png"], SQUARE));
    let run = city.import(&["city.toml"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(told(&run, "1 images are worn"), "{}", run.stdout);
    let contents = contents(&city.store()).await;
    let glb = &contents[0];
    assert_eq!((contents.len(), glb.images()), (1, 1));
    stands_upright(&glb.worn(0));
    validated(&contents);
    let file = glb.view(&glb.json["images"][0]["bufferView"]);
    let picture = image::load_from_memory(file).unwrap().to_rgb8();
    assert_eq!((glb.json["images"][0]["mimeType"].as_str(), picture.dimensions()), (Some("image/jpeg"), (64, 64)));
    let near = |a: [u8; 3], b: [u8; 3]| (0..3).all(|k| a[k].abs_diff(b[k]) < 40);
    assert!(near(picture.get_pixel(8, 8).0, [255, 0, 0]) && near(picture.get_pixel(8, 56).0, [0, 255, 0]));
    // The floor wears nothing and has no place in any picture.
    let plain = glb.json["meshes"][0]["primitives"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|p| p["attributes"]["TEXCOORD_0"].is_null());
    assert_eq!(plain.count(), 1);
}

#[tokio::test]
async fn gml_says_the_same() {
    let city = city();
    city.write(
        "city.toml",
        "[[source]]\npath = \"a.city.gml\"\nlayer = \"towers\"\nkey = \"id\"\nfields = { code = \"id\" }\n",
    );
    city.write_bytes("q.png", &quarters());
    let face = |id: &str, list: &str| {
        format!(
            "<gml:surfaceMember><gml:Polygon gml:id=\"{id}\"><gml:exterior><gml:LinearRing gml:id=\"{id}-r\"><gml:posList>{list}\
             </gml:posList></gml:LinearRing></gml:exterior></gml:Polygon></gml:surfaceMember>"
        )
    };
    let bounded = |kind: &str, face: &str| {
        format!(
            "<b:boundedBy><b:{kind}><b:lod2MultiSurface><gml:MultiSurface>{face}</gml:MultiSurface></b:lod2MultiSurface></b:{kind}></b:boundedBy>"
        )
    };
    let text = format!(
        r##"<?xml version="1.0" encoding="UTF-8"?>
<CityModel xmlns="http://www.opengis.net/citygml/2.0" xmlns:b="http://www.opengis.net/citygml/building/2.0"
 xmlns:gml="http://www.opengis.net/gml" xmlns:app="http://www.opengis.net/citygml/appearance/2.0">
<gml:boundedBy><gml:Envelope srsName="EPSG:4547" srsDimension="3"><gml:lowerCorner>527000 3852000 70</gml:lowerCorner>
<gml:upperCorner>527010 3852008 78</gml:upperCorner></gml:Envelope></gml:boundedBy>
<cityObjectMember><b:Building gml:id="B">{}{}</b:Building></cityObjectMember>
<app:appearanceMember><app:Appearance><app:theme>rgb</app:theme><app:surfaceDataMember><app:ParameterizedTexture>
<app:imageURI>.\q.png</app:imageURI><app:target uri="#wall"><app:TexCoordList>
<app:textureCoordinates ring="#wall-r">0 0 1 0 1 1 0 1 0 0</app:textureCoordinates></app:TexCoordList></app:target>
</app:ParameterizedTexture></app:surfaceDataMember><app:surfaceDataMember><app:X3DMaterial>
<app:diffuseColor>0 0 1</app:diffuseColor><app:target>#floor</app:target></app:X3DMaterial></app:surfaceDataMember>
</app:Appearance></app:appearanceMember></CityModel>"##,
        bounded(
            "WallSurface",
            &face("wall", "527000 3852000 70 527010 3852000 70 527010 3852000 78 527000 3852000 78 527000 3852000 70")
        ),
        bounded(
            "GroundSurface",
            &face("floor", "527000 3852000 70 527000 3852008 70 527010 3852008 70 527010 3852000 70 527000 3852000 70")
        ),
    );
    city.write("a.city.gml", &text);
    let run = city.import(&["city.toml"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let contents = contents(&city.store()).await;
    stands_upright(&contents[0].worn(0));
    let colours: Vec<&Value> = contents[0].json["materials"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| &m["pbrMetallicRoughness"]["baseColorFactor"])
        .collect();
    assert!(colours.contains(&&serde_json::json!([0.0, 0.0, 1.0, 1.0])), "{colours:?}");
}

#[tokio::test]
async fn what_is_missing_is_told_and_drawn_in_its_colour() {
    let city = city();
    let of = |texture: usize| format!(r#","texture":{{"rgb":{{"values":[[[{texture},0,1,2,3]],[[null]]]}}}}"#);
    let material = r#","material":{"m":{"values":[0,null]}}"#.to_string();
    let misfit = r#","texture":{"rgb":{"values":[[[0,0,1]]]}}"#.to_string();
    city.write("bad.png", "no picture");
    city.write("a.city.json", &walls(&[of(0), of(1), material, misfit], &["gone.png", "bad.png"], SQUARE));
    let run = city.import(&["city.toml"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(told(&run, "1 images are not beside the file") && told(&run, "1 image files cannot be read"));
    assert_eq!(run.report["sources"][0]["faulty"]["bad-appearance"]["count"], 1);
    let contents = contents(&city.store()).await;
    assert_eq!(contents.iter().map(Glb::images).sum::<usize>(), 0);
    let red = serde_json::json!([1.0, 0.0, 0.0, 1.0]);
    let materials = contents.iter().flat_map(|c| c.json["materials"].as_array().unwrap());
    assert_eq!(materials.filter(|m| m["pbrMetallicRoughness"]["baseColorFactor"] == red).count(), 1);
}

/// A zip archive of these files.
fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(vec![]));
    for (name, bytes) in files {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        std::io::Write::write_all(&mut zip, bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[tokio::test]
async fn pictures_in_an_archive_are_found_there_and_nowhere_else() {
    let city = city();
    let of = |texture: usize| format!(r#","texture":{{"rgb":{{"values":[[[{texture},0,1,2,3]],[[null]]]}}}}"#);
    let (quarters, red) = (quarters(), marked(64, [255, 0, 0]));
    // Below the model, with another case and percent signs; beside its folder; not in the archive but beside it on disk;
    // out of the archive; no picture.
    let images = ["%E8%B4%B4%E5%9B%BE/Q.png", "../tex/r.png", "beside.png", "../../beside.png", "bad.png"];
    let worn: Vec<String> = (0..5).map(of).collect();
    let model = walls(&worn, &images, SQUARE);
    let gml: &[u8] = b"not a model of this source";
    city.write_bytes("beside.png", &red);
    city.write_bytes(
        "models.zip",
        &zipped(&[
            ("udx/a.city.json", model.as_bytes()),
            ("udx/贴图/q.PNG", &quarters),
            ("tex/r.png", &red),
            ("udx/bad.png", b"no picture"),
            ("udx/b.gml", gml),
        ]),
    );
    city.write(
        "city.toml",
        "[[source]]\npath = \"models.zip\"\nformat = \"cityjson\"\nlayer = \"towers\"\nkey = \"id\"\nfields = { code = \"id\" }\n",
    );
    let run = city.import(&["city.toml"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    for what in [
        "2 images are worn",
        "2 images are not beside the file: their surfaces keep their colour (../../beside.png, beside.png)",
        "1 image files cannot be read as JPEG or PNG: their surfaces keep their colour (bad.png)",
    ] {
        assert!(told(&run, what), "{what}: {}", run.stdout);
    }
    let contents = contents(&city.store()).await;
    assert_eq!((contents.len(), contents[0].images(), contents[0].worn(0).len()), (1, 1, 8));
}

#[tokio::test]
async fn pictures_repeat_and_stay_when_others_come() {
    let city = city();
    let texture = |at: &str| format!(r#","texture":{{"rgb":{{"values":[[[0,{at}]],[[null]]]}}}}"#);
    city.write_bytes("q.png", &quarters());
    // Three times across; and once, but counted from the fifth repetition.
    let places = "[[0,0],[3,0],[3,1],[0,1],[5,2],[6,2],[6,3],[5,3]]";
    city.write("a.city.json", &walls(&[texture("0,1,2,3")], &["q.png"], places));
    assert_eq!(city.import(&["city.toml"]).code, 0);
    let glb = &contents(&city.store()).await[0];
    let widest = glb.worn(0).iter().map(|c| c.1[0]).fold(0.0, f64::max);
    assert_eq!(widest, 3.0);
    assert_eq!(glb.json["samplers"][0]["wrapS"], 10497);
    city.write("a.city.json", &walls(&[texture("4,5,6,7")], &["q.png"], places));
    assert_eq!(city.import(&["city.toml"]).code, 0);
    stands_upright(&contents(&city.store()).await[0].worn(0));
    // Another source of the layer: the first one's picture is still there.
    city.write(
        "b.city.json",
        &walls(&[String::new()], &[], "[]").replace("\"W0\"", "\"V0\"").replace("527000.0", "527100.0"),
    );
    city.write(
        "more.toml",
        "[[source]]\npath = \"b.city.json\"\nlayer = \"towers\"\nkey = \"id\"\nfields = { code = \"id\" }\n",
    );
    assert_eq!(city.import(&["more.toml"]).code, 0);
    assert_eq!(contents(&city.store()).await.iter().map(Glb::images).sum::<usize>(), 1);
    // Nobody wears it any more: it is gone.
    city.write("a.city.json", &walls(&[String::new()], &[], "[]"));
    assert_eq!(city.import(&["city.toml"]).code, 0);
    assert!(!city.entry("towers").extra.contains_key("images"));
}

#[tokio::test]
async fn a_tile_of_many_pictures_stays_below_a_mebibyte() {
    let city = city();
    let names: Vec<String> = (0..12).map(|i| format!("n{i}.png")).collect();
    for (i, name) in names.iter().enumerate() {
        let noise = |x: u32, y: u32| {
            let n =
                (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503) ^ (i as u32 * 977)).wrapping_mul(2_246_822_519);
            [n as u8, (n >> 8) as u8, (n >> 16) as u8]
        };
        city.write_bytes(name, &png(256, noise));
    }
    let worn: Vec<String> =
        (0..12).map(|i| format!(r#","texture":{{"rgb":{{"values":[[[{i},0,1,2,3]],[[null]]]}}}}"#)).collect();
    let images: Vec<&str> = names.iter().map(String::as_str).collect();
    city.write("a.city.json", &walls(&worn, &images, SQUARE));
    assert_eq!(city.import(&["city.toml"]).code, 0);
    let contents = contents(&city.store()).await;
    // Twelve walls of twelve pictures: one texture and one draw call, beside that of the floors.
    let of = |c: &Glb| (c.whole.len(), c.images(), c.json["meshes"][0]["primitives"].as_array().unwrap().len());
    let sizes: Vec<_> = contents.iter().map(of).collect();
    assert!(contents.len() == 1 && sizes[0].0 <= 1 << 20 && (sizes[0].1, sizes[0].2) == (1, 2), "{sizes:?}");
    assert_eq!(contents[0].worn(0).len(), 48);
    validated(&contents);
}

/// A picture of one colour but for its lower left corner.
fn marked(side: u32, colour: [u8; 3]) -> Vec<u8> {
    png(side, |x, y| if x < side / 4 && y >= side * 3 / 4 { [0, 0, 0] } else { colour })
}

#[tokio::test]
async fn pictures_of_a_tile_are_one_texture() {
    let city = city();
    let colours = [[255, 0, 0], [0, 200, 0], [0, 0, 255]];
    for (i, colour) in colours.into_iter().enumerate() {
        city.write_bytes(&format!("n{i}.png"), &marked(128, colour));
    }
    city.write_bytes("glass.png", &{
        let mut out = Cursor::new(vec![]);
        let glass = image::RgbaImage::from_pixel(64, 64, image::Rgba([90, 90, 90, 128]));
        glass.write_to(&mut out, ImageFormat::Png).unwrap();
        out.into_inner()
    });
    let of = |texture: usize, at: &str| format!(r#","texture":{{"rgb":{{"values":[[[{texture},{at}]],[[null]]]}}}}"#);
    // Whole; its lower left quarter; twice across and high; many times; seen through.
    let places =
        "[[0,0],[1,0],[1,1],[0,1],[0,0],[0.5,0],[0.5,0.5],[0,0.5],[0,0],[2,0],[2,2],[0,2],[0,0],[40,0],[40,9],[0,9]]";
    let worn = [of(0, "0,1,2,3"), of(1, "4,5,6,7"), of(2, "8,9,10,11"), of(3, "12,13,14,15"), of(4, "0,1,2,3")];
    let images = ["n0.png", "n1.png", "n2.png", "often.png", "glass.png"];
    city.write_bytes("often.png", &marked(128, [200, 200, 0]));
    city.write("a.city.json", &walls(&worn, &images, places));
    assert_eq!(city.import(&["city.toml"]).code, 0);
    let contents = contents(&city.store()).await;
    let glb = &contents[0];
    validated(&contents);
    // One texture for three pictures, one for glass, one that repeats.
    assert_eq!((contents.len(), glb.images()), (1, 3));
    let textures = glb.json["textures"].as_array().unwrap();
    let wrap = |t: &Value| glb.json["samplers"][t["sampler"].as_u64().unwrap() as usize]["wrapS"].as_u64().unwrap();
    assert_eq!(textures.iter().map(wrap).collect::<Vec<_>>(), [33071, 33071, 10497]);
    let file = glb.view(&glb.json["images"][0]["bufferView"]);
    assert!(file.starts_with(&[0xff, 0xd8]));
    assert!(glb.view(&glb.json["images"][1]["bufferView"]).starts_with(b"\x89PNG"));
    let picture = image::load_from_memory(file).unwrap().to_rgb8();
    let (width, height) = picture.dimensions();
    let colour_at =
        |[u, v]: [f64; 2]| picture.get_pixel((u * f64::from(width)) as u32, (v * f64::from(height)) as u32).0;
    let near = |a: [u8; 3], b: [u8; 3]| (0..3).all(|k| a[k].abs_diff(b[k]) < 40);
    let corners = glb.worn(0);
    assert_eq!(corners.len(), 12);
    let west = corners.iter().map(|c| c.0[0]).fold(f64::INFINITY, f64::min);
    for (wall, colour) in colours.into_iter().enumerate() {
        let x = west + 20.0 * wall as f64;
        let own: Vec<_> = corners.iter().filter(|c| (x - 0.1..x + 10.1).contains(&c.0[0])).collect();
        assert_eq!(own.len(), 4);
        let at = |east: bool, up: bool| {
            let foot = own.iter().map(|c| c.0[1]).fold(f64::INFINITY, f64::min);
            let corner = own.iter().find(|c| (c.0[0] > x + 5.0) == east && (c.0[1] > foot + 4.0) == up);
            corner.unwrap().1
        };
        // A share of the wall from its lower left corner.
        let on_wall = |east: f64, up: f64| {
            let (a, b, c) = (at(false, false), at(true, false), at(false, true));
            [0, 1].map(|k| a[k] + east * (b[k] - a[k]) + up * (c[k] - a[k]))
        };
        assert!(near(colour_at(on_wall(0.9, 0.9)), colour) && near(colour_at(on_wall(0.05, 0.95)), colour), "{wall}");
        assert!(near(colour_at(on_wall(0.05, 0.05)), [0, 0, 0]), "{wall}");
        // The second shows a quarter of its picture, the third its picture four times.
        assert_eq!(near(colour_at(on_wall(0.4, 0.4)), [0, 0, 0]), wall == 1);
        assert_eq!(near(colour_at(on_wall(0.55, 0.55)), [0, 0, 0]), wall == 2);
    }
    let most = glb.worn(2).iter().map(|c| c.1[0]).fold(0.0, f64::max);
    assert_eq!(most, 40.0);
}

/// By Khronos' gltf-validator, where it is at hand (see tests/gltf.rs).
fn validated(contents: &[Glb]) {
    let Some(packages) = std::env::var_os("CHENGTU_NODE_PACKAGES").map(PathBuf::from) else {
        eprintln!("SKIPPED: no gltf-validator (set CHENGTU_NODE_PACKAGES)");
        return;
    };
    let out = tempfile::tempdir().unwrap();
    for (i, glb) in contents.iter().enumerate() {
        std::fs::write(out.path().join(format!("{i}.glb")), &glb.whole).unwrap();
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gltf/validate.mjs");
    let run = std::process::Command::new("node").arg(script).arg(out.path()).arg(packages).output().unwrap();
    assert!(run.status.success(), "{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
}
