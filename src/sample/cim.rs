//! The city information model: the same buildings as footprints, as solids with roofs (CityJSON) and as solids with
//! openings; bridges, tunnels, underground spaces, terrain tiles and mesh blocks.

use super::basemap::{address, building_id};
use super::cityfile::{CityPlace, Kind};
use super::delivery::{Deliveries, Delivery, Place, Rows};
use super::faults::Every;
use super::house::{Design, Face, House, Roof};
use super::names::{self, day};
use super::plan::Plan;
use super::plan::block::Building;
use super::plan::layout::Zone;
use super::plan::mesh::{Pt, add, area};
use super::plan::streets::Class;
use super::rng::Rng;
use super::write::{Family, Format, Shape, Val};
use crate::error::Result;

pub fn write(all: &mut Deliveries) -> Result<()> {
    let mut d = Delivery::new(
        "cim",
        "城市信息模型",
        "City information model: footprints with heights, solids with roofs and openings",
    );
    let plan = all.plan;
    let blocks = Place::new("CIM2建筑.fgb", Format::FlatGeobuf, Family::Polygon);
    all.file(&mut d, "cim2_building", blocks, |r| {
        each_building(plan, plan.count("cim2_building"), |f, i, b, _| {
            let face = plan.face(f);
            let own = [
                ("building_id", Val::Own(building_id(plan, f, i))),
                ("cim_level", Val::Int(2)),
                ("height_m", b.height_m.into()),
                ("floors_above", b.storeys.into()),
                ("roof_type", if face.zone == Zone::OldTown && b.storeys < 3 { "坡屋顶" } else { "平屋顶" }.into()),
                ("building_use", b.usage.into()),
                ("community_code", Val::Own(face.grid_code[..12].into())),
                ("unit_grid_code", Val::Own(face.grid_code.clone())),
            ];
            r.put(Shape::Polygon(&b.rings), &own)
        })
    })?;
    let roofs = CityPlace { file: "CIM3建筑.city.jsonl", kind: Kind::Sequence, lod: "2.2" };
    all.city(&mut d, "cim3_building", &roofs, |r| standard(plan, r))?;
    let openings = CityPlace { file: "CIM4建筑.city.json", kind: Kind::Document, lod: "3" };
    all.city(&mut d, "cim4_building", &openings, |r| fine(plan, r))?;
    let mut gpkg = all.container(&d, "CIM模型.gpkg", Format::Gpkg)?;
    let place = Place::new("CIM模型.gpkg", Format::Gpkg, Family::PolygonZ);
    all.table(&mut d, &mut gpkg, "cim5_building_bim", place, Some("CIM5功能"), |r| spaces(plan, r))?;
    all.table(&mut d, &mut gpkg, "cim6_building_bim", place, Some("CIM6构件"), |r| elements(plan, r))?;
    all.table(&mut d, &mut gpkg, "cim_bridge", place, Some("桥梁"), |r| bridges(plan, r))?;
    all.table(&mut d, &mut gpkg, "cim_tunnel", place, Some("隧道"), |r| tunnels(plan, r))?;
    all.table(&mut d, &mut gpkg, "cim_underground_space", place, Some("地下空间"), |r| underground(plan, r))?;
    let flat = Place { family: Family::Polygon, ..place };
    all.table(&mut d, &mut gpkg, "cim1_terrain", flat, Some("地表模型"), |r| terrain(plan, r))?;
    all.table(&mut d, &mut gpkg, "cim_photogrammetry", flat, Some("实景三维"), |r| mesh_blocks(plan, r))?;
    gpkg.close()?;
    super::dem::write(all, &mut d, "cim1_terrain")?;
    d.close(&all.out)
}

/// `n` of all buildings, evenly over the city.
fn each_building(
    plan: &Plan,
    n: usize,
    mut each: impl FnMut(u32, usize, &Building, &mut Rng) -> Result<()>,
) -> Result<()> {
    let all = plan.count("bm_building_footprint");
    let mut k = 0;
    plan.each_block(|f, block, rng| {
        for (i, b) in block.buildings.iter().enumerate() {
            if (k + 1) * n / all > k * n / all {
                each(f, i, b, rng)?;
            }
            k += 1;
        }
        Ok(())
    })
}

fn ground(plan: &Plan, b: &Building) -> f64 {
    plan.ground.height(b.rings[0][0])
}

fn standard(plan: &Plan, rows: &mut Rows) -> Result<()> {
    let (faults, mut k) = (Every::of(plan.count("cim3_building"), 4), 0);
    each_building(plan, plan.count("cim3_building"), |f, i, b, rng| {
        let own = [
            ("building_id", Val::Own(building_id(plan, f, i))),
            ("cim_level", Val::Int(3)),
            ("height_m", b.height_m.into()),
            ("floors_above", b.storeys.into()),
            ("floors_below", b.below.into()),
            ("facade_texture", (*rng.pick(&["真实纹理", "统一纹理", "涂料", "面砖", "玻璃幕墙"])).into()),
            ("address", address(plan, f, i).into()),
            ("owner_org_name", if b.usage == "住宅" { "业主共有" } else { "产权单位" }.into()),
        ];
        let mut house = house(plan, f, b, false, rng);
        if faults.at(k) {
            let mut broken = house.clone();
            broken.faces[0].1[0][0] = broken.vertices.len() + 7;
            rows.put_refused("vertex-index", Shape::House(&broken), &own)?;
        }
        if faults.at(k + 1) {
            // The modeller forgot the last wall: the solid does not close.
            let wall = house.faces.iter().rposition(|(face, _)| *face == Face::Wall);
            wall.map(|at| house.faces.remove(at));
            *rows.expected.faulty.entry("not-closed".into()).or_default() += 1;
        }
        k += 1;
        rows.put(Shape::House(&house), &own)
    })
}

/// A building as a solid; the same at all levels but for its openings.
fn house(plan: &Plan, f: u32, b: &Building, openings: bool, rng: &mut Rng) -> House {
    let roof = Roof::of(&b.rings, b.storeys, plan.face(f).zone == Zone::OldTown, rng);
    let (ground_m, height_m, storeys) = (ground(plan, b), b.height_m, b.storeys);
    House::build(&Design { footprint: &b.rings, ground_m, height_m, storeys, roof, openings })
}

fn fine(plan: &Plan, rows: &mut Rows) -> Result<()> {
    let (faults, mut k) = (Every::of(plan.count("cim4_building"), 2), 0);
    each_building(plan, plan.count("cim4_building"), |f, i, b, rng| {
        let own = [
            ("building_id", Val::Own(building_id(plan, f, i))),
            ("cim_level", Val::Int(4)),
            ("storey_count", b.storeys.into()),
            ("unit_count", (b.storeys as usize * (1 + rng.below(4))).into()),
            ("facade_detail", (*rng.pick(&["门窗", "门窗及阳台", "门窗阳台及装饰构件"])).into()),
            ("address", address(plan, f, i).into()),
        ];
        if faults.at(k) {
            let nothing = ("building_id", Val::Own(format!("{}-1", building_id(plan, f, i))));
            rows.put_refused("null-geometry", Shape::Null, &[nothing])?;
        }
        k += 1;
        rows.put(Shape::House(&house(plan, f, b, true, rng)), &own)
    })
}

fn spaces(plan: &Plan, rows: &mut Rows) -> Result<()> {
    let mut k = 0;
    each_building(plan, plan.count("cim5_building_bim"), |f, i, b, rng| {
        k += 1;
        let own = [
            ("space_id", Val::Own(format!("KJ{k:05}"))),
            ("project_id", Val::Own(format!("BIM{:03}", k / 6 + 1))),
            ("building_id", Val::Own(building_id(plan, f, i))),
            ("space_function", (*rng.pick(&["办公", "会议", "设备用房", "停车", "商业", "交通核"])).into()),
            ("storey", Val::Int(1 + rng.below(b.storeys as usize) as i64)),
            ("area_m2", area(&b.rings[0]).into()),
        ];
        rows.put(Shape::PolygonZ(&b.rings, ground(plan, b)), &own)
    })
}

fn elements(plan: &Plan, rows: &mut Rows) -> Result<()> {
    let mut k = 0;
    each_building(plan, plan.count("cim6_building_bim"), |f, i, b, rng| {
        k += 1;
        let own = [
            ("element_guid", Val::Own(format!("{:022x}", u128::from(rng.next_u64()) << 20))),
            ("project_id", Val::Own(format!("BIM{:03}", k / 4 + 1))),
            ("building_id", Val::Own(building_id(plan, f, i))),
            ("element_type", (*rng.pick(&["IfcWall", "IfcSlab", "IfcColumn", "IfcBeam", "IfcPipeSegment"])).into()),
            ("system", (*rng.pick(&["结构", "建筑", "给排水", "暖通"])).into()),
            ("material", (*rng.pick(&["C30混凝土", "Q345钢", "加气混凝土砌块", "镀锌钢管"])).into()),
            ("maintainer_org_name", "物业服务企业".into()),
        ];
        rows.put(Shape::PolygonZ(&b.rings, ground(plan, b)), &own)
    })
}

/// A rectangle across an edge: half length along, half width across.
pub fn across(plan: &Plan, e: u32, along_m: f64, half: Pt) -> Vec<Pt> {
    let (c, d) = plan.edge(e).at(along_m, 0.0);
    let n = [-d[1], d[0]];
    let corner = |s: f64, t: f64| add(add(c, d, s * half[0]), n, t * half[1]).map(|v| (v * 1000.0).round() / 1000.0);
    let mut ring = vec![corner(-1.0, -1.0), corner(1.0, -1.0), corner(1.0, 1.0), corner(-1.0, 1.0)];
    ring.push(ring[0]);
    ring
}

/// Bridges stand where streets meet canals, then at the crossings of the widest roads.
pub fn bridge_places(plan: &Plan, n: usize) -> Vec<(u32, f64, bool)> {
    let mut places: Vec<(u32, f64, bool)> = vec![];
    for (i, e) in plan.edges.iter().enumerate() {
        if e.canal && e.core && e.length_m > 30.0 {
            places.push((i as u32, e.length_m * 0.5, true));
        }
    }
    let mut wide = plan.roads.clone();
    wide.sort_by_key(|&e| (plan.edge(e).class, e));
    places.truncate(n * 3 / 4);
    let more = n - places.len();
    let spaced = wide.iter().filter(|&&e| !plan.edge(e).canal).step_by((wide.len() / more.max(1) / 8).max(1));
    places.extend(spaced.take(more).map(|&e| (e, plan.edge(e).length_m * 0.5, false)));
    let mut again = wide.iter().cycle();
    while places.len() < n {
        let Some(&e) = again.next() else { break };
        places.push((e, plan.edge(e).length_m * 0.25, false));
    }
    places
}

fn bridges(plan: &Plan, rows: &mut Rows) -> Result<()> {
    let mut rng = Rng::of(plan.seed, "bridges", 0);
    for (k, (e, along, canal)) in bridge_places(plan, plan.count("cim_bridge")).into_iter().enumerate() {
        // A bridge over the canal crosses it; a viaduct follows its road.
        let half = if canal { [6.0, 19.0] } else { [28.0, plan.edge(e).class.half_carriageway_m()] };
        let ring = across(plan, e, along, half);
        let height = plan.ground.height(ring[0]) + if canal { 1.2 } else { 6.0 };
        let own = [
            ("bridge_id", Val::Own(format!("QL{:04}", k + 1))),
            ("bridge_name", Val::Own(format!("{}{}桥", plan.street_name(e), k + 1))),
            ("bridge_type", if canal { "梁式桥" } else { "高架桥" }.into()),
            ("span_m", (half[usize::from(canal)] * 2.0).into()),
            ("clearance_m", if canal { 3.5 } else { 5.0 }.into()),
            ("load_grade", (*rng.pick(&["城-A级", "城-B级"])).into()),
            ("maintainer_org_name", names::BRIDGES.1.into()),
            ("health_grade", (*rng.pick(&["A", "B", "B", "C"])).into()),
        ];
        rows.put(Shape::PolygonZ(&[ring], height), &own)?;
    }
    Ok(())
}

fn tunnels(plan: &Plan, rows: &mut Rows) -> Result<()> {
    let mut rng = Rng::of(plan.seed, "tunnels", 0);
    let rails: Vec<u32> =
        (0..plan.edges.len() as u32).filter(|&e| plan.edge(e).class == Class::Railway && plan.edge(e).core).collect();
    let wide = if rails.is_empty() { &plan.roads } else { &rails };
    let n = plan.count("cim_tunnel");
    for k in 0..n {
        let e = wide[k * wide.len() / n];
        let ring = across(plan, e, plan.edge(e).length_m / 2.0, [8.0, 45.0]);
        let depth = plan.ground.height(ring[0]) - 6.5;
        let own = [
            ("tunnel_id", Val::Own(format!("SD{:03}", k + 1))),
            ("tunnel_name", Val::Own(format!("陇海铁路下穿隧道{}", k + 1))),
            ("length_m", 90.0.into()),
            ("clearance_m", 4.5.into()),
            ("maintainer_org_name", names::BRIDGES.1.into()),
            ("health_grade", (*rng.pick(&["A", "B", "C"])).into()),
        ];
        rows.put(Shape::PolygonZ(&[ring], depth), &own)?;
    }
    Ok(())
}

fn underground(plan: &Plan, rows: &mut Rows) -> Result<()> {
    let mut k = 0;
    each_building(plan, plan.count("cim_underground_space"), |_, _, b, rng| {
        k += 1;
        let top = ((ground(plan, b) - 0.8) * 100.0).round() / 100.0;
        let floors = b.below.max(1);
        let bottom = top - f64::from(floors) * 3.9;
        let own = [
            ("space_id", Val::Own(format!("DX{k:05}"))),
            ("space_name", Val::Own(format!("{}地下空间{k}", b.usage))),
            ("space_use", (*rng.pick(&["停车", "人防", "商业", "设备"])).into()),
            ("floors_below", floors.into()),
            ("top_elevation_m", top.into()),
            ("bottom_elevation_m", bottom.into()),
            ("area_m2", area(&b.rings[0]).into()),
            ("owner_org_name", "产权单位".into()),
        ];
        rows.put(Shape::PolygonZ(&b.rings, bottom), &own)
    })
}

/// `n` square tiles around the centre, in rings so that a smaller city has the middle ones.
fn tiles(plan: &Plan, n: usize, side_m: f64) -> impl Iterator<Item = (i64, i64, Vec<Pt>)> {
    let reach = ((n as f64).sqrt() / 2.0).ceil() as i64 + 1;
    let c = super::plan::ground::CENTRE.map(|v| (v / side_m).floor() * side_m);
    let mut cells: Vec<(i64, i64)> = (-reach..reach).flat_map(|j| (-reach..reach).map(move |i| (i, j))).collect();
    cells.sort_by_key(|(i, j)| (i * i + j * j + i + j, *i, *j));
    let _ = plan;
    cells.into_iter().take(n).map(move |(i, j)| {
        let (x, y) = (c[0] + i as f64 * side_m, c[1] + j as f64 * side_m);
        let ring = vec![[x, y], [x + side_m, y], [x + side_m, y + side_m], [x, y + side_m], [x, y]];
        (i, j, ring)
    })
}

fn terrain(plan: &Plan, rows: &mut Rows) -> Result<()> {
    for (i, j, ring) in tiles(plan, plan.count("cim1_terrain") - super::dem::FILES, 1000.0) {
        let own = [
            ("tile_id", Val::Own(format!("DEM_{i:+04}_{j:+04}"))),
            ("resolution_m", 2.0.into()),
            ("vertical_datum", "1985国家高程基准".into()),
            ("capture_date", Val::Day(20_240_415)),
        ];
        rows.put(Shape::Polygon(&[ring]), &own)?;
    }
    Ok(())
}

fn mesh_blocks(plan: &Plan, rows: &mut Rows) -> Result<()> {
    let mut rng = Rng::of(plan.seed, "mesh blocks", 0);
    for (i, j, ring) in tiles(plan, plan.count("cim_photogrammetry"), 200.0) {
        let own = [
            ("block_id", Val::Own(format!("Tile_{i:+04}_{j:+04}"))),
            ("capture_date", Val::Day(day(&mut rng, 2025, 2025))),
            ("gsd_m", 0.03.into()),
            ("source_format", "OSGB".into()),
        ];
        rows.put(Shape::Polygon(&[ring]), &own)?;
    }
    Ok(())
}
