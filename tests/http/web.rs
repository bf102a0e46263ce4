//! The page as the server sends it: whichever way this program was built, with or without it.

use super::city::built;
use super::{ask, get, open};
use axum::http::Method;
use std::path::Path;

/// Addresses in `web/…` that a page names.
fn named(html: &str) -> Vec<String> {
    let parts = html.split(['"', '\'']).filter(|p| p.starts_with("web/"));
    parts.map(|p| format!("/{p}")).collect()
}

fn is_built() -> bool {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("web/dist/index.html").exists()
}

#[tokio::test]
async fn the_entry_is_a_page_that_loads_nothing_from_elsewhere() {
    let dir = built();
    let r = open(dir.path()).router();
    let a = get(&r, "/").await;
    let html = String::from_utf8(a.body.clone()).unwrap();
    assert_eq!((a.status, a.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(a.header("content-security-policy").starts_with("default-src 'none'"), "{html}");
    assert!(!html.contains("https://") && !html.contains("src=\"//"), "{html}");
    assert!(is_built() == html.contains("id=\"app\"") && is_built() != html.contains("make web"), "{html}");
    for (coding, header) in [("br", "br"), ("gzip", "gzip"), ("identity", "")] {
        let coded = ask(&r, Method::GET, "/", &[("accept-encoding", coding)]).await;
        assert!(coded.header("content-encoding") == header || !is_built(), "{coding}");
        let known = [("accept-encoding", coding), ("if-none-match", coded.header("etag"))];
        assert_eq!(ask(&r, Method::GET, "/", &known).await.status, 304, "{coding}");
    }
}

#[tokio::test]
async fn what_the_entry_names_is_there_and_may_be_kept() {
    let dir = built();
    let r = open(dir.path()).router();
    let html = String::from_utf8(get(&r, "/").await.body).unwrap();
    let files = named(&html);
    assert_eq!(files.is_empty(), !is_built(), "{html}");
    if files.is_empty() {
        eprintln!("SKIPPED: this program was built without the page (make web)");
    }
    for name in files {
        let (plain, packed) = (get(&r, &name).await, ask(&r, Method::GET, &name, &[("accept-encoding", "br")]).await);
        assert_eq!((plain.status, packed.header("content-encoding")), (200, "br"), "{name}");
        assert!(plain.header("cache-control").contains("immutable"), "{name}");
        assert!(packed.body.len() < plain.body.len() && packed.header("etag") != plain.header("etag"), "{name}");
        let mut unpacked = vec![];
        brotli::BrotliDecompress(&mut &packed.body[..], &mut unpacked).unwrap();
        assert!(unpacked == plain.body, "{name}");
    }
}

#[tokio::test]
async fn files_are_found_by_name_alone() {
    let dir = built();
    let r = open(dir.path()).router();
    for name in ["index.html", "files.json", ".gitignore", "../Cargo.toml", "%2e%2e/Cargo.toml", "none.js", ""] {
        let a = get(&r, &format!("/web/{name}")).await;
        assert_eq!(a.problem(), (404, "not-found".into()), "{name}");
    }
}
