//! Heights of the 1:1000 map: control points, spot heights, contours, scarps.

use super::basemap::map_row;
use super::delivery::Rows;
use super::plan::Plan;
use super::plan::block::point_in;
use super::plan::mesh::{NONE, Pt, inside, lerp};
use super::plan::spread::pieces;
use super::plan::streets::Class;
use super::rng::Rng;
use super::write::{Shape, Val};
use crate::error::Result;

const TILE_M: f64 = 250.0;
const CELLS: usize = 12;
const INTERVAL_M: f64 = 0.25;

pub fn control_points(plan: &Plan, rows: &mut Rows) -> Result<()> {
    let mut rng = Rng::of(plan.seed, "control", 0);
    let mut k = 0;
    for (f, n) in plan.allot(plan.count("bm_control_point"), &plan.grids, |f| f.area_m2) {
        for _ in 0..n {
            let at = point_in(&plan.ring(f), &mut rng);
            let height = plan.ground.height(at);
            k += 1;
            let grade = rng.weighted(&[("一级导线点", 3.0), ("二级导线点", 4.0), ("图根点", 6.0), ("三等水准点", 1.0)]);
            let own = [
                ("point_no", Val::Own(format!("KF{k:05}"))),
                ("point_grade", (*grade).into()),
                ("elevation_1985", height.into()),
            ];
            map_row(rows, Shape::PointZ(at, height), at, ("110102", "控制点"), &mut rng, &own)?;
        }
    }
    Ok(())
}

pub fn spot_heights(plan: &Plan, rows: &mut Rows) -> Result<()> {
    let mut rng = Rng::of(plan.seed, "spots", 0);
    for (f, n) in plan.allot(plan.count("bm_elevation_point"), &plan.grids, |f| f.area_m2) {
        let ring = if n > 0 { plan.ring(f) } else { vec![] };
        for _ in 0..n {
            let at = point_in(&ring, &mut rng);
            let height = ((plan.ground.height(at) + rng.between(-0.04, 0.04)) * 100.0).round() / 100.0;
            let own = [("elevation_1985", height.into()), ("point_type", "一般高程点".into())];
            map_row(rows, Shape::PointZ(at, height), at, ("720100", "高程点"), &mut rng, &own)?;
        }
    }
    Ok(())
}

/// Contours sheet by sheet, then scarps along canals, railways and field walls.
pub fn landforms(plan: &Plan, rows: &mut Rows) -> Result<()> {
    let n = plan.count("bm_landform_line");
    let mut rng = Rng::of(plan.seed, "landforms", 0);
    let mut left = n;
    let r = plan.ground.core_radius_m * 1.15;
    let tiles = (r / TILE_M).ceil() as i64;
    let core: Vec<Pt> = core_outline(plan);
    'sheets: for ty in -tiles..tiles {
        for tx in -tiles..tiles {
            let c = super::plan::ground::CENTRE;
            let corner = [c[0] + tx as f64 * TILE_M, c[1] + ty as f64 * TILE_M];
            if !inside(&core, [corner[0] + TILE_M / 2.0, corner[1] + TILE_M / 2.0]) {
                continue;
            }
            for (height, line) in contours(plan, corner) {
                if left * 2 <= n {
                    break 'sheets;
                }
                left -= 1;
                let index = ((height / INTERVAL_M).round() as i64) % 5 == 0;
                let own = [
                    ("landform_type", if index { "计曲线" } else { "首曲线" }.into()),
                    ("elevation_1985", height.into()),
                ];
                map_row(rows, Shape::Line(&line), line[0], ("710101", "等高线"), &mut rng, &own)?;
            }
        }
    }
    let banks: Vec<u32> = (0..plan.edges.len() as u32)
        .filter(|&e| {
            plan.edge(e).core && (plan.edge(e).canal || matches!(plan.edge(e).class, Class::Railway | Class::Path))
        })
        .collect();
    pieces(plan, &banks, left, |e, from, to, k| {
        let edge = plan.edge(e);
        let side = if k.is_multiple_of(2) { 1.0 } else { -1.0 };
        let off = side
            * if edge.canal {
                11.5
            } else if edge.class == Class::Railway {
                6.5
            } else {
                1.0
            };
        let line = edge.part(from, to.min(from + 40.0), off);
        let own = [
            ("landform_type", if edge.class == Class::Path { "陡坎" } else { "斜坡" }.into()),
            ("relative_height_m", rng.between(0.3, 2.4).into()),
        ];
        map_row(rows, Shape::Line(&line), line[0], ("750600", "陡坎"), &mut rng, &own)
    })
}

fn core_outline(plan: &Plan) -> Vec<Pt> {
    let rings = super::plan::dissolve::dissolve(plan, &plan.grids);
    debug_assert!(plan.edges.iter().all(|e| e.left != NONE || e.right != NONE));
    rings.into_iter().next().and_then(|p| p.into_iter().next()).unwrap_or_default()
}

/// Contour lines of one sheet by marching squares: (height, line).
fn contours(plan: &Plan, corner: Pt) -> Vec<(f64, Vec<Pt>)> {
    let step = TILE_M / CELLS as f64;
    let at = |i: usize, j: usize| [corner[0] + i as f64 * step, corner[1] + j as f64 * step];
    let h: Vec<Vec<f64>> =
        (0..=CELLS).map(|j| (0..=CELLS).map(|i| plan.ground.height(at(i, j)) + 1e-5).collect()).collect();
    let all = h.iter().flatten().copied();
    let (low, high) = (all.clone().fold(f64::INFINITY, f64::min), all.fold(f64::NEG_INFINITY, f64::max));
    let mut out = vec![];
    let mut level = (low / INTERVAL_M).ceil() * INTERVAL_M;
    while level < high {
        let mut parts: Vec<(Pt, Pt)> = vec![];
        for j in 0..CELLS {
            for i in 0..CELLS {
                let corners = [(i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1)];
                let mut cuts = vec![];
                for k in 0..4 {
                    // The same side gives the same point in both cells: always from its lower index.
                    let (a, b) = (corners[k].min(corners[(k + 1) % 4]), corners[k].max(corners[(k + 1) % 4]));
                    let (ha, hb) = (h[a.1][a.0], h[b.1][b.0]);
                    if (ha < level) != (hb < level) {
                        let p = lerp(at(a.0, a.1), at(b.0, b.1), (level - ha) / (hb - ha));
                        cuts.push(p.map(|v| (v * 1000.0).round() / 1000.0));
                    }
                }
                parts.extend(cuts.chunks_exact(2).filter(|c| c[0] != c[1]).map(|c| (c[0], c[1])));
            }
        }
        out.extend(join(parts).into_iter().map(|line| (level, line)));
        level += INTERVAL_M;
    }
    out
}

/// Strings short pieces together where they share an end.
fn join(mut parts: Vec<(Pt, Pt)>) -> Vec<Vec<Pt>> {
    let mut lines = vec![];
    while let Some((a, b)) = parts.pop() {
        let mut line = std::collections::VecDeque::from([a, b]);
        loop {
            let (head, tail) = (line[0], line[line.len() - 1]);
            let next = parts.iter().position(|(p, q)| [*p, *q].iter().any(|e| *e == head || *e == tail));
            let Some(i) = next else { break };
            let (p, q) = parts.swap_remove(i);
            match () {
                () if p == tail => line.push_back(q),
                () if q == tail => line.push_back(p),
                () if p == head => line.push_front(q),
                () => line.push_front(p),
            }
        }
        lines.push(line.into());
    }
    lines
}
