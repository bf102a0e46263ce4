//! OGC Two Dimensional Tile Matrix Set 2.0 documents (OGC 17-083r4, JSON encoding) in and out. What the house
//! cannot serve exactly is refused by name, never approximated.

use super::crs::Crs;
use super::grid::{Matrix, TileMatrixSet, meets_world};
use serde::Deserialize;
use serde_json::{Value, json};

/// The side of a pixel by which OGC counts scale denominators.
const OGC_PIXEL_M: f64 = 0.28e-3;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    id: Option<String>,
    title: Option<String>,
    uri: Option<String>,
    crs: Option<Value>,
    /// TMS 1.0's name for `crs`.
    #[serde(rename = "supportedCRS")]
    supported_crs: Option<Value>,
    ordered_axes: Option<Vec<String>>,
    well_known_scale_set: Option<String>,
    #[serde(default)]
    tile_matrices: Vec<MatrixDocument>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MatrixDocument {
    id: String,
    scale_denominator: f64,
    cell_size: f64,
    corner_of_origin: Option<String>,
    point_of_origin: [f64; 2],
    tile_width: u32,
    tile_height: u32,
    matrix_width: u32,
    matrix_height: u32,
    #[serde(default)]
    variable_matrix_widths: Vec<Value>,
}

impl TileMatrixSet {
    /// An OGC TMS 2.0 JSON document; the message says what is wrong with it. Rows counted from the bottom
    /// (`cornerOfOrigin` bottomLeft) are turned: inside, y counts from the top.
    pub fn from_ogc_json(text: &str) -> Result<TileMatrixSet, String> {
        let d: Document = serde_json::from_str(text).map_err(|e| format!("no TMS 2.0 document: {e}"))?;
        let id = d.id.ok_or("`id` is missing")?;
        if id.is_empty() || !id.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')) {
            return Err("`id` must consist of letters, digits, _ and -: it stands in URLs".into());
        }
        if d.crs.is_none() && d.supported_crs.is_some() {
            return Err("a TMS 1.0 document (`supportedCRS`); write it as TMS 2.0 (`crs`, `tileMatrices`)".into());
        }
        let crs = read_crs(d.crs.as_ref())?;
        let (ordered_axes, northing_first) = read_axes(d.ordered_axes, &crs)?;
        let mut matrices = vec![];
        for m in &d.tile_matrices {
            let plain = m.id.parse::<u8>().ok().filter(|z| *z <= 30 && m.id == z.to_string());
            let z = plain
                .ok_or_else(|| format!("tile matrix id `{}` is not a plain zoom number between 0 and 30", m.id))?;
            matrices.push((z, read_matrix(m, &crs, northing_first).map_err(|e| format!("tile matrix {z}: {e}"))?));
        }
        matrices.sort_by_key(|m| m.0);
        let first = matrices.first().ok_or("`tileMatrices` is empty")?.0;
        for w in matrices.windows(2) {
            if w[1].0 != w[0].0 + 1 {
                return Err(format!("tile matrices {} and {} do not follow each other", w[0].0, w[1].0));
            }
            if w[1].1.cell_size >= w[0].1.cell_size {
                return Err(format!("tile matrix {} is not finer than {}", w[1].0, w[0].0));
            }
        }
        Ok(TileMatrixSet {
            title: d.title.unwrap_or_else(|| id.clone()),
            id,
            uri: d.uri,
            well_known_scale_set: d.well_known_scale_set,
            crs,
            ordered_axes,
            northing_first,
            first,
            matrices: matrices.into_iter().map(|m| m.1).collect(),
        })
    }

    /// The grid as a TMS 2.0 document. `pointOfOrigin` is written in the order of `orderedAxes`, which for
    /// EPSG:4490 and the Gauss–Krüger CRSs is north first.
    pub fn to_ogc_json(&self) -> Value {
        let matrices: Vec<Value> = self.levels().zip(&self.matrices).map(|(z, m)| self.write_matrix(z, m)).collect();
        let mut d = json!({
            "id": self.id,
            "title": self.title,
            "crs": self.crs.uri(),
            "orderedAxes": self.ordered_axes,
            "tileMatrices": matrices,
        });
        if let Some(uri) = &self.uri {
            d["uri"] = json!(uri);
        }
        if let Some(set) = &self.well_known_scale_set {
            d["wellKnownScaleSet"] = json!(set);
        }
        d
    }

    fn write_matrix(&self, z: u8, m: &Matrix) -> Value {
        let [x, y] = m.origin;
        json!({
            "id": z.to_string(),
            "scaleDenominator": m.cell_size * self.crs.metres_per_unit() / OGC_PIXEL_M,
            "cellSize": m.cell_size,
            "cornerOfOrigin": "topLeft",
            "pointOfOrigin": if self.northing_first { [y, x] } else { [x, y] },
            "tileWidth": m.tile_px[0],
            "tileHeight": m.tile_px[1],
            "matrixWidth": m.size.0,
            "matrixHeight": m.size.1,
        })
    }
}

/// A CRS is a URI or an object that holds one.
fn read_crs(crs: Option<&Value>) -> Result<Crs, String> {
    let name = match crs {
        None => return Err("`crs` is missing".into()),
        Some(Value::String(s)) => s.as_str(),
        Some(o) => {
            o.get("uri").and_then(Value::as_str).ok_or("`crs` must be given by its URI; WKT is not read here")?
        }
    };
    Crs::from_name(name).ok_or_else(|| {
        "`crs` is none that a grid can stand on: EPSG:3857, EPSG:4490, EPSG:4326, OGC:CRS84 or CGCS2000 \
         Gauss–Krüger (EPSG:4491–4554)"
            .to_string()
    })
}

/// The axes as written, and whether north comes first. `orderedAxes` decides; without it, EPSG's order does.
fn read_axes(axes: Option<Vec<String>>, crs: &Crs) -> Result<([String; 2], bool), String> {
    let Some(axes) = axes else {
        let names = match (crs.northing_first(), crs) {
            (true, Crs::GaussKruger { .. }) => ["N", "E"],
            (true, _) => ["Lat", "Lon"],
            (false, Crs::Crs84) => ["Lon", "Lat"],
            (false, _) => ["X", "Y"],
        };
        return Ok((names.map(String::from), crs.northing_first()));
    };
    let known = || format!("`orderedAxes` {axes:?} are not understood; write for example [\"Lat\", \"Lon\"]");
    let pair: [String; 2] = axes.clone().try_into().map_err(|_| known())?;
    let north = [axis_is_north(&pair[0], crs), axis_is_north(&pair[1], crs)];
    match north {
        [Some(true), Some(false)] => Ok((pair, true)),
        [Some(false), Some(true)] => Ok((pair, false)),
        _ => Err(known()),
    }
}

fn axis_is_north(name: &str, crs: &Crs) -> Option<bool> {
    match name.to_ascii_lowercase().as_str() {
        "lat" | "latitude" | "geodetic latitude" | "n" | "north" | "northing" => Some(true),
        "lon" | "long" | "longitude" | "geodetic longitude" | "e" | "east" | "easting" => Some(false),
        // EPSG calls the Chinese axes northing (X) and easting (Y), as surveyors do; elsewhere X is east.
        "x" => Some(matches!(crs, Crs::GaussKruger { .. })),
        "y" => Some(!matches!(crs, Crs::GaussKruger { .. })),
        _ => None,
    }
}

fn read_matrix(m: &MatrixDocument, crs: &Crs, northing_first: bool) -> Result<Matrix, String> {
    if !m.variable_matrix_widths.is_empty() {
        return Err("`variableMatrixWidths` (coalesced tiles) are not served".into());
    }
    let positive = |v: f64| v.is_finite() && v > 0.0;
    if !positive(m.cell_size) || !positive(m.scale_denominator) || !m.point_of_origin.iter().all(|v| v.is_finite()) {
        return Err(
            "`cellSize`, `scaleDenominator` and `pointOfOrigin` must be numbers above zero, or any number".into()
        );
    }
    if [m.tile_width, m.tile_height, m.matrix_width, m.matrix_height].contains(&0) {
        return Err("tile and matrix sizes must be above zero".into());
    }
    let by_scale = m.scale_denominator * OGC_PIXEL_M / crs.metres_per_unit();
    if (by_scale / m.cell_size - 1.0).abs() > 1e-3 {
        return Err(format!(
            "`scaleDenominator` means a cell of {by_scale}, `cellSize` is {}; OGC counts 0.28 mm pixels, not 96 dpi",
            m.cell_size
        ));
    }
    let [a, b] = m.point_of_origin;
    let mut origin = if northing_first { [b, a] } else { [a, b] };
    match m.corner_of_origin.as_deref() {
        None | Some("topLeft") => {}
        Some("bottomLeft") => origin[1] += m.cell_size * f64::from(m.tile_height) * f64::from(m.matrix_height),
        Some(_) => return Err("`cornerOfOrigin` must be topLeft or bottomLeft".into()),
    }
    let matrix = Matrix {
        origin,
        cell_size: m.cell_size,
        tile_px: [m.tile_width, m.tile_height],
        size: (m.matrix_width, m.matrix_height),
    };
    match meets_world(crs, &matrix) {
        true => Ok(matrix),
        false => Err("lies off the world; is `pointOfOrigin` in the order of `orderedAxes`?".into()),
    }
}
