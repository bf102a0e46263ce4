//! The faults a city is delivered with: how often they stand in the good files, and whole files that must be refused,
//! each with a manifest of its own and the outcome it must have.

use super::cityfile::{CityFile, CityPlace, Kind};
use super::house::{Design, House, Roof};
use super::plan::Plan;
use super::plan::mesh::{Pt, add};
use super::register;
use super::write::{Column, Container, Family, Format, GbkMark, Shape, Table, Val};
use crate::error::{Error, Result};
use std::fs;
use std::io::Write;
use std::path::Path;

/// Picks `n` of `total` rows, evenly, the first not among the first rows.
#[derive(Debug, Clone, Copy)]
pub struct Every {
    step: usize,
    n: usize,
}

impl Every {
    /// At most one row in a hundred.
    pub fn of(total: usize, n: usize) -> Every {
        let n = n.min(total / 100).max(usize::from(total > 20));
        Every { step: total.checked_div(n).unwrap_or(0), n }
    }

    pub fn at(self, k: usize) -> bool {
        self.step > 0 && k % self.step == self.step / 2 && k / self.step < self.n
    }
}

/// A delivery that must not be published.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Refused {
    /// Relative to the city's folder.
    pub manifest: String,
    /// What `chengtu import` answers with.
    pub exit: u8,
    /// Code of the failure.
    pub code: &'static str,
    pub about: &'static str,
}

/// How many rows each faulty file has.
const ROWS: usize = 40;

/// The layer that the faulty files would feed: the simplest one.
const LAYER: &str = "cv_qr_sign";

struct Case {
    name: &'static str,
    exit: u8,
    code: &'static str,
    about: &'static str,
    /// Lines of the manifest's source, after its path.
    source: &'static str,
    file: &'static str,
}

const KEY: &str = "layer = \"cv_qr_sign\"\nkey = \"编号\"\nfields = { sign_id = \"编号\", location_desc = \"位置\" }\n";

const CASES: &[Case] = &[
    Case {
        name: "wrong-zone",
        exit: 78,
        code: "wrong-crs",
        about: "eastings with the zone number 38 under a CRS without it",
        source: "crs = \"EPSG:4547\"\n",
        file: "带号坐标.shp",
    },
    Case {
        name: "cut-shp",
        exit: 65,
        code: "incomplete",
        about: "the .shp ends in the middle",
        source: "crs = \"EPSG:4547\"\n",
        file: "截断.shp",
    },
    Case {
        name: "disguised",
        exit: 65,
        code: "not-this-format",
        about: "a virtual dataset named .shp that points at another file",
        source: "crs = \"EPSG:4547\"\n",
        file: "伪装.shp",
    },
    Case {
        name: "no-crs",
        exit: 78,
        code: "unknown-crs",
        about: "no .prj and no declaration",
        source: "",
        file: "无坐标系.shp",
    },
    Case {
        name: "cut-geojson",
        exit: 65,
        code: "incomplete",
        about: "the last hundredth of the file is missing",
        source: "",
        file: "残缺.geojson",
    },
    Case {
        name: "cut-cityjson",
        exit: 65,
        code: "incomplete",
        about: "a CityJSON sequence that ends inside a building",
        source: "",
        file: "残缺.city.jsonl",
    },
    Case {
        name: "missing-rows",
        exit: 65,
        code: "incomplete",
        about: "the supplier states more rows than there are",
        source: "crs = \"EPSG:4547\"\nencoding = \"GB18030\"\nxy = { x = \"Y坐标\", y = \"X坐标\" }\nrows = 60\n",
        file: "缺行.csv",
    },
    Case {
        name: "not-finite",
        exit: 65,
        code: "too-many-rejects",
        about: "coordinates that are no numbers: every row is refused as not-finite",
        source: "crs = \"EPSG:4547\"\nencoding = \"GB18030\"\nxy = { x = \"Y坐标\", y = \"X坐标\" }\nrows = 40\n",
        file: "非数坐标.csv",
    },
    Case {
        name: "bomb",
        exit: 65,
        code: "too-large",
        about: "an archive that grows beyond its limit",
        source: "crs = \"EPSG:4547\"\nmax_unpacked_mib = 4\n",
        file: "压缩炸弹.zip",
    },
];

/// Writes `faults/`: the files, their manifests; what each must end in.
pub fn write(plan: &Plan, out: &Path) -> Result<Vec<Refused>> {
    let folder = out.join("faults");
    fs::create_dir_all(&folder).map_err(|e| Error::io(&folder, e))?;
    let points: Vec<Pt> = plan
        .roads
        .iter()
        .cycle()
        .take(ROWS)
        .enumerate()
        .map(|(k, &e)| add(plan.edge(e).at(10.0, 3.0).0, [0.0, 0.1], k as f64))
        .collect();
    let mut refused = vec![];
    for case in CASES {
        file(case, &points, &folder.join(case.file))?;
        let name = format!("{}.toml", case.name);
        let text = format!(
            "# Must be refused: {}.\nid = \"faults-{}\"\n\n[[source]]\npath = \"{}\"\n{}{KEY}",
            case.about, case.name, case.file, case.source
        );
        save(&folder.join(&name), text.as_bytes())?;
        refused.push(Refused {
            manifest: format!("faults/{name}"),
            exit: case.exit,
            code: case.code,
            about: case.about,
        });
    }
    register::write_faulty(&folder)?;
    refused.push(Refused {
        manifest: "faults/register.toml".to_string(),
        exit: 65,
        code: "flawed-register",
        about: register::FAULTY,
    });
    debug_assert!(KEY.contains(LAYER));
    Ok(refused)
}

fn save(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).map_err(|e| Error::io(path, e))
}

fn file(case: &Case, points: &[Pt], path: &Path) -> Result<()> {
    let beside = |extension: &str| path.with_extension(extension);
    match case.name {
        "wrong-zone" => {
            let with_zone: Vec<Pt> = points.iter().map(|p| [p[0] + 38_000_000.0, p[1]]).collect();
            table(path, Format::Shapefile, &with_zone)
        }
        "cut-shp" => {
            table(path, Format::Shapefile, points)?;
            let whole = fs::read(path).map_err(|e| Error::io(path, e))?;
            save(path, &whole[..whole.len() / 2])
        }
        "disguised" => {
            let vrt = "<OGRVRTDataSource><OGRVRTLayer name=\"a\"><SrcDataSource>../地名地址.shp</SrcDataSource>\
                       </OGRVRTLayer></OGRVRTDataSource>\n";
            save(path, vrt.as_bytes())
        }
        "no-crs" => {
            table(path, Format::Shapefile, points)?;
            let prj = beside("prj");
            fs::remove_file(&prj).map_err(|e| Error::io(&prj, e))
        }
        "cut-geojson" => {
            table(path, Format::GeoJson, points)?;
            let whole = fs::read(path).map_err(|e| Error::io(path, e))?;
            save(path, &whole[..whole.len() * 99 / 100])
        }
        "cut-cityjson" => {
            let place = CityPlace { file: "", kind: Kind::Sequence, lod: "2" };
            let id = Column { name: "编号".into(), kind: super::write::Kind::Text, width: 40 };
            let mut city = CityFile::create(path, &place, &[id])?;
            for (k, p) in points.iter().enumerate() {
                let ring: Vec<Pt> = [[0., 0.], [6., 0.], [6., 9.], [0., 9.], [0., 0.]].map(|d| add(*p, d, 1.0)).into();
                let (ground_m, height_m, storeys, roof) = (70.0, 6.0, 2, Roof::Gabled);
                let footprint = [ring];
                let design = Design { footprint: &footprint, ground_m, height_m, storeys, roof, openings: false };
                city.put(&Shape::House(&House::build(&design)), &[Val::Own(format!("GZ{k:03}"))])?;
            }
            city.close()?;
            let whole = fs::read(path).map_err(|e| Error::io(path, e))?;
            save(path, &whole[..whole.len() * 99 / 100])
        }
        "missing-rows" => sheet(path, points, |p| [format!("{:.3}", p[1]), format!("{:.3}", p[0])]),
        "not-finite" => sheet(path, points, |_| ["NaN".into(), "inf".into()]),
        _ => bomb(path),
    }
}

fn table(path: &Path, format: Format, points: &[Pt]) -> Result<()> {
    let text = |name: &str| Column { name: name.into(), kind: super::write::Kind::Text, width: 40 };
    let columns = [text("编号"), text("位置")];
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let epsg = if format == Format::GeoJson { 4326 } else { 4547 };
    let shape = Family::Point;
    let table = Table { name: &stem, columns: &columns, epsg, gbk: GbkMark::LanguageByte, shape };
    let mut container = Container::create(path, format)?;
    container.table(&table, &mut |sink| {
        for (k, &p) in points.iter().enumerate() {
            sink.put(&Shape::Point(p), &[Val::Own(format!("GZ{k:03}")), Val::Own(format!("第{k}号"))])?;
        }
        Ok(())
    })?;
    container.close()
}

fn sheet(path: &Path, points: &[Pt], cells: impl Fn(Pt) -> [String; 2]) -> Result<()> {
    let mut text = String::from("编号,X坐标,Y坐标,位置\r\n");
    for (k, &p) in points.iter().enumerate() {
        let [north, east] = cells(p);
        text.push_str(&format!("GZ{k:03},{north},{east},第{k}号\r\n"));
    }
    let (bytes, _, _) = encoding_rs::GB18030.encode(&text);
    save(path, &bytes)
}

/// 64 MiB of zeros in a few kilobytes, by the names of a shapefile.
fn bomb(path: &Path) -> Result<()> {
    let shp = path.with_extension("shp");
    for extension in ["shp", "shx", "dbf", "prj"] {
        let part = shp.with_extension(extension);
        let file = fs::File::create(&part).map_err(|e| Error::io(&part, e))?;
        let mut file = std::io::BufWriter::new(file);
        let zeros = vec![0_u8; 1 << 20];
        let mib = if extension == "shp" { 64 } else { 1 };
        for _ in 0..mib {
            file.write_all(&zeros).map_err(|e| Error::io(&part, e))?;
        }
    }
    super::pack::zip_shapefile(&shp, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_picks_exactly_n() {
        for (total, n, expected) in [(1000, 5, 5), (1003, 7, 7), (50, 5, 1), (10, 5, 0)] {
            let every = Every::of(total, n);
            assert_eq!((0..total).filter(|&k| every.at(k)).count(), expected, "{n} of {total}");
        }
    }
}
