//! Well-known binary (ISO and the old EWKB-like flags) to the flat geometry: multi-parts, collections of one kind,
//! curves as chords, surfaces as polygons. No repair and no reprojection here.

use super::curve;
use crate::feature::Geometry;
use crate::geo::GeometryKind;
use crate::import::repair::{self, Repairs, reject};
use crate::import::wire::Reject;

/// Nesting beyond this is no map.
const MAX_DEPTH: u32 = 16;

pub struct Limits {
    /// Largest distance between an arc and its chords, source units.
    pub sagitta: f64,
    pub vertices: u64,
}

/// Reads one geometry. Finite coordinates only; heights that are not finite are left out and noted.
pub fn decode(bytes: &[u8], limits: &Limits, repairs: &mut Repairs) -> Result<Geometry, Reject> {
    let mut reader = Reader { bytes, at: 0, limits, out: Builder::default(), repairs };
    reader.geometry(0)?;
    reader.out.finish(reader.repairs)
}

#[derive(Default)]
struct Builder {
    kind: Option<GeometryKind>,
    xy: Vec<[f64; 2]>,
    z: Vec<f64>,
    ends: Vec<u32>,
    parts: Vec<u32>,
}

/// Vertices of one curve while it is read.
type Path = Vec<[f64; 3]>;

impl Builder {
    fn be(&mut self, kind: GeometryKind) -> Result<(), Reject> {
        match self.kind.replace(kind) {
            Some(before) if before != kind => {
                Err(reject("mixed-collection", format!("a collection of {before:?} and {kind:?}")))
            }
            _ => Ok(()),
        }
    }

    fn vertices(&mut self, path: &[[f64; 3]]) {
        self.xy.extend(path.iter().map(|p| [p[0], p[1]]));
        self.z.extend(path.iter().map(|p| p[2]));
    }

    fn run(&mut self, path: &[[f64; 3]]) {
        if !path.is_empty() {
            self.vertices(path);
            self.ends.push(self.xy.len() as u32);
        }
    }

    fn polygon_done(&mut self) {
        if self.ends.len() as u32 > self.parts.last().copied().unwrap_or(0) {
            self.parts.push(self.ends.len() as u32);
        }
    }

    fn finish(mut self, repairs: &mut Repairs) -> Result<Geometry, Reject> {
        let Some(kind) = self.kind.filter(|_| !self.xy.is_empty()) else {
            return Err(reject("empty-geometry", "the geometry has no vertices"));
        };
        if let Some(i) = self.xy.iter().position(|p| !p[0].is_finite() || !p[1].is_finite()) {
            return Err(reject("not-finite", format!("vertex {} is {} {}", i + 1, self.xy[i][0], self.xy[i][1])));
        }
        // NaN stands for "no height" in many formats; a geometry has all its heights or none.
        if self.z.iter().any(|z| !z.is_finite()) {
            if self.z.iter().any(|z| z.is_finite()) {
                repairs.note(repair::HEIGHT_DROPPED);
            }
            self.z = vec![];
        }
        Ok(Geometry { kind, xy: self.xy, z: self.z, ends: self.ends, parts: self.parts })
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    limits: &'a Limits,
    out: Builder,
    repairs: &'a mut Repairs,
}

#[derive(Clone, Copy)]
struct Head {
    kind: u32,
    has_z: bool,
    has_m: bool,
    little: bool,
}

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Reject> {
        let end = self.at + N;
        let slice = self.bytes.get(self.at..end).and_then(|s| s.try_into().ok());
        self.at = end;
        slice.ok_or_else(|| reject("broken-geometry", "the geometry's bytes end early"))
    }

    fn u32(&mut self, little: bool) -> Result<u32, Reject> {
        let b = self.take::<4>()?;
        Ok(if little { u32::from_le_bytes(b) } else { u32::from_be_bytes(b) })
    }

    fn f64(&mut self, little: bool) -> Result<f64, Reject> {
        let b = self.take::<8>()?;
        Ok(if little { f64::from_le_bytes(b) } else { f64::from_be_bytes(b) })
    }

    fn head(&mut self) -> Result<Head, Reject> {
        let little = self.take::<1>()?[0] == 1;
        let raw = self.u32(little)?;
        let (flag_z, flag_m) = (raw & 0x8000_0000 != 0, raw & 0x4000_0000 != 0);
        let code = raw & 0x0fff_ffff;
        let (kind, dimension) = (code % 1000, code / 1000);
        let head = Head { kind, has_z: flag_z || dimension & 1 == 1, has_m: flag_m || dimension & 2 == 2, little };
        if head.has_m {
            self.repairs.note(repair::MEASURE_DROPPED);
        }
        Ok(head)
    }

    fn count(&mut self, h: Head) -> Result<usize, Reject> {
        Ok(self.u32(h.little)? as usize)
    }

    fn vertex(&mut self, h: Head) -> Result<[f64; 3], Reject> {
        let (x, y) = (self.f64(h.little)?, self.f64(h.little)?);
        let z = if h.has_z { self.f64(h.little)? } else { f64::NAN };
        if h.has_m {
            self.f64(h.little)?;
        }
        Ok([x, y, z])
    }

    fn path(&mut self, h: Head) -> Result<Path, Reject> {
        let n = self.count(h)?;
        let left = self.bytes.len().saturating_sub(self.at) / 16;
        if n > left {
            return Err(reject("broken-geometry", "the geometry's bytes end early"));
        }
        if (self.out.xy.len() + n) as u64 > self.limits.vertices {
            return Err(reject("too-many-vertices", format!("more than {} vertices", self.limits.vertices)));
        }
        (0..n).map(|_| self.vertex(h)).collect()
    }

    /// A line string, circular string or compound curve, as one run of vertices.
    fn curve(&mut self, h: Head, depth: u32) -> Result<Path, Reject> {
        match h.kind {
            2 => self.path(h),
            8 => {
                let arcs = self.path(h)?;
                self.repairs.note(repair::LINEARISED);
                curve::chords(&arcs, self.limits.sagitta)
            }
            9 if depth < MAX_DEPTH => {
                let mut whole: Path = vec![];
                for _ in 0..self.count(h)? {
                    let part = self.head()?;
                    let part = self.curve(part, depth + 1)?;
                    let joined = !whole.is_empty() && whole.last().map(|p| &p[..2]) == part.first().map(|p| &p[..2]);
                    whole.extend_from_slice(&part[usize::from(joined)..]);
                }
                Ok(whole)
            }
            other => Err(reject("unknown-geometry", format!("WKB type {other} inside a curve"))),
        }
    }

    fn geometry(&mut self, depth: u32) -> Result<(), Reject> {
        if depth > MAX_DEPTH {
            return Err(reject("unknown-geometry", "collections nested too deep"));
        }
        let h = self.head()?;
        match h.kind {
            1 => self.point(h),
            2 | 8 | 9 => {
                self.out.be(GeometryKind::Line)?;
                let path = self.curve(h, 0)?;
                self.out.run(&path);
                Ok(())
            }
            3 => self.polygon(h),
            10 => self.curve_polygon(h),
            17 => {
                self.repairs.note(repair::SURFACE_FLATTENED);
                self.polygon(h)
            }
            4 | 5 | 6 | 11 | 12 => self.members(h, depth),
            7 => {
                self.repairs.note(repair::COLLECTION_FLATTENED);
                self.members(h, depth)
            }
            15 | 16 => {
                self.repairs.note(repair::SURFACE_FLATTENED);
                self.members(h, depth)
            }
            other => Err(reject("unknown-geometry", format!("WKB type {other}"))),
        }
    }

    fn members(&mut self, h: Head, depth: u32) -> Result<(), Reject> {
        for _ in 0..self.count(h)? {
            self.geometry(depth + 1)?;
        }
        Ok(())
    }

    /// An empty point has NaN for both coordinates; a bare one is the caller's to tell from bad numbers.
    fn point(&mut self, h: Head) -> Result<(), Reject> {
        let p = self.vertex(h)?;
        self.out.be(GeometryKind::Point)?;
        self.out.vertices(&[p]);
        Ok(())
    }

    fn polygon(&mut self, h: Head) -> Result<(), Reject> {
        self.out.be(GeometryKind::Polygon)?;
        for _ in 0..self.count(h)? {
            let ring = self.path(h)?;
            self.out.run(&ring);
        }
        self.out.polygon_done();
        Ok(())
    }

    fn curve_polygon(&mut self, h: Head) -> Result<(), Reject> {
        self.out.be(GeometryKind::Polygon)?;
        for _ in 0..self.count(h)? {
            let part = self.head()?;
            let ring = self.curve(part, 0)?;
            self.out.run(&ring);
        }
        self.out.polygon_done();
        Ok(())
    }
}

/// The flat geometry as little-endian WKB without heights or with them: what GEOS is asked about.
pub fn encode(g: &Geometry) -> Vec<u8> {
    let mut out = Vec::with_capacity(64 + g.xy.len() * 24);
    let dimension = if g.z.is_empty() { 0 } else { 1000 };
    let head = |out: &mut Vec<u8>, kind: u32, n: usize| {
        out.push(1);
        out.extend((kind + dimension).to_le_bytes());
        out.extend((n as u32).to_le_bytes());
    };
    let vertex = |out: &mut Vec<u8>, i: usize| {
        out.extend(g.xy[i][0].to_le_bytes());
        out.extend(g.xy[i][1].to_le_bytes());
        out.extend(g.z.get(i).iter().flat_map(|z| z.to_le_bytes()));
    };
    let runs: Vec<_> = g.runs().collect();
    match g.kind {
        GeometryKind::Point => {
            head(&mut out, 4, g.xy.len());
            for i in 0..g.xy.len() {
                out.push(1);
                out.extend((1 + dimension).to_le_bytes());
                vertex(&mut out, i);
            }
        }
        GeometryKind::Line => {
            head(&mut out, 5, runs.len());
            for run in runs {
                head(&mut out, 2, run.len());
                run.for_each(|i| vertex(&mut out, i));
            }
        }
        GeometryKind::Polygon => {
            head(&mut out, 6, g.parts.len());
            let mut from = 0;
            for &to in &g.parts {
                head(&mut out, 3, to as usize - from);
                for run in &runs[from..to as usize] {
                    out.extend((run.len() as u32).to_le_bytes());
                    run.clone().for_each(|i| vertex(&mut out, i));
                }
                from = to as usize;
            }
        }
    }
    out
}
