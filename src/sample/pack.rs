//! A ZIP as it leaves a Chinese desktop: stored members whose names are GBK bytes without the UTF-8 flag. Written by
//! hand because archive libraries name members in UTF-8. Fixed times: the same bytes for the same files.

use crate::error::{Error, Result};
use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, Write};
use std::path::Path;

struct Member {
    name: Vec<u8>,
    crc: u32,
    packed: u32,
    plain: u32,
    offset: u32,
}

/// MS-DOS date 2026-11-01, time 00:00.
const DATE: u16 = ((2026 - 1980) << 9) | (11 << 5) | 1;

/// Packs `x.shp` and its companions into `zip` and removes them.
pub fn zip_shapefile(shp: &Path, zip: &Path) -> Result<()> {
    let fail = |e| Error::io(zip, e);
    let mut out = BufWriter::new(File::create(zip).map_err(fail)?);
    let mut members = vec![];
    for extension in ["shp", "shx", "dbf", "prj"] {
        let path = shp.with_extension(extension);
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (name, _, _) = encoding_rs::GBK.encode(&name);
        let mut reader = BufReader::new(File::open(&path).map_err(|e| Error::io(&path, e))?);
        members.push(member(&mut out, name.into_owned(), &mut reader).map_err(fail)?);
        std::fs::remove_file(&path).map_err(|e| Error::io(&path, e))?;
    }
    directory(&mut out, &members).map_err(fail)?;
    out.flush().map_err(fail)
}

fn member(out: &mut BufWriter<File>, name: Vec<u8>, reader: &mut impl Read) -> std::io::Result<Member> {
    let offset = out.stream_position()? as u32;
    let mut m = Member { name, crc: 0, packed: 0, plain: 0, offset };
    local_header(out, &m)?;
    let start = out.stream_position()?;
    let mut crc = Crc::new();
    let mut deflate = DeflateEncoder::new(&mut *out, Compression::new(6));
    let mut buffer = vec![0; 1 << 16];
    loop {
        let n = reader.read(&mut buffer)?;
        if n == 0 {
            break;
        }
        crc.update(&buffer[..n]);
        deflate.write_all(&buffer[..n])?;
    }
    deflate.finish()?;
    let end = out.stream_position()?;
    m.crc = crc.sum();
    m.plain = crc.amount();
    m.packed = (end - start) as u32;
    out.seek(std::io::SeekFrom::Start(u64::from(offset)))?;
    local_header(out, &m)?;
    out.seek(std::io::SeekFrom::Start(end))?;
    Ok(m)
}

fn common(m: &Member) -> Vec<u8> {
    let mut h = vec![];
    // Needs 2.0, no flags, deflated.
    for v in [20_u16, 0, 8, 0, DATE] {
        h.extend_from_slice(&v.to_le_bytes());
    }
    for v in [m.crc, m.packed, m.plain] {
        h.extend_from_slice(&v.to_le_bytes());
    }
    h.extend_from_slice(&(m.name.len() as u16).to_le_bytes());
    h.extend_from_slice(&0_u16.to_le_bytes());
    h
}

fn local_header(out: &mut impl Write, m: &Member) -> std::io::Result<()> {
    out.write_all(b"PK\x03\x04")?;
    out.write_all(&common(m))?;
    out.write_all(&m.name)
}

fn directory(out: &mut BufWriter<File>, members: &[Member]) -> std::io::Result<()> {
    let start = out.stream_position()? as u32;
    for m in members {
        out.write_all(b"PK\x01\x02\x14\x00")?;
        out.write_all(&common(m))?;
        // Comment length, disk, internal and external attributes.
        out.write_all(&[0; 10])?;
        out.write_all(&m.offset.to_le_bytes())?;
        out.write_all(&m.name)?;
    }
    let size = out.stream_position()? as u32 - start;
    let n = (members.len() as u16).to_le_bytes();
    out.write_all(b"PK\x05\x06\0\0\0\0")?;
    out.write_all(&n)?;
    out.write_all(&n)?;
    out.write_all(&size.to_le_bytes())?;
    out.write_all(&start.to_le_bytes())?;
    out.write_all(&[0; 2])
}
