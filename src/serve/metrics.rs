//! What the server counts, as Prometheus text. One recorder a server, no global, so that tests can count too.

use super::cache::Outcome;
use foldhash::fast::FixedState;
use hashbrown::{Equivalent, HashMap};
use metrics::{Counter, Gauge, Histogram, Key, Label, Level, Metadata, Recorder, SharedString};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use std::fmt::Write;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

const ABOUT: Metadata<'static> = Metadata::new("chengtu", Level::INFO, None);
/// Seconds: a warm tile is some 10 µs, a cold one some ms.
const BUCKETS: [f64; 14] = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// Counters of requests, by route, method and status: found without writing those down again.
type Requests = HashMap<(String, &'static str, u16), Counter, FixedState>;

/// How a request is looked for among them.
#[derive(Hash)]
struct Request<'a>(&'a str, &'static str, u16);

impl Equivalent<(String, &'static str, u16)> for Request<'_> {
    fn equivalent(&self, (route, method, status): &(String, &'static str, u16)) -> bool {
        (self.0, self.1, self.2) == (route, method, *status)
    }
}

pub struct Metrics {
    requests: RwLock<Requests>,
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
    in_flight: Gauge,
    connections: Gauge,
    refused_connections: Counter,
    rendered: Counter,
    compressed: Counter,
    packed_better: Counter,
    tiles: Outcomes,
    contents: Outcomes,
    hits: std::sync::atomic::AtomicU64,
    misses: std::sync::atomic::AtomicU64,
}

/// Times of one kind of tile by how it was answered.
struct Outcomes {
    warm: Histogram,
    cold: Histogram,
    not_modified: Histogram,
    empty: Histogram,
}

impl Outcomes {
    fn new(recorder: &PrometheusRecorder, name: &'static str) -> Outcomes {
        let by = |outcome| {
            let labels = vec![Label::new("outcome", outcome)];
            recorder.register_histogram(&Key::from_parts(name, labels), &ABOUT)
        };
        Outcomes { warm: by("warm"), cold: by("cold"), not_modified: by("not_modified"), empty: by("empty") }
    }

    fn record(&self, answered: Answered, took: Duration) {
        let histogram = match answered {
            Answered::Sent(Outcome::Warm) => &self.warm,
            Answered::Sent(Outcome::Cold) => &self.cold,
            Answered::NotModified => &self.not_modified,
            Answered::Empty => &self.empty,
        };
        histogram.record(took.as_secs_f64());
    }
}

/// The state that is read, not counted.
pub struct Levels {
    pub cache_bytes: u64,
    pub cache_capacity: u64,
    pub snapshot: Option<(String, u64)>,
}

/// How a tile was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    Sent(Outcome),
    NotModified,
    Empty,
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics::new()
    }
}

impl Metrics {
    pub fn new() -> Metrics {
        let builder = PrometheusBuilder::new();
        let matcher = Matcher::Suffix("_seconds".into());
        let recorder = match builder.set_buckets_for_metric(matcher, &BUCKETS) {
            Ok(with_buckets) => with_buckets.build_recorder(),
            // Only an empty list is refused.
            Err(_) => PrometheusBuilder::new().build_recorder(),
        };
        for (name, help) in [
            ("chengtu_http_requests_total", "Requests by route, method and status"),
            ("chengtu_connections_refused_total", "Connections over the limit, answered 503"),
            ("chengtu_answers_made_total", "Tiles and documents computed"),
            ("chengtu_answers_compressed_total", "Tiles and documents compressed, once a coding"),
            (
                "chengtu_answers_packed_better_total",
                "Answers compressed again, better, because they were asked for again",
            ),
        ] {
            recorder.describe_counter(name.into(), None, SharedString::const_str(help));
        }
        recorder.describe_histogram("chengtu_tile_seconds".into(), None, "Time to a tile's answer by outcome".into());
        recorder.describe_gauge("chengtu_requests_in_flight".into(), None, "Requests being answered".into());
        recorder.describe_gauge("chengtu_connections".into(), None, "Open connections".into());
        let about = "Time to a 3D tile's content by outcome";
        recorder.describe_histogram("chengtu_content_seconds".into(), None, about.into());
        let counter = |name| recorder.register_counter(&Key::from_static_name(name), &ABOUT);
        let gauge = |name| recorder.register_gauge(&Key::from_static_name(name), &ABOUT);
        Metrics {
            handle: recorder.handle(),
            in_flight: gauge("chengtu_requests_in_flight"),
            connections: gauge("chengtu_connections"),
            refused_connections: counter("chengtu_connections_refused_total"),
            rendered: counter("chengtu_answers_made_total"),
            compressed: counter("chengtu_answers_compressed_total"),
            packed_better: counter("chengtu_answers_packed_better_total"),
            tiles: Outcomes::new(&recorder, "chengtu_tile_seconds"),
            contents: Outcomes::new(&recorder, "chengtu_content_seconds"),
            hits: Default::default(),
            misses: Default::default(),
            requests: Default::default(),
            recorder,
        }
    }

    pub fn request(&self, route: &str, method: &'static str, status: u16) {
        let known = self.requests.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(counter) = known.get(&Request(route, method, status)) {
            return counter.increment(1);
        }
        drop(known);
        let labels = vec![
            Label::new("route", route.to_string()),
            Label::from_static_parts("method", method),
            Label::new("status", status.to_string()),
        ];
        let counter = self.recorder.register_counter(&Key::from_parts("chengtu_http_requests_total", labels), &ABOUT);
        counter.increment(1);
        let mut all = self.requests.write().unwrap_or_else(PoisonError::into_inner);
        all.insert((route.to_string(), method, status), counter);
    }

    /// `looked_up`: what the cache knew, where it was asked.
    pub fn tile(&self, answered: Answered, looked_up: Option<Outcome>, took: Duration) {
        use std::sync::atomic::Ordering::Relaxed;
        match looked_up {
            Some(Outcome::Warm) => drop(self.hits.fetch_add(1, Relaxed)),
            Some(Outcome::Cold) => drop(self.misses.fetch_add(1, Relaxed)),
            None => {}
        }
        self.tiles.record(answered, took);
    }

    /// A 3D tile's content.
    pub fn content(&self, answered: Answered, took: Duration) {
        self.contents.record(answered, took);
    }

    pub fn made(&self) {
        self.rendered.increment(1);
    }

    pub fn compressed(&self) {
        self.compressed.increment(1);
    }

    pub fn packed_better(&self) {
        self.packed_better.increment(1);
    }

    pub fn connection_refused(&self) {
        self.refused_connections.increment(1);
    }

    /// One more request until the returned guard goes.
    pub fn request_begins(&self) -> Held {
        Held::new(self.in_flight.clone())
    }

    pub fn connection_begins(&self) -> Held {
        Held::new(self.connections.clone())
    }

    /// Moves recorded samples into their histograms; called now and then, so that they do not pile up unread.
    pub fn upkeep(&self) {
        self.handle.run_upkeep();
    }

    pub fn render(&self, levels: &Levels) -> String {
        use std::sync::atomic::Ordering::Relaxed;
        let mut text = self.handle.render();
        let (hits, misses) = (self.hits.load(Relaxed), self.misses.load(Relaxed));
        let ratio = if hits + misses == 0 { 0.0 } else { hits as f64 / (hits + misses) as f64 };
        let mut line = |name: &str, kind: &str, help: &str, value: String| {
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{value}");
        };
        let mut plain =
            |name: &str, kind: &str, help: &str, value: f64| line(name, kind, help, format!("{name} {value}"));
        plain("chengtu_cache_bytes", "gauge", "Finished answers in memory", levels.cache_bytes as f64);
        plain("chengtu_cache_capacity_bytes", "gauge", "What the cache may hold", levels.cache_capacity as f64);
        plain("chengtu_tile_cache_hits_total", "counter", "Tiles found in the cache", hits as f64);
        plain("chengtu_tile_cache_misses_total", "counter", "Tiles not found in the cache", misses as f64);
        plain("chengtu_tile_cache_hit_ratio", "gauge", "Hits over hits and misses since the start", ratio);
        if let Some((id, sequence)) = &levels.snapshot {
            plain("chengtu_snapshot_sequence", "gauge", "Sequence number of the served snapshot", *sequence as f64);
            let name = "chengtu_snapshot_info";
            line(name, "gauge", "The served snapshot", format!("{name}{{snapshot=\"{id}\"}} 1"));
        }
        text
    }
}

/// Counts one while it lives.
pub struct Held(Gauge);

impl Held {
    fn new(gauge: Gauge) -> Held {
        gauge.increment(1.0);
        Held(gauge)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_has_what_was_counted() {
        let m = Metrics::new();
        m.request("/tiles", "GET", 200);
        m.request("/tiles", "GET", 200);
        m.tile(Answered::Sent(Outcome::Warm), Some(Outcome::Warm), Duration::from_micros(300));
        m.tile(Answered::Sent(Outcome::Cold), Some(Outcome::Cold), Duration::from_millis(3));
        m.made();
        let held = m.request_begins();
        m.upkeep();
        let levels = Levels { cache_bytes: 12, cache_capacity: 99, snapshot: Some(("00000001-ab".into(), 1)) };
        let text = m.render(&levels);
        for want in [
            "chengtu_http_requests_total{route=\"/tiles\",method=\"GET\",status=\"200\"} 2",
            "chengtu_tile_seconds_bucket{outcome=\"warm\",le=\"0.0005\"} 1",
            "chengtu_tile_seconds_count{outcome=\"cold\"} 1",
            "chengtu_answers_made_total 1",
            "chengtu_requests_in_flight 1",
            "chengtu_cache_bytes 12",
            "chengtu_tile_cache_hit_ratio 0.5",
            "chengtu_snapshot_info{snapshot=\"00000001-ab\"} 1",
        ] {
            assert!(text.contains(want), "{want} is not in\n{text}");
        }
        drop(held);
        assert!(m.render(&levels).contains("chengtu_requests_in_flight 0"));
    }
}
