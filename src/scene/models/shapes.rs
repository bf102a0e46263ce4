//! What each model is made of. Sizes are those of common makes; a record's own height scales the whole.

use super::solid::{Shape, Solid};
use crate::layer::{Colour, ModelName};

const STEEL: Colour = Colour([0x8c, 0x93, 0x99]);
const IRON: Colour = Colour([0x4a, 0x4d, 0x50]);
const DARK: Colour = Colour([0x2b, 0x2d, 0x30]);
const WOOD: Colour = Colour([0x7a, 0x55, 0x36]);
const LEAF: Colour = Colour([0x4f, 0x7d, 0x3a]);
const WHITE: Colour = Colour([0xf0, 0xf0, 0xec]);
const LAMP: Colour = Colour([0xff, 0xf1, 0xc4]);
const BLUE: Colour = Colour([0x1f, 0x5f, 0xb0]);
const RED: Colour = Colour([0xc8, 0x2a, 0x23]);
const GREEN: Colour = Colour([0x5b, 0x74, 0x63]);
const CONCRETE: Colour = Colour([0xa9, 0xa6, 0x9f]);
const YELLOW: Colour = Colour([0xe3, 0xb3, 0x1c]);

fn cuboid(colour: Colour, low: [f64; 3], high: [f64; 3]) -> Solid {
    Solid { shape: Shape::Box { low, high }, colour, main: false }
}

/// From height `from` to height `to` over a point of the ground.
fn upright(colour: Colour, [east, north]: [f64; 2], [from, to]: [f64; 2], [foot, head]: [f64; 2]) -> Solid {
    let base = [east, north, from];
    let sides = if foot.max(head) > 0.25 { 10 } else { 6 };
    Solid { shape: Shape::Frustum { base, height: to - from, foot, head, sides }, colour, main: false }
}

fn rod(colour: Colour, from: [f64; 3], to: [f64; 3], radius: f64) -> Solid {
    Solid { shape: Shape::Rod { from, to, radius }, colour, main: false }
}

impl Solid {
    fn main(self) -> Solid {
        Solid { main: true, ..self }
    }
}

/// From the lowest to the highest point, metres.
pub fn height_m(model: ModelName) -> f64 {
    match model {
        ModelName::Barrier => 1.1,
        ModelName::Bench => 0.8,
        ModelName::Billboard => 4.0,
        ModelName::Bollard => 0.9,
        ModelName::BusShelter => 2.7,
        ModelName::Cabinet => 1.6,
        ModelName::CameraPole => 6.0,
        ModelName::GullyGrate => 0.2,
        ModelName::Hydrant => 1.0,
        ModelName::Kiosk => 2.8,
        ModelName::ManholeRound | ModelName::ManholeSquare => 0.3,
        ModelName::Marker => 1.5,
        ModelName::NoticeBoard => 2.2,
        ModelName::PipeNode => 2.0,
        ModelName::Pole => 9.0,
        ModelName::RefuseBin => 1.2,
        ModelName::StreetLight => 10.0,
        ModelName::TrafficSign => 3.0,
        ModelName::Tree => 8.0,
    }
}

pub fn solids(model: ModelName) -> Vec<Solid> {
    match model {
        ModelName::Barrier => vec![
            cuboid(WHITE, [-1.0, -0.03, 0.95], [1.0, 0.03, 1.1]).main(),
            cuboid(WHITE, [-1.0, -0.03, 0.45], [1.0, 0.03, 0.6]).main(),
            cuboid(STEEL, [-1.0, -0.05, 0.0], [-0.92, 0.05, 0.95]),
            cuboid(STEEL, [0.92, -0.05, 0.0], [1.0, 0.05, 0.95]),
        ],
        ModelName::Bench => vec![
            cuboid(WOOD, [-0.8, -0.2, 0.4], [0.8, 0.25, 0.46]).main(),
            cuboid(WOOD, [-0.8, -0.25, 0.46], [0.8, -0.2, 0.8]).main(),
            cuboid(IRON, [-0.7, -0.2, 0.0], [-0.62, 0.25, 0.4]),
            cuboid(IRON, [0.62, -0.2, 0.0], [0.7, 0.25, 0.4]),
        ],
        ModelName::Billboard => vec![
            cuboid(BLUE, [-2.0, -0.08, 1.6], [2.0, 0.08, 4.0]).main(),
            upright(STEEL, [-1.2, 0.0], [0.0, 1.6], [0.1, 0.1]),
            upright(STEEL, [1.2, 0.0], [0.0, 1.6], [0.1, 0.1]),
        ],
        ModelName::Bollard => vec![
            upright(CONCRETE, [0.0, 0.0], [0.0, 0.75], [0.11, 0.1]).main(),
            upright(YELLOW, [0.0, 0.0], [0.75, 0.9], [0.1, 0.08]),
        ],
        ModelName::BusShelter => vec![
            cuboid(STEEL, [-2.0, -0.8, 2.55], [2.0, 0.8, 2.7]).main(),
            cuboid(BLUE, [-1.9, -0.75, 0.3], [1.9, -0.7, 2.3]),
            cuboid(STEEL, [-1.95, -0.8, 0.0], [-1.85, -0.65, 2.55]),
            cuboid(STEEL, [1.85, -0.8, 0.0], [1.95, -0.65, 2.55]),
            cuboid(WOOD, [-1.2, -0.6, 0.4], [1.2, -0.2, 0.47]),
        ],
        ModelName::Cabinet => vec![
            cuboid(CONCRETE, [-0.42, -0.26, 0.0], [0.42, 0.26, 0.15]),
            cuboid(GREEN, [-0.4, -0.24, 0.15], [0.4, 0.24, 1.6]).main(),
        ],
        ModelName::CameraPole => vec![
            upright(WHITE, [0.0, 0.0], [0.0, 6.0], [0.11, 0.07]).main(),
            rod(WHITE, [0.0, 0.0, 5.7], [0.0, 2.0, 5.7], 0.04),
            cuboid(DARK, [-0.09, 1.85, 5.45], [0.09, 2.25, 5.63]),
        ],
        ModelName::GullyGrate => {
            let mut all = vec![cuboid(IRON, [-0.38, -0.23, -0.17], [0.38, 0.23, 0.02]).main()];
            all.extend((0..5).map(|i| {
                let east = -0.32 + 0.14 * f64::from(i);
                cuboid(DARK, [east, -0.18, 0.02], [east + 0.08, 0.18, 0.03])
            }));
            all
        }
        ModelName::Hydrant => vec![
            upright(RED, [0.0, 0.0], [0.0, 0.12], [0.18, 0.18]).main(),
            upright(RED, [0.0, 0.0], [0.12, 0.85], [0.12, 0.12]).main(),
            upright(RED, [0.0, 0.0], [0.85, 1.0], [0.13, 0.05]).main(),
            rod(STEEL, [-0.22, 0.0, 0.62], [0.22, 0.0, 0.62], 0.05),
            rod(STEEL, [0.0, 0.0, 0.55], [0.0, 0.22, 0.55], 0.06),
        ],
        ModelName::Kiosk => vec![
            cuboid(WHITE, [-1.2, -0.9, 0.0], [1.2, 0.9, 2.5]).main(),
            cuboid(BLUE, [-1.4, -1.1, 2.5], [1.4, 1.1, 2.8]),
            cuboid(DARK, [-0.9, 0.9, 1.0], [0.9, 0.92, 2.1]),
        ],
        ModelName::ManholeRound => vec![upright(IRON, [0.0, 0.0], [-0.27, 0.03], [0.35, 0.35]).main()],
        ModelName::ManholeSquare => vec![cuboid(IRON, [-0.35, -0.35, -0.27], [0.35, 0.35, 0.03]).main()],
        ModelName::Marker => vec![
            upright(WHITE, [0.0, 0.0], [0.0, 1.2], [0.06, 0.06]),
            upright(RED, [0.0, 0.0], [1.2, 1.5], [0.14, 0.03]).main(),
        ],
        ModelName::NoticeBoard => vec![
            cuboid(BLUE, [-0.8, -0.04, 0.8], [0.8, 0.04, 2.2]).main(),
            cuboid(STEEL, [-0.78, -0.04, 0.0], [-0.7, 0.04, 0.8]),
            cuboid(STEEL, [0.7, -0.04, 0.0], [0.78, 0.04, 0.8]),
        ],
        ModelName::PipeNode => vec![upright(CONCRETE, [0.0, 0.0], [-2.0, 0.0], [0.35, 0.35]).main()],
        ModelName::Pole => vec![
            upright(CONCRETE, [0.0, 0.0], [0.0, 9.0], [0.16, 0.1]).main(),
            cuboid(IRON, [-0.9, -0.05, 8.2], [0.9, 0.05, 8.32]),
        ],
        ModelName::RefuseBin => vec![
            upright(GREEN, [0.0, 0.0], [0.0, 1.0], [0.27, 0.33]).main(),
            upright(DARK, [0.0, 0.0], [1.0, 1.2], [0.35, 0.2]),
        ],
        ModelName::StreetLight => vec![
            upright(STEEL, [0.0, 0.0], [0.0, 9.6], [0.12, 0.06]).main(),
            rod(STEEL, [0.0, 0.0, 9.55], [0.0, 1.5, 9.9], 0.04),
            cuboid(LAMP, [-0.15, 1.3, 9.85], [0.15, 2.0, 10.0]),
        ],
        ModelName::TrafficSign => vec![
            upright(STEEL, [0.0, 0.0], [0.0, 2.95], [0.045, 0.045]),
            rod(BLUE, [0.0, 0.045, 2.6], [0.0, 0.075, 2.6], 0.4).main(),
        ],
        ModelName::Tree => vec![
            upright(WOOD, [0.0, 0.0], [0.0, 2.6], [0.18, 0.12]),
            upright(LEAF, [0.0, 0.0], [2.2, 4.8], [0.9, 2.2]).main(),
            upright(LEAF, [0.0, 0.0], [4.8, 8.0], [2.2, 0.4]).main(),
        ],
    }
}
