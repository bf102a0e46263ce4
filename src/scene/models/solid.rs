//! The bodies that models are made of, as closed faces.

use super::super::joint::End;
use super::super::mesh::Mesh;
use super::super::tube::{Section, Tube, TubePaint, tube};
use crate::layer::Colour;

/// A body of one colour.
#[derive(Debug, Clone, Copy)]
pub struct Solid {
    pub shape: Shape,
    pub colour: Colour,
    /// Takes the layer's colour where one is declared.
    pub main: bool,
}

/// East, north, up in metres.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    Box {
        low: [f64; 3],
        high: [f64; 3],
    },
    /// Upright, round, from radius `foot` to radius `head`.
    Frustum {
        base: [f64; 3],
        height: f64,
        foot: f64,
        head: f64,
        sides: usize,
    },
    /// Round, of one radius, in any direction.
    Rod {
        from: [f64; 3],
        to: [f64; 3],
        radius: f64,
    },
}

impl Shape {
    pub fn add(&self, mesh: &mut Mesh, size: f64, material: usize) {
        match *self {
            Shape::Box { low, high } => cuboid(mesh, low.map(|x| x * size), high.map(|x| x * size), material),
            Shape::Frustum { base, height, foot, head, sides } => {
                let [base, rim] = [base, [foot, head, height]].map(|v| v.map(|x| x * size));
                frustum(mesh, base, rim, sides, material);
            }
            Shape::Rod { from, to, radius } => {
                let centre = [from, to].map(|p| p.map(|x| x * size));
                let section = Section::Round { outer_m: 2.0 * radius * size };
                let rod = Tube { centre: &centre, section, ends: [End::Free; 2] };
                // A tenth of the radius: eight sides. It has a length, or the test of the library finds it missing.
                let _ = tube(mesh, &rod, radius * size * 0.1, TubePaint { body: material, line: material }, 0);
            }
        }
    }
}

fn cuboid(mesh: &mut Mesh, low: [f64; 3], high: [f64; 3], material: usize) {
    for axis in 0..3 {
        for (bound, sign) in [(low, -127), (high, 127)] {
            let (a, b) = ((axis + 1) % 3, (axis + 2) % 3);
            let mut normal = [0; 3];
            normal[axis] = sign;
            let corner = |x: f64, y: f64| {
                let mut p = [0.0; 3];
                (p[axis], p[a], p[b]) = (bound[axis], x, y);
                p
            };
            let mut corners =
                [corner(low[a], low[b]), corner(high[a], low[b]), corner(high[a], high[b]), corner(low[a], high[b])];
            if sign < 0 {
                corners.reverse();
            }
            let [p, q, r, s] = corners.map(|c| {
                let at = mesh.snap(c);
                mesh.vertex(at, normal, 0)
            });
            mesh.triangle(material, [p, q, r]);
            mesh.triangle(material, [p, r, s]);
        }
    }
}

fn frustum(mesh: &mut Mesh, base: [f64; 3], [foot, head, height]: [f64; 3], sides: usize, material: usize) {
    let rim = |radius: f64, up: f64, k: usize| {
        let (s, c) = (k as f64 / sides as f64 * std::f64::consts::TAU).sin_cos();
        [base[0] + radius * c, base[1] + radius * s, base[2] + up]
    };
    let lean = (foot - head) / height;
    let start = mesh.vertices.len() as u32;
    for k in 0..sides {
        let (s, c) = (k as f64 / sides as f64 * std::f64::consts::TAU).sin_cos();
        let normal = super::super::mesh::packed_normal([c, s, lean]);
        for at in [rim(foot, 0.0, k), rim(head, height, k)] {
            let at = mesh.snap(at);
            mesh.vertex(at, normal, 0);
        }
    }
    let n = sides as u32;
    for k in 0..n {
        let (a, b) = (start + 2 * k, start + 2 * ((k + 1) % n));
        mesh.triangle(material, [a, b, b + 1]);
        mesh.triangle(material, [a, b + 1, a + 1]);
    }
    for (radius, up, normal) in [(foot, 0.0, [0, 0, -127]), (head, height, [0, 0, 127])] {
        let first = mesh.vertices.len() as u32;
        for k in 0..sides {
            let at = mesh.snap(rim(radius, up, k));
            mesh.vertex(at, normal, 0);
        }
        for k in 1..n - 1 {
            let t = if up > 0.0 { [first, first + k, first + k + 1] } else { [first, first + k + 1, first + k] };
            mesh.triangle(material, t);
        }
    }
}
