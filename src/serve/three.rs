//! `GET /3dtiles/…`: tilesets, their pages and contents. Pages and contents have the snapshot in their address and never
//! change; a layer's entrance names them. What is in a tile is `tile::three`'s business.

use super::App;
use super::address::numbered;
use super::cache::Of;
use super::coding::Coding;
use super::gate::Asked;
use super::metrics::Answered;
use super::problem::Problem;
use super::reply;
use super::router::Segments;
use crate::layer::{Layer, LayerIx};
use crate::scene::{Compression, Form, Instancing};
use crate::tile::three::{self, Lack, Links, Plan, Shown};
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::Value;
use std::sync::Arc;
use std::time::Instant;

const A_YEAR_PUBLIC: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const A_YEAR_PRIVATE: HeaderValue = HeaderValue::from_static("private, max-age=31536000, immutable");

/// The query of a 3D address.
#[derive(Debug, Default)]
struct Query {
    form: Form,
    /// Names of fields, as asked.
    properties: Option<Vec<String>>,
    /// Tells apart what an address gave before an encoder or a setting changed.
    version: Option<String>,
}

impl Query {
    fn parse(raw: Option<&str>) -> Result<Query, Problem> {
        let refused = |detail: &str| Err(Problem::bad_request("invalid-query", detail));
        let mut query = Query::default();
        for (key, value) in form_urlencoded::parse(raw.unwrap_or_default().as_bytes()) {
            match (key.as_ref(), value.as_ref()) {
                ("compress", "none") => query.form.compression = Compression::None,
                ("compress", "meshopt") => query.form.compression = Compression::Meshopt,
                ("compress", _) => return refused("compress is none or meshopt"),
                ("instancing", "expand") => query.form.instancing = Instancing::Expanded,
                ("instancing", "shared") => query.form.instancing = Instancing::Shared,
                ("instancing", _) => return refused("instancing is expand or shared"),
                ("properties", list) => {
                    query.properties = Some(list.split(',').filter(|p| !p.is_empty()).map(String::from).collect());
                }
                ("v", v) => query.version = Some(v.to_string()),
                // Clients add their own: keys, sessions.
                _ => {}
            }
        }
        Ok(query)
    }

    /// How a layer is to be shown. A field that is hidden from the asker does not exist.
    fn shown(&self, app: &App, asked: &Asked, layer: &Layer) -> Result<Shown, Problem> {
        let field = |name: &String| {
            let seen = layer.field(name).filter(|i| asked.audience.sees_field_in_tiles(layer, &layer.fields[*i]));
            seen.ok_or_else(|| Problem::bad_request("unknown-property", "a listed property is no field of the layer"))
        };
        let columns = self.properties.as_ref().map(|names| names.iter().map(field).collect::<Result<_, _>>());
        Ok(Shown { form: self.form, columns: columns.transpose()?, geoid_m: app.geoid_m })
    }

    /// What pages and contents are asked with: what was asked here, and the version.
    fn forward(&self, version: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if self.form.compression == Compression::None {
            query.append_pair("compress", "none");
        }
        if self.form.instancing == Instancing::Expanded {
            query.append_pair("instancing", "expand");
        }
        if let Some(properties) = &self.properties {
            query.append_pair("properties", &properties.join(","));
        }
        query.append_pair("v", version);
        format!("?{}", query.finish())
    }
}

/// The first 32 bits of the plan's revision: what the bytes at an address are made of, besides the snapshot.
fn version(plan: &Plan) -> String {
    plan.revision.0[..4].iter().map(|b| format!("{b:02x}")).collect()
}

/// `/3dtiles/{layers}/tileset.json`: a layer's first page, or a tileset of the layers' tilesets.
pub async fn tileset(
    State(app): State<Arc<App>>,
    asked: Asked,
    Segments([list]): Segments<1>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let query = Query::parse(raw.as_deref())?;
    let layers = asked.layers(&list)?;
    let snapshot = asked.city.snapshot.id.clone();
    let (mut plans, mut sets) = (vec![], vec![]);
    for &ix in &layers {
        let layer = asked.city.snapshot.catalog.layer(ix);
        if three::is_through(layer) {
            sets.extend(three::through(&asked.city, layer, &format!("../{snapshot}/{}/", layer.id))?);
            continue;
        }
        let Some(plan) = plan(&app, &asked, ix, &query)? else { continue };
        let folder = format!("../{snapshot}/{}/", plan.layer.id);
        let links = Links { folder, query: query.forward(&version(&plan)), snapshot: snapshot.clone() };
        plans.push((plan, links));
    }
    let document = match (layers.as_slice(), plans.first()) {
        _ if !sets.is_empty() => Some(three::assembled(&plans, &sets, app.geoid_m, &snapshot)),
        (_, None) => Some(three::empty(app.geoid_m, &snapshot)),
        ([_], Some((plan, links))) => three::page(plan, 0, links),
        _ => Some(three::scene(&plans, app.geoid_m, &snapshot)),
    };
    let body = document.ok_or_else(Problem::internal)?.to_string().into_bytes();
    reply::document(&app, &headers, &asked, reply::JSON, body).await
}

/// `/3dtiles/{snapshot}/{layer}/{node}.json` and `….glb`
pub async fn file(
    State(app): State<Arc<App>>,
    asked: Asked,
    Segments([snapshot, layer, file]): Segments<3>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let begun = Instant::now();
    let missing = || Problem::not_found("not-found", "there is nothing at this address");
    let asked = asked.of_snapshot(&app.gate, &snapshot)?;
    let ix = asked.layer(&layer)?;
    let (node, ending) = numbered(&file, &["json", "glb"]).ok_or_else(missing)?;
    let query = Query::parse(raw.as_deref())?;
    let plan = plan(&app, &asked, ix, &query)?.ok_or_else(missing)?;
    let current = version(&plan);
    if query.version.as_ref().is_some_and(|v| *v != current) {
        let detail = "these tiles are made in another way now; load the tileset again";
        return Err(Problem::new(410, "version-gone", detail));
    }
    let mut response = match ending {
        "json" => {
            let links = Links { folder: String::new(), query: query.forward(&current), snapshot };
            let page: Value = three::page(&plan, node, &links).ok_or_else(missing)?;
            reply::document(&app, &headers, &asked, reply::JSON, page.to_string().into_bytes()).await?
        }
        _ if !plan.has_content(node) => return Err(missing()),
        _ => {
            let of = Of::Content(plan.revision, node);
            let make = move || three::content(&plan, node);
            let (coded, outcome) = app.cache.get(of, Coding::negotiate(&headers), make).await?;
            let response = reply::coded(&headers, &asked, reply::GLB, coded);
            let answered = match response.status() {
                StatusCode::NOT_MODIFIED => Answered::NotModified,
                _ => Answered::Sent(outcome),
            };
            app.metrics.content(answered, begun.elapsed());
            response
        }
    };
    // Without the version the same address may give other bytes after an upgrade.
    if query.version.is_some() {
        forever(&mut response, &asked);
    }
    Ok(response)
}

/// What an address answers never changes.
pub fn forever(response: &mut Response, asked: &Asked) {
    let forever = if asked.audience.is_public() { A_YEAR_PUBLIC } else { A_YEAR_PRIVATE };
    response.headers_mut().insert(header::CACHE_CONTROL, forever);
}

fn plan(app: &App, asked: &Asked, ix: LayerIx, query: &Query) -> Result<Option<Plan>, Problem> {
    let layer = asked.city.snapshot.catalog.layer(ix);
    let shown = query.shown(app, asked, layer)?;
    three::plan(&asked.city, &asked.audience, ix, &shown)?.map_err(|lack| match lack {
        Lack::NotDrawn => Problem::not_found("layer-not-in-3d", format!("{} is not served as 3D tiles", layer.id)),
        Lack::NoTree => {
            let detail = format!("{} was imported before it could be served as 3D tiles: import it again", layer.id);
            Problem::not_found("layer-not-in-3d", detail)
        }
    })
}
