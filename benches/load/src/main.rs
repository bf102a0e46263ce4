//! Requests against one server, by plain HTTP/1.1 on kept connections, and what came of them as one line of JSON.
//!
//!     load once HOST:PORT PATHS CONNECTIONS            each path once, as fast as the server answers
//!     load loop HOST:PORT PATHS CONNECTIONS SECONDS    the paths again and again
//!     load ceiling SIZE…                               a server on a port it prints: these sizes in turn, from memory
//!     load open HOST:PORT PATHS CONNECTIONS SECONDS RATE   RATE requests a second, whether or not the server keeps up
//!
//! PATHS is a file, one path a line; a leading `gzip ` asks for that coding. Latencies of `open` count from the instant at
//! which a request was due, so that what waits behind a slow answer is not left out.

mod ceiling;
mod connection;
mod report;

use connection::Connection;
use report::Report;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// When requests are sent, and how many.
#[derive(Clone, Copy)]
enum Pace {
    Once,
    Loop { until: Duration },
    Open { until: Duration, rate: f64 },
}

impl Pace {
    /// When the n-th request is due after the start; `None` when there are no more.
    fn due(self, n: usize, paths: usize, now: Duration) -> Option<Duration> {
        match self {
            Pace::Once => (n < paths).then_some(now),
            Pace::Loop { until } => (now < until).then_some(now),
            Pace::Open { until, rate } => Some(Duration::from_secs_f64(n as f64 / rate)).filter(|due| *due < until),
        }
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let seconds = |s: &str| s.parse().map(Duration::from_secs_f64);
    if let ["ceiling", sizes @ ..] = &words[..] {
        let sizes: Vec<usize> = sizes.iter().filter_map(|s| s.parse().ok()).collect();
        return match !sizes.is_empty() && ceiling::serve(&sizes).is_ok() {
            true => ExitCode::SUCCESS,
            false => usage(),
        };
    }
    let (pace, host, paths, connections) = match words[..] {
        ["once", host, paths, n] => (Pace::Once, host, paths, n),
        ["loop", host, paths, n, s] => match seconds(s) {
            Ok(until) => (Pace::Loop { until }, host, paths, n),
            Err(_) => return usage(),
        },
        ["open", host, paths, n, s, rate] => match (seconds(s), rate.parse()) {
            (Ok(until), Ok(rate)) => (Pace::Open { until, rate }, host, paths, n),
            _ => return usage(),
        },
        _ => return usage(),
    };
    let (Ok(connections), Ok(paths)) = (connections.parse::<usize>(), std::fs::read_to_string(paths)) else {
        return usage();
    };
    let paths: Vec<&str> = paths.lines().filter(|l| !l.is_empty()).collect();
    if paths.is_empty() {
        return usage();
    }
    println!("{}", run(pace, host, &paths, connections).to_json());
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!("load once|loop|open HOST:PORT PATHS CONNECTIONS [SECONDS [RATE]], or load ceiling SIZE…");
    ExitCode::from(64)
}

fn run(pace: Pace, host: &str, paths: &[&str], connections: usize) -> Report {
    let next = AtomicUsize::new(0);
    let start = Instant::now();
    let mut whole = Report::default();
    std::thread::scope(|scope| {
        let walkers: Vec<_> = (0..connections).map(|_| scope.spawn(|| walk(pace, host, paths, &next, start))).collect();
        for walker in walkers {
            whole.add(walker.join().expect("a walker ends"));
        }
    });
    whole.seconds = start.elapsed().as_secs_f64();
    whole
}

/// One connection's requests.
fn walk(pace: Pace, host: &str, paths: &[&str], next: &AtomicUsize, start: Instant) -> Report {
    let mut connection = Connection::new(host);
    let mut report = Report::default();
    loop {
        let n = next.fetch_add(1, Ordering::Relaxed);
        let Some(due) = pace.due(n, paths.len(), start.elapsed()) else { return report };
        std::thread::sleep(due.saturating_sub(start.elapsed()));
        match connection.get(paths[n % paths.len()]) {
            Ok(answer) => report.answered(answer.status, answer.bytes, start.elapsed().saturating_sub(due)),
            Err(_) => report.failed += 1,
        }
    }
}
