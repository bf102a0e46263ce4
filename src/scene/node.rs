//! Pipe nodes (管线点) → bodies: wells from ground to bottom, valves with their spindle, fittings. Which node is
//! which is told by the standard's words for accessories; no size but the shaft's is known.

use super::joint::End;
use super::mesh::Mesh;
use super::tube::{Section, Tube, TubePaint, tube};
use super::{Undrawn, frame::Pillar};

/// What stands at a node.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Body {
    /// 窨井, 检查井, 雨水井, 人孔 …: a shaft between two ellipsoidal heights.
    Well { ground_m: f64, bottom_m: f64, diameter_m: f64 },
    /// 阀门: a body on the pipe and a spindle up to the ground.
    Valve { ground_m: f64, pipe_m: f64 },
    /// 弯头, 三通, 变径 …: a body on the pipe.
    Fitting { pipe_m: f64 },
}

/// Lids stand proud of the ground by this, so that terrain does not swallow them.
const LID_M: f64 = 0.02;
const VALVE_M: f64 = 0.3;
const SPINDLE_M: f64 = 0.06;
const FITTING_M: f64 = 0.24;

/// Kinds of accessory, by CJJ 61-2017 appendix F.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accessory {
    Shaft,
    Valve,
    Other,
}

impl Accessory {
    /// 井, 孔, 箅 and 室 are shafts (阀门井 too); 阀 and 栓 without one are valves.
    pub fn of(word: &str) -> Accessory {
        match () {
            () if word.contains(['井', '孔', '箅', '篦', '室', '池']) => Accessory::Shaft,
            () if word.contains(['阀', '栓']) => Accessory::Valve,
            () => Accessory::Other,
        }
    }
}

/// Adds a node's closed bodies on the ellipsoid normal through its place.
///
/// # Errors
/// `Undrawn::NoHeight` when a well's bottom is not below its ground.
pub fn node(
    mesh: &mut Mesh,
    pillar: &Pillar,
    body: Body,
    tolerance_m: f64,
    paint: TubePaint,
    row: u32,
) -> Result<(), Undrawn> {
    let mut upright = |low_m: f64, high_m: f64, outer_m: f64| {
        let centre = [pillar.at(low_m), pillar.at(high_m)];
        let section = Section::Round { outer_m };
        tube(mesh, &Tube { centre: &centre, section, ends: [End::Free; 2] }, tolerance_m, paint, row)
    };
    match body {
        Body::Well { ground_m, bottom_m, diameter_m } => {
            if ground_m <= bottom_m {
                return Err(Undrawn::NoHeight);
            }
            upright(bottom_m, ground_m + LID_M, diameter_m)
        }
        Body::Valve { ground_m, pipe_m } => {
            upright(pipe_m - VALVE_M / 2.0, pipe_m + VALVE_M / 2.0, VALVE_M)?;
            if ground_m > pipe_m + VALVE_M / 2.0 {
                upright(pipe_m + VALVE_M / 2.0, ground_m + LID_M, SPINDLE_M)?;
            }
            Ok(())
        }
        Body::Fitting { pipe_m } => upright(pipe_m - FITTING_M / 2.0, pipe_m + FITTING_M / 2.0, FITTING_M),
    }
}
