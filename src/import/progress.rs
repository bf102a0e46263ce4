//! How far an import is: bars on a terminal, plain lines otherwise. Writes to standard error; knows nothing of data.

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Between two plain lines of one source.
const QUIET: Duration = Duration::from_secs(10);

pub struct Progress {
    bars: Option<MultiProgress>,
}

/// One source under way.
pub struct Step {
    name: String,
    bar: Option<ProgressBar>,
    total: Option<u64>,
    done: u64,
    said: Instant,
}

impl Progress {
    pub fn new() -> Progress {
        Progress { bars: std::io::stderr().is_terminal().then(MultiProgress::new) }
    }

    pub fn line(&self, text: &str) {
        match &self.bars {
            // A bar that is being drawn is not written through.
            Some(bars) => drop(bars.println(text)),
            None => eprintln!("{text}"),
        }
    }

    pub fn start(&self, name: &str, total: Option<u64>) -> Step {
        let bar = self.bars.as_ref().map(|bars| {
            let known = "{prefix} {bar:24} {human_pos}/{human_len} {per_sec} {eta}";
            let unknown = "{prefix} {spinner} {human_pos} {per_sec}";
            let style = ProgressStyle::with_template(if total.is_some() { known } else { unknown });
            let bar = bars.add(total.map_or_else(ProgressBar::new_spinner, ProgressBar::new));
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.with_prefix(name.to_string())
        });
        if bar.is_none() {
            eprintln!("{name}: reading{}", total.map_or(String::new(), |n| format!(" {n} records")));
        }
        Step { name: name.to_string(), bar, total, done: 0, said: Instant::now() }
    }
}

impl Step {
    pub fn advance(&mut self, records: u64) {
        self.done += records;
        match &self.bar {
            Some(bar) => bar.set_position(self.done),
            None if self.said.elapsed() >= QUIET => {
                let of = self.total.map_or(String::new(), |n| format!(" of {n}"));
                eprintln!("{}: {}{of}", self.name, self.done);
                self.said = Instant::now();
            }
            None => {}
        }
    }

    pub fn finish(self, summary: &str) {
        match self.bar {
            Some(bar) => bar.finish_and_clear(),
            None => eprintln!("{}: {summary}", self.name),
        }
    }
}
