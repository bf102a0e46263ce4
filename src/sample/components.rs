//! The component census: one GB18030 table for all points, X = north as surveyors write it, routed by class; lines and
//! areas in a GeoPackage beside it.

use super::census::{Census, Site};
use super::cim;
use super::classes::{self, Class, Stand, classes};
use super::delivery::{Deliveries, Delivery, Place, Rows};
use super::grids::telecom_areas;
use super::pipes::Wells;
use super::plan::Plan;
use super::plan::block::{blob, point_in};
use super::plan::corridor::{half_carriageway_m, half_corridor_m};
use super::plan::layout::{Use, Zone};
use super::plan::mesh::{NONE, Pt, add, area, distance};
use super::plan::spread::{pieces, spread};
use super::plan::streets::Class as Road;
use super::rng::Rng;
use super::sheet::CsvPlace;
use super::write::{Family, Format, Shape, Val};
use crate::error::{Error, Result};
use std::collections::HashMap;

const CSV: &str = "部件普查2026.csv";
const GPKG: &str = "部件线面.gpkg";

const TARGET: &str = r#"key = "部件标识码"
route = { field = "小类代码", map = "部件/component-layer-map.csv", from = "component_code", to = "layer_id" }
"#;

/// The code of the first cover that nobody owns, where the city has one.
pub fn write(all: &mut Deliveries, wells: &Wells) -> Result<Option<String>> {
    let mut d = Delivery::new("components", "部件", "Component census 2026, CJ/T 214-2007 codes");
    let plan = all.plan;
    let classes = classes(plan.scale)?;
    let mut census = Census {
        plan,
        wells,
        serials: HashMap::new(),
        telecom: telecom_areas(plan),
        rng: Rng::of(plan.seed, "components", 0),
        used: HashMap::new(),
        ownerless: None,
    };
    let points: Vec<&Class> = classes.iter().filter(|c| c.geometry == "point").collect();
    let mut layers: Vec<&str> = points.iter().map(|c| c.layer.as_str()).collect();
    layers.sort_unstable();
    layers.dedup();
    let place = CsvPlace { file: CSV, epsg: 4547, gb18030: true, east: "Y坐标", north: "X坐标", target: TARGET };
    all.csv(&mut d, &layers, &place, |rows| {
        points.iter().try_for_each(|class| census.points(class, rows))?;
        census.faulty(rows)
    })?;
    let map = all.path(&d, "component-layer-map.csv")?;
    std::fs::write(&map, classes::ROUTES).map_err(|e| Error::io(&map, e))?;
    let mut gpkg = all.container(&d, GPKG, Format::Gpkg)?;
    let mut others: Vec<(&str, &str)> =
        classes.iter().filter(|c| c.geometry != "point").map(|c| (c.layer.as_str(), c.geometry.as_str())).collect();
    others.sort_unstable();
    others.dedup();
    for (layer, geometry) in others {
        let of: Vec<&Class> = classes.iter().filter(|c| c.layer == layer && c.geometry == geometry).collect();
        let name = format!("{}{}", of[0].name, if of.len() > 1 { "等" } else { "" });
        let family = if geometry == "line" { Family::Line } else { Family::Polygon };
        all.table(&mut d, &mut gpkg, layer, Place::new(GPKG, Format::Gpkg, family), Some(&name), |rows| {
            of.iter().try_for_each(|class| match geometry {
                "line" => census.lines(class, rows),
                _ => census.areas(class, rows),
            })
        })?;
    }
    gpkg.close()?;
    d.close(&all.out)?;
    Ok(census.ownerless)
}

impl Census<'_> {
    fn put(&mut self, rows: &mut Rows, class: &Class, site: &Site) -> Result<()> {
        let values = self.row(class, site);
        rows.put(Shape::Point(site.at), &values)
    }

    fn points(&mut self, class: &Class, rows: &mut Rows) -> Result<()> {
        let plan = self.plan;
        rows.layer(&class.layer);
        let rng = Rng::of(plan.seed, &class.code, 1);
        match classes::stand(&class.code) {
            Stand::Well(network) => self.on_wells(class, network, rows),
            Stand::Kerb { off, wide } => {
                let weight = |e: u32| half_carriageway_m(plan, e).powf(wide);
                spread(plan, &plan.roads, class.count, rng, weight, |_, place, rng| {
                    let (inner, outer) = (half_carriageway_m(plan, place.edge), half_corridor_m(plan, place.edge));
                    let off_m = inner + (outer - inner).max(0.4) * off + rng.between(-0.15, 0.15);
                    let (at, yaw_deg) = place.point(plan, off_m);
                    self.put(rows, class, &Site { at: mm(at), face: place.face, yaw_deg, edge: Some(place.edge) })
                })
            }
            Stand::Crossing { off } => {
                let wide: Vec<u32> =
                    plan.roads.iter().copied().filter(|&e| plan.edge(e).class <= Road::Branch).collect();
                spread(
                    plan,
                    &wide,
                    class.count,
                    rng,
                    |e| 1.0 / plan.edge(e).length_m,
                    |_, mut place, rng| {
                        let edge = plan.edge(place.edge);
                        let near = (half_corridor_m(plan, place.edge) + rng.between(0.0, 4.0)).min(edge.length_m * 0.4);
                        place.along_m = if place.side > 0.0 { edge.length_m - near } else { near };
                        let (inner, outer) = (half_carriageway_m(plan, place.edge), half_corridor_m(plan, place.edge));
                        let (at, yaw_deg) = place.point(plan, inner + (outer - inner).max(0.4) * off);
                        self.put(rows, class, &Site { at: mm(at), face: place.face, yaw_deg, edge: Some(place.edge) })
                    },
                )
            }
            Stand::Canal => {
                let canals: Vec<u32> =
                    (0..plan.edges.len() as u32).filter(|&e| plan.edge(e).canal && plan.edge(e).core).collect();
                let edges = if canals.is_empty() { &plan.roads } else { &canals };
                spread(
                    plan,
                    edges,
                    class.count,
                    rng,
                    |_| 1.0,
                    |_, place, _| {
                        let (at, yaw_deg) = place.point(plan, if canals.is_empty() { 3.0 } else { 12.5 });
                        self.put(rows, class, &Site { at: mm(at), face: place.face, yaw_deg, edge: Some(place.edge) })
                    },
                )
            }
            Stand::Block => self.in_blocks(class, rng, rows, |f| if f.kind == Use::Built { f.area_m2 } else { 1.0 }),
            Stand::Park => self.in_blocks(class, rng, rows, |f| match f.kind {
                Use::Park => f.area_m2 * 6.0,
                Use::Lake => 0.0,
                _ => f.area_m2 * 0.25,
            }),
        }
    }

    fn on_wells(&mut self, class: &Class, network: &'static str, rows: &mut Rows) -> Result<()> {
        let wells = self.wells;
        let list = wells.get(network).map_or(&[][..], Vec::as_slice);
        if list.is_empty() {
            return Err(Error::Data(format!("the network {network} has no wells")));
        }
        // Classes that share a network take turns; a second cover on a chamber lies beside the first.
        let from = *self.used.get(network).unwrap_or(&0);
        let share =
            if from == 0 && class.count <= list.len() { list.len() as f64 / class.count.max(1) as f64 } else { 1.0 };
        for k in 0..class.count {
            let i = from + (k as f64 * share) as usize;
            let well = list[i % list.len()];
            let at = mm(add(well.at, [0.9, 0.3], (i / list.len()) as f64));
            let face = self.plan.grid_near(at, well.edge);
            let yaw_deg = (self.rng.between(0.0, 360.0) * 10.0).round() / 10.0;
            self.put(rows, class, &Site { at, face, yaw_deg, edge: Some(well.edge) })?;
        }
        *self.used.entry(network).or_default() += class.count;
        Ok(())
    }

    fn in_blocks(
        &mut self,
        class: &Class,
        mut rng: Rng,
        rows: &mut Rows,
        weight: impl Fn(&super::plan::Face) -> f64,
    ) -> Result<()> {
        let plan = self.plan;
        for (face, n) in plan.allot(class.count, &plan.grids, weight) {
            let ring = if n > 0 { plan.ring(face) } else { vec![] };
            for _ in 0..n {
                let at = point_in(&ring, &mut rng);
                let yaw_deg = (rng.between(0.0, 360.0) * 10.0).round() / 10.0;
                self.put(rows, class, &Site { at, face, yaw_deg, edge: None })?;
            }
        }
        Ok(())
    }

    /// Rows with the faults of practice; the good ones stay complete.
    fn faulty(&mut self, rows: &mut Rows) -> Result<()> {
        let plan = self.plan;
        let n = if plan.scale >= 0.001 { 3 } else { 1 };
        let lamp = Class {
            code: "0118".into(),
            name: "路灯".into(),
            geometry: "point".into(),
            layer: "cp_street_light".into(),
            count: 0,
        };
        let mut faces = plan.grids.iter().cycle();
        for k in 0..n {
            let &face = faces.next().unwrap_or(&plan.grids[0]);
            let site = Site { at: mm(plan.face(face).centre), face, yaw_deg: 0.0, edge: None };
            let row = self.row(&lamp, &site);
            let with = |changes: &[(&'static str, Val<'static>)]| {
                let mut row = row.clone();
                for (name, value) in changes {
                    if let Some(cell) = row.iter_mut().find(|(n, _)| n == name) {
                        cell.1 = value.clone();
                    } else {
                        row.push((name, value.clone()));
                    }
                }
                row
            };
            let at = Shape::Point(site.at);
            rows.put_refused("unrouted", at, &with(&[("class_code", "0199".into())]))?;
            rows.put_refused("missing-key", at, &with(&[("component_id", Val::Null)]))?;
            let first = format!("{}0118000001", plan.district6(face));
            rows.put_refused("repeated-key", at, &with(&[("component_id", Val::Own(first))]))?;
            rows.put_refused("bad-value", at, &with(&[("init_date", "20211345".into())]))?;
            rows.put_refused("broken-text", at, &with(&[("remark", Val::Own(format!("权属\u{1}{k}")))]))?;
            rows.put_refused("null-geometry", Shape::Null, &row)?;
        }
        Ok(())
    }

    fn lines(&mut self, class: &Class, rows: &mut Rows) -> Result<()> {
        let plan = self.plan;
        let all = |wanted: &dyn Fn(&super::plan::streets::Edge) -> bool| {
            (0..plan.edges.len() as u32).filter(|&e| plan.edge(e).core && wanted(plan.edge(e))).collect::<Vec<_>>()
        };
        let wide = all(&|e| e.class <= Road::Secondary);
        let canals = all(&|e| e.canal);
        let (edges, off): (&[u32], f64) = match class.code.as_str() {
            "0211" | "0216" => (&wide, 0.0),
            "0604" | "0606" if !canals.is_empty() => (&canals, 12.0),
            "0408" => (&plan.roads, 0.8),
            _ => (&plan.roads, 0.5),
        };
        pieces(plan, edges, class.count, |e, from, to, k| {
            let edge = plan.edge(e);
            let (inner, outer) = (half_carriageway_m(plan, e), half_corridor_m(plan, e));
            let side = if k.is_multiple_of(2) { 1.0 } else { -1.0 };
            let off_m = match class.code.as_str() {
                "0211" => 0.0,
                "0604" | "0606" => off * side,
                _ => side * (inner + (outer - inner).max(0.4) * off),
            };
            let line = if class.code == "2108" {
                // Speed bumps lie across.
                let along = (from + to) / 2.0;
                vec![edge.at(along, -inner).0, edge.at(along, inner).0]
            } else {
                edge.part(from + 0.5, to.min(from + 90.0) - 0.5, off_m)
            };
            let line: Vec<Pt> = line.into_iter().map(mm).collect();
            let face =
                [edge.left, edge.right].into_iter().find(|&f| f != NONE && plan.face(f).core).unwrap_or(plan.grids[0]);
            let site = Site { at: line[0], face, yaw_deg: 0.0, edge: Some(e) };
            let mut values = self.row(class, &site);
            let length: f64 = line.windows(2).map(|w| distance(w[0], w[1])).sum();
            if class.layer != "cp_extension" {
                values.push(("length_m", length.into()));
            }
            rows.put(Shape::Line(&line), &values)
        })
    }

    fn areas(&mut self, class: &Class, rows: &mut Rows) -> Result<()> {
        let plan = self.plan;
        let mut rng = Rng::of(plan.seed, &class.code, 2);
        let over_roads = matches!(class.code.as_str(), "0205" | "0206" | "0207" | "0208");
        if over_roads {
            let skip = match class.code.as_str() {
                "0205" => 2,
                "0206" => 5,
                "0207" => 3,
                _ => 0,
            };
            for (e, along, canal) in cim::bridge_places(plan, class.count + skip).into_iter().skip(skip) {
                let half = if canal { [6.0, 19.0] } else { [9.0, half_corridor_m(plan, e)] };
                let ring = cim::across(plan, e, along, half);
                let face = plan.grid_near(plan.edge(e).at(along, 2.0).0, e);
                self.area(class, face, Some(e), ring, rows)?;
            }
            return Ok(());
        }
        let weight = |f: &super::plan::Face| match (class.code.as_str(), f.kind, f.zone) {
            ("0405", Use::Park, _) => 9.0,
            ("0405", Use::Built, _) => 1.0,
            ("0601", Use::Built, Zone::Industry) => 1.0,
            ("0201" | "0602", Use::Built, _) => 1.0,
            _ => 0.02,
        };
        for (face, n) in plan.allot(class.count, &plan.grids, weight) {
            let ring = if n > 0 { plan.ring(face) } else { vec![] };
            for _ in 0..n {
                let radius = (plan.face(face).area_m2.sqrt() * 0.10).min(30.0) * rng.between(0.5, 1.0);
                let shape = if class.code == "0405" {
                    blob(inner_point(&ring, plan.face(face).centre, &mut rng), radius, 14, &mut rng)
                } else {
                    rectangle(inner_point(&ring, plan.face(face).centre, &mut rng), radius, &mut rng)
                };
                self.area(class, face, None, shape, rows)?;
            }
        }
        Ok(())
    }

    fn area(&mut self, class: &Class, face: u32, edge: Option<u32>, ring: Vec<Pt>, rows: &mut Rows) -> Result<()> {
        let site = Site { at: ring[0], face, yaw_deg: 0.0, edge };
        let mut values = self.row(class, &site);
        values.push(("area_m2", area(&ring).into()));
        let place = self.plan.street_name(edge.unwrap_or(self.plan.face(face).ring[0].0));
        match class.layer.as_str() {
            "cp_green_area" => values.extend([
                ("green_name", Val::Own(format!("{place}绿地"))),
                ("green_type", (*self.rng.pick(&["公园绿地", "附属绿地", "防护绿地", "广场用地"])).into()),
                ("maintain_grade", (*self.rng.pick(&["特级", "一级", "二级", "三级"])).into()),
            ]),
            "cp_bridge_passage_parking" => values.extend([
                ("facility_name", Val::Own(format!("{place}{}", class.name))),
                ("capacity", if class.code == "0201" { (20 + self.rng.below(300)).into() } else { Val::Null }),
            ]),
            _ => {}
        }
        rows.put(Shape::Polygon(&[ring]), &values)
    }
}

fn inner_point(ring: &[Pt], centre: Pt, rng: &mut Rng) -> Pt {
    let p = point_in(ring, rng);
    [centre[0] + (p[0] - centre[0]) * 0.7, centre[1] + (p[1] - centre[1]) * 0.7]
}

fn rectangle(c: Pt, half_m: f64, rng: &mut Rng) -> Vec<Pt> {
    let t = rng.between(-0.3, 0.3);
    let (u, v) = ([t.cos(), t.sin()], [-t.sin(), t.cos()]);
    let corner = |s: f64, w: f64| mm(add(add(c, u, s * half_m), v, w * half_m * 0.6));
    let mut ring = vec![corner(-1.0, -1.0), corner(1.0, -1.0), corner(1.0, 1.0), corner(-1.0, 1.0)];
    ring.push(ring[0]);
    ring
}

fn mm(p: Pt) -> Pt {
    p.map(|v| (v * 1000.0).round() / 1000.0)
}

/// The component codes' form, for what refers to components: a lamp of a face's district.
pub fn lamp_code(plan: &Plan, face: u32, k: usize) -> String {
    format!("{}0118{:06}", plan.district6(face), k % 900 + 1)
}
