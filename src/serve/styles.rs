//! `/styles`, `/sprites` and `/fonts`: what a map client asks for besides tiles. Names are looked up in tables; what
//! stands in the answers is `style`'s business.

use super::App;
use super::cache::{Of, Part};
use super::coding::{Coding, Effort};
use super::etag::Digest;
use super::gate::Asked;
use super::problem::Problem;
use super::reply;
use super::router::Segments;
use crate::error::{Error, Result};
use crate::layer::Serve;
use crate::style::{Fonts, Ratio, Style, range_start};
use crate::tile::zoom_range;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::OnceCell;

/// The fonts, looked for once, when they are first needed.
pub struct FontShelf {
    places: Vec<PathBuf>,
    fonts: OnceCell<Fonts>,
}

impl FontShelf {
    pub fn new(places: Vec<PathBuf>) -> FontShelf {
        FontShelf { places, fonts: OnceCell::new() }
    }

    /// Looks for them, on a thread that may block; says once what that found.
    pub async fn look(&self) -> &Fonts {
        let places = self.places.clone();
        let find = || async move {
            let fonts = tokio::task::spawn_blocking(move || Fonts::find(&places)).await.unwrap_or_default();
            match fonts.names().count() {
                0 => tracing::warn!(
                    "no font was found: labels stay empty until fonts-noto-cjk is installed, or `fonts` names one"
                ),
                n => tracing::debug!(fonts = n, "fonts were found"),
            }
            fonts
        };
        self.fonts.get_or_init(find).await
    }
}

/// `/styles`
pub async fn list(State(app): State<Arc<App>>, asked: Asked, headers: HeaderMap) -> Result<Response, Problem> {
    let base = &app.base_url;
    let one = |s: &Style| {
        json!({
            "id": s.id,
            "title": {"zh": s.title.zh, "en": s.title.en},
            "url": format!("{base}/styles/{}.json", s.id),
            "sprite": format!("{base}/sprites/{}", s.id),
        })
    };
    let styles: Vec<Value> = app.styles.iter().map(one).collect();
    let fonts: Vec<&str> = app.fonts.look().await.names().collect();
    let glyphs = format!("{base}/fonts/{{fontstack}}/{{range}}.pbf");
    let body = json!({ "styles": styles, "glyphs": glyphs, "fonts": fonts }).to_string();
    reply::document(&app, &headers, &asked, reply::JSON, body.into_bytes()).await
}

/// `/styles/{id}.json`
pub async fn style(
    State(app): State<Arc<App>>,
    asked: Asked,
    Segments([file]): Segments<1>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let style = file.strip_suffix(".json").and_then(|id| app.styles.get(id)).ok_or_else(unknown_style)?;
    let catalog = &asked.city.snapshot.catalog;
    let shown = |id: &str| {
        let layer = catalog.find(id).map(|ix| catalog.layer(ix).as_ref());
        layer.is_some_and(|l| {
            asked.audience.sees_layer(l) && l.serves(Serve::Mvt) && zoom_range(&app.default_grid, &[l]).is_some()
        })
    };
    let body = style.tailored(shown, &app.base_url).to_string();
    reply::document(&app, &headers, &asked, reply::JSON, body.into_bytes()).await
}

/// `/sprites/{style}.json`, `.png`, and `@2x` before the ending.
pub async fn sprite(
    State(app): State<Arc<App>>,
    asked: Asked,
    Segments([file]): Segments<1>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (name, part) = match file.rsplit_once('.') {
        Some((name, "json")) => (name, Part::Index),
        Some((name, "png")) => (name, Part::Image),
        _ => return Err(unknown_style()),
    };
    let (id, ratio) = match name.strip_suffix("@2x") {
        Some(id) => (id, Ratio::Two),
        None => (name, Ratio::One),
    };
    let place = app.styles.iter().position(|s| s.id == id).ok_or_else(unknown_style)?;
    if app.styles.pictures().next().is_none() {
        return Err(Problem::not_found("sprite-not-found", "these styles have no pictures"));
    }
    let (media_type, coding) = match part {
        Part::Index => (reply::JSON, Coding::negotiate(&headers)),
        // Compressed already.
        Part::Image => (reply::PNG, Coding::Identity),
    };
    let make = drawn(&app, place, ratio, part);
    let (coded, _) = app.cache.get(Of::Sprite(place, ratio, part), coding, Effort::Full, make).await?;
    Ok(reply::coded(&headers, &asked, media_type, coded))
}

/// Draws a sheet of the style at `place`, for the cache.
fn drawn(app: &App, place: usize, ratio: Ratio, part: Part) -> impl FnOnce() -> Result<Vec<u8>> + Send + use<> {
    let styles = app.styles.clone();
    move || {
        let style = styles.iter().nth(place).ok_or_else(|| Error::Data("no such style".into()))?;
        let sheet = styles.sheet(style, ratio)?;
        match part {
            Part::Index => sheet.index(),
            Part::Image => sheet.image(),
        }
    }
}

/// Draws the sheets of all styles, one after another, before anybody asks: a map shows nothing until it has one, and
/// packing one takes some tenths of a second.
pub async fn prepare(app: Arc<App>) {
    if app.styles.pictures().next().is_none() {
        return;
    }
    let sheets = |place| [Ratio::One, Ratio::Two].map(|ratio| (place, ratio));
    for (place, ratio) in (0..app.styles.iter().count()).flat_map(sheets) {
        for part in [Part::Index, Part::Image] {
            let make = drawn(&app, place, ratio, part);
            // What cannot be drawn is told to who asks for it.
            let _ = app.cache.get(Of::Sprite(place, ratio, part), Coding::Identity, Effort::Full, make).await;
        }
    }
}

/// `/fonts/{stack}/{first}-{last}.pbf`: `{stack}` is a font's name or a comma list.
pub async fn glyphs(
    State(app): State<Arc<App>>,
    asked: Asked,
    Segments([list, file]): Segments<2>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Some(range) = file.strip_suffix(".pbf") else {
        return Err(Problem::not_found("not-found", "letters end in .pbf"));
    };
    let Some(first) = range_start(range) else {
        let detail = "a range is 256 code points from a multiple of 256 on, up to 65535: 0-255, 256-511, …";
        return Err(Problem::bad_request("invalid-glyph-range", detail));
    };
    let Some(stack) = app.fonts.look().await.stack(&list) else {
        let detail = "none of these fonts is installed; /styles lists those that are, docs/styles.md how to add one";
        return Err(Problem::not_found("font-not-found", detail));
    };
    let of = Of::Glyphs(Digest::of(stack.name.as_bytes()), first);
    let (coded, _) = app.cache.get(of, Coding::negotiate(&headers), Effort::Full, move || stack.range(first)).await?;
    Ok(reply::coded(&headers, &asked, reply::GLYPHS, coded))
}

fn unknown_style() -> Problem {
    Problem::not_found("style-not-found", "there is no such style; /styles lists them")
}
