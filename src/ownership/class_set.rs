//! Sets of classes as duty areas and rulings write them: `0107;0109`, `01`, `*`,
//! `gbt47678.5-2026:matter:09001`. A code stands for itself, a beginning of one for all that begin so.

use super::register::{Book, ClassIx, ClassKind};

/// How closely a set names a class: code over minor group over major over all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Closeness {
    All,
    Major,
    Group,
    Code,
}

/// Digits of a major in every scheme.
const MAJOR_DIGITS: usize = 2;

/// A parsed set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassSet {
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    /// `None`: any class.
    scheme: Option<u16>,
    kind: Option<ClassKind>,
    beginning: String,
}

impl ClassSet {
    /// Of codes in a list by `;` `,` or blanks; `*` or nothing is all. Codes without a scheme are the components'
    /// scheme's.
    pub fn parse(text: &str, book: &Book) -> Result<ClassSet, String> {
        let codes = text.split([';', ',', '；', '，', '、', ' ']).map(str::trim).filter(|c| !c.is_empty());
        let entries = codes.map(|code| Entry::parse(code, book)).collect::<Result<Vec<_>, _>>()?;
        Ok(match entries.is_empty() {
            true => ClassSet { entries: vec![Entry { scheme: None, kind: None, beginning: String::new() }] },
            false => ClassSet { entries },
        })
    }

    /// How closely it names a class, by any of the class's terms; `None` when it does not.
    pub fn closeness(&self, class: ClassIx, book: &Book) -> Option<Closeness> {
        let terms = &book.class(class).terms;
        self.entries.iter().flat_map(|e| terms.iter().filter_map(move |&t| e.closeness(t, book))).max()
    }
}

impl Entry {
    fn parse(text: &str, book: &Book) -> Result<Entry, String> {
        if text == "*" {
            return Ok(Entry { scheme: None, kind: None, beginning: String::new() });
        }
        let mut parts = text.rsplitn(3, ':');
        let beginning = parts.next().unwrap_or_default().to_string();
        let (kind, scheme) = match (parts.next(), parts.next()) {
            (None, _) => (None, None),
            (Some(scheme), None) => (None, Some(scheme)),
            (Some(kind), Some(scheme)) => {
                (Some(kind_of(kind).ok_or_else(|| format!("{kind:?} is neither component nor matter"))?), Some(scheme))
            }
        };
        let scheme = match scheme {
            Some(id) => book.scheme(id).ok_or_else(|| format!("the scheme {id:?} has no class table"))?,
            None => {
                book.component_scheme().ok_or("class codes without a scheme need the register's component_scheme")?
            }
        };
        let entry = Entry { scheme: Some(scheme), kind, beginning };
        let names_any = (0..book.classes.len()).any(|i| entry.closeness(ClassIx(i as u16), book).is_some());
        match names_any && !entry.beginning.is_empty() {
            true => Ok(entry),
            false => Err(format!("no class of {} is or begins with {:?}", book.scheme_id(scheme), entry.beginning)),
        }
    }

    fn closeness(&self, class: ClassIx, book: &Book) -> Option<Closeness> {
        let class = book.class(class);
        let Some(scheme) = self.scheme else { return Some(Closeness::All) };
        let named = class.scheme == scheme
            && self.kind.is_none_or(|k| k == class.kind)
            && class.code.starts_with(&self.beginning);
        let closeness = || match self.beginning.len() {
            n if n == class.code.len() => Closeness::Code,
            n if n > MAJOR_DIGITS => Closeness::Group,
            _ => Closeness::Major,
        };
        named.then(closeness)
    }
}

/// `component` or `matter` (`event` before 2026).
pub fn kind_of(text: &str) -> Option<ClassKind> {
    match text {
        "component" => Some(ClassKind::Component),
        "matter" | "event" => Some(ClassKind::Matter),
        _ => None,
    }
}
