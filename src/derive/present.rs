//! Which vertices are still there, by place: a k-d tree (Bentley 1975) that forgets vertices as they are removed and
//! answers one question, whether any is left in a triangle. Knows no rings.

/// Vertices of a leaf.
const LEAF: usize = 8;

/// A tree over points whose numbers are their positions in the slice it was made of.
pub struct Present {
    /// Point numbers, leaf after leaf.
    order: Vec<u32>,
    /// Where each point stands in `order`.
    place: Vec<u32>,
    gone: Vec<bool>,
    nodes: Vec<Node>,
}

struct Node {
    min: [f64; 2],
    max: [f64; 2],
    from: u32,
    to: u32,
    /// Points of it that are still there.
    left: u32,
    /// Its two halves are this node and the next; 0 for a leaf.
    halves: u32,
}

impl Present {
    pub fn new(xy: &[[f64; 2]]) -> Present {
        let mut order: Vec<u32> = (0..xy.len() as u32).collect();
        let mut nodes = vec![Node::over(xy, &order, 0, xy.len())];
        let mut next = 0;
        while next < nodes.len() {
            let (from, to) = (nodes[next].from as usize, nodes[next].to as usize);
            if to - from > LEAF {
                let (min, max) = (nodes[next].min, nodes[next].max);
                let axis = usize::from(max[1] - min[1] > max[0] - min[0]);
                let middle = (to - from) / 2;
                let along = |n: &u32| xy[*n as usize][axis];
                order[from..to].select_nth_unstable_by(middle, |a, b| along(a).total_cmp(&along(b)));
                nodes[next].halves = nodes.len() as u32;
                for (from, to) in [(from, from + middle), (from + middle, to)] {
                    nodes.push(Node::over(xy, &order, from, to));
                }
            }
            next += 1;
        }
        let mut place = vec![0; xy.len()];
        order.iter().enumerate().for_each(|(i, &n)| place[n as usize] = i as u32);
        Present { gone: vec![false; order.len()], order, place, nodes }
    }

    /// Forgets a point; a second time is nothing.
    pub fn remove(&mut self, point: u32) {
        let at = self.place[point as usize];
        if std::mem::replace(&mut self.gone[at as usize], true) {
            return;
        }
        let mut n = 0;
        loop {
            self.nodes[n].left -= 1;
            let halves = self.nodes[n].halves as usize;
            if halves == 0 {
                return;
            }
            n = halves + usize::from(self.nodes[halves].to <= at);
        }
    }

    /// Any point still there in the closed triangle but for its corners, given by number.
    pub fn within(&self, corners: [u32; 3], xy: &[[f64; 2]]) -> Option<u32> {
        let triangle = Triangle::new(corners.map(|c| xy[c as usize]));
        let mut todo = [0u32; 64];
        let mut depth = 1;
        while depth > 0 {
            depth -= 1;
            let node = &self.nodes[todo[depth] as usize];
            if node.left == 0 || triangle.misses(node.min, node.max) {
                continue;
            }
            if node.halves > 0 && depth + 2 <= todo.len() {
                todo[depth] = node.halves;
                todo[depth + 1] = node.halves + 1;
                depth += 2;
                continue;
            }
            for i in node.from..node.to {
                let n = self.order[i as usize];
                if !self.gone[i as usize] && !corners.contains(&n) && triangle.contains(xy[n as usize]) {
                    return Some(n);
                }
            }
        }
        None
    }
}

impl Node {
    fn over(xy: &[[f64; 2]], order: &[u32], from: usize, to: usize) -> Node {
        let (mut min, mut max) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
        for p in order[from..to].iter().map(|&n| xy[n as usize]) {
            for k in 0..2 {
                min[k] = min[k].min(p[k]);
                max[k] = max[k].max(p[k]);
            }
        }
        Node { min, max, from: from as u32, to: to as u32, left: (to - from) as u32, halves: 0 }
    }
}

struct Triangle {
    corners: [[f64; 2]; 3],
    min: [f64; 2],
    max: [f64; 2],
}

impl Triangle {
    fn new(mut corners: [[f64; 2]; 3]) -> Triangle {
        if side(corners[0], corners[1], corners[2]) < 0.0 {
            corners.swap(1, 2);
        }
        let of = |k: usize, better: fn(f64, f64) -> f64| better(better(corners[0][k], corners[1][k]), corners[2][k]);
        Triangle { min: [of(0, f64::min), of(1, f64::min)], max: [of(0, f64::max), of(1, f64::max)], corners }
    }

    fn edges(&self) -> [([f64; 2], [f64; 2]); 3] {
        let [a, b, c] = self.corners;
        [(a, b), (b, c), (c, a)]
    }

    /// On the edge counts as inside; of a flat one, what lies along it between its ends.
    fn contains(&self, p: [f64; 2]) -> bool {
        (0..2).all(|k| self.min[k] <= p[k] && p[k] <= self.max[k])
            && self.edges().iter().all(|&(a, b)| side(a, b, p) >= 0.0)
    }

    /// True only if no point of a box can be inside: it lies beyond an edge, or beyond the triangle's own box.
    fn misses(&self, min: [f64; 2], max: [f64; 2]) -> bool {
        let apart = (0..2).any(|k| max[k] < self.min[k] || self.max[k] < min[k]);
        apart
            || self.edges().iter().any(|&(a, b)| {
                // The corner of the box that is farthest to the inner side of the edge.
                let x = if b[1] > a[1] { min[0] } else { max[0] };
                let y = if b[0] > a[0] { max[1] } else { min[1] };
                side(a, b, [x, y]) < 0.0
            })
    }
}

/// Twice the area of a, b, p: positive where p is to the left.
fn side(a: [f64; 2], b: [f64; 2], p: [f64; 2]) -> f64 {
    (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(n: usize) -> Vec<[f64; 2]> {
        let at = |i: usize| ((i * 7919 + 13) % 1009) as f64 / 1009.0;
        (0..n).map(|i| [at(i), at(i * 31 + 7)]).collect()
    }

    #[test]
    fn the_same_as_looking_at_every_point() {
        let xy = noise(700);
        let mut present = Present::new(&xy);
        let mut left = vec![true; xy.len()];
        let (mut some, mut none) = (0, 0);
        for i in 0..5000usize {
            let corners = [i * 3 % 700, (i * 7 + 1) % 700, (i * 13 + 5) % 700].map(|n| n as u32);
            let t = Triangle::new(corners.map(|c| xy[c as usize]));
            let expected = (0..700u32).any(|n| left[n as usize] && !corners.contains(&n) && t.contains(xy[n as usize]));
            let found = present.within(corners, &xy);
            assert_eq!(found.is_some(), expected, "{corners:?}");
            assert!(found.is_none_or(|n| left[n as usize] && t.contains(xy[n as usize])));
            *(if expected { &mut some } else { &mut none }) += 1;
            if i % 8 == 0 {
                let n = i / 8 % 700;
                left[n] = false;
                present.remove(n as u32);
                present.remove(n as u32);
            }
        }
        assert!(some > 100 && none > 100, "{some}, {none}");
    }

    #[test]
    fn a_flat_triangle_has_what_lies_along_it() {
        let xy = [[0.0, 0.0], [1.0, 0.0], [2.0, 0.0], [1.5, 0.0], [3.0, 0.0], [1.0, 0.1]];
        let mut present = Present::new(&xy);
        assert_eq!(present.within([0, 1, 2], &xy), Some(3));
        present.remove(3);
        assert_eq!(present.within([0, 1, 2], &xy), None);
    }
}
