//! Grams: runs of one or two characters of any script, and of up to four ASCII ones, since codes are long and of few
//! characters. A text holds another only if it holds all grams of it.

/// Longest gram; beyond `ANY` only of ASCII characters.
const MOST: usize = 4;
const ANY: usize = 2;

/// Its length, then its characters: 21 bits each are enough for Unicode, 7 for ASCII. No two grams have the same key.
fn key(window: &[char]) -> u64 {
    let bits = if window.len() <= ANY { 21 } else { 7 };
    window.iter().fold(window.len() as u64, |key, c| key << bits | u64::from(u32::from(*c)))
}

fn is_gram(window: &[char]) -> bool {
    window.len() <= ANY || (window.len() <= MOST && window.iter().all(char::is_ascii))
}

/// The grams of `text` that end at or after character `from`, some several times.
pub fn ending_from(text: &[char], from: usize, each: &mut dyn FnMut(u64)) {
    for end in from + 1..=text.len() {
        let windows = (1..=MOST.min(end)).map(|n| &text[end - n..end]);
        windows.take_while(|w| is_gram(w)).for_each(|w| each(key(w)));
    }
}

/// As few and long grams as tell a text: each that is not inside another.
pub fn telling(text: &[char]) -> Vec<u64> {
    let longest = |at: usize| (1..=MOST.min(text.len() - at)).take_while(|n| is_gram(&text[at..at + n])).last();
    let mut keys = vec![];
    let mut covered = 0;
    for at in 0..text.len() {
        let end = at + longest(at).unwrap_or(1);
        if end > covered {
            keys.push(key(&text[at..end]));
            covered = end;
        }
    }
    keys
}
