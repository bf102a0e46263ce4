//! `/`: a plain page that says what this server is, what it has and how to ask for it. Loads nothing from elsewhere.

use super::App;
use super::gate::Asked;
use super::problem::Problem;
use super::reply;
use crate::layer::{Layer, Serve};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use std::fmt::Write;
use std::sync::Arc;

const HEAD: &str = r#"<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>chengtu 城图</title>
<style>
body{font:15px/1.6 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:#1c2733;background:#fff}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.2rem .8rem .2rem 0;border-bottom:1px solid #dde3e8}
td.n{text-align:right;font-variant-numeric:tabular-nums}code{background:#f0f3f5;padding:0 .3em}a{color:#0a5a9c}
</style></head><body>
"#;

pub async fn page(State(app): State<Arc<App>>, asked: Asked, headers: HeaderMap) -> Result<Response, Problem> {
    let html = write(&app, &asked).into_bytes();
    let mut r = reply::document(&app, &headers, &asked, "text/html; charset=utf-8", html).await?;
    let policy = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'");
    r.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    Ok(r)
}

fn write(app: &App, asked: &Asked) -> String {
    let base = escaped(&app.base_url);
    let snapshot = &asked.city.snapshot;
    let mut out = String::from(HEAD);
    let _ = write!(
        out,
        "<h1>chengtu 城图</h1><p>Snapshot <code>{}</code>. <a href=\"{base}/catalog\">Catalog</a> · \
         <a href=\"{base}/tileMatrixSets\">tile grids</a> · <a href=\"{base}/metrics\">metrics</a></p>\
         <ul><li>Vector tiles: <code>{base}/tiles/{{layers}}/{{z}}/{{x}}/{{y}}.mvt</code>, {{layers}} one id or a comma \
         list; in another grid <code>{base}/tiles/{{grid}}/{{layers}}/{{z}}/{{x}}/{{y}}.mvt</code></li>\
         <li>TileJSON for any map client: <code>{base}/tiles/{{layers}}.json</code></li>\
         <li>3D Tiles: <code>{base}/3dtiles/{{layers}}/tileset.json</code></li>\
         <li>One record with its source geometry: <code>{base}/collections/{{layer}}/items/{{id}}</code></li></ul>\
         <table><thead><tr><th>Layer</th><th>图层</th><th>Theme</th><th>Features</th><th>Zooms</th><th></th></tr></thead><tbody>",
        escaped(&snapshot.id)
    );
    for layer in asked.visible() {
        let count = snapshot.manifest.layers.get(&layer.id).map_or(0, |e| e.count);
        row(&mut out, &base, layer, count);
    }
    out.push_str("</tbody></table></body></html>\n");
    out
}

fn row(out: &mut String, base: &str, l: &Layer, count: u64) {
    let link = match l.serves(Serve::Mvt) {
        true => format!("<a href=\"{base}/tiles/{}.json\">TileJSON</a>", escaped(&l.id)),
        false => String::new(),
    };
    let [id, zh, en, theme] = [&l.id, &l.name.zh, &l.name.en, &l.theme].map(|t| escaped(t));
    let _ = write!(
        out,
        "<tr><td><code>{id}</code><br>{en}</td><td>{zh}</td><td>{theme}</td><td class=\"n\">{count}</td>\
         <td class=\"n\">{}–{}</td><td>{link}</td></tr>",
        l.zoom.min, l.zoom.max
    );
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
