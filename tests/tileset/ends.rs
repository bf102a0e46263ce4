//! Ends of pipes in the tiles of a small city, against what the records say by themselves: where nothing else ends, a tube
//! is closed; where another of its size goes on at its height, the two leave no gap.

mod wells;

use chengtu::audience::Audience;
use chengtu::city::City;
use chengtu::feature::{Geometry, ValueRef};
use chengtu::geo::GeometryKind;
use chengtu::geo::ellipsoid::Ellipsoid;
use chengtu::layer::{FieldRole, Layer, LayerIx, Role};
use chengtu::scene::decode::{Cell, Decoded, decode};
use chengtu::scene::{Form, Frame, moved};
use chengtu::store::Snapshot;
use chengtu::tile::three::{Shown, content, plan};
use std::collections::HashMap;
use std::sync::Arc;

const GAP_M: f64 = 0.01;

/// What a record says of one end of its pipe.
#[derive(Clone, PartialEq)]
struct End {
    id: u64,
    at: [f64; 2],
    /// The direction of its first piece, metres east and north, and its length.
    inward: [f64; 2],
    leg_m: f64,
    size: String,
    height: Option<f64>,
    reference: String,
}

/// Faces of one pipe, on the earth.
#[derive(Default)]
struct Tube {
    triangles: Vec<[[f64; 3]; 3]>,
    /// Places on edges that have one face only.
    border: Vec<[f64; 3]>,
}

pub struct Checked {
    pub closed: usize,
    pub joined: usize,
    pub stood: wells::Stood,
}

pub fn check(snapshot: &Arc<Snapshot>, audience: &Audience) -> Checked {
    let city = City::new(snapshot.clone());
    let stood = wells::check(snapshot, &city, audience);
    let mut checked = Checked { closed: 0, joined: 0, stood };
    for (ix, layer) in snapshot.catalog.with_role(Role::PipeSegment) {
        let Some(table) = snapshot.features(&layer.id).unwrap() else { continue };
        let mut ends: HashMap<[i64; 2], Vec<End>> = HashMap::new();
        let mut g = Geometry::empty(GeometryKind::Point);
        table
            .scan(&mut |row| {
                row.read_geometry(&mut g);
                let mut values = vec![ValueRef::Null; layer.fields.len()];
                row.values(|i, v| values[layer.field(&table.schema().columns[i].name).unwrap()] = v);
                for end in both(layer, row.id().0, &g, &values) {
                    ends.entry(end.at.map(|x| (x * 1e8).round() as i64)).or_default().push(end);
                }
                Ok(())
            })
            .unwrap();
        let tubes = drawn(&city, audience, ix);
        held(&ends, &tubes, &mut checked, &layer.id);
    }
    checked
}

fn both(layer: &Layer, id: u64, g: &Geometry, values: &[ValueRef<'_>]) -> [End; 2] {
    let text = |role| match layer.field_by_role(role).map(|f| values[f]) {
        Some(ValueRef::Text(t)) => t.to_string(),
        _ => String::new(),
    };
    let number = |role| match layer.field_by_role(role).map(|f| values[f]) {
        Some(ValueRef::Float(x)) => Some(x),
        _ => None,
    };
    let n = g.xy.len();
    [(0, 1, FieldRole::StartElevation), (n - 1, n - 2, FieldRole::EndElevation)].map(|(own, next, role)| {
        let [e, north, _] = Frame::at(g.xy[own], 0.0).local(g.xy[next], 0.0);
        let leg_m = e.hypot(north);
        End {
            id,
            at: g.xy[own],
            inward: [e / leg_m, north / leg_m],
            leg_m,
            size: text(FieldRole::SectionSize),
            height: number(role),
            reference: text(FieldRole::ElevationRef),
        }
    })
}

fn shown() -> Shown {
    Shown {
        form: Form::default(),
        columns: None,
        geoid: std::sync::Arc::new(chengtu::geo::geoid::Geoid::constant(0.0)),
    }
}

/// The faces of every pipe of a layer.
fn drawn(city: &City, audience: &Audience, ix: LayerIx) -> HashMap<u64, Tube> {
    let plan = plan(city, audience, ix, &shown()).unwrap().ok().unwrap().expect("a tree");
    let mut tubes: HashMap<u64, Tube> = HashMap::new();
    for node in (0..plan.tree.nodes.len()).filter(|&n| plan.has_content(n)) {
        let d = decode(&content(&plan, node).unwrap()).unwrap();
        let to_earth = Frame::at(plan.tree.nodes[node].centre, 0.0).transform();
        for (row, cell) in d.columns["id"].iter().enumerate() {
            let Cell::Text(id) = cell else { panic!("an id that is no text") };
            let triangles = faces(&d, row as u32);
            let border = border(&triangles).into_iter().map(|p| moved(&to_earth, p)).collect();
            let triangles = triangles.into_iter().map(|t| t.map(|p| moved(&to_earth, p))).collect();
            tubes.insert(id.parse().unwrap(), Tube { triangles, border });
        }
    }
    tubes
}

fn faces(d: &Decoded, row: u32) -> Vec<[[f64; 3]; 3]> {
    let all = d.primitives.iter().filter(|p| p.mode == 4).flat_map(|p| p.indices.chunks_exact(3));
    all.filter(|t| d.vertices[t[0] as usize].row == row)
        .map(|t| [0, 1, 2].map(|k| d.vertices[t[k] as usize].at))
        .collect()
}

fn held(ends: &HashMap<[i64; 2], Vec<End>>, tubes: &HashMap<u64, Tube>, checked: &mut Checked, layer: &str) {
    for here in ends.values() {
        match here.as_slice() {
            [one] => {
                let open = tubes[&one.id].border.iter().filter(|p| is_near(p, one)).count();
                assert_eq!(open, 0, "{layer}: {} meets nothing and is open", one.id);
                checked.closed += 1;
            }
            [a, b] if go_on(a, b) => {
                let (one, other) = (&tubes[&a.id], &tubes[&b.id]);
                let is_open = |t: &Tube| t.border.iter().any(|p| is_near(p, a));
                assert!(is_open(one) && is_open(other), "{layer}: a cap inside of {} or {}", a.id, b.id);
                let far = gap(one, other, a).max(gap(other, one, a));
                assert!(far <= GAP_M, "{layer}: {far} m between {} and {}", a.id, b.id);
                checked.joined += 1;
            }
            _ => {}
        }
    }
}

/// Two round pipes of one size and height that turn by less than a right angle, with room for a mitre.
fn go_on(a: &End, b: &End) -> bool {
    let same = a.size == b.size && a.height == b.height && a.height.is_some() && a.reference == b.reference;
    let turn = (-(a.inward[0] * b.inward[0] + a.inward[1] * b.inward[1])).clamp(-1.0, 1.0).acos();
    same && a.id != b.id && !a.size.contains('x') && turn < 1.5 && a.leg_m.min(b.leg_m) > 4.0
}

/// The largest distance from an open border of one pipe near a joint to the faces of another.
fn gap(of: &Tube, to: &Tube, joint: &End) -> f64 {
    let nearest = |p: &[f64; 3]| to.triangles.iter().map(|t| from_edges(*p, t)).fold(f64::MAX, f64::min);
    of.border.iter().filter(|p| is_near(p, joint)).map(nearest).fold(0.0, f64::max)
}

fn is_near(p: &[f64; 3], end: &End) -> bool {
    let (q, _) = Ellipsoid::CGCS2000.from_geocentric(*p);
    ((q[0] - end.at[0]) * q[1].to_radians().cos()).hypot(q[1] - end.at[1]) * 110_600.0 < 2.0_f64.min(end.leg_m / 2.0)
}

/// Where a surface ends.
fn border(triangles: &[[[f64; 3]; 3]]) -> Vec<[f64; 3]> {
    let key = |p: [f64; 3]| p.map(|x| (x * 16384.0).round() as i64);
    let mut seen: HashMap<_, (i32, [f64; 3])> = HashMap::new();
    for t in triangles {
        for (i, j) in [(0, 1), (1, 2), (2, 0)] {
            let (a, b) = (key(t[i]), key(t[j]));
            seen.entry((a.min(b), a.max(b))).or_insert((0, t[i])).0 += if a < b { 1 } else { -1 };
        }
    }
    seen.into_values().filter(|(n, _)| *n != 0).map(|(_, p)| p).collect()
}

fn from_edges(p: [f64; 3], t: &[[f64; 3]; 3]) -> f64 {
    let sub = |a: [f64; 3], b: [f64; 3]| [0, 1, 2].map(|i| a[i] - b[i]);
    let dot = |a: [f64; 3], b: [f64; 3]| (0..3).map(|i| a[i] * b[i]).sum::<f64>();
    let from = |a: [f64; 3], b: [f64; 3]| {
        let (ab, ap) = (sub(b, a), sub(p, a));
        let s = (dot(ap, ab) / dot(ab, ab).max(1e-18)).clamp(0.0, 1.0);
        let off = sub(ap, ab.map(|x| x * s));
        dot(off, off).sqrt()
    };
    from(t[0], t[1]).min(from(t[1], t[2])).min(from(t[2], t[0]))
}
