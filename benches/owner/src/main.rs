//! `owner-bench STORE [EXPORT-DIR]`: lookups a second on one core, in process, on a store with a city in it: the unit grid
//! of a point, by the territory's index and by rstar with geo's `Contains` on the same grids and points; the whole
//! resolution with a component class; and batches of rows, CSV in and out, on all cores. Writes grids and points for other
//! rivals to EXPORT-DIR. `owner-bench STORE batches` does the last alone.

use chengtu::audience::Audience;
use chengtu::city::City;
use chengtu::feature::Geometry;
use chengtu::geo::{BBox, GeometryKind};
use chengtu::layer::{FieldRole, Role};
use chengtu::lookup::{Desk, Form};
use chengtu::ownership::{Asked, Fineness, Instant, Ownership, PolygonIndex, Question, Spellings};
use chengtu::store::{BlockCache, Store};
use geo::{Contains, Coord, LineString, Polygon};
use rstar::primitives::{GeomWithData, Rectangle};
use rstar::{AABB, RTree};
use std::fmt::Write as _;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

const POINTS: usize = 2_000_000;
const EXPORTED: usize = 100_000;
const QUESTIONS: usize = 400_000;
const ROUNDS: usize = 3;
const BATCH: usize = 10_000;
const BODIES: usize = 50;
const CORE: [f64; 4] = [114.27, 34.73, 114.41, 34.85];
const CLASSES: [&str; 6] = ["0101", "0104", "0107", "0118", "0402", "0403"];

type Failure = Box<dyn std::error::Error>;

/// Repeatable points.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() * n as f64) as usize
    }
}

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let dir = arguments.next().ok_or("usage: owner-bench STORE [EXPORT-DIR]")?;
    let export = arguments.next();
    let only_batches = export.as_deref() == Some("batches");
    let store = Store::open(Path::new(&dir), false)?;
    let id = store.current()?.ok_or("the store has no snapshot")?;
    let city = City::new(store.snapshot(&id, &Arc::new(BlockCache::new(256 << 20)))?);
    let started = std::time::Instant::now();
    let owners = city.ownership()?;
    println!("made from the store in {:.2} s", started.elapsed().as_secs_f64());
    if only_batches {
        return batches(owners);
    }
    let grids = geometries(&city, Role::UnitGrid)?;
    let points = points_in(&grids);
    println!("{} unit grids, {} points in them", grids.len(), points.len());
    if let Some(dir) = export {
        write_out(Path::new(&dir), &grids, &points)?;
    }
    let ours = ours(&grids, &points);
    let theirs = rstar_and_geo(&grids, &points);
    println!("rstar + geo is {theirs:.0} a second: ratio {:.1}", ours / theirs);
    resolutions(&city, owners)?;
    batches(owners)
}

fn geometries(city: &City, role: Role) -> Result<Vec<Geometry>, Failure> {
    let mut all = vec![];
    for (_, layer) in city.snapshot.catalog.with_role(role) {
        if let Some(table) = city.snapshot.features(&layer.id)? {
            table.scan(&mut |row| {
                let mut g = Geometry::empty(GeometryKind::Point);
                row.read_geometry(&mut g);
                all.push(g);
                Ok(())
            })?;
        }
    }
    Ok(all)
}

/// Random points that some grid holds, in no order.
fn points_in(grids: &[Geometry]) -> Vec<[f64; 2]> {
    let index = PolygonIndex::build(grids.iter(), Fineness::Fine);
    let b = grids.iter().fold(BBox::EMPTY, |b, g| b.join(&g.bbox()));
    let mut random = Random(1);
    let mut points = Vec::with_capacity(POINTS);
    while points.len() < POINTS {
        let p = [b.min_x + random.next() * (b.max_x - b.min_x), b.min_y + random.next() * (b.max_y - b.min_y)];
        let mut inside = false;
        index.containing(p, |_| inside = true);
        if inside {
            points.push(p);
        }
    }
    points
}

/// The best of some rounds, a second.
fn rate(name: &str, count: usize, mut round: impl FnMut() -> u64) -> f64 {
    let mut best = f64::INFINITY;
    let mut sum = 0;
    for _ in 0..ROUNDS {
        let started = std::time::Instant::now();
        sum = black_box(round());
        best = best.min(started.elapsed().as_secs_f64());
    }
    let rate = count as f64 / best;
    println!("{name}: {rate:.0} a second (sum {sum})");
    rate
}

fn ours(grids: &[Geometry], points: &[[f64; 2]]) -> f64 {
    let started = std::time::Instant::now();
    let index = PolygonIndex::build(grids.iter(), Fineness::Fine);
    println!("index built in {:.3} s", started.elapsed().as_secs_f64());
    rate("unit grid of a point, territory index", points.len(), || {
        let mut sum = 0;
        for p in points {
            index.containing(*p, |i| sum += u64::from(i));
        }
        sum
    })
}

fn rstar_and_geo(grids: &[Geometry], points: &[[f64; 2]]) -> f64 {
    let polygons: Vec<Polygon<f64>> = grids.iter().map(polygon).collect();
    let boxes = grids.iter().enumerate().map(|(i, g)| {
        let b = g.bbox();
        GeomWithData::new(Rectangle::from_corners([b.min_x, b.min_y], [b.max_x, b.max_y]), i)
    });
    let tree = RTree::bulk_load(boxes.collect());
    rate("unit grid of a point, rstar + geo Contains", points.len(), || {
        let mut sum = 0;
        for p in points {
            let at = geo::Point::new(p[0], p[1]);
            for candidate in tree.locate_in_envelope_intersecting(AABB::from_point(*p)) {
                if polygons[candidate.data].contains(&at) {
                    sum += candidate.data as u64;
                    break;
                }
            }
        }
        sum
    })
}

fn polygon(g: &Geometry) -> Polygon<f64> {
    let mut rings = g.runs().map(|r| LineString(g.xy[r].iter().map(|p| Coord { x: p[0], y: p[1] }).collect()));
    let exterior = rings.next().unwrap_or(LineString(vec![]));
    Polygon::new(exterior, rings.collect())
}

/// Whole resolutions, trail off: places a few metres beside components, asked with their classes.
fn resolutions(city: &City, owners: &Ownership) -> Result<(), Failure> {
    let mut places: Vec<([f64; 2], String)> = vec![];
    for (_, layer) in city.snapshot.catalog.with_role(Role::Component) {
        let Some(table) = city.snapshot.features(&layer.id)? else { continue };
        let class = layer.field_by_role(FieldRole::ClassCode).ok_or("a component layer without class")?;
        table.scan(&mut |row| {
            let f = row.to_feature();
            if let chengtu::feature::Value::Text(code) = &f.values[class] {
                places.push((f.geometry.xy[0], format!("cjt214-2007:component:{code}")));
            }
            Ok(())
        })?;
    }
    let mut random = Random(9);
    let asked: Vec<([f64; 2], String)> = (0..QUESTIONS)
        .map(|_| {
            let (p, class) = &places[random.below(places.len())];
            ([p[0] + (random.next() - 0.5) * 6e-5, p[1] + (random.next() - 0.5) * 6e-5], class.clone())
        })
        .collect();
    let spellings = Spellings::default();
    let now = Instant::now();
    let questions: Vec<Question<'_>> = asked
        .iter()
        .filter_map(|(p, class)| {
            let asked = Asked { lon: Some(p[0]), lat: Some(p[1]), class: Some(class), ..Asked::default() };
            owners.parse(&asked, &spellings, now, false).ok()
        })
        .collect();
    println!("{} components, {} questions", places.len(), questions.len());
    let mut by_rule = std::collections::BTreeMap::new();
    for q in &questions {
        let a = owners.resolve(q);
        *by_rule.entry((a.outcome.code(), a.rule)).or_insert(0) += 1;
    }
    println!("{by_rule:?}");
    rate("whole resolution with a class, trail off, one by one", questions.len(), || {
        questions.iter().map(|q| u64::from(owners.resolve(q).subject.is_some())).sum()
    });
    rate("whole resolution with a class, trail off, in bulk", questions.len(), || {
        let mut sum = 0;
        owners.resolve_all(&questions, |_, answer| sum += u64::from(answer.subject.is_some()));
        sum
    });
    Ok(())
}

/// Bodies of 10,000 rows with places anywhere in the core and common classes, as a client sends them.
fn batches(owners: &Ownership) -> Result<(), Failure> {
    let mut random = Random(3);
    let bodies: Vec<String> = (0..BODIES)
        .map(|_| {
            let mut text = String::from("id,lon,lat,class\n");
            for i in 0..BATCH {
                let [lon, lat] = [CORE[0] + random.next() * (CORE[2] - CORE[0]), CORE[1] + random.next() * (CORE[3] - CORE[1])];
                let class = CLASSES[random.below(CLASSES.len())];
                let _ = writeln!(text, "{i},{lon:.7},{lat:.7},cjt214-2007:component:{class}");
            }
            text
        })
        .collect();
    let (audience, spellings) = (Audience::OPEN, Spellings::default());
    let desk = Desk {
        ownership: owners,
        snapshot: "00000001-0123456789ab",
        audience: &audience,
        spellings: &spellings,
        now: Instant::now(),
        defaults: Asked { trail: Some(false), ..Asked::default() },
    };
    rate("rows of batches, CSV in and out, all cores", BODIES * BATCH, || {
        let mut sum = 0;
        for body in &bodies {
            let answered = desk.batch(Form::Csv, body.as_bytes(), &mut |piece| {
                sum += piece.len() as u64;
                true
            });
            answered.expect("the bodies are CSV");
        }
        sum
    });
    Ok(())
}

/// `grids.csv` (number | WKT) and `points.csv` (x, y), for a database to read.
fn write_out(dir: &Path, grids: &[Geometry], points: &[[f64; 2]]) -> Result<(), Failure> {
    std::fs::create_dir_all(dir)?;
    let mut text = String::new();
    for (i, g) in grids.iter().enumerate() {
        let ring = |r: std::ops::Range<usize>| {
            let vertices: Vec<String> = g.xy[r].iter().map(|p| format!("{} {}", p[0], p[1])).collect();
            format!("({})", vertices.join(","))
        };
        let rings: Vec<String> = g.runs().map(ring).collect();
        writeln!(text, "{i}|POLYGON({})", rings.join(","))?;
    }
    std::fs::write(dir.join("grids.csv"), &text)?;
    text.clear();
    for p in points.iter().take(EXPORTED) {
        writeln!(text, "{},{}", p[0], p[1])?;
    }
    std::fs::write(dir.join("points.csv"), text)?;
    Ok(())
}
