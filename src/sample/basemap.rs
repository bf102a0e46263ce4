//! The 1:1000 map: buildings, roads, water, walls, greens, names. Relief stands in `relief`.

use super::delivery::{Deliveries, Delivery, Place, Rows};
use super::names::{self, day, sheet};
use super::plan::block::{blob, point_in, soften};
use super::plan::corridor::{carriageway, footway, half_corridor_m};
use super::plan::layout::Use;
use super::plan::mesh::{NONE, Pt, add, area, centroid, distance, lerp};
use super::plan::spread::pieces;
use super::plan::streets::Class;
use super::plan::{Plan, corridor};
use super::relief;
use super::rng::{Rng, noise};
use super::write::{Family, Format, GbkMark, Shape, Val};
use crate::error::Result;
use std::collections::BTreeMap;

/// A row with the attributes that every object of the map carries.
pub fn map_row<'a>(
    rows: &mut Rows,
    shape: Shape,
    at: Pt,
    (code, name): (&'a str, &'a str),
    rng: &mut Rng,
    own: &[(&'a str, Val<'a>)],
) -> Result<()> {
    let surveyed = day(rng, 2023, 2025);
    let mut values = own.to_vec();
    values.extend([
        ("feature_code", code.into()),
        ("feature_name", name.into()),
        ("sheet_no", Val::Own(sheet(at))),
        ("survey_date", Val::Day(surveyed)),
        ("source_scale", "1:1000".into()),
        ("update_date", Val::Day(surveyed + 10_000)),
    ]);
    rows.put(shape, &values)
}

pub fn write(all: &mut Deliveries) -> Result<()> {
    let mut d = Delivery::new("basemap", "基础地形图", "1:1000 map, survey of 2023–2025");
    let plan = all.plan;
    let shp = |file, family| Place::new(file, Format::Shapefile, family);
    let marked = |file, family| Place { gbk: GbkMark::LanguageByte, ..shp(file, family) };
    all.file(&mut d, "bm_building_footprint", shp("房屋面.shp", Family::Polygon), |r| buildings(plan, r))?;
    all.file(&mut d, "bm_road_centerline", marked("道路中心线.shp", Family::Line), |r| centrelines(plan, r))?;
    all.file(&mut d, "bm_road_surface", marked("道路面.shp", Family::Polygon), |r| road_surfaces(plan, r))?;
    all.file(&mut d, "bm_water_line", shp("水系线.shp", Family::Line), |r| water_lines(plan, r))?;
    all.file(&mut d, "bm_water_area", shp("水系面.shp", Family::Polygon), |r| water_areas(plan, r))?;
    all.file(&mut d, "bm_vegetation_area", marked("植被面.shp", Family::Polygon), |r| greens(plan, r))?;
    all.file(&mut d, "bm_place_name", shp("地名地址.shp", Family::Point), |r| place_names(plan, r))?;
    all.file(&mut d, "bm_admin_boundary", marked("境界线.shp", Family::Line), |r| boundaries(plan, r))?;
    all.zip_shapefile(&mut d, "境界线.shp", "境界线.zip")?;
    all.file(&mut d, "bm_control_point", Place::new("控制点.gml", Format::Gml, Family::PointZ), |r| {
        relief::control_points(plan, r)
    })?;
    let rail = Place::new("铁路.dxf", Format::Dxf, Family::Line);
    all.file(&mut d, "bm_railway", rail, |r| railways(plan, r))?;
    d.add_to_last_source(RAIL_FIELDS);
    let mut gpkg = all.container(&d, "地形要素.gpkg", Format::Gpkg)?;
    let in_gpkg = |family| Place::new("地形要素.gpkg", Format::Gpkg, family);
    let (line, point) = (in_gpkg(Family::Line), in_gpkg(Family::PointZ));
    all.table(&mut d, &mut gpkg, "bm_structure_line", line, Some("垣栅线"), |r| walls(plan, r))?;
    all.table(&mut d, &mut gpkg, "bm_road_facility", line, Some("道路附属设施线"), |r| kerbs(plan, r))?;
    all.table(&mut d, &mut gpkg, "bm_surface_pipeline", line, Some("地上管线"), |r| overhead(plan, r))?;
    all.table(&mut d, &mut gpkg, "bm_elevation_point", point, Some("高程点"), |r| relief::spot_heights(plan, r))?;
    all.table(&mut d, &mut gpkg, "bm_landform_line", line, Some("地貌线"), |r| relief::landforms(plan, r))?;
    gpkg.close()?;
    d.close(&all.out)
}

/// A drawing has layers, no columns: what is not in the layer's name is the same for all.
const RAIL_FIELDS: &str = r#"[source.fields]
track_type = { from = "Layer", map = { TL_ZX = "标准轨", TL_ZY = "其他" } }
line_name = { value = "陇海铁路" }
electrified = { value = true }
feature_code = { value = "410101" }
feature_name = { value = "铁路" }
source_scale = { value = "1:1000" }
"#;

pub fn building_id(plan: &Plan, face: u32, number: usize) -> String {
    format!("{}B{:03}", plan.face(face).grid_code, number + 1)
}

/// A door address: street and number.
pub fn address(plan: &Plan, face: u32, number: usize) -> String {
    let district = plan.admin.district_of(plan.community_of(face));
    let street = plan.face(face).ring.iter().map(|&(e, _)| e).min_by_key(|&e| plan.edge(e).class);
    let street = street.map(|e| plan.street_name(e)).unwrap_or_default();
    let door = plan.face(face).grid_code.get(12..).and_then(|n| n.parse::<usize>().ok()).unwrap_or(1);
    format!("开封市{}{street}{}号", plan.admin.districts[district].name, door * 10 + number)
}

fn buildings(plan: &Plan, rows: &mut Rows) -> Result<()> {
    let faults = super::faults::Every::of(plan.count("bm_building_footprint"), 5);
    let mut k = 0;
    plan.each_block(|f, block, rng| {
        for (i, b) in block.buildings.iter().enumerate() {
            let at = b.rings[0][0];
            let id = building_id(plan, f, i);
            let own = [
                ("building_id", Val::Own(id)),
                ("structure_type", b.structure.into()),
                ("floors_above", b.storeys.into()),
                ("floors_below", b.below.into()),
                ("height_m", b.height_m.into()),
                ("building_use", b.usage.into()),
                ("address", address(plan, f, i).into()),
            ];
            if faults.at(k) && b.rings.len() == 1 && b.rings[0].len() == 5 {
                // Two corners digitised in the wrong order: a bow tie.
                let mut ring = b.rings[0].clone();
                ring.swap(1, 2);
                *rows.expected.repairs.entry("made-valid".into()).or_default() += 1;
                map_row(rows, Shape::Polygon(&[ring]), at, ("310301", "建成房屋"), rng, &own)?;
            } else {
                map_row(rows, Shape::Polygon(&b.rings), at, ("310301", "建成房屋"), rng, &own)?;
            }
            if faults.at(k) {
                // The sheet's neighbour delivered it too.
                rows.put_refused("repeated-key", Shape::Polygon(&b.rings), &own)?;
            }
            k += 1;
        }
        Ok(())
    })
}

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

fn centrelines(plan: &Plan, rows: &mut Rows) -> Result<()> {
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
fn road_surfaces(plan: &Plan, rows: &mut Rows) -> Result<()> {
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
                if plan.edge(e).class <= Class::Secondary { names::DRAINAGE.1 } else { "区城市管理局" }.into(),
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

fn water_lines(plan: &Plan, rows: &mut Rows) -> Result<()> {
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

fn water_areas(plan: &Plan, rows: &mut Rows) -> Result<()> {
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
    put(rows, &mut rng, yellow_river(plan), Some("黄河"), "河流")?;
    let mut left = usize::MAX;
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

fn greens(plan: &Plan, rows: &mut Rows) -> Result<()> {
    plan.each_block(|f, block, rng| {
        let park = plan.face(f).kind == Use::Park;
        for ring in &block.greens {
            let kind = *rng.pick(if park {
                &["林地", "草地", "花圃", "灌木林"]
            } else {
                &["草地", "灌木林", "行树", "林地"]
            });
            let own = [("vegetation_type", kind.into()), ("area_m2", area(ring).into())];
            map_row(rows, Shape::Polygon(std::slice::from_ref(ring)), ring[0], ("810300", "人工绿地"), rng, &own)?;
        }
        Ok(())
    })
}

/// Parcels' walls and fences, the front of each block first; the city wall among them.
fn walls(plan: &Plan, rows: &mut Rows) -> Result<()> {
    let n = plan.count("bm_structure_line");
    let city_wall: Vec<u32> =
        (0..plan.edges.len() as u32).filter(|&e| plan.edge(e).wall && plan.edge(e).core).collect();
    let mut rng = Rng::of(plan.seed, "city wall", 0);
    let first = city_wall.len().min(n / 20);
    pieces(plan, &city_wall, first, |e, from, to, _| {
        // On the town's side of its street.
        let inner = plan.edge(e).at((from + to) / 2.0, 1.0).0;
        let outer = plan.edge(e).at((from + to) / 2.0, -1.0).0;
        let centre = super::plan::ground::CENTRE;
        let side = if distance(inner, centre) < distance(outer, centre) { 1.0 } else { -1.0 };
        let line = plan.edge(e).part(from, to, side * (half_corridor_m(plan, e) - 1.5));
        let own = [("structure_type", "城墙".into()), ("height_m", rng.between(8.0, 9.5).into())];
        map_row(rows, Shape::Line(&line), line[0], ("380101", "完好的长城、城墙"), &mut rng, &own)
    })?;
    let mut shares = plan.allot(n - first, &plan.grids, |f| super::plan::block::building_weight(f) + 900.0);
    plan.each_block(|_, block, rng| {
        let Some((_, n)) = shares.next() else { return Ok(()) };
        for k in 0..n {
            // Sides in turn: of the block itself, then of its parcels; a side asked for again gives its steps.
            let sides = block.parcels.iter().flat_map(|p| p.windows(2));
            let all: usize = block.outline.len() - 1 + sides.clone().count();
            let (side, round) = (k % all, k / all);
            let w = match side.checked_sub(block.outline.len() - 1) {
                None => [block.outline[side], block.outline[side + 1]],
                Some(i) => sides.clone().nth(i).map_or([block.outline[0], block.outline[1]], |w| [w[0], w[1]]),
            };
            let t = 0.5 / (round + 1) as f64;
            let line = if round == 0 { w } else { [lerp(w[0], w[1], t), lerp(w[0], w[1], t + 0.12)] };
            let line = line.map(|p| p.map(|c| (c * 1000.0).round() / 1000.0));
            let line = if distance(line[0], line[1]) < 0.05 { [line[0], add(line[0], [1.0, 0.0], 0.5)] } else { line };
            let kind =
                if round > 0 { "台阶" } else { *rng.pick(&["围墙", "围墙", "栅栏", "篱笆", "铁丝网"]) };
            let own = [("structure_type", kind.into()), ("height_m", rng.between(0.6, 2.8).into())];
            map_row(rows, Shape::Line(&line), line[0], ("380201", "围墙"), rng, &own)?;
        }
        Ok(())
    })
}

fn kerbs(plan: &Plan, rows: &mut Rows) -> Result<()> {
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

fn overhead(plan: &Plan, rows: &mut Rows) -> Result<()> {
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

fn railways(plan: &Plan, rows: &mut Rows) -> Result<()> {
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

/// Names of communities, then of lakes and parks, then door addresses.
fn place_names(plan: &Plan, rows: &mut Rows) -> Result<()> {
    let n = plan.count("bm_place_name");
    let mut rng = Rng::of(plan.seed, "names", 0);
    let villages = (n / 15).min(plan.cells.len());
    let step = plan.cells.len() as f64 / villages.max(1) as f64;
    for k in 0..villages {
        let f = plan.cells[(k as f64 * step) as usize][0];
        let c = plan.community_of(f);
        let name = &plan.admin.communities[c];
        let own = [
            ("name_zh", Val::Own(name.name.clone())),
            ("name_type", if name.kind == "village" { "行政村" } else { "社区" }.into()),
            ("name_rank", Val::Int(5)),
            ("street_code", Val::Own(name.code[..9].into())),
            ("community_code", Val::Own(name.code.clone())),
        ];
        let at = plan.face(f).centre.map(|v| (v * 1000.0).round() / 1000.0);
        map_row(rows, Shape::Point(at), at, ("910100", "行政地名"), &mut rng, &own)?;
    }
    let named: Vec<u32> = plan.grids.iter().copied().filter(|&f| plan.face(f).name().is_some()).collect();
    let named = &named[..named.len().min(n / 10)];
    for &f in named {
        let own = [
            ("name_zh", plan.face(f).name().into()),
            ("name_type", if plan.face(f).kind == Use::Lake { "湖泊" } else { "单位" }.into()),
            ("name_rank", Val::Int(8)),
        ];
        let at = plan.face(f).centre.map(|v| (v * 1000.0).round() / 1000.0);
        map_row(rows, Shape::Point(at), at, ("920100", "地物名"), &mut rng, &own)?;
    }
    let mut doors = plan.allot(n - villages - named.len(), &plan.grids, super::plan::block::building_weight);
    plan.each_block(|f, block, rng| {
        let Some((_, n)) = doors.next() else { return Ok(()) };
        let code = &plan.admin.communities[plan.community_of(f)].code;
        for i in 0..n {
            let at = match block.buildings.get(i % block.buildings.len().max(1)) {
                Some(b) => lerp(b.rings[0][0], b.rings[0][1], 0.2 + 0.6 * (i / block.buildings.len()) as f64 / 3.0),
                None => point_in(&block.outline, rng),
            };
            let at = at.map(|v| (v * 1000.0).round() / 1000.0);
            let own = [
                ("name_zh", Val::Own(address(plan, f, i))),
                ("name_type", "门址".into()),
                ("name_rank", Val::Int(1)),
                ("address_code", Val::Own(format!("{}{:04}", plan.face(f).grid_code, i + 1))),
                ("street_code", Val::Own(code[..9].into())),
                ("community_code", Val::Own(code.clone())),
            ];
            map_row(rows, Shape::Point(at), at, ("930100", "门牌地址"), rng, &own)?;
        }
        Ok(())
    })
}

/// Borders between districts, then streets, then communities, each chained into lines.
fn boundaries(plan: &Plan, rows: &mut Rows) -> Result<()> {
    let mut groups: BTreeMap<(u8, String, String), Vec<u32>> = BTreeMap::new();
    for (i, e) in plan.edges.iter().enumerate() {
        let code = |f: u32, level: u8| -> String {
            if f == NONE {
                return String::new();
            }
            let c = plan.community_of(f);
            match level {
                0 => plan.admin.districts[plan.admin.district_of(c)].code.clone(),
                1 => plan.admin.streets[plan.admin.street_of(c)].code.clone(),
                _ => plan.admin.communities[c].code.clone(),
            }
        };
        if let Some(level) = (0..3).find(|&l| code(e.left, l) != code(e.right, l)) {
            groups.entry((level, code(e.left, level), code(e.right, level))).or_default().push(i as u32);
        }
    }
    let mut rng = Rng::of(plan.seed, "boundaries", 0);
    let mut left = plan.count("bm_admin_boundary");
    for ((level, a, b), edges) in groups {
        let (name, rank) = [("县级", 3), ("乡级", 2), ("村级", 1)][usize::from(level)];
        for line in chains(plan, edges) {
            if left == 0 {
                return Ok(());
            }
            left -= 1;
            let own = [
                ("boundary_level", name.into()),
                ("boundary_rank", Val::Int(rank)),
                ("left_code", if a.is_empty() { Val::Null } else { Val::Own(a.clone()) }),
                ("right_code", if b.is_empty() { Val::Null } else { Val::Own(b.clone()) }),
                ("legal_status", if rng.chance(0.95) { "已定界" } else { "未定界" }.into()),
            ];
            map_row(rows, Shape::Line(&line), line[0], ("630201", "县级行政区界线"), &mut rng, &own)?;
        }
    }
    Ok(())
}

/// Joins edges that share nodes into lines.
fn chains(plan: &Plan, edges: Vec<u32>) -> Vec<Vec<Pt>> {
    let mut left: std::collections::BTreeSet<u32> = edges.into_iter().collect();
    let mut lines = vec![];
    while let Some(first) = left.pop_first() {
        let mut line = plan.edge(first).points.clone();
        for backward in [false, true] {
            let mut at = if backward { plan.edge(first).a } else { plan.edge(first).b };
            while let Some(&next) = plan.star[at as usize].iter().find(|e| left.contains(e)) {
                left.remove(&next);
                let edge = plan.edge(next);
                let forward = edge.a == at;
                at = if forward { edge.b } else { edge.a };
                let mut more = edge.points.clone();
                if forward == backward {
                    more.reverse();
                }
                if backward {
                    more.pop();
                    more.extend(line);
                    line = more;
                } else {
                    line.extend(&more[1..]);
                }
            }
        }
        lines.push(line);
    }
    lines
}
