//! Every role × every layer × every route. The routes are read from the router's own table: one that has no row here fails.

use super::city::{CATALOG, MIDDLE, canary, id_of, of_id, place, tile_at};
use super::common::web::{Answer, ask, send};
use super::roles::{Case, World, district, owned};
use axum::http::Method;
use chengtu::layer::{Layer, Serve};
use serde_json::Value;
use std::collections::BTreeSet;

/// What a route answers.
enum Row {
    /// Of one layer: addresses in which `LAYER` stands for its id.
    Layer(&'static [&'static str]),
    /// Of all layers at once.
    All(&'static str),
    /// The same for everybody.
    Same(&'static [&'static str]),
}

fn row(route: &str) -> Row {
    match route {
        "/tiles/{layers_json}" => Row::Layer(&["/tiles/LAYER.json"]),
        "/tiles/{tms}/{layers_json}" => Row::Layer(&["/tiles/CGCS2000Quad/LAYER.json"]),
        "/tiles/{layers}/{z}/{x}/{y_mvt}" => Row::Layer(&["/tiles/LAYER/TILE.mvt"]),
        "/tiles/{tms}/{layers}/{z}/{x}/{y_mvt}" => Row::Layer(&["/tiles/WebMercatorQuad/LAYER/TILE.mvt"]),
        "/3dtiles/{layers}/tileset.json" => Row::Layer(&["/3dtiles/LAYER/tileset.json"]),
        "/3dtiles/{snapshot}/{layer}/{file}" => {
            Row::Layer(&["/3dtiles/SNAPSHOT/LAYER/0.json", "/3dtiles/SNAPSHOT/LAYER/0.glb?compress=none"])
        }
        "/3dtiles/{snapshot}/{layer}/{number}/{*path}" => Row::Layer(&["/3dtiles/SNAPSHOT/LAYER/0/a/b.json"]),
        "/collections/{layer}" => Row::Layer(&["/collections/LAYER"]),
        "/collections/{layer}/items" => Row::Layer(&["/collections/LAYER/items?limit=100"]),
        "/collections/{layer}/items/{id}" => Row::Layer(&["/collections/LAYER/items/FIRST"]),
        "/identify" => Row::Layer(&["/identify?lon=LON&lat=LAT&radius_m=30&limit=1000&layers=LAYER"]),
        "/search" => Row::Layer(&["/search?q=cnry&limit=50&layers=LAYER"]),
        "/catalog" | "/collections" | "/styles/{id_json}" | "/owner/bodies" => Row::All(match route {
            "/catalog" => "/catalog",
            "/collections" => "/collections",
            "/owner/bodies" => "/owner/bodies",
            _ => "/styles/standard.json",
        }),
        "/owner" => Row::All("/owner?lon=114.3&lat=34.8"),
        "/" => Row::Same(&["/"]),
        "/web/{*file}" => Row::Same(&["/web/nothing.js"]),
        "/health" => Row::Same(&["/health"]),
        "/ready" => Row::Same(&["/ready"]),
        // Counts of routes: the same page for all, which names no layer.
        "/metrics" => Row::All("/metrics"),
        "/conformance" => Row::Same(&["/conformance"]),
        "/api" => Row::Same(&["/api"]),
        "/owner/classes" => Row::Same(&["/owner/classes"]),
        "/tileMatrixSets" => Row::Same(&["/tileMatrixSets"]),
        "/tileMatrixSets/{tms}" => Row::Same(&["/tileMatrixSets/CGCS2000Quad"]),
        "/styles" => Row::Same(&["/styles"]),
        "/sprites/{file}" => Row::Same(&["/sprites/standard.json"]),
        "/fonts/{stack}/{range_pbf}" => Row::Same(&["/fonts/None/0-255.pbf"]),
        other => panic!("{other} has no row in the access matrix: say who sees what of it"),
    }
}

/// As `serve/router` lists them.
fn routes() -> Vec<String> {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/serve/router.rs")).unwrap();
    let found: Vec<String> =
        text.split(".route(\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_string()).collect();
    assert!(found.len() > 20, "the table of routes is not where it was");
    found
}

/// The address of a layer's answer.
fn address(template: &str, world: &World, layer: &Layer, id: &str) -> String {
    let z = layer.zoom.full.max(12).min(layer.zoom.max);
    let [lon, lat] = place(layer, 0);
    let (x, y) = tile_at([lon, lat], z);
    template
        .replace("LAYER", id)
        .replace("TILE", &format!("{z}/{x}/{y}"))
        .replace("SNAPSHOT", &world.snapshot)
        .replace("FIRST", &id_of(layer, 0).to_string())
        .replace("LON", &lon.to_string())
        .replace("LAT", &lat.to_string())
}

/// An answer without what differs between any two requests, and with `LAYER` for the id.
fn bare(a: &Answer, id: &str) -> (u16, Vec<(String, String)>, String) {
    let headers = a.headers.iter().filter(|(n, _)| *n != "x-request-id" && *n != "content-length");
    let mut headers: Vec<_> = headers.map(|(n, v)| (n.to_string(), v.to_str().unwrap().to_string())).collect();
    headers.sort();
    let request = a.header("x-request-id").to_string();
    let text = String::from_utf8_lossy(&a.body).replace(&request, "REQUEST").replace(id, "LAYER");
    (a.status, headers, text)
}

/// Ids of records that stand in an answer of any kind.
pub fn ids_in(value: &Value, out: &mut BTreeSet<u64>) {
    match value {
        Value::Array(all) => all.iter().for_each(|v| ids_in(v, out)),
        Value::Object(all) => all.iter().for_each(|(k, v)| {
            if k == "id" || k == "feature_id" {
                out.extend(v.as_u64());
            }
            ids_in(v, out);
        }),
        _ => {}
    }
}

/// What a layer's visible answer must hold beyond being there.
fn told(template: &str, role: &Case, layer: &Layer, a: &Answer) -> Result<(), String> {
    let fail = |what: String| Err(format!("{what}: {} {}", a.status, String::from_utf8_lossy(&a.body)));
    let rows: BTreeSet<u64> = role.rows(layer).iter().map(|r| id_of(layer, *r)).collect();
    let code = if a.status < 400 { String::new() } else { a.problem().1 };
    let absent = match template {
        t if t.starts_with("/tiles") && !layer.serves(Serve::Mvt) => "layer-not-tiled",
        t if t.contains("/0/a/b.json") => "not-found",
        t if t.starts_with("/3dtiles") && !layer.serves(Serve::Tiles3d) => "layer-not-in-3d",
        t if t.contains("/items/FIRST") && !role.sees(layer, 0) => "item-not-found",
        _ => "",
    };
    if !absent.is_empty() {
        return if code == absent { Ok(()) } else { fail(format!("not {absent}")) };
    }
    if a.status >= 400 {
        // A layer in 3D of which nothing can be drawn.
        let may = template.starts_with("/3dtiles") && ["not-found", "layer-not-in-3d"].contains(&code.as_str());
        return if may { Ok(()) } else { fail("refused".into()) };
    }
    let mut ids = BTreeSet::new();
    if template.ends_with(".mvt") {
        let tile = chengtu::mvt::decode::decode(&a.body);
        let names: Vec<&str> = tile.layers.iter().map(|l| l.name.as_str()).collect();
        let own = |n: &&str| *n == layer.id || layer.label_layer().is_some_and(|l| l == *n);
        if !names.iter().all(own) {
            return fail(format!("holds {names:?}"));
        }
        ids.extend(tile.layers.iter().flat_map(|l| &l.features).filter_map(|f| f.id));
        if role.sees(layer, 0) != ids.contains(&id_of(layer, 0)) {
            return fail(format!("record 0 of {ids:?}"));
        }
    } else if template.ends_with(".json") && template.starts_with("/tiles") {
        let said = &a.json()["vector_layers"][0]["fields"];
        let said: BTreeSet<&str> = said.as_object().unwrap().keys().map(String::as_str).collect();
        let narrowed = rows.len() < super::city::ROWS as usize;
        let fields = layer.fields.iter().filter(|f| role.sees_field(layer, f, true) && layer.in_any_tile(f));
        let mut want: BTreeSet<&str> = fields.map(|f| f.name.as_str()).collect();
        want.extend((layer.thin.count && !narrowed).then_some("_count"));
        return if said == want { Ok(()) } else { fail(format!("fields {said:?}, not {want:?}")) };
    } else if a.header("content-type").contains("json") {
        ids_in(&a.json(), &mut ids);
    }
    if let Some(alien) = ids.iter().find(|id| of_id(**id).is_some() && !rows.contains(id)) {
        return fail(format!("record {alien}"));
    }
    if template.contains("/items?") {
        let v = a.json();
        if v["numberMatched"].as_u64() != Some(rows.len() as u64) || !rows.is_subset(&ids) {
            return fail(format!("not {rows:?}"));
        }
        for f in v["features"].as_array().unwrap() {
            let said: BTreeSet<&String> = f["properties"].as_object().unwrap().keys().collect();
            let want = layer.fields.iter().filter(|f| role.sees_field(layer, f, false)).map(|f| &f.name).collect();
            if said != want {
                return fail(format!("fields {said:?}, not {want:?}"));
            }
        }
    }
    if template.starts_with("/identify") && ids.contains(&id_of(layer, 0)) != role.sees(layer, 0) {
        return fail("record 0".into());
    }
    if template.starts_with("/search") {
        let found = a.json()["results"].as_array().unwrap().len();
        let open = layer.searchable().filter(|(i, _)| role.sees_field(layer, &layer.fields[*i], false)).count();
        if found == 0 && open > 0 && !rows.is_empty() {
            return fail(format!("{open} fields can be searched"));
        }
    }
    Ok(())
}

/// What an answer of all layers must say.
fn told_all(address: &str, role: &Case, a: &Answer) -> Result<(), String> {
    let want: BTreeSet<&str> = role.layers().iter().map(|l| l.id.as_str()).collect();
    let of = |v: &Value, key: &str| -> BTreeSet<String> {
        v.as_array().into_iter().flatten().filter_map(|l| l[key].as_str().map(String::from)).collect()
    };
    let body = String::from_utf8_lossy(&a.body).to_string();
    if a.status != 200 {
        return Err(format!("{} {body}", a.status));
    }
    let said: BTreeSet<String> = match address {
        "/catalog" => of(&a.json()["layers"], "id"),
        "/collections" => of(&a.json()["collections"], "id"),
        "/styles/standard.json" => of(&a.json()["layers"], "source-layer"),
        _ => BTreeSet::new(),
    };
    let exact = address == "/catalog" || address == "/collections";
    if exact && !said.iter().map(String::as_str).eq(want.iter().copied()) {
        return Err(format!("layers {said:?}, not {want:?}"));
    }
    // Whatever it is, no hidden layer is named in it.
    for (_, layer) in CATALOG.iter().filter(|(_, l)| !want.contains(l.id.as_str())) {
        let named = |c: Option<char>| !c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
        for (at, _) in body.match_indices(&layer.id) {
            let (before, after) = (body[..at].chars().next_back(), body[at + layer.id.len()..].chars().next());
            if named(before) && named(after) && address != "/styles/standard.json" {
                return Err(format!("names {}", layer.id));
            }
        }
        if said.contains(&layer.id) {
            return Err(format!("draws {}", layer.id));
        }
    }
    if address == "/catalog" {
        for l in a.json()["layers"].as_array().unwrap() {
            let layer = CATALOG.layer(CATALOG.find(l["id"].as_str().unwrap()).unwrap());
            let fields = layer.fields.iter().filter(|f| role.sees_field(layer, f, false));
            if of(&l["fields"], "name") != fields.map(|f| f.name.clone()).collect() {
                return Err(format!("fields of {}", layer.id));
            }
            if l["count"].as_u64() != Some(role.rows(layer).len() as u64) {
                return Err(format!("count of {}: {}", layer.id, l["count"]));
            }
        }
    }
    Ok(())
}

/// All that these roles are told on all routes: how many cells, and what is wrong with them.
pub async fn judged(world: &World, is_asked: impl Fn(&Case) -> bool) -> (usize, Vec<String>) {
    let (mut cells, mut wrong) = (0, vec![]);
    let routes = routes();
    for role in world.roles.iter().filter(|r| is_asked(r)) {
        for route in &routes {
            match row(route) {
                Row::Layer(templates) => {
                    for (layer, template) in CATALOG.iter().flat_map(|(_, l)| templates.iter().map(move |t| (l, *t))) {
                        cells += 1;
                        let at = address(template, world, layer, &layer.id);
                        let a = ask(&world.router, Method::GET, &at, &role.headers()).await;
                        let verdict = match (role.layer)(layer) {
                            true => told(template, role, layer, &a),
                            false => {
                                let unknown = "z".repeat(layer.id.len());
                                let at = address(template, world, layer, &unknown);
                                let b = ask(&world.router, Method::GET, &at, &role.headers()).await;
                                let (a, b) = (bare(&a, &layer.id), bare(&b, &unknown));
                                if a == b && a.0 == 404 { Ok(()) } else { Err(format!("{a:?} and {b:?}")) }
                            }
                        };
                        wrong.extend(verdict.err().map(|e| format!("{} {at}: {e}", role.name)));
                    }
                }
                Row::All(at) => {
                    cells += CATALOG.len();
                    let a = ask(&world.router, Method::GET, at, &role.headers()).await;
                    wrong.extend(told_all(at, role, &a).err().map(|e| format!("{} {at}: {e}", role.name)));
                }
                Row::Same(all) => {
                    for at in all {
                        cells += 1;
                        let own = ask(&world.router, Method::GET, at, &role.headers()).await;
                        let public = ask(&world.router, Method::GET, at, &[]).await;
                        let same = own.status == public.status
                            && (own.status >= 400 || own.body == public.body || *at == "/ready");
                        wrong.extend((!same).then(|| format!("{} {at}", role.name)));
                    }
                }
            }
        }
    }
    (cells, wrong)
}

#[tokio::test]
async fn every_role_sees_of_every_layer_on_every_route_what_it_may() {
    let world = World::new();
    let (cells, mut wrong) = judged(&world, |_| true).await;
    wrong.truncate(20);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!(
        "torture: access matrix: {} roles, {} layers, {} routes: {cells} cells right",
        world.roles.len(),
        CATALOG.len(),
        routes().len()
    );
    // The batch of lookups has the gate of the single one.
    let body = format!(
        "[{{\"lon\":114.3,\"lat\":34.8,\"component\":{:?}}}]",
        canary(CATALOG.iter().next().unwrap().1, "x", 1)
    );
    let a = send(
        &world.router,
        Method::POST,
        "/owner",
        &[("content-type", "application/json"), ("x-api-key", "none")],
        body,
    )
    .await;
    assert_eq!(a.problem(), (401, "token-invalid".into()));
}

/// Bugs in the gate of rows, each as what it would do: the matrix sees every one of them.
#[tokio::test]
async fn bugs_planted_in_the_gate_of_rows_are_seen() {
    let mut world = World::new();
    let (first, last) = (owned()[0], *owned().last().unwrap());
    let value = |row: u64| format!("{:?}", canary(first, "owner_org_code", row));
    // The rules of one role about rows, cut out.
    let without = |text: &str, role: &str, of: Option<&str>| -> String {
        let mut parts = text.split("[[roles.");
        let head = parts.next().unwrap().to_string();
        let gone = |part: &&str| {
            part.starts_with(&format!("{role}.rows]]"))
                && of.is_none_or(|l| part.contains(&format!("layers = [{l:?}]")))
        };
        let kept = |part: &str| {
            // What follows the rule's own lines stays.
            let rest = part.split_once("\n[").map_or(String::new(), |(_, rest)| format!("[{rest}"));
            if gone(&part) { rest } else { format!("[[roles.{part}") }
        };
        head + &parts.map(kept).collect::<String>()
    };
    type Plant<'a> = (&'a str, &'a str, Box<dyn Fn(&str) -> String + 'a>);
    let east = |dir: &str| dir.replace(&format!("{MIDDLE}"), "114.0000001");
    let west = world.area();
    let plants: Vec<Plant<'_>> = vec![
        (
            "a row more in one layer",
            "company",
            Box::new(|t| t.replacen(&value(2), &format!("{}, {}", value(2), value(1)), 1)),
        ),
        ("a row less in one layer", "company", Box::new(|t| t.replacen(&format!(", {}", value(2)), "", 1))),
        ("the rule of one layer is not asked", "company", Box::new(|t| without(t, "company", Some(&last.id)))),
        (
            "another field is compared",
            "company",
            Box::new(|t| t.replacen("field = \"owner_org_code\"", "field = \"owner_org_name\"", 1)),
        ),
        ("no rule of the role is asked", "west", Box::new(|t| without(t, "west", None))),
        (
            "the area is none of it",
            "west",
            Box::new(|t| {
                std::fs::write(&west, east(&std::fs::read_to_string(&west).unwrap())).unwrap();
                format!("{t}\n")
            }),
        ),
        ("the area of units is all of them", "unit", Box::new(|t| without(t, "unit", None))),
        (
            "another unit",
            "unit",
            Box::new(|t| {
                t.replace(
                    &format!("values = [{:?}] }}", canary(district(), "code", 0)),
                    &format!("values = [{:?}] }}", canary(district(), "code", 1)),
                )
            }),
        ),
    ];
    let mut seen = 0;
    for (what, role, plant) in &plants {
        world.planted(plant);
        let (_, wrong) = judged(&world, |r| r.name == *role).await;
        assert!(!wrong.is_empty(), "{what}: not seen");
        seen += 1;
    }
    println!("torture: bugs planted in the gate of rows: {seen} of {} seen by the matrix", plants.len());
}
