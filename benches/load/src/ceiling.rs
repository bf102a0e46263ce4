//! The physical ceiling: a server that does nothing but copy. Every request on a connection is answered with the next of the given
//! sizes of bytes from memory, by a thread of its own, without looking at what was asked.

use std::io::{Read, Result, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Serves for ever; says its port on standard output.
pub fn serve(sizes: &[usize]) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?.port());
    let (answers, next) = (sizes.iter().map(|&size| answer(size)).collect::<Vec<_>>(), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for stream in listener.incoming().flatten() {
            let (answers, next) = (&answers, &next);
            scope.spawn(move || {
                // Its end is the client's.
                let _ = converse(stream, answers, next);
            });
        }
    });
    Ok(())
}

fn answer(size: usize) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n");
    [head.into_bytes(), vec![7; size]].concat()
}

fn converse(mut stream: TcpStream, answers: &[Vec<u8>], next: &AtomicUsize) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut request = [0; 8192];
    while stream.read(&mut request)? > 0 {
        stream.write_all(&answers[next.fetch_add(1, Ordering::Relaxed) % answers.len()])?;
    }
    Ok(())
}
