//! A small city for tests, made in memory: two communities W and E of street S in district A with unit grids, district B
//! without, the register of the specification's examples, and whatever a test adds.
//!
//! Coordinates count cells of 0.001° (about 91 m × 111 m) from 114.3° E, 34.7° N: W is 0..2 × 0..2, E is 2..4 × 0..2,
//! B is 4..8 × 0..2.

use super::answer::Answer;
use super::components::{Builder, Holding, Record};
use super::duties::{Duties, Duty};
use super::instant::{Instant, Span};
use super::register::*;
use super::rulings::Rulings;
use super::territory::{Cell, Level, Territory};
use super::{Asked, Invalid, Ownership, Question, Schedule, Spellings};
use crate::feature::{FeatureId, Geometry};
use crate::layer::{Catalog, LayerIx, Role};
use std::collections::HashMap;

pub const NOW: &str = "2026-11-18T21:00:00+08:00";

/// City cells → degrees.
pub fn at(x: f64, y: f64) -> [f64; 2] {
    [114.3 + x * 0.001, 34.7 + y * 0.001]
}

/// Metres east of a place.
pub fn east(p: [f64; 2], metres: f64) -> [f64; 2] {
    [p[0] + metres / 91_520.0, p[1]]
}

/// With a vertex at every corner of cells that it passes: neighbours of all levels share their vertices.
pub fn square(west: f64, south: f64, east: f64, north: f64) -> Geometry {
    let between = |from: f64, to: f64| -> Vec<f64> {
        let inner = (from.floor() as i64 + 1..to.ceil() as i64).map(|v| v as f64);
        std::iter::once(from).chain(inner).collect()
    };
    let (mut xs, mut ys) = (between(west, east), between(south, north));
    let mut ring: Vec<[f64; 2]> = xs.iter().map(|x| [*x, south]).collect();
    ring.extend(ys.iter().map(|y| [east, *y]));
    xs.push(east);
    ys.push(north);
    ring.extend(xs[1..].iter().rev().map(|x| [*x, north]));
    ring.extend(ys[1..].iter().rev().map(|y| [west, *y]));
    ring.push(ring[0]);
    Geometry::polygon(&[ring.iter().map(|[x, y]| at(*x, *y)).collect()])
}

pub struct World {
    pub register: Register,
    pub cells: HashMap<Level, Vec<(Cell, Geometry)>>,
    pub duties: Vec<(Role, Area)>,
    pub components: Vec<Thing>,
}

/// A duty area before its organisations are looked up.
#[derive(Clone)]
pub struct Area {
    pub code: &'static str,
    pub organisation: &'static str,
    pub classes: &'static str,
    pub priority: i64,
    pub shape: Geometry,
    pub schedule: Option<&'static str>,
    pub span: (Option<&'static str>, Option<&'static str>),
    pub level: i8,
}

impl Area {
    pub fn new(code: &'static str, organisation: &'static str, classes: &'static str, shape: Geometry) -> Area {
        Area { code, organisation, classes, priority: 1, shape, schedule: None, span: (None, None), level: 0 }
    }
}

#[derive(Clone)]
pub struct Thing {
    pub code: &'static str,
    pub class: &'static str,
    pub geometry: Geometry,
    pub maintainer: &'static str,
    pub owner: &'static str,
    pub shared: Option<bool>,
    pub retired: bool,
    pub since: Option<&'static str>,
}

impl Thing {
    pub fn new(code: &'static str, class: &'static str, p: [f64; 2]) -> Thing {
        let geometry = Geometry::point(p[0], p[1]);
        Thing { code, class, geometry, maintainer: "", owner: "", shared: None, retired: false, since: None }
    }

    pub fn owned_by(self, owner: &'static str) -> Thing {
        Thing { owner, ..self }
    }
}

pub fn organisation(code: &str, name: &str) -> Organisation {
    Organisation { code: code.into(), name: name.into(), ..Organisation::default() }
}

/// The classes and crosswalk of `data/`, as a register has them.
fn schemes() -> (Vec<Scheme>, Vec<Crosswalk>) {
    let rows = |text: &'static str| {
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let names = reader.headers().expect("has a head").clone();
        let row = move |r: csv::Result<csv::StringRecord>| -> HashMap<String, String> {
            let r = r.expect("reads");
            names.iter().zip(r.iter()).map(|(n, v)| (n.to_string(), v.to_string())).collect()
        };
        reader.into_records().map(row).collect::<Vec<_>>()
    };
    let class = |kind, code: &String, name: &String| Class {
        kind,
        code: code.clone(),
        name: name.clone(),
        policy: None,
        component: None,
        role: None,
        role_level: None,
        holders: None,
        ownerless: None,
        no_fallback: None,
    };
    let old = rows(include_str!("../../data/component-classes.csv"));
    let old = old.iter().map(|r| class(ClassKind::Component, &r["code"], &r["name_zh"])).collect();
    let new = rows(include_str!("../../data/case-classes-gbt47678-5.csv"));
    let new = new.iter().map(|r| {
        let kind = if r["kind"] == "component" { ClassKind::Component } else { ClassKind::Matter };
        let linked = Some(r["linked_component_code"].clone()).filter(|c| !c.is_empty() && kind == ClassKind::Matter);
        let ownerless = matches!(r["code"].as_str(), "01023" | "01034").then_some(true);
        Class {
            policy: Some(r["policy"].clone()),
            component: linked,
            ownerless,
            ..class(kind, &r["code"], &r["name_zh"])
        }
    });
    let walk = rows(include_str!("../../data/crosswalk-cjt214-to-gbt47678-5.csv"));
    let walk = walk.iter().map(|r| CrosswalkRow {
        kind: ClassKind::Component,
        code: r["code_cjt214"].clone(),
        to: r["codes_gbt47678_5"].split('|').filter(|c| !c.is_empty()).map(str::to_string).collect(),
        exact: r["relation"] == "exact",
    });
    let scheme = |id: &str, classes| Scheme { id: id.into(), default_policy: "OWNER_THEN_TERRITORY".into(), classes };
    let crosswalk = Crosswalk { from: "cjt214-2007".into(), to: "gbt47678.5-2026".into(), rows: walk.collect() };
    (vec![scheme("cjt214-2007", old), scheme("gbt47678.5-2026", new.collect())], vec![crosswalk])
}

impl World {
    pub fn new() -> World {
        let (schemes, crosswalks) = schemes();
        let names = [
            ("WATER", "供水公司"),
            ("HOUSING", "住建局"),
            ("LIGHT", "照明中心"),
            ("UNICOM", "联通"),
            ("MOBILE", "移动"),
            ("TELECOM", "电信"),
            ("DRAIN", "排水公司"),
            ("ROADS", "市政设施中心"),
            ("BUILDER", "X建筑公司"),
            ("PARKS", "园林处"),
            ("LAW-A", "区城管执法大队A"),
            ("LAW-B", "区城管执法大队B"),
            ("STREET", "S街道办事处"),
            ("DISTRICT-A", "A区政府"),
            ("DISTRICT-B", "B区政府"),
            ("EMERGENCY", "市政应急抢险队"),
        ];
        let mut register = Register {
            city: "410200".into(),
            organisations: names.iter().map(|(c, n)| organisation(c, n)).collect(),
            schemes,
            crosswalks,
            component_scheme: "cjt214-2007".into(),
            emergency: Some("EMERGENCY".into()),
            ..Register::default()
        };
        for class in register.schemes.iter_mut().flat_map(|s| &mut s.classes) {
            if class.policy.as_ref().is_some_and(|p| p.contains("INDUSTRY")) {
                class.role = Some("城管执法".into());
                class.role_level = Some(RoleLevel::District);
            }
        }
        for (territory, org) in [("410202", "LAW-A"), ("410203", "LAW-B")] {
            register.roles.push(RoleAssignment {
                role: "城管执法".into(),
                territory: territory.into(),
                organisation: org.into(),
                ..RoleAssignment::default()
            });
        }
        let mut world = World { register, cells: HashMap::new(), duties: vec![], components: vec![] };
        world.draw();
        world
    }

    fn draw(&mut self) {
        self.cell(Level::District, "410202", "A区", None, Some("DISTRICT-A"), square(0.0, 0.0, 4.0, 2.0));
        self.cell(Level::District, "410203", "B区", None, Some("DISTRICT-B"), square(4.0, 0.0, 8.0, 2.0));
        self.cell(Level::Street, "410202001", "S街道", Some("410202"), Some("STREET"), square(0.0, 0.0, 4.0, 2.0));
        self.cell(Level::Community, "410202001001", "W社区", Some("410202001"), None, square(0.0, 0.0, 2.0, 2.0));
        self.cell(Level::Community, "410202001002", "E社区", Some("410202001"), None, square(2.0, 0.0, 4.0, 2.0));
        for i in 0..8 {
            let (x, y) = (i % 4, i / 4);
            let community = if x < 2 { "410202001001" } else { "410202001002" };
            let code: &'static str = Box::leak(format!("{community}{:03}", i + 1).into_boxed_str());
            let (x, y) = (f64::from(x), f64::from(y));
            self.cell(Level::UnitGrid, code, code, Some(community), None, square(x, y, x + 1.0, y + 1.0));
        }
    }

    pub fn cell(
        &mut self,
        level: Level,
        code: &'static str,
        name: &str,
        parent: Option<&str>,
        body: Option<&str>,
        shape: Geometry,
    ) {
        let cells = self.cells.entry(level).or_default();
        let cell = Cell {
            layer: LayerIx(0),
            id: FeatureId(1000 * (level as u64 + 1) + cells.len() as u64),
            code: code.into(),
            name: Some(name.into()),
            parent: parent.map(str::to_string),
            body: None,
            body_code: body.map(str::to_string),
            span: Span::ALWAYS,
            area_m2: 10_000.0,
        };
        cells.push((cell, shape));
    }

    pub fn grid_mut(&mut self, code: &str) -> &mut (Cell, Geometry) {
        let grids = self.cells.get_mut(&Level::UnitGrid).expect("has grids");
        grids.iter_mut().find(|(c, _)| c.code == code).expect("the grid is there")
    }

    pub fn with(mut self, thing: Thing) -> World {
        self.components.push(thing);
        self
    }

    pub fn with_area(mut self, role: Role, area: Area) -> World {
        self.duties.push((role, area));
        self
    }

    pub fn with_ruling(mut self, ruling: Ruling) -> World {
        self.register.rulings.push(ruling);
        self
    }

    pub fn organisation(&mut self, code: &str) -> &mut Organisation {
        self.register.organisations.iter_mut().find(|o| o.code == code).expect("registered")
    }

    pub fn build(&self) -> Ownership {
        let flaws = check(&self.register);
        assert!(flaws.is_empty() || self.register == Register::default(), "the test's register is unsound: {flaws:?}");
        let catalog = Catalog::shipped().expect("loads");
        let layer = |role| catalog.with_role(role).next().expect("a layer of the role").0;
        let book = Book::new(&self.register);
        let cells = |level: Level| {
            let mut cells = self.cells.get(&level).cloned().unwrap_or_default();
            for (cell, _) in &mut cells {
                cell.body = cell.body_code.as_ref().and_then(|code| book.organisation(code));
                cell.layer = layer(level.role());
            }
            cells
        };
        let territory = Territory::build(Level::ALL.map(cells));
        let mut components = Builder::default();
        for (i, t) in self.components.iter().enumerate() {
            let holding = |code: &str| match (code, book.organisation(code)) {
                ("", _) => Holding::Nobody,
                (_, Some(org)) => Holding::Known(org),
                (_, None) => Holding::Unknown,
            };
            let record = Record {
                layer: layer(Role::Component),
                id: FeatureId(90_000 + i as u64),
                code: t.code,
                class: book.component_class(None, t.class),
                holders: [holding(t.maintainer), holding(t.owner), Holding::Nobody],
                retired: t.retired,
                since: t.since.and_then(Instant::parse).map_or(i64::MIN, |at| at.0),
                shared: t.shared,
                ownerless: false,
                accuracy_m: 0.5,
                level: 0,
                grid_differs: false,
            };
            components.push(&record, &t.geometry);
        }
        let mut duties: HashMap<Role, Vec<(Duty, Geometry)>> = HashMap::new();
        for (i, (role, a)) in self.duties.iter().enumerate() {
            let duty = Duty {
                layer: layer(*role),
                id: FeatureId(50_000 + i as u64),
                code: a.code.into(),
                name: None,
                organisation: book.organisation(a.organisation),
                assist: vec![],
                classes: a.classes.into(),
                priority: a.priority,
                area_m2: (a.shape.bbox().max_x - a.shape.bbox().min_x) * 1e6,
                span: Span::parse(a.span.0, a.span.1).expect("a span"),
                schedule: a.schedule.map(|s| Schedule::parse(s).expect("a schedule")),
                level: a.level,
            };
            duties.entry(*role).or_default().push((duty, a.shape.clone()));
        }
        let layers: Vec<_> = catalog.iter().map(|(_, l)| l.clone()).collect();
        let components = components.build();
        Ownership {
            versions: layers.iter().map(|_| "0123456789ab".to_string()).collect(),
            layers,
            rulings: Rulings::build(&self.register, &book, &components),
            components,
            duties: duties.into_iter().map(|(role, d)| (role, Duties::build(d, &book))).collect(),
            territory,
            book,
        }
    }
}

/// A question about a place; `more` fills in the rest.
pub fn asked<'a>(p: [f64; 2]) -> Asked<'a> {
    Asked { lon: Some(p[0]), lat: Some(p[1]), at: Some(NOW), ..Asked::default() }
}

pub fn question<'a>(own: &Ownership, asked: &Asked<'a>) -> Result<Question<'a>, Invalid> {
    own.parse(asked, &Spellings::default(), Instant(0), true)
}

pub fn answer<'a>(own: &'a Ownership, asked: &Asked<'a>) -> Answer<'a> {
    own.resolve(&question(own, asked).expect("a sound question"))
}

/// Name of the subject, or nothing.
pub fn subject(own: &Ownership, answer: &Answer<'_>) -> String {
    answer.subject.map(|s| own.book.org(s.organisation).name.clone()).unwrap_or_default()
}
