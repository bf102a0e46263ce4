//! Things in a row along streets: exactly as many as asked, evenly by weighted length, on both sides.

use super::Plan;
use super::mesh::{NONE, Pt};
use crate::sample::rng::Rng;

/// A place at a street's side.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    pub edge: u32,
    /// The face on that side: its unit grid.
    pub face: u32,
    /// Distance from the edge's first node.
    pub along_m: f64,
    /// +1 on the left of a → b, −1 on the right.
    pub side: f64,
}

impl Place {
    /// The point `off_m` from the middle of the street, and the direction to look at the carriageway, in degrees
    /// clockwise from north.
    pub fn point(&self, plan: &Plan, off_m: f64) -> (Pt, f64) {
        let (p, d) = plan.edge(self.edge).at(self.along_m, off_m * self.side);
        let to_middle = [d[1] * self.side, -d[0] * self.side];
        let yaw_deg = to_middle[0].atan2(to_middle[1]).to_degrees().rem_euclid(360.0);
        (p, (yaw_deg * 10.0).round() / 10.0)
    }
}

/// Calls `each` for `n` places along `edges`; `weight` is how many things a metre of an edge attracts.
pub fn spread<E>(
    plan: &Plan,
    edges: &[u32],
    n: usize,
    mut rng: Rng,
    weight: impl Fn(u32) -> f64,
    mut each: impl FnMut(usize, Place, &mut Rng) -> Result<(), E>,
) -> Result<(), E> {
    let mut sides: Vec<(u32, bool, f64)> = vec![];
    let mut sum = 0.0;
    for &edge in edges {
        let e = plan.edge(edge);
        let w = weight(edge) * e.length_m;
        for (left, face) in [(true, e.left), (false, e.right)] {
            if face != NONE && plan.face(face).core && w > 0.0 {
                sum += w;
                sides.push((edge, left, sum));
            }
        }
    }
    let mut at = 0;
    for k in 0..n {
        let Some(last) = sides.len().checked_sub(1) else { break };
        let s = (k as f64 + 0.5 + rng.between(-0.32, 0.32)) * sum / n as f64;
        while at < last && sides[at].2 < s {
            at += 1;
        }
        let (edge, left, upto) = sides[at];
        let e = plan.edge(edge);
        let share = ((upto - s) / (weight(edge) * e.length_m)).clamp(0.0, 1.0);
        // Clear of the crossings.
        let margin = (e.length_m * 0.2).min(9.0);
        let along_m = margin + share * (e.length_m - 2.0 * margin);
        let face = if left { e.left } else { e.right };
        each(k, Place { edge, face, along_m, side: if left { 1.0 } else { -1.0 } }, &mut rng)?;
    }
    Ok(())
}

/// Cuts `edges` into exactly `n` pieces by length: `each(edge, from_m, to_m, number on the edge)`. Edges too short
/// for one are left out.
pub fn pieces<E>(
    plan: &Plan,
    edges: &[u32],
    n: usize,
    mut each: impl FnMut(u32, f64, f64, usize) -> Result<(), E>,
) -> Result<(), E> {
    let total: f64 = edges.iter().map(|&e| plan.edge(e).length_m).sum();
    let (mut sum, mut given) = (0.0, 0);
    for (i, &e) in edges.iter().enumerate() {
        let length_m = plan.edge(e).length_m;
        sum += length_m;
        let upto = if i + 1 == edges.len() { n } else { ((sum / total * n as f64) as usize).min(n) };
        let share = upto - given;
        given = upto;
        for k in 0..share {
            let at = |k: usize| length_m * k as f64 / share as f64;
            each(e, at(k), at(k + 1), k)?;
        }
    }
    Ok(())
}
