//! Bodies of pipe nodes in the tiles, against the records: they stand on the ends of the pipes that name them, and wells
//! reach from the ground to their bottom.

use super::shown;
use chengtu::audience::Audience;
use chengtu::city::City;
use chengtu::feature::{Geometry, ValueRef};
use chengtu::geo::GeometryKind;
use chengtu::geo::ellipsoid::Ellipsoid;
use chengtu::layer::{FieldRole, Layer, Role};
use chengtu::scene::decode::{Cell, decode};
use chengtu::scene::{Frame, moved};
use chengtu::store::{Row, Snapshot, Table};
use chengtu::tile::three::{content, plan};
use std::collections::HashMap;

/// A body as it is drawn: where its axis stands, and from which height to which.
struct Body {
    at: [f64; 2],
    heights_m: [f64; 2],
}

/// What a record says of a node.
struct Said {
    id: u64,
    ground_m: Option<f64>,
    depth_m: Option<f64>,
}

pub struct Stood {
    pub ends: usize,
    pub wells: usize,
}

pub fn check(snapshot: &Snapshot, city: &City, audience: &Audience) -> Stood {
    let (mut said, mut bodies) = (HashMap::new(), HashMap::new());
    for (ix, layer) in snapshot.catalog.with_role(Role::PipeNode) {
        let Some(table) = snapshot.features(&layer.id).unwrap() else { continue };
        each(&table, layer, &mut |row, _, values| {
            let key = layer.key_field().map(|f| values[f]);
            let Some(ValueRef::Text(name)) = key else { return };
            let number = |role| match layer.field_by_role(role).map(|f| values[f]) {
                Some(ValueRef::Float(x)) => Some(x),
                _ => None,
            };
            let (ground_m, depth_m) = (number(FieldRole::GroundHeight), number(FieldRole::WellDepth));
            said.insert(name.to_string(), Said { id: row.id().0, ground_m, depth_m });
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
    let mut stood = Stood { ends: 0, wells: 0 };
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
            for (role, at) in ends {
                let Some(ValueRef::Text(name)) = layer.field_by_role(role).map(|f| values[f]) else { continue };
                // Dangling ends name a node that is not there.
                let Some(body) = said.get(name).map(|s| &bodies[&s.id]) else { continue };
                let [e, n, _] = Frame::at(g.xy[at], 0.0).local(body.at, 0.0);
                assert!(e.hypot(n) <= 0.01, "{}: {name} stands {} m from its end", row.id().0, e.hypot(n));
                stood.ends += 1;
            }
        });
    }
    stood
}

fn body(vertices: Vec<[f64; 3]>) -> Body {
    let n = vertices.len() as f64;
    let middle = vertices.iter().fold([0.0; 3], |m, p| [0, 1, 2].map(|i| m[i] + p[i] / n));
    let heights = vertices.iter().map(|p| Ellipsoid::CGCS2000.from_geocentric(*p).1);
    let (low, high) = heights.fold((f64::MAX, f64::MIN), |(low, high), h| (low.min(h), high.max(h)));
    Body { at: Ellipsoid::CGCS2000.from_geocentric(middle).0, heights_m: [low, high] }
}

fn each(table: &Table, layer: &Layer, seen: &mut dyn FnMut(&Row<'_>, &Geometry, &[ValueRef<'_>])) {
    let mut g = Geometry::empty(GeometryKind::Point);
    table
        .scan(&mut |row| {
            row.read_geometry(&mut g);
            let mut values = vec![ValueRef::Null; layer.fields.len()];
            row.values(|i, v| values[layer.field(&table.schema().columns[i].name).unwrap()] = v);
            seen(row, &g, &values);
            Ok(())
        })
        .unwrap();
}
