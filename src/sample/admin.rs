//! The administrative divisions of the prefecture, real names and codes from `data/kaifeng-admin.csv`, and which
//! community cell of the plan gets which of them. Shapes are the plan's, not the real borders.

use super::plan::mesh::{Pt, distance, dot};
use crate::error::{Error, Result};

const TABLE: &str = include_str!("../../data/kaifeng-admin.csv");

/// Streets of 410202 that the functional area 4102S1 administers; it has no code in GB/T 2260.
const FUNCTIONAL: &[&str] =
    &["410202006", "410202007", "410202008", "410202009", "410202010", "410202100", "410202204", "410202400"];

#[derive(Debug, Clone)]
pub struct Division {
    pub code: String,
    pub name: String,
    pub kind: String,
    /// Index into the level above.
    pub parent: usize,
}

#[derive(Debug, Default)]
pub struct Admin {
    pub districts: Vec<Division>,
    pub streets: Vec<Division>,
    pub communities: Vec<Division>,
}

impl Admin {
    pub fn load() -> Result<Admin> {
        let bad = |what: String| Error::config("data/kaifeng-admin.csv", 0, what);
        let mut admin = Admin::default();
        let mut rows = csv::ReaderBuilder::new().has_headers(true).flexible(true).from_reader(TABLE.as_bytes());
        for row in rows.records() {
            let row = row.map_err(|e| bad(e.to_string()))?;
            let cell = |i: usize| row.get(i).unwrap_or_default().to_string();
            let (level, code, parent) = (cell(0), cell(1), cell(3));
            let place = |list: &[Division], code: &str| {
                list.iter().rposition(|d| d.code == code).ok_or_else(|| bad(format!("no parent {code}")))
            };
            let mut division = Division { code: code.clone(), name: cell(2), kind: cell(4), parent: 0 };
            match level.as_str() {
                "county" | "county_local" => admin.districts.push(division),
                "street" => {
                    let home = if FUNCTIONAL.contains(&code.as_str()) { "4102S1" } else { parent.as_str() };
                    division.parent = place(&admin.districts, home)?;
                    admin.streets.push(division);
                }
                "community" => {
                    division.parent = place(&admin.streets, &parent)?;
                    admin.communities.push(division);
                }
                _ => {}
            }
        }
        Ok(admin)
    }

    pub fn street_of(&self, community: usize) -> usize {
        self.communities[community].parent
    }

    pub fn district_of(&self, community: usize) -> usize {
        self.streets[self.street_of(community)].parent
    }

    fn streets_in(&self, district: usize) -> Vec<usize> {
        (0..self.streets.len()).filter(|&s| self.streets[s].parent == district).collect()
    }

    /// The community of each cell, given the cells' centres (metres from the city's centre) and how many of them, the
    /// first, lie in the core. Counties take the far ends of the prefecture, urban districts the middle.
    pub fn assign(&self, centres: &[Pt], core_cells: usize) -> Vec<usize> {
        let mut homes: Vec<Vec<usize>> = vec![vec![]; self.streets.len()];
        for c in 0..self.communities.len() {
            homes[self.street_of(c)].push(c);
        }
        let size = |d: usize| self.streets_in(d).iter().map(|&s| homes[s].len()).sum::<usize>();
        let mut community = vec![0; centres.len()];
        let mut left: Vec<usize> = (0..centres.len()).collect();
        // Direction of each district from the centre, in the order in which they take their share.
        let shares: [(&str, Pt, bool); 10] = [
            ("410225", [1.0, 0.35], false),
            ("410221", [0.8, -0.6], false),
            ("410223", [-0.75, -0.65], false),
            ("410222", [0.0, -1.0], false),
            ("410212", [0.45, -0.9], false),
            ("4102S1", [-1.0, 0.05], true),
            ("410202", [-0.3, 1.0], true),
            ("410203", [1.0, 0.4], true),
            ("410205", [0.7, -1.0], true),
            ("410204", [0.0, -1.0], true),
        ];
        for (code, towards, urban) in shares {
            let Some(district) = self.districts.iter().position(|d| d.code == code) else { continue };
            let wanted = size(district).min(left.len());
            left.sort_by(|&a, &b| {
                let far =
                    |i: usize| if urban || i >= core_cells { dot(centres[i], towards) } else { f64::NEG_INFINITY };
                far(b).total_cmp(&far(a)).then(a.cmp(&b))
            });
            let rest = left.split_off(wanted);
            let taken = std::mem::replace(&mut left, rest);
            self.share_out(district, taken, centres, &homes, &mut community);
        }
        community
    }

    /// Street offices take the cells nearest the district's town, townships the rest; each a compact part.
    fn share_out(&self, district: usize, mut cells: Vec<usize>, at: &[Pt], homes: &[Vec<usize>], out: &mut [usize]) {
        let is_office = |s: usize| self.streets[s].kind == "street_office";
        let (offices, towns): (Vec<usize>, Vec<usize>) =
            self.streets_in(district).into_iter().partition(|&s| is_office(s));
        let middle = {
            let n = cells.len().max(1) as f64;
            cells.iter().fold([0.0, 0.0], |s, &c| [s[0] + at[c][0] / n, s[1] + at[c][1] / n])
        };
        let town = if middle[0].hypot(middle[1]) < 15_000.0 { [0.0, 0.0] } else { middle };
        cells.sort_by(|&a, &b| distance(at[a], town).total_cmp(&distance(at[b], town)).then(a.cmp(&b)));
        let urban: usize = offices.iter().map(|&s| homes[s].len()).sum();
        let rural = cells.split_off(urban.min(cells.len()));
        bisect(&offices, cells, at, homes, out);
        bisect(&towns, rural, at, homes, out);
    }
}

/// Halves streets and cells together until each street has as many cells as it has communities.
fn bisect(streets: &[usize], mut cells: Vec<usize>, at: &[Pt], homes: &[Vec<usize>], out: &mut [usize]) {
    let [first, .., _] = streets else {
        if let [one] = streets {
            cells.sort_by(|&a, &b| at[b][1].total_cmp(&at[a][1]).then(a.cmp(&b)));
            for (&cell, &community) in cells.iter().zip(&homes[*one]) {
                out[cell] = community;
            }
        }
        return;
    };
    let _ = first;
    let half = streets.len() / 2;
    let wanted: usize = streets[..half].iter().map(|&s| homes[s].len()).sum();
    let spread = |axis: usize| {
        let values = cells.iter().map(|&c| at[c][axis]);
        values.clone().fold(f64::NEG_INFINITY, f64::max) - values.fold(f64::INFINITY, f64::min)
    };
    let axis = usize::from(spread(1) > spread(0));
    cells.sort_by(|&a, &b| at[a][axis].total_cmp(&at[b][axis]).then(a.cmp(&b)));
    let rest = cells.split_off(wanted.min(cells.len()));
    bisect(&streets[..half], cells, at, homes, out);
    bisect(&streets[half..], rest, at, homes, out);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_community_gets_one_cell() {
        let admin = Admin::load().unwrap();
        assert_eq!((admin.districts.len(), admin.streets.len(), admin.communities.len()), (10, 124, 2528));
        let centres: Vec<Pt> =
            (0..2528).map(|i| [f64::from(i % 50) * 1900.0 - 40_000.0, f64::from(i / 50) * 1500.0 - 40_000.0]).collect();
        let mut taken = admin.assign(&centres, 100);
        taken.sort_unstable();
        assert_eq!(taken, (0..2528).collect::<Vec<_>>());
    }
}
