//! Who is responsible, from outside: exact location against an oracle, real borders with known answers, and lookups over
//! HTTP and on the command line in a small city that came through `chengtu import`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests say what they expect by panicking")]

mod batches;
#[path = "../common/mod.rs"]
mod common;
#[path = "../delivery/mod.rs"]
mod delivery;
mod exact;
mod http;
mod oracle;
mod pip;
mod roles;
mod town;
