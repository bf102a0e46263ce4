//! The layers of one container, read by one process one after another: to start a process and to prove a container whole costs
//! more than reading most of its layers. Where the process dies, the next layer gets another: one source's fault is no other's.

use super::child::{self, FrameReader};
use super::wire::{Format, Frame, ReadJob};
use crate::error::{Error, Result};
use std::cell::RefCell;
use std::rc::Rc;

/// Whether two sources may be read by one process: both are layers of one database.
pub fn is_shared(a: &ReadJob, b: &ReadJob) -> bool {
    let database = matches!(a.format, Format::Gpkg | Format::Gdb);
    database && a.format == b.format && a.path == b.path && a.member == b.member && a.limits == b.limits
}

/// Sources that are read in their order.
pub struct Container {
    jobs: Vec<ReadJob>,
    reader: Option<FrameReader>,
    /// The job whose frames the reader sends next.
    at: usize,
}

/// The frames of one of them.
pub struct SourceFrames {
    container: Rc<RefCell<Container>>,
    job: usize,
    ended: bool,
}

impl Container {
    /// Starts to read.
    ///
    /// # Errors
    /// Where no process can be started.
    pub fn open(jobs: Vec<ReadJob>) -> Result<Rc<RefCell<Container>>> {
        let reader = Some(child::spawn(&jobs)?);
        Ok(Rc::new(RefCell::new(Container { jobs, reader, at: 0 })))
    }

    /// Those of a job, to be taken after those of the jobs before it.
    pub fn frames(container: &Rc<RefCell<Container>>, job: usize) -> SourceFrames {
        SourceFrames { container: Rc::clone(container), job, ended: false }
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
        let frame = self.container.borrow_mut().next(self.job);
        self.ended = frame.as_ref().map_or(true, Frame::is_last);
        Some(frame)
    }
}

/// Frames that nobody wants any more end the process, whatever it would read next.
impl Drop for SourceFrames {
    fn drop(&mut self) {
        let mut container = self.container.borrow_mut();
        if !self.ended && container.at == self.job {
            container.reader = None;
        }
    }
}
