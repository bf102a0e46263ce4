//! A few rules that need a real connection: who stalls is cut, who is over the limit is told, who is being answered
//! when the server stops gets the answer.

use super::*;
use chengtu::serve::Server;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// Long enough for the slowest machine; only a failure waits so long.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub struct Running {
    pub address: SocketAddr,
    router: Router,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<()>,
}

pub fn start(o: &Options) -> Running {
    let app = App::open(o).unwrap();
    let router = app.router();
    let server = Server::bind(app, o).unwrap();
    let address = server.address();
    let (stop, stopped) = oneshot::channel();
    let ended = tokio::spawn(server.run(async move { drop(stopped.await) }));
    Running { address, router, stop, ended }
}

/// One request on a connection, read to the end of its answer.
async fn exchange(c: &mut TcpStream, path: &str) -> String {
    c.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await.unwrap();
    answer(c).await
}

async fn answer(c: &mut TcpStream) -> String {
    let mut text = vec![];
    let mut buf = [0; 4096];
    loop {
        let n = timeout(PATIENCE, c.read(&mut buf)).await.expect("an answer comes").unwrap();
        text.extend_from_slice(&buf[..n]);
        let so_far = String::from_utf8_lossy(&text).into_owned();
        let Some((head, body)) = so_far.split_once("\r\n\r\n") else {
            assert!(n > 0, "closed before an answer");
            continue;
        };
        let length = head.lines().find_map(|l| l.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if n == 0 || body.len() >= length.unwrap_or(0) {
            return so_far;
        }
    }
}

async fn ends(c: &mut TcpStream) {
    let mut rest = vec![];
    let _ = timeout(PATIENCE, c.read_to_end(&mut rest)).await.expect("the connection is closed");
}

#[tokio::test]
async fn http_1_and_2_are_spoken_on_one_port() {
    let dir = city::built();
    let s = start(&options(dir.path()));
    let mut c = TcpStream::connect(s.address).await.unwrap();
    for _ in 0..3 {
        let text = exchange(&mut c, &city::path("lamp", 14)).await;
        assert!(text.starts_with("HTTP/1.1 200 OK\r\n") && text.contains("mapbox-vector-tile"), "{text}");
    }
    let mut c = TcpStream::connect(s.address).await.unwrap();
    c.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let mut frame = [0; 9];
    timeout(PATIENCE, c.read_exact(&mut frame)).await.unwrap().unwrap();
    assert_eq!(frame[3], 4, "a server's HTTP/2 begins with its SETTINGS");
}

#[tokio::test]
async fn a_dribbled_header_is_cut() {
    let dir = city::built();
    let s = start(&Options { header_s: 1, ..options(dir.path()) });
    for text in ["GET /health HTTP/1.1\r\nHost: a-very-long-name", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        let mut c = TcpStream::connect(s.address).await.unwrap();
        c.set_nodelay(true).unwrap();
        let (mut read, mut write) = c.split();
        let dribble = async {
            for byte in text.as_bytes().iter().cycle() {
                sleep(Duration::from_millis(150)).await;
                if write.write_all(&[*byte]).await.is_err() {
                    break;
                }
            }
        };
        let mut rest = vec![];
        tokio::select! {
            () = dribble => {}
            _ = read.read_to_end(&mut rest) => {}
            () = sleep(PATIENCE) => panic!("{text:?} was waited for"),
        }
        assert!(!String::from_utf8_lossy(&rest).contains("200 OK"));
    }
}

#[tokio::test]
async fn a_dribbled_header_is_cut_on_a_connection_that_was_good_before() {
    let dir = city::built();
    let s = start(&Options { header_s: 1, ..options(dir.path()) });
    let mut c = TcpStream::connect(s.address).await.unwrap();
    c.set_nodelay(true).unwrap();
    assert!(exchange(&mut c, "/health").await.contains("200 OK"));
    let (mut read, mut write) = c.split();
    let dribble = async {
        let head = b"GET /health HTTP/1.1\r\nHost: ";
        for byte in head.iter().chain(std::iter::repeat(&b'x')) {
            sleep(Duration::from_millis(150)).await;
            if write.write_all(&[*byte]).await.is_err() {
                break;
            }
        }
    };
    let mut rest = vec![];
    tokio::select! {
        () = dribble => {}
        _ = read.read_to_end(&mut rest) => {}
        () = sleep(PATIENCE) => panic!("it was waited for"),
    }
    assert!(!String::from_utf8_lossy(&rest).contains("200 OK"));
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let dir = city::built();
    let s = start(&Options { header_s: 1, idle_s: 6, request_s: 1, ..options(dir.path()) });
    let mut silent = TcpStream::connect(s.address).await.unwrap();
    let mut kept = TcpStream::connect(s.address).await.unwrap();
    assert!(exchange(&mut kept, "/health").await.contains("200 OK"));
    ends(&mut silent).await;
    // It has been idle for longer than a header may take.
    assert!(exchange(&mut kept, "/health").await.contains("200 OK"));
    ends(&mut kept).await;
}

#[tokio::test]
async fn a_reader_that_does_not_read_is_cut() {
    let dir = city::built();
    let s = start(&Options { write_s: 1, ..options(dir.path()) });
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut c = socket.connect(s.address).await.unwrap();
    // More answers than any socket buffer takes.
    let one = "GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(200);
    let asking = async {
        for _ in 0..100 {
            if c.write_all(one.as_bytes()).await.is_err() {
                return;
            }
        }
    };
    let cut = async {
        loop {
            sleep(Duration::from_millis(100)).await;
            let some =
                metric(&s.router, "chengtu_http_requests_total{route=\"/\",method=\"GET\",status=\"200\"}").await;
            if some > 0.0 && metric(&s.router, "chengtu_connections").await == 0.0 {
                return;
            }
        }
    };
    timeout(PATIENCE, async { tokio::join!(asking, cut) }).await.expect("the connection is cut");
    assert!(TcpStream::connect(s.address).await.is_ok());
}

#[tokio::test]
async fn a_connection_over_the_limit_is_told() {
    let dir = city::built();
    let s = start(&Options { connections: 1, ..options(dir.path()) });
    let mut first = TcpStream::connect(s.address).await.unwrap();
    assert!(exchange(&mut first, "/health").await.contains("200 OK"));
    let mut second = TcpStream::connect(s.address).await.unwrap();
    let text = answer(&mut second).await;
    assert!(text.starts_with("HTTP/1.1 503") && text.contains("Retry-After: 1"), "{text}");
    ends(&mut second).await;
    assert!(exchange(&mut first, "/health").await.contains("200 OK"));
    drop(first);
    while metric(&s.router, "chengtu_connections").await > 0.0 {
        sleep(Duration::from_millis(20)).await;
    }
    let mut third = TcpStream::connect(s.address).await.unwrap();
    assert!(exchange(&mut third, "/health").await.contains("200 OK"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopping_lets_open_requests_finish() {
    let dir = city::built();
    let s = start(&options(dir.path()));
    let mut idle = TcpStream::connect(s.address).await.unwrap();
    assert!(exchange(&mut idle, "/health").await.contains("200 OK"));
    let mut busy = TcpStream::connect(s.address).await.unwrap();
    let request = format!("GET {} HTTP/1.1\r\nHost: x\r\n\r\n", city::path("lamp,river", 13));
    busy.write_all(request.as_bytes()).await.unwrap();
    while metric(&s.router, "chengtu_answers_made_total").await < 1.0 {
        sleep(Duration::from_millis(1)).await;
    }
    s.stop.send(()).unwrap();
    assert!(answer(&mut busy).await.starts_with("HTTP/1.1 200 OK"));
    ends(&mut idle).await;
    ends(&mut busy).await;
    timeout(PATIENCE, s.ended).await.unwrap().unwrap();
    assert!(TcpStream::connect(s.address).await.is_err());
}

#[tokio::test]
async fn a_running_server_follows_its_store() {
    let dir = city::built();
    let s = start(&options(dir.path()));
    let mut c = TcpStream::connect(s.address).await.unwrap();
    let moved = city::lamps(6);
    let id = city::publish(dir.path(), &[("lamp", moved)]);
    let followed = async {
        while !exchange(&mut c, "/ready").await.contains(&id) {
            sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(PATIENCE, followed).await.expect("the new snapshot is served");
}
