//! What the city does: cases, routes, areas, sites, cameras, advertising; and what it offers: convenience points and
//! signs. Cases come as a GB18030 table in degrees, points of interest as UTF-8.

use super::components::lamp_code;
use super::delivery::{Deliveries, Delivery, Place, Rows};
use super::grids::{duty_runs, org_code};
use super::names::{self, day, moment, person, phone};
use super::plan::Plan;
use super::plan::block::point_in;
use super::plan::corridor::half_corridor_m;
use super::plan::dissolve::dissolve;
use super::plan::layout::{Use, Zone};
use super::plan::mesh::{Pt, distance};
use super::plan::spread::{pieces, spread};
use super::plan::streets::Class as Road;
use super::rng::Rng;
use super::sheet::CsvPlace;
use super::write::{Family, Format, Shape, Val};
use crate::error::{Error, Result};
use std::collections::BTreeSet;

pub const CASES: &str = include_str!("../../data/case-classes-gbt47678-5.csv");

pub fn write(all: &mut Deliveries) -> Result<()> {
    let plan = all.plan;
    let mut d = Delivery::new("operations", "运行管理", "Operations of the city-management centre, October 2026");
    let cases = CsvPlace { file: "案件.csv", epsg: 4490, gb18030: true, east: "经度", north: "纬度", target: "" };
    let cases = CsvPlace { target: &key_target(all, "op_case_point")?, ..cases };
    all.csv(&mut d, &["op_case_point"], &cases, |rows| case_points(plan, rows))?;
    let shp = |file| Place::new(file, Format::Shapefile, Family::Line);
    all.file(&mut d, "op_sanitation_route", shp("环卫作业路线.shp"), |r| sanitation(plan, r))?;
    all.file(&mut d, "op_muck_truck_route", shp("渣土运输路线.shp"), |r| muck_trucks(plan, r))?;
    let fgb = |file| Place::new(file, Format::FlatGeobuf, Family::Point);
    all.file(&mut d, "op_camera_video", fgb("视频监控.fgb"), |r| cameras(plan, r))?;
    all.file(&mut d, "op_outdoor_ad", fgb("户外广告.fgb"), |r| advertising(plan, r))?;
    let mut gpkg = all.container(&d, "巡查与工地.gpkg", Format::Gpkg)?;
    let place = |family| Place::new("巡查与工地.gpkg", Format::Gpkg, family);
    all.table(&mut d, &mut gpkg, "op_patrol_area", place(Family::Polygons), Some("巡查区域"), |r| {
        patrols(plan, r)
    })?;
    all.table(&mut d, &mut gpkg, "op_construction_site", place(Family::Polygon), Some("在建工地"), |r| {
        sites(plan, r)
    })?;
    gpkg.close()?;
    d.close(&all.out)?;

    let mut d = Delivery::new("convenience", "便民服务", "Convenience points, 2026");
    let points =
        CsvPlace {
            file: "便民服务点.csv", epsg: 4490, gb18030: false, east: "经度", north: "纬度", target: ""
        };
    let points = CsvPlace { target: &key_target(all, "cv_service_point")?, ..points };
    all.csv(&mut d, &["cv_service_point"], &points, |rows| services(plan, rows))?;
    let signs = Place::new("二维码标识牌.geojson", Format::GeoJson, Family::Point);
    all.file(&mut d, "cv_qr_sign", signs, |r| qr_signs(plan, r))?;
    d.close(&all.out)
}

/// The `layer` and `key` lines of a table's manifest.
fn key_target(all: &Deliveries, layer: &str) -> Result<String> {
    let ix = all.catalog.find(layer).ok_or_else(|| Error::config("layers", 0, format!("no layer {layer}")))?;
    let declared = all.catalog.layer(ix);
    let key = declared.key_field().map(|k| declared.fields[k].zh.as_str()).unwrap_or_default();
    Ok(format!("layer = \"{layer}\"\nkey = \"{key}\"\n"))
}

struct CaseClass {
    kind: String,
    code: String,
}

fn case_classes() -> Result<Vec<CaseClass>> {
    let mut rows = csv::ReaderBuilder::new().from_reader(CASES.as_bytes());
    let mut found = vec![];
    for row in rows.records() {
        let row = row.map_err(|e| Error::config("data/case-classes-gbt47678-5.csv", 0, e.to_string()))?;
        found.push(CaseClass { kind: row[0].to_string(), code: row[1].to_string() });
    }
    Ok(found)
}

fn case_points(plan: &Plan, rows: &mut Rows) -> Result<()> {
    let classes = case_classes()?;
    let rng = Rng::of(plan.seed, "cases", 0);
    let n = plan.count("op_case_point");
    let weight = |e: u32| if plan.edge(e).class == Road::Lane { 0.6 } else { 1.4 };
    let stages = ["信息收集", "案卷建立", "任务派遣", "案件处理", "结果反馈", "核查结案", "综合评价"];
    spread(plan, &plan.roads, n, rng, weight, |k, place, rng| {
        let (at, _) = place.point(plan, half_corridor_m(plan, place.edge) * rng.between(0.2, 1.3));
        let class = rng.pick(&classes);
        let code = &plan.admin.communities[plan.community_of(place.face)].code;
        let reported = moment(rng);
        let own = [
            ("case_no", Val::Own(format!("20261031{:07}", k + 1))),
            ("kind", if class.kind == "component" { "component" } else { "matter" }.into()),
            ("class_scheme", "gbt47678.5-2026".into()),
            ("class_code", Val::Own(class.code.clone())),
            (
                "component_id",
                if class.kind == "component" && k.is_multiple_of(3) {
                    lamp_code(plan, place.face, k).into()
                } else {
                    Val::Null
                },
            ),
            ("unit_grid_code", Val::Own(plan.face(place.face).grid_code.clone())),
            ("report_time", Val::Own(reported.clone())),
            ("file_time", if rng.chance(0.97) { Val::Own(reported) } else { Val::Null }),
            ("source", (*rng.pick(&["监督员上报", "公众举报", "视频智能", "12345热线", "领导督办"])).into()),
            ("stage", (*rng.pick(&stages)).into()),
            ("responsible_org_code", org_code(&code[..9]).into()),
            ("deadline", Val::Own(moment(rng).replace("2026-10", "2026-11").replace("-31T", "-30T"))),
            ("urgent", rng.chance(0.03).into()),
        ];
        rows.put(Shape::Point(at.map(|v| (v * 1000.0).round() / 1000.0)), &own)
    })
}

fn length_m(line: &[Pt]) -> f64 {
    line.windows(2).map(|w| distance(w[0], w[1])).sum()
}

fn sanitation(plan: &Plan, rows: &mut Rows) -> Result<()> {
    let mut rng = Rng::of(plan.seed, "sanitation", 0);
    let mut k = 0;
    pieces(plan, &plan.roads, plan.count("op_sanitation_route"), |e, from, to, _| {
        k += 1;
        let line = plan.edge(e).part(from, to, half_corridor_m(plan, e) * 0.5);
        let own = [
            ("route_id", Val::Own(format!("HW{k:05}"))),
            ("route_name", Val::Own(format!("{}作业路线", plan.street_name(e)))),
            ("work_type", (*rng.pick(&["机扫", "洒水", "人工保洁", "洗扫", "收运"])).into()),
            ("work_grade", (*rng.pick(&["特级", "一级", "二级", "三级"])).into()),
            ("work_time", (*rng.pick(&["05:00-07:30", "13:00-16:00", "21:00-23:30"])).into()),
            ("company", Val::Own(format!("开封市第{}环卫公司", 1 + rng.below(6)))),
            ("vehicle_no", Val::Own(format!("豫B·HW{:03}", rng.below(1000)))),
            ("team_leader", person(&mut rng).into()),
            ("length_m", length_m(&line).into()),
            ("road_code", super::roads::road_code(plan, e).into()),
        ];
        rows.put(Shape::Line(&line), &own)
    })
}

/// Ways along the widest roads, some edges long.
fn muck_trucks(plan: &Plan, rows: &mut Rows) -> Result<()> {
    let mut rng = Rng::of(plan.seed, "muck trucks", 0);
    let wide: Vec<u32> = plan.roads.iter().copied().filter(|&e| plan.edge(e).class <= Road::Secondary).collect();
    let n = plan.count("op_muck_truck_route");
    for k in 0..n {
        let first = wide[k * wide.len() / n];
        let mut line = plan.edge(first).points.clone();
        let (mut at, mut passed) = (plan.edge(first).b, BTreeSet::from([first]));
        for _ in 0..12 {
            let ways = plan.star[at as usize].iter().copied();
            let open: Vec<u32> = ways
                .filter(|&e| !passed.contains(&e) && plan.edge(e).core && plan.edge(e).class <= Road::Secondary)
                .collect();
            let Some(&e) = open.get(rng.below(open.len().max(1))) else { break };
            passed.insert(e);
            let edge = plan.edge(e);
            let forward = edge.a == at;
            at = if forward { edge.b } else { edge.a };
            let mut more = edge.points.clone();
            if !forward {
                more.reverse();
            }
            line.extend(&more[1..]);
        }
        let own = [
            ("route_id", Val::Own(format!("ZT{:04}", k + 1))),
            ("permit_no", Val::Own(format!("汴城渣许{:05}", k + 1))),
            ("company", Val::Own(format!("开封市第{}渣土运输公司", 1 + rng.below(12)))),
            ("vehicle_nos", Val::Own(format!("豫B·ZT{:03};豫B·ZT{:03}", rng.below(1000), rng.below(1000)))),
            ("site_id", Val::Own(format!("GD{:04}", k % plan.count("op_construction_site") + 1))),
            ("dump_site_id", Val::Own(format!("XN{:02}", 1 + rng.below(9)))),
            ("allowed_time", "21:00-05:00".into()),
            ("valid_from", Val::Day(20_260_301)),
            ("valid_to", Val::Day(20_270_301)),
        ];
        rows.put(Shape::Line(&line), &own)?;
    }
    Ok(())
}

fn cameras(plan: &Plan, rows: &mut Rows) -> Result<()> {
    let rng = Rng::of(plan.seed, "cameras", 0);
    let weight = |e: u32| plan.edge(e).class.half_carriageway_m();
    spread(plan, &plan.roads, plan.count("op_camera_video"), rng, weight, |k, place, rng| {
        let (at, yaw) = place.point(plan, half_corridor_m(plan, place.edge) * 0.8);
        let own = [
            ("camera_id", Val::Own(format!("41020200001310{:06}", k + 1))),
            ("camera_name", Val::Own(format!("{}{}号监控", plan.street_name(place.edge), k + 1))),
            ("camera_type", (*rng.pick(&["枪机", "球机", "高空瞭望", "全景"])).into()),
            ("azimuth_deg", yaw.into()),
            ("fov_deg", (*rng.pick(&[60.0, 75.0, 90.0, 120.0])).into()),
            ("range_m", (*rng.pick(&[50.0, 80.0, 120.0, 200.0])).into()),
            ("height_m", (*rng.pick(&[3.5, 4.5, 6.0, 8.0])).into()),
            ("stream_ref", Val::Own(format!("gb28181:{:06}", k + 1))),
            ("ai_event_types", (*rng.pick(&["占道经营;店外经营", "暴露垃圾", "机动车违停;非机动车乱停"])).into()),
            ("owner_org_name", names::URBAN_BUREAU.1.into()),
            ("online", rng.chance(0.95).into()),
        ];
        rows.put(Shape::Point(at.map(|v| (v * 1000.0).round() / 1000.0)), &own)
    })
}

fn advertising(plan: &Plan, rows: &mut Rows) -> Result<()> {
    let rng = Rng::of(plan.seed, "advertising", 0);
    let weight = |e: u32| plan.edge(e).class.half_carriageway_m();
    spread(plan, &plan.roads, plan.count("op_outdoor_ad"), rng, weight, |k, place, rng| {
        let (at, _) = place.point(plan, half_corridor_m(plan, place.edge) + 1.0);
        let own = [
            ("ad_id", Val::Own(format!("GG{:06}", k + 1))),
            ("ad_type", (*rng.pick(&["门头招牌", "立柱广告", "LED屏", "楼顶字", "灯箱"])).into()),
            ("permit_no", Val::Own(format!("汴城广许{:06}", k + 1))),
            ("holder", Val::Own(format!("开封{}广告有限公司", rng.pick(&["大梁", "宋都", "汴京", "东京"])))),
            ("size_m", (*rng.pick(&["6.0x1.5", "18.0x6.0", "4.0x2.0"])).into()),
            ("height_m", rng.between(2.6, 18.0).into()),
            ("install_date", Val::Day(day(rng, 2016, 2025))),
            ("permit_expire", Val::Day(day(rng, 2026, 2028))),
            ("safety_check_date", Val::Day(day(rng, 2025, 2026))),
        ];
        rows.put(Shape::Point(at.map(|v| (v * 1000.0).round() / 1000.0)), &own)
    })
}

fn patrols(plan: &Plan, rows: &mut Rows) -> Result<()> {
    let mut rng = Rng::of(plan.seed, "patrols", 0);
    let n = plan.count("op_patrol_area").min(plan.grids.len());
    let duty = duty_runs(plan).len();
    for k in 0..n {
        let run = &plan.grids[k * plan.grids.len() / n..(k + 1) * plan.grids.len() / n];
        let shape = dissolve(plan, run);
        let street = plan.street_name(plan.face(run[0]).ring[0].0);
        let own = [
            ("patrol_area_id", Val::Own(format!("XC{:04}", k + 1))),
            ("name", Val::Own(format!("{street}巡查区"))),
            ("inspector_id", Val::Own(format!("JDY{:04}", k + 1))),
            ("shift", (*rng.pick(&["早班", "中班", "晚班"])).into()),
            ("frequency_per_day", (2 + rng.below(4)).into()),
            ("duty_grid_code", Val::Own(format!("ZR{:04}", k * duty / n + 1))),
            ("sample_roads", street.into()),
            ("valid_from", Val::Day(20_260_101)),
        ];
        rows.put(Shape::Polygons(&shape), &own)?;
    }
    Ok(())
}

fn sites(plan: &Plan, rows: &mut Rows) -> Result<()> {
    let n = plan.count("op_construction_site");
    let all = plan.count("bm_building_footprint");
    let (mut seen, mut k) = (0, 0);
    plan.each_block(|f, block, rng| {
        for parcel in &block.parcels {
            if (seen + 1) * n / all > seen * n / all {
                k += 1;
                let ring: Vec<Pt> = parcel.iter().map(|p| p.map(|v| (v * 1000.0).round() / 1000.0)).collect();
                let contractor = 1 + rng.below(names::CONTRACTORS);
                let contractor = match k % 3 {
                    0 => names::contractor_alias(contractor),
                    _ => names::contractor(contractor).1,
                };
                let own = [
                    ("site_id", Val::Own(format!("GD{k:04}"))),
                    ("project_name", Val::Own(format!("{}改造项目{k}期", plan.street_name(plan.face(f).ring[0].0)))),
                    ("permit_no", Val::Own(format!("4102022026{k:06}"))),
                    ("builder_org_name", names::BUILDER.1.into()),
                    ("contractor_org_name", contractor.into()),
                    ("supervisor_org_name", names::SITE_SUPERVISOR.1.into()),
                    ("start_date", Val::Day(day(rng, 2024, 2025))),
                    ("planned_end_date", Val::Day(day(rng, 2027, 2028))),
                    ("fence_ok", rng.chance(0.92).into()),
                    ("wash_ok", rng.chance(0.88).into()),
                    ("dust_sensor_ids", Val::Own(format!("SD-{k:06}"))),
                ];
                rows.put(Shape::Polygon(&[ring]), &own)?;
            }
            seen += 1;
        }
        Ok(())
    })
}

fn services(plan: &Plan, rows: &mut Rows) -> Result<()> {
    let mut rng = Rng::of(plan.seed, "services", 0);
    let categories = [
        ("公厕", 6.0),
        ("便利店", 5.0),
        ("药店", 3.0),
        ("菜市场", 1.0),
        ("治安岗亭", 1.0),
        ("洗车点", 2.0),
        ("充电桩", 3.0),
        ("银行网点", 1.0),
        ("社区服务中心", 1.0),
    ];
    let weight = |f: &super::plan::Face| match (f.kind, f.zone) {
        (Use::Lake, _) => 0.0,
        (_, Zone::OldTown) => 1.6,
        _ => 1.0,
    };
    let mut k = 0;
    for (f, n) in plan.allot(plan.count("cv_service_point"), &plan.grids, weight) {
        let ring = if n > 0 { plan.ring(f) } else { vec![] };
        for i in 0..n {
            k += 1;
            let category = *rng.weighted(&categories);
            let own = [
                ("point_id", Val::Own(format!("BM{k:06}"))),
                ("name_zh", Val::Own(format!("{}{category}", plan.street_name(plan.face(f).ring[0].0)))),
                ("category", category.into()),
                ("address", super::basemap::address(plan, f, i).into()),
                ("open_hours", (*rng.pick(&["00:00-24:00", "06:00-22:00", "08:00-18:00"])).into()),
                ("phone", phone(&mut rng).into()),
                ("accessible", rng.chance(0.4).into()),
                ("fee", (*rng.pick(&["免费", "收费"])).into()),
                ("unit_grid_code", Val::Own(plan.face(f).grid_code.clone())),
            ];
            rows.put(Shape::Point(point_in(&ring, &mut rng)), &own)?;
        }
    }
    Ok(())
}

fn qr_signs(plan: &Plan, rows: &mut Rows) -> Result<()> {
    let rng = Rng::of(plan.seed, "signs", 0);
    spread(
        plan,
        &plan.roads,
        plan.count("cv_qr_sign"),
        rng,
        |_| 1.0,
        |k, place, rng| {
            let (at, _) = place.point(plan, half_corridor_m(plan, place.edge) * 0.9);
            let own = [
                ("sign_id", Val::Own(format!("QR{:05}", k + 1))),
                ("location_desc", Val::Own(format!("{}路侧", plan.street_name(place.edge)))),
                ("target_url", Val::Own(format!("https://example.org/qr/{:05}", k + 1))),
                ("install_date", Val::Day(day(rng, 2021, 2025))),
                ("state", (*rng.weighted(&[("完好", 95.0), ("破损", 4.0), ("丢失", 1.0)])).into()),
                ("maintainer_org_name", names::URBAN_BUREAU.1.into()),
            ];
            rows.put(Shape::Point(at.map(|v| (v * 1000.0).round() / 1000.0)), &own)
        },
    )
}
