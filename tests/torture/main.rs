//! Torture: processes killed, disks filled, stores damaged, hostile deliveries, slow clients. A sample of each in every run;
//! all of it with `CHENGTU_TORTURE=full` (`make torture`). What came out is printed, one line a test: `torture: NAME: FIGURE`.
//! Failing disks and power cuts are tortured beside the code (`src/store/torture`).

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests say what they expect by panicking")]

#[path = "../http/city.rs"]
#[allow(dead_code, reason = "the small city has more than is asked of it here")]
mod city;
#[path = "../common/mod.rs"]
mod common;
mod damage;
#[path = "../delivery/mod.rs"]
mod delivery;
mod hostile;
mod kills;
mod kinds;
mod load;
#[path = "../owner/town.rs"]
#[allow(dead_code, reason = "the town has more than is asked of it here")]
mod town;

/// Whether all cases are asked for.
fn full() -> bool {
    std::env::var("CHENGTU_TORTURE").is_ok_and(|v| v == "full")
}

/// So many cases when all are asked for, so many in a sample.
fn cases(all: usize, sample: usize) -> usize {
    if full() { all } else { sample }
}

/// One line of the table that `make torture` prints.
fn figure(name: &str, figure: &str) {
    eprintln!("torture: {name}: {figure}");
}
