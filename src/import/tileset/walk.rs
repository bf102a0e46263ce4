//! From a tileset's entrance to everything it names: external tilesets, subtrees, contents and their buffers and images,
//! each read once, checked, and copied byte for byte. Holds names and no more than one document.

use super::content::{self, Looked, What, Wrong};
use super::delivery::{Delivery, Unopened};
use super::document::{self, Document, Found, Implicit};
use super::subtree::{Place, Unread};
use super::uri::{NoName, resolved};
use super::volume::Volume;
use crate::error::Result;
use crate::import::progress::Step;
use crate::import::report::TilesetReport;
use crate::store::{FileKind, FilesWriter, Media, NotAdded};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use std::collections::HashMap;
use std::io;
use std::rc::Rc;

/// What is known once everything has been walked; nothing of it where the entrance is broken.
#[derive(Debug, Default)]
pub struct Walked {
    pub volume: Option<Volume>,
    pub version: String,
    pub error_m: f64,
    pub regions: u64,
}

pub struct Walk<'a> {
    delivery: Delivery,
    files: &'a mut FilesWriter,
    report: &'a mut TilesetReport,
    step: &'a mut Step,
    open: Vec<Job>,
    /// Tilesets by name, and which links which.
    documents: HashMap<String, usize>,
    links: Vec<(usize, usize)>,
    walked: Walked,
}

enum Job {
    /// What a tile of a document names, and that tile's geometric error.
    Content {
        name: String,
        by: usize,
        error_m: f64,
    },
    Subtree {
        of: Rc<Implicit>,
        base: Rc<str>,
        by: usize,
        root: Place,
    },
}

/// As much of a document as tells tilesets from glTF.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Which {
    root: Option<IgnoredAny>,
    geometric_error: Option<IgnoredAny>,
    asset: Option<IgnoredAny>,
}

impl<'a> Walk<'a> {
    pub fn new(
        delivery: Delivery,
        files: &'a mut FilesWriter,
        report: &'a mut TilesetReport,
        step: &'a mut Step,
    ) -> Walk<'a> {
        let (open, documents, links) = (vec![], HashMap::new(), vec![]);
        Walk { delivery, files, report, step, open, documents, links, walked: Walked::default() }
    }

    /// Walks it all. Faults are in the report.
    ///
    /// # Errors
    /// What the machine did; never what is wrong with the delivery.
    pub fn run(mut self) -> Result<Walked> {
        let root = self.delivery.root.clone();
        let read = self.look_at(&root, |file| content::read_whole(file));
        let Some((bytes, gzip)) = read else { return Ok(self.walked) };
        self.document(&root, &bytes, gzip, None)?;
        while let Some(job) = self.open.pop() {
            match job {
                Job::Content { name, by, error_m } => self.content(&name, by, error_m)?,
                Job::Subtree { of, base, by, root } => self.subtree(&of, &base, by, root)?,
            }
        }
        if let Some(name) = circle(&self.documents, &self.links) {
            self.report.fault("circle", format!("{name}: it links itself, or what links it"));
        }
        self.report.left_out = self.delivery.files.saturating_sub(self.report.files);
        Ok(self.walked)
    }

    /// Reads a file with `look`; why it cannot be goes into the report.
    fn look_at<T>(
        &mut self,
        name: &str,
        look: impl FnOnce(&mut dyn io::Read) -> std::result::Result<T, Wrong>,
    ) -> Option<T> {
        let Wrong(code, what) = match self.delivery.open(name).map(|mut file| look(&mut file)) {
            Ok(Ok(found)) => return Some(found),
            Ok(Err(wrong)) => wrong,
            Err(unopened) => wrong(unopened),
        };
        self.report.fault(code, format!("{name}: {what}"));
        None
    }

    /// The file that a URI names; what is wrong with it goes into the report.
    fn name(&mut self, base: &str, uri: &str) -> Option<String> {
        let (code, what) = match resolved(base, uri) {
            Ok(name) => return Some(name),
            Err(NoName::Outside) => ("outside", "it leads out of the delivery"),
            Err(NoName::Bad(what)) => ("bad-uri", what),
        };
        self.report.fault(code, format!("{base}: `{}`: {what}", uri.escape_debug()));
        None
    }

    /// Copies a file that is not there yet.
    fn keep(&mut self, name: &str, kind: FileKind) -> Result<()> {
        if self.files.holds(name) {
            return Ok(());
        }
        match self.delivery.open(name).map(|mut file| self.files.add(name, kind, &mut file)) {
            Err(unopened) => {
                let Wrong(code, what) = wrong(unopened);
                self.report.fault(code, format!("{name}: {what}"));
                Ok(())
            }
            Ok(Ok(size)) => {
                self.report.bytes += size;
                self.report.files += 1;
                self.step.advance(1);
                Ok(())
            }
            Ok(Err(NotAdded::Unread(e))) => {
                self.report.fault("unreadable-file", format!("{name}: {e}"));
                Ok(())
            }
            Ok(Err(NotAdded::Failed(e))) => Err(e),
        }
    }

    fn content(&mut self, name: &str, by: usize, error_m: f64) -> Result<()> {
        if self.files.holds(name) {
            self.links.extend(self.documents.get(name).map(|&known| (by, known)));
            return Ok(());
        }
        let Some(Looked { what, gzip }) = self.look_at(name, |file| content::look(file)) else {
            return Ok(());
        };
        let (format, uris) = match what {
            What::Content { format, uris, longer } => {
                if longer {
                    self.report.note("longer-than-said", format!("{name}: bytes follow the end its header gives"));
                }
                (format, uris)
            }
            What::Json(bytes) => match serde_json::from_slice::<Which>(&bytes) {
                Err(e) => {
                    self.report.fault("broken-json", format!("{name}: {e}"));
                    return Ok(());
                }
                Ok(w) if w.root.is_some() || w.geometric_error.is_some() => {
                    return self.document(name, &bytes, gzip, Some((by, error_m)));
                }
                Ok(w) if w.asset.is_some() => {
                    let gltf: Value = serde_json::from_slice(&bytes).unwrap_or_default();
                    ("gltf", content::references(&gltf))
                }
                Ok(_) => {
                    self.report.fault("unknown-content", format!("{name}: JSON, but neither a tileset nor glTF"));
                    return Ok(());
                }
            },
        };
        let media = match format {
            "glb" => Media::Glb,
            "gltf" => Media::Gltf,
            _ => Media::Binary,
        };
        *self.report.contents.entry(format.to_string()).or_default() += 1;
        self.keep(name, FileKind { media, gzip })?;
        for uri in &uris {
            match self.name(name, uri) {
                // The model of an i3dm, which names files of its own.
                Some(name) if matches!(media_of(&name), Media::Gltf | Media::Glb) => {
                    self.open.push(Job::Content { name, by, error_m });
                }
                Some(_) => self.resource(name, uri)?,
                None => {}
            }
        }
        Ok(())
    }

    /// A buffer, an image, a schema: kept, not looked into.
    fn resource(&mut self, base: &str, uri: &str) -> Result<()> {
        match self.name(base, uri) {
            Some(name) => self.keep(&name, FileKind { media: media_of(&name), gzip: false }),
            None => Ok(()),
        }
    }

    /// A tileset, the entrance or an external one. `above`: the document that links it and its tile's error.
    fn document(&mut self, name: &str, bytes: &[u8], gzip: bool, above: Option<(usize, f64)>) -> Result<()> {
        let number = self.documents.len();
        self.documents.insert(name.to_string(), number);
        self.links.extend(above.map(|(by, _)| (by, number)));
        self.keep(name, FileKind { media: Media::Json, gzip })?;
        let document: Document = match serde_json::from_slice(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)) {
            Ok(document) => document,
            Err(e) => {
                self.report.fault("broken-json", format!("{name}: {e}"));
                return Ok(());
            }
        };
        let Found { tiles, contents, implicit, regions, faults, notes } =
            document::examine(&document, above.map(|(_, error_m)| error_m));
        faults.into_iter().for_each(|(code, what)| self.report.fault(code, format!("{name}: {what}")));
        notes.into_iter().for_each(|(code, what)| self.report.note(code, format!("{name}: {what}")));
        self.report.tiles += tiles;
        self.walked.regions += regions;
        match above {
            Some(_) => self.report.external += 1,
            None => {
                self.walked.volume = document::placed(&document);
                self.walked.version = document.asset.as_ref().and_then(|a| a.version.clone()).unwrap_or_default();
                self.walked.error_m = document.geometric_error.unwrap_or_default();
            }
        }
        let metadata = document.extensions.metadata.as_ref().and_then(|m| m.schema_uri.as_ref());
        for uri in document.schema_uri.iter().chain(metadata) {
            self.resource(name, uri)?;
        }
        // The last is taken first: contents come in the order of their tiles.
        for (uri, error_m) in contents.into_iter().rev() {
            let name = self.name(name, &uri);
            self.open.extend(name.map(|name| Job::Content { name, by: number, error_m }));
        }
        for implicit in implicit {
            let (of, base) = (Rc::new(implicit), Rc::from(name));
            self.open.push(Job::Subtree { of, base, by: number, root: Place::ROOT });
        }
        Ok(())
    }

    fn subtree(&mut self, of: &Rc<Implicit>, base: &Rc<str>, by: usize, root: Place) -> Result<()> {
        let Some(name) = self.name(base, &root.fill(&of.subtrees)) else { return Ok(()) };
        let Some((bytes, gzip)) = self.look_at(&name, |file| content::read_whole(file)) else { return Ok(()) };
        self.report.subtrees += 1;
        let media = if bytes.starts_with(b"subt") { Media::Binary } else { Media::Json };
        self.keep(&name, FileKind { media, gzip })?;
        let outcome = Unread::parse(&bytes).and_then(|unread| {
            let elsewhere: Vec<(usize, String)> = unread.elsewhere().map(|(i, uri)| (i, uri.to_string())).collect();
            let mut buffers = HashMap::new();
            for (i, uri) in elsewhere {
                let Some(buffer) = self.name(&name, &uri) else { continue };
                let read = self.look_at(&buffer, |file| content::read_whole(file));
                buffers.extend(read.map(|(bytes, _)| (i, (buffer, bytes))));
            }
            let read = unread.read(of.octree, of.subtree_levels, of.contents.len(), &|i| {
                buffers.get(&i).map(|(_, bytes): &(String, Vec<u8>)| bytes.clone())
            });
            read.map(|subtree| (subtree, buffers))
        });
        let (subtree, buffers) = match outcome {
            Ok(read) => read,
            Err(what) => {
                self.report.fault("subtree", format!("{name}: {what}"));
                return Ok(());
            }
        };
        for (buffer, _) in buffers.into_values() {
            self.keep(&buffer, FileKind { media: Media::Binary, gzip: false })?;
        }
        let mut named = vec![];
        let sound = subtree.tiles(root, of.available_levels, &mut |place, contents| {
            self.report.tiles += 1;
            named.extend(contents.filter_map(|n| Some((place.fill(of.contents.get(n)?), place.level))));
        });
        if let Err(what) = sound {
            self.report.fault("subtree", format!("{name}: {what}"));
        }
        for (uri, level) in named {
            let error_m = of.error_m / f64::from(level).exp2();
            let content = self.name(base, &uri);
            self.open.extend(content.map(|name| Job::Content { name, by, error_m }));
        }
        if root.level + of.subtree_levels < of.available_levels {
            let below = subtree.below(root).map(|root| Job::Subtree { of: of.clone(), base: base.clone(), by, root });
            self.open.extend(below);
        } else if subtree.below(root).next().is_some() {
            self.report.fault("subtree", format!("{name}: subtrees below the last level there is"));
        }
        Ok(())
    }
}

fn wrong(unopened: Unopened) -> Wrong {
    match unopened {
        Unopened::Missing => Wrong("missing-file", "the delivery does not have it".to_string()),
        Unopened::Outside => Wrong("outside", "a link leads out of the delivery".to_string()),
        Unopened::Failed(what) => Wrong("unreadable-file", what),
    }
}

/// By the extension: what stands beside contents is not looked into.
fn media_of(name: &str) -> Media {
    let extension = name.rsplit_once('.').map(|(_, e)| e.to_ascii_lowercase()).unwrap_or_default();
    match extension.as_str() {
        "json" => Media::Json,
        "jpg" | "jpeg" => Media::Jpeg,
        "png" => Media::Png,
        "webp" => Media::Webp,
        "ktx2" => Media::Ktx2,
        "gltf" => Media::Gltf,
        "glb" => Media::Glb,
        _ => Media::Binary,
    }
}

/// The first document that lies on a circle of links, or below one: what is left when what nobody links is taken away,
/// again and again.
fn circle<'n>(documents: &'n HashMap<String, usize>, links: &[(usize, usize)]) -> Option<&'n str> {
    let mut linked = vec![0u32; documents.len()];
    let mut to = vec![vec![]; documents.len()];
    for &(from, at) in links {
        linked[at] += 1;
        to[from].push(at);
    }
    let mut free: Vec<usize> = (0..linked.len()).filter(|i| linked[*i] == 0).collect();
    while let Some(i) = free.pop() {
        for &below in &to[i] {
            linked[below] -= 1;
            if linked[below] == 0 {
                free.push(below);
            }
        }
    }
    let names = documents.iter().filter(|(_, i)| linked[**i] > 0);
    names.min_by_key(|(_, i)| **i).map(|(name, _)| name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn circles_are_found_and_shared_tilesets_are_none() {
        let documents: HashMap<String, usize> = ["a", "b", "c", "d"].iter().map(|n| n.to_string()).zip(0..).collect();
        for (links, told) in [
            (vec![(0, 1), (0, 2), (1, 3), (2, 3)], None),
            (vec![(0, 0)], Some("a")),
            (vec![(0, 1), (1, 2), (2, 1)], Some("b")),
            (vec![(0, 1), (0, 2), (1, 2), (2, 1), (2, 3)], Some("b")),
        ] {
            assert_eq!(circle(&documents, &links), told, "{links:?}");
        }
    }
}
