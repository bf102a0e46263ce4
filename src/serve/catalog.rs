//! `/catalog` and `/tileMatrixSets`: what there is.

use super::App;
use super::gate::Asked;
use super::problem::Problem;
use super::reply;
use super::router::Segments;
use crate::draw::drawn_in_3d;
use crate::geo::GeometryKind;
use crate::layer::{Field, FieldRole, FieldType, Layer, LayerIx, Role, SceneKind, Sensitivity, Serve, families};
use crate::tile::three::is_ground;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// `/catalog`
#[derive(Serialize)]
struct CatalogDocument<'a> {
    snapshot: &'a str,
    /// How the asker is known; null where credentials are not looked at.
    access: Option<AccessDocument<'a>>,
    layers: Vec<LayerDocument<'a>>,
}

#[derive(Serialize)]
struct AccessDocument<'a> {
    /// The role that a credential brought; null of whoever came without one.
    role: Option<&'a str>,
}

#[derive(Serialize)]
struct LayerDocument<'a> {
    id: &'a str,
    name_zh: &'a str,
    name_en: &'a str,
    theme: &'a str,
    /// `point`, `line`, `polygon`, or several joined by `+`.
    geometry: String,
    /// What it is for, in the words of `layers/*.toml`.
    roles: &'a [Role],
    count: u64,
    /// Degrees: west, south, east, north; null where there is nothing.
    bounds: Option<[f64; 4]>,
    minzoom: u8,
    maxzoom: u8,
    /// What its tiles show beyond their edges, in 256ths of a side.
    buffer_px: f64,
    fields: Vec<FieldDocument<'a>>,
    /// Its TileJSON.
    tiles: Option<String>,
    /// Its 3D tileset.
    tileset: Option<String>,
    /// What the tileset shows; null where there is none.
    scene: Option<SceneDocument<'a>>,
}

/// How a layer stands in 3D.
#[derive(Serialize)]
struct SceneDocument<'a> {
    /// `extrude`, `tube`, `node`, `instance`, `surface`, `terrain`, or `mesh` of tilesets made elsewhere, in the words of
    /// `layers/*.toml`.
    kind: SceneKind,
    /// CIM level, 1 to 7 (CJJ/T 315-2022).
    level: Option<u8>,
    below_ground: bool,
    /// The layers with models of the same things, itself among them, coarsest first: asked for together they are one
    /// tileset in which each thing stands once. Empty where it has no such.
    family: Vec<&'a str>,
    /// Whether tilesets made elsewhere are linked from it.
    made_elsewhere: bool,
}

#[derive(Serialize)]
struct FieldDocument<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    kind: FieldType,
    name_zh: &'a str,
    name_en: Option<&'a str>,
    unit: Option<&'a str>,
    datum: Option<&'a str>,
    key: bool,
    /// What it says, in the words of `layers/*.toml`.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<FieldRole>,
    /// First zoom whose tiles carry it; 99 where none does.
    #[serde(skip_serializing_if = "is_always")]
    from_zoom: u8,
    sensitivity: Sensitivity,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    values: &'a [String],
}

pub async fn catalog(State(app): State<Arc<App>>, asked: Asked, headers: HeaderMap) -> Result<Response, Problem> {
    let layers: Vec<&Layer> = asked.visible().map(AsRef::as_ref).collect();
    let kin = kin(&asked, &layers);
    let layers = layers.into_iter().map(|l| describe(&app, &asked, &kin, l)).collect();
    let access = app.gate.access().looks_at_credentials().then(|| AccessDocument { role: asked.role() });
    let document = CatalogDocument { snapshot: &asked.city.snapshot.id, access, layers };
    let body = serde_json::to_vec(&document).map_err(|_| Problem::internal())?;
    reply::document(&app, &headers, &asked, reply::JSON, body).await
}

/// The families among the layers that are drawn in 3D, by the ids of their members.
fn kin<'a>(asked: &'a Asked, layers: &[&'a Layer]) -> Vec<Vec<&'a str>> {
    let catalog = &asked.city.snapshot.catalog;
    let drawn = layers.iter().filter(|l| drawn_in_3d(l));
    let drawn: Vec<(LayerIx, &Layer)> = drawn.filter_map(|l| Some((catalog.find(&l.id)?, *l))).collect();
    let ids = |f: &crate::layer::Family| f.members.iter().map(|m| catalog.layer(m.ix).id.as_str()).collect();
    families(&drawn).iter().map(ids).collect()
}

fn describe<'a>(app: &App, asked: &'a Asked, kin: &[Vec<&'a str>], layer: &'a Layer) -> LayerDocument<'a> {
    // A layer whose rows cannot be read is there without a number.
    let (count, bounds) = asked.extent(layer).unwrap_or_default();
    // What has no rows is not shown to whom rows are to be left out.
    let whole = !asked.audience.narrows(layer);
    let made_elsewhere = whole && asked.city.snapshot.manifest.tilesets(&layer.id).next().is_some();
    let drawn = drawn_in_3d(layer) || whole && is_ground(layer);
    let scene = layer.scene.as_ref();
    let seen = layer.fields.iter().filter(|f| asked.audience.sees_field(layer, f));
    LayerDocument {
        id: &layer.id,
        name_zh: &layer.name.zh,
        name_en: &layer.name.en,
        theme: &layer.theme,
        geometry: layer.geometry.iter().map(kind_name).collect::<Vec<_>>().join("+"),
        roles: &layer.roles,
        count,
        bounds: bounds.map(|b| b.to_array()),
        minzoom: layer.zoom.min,
        maxzoom: layer.zoom.max,
        buffer_px: layer.buffer_px,
        fields: seen.map(|f| describe_field(layer, f)).collect(),
        tiles: layer.serves(Serve::Mvt).then(|| format!("{}/tiles/{}.json", app.base_url, layer.id)),
        tileset: (drawn || made_elsewhere).then(|| format!("{}/3dtiles/{}/tileset.json", app.base_url, layer.id)),
        scene: (drawn || made_elsewhere).then(|| SceneDocument {
            kind: scene.filter(|_| drawn).map_or(SceneKind::Mesh, |s| s.kind),
            level: scene.and_then(|s| s.level),
            below_ground: scene.is_some_and(|s| s.below_ground),
            family: kin.iter().find(|f| f.contains(&layer.id.as_str())).cloned().unwrap_or_default(),
            made_elsewhere,
        }),
    }
}

fn kind_name(kind: &GeometryKind) -> &'static str {
    match kind {
        GeometryKind::Point => "point",
        GeometryKind::Line => "line",
        GeometryKind::Polygon => "polygon",
    }
}

fn describe_field<'a>(layer: &Layer, f: &'a Field) -> FieldDocument<'a> {
    FieldDocument {
        name: &f.name,
        kind: f.kind,
        name_zh: &f.zh,
        name_en: f.en.as_deref(),
        unit: f.unit.as_deref(),
        datum: f.datum.as_deref(),
        key: f.key,
        role: f.role,
        from_zoom: f.from_zoom,
        sensitivity: f.sensitivity_in(layer),
        values: &f.values,
    }
}

fn is_always(from_zoom: &u8) -> bool {
    *from_zoom == 0
}

/// `/tileMatrixSets`, as in OGC API – Tiles.
pub async fn grids(State(app): State<Arc<App>>, asked: Asked, headers: HeaderMap) -> Result<Response, Problem> {
    let sets: Vec<Value> = app
        .grids
        .values()
        .map(|g| {
            let whole = g.to_ogc_json();
            let href = format!("{}/tileMatrixSets/{}", app.base_url, g.id);
            json!({
                "id": g.id,
                "title": whole.get("title"),
                "uri": whole.get("uri"),
                "crs": whole.get("crs"),
                "links": [{
                    "rel": "http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme",
                    "type": reply::JSON,
                    "href": href,
                }],
            })
        })
        .collect();
    let body = json!({ "tileMatrixSets": sets }).to_string().into_bytes();
    reply::document(&app, &headers, &asked, reply::JSON, body).await
}

/// `/tileMatrixSets/{id}`
pub async fn grid(
    State(app): State<Arc<App>>,
    asked: Asked,
    Segments([id]): Segments<1>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let body = app.grid(&id)?.to_ogc_json().to_string().into_bytes();
    reply::document(&app, &headers, &asked, reply::JSON, body).await
}
