//! Whether what was read may be published: completeness, the limit of rejects, and who must act where it may not.

use super::load::Source;
use super::report::{RegisterReport, Report, SourceReport};
use super::wire::{Done, Format, Who};
use crate::error::{Error, Finding};
use std::path::PathBuf;

/// Formats whose records are what a name in the text makes them: one letter astray and a file is empty, and with it what
/// the store has of its source.
const EMPTY_BY_MISTAKE: [Format; 4] = [Format::Dxf, Format::Gml, Format::Cityjson, Format::Citygml];

/// Whether a source that was read to its end may be published.
pub fn judge(source: &Source, done: Option<&Done>, read: &mut SourceReport) {
    let n = read.read;
    match done {
        _ if read.failed.is_some() => return,
        None => return read.fail(Who::Machine, "reader-died", "the reading process ended before its work did"),
        Some(d) if d.read != n => {
            return read.fail(Who::Machine, "protocol", format!("{} records were announced, {n} came", d.read));
        }
        _ => {}
    }
    if let Some(declared) = read.declared.filter(|d| *d != n) {
        let what = format!("the file declares {declared} records and holds {n}; deliver it again, whole");
        return read.fail(Who::Supplier, "incomplete", what);
    }
    if let Some(stated) = source.decl.rows.filter(|r| *r != n) {
        let what =
            format!("the manifest states {stated} rows and the file holds {n}; deliver it again, or correct `rows`");
        return read.fail(Who::Supplier, "incomplete", what);
    }
    if n == 0 && source.decl.rows != Some(0) && EMPTY_BY_MISTAKE.contains(&source.format) {
        let what = "no record was found in it; if there really is none, say so in the manifest: `rows = 0`";
        return read.fail(Who::Supplier, "empty", what);
    }
    let rejects = read.rejects();
    if rejects > read.reject_limit {
        let what = format!("{rejects} of {n} records were refused; the manifest allows {}", read.reject_limit);
        read.fail(Who::Supplier, "too-many-rejects", what);
    }
}

/// The import's error by who must act; the machine first, for what it broke says nothing of the data.
pub fn failure(sources: &[Source], report: &Report) -> Option<Error> {
    let failed: Vec<_> =
        sources.iter().zip(&report.sources).filter_map(|(s, r)| r.failed.as_ref().map(|f| (s, f))).collect();
    let tileset_by = |who: Who| {
        let failed = report.tilesets.iter().filter_map(|t| t.failed.as_ref().map(|f| (t, f)));
        failed.filter(move |(_, f)| f.who == who)
    };
    let of = |who: Who| failed.iter().filter(move |(_, f)| f.who == who);
    let register = report.register.as_ref();
    let register_by = |who: Who| register.filter(|r| r.failed.as_ref().is_some_and(|f| f.who == who));
    if let Some((s, f)) = of(Who::Machine).next() {
        let source = std::io::Error::other(format!("{}: {}", f.code, f.what));
        return Some(Error::Io { path: s.path.clone(), source });
    }
    if let Some(r) = register_by(Who::Machine) {
        return Some(Error::Io { path: PathBuf::from(&r.manifest), source: std::io::Error::other(r.said()) });
    }
    if let Some((t, f)) = tileset_by(Who::Machine).next() {
        let source = std::io::Error::other(format!("{}: {}", f.code, f.what));
        return Some(Error::Io { path: PathBuf::from(&t.path), source });
    }
    let mut findings: Vec<Finding> = of(Who::Operator)
        .map(|(s, f)| Finding { file: s.file.path.clone(), line: s.line, what: format!("{}: {}", s.id, f.what) })
        .collect();
    findings.extend(register_by(Who::Operator).into_iter().flat_map(|r| r.flaws.iter().cloned()));
    findings.extend(tileset_by(Who::Operator).map(|(t, f)| Finding {
        file: PathBuf::from(&t.manifest),
        line: t.line,
        what: format!("{}: {}", t.id, f.what),
    }));
    if !findings.is_empty() {
        return Some(Error::Config(findings));
    }
    if let Some((s, _)) = of(Who::Missing).next() {
        return Some(Error::Missing(s.path.clone()));
    }
    if let Some((t, _)) = tileset_by(Who::Missing).next() {
        return Some(Error::Missing(PathBuf::from(&t.path)));
    }
    if let Some(r) = register_by(Who::Missing) {
        return Some(Error::Missing(r.flaws.first().map_or_else(|| PathBuf::from(&r.manifest), |f| f.file.clone())));
    }
    let mut lines: Vec<String> = failed.iter().map(|(s, f)| format!("{}: {}: {}", s.id, f.code, f.what)).collect();
    let said = |r: &RegisterReport| format!("{}: flawed-register: {} flaws\n{}", r.id, r.flaws.len(), r.said());
    lines.extend(register_by(Who::Supplier).map(said));
    lines.extend(tileset_by(Who::Supplier).map(|(t, f)| format!("{}: {}: {}", t.id, f.code, f.what)));
    (!lines.is_empty()).then(|| Error::Data(lines.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::load;
    use crate::import::report::Failure;

    fn read(n: u64, declared: Option<u64>) -> SourceReport {
        SourceReport { read: n, declared, ..SourceReport::default() }
    }

    fn source(extra: &str) -> Source {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("d.toml");
        std::fs::write(&file, format!("[[source]]\npath = \"a.geojson\"\nlayer = \"l\"\n{extra}")).unwrap();
        let loaded = load::load(&[&file]);
        assert!(loaded.findings.is_empty(), "{:?}", loaded.findings);
        loaded.sources.into_iter().next().unwrap()
    }

    #[test]
    fn incomplete_sources_fail() {
        let done = |n| Some(Done { read: n, ..Done::default() });
        for (extra, done, read, code) in [
            ("", done(10), read(10, Some(10)), None),
            ("", done(10), read(10, None), None),
            ("", done(10), read(10, Some(20)), Some("incomplete")),
            ("rows = 11", done(10), read(10, None), Some("incomplete")),
            ("", done(11), read(10, None), Some("protocol")),
            ("", None, read(10, None), Some("reader-died")),
        ] {
            let mut read = read;
            judge(&source(extra), done.as_ref(), &mut read);
            assert_eq!(read.failed.map(|f| f.code).as_deref(), code, "{extra} {done:?}");
        }
    }

    #[test]
    fn rejects_are_allowed_up_to_the_limit() {
        for (extra, rows, rejects, fails) in [
            ("", 1000, 1, false),
            ("", 999, 1, true),
            ("max_rejects = 2", 10, 2, false),
            ("max_rejects = 2", 10, 3, true),
            ("max_rejects = 1.0", 10, 10, false),
            ("max_rejects = 0", 10, 1, true),
        ] {
            let source = source(extra);
            let mut read = read(rows, None);
            (0..rejects).for_each(|row| read.reject(row, crate::import::map::reject("bad-value", String::new())));
            read.reject_limit = source.max_rejects().of(rows);
            judge(&source, Some(&Done { read: rows, ..Done::default() }), &mut read);
            assert_eq!(read.failed.is_some(), fails, "{extra} {rejects} of {rows}");
        }
    }

    #[test]
    fn the_exit_code_says_who_must_act() {
        let sources = vec![source(""), source("")];
        let failed = |who| Some(Failure { who, code: "x".into(), what: "y".into() });
        for (a, b, code) in [
            (Some(Who::Supplier), None, 65),
            (Some(Who::Supplier), Some(Who::Missing), 66),
            (Some(Who::Operator), Some(Who::Supplier), 78),
            (Some(Who::Operator), Some(Who::Machine), 74),
        ] {
            let reports = [a, b].map(|who| SourceReport { failed: who.and_then(failed), ..SourceReport::default() });
            let report = Report { sources: reports.into(), ..Report::default() };
            assert_eq!(failure(&sources, &report).map(|e| e.exit_code()), Some(code), "{a:?} {b:?}");
        }
        assert!(failure(&sources, &Report::default()).is_none());
    }

    #[test]
    fn a_refused_register_is_judged_with_the_sources() {
        let finding = |line| Finding { file: "单位.csv".into(), line, what: "无此单位".into() };
        for (source_failed, register_failed, code, words) in [
            (None, Who::Supplier, 65, "town: flawed-register: 2 flaws\n单位.csv:3: 无此单位\n单位.csv:4: 无此单位"),
            (None, Who::Operator, 78, "单位.csv:4: "),
            (None, Who::Missing, 66, "单位.csv: not found"),
            (None, Who::Machine, 74, "单位.csv:3: "),
            (Some(Who::Supplier), Who::Supplier, 65, "town: flawed-register"),
            (Some(Who::Operator), Who::Supplier, 78, ""),
            (Some(Who::Supplier), Who::Operator, 78, "单位.csv:3: "),
            (Some(Who::Machine), Who::Operator, 74, ""),
        ] {
            let failed = source_failed.map(|who| Failure { who, code: "x".into(), what: "y".into() });
            let mut register =
                RegisterReport { id: "town".into(), flaws: vec![finding(3), finding(4)], ..Default::default() };
            register.blame(register_failed);
            let sources = vec![SourceReport { failed, ..SourceReport::default() }];
            let report = Report { sources, register: Some(register), ..Report::default() };
            let error = failure(&[source("")], &report).unwrap();
            assert_eq!(error.exit_code(), code, "{source_failed:?} {register_failed:?}");
            assert!(error.to_string().contains(words), "{error}");
        }
    }
}
