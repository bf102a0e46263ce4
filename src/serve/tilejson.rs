//! TileJSON 3.0 of a layer or a list: where its tiles are, from which zoom to which, where on Earth, with which
//! attributes. Says what tiles hold for the asker, no more.

use super::App;
use super::gate::Asked;
use super::problem::Problem;
use super::reply;
use super::router::Segments;
use super::tiles::tiled_layers;
use crate::geo::{BBox, TileMatrixSet};
use crate::layer::{Field, FieldType, Layer, LayerIx};
use crate::tile::zoom_range;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// `/tiles/{layers}.json`
pub async fn tilejson(
    State(app): State<Arc<App>>,
    asked: Asked,
    Segments([file]): Segments<1>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    answer(&app, &asked, None, &file, &headers).await
}

/// `/tiles/{tms}/{layers}.json`
pub async fn tilejson_in_grid(
    State(app): State<Arc<App>>,
    asked: Asked,
    Segments([tms, file]): Segments<2>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let grid = app.grid(&tms)?;
    answer(&app, &asked, Some(grid), &file, &headers).await
}

async fn answer(
    app: &Arc<App>,
    asked: &Asked,
    grid: Option<Arc<TileMatrixSet>>,
    file: &str,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let Some(list) = file.strip_suffix(".json") else {
        return Err(Problem::not_found("not-found", "a tile set's description ends in .json"));
    };
    let layers = tiled_layers(asked, list)?;
    let shown = grid.as_ref().unwrap_or(&app.default_grid);
    let folder = grid.as_ref().map_or(String::new(), |g| format!("{}/", g.id));
    let url = format!("{}/tiles/{folder}{list}/{{z}}/{{x}}/{{y}}.mvt", app.base_url);
    let body = describe(asked, shown, &layers, &url, &app.base_url)?;
    reply::document(app, headers, asked, reply::JSON, body.to_string().into_bytes()).await
}

fn describe(asked: &Asked, grid: &TileMatrixSet, ixs: &[LayerIx], url: &str, base: &str) -> Result<Value, Problem> {
    let snapshot = &asked.city.snapshot;
    let layers: Vec<&Layer> = ixs.iter().map(|ix| snapshot.catalog.layer(*ix).as_ref()).collect();
    let Some((minzoom, maxzoom)) = zoom_range(grid, &layers) else {
        return Err(Problem::not_found("zoom-not-served", "this grid has no zoom at which these layers are served"));
    };
    let mut bounds = BBox::EMPTY;
    for layer in &layers {
        bounds = asked.extent(layer)?.1.map_or(bounds, |b| bounds.join(&b));
    }
    let vector_layers: Vec<Value> =
        layers.iter().filter_map(|l| Some(vector_layers(asked, grid, l, zoom_range(grid, &[l])?))).flatten().collect();
    let mut tilejson = json!({
        "tilejson": "3.0.0",
        "name": layers.iter().map(|l| l.name.zh.as_str()).collect::<Vec<_>>().join("、"),
        "description": layers.iter().map(|l| l.name.en.as_str()).collect::<Vec<_>>().join(", "),
        "version": "1.0.0",
        "scheme": "xyz",
        "tiles": [url],
        "minzoom": minzoom,
        "maxzoom": maxzoom,
        "vector_layers": vector_layers,
        "tileMatrixSet": grid.id,
        "tileMatrixSetURI": format!("{base}/tileMatrixSets/{}", grid.id),
    });
    if !bounds.is_empty() {
        let [lon, lat] = bounds.center();
        tilejson["bounds"] = json!(bounds.to_array());
        tilejson["center"] = json!([lon, lat, minzoom]);
    }
    Ok(tilejson)
}

/// The layer, and after it its areas' names where it has such (`Layer::label_layer`).
fn vector_layers(asked: &Asked, grid: &TileMatrixSet, layer: &Layer, (min, max): (u8, u8)) -> Vec<Value> {
    let in_tiles = |f: &&Field| asked.audience.sees_field_in_tiles(layer, f) && layer.in_any_tile(f);
    let told = |fields: &mut dyn Iterator<Item = &Field>| -> Map<String, Value> {
        fields.map(|f| (f.name.clone(), json!(describe_field(f)))).collect()
    };
    let one = |id: &str, description: String, from: u8, fields: Map<String, Value>| {
        json!({
            "id": id,
            "description": description,
            "minzoom": from,
            "maxzoom": max,
            "fields": fields,
        })
    };
    let mut fields = told(&mut layer.fields.iter().filter(in_tiles));
    if layer.thin.count && !asked.audience.narrows(layer) {
        fields.insert("_count".into(), json!("Number: how many features this one stands for"));
    }
    let named = told(&mut layer.fields.iter().filter(in_tiles).filter(|f| layer.labels_with(f)));
    let (zh, en) = (&layer.name.zh, &layer.name.en);
    let from = (min..=max).find(|z| layer.has_labels_at(grid.nominal_zoom(*z))).filter(|_| !named.is_empty());
    let names = layer.label_layer().zip(from);
    let names = names.map(|(id, from)| one(&id, format!("{zh}:名称注记点 {en}: points of names"), from, named));
    std::iter::once(one(&layer.id, format!("{zh} {en}"), min, fields)).chain(names).collect()
}

fn describe_field(f: &Field) -> String {
    let kind = match f.kind {
        FieldType::Int | FieldType::Float => "Number",
        FieldType::Bool => "Boolean",
        FieldType::Text | FieldType::Date | FieldType::Enum => "String",
    };
    let unit = f.unit.as_ref().map(|u| format!(" ({u})")).unwrap_or_default();
    format!("{kind}: {}{unit}", f.zh)
}
