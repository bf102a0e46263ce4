//! What a sweep found: one line a zoom and grid, and every kind of breach with the places where it was met.

use std::collections::BTreeMap;
use std::fmt;

/// Places named of each kind of breach.
const NAMED: usize = 12;

#[derive(Default)]
pub struct Report {
    /// (grid, composite or single, zoom).
    lines: BTreeMap<(String, &'static str, u8), Line>,
    breaches: BTreeMap<&'static str, Breaches>,
}

/// What was drawn at a zoom.
#[derive(Default)]
struct Line {
    tiles: u64,
    features: u64,
    seams: u64,
    heaviest: usize,
    where_heaviest: String,
    breaches: u64,
}

#[derive(Default)]
struct Breaches {
    count: u64,
    by_layer_and_zoom: BTreeMap<(String, u8), u64>,
    named: Vec<String>,
}

impl Report {
    pub fn tile(&mut self, grid: &str, of: &'static str, z: u8, bytes: usize, features: usize, place: &str) {
        let line = self.lines.entry((grid.to_string(), of, z)).or_default();
        line.tiles += 1;
        line.features += features as u64;
        if bytes > line.heaviest {
            (line.heaviest, line.where_heaviest) = (bytes, place.to_string());
        }
    }

    pub fn seams(&mut self, grid: &str, of: &'static str, z: u8, count: usize) {
        self.lines.entry((grid.to_string(), of, z)).or_default().seams += count as u64;
    }

    pub fn breach(&mut self, grid: &str, of: &'static str, z: u8, what: &'static str, place: String) {
        self.lines.entry((grid.to_string(), of, z)).or_default().breaches += 1;
        let b = self.breaches.entry(what).or_default();
        b.count += 1;
        let layer = place.split_whitespace().next().unwrap_or_default().to_string();
        let of_layer = b.by_layer_and_zoom.entry((layer, z)).or_default();
        *of_layer += 1;
        // A few of each layer and zoom, so that one loud layer does not hide the others.
        if *of_layer <= 2 && b.named.len() < NAMED {
            b.named.push(place);
        }
    }

    pub fn is_clean(&self) -> bool {
        self.breaches.is_empty()
    }

    /// Tiles drawn in all.
    pub fn tiles(&self) -> u64 {
        self.lines.values().map(|l| l.tiles).sum()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<16} {:<10} {:>3} {:>8} {:>10} {:>7} {:>9} {:>9}  heaviest",
            "grid", "layers", "z", "tiles", "features", "seams", "breaches", "bytes"
        )?;
        for ((grid, of, z), l) in &self.lines {
            let Line { tiles, features, seams, heaviest, where_heaviest, breaches } = l;
            writeln!(
                f,
                "{grid:<16} {of:<10} {z:>3} {tiles:>8} {features:>10} {seams:>7} {breaches:>9} {heaviest:>9}  {where_heaviest}"
            )?;
        }
        for (what, b) in &self.breaches {
            writeln!(f, "\nbreach of: {what}: {}", b.count)?;
            for ((layer, z), n) in &b.by_layer_and_zoom {
                writeln!(f, "  {n:>7} × {layer} z{z}")?;
            }
            b.named.iter().try_for_each(|p| writeln!(f, "    {p}"))?;
        }
        Ok(())
    }
}
