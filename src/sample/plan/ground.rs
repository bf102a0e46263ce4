//! The lie of the land: how straight lines of the plan bend into streets, and how high the ground is.
//! Closed functions of place; nothing is stored.

use super::mesh::Pt;
use crate::sample::rng::noise;

/// The plan's origin in EPSG:4547: east, north in metres (114.3°E, 34.8°N).
pub const CENTRE: Pt = [527_452.964, 3_852_446.171];

#[derive(Debug, Clone, Copy)]
pub struct Ground {
    pub seed: u64,
    /// Radius of the managed core, metres.
    pub core_radius_m: f64,
}

impl Ground {
    /// Bends a point of the plan (metres from the centre) into EPSG:4547 (east, north), to the millimetre.
    /// The displacement's slope stays below 0.7, so that what did not cross before does not cross after.
    pub fn bend(&self, p: Pt) -> Pt {
        let outside = ((p[0].hypot(p[1]) - self.core_radius_m * 1.1) / 4000.0).clamp(0.0, 1.0);
        let shift = |axis: u64| {
            70.0 * noise(self.seed ^ axis, p[0], p[1], 1100.0)
                + 7.0 * noise(self.seed ^ axis ^ 8, p[0], p[1], 260.0)
                + outside * 55.0 * noise(self.seed ^ axis ^ 64, p[0], p[1], 800.0)
        };
        let round = |v: f64| (v * 1000.0).round() / 1000.0;
        [round(CENTRE[0] + p[0] + shift(1)), round(CENTRE[1] + p[1] + shift(2))]
    }

    /// Height of the ground over the 1985 datum, metres: the plain falls from the Yellow River in the north to the
    /// south-east by about 1 in 3000, with low swells of old sand.
    pub fn height(&self, at: Pt) -> f64 {
        let (x, y) = (at[0] - CENTRE[0], at[1] - CENTRE[1]);
        let swell = 0.9 * noise(self.seed ^ 77, x, y, 900.0) + 0.25 * noise(self.seed ^ 78, x, y, 240.0);
        ((73.6 + y / 3200.0 - x / 7000.0 + swell) * 1000.0).round() / 1000.0
    }
}

#[cfg(test)]
mod tests {
    use super::super::mesh::distance;
    use super::*;

    #[test]
    fn bending_never_folds() {
        let ground = Ground { seed: 3, core_radius_m: 3000.0 };
        for i in 0..4000 {
            let p = [f64::from(i % 80) * 130.0 - 5000.0, f64::from(i / 80) * 170.0 - 4000.0];
            for d in [[5.0, 0.0], [0.0, 5.0], [3.5, 3.5]] {
                let moved = distance(ground.bend(p), ground.bend([p[0] + d[0], p[1] + d[1]]));
                assert!(moved > 1.2, "{p:?} {moved}");
            }
        }
    }
}
