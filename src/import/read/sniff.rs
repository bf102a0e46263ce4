//! What a file really is by its first bytes: a VRT or a zip named `.shp` must not reach a driver.

use super::unpack::Input;
use super::{OrIo, Outcome, fail};
use crate::import::wire::{Format, Who};
use std::fs::File;
use std::io::Read;

/// Refuses a file whose first bytes are not the format's.
pub fn check(format: Format, input: &Input) -> Outcome<()> {
    if input.path.is_dir() && format == Format::Geotiff {
        // Each file of it is looked at when it is listed.
        return Ok(());
    }
    if input.path.is_dir() {
        return match input.path.join("a00000001.gdbtable").is_file() {
            true => Ok(()),
            false => refuse(format, input, "a folder without a00000001.gdbtable"),
        };
    }
    let mut head = vec![];
    File::open(&input.path).and_then(|f| f.take(4096).read_to_end(&mut head)).or_io(&input.path)?;
    if head.is_empty() {
        return refuse(format, input, "an empty file");
    }
    match fits(format, &head) {
        true => Ok(()),
        false => refuse(format, input, looks_like(&head)),
    }
}

fn refuse(format: Format, input: &Input, found: &str) -> Outcome<()> {
    let what = format!("{}: is not {}, it looks like {found}", input.named, name(format));
    fail(Who::Supplier, "not-this-format", what)
}

fn name(format: Format) -> &'static str {
    match format {
        Format::Shapefile => "a shapefile",
        Format::Gpkg => "a GeoPackage",
        Format::Gdb => "a file geodatabase",
        Format::Flatgeobuf => "a FlatGeobuf file",
        Format::Geojson => "GeoJSON",
        Format::Geojsonseq => "a GeoJSON sequence",
        Format::Csv => "CSV",
        Format::Dxf => "an ASCII DXF drawing",
        Format::Gml => "GML",
        Format::Cityjson => "CityJSON",
        Format::Citygml => "CityGML",
        Format::Geotiff => "a TIFF file",
    }
}

/// Text without byte order mark and leading blanks; UTF-16 is told by its mark.
fn text(head: &[u8]) -> &[u8] {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    head.trim_ascii_start()
}

fn utf16(head: &[u8]) -> bool {
    head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff])
}

fn fits(format: Format, head: &[u8]) -> bool {
    let t = text(head);
    match format {
        Format::Shapefile => head.starts_with(&[0, 0, 0x27, 0x0a]),
        Format::Gpkg => head.starts_with(b"SQLite format 3\0"),
        Format::Gdb => false,
        Format::Flatgeobuf => head.starts_with(b"fgb") && head.len() >= 8 && &head[4..7] == b"fgb",
        Format::Geojson | Format::Cityjson => t.starts_with(b"{") && !utf16(head),
        Format::Geojsonseq => t.starts_with(b"{") || head.starts_with(&[0x1e]),
        Format::Csv => utf16(head) || (!head.contains(&0) && !known_binary(head) && !t.starts_with(b"<")),
        Format::Dxf => dxf(t),
        // Classic and big, either byte order.
        Format::Geotiff => [&b"II*\0"[..], b"MM\0*", b"II+\0", b"MM\0+"].iter().any(|magic| head.starts_with(magic)),
        Format::Gml | Format::Citygml => {
            t.starts_with(b"<") && !t.starts_with(b"<!DOCTYPE html") && !contains(t, b"<OGRVRT")
        }
    }
}

/// Group code 0 or 999 (a comment) alone on the first line.
fn dxf(t: &[u8]) -> bool {
    let mut lines = t.split(|b| *b == b'\n').map(|l| l.trim_ascii());
    matches!((lines.next(), lines.next()), (Some(b"0"), Some(b"SECTION")) | (Some(b"999"), Some(_)))
}

fn contains(hay: &[u8], needle: &[u8]) -> bool {
    hay.windows(needle.len()).any(|w| w == needle)
}

fn known_binary(head: &[u8]) -> bool {
    [&b"PK\x03\x04"[..], b"\x1f\x8b", b"SQLite format 3", b"%PDF", b"\xd0\xcf\x11\xe0", b"AC10"]
        .iter()
        .any(|m| head.starts_with(m))
}

fn looks_like(head: &[u8]) -> &'static str {
    let t = text(head);
    let start = |m: &[u8]| head.starts_with(m);
    match () {
        _ if start(b"PK\x03\x04") => "a zip archive (an xlsx is one, too)",
        _ if start(b"\x1f\x8b") => "a gzip file",
        _ if start(b"SQLite format 3") => "an SQLite database",
        _ if start(&[0, 0, 0x27, 0x0a]) => "a shapefile part",
        _ if start(b"fgb") => "a FlatGeobuf file",
        _ if start(b"%PDF") => "a PDF",
        _ if start(b"\xd0\xcf\x11\xe0") => "an old Office file",
        _ if start(b"AutoCAD Binary DXF") => "a binary DXF; save it as ASCII DXF",
        _ if start(b"AC10") => "a DWG drawing; save it as DXF",
        _ if contains(t, b"<OGRVRT") => "an OGR VRT",
        _ if t.to_ascii_lowercase().starts_with(b"<!doctype html") || t.to_ascii_lowercase().starts_with(b"<html") => {
            "a web page"
        }
        _ if t.starts_with(b"<") => "XML",
        _ if t.starts_with(b"{") || t.starts_with(b"[") => "JSON",
        _ if dxf(t) => "a DXF drawing",
        _ if head.contains(&0) => "some other binary file",
        _ => "plain text",
    }
}
