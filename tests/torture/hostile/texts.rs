//! Texts that are traps: bombs, depths, numbers that are none, encodings that are others, references to elsewhere.

use super::seeds;
use super::{Case, Expect};

const PLACES: &str = "layer = \"places\"\nrows = 40";
const LENIENT: &str = "layer = \"places\"\nrows = 40\nmax_rejects = 5";
const HOUSES: &str =
    "layer = \"houses\"\nkey = \"id\"\nfields = { code = \"id\", height_m = \"height\" }\nvertical = \"1985\"";

pub fn all(canary: &str) -> Vec<Case> {
    [xml(canary), json(canary), renamed(), numbers(), encodings()].concat()
}

fn xml(canary: &str) -> Vec<Case> {
    let (gml, city) = (seeds::gml(), seeds::citygml());
    let laughs: String =
        (1..12).map(|i| format!("<!ENTITY l{i} \"{}\">", format!("&l{};", i - 1).repeat(10))).collect();
    let laughs = format!("?><!DOCTYPE lolz [<!ENTITY l0 \"lol\">{laughs}]>");
    let outside = format!("?><!DOCTYPE x [<!ENTITY e SYSTEM \"http://{canary}/e\">]>");
    let file = "?><!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>";
    let mut all = vec![];
    for (name, text, lines) in [("a.gml", &gml, PLACES), ("a.city.gml", &city, HOUSES)] {
        let mut add = |what: &str, text: String, expect: Expect| {
            all.push(Case::new(format!("{name}: {what}"), name, text, lines, expect));
        };
        let refuse = || Expect::Refuse(&["malformed"]);
        let inner = |declared: &str, entity: &str| {
            text.replacen("?>", declared, 1).replacen("b0\"", &format!("b0{entity}\""), 1)
        };
        add("a billion laughs", inner(&laughs, "&l11;"), refuse());
        add("an entity from the network", inner(&outside, "&e;"), refuse());
        add("an entity from a file", inner(file, "&e;"), refuse());
        add(
            "elements 20 000 deep",
            text.replacen("<gml:", &format!("{}<gml:", "<x>".repeat(20_000)), 1),
            Expect::Refuse(&[]),
        );
        let deep = format!("{}{}", "<x>".repeat(20_000), "</x>".repeat(20_000));
        let last = text.rfind("</").unwrap();
        add("a closed branch 20 000 deep", format!("{}{deep}{}", &text[..last], &text[last..]), Expect::Refuse(&[]));
        add("no end tag", text[..last].to_string(), Expect::Refuse(&["incomplete", "malformed"]));
        add("text after the root", format!("{text}<more/>"), Expect::Refuse(&[]));
        add(
            "a zero in the text",
            text.replacen("urn:", "ur\0n:", 1).replacen("citygml/2.0", "citygml/\0", 1),
            Expect::Refuse(&[]),
        );
        add("an undeclared entity", text.replacen("</", "&nothing;</", 1), Expect::Refuse(&[]));
    }
    let schema = format!(
        "xmlns:p=\"urn:p\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:schemaLocation=\"urn:p http://{canary}/p.xsd\""
    );
    let far = gml.replacen("xmlns:p=\"urn:p\"", &schema, 1);
    all.push(Case::new("a.gml: a schema on the network", "a.gml", far, PLACES, Expect::Accept(seeds::POINTS)));
    let xlink = gml.replacen(
        "<p:name>",
        &format!(
            "<p:far xmlns:xlink=\"http://www.w3.org/1999/xlink\" xlink:href=\"http://{canary}/far.gml#x\"/><p:name>"
        ),
        1,
    );
    all.push(Case::new("a.gml: a link to the network", "a.gml", xlink, PLACES, Expect::Accept(seeds::POINTS)));
    let vrt = format!(
        "<?xml version=\"1.0\"?><!-- {} --><OGRVRTDataSource><OGRVRTLayer name=\"x\"><SrcDataSource>/etc/passwd</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>",
        "x".repeat(5000)
    );
    all.push(Case::new("a.gml: a VRT after a long comment", "a.gml", vrt, PLACES, Expect::Refuse(&[])));
    all
}

fn json(canary: &str) -> Vec<Case> {
    let (geojson, city) = (seeds::geojson(), seeds::cityjson());
    let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    let mut all = vec![];
    for (name, text, lines) in [("a.geojson", &geojson, PLACES), ("a.city.json", &city, HOUSES)] {
        let mut add = |what: &str, text: String, codes: &'static [&'static str]| {
            all.push(Case::new(format!("{name}: {what}"), name, text, lines, Expect::Refuse(codes)));
        };
        add("20 000 deep", text.replacen("\"type\"", &format!("\"deep\":{},\"type\"", deep(20_000)), 1), &[]);
        add(
            "20 000 deep and open",
            text.replacen("\"type\"", &format!("\"deep\":{},\"type\"", "[".repeat(20_000)), 1),
            &[],
        );
        add(
            "20 000 objects deep",
            text.replacen(
                "\"type\"",
                &format!("\"deep\":{}1{},\"type\"", "{\"a\":".repeat(20_000), "}".repeat(20_000)),
                1,
            ),
            &[],
        );
        add("twice", text.repeat(2), &[]);
        add("a comment", text.replacen('{', "{/* */", 1), &[]);
        add("an array", format!("[{text}]"), &[]);
        add(
            "half of a surrogate",
            text.replacen("\"type\"", "\"x\":\"\\ud800\",\"type\"", 1)
                .replacen("place 0", "\\ud800", 1)
                .replacen("homes", "\\ud800", 1),
            &[],
        );
        add("nothing at all", String::new(), &["not-this-format"]);
    }
    for (name, text, lines) in [("a.geojson", &geojson, PLACES), ("a.city.json", &city, HOUSES)] {
        let mut bytes = text.clone().into_bytes();
        let at = text.find("place 0").or_else(|| text.find("homes")).unwrap();
        bytes[at] = 0xc3;
        all.push(Case::new(
            format!("{name}: a byte that is no UTF-8"),
            name,
            bytes,
            lines,
            Expect::Refuse(&["broken-text"]),
        ));
    }
    let link = format!("\"crs\":{{\"type\":\"link\",\"properties\":{{\"href\":\"http://{canary}/crs\"}}}},");
    for (what, from) in [("a collection's", "\"features\""), ("a geometry's", "\"coordinates\"")] {
        let text = geojson.replacen(from, &format!("{link}{from}"), 1);
        let expect = Expect::Refuse(&["external-reference"]);
        all.push(Case::new(format!("a.geojson: {what} CRS on the network"), "a.geojson", text, PLACES, expect));
    }
    let point = "{\"type\":\"Point\",\"coordinates\":[114.300000,34.800000]}";
    for (what, with, expect) in [
        ("NaN", point.replace("114.300000", "NaN"), Expect::Refuse(&["malformed"])),
        ("a number beyond all", point.replace("114.300000", "1e999"), Expect::Report(seeds::POINTS, "not-finite")),
        ("a place off the earth", point.replace("114.300000", "1143.0"), Expect::Report(seeds::POINTS, "outside-crs")),
        ("no geometry", "null".into(), Expect::Report(seeds::POINTS, "null-geometry")),
        (
            "an empty point",
            point.replace("[114.300000,34.800000]", "[]"),
            Expect::Report(seeds::POINTS, "null-geometry"),
        ),
        ("a geometry nobody knows", point.replace("Point", "Hyperbola"), Expect::Whole(seeds::POINTS)),
        (
            "a million digits",
            point.replace("114.300000", &format!("114.{}", "3".repeat(1_000_000))),
            Expect::Whole(seeds::POINTS),
        ),
        ("a text as a number", point.replace("114.300000", "\"114.3\""), Expect::Whole(seeds::POINTS)),
    ] {
        all.push(Case::new(
            format!("a.geojson: {what}"),
            "a.geojson",
            geojson.replacen(point, &with, 1),
            LENIENT,
            expect,
        ));
    }
    type Change = (&'static str, &'static str, &'static str, &'static [&'static str]);
    let changes: [Change; 8] = [
        ("a vertex that is not there", "[[0, 2, 3, 1]]", "[[0, 2, 3, 9999999]]", &["too-many-rejects"]),
        ("a vertex before the first", "[[0, 2, 3, 1]]", "[[0, 2, 3, -1]]", &[]),
        ("a version nobody knows", "\"2.0\"", "\"9.0\"", &["unknown-version"]),
        ("a scale of nothing", "\"scale\":[1,1,1]", "\"scale\":[0,0,0]", &[]),
        ("a scale beyond all", "\"scale\":[1,1,1]", "\"scale\":[1e308,1e308,1e308]", &[]),
        ("a transform of text", "\"scale\":[1,1,1]", "\"scale\":\"one\"", &[]),
        ("no vertices", "\"vertices\":[", "\"vertixes\":[", &[]),
        ("another format's type", "\"CityJSON\"", "\"FeatureCollection\"", &[]),
    ];
    for (what, from, to, codes) in changes {
        all.push(Case::new(
            format!("a.city.json: {what}"),
            "a.city.json",
            city.replacen(from, to, 1),
            HOUSES,
            Expect::Refuse(codes),
        ));
    }
    all
}

/// Names with a letter astray, none of them counted by a container: what is missing must be told.
fn renamed() -> Vec<Case> {
    let (gml, dxf, json, city) = (seeds::gml(), seeds::dxf(), seeds::cityjson(), seeds::citygml());
    let (places, plane) = ("layer = \"places\"", "layer = \"places\"\ncrs = \"EPSG:4547\"");
    let geojson = seeds::geojson();
    let changes = [
        ("a.geojson", geojson.replace("\"features\"", "\"geatures\""), places),
        ("a.geojson", geojson.replace("FeatureCollection", "FeatureCollectiom"), places),
        ("a.gml", gml.replace("gml:pos>", "gml:qos>"), places),
        ("a.gml", gml.replace("opengis.net/gml", "opengis.net/gnl"), places),
        ("a.dxf", dxf.replace("ENTITIES", "ENTITIEZ"), plane),
        ("a.dxf", dxf.replacen("0\nPOINT", "0\nENDSEC\n0\nPOINT", 1), plane),
        ("a.dxf", dxf.replacen("0\nPOINT", "0\nEOF\n0\nPOINT", 1), plane),
        ("a.dxf", dxf.replace("POINT", "POINX"), plane),
        ("a.dxf", dxf.replacen("\n10\n", "\nten\n", 1), plane),
        ("a.city.json", json.replace("CityObjects", "CityObjeats"), HOUSES),
        ("a.city.json", json.replace(",\n\"CityObjects", "x\n\"CityObjects"), HOUSES),
        ("a.city.gml", city.replace("cityObjectMember", "cityObjectNember"), HOUSES),
        ("a.city.gml", city.replace("lod1Solid", "lod1Tolid"), HOUSES),
    ];
    let case = |(i, (name, text, lines)): (usize, (&str, String, &str))| {
        Case::new(format!("{name}: a name astray, {i}"), name, text, lines, Expect::Refuse(&[]))
    };
    let all = changes.into_iter().enumerate().map(case);
    // One of many: the others are there, and so is a word about it.
    let one = [
        (
            "a.gml",
            gml.replacen("featureMember", "featureNember", 1).replacen("/gml:featureMember", "/gml:featureNember", 1),
            "layer = \"places\"\nmax_rejects = 5".to_string(),
        ),
        ("a.dxf", dxf.replacen("0\nPOINT", "0\nPOINX", 1), format!("{plane}\nmax_rejects = 5")),
    ];
    let one = one.into_iter().map(|(name, text, lines)| {
        let expect = Expect::Report(seeds::POINTS, "unknown-element");
        Case::new(format!("{name}: one name of many astray"), name, text, &lines, expect)
    });
    all.chain(one).collect()
}

fn numbers() -> Vec<Case> {
    let mut all = vec![];
    for (what, value) in [("NaN", f64::NAN), ("infinity", f64::INFINITY), ("1e308", 1e308), ("-1e308", -1e308)] {
        let mut points: Vec<[f64; 2]> = (0..seeds::POINTS).map(|i| [527_000.0 + i as f64, 3_852_000.0]).collect();
        points[7][0] = value;
        let seed = seeds::shapefile_of(&points);
        let code = if value.is_finite() { "outside-crs" } else { "not-finite" };
        let lines = format!("path = \"a.shp\"\n{}\nmax_rejects = 5", seed.lines);
        let (name, expect) = (format!("a.shp: an easting of {what}"), Expect::Report(seeds::POINTS, code));
        all.push(Case { name: name.clone(), files: seed.files.clone(), lines, expect, links: vec![] });
        let lines = format!("path = \"a.shp\"\n{}", seed.lines);
        let expect = Expect::Refuse(&["too-many-rejects"]);
        all.push(Case { name: format!("{name}, none allowed"), files: seed.files, lines, expect, links: vec![] });
    }
    let lenient = format!("{}\nmax_rejects = 5", seeds::CSV_LINES);
    for (value, code) in [
        ("NaN", "not-finite"),
        ("inf", "not-finite"),
        ("-inf", "not-finite"),
        ("1e999", "not-finite"),
        ("", "null-geometry"),
        ("0x10", "bad-coordinate"),
        ("114.3.1", "bad-coordinate"),
        ("１１４．３x", "bad-coordinate"),
        ("114,3", "bad-coordinate"),
        ("--1", "bad-coordinate"),
        ("1e", "bad-coordinate"),
    ] {
        let text = seeds::csv().replacen("114.300000", &format!("\"{value}\""), 1);
        let expect = Expect::Report(seeds::POINTS, code);
        all.push(Case::new(format!("a.csv: an x of {value:?}"), "a.csv", text, &lenient, expect));
    }
    all
}

fn encodings() -> Vec<Case> {
    let csv = seeds::csv().replace("place", "井盖");
    let gbk = encoding_rs::GB18030.encode(&csv).0.into_owned();
    let utf16: Vec<u8> = [0xfeffu16].into_iter().chain(csv.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let said = |encoding: &str| format!("{}\nencoding = \"{encoding}\"", seeds::CSV_LINES);
    let none =
        [csv.as_bytes()[..60].to_vec(), vec![0x81, 0x20, 0xff, 0xfe, 0x80], csv.as_bytes()[60..].to_vec()].concat();
    let quoted = csv.replacen("井盖 3", "\"井盖 3", 1);
    let case = |name: &str, bytes: Vec<u8>, lines: &str, expect| {
        Case::new(format!("a.csv: {name}"), "a.csv", bytes, lines, expect)
    };
    vec![
        case("GBK", gbk.clone(), seeds::CSV_LINES, Expect::Accept(seeds::POINTS)),
        case("GBK that is said to be UTF-8", gbk.clone(), &said("UTF-8"), Expect::Refuse(&["too-many-rejects"])),
        case(
            "UTF-8 with its mark",
            [b"\xef\xbb\xbf".to_vec(), csv.clone().into_bytes()].concat(),
            seeds::CSV_LINES,
            Expect::Accept(seeds::POINTS),
        ),
        case("UTF-16 with its mark", utf16, seeds::CSV_LINES, Expect::Accept(seeds::POINTS)),
        case("an encoding nobody knows", gbk, &said("EBCDIC-CN"), Expect::Refuse(&[])),
        case("bytes of no encoding", none, seeds::CSV_LINES, Expect::Refuse(&[])),
        case("a quote that is not closed", quoted.into_bytes(), seeds::CSV_LINES, Expect::Refuse(&[])),
        case(
            "zeros among the rows",
            csv.replacen("井盖 3", "井\0盖", 1).into_bytes(),
            seeds::CSV_LINES,
            Expect::Refuse(&[]),
        ),
        case(
            "a row too many",
            csv.replacen("END", "114.3,34.8,x\nEND", 1).into_bytes(),
            seeds::CSV_LINES,
            Expect::Refuse(&["incomplete"]),
        ),
        case(
            "a row too few",
            csv.replacen("114.300100,34.800000,井盖 1\n", "", 1).into_bytes(),
            seeds::CSV_LINES,
            Expect::Refuse(&["incomplete"]),
        ),
        case(
            "rows of other widths",
            csv.replacen("井盖 3", "井盖 3,4,5", 1).into_bytes(),
            seeds::CSV_LINES,
            Expect::Refuse(&[]),
        ),
        case(
            "no end marker",
            csv.replacen("END\n", "", 1).into_bytes(),
            seeds::CSV_LINES,
            Expect::Refuse(&["incomplete"]),
        ),
        case(
            "a million columns",
            format!("x,y,name{}\n114.3,34.8,a\nEND\n", ",c".repeat(1_000_000)).into_bytes(),
            seeds::CSV_LINES,
            Expect::Refuse(&[]),
        ),
        case(
            "a field of 40 MB",
            csv.replacen("井盖 3", &"x".repeat(40 << 20), 1).into_bytes(),
            seeds::CSV_LINES,
            Expect::Refuse(&[]),
        ),
    ]
}
