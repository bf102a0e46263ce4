//! Roads and railways of the 1:1000 map: centre lines, surfaces, kerbs, tracks, and the lines overhead.

use super::admin::Division;
use super::basemap::map_row;
use super::delivery::Rows;
use super::grids::urban_bureau;
use super::names;
use super::plan::Plan;
use super::plan::corridor::{self, carriageway, footway, half_corridor_m};
use super::plan::mesh::{NONE, Pt, area};
use super::plan::spread::pieces;
use super::plan::streets::Class;
use super::rng::Rng;
use super::write::{Shape, Val};
use crate::error::Result;

pub fn road_code(plan: &Plan, e: u32) -> String {
    let edge = plan.edge(e);
    let f = if edge.left != NONE { edge.left } else { edge.right };
    let district = if f == NONE { "410200" } else { plan.district6(f) };
    let letter = match edge.class {
        Class::Ring => "K",
        Class::Arterial => "Z",
        Class::Secondary => "C",
        Class::Branch => "B",
        Class::Rural => "X",
        _ => "L",
    };
    format!("{district}{letter}{:05}", edge.line)
}

/// The district of one of the faces beside an edge.
fn district_near(plan: &Plan, e: u32) -> &Division {
    let edge = plan.edge(e);
    let f = if edge.left != NONE { edge.left } else { edge.right };
    let community = if f == NONE { 0 } else { plan.community_of(f) };
    &plan.admin.districts[plan.admin.district_of(community)]
}

pub fn centrelines(plan: &Plan, rows: &mut Rows) -> Result<()> {
    let mut rng = Rng::of(plan.seed, "centrelines", 0);
    for &e in plan.roads.iter().chain(&plan.rural) {
        let edge = plan.edge(e);
        let (class, rank, lanes, level) = match edge.class {
            Class::Ring => ("快速路", 8, 8, "市管"),
            Class::Arterial => ("主干路", 7, 6, "市管"),
            Class::Secondary => ("次干路", 5, 4, "市管"),
            Class::Branch => ("支路", 4, 2, "区管"),
            Class::Rural if rng.chance(0.3) => ("县道", 5, 2, "县管"),
            Class::Rural => ("乡道", 3, 2, "乡管"),
            _ => ("街巷", 1, 1, "区管"),
        };
        let own = [
            ("road_code", Val::Own(road_code(plan, e))),
            ("road_name", plan.street_name(e).into()),
            ("road_class", class.into()),
            ("class_rank", Val::Int(rank)),
            ("lane_count", Val::Int(lanes)),
            ("width_m", (edge.class.half_carriageway_m() * 2.0).into()),
            ("one_way", (edge.class >= Class::Branch && rng.chance(0.06)).into()),
            ("management_level", level.into()),
        ];
        map_row(rows, Shape::Line(&edge.points), edge.points[0], ("430501", "街道"), &mut rng, &own)?;
    }
    Ok(())
}

/// The carriageway of every public road of the core, then footways along the widest.
pub fn road_surfaces(plan: &Plan, rows: &mut Rows) -> Result<()> {
    let mut rng = Rng::of(plan.seed, "surfaces", 0);
    let mut left = plan.count("bm_road_surface");
    let mut put = |rows: &mut Rows, e: u32, ring: Vec<Pt>, part: &str, material: &str| {
        let own = [
            ("road_code", Val::Own(road_code(plan, e))),
            ("road_name", plan.street_name(e).into()),
            ("surface_part", part.into()),
            ("material", material.into()),
            ("area_m2", area(&ring).into()),
            (
                "management_unit",
                match plan.edge(e).class {
                    Class::Ring | Class::Arterial | Class::Secondary => names::DRAINAGE.1.into(),
                    _ => Val::Own(urban_bureau(district_near(plan, e))),
                },
            ),
        ];
        map_row(rows, Shape::Polygon(std::slice::from_ref(&ring)), ring[0], ("430500", "道路面"), &mut rng, &own)
    };
    for &e in &plan.roads {
        if left == 0 {
            break;
        }
        if let Some(ring) = carriageway(plan, e) {
            left -= 1;
            put(
                rows,
                e,
                ring,
                "机动车道",
                if plan.edge(e).class == Class::Lane { "水泥混凝土" } else { "沥青混凝土" },
            )?;
        }
    }
    let mut wide = plan.roads.clone();
    wide.sort_by_key(|&e| (plan.edge(e).class, e));
    for e in wide {
        let edge = plan.edge(e);
        for (face, part) in [(edge.left, "人行道"), (edge.right, "人行道")] {
            if left == 0 {
                return Ok(());
            }
            if let Some(ring) = footway(plan, e, face) {
                left -= 1;
                put(rows, e, ring, part, "透水砖")?;
            }
        }
    }
    Ok(())
}

pub fn kerbs(plan: &Plan, rows: &mut Rows) -> Result<()> {
    let mut rng = Rng::of(plan.seed, "kerbs", 0);
    pieces(plan, &plan.roads, plan.count("bm_road_facility"), |e, from, to, k| {
        let edge = plan.edge(e);
        let half = corridor::half_carriageway_m(plan, e);
        // Left kerb, right kerb and, on wide roads, the median between them; pieces of one road share its length.
        let (off, kind) = match k % 3 {
            2 if edge.class <= Class::Arterial => (0.0, "隔离带"),
            1 => (-half, "路缘石"),
            _ => (half, "路缘石"),
        };
        let longer = (to - from) * 0.95;
        let line = edge.part((from - longer).max(0.0), (to + longer).min(edge.length_m), off);
        let own = [("facility_type", kind.into()), ("road_code", Val::Own(road_code(plan, e)))];
        map_row(rows, Shape::Line(&line), line[0], ("440100", "道路附属设施"), &mut rng, &own)
    })
}

pub fn overhead(plan: &Plan, rows: &mut Rows) -> Result<()> {
    let mut rng = Rng::of(plan.seed, "overhead", 0);
    let edges: Vec<u32> = plan.roads.iter().copied().filter(|&e| plan.edge(e).class >= Class::Secondary).collect();
    pieces(plan, &edges, plan.count("bm_surface_pipeline"), |e, from, to, k| {
        let line = plan.edge(e).part(from, to, half_corridor_m(plan, e) - 0.8);
        let (kind, kv, material, owner) = match k % 8 {
            0..=3 => ("配电线", Some(10.0), "钢芯铝绞线", names::POWER.1),
            4 | 5 => ("配电线", Some(0.38), "绝缘导线", names::POWER.1),
            6 => ("通信线", None, "光纤", names::TELECOM[1].1),
            _ => ("热力管道", None, "钢", names::HEAT.1),
        };
        let own = [
            ("pipe_type", kind.into()),
            ("voltage_kv", kv.into()),
            ("material", material.into()),
            ("owner_unit_name", owner.into()),
        ];
        map_row(rows, Shape::Line(&line), line[0], ("510101", "电力线"), &mut rng, &own)
    })
}

pub fn railways(plan: &Plan, rows: &mut Rows) -> Result<()> {
    let rails: Vec<u32> = (0..plan.edges.len() as u32).filter(|&e| plan.edge(e).class == Class::Railway).collect();
    let n = plan.count("bm_railway");
    for (track, n) in [(-2.1, n / 2), (2.1, n - n / 2)] {
        pieces(plan, &rails, n, |e, from, to, k| {
            let line = plan.edge(e).part(from, to, track);
            let name = if plan.edge(e).core && k % 5 == 4 { "TL_ZY" } else { "TL_ZX" };
            rows.put(Shape::Line(&line), &[("line_name", name.into())])
        })?;
    }
    Ok(())
}
