//! The reading child process: how it is started and limited, and how its frames are taken back. The parent believes
//! nothing: every frame is bounded and checked again before it is used.

use super::wire::{Failed, Frame, Image, ReadJob, Record, Who};
use super::{confine, read};
use crate::error::{Error, Result};
use crate::feature::{Geometry, Model};
use crate::geo::GeometryKind;
use crate::geo::lattice::{DEEPEST, Patch, TileAt};
use rustix::process::{Resource, Rlimit, setrlimit};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

/// A frame larger than this is a broken child.
const MAX_FRAME_BYTES: u32 = 512 << 20;
/// Room between a child and its parent, so that neither waits for each single batch of the other.
const PIPE_BYTES: usize = 1 << 20;
const FRAMES_AHEAD: usize = 4;
/// What of the child's stderr is kept for the message.
const MAX_STDERR_BYTES: u64 = 16 << 10;
/// Names the executable with the hidden subcommand where it is not the running one (tests).
const EXECUTABLE: &str = "CHENGTU_BIN";
/// All that a child inherits: where libraries and their tables are, nothing that leads to a network.
const KEPT_ENV: &[&str] =
    &["PATH", "LD_LIBRARY_PATH", "GDAL_DATA", "PROJ_DATA", "PROJ_LIB", "TMPDIR", "RUST_BACKTRACE"];

/// Starts a child that does `jobs` one after another: all of one group.
///
/// # Errors
/// `Error::Io` when the process cannot be started.
pub fn spawn(jobs: &[ReadJob]) -> Result<FrameReader> {
    let exe = match std::env::var_os(EXECUTABLE) {
        Some(path) => PathBuf::from(path),
        None => std::env::current_exe().map_err(|e| Error::io("the running executable", e))?,
    };
    spawn_with(&exe, jobs)
}

/// As `spawn`, with the executable named.
pub fn spawn_with(exe: &Path, jobs: &[ReadJob]) -> Result<FrameReader> {
    let mut command = Command::new(exe);
    command.arg("read-source").env_clear().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for key in KEPT_ENV {
        if let Some(value) = std::env::var_os(key) {
            command.env(key, value);
        }
    }
    command.env("PROJ_NETWORK", "OFF").env("LC_ALL", "C.UTF-8");
    let mut child = command.spawn().map_err(|e| Error::io(exe, e))?;
    let named: Vec<String> = jobs.iter().map(|job| job.path.display().to_string()).collect();
    let message = postcard::to_stdvec(jobs).map_err(|e| Error::Data(format!("{}: {e}", named.join(", "))))?;
    // A child that is gone already is told about when its frames are read.
    if let Some(mut stdin) = child.stdin.take() {
        let _ = stdin.write_all(&message);
    }
    let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(Error::Data("the reading process has no pipes".into()));
    };
    let log = std::thread::spawn(move || keep_stderr(stderr));
    // Where the system gives no more room the child waits more often.
    let _ = rustix::pipe::fcntl_setpipe_size(&stdout, PIPE_BYTES);
    // Frames are decoded and checked while those before are used. The thread ends with the child's output.
    let (sender, frames) = sync_channel(FRAMES_AHEAD);
    let sources = jobs.len();
    std::thread::spawn(move || Inlet::new(stdout).run(sources, &sender));
    Ok(FrameReader { child, frames, log: Some(log), named, left: sources })
}

/// Reads to the end so that the child never waits for us, keeps the beginning.
fn keep_stderr(mut stderr: ChildStderr) -> String {
    let mut kept = vec![];
    let _ = (&mut stderr).take(MAX_STDERR_BYTES).read_to_end(&mut kept);
    let _ = io::copy(&mut stderr, &mut io::sink());
    String::from_utf8_lossy(&kept).into_owned()
}

/// The child's frames in order; the last one of each source is `Done` or `Failed`, always, but a child that dies tells of no
/// further source. Dropping it ends the child.
pub struct FrameReader {
    child: Child,
    frames: Receiver<Checked>,
    log: Option<JoinHandle<String>>,
    /// The sources' files.
    named: Vec<String>,
    /// Sources that have not come to their end.
    left: usize,
}

/// A frame that holds what a frame must, or what is wrong with what came.
type Checked = std::result::Result<Frame, String>;

impl Iterator for FrameReader {
    type Item = Frame;

    fn next(&mut self) -> Option<Frame> {
        if self.left == 0 {
            return None;
        }
        let frame = match self.frames.recv().unwrap_or_else(|_| Err("ended without a last word".into())) {
            Ok(frame) => frame,
            Err(what) => {
                let failed = self.broke(&what);
                self.left = 1;
                failed
            }
        };
        if frame.is_last() {
            self.left -= 1;
            if self.left == 0 {
                self.end();
            }
        }
        Some(frame)
    }
}

/// The parent's end of the child's output.
struct Inlet {
    stdout: BufReader<ChildStdout>,
    columns: Option<usize>,
    read: u64,
    /// Bytes of the latest frame: its room serves the next.
    bytes: Vec<u8>,
}

impl Inlet {
    fn new(stdout: ChildStdout) -> Inlet {
        Inlet { stdout: BufReader::with_capacity(1 << 18, stdout), columns: None, read: 0, bytes: vec![] }
    }

    /// Hands frames over until the last one of the last source, the first that is none, or nobody takes them any more.
    fn run(mut self, mut sources: usize, to: &SyncSender<Checked>) {
        while sources > 0 {
            let frame = self.take().and_then(|f| self.check(&f).map(|()| f));
            if frame.as_ref().is_ok_and(Frame::is_last) {
                sources -= 1;
                (self.columns, self.read) = (None, 0);
            }
            let broken = frame.is_err();
            if to.send(frame).is_err() || broken {
                return;
            }
        }
    }

    fn take(&mut self) -> Checked {
        let mut length = [0u8; 4];
        self.stdout.read_exact(&mut length).map_err(|_| "ended without a last word".to_string())?;
        let length = u32::from_le_bytes(length);
        if length > MAX_FRAME_BYTES {
            return Err(format!("sent a frame of {length} bytes"));
        }
        self.bytes.clear();
        let got = (&mut self.stdout).take(u64::from(length)).read_to_end(&mut self.bytes);
        if got.ok() != Some(length as usize) {
            return Err("ended inside a frame".into());
        }
        postcard::from_bytes(&self.bytes).map_err(|e| format!("sent a frame that is none ({e})"))
    }

    fn check(&mut self, frame: &Frame) -> std::result::Result<(), String> {
        match (frame, self.columns) {
            (Frame::Failed(_), _) => Ok(()),
            (Frame::Opened(o), None) => {
                self.columns = Some(o.columns.len());
                Ok(())
            }
            (Frame::Records(records), Some(columns)) => {
                self.read += records.len() as u64;
                records.iter().try_for_each(|r| check_record(r, columns))
            }
            (Frame::Heights(tiles), Some(_)) => tiles.iter().try_for_each(|(at, patch)| check_tile(*at, patch)),
            (Frame::Image(image), Some(_)) => check_image(image),
            (Frame::Done(d), Some(_)) if d.read == self.read => Ok(()),
            (Frame::Done(d), Some(_)) => Err(format!("sent {} records and says {}", self.read, d.read)),
            _ => Err("sent frames out of order".into()),
        }
    }
}

impl FrameReader {
    /// Whether no frame follows.
    pub fn is_at_end(&self) -> bool {
        self.left == 0
    }

    /// The child died or spoke nonsense: why, in words.
    fn broke(&mut self, what: &str) -> Frame {
        let _ = self.child.kill();
        let status = self.child.wait();
        let log = self.log.take().and_then(|l| l.join().ok()).unwrap_or_default();
        let why = status.map(|s| cause(&s)).unwrap_or_default();
        let tail: String = log.trim().lines().next_back().unwrap_or_default().chars().take(300).collect();
        let tail = if tail.is_empty() { tail } else { format!(": {tail}") };
        let named = &self.named[self.named.len() - self.left];
        Frame::Failed(Failed {
            who: Who::Supplier,
            code: "reader-died".into(),
            what: format!("{named}: the reading process {what}{why}{tail}; the file is probably damaged"),
        })
    }

    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(log) = self.log.take() {
            let _ = log.join();
        }
    }
}

impl Drop for FrameReader {
    fn drop(&mut self) {
        self.end();
    }
}

fn cause(status: &std::process::ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match status.signal() {
        Some(24) => " (out of its processor time)".into(),
        Some(9) => String::new(),
        Some(6) => " (aborted: out of its memory, or a fault in a library)".into(),
        Some(11) => " (a fault in a library)".into(),
        Some(25) => " (a file grew beyond its limit)".into(),
        Some(s) => format!(" (signal {s})"),
        None => status.code().map(|c| format!(" (exit code {c})")).unwrap_or_default(),
    }
}

/// A picture in sizes that the store keeps.
fn check_image(image: &Image) -> std::result::Result<(), String> {
    let file = |bytes: &[u8]| bytes.starts_with(&[0xff, 0xd8]) || bytes.starts_with(b"\x89PNG");
    let falls = image.sizes.windows(2).all(|w| w[0].0 > w[1].0);
    let known = image.sizes.iter().all(|(side, bytes)| crate::store::IMAGE_SIDES.contains(side) && file(bytes));
    match falls && known && !image.sizes.is_empty() {
        true => Ok(()),
        false => Err("sent an image that is none".into()),
    }
}

fn check_record(r: &Record, columns: usize) -> std::result::Result<(), String> {
    if r.values.len() != columns {
        return Err(format!("sent {} values for {columns} columns in row {}", r.values.len(), r.row));
    }
    if let Some(flaw) = r.model.as_ref().and_then(Model::flaw) {
        return Err(format!("sent a model with {flaw} in row {}", r.row));
    }
    match &r.geometry {
        Ok(g) => check_geometry(g).map_err(|e| format!("sent a geometry with {e} in row {}", r.row)),
        Err(_) => Ok(()),
    }
}

fn check_tile(at: TileAt, patch: &Patch) -> std::result::Result<(), String> {
    let inside = at.level <= DEEPEST && (at.x | at.y) >> at.level == 0;
    match inside && patch.is_whole() {
        true => Ok(()),
        false => Err(format!("sent a tile of heights that is none: {at:?}")),
    }
}

/// The invariants of `feature::Geometry` and of longitude and latitude.
fn check_geometry(g: &Geometry) -> std::result::Result<(), &'static str> {
    let n = g.xy.len();
    let rises = |list: &[u32], last: usize| {
        list.windows(2).all(|w| w[0] < w[1])
            && list.first().is_some_and(|f| *f > 0)
            && list.last() == Some(&(last as u32))
    };
    if n == 0 || (!g.z.is_empty() && g.z.len() != n) {
        return Err("no vertices or too few heights");
    }
    if !g.xy.iter().all(|[x, y]| (-180.0..=180.0).contains(x) && (-90.0..=90.0).contains(y)) {
        return Err("coordinates that are no longitude and latitude");
    }
    if !g.z.iter().all(|z| z.is_finite()) {
        return Err("heights that are no numbers");
    }
    let shape = match g.kind {
        GeometryKind::Point => g.ends.is_empty() && g.parts.is_empty(),
        GeometryKind::Line => rises(&g.ends, n) && g.parts.is_empty() && g.runs().all(|r| r.len() >= 2),
        GeometryKind::Polygon => {
            rises(&g.ends, n)
                && rises(&g.parts, g.ends.len())
                && g.runs().all(|r| r.len() >= 4 && g.xy[r.start] == g.xy[r.end - 1])
        }
    };
    if shape { Ok(()) } else { Err("parts that do not fit") }
}

/// Entry of the child: limits and confinement first, then the jobs from stdin one after another, frames to stdout.
pub fn main() -> Result<()> {
    let mut message = vec![];
    io::stdin().lock().take(16 << 20).read_to_end(&mut message).map_err(|e| Error::io("stdin", e))?;
    let jobs: Vec<ReadJob> =
        postcard::from_bytes(&message).map_err(|e| Error::request(400, "read-job", format!("no reading jobs: {e}")))?;
    let Some(first) = jobs.first() else { return Ok(()) };
    limit(first, jobs.len() as u64);
    confine::confine(&jobs);
    let mut stdout = BufWriter::with_capacity(1 << 18, io::stdout().lock());
    let mut room = vec![];
    for job in &jobs {
        read::keep_only_driver(job.format);
        read::read_source(job, &mut |frame| {
            room.clear();
            let room_of = std::mem::take(&mut room);
            let bytes = postcard::to_extend(&frame, room_of).map_err(|e| Error::Data(e.to_string()))?;
            let length = u32::try_from(bytes.len()).map_err(|e| Error::Data(e.to_string()))?;
            let written = stdout.write_all(&length.to_le_bytes()).and_then(|()| stdout.write_all(&bytes));
            room = bytes;
            written.map_err(|e| Error::io("stdout", e))
        })?;
    }
    stdout.flush().map_err(|e| Error::io("stdout", e))
}

/// Lowers what this process may use, by the first of its jobs. A system that refuses a limit is not a reason to refuse the
/// file.
fn limit(job: &ReadJob, jobs: u64) {
    let hard = |n: u64| Rlimit { current: Some(n), maximum: Some(n) };
    let l = &job.limits;
    let limits = [
        (Resource::As, hard(l.memory_bytes)),
        (Resource::Cpu, hard(l.cpu_seconds.saturating_mul(jobs))),
        (Resource::Fsize, hard(l.unpacked_bytes.saturating_mul(2))),
        (Resource::Core, hard(0)),
        (Resource::Nofile, hard(256)),
    ];
    for (resource, limit) in limits {
        let _ = setrlimit(resource, limit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The parent believes nothing: each broken invariant is found.
    #[test]
    fn geometries_that_do_not_hold_are_refused() {
        let ring = vec![[0., 0.], [1., 0.], [1., 1.], [0., 0.]];
        let good = Geometry::polygon(&[ring.clone(), ring.clone()]);
        assert_eq!(check_geometry(&good), Ok(()));
        assert_eq!(check_geometry(&Geometry::point(180.0, -90.0)), Ok(()));
        let bad: Vec<Geometry> = vec![
            Geometry::point(180.1, 0.0),
            Geometry::point(f64::NAN, 0.0),
            Geometry { z: vec![1.0, 2.0], ..Geometry::point(1.0, 1.0) },
            Geometry { z: vec![f64::INFINITY], ..Geometry::point(1.0, 1.0) },
            Geometry { ends: vec![1], ..Geometry::point(1.0, 1.0) },
            Geometry::line(vec![[0., 0.]]),
            Geometry { ends: vec![1, 2], ..Geometry::line(vec![[0., 0.], [1., 1.]]) },
            Geometry { ends: vec![9], ..Geometry::line(vec![[0., 0.], [1., 1.]]) },
            Geometry { ends: vec![2, 2], ..Geometry::line(vec![[0., 0.], [1., 1.]]) },
            Geometry { parts: vec![1], ..Geometry::line(vec![[0., 0.], [1., 1.]]) },
            Geometry { parts: vec![], ..good.clone() },
            Geometry { parts: vec![3], ..good.clone() },
            Geometry { parts: vec![0, 2], ..good.clone() },
            Geometry { ends: vec![4, 7], ..good.clone() },
            Geometry::polygon(&[vec![[0., 0.], [1., 0.], [1., 1.], [0., 1.]]]),
            Geometry { xy: vec![], ends: vec![], parts: vec![], ..good },
        ];
        for (i, g) in bad.iter().enumerate() {
            assert!(check_geometry(g).is_err(), "case {i}: {g:?}");
        }
        let row = |values| Record {
            row: 1,
            geometry: Ok(Geometry::point(1.0, 1.0)),
            repairs: vec![],
            values,
            model: None,
            faults: vec![],
        };
        assert!(check_record(&row(vec![]), 1).is_err());
        let good = row(vec![super::super::wire::Raw::Null]);
        assert!(check_record(&good, 1).is_ok());
        let hollow = Record { model: Some(Model::default()), ..good };
        assert!(check_record(&hollow, 1).is_err_and(|what| what.contains("level of detail")));
    }
}
