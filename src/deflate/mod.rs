//! DEFLATE in haste, whole or in pieces: what was packed at an import is put together with what is packed now, and is one gzip
//! member. Knows no tile and no HTTP.

pub mod igzip;
mod piece;
mod symbols;

pub use piece::{Member, Piece, PieceBuf, gzip, piece};
