//! Lines of the plan become streets: bent edges with a class, a width and a name. The most important lines are public
//! roads, as many as the city counts; the rest are paths and walls inside blocks.

use super::ground::Ground;
use super::layout::{self, Layout, LineKind, Zone};
use super::mesh::{NONE, Pt, add, cross, direction, distance, lerp, sub};
use crate::sample::rng::Rng;
use std::collections::HashMap;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    Ring,
    Arterial,
    Secondary,
    Branch,
    Lane,
    /// A path, wall or fence inside a block: no public road.
    Path,
    Railway,
    /// A road between villages.
    Rural,
    /// A border in the fields.
    Field,
}

impl Class {
    pub fn is_public(self) -> bool {
        self <= Class::Lane
    }

    /// Half the corridor between the blocks' fronts, metres.
    pub fn half_corridor_m(self) -> f64 {
        match self {
            Class::Ring => 26.0,
            Class::Arterial => 19.0,
            Class::Secondary => 13.0,
            Class::Branch => 8.0,
            Class::Lane => 4.0,
            Class::Path => 1.2,
            Class::Railway => 14.0,
            Class::Rural | Class::Field => 4.0,
        }
    }

    /// Half the carriageway, metres.
    pub fn half_carriageway_m(self) -> f64 {
        match self {
            Class::Ring => 15.0,
            Class::Arterial => 11.5,
            Class::Secondary => 7.5,
            Class::Branch => 4.5,
            Class::Lane => 2.8,
            _ => 2.5,
        }
    }
}

#[derive(Debug)]
pub struct Edge {
    pub a: u32,
    pub b: u32,
    /// Faces; `NONE` outside the prefecture.
    pub left: u32,
    pub right: u32,
    pub line: u32,
    pub class: Class,
    pub canal: bool,
    pub wall: bool,
    /// In the core: one of its faces is a unit grid.
    pub core: bool,
    /// From a to b, both included; EPSG:4547 east, north.
    pub points: Vec<Pt>,
    pub length_m: f64,
}

impl Edge {
    /// Half the corridor: narrower in the old town, wider with a canal in the middle.
    pub fn half_corridor_m(&self, zone: Zone) -> f64 {
        let plain = self.class.half_corridor_m() * if zone == Zone::OldTown { 0.75 } else { 1.0 };
        plain + if self.canal { 16.0 } else { 0.0 }
    }

    /// The point `along_m` from a, `left_m` to the left of the direction a → b, and that direction.
    pub fn at(&self, along_m: f64, left_m: f64) -> (Pt, Pt) {
        let mut rest = along_m.clamp(0.0, self.length_m);
        let last = self.points.len() - 2;
        for (i, w) in self.points.windows(2).enumerate() {
            let length = distance(w[0], w[1]);
            if rest <= length || i == last {
                let d = direction(w[0], w[1]);
                let p = add(w[0], d, rest.min(length));
                return (add(p, [-d[1], d[0]], left_m), d);
            }
            rest -= length;
        }
        (self.points[0], [1.0, 0.0])
    }

    /// The part between two distances from a, moved `left_m` to the left.
    pub fn part(&self, from_m: f64, to_m: f64, left_m: f64) -> Vec<Pt> {
        let mut line = vec![self.at(from_m, left_m).0];
        let mut passed = 0.0;
        for w in self.points.windows(2) {
            passed += distance(w[0], w[1]);
            if passed > from_m + 0.5 && passed < to_m - 0.5 {
                line.push(self.at(passed, left_m).0);
            }
        }
        line.push(self.at(to_m, left_m).0);
        line
    }
}

/// Edges of the mesh in the faces' order, bent and classified, and each face's ring of (edge, forward).
pub fn edges(layout: &Layout, ground: &Ground, public: usize, rural: usize) -> (Vec<Edge>, Vec<Vec<(u32, bool)>>) {
    let mesh = &layout.mesh;
    let mut ids: HashMap<(u32, u32), u32> = HashMap::new();
    let mut edges: Vec<Edge> = vec![];
    let mut rings = vec![vec![]; mesh.rings.len()];
    for face in mesh.order() {
        let ring = &mesh.rings[face as usize];
        for (&a, &b) in ring.iter().zip(ring.iter().cycle().skip(1)) {
            let known = ids.get(&(b, a)).copied();
            let id = known.unwrap_or_else(|| {
                ids.insert((a, b), edges.len() as u32);
                edges.push(edge(layout, ground, a, b, face, mesh.left(b, a)));
                edges.len() as u32 - 1
            });
            rings[face as usize].push((id, known.is_none()));
        }
    }
    classify(layout, &mut edges, public, rural);
    (edges, rings)
}

fn edge(layout: &Layout, ground: &Ground, a: u32, b: u32, left: u32, right: u32) -> Edge {
    let (p, q) = (layout.mesh.nodes[a as usize], layout.mesh.nodes[b as usize]);
    let in_core = |f: u32| f != NONE && layout.core[f as usize];
    let core = in_core(left) || in_core(right);
    let (step_m, tolerance_m) = if core { (30.0, 0.25) } else { (120.0, 2.0) };
    let n = (distance(p, q) / step_m).ceil().max(1.0) as usize;
    let bent: Vec<Pt> = (0..=n).map(|i| ground.bend(lerp(p, q, i as f64 / n as f64))).collect();
    let points = straighten(&bent, tolerance_m);
    let length_m = points.windows(2).map(|w| distance(w[0], w[1])).sum();
    let line = layout.mesh.line(a, b);
    let kind = layout.lines[line as usize].kind;
    Edge {
        a,
        b,
        left,
        right,
        line,
        class: Class::Field,
        canal: kind == LineKind::Canal,
        wall: kind == LineKind::Wall && layout::beside_old_town(lerp(p, q, 0.5), ground.core_radius_m),
        core,
        points,
        length_m,
    }
}

/// Douglas–Peucker on an open line.
fn straighten(line: &[Pt], tolerance_m: f64) -> Vec<Pt> {
    let (Some(&a), Some(&b)) = (line.first(), line.last()) else { return vec![] };
    let d = direction(a, b);
    let off = |p: Pt| cross(d, sub(p, a)).abs();
    let worst = (1..line.len() - 1).max_by(|&i, &j| off(line[i]).total_cmp(&off(line[j])));
    match worst {
        Some(i) if off(line[i]) > tolerance_m => {
            let mut left = straighten(&line[..=i], tolerance_m);
            left.pop();
            left.extend(straighten(&line[i..], tolerance_m));
            left
        }
        _ => vec![a, b],
    }
}

fn classify(layout: &Layout, edges: &mut [Edge], public: usize, rural: usize) {
    let kind = |e: &Edge| layout.lines[e.line as usize].kind;
    let weight = |e: &Edge| layout.lines[e.line as usize].weight_m2;
    let in_core = |f: u32| f != NONE && layout.core[f as usize];
    let mut ranked: Vec<u32> = (0..edges.len() as u32).collect();
    let ring = |e: &Edge| in_core(e.left) != in_core(e.right) && e.left != NONE && e.right != NONE;
    let rank = |e: &Edge| if ring(e) { f64::INFINITY } else { weight(e) };
    ranked.sort_by(|&i, &j| {
        let (x, y) = (&edges[i as usize], &edges[j as usize]);
        rank(y).total_cmp(&rank(x)).then(x.line.cmp(&y.line)).then(i.cmp(&j))
    });
    // The great lines have their weight from their kind; the streets' own scale begins below them.
    let whole = layout.lines.iter().filter(|l| l.kind == LineKind::Street && l.weight_m2 < 1.9e9);
    let largest = whole.map(|l| l.weight_m2).fold(0.0, f64::max);
    let arterial = (largest * 0.04).clamp(250_000.0, 1.1e6);
    let (mut roads, mut tracks) = (0, 0);
    for i in ranked {
        let e = &edges[i as usize];
        let class = if kind(e) == LineKind::Railway {
            Class::Railway
        } else if !e.core {
            let between_villages = e.left != NONE && e.right != NONE;
            tracks += usize::from(between_villages);
            if between_villages && tracks <= rural { Class::Rural } else { Class::Field }
        } else if roads >= public {
            Class::Path
        } else {
            roads += 1;
            match weight(e) {
                _ if ring(e) => Class::Ring,
                w if w > arterial => Class::Arterial,
                w if w > arterial * 0.28 => Class::Secondary,
                w if w > arterial * 0.06 => Class::Branch,
                _ => Class::Lane,
            }
        };
        edges[i as usize].class = class;
    }
}

const FIRST: &[&str] = &[
    "大梁",
    "宋城",
    "汴京",
    "金明",
    "郑开",
    "黄河",
    "晋安",
    "滨河",
    "五福",
    "迎宾",
    "自由",
    "解放",
    "中山",
    "鼓楼",
    "马道",
    "寺后",
    "书店",
    "理事厅",
    "曹门",
    "宋门",
    "大庆",
    "公园",
    "铁塔",
    "北门",
    "西门",
    "仁和",
    "文昌",
    "行宫",
    "包公",
    "清明",
    "繁塔",
    "禹王",
    "汴西",
    "夷山",
    "集英",
    "龙亭",
    "杨家",
    "潘家",
    "东京",
    "复兴",
    "魏都",
    "八大",
    "周天",
    "一大",
    "三大",
    "六大",
    "启明",
    "华夏",
    "碧水",
    "翠园",
    "安顺",
    "天元",
    "东环",
    "南环",
    "陇海",
    "苹果园",
    "新宋",
    "劳动",
    "建设",
    "民生",
    "学苑",
    "文化",
    "体育",
    "工农",
    "前进",
    "和平",
    "幸福",
    "光明",
    "友谊",
    "青年",
    "向阳",
    "胜利",
    "团结",
    "红旗",
    "春晖",
    "秋实",
    "锦绣",
    "芳华",
    "静安",
];
const SECOND: &[&str] =
    &["", "东", "西", "南", "北", "新", "后", "前", "中", "一", "二", "三", "四", "五", "内", "外", "上", "下"];

/// A name for the street along a line of the plan.
pub fn street_name(seed: u64, line: u32, class: Class) -> String {
    let mut rng = Rng::of(seed, "street name", u64::from(line));
    let (first, second) = (rng.pick(FIRST), rng.pick(SECOND));
    let kind = match class {
        Class::Ring => return "开封绕城大道".into(),
        Class::Railway => return "陇海铁路".into(),
        Class::Arterial => *rng.pick(&["大道", "大街", "路"]),
        Class::Secondary => *rng.pick(&["路", "街", "大街"]),
        Class::Branch => *rng.pick(&["街", "路"]),
        Class::Lane | Class::Path => *rng.pick(&["巷", "胡同", "街", "里"]),
        Class::Rural | Class::Field => *rng.pick(&["公路", "乡道", "路"]),
    };
    format!("{first}{second}{kind}")
}
