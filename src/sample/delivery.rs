//! A delivery: a folder of files and its manifest. Themes put rows by field name; the columns, their Chinese names and
//! types follow the catalog. Counts what it writes, the planted faults apart.

use super::cityfile::{CityFile, CityPlace};
use super::plan::Plan;
use super::plan::mesh::Pt;
use super::sheet::{CsvFile, CsvPlace};
use super::write::{Column, Container, Family, Format, GbkMark, Kind, Shape, Sink, Table, Val};
use super::write_raster::{self, Raster};
use crate::error::{Error, Result};
use crate::layer::{Catalog, FieldType, Layer};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// What a source's import has to report: rows it refuses and rows it repairs, by code.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Expected {
    /// Rows the container holds.
    pub rows: u64,
    pub rejects: BTreeMap<String, u64>,
    pub repairs: BTreeMap<String, u64>,
    /// Rows that are stored with something wrong that the report tells.
    pub faulty: BTreeMap<String, u64>,
    /// Faults that a reader cannot see row by row (a dangling pipe end, a null date): noted here, stored as they are.
    pub notes: BTreeMap<String, u64>,
}

/// All deliveries of a city.
pub struct Deliveries<'a> {
    pub plan: &'a Plan,
    pub catalog: &'a Catalog,
    pub out: PathBuf,
    pub counts: BTreeMap<String, u64>,
    pub expected: BTreeMap<String, Expected>,
    /// `layer.field` that a theme put and the catalog does not have.
    pub unknown: HashSet<String>,
    pub progress: &'a mut dyn FnMut(&str, u64),
}

/// One delivery being written: its folder and its manifest's text.
pub struct Delivery {
    id: &'static str,
    folder: &'static str,
    manifest: String,
}

/// Where a layer's rows go.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    pub file: &'a str,
    pub format: Format,
    pub epsg: u32,
    pub family: Family,
    pub gbk: GbkMark,
}

impl<'a> Place<'a> {
    pub fn new(file: &'a str, format: Format, family: Family) -> Place<'a> {
        let epsg = if matches!(format, Format::GeoJson | Format::GeoJsonSeq) { 4326 } else { 4547 };
        Place { file, format, epsg, family, gbk: GbkMark::Nowhere }
    }
}

/// Puts rows of one or several layers into one table.
pub struct Rows<'s, 'd> {
    sink: Target<'s, 'd>,
    names: HashMap<String, usize>,
    columns: usize,
    layer: String,
    counts: BTreeMap<String, u64>,
    pub expected: Expected,
    unknown: HashSet<String>,
    progress: &'s mut dyn FnMut(&str, u64),
}

enum Target<'s, 'd> {
    Gdal(&'s mut Sink<'d>),
    Csv(&'s mut CsvFile),
    City(&'s mut CityFile),
}

impl Rows<'_, '_> {
    /// Rows that follow belong to this layer (for tables that feed several).
    pub fn layer(&mut self, layer: &str) {
        if self.layer != layer {
            self.layer = layer.to_string();
        }
    }

    /// A good row.
    pub fn put(&mut self, shape: Shape, values: &[(&str, Val)]) -> Result<()> {
        let n = self.counts.get_mut(&self.layer);
        let n = match n {
            Some(n) => n,
            None => self.counts.entry(self.layer.clone()).or_default(),
        };
        *n += 1;
        if (*n).is_multiple_of(20_000) {
            (self.progress)(&self.layer, *n);
        }
        self.write(shape, values)
    }

    /// A row that the import must refuse with `code`.
    pub fn put_refused(&mut self, code: &str, shape: Shape, values: &[(&str, Val)]) -> Result<()> {
        *self.expected.rejects.entry(code.into()).or_default() += 1;
        self.write(shape, values)
    }

    /// Notes a fault that is stored as it is.
    pub fn note(&mut self, code: &str) {
        *self.expected.notes.entry(code.into()).or_default() += 1;
    }

    fn write(&mut self, shape: Shape, values: &[(&str, Val)]) -> Result<()> {
        self.expected.rows += 1;
        let mut row: Vec<Val> = vec![Val::Null; self.columns];
        for (name, value) in values {
            match self.names.get(*name) {
                Some(&i) => row[i] = value.clone(),
                None => {
                    self.unknown.insert(format!("{}.{name}", self.layer));
                }
            }
        }
        match &mut self.sink {
            Target::Gdal(sink) => sink.put(&shape, &row),
            Target::Csv(file) => file.put(&shape, &row),
            Target::City(file) => file.put(&shape, &row),
        }
    }
}

fn columns_of(layers: &[&Layer]) -> (Vec<Column>, HashMap<String, usize>) {
    let (mut columns, mut names): (Vec<Column>, HashMap<String, usize>) = (vec![], HashMap::new());
    for field in layers.iter().flat_map(|l| &l.fields) {
        if names.contains_key(&field.name) {
            continue;
        }
        names.insert(field.name.clone(), columns.len());
        let kind = match field.kind {
            FieldType::Text | FieldType::Enum => Kind::Text,
            FieldType::Int => Kind::Int,
            FieldType::Float => Kind::Num,
            FieldType::Bool => Kind::Flag,
            FieldType::Date => Kind::Day,
        };
        // Where two layers, or two fields, would share or split a Chinese name, the field's own name is the column's.
        let split = layers.iter().flat_map(|l| &l.fields).any(|f| (f.name == field.name) != (f.zh == field.zh));
        let name = if split { field.name.clone() } else { field.zh.clone() };
        columns.push(Column { name, kind, width: width(&field.name) });
    }
    (columns, names)
}

fn width(field: &str) -> u16 {
    match field {
        f if f.contains("address") || f.contains("remark") || f.contains("codes") => 120,
        f if f.ends_with("_name") || f.ends_with("name_zh") || f == "name" || f == "company" => 64,
        f if f.contains("type") || f.contains("code") || f.ends_with("_id") => 24,
        "sheet_no" | "source_scale" => 14,
        _ => 40,
    }
}

/// Column names of at most 10 bytes of GBK (5 Chinese characters), each once.
fn short_names(columns: &mut [Column]) {
    let mut taken = HashSet::new();
    for column in columns {
        let cut = |s: &str, bytes: usize| {
            let mut used = 0;
            let fits = s.chars().take_while(|c| {
                used += if c.is_ascii() { 1 } else { 2 };
                used <= bytes
            });
            fits.collect::<String>()
        };
        let mut name = cut(&column.name, 10);
        let mut n = 2;
        while !taken.insert(name.clone()) {
            name = format!("{}{n}", cut(&column.name, 9));
            n += 1;
        }
        column.name = name;
    }
}

impl Delivery {
    pub fn new(id: &'static str, folder: &'static str, about: &str) -> Delivery {
        let mut manifest = format!("# {about}\nid = \"{id}\"\n");
        manifest.push_str("# Written with the sample city; docs/deliveries.md says what may stand here.\n");
        manifest.push_str("vertical = \"1985\"\n");
        Delivery { id, folder, manifest }
    }

    pub fn close(self, out: &Path) -> Result<()> {
        let path = out.join(format!("{}.toml", self.id));
        std::fs::write(&path, &self.manifest).map_err(|e| Error::io(&path, e))
    }

    fn describe(&mut self, source: &str, file: &str, more: &str) {
        let _ = write!(self.manifest, "\n[[source]]\nid = \"{source}\"\npath = \"{}/{file}\"\n{more}", self.folder);
    }
}

impl Deliveries<'_> {
    fn layer(&self, id: &str) -> Result<std::sync::Arc<Layer>> {
        let ix = self.catalog.find(id).ok_or_else(|| Error::config("layers", 0, format!("no layer {id}")))?;
        Ok(self.catalog.layer(ix).clone())
    }

    fn folder(&self, delivery: &Delivery) -> Result<PathBuf> {
        let folder = self.out.join(delivery.folder);
        std::fs::create_dir_all(&folder).map_err(|e| Error::io(&folder, e))?;
        Ok(folder)
    }

    /// One file with one layer.
    pub fn file(
        &mut self,
        delivery: &mut Delivery,
        layer: &str,
        place: Place,
        fill: impl FnMut(&mut Rows) -> Result<()>,
    ) -> Result<()> {
        let path = self.folder(delivery)?.join(place.file);
        let mut container = Container::create(&path, place.format)?;
        self.table(delivery, &mut container, layer, place, None, fill)?;
        container.close()
    }

    /// One layer of an open container.
    pub fn table(
        &mut self,
        delivery: &mut Delivery,
        container: &mut Container,
        layer: &str,
        place: Place,
        name: Option<&str>,
        mut fill: impl FnMut(&mut Rows) -> Result<()>,
    ) -> Result<()> {
        let declared = self.layer(layer)?;
        let (mut columns, names) = columns_of(&[&declared]);
        match place.format {
            Format::Shapefile => short_names(&mut columns),
            // XML names and drawings: the fields' own names.
            Format::Gml => columns.iter_mut().zip(&declared.fields).for_each(|(c, f)| c.name.clone_from(&f.name)),
            _ => {}
        }
        let source = match name {
            Some(name) => format!("{}/{name}", delivery.id),
            None => format!("{}/{}", delivery.id, place.file.split('.').next().unwrap_or_default()),
        };
        let stem = place.file.split('.').next().unwrap_or_default();
        let table = Table {
            name: name.unwrap_or(stem),
            columns: &columns,
            epsg: place.epsg,
            gbk: place.gbk,
            shape: place.family,
        };
        let (mut counts, mut expected, mut unknown) = (BTreeMap::new(), Expected::default(), HashSet::new());
        let progress = &mut *self.progress;
        container.table(&table, &mut |sink| {
            let mut rows = Rows {
                sink: Target::Gdal(sink),
                names: names.clone(),
                columns: columns.len(),
                layer: layer.to_string(),
                counts: BTreeMap::new(),
                expected: Expected::default(),
                unknown: HashSet::new(),
                progress: &mut *progress,
            };
            fill(&mut rows)?;
            counts = std::mem::take(&mut rows.counts);
            expected = std::mem::take(&mut rows.expected);
            unknown = std::mem::take(&mut rows.unknown);
            Ok(())
        })?;
        let mut more = String::new();
        if let Some(name) = name {
            let _ = writeln!(more, "gdal_layer = \"{name}\"");
        }
        if matches!(place.format, Format::Dxf | Format::Gml) || place.format == Format::Shapefile {
            let _ = writeln!(more, "crs = \"EPSG:{}\"", place.epsg);
        }
        let _ = writeln!(more, "layer = \"{layer}\"");
        if let Some(k) = declared.key_field()
            && place.format != Format::Dxf
        {
            let _ = writeln!(more, "key = \"{}\"", columns[k].name);
        }
        if place.format == Format::Shapefile {
            let pairs = declared.fields.iter().zip(&columns).map(|(f, c)| format!("{} = \"{}\"", f.name, c.name));
            let _ = writeln!(more, "fields = {{ {} }}", pairs.collect::<Vec<_>>().join(", "));
        }
        if !expected.rejects.is_empty() {
            let _ = writeln!(more, "max_rejects = {}", expected.rejects.values().sum::<u64>());
        }
        delivery.describe(&source, place.file, &more);
        self.took(source, counts, expected, unknown);
        Ok(())
    }

    /// A CSV that feeds several layers by class, or one.
    pub fn csv(
        &mut self,
        delivery: &mut Delivery,
        layers: &[&str],
        csv: &CsvPlace,
        fill: impl FnOnce(&mut Rows) -> Result<()>,
    ) -> Result<()> {
        let path = self.folder(delivery)?.join(csv.file);
        let declared = layers.iter().map(|l| self.layer(l)).collect::<Result<Vec<_>>>()?;
        let refs: Vec<&Layer> = declared.iter().map(|l| l.as_ref()).collect();
        let (columns, names) = columns_of(&refs);
        let mut file = CsvFile::create(&path, csv, &columns)?;
        let mut rows = Rows {
            sink: Target::Csv(&mut file),
            names,
            columns: columns.len(),
            layer: layers.first().copied().unwrap_or_default().to_string(),
            counts: BTreeMap::new(),
            expected: Expected::default(),
            unknown: HashSet::new(),
            progress: &mut *self.progress,
        };
        fill(&mut rows)?;
        let (counts, expected, unknown) = (rows.counts, rows.expected, rows.unknown);
        file.close()?;
        let source = format!("{}/{}", delivery.id, csv.file.split('.').next().unwrap_or_default());
        let mut more = format!(
            "crs = \"EPSG:{}\"\nencoding = \"{}\"\nxy = {{ x = \"{}\", y = \"{}\" }}\nrows = {}\n",
            csv.epsg,
            if csv.gb18030 { "GB18030" } else { "UTF-8" },
            csv.east,
            csv.north,
            expected.rows
        );
        more.push_str(csv.target);
        if !expected.rejects.is_empty() {
            let _ = writeln!(more, "max_rejects = {}", expected.rejects.values().sum::<u64>());
        }
        delivery.describe(&source, csv.file, &more);
        self.took(source, counts, expected, unknown);
        Ok(())
    }

    /// Buildings as CityJSON; the layer's first field is the objects' id.
    pub fn city(
        &mut self,
        delivery: &mut Delivery,
        layer: &str,
        place: &CityPlace,
        fill: impl FnOnce(&mut Rows) -> Result<()>,
    ) -> Result<()> {
        let path = self.folder(delivery)?.join(place.file);
        let declared = self.layer(layer)?;
        let (columns, names) = columns_of(&[&declared]);
        let mut file = CityFile::create(&path, place, &columns)?;
        let mut rows = Rows {
            sink: Target::City(&mut file),
            names,
            columns: columns.len(),
            layer: layer.to_string(),
            counts: BTreeMap::new(),
            expected: Expected::default(),
            unknown: HashSet::new(),
            progress: &mut *self.progress,
        };
        fill(&mut rows)?;
        let (counts, expected, unknown) = (rows.counts, rows.expected, rows.unknown);
        file.close()?;
        let source = format!("{}/{}", delivery.id, place.file.split('.').next().unwrap_or_default());
        let level = place.lod.split('.').next().unwrap_or_default();
        let mut more = format!("layer = \"{layer}\"\nlod = \"{level}\"\nkey = \"id\"\n");
        if !expected.rejects.is_empty() {
            let _ = writeln!(more, "max_rejects = {}", expected.rejects.values().sum::<u64>());
        }
        delivery.describe(&source, place.file, &more);
        self.took(source, counts, expected, unknown);
        Ok(())
    }

    /// Heights of the ground as a GeoTIFF: one record.
    pub fn dem(
        &mut self,
        delivery: &mut Delivery,
        layer: &str,
        file: &str,
        raster: Raster,
        height: &dyn Fn(Pt) -> Option<f64>,
    ) -> Result<()> {
        write_raster::write(&self.folder(delivery)?.join(file), raster, height)?;
        let declared = self.layer(layer)?;
        let key = declared.key_field().map_or("", |k| declared.fields[k].name.as_str());
        let more = format!(
            "layer = \"{layer}\"\nkey = \"file\"\nfields = {{ {key} = \"file\", capture_date = {{ value = \"2024-04-15\" }} }}\n"
        );
        let source = format!("{}/{}", delivery.id, file.split('.').next().unwrap_or_default());
        delivery.describe(&source, file, &more);
        let expected = Expected { rows: 1, ..Expected::default() };
        self.took(source, BTreeMap::from([(layer.to_string(), 1)]), expected, HashSet::new());
        Ok(())
    }

    /// A container that several layers share.
    pub fn container(&self, delivery: &Delivery, file: &str, format: Format) -> Result<Container> {
        Container::create(&self.folder(delivery)?.join(file), format)
    }

    pub fn path(&self, delivery: &Delivery, file: &str) -> Result<PathBuf> {
        Ok(self.folder(delivery)?.join(file))
    }

    fn took(&mut self, source: String, counts: BTreeMap<String, u64>, expected: Expected, unknown: HashSet<String>) {
        for (layer, n) in counts {
            (self.progress)(&layer, n);
            *self.counts.entry(layer).or_default() += n;
        }
        self.expected.insert(source, expected);
        self.unknown.extend(unknown);
    }
}

impl Delivery {
    /// Replaces a path in the manifest, for a file that was packed afterwards, and adds lines to the last source.
    pub fn repack(&mut self, from: &str, to: &str) {
        self.manifest = self.manifest.replace(&format!("{}/{from}\"", self.folder), &format!("{}/{to}\"", self.folder));
    }

    pub fn add_to_last_source(&mut self, lines: &str) {
        self.manifest.push_str(lines);
    }
}

impl Deliveries<'_> {
    /// Packs a finished shapefile as suppliers do: member names in GBK without the UTF-8 flag.
    pub fn zip_shapefile(&self, delivery: &mut Delivery, shp: &str, zip: &str) -> Result<()> {
        let folder = self.folder(delivery)?;
        super::pack::zip_shapefile(&folder.join(shp), &folder.join(zip))?;
        delivery.repack(shp, zip);
        Ok(())
    }
}
