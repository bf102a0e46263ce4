//! OGC API – Features from outside: collections, pages in boxes and other systems, filters, links that lead on, refusals.

use super::city::*;
use super::*;
use chengtu::feature::{Feature, FeatureId, Geometry};
use chengtu::layer::Catalog;
use serde_json::{Value, json};

fn ids(page: &Value) -> Vec<u64> {
    page["features"].as_array().unwrap().iter().map(|f| f["id"].as_u64().unwrap()).collect()
}

fn sorted(mut ids: Vec<u64>) -> Vec<u64> {
    ids.sort_unstable();
    ids
}

/// The path of a link, as `get` takes it.
fn link(document: &Value, rel: &str) -> Option<String> {
    let links = document["links"].as_array().unwrap();
    let href = links.iter().find(|l| l["rel"] == rel)?["href"].as_str().unwrap();
    Some(href.strip_prefix("http://127.0.0.1:0").unwrap().to_string())
}

#[tokio::test]
async fn layers_are_collections_of_those_who_may_see_them() {
    let dir = built();
    let r = open(dir.path()).router();
    let all = get(&r, "/collections").await.json();
    let names: Vec<&str> = all["collections"].as_array().unwrap().iter().map(|c| c["id"].as_str().unwrap()).collect();
    assert_eq!(names, ["bench", "lamp", "river", "tower"]);
    let lamp = get(&r, "/collections/lamp").await.json();
    assert_eq!((&lamp["itemType"], &lamp["title"]), (&json!("feature"), &json!("lamp图层 lamp")));
    assert_eq!(lamp["extent"]["spatial"]["bbox"], json!([[114.3, 34.8, 114.3 + 4.0 * 0.003, 34.8]]));
    assert_eq!(link(&lamp, "items").unwrap(), "/collections/lamp/items");
    assert!(lamp["crs"].as_array().unwrap().contains(&json!("http://www.opengis.net/def/crs/EPSG/0/4547")));
    assert_eq!(get(&r, "/collections/bench").await.json()["extent"], Value::Null);
    for path in ["/collections/camera", "/collections/camera/items", "/collections/none"] {
        assert_eq!(get(&r, path).await.problem(), (404, "layer-not-found".to_string()), "{path}");
    }
    let conforms = get(&r, "/conformance").await.json();
    assert!(conforms["conformsTo"].as_array().unwrap().iter().any(|c| c.as_str().unwrap().ends_with("conf/crs")));
}

/// Programs that take no HTML are led from the root to everything else.
#[tokio::test]
async fn the_root_is_a_landing_page_for_programs() {
    let dir = built();
    let r = open(dir.path()).router();
    for accept in ["application/json", "application/vnd.oai.openapi+json;version=3.0, application/json"] {
        let answer = ask(&r, Method::GET, "/", &[("accept", accept)]).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"), "{accept}");
        let varies: Vec<_> = answer.headers.get_all("vary").iter().filter_map(|v| v.to_str().ok()).collect();
        assert!(varies.contains(&"accept") && varies.contains(&"accept-encoding"), "{varies:?}");
        for rel in ["service-desc", "conformance", "data", "self"] {
            let led = ask(&r, Method::GET, &link(&answer.json(), rel).unwrap(), &[("accept", accept)]).await;
            assert_eq!(led.status, 200, "{rel}");
        }
    }
    for accept in ["text/html,application/xhtml+xml,*/*;q=0.8", "*/*", "text/html, application/json"] {
        let answer = ask(&r, Method::GET, "/", &[("accept", accept)]).await;
        assert!(answer.header("content-type").starts_with("text/html"), "{accept}");
    }
}

#[tokio::test]
async fn pages_follow_each_other_until_all_records_were_there_once() {
    let dir = built();
    let r = open_to_all(dir.path()).router();
    let (mut path, mut seen, mut pages) = ("/collections/lamp/items?limit=2".to_string(), vec![], 0);
    loop {
        let answer = get(&r, &path).await;
        assert_eq!(answer.header("content-type"), "application/geo+json");
        assert_eq!(answer.header("content-crs"), "<http://www.opengis.net/def/crs/OGC/1.3/CRS84>");
        let page = answer.json();
        assert_eq!((&page["numberMatched"], &page["type"]), (&json!(5), &json!("FeatureCollection")));
        assert_eq!(page["numberReturned"], ids(&page).len());
        assert_eq!(get(&r, &link(&page, "self").unwrap()).await.json(), page, "the page knows its own address");
        seen.extend(ids(&page));
        pages += 1;
        match link(&page, "next") {
            Some(next) => path = next,
            None => break,
        }
    }
    assert_eq!((pages, sorted(seen)), (3, vec![1, 2, 3, 4, 5]));
    let whole = get(&r, "/collections/lamp/items?limit=999999999").await.json();
    assert_eq!((ids(&whole).len(), link(&whole, "next")), (5, None));
    let of_page = &whole["features"].as_array().unwrap().iter().find(|f| f["id"] == 1).unwrap().clone();
    let mut alone = get(&r, "/collections/lamp/items/1").await.json();
    assert_eq!(link(&alone, "collection").unwrap(), "/collections/lamp");
    alone.as_object_mut().unwrap().remove("links");
    assert_eq!(*of_page, alone, "the same record on a page and alone");
    let none = get(&r, "/collections/bench/items").await.json();
    assert_eq!((&none["numberMatched"], &none["features"]), (&json!(0), &json!([])));
}

/// Records of some megabytes each: a page ends when it is large, and the next goes on.
#[tokio::test]
async fn large_records_make_short_pages() {
    let dir = tempfile::tempdir().unwrap();
    let meander = |n: u64| {
        let at =
            |i: u64| [114.2 + (i as f64 * 0.618).fract() / 3.0, 34.7 + ((i * (n + 3)) as f64 * 0.414).fract() / 3.0];
        Feature { id: FeatureId(n + 1), geometry: Geometry::line((0..120_000).map(at).collect()), ..river()[0].clone() }
    };
    publish(dir.path(), &[("river", (0..6).map(meander).collect())]);
    let r = open(dir.path()).router();
    let (mut path, mut seen, mut pages) = (Some("/collections/river/items?limit=100".to_string()), vec![], 0);
    while let Some(now) = path {
        let answer = get(&r, &now).await;
        assert!(answer.body.len() < 24 << 20, "{}", answer.body.len());
        let page = answer.json();
        seen.extend(ids(&page));
        pages += 1;
        path = link(&page, "next");
    }
    assert!((2..6).contains(&pages), "{pages}");
    assert_eq!(sorted(seen), [1, 2, 3, 4, 5, 6]);
}

#[tokio::test]
async fn pages_stay_in_the_snapshot_they_began_in() {
    let dir = built();
    let app = open(dir.path());
    let r = app.router();
    let first = get(&r, "/collections/lamp/items?limit=3").await.json();
    publish(dir.path(), &[("lamp", lamps(1))]);
    assert!(app.follow().unwrap());
    assert_eq!(get(&r, "/collections/lamp/items").await.json()["numberMatched"], 1);
    let next = link(&first, "next").unwrap();
    let second = get(&r, &next).await.json();
    assert_eq!(sorted([ids(&first), ids(&second)].concat()), [1, 2, 3, 4, 5]);
    for _ in 0..3 {
        publish(dir.path(), &[("lamp", lamps(2))]);
        assert!(app.follow().unwrap());
    }
    assert_eq!(get(&r, &next).await.problem(), (410, "snapshot-gone".to_string()));
}

/// A later catalog may have the same fields in other places, or others in theirs.
#[tokio::test]
async fn further_pages_have_the_fields_of_their_own_snapshot() {
    let dir = tempfile::tempdir().unwrap();
    let first = publish(dir.path(), &[("lamp", lamps(5))]);
    let app = open(dir.path());
    let r = app.router();
    let now = catalog();
    let turned = now.iter().map(|(_, l)| {
        let mut layer = l.as_ref().clone();
        layer.fields.swap(0, 1);
        layer
    });
    publish_of(&Catalog::new(turned.collect()), dir.path(), &[]);
    assert!(app.follow().unwrap());
    let page = get(&r, &format!("/collections/lamp/items?code=0000000000000003&next={first}.0")).await.json();
    assert_eq!((ids(&page), &page["numberMatched"]), (vec![3], &json!(1)));
}

#[tokio::test]
async fn a_box_holds_what_comes_into_it_and_not_what_its_box_does() {
    let dir = built();
    let r = open(dir.path()).router();
    let matched = |query: &'static str| {
        let r = r.clone();
        async move { get(&r, &format!("/collections/{query}")).await.json()["numberMatched"].as_u64().unwrap() }
    };
    assert_eq!(matched("lamp/items?bbox=114.302,34.79,114.307,34.81").await, 2);
    assert_eq!(matched("lamp/items?bbox=114.303,34.8,114.303,34.8").await, 1);
    assert_eq!(matched("lamp/items?bbox=114.302,34.79,0,114.307,34.81,100").await, 2, "heights are passed over");
    assert_eq!(matched("river/items?bbox=114.25,34.7,114.32,34.8").await, 1);
    assert_eq!(matched("river/items?bbox=114.4,34.71,114.45,34.75").await, 0, "in the river's box, beside the river");
    let epsg = "http://www.opengis.net/def/crs/EPSG/0/4490";
    let northing_first = format!("lamp/items?bbox=34.79,114.302,34.81,114.307&bbox-crs={epsg}");
    assert_eq!(get(&r, &format!("/collections/{northing_first}")).await.json()["numberMatched"], 2);
}

#[tokio::test]
async fn coordinates_come_in_the_system_asked_for() {
    let dir = built();
    let r = open(dir.path()).router();
    let uri = "http://www.opengis.net/def/crs/EPSG/0/4547";
    let crs = chengtu::geo::Crs::from_epsg(4547).unwrap();
    let [east, north] = crs.forward(CORNER);
    for path in [format!("/collections/lamp/items/1?crs={uri}"), format!("/collections/lamp/items?crs={uri}&limit=9")] {
        let answer = get(&r, &path).await;
        assert_eq!(answer.header("content-crs"), format!("<{uri}>"));
        let v = answer.json();
        let one = v["features"].as_array().map_or(&v, |all| all.iter().find(|f| f["id"] == 1).unwrap());
        assert_eq!(one["geometry"]["coordinates"], json!([north, east, 70.5]));
    }
    let boxed = format!("{},{},{},{}", north - 1.0, east - 1.0, north + 1.0, east + 1.0);
    let near = get(&r, &format!("/collections/lamp/items?bbox={boxed}&bbox-crs={uri}")).await.json();
    assert_eq!(ids(&near), [1]);
}

#[tokio::test]
async fn fields_filter_and_hidden_ones_do_not_exist() {
    let dir = built();
    let (public, open) = (open(dir.path()).router(), open_to_all(dir.path()).router());
    let matched = |r: &Router, query: &'static str| {
        let r = r.clone();
        async move { ids(&get(&r, &format!("/collections/lamp/items?limit=9&{query}")).await.json()) }
    };
    assert_eq!(matched(&public, "code=0000000000000003").await, [3]);
    assert_eq!(matched(&public, "height=1.0").await, [2]);
    assert_eq!(matched(&public, "height=1.0&code=0000000000000003").await, Vec::<u64>::new());
    assert_eq!(matched(&public, "height=1&bbox=114.302,34.7,114.4,34.9").await, [2]);
    assert_eq!(sorted(matched(&open, "keeper=%E5%B8%82%E6%94%BF").await), [1, 2, 3, 4, 5]);
    let hidden = get(&public, "/collections/lamp/items?keeper=x").await;
    assert_eq!(hidden.problem(), get(&public, "/collections/lamp/items?nothing=x").await.problem());
}

#[tokio::test]
async fn wrong_parameters_are_refused_by_name() {
    let dir = built();
    let r = open(dir.path()).router();
    for (query, code) in [
        ("limit=0", "invalid-parameter"),
        ("limit=x", "invalid-parameter"),
        ("limit=1&limit=2", "repeated-parameter"),
        ("bbox=1,2,3", "invalid-bbox"),
        ("bbox=1,2,x,4", "invalid-bbox"),
        ("bbox=115,34,114,35", "invalid-bbox"),
        ("bbox=NaN,34,114,35", "invalid-bbox"),
        ("bbox-crs=EPSG:2056", "unknown-crs"),
        ("crs=http://www.opengis.net/def/crs/EPSG/0/1", "unknown-crs"),
        ("next=zz", "invalid-parameter"),
        ("height=tall", "invalid-parameter"),
        ("color=red", "unknown-parameter"),
    ] {
        let answer = get(&r, &format!("/collections/lamp/items?{query}")).await;
        assert_eq!(answer.problem(), (400, code.to_string()), "{query}");
    }
    assert_eq!(get(&r, "/collections/lamp/items?next=nothing.3").await.status, 404);
    assert_eq!(get(&r, "/collections/lamp/items/1?limit=3").await.problem().1, "unknown-parameter");
}

/// Every route that can be read stands in the description, with parameters that are described.
#[tokio::test]
async fn the_description_is_whole() {
    let dir = built();
    let r = open(dir.path()).router();
    let answer = get(&r, "/api").await;
    assert!(answer.header("content-type").starts_with("application/vnd.oai.openapi+json"));
    let v = answer.json();
    let known = &v["components"]["parameters"];
    for (path, entry) in v["paths"].as_object().unwrap() {
        let used: Vec<&str> =
            entry["get"]["parameters"].as_array().unwrap().iter().map(|p| p["$ref"].as_str().unwrap()).collect();
        for name in used.iter().map(|p| p.rsplit('/').next().unwrap()) {
            assert!(known[name].is_object(), "{path} {name}");
            let in_path = path.contains(&format!("{{{name}}}"));
            assert_eq!(known[name]["in"], if in_path { "path" } else { "query" }, "{path} {name}");
        }
        let wanted = path.matches('{').count();
        assert_eq!(
            used.iter().filter(|p| path.contains(&format!("{{{}}}", p.rsplit('/').next().unwrap()))).count(),
            wanted
        );
    }
    let limit = &known["limit"]["schema"];
    assert_eq!((&limit["default"], &limit["maximum"]), (&json!(10), &json!(10_000)));
}

#[tokio::test]
async fn what_is_near_a_place_comes_by_distance() {
    let dir = built();
    publish(dir.path(), &[("tower", towers(2))]);
    let (public, open) = (open(dir.path()).router(), open_to_all(dir.path()).router());
    let near = |r: &Router, query: &'static str| {
        let r = r.clone();
        async move { get(&r, &format!("/identify?{query}")).await.json() }
    };
    // Ten metres east of the corner, where a camera stands 0.9 m from here.
    let at = "lon=114.30011&lat=34.8";
    assert_eq!(ids(&near(&public, "lon=114.30011&lat=34.8&radius_m=20").await), [1]);
    let both = near(&open, "lon=114.30011&lat=34.8&radius_m=20").await;
    assert_eq!((ids(&both), &both["features"][0]["collection"]), (vec![7001, 1], &json!("camera")));
    let metres = |i: usize| both["features"][i]["distance_m"].as_f64().unwrap();
    assert!((metres(0) - 0.92).abs() < 0.02 && (metres(1) - 10.07).abs() < 0.02, "{} {}", metres(0), metres(1));
    assert_eq!(ids(&near(&open, "lon=114.30011&lat=34.8&radius_m=20&limit=1").await), [7001]);
    assert_eq!(ids(&near(&open, "lon=114.30011&lat=34.8&radius_m=20&layers=lamp,river").await), [1]);
    assert_eq!(ids(&near(&public, "lon=114.3&lat=34.7").await), Vec::<u64>::new());
    // Inside the first tower: 0 m; beside it: the way to its wall.
    let inside = near(&public, "lon=114.30005&lat=34.80054").await;
    assert_eq!((ids(&inside), &inside["features"][0]["distance_m"]), (vec![20], &json!(0.0)));
    let beside = near(&public, "lon=114.30005&lat=34.80060").await;
    assert!((beside["features"][0]["distance_m"].as_f64().unwrap() - 1.11).abs() < 0.02, "{beside}");
    // The river, whose box holds the place, is told by its own course.
    assert_eq!(ids(&near(&public, "lon=114.4&lat=34.72&radius_m=500").await), Vec::<u64>::new());
    for (query, code) in [
        ("lat=34.8", "invalid-parameter"),
        ("lon=x&lat=34.8", "invalid-parameter"),
        ("lon=114&lat=34.8&radius_m=501", "invalid-parameter"),
        ("lon=114&lat=34.8&limit=0", "invalid-parameter"),
        ("lon=114&lon=114&lat=34.8", "repeated-parameter"),
        ("lon=114&lat=34.8&q=1", "unknown-parameter"),
    ] {
        assert_eq!(get(&public, &format!("/identify?{query}")).await.problem(), (400, code.to_string()), "{query}");
    }
    let hidden = get(&public, &format!("/identify?{at}&layers=camera")).await;
    assert_eq!(hidden.problem(), (404, "layer-not-found".to_string()));
}
