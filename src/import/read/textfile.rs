//! Whole text files (GeoJSON, GML, DXF, CSV): the encoding decided over all bytes, and a UTF-8 copy where GDAL needs
//! one. Decoding is strict: a copy never holds a replacement character.

use super::text::{self, Choice};
use super::{OrIo, Outcome, fail};
use crate::import::wire::Who;
use encoding_rs::{Encoding, GB18030, UTF_8, UTF_16BE, UTF_16LE};
use std::fs::{self, File};
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};

pub struct Looked {
    pub choice: Choice,
    pub bom_bytes: usize,
    /// It is no UTF-8 and decodes as GB18030, but into characters that hardly anybody writes.
    doubtful: bool,
    /// The head holds an XML declaration that names another encoding than UTF-8.
    xml: bool,
}

const CHUNK: usize = 1 << 18;

/// As `look`, of JSON, which is UTF-8 (RFC 8259, 8.1): other text is taken where it is declared, or is plainly Chinese in GBK. One
/// byte astray is neither.
pub fn json(path: &Path, explicit: Option<&str>, named: &str) -> Outcome<Looked> {
    let looked = look(path, explicit, named)?;
    match looked.doubtful {
        true => fail(
            Who::Supplier,
            "broken-text",
            format!("{named}: JSON is UTF-8 and this is not; if it is text in another encoding, declare `encoding`"),
        ),
        false => Ok(looked),
    }
}

/// Explicit > byte order mark > XML declaration if clean > strict UTF-8 > GB18030.
pub fn look(path: &Path, explicit: Option<&str>, named: &str) -> Outcome<Looked> {
    let mut head = vec![];
    File::open(path).and_then(|f| f.take(1024).read_to_end(&mut head)).or_io(path)?;
    let xml_label = xml_encoding(&head);
    let xml = xml_label.as_deref().is_some_and(|l| !l.eq_ignore_ascii_case("utf-8"));
    let bom = Encoding::for_bom(&head);
    let bom_bytes = bom.map_or(0, |(_, n)| n);
    let looked = |encoding, why: String, findings| {
        let choice = Choice { encoding, why, findings };
        Looked { choice, bom_bytes, doubtful: false, xml }
    };
    if let Some(label) = explicit {
        return match text::by_label(label) {
            Some(e) => Ok(looked(e, "declared".into(), vec![])),
            None => fail(Who::Operator, "unknown-encoding", format!("{named}: `{label}` is no known encoding")),
        };
    }
    if let Some((e, _)) = bom {
        return Ok(looked(e, "byte order mark".into(), vec![]));
    }
    let seen = survey(path, xml_label.as_deref().and_then(text::by_label))?;
    let mut findings = vec![];
    if let (Some(label), Some((e, clean))) = (&xml_label, seen.proposed) {
        match clean && (e == UTF_8 || !(seen.utf8 && seen.utf8_long)) {
            true => return Ok(looked(e, format!("XML declaration {label}"), findings)),
            false => findings.push(format!("the XML declaration says {label}, but the text is not in it")),
        }
    }
    let (encoding, why) = match (seen.ascii, seen.utf8, seen.gb18030) {
        (true, ..) => (UTF_8, "ASCII only"),
        (_, true, false) => (UTF_8, "all text is valid UTF-8"),
        (_, true, true) if seen.utf8_long => (UTF_8, "all text is valid UTF-8"),
        (_, _, true) => (GB18030, "not UTF-8, all text is valid GB18030"),
        _ => (GB18030, "neither UTF-8 nor GB18030 throughout"),
    };
    let doubtful = encoding == GB18030 && !seen.common;
    Ok(Looked { doubtful, ..looked(encoding, why.into(), findings) })
}

struct Seen {
    ascii: bool,
    utf8: bool,
    utf8_long: bool,
    gb18030: bool,
    /// Taken as GBK, nine of ten characters are of GB 2312, as in any Chinese text.
    common: bool,
    proposed: Option<(&'static Encoding, bool)>,
}

/// Characters of two bytes, and those of them that GB 2312 has: both bytes from 0xA1 on.
#[derive(Default)]
struct Pairs {
    lead: Option<u8>,
    all: u64,
    common: u64,
}

impl Pairs {
    fn feed(&mut self, bytes: &[u8]) {
        for &b in bytes {
            match self.lead.take() {
                Some(lead) => {
                    self.all += 1;
                    self.common += u64::from((0xa1..=0xf7).contains(&lead) && b >= 0xa1);
                }
                None => self.lead = (b >= 0x80).then_some(b),
            }
        }
    }

    fn are_common(&self) -> bool {
        self.lead.is_none() && self.common * 10 >= self.all * 9
    }
}

/// Strict decoding over all of a file, chunk by chunk.
struct Strict {
    decoder: encoding_rs::Decoder,
    scratch: Vec<u8>,
    clean: bool,
}

impl Strict {
    fn new(e: &'static Encoding) -> Strict {
        let scratch = vec![0; CHUNK * 3 + 64];
        Strict { decoder: e.new_decoder_without_bom_handling(), scratch, clean: true }
    }

    /// Decodes a chunk, handing each piece on; false once something is not in the encoding.
    fn feed(&mut self, bytes: &[u8], last: bool, mut to: impl FnMut(&[u8])) -> bool {
        if !self.clean {
            return false;
        }
        let mut rest = bytes;
        loop {
            let (result, read, written) =
                self.decoder.decode_to_utf8_without_replacement(rest, &mut self.scratch, last);
            to(&self.scratch[..written]);
            rest = &rest[read..];
            match result {
                encoding_rs::DecoderResult::InputEmpty => return true,
                encoding_rs::DecoderResult::OutputFull => {}
                encoding_rs::DecoderResult::Malformed(..) => {
                    self.clean = false;
                    return false;
                }
            }
        }
    }
}

fn survey(path: &Path, proposed: Option<&'static Encoding>) -> Outcome<Seen> {
    let mut file = File::open(path).or_io(path)?;
    let mut buffer = vec![0; CHUNK];
    let (mut utf8, mut gb) = (Strict::new(UTF_8), Strict::new(GB18030));
    let mut other = proposed.filter(|e| *e != UTF_8 && *e != GB18030).map(Strict::new);
    let (mut ascii, mut long, mut pairs) = (true, false, Pairs::default());
    loop {
        let n = file.read(&mut buffer).or_io(path)?;
        let (bytes, last) = (&buffer[..n], n == 0);
        ascii &= bytes.is_ascii();
        if !ascii || last {
            pairs.feed(bytes);
            utf8.feed(bytes, last, |_| ());
            gb.feed(bytes, last, |_| ());
            long |= utf8.clean && bytes.iter().any(|b| (0xe1..=0xf4).contains(b));
        }
        if let Some(o) = &mut other {
            o.feed(bytes, last, |_| ());
        }
        if last {
            break;
        }
    }
    let proposed = proposed.map(|e| match e {
        _ if e == UTF_8 => (e, utf8.clean),
        _ if e == GB18030 => (e, gb.clean),
        _ => (e, other.as_ref().is_some_and(|o| o.clean)),
    });
    Ok(Seen { ascii, utf8: utf8.clean, utf8_long: long, gb18030: gb.clean, common: pairs.are_common(), proposed })
}

/// `encoding="…"` of an XML declaration.
fn xml_encoding(head: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(head);
    let declaration = text.trim_start_matches('\u{feff}').strip_prefix("<?xml")?.split("?>").next()?.to_string();
    let after = declaration.split("encoding").nth(1)?.trim_start().strip_prefix('=')?.trim_start();
    let quote = after.chars().next()?;
    Some(after[1..].split(quote).next()?.to_string())
}

impl Looked {
    /// GDAL can read the file as it is.
    pub fn is_plain_utf8(&self) -> bool {
        self.choice.encoding == UTF_8 && self.bom_bytes == 0 && !self.xml
    }

    pub fn is_utf16(&self) -> bool {
        self.choice.encoding == UTF_16LE || self.choice.encoding == UTF_16BE
    }

    /// A strict UTF-8 copy without byte order mark; an XML declaration says UTF-8 afterwards.
    pub fn transcode(&self, from: &Path, to: &Path, named: &str) -> Outcome<PathBuf> {
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder).or_io(folder)?;
        }
        let mut file = File::open(from).or_io(from)?;
        let mut out = BufWriter::with_capacity(CHUNK, File::create(to).or_io(to)?);
        let mut strict = Strict::new(self.choice.encoding);
        let (mut buffer, mut at, mut failed) = (vec![0; CHUNK], 0u64, None);
        file.read_exact(&mut vec![0; self.bom_bytes]).or_io(from)?;
        loop {
            let n = file.read(&mut buffer).or_io(from)?;
            let mut first = at == 0;
            let clean = strict.feed(&buffer[..n], n == 0, |piece| {
                let written = match std::mem::take(&mut first) && self.xml {
                    true => out.write_all(&declared_utf8(piece)),
                    false => out.write_all(piece),
                };
                failed = failed.take().or(written.err());
            });
            if let Some(e) = failed {
                return super::io(to, &e);
            }
            if !clean {
                let what = format!("{named}: the text is not {} near byte {at}", self.choice.label());
                return fail(Who::Supplier, "broken-text", format!("{what}; declare `encoding`"));
            }
            at += n as u64;
            if n == 0 {
                break;
            }
        }
        out.flush().or_io(to)?;
        Ok(to.to_path_buf())
    }
}

/// The first piece of an XML file with its declaration renamed.
fn declared_utf8(piece: &[u8]) -> Vec<u8> {
    let Some(end) = piece.windows(2).position(|w| w == b"?>").filter(|_| piece.starts_with(b"<?xml")) else {
        return piece.to_vec();
    };
    [b"<?xml version=\"1.0\" encoding=\"UTF-8\"", &piece[end..]].concat()
}
