//! Waters of the 1:1000 map: lakes with their shores, canals, ditches, ponds, the Yellow River.

use super::basemap::map_row;
use super::delivery::Rows;
use super::plan::Plan;
use super::plan::block::{blob, point_in, soften};
use super::plan::corridor::{self, half_corridor_m};
use super::plan::layout::Use;
use super::plan::mesh::{NONE, Pt, area, centroid, distance, lerp};
use super::plan::spread::pieces;
use super::plan::streets::Class;
use super::rng::{Rng, noise};
use super::write::{Shape, Val};
use crate::error::Result;

pub fn water_lines(plan: &Plan, rows: &mut Rows) -> Result<()> {
    let mut rng = Rng::of(plan.seed, "water lines", 0);
    let n = plan.count("bm_water_line");
    let of = |wanted: &dyn Fn(&super::plan::streets::Edge) -> bool| {
        (0..plan.edges.len() as u32).filter(|&e| wanted(plan.edge(e))).collect::<Vec<_>>()
    };
    let canals = of(&|e| e.canal && e.core);
    let ditches = of(&|e| e.class == Class::Field && e.left != NONE && e.right != NONE);
    let first = canals.len().min(n / 3);
    for (edges, n, kind) in [(canals, first, "运河"), (ditches, n - first, "沟渠")] {
        pieces(plan, &edges, n, |e, from, to, _| {
            let line = plan.edge(e).part(from, to, if kind == "运河" { 0.0 } else { 7.0 });
            let name = if kind == "运河" { canal_name(plan, e) } else { "" };
            let own = [
                ("water_name", if name.is_empty() { Val::Null } else { name.into() }),
                ("water_type", kind.into()),
                ("flow_direction", if rng.chance(0.9) { "正向".into() } else { Val::Null }),
            ];
            map_row(rows, Shape::Line(&line), line[0], ("210101", "河流"), &mut rng, &own)
        })?;
    }
    Ok(())
}

fn canal_name(plan: &Plan, e: u32) -> &'static str {
    if plan.edge(e).points[0][0] > super::plan::ground::CENTRE[0] { "惠济河" } else { "黄汴河" }
}

/// The shore of a lake: its block drawn in and rounded.
pub fn shore(plan: &Plan, f: u32) -> Vec<Pt> {
    let size = plan.face(f).area_m2.sqrt();
    let banks = corridor::inset(plan, f, |e| half_corridor_m(plan, e) + (size * 0.02).min(12.0)).closed();
    let centre = centroid(&banks);
    let mean = banks.iter().map(|&p| distance(p, centre)).sum::<f64>() / banks.len() as f64;
    let mut shore: Vec<Pt> = vec![];
    for w in banks.windows(2) {
        let steps = (distance(w[0], w[1]) / (size * 0.05)).ceil().max(1.0);
        for k in 0..steps as usize {
            let p = lerp(w[0], w[1], k as f64 / steps);
            // Corners fill up with land, bays come and go.
            let corner = (distance(p, centre) / mean - 1.0).max(0.0);
            let bay = 0.5 + 0.5 * noise(plan.seed ^ 5, p[0], p[1], size * 0.3);
            shore.push(lerp(p, centre, (0.30 * corner + 0.13 * bay).min(0.35)));
        }
    }
    shore.extend(shore.first().copied());
    soften(&shore)
}

pub fn water_areas(plan: &Plan, rows: &mut Rows) -> Result<()> {
    let mut rng = Rng::of(plan.seed, "water areas", 0);
    let mut left = plan.count("bm_water_area");
    let mut put = |rows: &mut Rows, rng: &mut Rng, ring: Vec<Pt>, name: Option<&str>, kind: &str| {
        let own = [
            ("water_name", name.map_or(Val::Null, Val::Text)),
            ("water_type", kind.into()),
            ("area_m2", area(&ring).into()),
        ];
        left = left.saturating_sub(1);
        map_row(rows, Shape::Polygon(std::slice::from_ref(&ring)), ring[0], ("230101", "湖泊"), rng, &own)?;
        Ok::<usize, crate::error::Error>(left)
    };
    let mut left = put(rows, &mut rng, yellow_river(plan), Some("黄河"), "河流")?;
    for &f in plan.grids.iter().filter(|&&f| plan.face(f).kind == Use::Lake) {
        if left > 1 {
            left = put(rows, &mut rng, shore(plan, f), plan.face(f).name(), "湖泊")?;
        }
    }
    let canals: Vec<u32> = (0..plan.edges.len() as u32).filter(|&e| plan.edge(e).canal && plan.edge(e).core).collect();
    for e in canals {
        if left <= plan.count("bm_water_area") / 2 || left <= 1 {
            break;
        }
        let edge = plan.edge(e);
        let mut ring = edge.part(0.0, edge.length_m, -10.0);
        ring.extend(edge.part(0.0, edge.length_m, 10.0).into_iter().rev());
        ring.push(ring[0]);
        left = put(rows, &mut rng, ring, Some(canal_name(plan, e)), "运河")?;
    }
    let ponds = plan.allot(left, &plan.country, |f| f.area_m2.sqrt()).collect::<Vec<_>>();
    for (f, n) in ponds {
        for _ in 0..n {
            let c = lerp(plan.face(f).centre, point_in(&plan.ring(f), &mut rng), 0.6);
            let radius_m = rng.between(18.0, 70.0);
            let ring = blob(c, radius_m, 24, &mut rng);
            put(rows, &mut rng, ring, None, "池塘")?;
        }
    }
    Ok(())
}

/// The river along the prefecture's northern border.
fn yellow_river(plan: &Plan) -> Vec<Pt> {
    let bank = |k: usize, wide: f64| {
        let x = -23_000.0 + 3_250.0 * k as f64;
        let y = 13_200.0 + x * 0.10 + 900.0 * (x / 6_000.0).sin() + wide;
        plan.ground.bend([x, y])
    };
    let mut ring: Vec<Pt> = (0..=24).map(|k| bank(k, 0.0)).collect();
    ring.extend((0..=24).rev().map(|k| bank(k, 1_700.0 + 500.0 * (k as f64 * 0.9).sin())));
    ring.push(ring[0]);
    ring
}
