//! `GET /3dtiles/{snapshot}/{layer}/{number}/{file}`: files of tilesets made elsewhere, byte for byte. JSON is compressed
//! on the wire like our own, what was gzip on disk leaves as gzip, everything else leaves as it is. Large files go out
//! piece by piece, each verified before it leaves.

use super::App;
use super::address::whole_number;
use super::cache::{Coded, Of};
use super::coding::{Coding, Effort};
use super::etag::{Digest, none_match};
use super::gate::Asked;
use super::problem::Problem;
use super::reply;
use super::router::Segments;
use super::three::forever;
use crate::error::Error;
use crate::store::{FileEntry, Files, Media};
use crate::tile::three;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use futures_core::Stream;
use std::io::Read;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// Bytes that are read, verified and sent at once.
const PIECE: usize = 1 << 20;
/// Pieces read ahead of a client.
const AHEAD: usize = 2;
/// What a file may grow to that is unpacked for a client without gzip.
const MAX_UNPACKED: u64 = 256 << 20;

/// `/3dtiles/{snapshot}/{layer}/{number}/{file}`
pub async fn file(
    State(app): State<Arc<App>>,
    asked: Asked,
    Segments([snapshot, layer, number, path]): Segments<4>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let missing = || Problem::not_found("not-found", "there is nothing at this address");
    let asked = asked.of_snapshot(&app.gate, &snapshot)?;
    let ix = asked.layer(&layer)?;
    // What was made elsewhere has no rows: whose rows are to be left out sees none of it.
    if asked.audience.narrows(asked.city.snapshot.catalog.layer(ix)) {
        return Err(missing());
    }
    let number = whole_number(&number).and_then(|n| usize::try_from(n).ok()).ok_or_else(missing)?;
    let city = asked.city.clone();
    let find = move || {
        let Some(files) = three::files(&city, city.snapshot.catalog.layer(ix), number)? else { return Ok(None) };
        Ok(files.find(&path)?.map(|entry| (files, entry)))
    };
    let (files, entry) = app.workers.run(find).await?.ok_or_else(missing)?;
    let mut response = send(&app, &headers, &asked, files, entry).await?;
    forever(&mut response, &asked);
    Ok(response)
}

async fn send(
    app: &Arc<App>,
    headers: &HeaderMap,
    asked: &Asked,
    files: Arc<Files>,
    entry: FileEntry,
) -> Result<Response, Problem> {
    let (digest, media_type) = (Digest(entry.digest), media_type(entry.kind.media));
    let text = matches!(entry.kind.media, Media::Json | Media::Gltf);
    let coding = match entry.kind.gzip {
        true if Coding::Gzip.accepted(headers) => Coding::Gzip,
        true => Coding::Identity,
        false if text => Coding::negotiate(headers),
        false => Coding::Identity,
    };
    let coded = |bytes| Coded { bytes, coding, effort: Effort::Full, digest };
    if none_match(headers, &asked.etag(digest, coding, Effort::Full)) {
        return Ok(reply::coded(headers, asked, media_type, coded(Bytes::new())));
    }
    if text && !entry.kind.gzip {
        let whole = move || files.read(&entry, 0, entry.size as usize);
        let (coded, _) = app.cache.get(Of::Document(digest), coding, Effort::Full, whole).await?;
        return Ok(reply::coded(headers, asked, media_type, coded));
    }
    if entry.kind.gzip && coding == Coding::Identity {
        let unpacked = app.workers.run(move || Ok(unpacked(&files.read(&entry, 0, entry.size as usize)?)?)).await?;
        return Ok(reply::coded(headers, asked, media_type, coded(unpacked.into())));
    }
    let first = {
        let files = files.clone();
        app.workers.run(move || Ok(files.read(&entry, 0, PIECE)?)).await?
    };
    if first.len() as u64 == entry.size {
        return Ok(reply::coded(headers, asked, media_type, coded(first.into())));
    }
    let body = Body::from_stream(Pieces(pieces(files, entry, first)));
    Ok(reply::streamed(asked, media_type, (digest, coding), entry.size, body))
}

fn unpacked(packed: &[u8]) -> Result<Vec<u8>, Error> {
    let damaged = |what: String| Error::damaged("a tileset's file", what);
    let mut bytes = vec![];
    let read = MultiGzDecoder::new(packed).take(MAX_UNPACKED + 1).read_to_end(&mut bytes);
    read.map_err(|e| damaged(format!("it is no gzip: {e}")))?;
    match bytes.len() as u64 > MAX_UNPACKED {
        true => Err(damaged(format!("it unpacks to more than {MAX_UNPACKED} bytes"))),
        false => Ok(bytes),
    }
}

type Piece = Result<Bytes, std::io::Error>;

/// The first piece, and the others as the client takes them.
fn pieces(files: Arc<Files>, entry: FileEntry, first: Vec<u8>) -> mpsc::Receiver<Piece> {
    let (send, pieces) = mpsc::channel(AHEAD);
    tokio::spawn(async move {
        let mut at = first.len() as u64;
        if send.send(Ok(Bytes::from(first))).await.is_err() {
            return;
        }
        while at < entry.size {
            let files = files.clone();
            let read = tokio::task::spawn_blocking(move || files.read(&entry, at, PIECE)).await;
            let piece = match read {
                Ok(Ok(bytes)) if !bytes.is_empty() => Ok(Bytes::from(bytes)),
                Ok(Err(error)) => {
                    tracing::error!(%error, "a tileset's file breaks off");
                    Err(std::io::Error::other("the file is damaged"))
                }
                _ => Err(std::io::Error::other("the file ends early")),
            };
            at += piece.as_ref().map_or(0, |p| p.len() as u64);
            let last = piece.is_err();
            if send.send(piece).await.is_err() || last {
                return;
            }
        }
    });
    pieces
}

struct Pieces(mpsc::Receiver<Piece>);

impl Stream for Pieces {
    type Item = Piece;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Piece>> {
        self.0.poll_recv(cx)
    }
}

fn media_type(media: Media) -> &'static str {
    match media {
        Media::Binary => "application/octet-stream",
        Media::Json => reply::JSON,
        Media::Gltf => "model/gltf+json",
        Media::Glb => reply::GLB,
        Media::Jpeg => "image/jpeg",
        Media::Png => "image/png",
        Media::Webp => "image/webp",
        Media::Ktx2 => "image/ktx2",
    }
}
