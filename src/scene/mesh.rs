//! Triangles and lines of one content, on a grid of integer steps in the tile's frame, so that equal places are
//! equal numbers. No file format: `glb` writes it.

use crate::feature::ImageId;
use crate::layer::Colour;

/// A vertex: place in steps east, north, up; unit normal times 127; row of the property table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Vertex {
    pub at: [i32; 3],
    pub normal: [i8; 3],
    pub row: u32,
}

/// How faces look. Its place in `Mesh::materials` is its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Material {
    pub colour: Colour,
    pub sides: Sides,
    pub light: Light,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sides {
    /// Closed bodies: what turns away is behind what is seen.
    Front,
    /// Faces that close nothing.
    Both,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Light {
    Lit,
    /// Lines, which have no normal.
    Unlit,
}

/// How much a mesh held at some time.
#[derive(Debug)]
pub struct Mark {
    vertices: usize,
    triangles: Vec<usize>,
    lines: Vec<usize>,
}

/// In which order a mesh is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// As it was made: rings one after another, alike in steps, which pack better than they would shuffled.
    AsMade,
    /// Triangles for vertex caches, vertices by their first use.
    ByUse,
}

/// Collects faces. A step is 2^`exponent` metres.
#[derive(Debug, Clone)]
pub struct Mesh {
    exponent: i32,
    pub order: Order,
    pub vertices: Vec<Vertex>,
    pub materials: Vec<Material>,
    /// Per material, three vertices a triangle, counter-clockwise from outside.
    pub triangles: Vec<Vec<u32>>,
    /// Per material, two vertices a piece.
    pub lines: Vec<Vec<u32>>,
    /// Per material, the number of what it wears: of `images`, and of `textures` once those are hung (`atlas`). Those at
    /// the end that wear none may be missing.
    pub worn: Vec<Option<u32>>,
    /// Images that materials wear.
    pub images: Vec<ImageId>,
    /// Per vertex its place in what it wears, right and up from the lower left; those at the end may be missing.
    pub uv: Vec<[f32; 2]>,
    /// Without them all is drawn in its colour.
    pub textures: Vec<Texture>,
}

/// A picture as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Texture {
    /// JPEG or PNG.
    pub file: Vec<u8>,
    pub wrap: Wrap,
}

/// What lies beyond a picture's border.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wrap {
    /// Its border.
    Clamp,
    /// The picture again.
    Repeat,
}

const FARTHEST: f64 = (1 << 29) as f64;

impl Mesh {
    /// With steps so small that no place moves by more than `precision_m` (√3 / 2 of a step).
    pub fn new(precision_m: f64) -> Mesh {
        let exponent = (precision_m * 2.0 / 3f64.sqrt()).log2().floor().clamp(-14.0, 10.0) as i32;
        Mesh {
            exponent,
            order: Order::ByUse,
            vertices: vec![],
            materials: vec![],
            triangles: vec![],
            lines: vec![],
            worn: vec![],
            images: vec![],
            uv: vec![],
            textures: vec![],
        }
    }

    pub fn exponent(&self) -> i32 {
        self.exponent
    }

    pub fn step_m(&self) -> f64 {
        f64::from(self.exponent).exp2()
    }

    pub fn is_empty(&self) -> bool {
        self.triangles.iter().chain(&self.lines).all(Vec::is_empty)
    }

    /// The number of a material, added when new.
    pub fn material(&mut self, material: Material) -> usize {
        self.dressed(material, None)
    }

    /// As `material`, with an image on it.
    pub fn wearing(&mut self, material: Material, image: ImageId) -> usize {
        let known = self.images.iter().position(|i| *i == image);
        let number = known.unwrap_or_else(|| {
            self.images.push(image);
            self.images.len() - 1
        });
        self.dressed(material, Some(number as u32))
    }

    /// As `material`, wearing something by its number.
    pub fn dressed(&mut self, material: Material, image: Option<u32>) -> usize {
        let same = |(i, m): (usize, &Material)| *m == material && self.image_of(i) == image;
        if let Some(i) = self.materials.iter().enumerate().position(same) {
            return i;
        }
        self.materials.push(material);
        self.triangles.push(vec![]);
        self.lines.push(vec![]);
        if image.is_some() {
            self.worn.resize(self.materials.len() - 1, None);
            self.worn.push(image);
        }
        self.materials.len() - 1
    }

    /// The number of the image that a material wears.
    pub fn image_of(&self, material: usize) -> Option<u32> {
        self.worn.get(material).copied().flatten()
    }

    /// The place of a vertex in its image.
    pub fn place_in_image(&mut self, vertex: u32, uv: [f32; 2]) {
        if self.uv.len() <= vertex as usize {
            self.uv.resize(vertex as usize + 1, [0.0; 2]);
        }
        self.uv[vertex as usize] = uv;
    }

    /// Metres to steps. Saturates 2^29 steps away, which is beyond any tile, so that sums and differences of places
    /// fit.
    pub fn snap(&self, local_m: [f64; 3]) -> [i32; 3] {
        let per_m = f64::from(-self.exponent).exp2();
        local_m.map(|v| (v * per_m).round().clamp(-FARTHEST, FARTHEST) as i32)
    }

    pub fn metres(&self, at: [i32; 3]) -> [f64; 3] {
        at.map(|v| f64::from(v) * self.step_m())
    }

    pub fn vertex(&mut self, at: [i32; 3], normal: [i8; 3], row: u32) -> u32 {
        self.vertices.push(Vertex { at, normal, row });
        self.vertices.len() as u32 - 1
    }

    /// Left out when two of its corners are one place: its other two edges are then each other's, and what was
    /// closed stays closed.
    pub fn triangle(&mut self, material: usize, corners: [u32; 3]) {
        let [a, b, c] = corners.map(|i| self.vertices[i as usize].at);
        if a != b && b != c && c != a {
            self.triangles[material].extend(corners);
        }
    }

    /// Whether a face or line was added since.
    pub fn grew(&self, mark: &Mark) -> bool {
        let count = |faces: &[Vec<u32>]| faces.iter().map(Vec::len).sum::<usize>();
        count(&self.triangles) + count(&self.lines) > mark.triangles.iter().chain(&mark.lines).sum::<usize>()
    }

    /// Whether a vertex that was added since lies farther away than steps reach: it would be drawn where it is not.
    pub fn leaves_grid(&self, mark: &Mark) -> bool {
        let far = |v: &Vertex| v.at.iter().any(|x| f64::from(x.abs()) >= FARTHEST);
        self.vertices[mark.vertices.min(self.vertices.len())..].iter().any(far)
    }

    /// Where the mesh stands, for `roll_back`.
    pub fn mark(&self) -> Mark {
        let lengths = |faces: &[Vec<u32>]| faces.iter().map(Vec::len).collect();
        Mark { vertices: self.vertices.len(), triangles: lengths(&self.triangles), lines: lengths(&self.lines) }
    }

    /// Takes out what was added since; materials stay.
    pub fn roll_back(&mut self, mark: &Mark) {
        self.vertices.truncate(mark.vertices);
        self.uv.truncate(mark.vertices);
        for (faces, lengths) in [(&mut self.triangles, &mark.triangles), (&mut self.lines, &mark.lines)] {
            for (i, face) in faces.iter_mut().enumerate() {
                face.truncate(lengths.get(i).copied().unwrap_or(0));
            }
        }
    }

    /// Takes all faces and vertices out; materials stay.
    pub fn clear(&mut self) {
        self.vertices.clear();
        self.uv.clear();
        self.triangles.iter_mut().chain(&mut self.lines).for_each(Vec::clear);
    }

    pub fn line(&mut self, material: usize, ends: [u32; 2]) {
        self.lines[material].extend(ends);
    }

    /// Least and greatest place of the vertices, metres; `None` of an empty mesh.
    pub fn bounds_m(&self) -> Option<[[f64; 3]; 2]> {
        let first = self.vertices.first()?.at;
        let (low, high) = self.vertices.iter().fold((first, first), |(mut low, mut high), v| {
            for i in 0..3 {
                low[i] = low[i].min(v.at[i]);
                high[i] = high[i].max(v.at[i]);
            }
            (low, high)
        });
        Some([self.metres(low), self.metres(high)])
    }
}

/// A direction in 8 bits a component; up when there is none.
pub fn packed_normal(direction: [f64; 3]) -> [i8; 3] {
    super::frame::unit(direction).map_or([0, 0, 127], |u| u.map(|x| (x * 127.0).round() as i8))
}

#[cfg(test)]
pub(super) mod topology {
    use super::Mesh;
    use std::collections::HashMap;

    /// Directed edges without their opposite, places taken as identity. Empty for a closed, well wound surface.
    pub fn open_edges(mesh: &Mesh) -> usize {
        let mut balance: HashMap<([i32; 3], [i32; 3]), i32> = HashMap::new();
        for t in mesh.triangles.iter().flat_map(|t| t.chunks_exact(3)) {
            for (i, j) in [(0, 1), (1, 2), (2, 0)] {
                let (a, b) = (mesh.vertices[t[i] as usize].at, mesh.vertices[t[j] as usize].at);
                *balance.entry((a.min(b), a.max(b))).or_default() += if a < b { 1 } else { -1 };
            }
        }
        balance.values().filter(|n| **n != 0).count()
    }

    /// Six times the enclosed volume, in cubic steps: positive when the winding faces outward.
    pub fn volume6(mesh: &Mesh) -> i128 {
        let of = |i: u32| mesh.vertices[i as usize].at.map(i128::from);
        mesh.triangles
            .iter()
            .flat_map(|t| t.chunks_exact(3))
            .map(|t| {
                let (a, b, c) = (of(t[0]), of(t[1]), of(t[2]));
                a[0] * (b[1] * c[2] - b[2] * c[1])
                    + a[1] * (b[2] * c[0] - b[0] * c[2])
                    + a[2] * (b[0] * c[1] - b[1] * c[0])
            })
            .sum()
    }
}
