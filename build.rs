//! Tells cargo what the program is made of besides its sources. Builds nothing: `make web` makes the page.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=web/dist");
}
