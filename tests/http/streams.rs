//! HTTP/2: a stream whose client gives no window is cut; the others on its connection go on.

use super::sockets::{PATIENCE, start};
use super::*;
use h2::client::SendRequest;
use h2::{Reason, RecvStream};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

const LARGE: &str = "/collections/lamp/items?limit=300";
/// Bytes that each stream may be sent at first.
const WINDOW: usize = 1000;

/// A connection whose streams begin with a small window.
async fn connect(address: SocketAddr) -> SendRequest<bytes::Bytes> {
    let io = TcpStream::connect(address).await.unwrap();
    io.set_nodelay(true).unwrap();
    let (requests, connection) =
        h2::client::Builder::new().initial_window_size(WINDOW as u32).handshake::<_, bytes::Bytes>(io).await.unwrap();
    tokio::spawn(connection);
    requests
}

async fn asked(requests: &SendRequest<bytes::Bytes>, path: &str) -> (u16, RecvStream) {
    let mut requests = requests.clone().ready().await.unwrap();
    let request = axum::http::Request::get(format!("http://x{path}")).body(()).unwrap();
    let answer = timeout(PATIENCE, requests.send_request(request, true).unwrap().0).await.expect("a head").unwrap();
    (answer.status().as_u16(), answer.into_body())
}

/// The body, window given for all that comes, after `pause` for each byte; why it ended early.
async fn taken(mut body: RecvStream, pause: Duration) -> Result<Vec<u8>, h2::Error> {
    let mut all = vec![];
    while let Some(some) = timeout(PATIENCE, body.data()).await.expect("it goes on or ends") {
        let some = some?;
        all.extend_from_slice(&some);
        tokio::time::sleep(pause * some.len() as u32).await;
        body.flow_control().release_capacity(some.len())?;
    }
    Ok(all)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_without_window_is_cut_and_others_go_on() {
    let dir = city::built();
    city::publish(dir.path(), &[("lamp", city::lamps(300))]);
    let limit = Duration::from_secs(5);
    let s = start(&Options { write_s: limit.as_secs(), ..options(dir.path()) });
    let whole = get(&open(dir.path()).router(), LARGE).await.body;
    assert!(whole.len() > 30_000, "many pieces: {}", whole.len());
    let requests = connect(s.address).await;
    let mut stalled = vec![];
    for _ in 0..5 {
        let (status, body) = asked(&requests, LARGE).await;
        assert_eq!(status, 200);
        stalled.push(body);
    }
    // Beside them a stream that is slow, and takes longer than the limit in all.
    let (_, slow) = asked(&requests, LARGE).await;
    let slow = tokio::spawn(taken(slow, limit * 6 / 5 / whole.len() as u32));
    for mut body in stalled {
        let cut = loop {
            match timeout(PATIENCE, body.data()).await.expect("it is cut") {
                // The window of the beginning.
                Some(Ok(some)) => assert!(some.len() <= WINDOW),
                Some(Err(e)) => break e,
                None => panic!("the whole answer came without a window"),
            }
        };
        assert_eq!(cut.reason(), Some(Reason::CANCEL), "{cut}");
    }
    assert_eq!(slow.await.unwrap().unwrap(), whole, "nothing is lost where bodies are handed on in pieces");
    let (status, body) = asked(&requests, LARGE).await;
    assert_eq!(status, 200, "the connection stands");
    assert_eq!(taken(body, Duration::ZERO).await.unwrap(), whole);
}
