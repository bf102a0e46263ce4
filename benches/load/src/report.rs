//! What came of the requests.

use std::time::Duration;

#[derive(Default)]
pub struct Report {
    pub seconds: f64,
    pub failed: u64,
    full: u64,
    empty: u64,
    refused: u64,
    bytes: u64,
    /// Microseconds of each answer.
    latencies: Vec<u32>,
}

impl Report {
    pub fn answered(&mut self, status: u16, bytes: u64, latency: Duration) {
        match status {
            204 | 404 => self.empty += 1,
            200 if bytes == 0 => self.empty += 1,
            200..300 => self.full += 1,
            _ => self.refused += 1,
        }
        self.bytes += bytes;
        self.latencies.push(latency.as_micros().min(u128::from(u32::MAX)) as u32);
    }

    pub fn add(&mut self, other: Report) {
        self.failed += other.failed;
        self.full += other.full;
        self.empty += other.empty;
        self.refused += other.refused;
        self.bytes += other.bytes;
        self.latencies.extend(other.latencies);
    }

    /// `rate` is answers a second; latencies are milliseconds.
    pub fn to_json(mut self) -> String {
        self.latencies.sort_unstable();
        let count = self.latencies.len();
        let at = |q: f64| {
            let last = count.saturating_sub(1);
            self.latencies.get(((count as f64 * q) as usize).min(last)).map_or(0.0, |us| f64::from(*us) / 1e3)
        };
        format!(
            "{{\"answers\": {count}, \"seconds\": {:.3}, \"rate\": {:.1}, \"full\": {}, \"empty\": {}, \"refused\": {}, \
             \"failed\": {}, \"bytes\": {}, \"p50\": {:.3}, \"p99\": {:.3}, \"p999\": {:.3}, \"max\": {:.3}}}",
            self.seconds,
            count as f64 / self.seconds.max(1e-9),
            self.full,
            self.empty,
            self.refused,
            self.failed,
            self.bytes,
            at(0.5),
            at(0.99),
            at(0.999),
            at(1.0),
        )
    }
}
