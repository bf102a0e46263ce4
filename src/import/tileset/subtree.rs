//! Subtrees of implicit tiling (OGC 22-025r4 §7.11): which tiles, contents and further subtrees there are. Opens no file.

use serde::Deserialize;

/// Nodes of one subtree, and bits of one availability; more is refused.
const MAX_NODES: u64 = 1 << 24;
const HEADER_BYTES: usize = 24;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    #[serde(default)]
    buffers: Vec<Buffer>,
    #[serde(default)]
    buffer_views: Vec<View>,
    tile_availability: Declared,
    #[serde(default)]
    content_availability: OneOrMany,
    child_subtree_availability: Declared,
    #[serde(default)]
    extensions: Extensions,
}

#[derive(Debug, Default, Deserialize)]
struct Extensions {
    #[serde(rename = "3DTILES_multiple_contents")]
    multiple: Option<Multiple>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Multiple {
    content_availability: OneOrMany,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Buffer {
    uri: Option<String>,
    byte_length: u64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct View {
    buffer: usize,
    #[serde(default)]
    byte_offset: u64,
    byte_length: u64,
}

/// 1.1 says `bitstream`, the extension it came from `bufferView`.
#[derive(Debug, Deserialize)]
struct Declared {
    #[serde(alias = "bufferView")]
    bitstream: Option<usize>,
    constant: Option<u8>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    Many(Vec<Declared>),
    One(Declared),
}

impl Default for OneOrMany {
    fn default() -> OneOrMany {
        OneOrMany::Many(vec![])
    }
}

impl OneOrMany {
    fn all(&self) -> &[Declared] {
        match self {
            OneOrMany::Many(all) => all,
            OneOrMany::One(one) => std::slice::from_ref(one),
        }
    }
}

#[derive(Debug)]
enum Available {
    All(bool),
    Bits(Vec<u8>),
}

impl Available {
    fn at(&self, i: u64) -> bool {
        match self {
            Available::All(all) => *all,
            Available::Bits(bits) => bits.get((i / 8) as usize).is_some_and(|b| b >> (i % 8) & 1 == 1),
        }
    }
}

/// A subtree's JSON and its own bytes, before the buffers in other files are read.
pub struct Unread {
    document: Document,
    internal: Vec<u8>,
}

/// A subtree with its bits.
#[derive(Debug)]
pub struct Subtree {
    levels: u32,
    octree: bool,
    tiles: Available,
    contents: Vec<Available>,
    children: Available,
}

/// A tile's place: level, x, y, and z in octrees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub level: u32,
    pub at: [u64; 3],
}

impl Place {
    pub const ROOT: Place = Place { level: 0, at: [0; 3] };

    /// A template with its `{level}`, `{x}`, `{y}`, `{z}` filled in.
    pub fn fill(&self, template: &str) -> String {
        let names = ["{x}", "{y}", "{z}"];
        let whole = template.replace("{level}", &self.level.to_string());
        names.iter().zip(self.at).fold(whole, |text, (name, n)| text.replace(name, &n.to_string()))
    }
}

impl Unread {
    /// A `.subtree` file, or the JSON that may stand for one.
    pub fn parse(bytes: &[u8]) -> Result<Unread, String> {
        let (json, internal) = match bytes.strip_prefix(b"subt") {
            None if bytes.trim_ascii_start().starts_with(b"{") => (bytes, &[][..]),
            None => return Err("no subtree: neither `subt` nor JSON".to_string()),
            Some(_) => {
                let word = |at: usize| bytes.get(at..at + 8)?.first_chunk().map(|w| u64::from_le_bytes(*w));
                let lengths = word(8).zip(word(16)).and_then(|(j, b)| Some((usize::try_from(j).ok()?, b)));
                let (json, binary) = lengths.ok_or("shorter than its header")?;
                let rest = bytes.get(HEADER_BYTES..).unwrap_or_default();
                let body = rest.split_at_checked(json).filter(|(_, b)| b.len() as u64 == binary);
                body.ok_or("its lengths are not those of the file")?
            }
        };
        let document = serde_json::from_slice(json).map_err(|e| format!("its JSON cannot be read: {e}"))?;
        Ok(Unread { document, internal: internal.to_vec() })
    }

    /// URIs of buffers in other files, by number.
    pub fn elsewhere(&self) -> impl Iterator<Item = (usize, &str)> {
        self.document.buffers.iter().enumerate().filter_map(|(i, b)| Some((i, b.uri.as_deref()?)))
    }

    /// With the bytes of those buffers. `contents`: how many contents a tile may have.
    pub fn read(
        self,
        octree: bool,
        levels: u32,
        contents: usize,
        buffer: &dyn Fn(usize) -> Option<Vec<u8>>,
    ) -> Result<Subtree, String> {
        let per = if octree { 8u64 } else { 4 };
        let below = per.checked_pow(levels).filter(|n| *n <= MAX_NODES).ok_or("it has too many levels")?;
        let nodes = (below - 1) / (per - 1);
        let bits = |declared: &Declared, count: u64| match (declared.bitstream, declared.constant) {
            (Some(view), _) => self.view(view, count.div_ceil(8), buffer).map(Available::Bits),
            (None, Some(constant @ 0..=1)) => Ok(Available::All(constant == 1)),
            _ => Err("an availability is neither a bitstream nor constant".to_string()),
        };
        let own = self.document.content_availability.all();
        let extended = self.document.extensions.multiple.as_ref().map_or(&[][..], |m| m.content_availability.all());
        let declared: Vec<&Declared> = own.iter().chain(extended).collect();
        if declared.len() > contents {
            return Err(format!("it knows {} contents a tile, the tileset {contents}", declared.len()));
        }
        Ok(Subtree {
            levels,
            octree,
            tiles: bits(&self.document.tile_availability, nodes)?,
            contents: declared.iter().map(|d| bits(d, nodes)).collect::<Result<_, _>>()?,
            children: bits(&self.document.child_subtree_availability, below)?,
        })
    }

    fn view(&self, view: usize, needs: u64, buffer: &dyn Fn(usize) -> Option<Vec<u8>>) -> Result<Vec<u8>, String> {
        let view = self.document.buffer_views.get(view).ok_or("a bitstream names no bufferView")?;
        let of = self.document.buffers.get(view.buffer).ok_or("a bufferView names no buffer")?;
        if view.byte_length < needs {
            return Err(format!("a bitstream of {} bytes, where {needs} are needed", view.byte_length));
        }
        let elsewhere =
            if of.uri.is_some() { buffer(view.buffer).ok_or("a buffer of it cannot be read")? } else { vec![] };
        let whole = if of.uri.is_some() { &elsewhere } else { &self.internal };
        let end = view.byte_offset.checked_add(view.byte_length).filter(|end| *end <= of.byte_length);
        let range = end.and_then(|end| whole.get(view.byte_offset as usize..end as usize));
        range.map(<[u8]>::to_vec).ok_or("a bitstream leads beyond its buffer".to_string())
    }
}

impl Subtree {
    /// Calls `tile` with the place of every tile that is there and the numbers of its contents.
    ///
    /// # Errors
    /// A tile without a parent, a content without a tile, a tile below the last level.
    pub fn tiles(
        &self,
        root: Place,
        available_levels: u32,
        tile: &mut dyn FnMut(Place, &mut dyn Iterator<Item = usize>),
    ) -> Result<(), String> {
        let (per, bits) = self.fan();
        let (mut first, mut above) = (0u64, 0u64);
        for depth in 0..self.levels {
            let width = per.pow(depth);
            for i in 0..width {
                let node = first + i;
                let place = self.place(root, depth, i);
                let said = || format!("tile {} {:?}", place.level, place.at);
                let held = |c: &Available| c.at(node);
                if !self.tiles.at(node) {
                    if self.contents.iter().any(held) {
                        return Err(format!("{}: a content without its tile", said()));
                    }
                    continue;
                }
                if depth > 0 && !self.tiles.at(above + (i >> bits)) {
                    return Err(format!("{}: a tile without its parent", said()));
                }
                if place.level >= available_levels {
                    return Err(format!("{}: below the {available_levels} levels there are", said()));
                }
                tile(place, &mut self.contents.iter().enumerate().filter(|(_, c)| held(c)).map(|(n, _)| n));
            }
            (above, first) = (first, first + width);
        }
        Ok(())
    }

    /// Roots of the subtrees below.
    pub fn below(&self, root: Place) -> impl Iterator<Item = Place> {
        let (per, _) = self.fan();
        (0..per.pow(self.levels)).filter(|i| self.children.at(*i)).map(move |i| self.place(root, self.levels, i))
    }

    /// Children of a node, and the bits of a Morton code that tell them apart.
    fn fan(&self) -> (u64, u32) {
        if self.octree { (8, 3) } else { (4, 2) }
    }

    /// `morton`: x in the lowest bit, then y, then z.
    fn place(&self, root: Place, depth: u32, morton: u64) -> Place {
        let (_, bits) = self.fan();
        let axis = |k: u32| (0..depth).map(|d| (morton >> (d * bits + k) & 1) << d).sum::<u64>();
        let at = std::array::from_fn(|k| match (k as u32) < bits {
            true => (root.at[k] << depth) + axis(k as u32),
            false => 0,
        });
        Place { level: root.level + depth, at }
    }
}
