//! Blocks of rows: taken one after the other, answered by several threads at once, handed on in their order. No block
//! waits for its neighbours: a thread that is done takes the next.

use super::Desk;
use crate::ownership::{Answer, Asked, Invalid};
use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Rows that are answered together. Their text stays below what allocators fetch anew from the system each time (128 KiB).
pub const ROWS: usize = 256;
const TEXT_BYTES: usize = 96 << 10;
/// A batch takes no more of the machine than this.
const MOST_THREADS: usize = 4;
/// Blocks a thread that are taken and not handed on: what a slow listener may leave lying.
const AHEAD: usize = 2;

/// Answers every block of `source` with `write` and hands the texts to `send`, in order. `false` when nobody listens any
/// more: `send` said so.
pub fn in_order<B: Send>(
    source: impl Iterator<Item = B> + Send,
    write: impl Fn(B, &mut Vec<u8>) + Sync,
    send: &mut dyn FnMut(Vec<u8>) -> bool,
) -> bool {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS);
    by_threads(threads, source, write, send)
}

fn by_threads<B: Send>(
    threads: usize,
    mut source: impl Iterator<Item = B> + Send,
    write: impl Fn(B, &mut Vec<u8>) + Sync,
    send: &mut dyn FnMut(Vec<u8>) -> bool,
) -> bool {
    let first: Vec<B> = source.by_ref().take(2).collect();
    // One block is not worth a thread.
    let helpers = if first.len() < 2 { 0 } else { threads - 1 };
    let source = first.into_iter().chain(source);
    let state = State { source, taken: 0, sent: 0, done: BTreeMap::new(), over: false };
    let line = Line { state: Mutex::new(state), moved: Condvar::new(), ahead: threads * AHEAD, write };
    std::thread::scope(|scope| {
        for _ in 0..helpers {
            scope.spawn(|| line.help());
        }
        line.lead(send)
    })
}

/// What the threads share.
struct Line<I: Iterator, F> {
    state: Mutex<State<I>>,
    /// Somebody took, finished or handed on a block.
    moved: Condvar,
    ahead: usize,
    write: F,
}

struct State<I> {
    source: I,
    /// Blocks taken and blocks handed on: numbers of the next ones.
    taken: usize,
    sent: usize,
    /// Answered, not handed on.
    done: BTreeMap<usize, Vec<u8>>,
    /// Nothing more is to be taken.
    over: bool,
}

impl<I: Iterator> State<I> {
    fn take(&mut self) -> Option<(usize, I::Item)> {
        let block = self.source.next();
        self.over |= block.is_none();
        let number = self.taken;
        self.taken += usize::from(block.is_some());
        Some((number, block?))
    }
}

impl<B, I: Iterator<Item = B>, F: Fn(B, &mut Vec<u8>)> Line<I, F> {
    fn state(&self) -> MutexGuard<'_, State<I>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State<I>>) -> MutexGuard<'a, State<I>> {
        self.moved.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, (number, block): (usize, B)) {
        let mut text = Vec::with_capacity(TEXT_BYTES);
        (self.write)(block, &mut text);
        self.state().done.insert(number, text);
        self.moved.notify_all();
    }

    /// Answers blocks until there are none.
    fn help(&self) {
        let _alarm = Alarm(self);
        let mut state = self.state();
        while !state.over {
            if state.taken - state.sent >= self.ahead {
                state = self.wait(state);
                continue;
            }
            let block = state.take();
            drop(state);
            block.into_iter().for_each(|block| self.answer(block));
            state = self.state();
        }
    }

    /// Hands on what is done, in order; where nothing is, answers a block itself.
    fn lead(&self, send: &mut dyn FnMut(Vec<u8>) -> bool) -> bool {
        let _alarm = Alarm(self);
        let mut state = self.state();
        loop {
            let next = state.sent;
            if let Some(text) = state.done.remove(&next) {
                state.sent += 1;
                drop(state);
                self.moved.notify_all();
                if !text.is_empty() && !send(text) {
                    self.stop();
                    return false;
                }
            } else if !state.over && state.taken - state.sent < self.ahead {
                let block = state.take();
                drop(state);
                block.into_iter().for_each(|block| self.answer(block));
            } else if state.over && state.sent == state.taken {
                return true;
            } else {
                state = self.wait(state);
                continue;
            }
            state = self.state();
        }
    }

    fn stop(&self) {
        self.state().over = true;
        self.moved.notify_all();
    }
}

/// Sends everybody home when one thread panics: its block would be waited for in vain. The scope passes the panic on.
struct Alarm<'a, B, I: Iterator<Item = B>, F: Fn(B, &mut Vec<u8>)>(&'a Line<I, F>);

impl<B, I: Iterator<Item = B>, F: Fn(B, &mut Vec<u8>)> Drop for Alarm<'_, B, I, F> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let mut state = self.0.state();
            state.over = true;
            state.sent = state.taken;
            drop(state);
            self.0.moved.notify_all();
        }
    }
}

impl Desk<'_> {
    /// Asks all that can be asked; `each` gets what stands beside every row, in order, and its answer or what is wrong
    /// with it.
    pub fn answer_rows<'a, T>(
        &'a self,
        asked: impl Iterator<Item = (T, Result<Asked<'a>, Invalid>)>,
        mut each: impl FnMut(T, Result<&Answer<'a>, &Invalid>),
    ) {
        let (mut questions, mut rows) = (Vec::with_capacity(ROWS), Vec::with_capacity(ROWS));
        for (beside, asked) in asked {
            match asked.and_then(|asked| self.question(asked)) {
                Ok(question) => {
                    questions.push(question);
                    rows.push((beside, None));
                }
                Err(why) => rows.push((beside, Some(why))),
            }
        }
        let mut rows = rows.into_iter();
        // Those without a question, up to the next that has one.
        let mut next = |each: &mut dyn FnMut(T, Result<&Answer<'a>, &Invalid>)| {
            for (beside, invalid) in rows.by_ref() {
                match invalid {
                    Some(why) => each(beside, Err(&why)),
                    None => return Some(beside),
                }
            }
            None
        };
        self.ownership.resolve_all(&questions, |_, answer| {
            if let Some(beside) = next(&mut each) {
                each(beside, Ok(&answer));
            }
        });
        next(&mut each);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every block once and in order, however many there are and whoever writes them.
    #[test]
    fn blocks_follow_each_other() {
        for count in [0, 1, 2, 3, 7, 100] {
            for threads in [1, 2, 3, 4] {
                let mut text = vec![];
                let mut send = |piece: Vec<u8>| {
                    text.extend(piece);
                    true
                };
                let write = |block: usize, out: &mut Vec<u8>| {
                    // Later blocks are done sooner.
                    std::thread::sleep(std::time::Duration::from_micros(((count - block) % 5) as u64 * 50));
                    out.extend(format!("{block} ").bytes());
                };
                assert!(by_threads(threads, 0..count, write, &mut send));
                let all: String = (0..count).map(|b| format!("{b} ")).collect();
                assert_eq!(String::from_utf8(text).unwrap(), all, "{threads} threads");
            }
        }
    }

    #[test]
    fn work_ends_when_nobody_listens() {
        for threads in [1, 4] {
            let (taken, mut sent) = (std::sync::atomic::AtomicUsize::new(0), 0);
            let source = (0..1000).inspect(|_| {
                taken.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            });
            let mut send = |_: Vec<u8>| {
                sent += 1;
                false
            };
            assert!(!by_threads(threads, source, |_, out| out.push(b'x'), &mut send));
            assert_eq!(sent, 1);
            assert!(taken.into_inner() <= 2 + threads * (AHEAD + 1));
        }
    }

    /// A fault in one block ends the batch: nobody waits for ever, nothing is passed over.
    #[test]
    fn a_panic_comes_through() {
        for threads in [1, 2, 4] {
            for bad in [0, 1, 50] {
                let write = |block: usize, out: &mut Vec<u8>| {
                    assert_ne!(block, bad, "as wanted");
                    out.push(b'x');
                };
                let ended = std::panic::catch_unwind(|| by_threads(threads, 0..100, write, &mut |_| true));
                assert!(ended.is_err(), "{threads} threads, block {bad}");
            }
        }
    }
}
