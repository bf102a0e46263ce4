//! Appearances of a CityGML file (CityGML 2.0 §9, 3.0 §7.2): which ring wears which image and where, which surface which
//! colour. Read before the features, as they may stand at the file's end. The first theme that says something holds.

use super::attributes::attribute;
use crate::feature::Paint;
use crate::import::city::images::Shelf;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::collections::{BTreeSet, HashMap};

/// What the whole file wears.
#[derive(Debug, Default)]
pub struct Appearance {
    /// URIs of images, by number.
    images: Vec<String>,
    numbers: HashMap<String, u32>,
    /// Ring's id → image and a place in it for each point, as written.
    rings: HashMap<String, (u32, Vec<[f32; 2]>)>,
    /// Surface's id → colour.
    colours: HashMap<String, [u8; 3]>,
    /// Textures that are given by a mapping, not by coordinates.
    pub others: u64,
    /// Of the images, once they are loaded.
    paints: Vec<Option<Paint>>,
}

/// What is open while a part of the file is read.
#[derive(Default)]
struct Open {
    image: Option<u32>,
    colour: Option<[u8; 3]>,
    rings: Vec<(Option<String>, Vec<[f32; 2]>)>,
    targets: Vec<String>,
    back: bool,
}

impl Appearance {
    /// Reads one `appearanceMember` or `appearance` element.
    pub fn read(&mut self, xml: &str) -> Result<(), quick_xml::Error> {
        let mut reader = Reader::from_str(xml);
        let mut open = Open::default();
        loop {
            match reader.read_event()? {
                Event::Start(e) => self.start(&mut reader, &e, &mut open)?,
                Event::End(e) => match e.local_name().as_ref() {
                    "ParameterizedTexture" => self.texture(std::mem::take(&mut open)),
                    "X3DMaterial" => self.material(std::mem::take(&mut open)),
                    _ => {}
                },
                Event::Eof => return Ok(()),
                _ => {}
            }
        }
    }

    fn start(&mut self, reader: &mut Reader<&[u8]>, e: &BytesStart, open: &mut Open) -> Result<(), quick_xml::Error> {
        let local = e.local_name();
        let name: &str = local.as_ref();
        let mut text = || reader.read_text(e.name()).map(|t| unescaped(&t));
        match name {
            "ParameterizedTexture" | "X3DMaterial" => *open = Open::default(),
            "GeoreferencedTexture" | "TexCoordGen" => self.others += 1,
            "isFront" => open.back = ["false", "0"].contains(&text()?.trim()),
            "imageURI" => {
                let uri = text()?.trim().to_string();
                let images = &mut self.images;
                let number = self.numbers.entry(uri).or_insert_with_key(|uri| {
                    images.push(uri.clone());
                    images.len() as u32 - 1
                });
                open.image = Some(*number);
            }
            "diffuseColor" => {
                let parts: Vec<f64> = text()?.split_ascii_whitespace().map_while(|t| t.parse().ok()).collect();
                let byte = |x: f64| (x.clamp(0.0, 1.0) * 255.0).round() as u8;
                open.colour = <[f64; 3]>::try_from(parts).ok().map(|c| c.map(byte));
            }
            "textureCoordinates" => {
                let ring = attribute(e, "ring").map(|r| id_of(&r));
                let numbers: Vec<f32> = text()?.split_ascii_whitespace().map_while(|t| t.parse().ok()).collect();
                open.rings.push((ring, numbers.as_chunks::<2>().0.to_vec()));
            }
            // CityGML 3.0 names the rings after the coordinates, in their order.
            "ring" => {
                let id = id_of(&text()?);
                if let Some(first) = open.rings.iter_mut().find(|(ring, _)| ring.is_none()) {
                    first.0 = Some(id);
                }
            }
            "target" if attribute(e, "uri").is_none() => {
                if let Some(id) = text().ok().filter(|t| t.contains('#')) {
                    open.targets.push(id_of(&id));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn texture(&mut self, open: Open) {
        let Some(image) = open.image.filter(|_| !open.back) else { return };
        for (ring, uv) in open.rings {
            if let Some(ring) = ring {
                self.rings.entry(ring).or_insert((image, uv));
            }
        }
    }

    fn material(&mut self, open: Open) {
        let Some(colour) = open.colour.filter(|_| !open.back) else { return };
        for target in open.targets {
            self.colours.entry(target).or_insert(colour);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.rings.is_empty() && self.colours.is_empty()
    }

    pub fn uris(&self) -> BTreeSet<String> {
        self.images.iter().cloned().collect()
    }

    /// From now on only images that are there are worn.
    pub fn hang(&mut self, shelf: &Shelf) {
        self.paints = self.images.iter().map(|uri| shelf.get(uri).map(Paint::Image)).collect();
    }

    /// What a polygon wears, and where its rings' points lie in the image; `rings`: ids and numbers of points.
    pub fn of(&self, polygon: Option<&str>, rings: &[(Option<String>, usize)]) -> Option<(Paint, Vec<Vec<[f32; 2]>>)> {
        let textured = rings.first().and_then(|(id, _)| self.rings.get(id.as_deref()?));
        if let Some(paint) = textured.and_then(|(image, _)| self.paints.get(*image as usize).copied().flatten()) {
            let of = |(id, points): &(Option<String>, usize)| {
                let uv = id.as_deref().and_then(|id| self.rings.get(id)).map(|(_, uv)| uv);
                uv.filter(|uv| uv.len() == *points).cloned()
            };
            if let Some(uv) = rings.iter().map(of).collect::<Option<Vec<_>>>() {
                return Some((paint, uv));
            }
        }
        let colour = polygon.and_then(|id| self.colours.get(id))?;
        Some((Paint::Colour(*colour), rings.iter().map(|(_, points)| vec![[0.0; 2]; *points]).collect()))
    }
}

fn id_of(reference: &str) -> String {
    reference.trim().rsplit('#').next().unwrap_or_default().to_string()
}

fn unescaped(text: &str) -> String {
    quick_xml::escape::unescape(text).map_or_else(|_| text.to_string(), |t| t.into_owned())
}
