//! The binary: hands the command line over to `cli`. Nothing else happens here.

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
