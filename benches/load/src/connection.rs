//! GET over one kept connection, made anew when the server closes it. Bodies are read and dropped.

use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Result, Write, copy, sink};
use std::net::TcpStream;
use std::time::Duration;

pub struct Connection {
    host: String,
    open: Option<BufReader<TcpStream>>,
}

pub struct Answer {
    pub status: u16,
    pub bytes: u64,
}

impl Connection {
    pub fn new(host: &str) -> Connection {
        Connection { host: host.to_string(), open: None }
    }

    /// # Errors
    /// What the socket says, twice: a connection that had been idle may be closed already.
    pub fn get(&mut self, path: &str) -> Result<Answer> {
        self.attempt(path).or_else(|_| {
            self.open = None;
            self.attempt(path)
        })
    }

    fn attempt(&mut self, path: &str) -> Result<Answer> {
        let (path, coding) = match path.strip_prefix("gzip ") {
            Some(path) => (path, "gzip"),
            None => (path, "identity"),
        };
        let stream = match self.open.take() {
            Some(stream) => stream,
            None => connect(&self.host)?,
        };
        let head = format!("GET {path} HTTP/1.1\r\nHost: {}\r\nAccept-Encoding: {coding}\r\n\r\n", self.host);
        stream.get_ref().write_all(head.as_bytes())?;
        let mut stream = stream;
        let (answer, kept) = read(&mut stream)?;
        self.open = kept.then_some(stream);
        Ok(answer)
    }
}

fn connect(host: &str) -> Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect(host)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    Ok(BufReader::with_capacity(1 << 16, stream))
}

fn broken(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, what.to_string())
}

/// A whole answer, and whether the connection may be used again.
fn read(stream: &mut BufReader<TcpStream>) -> Result<(Answer, bool)> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let status: u16 = line.split(' ').nth(1).and_then(|s| s.parse().ok()).ok_or_else(|| broken("no status"))?;
    let (mut length, mut chunked, mut kept) = (None, false, true);
    loop {
        line.clear();
        stream.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse::<u64>().ok(),
            "transfer-encoding" => chunked = value.trim().eq_ignore_ascii_case("chunked"),
            "connection" => kept = !value.trim().eq_ignore_ascii_case("close"),
            _ => {}
        }
    }
    let bytes = match (status, chunked, length) {
        (204 | 304, ..) => 0,
        (_, true, _) => chunks(stream)?,
        (_, false, Some(length)) => drop_body(stream, length)?,
        (_, false, None) => return Err(broken("a body without a length")),
    };
    Ok((Answer { status, bytes }, kept))
}

fn drop_body(stream: &mut BufReader<TcpStream>, length: u64) -> Result<u64> {
    match copy(&mut stream.take(length), &mut sink())? {
        read if read == length => Ok(read),
        _ => Err(broken("a body that ends early")),
    }
}

fn chunks(stream: &mut BufReader<TcpStream>) -> Result<u64> {
    let mut all = 0;
    let mut line = String::new();
    loop {
        line.clear();
        stream.read_line(&mut line)?;
        let size = u64::from_str_radix(line.trim().split(';').next().unwrap_or_default(), 16);
        let size = size.map_err(|_| broken("a chunk without a size"))?;
        all += drop_body(stream, size)?;
        line.clear();
        stream.read_line(&mut line)?;
        if size == 0 {
            return Ok(all);
        }
    }
}
