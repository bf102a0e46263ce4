//! GET over one kept connection, made anew when the server closes it. Bodies are read and dropped; the client takes as little of
//! the shared cores as it can.

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::TcpStream;
use std::time::Duration;

const BUFFER_BYTES: usize = 1 << 18;

pub struct Connection {
    host: String,
    open: Option<TcpStream>,
    request: Vec<u8>,
    buffer: Vec<u8>,
}

pub struct Answer {
    pub status: u16,
    pub bytes: u64,
}

impl Connection {
    pub fn new(host: &str) -> Connection {
        Connection { host: host.to_string(), open: None, request: vec![], buffer: vec![0; BUFFER_BYTES] }
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
        self.request.clear();
        write!(self.request, "GET {path} HTTP/1.1\r\nHost: {}\r\nAccept-Encoding: {coding}\r\n\r\n", self.host)?;
        (&stream).write_all(&self.request)?;
        let mut input = Input { stream: &stream, buffer: &mut self.buffer, from: 0, to: 0 };
        let (answer, kept) = input.answer()?;
        self.open = kept.then_some(stream);
        Ok(answer)
    }
}

fn connect(host: &str) -> Result<TcpStream> {
    let stream = TcpStream::connect(host)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    Ok(stream)
}

fn broken(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, what.to_string())
}

/// What has come and is not read yet stands at `from..to`.
struct Input<'a> {
    stream: &'a TcpStream,
    buffer: &'a mut [u8],
    from: usize,
    to: usize,
}

impl Input<'_> {
    /// A whole answer, and whether the connection may be used again.
    fn answer(&mut self) -> Result<(Answer, bool)> {
        let head = self.until(b"\r\n\r\n")?;
        let head = std::str::from_utf8(&self.buffer[head.0..head.1]).map_err(|_| broken("a head that is no text"))?;
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|s| s.parse().ok());
        let status: u16 = status.ok_or_else(|| broken("no status"))?;
        let (mut length, mut chunked, mut kept) = (None, false, true);
        for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
            match name.len() {
                14 if name.eq_ignore_ascii_case("content-length") => length = value.parse::<u64>().ok(),
                17 if name.eq_ignore_ascii_case("transfer-encoding") => chunked = value.eq_ignore_ascii_case("chunked"),
                10 if name.eq_ignore_ascii_case("connection") => kept = !value.eq_ignore_ascii_case("close"),
                _ => {}
            }
        }
        let bytes = match (status, chunked, length) {
            (204 | 304, ..) => 0,
            (_, true, _) => self.chunks()?,
            (_, false, Some(length)) => self.skip(length)?,
            (_, false, None) => return Err(broken("a body without a length")),
        };
        Ok((Answer { status, bytes }, kept))
    }

    /// The place in the buffer of what comes before `mark`, which is read with it.
    fn until(&mut self, mark: &[u8]) -> Result<(usize, usize)> {
        let start = self.from;
        loop {
            if let Some(at) = self.buffer[start..self.to].windows(mark.len()).position(|w| w == mark) {
                self.from = start + at + mark.len();
                return Ok((start, start + at));
            }
            if self.to == self.buffer.len() {
                return Err(broken("a head without an end"));
            }
            self.read()?;
        }
    }

    fn read(&mut self) -> Result<()> {
        match (&mut &*self.stream).read(&mut self.buffer[self.to..])? {
            0 => Err(broken("an answer that ends early")),
            n => {
                self.to += n;
                Ok(())
            }
        }
    }

    fn skip(&mut self, length: u64) -> Result<u64> {
        let mut left = length;
        loop {
            let here = left.min((self.to - self.from) as u64);
            self.from += here as usize;
            left -= here;
            if left == 0 {
                return Ok(length);
            }
            (self.from, self.to) = (0, 0);
            self.read()?;
        }
    }

    fn chunks(&mut self) -> Result<u64> {
        let mut all = 0;
        loop {
            // Room for the next line, whatever has come of it.
            self.buffer.copy_within(self.from..self.to, 0);
            (self.from, self.to) = (0, self.to - self.from);
            let line = self.until(b"\r\n")?;
            let size = std::str::from_utf8(&self.buffer[line.0..line.1]).unwrap_or_default();
            let size = u64::from_str_radix(size.trim().split(';').next().unwrap_or_default(), 16);
            let size = size.map_err(|_| broken("a chunk without a size"))?;
            all += self.skip(size)?;
            self.skip(2)?;
            if size == 0 {
                return Ok(all);
            }
        }
    }
}
