//! OGC API – Features (17-069r4, 18-058r1): the layers as collections, their records page by page and one by one.

use super::App;
use super::address::feature_id;
use super::features_query::{Query, read_crs, snapshot_of, systems};
use super::gate::Asked;
use super::problem::Problem;
use super::reply;
use super::router::Segments;
use crate::geo::Crs;
use crate::layer::{Layer, Serve};
use crate::records::{self, Page};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use axum::middleware::Next;
use axum::response::Response;
use serde_json::{Value, json};
use std::sync::Arc;

const CONFORMANCE: [&str; 5] = [
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/oas30",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
    "http://www.opengis.net/spec/ogcapi-features-2/1.0/conf/crs",
];

/// `/` for programs, which say that they take JSON and no HTML: the landing page (17-069r4, 7.2). All others get the page.
pub async fn landing(
    State(app): State<Arc<App>>,
    // The page is there before a city is.
    asked: Result<Asked, Problem>,
    headers: HeaderMap,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let accept = headers.get(header::ACCEPT).and_then(|a| a.to_str().ok()).unwrap_or_default();
    let mut reply = match accept.contains("json") && !accept.contains("html") {
        true => {
            let links = json!([
                link(&app, "/", "self", reply::JSON),
                link(&app, "/", "alternate", "text/html"),
                link(&app, "/api", "service-desc", OPENAPI),
                link(&app, "/conformance", "conformance", reply::JSON),
                link(&app, "/collections", "data", reply::JSON),
            ]);
            let body = json!({ "title": "chengtu 城图", "links": links }).to_string().into_bytes();
            reply::document(&app, &headers, &asked?, reply::JSON, body).await?
        }
        false => next.run(request).await,
    };
    reply.headers_mut().append(header::VARY, HeaderValue::from_static("accept"));
    Ok(reply)
}

/// `/conformance`
pub async fn conformance(State(app): State<Arc<App>>, asked: Asked, headers: HeaderMap) -> Result<Response, Problem> {
    let body = json!({ "conformsTo": CONFORMANCE }).to_string().into_bytes();
    reply::document(&app, &headers, &asked, reply::JSON, body).await
}

/// `/collections`
pub async fn collections(State(app): State<Arc<App>>, asked: Asked, headers: HeaderMap) -> Result<Response, Problem> {
    let all: Vec<Value> = asked.visible().map(|l| describe(&app, &asked, l, json!(["#/crs"]))).collect();
    let body = json!({
        "links": [link(&app, "/collections", "self", reply::JSON), link(&app, "/api", "service-desc", OPENAPI)],
        "crs": uris(),
        "collections": all,
    });
    reply::document(&app, &headers, &asked, reply::JSON, body.to_string().into_bytes()).await
}

/// `/collections/{layer}`
pub async fn collection(
    State(app): State<Arc<App>>,
    asked: Asked,
    Segments([layer]): Segments<1>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let layer = asked.city.snapshot.catalog.layer(asked.layer(&layer)?).clone();
    let body = describe(&app, &asked, &layer, uris()).to_string().into_bytes();
    reply::document(&app, &headers, &asked, reply::JSON, body).await
}

pub const OPENAPI: &str = "application/vnd.oai.openapi+json;version=3.0";

fn uris() -> Value {
    systems().map(|c| c.uri()).collect()
}

fn link(app: &App, path: &str, rel: &str, media_type: &str) -> Value {
    json!({ "href": format!("{}{path}", app.base_url), "rel": rel, "type": media_type })
}

fn describe(app: &App, asked: &Asked, layer: &Layer, crs: Value) -> Value {
    let own = format!("/collections/{}", layer.id);
    let mut links =
        vec![link(app, &own, "self", reply::JSON), link(app, &format!("{own}/items"), "items", reply::GEOJSON)];
    if layer.serves(Serve::Mvt) {
        links.push(link(app, &format!("/tiles/{}.json", layer.id), "describedby", reply::JSON));
    }
    let mut collection = json!({
        "id": layer.id,
        "title": format!("{} {}", layer.name.zh, layer.name.en),
        "itemType": "feature",
        "crs": crs,
        "storageCrs": Crs::Geographic { epsg: 4490 }.uri(),
        "links": links,
    });
    if let Ok((_, Some(b))) = asked.extent(layer) {
        collection["extent"] = json!({ "spatial": { "bbox": [b.to_array()], "crs": Crs::Crs84.uri() } });
    }
    collection
}

/// `/collections/{layer}/items`: a page of records.
pub async fn items(
    State(app): State<Arc<App>>,
    asked: Asked,
    Segments([id]): Segments<1>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut layer = asked.layer(&id)?;
    let parameters = uri.query().unwrap_or_default();
    // Further pages come from the snapshot of the first, as long as it is served; its fields are those of its own catalog.
    let asked = match snapshot_of(parameters)? {
        Some(snapshot) => {
            let then = asked.of_snapshot(&app.gate, &snapshot)?;
            layer = then.layer(&id)?;
            then
        }
        None => asked,
    };
    let query = Query::read(parameters, &asked, asked.city.snapshot.catalog.layer(layer))?;
    let (city, audience, wanted) = (asked.city.clone(), asked.audience.clone(), query.wanted.clone());
    let page = app.workers.run(move || Ok(records::page(&city, &audience, layer, &wanted)?)).await?;
    asked.spend_places(&[layer], &page.places)?;
    let body = collection_of(&app, &asked, &id, &query, page);
    let reply = reply::document(&app, &headers, &asked, reply::GEOJSON, body).await?;
    Ok(in_crs(reply, &query.wanted.crs))
}

/// `/collections/{layer}/items/{id}`
pub async fn item(
    State(app): State<Arc<App>>,
    asked: Asked,
    Segments([layer, id]): Segments<2>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (ix, feature) = (asked.layer(&layer)?, feature_id(&id)?);
    let crs = read_crs(uri.query().unwrap_or_default())?;
    let (city, audience) = (asked.city.clone(), asked.audience.clone());
    let body = app.workers.run(move || Ok(records::item(&city, &audience, ix, feature, crs)?)).await?;
    let found = body.ok_or_else(|| Problem::not_found("item-not-found", "the layer has no item with this id"))?;
    let (mut body, place) = found;
    asked.spend_places(&[ix], &[place])?;
    let own = format!("/collections/{layer}");
    let links = json!([
        link(&app, &format!("{own}/items/{id}"), "self", reply::GEOJSON),
        link(&app, &own, "collection", reply::JSON)
    ]);
    // Into the record's object, before its closing brace.
    body.pop();
    body.extend(format!(",\"links\":{links}}}").bytes());
    let reply = reply::document(&app, &headers, &asked, reply::GEOJSON, body).await?;
    Ok(in_crs(reply, &crs))
}

fn collection_of(app: &App, asked: &Asked, layer: &str, query: &Query, page: Page) -> Vec<u8> {
    let own = format!("/collections/{layer}");
    let with = |more: String| {
        let all: Vec<&str> = [query.rest.as_str(), more.as_str()].into_iter().filter(|p| !p.is_empty()).collect();
        let mark = if all.is_empty() { "" } else { "?" };
        format!("{own}/items{mark}{}", all.join("&"))
    };
    let snapshot = &asked.city.snapshot.id;
    let next = |position: usize| format!("next={snapshot}.{position}");
    let from = query.wanted.from;
    let this = if from > 0 { next(from) } else { String::new() };
    let mut links = vec![link(app, &with(this), "self", reply::GEOJSON), link(app, &own, "collection", reply::JSON)];
    let after = from.saturating_add(page.returned);
    if page.returned > 0 && after < page.matched {
        links.push(link(app, &with(next(after)), "next", reply::GEOJSON));
    }
    let head = json!({
        "type": "FeatureCollection",
        "numberMatched": page.matched,
        "numberReturned": page.returned,
        "links": links,
    });
    let mut body = head.to_string().into_bytes();
    body.pop();
    body.extend_from_slice(b",\"features\":[");
    body.extend_from_slice(&page.features);
    body.extend_from_slice(b"]}");
    body
}

/// Names the CRS of the coordinates (18-058r1, 6.5).
fn in_crs(mut reply: Response, crs: &Crs) -> Response {
    if let Ok(value) = HeaderValue::from_str(&format!("<{}>", crs.uri())) {
        reply.headers_mut().insert(HeaderName::from_static("content-crs"), value);
    }
    reply
}
