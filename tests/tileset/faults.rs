//! Contents of this server made wrong in one place each: the checker names what was done to them.

use super::checker::{Fetched, Rules, walk};
use chengtu::feature::{FeatureId, Geometry, Value, ValueRef};
use chengtu::layer::Catalog;
use chengtu::scene::{Compression, Detail, Drawing, Form, Frame, Heights, Instancing, Item};
use serde_json::{Value as Json, json};

const CENTRE: [f64; 2] = [114.3, 34.8];

/// Four features of a layer.
fn glb(layer: &str, square: bool) -> Vec<u8> {
    let catalog = Catalog::shipped().unwrap();
    let layer = catalog.layer(catalog.find(layer).unwrap());
    let heights = Heights { undulation_m: &|_| 0.0, ground_m: &|_| None };
    let columns: Vec<usize> = (0..layer.fields.len()).collect();
    let mut drawing = Drawing::new(layer, Frame::at(CENTRE, 0.0), &columns, Detail::NEAR, heights).unwrap();
    for i in 0..4u32 {
        let at = |e: f64, n: f64| [CENTRE[0] + f64::from(i) * 3e-4 + e * 1e-4, CENTRE[1] + n * 1e-4];
        let ring = vec![at(0., 0.), at(1., 0.), at(1., 1.), at(0., 1.), at(0., 0.)];
        let geometry = if square { Geometry::polygon(&[ring]) } else { Geometry::point(at(0., 0.)[0], at(0., 0.)[1]) };
        let values: Vec<Value> = layer.fields.iter().map(|_| Value::Null).collect();
        let refs: Vec<ValueRef<'_>> = values.iter().map(Value::as_ref).collect();
        drawing.feature(&Item::new(FeatureId(u64::from(i) + 7), &geometry, &refs));
    }
    let form = Form { compression: Compression::None, instancing: Instancing::Shared };
    drawing.finish(form).0.unwrap().glb
}

/// The file with another JSON and other bytes.
fn changed(glb: &[u8], change: impl Fn(&mut Json, &mut Vec<u8>)) -> Vec<u8> {
    let word = |at: usize| u32::from_le_bytes(glb[at..at + 4].try_into().unwrap()) as usize;
    let end = 20 + word(12);
    let mut json: Json = serde_json::from_slice(&glb[20..end]).unwrap();
    let mut bytes = glb[end + 8..].to_vec();
    change(&mut json, &mut bytes);
    let mut text = json.to_string().into_bytes();
    text.resize(text.len().next_multiple_of(4), b' ');
    let long = |n: usize| (n as u32).to_le_bytes();
    let mut out = b"glTF".to_vec();
    for part in [&long(2)[..], &long(28 + text.len() + bytes.len()), &long(text.len()), b"JSON", &text] {
        out.extend_from_slice(part);
    }
    for part in [&long(bytes.len())[..], b"BIN\0", &bytes] {
        out.extend_from_slice(part);
    }
    out
}

/// What the checker says of a tileset of one tile.
async fn told(tileset: &Json, glb: &[u8]) -> Vec<&'static str> {
    let fetch = async |path: &str| match path {
        "a/tileset.json" => Fetched::Bytes(tileset.to_string().into_bytes()),
        "a/0.glb" => Fetched::Bytes(glb.to_vec()),
        _ => Fetched::Missing,
    };
    let walked = walk("a/tileset.json", &fetch, Rules::House, |_| {}).await;
    walked.report.codes().into_iter().collect()
}

fn tileset() -> Json {
    let volume = json!({ "box": [0, 0, 0, 200, 0, 0, 0, 200, 0, 0, 0, 200] });
    json!({
        "asset": { "version": "1.1" }, "geometricError": 9.0,
        "root": {
            "boundingVolume": volume, "geometricError": 4.0, "refine": "ADD",
            "children": [{ "boundingVolume": volume, "geometricError": 0.0, "content": { "uri": "0.glb" } }],
        },
    })
}

/// Where the table's column stands, and its view's offset.
fn view(json: &Json, column: &str, key: &str) -> usize {
    let table = &json["extensions"]["EXT_structural_metadata"]["propertyTables"][0];
    let at = table["properties"][column][key].as_u64().unwrap() as usize;
    json["bufferViews"][at]["byteOffset"].as_u64().unwrap_or(0) as usize
}

#[tokio::test]
async fn contents_made_wrong_are_named() {
    let block = glb("cim2_building", true);
    let lamp = glb("cp_street_light", false);
    assert_eq!(told(&tileset(), &block).await, Vec::<&str>::new());
    assert_eq!(told(&tileset(), &lamp).await, Vec::<&str>::new());
    type Change = fn(&mut Json, &mut Vec<u8>);
    let cases: [(&[u8], &str, Change); 13] = [
        (&block, "IDENTIFIER_NOT_FOUND", |j, _| {
            j["meshes"][0]["primitives"][0]["extensions"]["EXT_mesh_features"]["featureIds"][0]["propertyTable"] =
                3.into();
        }),
        (&block, "IDENTIFIER_NOT_FOUND", |j, _| {
            j["meshes"][0]["primitives"][0]["attributes"].as_object_mut().unwrap().remove("_FEATURE_ID_0");
        }),
        (&block, "VALUE_NOT_IN_RANGE", |j, _| {
            j["meshes"][0]["primitives"][0]["extensions"]["EXT_mesh_features"]["featureIds"][0]["featureCount"] =
                2.into();
        }),
        (&block, "METADATA_INVALID_LENGTH", |j, _| {
            j["extensions"]["EXT_structural_metadata"]["propertyTables"][0]["count"] = 5.into();
        }),
        (&block, "METADATA_INVALID_OFFSETS", |j, b| b[view(j, "id", "stringOffsets") + 4] = 0),
        (&block, "METADATA_INVALID_ENCODING", |j, b| b[view(j, "id", "values")] = 0xFF),
        (&block, "IDENTIFIER_NOT_FOUND", |j, _| {
            j["extensions"]["EXT_structural_metadata"]["propertyTables"][0]["class"] = "other".into();
        }),
        (&block, "EXTENSION_FOUND_BUT_NOT_USED", |j, _| j["extensionsUsed"] = json!(["KHR_mesh_quantization"])),
        (&block, "BOUNDING_VOLUMES_INCONSISTENT", |j, _| j["nodes"][0]["translation"] = json!([900, 0, 0])),
        (&block, "HOUSE_NOTHING_DRAWN", |j, _| {
            let first = j["meshes"][0]["primitives"][0]["indices"].as_u64().unwrap() as usize;
            j["accessors"][first]["count"] = 3.into();
            j["meshes"][0]["primitives"] = json!([j["meshes"][0]["primitives"][0]]);
        }),
        (&lamp, "HOUSE_INSTANCES_VANISH", |j, _| {
            let n = j["nodes"].as_array().unwrap().iter().position(|n| n.get("extensions").is_some()).unwrap();
            let extensions = &mut j["nodes"][n]["extensions"];
            let at = extensions["EXT_mesh_gpu_instancing"]["attributes"]["TRANSLATION"].clone();
            // Metres of the places as factors: far larger than the model.
            extensions["EXT_mesh_gpu_instancing"]["attributes"]["SCALE"] = at;
        }),
        (&lamp, "VALUE_NOT_IN_RANGE", |j, _| {
            let n = j["nodes"].as_array().unwrap().iter().position(|n| n.get("extensions").is_some()).unwrap();
            j["nodes"][n]["extensions"]["EXT_instance_features"]["featureIds"][0]["featureCount"] = 1.into();
        }),
        (&lamp, "REQUIRED_VALUE_NOT_FOUND", |j, _| {
            let n = j["nodes"].as_array().unwrap().iter().position(|n| n.get("extensions").is_some()).unwrap();
            j["nodes"][n]["extensions"].as_object_mut().unwrap().remove("EXT_mesh_gpu_instancing");
        }),
    ];
    for (i, (glb, code, change)) in cases.into_iter().enumerate() {
        let found = told(&tileset(), &changed(glb, change)).await;
        assert!(found.contains(&code), "case {i}: {found:?} without {code}");
    }
    assert_eq!(told(&tileset(), &block[..block.len() - 4]).await, ["CONTENT_VALIDATION_ERROR"]);
}

#[tokio::test]
async fn trees_made_wrong_are_named() {
    let glb = glb("cim2_building", true);
    type Change = fn(&mut Json);
    let cases: [(&str, Change); 8] = [
        ("HOUSE_VOLUME_LEAVES_PARENT", |t| {
            t["root"]["children"][0]["boundingVolume"] = json!({ "box": [0, 0, 5, 200, 0, 0, 0, 200, 0, 0, 0, 200] });
        }),
        ("HOUSE_VOLUME_LEAVES_PARENT", |t| {
            t["root"]["children"][0]["transform"] = json!([1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 3, 0, 1]);
        }),
        ("TILE_GEOMETRIC_ERRORS_INCONSISTENT", |t| t["root"]["children"][0]["geometricError"] = 4.5.into()),
        ("HOUSE_LEAF_ERROR", |t| t["root"]["children"][0]["geometricError"] = 1.0.into()),
        ("IO_ERROR", |t| t["root"]["children"][0]["content"]["uri"] = "1.glb".into()),
        ("HOUSE_SHOWN_TWICE", |t| {
            let same = t["root"]["children"][0].clone();
            t["root"]["children"].as_array_mut().unwrap().push(same);
        }),
        ("HOUSE_SHOWN_TWICE", |t| t["root"]["content"] = json!({ "uri": "0.glb" })),
        ("HOUSE_EMPTY_TILE", |t| drop(t["root"]["children"][0].as_object_mut().unwrap().remove("content"))),
    ];
    for (i, (code, change)) in cases.into_iter().enumerate() {
        let mut tileset = tileset();
        change(&mut tileset);
        let found = told(&tileset, &glb).await;
        assert!(found.contains(&code), "case {i}: {found:?} without {code}");
    }
    // A tile that is replaced may hold what stands below it.
    let mut replaced = tileset();
    replaced["root"]["content"] = json!({ "uri": "0.glb" });
    replaced["root"]["refine"] = "REPLACE".into();
    assert_eq!(told(&replaced, &glb).await, Vec::<&str>::new());
}
