//! The binary: hands the command line over to `cli`. Nothing else happens here.

mod cli;

/// Imports and tiles are made of many short-lived lists; beside the system's and mimalloc it was the fastest and kept the least. GDAL
/// and the compressors take theirs from it too.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    cli::main()
}
