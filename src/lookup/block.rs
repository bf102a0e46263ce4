//! Rows in blocks: read one after the other, answered by several threads, handed on in their order.

use super::Desk;
use crate::ownership::{Answer, Asked, Invalid};

/// Rows that are answered together.
pub const ROWS: usize = 1024;
/// Fewer are not worth a thread.
const ROWS_A_THREAD: usize = 128;
/// A batch takes no more of the machine than this.
const MOST_THREADS: usize = 4;

/// Collects rows and hands on their answers.
pub struct Blocks<'a, R, F> {
    rows: Vec<R>,
    threads: usize,
    /// Some rows → their answers' text.
    write: F,
    send: &'a mut dyn FnMut(Vec<u8>) -> bool,
    /// Text that stands before the next piece.
    ahead: Vec<u8>,
}

impl<'a, R: Sync, F: Fn(&[R], &mut Vec<u8>) + Sync> Blocks<'a, R, F> {
    pub fn new(write: F, send: &'a mut dyn FnMut(Vec<u8>) -> bool) -> Blocks<'a, R, F> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS);
        Blocks { rows: Vec::with_capacity(ROWS), threads, write, send, ahead: vec![] }
    }

    /// Text between rows. Only where a block ends: before the first and after the last.
    pub fn put(&mut self, text: &[u8]) {
        self.ahead.extend_from_slice(text);
    }

    /// Whether to go on: `false` when nobody listens any more.
    pub fn row(&mut self, row: R) -> bool {
        self.rows.push(row);
        self.rows.len() < ROWS || self.flush()
    }

    /// Answers what has been collected.
    pub fn flush(&mut self) -> bool {
        let pieces = shared(&self.rows, self.threads, &self.write);
        self.rows.clear();
        let mut ahead = std::mem::take(&mut self.ahead);
        for piece in pieces {
            let piece = match ahead.is_empty() {
                true => piece,
                false => [std::mem::take(&mut ahead), piece].concat(),
            };
            if !piece.is_empty() && !(self.send)(piece) {
                return false;
            }
        }
        ahead.is_empty() || (self.send)(ahead)
    }
}

/// Each thread takes a stretch of the rows, this one the first.
fn shared<R: Sync>(rows: &[R], threads: usize, write: &(impl Fn(&[R], &mut Vec<u8>) + Sync)) -> Vec<Vec<u8>> {
    let stretch = rows.len().div_ceil(threads).max(ROWS_A_THREAD);
    let one = |rows: &[R]| {
        let mut text = Vec::with_capacity(rows.len() * 256);
        write(rows, &mut text);
        text
    };
    let mut stretches = rows.chunks(stretch);
    let first = stretches.next();
    std::thread::scope(|scope| {
        let others: Vec<_> = stretches.map(|rows| scope.spawn(move || one(rows))).collect();
        let first = first.map(one);
        let joined = others.into_iter().map(|t| t.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        first.into_iter().chain(joined).collect()
    })
}

impl Desk<'_> {
    /// Asks all that can be asked; `each` gets every row's position, in order, and its answer or what is wrong with it.
    pub fn answer_rows<'a>(
        &'a self,
        asked: impl Iterator<Item = Result<Asked<'a>, Invalid>>,
        mut each: impl FnMut(usize, Result<&Answer<'a>, &Invalid>),
    ) {
        let (mut questions, mut places, mut invalid) = (vec![], vec![], vec![]);
        for (row, asked) in asked.enumerate() {
            match asked.and_then(|asked| self.question(asked)) {
                Ok(question) => {
                    questions.push(question);
                    places.push(row);
                }
                Err(why) => invalid.push((row, why)),
            }
        }
        let mut invalid = invalid.iter().peekable();
        self.ownership.resolve_all(&questions, |i, answer| {
            while let Some((row, why)) = invalid.next_if(|(row, _)| *row < places[i]) {
                each(*row, Err(why));
            }
            each(places[i], Ok(&answer));
        });
        invalid.for_each(|(row, why)| each(*row, Err(why)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every row once and in order, however many there are and whoever writes them.
    #[test]
    fn pieces_follow_each_other() {
        for count in [0, 1, ROWS_A_THREAD, ROWS_A_THREAD + 1, ROWS - 1, ROWS, 3 * ROWS + 7] {
            for threads in [1, 2, 3, 4] {
                let mut text = vec![];
                let mut send = |piece: Vec<u8>| {
                    text.extend(piece);
                    true
                };
                let write = |rows: &[usize], out: &mut Vec<u8>| {
                    rows.iter().for_each(|r| out.extend(format!("{r} ").bytes()));
                };
                let mut blocks = Blocks { threads, ..Blocks::new(write, &mut send) };
                blocks.put(b"from ");
                assert!((0..count).all(|row| blocks.row(row)));
                assert!(blocks.flush());
                blocks.put(b"to");
                assert!(blocks.flush());
                let rows: String = (0..count).map(|r| format!("{r} ")).collect();
                assert_eq!(String::from_utf8(text).unwrap(), format!("from {rows}to"));
            }
        }
    }

    #[test]
    fn work_ends_when_nobody_listens() {
        let mut sent = 0;
        let mut send = |_: Vec<u8>| {
            sent += 1;
            false
        };
        let mut blocks = Blocks::new(|rows: &[usize], out: &mut Vec<u8>| out.resize(rows.len(), b'x'), &mut send);
        let taken = (0..10 * ROWS).take_while(|row| blocks.row(*row)).count();
        assert_eq!((taken, sent), (ROWS - 1, 1));
    }
}
