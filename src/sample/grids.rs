//! Territory: districts, streets and communities of the prefecture, and the grids of the core. All are unions of the
//! plan's faces: borders fit vertex by vertex.

use super::admin::Division;
use super::delivery::{Deliveries, Delivery, Place, Rows};
use super::names::{self, day, person, phone};
use super::plan::Plan;
use super::plan::dissolve::{Polygons, area_m2, dissolve};
use super::plan::layout::{Use, Zone};
use super::rng::Rng;
use super::write::{Family, Format, GbkMark, Shape, Val};
use crate::error::Result;
use std::collections::HashMap;

const SINCE: Val<'static> = Val::Day(20_210_101);

pub fn write(all: &mut Deliveries) -> Result<()> {
    let mut d = Delivery::new("grids", "网格", "Administrative divisions and management grids, 2026");
    let plan = all.plan;
    let degrees = |file| Place { epsg: 4490, ..Place::new(file, Format::Gpkg, Family::Polygons) };
    let mut gpkg = all.container(&d, "行政区划.gpkg", Format::Gpkg)?;
    let place = degrees("行政区划.gpkg");
    all.table(&mut d, &mut gpkg, "gr_district", place, Some("区县"), |r| districts(plan, r))?;
    all.table(&mut d, &mut gpkg, "gr_street", place, Some("街道乡镇"), |r| streets(plan, r))?;
    all.table(&mut d, &mut gpkg, "gr_community", place, Some("社区村"), |r| communities(plan, r))?;
    gpkg.close()?;
    let unit =
        Place { gbk: GbkMark::LanguageByte, ..Place::new("单元网格.shp", Format::Shapefile, Family::Polygon) };
    all.file(&mut d, "gr_unit_grid", unit, |r| unit_grids(plan, r))?;
    all.zip_shapefile(&mut d, "单元网格.shp", "单元网格.zip")?;
    let base = Place::new("基础网格.fgb", Format::FlatGeobuf, Family::Polygons);
    all.file(&mut d, "gr_base_grid", base, |r| base_grids(plan, r))?;
    let mut gpkg = all.container(&d, "管理网格.gpkg", Format::Gpkg)?;
    let place = Place::new("管理网格.gpkg", Format::Gpkg, Family::Polygons);
    all.table(&mut d, &mut gpkg, "gr_duty_grid", place, Some("责任网格"), |r| duty_grids(plan, r))?;
    all.table(&mut d, &mut gpkg, "gr_special_duty", place, Some("分片包区"), |r| special_areas(plan, r))?;
    all.table(&mut d, &mut gpkg, "gr_evaluation_grid", place, Some("评价网格"), |r| evaluation_grids(plan, r))?;
    gpkg.close()?;
    d.close(&all.out)
}

fn square_metres(p: &Polygons) -> Val<'static> {
    area_m2(p).into()
}

/// Faces of each division of a level, in the plan's order.
fn members(plan: &Plan, division_of: impl Fn(usize) -> usize) -> HashMap<usize, Vec<u32>> {
    let mut members: HashMap<usize, Vec<u32>> = HashMap::new();
    for (cell, faces) in plan.cells.iter().enumerate() {
        members.entry(division_of(plan.community[cell])).or_default().extend(faces);
    }
    members
}

pub fn org_code(division: &str) -> String {
    format!("11{division}")
}

/// The body that `org_code` of a district stands for.
pub fn urban_bureau(district: &Division) -> String {
    format!("{}城市管理局", district.name)
}

fn districts(plan: &Plan, rows: &mut Rows) -> Result<()> {
    let members = members(plan, |c| plan.admin.district_of(c));
    for (i, d) in plan.admin.districts.iter().enumerate() {
        let shape = dissolve(plan, members.get(&i).map_or(&[], Vec::as_slice));
        let short = d.name.trim_end_matches(['区', '县']).trim_end_matches("回族");
        rows.put(
            Shape::Polygons(&shape),
            &[
                ("code", Val::Own(d.code.clone())),
                ("name_zh", Val::Own(d.name.clone())),
                ("short_name", Val::Own(short.into())),
                ("parent_code", "410200".into()),
                ("area_m2", square_metres(&shape)),
                ("platform_level", if d.kind == "county" { "县级平台" } else { "区级平台" }.into()),
                ("org_code", org_code(&d.code).into()),
                ("valid_from", SINCE),
            ],
        )?;
    }
    Ok(())
}

fn streets(plan: &Plan, rows: &mut Rows) -> Result<()> {
    let members = members(plan, |c| plan.admin.street_of(c));
    for (i, s) in plan.admin.streets.iter().enumerate() {
        let shape = dissolve(plan, members.get(&i).map_or(&[], Vec::as_slice));
        rows.put(
            Shape::Polygons(&shape),
            &[
                ("code", Val::Own(s.code.clone())),
                ("name_zh", Val::Own(s.name.clone())),
                ("parent_code", Val::Own(plan.admin.districts[s.parent].code.clone())),
                ("area_m2", square_metres(&shape)),
                ("org_code", org_code(&s.code).into()),
                ("valid_from", SINCE),
            ],
        )?;
    }
    Ok(())
}

fn communities(plan: &Plan, rows: &mut Rows) -> Result<()> {
    let mut rng = Rng::of(plan.seed, "communities", 0);
    for (cell, faces) in plan.cells.iter().enumerate() {
        let c = &plan.admin.communities[plan.community[cell]];
        let shape = dissolve(plan, faces);
        rows.put(
            Shape::Polygons(&shape),
            &[
                ("code", Val::Own(c.code.clone())),
                ("name_zh", Val::Own(c.name.clone())),
                ("parent_code", Val::Own(plan.admin.streets[c.parent].code.clone())),
                ("area_m2", square_metres(&shape)),
                ("org_code", org_code(&c.code).into()),
                ("secretary", person(&mut rng).into()),
                ("phone_masked", phone(&mut rng).into()),
                ("valid_from", SINCE),
            ],
        )?;
    }
    Ok(())
}

pub fn land_use(kind: Use, zone: Zone) -> &'static str {
    match (kind, zone) {
        (Use::Lake, _) => "水域",
        (Use::Park, _) => "公园绿地",
        (Use::Campus, _) => "教育科研用地",
        (Use::Plant, _) => "公用设施用地",
        (_, Zone::Industry) => "工业用地",
        (_, Zone::OldTown) => "商住混合用地",
        _ => "居住用地",
    }
}

fn grade(zone: Zone) -> &'static str {
    match zone {
        Zone::OldTown => "特级",
        Zone::Residential => "一级",
        Zone::NewTown => "二级",
        _ => "三级",
    }
}

fn unit_grids(plan: &Plan, rows: &mut Rows) -> Result<()> {
    let mut rng = Rng::of(plan.seed, "unit grids", 0);
    for &f in &plan.grids {
        let face = plan.face(f);
        let c = plan.community_of(f);
        let code = &plan.admin.communities[c].code;
        let street = face.ring.iter().map(|&(e, _)| e).min_by_key(|&e| plan.edge(e).class);
        let name = match (face.name(), street) {
            (Some(name), _) => name.to_string(),
            (None, Some(e)) => format!("{}{}", plan.street_name(e), rng.pick(&["东", "西", "南", "北"])),
            _ => String::new(),
        };
        // Blocks run by one body name it (parks, lakes, campuses); elsewhere the territory does.
        let responsible = match face.kind {
            Use::Lake => Some(names::RIVERS.0),
            Use::Park => Some(names::PARKS.0),
            _ => None,
        };
        rows.put(
            Shape::Polygon(&[plan.ring(f)]),
            &[
                ("unit_grid_code", Val::Own(face.grid_code.clone())),
                ("grid_name", name.into()),
                ("community_code", Val::Own(code.clone())),
                ("street_code", Val::Own(code[..9].into())),
                ("district_code", Val::Own(plan.admin.districts[plan.admin.district_of(c)].code.clone())),
                ("area_m2", face.area_m2.into()),
                ("land_use", land_use(face.kind, face.zone).into()),
                ("manage_grade", grade(face.zone).into()),
                ("responsible_org_code", responsible.into()),
                ("init_date", Val::Day(20_210_101)),
            ],
        )?;
    }
    Ok(())
}

/// Cuts a list into `n` runs of even length; fewer where there are not as many things.
fn runs(list: &[u32], n: usize) -> impl Iterator<Item = &[u32]> {
    let n = n.min(list.len());
    (0..n).map(move |k| &list[k * list.len() / n..(k + 1) * list.len() / n])
}

/// Whole unit grids; in the country, where the city has enough of them, one per village.
fn base_grids(plan: &Plan, rows: &mut Rows) -> Result<()> {
    let n = plan.count("gr_base_grid");
    let core: Vec<&Vec<u32>> = plan.cells.iter().filter(|c| plan.face(c[0]).core).collect();
    let villages: Vec<&Vec<u32>> = plan.cells.iter().filter(|c| !plan.face(c[0]).core).collect();
    let outside = if n >= villages.len() + core.len() { villages.len() } else { 0 };
    let mut rng = Rng::of(plan.seed, "base grids", 0);
    let (mut sum, mut given) = (0, 0);
    let all: usize = core.iter().map(|c| c.len()).sum();
    let mut serial: HashMap<usize, usize> = HashMap::new();
    let shares = core.iter().map(|cell| {
        sum += cell.len();
        let upto = sum * (n - outside) / all;
        let share = upto - given;
        given = upto;
        (*cell, share)
    });
    let country = villages.into_iter().take(outside).map(|c| (c, 1));
    for (cell, share) in shares.chain(country) {
        if share == 0 {
            continue;
        }
        for run in runs(cell, share) {
            let c = plan.community_of(run[0]);
            let community = &plan.admin.communities[c];
            let number = serial.entry(c).or_default();
            *number += 1;
            let shape = dissolve(plan, run);
            rows.put(
                Shape::Polygons(&shape),
                &[
                    ("grid_code", Val::Own(format!("{}W{number:03}", community.code))),
                    ("grid_name", Val::Own(format!("{}第{number}网格", community.name))),
                    ("community_code", Val::Own(community.code.clone())),
                    ("grid_leader", person(&mut rng).into()),
                    ("households", (80 + rng.below(420)).into()),
                    ("area_m2", square_metres(&shape)),
                    ("valid_from", SINCE),
                ],
            )?;
        }
    }
    Ok(())
}

fn grid_codes(plan: &Plan, run: &[u32]) -> String {
    run.iter().map(|&f| plan.face(f).grid_code.as_str()).collect::<Vec<_>>().join(";")
}

pub fn duty_runs(plan: &Plan) -> Vec<&[u32]> {
    runs(&plan.grids, plan.count("gr_duty_grid")).collect()
}

fn duty_grids(plan: &Plan, rows: &mut Rows) -> Result<()> {
    let mut rng = Rng::of(plan.seed, "duty grids", 0);
    for (k, run) in duty_runs(plan).into_iter().enumerate() {
        let shape = dissolve(plan, run);
        let district = &plan.admin.districts[plan.admin.district_of(plan.community_of(run[0]))];
        rows.put(
            Shape::Polygons(&shape),
            &[
                ("duty_grid_code", Val::Own(format!("ZR{:04}", k + 1))),
                ("duty_grid_name", Val::Own(format!("{}第{}责任网格", district.name, k + 1))),
                ("unit_grid_codes", grid_codes(plan, run).into()),
                ("inspector_id", Val::Own(format!("JDY{:04}", k + 1))),
                ("inspector_name", person(&mut rng).into()),
                ("shift", (*rng.pick(&["早班", "中班", "晚班", "全天"])).into()),
                ("org_code", org_code(&district.code).into()),
                ("valid_from", SINCE),
            ],
        )?;
    }
    Ok(())
}

/// Kinds of special areas and the classes they hold for.
const SPECIAL: [(&str, &str); 5] = [
    ("通信设施", "0107;0109;0115;0122"),
    ("道路保洁", "0305;2107"),
    ("园林绿化", "0402;0403;0405;0408"),
    ("市政道路", "0102;0103;0104;2109"),
    ("夜市", "gbt47678.5-2026:matter:09002;gbt47678.5-2026:matter:09005;gbt47678.5-2026:matter:09006"),
];

/// How many of `n` areas are of a kind.
fn special_share(n: usize, kind: usize) -> usize {
    (kind + 1) * n / SPECIAL.len() - kind * n / SPECIAL.len()
}

/// Agreements on shared telecom things, road sections, greens and waters; some of them above or below the ground; and
/// night markets, which hold at night. Neighbouring areas do not overlap; areas for different classes do.
fn special_areas(plan: &Plan, rows: &mut Rows) -> Result<()> {
    let mut rng = Rng::of(plan.seed, "special areas", 0);
    let n = plan.count("gr_special_duty");
    let mut k = 0;
    for (i, (kind, classes)) in SPECIAL.iter().enumerate() {
        for (j, run) in runs(&plan.grids, special_share(n, i)).enumerate() {
            k += 1;
            let night = *kind == "夜市";
            let shape = dissolve(plan, if night { &run[..run.len().min(2)] } else { run });
            // Of the road areas some are the decks of bridges, some the underpasses.
            let level = match (*kind, j % 8) {
                ("市政道路", 3) => Some(1),
                ("市政道路", 6) => Some(-1),
                _ => None,
            };
            let (code, name) = match (i, level) {
                (0, _) => *rng.pick(names::TELECOM),
                (1, _) => names::SANITATION,
                (2, _) => names::PARKS,
                (3, None) => names::DRAINAGE,
                (3, Some(_)) => names::BRIDGES,
                _ => names::NIGHT_MARKETS,
            };
            rows.put(
                Shape::Polygons(&shape),
                &[
                    ("area_id", Val::Own(special_id(k))),
                    ("area_name", Val::Own(format!("{kind}分片包区{k}"))),
                    ("class_codes", (*classes).into()),
                    ("responsible_org_code", code.into()),
                    ("responsible_org_name", name.into()),
                    ("assist_org_codes", if night { names::MARKET.0.into() } else { Val::Null }),
                    ("priority", Val::Int(1 + (i == 0) as i64)),
                    ("schedule", if night { "20:00-02:00".into() } else { Val::Null }),
                    ("level", level.map_or(Val::Null, Val::Int)),
                    ("agreement_no", Val::Own(format!("汴城管协〔2025〕{k}号"))),
                    ("valid_from", Val::Day(day(&mut rng, 2024, 2025))),
                ],
            )?;
        }
    }
    Ok(())
}

fn special_id(k: usize) -> String {
    format!("FP{k:04}")
}

/// The telecom area of each unit grid.
pub fn telecom_areas(plan: &Plan) -> HashMap<u32, String> {
    let share = special_share(plan.count("gr_special_duty"), 0);
    let mut areas = HashMap::new();
    for (k, run) in runs(&plan.grids, share).enumerate() {
        areas.extend(run.iter().map(|&f| (f, special_id(k + 1))));
    }
    areas
}

fn evaluation_grids(plan: &Plan, rows: &mut Rows) -> Result<()> {
    for (k, run) in runs(&plan.grids, plan.count("gr_evaluation_grid")).enumerate() {
        let shape = dissolve(plan, run);
        let c = plan.community_of(run[0]);
        let street = &plan.admin.streets[plan.admin.street_of(c)];
        rows.put(
            Shape::Polygons(&shape),
            &[
                ("eval_grid_code", Val::Own(format!("PJ{:04}", k + 1))),
                ("eval_grid_name", Val::Own(format!("{}评价网格{}", street.name, k + 1))),
                ("unit_grid_codes", grid_codes(plan, run).into()),
                ("eval_type", ["区域评价", "部门评价", "岗位评价"][k % 3].into()),
                ("org_code", org_code(&street.code).into()),
                ("valid_from", SINCE),
            ],
        )?;
    }
    Ok(())
}
