//! Canaries: every text of the made city says which layer, field and record it is of, every id too. Whatever is asked, by whom, in
//! whatever form it comes, no answer holds one that the asker may not see.

use super::city::{CATALOG, CORNER, SIZE, geometry, id_of, of_id, place, tile_at, window};
use super::common::Random;
use super::common::web::{Answer, ask};
use super::matrix::ids_in;
use super::roles::{Case, World};
use axum::http::Method;
use chengtu::layer::Layer;
use chengtu::mvt::decode::{Decoded, Geometry, decode};
use std::collections::BTreeSet;

/// What stands as `CNRY.layer.field.row;` in bytes.
fn canaries(bytes: &[u8]) -> Vec<(String, String, u64)> {
    let mut found = vec![];
    let mut rest = bytes;
    while let Some(at) = rest.windows(5).position(|w| w == b"CNRY.") {
        rest = &rest[at + 5..];
        let end = rest.iter().position(|b| *b == b';').unwrap_or(0);
        let text = String::from_utf8_lossy(&rest[..end]).to_string();
        if let [layer, field, row] = text.split('.').collect::<Vec<_>>()[..]
            && let Ok(row) = row.parse()
        {
            found.push((layer.to_string(), field.to_string(), row));
        }
    }
    found
}

/// Everything in an answer that its asker may not see.
fn leaks(role: &Case, at: &str, a: &Answer) -> Vec<String> {
    let mut leaks = vec![];
    let tiles = at.starts_with("/tiles") || at.starts_with("/3dtiles");
    for (layer, field, row) in canaries(&a.body) {
        let known = CATALOG.find(&layer).map(|ix| CATALOG.layer(ix));
        let seen = known.is_some_and(|l| {
            l.field(&field).is_some_and(|f| role.sees(l, row) && role.sees_field(l, &l.fields[f], tiles))
        });
        if !seen {
            leaks.push(format!("text {layer}.{field}.{row}"));
        }
    }
    let mut ids = BTreeSet::new();
    if at.contains(".mvt") {
        shapes(&decode(&a.body), at, &mut ids, &mut leaks);
    } else if a.header("content-type").contains("json") {
        ids_in(&a.json(), &mut ids);
    } else if at.contains(".glb") {
        let decoded = chengtu::scene::decode::decode(&a.body).unwrap_or_else(|e| panic!("{at}: {e}"));
        for cell in decoded.columns.get("id").into_iter().flatten() {
            if let chengtu::scene::decode::Cell::Number(n) = cell {
                ids.insert(*n as u64);
            }
        }
    }
    for id in ids {
        if of_id(id).is_some_and(|(l, row)| !role.sees(l, row)) {
            leaks.push(format!("record {id}"));
        }
    }
    leaks
}

/// Ids of a tile, each with a shape that lies in its own record's box.
fn shapes(tile: &Decoded, at: &str, ids: &mut BTreeSet<u64>, leaks: &mut Vec<String>) {
    let parts: Vec<&str> = at.trim_end_matches(".mvt").rsplit('/').collect();
    let [y, x, z] = [0, 1, 2].map(|i| parts[i].parse::<u32>().unwrap());
    let [west, south, east, north] = window(z as u8, x, y, 0.0);
    let unit = (east - west) / 4096.0;
    for f in tile.layers.iter().flat_map(|l| &l.features) {
        let Some((layer, row)) = f.id.and_then(of_id) else {
            leaks.push("a shape of nobody".into());
            continue;
        };
        ids.insert(id_of(layer, row));
        let own = geometry(layer, row).bbox();
        let slack = 3.0 * unit + SIZE / 10.0;
        let inside = |p: &[i32; 2]| {
            let lon = west + f64::from(p[0]) * unit;
            // Close enough to linear within a tile of these zooms.
            let lat = north - f64::from(p[1]) / 4096.0 * (north - south);
            lon >= own.min_x - slack
                && lon <= own.max_x + slack
                && lat >= own.min_y - 2.0 * slack
                && lat <= own.max_y + 2.0 * slack
        };
        let all: Vec<[i32; 2]> = match &f.geometry {
            Geometry::Unknown => vec![],
            Geometry::Points(p) => p.clone(),
            Geometry::Lines(l) => l.concat(),
            Geometry::Polygons(p) => p.concat().concat(),
        };
        if all.is_empty() || !all.iter().all(inside) {
            leaks.push(format!("{at}: {} has a shape elsewhere", id_of(layer, row)));
        }
    }
}

/// A question of somebody who is after more than they may see.
fn question(random: &mut Random, world: &World, role: &Case) -> String {
    let all: Vec<&Layer> = CATALOG.iter().map(|(_, l)| l.as_ref()).collect();
    let seen = role.layers();
    let some = |random: &mut Random| match random.below(8) {
        0 => all[random.below(all.len())],
        _ => seen[random.below(seen.len())],
    };
    let (layer, row) = (some(random), random.below(4) as u64);
    let id = &layer.id;
    let [lon, lat] = place(layer, row);
    let z = (layer.zoom.min + random.below(usize::from(layer.zoom.max - layer.zoom.min) + 1) as u8).clamp(10, 18);
    let (x, y) = tile_at([lon, lat], z);
    match random.below(12) {
        0..=2 => format!("/tiles/{id}/{z}/{x}/{y}.mvt"),
        3 => {
            let mut list: Vec<&str> =
                (0..1 + random.below(12)).map(|_| seen[random.below(seen.len())].id.as_str()).collect();
            list.sort_unstable();
            list.dedup();
            format!("/tiles/{}/{z}/{x}/{y}.mvt", list.join(","))
        }
        4 => format!("/collections/{id}/items?limit={}", 1 + random.below(9)),
        5 => format!("/collections/{id}/items/{}", id_of(layer, row)),
        6 => {
            let (e, n) = (random.part() * 0.06, random.part() * 0.05);
            let [w, s] = CORNER;
            format!("/collections/{id}/items?bbox={},{},{},{}", w - 0.01, s - 0.01, w + e, s + n)
        }
        7 => format!("/identify?lon={lon}&lat={lat}&radius_m={}&limit=1000", 1 + random.below(500)),
        8 => format!("/search?q={}&limit=50", ["cnry", "cnry.", ".0;", ".3;", "1;", &id[..2]][random.below(6)]),
        9 => format!("/search?q={id}.&limit=50&layers={id}"),
        10 => format!("/3dtiles/{}/{id}/{}.glb?compress=none", world.snapshot, random.below(3)),
        _ => match layer.fields.get(random.below(layer.fields.len())) {
            Some(f) => format!(
                "/collections/{id}/items?{}={}",
                f.name,
                super::city::canary(layer, &f.name, row).replace(';', "%3B")
            ),
            None => "/catalog".into(),
        },
    }
}

#[tokio::test]
async fn no_answer_holds_what_its_asker_may_not_see() {
    let world = World::new();
    let wanted = super::times(3000, 100_000);
    let (mut random, mut found, mut told, mut tried) = (Random(97), vec![], 0usize, 0usize);
    let (mut answers, mut texts) = (0, 0);
    while answers < wanted && tried < 3 * wanted {
        tried += 1;
        let role = &world.roles[random.below(world.roles.len())];
        let at = question(&mut random, &world, role);
        let a = ask(&world.router, Method::GET, &at, &role.headers()).await;
        assert!(a.status < 500, "{at}: {} {}", a.status, String::from_utf8_lossy(&a.body));
        let here = leaks(role, &at, &a);
        told += usize::from(a.status == 200);
        answers += usize::from(a.status == 200);
        texts += canaries(&a.body).len();
        found.extend(here.into_iter().map(|l| format!("{} {at}: {l}", role.name)));
    }
    found.truncate(20);
    assert!(found.is_empty(), "{}", found.join("\n"));
    assert!(texts > told, "the canaries that may be seen are seen: {texts} in {told} answers");
    println!(
        "torture: canaries: {answers} decoded answers of {tried} questions, {texts} canaries where they belong, 0 elsewhere"
    );
}

/// The test sees: what one role gets is a leak to another.
#[tokio::test]
async fn a_leak_would_be_seen() {
    let world = World::new();
    let by = |name: &str| world.roles.iter().find(|r| r.name == name).unwrap();
    let mut seen = 0;
    for layer in by("personal").layers() {
        let (x, y) = tile_at(place(layer, 0), layer.zoom.max);
        for at in [
            format!("/collections/{}/items", layer.id),
            format!("/tiles/{}/{}/{x}/{y}.mvt", layer.id, layer.zoom.max),
            format!("/search?q=cnry&layers={}", layer.id),
        ] {
            let a = ask(&world.router, Method::GET, &at, &by("personal").headers()).await;
            if a.status == 200 && a.body.windows(5).any(|w| w == b"CNRY.") {
                assert!(leaks(by("personal"), &at, &a).is_empty(), "{at}");
                seen += usize::from(!leaks(by("public"), &at, &a).is_empty());
            }
        }
    }
    assert!(seen > 100, "{seen}");
}
