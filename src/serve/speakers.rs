//! The threads that speak HTTP, one a core: each has its own connections, reactor and timers, so that an answer from memory
//! wakes no other thread. What takes a core goes to `workers`.

use super::access::Peer;
use super::deadline::{Deadline, Talk};
use super::front::{Front, Malformed};
use super::listen::{Limits, builder};
use super::metrics::Held;
use super::outgoing::Hold;
use super::stream::Paced;
use crate::error::{Error, Result};
use axum::body::Body;
use axum::http::{Request, Version, header};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use std::convert::Infallible;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

/// An accepted connection.
pub struct Accepted {
    pub stream: std::net::TcpStream,
    pub peer: Peer,
    /// What it counts against as long as it is open.
    pub held: (OwnedSemaphorePermit, Held),
}

pub struct Speakers(Vec<Speaker>);

struct Speaker {
    door: mpsc::UnboundedSender<(Accepted, Arc<()>)>,
    /// Held once by each of its connections, from when they are handed over.
    open: Arc<()>,
    /// Tells whether all its requests were finished in time.
    drained: oneshot::Receiver<bool>,
    /// Its thread goes on until this is dropped: askers at other threads may wait for what its tasks make.
    released: oneshot::Sender<()>,
}

impl Speakers {
    /// One thread for each core.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub fn start(front: &Front, limits: Limits) -> Result<Speakers> {
        let count = std::thread::available_parallelism().map_or(1, usize::from);
        (0..count).map(|n| Speaker::start(n, front.clone(), limits)).collect::<Result<_>>().map(Speakers)
    }

    /// To the one that has the fewest.
    pub fn hand_over(&self, accepted: Accepted) {
        if let Some(speaker) = self.0.iter().min_by_key(|s| Arc::strong_count(&s.open)) {
            // One that is gone drops the connection, as it has dropped its others.
            let _ = speaker.door.send((accepted, Arc::clone(&speaker.open)));
        }
    }

    /// Lets open requests finish; whether all did in time.
    pub async fn finish(self) -> bool {
        let (mut waiting, mut held) = (vec![], vec![]);
        for speaker in self.0 {
            drop(speaker.door);
            waiting.push(speaker.drained);
            held.push(speaker.released);
        }
        let mut in_time = true;
        for drained in waiting {
            in_time &= drained.await.unwrap_or(false);
        }
        in_time
    }
}

impl Speaker {
    fn start(number: usize, front: Front, limits: Limits) -> Result<Speaker> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|e| Error::io("runtime", e))?;
        let (door, callers) = mpsc::unbounded_channel();
        let (told, drained) = oneshot::channel();
        let (released, release) = oneshot::channel::<()>();
        let open = Arc::new(());
        let work = move || {
            runtime.block_on(async {
                let _ = told.send(converse(callers, front, limits).await);
                let _ = release.await;
            });
            runtime.shutdown_background();
        };
        let thread = std::thread::Builder::new().name(format!("http-{number}"));
        thread.spawn(work).map_err(|e| Error::io("thread", e))?;
        Ok(Speaker { door, open, drained, released })
    }
}

/// RFC 9112, 3.2: of HTTP/1.1 a request with no `Host` or several is refused. What else is ambiguous hyper refuses itself.
fn names_its_host_once<B>(request: &Request<B>) -> bool {
    request.version() != Version::HTTP_11 || request.headers().get_all(header::HOST).iter().count() == 1
}

/// Serves connections until no more can come; whether their requests were finished in time.
async fn converse(mut callers: mpsc::UnboundedReceiver<(Accepted, Arc<()>)>, front: Front, limits: Limits) -> bool {
    let ending = GracefulShutdown::new();
    let http = builder(&limits);
    while let Some((Accepted { stream, peer, held }, counted)) = callers.recv().await {
        let Ok(stream) = TcpStream::from_std(stream) else { continue };
        let _ = stream.set_nodelay(true);
        let talk = Arc::<Talk>::default();
        let io = TokioIo::new(Deadline::new(stream, limits.deadlines, talk.clone()));
        let front = front.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            if !names_its_host_once(&request) {
                request.extensions_mut().insert(Malformed);
            }
            request.extensions_mut().insert(peer);
            let (answering, answer) = (talk.begins(), front.clone().answer(request));
            async move {
                let mut answer = answer.await;
                let hold = answer.extensions_mut().remove::<Hold>();
                Ok::<_, Infallible>(answer.map(|body| Paced::new(body, answering, hold)))
            }
        });
        let connection = ending.watch(http.serve_connection(io, service).into_owned());
        tokio::spawn(async move {
            let _held = (held, counted);
            if let Err(e) = connection.await {
                tracing::debug!(error = %e, "connection ended");
            }
        });
    }
    tokio::time::timeout(limits.drain, ending.shutdown()).await.is_ok()
}
