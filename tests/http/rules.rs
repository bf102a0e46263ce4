//! Every rule of the HTTP surface, table by table, against the router in process.

use super::*;
use city::{built, path};
use serde_json::json;
use std::io::Read;

fn layer_names(tile: &[u8]) -> Vec<String> {
    chengtu::mvt::decode::decode(tile).layers.iter().map(|l| l.name.clone()).collect()
}

fn unpacked(a: &Answer) -> Vec<u8> {
    let mut out = vec![];
    match a.header("content-encoding") {
        "gzip" => drop(flate2::read::GzDecoder::new(&a.body[..]).read_to_end(&mut out).unwrap()),
        "br" => brotli::BrotliDecompress(&mut &a.body[..], &mut out).unwrap(),
        "zstd" => out = zstd::bulk::decompress(&a.body, 1 << 24).unwrap(),
        other => {
            assert_eq!(other, "");
            out = a.body.clone();
        }
    }
    out
}

#[tokio::test]
async fn a_tile_has_its_headers_in_every_coding() {
    let dir = built();
    let r = open(dir.path()).router();
    let p = path("lamp,river", 13);
    let plain = get(&r, &p).await;
    let mut tags = vec![];
    for (accept, coding) in [("identity", ""), ("gzip", "gzip"), ("br", "br"), ("zstd", "zstd"), ("snappy", "")] {
        for method in [Method::GET, Method::HEAD] {
            let a = ask(&r, method.clone(), &p, &[("accept-encoding", accept)]).await;
            assert_eq!((a.status, a.header("content-encoding")), (200, coding), "{accept}");
            assert_eq!(a.header("content-type"), "application/vnd.mapbox-vector-tile");
            assert_eq!(a.header("cache-control"), "public, max-age=0, must-revalidate");
            assert_eq!(a.header("vary"), "accept-encoding");
            assert_eq!(a.header("x-content-type-options"), "nosniff");
            assert_eq!(a.header("access-control-allow-origin"), "*");
            match method {
                Method::GET => {
                    assert_eq!(unpacked(&a), plain.body, "{accept}");
                    assert_eq!(a.header("content-length"), a.body.len().to_string());
                    tags.push((coding, a.header("etag").to_string(), a.header("content-length").to_string()));
                }
                _ => {
                    assert!(a.body.is_empty());
                    let (_, tag, length) = tags.last().unwrap();
                    assert_eq!((a.header("etag"), a.header("content-length")), (tag.as_str(), length.as_str()));
                }
            }
        }
    }
    let whole = format!("{:032x}", xxhash_rust::xxh3::xxh3_128(&plain.body));
    for (coding, tag, _) in &tags {
        let suffix = coding.chars().next().map(|c| format!("-{c}q")).unwrap_or_default();
        assert_eq!(tag, &format!("\"{whole}{suffix}\""));
    }
}

#[tokio::test]
async fn a_known_tile_is_not_sent_again() {
    let dir = built();
    let r = open(dir.path()).router();
    let p = path("lamp", 14);
    for accept in ["identity", "gzip", "br"] {
        let sent = ask(&r, Method::GET, &p, &[("accept-encoding", accept)]).await;
        let tag = sent.header("etag").to_string();
        for known in [tag.clone(), format!("W/{tag}"), "*".into(), format!("\"other\", {tag}")] {
            let a = ask(&r, Method::GET, &p, &[("accept-encoding", accept), ("if-none-match", &known)]).await;
            assert_eq!((a.status, a.body.len()), (304, 0), "{known}");
            for name in ["cache-control", "vary"] {
                assert_eq!(a.header(name), sent.header(name), "{name}");
            }
            assert!(known == "*" || a.header("etag") == tag, "{known}: {}", a.header("etag"));
            assert_eq!(a.header("content-encoding"), "");
        }
        let other = ask(&r, Method::GET, &p, &[("accept-encoding", accept), ("if-none-match", "\"other\"")]).await;
        assert_eq!(other.status, 200);
    }
    // A tag of another coding is another answer.
    let gzip = ask(&r, Method::GET, &p, &[("accept-encoding", "gzip")]).await;
    let a = ask(&r, Method::GET, &p, &[("accept-encoding", "br"), ("if-none-match", gzip.header("etag"))]).await;
    assert_eq!(a.status, 200);
}

/// The first who asks is answered at once; later ones get fewer bytes, and what the first one holds stays good.
#[tokio::test]
async fn what_is_asked_again_comes_packed_better() {
    let dir = built();
    let r = open(dir.path()).router();
    let (p, gzip) = (path("lamp", 14), ("accept-encoding", "gzip"));
    let first = ask(&r, Method::GET, &p, &[gzip]).await;
    assert!(first.header("etag").ends_with("-gq\""), "{}", first.header("etag"));
    let mut later = ask(&r, Method::GET, &p, &[gzip]).await;
    for _ in 0..1000 {
        if later.header("etag") != first.header("etag") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        later = ask(&r, Method::GET, &p, &[gzip]).await;
    }
    assert_eq!(later.header("etag"), first.header("etag").replace("-gq", "-g"));
    assert!(later.body.len() <= first.body.len() && unpacked(&later) == unpacked(&first));
    for held in [&first, &later] {
        let a = ask(&r, Method::GET, &p, &[gzip, ("if-none-match", held.header("etag"))]).await;
        assert_eq!((a.status, a.header("etag")), (304, held.header("etag")));
    }
    assert_eq!(metric(&r, "chengtu_answers_made_total").await, 1.0);
    assert_eq!(metric(&r, "chengtu_answers_compressed_total").await, 1.0);
    assert_eq!(metric(&r, "chengtu_answers_packed_better_total").await, 1.0);
}

#[tokio::test]
async fn a_list_keeps_its_order_and_leaves_out_layers_of_other_zooms() {
    let dir = built();
    let r = open(dir.path()).router();
    for (list, z, want) in [
        ("lamp,river", 13, vec!["lamp", "river"]),
        ("river,lamp", 13, vec!["river", "lamp"]),
        ("river,bench,lamp", 13, vec!["river", "lamp"]),
        ("river,lamp", 10, vec!["river"]),
        ("river,lamp", 15, vec!["lamp"]),
        ("river%2Clamp", 13, vec!["river", "lamp"]),
    ] {
        let a = get(&r, &path(list, z)).await;
        assert_eq!((a.status, layer_names(&a.body)), (200, want.iter().map(|s| s.to_string()).collect()), "{list} {z}");
    }
    let pbf = get(&r, &path("lamp", 14).replace(".mvt", ".pbf")).await;
    assert_eq!((pbf.status, pbf.body), (200, get(&r, &path("lamp", 14)).await.body));
}

#[tokio::test]
async fn an_empty_tile_is_204_with_validators() {
    let dir = built();
    let r = open(dir.path()).router();
    let first = get(&r, "/tiles/lamp/14/0/0.mvt").await;
    for p in ["/tiles/lamp/14/0/0.mvt", "/tiles/bench/14/0/0.mvt", &path("bench", 14), "/tiles/river/8/0/255.mvt"] {
        for accept in ["identity", "gzip"] {
            let a = ask(&r, Method::GET, p, &[("accept-encoding", accept)]).await;
            assert_eq!((a.status, a.body.len()), (204, 0), "{p}");
            assert_eq!(a.header("etag"), first.header("etag"));
            assert_eq!(a.header("cache-control"), "public, max-age=0, must-revalidate");
            assert_eq!(a.header("vary"), "accept-encoding");
            assert_eq!(a.header("access-control-allow-origin"), "*");
        }
        let known = ask(&r, Method::GET, p, &[("if-none-match", first.header("etag"))]).await;
        assert_eq!(known.status, 304);
    }
}

#[tokio::test]
async fn refusals_have_their_status_and_slug() {
    let dir = built();
    let r = open(dir.path()).router();
    let long = format!("/tiles/{}/1/0/0.mvt", "a".repeat(9000));
    for (p, status, slug) in [
        ("/tiles/lamp/14/-1/0.mvt", 400, "invalid-tile-coordinate"),
        ("/tiles/lamp/x/0/0.mvt", 400, "invalid-tile-coordinate"),
        ("/tiles/lamp/1e1/0/0.mvt", 400, "invalid-tile-coordinate"),
        ("/tiles/lamp/31/0/0.mvt", 400, "zoom-out-of-range"),
        ("/tiles/lamp/255/0/0.mvt", 400, "zoom-out-of-range"),
        ("/tiles/lamp/14/16384/0.mvt", 400, "tile-out-of-range"),
        ("/tiles/lamp/14/0/16384.mvt", 400, "tile-out-of-range"),
        ("/tiles/CGCS2000Quad/lamp/0/0/0.mvt", 400, "zoom-out-of-range"),
        ("/tiles/CGCS2000Quad/lamp/13/0/4096.mvt", 400, "tile-out-of-range"),
        ("/tiles/lamp/11/0/0.mvt", 404, "zoom-not-served"),
        ("/tiles/lamp/17/0/0.mvt", 404, "zoom-not-served"),
        ("/tiles/lamp,river/7/0/0.mvt", 404, "zoom-not-served"),
        ("/tiles/nothing/14/0/0.mvt", 404, "layer-not-found"),
        ("/tiles/camera/14/0/0.mvt", 404, "layer-not-found"),
        ("/tiles/lamp,camera/14/0/0.mvt", 404, "layer-not-found"),
        ("/tiles/camera.json", 404, "layer-not-found"),
        ("/collections/camera/items/7001", 404, "layer-not-found"),
        ("/tiles/lamp,lamp/14/0/0.mvt", 400, "duplicate-layer"),
        ("/tiles/lamp,/14/0/0.mvt", 400, "invalid-layer-list"),
        ("/tiles/a,b,c,d,e,f/14/0/0.mvt", 400, "too-many-layers"),
        ("/tiles/tower/14/0/0.mvt", 404, "layer-not-tiled"),
        ("/tiles/tower.json", 404, "layer-not-tiled"),
        ("/tiles/NoGrid/lamp/14/0/0.mvt", 404, "grid-not-found"),
        ("/tileMatrixSets/NoGrid", 404, "grid-not-found"),
        ("/tiles/lamp/14/0/0.png", 404, "not-found"),
        ("/tiles/lamp", 404, "not-found"),
        ("/tiles/%ff.json", 400, "invalid-path"),
        ("/tiles/%00/14/0/0.mvt", 400, "invalid-path"),
        ("/tiles/..%2f..%2fetc/14/0/0.mvt", 404, "layer-not-found"),
        ("/collections/lamp/items/x", 400, "invalid-id"),
        ("/collections/lamp/items/99999", 404, "item-not-found"),
        ("/no/such/page", 404, "not-found"),
        (&long, 414, "address-too-long"),
    ] {
        let a = get(&r, p).await;
        assert_eq!(a.problem(), (status, slug.to_string()), "{p}");
        assert_eq!(a.header("content-type"), "application/problem+json");
        assert_eq!(a.header("cache-control"), "no-store");
        assert_eq!(a.header("x-content-type-options"), "nosniff");
        assert_eq!(a.header("access-control-allow-origin"), "*", "{p}");
        let v = a.json();
        assert_eq!(v["status"], json!(status));
        assert_eq!(v["instance"], json!(format!("/requests/{}", a.header("x-request-id"))));
        assert!(["title", "detail"].iter().all(|m| v[m].as_str().is_some_and(|t| !t.is_empty())));
        let head = ask(&r, Method::HEAD, p, &[]).await;
        assert_eq!((head.status, head.body.len()), (status, 0));
        assert_eq!(head.header("content-type"), "application/problem+json");
    }
}

#[tokio::test]
async fn a_refusal_names_the_range_and_echoes_nothing_but_ids() {
    let dir = built();
    let r = open(dir.path()).router();
    let v = get(&r, "/tiles/lamp,river/17/0/0.mvt").await.json();
    assert_eq!((&v["minzoom"], &v["maxzoom"]), (&json!(8), &json!(16)));
    assert!(v["detail"].as_str().unwrap().contains("8 to 16"));
    let named = get(&r, "/tiles/no_such_9/14/0/0.mvt").await.json();
    assert!(named["detail"].as_str().unwrap().contains("no_such_9"));
    let shouted = get(&r, "/tiles/%3Cscript%3E/14/0/0.mvt?token=hush").await;
    let text = String::from_utf8(shouted.body).unwrap();
    assert!(!text.contains("script") && !text.contains("hush"), "{text}");
    // Hidden and unknown cannot be told apart.
    let mut hidden = get(&r, "/tiles/camera/14/0/0.mvt").await.json();
    let mut unknown = get(&r, "/tiles/cobweb/14/0/0.mvt").await.json();
    for v in [&mut hidden, &mut unknown] {
        v["instance"] = json!("");
        v["detail"] = json!(v["detail"].as_str().unwrap().replace("camera", "X").replace("cobweb", "X"));
    }
    assert_eq!(hidden, unknown);
}

#[tokio::test]
async fn only_reading_is_allowed() {
    let dir = built();
    let r = open(dir.path()).router();
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
        let a = ask(&r, method, &path("lamp", 14), &[]).await;
        assert_eq!(a.problem(), (405, "method-not-allowed".into()));
        let allow: Vec<&str> = a.header("allow").split(',').map(str::trim).collect();
        assert!(allow.contains(&"GET") && allow.contains(&"HEAD"), "{allow:?}");
    }
    let preflight = [("origin", "https://map.example"), ("access-control-request-method", "GET")];
    let a = ask(&r, Method::OPTIONS, &path("lamp", 14), &preflight).await;
    assert!(a.status < 300);
    assert_eq!(a.header("access-control-allow-origin"), "*");
    assert!(a.header("access-control-allow-methods").contains("GET"));
}

#[tokio::test]
async fn cors_follows_the_configuration() {
    let dir = built();
    let with = |cors: &[&str]| {
        let cors = cors.iter().map(|s| s.to_string()).collect();
        App::open(&Options { cors, ..options(dir.path()) }).unwrap().router()
    };
    for (cors, origin, allowed) in [
        (&["https://map.example"][..], "https://map.example", "https://map.example"),
        (&["https://map.example"], "https://evil.example", ""),
        (&[], "https://map.example", ""),
        (&["*"], "https://map.example", "*"),
    ] {
        for p in [path("lamp", 14), "/no/such".to_string()] {
            let a = ask(&with(cors), Method::GET, &p, &[("origin", origin)]).await;
            assert_eq!(a.header("access-control-allow-origin"), allowed, "{cors:?} {origin}");
            let vary: Vec<_> = a.headers.get_all("vary").iter().map(|v| v.to_str().unwrap()).collect();
            assert_eq!(vary.contains(&"origin"), cors != ["*"], "{vary:?}");
        }
    }
}

#[tokio::test]
async fn tilejson_agrees_with_the_tiles() {
    let dir = built();
    let r = open(dir.path()).router();
    let v = get(&r, "/tiles/lamp,river.json").await.json();
    assert_eq!(v["tilejson"], "3.0.0");
    assert_eq!(v["tiles"], json!(["http://127.0.0.1:0/tiles/lamp,river/{z}/{x}/{y}.mvt"]));
    assert_eq!((&v["minzoom"], &v["maxzoom"]), (&json!(8), &json!(16)));
    assert_eq!(v["bounds"], json!([114.2, 34.7, 114.5, 34.9]));
    let lamp = &v["vector_layers"][0];
    assert_eq!((&lamp["id"], &lamp["minzoom"], &lamp["maxzoom"]), (&json!("lamp"), &json!(12), &json!(16)));
    let tile = chengtu::mvt::decode::decode(&get(&r, &path("lamp", 14)).await.body);
    for key in tile.layers[0].features.iter().flat_map(|f| f.attributes.iter().map(|(k, _)| k)) {
        assert!(lamp["fields"].get(key).is_some(), "{key} is in the tile and not in {lamp}");
    }
    assert_eq!(lamp["fields"].as_object().unwrap().keys().collect::<Vec<_>>(), ["code", "height"]);

    let national = get(&r, "/tiles/CGCS2000Quad/lamp.json").await.json();
    assert_eq!(national["tiles"], json!(["http://127.0.0.1:0/tiles/CGCS2000Quad/lamp/{z}/{x}/{y}.mvt"]));
    assert_eq!(national["tileMatrixSet"], "CGCS2000Quad");
    let (z, degrees) = (14, 360.0 / f64::from(1u32 << 14));
    let x = ((city::CORNER[0] + 180.0) / degrees) as u32;
    let y = ((90.0 - city::CORNER[1]) / degrees) as u32;
    let a = get(&r, &format!("/tiles/CGCS2000Quad/lamp/{z}/{x}/{y}.mvt")).await;
    assert_eq!((a.status, layer_names(&a.body)), (200, vec!["lamp".to_string()]));

    let behind = Options { public_url: Some("https://maps.example/gis".into()), ..options(dir.path()) };
    let r = App::open(&behind).unwrap().router();
    let v = ask(&r, Method::GET, "/tiles/lamp.json", &[("host", "evil.example")]).await.json();
    assert_eq!(v["tiles"], json!(["https://maps.example/gis/tiles/lamp/{z}/{x}/{y}.mvt"]));
}

#[tokio::test]
async fn documents_are_negotiated_and_revalidated() {
    let dir = built();
    let r = open(dir.path()).router();
    for p in [
        "/catalog",
        "/tileMatrixSets",
        "/tileMatrixSets/CGCS2000Quad",
        "/tiles/lamp.json",
        "/collections/lamp/items/1",
        "/collections/lamp/items?limit=2",
        "/collections",
        "/api",
    ] {
        let plain = get(&r, p).await;
        assert_eq!(plain.status, 200, "{p}");
        let packed = ask(&r, Method::GET, p, &[("accept-encoding", "gzip")]).await;
        assert_eq!((packed.header("content-encoding"), unpacked(&packed)), ("gzip", plain.body.clone()));
        assert_ne!(packed.header("etag"), plain.header("etag"));
        for (a, accept) in [(&plain, "identity"), (&packed, "gzip")] {
            let known = [("accept-encoding", accept), ("if-none-match", a.header("etag"))];
            let again = ask(&r, Method::GET, p, &known).await;
            assert_eq!((again.status, again.header("etag")), (304, a.header("etag")), "{p}");
        }
    }
}

#[tokio::test]
async fn the_catalog_has_exactly_its_members() {
    let dir = built();
    let v = get(&open(dir.path()).router(), "/catalog").await.json();
    let ids = |v: &serde_json::Value| -> Vec<String> {
        v["layers"].as_array().unwrap().iter().map(|l| l["id"].as_str().unwrap().to_string()).collect()
    };
    assert_eq!(v.as_object().unwrap().keys().collect::<Vec<_>>(), ["access", "layers", "snapshot"]);
    assert_eq!(v["access"], serde_json::Value::Null, "nobody signs in where there are no roles");
    assert_eq!(ids(&v), ["bench", "lamp", "river", "tower"]);
    for l in v["layers"].as_array().unwrap() {
        let keys: Vec<_> = l.as_object().unwrap().keys().map(String::as_str).collect();
        let want = [
            "bounds",
            "buffer_px",
            "count",
            "fields",
            "geometry",
            "id",
            "maxzoom",
            "minzoom",
            "name_en",
            "name_zh",
            "roles",
            "scene",
            "theme",
            "tiles",
            "tileset",
        ];
        assert_eq!(keys, want);
    }
    let lamp = &v["layers"][1];
    assert_eq!((&lamp["count"], &lamp["geometry"], &lamp["minzoom"]), (&json!(5), &json!("point"), &json!(12)));
    assert_eq!(lamp["tiles"], "http://127.0.0.1:0/tiles/lamp.json");
    let names: Vec<_> = lamp["fields"].as_array().unwrap().iter().map(|f| f["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["code", "height"]);
    assert_eq!((&v["layers"][0]["bounds"], &v["layers"][3]["tiles"]), (&json!(null), &json!(null)));
    let tower = json!({"kind": "extrude", "level": null, "below_ground": false, "family": [], "made_elsewhere": false});
    assert_eq!((&lamp["scene"], &v["layers"][3]["scene"]), (&json!(null), &tower));
    assert_eq!(ids(&get(&open_to_all(dir.path()).router(), "/catalog").await.json()).len(), 5);
}

#[tokio::test]
async fn what_an_audience_may_not_see_is_not_there() {
    let dir = built();
    let (public, open) = (open(dir.path()).router(), open_to_all(dir.path()).router());
    let v = get(&public, "/collections/lamp/items/1").await;
    assert_eq!(v.header("content-type"), "application/geo+json");
    let v = v.json();
    assert_eq!(v["geometry"], json!({"type": "Point", "coordinates": [114.3, 34.8, 70.5]}));
    assert_eq!(v["properties"], json!({"code": "0000000000000001", "height": 0.5}));
    assert_eq!((&v["id"], &v["collection"]), (&json!(1), &json!("lamp")));
    let v = get(&open, "/collections/lamp/items/1").await;
    assert_eq!(v.header("cache-control"), "private, no-cache");
    let all = json!({"code": "0000000000000001", "height": 0.5, "keeper": "市政", "phone": "138"});
    assert_eq!(v.json()["properties"], all);

    let seen = get(&open, &path("camera", 14)).await;
    assert_eq!((seen.status, seen.header("cache-control")), (200, "private, no-cache"));
    let keys = |a: &Answer| -> Vec<String> {
        let tile = chengtu::mvt::decode::decode(&a.body);
        tile.layers[0].features[0].attributes.iter().map(|(k, _)| k.clone()).collect()
    };
    assert_eq!(keys(&get(&public, &path("lamp", 14)).await), ["code", "height"]);
    assert_eq!(keys(&get(&open, &path("lamp", 14)).await), ["code", "height", "keeper"]);
}

#[tokio::test]
async fn health_is_alive_and_ready_means_a_city() {
    let dir = tempfile::tempdir().unwrap();
    chengtu::store::Store::open(dir.path(), true).unwrap();
    let app = open(dir.path());
    let r = app.router();
    assert_eq!(get(&r, "/health").await.status, 200);
    for p in ["/ready", "/catalog", "/tiles/lamp/14/0/0.mvt"] {
        let a = get(&r, p).await;
        assert_eq!((a.problem(), a.header("retry-after")), ((503, "no-snapshot".into()), "1"), "{p}");
    }
    let id = city::publish(dir.path(), &[("lamp", city::lamps(1))]);
    assert!(app.follow().unwrap());
    let a = get(&r, "/ready").await;
    assert_eq!((a.status, &a.json()["snapshot"]), (200, &json!(id)));
    let info = format!("chengtu_snapshot_info{{snapshot=\"{id}\"}}");
    assert_eq!(metric(&r, &info).await, 1.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_askers_of_a_cold_tile_make_it_once() {
    let dir = built();
    let r = open(dir.path()).router();
    let p = path("lamp,river", 13);
    let asks = (0..50).map(|i| {
        let (r, p, accept) = (r.clone(), p.clone(), ["gzip", "br", "identity"][i % 3]);
        tokio::spawn(async move { ask(&r, Method::GET, &p, &[("accept-encoding", accept)]).await })
    });
    for a in asks.collect::<Vec<_>>() {
        assert_eq!(a.await.unwrap().status, 200);
    }
    assert_eq!(metric(&r, "chengtu_answers_made_total").await, 1.0);
    // The lamps come packed: who asks for gzip first has it compressed by nobody.
    let compressed = metric(&r, "chengtu_answers_compressed_total").await;
    assert!((1.0..=2.0).contains(&compressed), "{compressed}");
    let text = String::from_utf8(get(&r, "/metrics").await.body).unwrap();
    let counted = "route=\"/tiles/{layers}/{z}/{x}/{y_mvt}\",method=\"GET\",status=\"200\"} 50";
    assert!(text.contains(counted), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn overload_is_told_at_once_and_cached_answers_go_on() {
    let dir = built();
    let o = Options { workers: 1, queue: 0, ..options(dir.path()) };
    let warm = path("lamp", 14);
    let three = ["lamp", "river", "bench"];
    let lists: Vec<String> = (0..27)
        .map(|i| [i / 9, i / 3 % 3, i % 3])
        .filter(|[a, b, c]| a != b && b != c && a != c)
        .flat_map(|order| {
            [order.map(|i| three[i]).join(","), order[1..].iter().map(|i| three[*i]).collect::<Vec<_>>().join(",")]
        })
        .collect();
    let mut refused = 0;
    // Composites that nobody asked for before: how they are thinned is found by the one worker, and there is no queue. Rounds
    // until it was too much once.
    for _ in 0..20 {
        let r = App::open(&o).unwrap().router();
        assert_eq!(get(&r, &warm).await.status, 200);
        let asks = lists.iter().map(|list| {
            let (r, p) = (r.clone(), path(list, 13));
            tokio::spawn(async move { get(&r, &p).await })
        });
        for a in asks.collect::<Vec<_>>() {
            let a = a.await.unwrap();
            match a.status {
                503 => {
                    refused += 1;
                    assert_eq!((a.problem().1.as_str(), a.header("retry-after")), ("overloaded", "1"));
                }
                other => assert!(other == 200 || other == 204, "{other}"),
            }
            assert_eq!(get(&r, &warm).await.status, 200);
        }
        if refused > 0 {
            break;
        }
    }
    assert!(refused > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn publishing_fails_no_request_and_changes_only_what_changed() {
    let dir = built();
    let app = open(dir.path());
    let r = app.router();
    let mut paths = vec![];
    for z in 12..=16 {
        let (x, y) = city::tile_at(city::CORNER, z);
        let around = |c: u32| c - 1..=c + 2;
        paths.extend(around(x).flat_map(|x| around(y).map(move |y| format!("/tiles/lamp/{z}/{x}/{y}.mvt"))));
        paths.push(format!("/tiles/river/{}/{}/{}.mvt", z - 4, x >> 4, y >> 4));
    }
    let all = async |r: &Router| {
        let mut seen = vec![];
        for p in &paths {
            let a = get(r, p).await;
            assert!(matches!(a.status, 200 | 204), "{p}: {}", a.status);
            seen.push((a.header("etag").to_string(), a.body));
        }
        seen
    };
    let before = all(&r).await;
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let (r, stop, paths) = (r.clone(), stop.clone(), paths.clone());
            tokio::spawn(async move {
                let mut asked = 0;
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    for p in &paths {
                        let a = get(&r, p).await;
                        assert!(matches!(a.status, 200 | 204), "{p}: {}", a.status);
                        asked += 1;
                    }
                }
                asked
            })
        })
        .collect();
    let store = dir.path().to_path_buf();
    let mut moved = city::lamps(5);
    moved[0].geometry = Geometry::point(city::CORNER[0] + 0.0005, city::CORNER[1]);
    let publishing = tokio::task::spawn_blocking(move || city::publish(&store, &[("lamp", moved)]));
    publishing.await.unwrap();
    assert!(app.follow().unwrap());
    let after = all(&r).await;
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    for reader in readers {
        assert!(reader.await.unwrap() > 0);
    }
    let changed = before.iter().zip(&after).filter(|(b, a)| b.1 != a.1).count();
    for ((b, a), p) in before.iter().zip(&after).zip(&paths) {
        assert_eq!(b.0 == a.0, b.1 == a.1, "{p}: the tag changes exactly when the bytes do");
    }
    assert!(changed > 0 && changed < paths.len() / 2, "{changed} of {}", paths.len());
}

#[tokio::test]
async fn a_damaged_layer_is_503_and_the_others_are_served() {
    let dir = built();
    let store = chengtu::store::Store::open(dir.path(), false).unwrap();
    let id = store.current().unwrap().unwrap();
    let cache = Arc::new(chengtu::store::BlockCache::new(1 << 20));
    let lamp = store.snapshot(&id, &cache).unwrap().manifest.layers["lamp"].features.digest.clone();
    let file = dir.path().join("blobs").join(lamp);
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::remove_file(&file).unwrap();
    std::fs::write(&file, bytes).unwrap();
    let r = open(dir.path()).router();
    let a = get(&r, &path("lamp", 14)).await;
    assert_eq!(a.problem(), (503, "layer-data-damaged".into()));
    assert!(!String::from_utf8_lossy(&a.body).contains(dir.path().to_str().unwrap()));
    assert_eq!(get(&r, &path("river", 12)).await.status, 200);
}

use chengtu::feature::Geometry;
