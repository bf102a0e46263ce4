//! The binary: hands the command line over to `cli`. Nothing else happens here.

mod cli;

/// Imports and tiles are made of many short-lived lists.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    cli::main()
}
