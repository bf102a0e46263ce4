//! Whether all heights of a snapshot are over one datum. Heights over different ones side by side would be wrong by what lies
//! between them, and nobody would see it: such a delivery is refused by name until it says how its heights become the
//! store's. What happens to the heights of one source is `vertical`'s.

use super::load::Source;
use super::manifest::Mode;
use super::report::Report;
use super::wire::Who;
use std::collections::BTreeMap;

/// Fails the sources of this import whose heights are over another datum than those that stay in the store or, where none
/// of those has any, than the 1985 ones beside them or the first. `stored`: source → datum of its heights, as the store
/// remembers them; empty where nobody said.
pub fn agree(stored: &BTreeMap<String, String>, sources: &[Source], report: &mut Report) {
    let goes = |id: &String| sources.iter().any(|s| s.id == *id && s.mode() == Mode::Replace);
    let kept: Vec<(&str, &str)> =
        stored.iter().filter(|(id, datum)| !datum.is_empty() && !goes(id)).map(|(id, d)| (&**id, &**d)).collect();
    let new = || report.sources.iter().filter(|s| !s.height_datum.is_empty());
    let beside = || new().find(|s| s.height_datum == super::vertical::STORE).or_else(|| new().next());
    let reference = kept.first().copied().or_else(|| beside().map(|s| (&*s.id, &*s.height_datum)));
    let Some((of, datum)) = reference.map(|(of, datum)| (of.to_string(), datum.to_string())) else { return };
    let known = |other: &str| other == datum || kept.iter().any(|(_, d)| *d == other);
    let strangers: Vec<bool> =
        report.sources.iter().map(|s| !s.height_datum.is_empty() && !known(&s.height_datum)).collect();
    for (source, _) in report.sources.iter_mut().zip(strangers).filter(|(_, strange)| *strange) {
        let what = format!(
            "mixed-height-datums: its heights are over `{}`, those of {of} over `{datum}`; declare \
             vertical = {{ datum = …, offset_m = … }}, the metres that make them the latter (0 where both are taken for one)",
            source.height_datum
        );
        source.fail(Who::Operator, "mixed-height-datums", what);
    }
}
