//! The sample city's register of responsible bodies as a delivery: one GB18030 table with Chinese headings, the others in
//! UTF-8, the class tables as `data/` has them. What it says of who is responsible is made up.

use super::bodies::{Body, bodies, roles};
use super::classes;
use super::names;
use super::operations::CASES;
use super::plan::Plan;
use crate::error::{Error, Result};
use crate::geo::gauss_kruger::GaussKruger;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

pub const FOLDER: &str = "责任主体";
pub const CITY: &str = "410200";
const CROSSWALK: &str = include_str!("../../data/crosswalk-cjt214-to-gbt47678-5.csv");

const BODIES: &[&str] =
    &["单位代码", "单位名称", "简称与曾用名", "单位性质", "承接单位代码", "撤销日期", "联系人", "联系电话"];

const MANIFEST: &str = r#"# The register of responsible bodies, 2026
id = "register"
# Written with the sample city; docs/deliveries.md says what may stand here.

[register]
city = "CITY"
component_scheme = "cjt214-2007"
emergency = "EMERGENCY"
roles = { path = "责任主体/职责.csv", columns = { role = "职能", territory = "区划代码", organisation = "单位代码", schedule = "责任时段" } }
rulings = { path = "责任主体/确权裁定.csv" }

[register.organisations]
path = "责任主体/责任主体.csv"
encoding = "GB18030"
rows = ROWS
columns = { code = "单位代码", name = "单位名称", aliases = "简称与曾用名", kind = "单位性质", successor = "承接单位代码", valid_to = "撤销日期", contact = "联系人", phone = "联系电话" }

[[register.scheme]]
id = "cjt214-2007"
default_policy = "OWNER_THEN_TERRITORY"
classes = { path = "责任主体/部件小类.csv", columns = { name = "name_zh" }, values = { kind = "component" } }

[[register.scheme]]
id = "gbt47678.5-2026"
default_policy = "OWNER_THEN_TERRITORY"
classes = { path = "责任主体/案件类别.csv", columns = { name = "name_zh", component = "linked_component_code" } }

[[register.crosswalk]]
from = "cjt214-2007"
to = "gbt47678.5-2026"
rows = { path = "责任主体/部件对照.csv", columns = { code = "code_cjt214", to = "codes_gbt47678_5" }, values = { kind = "component" } }
"#;

/// Writes `register.toml` and its tables. `ownerless`: code of a cover that nobody owns, for a ruling. The rows of
/// each table, by its name in an import's report.
pub fn write(plan: &Plan, out: &Path, ownerless: Option<&str>) -> Result<BTreeMap<String, u64>> {
    let folder = out.join(FOLDER);
    fs::create_dir_all(&folder).map_err(|e| Error::io(&folder, e))?;
    let all = bodies(plan);
    let organisations = table(BODIES, all.iter().map(cells))?;
    let (gb, _, _) = encoding_rs::GB18030.encode(&organisations);
    save(&folder.join("责任主体.csv"), &gb)?;
    let roles = roles(plan);
    let text = table(&["职能", "区划代码", "单位代码", "责任时段"], roles.iter().cloned())?;
    save(&folder.join("职责.csv"), text.as_bytes())?;
    let rulings = rulings(plan, ownerless);
    let text = table(RULINGS, rulings.iter().cloned())?;
    save(&folder.join("确权裁定.csv"), format!("\u{feff}{text}").as_bytes())?;
    for (name, text) in [("部件小类.csv", classes::TABLE), ("案件类别.csv", CASES), ("部件对照.csv", CROSSWALK)]
    {
        save(&folder.join(name), text.as_bytes())?;
    }
    let manifest = MANIFEST.replace("CITY", CITY).replace("EMERGENCY", names::MUNICIPAL_EMERGENCY.0);
    save(&out.join("register.toml"), manifest.replace("ROWS", &all.len().to_string()).as_bytes())?;
    let rows = |text: &str| text.lines().count().saturating_sub(1) as u64;
    Ok(BTreeMap::from([
        ("organisations".to_string(), all.len() as u64),
        ("roles".to_string(), roles.len() as u64),
        ("rulings".to_string(), rulings.len() as u64),
        ("classes of cjt214-2007".to_string(), rows(classes::TABLE)),
        ("classes of gbt47678.5-2026".to_string(), rows(CASES)),
        ("crosswalk of cjt214-2007 to gbt47678.5-2026".to_string(), rows(CROSSWALK)),
    ]))
}

fn cells(b: &Body) -> [String; 8] {
    let fixed = [b.kind, b.successor, b.valid_to].map(str::to_string);
    let [kind, successor, valid_to] = fixed;
    let own = [&b.code, &b.name, &b.aliases].map(Clone::clone);
    let [code, name, aliases] = own;
    [code, name, aliases, kind, successor, valid_to, b.contact.clone(), b.phone.clone()]
}

const RULINGS: &[&str] =
    &["id", "organisation", "rank", "decided", "component", "areas", "polygon", "classes", "valid_from", "valid_to"];

/// Rulings on a component (the later, higher one wins), on two communities, on a block, and one that is over.
fn rulings(plan: &Plan, ownerless: Option<&str>) -> Vec<[String; 10]> {
    let row = |cells: [&str; 10]| cells.map(str::to_string);
    let mut all = vec![];
    if let Some(cover) = ownerless {
        let (first, then) = (names::TELECOM[1].0, names::DRAINAGE.0);
        all.push(row(["汴确权〔2024〕1号", first, "1", "2024-03-05", cover, "", "", "", "2024-03-05", ""]));
        all.push(row(["汴确权〔2025〕7号", then, "2", "2025-06-18", cover, "", "", "", "2025-06-18", ""]));
    }
    let grid = |share: usize| plan.grids[plan.grids.len() * share / 8];
    let community = |share: usize| plan.admin.communities[plan.community_of(grid(share))].code.as_str();
    let areas = format!("{}|{}", community(2), community(5));
    let classes = "0107;0109;gbt47678.5-2026:matter:10002";
    let telecom = names::TELECOM[3].0;
    all.push(row(["汴确权〔2025〕9号", telecom, "2", "2025-07-01", "", &areas, "", classes, "2025-07-01", ""]));
    let block = wkt(&plan.ring(grid(4)));
    let matters = "gbt47678.5-2026:matter:09";
    let market = names::NIGHT_MARKETS.0;
    all.push(row(["汴确权〔2025〕12号", market, "2", "2025-09-10", "", "", &block, matters, "2025-09-10", ""]));
    let unit = plan.face(grid(6)).grid_code.as_str();
    let parks = names::PARKS.0;
    all.push(row(["汴确权〔2022〕3号", parks, "2", "2022-02-01", "", unit, "", "04", "2022-02-01", "2024-02-01"]));
    all
}

fn wkt(ring: &[[f64; 2]]) -> String {
    let plane = GaussKruger::cgcs2000(114.0, 500_000.0);
    let degrees = ring.iter().map(|p| plane.inverse(*p)).map(|d| format!("{:.9} {:.9}", d[0], d[1]));
    format!("POLYGON (({}))", degrees.collect::<Vec<_>>().join(", "))
}

fn table<const N: usize>(heads: &[&str], rows: impl Iterator<Item = [String; N]>) -> Result<String> {
    let bad = |e: String| Error::Data(format!("the register's table: {e}"));
    let mut writer = csv::Writer::from_writer(vec![]);
    writer.write_record(heads).map_err(|e| bad(e.to_string()))?;
    for row in rows {
        writer.write_record(&row).map_err(|e| bad(e.to_string()))?;
    }
    let bytes = writer.into_inner().map_err(|e| bad(e.to_string()))?;
    String::from_utf8(bytes).map_err(|e| bad(e.to_string()))
}

fn save(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).map_err(|e| Error::io(path, e))
}

/// A small register with faults that only a look at all of it shows; must be refused whole.
pub fn write_faulty(folder: &Path) -> Result<()> {
    let files = [
        (
            "单位.csv",
            "code,name,successor,valid_to\nD1,市政处,,\nD2,旧排水所,D3,2020-01-01\nD3,旧市政所,D2,2020-01-01\n",
        ),
        ("职责.csv", "role,territory,organisation\n环卫,410200,D1\n市政,410202,D9\n"),
        (
            "裁定.csv",
            "id,organisation,decided,areas,classes\n1号,D1,2024-05-01,410202001,0101\n2号,D1,2024-05-01,410202001,0999\n",
        ),
        ("小类.csv", "kind,code,name\ncomponent,0101,上水井盖\n"),
    ];
    for (name, text) in files {
        save(&folder.join(format!("登记{name}")), text.as_bytes())?;
    }
    let table = |field: &str, name: &str| format!("{field} = {{ path = \"登记{name}\" }}\n");
    let manifest = format!(
        "# Must be refused: {FAULTY}.\nid = \"faults-register\"\n\n[register]\ncity = \"{CITY}\"\n\
         component_scheme = \"cjt214-2007\"\n{}{}{}\n[[register.scheme]]\nid = \"cjt214-2007\"\n\
         default_policy = \"OWNER_THEN_TERRITORY\"\n{}",
        table("organisations", "单位.csv"),
        table("roles", "职责.csv"),
        table("rulings", "裁定.csv"),
        table("classes", "小类.csv"),
    );
    save(&folder.join("register.toml"), manifest.as_bytes())
}

/// What is wrong with the faulty register.
pub const FAULTY: &str = "an unknown organisation, successors in a circle, an unknown class";
