//! The twenty-five exact responses: what an input must come to, one numbered table. Rows 1–19 and 23 are asked of the router,
//! 20–22 of a socket, 24 of damaged stores, 25 of the import command. Where the answer differs from what was once
//! proposed, `note` says why.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests say what they expect by panicking")]

#[path = "../http/city.rs"]
#[allow(dead_code, reason = "the small city has more than is asked of it here")]
mod city;
#[path = "../common/mod.rs"]
mod common;
#[path = "../delivery/mod.rs"]
mod delivery;
mod imports;
mod stores;
mod table;
mod tokens;
#[path = "../owner/town.rs"]
#[allow(dead_code, reason = "the town has more than is asked of it here")]
mod town;
mod wire;

use common::web::{Answer, ask, get};
use std::collections::BTreeSet;

/// Every number has a row: in the table of the router, or in one of the tests named here.
#[test]
fn all_twenty_five_are_asked() {
    let elsewhere = [16, 17, 19, 20, 21, 22, 23, 24, 25];
    let asked: BTreeSet<u8> = table::rows().iter().map(|r| r.no).chain(elsewhere).collect();
    assert_eq!(asked, (1..=25).collect());
}
