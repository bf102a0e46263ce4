//! Who sees what, from outside: every role, layer and route; canaries in everything that is not for everybody; credentials,
//! tags, budgets and the audit log. `CHENGTU_TORTURE=full` asks more.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests say what they expect by panicking")]

mod canaries;
mod city;
#[path = "../common/mod.rs"]
mod common;
mod matrix;
mod narrowed;
mod reload;
mod roles;
mod rules;
mod tokens;

/// As often as asked for in full, else `some`.
fn times(some: usize, full: usize) -> usize {
    if std::env::var("CHENGTU_TORTURE").is_ok_and(|v| v == "full") { full } else { some }
}
