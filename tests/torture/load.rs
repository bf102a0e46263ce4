//! A server under load: snapshots swapped beneath it, and clients that are slower than anybody has time for.

use crate::city;
use crate::common::web::get;
use crate::{cases, figure};
use axum::Router;
use chengtu::feature::{Feature, FeatureId, Value};
use chengtu::mvt::decode::decode;
use chengtu::serve::{App, Options, Server};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

/// Long enough for the slowest machine; only a failure waits so long.
const PATIENCE: Duration = Duration::from_secs(120);

struct Running {
    address: SocketAddr,
    router: Router,
    _stop: oneshot::Sender<()>,
}

fn start(options: &Options) -> Running {
    let app = App::open(options).unwrap();
    let router = app.router();
    let server = Server::bind(app, options).unwrap();
    let address = server.address();
    let (stop, stopped) = oneshot::channel();
    tokio::spawn(server.run(async move { drop(stopped.await) }));
    Running { address, router, _stop: stop }
}

fn options(store: &Path) -> Options {
    Options { workers: 2, listen: ([127, 0, 0, 1], 0).into(), ..Options::new(store.to_path_buf()) }
}

/// Two layers whose features all say the same number.
fn publish(store: &Path, number: usize) -> String {
    let numbered = |from: u64| -> Vec<Feature> {
        let mut all = city::lamps(12);
        for f in &mut all {
            f.id = FeatureId(f.id.0 + from);
            f.values[1] = Value::Float(number as f64);
        }
        all
    };
    city::publish(store, &[("lamp", numbered(0)), ("bench", numbered(500))])
}

/// The numbers in a tile of both layers.
fn numbers(tile: &[u8]) -> BTreeSet<String> {
    let decoded = decode(tile);
    assert!(decoded.violations.is_empty(), "{:?}", decoded.violations);
    let both = ["lamp", "bench"].map(|l| decoded.layer(l).unwrap_or_else(|| panic!("no {l}")));
    both.iter().flat_map(|l| &l.features).map(|f| format!("{:?}", f.attribute("height"))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn snapshots_are_swapped_under_load() {
    let dir = tempfile::tempdir().unwrap();
    publish(dir.path(), 0);
    let server = start(&options(dir.path()));
    let (done, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = (0..3)
        .map(|_| {
            let (router, done, asked) = (server.router.clone(), done.clone(), asked.clone());
            tokio::spawn(async move {
                let (mut seen, mut last) = (0, vec![]);
                while !done.load(Ordering::Relaxed) {
                    let answer = get(&router, &city::path("lamp,bench", 13)).await;
                    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
                    if answer.body != last {
                        let numbers = numbers(&answer.body);
                        assert_eq!(numbers.len(), 1, "snapshots are mixed: {numbers:?}");
                        (last, seen) = (answer.body, seen + 1);
                    }
                    asked.fetch_add(1, Ordering::Relaxed);
                    // An answer from the cache waits for nothing.
                    tokio::task::yield_now().await;
                }
                seen
            })
        })
        .collect();
    let swaps = cases(200, 4);
    for number in 1..=swaps {
        let store = dir.path().to_path_buf();
        let id = tokio::task::spawn_blocking(move || {
            let id = publish(&store, number);
            chengtu::store::Store::open(&store, false).unwrap().gc(2).unwrap();
            id
        });
        let id = id.await.unwrap();
        let followed = async {
            while !get(&server.router, "/ready").await.text().contains(&id) {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(PATIENCE, followed).await.expect("the new snapshot is served");
    }
    done.store(true, Ordering::Relaxed);
    let mut seen = 0;
    for client in clients {
        seen += client.await.expect("no answer failed");
    }
    assert!(seen > swaps, "{seen} tiles differed");
    figure(
        "hot swap under load",
        &format!("{swaps} swaps, {} answers, 0 failed, 0 mixed", asked.load(Ordering::Relaxed)),
    );
}

/// Milliseconds that 99 of 100 answers took at most, on one connection.
async fn p99_ms(address: SocketAddr, requests: usize) -> f64 {
    let mut c = TcpStream::connect(address).await.unwrap();
    c.set_nodelay(true).unwrap();
    let request = format!("GET {} HTTP/1.1\r\nHost: x\r\n\r\n", city::path("lamp", 14));
    let (mut times, mut buf) = (vec![], vec![0; 1 << 16]);
    for _ in 0..requests {
        let begun = Instant::now();
        c.write_all(request.as_bytes()).await.unwrap();
        let (mut got, mut need) = (0, usize::MAX);
        while got < need {
            let n = timeout(PATIENCE, c.read(&mut buf[got..])).await.expect("an answer comes").unwrap();
            assert!(n > 0, "the connection was closed");
            got += n;
            if let Some(end) = buf[..got].windows(4).position(|w| w == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&buf[..end]).to_lowercase();
                assert!(head.starts_with("http/1.1 200"), "{head}");
                let length: usize =
                    head.lines().find_map(|l| l.strip_prefix("content-length: ")?.parse().ok()).unwrap();
                need = end + 4 + length;
            }
        }
        times.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    times[requests * 99 / 100]
}

/// Sends a byte of a header a second until it is cut.
async fn dribble(address: SocketAddr) -> bool {
    let mut c = TcpStream::connect(address).await.unwrap();
    let head = b"GET /health HTTP/1.1\r\nHost: a-very-long-name\r\nX: ";
    for byte in head.iter().chain(std::iter::repeat(&b'x')).take(100) {
        if c.write_all(&[*byte]).await.is_err() {
            return true;
        }
        let mut one = [0];
        if let Ok(Ok(0) | Err(_)) = timeout(Duration::from_secs(1), c.read(&mut one)).await {
            return true;
        }
    }
    false
}

/// Asks for much and takes a kilobyte a second.
async fn crawl(address: SocketAddr, done: Arc<AtomicBool>) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut c = socket.connect(address).await.unwrap();
    let _ =
        timeout(Duration::from_secs(5), c.write_all("GET /catalog HTTP/1.1\r\nHost: x\r\n\r\n".repeat(40).as_bytes()))
            .await;
    let mut kilobyte = [0; 1024];
    while !done.load(Ordering::Relaxed) {
        match timeout(Duration::from_secs(1), c.read(&mut kilobyte)).await {
            Ok(Ok(0) | Err(_)) => return,
            _ => sleep(Duration::from_secs(1)).await,
        }
    }
}

fn many_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let now = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: now.maximum.or(Some(20_000)), maximum: now.maximum });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_clients_are_cut_and_others_are_served() {
    many_files();
    let dir = city::built();
    let server = start(&Options { header_s: 5, connections: 4096, ..options(dir.path()) });
    let (dribblers, crawlers, requests) = (cases(1000, 40), cases(500, 20), cases(3000, 200));
    p99_ms(server.address, requests / 4).await;
    let alone = p99_ms(server.address, requests).await;
    let done = Arc::new(AtomicBool::new(false));
    let slow: Vec<_> = (0..crawlers).map(|_| tokio::spawn(crawl(server.address, done.clone()))).collect();
    let cut: Vec<_> = (0..dribblers).map(|_| tokio::spawn(dribble(server.address))).collect();
    sleep(Duration::from_secs(1)).await;
    let beside = p99_ms(server.address, requests).await;
    let mut all_cut = true;
    for client in cut {
        all_cut &= timeout(PATIENCE, client).await.expect("it is cut").unwrap();
    }
    done.store(true, Ordering::Relaxed);
    for client in slow {
        timeout(PATIENCE, client).await.expect("it ends").unwrap();
    }
    assert!(all_cut, "a dribbled header was waited for");
    let figures = format!(
        "{dribblers} dribblers all cut, {crawlers} slow readers; p99 of others {beside:.1} ms against {alone:.1} alone"
    );
    figure("slow clients", &figures);
}
