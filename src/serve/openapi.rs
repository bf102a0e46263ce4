//! `/api`: the OpenAPI 3.0 description of what answers, for programs that make their own client.

use super::App;
use super::features::OPENAPI;
use super::features_query::{MOST, PAGE};
use super::gate::Asked;
use super::identify::{MOST_RADIUS_M, MOST_RECORDS, RADIUS_M, RECORDS};
use super::problem::Problem;
use super::reply;
use super::search::{MOST_CHARACTERS, MOST_RESULTS, RESULTS};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::{Map, Value, json};
use std::sync::Arc;

pub async fn api(State(app): State<Arc<App>>, asked: Asked, headers: HeaderMap) -> Result<Response, Problem> {
    let body = json!({
        "openapi": "3.0.3",
        "info": { "title": "chengtu 城图", "version": env!("CARGO_PKG_VERSION") },
        "servers": [{ "url": app.base_url }],
        "paths": paths(),
        "components": { "parameters": parameters(), "schemas": schemas() },
    });
    reply::document(&app, &headers, &asked, OPENAPI, body.to_string().into_bytes()).await
}

/// Path, what it answers, its parameters by name, the media type.
const PATHS: [(&str, &str, &[&str], &str); 18] = [
    ("/conformance", "Conformance classes", &[], reply::JSON),
    ("/collections", "All layers as collections", &[], reply::JSON),
    ("/collections/{layer}", "A layer as a collection", &["layer"], reply::JSON),
    (
        "/collections/{layer}/items",
        "Records of a layer; other parameters are fields and the values that they must have",
        &["layer", "limit", "bbox", "bbox-crs", "crs", "datetime", "next"],
        reply::GEOJSON,
    ),
    ("/collections/{layer}/items/{id}", "A record, whole", &["layer", "id", "crs"], reply::GEOJSON),
    ("/catalog", "The layers: names, counts, bounds, zooms, fields", &[], reply::JSON),
    (
        "/identify",
        "Records near a place, the nearest first",
        &["lon", "lat", "radius_m", "in-layers", "most"],
        reply::GEOJSON,
    ),
    (
        "/search",
        "Records by their codes and names, the best first; or a coordinate",
        &["q", "results", "in-layers", "degrees", "near"],
        reply::JSON,
    ),
    ("/owner", "The one responsible unit of a coordinate, and the reason", OWNER, reply::JSON),
    ("/owner/classes", "The classes that a question may name, by scheme", &[], reply::JSON),
    ("/owner/bodies", "The bodies of the register", &[], reply::JSON),
    ("/tiles/{layers}.json", "TileJSON of layers", &["layers"], reply::JSON),
    ("/tiles/{layers}/{z}/{x}/{y}.mvt", "A vector tile", &["layers", "z", "x", "y"], reply::MVT),
    ("/tiles/{tms}/{layers}.json", "TileJSON of layers in a tile grid", &["tms", "layers"], reply::JSON),
    (
        "/tiles/{tms}/{layers}/{z}/{x}/{y}.mvt",
        "A vector tile in a tile grid",
        &["tms", "layers", "z", "x", "y"],
        reply::MVT,
    ),
    ("/tileMatrixSets", "The tile grids", &[], reply::JSON),
    ("/tileMatrixSets/{tms}", "A tile grid", &["tms"], reply::JSON),
    ("/3dtiles/{layers}/tileset.json", "3D Tiles 1.1 of layers", &["layers"], reply::JSON),
];
const OWNER: &[&str] =
    &["lon", "lat", "owner-x", "owner-y", "owner-crs", "class", "component", "at", "accuracy_m", "urgent", "trail"];

fn paths() -> Value {
    let path = |&(path, summary, parameters, media_type): &(&str, &str, &[&str], &str)| {
        let parameters: Vec<Value> =
            parameters.iter().map(|p| json!({ "$ref": format!("#/components/parameters/{p}") })).collect();
        let answer = json!({ "description": summary, "content": { media_type: { "schema": schema_of(path) } } });
        let refusal = json!({
            "description": "Why there is no answer (RFC 9457)",
            "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/problem" } } },
        });
        let get = json!({
            "summary": summary,
            "operationId": path.trim_matches('/').replace(['/', '.'], "_").replace(['{', '}'], ""),
            "parameters": parameters,
            "responses": { "200": answer, "default": refusal },
        });
        (path.to_string(), json!({ "get": get }))
    };
    Value::Object(PATHS.iter().map(path).collect::<Map<_, _>>())
}

fn schema_of(path: &str) -> Value {
    match path {
        _ if path.ends_with(".mvt") => json!({ "type": "string", "format": "binary" }),
        "/collections/{layer}/items" | "/identify" => json!({ "$ref": "#/components/schemas/featureCollection" }),
        "/search" => json!({ "$ref": "#/components/schemas/findings" }),
        "/collections/{layer}/items/{id}" => json!({ "$ref": "#/components/schemas/feature" }),
        _ => json!({ "type": "object" }),
    }
}

fn parameters() -> Value {
    let text = || json!({ "type": "string" });
    let number = || json!({ "type": "number" });
    let whole = || json!({ "type": "integer", "minimum": 0 });
    let truth = || json!({ "type": "boolean" });
    let path: [(&str, Value); 7] = [
        ("layer", text()),
        ("layers", text()),
        ("tms", text()),
        ("id", whole()),
        ("z", whole()),
        ("x", whole()),
        ("y", whole()),
    ];
    let numbers = |n: usize| json!({ "type": "array", "items": number(), "minItems": n, "maxItems": n });
    let corners = json!({ "type": "array", "items": number(), "minItems": 4, "maxItems": 6 });
    let query = [
        ("limit", "limit", json!({ "type": "integer", "minimum": 1, "maximum": MOST, "default": PAGE })),
        ("radius_m", "radius_m", json!({ "type": "number", "maximum": MOST_RADIUS_M, "default": RADIUS_M })),
        ("in-layers", "layers", text()),
        ("most", "limit", json!({ "type": "integer", "minimum": 1, "maximum": MOST_RECORDS, "default": RECORDS })),
        ("q", "q", json!({ "type": "string", "minLength": 1, "maxLength": MOST_CHARACTERS })),
        ("results", "limit", json!({ "type": "integer", "minimum": 1, "maximum": MOST_RESULTS, "default": RESULTS })),
        ("degrees", "bbox", numbers(4)),
        ("near", "near", numbers(2)),
        ("bbox", "bbox", corners),
        ("bbox-crs", "bbox-crs", json!({ "type": "string", "format": "uri" })),
        ("crs", "crs", json!({ "type": "string", "format": "uri" })),
        ("datetime", "datetime", text()),
        ("next", "next", text()),
        ("lon", "lon", number()),
        ("lat", "lat", number()),
        ("owner-x", "x", number()),
        ("owner-y", "y", number()),
        ("owner-crs", "crs", text()),
        ("class", "class", text()),
        ("component", "component", text()),
        ("at", "at", json!({ "type": "string", "format": "date-time" })),
        ("accuracy_m", "accuracy_m", number()),
        ("urgent", "urgent", truth()),
        ("trail", "trail", truth()),
    ];
    let mut all = Map::new();
    for (name, schema) in path {
        all.insert(name.into(), json!({ "name": name, "in": "path", "required": true, "schema": schema }));
    }
    for (key, name, schema) in query {
        let list = schema["type"] == "array";
        let mut parameter = json!({ "name": name, "in": "query", "required": false, "schema": schema });
        if list {
            (parameter["style"], parameter["explode"]) = (json!("form"), json!(false));
        }
        all.insert(key.into(), parameter);
    }
    Value::Object(all)
}

fn schemas() -> Value {
    json!({
        "feature": {
            "type": "object",
            "required": ["type", "id", "geometry", "properties"],
            "properties": {
                "type": { "type": "string", "enum": ["Feature"] },
                "id": { "type": "integer" },
                "geometry": { "type": "object" },
                "properties": { "type": "object" },
                "links": { "type": "array", "items": { "type": "object" } },
            },
        },
        "featureCollection": {
            "type": "object",
            "required": ["type", "features"],
            "properties": {
                "type": { "type": "string", "enum": ["FeatureCollection"] },
                "numberMatched": { "type": "integer" },
                "numberReturned": { "type": "integer" },
                "links": { "type": "array", "items": { "type": "object" } },
                "features": { "type": "array", "items": { "$ref": "#/components/schemas/feature" } },
            },
        },
        "findings": {
            "type": "object",
            "required": ["query", "snapshot", "numberReturned", "results"],
            "properties": {
                "query": { "type": "string" },
                "snapshot": { "type": "string" },
                "numberReturned": { "type": "integer" },
                "truncated": { "type": "boolean" },
                "unsearched": { "type": "array", "items": { "type": "string" } },
                "hint": { "type": "string" },
                "results": { "type": "array", "items": { "type": "object" } },
            },
        },
        "problem": {
            "type": "object",
            "properties": {
                "type": { "type": "string" },
                "title": { "type": "string" },
                "status": { "type": "integer" },
                "detail": { "type": "string" },
            },
        },
    })
}
