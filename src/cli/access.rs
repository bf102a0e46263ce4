//! `chengtu key` and `chengtu audit verify`.

use super::print;
use chengtu::audit::{self, Head};
use chengtu::error::{Error, Result};
use chengtu::serve::make_key;
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Args)]
pub struct KeyArgs {
    /// The key's id in logs: letters, digits, - and _
    id: String,
    /// The role it has
    #[arg(long)]
    role: String,
    /// What it may ask for: tiles, 3dtiles, records, owner [default: everything]
    #[arg(long, value_delimiter = ',')]
    scopes: Vec<String>,
    /// The last day it holds: YYYY-MM-DD
    #[arg(long)]
    expires: Option<String>,
    /// The audit log to write it to
    #[arg(long, env = "CHENGTU_AUDIT", value_name = "FILE")]
    audit: Option<PathBuf>,
}

#[derive(Args)]
pub struct AuditArgs {
    #[command(subcommand)]
    command: AuditCommand,
}

#[derive(Subcommand)]
enum AuditCommand {
    /// Read a log and its head whole: lines that were changed, taken out, moved or cut off are named
    Verify {
        file: PathBuf,
        /// A head that was kept elsewhere, LINES:DIGEST: its line must be there
        #[arg(long)]
        head: Option<String>,
    },
}

/// The key goes to stdout once and is kept nowhere; below it what the settings need.
pub fn key(a: &KeyArgs) -> Result<()> {
    audit::writable(a.audit.as_deref())?;
    let (key, hash) = make_key()?;
    let quoted = |t: &String| format!("{t:?}");
    let mut entry = format!("[[access.keys]]\nid = {:?}\nhash = {hash:?}\nrole = {:?}\n", a.id, a.role);
    if !a.scopes.is_empty() {
        entry += &format!("scopes = [{}]\n", a.scopes.iter().map(quoted).collect::<Vec<_>>().join(", "));
    }
    if let Some(day) = &a.expires {
        entry += &format!("expires = {day:?}\n");
    }
    audit::record(a.audit.as_deref(), "key", &format!("made {} for role {}", a.id, a.role))?;
    print(&format!("# for its holder, shown this once:\n# {key}\n{entry}"))
}

pub fn audit(a: &AuditArgs) -> Result<()> {
    let AuditCommand::Verify { file, head } = &a.command;
    let wrong = || Error::request(400, "invalid-head", "a head is LINES:DIGEST, as `chengtu audit verify` prints it");
    let head = head.as_deref().map(|h| Head::parse(h).ok_or_else(wrong)).transpose()?;
    let report = audit::verify(file, head.as_ref())?;
    print(&format!("whole, {}\n", report.head))
}
