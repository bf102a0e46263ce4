//! Where things stand in a JSON document: one pass over its bytes, no values built. Finds the top-level members, the
//! city objects and the names of their attributes; sees that brackets close and do not nest without end. Whether the
//! values between them are JSON is seen when they are parsed.

use std::collections::{BTreeSet, HashSet};

/// Deeper than any city model nests; an attack on recursive readers is deeper still.
const MAX_DEPTH: usize = 64;
/// A name longer than this is no name.
const MAX_NAME_BYTES: usize = 4096;

/// Bytes of a value in the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    pub at: u64,
    pub len: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectSpan {
    /// As in the file, escapes undone.
    pub id: String,
    pub span: Span,
    /// Whether it is an object of its own, and no part of another.
    pub root: bool,
    kind: String,
    parents: Vec<String>,
}

/// Its members stay objects of their own.
pub const GROUP: &str = "CityObjectGroup";

/// What one document holds.
#[derive(Debug, Default)]
pub struct Layout {
    /// Top-level members but `CityObjects`: name, value.
    pub members: Vec<(String, Span)>,
    pub objects: Vec<ObjectSpan>,
    /// Whether it has `CityObjects`, if only empty ones.
    pub has_objects: bool,
    /// Names of the attributes of any object.
    pub attributes: BTreeSet<String>,
}

impl Layout {
    pub fn member(&self, name: &str) -> Option<Span> {
        self.members.iter().find(|(n, _)| n == name).map(|(_, span)| *span)
    }
}

/// What is wrong with the document as a whole.
#[derive(Debug, PartialEq, Eq)]
pub enum Broken {
    /// It ends before it is over.
    Early,
    Malformed(String),
}

struct Level {
    object: bool,
    /// In an object: whether the next string is a name.
    name_next: bool,
    /// The latest name, kept on the outer levels alone.
    name: String,
    value_at: u64,
}

/// Takes a document in pieces.
#[derive(Default)]
pub struct Scanner {
    pos: u64,
    levels: Vec<Level>,
    in_string: bool,
    escaped: bool,
    /// The string that is open is a name.
    naming: bool,
    name: Vec<u8>,
    /// Of the object that is open.
    kind: String,
    parents: Vec<String>,
    over: bool,
    layout: Layout,
}

/// Levels whose names matter: root, CityObjects, object, attributes.
const NAMED_LEVELS: usize = 4;

impl Scanner {
    /// How many bytes it took: all, or those up to the document's end.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<usize, Broken> {
        let mut i = 0;
        while i < bytes.len() && !self.over {
            if self.in_string {
                i = self.string(bytes, i)?;
                continue;
            }
            let at = self.pos + i as u64;
            let b = bytes[i];
            i += 1;
            match b {
                b'{' | b'[' => self.open(b == b'{')?,
                b'}' | b']' => self.shut(b == b'}', at)?,
                b',' => self.next_item(at),
                b':' => {
                    if let Some(level) = self.levels.last_mut() {
                        level.value_at = at + 1;
                    }
                }
                b'"' => {
                    self.in_string = true;
                    self.naming = self.levels.last().is_some_and(|l| l.object && l.name_next);
                    self.name.clear();
                    if self.levels.is_empty() {
                        return Err(Broken::Malformed("it is a text, not an object".into()));
                    }
                }
                _ if b.is_ascii_whitespace() => {}
                _ if self.levels.last().is_some_and(|l| l.object && l.name_next) => {
                    return Err(Broken::Malformed(format!("something else stands where a name should, at byte {at}")));
                }
                _ => {}
            }
        }
        self.pos += i as u64;
        Ok(i)
    }

    pub fn is_over(&self) -> bool {
        self.over
    }

    /// Inside a string, from `i`; where it went to.
    fn string(&mut self, bytes: &[u8], mut i: usize) -> Result<usize, Broken> {
        let from = i;
        while i < bytes.len() {
            match bytes[i] {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => {
                    self.keep_name(&bytes[from..i])?;
                    self.in_string = false;
                    self.string_ends();
                    return Ok(i + 1);
                }
                _ => {}
            }
            i += 1;
        }
        self.keep_name(&bytes[from..i])?;
        Ok(i)
    }

    fn keep_name(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        let (depth, naming) = (self.levels.len(), self.naming);
        let wanted = naming && depth <= NAMED_LEVELS || !naming && (depth == 3 || depth == 4) && self.is_value();
        if !wanted {
            return Ok(());
        }
        if self.name.len() + bytes.len() > MAX_NAME_BYTES {
            return Err(Broken::Malformed(format!("a name is longer than {MAX_NAME_BYTES} bytes")));
        }
        self.name.extend_from_slice(bytes);
        Ok(())
    }

    fn string_ends(&mut self) {
        let depth = self.levels.len();
        if self.naming {
            let known = depth <= NAMED_LEVELS;
            let name = if known { unescaped(&self.name) } else { String::new() };
            if depth == 4 && self.is_at(&["CityObjects"]) && self.levels[2].name == "attributes" {
                self.layout.attributes.insert(name.clone());
            }
            if let Some(level) = self.levels.last_mut() {
                level.name_next = false;
                level.name = name;
            }
        } else if self.is_value() {
            let text = unescaped(&self.name);
            match depth {
                3 => self.kind = text,
                _ => self.parents.push(text),
            }
        }
    }

    /// Inside a text that says an object's type or names one of its parents.
    fn is_value(&self) -> bool {
        let place = match self.levels.len() {
            3 => "type",
            4 if !self.levels[3].object => "parents",
            _ => return false,
        };
        self.levels[0].name == "CityObjects" && self.levels[2].name == place
    }

    fn is_at(&self, path: &[&str]) -> bool {
        path.iter().zip(&self.levels).all(|(name, level)| level.name == *name)
    }

    fn open(&mut self, object: bool) -> Result<(), Broken> {
        if self.levels.is_empty() && !object {
            return Err(Broken::Malformed("it is a list, not an object".into()));
        }
        if self.levels.len() == MAX_DEPTH {
            return Err(Broken::Malformed(format!("it nests deeper than {MAX_DEPTH} levels")));
        }
        self.levels.push(Level { object, name_next: object, name: String::new(), value_at: 0 });
        Ok(())
    }

    fn shut(&mut self, object: bool, at: u64) -> Result<(), Broken> {
        self.item_ends(at);
        match self.levels.pop() {
            Some(level) if level.object == object => {
                self.over = self.levels.is_empty();
                Ok(())
            }
            _ => Err(Broken::Malformed(format!("brackets do not match at byte {at}"))),
        }
    }

    fn next_item(&mut self, at: u64) {
        self.item_ends(at);
        if let Some(level) = self.levels.last_mut() {
            level.name_next = level.object;
        }
    }

    /// The value before byte `at` is over.
    fn item_ends(&mut self, at: u64) {
        let depth = self.levels.len();
        let Some(level) = self.levels.last_mut().filter(|l| l.object && !l.name_next) else { return };
        let span = Span { at: level.value_at, len: at.saturating_sub(level.value_at) };
        if depth == 1 {
            let name = std::mem::take(&mut level.name);
            match name == "CityObjects" {
                true => self.layout.has_objects = true,
                false => self.layout.members.push((name, span)),
            }
        } else if depth == 2 && self.levels[0].name == "CityObjects" {
            let id = std::mem::take(&mut self.levels[1].name);
            let (kind, parents) = (std::mem::take(&mut self.kind), std::mem::take(&mut self.parents));
            self.layout.objects.push(ObjectSpan { id, span, root: parents.is_empty(), kind, parents });
        }
    }

    pub fn finish(mut self) -> Result<Layout, Broken> {
        if !self.over {
            return Err(Broken::Early);
        }
        let of_kind = |o: &&ObjectSpan| o.kind == GROUP;
        let groups: HashSet<String> = self.layout.objects.iter().filter(of_kind).map(|o| o.id.clone()).collect();
        for o in self.layout.objects.iter_mut().filter(|o| !o.root) {
            o.root = o.parents.iter().all(|p| groups.contains(p));
        }
        Ok(self.layout)
    }
}

fn unescaped(name: &[u8]) -> String {
    if !name.contains(&b'\\') {
        return String::from_utf8_lossy(name).into_owned();
    }
    let quoted = [b"\"", name, b"\""].concat();
    serde_json::from_slice(&quoted).unwrap_or_else(|_| String::from_utf8_lossy(name).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = r#"{"type":"CityJSON", "CityObjects" : {
        "a\"1": {"type":"Building","attributes":{"高度":3.5,"name":"}{\\\"","deep":{"not":1}},"children":["b"]},
        "b" :{"parents":["a\"1"],"attributes":{"x":null}, "geometry":[]},"c":{"parents":[ ]},"g":{"type":"CityObjectGroup","children":["m"]},"m":{"type":"Building","parents":["g"]},
        "n":{"parents":["g","m"]} } ,
        "vertices":[[1,2,3],[4,5,6]],"transform":{"scale":[1,1,1]}}
    "#;

    fn scan(text: &str, piece: usize) -> Result<Layout, Broken> {
        let mut scanner = Scanner::default();
        for bytes in text.as_bytes().chunks(piece) {
            let taken = scanner.feed(bytes)?;
            assert!(taken == bytes.len() || scanner.is_over());
        }
        scanner.finish()
    }

    fn text(span: Span) -> &'static str {
        DOCUMENT[span.at as usize..(span.at + span.len) as usize].trim()
    }

    #[test]
    fn members_objects_and_attributes_are_found_however_the_bytes_come() {
        for piece in [1, 2, 7, 1000] {
            let layout = scan(DOCUMENT, piece).unwrap();
            assert_eq!(text(layout.member("vertices").unwrap()), "[[1,2,3],[4,5,6]]");
            assert_eq!(text(layout.member("transform").unwrap()), "{\"scale\":[1,1,1]}");
            assert_eq!(text(layout.member("type").unwrap()), "\"CityJSON\"");
            let found: Vec<(&str, bool)> = layout.objects.iter().map(|o| (o.id.as_str(), o.root)).collect();
            assert_eq!(found, [("a\"1", true), ("b", false), ("c", true), ("g", true), ("m", true), ("n", false)]);
            for o in &layout.objects {
                serde_json::from_str::<serde_json::Value>(text(o.span)).unwrap();
            }
            let names: Vec<&str> = layout.attributes.iter().map(String::as_str).collect();
            assert_eq!(names, ["deep", "name", "x", "高度"]);
        }
    }

    #[test]
    fn cut_and_hostile_documents_are_told() {
        let whole = DOCUMENT.trim_end();
        for len in 1..whole.len() {
            if whole.is_char_boundary(len) {
                assert_eq!(scan(&whole[..len], 50).err(), Some(Broken::Early), "{len}");
            }
        }
        assert_eq!(scan("", 5).err(), Some(Broken::Early));
        let mut scanner = Scanner::default();
        assert_eq!((scanner.feed(b"{} {}"), scanner.is_over()), (Ok(2), true));
        for bad in ["[1]", "\"a\"", "{\"a\":1]", "]"] {
            assert!(matches!(scan(bad, 5), Err(Broken::Malformed(_))), "{bad}");
        }
        let bomb = format!("{{\"a\":{}", "[".repeat(100_000));
        assert!(matches!(scan(&bomb, 512), Err(Broken::Malformed(what)) if what.contains("deeper")));
        let name = format!("{{\"{}\":1}}", "n".repeat(10_000));
        assert!(matches!(scan(&name, 512), Err(Broken::Malformed(what)) if what.contains("name")));
    }
}
