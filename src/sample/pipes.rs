//! The underground networks as a pipe survey delivers them: a file geodatabase with a line and a point table per class,
//! Chinese tables and columns, heights per pipe end. `network` makes the shapes, this file the attributes.

use super::delivery::{Deliveries, Delivery, Place, Rows};
use super::faults::Every;
use super::names::{self, Org, day};
use super::network::{Network, Node, Role, Segment, Spec, grow};
use super::plan::Plan;
use super::plan::block::point_in;
use super::plan::layout::Use;
use super::plan::mesh::{Pt, distance};
use super::rng::Rng;
use super::write::{Container, Family, Format, Shape, Val};
use crate::error::Result;
use std::collections::HashMap;

/// A well a component's cover lies on.
#[derive(Debug, Clone, Copy)]
pub struct Well {
    pub at: Pt,
    pub edge: u32,
}

/// Wells by the letters of their network; gullies by `YB`.
pub type Wells = HashMap<&'static str, Vec<Well>>;

struct Net {
    layer: &'static str,
    /// Letters of the pipe class: prefix of point numbers.
    letters: &'static str,
    title: &'static str,
    codes: &'static [&'static str],
    nodes: &'static str,
    /// Share of segments that are leads.
    leads: f64,
    /// Roots at full size; networks with more nodes than their table has are given loops.
    trees: f64,
    lane: f64,
    at_crossing: Pt,
    depth_m: f64,
    gravity: bool,
    lead_to: f64,
    owner: Org,
    sizes: &'static [&'static str],
    materials: &'static [&'static str],
    embed: &'static str,
    shape: &'static str,
}

const ROUND: &str = "圆形";

#[rustfmt::skip]
const NETS: &[Net] = &[
    Net { layer: "pl_water", letters: "JS", title: "给水管线", codes: &["104", "104", "104", "102", "106"], nodes: "pn_water", leads: 0.34, trees: 7.0, lane: -0.55, at_crossing: [-2.6, -1.9], depth_m: 1.4, gravity: false, lead_to: 0.95, owner: names::WATER, sizes: &["DN50", "DN100", "DN150", "DN200", "DN300", "DN400", "DN600", "DN800", "DN1000"], materials: &["PE", "PE", "球墨铸铁", "球墨铸铁", "铸铁", "球墨铸铁", "球墨铸铁", "钢", "钢"], embed: "直埋", shape: ROUND },
    Net { layer: "pl_reclaimed", letters: "ZS", title: "中水管线", codes: &["103"], nodes: "pn_water", leads: 0.10, trees: 2.0, lane: -0.38, at_crossing: [-1.2, -3.4], depth_m: 1.7, gravity: false, lead_to: 0.9, owner: names::WATER, sizes: &["DN100", "DN100", "DN200", "DN300", "DN400", "DN500", "DN600", "DN600", "DN800"], materials: &["PE", "PE", "PE", "球墨铸铁"], embed: "直埋", shape: ROUND },
    Net { layer: "pl_storm", letters: "YS", title: "雨水管线", codes: &["201"], nodes: "pn_drain", leads: 0.6458, trees: 3000.0, lane: -0.18, at_crossing: [1.4, -1.1], depth_m: 1.5, gravity: true, lead_to: 0.62, owner: names::DRAINAGE, sizes: &["d300", "d400", "d500", "d600", "d800", "d1000", "d1200", "d1500", "2000x1800"], materials: &["PE", "混凝土", "混凝土"], embed: "直埋", shape: ROUND },
    Net { layer: "pl_sewage", letters: "WS", title: "污水管线", codes: &["202"], nodes: "pn_drain", leads: 0.03, trees: 820.0, lane: 0.14, at_crossing: [1.1, 1.6], depth_m: 2.1, gravity: true, lead_to: 1.05, owner: names::DRAINAGE, sizes: &["d200", "d300", "d400", "d500", "d600", "d800", "d1000", "d1200", "d1500"], materials: &["PVC", "PE", "混凝土", "混凝土"], embed: "直埋", shape: ROUND },
    Net { layer: "pl_combined", letters: "HS", title: "雨污合流管线", codes: &["203"], nodes: "pn_drain", leads: 0.25, trees: 80.0, lane: 0.02, at_crossing: [0.2, 3.1], depth_m: 1.8, gravity: true, lead_to: 0.9, owner: names::DRAINAGE, sizes: &["d300", "d400", "d500", "d600", "d800", "d1000", "1000x1200", "1200x1500", "2000x2000"], materials: &["混凝土", "混凝土", "砖石"], embed: "直埋", shape: ROUND },
    Net { layer: "pl_gas", letters: "TR", title: "燃气管线", codes: &["303"], nodes: "pn_gas", leads: 0.45, trees: 12.0, lane: 0.55, at_crossing: [2.7, 2.6], depth_m: 1.0, gravity: false, lead_to: 0.97, owner: names::GAS, sizes: &["DN32", "DN63", "DN110", "DN160", "DN200", "DN250", "DN315", "DN400", "DN500"], materials: &["PE", "PE", "PE", "PE", "钢", "钢", "钢"], embed: "直埋", shape: ROUND },
    Net { layer: "pl_heat", letters: "RS", title: "热力管线", codes: &["401", "401", "401", "402"], nodes: "pn_heat", leads: 0.2, trees: 4.0, lane: 0.36, at_crossing: [3.9, -0.6], depth_m: 1.3, gravity: false, lead_to: 0.95, owner: names::HEAT, sizes: &["DN80", "DN100", "DN150", "DN200", "DN300", "DN400", "DN600", "DN800", "DN1000"], materials: &["钢"], embed: "直埋", shape: ROUND },
    Net { layer: "pl_power", letters: "GD", title: "电力管线", codes: &["501"], nodes: "pn_power_telecom", leads: 0.25, trees: 30.0, lane: -0.80, at_crossing: [-4.4, 1.4], depth_m: 0.8, gravity: false, lead_to: 0.98, owner: names::POWER, sizes: &["200x100", "300x200", "400x300", "600x400", "600x600", "800x600", "1000x1000", "1200x1500", "1400x1900"], materials: &["铜"], embed: "管块", shape: "管块" },
    Net { layer: "pl_light_signal", letters: "LD", title: "路灯信号管线", codes: &["502", "502", "502", "503", "505"], nodes: "pn_power_telecom", leads: 0.5, trees: 40.0, lane: 0.93, at_crossing: [4.6, 4.2], depth_m: 0.6, gravity: false, lead_to: 0.90, owner: names::LIGHTING, sizes: &["50", "50", "75", "75", "100", "100", "100", "150", "150"], materials: &["铜"], embed: "管埋", shape: ROUND },
    Net { layer: "pl_telecom", letters: "DX", title: "通信管线", codes: &["601", "603", "602", "603", "604"], nodes: "pn_power_telecom", leads: 0.3, trees: 40.0, lane: 0.80, at_crossing: [4.8, 1.0], depth_m: 0.8, gravity: false, lead_to: 1.0, owner: names::TELECOM[3], sizes: &["110x110", "220x110", "220x220", "330x220", "330x330", "440x330", "440x440", "550x440", "660x440"], materials: &["光纤", "光纤", "铜"], embed: "管块", shape: "管块" },
    Net { layer: "pl_industry", letters: "GY", title: "工业管线", codes: &["702", "707", "701", "709"], nodes: "pn_power_telecom", leads: 0.1, trees: 3.0, lane: 0.66, at_crossing: [5.4, -2.4], depth_m: 1.2, gravity: false, lead_to: 1.0, owner: names::INDUSTRY, sizes: &["DN80", "DN100", "DN150", "DN200", "DN200", "DN250", "DN250", "DN300", "DN300"], materials: &["钢"], embed: "直埋", shape: ROUND },
    Net { layer: "pl_unknown", letters: "BM", title: "不明管线", codes: &["802"], nodes: "pn_power_telecom", leads: 0.2, trees: 60.0, lane: -0.66, at_crossing: [-3.6, -3.6], depth_m: 1.1, gravity: false, lead_to: 0.8, owner: names::URBAN_BUREAU, sizes: &["100", "150", "200", "300", "300", "300", "400", "400", "400"], materials: &["其他"], embed: "直埋", shape: ROUND },
    Net { layer: "pl_utility_tunnel", letters: "ZH", title: "综合管廊", codes: &["801"], nodes: "pn_power_telecom", leads: 0.0, trees: 3.0, lane: 0.25, at_crossing: [-0.6, 4.6], depth_m: 2.6, gravity: false, lead_to: 0.5, owner: names::TUNNEL, sizes: &["3000x3000", "3600x3200", "4200x3400", "5600x3600"], materials: &["混凝土"], embed: "综合管廊", shape: "方沟" },
];

const POINTS: &[(&str, &str)] = &[
    ("pn_water", "给水管点"),
    ("pn_drain", "排水管点"),
    ("pn_gas", "燃气管点"),
    ("pn_heat", "热力管点"),
    ("pn_power_telecom", "电力通信管点"),
];

pub fn write(all: &mut Deliveries) -> Result<Wells> {
    let mut d = Delivery::new("pipes", "管线", "Pipe survey 2025, CJJ 61-2017");
    let plan = all.plan;
    let file = "地下管线.gdb";
    let mut gdb = all.container(&d, file, Format::Gdb)?;
    let lines = Place::new(file, Format::Gdb, Family::LineZ);
    let points = Place::new(file, Format::Gdb, Family::PointZ);
    let mut wells = Wells::new();
    let mut outfalls: Vec<(Pt, u32, f64)> = vec![];
    for (layer, title) in POINTS {
        let nets: Vec<(&Net, Network)> = specs(plan, layer).into_iter().map(|(n, s)| (n, grow(plan, &s))).collect();
        for (net, network) in &nets {
            all.table(&mut d, &mut gdb, net.layer, lines, Some(net.title), |r| segments(plan, net, network, r))?;
        }
        all.table(&mut d, &mut gdb, layer, points, Some(title), |r| {
            nets.iter().try_for_each(|(net, network)| nodes(plan, net, network, r))
        })?;
        for (net, network) in nets {
            keep_wells(&mut wells, net, &network);
            if net.letters == "YS" {
                let roots = network.nodes.iter().filter(|n| n.role == Role::Root);
                outfalls.extend(roots.map(|n| (n.at, n.edge, n.pipe_m)));
            }
        }
    }
    let flat = Place { family: Family::Point, ..points };
    stations(all, &mut d, &mut gdb, flat)?;
    all.table(&mut d, &mut gdb, "pf_septic_outfall", flat, Some("化粪池与排放口"), |r| {
        outlets(plan, &outfalls, r)
    })?;
    gdb.close()?;
    d.close(&all.out)?;
    Ok(wells)
}

/// Networks that share a node table, with roots and loops so that its count comes out exactly.
fn specs(plan: &Plan, points: &str) -> Vec<(&'static Net, Spec)> {
    let nets: Vec<&Net> = NETS.iter().filter(|n| n.nodes == points).collect();
    let count = |n: &Net| plan.count(n.layer);
    let segments: usize = nets.iter().map(|n| count(n)).sum();
    let mut trees: Vec<usize> = nets.iter().map(|n| ((n.trees * plan.scale).round() as usize).max(1)).collect();
    let wanted = plan.count(points);
    let largest = (0..nets.len()).max_by_key(|&i| count(nets[i])).unwrap_or(0);
    // nodes = segments + trees − loops
    let plain = segments + trees.iter().sum::<usize>();
    trees[largest] += wanted.saturating_sub(plain);
    let mut loops = vec![0; nets.len()];
    loops[largest] = plain.saturating_sub(wanted);
    let make = |(i, net): (usize, &&'static Net)| {
        let n = count(net);
        let spec = Spec {
            name: net.letters,
            segments: n,
            trees: trees[i],
            loops: loops[i],
            leads: (n as f64 * net.leads) as usize,
            lane: net.lane,
            at_crossing: net.at_crossing,
            depth_m: net.depth_m,
            gravity: net.gravity,
            lead_to: net.lead_to,
        };
        (*net, spec)
    };
    nets.iter().enumerate().map(make).collect()
}

fn point_no(net: &Net, i: u32) -> String {
    format!("{}{:06}", net.letters, i + 1)
}

/// Larger where more hangs on it; never smaller downstream.
fn size(net: &Net, s: &Segment) -> usize {
    let rank = match s.carries {
        0 => 0,
        1..=3 => 1,
        4..=9 => 2,
        10..=29 => 3,
        30..=79 => 4,
        80..=199 => 5,
        200..=599 => 6,
        600..=1999 => 7,
        _ => 8,
    };
    rank.min(net.sizes.len() - 1)
}

fn width_mm(size: &str) -> f64 {
    let digits: String = size.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(0.0)
}

fn segments(plan: &Plan, net: &Net, network: &Network, rows: &mut Rows) -> Result<()> {
    let mut rng = Rng::of(plan.seed, net.layer, 0);
    let total = network.segments.len();
    let (dangling, undated) = (Every::of(total, 4), Every::of(total, 6));
    for (k, s) in network.segments.iter().enumerate() {
        let (a, b) = (&network.nodes[s.start as usize], &network.nodes[s.end as usize]);
        let (line, heights) = network.way(plan, s);
        let size_name = net.sizes[size(net, s)];
        let rectangle = size_name.contains('x') && net.shape == ROUND;
        let material = net.materials[size(net, s).min(net.materials.len() - 1)];
        let mm = |v: f64| (v * 100.0).round() / 100.0;
        let laid = if undated.at(k) {
            rows.note("no-date");
            Val::Null
        } else {
            Val::Day(day(&mut rng, 1986, 2024))
        };
        // A pipe whose end was never levelled: its point is in no table.
        let end_no = if dangling.at(k) && s.lead {
            rows.note("dangling-end");
            format!("{}X{k:05}", net.letters)
        } else {
            point_no(net, s.end)
        };
        let mut own = vec![
            ("segment_id", Val::Own(format!("{}{:06}D", net.letters, k + 1))),
            ("start_point_no", Val::Own(point_no(net, s.start))),
            ("end_point_no", Val::Own(end_no)),
            ("pipe_class_code", net.codes[(s.edge as usize / 5) % net.codes.len()].into()),
            ("start_depth_m", (a.ground_m - s.start_m).into()),
            ("end_depth_m", (b.ground_m - s.end_m).into()),
            ("start_elevation_m", s.start_m.into()),
            ("end_elevation_m", s.end_m.into()),
            ("elevation_ref", if net.gravity || net.embed == "综合管廊" { "inner_bottom" } else { "outer_top" }.into()),
            ("section_shape", if rectangle { "方沟" } else { net.shape }.into()),
            ("section_size_mm", size_name.into()),
            ("section_width_mm", width_mm(size_name).into()),
            ("material", material.into()),
            ("embed_type", net.embed.into()),
            ("embed_date", laid),
            ("road_name", plan.street_name(s.edge).into()),
            ("status", if rng.chance(0.985) { "在用" } else { "废弃" }.into()),
            ("owner_org_code", net.owner.0.into()),
            ("owner_org_name", net.owner.1.into()),
            ("survey_unit", (*rng.pick(names::SURVEYORS)).into()),
            ("survey_date", Val::Day(day(&mut rng, 2024, 2025))),
            ("accuracy_class", if s.lead { "C" } else { "B" }.into()),
        ];
        if net.gravity {
            let length_m: f64 = line.windows(2).map(|w| distance(w[0], w[1])).sum();
            let slope = (s.start_m - s.end_m) / length_m.max(0.1) * 1000.0;
            own.extend([("flow_direction", "+".into()), ("slope", mm(slope).into())]);
        }
        class_attributes(net, s, &mut rng, &mut own);
        if k + 1 == total && total > 20 {
            rows.put_refused("repeated-key", Shape::LineZ(&line, &heights), &{
                let mut twin = own.clone();
                twin[0].1 = Val::Own(format!("{}{:06}D", net.letters, 1));
                twin
            })?;
        }
        rows.put(Shape::LineZ(&line, &heights), &own)?;
    }
    Ok(())
}

fn class_attributes<'a>(net: &Net, s: &Segment, rng: &mut Rng, own: &mut Vec<(&'a str, Val<'a>)>) {
    let rank = size(net, s);
    let holes = [2_usize, 4, 6, 9, 12, 16, 20, 24, 28][rank];
    let used = 1 + rng.below(holes);
    match net.letters {
        "JS" | "ZS" => own.push(("pressure_mpa", (0.28 + 0.02 * rank as f64).into())),
        "TR" => {
            let (level, mpa) =
                [("低压", 0.003), ("低压", 0.005), ("中压B", 0.1), ("中压A", 0.3), ("次高压B", 0.6)][rank.div_ceil(2)];
            own.extend([("pressure_level", level.into()), ("pressure_mpa", mpa.into())]);
        }
        "RS" => own.extend([
            ("medium", if (s.edge / 5) % 4 == 3 { "蒸汽" } else { "热水" }.into()),
            ("supply_return", if s.twin { "回水" } else { "供水" }.into()),
            ("design_temp_c", if s.twin { 70.0 } else { 120.0 }.into()),
            ("pressure_mpa", 1.6.into()),
        ]),
        "GD" => own.extend([
            ("voltage_kv", [0.38, 10.0, 10.0, 10.0, 10.0, 35.0, 110.0, 110.0, 110.0][rank].into()),
            ("cable_count", used.into()),
            ("hole_total", holes.into()),
            ("hole_used", used.into()),
        ]),
        "LD" => own.extend([("voltage_kv", 0.38.into()), ("cable_count", (1 + rank / 2).into())]),
        "DX" => own.extend([
            ("cable_count", (used * 2).into()),
            ("hole_total", holes.into()),
            ("hole_used", used.into()),
            ("hole_layout", Val::Own(format!("{}×{}", holes.div_ceil(3).max(1), 3.min(holes)))),
        ]),
        "GY" => own.extend([
            ("medium", ["氧气", "氮气", "氢气", "氨"][(s.edge as usize / 5) % 4].into()),
            ("pressure_mpa", 0.8.into()),
            ("hazard_flag", ((s.edge / 5) % 4 >= 2).into()),
        ]),
        "BM" => own.push(("suspected_class", (*rng.pick(&["给水", "通信", "电力", "废弃管道"])).into())),
        "ZH" => own.extend([
            ("compartment_type", (*rng.pick(&["单舱", "双舱", "三舱"])).into()),
            ("inner_width_mm", width_mm(net.sizes[rank]).into()),
            ("inner_height_mm", 3200.0.into()),
            ("contained_classes", "JS;GD;DX;RS".into()),
        ]),
        _ => {}
    }
}

/// A point is either a feature or an accessory, never both.
fn kind(net: &Net, n: &Node, k: usize) -> (Option<&'static str>, Option<&'static str>) {
    let by_degree = match n.degree {
        0 | 1 => "预留口",
        2 => "转折点",
        3 => "三通",
        4 => "四通",
        _ => "多通",
    };
    let accessory = match (net.letters, n.role) {
        (_, Role::Pump) => Some("泵站"),
        ("YS", Role::Root) => return (Some("出水口"), None),
        ("WS" | "HS", Role::Root) => Some("闸门井"),
        ("YS", Role::Lead) => Some("雨水箅"),
        ("WS" | "HS", Role::Lead) => Some("化粪池"),
        ("YS", _) => Some("雨水井"),
        ("WS", _) => Some("污水井"),
        ("HS", _) => Some("窨井"),
        ("JS" | "ZS", Role::Root) => Some("水厂出水"),
        ("JS", Role::Lead) => Some(["水表井", "水表井", "消防栓", "水表"][k % 4]),
        ("JS" | "ZS", Role::Main) => k.is_multiple_of(3).then_some("阀门井"),
        ("JS" | "ZS", Role::Crossing) => Some("阀门井"),
        ("TR", Role::Root) => Some("调压站"),
        ("TR", Role::Lead) => k.is_multiple_of(3).then_some("调压箱"),
        ("TR", Role::Main) => k.is_multiple_of(4).then_some("阀门井"),
        ("TR", Role::Crossing) => Some("阀门井"),
        ("RS", Role::Root) => Some("热源"),
        ("RS", Role::Lead) => Some("换热站"),
        ("RS", _) => k.is_multiple_of(2).then_some("检修井"),
        ("LD", Role::Lead) => Some("路灯"),
        ("GD", Role::Lead) => Some(["接线箱", "环网柜", "变压器"][k % 3]),
        ("DX", Role::Lead) => Some(["交接箱", "监控器"][k % 2]),
        ("GD" | "DX" | "LD", _) => Some(if k.is_multiple_of(3) { "手孔" } else { "人孔" }),
        _ => None,
    };
    if accessory.is_some() { (None, accessory) } else { (Some(by_degree), None) }
}

fn is_well(accessory: Option<&str>) -> bool {
    accessory.is_some_and(|a| a.ends_with('井') || matches!(a, "人孔" | "手孔"))
}

fn nodes(plan: &Plan, net: &Net, network: &Network, rows: &mut Rows) -> Result<()> {
    let mut rng = Rng::of(plan.seed, net.nodes, u64::from(net.letters.as_bytes()[0]));
    for (k, n) in network.nodes.iter().enumerate() {
        let (feature, accessory) = kind(net, n, k);
        let pipe_m = if n.pipe_m.is_finite() { n.pipe_m } else { n.ground_m - net.depth_m };
        let bottom_m = pipe_m - if net.gravity { 0.0 } else { 0.5 };
        let mut own = vec![
            ("point_no", Val::Own(point_no(net, k as u32))),
            ("field_point_no", Val::Own(format!("{}-{}", net.letters, k + 1))),
            ("feature_type", feature.into()),
            ("accessory_type", accessory.into()),
            ("x", n.at[1].into()),
            ("y", n.at[0].into()),
            ("ground_elevation_m", n.ground_m.into()),
            ("point_depth_m", (n.ground_m - pipe_m).into()),
            ("point_elevation_m", pipe_m.into()),
            ("owner_org_code", net.owner.0.into()),
            ("owner_org_name", net.owner.1.into()),
            ("road_name", plan.street_name(n.edge).into()),
            ("status", "在用".into()),
            ("survey_unit", (*rng.pick(names::SURVEYORS)).into()),
            ("survey_date", Val::Day(day(&mut rng, 2024, 2025))),
        ];
        if is_well(accessory) {
            let round = net.nodes != "pn_power_telecom";
            own.extend([
                ("well_bottom_depth_m", (n.ground_m - bottom_m).into()),
                ("well_bottom_elevation_m", bottom_m.into()),
                ("cover_shape", if round { "圆形" } else { "矩形" }.into()),
                ("cover_size_mm", if round { "700" } else { "1200x800" }.into()),
                ("cover_material", (*rng.pick(&["球墨铸铁", "球墨铸铁", "复合材料", "混凝土"])).into()),
            ]);
        }
        match net.nodes {
            "pn_drain" => own.push(("invert_elevation_m", pipe_m.into())),
            "pn_power_telecom" => {
                own.push(("chamber_size_mm", if is_well(accessory) { "1800x1200x1800".into() } else { Val::Null }))
            }
            _ if accessory.is_some_and(|a| a.starts_with("阀门")) => {
                own.extend([
                    ("valve_state", if rng.chance(0.96) { "开" } else { "关" }.into()),
                    ("valve_operable", rng.chance(0.93).into()),
                ]);
                if net.nodes == "pn_water" {
                    own.push(("valve_turns", (12.0 + rng.below(40) as f64).into()));
                }
            }
            _ => {}
        }
        rows.put(Shape::PointZ(n.at, n.ground_m), &own)?;
    }
    Ok(())
}

fn keep_wells(wells: &mut Wells, net: &'static Net, network: &Network) {
    for (k, n) in network.nodes.iter().enumerate() {
        let (_, accessory) = kind(net, n, k);
        let key = match accessory {
            Some("雨水箅") => "YB",
            _ if is_well(accessory) || matches!(n.role, Role::Main | Role::Crossing) => net.letters,
            _ => continue,
        };
        wells.entry(key).or_default().push(Well { at: n.at, edge: n.edge });
    }
}

/// Heat-exchange stations, waterworks and pump stations.
fn stations(all: &mut Deliveries, d: &mut Delivery, gdb: &mut Container, place: Place) -> Result<()> {
    let plan = all.plan;
    all.table(d, gdb, "pf_plant_station", place, Some("管网场站"), |rows| {
        let mut rng = Rng::of(plan.seed, "stations", 0);
        let n = plan.count("pf_plant_station");
        let mut k = 0;
        for (f, share) in plan.allot(n, &plan.grids, |f| if f.kind == Use::Built { f.area_m2 } else { 1.0 }) {
            for _ in 0..share {
                let at = point_in(&plan.ring(f), &mut rng);
                // Of every 372: 281 heat-exchange stations, 7 waterworks, 46 pump stations, 30 regulators, 8 plants.
                let slot = if n < 100 { k * 372 / n } else { k % 372 };
                let (kind, class, owner, unit) = match slot {
                    0..=280 => ("换热站", "RS", names::HEAT, "MW"),
                    281..=287 => ("水厂", "JS", names::WATER, "万m3/d"),
                    288..=333 => ("排水泵站", "YS", names::DRAINAGE, "m3/s"),
                    334..=363 => ("燃气调压站", "TR", names::GAS, "m3/h"),
                    _ => ("污水处理厂", "WS", names::DRAINAGE, "万m3/d"),
                };
                k += 1;
                let own = [
                    ("station_id", Val::Own(format!("CZ{k:04}"))),
                    ("station_name", Val::Own(format!("{}{kind}", plan.street_name(plan.face(f).ring[0].0)))),
                    ("station_type", kind.into()),
                    ("network_class", class.into()),
                    ("capacity", Val::Own(format!("{}{unit}", 2 + rng.below(28)))),
                    ("area_m2", rng.between(120.0, 2600.0).into()),
                    ("owner_org_name", owner.1.into()),
                    ("maintainer_org_name", owner.1.into()),
                    ("commission_date", Val::Day(day(&mut rng, 1992, 2023))),
                    ("unit_grid_code", Val::Own(plan.face(f).grid_code.clone())),
                ];
                rows.put(Shape::Point(at), &own)?;
            }
        }
        Ok(())
    })
}

/// Septic tanks in the blocks, outfalls where storm networks end.
fn outlets(plan: &Plan, outfalls: &[(Pt, u32, f64)], rows: &mut Rows) -> Result<()> {
    let mut rng = Rng::of(plan.seed, "outlets", 0);
    let n = plan.count("pf_septic_outfall");
    let ends = (n * 340 / 2240).min(outfalls.len());
    for k in 0..ends {
        let (at, edge, pipe_m) = outfalls[k * outfalls.len() / ends];
        let own = [
            ("facility_id", Val::Own(format!("PK{:04}", k + 1))),
            ("facility_type", "排放口".into()),
            ("receiving_water", (*rng.pick(&["惠济河", "黄汴河", "东护城河", "马家河"])).into()),
            ("bottom_elevation_m", pipe_m.into()),
            ("owner_org_name", names::DRAINAGE.1.into()),
            ("maintainer_org_name", names::DRAINAGE.1.into()),
            ("unit_grid_code", Val::Own(plan.face(plan.grid_near(at, edge)).grid_code.clone())),
        ];
        rows.put(Shape::Point(at), &own)?;
    }
    let mut k = 0;
    for (f, share) in plan.allot(n - ends, &plan.grids, super::plan::block::building_weight) {
        for _ in 0..share {
            k += 1;
            let at = point_in(&plan.ring(f), &mut rng);
            let bottom = ((plan.ground.height(at) - rng.between(2.6, 3.8)) * 100.0).round() / 100.0;
            let own = [
                ("facility_id", Val::Own(format!("HF{k:05}"))),
                ("facility_type", "化粪池".into()),
                ("tank_volume_m3", (*rng.pick(&[9.0, 12.0, 20.0, 30.0, 50.0, 75.0, 100.0])).into()),
                ("bottom_elevation_m", bottom.into()),
                ("owner_org_name", "业主共有".into()),
                ("maintainer_org_name", names::SANITATION.1.into()),
                ("unit_grid_code", Val::Own(plan.face(f).grid_code.clone())),
            ];
            rows.put(Shape::Point(at), &own)?;
        }
    }
    Ok(())
}
