//! Bodies of pipe nodes in the tiles, against the records: they stand on the ends of the pipes that name them, wells reach
//! from the ground to their bottom, and what is no well is as wide as the widest of its pipes asks.

use super::shown;
use chengtu::audience::Audience;
use chengtu::city::City;
use chengtu::feature::{Geometry, ValueRef};
use chengtu::geo::GeometryKind;
use chengtu::geo::ellipsoid::Ellipsoid;
use chengtu::layer::{FieldRole, Layer, Role};
use chengtu::scene::decode::{Cell, decode};
use chengtu::scene::{FITTING_OVER_PIPE, Frame, VALVE_OVER_PIPE, moved};
use chengtu::store::{Row, Snapshot, Table};
use chengtu::tile::three::{content, plan};
use std::collections::HashMap;

/// A body as it is drawn: where its axis stands, from which height to which, and how wide it is.
struct Body {
    at: [f64; 2],
    heights_m: [f64; 2],
    width_m: f64,
}

/// What a record says of a node.
struct Said {
    id: u64,
    ground_m: Option<f64>,
    depth_m: Option<f64>,
    accessory: String,
    place: [i64; 2],
}

/// What two of them have that stand in one place.
fn place(at: [f64; 2]) -> [i64; 2] {
    at.map(|x| (x * 1e8).round() as i64)
}

pub struct Stood {
    pub ends: usize,
    pub wells: usize,
    pub sized: usize,
}

pub fn check(snapshot: &Snapshot, city: &City, audience: &Audience) -> Stood {
    let (mut said, mut bodies) = (HashMap::new(), HashMap::new());
    for (ix, layer) in snapshot.catalog.with_role(Role::PipeNode) {
        let Some(table) = snapshot.features(&layer.id).unwrap() else { continue };
        each(&table, layer, &mut |row, g, values| {
            let key = layer.key_field().map(|f| values[f]);
            let Some(ValueRef::Text(name)) = key else { return };
            let number = |role| match layer.field_by_role(role).map(|f| values[f]) {
                Some(ValueRef::Float(x)) => Some(x),
                _ => None,
            };
            let (ground_m, depth_m) = (number(FieldRole::GroundHeight), number(FieldRole::WellDepth));
            let accessory = match layer.field("accessory_type").map(|f| values[f]) {
                Some(ValueRef::Text(t)) => t.to_string(),
                _ => String::new(),
            };
            let place = place(g.xy[0]);
            said.insert(name.to_string(), Said { id: row.id().0, ground_m, depth_m, accessory, place });
        });
        let plan = plan(city, audience, ix, &shown()).unwrap().ok().unwrap().expect("a tree");
        for node in (0..plan.tree.nodes.len()).filter(|&n| plan.has_content(n)) {
            let d = decode(&content(&plan, node).unwrap()).unwrap();
            let to_earth = Frame::at(plan.tree.nodes[node].centre, 0.0).transform();
            for (row, cell) in d.columns["id"].iter().enumerate() {
                let Cell::Text(id) = cell else { panic!("an id that is no text") };
                let own = d.vertices.iter().filter(|v| v.row == row as u32).map(|v| moved(&to_earth, v.at));
                bodies.insert(id.parse::<u64>().unwrap(), body(own.collect()));
            }
        }
    }
    let mut stood = Stood { ends: 0, wells: 0, sized: 0 };
    // By those that name it, and by those that end at its place, of whichever layer.
    let (mut named, mut placed) = (HashMap::<&str, f64>::new(), HashMap::<[i64; 2], f64>::new());
    for well in said.values() {
        let (Some(ground_m), Some(depth_m)) = (well.ground_m, well.depth_m) else { continue };
        let [low, high] = bodies[&well.id].heights_m;
        assert!((low - (ground_m - depth_m)).abs() < 0.01, "{}: bottom at {low}", well.id);
        // The lid is 2 cm proud.
        assert!((high - 0.02 - ground_m).abs() < 0.01, "{}: top at {high}", well.id);
        stood.wells += 1;
    }
    for (_, layer) in snapshot.catalog.with_role(Role::PipeSegment) {
        let Some(table) = snapshot.features(&layer.id).unwrap() else { continue };
        each(&table, layer, &mut |row, g, values| {
            let ends = [(FieldRole::StartNode, 0), (FieldRole::EndNode, g.xy.len() - 1)];
            let size = match layer.field_by_role(FieldRole::SectionSize).map(|f| values[f]) {
                Some(ValueRef::Text(size)) => size,
                _ => "",
            };
            let default_m = layer.scene.as_ref().and_then(|s| s.default_mm).unwrap() / 1000.0;
            let size_m = widest_m(size).unwrap_or(default_m);
            for (role, at) in ends {
                let here = placed.entry(place(g.xy[at])).or_default();
                *here = here.max(size_m);
                let Some(ValueRef::Text(name)) = layer.field_by_role(role).map(|f| values[f]) else { continue };
                // Dangling ends name a node that is not there.
                let Some((name, body)) = said.get_key_value(name).map(|(n, s)| (n, &bodies[&s.id])) else { continue };
                let [e, n, _] = Frame::at(g.xy[at], 0.0).local(body.at, 0.0);
                assert!(e.hypot(n) <= 0.01, "{}: {name} stands {} m from its end", row.id().0, e.hypot(n));
                stood.ends += 1;
                let own = named.entry(name.as_str()).or_default();
                *own = own.max(size_m);
            }
        });
    }
    for (name, by_name_m) in named {
        let node = &said[name];
        let shaft = node.accessory.contains(['井', '孔', '箅', '篦', '室', '池']);
        if node.depth_m.is_some() || shaft {
            continue;
        }
        let factor = if node.accessory.contains(['阀', '栓']) { VALVE_OVER_PIPE } else { FITTING_OVER_PIPE };
        let pipe_m = placed.get(&node.place).copied().unwrap_or(0.0).max(by_name_m);
        let (width_m, want_m) = (bodies[&node.id].width_m, pipe_m * factor);
        // Drawn to 5 mm.
        assert!((width_m - want_m).abs() < 0.01, "{name}: {width_m} m wide on a pipe of {pipe_m} m");
        stood.sized += 1;
    }
    stood
}

/// The greater measure of a delivered size.
fn widest_m(size: &str) -> Option<f64> {
    let digits = size.trim_start_matches(|c: char| !c.is_ascii_digit());
    let numbers = digits.split(|c: char| !c.is_ascii_digit() && c != '.').filter_map(|n| n.parse::<f64>().ok());
    numbers.filter(|n| *n > 0.0).reduce(f64::max).map(|mm| mm / 1000.0)
}

fn body(vertices: Vec<[f64; 3]>) -> Body {
    let n = vertices.len() as f64;
    let middle = vertices.iter().fold([0.0; 3], |m, p| [0, 1, 2].map(|i| m[i] + p[i] / n));
    let heights = vertices.iter().map(|p| Ellipsoid::CGCS2000.from_geocentric(*p).1);
    let (low, high) = heights.fold((f64::MAX, f64::MIN), |(low, high), h| (low.min(h), high.max(h)));
    let at = Ellipsoid::CGCS2000.from_geocentric(middle).0;
    let frame = Frame::at(at, 0.0);
    let from_axis = |p: &[f64; 3]| {
        let (lonlat, h) = Ellipsoid::CGCS2000.from_geocentric(*p);
        let [e, n, _] = frame.local(lonlat, h);
        e.hypot(n)
    };
    let width_m = 2.0 * vertices.iter().map(from_axis).fold(0.0, f64::max);
    Body { at, heights_m: [low, high], width_m }
}

fn each(table: &Table, layer: &Layer, seen: &mut dyn FnMut(&Row<'_>, &Geometry, &[ValueRef<'_>])) {
    let mut g = Geometry::empty(GeometryKind::Point);
    table
        .scan(&mut |row| {
            row.read_geometry(&mut g);
            let mut values = vec![ValueRef::Null; layer.fields.len()];
            row.values(&mut |i, v| values[layer.field(&table.schema().columns[i].name).unwrap()] = v);
            seen(row, &g, &values);
            Ok(())
        })
        .unwrap();
}
