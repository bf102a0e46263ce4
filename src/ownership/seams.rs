//! What is wrong between the cells of a partition: gaps and overlaps, with place and size. Lookups live with them
//! (specification 6.5, rules 3 and 5); import tells the supplier.

use super::territory::Cell;
use crate::feature::Geometry;
use crate::geo::border::{self, Loose, Shape, Unmatched};
use crate::geo::overlay::{self, Patch, Rings};
use std::collections::{HashMap, HashSet};

/// Specification 2.1: narrower and smaller than both is what rounding leaves.
const TOLERANCE_M: f64 = 0.05;
const TOLERANCE_M2: f64 = 1.0;

#[derive(Debug, Clone, PartialEq)]
pub enum Seam {
    Gap(Patch),
    /// Of the cells at these positions.
    Overlap([usize; 2], Patch),
}

/// Gaps and overlaps beyond the tolerance among cells that are valid at the same time.
pub fn check(cells: &[(Cell, Geometry)]) -> Vec<Seam> {
    let counts = |p: &Patch| p.area_m2 > TOLERANCE_M2 || p.width_m > TOLERANCE_M;
    let loose = loose(cells);
    let mut seams = vec![];
    for (i, j) in touching(cells, &loose) {
        let found = overlay::common(&rings(&cells[i].1), &rings(&cells[j].1));
        seams.extend(found.into_iter().filter(counts).map(|p| Seam::Overlap([i, j], p)));
    }
    if !loose.is_empty() {
        let found = overlay::holes(cells.iter().map(|(_, g)| rings(g)));
        seams.extend(found.into_iter().filter(counts).map(Seam::Gap));
    }
    seams
}

/// Edges beside another cell's border, no farther than the tolerance and yet not its reverse: vertices that one of the two
/// lacks, or has elsewhere. Where they are, a point may be in both cells or in neither.
pub fn unmatched(cells: &[(Cell, Geometry)]) -> Vec<Unmatched> {
    let shapes = cells.iter().map(|(c, g)| Shape { rings: rings(g), span: [c.span.from.0, c.span.to.0] });
    let (nodes, cells) = border::number(&shapes.collect::<Vec<_>>());
    border::unmatched(&nodes, &cells, TOLERANCE_M)
}

/// Cells with an edge that no cell of the very same validity has the other way round: at some moment a gap or the outer
/// border may be at them.
pub(super) fn exposed(cells: &[(Cell, Geometry)]) -> Vec<usize> {
    let validity = |c: &Cell| [c.span.from.0, c.span.to.0];
    let mut validities: Vec<[i64; 2]> = cells.iter().map(|(c, _)| validity(c)).collect();
    validities.sort_unstable();
    validities.dedup();
    // A span of its own for each validity: no two different ones hold together.
    let own = |c: &Cell| validities.partition_point(|v| *v < validity(c)) as i64;
    let shapes = cells.iter().map(|(c, g)| Shape { rings: rings(g), span: [own(c), own(c) + 1] });
    let (nodes, numbered) = border::number(&shapes.collect::<Vec<_>>());
    let mut exposed: Vec<usize> = Loose::of(nodes.len(), &numbered).sides.iter().map(|s| s.cell as usize).collect();
    exposed.sort_unstable();
    exposed.dedup();
    exposed
}

fn rings(g: &Geometry) -> Rings<'_> {
    g.runs().map(|r| &g.xy[r]).collect()
}

/// Cells with an edge that is not turned back exactly as often as it is gone: those of the outer border, of gaps and of
/// overlaps, twins included.
fn loose(cells: &[(Cell, Geometry)]) -> Vec<usize> {
    let bits = |p: [f64; 2]| p.map(f64::to_bits);
    let mut turns: HashMap<[[u64; 2]; 2], i32> = HashMap::new();
    let edges =
        |g: &Geometry| -> Vec<([[u64; 2]; 2], i32)> {
            let pairs = g.runs().flat_map(|r| g.xy[r].windows(2));
            pairs
                .map(|w| {
                    if bits(w[0]) < bits(w[1]) { ([bits(w[0]), bits(w[1])], 1) } else { ([bits(w[1]), bits(w[0])], -1) }
                })
                .collect()
        };
    for (_, g) in cells {
        for (edge, turn) in edges(g) {
            *turns.entry(edge).or_default() += turn;
        }
    }
    let open: HashSet<[[u64; 2]; 2]> = turns.into_iter().filter(|(_, t)| *t != 0).map(|(e, _)| e).collect();
    let is_loose = |g: &Geometry| edges(g).iter().any(|(e, _)| open.contains(e));
    (0..cells.len()).filter(|&i| is_loose(&cells[i].1)).collect()
}

/// Pairs among them whose boxes meet and that are valid at the same time.
fn touching(cells: &[(Cell, Geometry)], loose: &[usize]) -> Vec<(usize, usize)> {
    let mut boxes: Vec<_> = loose.iter().map(|&i| (i, cells[i].1.bbox())).collect();
    boxes.sort_by(|a, b| a.1.min_x.total_cmp(&b.1.min_x));
    let mut pairs = vec![];
    for (n, (i, a)) in boxes.iter().enumerate() {
        for (j, b) in boxes[n + 1..].iter().take_while(|(_, b)| b.min_x <= a.max_x) {
            let (x, y) = (&cells[*i].0.span, &cells[*j].0.span);
            if a.intersects(b) && x.from < y.to && y.from < x.to {
                pairs.push((*i.min(j), *i.max(j)));
            }
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::super::territory::Level;
    use super::super::world::{World, at, east, square};
    use super::*;

    fn grids(world: &World) -> Vec<(Cell, Geometry)> {
        world.cells[&Level::UnitGrid].clone()
    }

    #[test]
    fn a_seamless_partition_has_no_findings() {
        assert_eq!(check(&grids(&World::new())), []);
    }

    #[test]
    fn a_gap_and_an_overlap_are_found_with_place_and_size() {
        let mut world = World::new();
        // Twenty metres off the west of an inner cell: a gap closed all round is a hole.
        world.cells.get_mut(&Level::UnitGrid).unwrap().remove(5);
        for (x, w) in [(1.0, 0.4), (1.6, 0.4)] {
            world.cell(Level::UnitGrid, "part", "part", None, None, square(x, 1.0, x + w, 2.0));
        }
        world.cell(Level::UnitGrid, "lid", "lid", None, None, square(1.3, 1.8, 1.7, 2.0));
        world.cell(Level::UnitGrid, "over", "over", None, None, square(3.9, 1.9, 4.0, 2.0));
        let found = check(&grids(&world));
        let gaps: Vec<&Patch> =
            found.iter().filter_map(|s| if let Seam::Gap(p) = s { Some(p) } else { None }).collect();
        assert_eq!(gaps.len(), 1, "{found:?}");
        assert!((gaps[0].area_m2 - 0.2 * 0.8 * 91.5 * 110.9).abs() < 20.0, "{gaps:?}");
        assert!((gaps[0].place[0] - at(1.5, 0.0)[0]).abs() < 1e-5);
        let overlaps = found.iter().filter(|s| matches!(s, Seam::Overlap(..))).count();
        assert_eq!(overlaps, 3, "{found:?}");
    }

    #[test]
    fn edges_that_differ_a_little_from_the_neighbours_are_unmatched() {
        // A metre off is beyond, but for the corner that now lies on the neighbour's edge.
        for (off_m, count, farthest) in [(0.0, 0, 0.0), (0.01, 4, 0.0101), (1.0, 2, 0.0)] {
            let mut world = World::new();
            let shape = &mut world.grid_mut("410202001001001").1;
            for v in shape.xy.iter_mut().filter(|v| v[0] > at(0.5, 0.0)[0] && v[1] > at(0.0, 0.5)[1]) {
                *v = east(*v, off_m);
            }
            let found = unmatched(&grids(&world));
            assert_eq!(found.len(), count, "{off_m} {found:?}");
            assert!(found.iter().all(|u| u.distance_m <= farthest), "{found:?}");
        }
    }

    #[test]
    fn a_vertex_a_centimetre_off_is_rounding_and_a_metre_is_not() {
        for (off_m, count) in [(0.01, 0), (1.0, 1)] {
            let mut world = World::new();
            let shape = &mut world.grid_mut("410202001001001").1;
            for v in shape.xy.iter_mut().filter(|v| v[0] > at(0.5, 0.0)[0] && v[1] > at(0.0, 0.5)[1]) {
                *v = east(*v, off_m);
            }
            assert_eq!(check(&grids(&world)).len(), count, "{off_m}");
        }
    }
}
