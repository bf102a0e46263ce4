//! Coverages: polygons that share borders. At every zoom two neighbours keep the same vertices of their common
//! border, nobody overlaps anybody by more than a tile unit, and no unit-wide hole opens where the source has none.

use super::polygons::{self, Ring};
use super::truth::Truth;
use chengtu::city::City;
use chengtu::draw::EXTENT;
use chengtu::feature::Geometry;
use chengtu::geo::clip::{ClippedBuffers, clip};
use chengtu::geo::{BBox, GeometryKind, TileKey, TileMatrixSet};
use chengtu::mvt::decode;
use std::collections::{HashMap, HashSet};

/// The widest hole or overlap, in tile units: no upright square of more fits into it.
const WIDEST: f64 = 1.0;
/// Breaches named of one tile or zoom.
const NAMED: usize = 20;

type Place = (u64, u64);

fn place(p: [f64; 2]) -> Place {
    // + 0.0 makes −0 and 0 one place.
    ((p[0] + 0.0).to_bits(), (p[1] + 0.0).to_bits())
}

/// The borders of a coverage as they are in the store: who is to the left of every edge.
pub struct Borders {
    /// Directed edge → feature whose ring runs along it. Two of one direction: the source overlaps itself there.
    owner: HashMap<(Place, Place), u64>,
}

impl Borders {
    pub fn read(city: &City, truth: &Truth) -> Borders {
        let mut owner = HashMap::new();
        if let Ok(Some(table)) = city.snapshot.features(&truth.layer.id) {
            let mut g = Geometry::empty(GeometryKind::Polygon);
            // A table that cannot be read has been reported by the tiles.
            let _ = table.scan(&mut |row| {
                if truth.row(row.id().0).is_some() {
                    row.read_geometry(&mut g);
                    for run in g.runs() {
                        for s in g.xy[run].windows(2) {
                            owner.insert((place(s[0]), place(s[1])), row.id().0);
                        }
                    }
                }
                Ok(())
            });
        }
        Borders { owner }
    }

    /// Where the borders drawn at zoom `z` are not those of both neighbours.
    pub fn broken(&self, city: &City, truth: &Truth, z: u8) -> Vec<String> {
        let layer = &truth.layer.id;
        let (Ok(Some(table)), Ok(Some(features))) = (city.snapshot.drawn_at(layer, z), city.snapshot.features(layer))
        else {
            return vec![];
        };
        let mut drawn: HashMap<u64, Vec<Vec<Place>>> = HashMap::new();
        let mut edges: HashSet<(Place, Place)> = HashSet::new();
        let mut g = Geometry::empty(GeometryKind::Polygon);
        let _ = table.scan(&mut |row| {
            row.read_geometry(&mut g);
            let mut rings: Vec<Vec<Place>> = g.runs().map(|r| g.xy[r].iter().map(|p| place(*p)).collect()).collect();
            rings.iter_mut().filter(|r| r.first() != r.last()).for_each(|r| r.push(r[0]));
            rings.iter().flat_map(|r| r.windows(2)).for_each(|s| _ = edges.insert((s[0], s[1])));
            drawn.insert(row.id().0, rings);
            Ok(())
        });
        let mut broken = vec![];
        let _ = features.scan(&mut |row| {
            let Some(rings) = drawn.get(&row.id().0) else { return Ok(()) };
            row.read_geometry(&mut g);
            for (run, ring) in g.runs().zip(rings) {
                let whole: Vec<Place> = g.xy[run].iter().map(|p| place(*p)).collect();
                self.compare(row.id().0, &whole, ring, &drawn, &edges, &mut broken);
            }
            Ok(())
        });
        broken
    }

    /// Each drawn edge stands for a stretch of the whole ring; what is beyond all of the stretch has to be drawn with
    /// the same edge, backwards.
    fn compare(
        &self,
        id: u64,
        whole: &[Place],
        ring: &[Place],
        drawn: &HashMap<u64, Vec<Vec<Place>>>,
        edges: &HashSet<(Place, Place)>,
        broken: &mut Vec<String>,
    ) {
        let at = |p: Place| {
            let (lon, lat) = (f64::from_bits(p.0), f64::from_bits(p.1));
            format!("{lon:.7}, {lat:.7}")
        };
        let (Some((_, open)), Some(&first)) = (whole.split_last(), ring.first()) else { return };
        let Some(mut i) = open.iter().position(|&p| p == first) else {
            return broken.push(format!("feature {id} has a vertex at {} that its source lacks", at(first)));
        };
        for edge in ring.windows(2) {
            let mut beyond: Vec<Option<u64>> = vec![];
            for _ in 0..open.len() {
                let (a, b) = (open[i % open.len()], open[(i + 1) % open.len()]);
                beyond.push(self.owner.get(&(b, a)).copied().filter(|n| drawn.contains_key(n)));
                i += 1;
                if b == edge[1] {
                    break;
                }
            }
            beyond.dedup();
            let whole_stretch = beyond.len() == 1;
            if broken.len() >= NAMED {
                return;
            }
            if !whole_stretch {
                broken.push(format!("feature {id}: between {} and {} a node is left out", at(edge[0]), at(edge[1])));
            } else if let Some(neighbour) = beyond[0].filter(|_| !edges.contains(&(edge[1], edge[0]))) {
                let (from, to) = (at(edge[0]), at(edge[1]));
                broken.push(format!("feature {id} has a border from {from} to {to} that {neighbour} has otherwise"));
            }
        }
    }
}

/// Overlaps and holes of one tile.
pub fn look(
    city: &City,
    grid: &TileMatrixSet,
    truth: &Truth,
    key: TileKey,
    layer: &decode::Layer,
) -> Vec<(&'static str, String)> {
    let shown: Vec<(u64, BBox, Vec<Ring>)> = layer
        .features
        .iter()
        .filter_map(|f| {
            let decode::Geometry::Polygons(polygons) = &f.geometry else { return None };
            let rings: Vec<Ring> =
                polygons.iter().flatten().map(|r| r.iter().map(|p| p.map(f64::from)).collect()).collect();
            let bbox = rings.iter().flatten().fold(BBox::EMPTY, |b, &p| b.add(p));
            Some((f.id.unwrap_or(0), bbox, rings))
        })
        .collect();
    let source = Source { city, grid, truth, key };
    let mut found = vec![];
    overlaps(&shown, &source, &mut found);
    holes(&shown, &source, &mut found);
    found.truncate(NAMED);
    found
}

fn overlaps(shown: &[(u64, BBox, Vec<Ring>)], source: &Source<'_>, found: &mut Vec<(&'static str, String)>) {
    let mut order: Vec<usize> = (0..shown.len()).collect();
    order.sort_by(|&a, &b| shown[a].1.min_x.total_cmp(&shown[b].1.min_x));
    for (n, &i) in order.iter().enumerate() {
        let (id, a, rings) = &shown[i];
        for &j in &order[n + 1..] {
            let (other, b, others) = &shown[j];
            if b.min_x + WIDEST >= a.max_x {
                break;
            }
            if a.max_y.min(b.max_y) - a.min_y.max(b.min_y) <= WIDEST || a.max_x.min(b.max_x) - b.min_x <= WIDEST {
                continue;
            }
            for area in polygons::in_common(rings, others) {
                let Some((width, at)) = polygons::wider_than(&area, WIDEST) else { continue };
                if source.owners(at) < 2 {
                    let [x, y] = at;
                    let how = format!("features {id} and {other} overlap by {width:.2} units at {x:.0}, {y:.0}");
                    found.push(("no overlap", how));
                }
            }
        }
    }
}

fn holes(shown: &[(u64, BBox, Vec<Ring>)], source: &Source<'_>, found: &mut Vec<(&'static str, String)>) {
    let drawn: Vec<Ring> = shown.iter().flat_map(|s| s.2.iter().cloned()).collect();
    for area in polygons::lacking(&source.stored(), &drawn) {
        if let Some((width, [x, y])) = polygons::wider_than(&area, WIDEST) {
            found
                .push(("no hole", format!("{width:.2} units at {x:.0}, {y:.0} are covered in the store and not here")));
        }
    }
}

/// What the store has where a tile is.
struct Source<'a> {
    city: &'a City,
    grid: &'a TileMatrixSet,
    truth: &'a Truth,
    key: TileKey,
}

impl Source<'_> {
    /// How many features of the source have a place of the tile in them.
    fn owners(&self, at: [f64; 2]) -> usize {
        let p = self.grid.projector(self.key, EXTENT).unproject(at);
        let mut owners = 0;
        if let Ok(Some(table)) = self.city.snapshot.features(&self.truth.layer.id) {
            let mut g = Geometry::empty(GeometryKind::Polygon);
            let _ = table.query(&BBox::new(p[0], p[1], p[0], p[1]), &mut |row| {
                if self.truth.row(row.id().0).is_some() {
                    row.read_geometry(&mut g);
                    owners += usize::from(chengtu::geo::ring::contains_flat(&g.xy, &g.ends, p));
                }
                Ok(())
            });
        }
        owners
    }

    /// Rings of what is stored for this zoom, in tile units, not rounded; cut a little inside of the tile's buffer,
    /// where what is drawn ends.
    fn stored(&self) -> Vec<Ring> {
        let margin = self.truth.layer.buffer_px * f64::from(EXTENT) / 256.0 - 2.0;
        let side = f64::from(EXTENT) + margin;
        let rect = BBox::new(-margin, -margin, side, side);
        let z = self.grid.nominal_zoom(self.key.z);
        let Ok(Some(table)) = self.city.snapshot.drawn_at(&self.truth.layer.id, z) else { return vec![] };
        let projector = self.grid.projector(self.key, EXTENT);
        let window = self.grid.window(self.key, self.truth.layer.buffer_px);
        let (mut g, mut cut, mut rings) = (Geometry::empty(GeometryKind::Polygon), ClippedBuffers::default(), vec![]);
        let mut xy = vec![];
        let _ = table.query(&window, &mut |row| {
            if self.truth.row(row.id().0).is_some() {
                row.read_geometry(&mut g);
                xy.clear();
                projector.project_into(&g.xy, &mut xy);
                clip(GeometryKind::Polygon, &xy, &g.ends, &g.parts, &rect, &mut cut);
                let mut from = 0;
                for &end in &cut.ends {
                    rings.push(cut.xy[from..end as usize].to_vec());
                    from = end as usize;
                }
            }
            Ok(())
        });
        rings
    }
}
