//! Which features a client shows: over the finest cut each stands once, a tile that is replaced loses nothing, and what
//! stands in several tiles stands in a chain of replacements, so that no cut shows it twice.

use super::report::Report;
use std::collections::{BTreeMap, BTreeSet};

/// A tile as far as cuts go.
#[derive(Debug, Clone, Default)]
pub struct Place {
    pub parent: Option<usize>,
    pub replace: bool,
    pub leaf: bool,
    /// Keys of what its contents show.
    pub features: Vec<String>,
    pub at: String,
}

#[derive(Debug, Default)]
pub struct Places(pub Vec<Place>);

impl Places {
    fn above(&self, at: usize) -> impl Iterator<Item = usize> + '_ {
        std::iter::successors(self.0[at].parent, |p| self.0[*p].parent)
    }

    /// Tiles whose contents are shown when everything is refined.
    fn finest(&self) -> impl Iterator<Item = &Place> {
        self.0.iter().filter(|p| p.leaf || !p.replace)
    }

    /// Times each feature stands in the finest cut.
    pub fn shown(&self) -> BTreeMap<String, u32> {
        let mut all = BTreeMap::new();
        for key in self.finest().flat_map(|p| &p.features) {
            *all.entry(key.clone()).or_default() += 1;
        }
        all
    }

    pub fn check(&self, report: &mut Report) {
        let shown = self.shown();
        for (key, n) in shown.iter().filter(|(_, n)| **n != 1) {
            report.tell("HOUSE_SHOWN_TWICE", "", format!("{key} stands {n} times in the finest cut"));
        }
        let mut standing: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (i, place) in self.0.iter().enumerate() {
            place.features.iter().for_each(|f| standing.entry(f).or_default().push(i));
        }
        for (key, tiles) in standing.iter().filter(|(_, t)| t.len() > 1) {
            // The deepest is last in a chain: the others are above it, and are replaced.
            let deepest = tiles.iter().copied().max_by_key(|t| self.above(*t).count()).unwrap_or(0);
            let chain: BTreeSet<usize> = self.above(deepest).collect();
            let loose = tiles.iter().find(|t| **t != deepest && !(chain.contains(t) && self.0[**t].replace));
            if let Some(t) = loose {
                let (a, b) = (&self.0[*t].at, &self.0[deepest].at);
                report.tell("HOUSE_SHOWN_TWICE", a, format!("{key} is shown together with itself at {b}"));
            }
        }
        for (i, place) in self.0.iter().enumerate().filter(|(_, p)| p.replace && !p.leaf) {
            let below = |t: &usize| *t != i && self.above(*t).any(|a| a == i);
            let lost = place.features.iter().find(|f| !standing[f.as_str()].iter().any(below));
            if let Some(f) = lost {
                report.tell("HOUSE_LOST_WHEN_REFINED", &place.at, format!("{f} is in nothing that replaces its tile"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(parent: Option<usize>, replace: bool, leaf: bool, features: &[&str]) -> Place {
        let features = features.iter().map(|f| f.to_string()).collect();
        Place { parent, replace, leaf, features, at: String::new() }
    }

    #[test]
    fn cuts_are_judged() {
        let (add, replace, leaf) = (false, true, true);
        for (places, code) in [
            (vec![place(None, add, false, &["a"]), place(Some(0), add, leaf, &["b"])], ""),
            (vec![place(None, add, false, &["a"]), place(Some(0), add, leaf, &["a"])], "HOUSE_SHOWN_TWICE"),
            (vec![place(None, replace, false, &["a", "b"]), place(Some(0), add, leaf, &["a", "b"])], ""),
            (
                vec![place(None, replace, false, &["a", "b"]), place(Some(0), add, leaf, &["a"])],
                "HOUSE_LOST_WHEN_REFINED",
            ),
            (
                vec![
                    place(None, add, false, &[]),
                    place(Some(0), replace, leaf, &["a"]),
                    place(Some(0), replace, leaf, &["a"]),
                ],
                "HOUSE_SHOWN_TWICE",
            ),
        ] {
            let mut report = Report::default();
            Places(places).check(&mut report);
            assert_eq!(report.codes().into_iter().collect::<Vec<_>>().join(","), code);
        }
    }
}
