//! Batches of lookups that come and go slowly: what they take is bounded, and nobody waits for them.

use super::delivery::City;
use super::town::{at, town};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, Response};
use bytes::Bytes;
use chengtu::serve::{App, Options};
use serde_json::Value;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tower::ServiceExt;

fn served(options: impl FnOnce(Options) -> Options) -> (City, Router) {
    let city = town();
    let options = options(Options { open: true, batch_mb: 1, ..Options::new(city.store()) });
    let router = App::open(&options).unwrap().router();
    (city, router)
}

async fn post(router: &Router, media_type: &str, body: impl Into<Body>) -> Response<Body> {
    let request = Request::post("/owner").header("content-type", media_type).body(body.into()).unwrap();
    router.clone().oneshot(request).await.unwrap()
}

const LINES: &str = "application/x-ndjson";

async fn text(response: Response<Body>) -> String {
    String::from_utf8(to_bytes(response.into_body(), 1 << 26).await.unwrap().to_vec()).unwrap()
}

/// Rows that are no questions: an answer needs nothing of the city.
fn rows(count: usize) -> String {
    "{}\n".repeat(count)
}

/// A body that sends one piece and then nothing. Tells when it is asked for more: the piece has been taken.
struct Stalled {
    piece: Option<Bytes>,
    taken: Arc<Notify>,
}

impl futures_core::Stream for Stalled {
    type Item = Result<Bytes, std::io::Error>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match self.piece.take() {
            Some(piece) => Poll::Ready(Some(Ok(piece))),
            None => {
                self.taken.notify_one();
                Poll::Pending
            }
        }
    }
}

/// An upload of so many bytes that does not end; they have been taken.
async fn stalled(router: &Router, bytes: usize) -> JoinHandle<Response<Body>> {
    let taken = Arc::new(Notify::new());
    let stream = Stalled { piece: Some(Bytes::from(vec![b' '; bytes])), taken: taken.clone() };
    let router = router.clone();
    let upload = tokio::spawn(async move { post(&router, LINES, Body::from_stream(stream)).await });
    taken.notified().await;
    upload
}

#[tokio::test]
async fn bodies_on_their_way_take_bounded_memory() {
    let (_city, router) = served(|o| o);
    let mut under_way = vec![];
    for _ in 0..8 {
        under_way.push(stalled(&router, 1 << 20).await);
    }
    // What eight of the largest leave over.
    under_way.push(stalled(&router, 8 << 10).await);
    let refused = post(&router, LINES, rows(1)).await;
    assert_eq!((refused.status().as_u16(), refused.headers()["retry-after"].to_str().unwrap()), (503, "1"));
    assert_eq!(serde_json::from_str::<Value>(&text(refused).await).unwrap()["type"], "/problems/overloaded");
    for upload in under_way {
        upload.abort();
        assert!(upload.await.unwrap_err().is_cancelled());
    }
    assert_eq!(post(&router, LINES, rows(1)).await.status(), 200);
}

#[tokio::test]
async fn a_body_that_does_not_come_takes_none() {
    let (_city, router) = served(|o| o);
    let mut idle = vec![];
    for _ in 0..20 {
        idle.push(stalled(&router, 0).await);
    }
    assert_eq!(post(&router, LINES, rows(1)).await.status(), 200);
}

#[tokio::test]
async fn clients_that_take_no_answer_keep_nobody_waiting() {
    let (_city, router) = served(|o| Options { workers: 1, ..o });
    let many = 20_000;
    let slow = [
        post(&router, LINES, rows(many)).await,
        post(&router, LINES, rows(many)).await,
        post(&router, LINES, rows(many)).await,
    ];
    for _ in 0..3 {
        let [lon, lat] = at(0.5, 0.5);
        let answer = post(&router, "text/csv", format!("lon,lat\n{lon},{lat}\n")).await;
        assert_eq!(answer.status(), 200);
        assert!(text(answer).await.contains("RESOLVED"));
    }
    for answer in slow {
        assert_eq!(text(answer).await.lines().count(), many, "it gets all, when it takes it");
    }
}

#[tokio::test]
async fn places_are_bounded_and_a_client_that_is_too_slow_loses_its_own() {
    let (_city, router) = served(|o| Options { workers: 1, queue: 1, write_s: 1, ..o });
    let slow = [post(&router, LINES, rows(20_000)).await, post(&router, LINES, rows(20_000)).await];
    assert_eq!(post(&router, LINES, rows(1)).await.status(), 503);
    let again = async {
        while post(&router, LINES, rows(1)).await.status() != 200 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), again).await.expect("their places are free again");
    // One place is enough for that; the other client may still be in time.
    let mut broken = 0;
    for answer in slow {
        match to_bytes(answer.into_body(), 1 << 26).await {
            Ok(whole) => assert_eq!(whole.iter().filter(|b| **b == b'\n').count(), 20_000),
            Err(_) => broken += 1,
        }
    }
    assert!(broken > 0, "what was cut does not look whole");
}

/// A list of all of them would take a gigabyte for each 64 MiB.
#[tokio::test]
async fn an_array_of_short_rows_is_answered_like_any_other() {
    let (_city, router) = served(|o| o);
    let many = 100_000;
    let answer = text(post(&router, "application/json", format!("[{}0]", "0,".repeat(many - 1))).await).await;
    let rows: Vec<Value> = serde_json::from_str(&answer).unwrap();
    assert_eq!(rows.len(), many);
    assert!(rows.iter().all(|r| r["error"]["code"] == "ROW_FORMAT"));
}
