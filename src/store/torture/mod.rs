//! A store whose disk fails, fills up or loses its power: a publish, and the clearing after it, stopped at each of their
//! operations. Here and not in `tests/`, because only here the disk can be replaced (`durable/faults`).
//!
//! A sample of the cases in `make test`; all of them with `CHENGTU_TORTURE=full`.

mod city;
mod fails;
mod kills;
mod planted;
mod power;
#[path = "../../../tests/common/random.rs"]
mod random;

use super::durable::faults::{self, Fault, Op};

/// Whether all cases are asked for, not a sample.
fn full() -> bool {
    std::env::var("CHENGTU_TORTURE").is_ok_and(|v| v == "full")
}

/// One line of the table that `make torture` prints.
fn figure(name: &str, figure: &str) {
    eprintln!("torture: {name}: {figure}");
}
