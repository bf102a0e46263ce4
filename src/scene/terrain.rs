//! A tile of the ground as triangles: two a cell, and a skirt along its edges that hides the cracks to neighbours drawn
//! coarser or finer. Heights are given; which tile, and what the ground looks like elsewhere, is the caller's matter.

use super::frame::{Frame, cross, length, sub};
use super::mesh::{Light, Material, Mesh, Sides, packed_normal};
use super::rule::Rule;
use super::{Compression, Drawn, glb};
use crate::geo::lattice::{CELLS, NODES, Patch, TileAt};
use crate::layer::{Colour, Layer, Part};

/// Steps across a tile, fewer than 16 bits have: positions then take two bytes a component.
const STEPS: f64 = 56_000.0;
/// A skirt reaches down at least this far, and this share of a cell: what rounding and two triangulations differ by.
const SHORTEST_M: f64 = 0.5;
const SHARE_OF_CELL: f64 = 0.02;

/// A tile of the ground.
#[derive(Debug, Clone, Copy)]
pub struct Terrain<'a> {
    pub at: TileAt,
    pub heights: &'a Patch,
    /// How far the surfaces of neighbours may lie below this one's edge, metres.
    pub apart_m: f64,
}

impl Terrain<'_> {
    /// Its surface without the skirt, in one material, and the number of each node's vertex. `undulation_m` turns a height
    /// into an ellipsoidal one. Triangles with a node of unknown height are not there.
    fn surface(
        &self,
        colour: Colour,
        frame: &Frame,
        undulation_m: &dyn Fn([f64; 2]) -> f64,
    ) -> (Mesh, Vec<Option<u32>>) {
        let mut mesh = Mesh::new((width_m(self.at) / STEPS).max(0.005));
        let material = mesh.material(Material { colour, sides: Sides::Front, light: Light::Lit });
        let nodes = self.nodes(frame, undulation_m);
        let mut numbers = vec![None; NODES * NODES];
        for j in 0..NODES {
            for i in 0..NODES {
                if let Some(at) = nodes[j * NODES + i] {
                    numbers[j * NODES + i] = Some(mesh.vertex(mesh.snap(at), normal(&nodes, i, j), 0));
                }
            }
        }
        let number = |i: usize, j: usize| numbers[j * NODES + i];
        for j in 0..CELLS {
            for i in 0..CELLS {
                let [a, b, c, d] = [(i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1)].map(|(i, j)| number(i, j));
                for corners in [[a, b, c], [a, c, d]] {
                    if let [Some(a), Some(b), Some(c)] = corners {
                        mesh.triangle(material, [a, b, c]);
                    }
                }
            }
        }
        (mesh, numbers)
    }

    /// Its faces.
    fn mesh(&self, colour: Colour, frame: &Frame, undulation_m: &dyn Fn([f64; 2]) -> f64) -> Mesh {
        let (mut mesh, numbers) = self.surface(colour, frame, undulation_m);
        if !mesh.is_empty() {
            skirt(&mut mesh, &numbers, skirt_m(self.at, self.apart_m));
        }
        mesh
    }

    /// What is drawn of it without the skirt, at the heights of the data: the number of vertices and their bounds; `None`
    /// where no triangle is known.
    pub fn measure(&self, frame: &Frame) -> Option<(usize, [[f64; 3]; 2])> {
        let (mesh, _) = self.surface(Colour([0; 3]), frame, &|_| 0.0);
        let bounds_m = mesh.bounds_m().filter(|_| !mesh.is_empty())?;
        Some((mesh.vertices.len(), bounds_m))
    }

    /// Places of the nodes in the frame.
    fn nodes(&self, frame: &Frame, undulation_m: &dyn Fn([f64; 2]) -> f64) -> Vec<Option<[f64; 3]>> {
        let place = |k: usize| {
            let (i, j) = (k % NODES, k / NODES);
            let lonlat = self.at.node(i, j);
            self.heights.at(i, j).map(|h| frame.local(lonlat, h + undulation_m(lonlat)))
        };
        (0..NODES * NODES).map(place).collect()
    }

    /// The glb; `None` where no triangle is known.
    pub fn draw(
        &self,
        layer: &Layer,
        frame: &Frame,
        undulation_m: &dyn Fn([f64; 2]) -> f64,
        compression: Compression,
    ) -> Option<Drawn> {
        let mesh = self.mesh(colour(layer), frame, undulation_m);
        let bounds_m = mesh.bounds_m().filter(|_| !mesh.is_empty())?;
        let content = glb::Content { mesh, instances: None, table: None };
        let counts = super::Counts { drawn: 1, ..super::Counts::default() };
        Some(Drawn { glb: glb::write(&content, compression), bounds_m, counts })
    }
}

/// Walls from the outer edge downward, seen from outside.
fn skirt(mesh: &mut Mesh, numbers: &[Option<u32>], down_m: f64) {
    let down = (down_m / mesh.step_m()).round() as i32;
    // Each side counter-clockwise around the tile, from one corner to the next.
    let sides: [fn(usize) -> usize; 4] =
        [|k| k, |k| k * NODES + CELLS, |k| CELLS * NODES + CELLS - k, |k| (CELLS - k) * NODES];
    for side in sides {
        let mut before: Option<[u32; 2]> = None;
        for k in 0..NODES {
            let here = numbers[side(k)].map(|top| {
                let mut foot = mesh.vertices[top as usize];
                foot.at[2] -= down;
                mesh.vertices.push(foot);
                [top, mesh.vertices.len() as u32 - 1]
            });
            if let (Some([a, c]), Some([b, d])) = (before, here) {
                mesh.triangle(0, [a, c, b]);
                mesh.triangle(0, [b, c, d]);
            }
            before = here;
        }
    }
}

fn width_m(at: TileAt) -> f64 {
    TileAt::width_deg(at.level) * 111_700.0
}

/// How far the skirt of a tile reaches down whose neighbours' surfaces may lie `apart_m` below its edge, metres.
pub fn skirt_m(at: TileAt, apart_m: f64) -> f64 {
    (apart_m * 2.0).max(SHORTEST_M).max(width_m(at) / CELLS as f64 * SHARE_OF_CELL)
}

/// The declared colour of the ground.
pub fn colour(layer: &Layer) -> Colour {
    Rule::of(layer).map_or(Colour([0x8f, 0x8b, 0x84]), |rule| rule.colour(Part::Ground))
}

/// Across the slopes to the neighbours that are known.
fn normal(nodes: &[Option<[f64; 3]>], i: usize, j: usize) -> [i8; 3] {
    let at = |i: usize, j: usize| if i < NODES && j < NODES { nodes[j * NODES + i] } else { None };
    let here = at(i, j);
    let slope = |before: Option<[f64; 3]>, after: Option<[f64; 3]>| Some(sub(after.or(here)?, before.or(here)?));
    let east = slope(i.checked_sub(1).and_then(|i| at(i, j)), at(i + 1, j));
    let north = slope(j.checked_sub(1).and_then(|j| at(i, j)), at(i, j + 1));
    match (east, north) {
        (Some(e), Some(n)) if length(e) > 0.0 && length(n) > 0.0 => packed_normal(cross(e, n)),
        _ => [0, 0, 127],
    }
}

/// How far the drawn surface of `coarse` lies from the nodes of a quarter of it that is twice as fine, at most, metres:
/// on its two triangles a cell, which is what is seen.
pub fn deviation_m(coarse: &Patch, quarter: usize, fine: &Patch) -> f64 {
    let (west, south) = ((quarter & 1) * CELLS / 2, (quarter >> 1) * CELLS / 2);
    let mut most = 0.0f64;
    for j in 0..NODES {
        for i in 0..NODES {
            let (x, y) = (west + i / 2, south + j / 2);
            let seen = match (i % 2, j % 2) {
                (0, 0) => coarse.at(x, y),
                (1, 0) => mean(coarse.at(x, y), coarse.at(x + 1, y)),
                (0, _) => mean(coarse.at(x, y), coarse.at(x, y + 1)),
                // The diagonal runs from south-west to north-east.
                _ => mean(coarse.at(x, y), coarse.at(x + 1, y + 1)),
            };
            most = match (seen, fine.at(i, j)) {
                (Some(a), Some(b)) => most.max((a - b).abs()),
                _ => most,
            };
        }
    }
    most
}

fn mean(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    Some((a? + b?) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::decode::decode;

    fn layer() -> Layer {
        toml::from_str(
            "id = \"t\"\nname = { zh = \"t\", en = \"t\" }\ngeometry = [\"polygon\"]\ndimension = \"3D\"\nsensitivity = \"public\"\n\
             serve = [\"3dtiles\"]\nzoom = { min = 5, full = 5, max = 9 }\nfields = []\nscene = { kind = \"terrain\" }\n",
        )
        .unwrap()
    }

    fn slope(at: TileAt, known: impl Fn(usize, usize) -> bool) -> Patch {
        let mut patch = Patch::default();
        for j in 0..NODES {
            for i in 0..NODES {
                let [lon, lat] = at.node(i, j);
                patch.set(i, j, known(i, j).then_some(50.0 + (lon - 114.0) * 100.0 - (lat - 34.0) * 60.0));
            }
        }
        patch
    }

    #[test]
    fn every_node_is_where_it_is_and_faces_look_up_or_out() {
        let at = TileAt::of(17, [114.3, 34.8]);
        let heights = slope(at, |_, _| true);
        let frame = Frame::at(at.centre(), -12.0);
        let terrain = Terrain { at, heights: &heights, apart_m: 1.5 };
        let drawn = terrain.draw(&layer(), &frame, &|[lon, _]| -12.0 + (lon - 114.3), Compression::Meshopt).unwrap();
        let d = decode(&drawn.glb).unwrap();
        let tops = NODES * NODES;
        assert_eq!(d.vertices.len(), tops + 4 * NODES);
        let triangles: Vec<&[u32]> = d.primitives.iter().flat_map(|p| p.indices.chunks_exact(3)).collect();
        assert_eq!(triangles.len(), CELLS * CELLS * 2 + 4 * CELLS * 2);
        let mut places: Vec<[f64; 3]> = d.vertices.iter().map(|v| v.at).collect();
        for k in [0, 7, 64, 65 * 33 + 20, tops - 1] {
            let (i, j) = (k % NODES, k / NODES);
            let lonlat = at.node(i, j);
            let want = frame.local(lonlat, heights.at(i, j).unwrap() - 12.0 + (lonlat[0] - 114.3));
            let near = places.iter().any(|p| length(sub(*p, want)) < 0.0075);
            assert!(near, "{i} {j}");
        }
        places.sort_by(|a, b| a[2].total_cmp(&b[2]));
        assert!(places[0][2] < heights.range_m().unwrap()[0] - 2.9, "the skirt reaches twice 1.5 m down");
        let (mut up, mut out) = (0, 0);
        for t in triangles {
            let [a, b, c] = [0, 1, 2].map(|k| d.vertices[t[k] as usize].at);
            let n = cross(sub(b, a), sub(c, a));
            match n[2] > 0.5 * length(n) {
                true => up += 1,
                false => {
                    let middle = [0, 1].map(|k| (a[k] + b[k] + c[k]) / 3.0);
                    assert!(n[0] * middle[0] + n[1] * middle[1] > 0.0, "a skirt that looks inward");
                    out += 1;
                }
            }
        }
        assert_eq!((up, out), (CELLS * CELLS * 2, 4 * CELLS * 2));
        assert!(d.vertices.iter().all(|v| (0..3).all(|k| v.at[k] >= drawn.bounds_m[0][k] - 1e-6)));
    }

    #[test]
    fn unknown_nodes_leave_a_hole() {
        let at = TileAt::of(17, [114.3, 34.8]);
        let frame = Frame::at(at.centre(), 0.0);
        let heights = slope(at, |i, j| (i, j) != (10, 10));
        let holed = Terrain { at, heights: &heights, apart_m: 0.0 }.mesh(colour(&layer()), &frame, &|_| 0.0);
        assert_eq!(holed.triangles[0].len() / 3, CELLS * CELLS * 2 + 4 * CELLS * 2 - 6);
        let one = slope(at, |i, j| (i, j) == (10, 10));
        let none = Terrain { at, heights: &one, apart_m: 0.0 }.draw(&layer(), &frame, &|_| 0.0, Compression::None);
        assert!(none.is_none());
    }

    #[test]
    fn deviation_is_that_of_the_triangles() {
        let at = TileAt::of(14, [114.3, 34.8]);
        let plane = slope(at, |_, _| true);
        for (q, child) in at.children().into_iter().enumerate() {
            assert!(deviation_m(&plane, q, &slope(child, |_, _| true)) <= 0.001);
            let mut bumped = slope(child, |_, _| true);
            let before = bumped.at(13, 20).unwrap();
            bumped.set(13, 20, Some(before + 2.5));
            assert!((deviation_m(&plane, q, &bumped) - 2.5).abs() <= 0.0015);
        }
    }
}
