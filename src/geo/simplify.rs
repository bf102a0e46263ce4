//! Simplification ranked once: every vertex gets the largest tolerance at which Douglas–Peucker (1973) would still
//! keep it, so that any zoom is a filter and coarser results are subsets of finer ones.

/// Replaces `out` with one importance per vertex of `line`, in the line's units: infinite at both ends, the
/// distance from the chord elsewhere, never above that of the vertex whose split it depends on. For a closed ring the
/// chord is its first point. Not finite coordinates count as far away, so that they stay to be seen.
pub fn importance(line: &[[f64; 2]], out: &mut Vec<f64>) {
    out.clear();
    out.resize(line.len(), 0.0);
    let Some(last) = line.len().checked_sub(1) else { return };
    out[0] = f64::INFINITY;
    out[last] = f64::INFINITY;
    // (first, last, importance of the split that made this stretch)
    let mut stretches = vec![(0, last, f64::INFINITY)];
    while let Some((from, to, bound)) = stretches.pop() {
        let Some((at, distance)) = farthest(line, from, to) else { continue };
        out[at] = distance.min(bound);
        stretches.push((from, at, out[at]));
        stretches.push((at, to, out[at]));
    }
}

/// The vertex strictly between two others that is farthest from their chord; the first of equals.
fn farthest(line: &[[f64; 2]], from: usize, to: usize) -> Option<(usize, f64)> {
    let (a, b) = (line[from], line[to]);
    let mut best: Option<(usize, f64)> = None;
    for (i, p) in line.iter().enumerate().take(to).skip(from + 1) {
        let d = distance_squared(*p, a, b);
        let d = if d.is_nan() { f64::INFINITY } else { d };
        if best.is_none_or(|(_, most)| d > most) {
            best = Some((i, d));
        }
    }
    best.map(|(i, d)| (i, d.sqrt()))
}

/// Squared distance of `p` from the segment `a`–`b`.
fn distance_squared(p: [f64; 2], a: [f64; 2], b: [f64; 2]) -> f64 {
    let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
    let length = dx * dx + dy * dy;
    let t = if length > 0.0 { (((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / length).clamp(0.0, 1.0) } else { 0.0 };
    let (ex, ey) = (p[0] - (a[0] + t * dx), p[1] - (a[1] + t * dy));
    ex * ex + ey * ey
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noisy(n: usize) -> Vec<[f64; 2]> {
        let noise = |i: usize| ((i * 7919 + 13) % 101) as f64 / 101.0;
        (0..n).map(|i| [i as f64 * 0.1, (i as f64 * 0.05).sin() + 0.2 * noise(i)]).collect()
    }

    fn kept(line: &[[f64; 2]], tolerance: f64) -> Vec<usize> {
        let mut ranks = vec![];
        importance(line, &mut ranks);
        (0..line.len()).filter(|&i| ranks[i] > tolerance).collect()
    }

    /// Douglas–Peucker by the book.
    fn by_the_book(line: &[[f64; 2]], from: usize, to: usize, tolerance: f64, out: &mut Vec<usize>) {
        if let Some((at, _)) = farthest(line, from, to).filter(|f| f.1 > tolerance) {
            by_the_book(line, from, at, tolerance, out);
            out.push(at);
            by_the_book(line, at, to, tolerance, out);
        }
    }

    #[test]
    fn a_filter_by_importance_is_douglas_peucker() {
        let line = noisy(400);
        for tolerance in [0.0, 0.01, 0.05, 0.1, 0.3, 1.0] {
            let mut expected = vec![0];
            by_the_book(&line, 0, line.len() - 1, tolerance, &mut expected);
            expected.push(line.len() - 1);
            assert_eq!(kept(&line, tolerance), expected, "tolerance {tolerance}");
        }
    }

    #[test]
    fn what_is_left_out_lies_within_the_tolerance() {
        let line = noisy(300);
        for tolerance in [0.02, 0.1, 0.5] {
            for pair in kept(&line, tolerance).windows(2) {
                for p in &line[pair[0]..=pair[1]] {
                    assert!(distance_squared(*p, line[pair[0]], line[pair[1]]).sqrt() <= tolerance + 1e-12);
                }
            }
        }
    }

    #[test]
    fn short_lines_rings_and_wild_numbers() {
        let mut ranks = vec![1.0];
        importance(&[], &mut ranks);
        assert!(ranks.is_empty());
        importance(&[[1.0, 1.0]], &mut ranks);
        assert_eq!(ranks, [f64::INFINITY]);
        importance(&[[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0]], &mut ranks);
        assert_eq!(ranks[2], 2f64.sqrt());
        importance(&[[0.0, 0.0], [f64::NAN, 0.0], [1.0, 1.0]], &mut ranks);
        assert_eq!(ranks[1], f64::INFINITY);
    }
}
