//! `GET /3dtiles/…`: tilesets, their pages and contents. Pages and contents have the snapshot in their address and never
//! change; a layer's entrance names them. What is in a tile is `tile::three`'s business.

use super::App;
use super::address::numbered;
use super::cache::Of;
use super::coding::{Coding, Effort};
use super::gate::Asked;
use super::metrics::Answered;
use super::problem::Problem;
use super::reply;
use super::router::Segments;
use crate::layer::{Family, Layer, LayerIx};
use crate::scene::{Compression, Form, Instancing};
use crate::tile::three::{self, Cast, Lack, Links, Plan, Shown};
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::Value;
use std::collections::HashSet;
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
                    // Each once: the more columns, the larger a content.
                    let mut seen = HashSet::new();
                    let names = list.split(',').filter(|p| !p.is_empty() && seen.insert(*p));
                    query.properties = Some(names.map(String::from).collect());
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
        Ok(Shown { form: self.form, columns: columns.transpose()?, geoid: app.geoid.clone() })
    }

    /// How each member of a family is to be shown: a listed property is a field of one of them at least.
    fn shown_each(&self, app: &App, asked: &Asked, family: &Family) -> Result<Vec<Shown>, Problem> {
        let catalog = &asked.city.snapshot.catalog;
        let layers: Vec<&Layer> = family.members.iter().map(|m| catalog.layer(m.ix).as_ref()).collect();
        let seen = |layer: &Layer, name: &String| {
            layer.field(name).filter(|i| asked.audience.sees_field_in_tiles(layer, &layer.fields[*i]))
        };
        let names = self.properties.as_ref();
        if names.is_some_and(|names| names.iter().any(|n| layers.iter().all(|l| seen(l, n).is_none()))) {
            return Err(Problem::bad_request("unknown-property", "a listed property is no field of the layers"));
        }
        let columns = |layer: &Layer| names.map(|names| names.iter().filter_map(|n| seen(layer, n)).collect());
        let shown = |layer: &&Layer| Shown { form: self.form, columns: columns(layer), geoid: app.geoid.clone() };
        Ok(layers.iter().map(shown).collect())
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

/// `/3dtiles/{layers}/tileset.json`: a layer's first page, or that of a family of layers, or a tileset of such tilesets.
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
    let cast = Cast::of(&asked.city, &layers);
    let alone = cast.families.len() + cast.others.len() == 1;
    let (mut plans, mut sets) = (vec![], vec![]);
    for &ix in &cast.others {
        let layer = asked.city.snapshot.catalog.layer(ix);
        match three::is_through(layer) {
            // It has no rows: whose rows are to be left out sees none of it.
            true if asked.audience.narrows(layer) => {}
            true => sets.extend(three::through(&asked.city, layer, &format!("../{snapshot}/{}/", layer.id))?),
            false => plans.extend(plan(&app, &asked, ix, &query)?),
        }
    }
    for family in cast.families {
        plans.extend(plan_family(&app, &asked, family, &query).await?);
    }
    let linked = |plan: Plan| {
        let folder = format!("../{snapshot}/{}/", plan.name);
        let links = Links { folder, query: query.forward(&version(&plan)), snapshot: snapshot.clone() };
        (plan, links)
    };
    let plans: Vec<_> = plans.into_iter().map(linked).collect();
    let document = match plans.first() {
        _ if !sets.is_empty() => Some(three::assembled(&plans, &sets, &app.geoid, &snapshot)),
        None => Some(three::empty(&app.geoid, &snapshot)),
        Some((plan, links)) if alone => three::page(plan, 0, links),
        _ => Some(three::scene(&plans, &app.geoid, &snapshot)),
    };
    let body = document.ok_or_else(Problem::internal)?.to_string().into_bytes();
    reply::document(&app, &headers, &asked, reply::JSON, body).await
}

/// `/3dtiles/{snapshot}/{layer}/{node}.json` and `….glb`; of a family its members' ids in their order
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
    let (node, ending) = numbered(&file, &["json", "glb"]).ok_or_else(missing)?;
    let query = Query::parse(raw.as_deref())?;
    let plan = match layer.contains(',') {
        true => {
            let family = family(&asked, &layer)?.ok_or_else(missing)?;
            plan_family(&app, &asked, family, &query).await?
        }
        false => plan(&app, &asked, asked.layer(&layer)?, &query)?,
    };
    let plan = Arc::new(plan.ok_or_else(missing)?);
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
            spend(&app, &asked, &layer, &plan, node).await?;
            let of = Of::Content(plan.revision, node);
            let plan = Arc::clone(&plan);
            let make = move || three::content(&plan, node);
            let (coded, outcome) = app.cache.get(of, Coding::negotiate(&headers), Effort::Quick, make).await?;
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

/// The family that a list of layers is, if it is one and is spelled as its tilesets spell it.
fn family(asked: &Asked, list: &str) -> Result<Option<Family>, Problem> {
    let mut cast = Cast::of(&asked.city, &asked.layers(list)?);
    let family = cast.families.pop().filter(|_| cast.families.is_empty() && cast.others.is_empty());
    Ok(family.filter(|f| three::family_name(&asked.city, f) == list))
}

fn plan(app: &App, asked: &Asked, ix: LayerIx, query: &Query) -> Result<Option<Plan>, Problem> {
    let layer = asked.city.snapshot.catalog.layer(ix);
    let shown = query.shown(app, asked, layer)?;
    three::plan(&asked.city, &asked.audience, ix, &shown)?.map_err(|lack| lacking(lack, &layer.id))
}

/// On a worker where the tree has yet to be made.
async fn plan_family(app: &App, asked: &Asked, family: Family, query: &Query) -> Result<Option<Plan>, Problem> {
    let shown = query.shown_each(app, asked, &family)?;
    let (city, audience) = (asked.city.clone(), asked.audience.clone());
    let at_hand = city.has_family(&family);
    let make = move || {
        let plan = three::plan_family(&city, &audience, &family, &shown)?;
        plan.map_err(|lack| lacking(lack, &three::family_name(&city, &family)))
    };
    if at_hand { make() } else { app.workers.run(make).await }
}

/// Spends the cells that a content's features stand in.
async fn spend(app: &App, asked: &Asked, list: &str, plan: &Arc<Plan>, node: usize) -> Result<(), Problem> {
    let catalog = &asked.city.snapshot.catalog;
    let layers: Vec<LayerIx> = list.split(',').filter_map(|id| catalog.find(id)).collect();
    if !asked.spends(&layers) {
        return Ok(());
    }
    let plan = Arc::clone(plan);
    let places = app.workers.run(move || Ok(three::places(&plan, node)?)).await?;
    asked.spend_places(&layers, &places)
}

fn lacking(lack: Lack, of: &str) -> Problem {
    let detail = match lack {
        Lack::NotDrawn => format!("{of} is not served as 3D tiles"),
        Lack::NoTree => format!("{of} was imported before it could be served as 3D tiles: import it again"),
    };
    Problem::not_found("layer-not-in-3d", detail)
}
