//! Short distances on the ground around a place: degrees scaled by the ellipsoid's radii at its latitude. Right to
//! 1e-6 within 100 m, to 1e-4 within 10 km; not for longer ways.

use super::BBox;
use super::ellipsoid::Ellipsoid;
use super::side::Edge;

/// Metres per degree around a place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Local {
    at: [f64; 2],
    east_m: f64,
    north_m: f64,
}

impl Local {
    /// Around `[longitude°, latitude°]`.
    pub fn at(at: [f64; 2]) -> Local {
        let e = Ellipsoid::CGCS2000;
        let latitude = at[1].to_radians();
        let east_m = (e.prime_vertical_m(latitude) * latitude.cos()).to_radians();
        Local { at, east_m, north_m: e.meridian_m(latitude).to_radians() }
    }

    /// East and north of the place, metres.
    #[inline]
    pub fn offset_m(&self, p: [f64; 2]) -> [f64; 2] {
        [(p[0] - self.at[0]) * self.east_m, (p[1] - self.at[1]) * self.north_m]
    }

    #[inline]
    pub fn distance_m(&self, p: [f64; 2]) -> f64 {
        let [east, north] = self.offset_m(p);
        east.hypot(north)
    }

    /// East and north of the place, metres, of the nearest point of an edge.
    #[inline]
    pub fn nearest_m(&self, edge: &Edge) -> [f64; 2] {
        let (a, b) = (self.offset_m(edge.low), self.offset_m(edge.high));
        let d = [b[0] - a[0], b[1] - a[1]];
        let long = d[0] * d[0] + d[1] * d[1];
        let t = if long > 0.0 { (-(a[0] * d[0] + a[1] * d[1]) / long).clamp(0.0, 1.0) } else { 0.0 };
        [a[0] + t * d[0], a[1] + t * d[1]]
    }

    #[inline]
    pub fn square_to_edge_m2(&self, edge: &Edge) -> f64 {
        let [x, y] = self.nearest_m(edge);
        x * x + y * y
    }

    /// The box that reaches `radius_m` from the place.
    pub fn window(&self, radius_m: f64) -> BBox {
        let (x, y) = (radius_m / self.east_m, radius_m / self.north_m);
        BBox::new(self.at[0] - x, self.at[1] - y, self.at[0] + x, self.at[1] + y)
    }
}

#[cfg(test)]
mod tests {
    use super::super::ring::length_m;
    use super::*;

    #[test]
    fn distances_are_those_of_the_ellipsoid() {
        let here = Local::at([114.35, 34.79]);
        for p in [[114.3501, 34.79], [114.35, 34.7903], [114.3496, 34.7896]] {
            let want = length_m(&[[114.35, 34.79], p]);
            assert!((here.distance_m(p) / want - 1.0).abs() < 1e-6, "{p:?}");
        }
    }

    #[test]
    fn segments_are_reached_beside_and_beyond_their_ends() {
        let here = Local::at([114.35, 34.79]);
        let (a, b) = ([114.351, 34.789], [114.351, 34.791]);
        let beside = here.square_to_edge_m2(&Edge::new(a, b)).sqrt();
        assert!((beside - here.distance_m([114.351, 34.79])).abs() < 1e-6);
        let beyond = here.square_to_edge_m2(&Edge::new(b, [114.351, 34.792])).sqrt();
        assert!((beyond - here.distance_m(b)).abs() < 1e-6);
        assert!((here.square_to_edge_m2(&Edge::new(a, a)).sqrt() - here.distance_m(a)).abs() < 1e-9);
    }
}
