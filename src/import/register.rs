//! The register of responsible bodies and its rules (责任主体登记) from a delivery: CSV tables named by `[register]` of
//! a manifest → one `Register`, checked as a whole. A flawed register is refused whole, with every flaw at once: half
//! of one would decide wrongly. Layers are no matter here.

mod declared;
mod polygon;
mod rows;
mod sheet;

pub use declared::{RegisterDecl, RegisterSource};

use super::read::read_table;
use super::report::{RegisterReport, TableReport};
use super::wire::Who;
use crate::error::Finding;
use crate::ownership::register::{Crosswalk, Flaw, Register, Scheme, Table, check};
use declared::{Shape, TableDecl};
use sheet::{Row, Sheet};
use std::collections::HashMap;
use std::path::PathBuf;

/// Reads and judges a register: it, if it is sound, and the account of it.
pub fn read(source: &RegisterSource) -> (Option<Register>, RegisterReport) {
    let mut reading = Reading { source, report: RegisterReport::default(), places: HashMap::new(), flaws: vec![] };
    let register = reading.register();
    let mut report = reading.report;
    report.id.clone_from(&source.id);
    report.manifest = source.file.path.display().to_string();
    // Rows cannot be judged against tables that could not be read.
    let mut flaws = reading.flaws;
    if report.failed.is_none() {
        for flaw in check(&register) {
            let (who, finding) = place(source, &reading.places, flaw);
            flaws.push(finding);
            if who == Who::Operator {
                report.blame(who);
            }
        }
    }
    if !flaws.is_empty() {
        report.blame(Who::Supplier);
    }
    report.flaws.append(&mut flaws);
    report.flaws.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    report.flaws.dedup();
    (report.failed.is_none().then_some(register), report)
}

/// What is declared is the operator's, what stands in a row is the supplier's.
fn place(source: &RegisterSource, places: &HashMap<Table, Place>, flaw: Flaw) -> (Who, Finding) {
    let row = flaw.row.and_then(|row| {
        let place = places.get(&flaw.table)?;
        Some((place.path.clone(), *place.lines.get(row)?))
    });
    match row {
        Some((file, line)) => (Who::Supplier, Finding { file, line, what: flaw.what }),
        None => (Who::Operator, source.file.finding(source.span_of(flaw.table), flaw.what)),
    }
}

/// Where the rows of a table came from.
struct Place {
    path: PathBuf,
    lines: Vec<usize>,
}

struct Reading<'a> {
    source: &'a RegisterSource,
    report: RegisterReport,
    places: HashMap<Table, Place>,
    flaws: Vec<Finding>,
}

impl Reading<'_> {
    fn register(&mut self) -> Register {
        let d = &self.source.decl;
        let text = |t: &Option<toml::Spanned<String>>| t.as_ref().map(|t| t.get_ref().clone());
        let mut register = Register {
            city: d.city.get_ref().clone(),
            component_scheme: text(&d.component_scheme).unwrap_or_default(),
            component_schemes: d.component_schemes.clone(),
            emergency: text(&d.emergency),
            ..Register::default()
        };
        for (table, shape, decl) in self.source.tables() {
            match table {
                Table::Settings => {}
                Table::Organisations => register.organisations = self.table(table, shape, decl, rows::organisation),
                Table::Policies => register.policies = self.table(table, shape, decl, rows::policy),
                Table::Roles => register.roles = self.table(table, shape, decl, rows::role),
                Table::Rulings => register.rulings = self.table(table, shape, decl, rows::ruling),
                Table::Classes(i) => register.schemes.push(Scheme {
                    id: d.schemes[i].id.get_ref().clone(),
                    default_policy: d.schemes[i].default_policy.clone(),
                    classes: self.table(table, shape, decl, rows::class),
                }),
                Table::Crosswalk(i) => register.crosswalks.push(Crosswalk {
                    from: d.crosswalks[i].from.get_ref().clone(),
                    to: d.crosswalks[i].to.clone(),
                    rows: self.table(table, shape, decl, rows::crosswalk),
                }),
            }
        }
        register
    }

    /// The rows of a table; what is wrong with it or them is noted.
    fn table<T>(
        &mut self,
        table: Table,
        shape: &'static Shape,
        decl: &TableDecl,
        make: impl Fn(&mut Row) -> Option<T>,
    ) -> Vec<T> {
        let at = decl.path.span();
        let path = match self.source.path_of(decl) {
            Ok(path) => path,
            Err(what) => {
                self.fail(Who::Operator, self.source.file.finding(at, what));
                return vec![];
            }
        };
        let text = match read_table(&path, decl.encoding.as_ref().map(|e| e.get_ref().as_str())) {
            Ok(text) => text,
            Err(f) => {
                self.fail(f.who, self.source.file.finding(at, f.what));
                return vec![];
            }
        };
        let sheet = match Sheet::new(shape, decl, &text) {
            Ok(sheet) => sheet,
            Err(lacking) => {
                let findings = lacking.into_iter().map(|what| self.source.file.finding(at.clone(), what));
                findings.collect::<Vec<_>>().into_iter().for_each(|f| self.fail(Who::Operator, f));
                return vec![];
            }
        };
        if let Some(stated) = decl.rows.filter(|stated| *stated != text.rows.len() as u64) {
            let what = format!(
                "the manifest states {stated} rows and the file holds {}; deliver it again, or correct `rows`",
                text.rows.len()
            );
            self.fail(Who::Supplier, Finding { file: path.clone(), line: 0, what });
        }
        self.report.tables.push(TableReport {
            table: self.source.name_of(table, shape),
            file: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            encoding: text.encoding.clone(),
            rows: text.rows.len() as u64,
            unused_columns: sheet.unused.clone(),
        });
        let (mut made, mut lines) = (vec![], vec![]);
        for row in &text.rows {
            let Some(mut cells) = Row::new(&sheet, &path, row, &mut self.flaws) else { continue };
            if let Some(one) = make(&mut cells) {
                made.push(one);
                lines.push(row.line);
            }
        }
        self.places.insert(table, Place { path, lines });
        made
    }

    /// A table that is not there, cannot be read, or is not whole.
    fn fail(&mut self, who: Who, finding: Finding) {
        self.report.blame(who);
        self.flaws.push(finding);
    }
}
