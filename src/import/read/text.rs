//! Which encoding a file's text has, decided once per file and told with the reason; and decoding single values.
//! The order is crs.md §6.1: explicit, .cpg if clean, language byte if clean, strict UTF-8, GB18030.

use encoding_rs::{BIG5, DecoderResult, EUC_KR, Encoding, GB18030, GBK, SHIFT_JIS, UTF_8, WINDOWS_1252};

/// An encoding and why it was chosen.
#[derive(Debug, Clone)]
pub struct Choice {
    pub encoding: &'static Encoding,
    pub why: String,
    pub findings: Vec<String>,
}

impl Choice {
    pub fn label(&self) -> String {
        format!("{} ({})", self.encoding.name(), self.why)
    }
}

/// A decoded value.
#[derive(Debug, PartialEq)]
pub enum Decoded {
    Clean(String),
    /// The field's width cut the last character in half; the half is left out.
    Cut(String),
    Broken,
}

/// Decodes one value. `full` says that it fills its field to the last byte, where a character may have been cut.
pub fn decode(bytes: &[u8], encoding: &'static Encoding, full: bool) -> Decoded {
    if let (true, Ok(t)) = (bytes.is_ascii(), std::str::from_utf8(bytes)) {
        return Decoded::Clean(t.to_string());
    }
    if let Some(t) = encoding.decode_without_bom_handling_and_without_replacement(bytes) {
        return Decoded::Clean(t.into_owned());
    }
    if full {
        for cut in 1..=3.min(bytes.len()) {
            let (head, tail) = bytes.split_at(bytes.len() - cut);
            if !begins_a_character(tail, encoding) {
                continue;
            }
            if let Some(t) = encoding.decode_without_bom_handling_and_without_replacement(head) {
                return Decoded::Cut(t.into_owned());
            }
        }
    }
    Decoded::Broken
}

/// Whether the bytes are the beginning of one character and nothing else: a decoder waits for more.
fn begins_a_character(bytes: &[u8], encoding: &'static Encoding) -> bool {
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let (result, _, written) = decoder.decode_to_utf8_without_replacement(bytes, &mut [0; 16], false);
    result == DecoderResult::InputEmpty && written == 0
}

/// An encoding by any of the names found in .cpg files, declarations and headers.
pub fn by_label(label: &str) -> Option<&'static Encoding> {
    let low = label.trim().trim_matches(['"', '\0', '\u{feff}']).to_ascii_lowercase();
    let bare =
        low.trim_start_matches("ansi").trim_start_matches("cp").trim_start_matches("windows").trim_start_matches("oem");
    match bare.trim_matches(['-', '_', ' ']) {
        "936" | "gb18030" | "54936" | "20936" => return Some(GB18030),
        "950" => return Some(BIG5),
        "932" => return Some(SHIFT_JIS),
        "949" => return Some(EUC_KR),
        "65001" => return Some(UTF_8),
        "1252" => return Some(WINDOWS_1252),
        digits @ ("1250" | "1251" | "1253" | "1254" | "1255" | "1256" | "1257" | "1258") => {
            return Encoding::for_label(format!("windows-{digits}").as_bytes());
        }
        _ => {}
    }
    if let Some(part) = low.replace(['-', '_', ' '], "").strip_prefix("iso8859").or(low.strip_prefix("8859")) {
        return Encoding::for_label(format!("iso-8859-{}", part.trim_start_matches(['-', '_'])).as_bytes());
    }
    Encoding::for_label(low.as_bytes()).map(widen)
}

/// GB18030 holds GBK and GB2312 whole.
fn widen(e: &'static Encoding) -> &'static Encoding {
    if e == GBK { GB18030 } else { e }
}

/// The DBF language byte, where it names a code page people really mean. 0x57 and 0x03 ("ANSI") are written by
/// default whatever the text is, so they say nothing.
fn by_language_byte(ldid: u8) -> Option<&'static Encoding> {
    match ldid {
        0x4d | 0x7a => Some(GB18030),
        0x4e | 0x79 => Some(EUC_KR),
        0x4f | 0x78 => Some(BIG5),
        0x13 | 0x7b => Some(SHIFT_JIS),
        0xc8 => Encoding::for_label(b"windows-1250"),
        0xc9 => Encoding::for_label(b"windows-1251"),
        _ => None,
    }
}

/// What is known of a file's text after all of it was looked at once.
#[derive(Debug)]
pub struct Survey {
    declared: Option<(&'static Encoding, u64)>,
    utf8_broken: u64,
    gb_broken: u64,
    /// A character of three or more UTF-8 bytes was seen. Two-byte pairs alone prove nothing: 模 in GBK is ģ in
    /// UTF-8.
    utf8_long: bool,
    not_ascii: u64,
}

impl Survey {
    /// `candidate` is what .cpg or language byte propose, counted along with the rest.
    pub fn new(candidate: Option<&'static Encoding>) -> Survey {
        let declared = candidate.map(|e| (e, 0));
        Survey { declared, utf8_broken: 0, gb_broken: 0, utf8_long: false, not_ascii: 0 }
    }

    /// One value (or the whole of a small file).
    pub fn add(&mut self, bytes: &[u8], full: bool) {
        if bytes.is_ascii() {
            return;
        }
        self.not_ascii += 1;
        let broken = |e| u64::from(decode(bytes, e, full) == Decoded::Broken);
        self.utf8_broken += broken(UTF_8);
        self.gb_broken += broken(GB18030);
        self.utf8_long |= bytes.iter().any(|b| (0xe1..=0xf4).contains(b)) && std::str::from_utf8(bytes).is_ok();
        if let Some((e, n)) = &mut self.declared {
            *n += if *e == UTF_8 || *e == GB18030 { 0 } else { broken(e) };
        }
    }

    fn broken(&self, e: &'static Encoding) -> u64 {
        match self.declared {
            _ if e == UTF_8 => self.utf8_broken,
            _ if e == GB18030 => self.gb_broken,
            Some((d, n)) if d == e => n,
            _ => 0,
        }
    }

    fn surely_utf8(&self) -> bool {
        self.utf8_broken == 0 && self.utf8_long
    }

    /// Whether a proposal holds: it decodes everything, and the text is not plainly UTF-8 under another name.
    fn holds(&self, e: &'static Encoding) -> bool {
        self.broken(e) == 0 && (e == UTF_8 || !self.surely_utf8())
    }

    fn by_content(&self) -> (&'static Encoding, String) {
        match (self.utf8_broken, self.gb_broken) {
            _ if self.not_ascii == 0 => (UTF_8, "ASCII only".into()),
            (0, _) if self.utf8_long => (UTF_8, "all text is valid UTF-8".into()),
            (_, 0) => (GB18030, "not UTF-8, all text is valid GB18030".into()),
            (0, _) => (UTF_8, "all text is valid UTF-8".into()),
            (_, n) => (GB18030, format!("neither UTF-8 nor GB18030 throughout; {n} values are broken")),
        }
    }
}

/// What the files around the text propose.
#[derive(Debug, Default)]
pub struct Proposals<'a> {
    pub explicit: Option<&'a str>,
    pub cpg: Option<&'a str>,
    pub language_byte: Option<u8>,
}

impl Proposals<'_> {
    /// The proposal whose cleanness the survey has to count.
    pub fn candidate(&self) -> Option<&'static Encoding> {
        self.cpg.and_then(by_label).or_else(|| self.language_byte.and_then(by_language_byte))
    }

    /// Decides, or says that the declared label is no encoding.
    pub fn decide(&self, survey: &Survey) -> Result<Choice, String> {
        let mut findings = vec![];
        if let Some(label) = self.explicit {
            let encoding = by_label(label).ok_or_else(|| format!("`{label}` is no known encoding"))?;
            return Ok(Choice { encoding, why: "declared".into(), findings });
        }
        if let Some(label) = self.cpg.map(|c| c.trim().chars().take(20).collect::<String>()) {
            match by_label(&label) {
                Some(encoding) if survey.holds(encoding) => {
                    return Ok(Choice { encoding, why: format!(".cpg {label}"), findings });
                }
                Some(_) => findings.push(format!("the .cpg says {label}, but the text is not in it; .cpg ignored")),
                None => findings.push("the .cpg names no known encoding; ignored".to_string()),
            }
        }
        if let Some((ldid, encoding)) = self.language_byte.and_then(|l| by_language_byte(l).map(|e| (l, e))) {
            // The survey counted one candidate; another code page than GB18030 counts only without a .cpg.
            let counted = encoding == GB18030 || self.cpg.and_then(by_label).is_none();
            if counted && survey.holds(encoding) {
                return Ok(Choice { encoding, why: format!("language byte 0x{ldid:02X}"), findings });
            }
            findings.push(format!("the language byte is 0x{ldid:02X}, but the text is not in that code page"));
        }
        let (encoding, why) = survey.by_content();
        Ok(Choice { encoding, why, findings })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gb(s: &str) -> Vec<u8> {
        GB18030.encode(s).0.into_owned()
    }

    fn decide(p: &Proposals, values: &[Vec<u8>]) -> Choice {
        let mut s = Survey::new(p.candidate());
        values.iter().for_each(|v| s.add(v, false));
        p.decide(&s).unwrap()
    }

    #[test]
    fn the_order_is_explicit_cpg_language_byte_utf8_gb18030() {
        let (chinese_gb, chinese_utf8) = (gb("单元网格"), "单元网格".as_bytes().to_vec());
        type Case<'a> = (Option<&'a str>, Option<&'a str>, u8, &'a [u8], &'a str, &'a str);
        let cases: &[Case] = &[
            (Some("big5"), Some("UTF-8"), 0x4d, &chinese_gb, "Big5", "declared"),
            (None, Some("GBK"), 0, &chinese_gb, "gb18030", ".cpg GBK"),
            (None, Some("936"), 0, &chinese_gb, "gb18030", ".cpg 936"),
            (None, Some("UTF-8"), 0x4d, &chinese_gb, "gb18030", "language byte 0x4D"),
            (None, Some("UTF-8"), 0, &chinese_gb, "gb18030", "not UTF-8, all text is valid GB18030"),
            (None, Some("GBK"), 0, &chinese_utf8, "UTF-8", "all text is valid UTF-8"),
            (None, None, 0x4d, &chinese_gb, "gb18030", "language byte 0x4D"),
            (None, None, 0x57, &chinese_utf8, "UTF-8", "all text is valid UTF-8"),
            (None, None, 0x57, b"plain", "UTF-8", "ASCII only"),
        ];
        for (explicit, cpg, ldid, bytes, name, why) in cases {
            let p = Proposals { explicit: *explicit, cpg: *cpg, language_byte: Some(*ldid) };
            let c = decide(&p, &[bytes.to_vec()]);
            assert_eq!((c.encoding.name(), c.why.as_str()), (*name, *why), "{cpg:?} {ldid:x}");
        }
    }

    #[test]
    fn a_lying_cpg_is_told() {
        let p = Proposals { cpg: Some("UTF-8"), ..Default::default() };
        assert!(decide(&p, &[gb("开封")]).findings[0].contains(".cpg says UTF-8"));
    }

    #[test]
    fn pairs_that_are_also_utf8_are_chinese() {
        // 模 in GBK is C4 A3, which is also ģ in UTF-8.
        let bytes = gb("模");
        assert_eq!(std::str::from_utf8(&bytes), Ok("ģ"));
        assert_eq!(decide(&Proposals::default(), &[bytes]).encoding, GB18030);
    }

    #[test]
    fn half_characters_at_the_width_are_cut_only_there() {
        let mut bytes = gb("人民路");
        bytes.pop();
        assert_eq!(decode(&bytes, GB18030, true), Decoded::Cut("人民".into()));
        assert_eq!(decode(&bytes, GB18030, false), Decoded::Broken);
        assert_eq!(decode(&"人民".as_bytes()[..5], UTF_8, true), Decoded::Cut("人".into()));
        assert_eq!(decode(&[0x41, 0xff, 0x41], UTF_8, true), Decoded::Broken);
    }

    #[test]
    fn labels_of_the_wild() {
        let cases = [
            ("936", "gb18030"),
            ("CP936", "gb18030"),
            ("GB2312", "gb18030"),
            ("utf8", "UTF-8"),
            ("UTF-8\0", "UTF-8"),
            ("ANSI 1252", "windows-1252"),
            ("ISO88591", "windows-1252"),
            ("ISO-8859-2", "ISO-8859-2"),
            ("ANSI_936", "gb18030"),
            ("950", "Big5"),
        ];
        for (label, name) in cases {
            assert_eq!(by_label(label).map(|e| e.name()), Some(name), "{label}");
        }
        assert!(by_label("OEM").is_none() && by_label("klingon").is_none());
    }
}
