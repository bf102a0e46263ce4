//! Rows 20–22: what only a connection can show.

use super::city;
use chengtu::serve::{App, Options, Server};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Long enough for the slowest machine; only a failure waits so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// Row, what, bytes, the statuses that come back, whether the connection ends there.
type Said<'a> = (u8, &'a str, Vec<u8>, Vec<u16>, bool);

/// What came back, to the end of the connection where it ends.
struct Heard {
    text: String,
    closed: bool,
}

impl Heard {
    fn statuses(&self) -> Vec<u16> {
        let each = |(at, head): (usize, &str)| self.text[at + head.len()..].get(..3)?.parse().ok();
        self.text.match_indices("HTTP/1.1 ").filter_map(each).collect()
    }
}

/// Sends bytes, and after them a question whose answer tells whether the connection went on.
async fn say(address: SocketAddr, bytes: &[u8]) -> Heard {
    let mut c = TcpStream::connect(address).await.unwrap();
    let after = b"GET /conformance HTTP/1.1\r\nHost: x\r\n\r\n";
    let _ = c.write_all(&[bytes, after].concat()).await;
    let (mut all, mut buf) = (vec![], [0; 4096]);
    let closed = loop {
        match timeout(PATIENCE, c.read(&mut buf)).await.expect("it answers or ends") {
            Ok(0) | Err(_) => break true,
            Ok(n) => all.extend_from_slice(&buf[..n]),
        }
        if String::from_utf8_lossy(&all).contains("conformsTo") {
            break false;
        }
    };
    Heard { text: String::from_utf8_lossy(&all).into_owned(), closed }
}

fn start(dir: &std::path::Path) -> SocketAddr {
    let listen = ([127, 0, 0, 1], 0).into();
    let options = Options { workers: 1, header_s: 1, batch_mb: 1, listen, ..Options::new(dir.to_path_buf()) };
    let app = App::open(&options).unwrap();
    let server = Server::bind(app, &options).unwrap();
    let address = server.address();
    tokio::spawn(server.run(std::future::pending()));
    address
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_malformed_ends_its_connection() {
    let dir = city::built();
    let address = start(dir.path());
    let get = |rest: &str| format!("GET /catalog HTTP/1.1\r\n{rest}\r\n").into_bytes();
    let post = |rest: &str| format!("POST /owner HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\n{rest}").into_bytes();
    let long = format!("GET /tiles/{}.json HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(9000));
    let table: Vec<Said<'_>> = vec![
        (
            20,
            "a range, which is not served: the whole",
            get("Host: x\r\nRange: bytes=999999999-\r\n"),
            vec![200, 200],
            false,
        ),
        (20, "nine ranges", get(&format!("Host: x\r\nRange: bytes={}\r\n", "0-1,".repeat(9))), vec![200, 200], false),
        (21, "an address of 9 KB (a list of all layers fits in 8)", long.into_bytes(), vec![414, 200], false),
        (21, "headers of 20 KB", get(&format!("Host: x\r\nA: {}\r\n", "x".repeat(20_000))), vec![431], true),
        (21, "150 headers", get(&format!("Host: x\r\n{}", "A: x\r\n".repeat(150))), vec![431], true),
        (22, "two lengths", post("Content-Length: 6\r\nContent-Length: 7\r\n\r\nlon,la"), vec![400], true),
        (22, "a length that is none", post("Content-Length: +6\r\n\r\nlon,la"), vec![400], true),
        (22, "a coding that is not chunked", post("Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"), vec![400], true),
        (22, "a folded header", get("Host: x\r\nA: b\r\n c\r\n"), vec![400], true),
        (22, "a space before the colon", get("Host : x\r\n"), vec![400], true),
        (22, "a zero in the address", b"GET /cata\0log HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(), vec![400], true),
        (22, "no host", get(""), vec![400], true),
        (22, "two hosts", get("Host: a\r\nHost: b\r\n"), vec![400], true),
        (
            22,
            "another host in the address: none is used",
            b"GET http://y/catalog HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
            vec![200, 200],
            false,
        ),
        (
            22,
            "bare line feeds, as RFC 9112 2.2 allows",
            b"GET /catalog HTTP/1.1\nHost: x\n\n".to_vec(),
            vec![200, 200],
            false,
        ),
    ];
    for (no, what, bytes, statuses, closed) in table {
        let heard = say(address, &bytes).await;
        assert_eq!((heard.statuses(), heard.closed), (statuses, closed), "{no}: {what}: {}", heard.text);
        let refused = heard.text.starts_with("HTTP/1.1 4");
        assert!(!refused || !heard.text.contains("xxxx"), "nothing is echoed");
        assert!(!closed || heard.text.to_lowercase().contains("connection: close"), "{what}");
    }
    // Both framings: the chunked one counts, and nothing behind it is a request (RFC 9112 6.3).
    let smuggled =
        "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /catalog HTTP/1.1\r\nHost: x\r\n\r\n";
    let heard = say(address, &post(smuggled)).await;
    assert_eq!((heard.statuses().len(), heard.closed), (1, true), "{}", heard.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_large_or_too_slow_is_not_waited_for() {
    let dir = city::built();
    let address = start(dir.path());
    // 21. A header that does not end in its time.
    let mut c = TcpStream::connect(address).await.unwrap();
    c.write_all(b"GET /catalog HTTP/1.1\r\nHost: x\r\n").await.unwrap();
    let mut rest = vec![];
    let _ = timeout(PATIENCE, c.read_to_end(&mut rest)).await.expect("it is closed");
    assert!(rest.is_empty(), "closed, without a 408 that nobody reads");
    // A body that says it is too large is refused before it is sent.
    let town = super::town::town();
    let address = start(&town.store());
    let mut c = TcpStream::connect(address).await.unwrap();
    let head =
        "POST /owner HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nContent-Length: 900000000\r\n\r\nlon,lat\n";
    c.write_all(head.as_bytes()).await.unwrap();
    let mut buf = vec![0; 4096];
    let n = timeout(PATIENCE, c.read(&mut buf)).await.expect("at once").unwrap();
    let text = String::from_utf8_lossy(&buf[..n]).into_owned();
    assert!(text.starts_with("HTTP/1.1 413 "), "{text}");
}
