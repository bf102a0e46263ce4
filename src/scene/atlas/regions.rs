//! Which parts of an image a content's faces touch. Knows no pixels but those that an image's size gives it.

use super::picture::Size;
use crate::scene::frame::{cross, length, sub};
use crate::scene::mesh::Mesh;
use std::ops::Range;

/// More groups of faces than this on one image are taken as one: finding which of them touch is quadratic.
const MOST_GROUPS: usize = 2048;
/// Places this far beyond an image's border do not repeat it, shares of the image.
const SLACK: f64 = 1e-3;

/// An upright part of an image, in shares of it, right and down from its upper left; beyond 0 … 1 it is repeated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Region {
    pub low: [f64; 2],
    pub high: [f64; 2],
}

/// Faces that hang together.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    pub material: usize,
    /// Of the material's triangles.
    pub corners: Range<usize>,
    pub region: usize,
}

/// How an image is worn.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Worn {
    pub regions: Vec<Region>,
    pub groups: Vec<Group>,
    /// Square metres that one whole image covers, on the mean of its faces; 0 of none.
    pub covers_m2: f64,
}

impl Region {
    fn touches(&self, other: &Region) -> bool {
        (0..2).all(|k| self.low[k] <= other.high[k] && other.low[k] <= self.high[k])
    }

    fn union(&self, other: &Region) -> Region {
        Region {
            low: [0, 1].map(|k| self.low[k].min(other.low[k])),
            high: [0, 1].map(|k| self.high[k].max(other.high[k])),
        }
    }

    pub fn sides(&self) -> [f64; 2] {
        [0, 1].map(|k| self.high[k] - self.low[k])
    }

    pub fn area(&self) -> f64 {
        let [w, h] = self.sides();
        w * h
    }

    pub fn repeats(&self) -> bool {
        (0..2).any(|k| self.low[k] < -SLACK || self.high[k] > 1.0 + SLACK)
    }

    /// The whole pixels that hold it: the first, and the one after the last.
    pub fn pixels(&self, size: &Size) -> [[i32; 2]; 2] {
        let whole = [size.width, size.height].map(f64::from);
        let inside = |k: usize, pixel: i32| match self.repeats() {
            true => pixel,
            false => pixel.clamp(0, whole[k] as i32),
        };
        // A hundredth of a pixel is noise.
        let low = [0, 1].map(|k| inside(k, (self.low[k] * whole[k] + 0.01).floor() as i32).min(whole[k] as i32 - 1));
        let high = [0, 1].map(|k| inside(k, (self.high[k] * whole[k] - 0.01).ceil() as i32).max(low[k] + 1));
        [low, high]
    }
}

impl Worn {
    /// What of image `image` the mesh wears.
    pub fn of(mesh: &Mesh, image: u32) -> Worn {
        let mut groups = vec![];
        let (mut area_m2, mut area) = (0.0, 0.0);
        for material in (0..mesh.triangles.len()).filter(|m| mesh.image_of(*m) == Some(image)) {
            for corners in groups_of(&mesh.triangles[material]) {
                let list = &mesh.triangles[material][corners.clone()];
                for t in list.as_chunks::<3>().0 {
                    area_m2 += area_of(t.map(|v| mesh.metres(mesh.vertices[v as usize].at)));
                    area += area_of(t.map(|v| place(mesh, v)).map(|[u, v]| [u, v, 0.0]));
                }
                groups.push((material, corners, around(mesh, list)));
            }
        }
        let regions = merged(groups.iter().map(|(_, _, region)| *region));
        let groups = groups.into_iter().map(|(material, corners, own)| {
            let region = regions.iter().position(|r| r.touches(&own)).unwrap_or_default();
            Group { material, corners, region }
        });
        let covers_m2 = if area > 0.0 { area_m2 / area } else { 0.0 };
        Worn { groups: groups.collect(), regions, covers_m2 }
    }

    pub fn repeats(&self) -> bool {
        self.regions.iter().any(Region::repeats)
    }

    /// Images that would have to be written out, by their area.
    pub fn area(&self) -> f64 {
        self.regions.iter().map(Region::area).sum()
    }

    /// The side of a texel of the image in this size, metres.
    pub fn texel_m(&self, size: &Size) -> f64 {
        (self.covers_m2 / f64::from(size.width) / f64::from(size.height)).sqrt()
    }
}

fn place(mesh: &Mesh, vertex: u32) -> [f64; 2] {
    let [u, v] = mesh.uv.get(vertex as usize).copied().unwrap_or_default();
    [f64::from(u), 1.0 - f64::from(v)]
}

fn area_of([a, b, c]: [[f64; 3]; 3]) -> f64 {
    length(cross(sub(b, a), sub(c, a))) / 2.0
}

fn around(mesh: &Mesh, corners: &[u32]) -> Region {
    let none = Region { low: [f64::INFINITY; 2], high: [f64::NEG_INFINITY; 2] };
    corners.iter().map(|&v| place(mesh, v)).fold(none, |all, at| all.union(&Region { low: at, high: at }))
}

/// Runs of triangles of one surface: its vertices follow one another, and those of the next come after them.
fn groups_of(triangles: &[u32]) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = vec![];
    let mut last = 0;
    for (i, t) in triangles.as_chunks::<3>().0.iter().enumerate() {
        let [low, high] = [t.iter().min(), t.iter().max()].map(|v| v.copied().unwrap_or_default());
        match runs.last_mut().filter(|_| low <= last) {
            Some(run) => run.end = 3 * i + 3,
            None => runs.push(3 * i..3 * i + 3),
        }
        last = if low <= last { last.max(high) } else { high };
    }
    runs
}

/// Regions none of which touches another: what shares a vertex is in one of them.
fn merged(all: impl ExactSizeIterator<Item = Region>) -> Vec<Region> {
    if all.len() > MOST_GROUPS {
        return all.reduce(|a, b| a.union(&b)).into_iter().collect();
    }
    let mut apart: Vec<Region> = vec![];
    for mut region in all {
        while let Some(i) = apart.iter().position(|r| r.touches(&region)) {
            region = region.union(&apart.swap_remove(i));
        }
        apart.push(region);
    }
    apart
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(low: [f64; 2], high: [f64; 2]) -> Region {
        Region { low, high }
    }

    #[test]
    fn what_touches_is_one() {
        let square = |x: f64, y: f64| region([x, y], [x + 0.125, y + 0.125]);
        let all = [square(0.0, 0.0), square(0.5, 0.5), square(0.125, 0.125), square(0.75, 0.0), square(0.25, 0.1875)];
        let mut apart = merged(all.into_iter());
        apart.sort_by(|a, b| a.low[0].total_cmp(&b.low[0]));
        assert_eq!(apart, [region([0.0, 0.0], [0.375, 0.3125]), square(0.5, 0.5), square(0.75, 0.0)]);
        // One that closes the gap between others.
        let bridge = region([0.05, 0.05], [0.8, 0.6]);
        let bridged: Vec<Region> = all.into_iter().chain([bridge]).collect();
        assert_eq!(merged(bridged.into_iter()).len(), 1);
    }

    #[test]
    fn regions_are_whole_pixels() {
        let size = Size { width: 64, height: 32, bytes: 0, clear: false };
        assert_eq!(region([0.0, 0.0], [1.0, 1.0]).pixels(&size), [[0, 0], [64, 32]]);
        assert_eq!(region([0.26, 0.5], [0.26, 0.5]).pixels(&size), [[16, 16], [17, 17]]);
        assert_eq!(region([1.0, 1.0], [1.0, 1.0]).pixels(&size), [[63, 31], [64, 32]]);
        assert_eq!(region([-0.0001, 0.1], [1.0001, 0.2]).pixels(&size), [[0, 3], [64, 7]]);
        let twice = region([0.5, -1.0], [2.0, 1.0]);
        assert!(twice.repeats() && (twice.area() - 3.0).abs() < 1e-12);
        assert_eq!(twice.pixels(&size), [[32, -32], [128, 32]]);
    }

    #[test]
    fn surfaces_are_told_by_their_vertices() {
        assert_eq!(groups_of(&[0, 1, 2, 0, 2, 3, 4, 5, 6, 9, 8, 7, 9, 10, 8]), [0..6, 6..9, 9..15]);
        assert!(groups_of(&[]).is_empty());
    }
}
