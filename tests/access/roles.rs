//! The roles of the tests as an operator writes them, and beside each, written out again in other words, what it may see.

use super::city::{CATALOG, MIDDLE, canary, is_west, publish};
use axum::Router;
use chengtu::layer::{Field, Layer, Sensitivity};
use chengtu::serve::{App, Declared, Options, make_key};
use std::path::Path;

/// A role, its key, and what it sees.
pub struct Case {
    pub name: &'static str,
    pub key: String,
    pub layer: fn(&Layer) -> bool,
    /// Of a layer that is seen.
    pub field: fn(&Layer, &Field) -> bool,
    /// Of a layer that is seen.
    pub row: fn(&Layer, u64) -> bool,
}

pub struct World {
    dir: tempfile::TempDir,
    text: String,
    pub router: Router,
    pub snapshot: String,
    pub roles: Vec<Case>,
}

fn label(l: &Layer, f: &Field) -> Sensitivity {
    l.sensitivity.max(f.sensitivity.unwrap_or(l.sensitivity))
}

fn has_owner(l: &Layer) -> bool {
    l.theme == "pipes" && l.fields.iter().any(|f| f.name == "owner_org_code")
}

/// The layers that the company's rules speak of.
pub fn owned() -> Vec<&'static Layer> {
    CATALOG.iter().map(|(_, l)| l.as_ref()).filter(|l| has_owner(l)).collect()
}

/// The layer whose areas narrow a role.
pub fn district() -> &'static Layer {
    CATALOG.with_role(chengtu::layer::Role::District).next().unwrap().1
}

/// A label's name and the layers up to it.
type UpTo = (&'static str, fn(&Layer) -> bool);

fn cases() -> Vec<Case> {
    let key = String::new;
    let all_rows: fn(&Layer, u64) -> bool = |_, _| true;
    let up_to: [UpTo; 4] = [
        ("public", |l| l.sensitivity == Sensitivity::Public),
        ("government", |l| l.sensitivity <= Sensitivity::Government),
        ("restricted", |l| l.sensitivity <= Sensitivity::Restricted),
        ("personal", |_| true),
    ];
    let fields: [fn(&Layer, &Field) -> bool; 4] = [
        |l, f| label(l, f) == Sensitivity::Public,
        |l, f| label(l, f) <= Sensitivity::Government,
        |l, f| label(l, f) <= Sensitivity::Restricted,
        |_, _| true,
    ];
    let mut all: Vec<Case> = up_to
        .into_iter()
        .zip(fields)
        .map(|((name, layer), field)| Case { name, key: key(), layer, field, row: all_rows })
        .collect();
    all.push(Case {
        // Every second record of what has owners, and nothing else.
        name: "company",
        key: key(),
        layer: has_owner,
        field: |l, f| label(l, f) <= l.sensitivity,
        row: |_, row| row % 2 == 0,
    });
    all.push(Case {
        name: "west",
        key: key(),
        layer: |l| l.sensitivity <= Sensitivity::Government,
        field: |l, f| label(l, f) <= Sensitivity::Government,
        row: |_, row| is_west(row),
    });
    all.push(Case {
        name: "unit",
        key: key(),
        layer: |l| l.sensitivity <= Sensitivity::Restricted && l.theme != "iot",
        field: |l, f| label(l, f) <= Sensitivity::Restricted && f.name != "owner_org_name",
        row: |_, row| is_west(row),
    });
    all
}

fn list<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    format!("[{}]", texts.map(|t| format!("{t:?}")).collect::<Vec<_>>().join(", "))
}

/// `[access]` as an operator writes it.
fn written(dir: &Path, roles: &mut [Case]) -> String {
    let ids = owned();
    let mut text = format!(
        "[roles.public]\n[roles.government]\nclearance = \"government\"\n[roles.restricted]\nclearance = \"restricted\"\n\
         [roles.personal]\nclearance = \"personal\"\n[roles.company]\nallow = {0}\nonly = {0}\n",
        list(ids.iter().map(|l| l.id.as_str()))
    );
    for l in &ids {
        let values = [0, 2].map(|row| canary(l, "owner_org_code", row));
        text += &format!(
            "[[roles.company.rows]]\nlayers = [{:?}]\nfield = \"owner_org_code\"\nvalues = {}\n",
            l.id,
            list(values.iter().map(String::as_str))
        );
    }
    let ring = format!("[[[114,34],[{MIDDLE},34],[{MIDDLE},35],[114,35],[114,34]]]");
    let area = dir.join("west.geojson");
    std::fs::write(&area, format!("{{\"type\":\"Polygon\",\"coordinates\":{ring}}}")).unwrap();
    text += &format!("[roles.west]\nclearance = \"government\"\n[[roles.west.rows]]\narea = {area:?}\n");
    let district = district();
    text += &format!(
        "[roles.unit]\nclearance = \"restricted\"\ndeny = [\"theme:iot\"]\n[[roles.unit.rows]]\n\
         units = {{ layer = {:?}, field = \"code\", values = [{:?}] }}\n",
        district.id,
        canary(district, "code", 0)
    );
    for (_, l) in CATALOG.iter().filter(|(_, l)| l.field("owner_org_name").is_some()) {
        text += &format!("[roles.unit.fields.{}]\ndeny = [\"owner_org_name\"]\n", l.id);
    }
    for role in roles.iter_mut().filter(|r| r.name != "public") {
        let (key, hash) = make_key().unwrap();
        role.key = key;
        text += &format!("[[keys]]\nid = \"{0}\"\nrole = \"{0}\"\nhash = {hash:?}\n", role.name);
    }
    text
}

fn served(dir: &Path, text: &str) -> Router {
    let declared: Declared = toml::from_str(text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    // However busy the machine: an answer that is late is not what is asked about here.
    let options = Options { access: Some(declared), workers: 2, request_s: 3600, ..Options::new(dir.join("store")) };
    App::open(&options).unwrap().router()
}

impl World {
    pub fn new() -> World {
        let dir = tempfile::tempdir().unwrap();
        let snapshot = publish(&dir.path().join("store"));
        let mut roles = cases();
        let text = written(dir.path(), &mut roles);
        World { router: served(dir.path(), &text), dir, snapshot, roles, text }
    }

    /// The file of the area of `west`.
    pub fn area(&self) -> std::path::PathBuf {
        self.dir.path().join("west.geojson")
    }

    /// The same world before a server whose rules were changed: what a bug behind them would let through or hide.
    pub fn planted(&mut self, change: impl Fn(&str) -> String) {
        let changed = change(&self.text);
        assert_ne!(changed, self.text, "nothing was planted");
        self.router = served(self.dir.path(), &changed);
    }
}

impl Case {
    pub fn headers(&self) -> Vec<(&str, &str)> {
        if self.key.is_empty() { vec![] } else { vec![("x-api-key", self.key.as_str())] }
    }

    pub fn sees(&self, layer: &Layer, row: u64) -> bool {
        (self.layer)(layer) && (self.row)(layer, row)
    }

    /// In tiles nobody sees personal fields.
    pub fn sees_field(&self, layer: &Layer, field: &Field, tiles: bool) -> bool {
        (self.field)(layer, field) && !(tiles && label(layer, field) == Sensitivity::Personal)
    }

    pub fn layers(&self) -> Vec<&'static Layer> {
        CATALOG.iter().map(|(_, l)| l.as_ref()).filter(|l| (self.layer)(l)).collect()
    }

    pub fn rows(&self, layer: &Layer) -> Vec<u64> {
        (0..super::city::ROWS).filter(|r| self.sees(layer, *r)).collect()
    }
}
