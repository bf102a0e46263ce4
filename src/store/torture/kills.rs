//! A process that ends before the k-th operation of a publish.

use super::city::{NEW, OLD, copy_of, next_works, old, publish, whole};
use super::*;
use crate::store::Store;
use std::path::Path;
use std::process::Command;

/// Not a test of its own: the process that the next one ends.
#[test]
fn publishes_until_it_is_killed() {
    let Some(dir) = std::env::var_os("CHENGTU_TEST_STORE") else { return };
    let k = std::env::var("CHENGTU_TEST_OPERATION").ok().and_then(|s| s.parse().ok()).expect("a number");
    let store = Store::open(Path::new(&dir), false).expect("a store");
    faults::begin(Some((k, Fault::Abort, false)));
    publish(&store, NEW).expect("publishes");
}

#[test]
fn an_import_killed_at_any_operation_leaves_a_whole_store() {
    let (this, old) = (std::env::current_exe().expect("a path"), old());
    let stride = if full() { 1 } else { 11 };
    let mut k = 0;
    loop {
        let (dir, store) = copy_of(old.path());
        let killed = Command::new(&this)
            .args(["--exact", "store::torture::kills::publishes_until_it_is_killed"])
            .env("CHENGTU_TEST_STORE", dir.path())
            .env("CHENGTU_TEST_OPERATION", k.to_string())
            .output()
            .expect("runs");
        whole(&store, &[OLD, NEW]).unwrap_or_else(|e| panic!("operation {k}: {e}"));
        next_works(&store).unwrap_or_else(|e| panic!("operation {k}: then {e}"));
        if killed.status.success() {
            break;
        }
        k += stride;
    }
    assert!(k > 60, "{k}");
    figure("a process killed at operation k", &format!("{} of {k} operations, 0 damaged", k / stride));
}
