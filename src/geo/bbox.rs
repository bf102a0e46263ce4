//! An axis-parallel box. In the store: degrees, x = longitude, y = latitude.

use serde::{Deserialize, Serialize};

/// Closed box `[min_x, max_x] × [min_y, max_y]`; `EMPTY` holds nothing and grows by `add`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BBox {
    pub min_x: f64,
    pub min_y: f64,
    pub max_x: f64,
    pub max_y: f64,
}

impl BBox {
    pub const EMPTY: BBox =
        BBox { min_x: f64::INFINITY, min_y: f64::INFINITY, max_x: f64::NEG_INFINITY, max_y: f64::NEG_INFINITY };

    pub fn new(min_x: f64, min_y: f64, max_x: f64, max_y: f64) -> BBox {
        BBox { min_x, min_y, max_x, max_y }
    }

    pub fn of(points: &[[f64; 2]]) -> BBox {
        points.iter().fold(BBox::EMPTY, |b, p| b.add(*p))
    }

    /// Grown to hold a point.
    #[expect(clippy::should_implement_trait, reason = "a box plus a point is a box; no operator is wanted")]
    pub fn add(mut self, [x, y]: [f64; 2]) -> BBox {
        self.min_x = self.min_x.min(x);
        self.min_y = self.min_y.min(y);
        self.max_x = self.max_x.max(x);
        self.max_y = self.max_y.max(y);
        self
    }

    pub fn join(self, o: &BBox) -> BBox {
        BBox {
            min_x: self.min_x.min(o.min_x),
            min_y: self.min_y.min(o.min_y),
            max_x: self.max_x.max(o.max_x),
            max_y: self.max_y.max(o.max_y),
        }
    }

    pub fn is_empty(&self) -> bool {
        !(self.min_x <= self.max_x && self.min_y <= self.max_y)
    }

    /// Touching counts.
    pub fn intersects(&self, o: &BBox) -> bool {
        self.min_x <= o.max_x && o.min_x <= self.max_x && self.min_y <= o.max_y && o.min_y <= self.max_y
    }

    pub fn contains(&self, o: &BBox) -> bool {
        self.min_x <= o.min_x && o.max_x <= self.max_x && self.min_y <= o.min_y && o.max_y <= self.max_y
    }

    pub fn center(&self) -> [f64; 2] {
        [(self.min_x + self.max_x) / 2.0, (self.min_y + self.max_y) / 2.0]
    }

    pub fn width(&self) -> f64 {
        self.max_x - self.min_x
    }

    pub fn height(&self) -> f64 {
        self.max_y - self.min_y
    }

    pub fn to_array(self) -> [f64; 4] {
        [self.min_x, self.min_y, self.max_x, self.max_y]
    }
}
