//! The page for people, embedded: `/` and the files it names under `/web/`. What it is made of is `web/`'s business; here
//! files are looked up in a table, never by path, and sent in the codings they were compressed to when the page was built.
//! A program that was built without the page says how to build it.

use super::coding::{Coding, Effort};
use super::etag::{Digest, none_match};
use super::problem::Problem;
use super::router::Segments;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use rust_embed::RustEmbed;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

#[derive(RustEmbed)]
#[folder = "web/dist/"]
#[exclude = ".gitignore"]
#[exclude = "files.json"]
struct Dist;

/// A file of the page in the codings that it is there in.
struct Asset {
    plain: Bytes,
    compressed: [Option<Bytes>; 2],
    digest: Digest,
    media_type: &'static str,
}

/// The codings in the order of `Asset::compressed`, with the endings of their files.
const TWINS: [(Coding, &str); 2] = [(Coding::Brotli, ".br"), (Coding::Gzip, ".gz")];
const ENTRY: &str = "index.html";
/// Names carry a digest of the content, so their content never changes.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

static SITE: LazyLock<BTreeMap<String, Asset>> = LazyLock::new(site);

/// Scripts, workers and data from this server alone; the globe's decoders are WebAssembly, and the one style element that
/// CesiumJS makes (of its credits) is named by its digest.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; style-src 'self' 'sha256-gM2CWYHXIHTu7Ts6ncwv0GMWZ9LXGrz2qqqjyuDojl8='; \
    img-src 'self' data: blob:; connect-src 'self' data: blob:; font-src 'self'; manifest-src 'self'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'self'";
const POLICY_WITHOUT_PAGE: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'self'";

const WITHOUT_PAGE: &str = r#"<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>chengtu 城图</title>
<style>body{font:16px/1.7 system-ui,sans-serif;max-width:44rem;margin:12vh auto;padding:0 1.5rem;color:#18222b;background:#fff}
code{background:#eef1f3;padding:.1em .4em;border-radius:4px}a{color:#1d5b8f}</style></head><body>
<h1>chengtu 城图</h1>
<p>服务已经运行,但这个程序编译时没有带上地图页面。请在源码目录执行 <code>make web</code>,再重新编译。</p>
<p lang="en">The server runs, but this program was built without the map page. Run <code>make web</code> in the sources and build again.</p>
<p><a href="catalog">图层 catalog</a> · <a href="collections">记录 collections</a> · <a href="api">接口 OpenAPI</a> · <a href="tileMatrixSets">tile grids</a></p>
</body></html>
"#;

fn site() -> BTreeMap<String, Asset> {
    let file = |name: &str| Dist::get(name).map(|f| bytes(f.data));
    let is_twin = |name: &str| TWINS.iter().any(|(_, ending)| name.ends_with(ending));
    let mut site = BTreeMap::new();
    for name in Dist::iter().filter(|n| !is_twin(n)) {
        let Some(plain) = file(&name) else { continue };
        let compressed = TWINS.map(|(_, ending)| file(&format!("{name}{ending}")));
        let digest = Digest::of(&plain);
        site.insert(name.to_string(), Asset { plain, compressed, digest, media_type: media_type(&name) });
    }
    site
}

fn bytes(data: Cow<'static, [u8]>) -> Bytes {
    match data {
        Cow::Borrowed(b) => Bytes::from_static(b),
        Cow::Owned(v) => Bytes::from(v),
    }
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "wasm" => "application/wasm",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}

/// `/`
pub async fn page(headers: HeaderMap) -> Response {
    let (asset, policy) = match SITE.get(ENTRY) {
        Some(asset) => (asset, POLICY),
        None => (&*UNBUILT, POLICY_WITHOUT_PAGE),
    };
    let mut r = answer(asset, &headers, "no-cache");
    let mut put = |name: HeaderName, value| r.headers_mut().insert(name, HeaderValue::from_static(value));
    put(header::CONTENT_SECURITY_POLICY, policy);
    put(header::REFERRER_POLICY, "same-origin");
    put(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    put(HeaderName::from_static("permissions-policy"), "geolocation=(self), camera=(), microphone=()");
    r
}

static UNBUILT: LazyLock<Asset> = LazyLock::new(|| Asset {
    plain: Bytes::from_static(WITHOUT_PAGE.as_bytes()),
    compressed: [None, None],
    digest: Digest::of(WITHOUT_PAGE.as_bytes()),
    media_type: "text/html; charset=utf-8",
});

/// `/web/{file}`
pub async fn file(Segments([name]): Segments<1>, headers: HeaderMap) -> Result<Response, Problem> {
    let asset = SITE.get(&name).filter(|_| name != ENTRY);
    let asset = asset.ok_or_else(|| Problem::not_found("not-found", "the page has no such file"))?;
    Ok(answer(asset, &headers, FOR_EVER))
}

fn answer(asset: &Asset, request: &HeaderMap, keep: &'static str) -> Response {
    let (coding, bytes) = asset.for_request(request);
    let etag = asset.digest.etag(coding, Effort::Full);
    let known = none_match(request, &etag);
    let mut r = Response::new(Body::empty());
    let headers = r.headers_mut();
    headers.insert(header::ETAG, etag);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if known {
        *r.status_mut() = StatusCode::NOT_MODIFIED;
        return r;
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.media_type));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    if let Some(token) = coding.token() {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(token));
    }
    *r.body_mut() = Body::from(bytes);
    r
}

impl Asset {
    /// The smallest form that the client takes.
    fn for_request(&self, request: &HeaderMap) -> (Coding, Bytes) {
        let twins = TWINS.iter().zip(&self.compressed);
        let taken = twins.filter_map(|((coding, _), bytes)| Some((*coding, bytes.as_ref()?)));
        let best = taken.filter(|(coding, _)| coding.accepted(request)).min_by_key(|(_, bytes)| bytes.len());
        best.map_or((Coding::Identity, self.plain.clone()), |(coding, bytes)| (coding, bytes.clone()))
    }
}
