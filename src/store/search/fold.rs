//! One spelling for all ways to write the same text: full-width forms as half-width ones, capitals as small letters, one
//! space for any run of blanks. Traditional characters stay what they are.

use std::borrow::Cow;

/// Characters of a text that are kept; what comes after them is not searched.
pub const LONGEST: usize = 200;

/// The folded form of a text; empty where it has nothing but blanks.
pub fn fold(text: &str) -> Cow<'_, str> {
    if text.chars().all(|c| is_plain(c) || folded(c) == c && !c.is_whitespace()) && text.len() <= LONGEST {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.extend(word.chars().map(folded));
    }
    if let Some((end, _)) = out.char_indices().nth(LONGEST) {
        out.truncate(end);
    }
    Cow::Owned(out)
}

/// What most texts are made of, digits and Chinese characters (CJK Unified Ideographs), need not be looked up.
fn is_plain(c: char) -> bool {
    matches!(c, '0'..='9' | '\u{4e00}'..='\u{9fff}')
}

/// Half-width and small. Letters whose small form is several characters stay as they are.
fn folded(c: char) -> char {
    // Unicode's Halfwidth and Fullwidth Forms: the first 94 are ASCII's, moved.
    let half = match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        _ => c,
    };
    let mut small = half.to_lowercase();
    match (small.next(), small.next()) {
        (Some(one), None) => one,
        _ => half,
    }
}
