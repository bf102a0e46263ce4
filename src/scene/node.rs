//! Pipe nodes (管线点) → bodies: wells from ground to bottom, valves with their spindle, fittings. Which node is
//! which is told by the standard's words for accessories; sizes are the shaft's and those of the pipes below.

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
    Valve { ground_m: f64, pipe_m: f64, pipe_outer_m: f64 },
    /// 弯头, 三通, 变径 …: a body on the pipe.
    Fitting { pipe_m: f64, pipe_outer_m: f64 },
}

/// The pipe that a node's body stands on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OnPipe {
    /// Its greater outer measure.
    pub outer_m: f64,
    /// Of its middle, in the data's datum.
    pub middle_m: f64,
}

/// Lids stand proud of the ground by this, so that terrain does not swallow them.
const LID_M: f64 = 0.02;
const SPINDLE_M: f64 = 0.06;
/// A valve's body over its pipe: about as flanges (GB/T 9124.1: DN100 220 mm, DN300 445 mm, DN600 780 mm at PN10).
pub const VALVE_OVER_PIPE: f64 = 1.5;
/// A fitting's socket over its pipe.
pub const FITTING_OVER_PIPE: f64 = 1.2;
/// Where no pipe is known: DN200.
pub const UNKNOWN_PIPE_M: f64 = 0.2;

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
        Body::Valve { ground_m, pipe_m, pipe_outer_m } => {
            let outer_m = pipe_outer_m * VALVE_OVER_PIPE;
            upright(pipe_m - outer_m / 2.0, pipe_m + outer_m / 2.0, outer_m)?;
            if ground_m > pipe_m + outer_m / 2.0 {
                upright(pipe_m + outer_m / 2.0, ground_m + LID_M, SPINDLE_M.min(outer_m))?;
            }
            Ok(())
        }
        Body::Fitting { pipe_m, pipe_outer_m } => {
            let outer_m = pipe_outer_m * FITTING_OVER_PIPE;
            upright(pipe_m - outer_m / 2.0, pipe_m + outer_m / 2.0, outer_m)
        }
    }
}
