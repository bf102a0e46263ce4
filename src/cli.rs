//! The command line: what a person may ask for, each subcommand one call into the library. No logic of its own
//! but how errors are printed and which exit code they end in.

mod access;
mod check;
mod inspect;
mod owner;

use chengtu::audit;
use chengtu::error::{Error, Result};
use chengtu::import::{self, ImportOptions};
use chengtu::layer::Catalog;
use chengtu::serve;
use chengtu::store::Store;
use clap::{Args, Parser, Subcommand};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// 城图: one store and one server for a city's maps.
#[derive(Parser)]
#[command(name = "chengtu", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write a synthetic city as raw deliveries with their manifests
    Sample(SampleArgs),
    /// Import deliveries into a store and publish a new snapshot
    Import(ImportArgs),
    /// Read one source for `import`, in a process of its own
    #[command(hide = true)]
    ReadSource,
    /// Validate the catalog, deliveries and styles together; every finding at once
    Check(CheckArgs),
    /// Serve a store over HTTP
    Serve(Box<serve::Flags>),
    /// Who is responsible at a coordinate, and why; or for a file of them
    Owner(Box<owner::OwnerArgs>),
    /// Read every byte of a store and prove it whole, or name the files that are not
    Verify(StoreArgs),
    /// List a store's snapshots, layers, counts, extents and sizes
    Inspect(InspectArgs),
    /// Make an earlier snapshot the current one
    Rollback(RollbackArgs),
    /// Remove old snapshots and what only they used
    Gc(GcArgs),
    /// Make an API key: the key for its holder, its hash for `[access]`
    Key(access::KeyArgs),
    /// Prove an audit log whole
    Audit(access::AuditArgs),
}

#[derive(Args)]
struct SampleArgs {
    /// The folder to write to
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Size of the city; 1 is the full one of 3.6 million features, 0.01 a small town of 40,000
    #[arg(long, default_value_t = 0.01)]
    scale: f64,
    /// The same seed writes the same city
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Args)]
struct ImportArgs {
    #[arg(long, value_name = "DIR")]
    store: PathBuf,
    /// Layer declarations to use instead of the shipped catalog
    #[arg(long, value_name = "DIR")]
    layers: Option<PathBuf>,
    /// Write the report as JSON to this file too
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Snapshots to keep after publishing
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..))]
    keep: usize,
    /// The audit log to write what was published to
    #[arg(long, env = "CHENGTU_AUDIT", value_name = "FILE")]
    audit: Option<PathBuf>,
    /// Delivery manifests
    #[arg(required = true, value_name = "MANIFEST")]
    manifests: Vec<PathBuf>,
}

#[derive(Args)]
struct CheckArgs {
    /// Layer declarations to check instead of the shipped catalog
    #[arg(long, value_name = "DIR")]
    layers: Option<PathBuf>,
    /// MapLibre styles to check against the catalog [default: styles/, if it is there]
    #[arg(long, value_name = "DIR")]
    styles: Option<PathBuf>,
    /// Delivery manifests
    #[arg(value_name = "MANIFEST")]
    manifests: Vec<PathBuf>,
}

#[derive(Args)]
struct StoreArgs {
    #[arg(long, value_name = "DIR")]
    store: PathBuf,
}

#[derive(Args)]
struct InspectArgs {
    #[arg(long, value_name = "DIR")]
    store: PathBuf,
    /// The snapshot to show; default: the current one
    #[arg(long, value_name = "ID")]
    snapshot: Option<String>,
    /// For machines
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct RollbackArgs {
    #[arg(long, value_name = "DIR")]
    store: PathBuf,
    /// The snapshot's id, as `chengtu inspect` lists it
    id: String,
    /// The audit log to write it to
    #[arg(long, env = "CHENGTU_AUDIT", value_name = "FILE")]
    audit: Option<PathBuf>,
}

#[derive(Args)]
struct GcArgs {
    #[arg(long, value_name = "DIR")]
    store: PathBuf,
    /// Snapshots to keep; the current one always stays
    #[arg(long, value_name = "N", value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..))]
    keep: usize,
    /// The audit log to write what was removed to
    #[arg(long, env = "CHENGTU_AUDIT", value_name = "FILE")]
    audit: Option<PathBuf>,
}

pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => {
            // `--help` and `--version` are answers, everything else is a usage error (EX_USAGE).
            let _ = e.print();
            return ExitCode::from(if e.use_stderr() { 64 } else { 0 });
        }
    };
    match run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("{e}");
            ExitCode::from(e.exit_code())
        }
    }
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Sample(a) => sample(&a),
        Command::Import(a) => {
            let catalog = catalog(a.layers.as_deref())?;
            let options = ImportOptions { store: a.store, manifests: a.manifests, report: a.report, keep: a.keep };
            audit::writable(a.audit.as_deref())?;
            let published = import::import(&catalog, &options)?;
            audit::record(a.audit.as_deref(), "import", &format!("published {published}"))?;
            print(&format!("published {published}\n"))
        }
        Command::ReadSource => import::read_source_main(),
        Command::Check(a) => check::check(a.layers.as_deref(), a.styles.as_deref(), &a.manifests),
        Command::Serve(flags) => serve::run(*flags),
        Command::Owner(a) => owner::owner(&a),
        Command::Verify(a) => verify(&a.store),
        Command::Inspect(a) => print(&inspect::inspect(&a.store, a.snapshot.as_deref(), a.json)?),
        Command::Rollback(a) => {
            audit::writable(a.audit.as_deref())?;
            Store::open(&a.store, false)?.rollback(&a.id)?;
            audit::record(a.audit.as_deref(), "rollback", &format!("current is now {}", a.id))?;
            print(&format!("current is now {}\n", a.id))
        }
        Command::Gc(a) => {
            audit::writable(a.audit.as_deref())?;
            let gone = Store::open(&a.store, false)?.gc(a.keep)?;
            audit::record(a.audit.as_deref(), "gc", &format!("removed {}", gone.join(" ")))?;
            print(&gone.iter().map(|id| format!("removed {id}\n")).collect::<String>())
        }
        Command::Key(a) => access::key(&a),
        Command::Audit(a) => access::audit(&a),
    }
}

fn catalog(layers: Option<&Path>) -> Result<Catalog> {
    Catalog::load_or_shipped(layers)
}

fn sample(a: &SampleArgs) -> Result<()> {
    use chengtu::sample::{SampleOptions, write_city};
    let options = SampleOptions { out: a.out.clone(), scale: a.scale, seed: a.seed };
    let bar = indicatif::ProgressBar::new_spinner().with_style(
        indicatif::ProgressStyle::with_template("{spinner} {elapsed} {msg}")
            .unwrap_or_else(|_| indicatif::ProgressStyle::default_spinner()),
    );
    let summary = write_city(&options, &catalog(None)?, &mut |layer, written| {
        bar.set_message(format!("{layer}: {written}"));
        bar.tick();
    })?;
    bar.finish_and_clear();
    let features: u64 = summary.counts.values().sum();
    let faults: u64 = summary.expected.values().map(|e| e.rejects.values().sum::<u64>()).sum();
    print(&format!(
        "{features} features of {} layers in {} sources, {faults} faulty rows, in {}\n",
        summary.counts.len(),
        summary.expected.len(),
        a.out.display()
    ))
}

fn verify(dir: &Path) -> Result<()> {
    let findings = Store::open(dir, false)?.verify()?;
    if findings.is_empty() {
        return print("whole\n");
    }
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    Err(Error::Data(format!("{}\n{} files are not whole", lines.join("\n"), lines.len())))
}

/// To stdout; a reader that has gone away (`| head`) is no error.
fn print(text: &str) -> Result<()> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => Err(Error::io("stdout", e)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}
