//! Damaged files under a server: whoever asks gets the right answer or `layer-data-damaged`, and the layers whose files
//! are whole answer as before. Damage of single blobs read by other means is `tests/store/damage.rs`.

use crate::city;
use crate::common::Random;
use crate::common::web::get;
use crate::{cases, figure};
use axum::Router;
use chengtu::error::Error;
use chengtu::serve::{App, Options};
use chengtu::store::Store;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A question, and the layers whose data its answer is made of.
type Question = (String, &'static [&'static str]);

fn questions(content: &str) -> Vec<Question> {
    let q = |path: &str, layers: &'static [&'static str]| (path.to_string(), layers);
    vec![
        q(&city::path("lamp", 14), &["lamp"]),
        q(&city::path("lamp", 12), &["lamp"]),
        q(&city::path("river", 12), &["river"]),
        q(&city::path("lamp,river", 13), &["lamp", "river"]),
        q("/collections/lamp/items/3", &["lamp"]),
        q("/collections/lamp/items?bbox=114.2,34.7,114.5,34.9&limit=20", &["lamp"]),
        q("/collections/river/items/9001", &["river"]),
        q("/search?q=0000000000000003&layers=lamp", &["lamp"]),
        q("/identify?lon=114.3&lat=34.8&radius_m=50&layers=lamp", &["lamp"]),
        q("/tiles/river.json", &["river"]),
        q("/3dtiles/tower/tileset.json", &["tower"]),
        q(content, &["tower"]),
        q("/owner?lon=114.3&lat=34.8&at=2026-11-21T08:30:00%2B08:00", &[]),
    ]
}

fn open(store: &Path) -> Result<Router, Error> {
    App::open(&Options { open: true, workers: 2, ..Options::new(store.to_path_buf()) }).map(|app| app.router())
}

type Answers = BTreeMap<String, (u16, Vec<u8>)>;

async fn ask(router: &Router, questions: &[Question]) -> Answers {
    let mut answers = Answers::new();
    for (path, _) in questions {
        let answer = get(router, path).await;
        answers.insert(path.clone(), (answer.status, answer.body));
    }
    answers
}

fn files_of(store: &Path) -> Vec<PathBuf> {
    let list = |folder: &str| std::fs::read_dir(store.join(folder)).unwrap().map(|e| e.unwrap().path());
    let mut files: Vec<PathBuf> = list("blobs").chain(list("snapshots")).collect();
    files.sort();
    files.push(store.join("CURRENT"));
    files
}

/// The file damaged in one of five ways; the way.
fn damage(r: &mut Random, files: &[PathBuf], file: &Path, whole: &[u8]) -> &'static str {
    let at = r.below(whole.len());
    let mut bytes = whole.to_vec();
    let what = match r.below(10) {
        0 => (bytes.truncate(at), "truncations").1,
        1 => (bytes = std::fs::read(&files[r.below(files.len())]).unwrap(), "swaps").1,
        2 => (bytes[at..].fill(0), "tails of zeros").1,
        _ => (bytes[at] ^= 1 << r.below(8), "bit flips").1,
    };
    std::fs::write(file, &bytes).unwrap();
    if bytes == whole { "unchanged" } else { what }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_costs_its_layer_and_nothing_is_answered_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path();
    city::publish(store, &[("lamp", city::lamps(900)), ("river", city::river()), ("tower", city::towers(9))]);
    let router = open(store).unwrap();
    let tileset = get(&router, "/3dtiles/tower/tileset.json").await;
    let text = tileset.text();
    let uri = text.split("\"uri\":\"").nth(1).and_then(|t| t.split('"').next()).expect("a content");
    // Relative to `/3dtiles/tower/`.
    let content =
        uri.strip_prefix("../").map_or_else(|| format!("/3dtiles/tower/{uri}"), |rest| format!("/3dtiles/{rest}"));
    let questions = questions(&content);
    let right = ask(&router, &questions).await;
    let silent = right.iter().find(|(path, (status, _))| *status != 200 && !path.starts_with("/owner"));
    assert!(silent.is_none(), "{silent:?}");
    let opened = Store::open(store, false).unwrap();
    let id = opened.current().unwrap().unwrap();
    let named = opened.snapshot(&id, &std::sync::Arc::new(chengtu::store::BlockCache::new(1 << 20))).unwrap();

    let (files, mut r) = (files_of(store), Random(9));
    let (mut ways, mut refused, mut told, mut count) = (BTreeMap::<&str, usize>::new(), 0, 0, 0);
    for i in 0..cases(3000, 120) {
        let file = &files[i % files.len()];
        let whole = std::fs::read(file).unwrap();
        let way = damage(&mut r, &files, file, &whole);
        if way != "unchanged" {
            count += 1;
            *ways.entry(way).or_default() += 1;
            let case = format!("{way}, {}", file.display());
            let found = opened.verify().unwrap();
            assert!(found.iter().any(|f| f.file == *file), "{case}: {found:?}");
            let digest = file.file_name().unwrap().to_string_lossy().into_owned();
            let of = |blob: &chengtu::store::BlobRef| blob.digest == digest || blob.blocks == digest;
            let costs: Vec<Option<&str>> = named.manifest.blobs().filter(|(b, _)| of(b)).map(|(_, l)| l).collect();
            match open(store) {
                Err(e) => {
                    assert!(matches!(e, Error::Damaged { .. } | Error::Config(_) | Error::Missing(_)), "{case}: {e}");
                    assert!(costs.is_empty() || costs.contains(&None), "{case} costs {costs:?}, not all");
                    refused += 1;
                }
                Ok(router) => {
                    for (path, (status, body)) in ask(&router, &questions).await {
                        let layers = questions.iter().find(|q| q.0 == path).unwrap().1;
                        let mine = costs.iter().any(|l| l.is_none_or(|l| layers.contains(&l)));
                        let text = String::from_utf8_lossy(&body);
                        let damaged = status == 503 && text.contains("layer-data-damaged")
                            || text.contains("\"unsearched\":[\"lamp\"]");
                        told += usize::from(damaged);
                        assert!(
                            (status, &body) == (right[&path].0, &right[&path].1)
                                || (damaged && (mine || layers.is_empty())),
                            "{case}: {path} answers {status} {text}, it costs {costs:?}"
                        );
                    }
                }
            }
        }
        std::fs::write(file, &whole).unwrap();
    }
    assert!(refused > 0 && told > 0);
    assert_eq!(ask(&open(store).unwrap(), &questions).await, right, "healed");
    figure(
        "a damaged store under a server",
        &format!(
            "{count} damages ({ways:?}) × {} questions: all found by verify, 0 answers wrong, {told} told 503, {refused} stores refused",
            questions.len()
        ),
    );
}
