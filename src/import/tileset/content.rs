//! Contents of tiles: what a file is, whether it is whole, and which further files it names. glTF, and the formats of 3D
//! Tiles 1.0 that wrap it (b3dm, i3dm, cmpt), pnts beside them. Reads headers and JSON; meshes and images pass by unseen.

use flate2::read::MultiGzDecoder;
use serde_json::Value;
use std::io::{self, Read};

/// Largest JSON document that is read whole.
pub const MAX_JSON_BYTES: u64 = 256 << 20;
/// Composites in composites.
const MAX_DEPTH: u32 = 4;

/// What a file turned out to be.
#[derive(Debug)]
pub struct Looked {
    pub what: What,
    /// Its bytes are gzip.
    pub gzip: bool,
}

#[derive(Debug)]
pub enum What {
    /// A document, not yet told apart.
    Json(Vec<u8>),
    /// Format, URIs of buffers, images, schemas that stand elsewhere, and whether bytes follow its end.
    Content { format: &'static str, uris: Vec<String>, longer: bool },
}

/// What is wrong with a content: a code and what.
#[derive(Debug)]
pub struct Wrong(pub &'static str, pub String);

impl From<io::Error> for Wrong {
    fn from(e: io::Error) -> Wrong {
        match e.kind() {
            io::ErrorKind::UnexpectedEof => broken("it ends too early"),
            _ => Wrong("unreadable-file", e.to_string()),
        }
    }
}

fn broken(what: impl Into<String>) -> Wrong {
    Wrong("broken-content", what.into())
}

/// Reads as much of a file as it takes to know it.
pub fn look(mut file: impl Read) -> Result<Looked, Wrong> {
    let mut magic = [0; 2];
    let got = fill(&mut file, &mut magic)?;
    let whole = (&magic[..got]).chain(file);
    let gzip = got == 2 && magic == [0x1f, 0x8b];
    let what = if gzip { inside(&mut MultiGzDecoder::new(whole))? } else { inside(&mut { whole })? };
    Ok(Looked { what, gzip })
}

/// A document or a subtree whole, unpacked where it is gzip.
pub fn read_whole(mut file: impl Read) -> Result<(Vec<u8>, bool), Wrong> {
    let mut magic = [0; 2];
    let got = fill(&mut file, &mut magic)?;
    let whole = (&magic[..got]).chain(file);
    let gzip = got == 2 && magic == [0x1f, 0x8b];
    let bytes = if gzip { bounded(&mut MultiGzDecoder::new(whole))? } else { bounded(&mut { whole })? };
    Ok((bytes, gzip))
}

fn bounded(from: &mut dyn Read) -> Result<Vec<u8>, Wrong> {
    let mut bytes = vec![];
    from.take(MAX_JSON_BYTES + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > MAX_JSON_BYTES {
        true => Err(Wrong("too-large", format!("a document of more than {MAX_JSON_BYTES} bytes"))),
        false => Ok(bytes),
    }
}

/// Fills as much as there is; how much that is.
fn fill(from: &mut dyn Read, to: &mut [u8]) -> io::Result<usize> {
    let mut got = 0;
    while got < to.len() {
        match from.read(&mut to[got..]) {
            Ok(0) => break,
            Ok(n) => got += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(got)
}

fn inside(from: &mut dyn Read) -> Result<What, Wrong> {
    let mut magic = [0; 4];
    let got = fill(from, &mut magic)?;
    if got == 0 {
        return Err(broken("it is empty"));
    }
    if got == 4 && format_of(&magic).is_some() {
        let mut uris = vec![];
        let (format, _) = one(magic, from, &mut uris, MAX_DEPTH)?;
        let longer = fill(from, &mut [0])? > 0;
        return Ok(What::Content { format, uris, longer });
    }
    let text = magic.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&magic);
    match text.trim_ascii_start().first() {
        Some(b'{') | None => {
            let bytes = bounded(&mut (&magic[..got]).chain(from))?;
            Ok(What::Json(bytes.strip_prefix(b"\xef\xbb\xbf").map(<[u8]>::to_vec).unwrap_or(bytes)))
        }
        Some(_) => Err(Wrong("unknown-content", "neither glTF, b3dm, i3dm, pnts, cmpt nor JSON".to_string())),
    }
}

fn format_of(magic: &[u8; 4]) -> Option<&'static str> {
    match magic {
        b"glTF" => Some("glb"),
        b"b3dm" => Some("b3dm"),
        b"i3dm" => Some("i3dm"),
        b"pnts" => Some("pnts"),
        b"cmpt" => Some("cmpt"),
        _ => None,
    }
}

/// One content from after its magic to its end; its format and length.
fn one(magic: [u8; 4], from: &mut dyn Read, uris: &mut Vec<String>, depth: u32) -> Result<(&'static str, u64), Wrong> {
    let format = format_of(&magic).ok_or_else(|| broken("a part of it has an unknown format"))?;
    let [version, length] = words(from)?;
    let head = 12;
    let mut rest = from.take(u64::from(length).checked_sub(head).ok_or_else(|| broken("a length below its header"))?);
    if !(version == 1 || format == "glb" && version == 2) {
        return Err(broken(format!("{format} version {version} is not known")));
    }
    match format {
        "glb" => glb(version, &mut rest, uris)?,
        "cmpt" => {
            let [parts] = words(&mut rest)?;
            for _ in 0..parts {
                let mut inner = [0; 4];
                rest.read_exact(&mut inner)?;
                if depth == 0 {
                    return Err(broken("composites in composites, too deep"));
                }
                one(inner, &mut rest, uris, depth - 1)?;
            }
        }
        _ => {
            let tables: [u32; 4] = words(&mut rest)?;
            let by_uri = format == "i3dm" && words::<1>(&mut rest)? == [0];
            pass(&mut rest, tables.iter().map(|t| u64::from(*t)).sum())?;
            match format {
                "i3dm" if by_uri => {
                    let mut uri = String::new();
                    rest.by_ref().take(1 << 16).read_to_string(&mut uri)?;
                    uris.push(uri.trim_end_matches(['\0', ' ']).to_string());
                }
                "b3dm" | "i3dm" => {
                    let mut inner = [0; 4];
                    rest.read_exact(&mut inner)?;
                    if &inner != b"glTF" {
                        return Err(broken("no glb where its header says"));
                    }
                    one(inner, &mut rest, uris, 0)?;
                }
                _ => {}
            }
        }
    }
    let left = rest.limit();
    // Padding of a part; of pnts nothing may be missing either.
    pass(&mut rest, left)?;
    Ok((format, u64::from(length)))
}

/// After magic, version and length: the JSON of a binary glTF, 1.0 or 2.0.
fn glb(version: u32, rest: &mut io::Take<&mut dyn Read>, uris: &mut Vec<String>) -> Result<(), Wrong> {
    let [length, kind] = words(rest)?;
    let expected = if version == 1 { 0 } else { 0x4e4f_534a };
    if kind != expected || u64::from(length) > rest.limit() {
        return Err(broken("a glb that does not begin with its JSON"));
    }
    let json = bounded(&mut rest.by_ref().take(u64::from(length)))?;
    if json.len() as u64 != u64::from(length) {
        return Err(broken("it ends too early"));
    }
    let json: Value = serde_json::from_slice(&json).map_err(|e| broken(format!("the JSON of its glb: {e}")))?;
    uris.extend(references(&json));
    Ok(())
}

/// Files that a glTF names; data URIs are none.
pub fn references(gltf: &Value) -> Vec<String> {
    let lists = ["buffers", "images", "shaders"].into_iter().filter_map(|k| gltf.get(k));
    // glTF 1.0 has objects where 2.0 has lists.
    let each = lists.flat_map(|list| match list {
        Value::Array(all) => all.iter().collect::<Vec<_>>(),
        Value::Object(all) => all.values().collect(),
        _ => vec![],
    });
    let uris = each.filter_map(|o| o.get("uri")?.as_str());
    let schema = gltf.pointer("/extensions/EXT_structural_metadata/schemaUri").and_then(Value::as_str);
    uris.chain(schema).filter(|uri| !uri.starts_with("data:")).map(String::from).collect()
}

fn words<const N: usize>(from: &mut dyn Read) -> io::Result<[u32; N]> {
    let mut all = [[0; 4]; N];
    from.read_exact(all.as_flattened_mut())?;
    Ok(all.map(u32::from_le_bytes))
}

/// Passes over bytes that have to be there.
fn pass(from: &mut dyn Read, bytes: u64) -> io::Result<()> {
    match io::copy(&mut from.take(bytes), &mut io::sink())? == bytes {
        true => Ok(()),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}
