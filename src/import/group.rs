//! Sources that one process reads one after another: the layers of one database, small files of one folder. To start a process
//! and to prove a database whole costs more than reading most of them. Where the process dies, the next source gets another:
//! one source's fault is no other's.

use super::Frames;
use super::child::{self, FrameReader};
use super::wire::{Format, Frame, ReadJob};
use crate::error::{Error, Result};
use std::cell::RefCell;
use std::ops::Range;
use std::path::PathBuf;
use std::rc::Rc;

/// Of larger files the start of a process is a small part, and reading some of them side by side is worth more.
const SMALL_BYTES: u64 = 4 << 20;

/// Whether two sources may be read by one process: what it may read and use is the same for both.
fn is_shared(a: &ReadJob, b: &ReadJob) -> bool {
    let database = matches!(a.format, Format::Gpkg | Format::Gdb);
    let one_database = database && a.format == b.format && a.path == b.path && a.member == b.member;
    let one_folder = || is_small(a) && is_small(b) && folders(a).is_some_and(|of_a| Some(of_a) == folders(b));
    a.limits == b.limits && (one_database || one_folder())
}

/// Where a file is named and where it lies, which is elsewhere if that is a link: what its reader may read.
fn folders(job: &ReadJob) -> Option<[PathBuf; 2]> {
    let real = job.path.canonicalize().ok()?;
    Some([job.path.parent()?.to_path_buf(), real.parent()?.to_path_buf()])
}

fn is_small(job: &ReadJob) -> bool {
    std::fs::metadata(&job.path).is_ok_and(|file| file.is_file() && file.len() <= SMALL_BYTES)
}

/// Opens sources in their order.
#[derive(Default)]
pub struct Readers {
    /// The group that was opened last, and where its sources stand.
    latest: Option<(Range<usize>, Rc<RefCell<Group>>)>,
}

impl Readers {
    /// Frames of a source, by the process that reads the one before it where both are of one group. `jobs` are its and those of
    /// all sources after it.
    ///
    /// # Errors
    /// Where there can be no scratch folder or no process.
    pub fn open(&mut self, source: usize, jobs: impl Iterator<Item = ReadJob>) -> Result<Frames> {
        let known = self.latest.take().filter(|(sources, _)| sources.contains(&source));
        let (sources, group) = match known {
            Some(known) => known,
            None => {
                let jobs = of_one_group(jobs)?;
                (source..source + jobs.len(), Group::open(jobs)?)
            }
        };
        let frames = SourceFrames { group: Rc::clone(&group), job: source - sources.start, ended: false };
        self.latest = Some((sources, group));
        Ok(Box::new(frames))
    }
}

/// The first and those after it that one process reads, their scratch folders made.
fn of_one_group(all: impl Iterator<Item = ReadJob>) -> Result<Vec<ReadJob>> {
    let mut jobs: Vec<ReadJob> = vec![];
    for job in all {
        if jobs.first().is_some_and(|first| !is_shared(first, &job)) {
            break;
        }
        std::fs::create_dir_all(&job.scratch).map_err(|e| Error::io(&job.scratch, e))?;
        jobs.push(job);
    }
    Ok(jobs)
}

/// Sources that are read in their order.
struct Group {
    jobs: Vec<ReadJob>,
    reader: Option<FrameReader>,
    /// The job whose frames the reader sends next.
    at: usize,
}

/// The frames of one of them, to be taken after those of the ones before it.
struct SourceFrames {
    group: Rc<RefCell<Group>>,
    job: usize,
    ended: bool,
}

impl Group {
    /// Starts to read.
    fn open(jobs: Vec<ReadJob>) -> Result<Rc<RefCell<Group>>> {
        let reader = Some(child::spawn(&jobs)?);
        Ok(Rc::new(RefCell::new(Group { jobs, reader, at: 0 })))
    }

    fn next(&mut self, job: usize) -> Result<Frame> {
        let reader = match self.reader.take().filter(|_| self.at == job) {
            Some(reader) => reader,
            None => child::spawn(&self.jobs[job..])?,
        };
        self.at = job;
        let reader = self.reader.insert(reader);
        // A reader that has a job left has a frame.
        let Some(frame) = reader.next() else { return Err(Error::Data("a reading process ended early".into())) };
        if frame.is_last() {
            self.at = job + 1;
            // One that has died has none of the others.
            if reader.is_at_end() {
                self.reader = None;
            }
        }
        Ok(frame)
    }
}

impl Iterator for SourceFrames {
    type Item = Result<Frame>;

    fn next(&mut self) -> Option<Result<Frame>> {
        if self.ended {
            return None;
        }
        let frame = self.group.borrow_mut().next(self.job);
        self.ended = frame.as_ref().map_or(true, Frame::is_last);
        Some(frame)
    }
}

/// Frames that nobody wants any more end the process, whatever it would read next.
impl Drop for SourceFrames {
    fn drop(&mut self) {
        let mut group = self.group.borrow_mut();
        if !self.ended && group.at == self.job {
            group.reader = None;
        }
    }
}
