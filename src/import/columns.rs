//! Finding a wanted column among a source's: by its name, without regard to ASCII case, or as a shapefile cut it.

use super::wire::Format;

/// A source's columns, and how their names may have been cut.
pub struct Columns<'a> {
    names: &'a [String],
    /// Bytes of a character in the file's encoding, where names are cut after ten of them.
    cut: Option<Width>,
}

#[derive(Clone, Copy)]
enum Width {
    Utf8,
    /// One byte for ASCII, two for the rest (GBK; the four-byte part of GB18030 is not met in column names).
    Gbk,
}

#[derive(Debug, PartialEq)]
pub enum Found {
    At(usize),
    /// The only column that the name can have been cut to.
    Cut(usize),
    Nowhere,
}

impl<'a> Columns<'a> {
    /// `encoding` as the reader reports it, e.g. `GB18030 (LDID 0x4D)`.
    pub fn new(names: &'a [String], format: Format, encoding: &str) -> Columns<'a> {
        let width = if encoding.to_ascii_uppercase().starts_with("UTF-8") { Width::Utf8 } else { Width::Gbk };
        Columns { names, cut: (format == Format::Shapefile).then_some(width) }
    }

    pub fn find(&self, wanted: &str) -> Found {
        let wanted = wanted.trim();
        let exact = self.names.iter().position(|n| n.trim() == wanted);
        let found = exact.or_else(|| self.only(|n| n.trim().eq_ignore_ascii_case(wanted)));
        match found {
            Some(i) => Found::At(i),
            None => self.only(|n| self.is_cut_of(n.trim(), wanted)).map_or(Found::Nowhere, Found::Cut),
        }
    }

    /// A DBF name holds ten bytes; a character that does not fit whole is cut, so nine may be left (eight in UTF-8).
    fn is_cut_of(&self, name: &str, wanted: &str) -> bool {
        // A half character at the end decodes to the replacement character.
        let name = name.trim_end_matches('\u{fffd}');
        let (bytes, shortest) = match self.cut {
            None => return false,
            Some(Width::Utf8) => (name.len(), 8),
            Some(Width::Gbk) => (name.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum(), 9),
        };
        (shortest..=10).contains(&bytes) && wanted.len() > name.len() && wanted.starts_with(name)
    }

    fn only(&self, fits: impl Fn(&str) -> bool) -> Option<usize> {
        let mut all = self.names.iter().enumerate().filter(|(_, n)| fits(n)).map(|(i, _)| i);
        let first = all.next()?;
        all.next().is_none().then_some(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(names: &[&str], encoding: &str, wanted: &str) -> Found {
        let names: Vec<String> = names.iter().map(|n| n.to_string()).collect();
        Columns::new(&names, Format::Shapefile, encoding).find(wanted)
    }

    #[test]
    fn names_match_whole_then_without_case_then_cut() {
        let gbk = "GB18030 (LDID 0x4D)";
        for (names, encoding, wanted, expected) in [
            (&["CODE", "code"][..], gbk, "code", Found::At(1)),
            (&["CODE", "x"], gbk, "code", Found::At(0)),
            (&["CODE", "Code"], gbk, "code", Found::Nowhere),
            (&["单元网格编"], gbk, "单元网格编码", Found::Cut(0)),
            (&["单元网"], gbk, "单元网格编码", Found::Nowhere),
            (&["单元网"], "UTF-8 (.cpg)", "单元网格编码", Found::Cut(0)),
            (&["主管部", "主管部"], "UTF-8", "主管部门代码", Found::Nowhere),
            (&["主管部门代", "主管部门名"], gbk, "主管部门名称", Found::Cut(1)),
            (&["a单元网格\u{fffd}"], gbk, "a单元网格编码", Found::Cut(0)),
            (&["maintainer"], gbk, "maintainer_org", Found::Cut(0)),
            (&["maintain"], gbk, "maintainer_org", Found::Nowhere),
        ] {
            assert_eq!(find(names, encoding, wanted), expected, "{names:?} {wanted}");
        }
    }

    #[test]
    fn only_shapefiles_cut_names() {
        let names = vec!["maintainer".to_string()];
        assert_eq!(Columns::new(&names, Format::Gpkg, "UTF-8").find("maintainer_org"), Found::Nowhere);
    }
}
