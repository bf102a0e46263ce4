//! A place written in one line, as people paste it: two numbers, and the CRS where they are no degrees. Which numbers a CRS
//! may have is `ask`'s business.

use super::Ownership;
use super::ask::{Asked, Invalid, Spellings};
use crate::store::fold;

/// What may stand around a number, folded, and whether it names the latitude.
const MARKS: [(&str, bool); 6] =
    [("东经", false), ("北纬", true), ("lon", false), ("lat", true), ("e", false), ("n", true)];

/// A number and, where it says so, whether it is a latitude.
fn number(word: &str) -> Option<(f64, Option<bool>)> {
    let mark = MARKS.iter().find(|(mark, _)| word.starts_with(mark) || word.ends_with(mark));
    let bare = mark.map_or(word, |(mark, _)| {
        let cut = word.strip_prefix(mark).unwrap_or(word);
        cut.strip_suffix(mark).unwrap_or(cut)
    });
    let bare = bare.trim_matches(['=', ':', '°']);
    let digits = bare.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+'));
    let value: f64 = bare.parse().ok().filter(|_| digits)?;
    Some((value, mark.map(|(_, latitude)| *latitude)))
}

impl Ownership {
    /// `114.35,34.79`; `34.79N 114.35E`; `x y EPSG:4547`, the CRS before or behind. `[longitude°, latitude°]`, or why it cannot
    /// be meant; `None` of what is no place.
    pub fn place(&self, text: &str, spellings: &Spellings) -> Option<Result<[f64; 2], Invalid>> {
        let folded = fold(text);
        let words: Vec<&str> =
            folded.split([' ', ',', ';', '、', '(', ')', '[', ']']).filter(|w| !w.is_empty()).collect();
        let at = words.windows(2).position(|pair| pair.iter().all(|w| number(w).is_some()))?;
        let [(a, first), (b, second)] = [number(words[at])?, number(words[at + 1])?];
        let crs = match (at, &words[at + 2..]) {
            (0, name) => name.join(" "),
            (_, []) => words[..at].join(" "),
            _ => return None,
        };
        if !crs.is_empty() && !spellings.knows(&crs) {
            return None;
        }
        let latitude_first = first == Some(true) || second == Some(false);
        let [x, y] = if latitude_first { [b, a] } else { [a, b] };
        let (degrees, crs) = (crs.is_empty(), (!crs.is_empty()).then_some(crs.as_str()));
        let of = |wanted: bool, v: f64| wanted.then_some(v);
        let asked = Asked {
            lon: of(degrees, x),
            lat: of(degrees, y),
            x: of(!degrees, x),
            y: of(!degrees, y),
            crs,
            ..Asked::default()
        };
        Some(self.position(&asked, spellings))
    }
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_may_say_what_they_are() {
        for (word, want) in [
            ("114.35", Some((114.35, None))),
            ("-3", Some((-3.0, None))),
            ("114.35°e", Some((114.35, Some(false)))),
            ("n34.79", Some((34.79, Some(true)))),
            ("北纬34.79°", Some((34.79, Some(true)))),
            ("lat=34.79", Some((34.79, Some(true)))),
            ("1e5", None),
            ("inf", None),
            ("nan", None),
            ("12号", None),
            ("e", None),
            ("", None),
        ] {
            assert_eq!(number(word), want, "{word}");
        }
    }
}
