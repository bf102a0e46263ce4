//! The index against every polygon asked one by one, on random points and on the borders themselves.

use super::super::borders::Borders;
use super::*;

/// A plain generator, so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// A seamless partition of n × n cells with bent borders and shared vertices, as surveyed: metres to degrees.
fn partition(n: usize) -> Vec<Geometry> {
    let mut random = Random(7);
    let mut nodes = vec![vec![[0.0; 2]; n + 1]; n + 1];
    for (j, row) in nodes.iter_mut().enumerate() {
        for (i, node) in row.iter_mut().enumerate() {
            let jitter = |r: f64| (r - 0.5) * 0.0006;
            *node = [114.3 + i as f64 * 0.001 + jitter(random.next()), 34.7 + j as f64 * 0.001 + jitter(random.next())];
        }
    }
    let bend = |a: [f64; 2], b: [f64; 2]| {
        // The same from both ends: a border belongs to two cells.
        let (low, high) = if (a[0], a[1]) < (b[0], b[1]) { (a, b) } else { (b, a) };
        let d = [high[0] - low[0], high[1] - low[1]];
        [low[0] + d[0] * 0.4 - d[1] * 0.1, low[1] + d[1] * 0.4 + d[0] * 0.1]
    };
    let mut cells = vec![];
    for j in 0..n {
        for i in 0..n {
            let corners = [nodes[j][i], nodes[j][i + 1], nodes[j + 1][i + 1], nodes[j + 1][i]];
            let mut ring = vec![];
            for k in 0..4 {
                ring.push(corners[k]);
                ring.push(bend(corners[k], corners[(k + 1) % 4]));
            }
            ring.push(ring[0]);
            cells.push(Geometry::polygon(&[ring]));
        }
    }
    cells
}

fn by_asking_all(polygons: &[Geometry], p: [f64; 2]) -> Vec<u32> {
    let holds = |g: &Geometry| {
        let edges = g.runs().flat_map(|r| g.xy[r].windows(2));
        edges.filter(|w| Edge::new(w[0], w[1]).is_crossed_from(p)).count() % 2 == 1
    };
    (0..polygons.len() as u32).filter(|&i| holds(&polygons[i as usize])).collect()
}

fn by_index(index: &PolygonIndex, p: [f64; 2]) -> Vec<u32> {
    let mut found = vec![];
    index.containing(p, |i| found.push(i));
    found
}

#[test]
fn the_index_says_what_asking_every_polygon_says() {
    let mut polygons = partition(9);
    // Overlaps, a hole, an island in it, two parts, and something that is no polygon.
    let square = |x: f64, y: f64, s: f64| vec![[x, y], [x + s, y], [x + s, y + s], [x, y + s], [x, y]];
    polygons.push(Geometry::polygon(&[square(114.302, 34.702, 0.004), square(114.303, 34.703, 0.001)]));
    polygons.push(Geometry::polygon(&[square(114.3032, 34.7032, 0.0003)]));
    let mut two = Geometry::polygon(&[square(114.301, 34.701, 0.001), square(114.306, 34.706, 0.002)]);
    two.parts = vec![1, 2];
    polygons.push(two);
    polygons.push(Geometry::line(square(114.3, 34.7, 0.01)));
    let index = PolygonIndex::build(polygons.iter().take(polygons.len() - 1), Fineness::Fine);
    polygons.pop();
    let mut random = Random(11);
    for _ in 0..20_000 {
        let p = [114.298 + random.next() * 0.013, 34.698 + random.next() * 0.013];
        assert_eq!(by_index(&index, p), by_asking_all(&polygons, p), "{p:?}");
    }
    for g in &polygons {
        for pair in g.xy.windows(2) {
            for t in [0.0, 0.25, 0.5, 0.9] {
                let p = [pair[0][0] + (pair[1][0] - pair[0][0]) * t, pair[0][1] + (pair[1][1] - pair[0][1]) * t];
                assert_eq!(by_index(&index, p), by_asking_all(&polygons, p), "{p:?}");
            }
        }
    }
}

#[test]
fn a_seamless_partition_gives_each_point_exactly_one_cell() {
    let polygons = partition(8);
    let index = PolygonIndex::build(polygons.iter(), Fineness::Fine);
    let mut random = Random(3);
    for _ in 0..20_000 {
        let p = [114.301 + random.next() * 0.006, 34.701 + random.next() * 0.006];
        assert_eq!(by_index(&index, p).len(), 1, "{p:?}");
    }
    // Nodes and border points of the inner cells.
    for (i, g) in polygons.iter().enumerate() {
        let (column, row) = (i % 8, i / 8);
        if !(1..7).contains(&column) || !(1..7).contains(&row) {
            continue;
        }
        for pair in g.xy.windows(2) {
            for k in 0..50 {
                let t = f64::from(k) / 50.0;
                let p = [pair[0][0] + (pair[1][0] - pair[0][0]) * t, pair[0][1] + (pair[1][1] - pair[0][1]) * t];
                assert_eq!(by_index(&index, p).len(), 1, "{p:?}");
            }
        }
    }
}

#[test]
fn the_edges_around_a_point_are_all_there() {
    let polygons = partition(6);
    let borders = Borders::build(polygons.iter());
    let mut random = Random(5);
    for _ in 0..500 {
        let [x, y] = [114.3 + random.next() * 0.006, 34.7 + random.next() * 0.006];
        let window = BBox::new(x - 1e-4, y - 1e-4, x + 1e-4, y + 1e-4);
        let mut found = vec![];
        borders.around(&window, |b| found.push((b.polygon, b.edge)));
        let all = polygons.iter().enumerate().flat_map(|(i, g)| g.xy.windows(2).map(move |w| (i as u32, w)));
        for (polygon, w) in all {
            let edge = Edge::new(w[0], w[1]);
            // Its middle or an end inside: it must not be missed.
            let points = [w[0], w[1], [(w[0][0] + w[1][0]) / 2.0, (w[0][1] + w[1][1]) / 2.0]];
            let meets = points.iter().any(|p| window.contains(&BBox::of(&[*p])));
            assert!(!meets || found.contains(&(polygon, edge)), "edge {edge:?} of {polygon} near {x} {y}");
        }
        assert!(found.iter().all(|(_, e)| e.meets(&window)));
    }
}

#[test]
fn nothing_is_fine() {
    let none = PolygonIndex::build([].iter(), Fineness::Fine);
    assert!(by_index(&none, [0.0, 0.0]).is_empty() && by_index(&none, [f64::NAN, 1.0]).is_empty());
    let line = [Geometry::line(vec![[1.0, 1.0], [2.0, 2.0]])];
    assert!(by_index(&PolygonIndex::build(line.iter(), Fineness::Fine), [5.0, 5.0]).is_empty());
    let level = [Geometry::polygon(&[vec![[1.0, 1.0], [2.0, 1.0], [1.0, 1.0]]])];
    assert!(
        by_index(&PolygonIndex::build(level.iter(), Fineness::Fine), [1.5, 1.0]).is_empty(),
        "without an area it holds nothing"
    );
}
