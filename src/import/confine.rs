//! What the reading child may still do once it knows its job: read the delivery and the system's libraries and tables,
//! write its scratch folder. No network, no other file, no other process. By Landlock and seccomp, each where the kernel
//! has it; what is missing is told by `lacking`. Limits of memory and time are `child`'s.

use super::wire::ReadJob;
use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError,
    Scope, path_beneath_rules,
};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, TargetArch,
};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The newest features asked for; older kernels give what they have.
const NEWEST: ABI = ABI::V6;
/// Libraries, tables and what the runtime looks up about the machine.
const SYSTEM: [&str; 9] =
    ["/usr", "/lib", "/lib64", "/etc", "/proc/self", "/sys/fs/cgroup", "/dev/null", "/dev/urandom", "/dev/zero"];
/// Folders that the environment names for PROJ and GDAL.
const NAMED: [&str; 4] = ["PROJ_DATA", "PROJ_LIB", "GDAL_DATA", "LD_LIBRARY_PATH"];

/// Confines this thread and all that it starts, for good. A feature that the kernel lacks is no reason to refuse a file.
pub fn confine(jobs: &[ReadJob]) {
    let _ = by_landlock(jobs);
    for program in programs().into_iter().flatten() {
        let _ = seccompiler::apply_filter(&program);
    }
}

/// What this system cannot hold a child to, in words; `None` when it has everything.
pub fn lacking() -> Option<&'static str> {
    let landlock = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(ABI::V1))
        .and_then(Ruleset::create)
        .is_ok();
    let filtered = std::fs::read_to_string("/proc/self/status").is_ok_and(|s| s.contains("Seccomp:"));
    let seccomp = filtered && programs().iter().all(Option::is_some);
    match (landlock, seccomp) {
        (true, true) => None,
        (false, true) => Some("no Landlock: readers may read whatever this account may read"),
        (true, false) => Some("no seccomp: readers may use the network and start programs"),
        (false, false) => Some("neither Landlock nor seccomp: readers may do whatever this account may do"),
    }
}

fn by_landlock(jobs: &[ReadJob]) -> Result<(), RulesetError> {
    Ruleset::default()
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?
        .create()?
        .add_rules(path_beneath_rules(readable(jobs), AccessFs::from_read(NEWEST) & !AccessFs::Execute))?
        .add_rules(path_beneath_rules(
            jobs.iter().map(|j| &j.scratch),
            AccessFs::from_all(NEWEST) & !AccessFs::Execute,
        ))?
        .restrict_self()?;
    Ok(())
}

/// The deliveries with what lies beside them, where they are named and where links lead; and the system.
fn readable(jobs: &[ReadJob]) -> Vec<PathBuf> {
    let beside = |p: &Path| p.parent().map(Path::to_path_buf);
    let delivery = jobs.iter().flat_map(|job| {
        let real = job.path.canonicalize().ok();
        [beside(&job.path), real.as_deref().and_then(beside), real]
    });
    let named = NAMED.into_iter().filter_map(std::env::var_os);
    let folders = named.flat_map(|list| std::env::split_paths(&list).collect::<Vec<_>>());
    delivery.flatten().chain(SYSTEM.map(PathBuf::from)).chain(folders).collect()
}

/// Calls that no reader of files needs: answered `EPERM`.
const REFUSED: &[i64] = &[
    libc::SYS_socket,
    libc::SYS_socketpair,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept4,
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_kill,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_send_signal,
    libc::SYS_pidfd_getfd,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_open_by_handle_at,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
];

/// The filters; `None` for a processor that the crate does not know.
fn programs() -> [Option<BpfProgram>; 2] {
    let mut refused: BTreeMap<i64, Vec<SeccompRule>> = REFUSED.iter().map(|call| (*call, vec![])).collect();
    // Threads are wanted, processes are not.
    if let Some(rule) = without_flag(libc::CLONE_THREAD) {
        refused.insert(libc::SYS_clone, vec![rule]);
    }
    // Its flags lie in memory, where no filter sees them; the C library falls back to clone.
    let unknown = BTreeMap::from([(libc::SYS_clone3, vec![])]);
    [program(refused, libc::EPERM), program(unknown, libc::ENOSYS)]
}

fn without_flag(flag: libc::c_int) -> Option<SeccompRule> {
    let flag = flag as u64;
    let condition = SeccompCondition::new(0, SeccompCmpArgLen::Qword, SeccompCmpOp::MaskedEq(flag), 0).ok()?;
    SeccompRule::new(vec![condition]).ok()
}

fn program(calls: BTreeMap<i64, Vec<SeccompRule>>, errno: libc::c_int) -> Option<BpfProgram> {
    let arch: TargetArch = std::env::consts::ARCH.try_into().ok()?;
    let filter = SeccompFilter::new(calls, SeccompAction::Allow, SeccompAction::Errno(errno as u32), arch).ok()?;
    filter.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::wire::Format;
    use std::fs::{self, File};
    use std::io::ErrorKind::PermissionDenied;
    use std::process::Command;

    /// In a thread of its own, for what is given up does not come back.
    #[test]
    fn a_confined_reader_reads_its_delivery_and_nothing_else() {
        if let Some(lack) = lacking() {
            eprintln!("SKIPPED: this kernel has {lack}");
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let folder = |name: &str| {
            let path = dir.path().join(name);
            fs::create_dir(&path).unwrap();
            path
        };
        let (delivery, scratch, other) = (folder("delivery"), folder("scratch"), folder("other"));
        for file in [delivery.join("a.csv"), delivery.join("a.cpg"), other.join("secret.csv")] {
            fs::write(file, "x").unwrap();
        }
        std::os::unix::fs::symlink(other.join("secret.csv"), delivery.join("link.csv")).unwrap();
        let denied = |e: std::io::Result<()>| e.is_err_and(|e| e.kind() == PermissionDenied);
        std::thread::spawn(move || {
            confine(&[ReadJob::plain(delivery.join("a.csv"), Format::Csv, scratch.clone())]);
            assert_eq!(fs::read_to_string(delivery.join("a.csv")).unwrap(), "x");
            assert_eq!(fs::read_to_string(delivery.join("a.cpg")).unwrap(), "x");
            fs::write(scratch.join("b"), "y").unwrap();
            assert!(fs::read_to_string("/etc/hostname").is_ok() || !Path::new("/etc/hostname").exists());
            assert!(denied(File::open(other.join("secret.csv")).map(drop)), "another folder");
            assert!(denied(File::open(delivery.join("link.csv")).map(drop)), "a link out of the delivery");
            assert!(denied(fs::write(delivery.join("a.csv"), "z")), "writing to the delivery");
            assert!(denied(fs::write(other.join("new"), "z")), "writing elsewhere");
            assert!(denied(std::net::UdpSocket::bind("127.0.0.1:0").map(drop)), "a socket");
            assert!(denied(Command::new("/bin/true").spawn().map(drop)), "a program");
            let sum = std::thread::spawn(|| 1 + 1).join().unwrap();
            assert_eq!(sum, 2, "threads go on");
        })
        .join()
        .unwrap();
    }
}
