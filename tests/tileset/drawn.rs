//! What features came to in the tiles of a layer, walked over HTTP by the checker: places, faces, what the table says.

use super::checker::volume::{cross, dot, length, minus};
use super::checker::walk::Seen;
use super::checker::{Rules, content::Cell, over, walk};
use axum::Router;
use chengtu::scene::moved;
use std::collections::{BTreeMap, HashMap};

type Place = [f64; 3];

/// A feature: places in geocentric metres, its faces and pieces of lines as places' numbers, its row of the property table.
#[derive(Debug, Default, Clone)]
pub struct Drawn {
    pub places: Vec<Place>,
    pub faces: Vec<Face>,
    pub pieces: usize,
    pub row: BTreeMap<String, Cell>,
}

#[derive(Debug, Clone, Copy)]
pub struct Face {
    pub corners: [Place; 3],
    /// As sRGB bytes would be: a thousandth of each part.
    pub colour: [u16; 4],
}

impl Face {
    /// Square to it, as long as its area.
    pub fn normal(&self) -> Place {
        let [a, b, c] = self.corners;
        cross(minus(b, a), minus(c, a)).map(|x| x / 2.0)
    }
}

impl Drawn {
    /// Whether a column of truth values says so.
    pub fn says(&self, column: &str) -> bool {
        matches!(self.row.get(column), Some(Cell::Number(n)) if *n == 1.0)
    }

    pub fn text(&self, column: &str) -> Option<&str> {
        match self.row.get(column)? {
            Cell::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn triangles(&self) -> BTreeMap<[u16; 4], u64> {
        let mut counts = BTreeMap::new();
        self.faces.iter().for_each(|f| *counts.entry(f.colour).or_default() += 1);
        counts
    }

    /// Square metres by colour.
    pub fn areas(&self) -> BTreeMap<[u16; 4], f64> {
        let mut areas = BTreeMap::new();
        self.faces.iter().for_each(|f| *areas.entry(f.colour).or_default() += length(f.normal()));
        areas
    }

    /// Cubic metres within its faces: outward ones enclose a positive volume.
    pub fn volume_m3(&self) -> f64 {
        let Some(from) = self.places.first() else { return 0.0 };
        self.faces.iter().map(|f| dot(minus(f.corners[0], *from), f.normal()) / 3.0).sum()
    }
}

/// Every feature of a layer by its `code`; the tileset is sound.
pub async fn drawn(router: &Router, layer: &str) -> BTreeMap<String, Drawn> {
    let by_id = drawn_with(router, layer, &["code"]).await;
    let count = by_id.len();
    let code = |d: Drawn| (d.text("code").unwrap_or_else(|| panic!("{layer}: no code in {:?}", d.row)).to_string(), d);
    let by_code: BTreeMap<String, Drawn> = by_id.into_values().map(code).collect();
    assert_eq!(by_code.len(), count, "{layer}: codes that are not repeated");
    by_code
}

/// Every feature of a layer by its id, with these columns; the tileset is sound.
pub async fn drawn_with(router: &Router, layer: &str, columns: &[&str]) -> BTreeMap<String, Drawn> {
    let mut all: BTreeMap<String, Drawn> = BTreeMap::new();
    let path = format!("/3dtiles/{layer}/tileset.json?properties={}", columns.join(","));
    walk(&path, &over(router), Rules::House, |seen| collect(seen, &mut all)).await.sound();
    all
}

fn collect(seen: &Seen<'_>, all: &mut BTreeMap<String, Drawn>) {
    let rows: Vec<BTreeMap<String, Cell>> = (0..seen.table.rows)
        .map(|row| seen.table.columns.iter().map(|(name, cells)| (name.clone(), cells[row].clone())).collect())
        .collect();
    let id = |row: u32| match &rows[row as usize]["id"] {
        Cell::Text(id) => id.clone(),
        other => panic!("{}: an id {other:?}", seen.path),
    };
    let mut of: HashMap<u32, Drawn> = HashMap::new();
    for shape in seen.shapes {
        let places: Vec<Place> = shape.places.iter().map(|p| moved(seen.matrix, *p)).collect();
        let row = |i: u32| shape.ids[i as usize].expect("a feature");
        for (i, p) in places.iter().enumerate() {
            of.entry(row(i as u32)).or_default().places.push(*p);
        }
        let colour = shape.colour.unwrap_or([1.0; 4]).map(|x| (x * 1000.0).round() as u16);
        for t in shape.indices.chunks_exact(if shape.mode == 4 { 3 } else { 2 }) {
            let drawn = of.entry(row(t[0])).or_default();
            match *t {
                [a, b, c] => drawn.faces.push(Face { corners: [a, b, c].map(|i| places[i as usize]), colour }),
                _ => drawn.pieces += 1,
            }
        }
    }
    for (row, drawn) in of {
        let known = all.insert(id(row), Drawn { row: rows[row as usize].clone(), ..drawn });
        assert!(known.is_none(), "{}: {} is drawn twice", seen.path, id(row));
    }
}

/// Places in cells of 1 cm, to find what lies within 5 mm.
struct Cells(HashMap<[i64; 3], Vec<Place>>);

impl Cells {
    fn of(places: &[Place]) -> Cells {
        let mut by: HashMap<[i64; 3], Vec<Place>> = HashMap::new();
        for p in places {
            let cell = by.entry(p.map(|x| (x * 100.0).floor() as i64)).or_default();
            if !cell.contains(p) {
                cell.push(*p);
            }
        }
        Cells(by)
    }

    fn near(&self, p: Place, far_m: f64) -> bool {
        let end = |by: f64| p.map(|x| ((x + by) * 100.0).floor() as i64);
        let ([x0, y0, z0], [x1, y1, z1]) = (end(-far_m), end(far_m));
        let cells = (x0..=x1).flat_map(|x| (y0..=y1).flat_map(move |y| (z0..=z1).map(move |z| [x, y, z])));
        cells.filter_map(|c| self.0.get(&c)).flatten().any(|q| length(minus(p, *q)) <= far_m)
    }
}

/// Places of `a` that have none of `b` within 5 mm.
pub fn strays(a: &[Place], b: &[Place]) -> usize {
    farther(a, b, 5e-3)
}

/// Places of `a` that have none of `b` within so many metres.
pub fn farther(a: &[Place], b: &[Place], far_m: f64) -> usize {
    let cells = Cells::of(b);
    a.iter().filter(|p| !cells.near(**p, far_m)).count()
}
