//! Cuts flat geometry against a rectangle: points, lines (Liang–Barsky 1984), rings (Sutherland–Hodgman 1974).
//! It does not repair: a concave ring cut apart stays one ring joined along the rectangle's edge; the tile
//! encoder takes such joins apart after rounding.
//!
//! A cut point is computed from the two ends in a fixed order, so that neighbours which share a border in
//! opposite directions get the same point.

use super::{BBox, GeometryKind};

/// Room for results, used again and again. Parts as in `feature::Geometry`; rings come out closed.
#[derive(Debug, Default, Clone)]
pub struct ClippedBuffers {
    pub xy: Vec<[f64; 2]>,
    pub ends: Vec<u32>,
    pub parts: Vec<u32>,
    ring: [Vec<[f64; 2]>; 2],
}

impl ClippedBuffers {
    pub fn clear(&mut self) {
        self.xy.clear();
        self.ends.clear();
        self.parts.clear();
    }

    pub fn is_empty(&self) -> bool {
        self.xy.is_empty()
    }
}

/// Replaces `out` with what of the shape lies in `rect` (its edge included). `xy`, `ends` and `parts` are as in
/// `feature::Geometry`; a ring may be closed or not.
///
/// * A line inside stays one part with its own vertices; one that leaves and returns becomes several; one that
///   only touches the edge in a point vanishes.
/// * A polygon around the whole rectangle becomes the rectangle; a hole around it leaves nothing.
/// * Not finite coordinates are outside of every rectangle: the vertex, segment or ring is left out.
pub fn clip(kind: GeometryKind, xy: &[[f64; 2]], ends: &[u32], parts: &[u32], rect: &BBox, out: &mut ClippedBuffers) {
    out.clear();
    match kind {
        GeometryKind::Point => out.xy.extend(xy.iter().filter(|p| inside(p, rect))),
        GeometryKind::Line => {
            let mut from = 0;
            for &end in ends {
                clip_line(&xy[from..end as usize], rect, out);
                from = end as usize;
            }
        }
        GeometryKind::Polygon => clip_polygons(xy, ends, parts, rect, out),
    }
}

fn inside(p: &[f64; 2], r: &BBox) -> bool {
    r.min_x <= p[0] && p[0] <= r.max_x && r.min_y <= p[1] && p[1] <= r.max_y
}

fn clip_line(line: &[[f64; 2]], rect: &BBox, out: &mut ClippedBuffers) {
    let start = out.xy.len();
    if line.iter().all(|p| inside(p, rect)) {
        out.xy.extend_from_slice(line);
        close_line(start, out);
        return;
    }
    let mut start = start;
    for s in line.windows(2) {
        let Some((a, b)) = clip_segment(s[0], s[1], rect) else {
            start = close_line(start, out);
            continue;
        };
        // A segment that enters begins a new part, also where the one before ended on the edge.
        if a != s[0] {
            start = close_line(start, out);
        }
        if out.xy.len() == start {
            out.xy.push(a);
        }
        out.xy.push(b);
        if b != s[1] {
            start = close_line(start, out);
        }
    }
    close_line(start, out);
}

/// Ends the part that began at `start`; a part without length is taken back. Where the next one begins.
fn close_line(start: usize, out: &mut ClippedBuffers) -> usize {
    let part = &out.xy[start..];
    match part.iter().any(|p| *p != part[0]) {
        true => out.ends.push(out.xy.len() as u32),
        false => out.xy.truncate(start),
    }
    out.xy.len()
}

/// Liang–Barsky: the piece of a segment in the rectangle, unmoved ends bit for bit.
fn clip_segment(a: [f64; 2], b: [f64; 2], r: &BBox) -> Option<([f64; 2], [f64; 2])> {
    if inside(&a, r) && inside(&b, r) {
        return Some((a, b));
    }
    if !(a[0] - b[0] + a[1] - b[1]).is_finite() {
        return None;
    }
    let ordered = a <= b;
    let (p, q) = if ordered { (a, b) } else { (b, a) };
    let d = [q[0] - p[0], q[1] - p[1]];
    let (mut t0, mut t1) = (0.0f64, 1.0f64);
    let (mut edge0, mut edge1) = (None, None);
    for (k, low, high) in [(0, r.min_x, r.max_x), (1, r.min_y, r.max_y)] {
        if d[k] == 0.0 {
            if p[k] < low || p[k] > high {
                return None;
            }
            continue;
        }
        let (enter, leave) = if d[k] > 0.0 { (low, high) } else { (high, low) };
        let (t_in, t_out) = ((enter - p[k]) / d[k], (leave - p[k]) / d[k]);
        if t_in > t0 {
            (t0, edge0) = (t_in, Some((k, enter)));
        }
        if t_out < t1 {
            (t1, edge1) = (t_out, Some((k, leave)));
        }
    }
    if t0 > t1 {
        return None;
    }
    let at = |t: f64, edge: Option<(usize, f64)>, end: [f64; 2]| {
        let Some((k, v)) = edge else { return end };
        let mut c = [p[0] + d[0] * t, p[1] + d[1] * t];
        c[k] = v;
        [c[0].clamp(r.min_x, r.max_x), c[1].clamp(r.min_y, r.max_y)]
    };
    let (first, second) = (at(t0, edge0, p), at(t1, edge1, q));
    Some(if ordered { (first, second) } else { (second, first) })
}

fn clip_polygons(xy: &[[f64; 2]], ends: &[u32], parts: &[u32], rect: &BBox, out: &mut ClippedBuffers) {
    let mut first_ring = 0;
    for &last_ring in parts {
        let (vertices, rings, polygons) = (out.xy.len(), out.ends.len(), out.parts.len());
        for ring in first_ring..last_ring as usize {
            let from = if ring == 0 { 0 } else { ends[ring - 1] as usize };
            let cut = clip_ring(&xy[from..ends[ring] as usize], rect, out);
            match (cut, ring == first_ring) {
                // No exterior, no polygon; a hole around everything leaves nothing either.
                (Cut::Nothing, true) | (Cut::Everything, false) => {
                    out.xy.truncate(vertices);
                    out.ends.truncate(rings);
                    break;
                }
                (Cut::Nothing, false) => {}
                (Cut::Ring, _) | (Cut::Everything, true) => out.ends.push(out.xy.len() as u32),
            }
        }
        if out.ends.len() > rings {
            out.parts.push(out.ends.len() as u32);
        }
        debug_assert!(out.parts.len() <= polygons + 1);
        first_ring = last_ring as usize;
    }
}

enum Cut {
    Nothing,
    Ring,
    /// The ring is the rectangle.
    Everything,
}

/// Appends the cut ring, closed.
fn clip_ring(ring: &[[f64; 2]], rect: &BBox, out: &mut ClippedBuffers) -> Cut {
    let open = match ring {
        [first, rest @ .., last] if first == last && !rest.is_empty() => &ring[..ring.len() - 1],
        _ => ring,
    };
    if open.len() < 3 || open.iter().any(|p| !(p[0] + p[1]).is_finite()) {
        return Cut::Nothing;
    }
    let bbox = BBox::of(open);
    if !bbox.intersects(rect) {
        return Cut::Nothing;
    }
    if rect.contains(&bbox) {
        out.xy.extend_from_slice(open);
        out.xy.push(open[0]);
        return Cut::Ring;
    }
    let [mut from, mut to] = std::mem::take(&mut out.ring);
    from.clear();
    from.extend_from_slice(open);
    // Only the edges that the ring crosses.
    let edges = [
        (bbox.min_x < rect.min_x, 0, rect.min_x, 1.0),
        (bbox.max_x > rect.max_x, 0, rect.max_x, -1.0),
        (bbox.min_y < rect.min_y, 1, rect.min_y, 1.0),
        (bbox.max_y > rect.max_y, 1, rect.max_y, -1.0),
    ];
    for (_, axis, limit, side) in edges.into_iter().filter(|e| e.0) {
        to.clear();
        clip_half_plane(&from, axis, limit, side, &mut to);
        std::mem::swap(&mut from, &mut to);
    }
    let cut = judge(&from, rect);
    if !matches!(cut, Cut::Nothing) {
        out.xy.extend_from_slice(&from);
        out.xy.push(from[0]);
    }
    out.ring = [from, to];
    cut
}

/// One step of Sutherland–Hodgman: keeps what has `side · (coordinate − limit) ≥ 0`.
fn clip_half_plane(ring: &[[f64; 2]], axis: usize, limit: f64, side: f64, to: &mut Vec<[f64; 2]>) {
    let Some(mut before) = ring.last().copied() else { return };
    let kept = |p: &[f64; 2]| side * (p[axis] - limit) >= 0.0;
    let mut before_kept = kept(&before);
    for &p in ring {
        let p_kept = kept(&p);
        if p_kept != before_kept {
            push_new(to, crossing(before, p, axis, limit));
        }
        if p_kept {
            push_new(to, p);
        }
        (before, before_kept) = (p, p_kept);
    }
    while to.len() > 1 && to.first() == to.last() {
        to.pop();
    }
}

fn push_new(to: &mut Vec<[f64; 2]>, p: [f64; 2]) {
    if to.last() != Some(&p) {
        to.push(p);
    }
}

fn crossing(a: [f64; 2], b: [f64; 2], axis: usize, limit: f64) -> [f64; 2] {
    let (p, q) = if a <= b { (a, b) } else { (b, a) };
    let t = (limit - p[axis]) / (q[axis] - p[axis]);
    let other = 1 - axis;
    let mut c = [0.0; 2];
    c[axis] = limit;
    c[other] = p[other] + (q[other] - p[other]) * t;
    c
}

fn judge(ring: &[[f64; 2]], rect: &BBox) -> Cut {
    if ring.len() < 3 {
        return Cut::Nothing;
    }
    let area = super::ring::signed_area(ring).abs();
    let whole = rect.width() * rect.height();
    match area {
        0.0 => Cut::Nothing,
        // A ring cannot be larger than the rectangle it was cut to, unless it winds around it twice.
        a if a >= whole * (1.0 - 1e-12) && on_edge(ring, rect) => Cut::Everything,
        _ => Cut::Ring,
    }
}

fn on_edge(ring: &[[f64; 2]], r: &BBox) -> bool {
    ring.iter().all(|p| p[0] == r.min_x || p[0] == r.max_x || p[1] == r.min_y || p[1] == r.max_y)
}

#[cfg(test)]
#[path = "clip_tests.rs"]
mod tests;
