//! The 1:1000 map: buildings, roads, water, walls, greens, names. Relief stands in `relief`.

use super::delivery::{Deliveries, Delivery, Place, Rows};
use super::names::{day, sheet};
use super::plan::Plan;
use super::plan::block::point_in;
use super::plan::corridor::half_corridor_m;
use super::plan::layout::Use;
use super::plan::mesh::{NONE, Pt, add, area, distance, lerp};
use super::plan::spread::pieces;
use super::rng::Rng;
use super::write::{Family, Format, GbkMark, Shape, Val};
use super::{relief, roads, waters};
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
    all.file(&mut d, "bm_road_centerline", marked("道路中心线.shp", Family::Line), |r| {
        roads::centrelines(plan, r)
    })?;
    all.file(&mut d, "bm_road_surface", marked("道路面.shp", Family::Polygon), |r| roads::road_surfaces(plan, r))?;
    all.file(&mut d, "bm_water_line", shp("水系线.shp", Family::Line), |r| waters::water_lines(plan, r))?;
    all.file(&mut d, "bm_water_area", shp("水系面.shp", Family::Polygon), |r| waters::water_areas(plan, r))?;
    all.file(&mut d, "bm_vegetation_area", marked("植被面.shp", Family::Polygon), |r| greens(plan, r))?;
    all.file(&mut d, "bm_place_name", shp("地名地址.shp", Family::Point), |r| place_names(plan, r))?;
    all.file(&mut d, "bm_admin_boundary", marked("境界线.shp", Family::Line), |r| boundaries(plan, r))?;
    all.zip_shapefile(&mut d, "境界线.shp", "境界线.zip")?;
    all.file(&mut d, "bm_control_point", Place::new("控制点.gml", Format::Gml, Family::PointZ), |r| {
        relief::control_points(plan, r)
    })?;
    let rail = Place::new("铁路.dxf", Format::Dxf, Family::Line);
    all.file(&mut d, "bm_railway", rail, |r| roads::railways(plan, r))?;
    d.add_to_last_source(RAIL_FIELDS);
    let mut gpkg = all.container(&d, "地形要素.gpkg", Format::Gpkg)?;
    let in_gpkg = |family| Place::new("地形要素.gpkg", Format::Gpkg, family);
    let (line, point) = (in_gpkg(Family::Line), in_gpkg(Family::PointZ));
    all.table(&mut d, &mut gpkg, "bm_structure_line", line, Some("垣栅线"), |r| walls(plan, r))?;
    all.table(&mut d, &mut gpkg, "bm_road_facility", line, Some("道路附属设施线"), |r| roads::kerbs(plan, r))?;
    all.table(&mut d, &mut gpkg, "bm_surface_pipeline", line, Some("地上管线"), |r| roads::overhead(plan, r))?;
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
