//! A result as it is told: which record stands for it, what it is called, where it is.

use super::Search;
use super::rank::Candidate;
use super::sight::Sight;
use crate::audience::Audience;
use crate::city::City;
use crate::error::Result;
use crate::feature::{Feature, Value};
use crate::geo::local::Local;
use crate::geo::{BBox, GeometryKind};
use crate::layer::{FieldRole, Layer, Name, Search as Kind};
use crate::store::{How, Table};
use serde::Serialize;

/// Records of one text among which the one that stands for them is chosen.
const MOST_MEMBERS: usize = 256;

/// One result: a record, or all records of a layer that have the same text in a field.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Hit {
    pub layer: String,
    pub layer_title: Name,
    /// Of the record, or of one of them: the nearest to the place asked about, else to the middle of all.
    pub id: u64,
    /// What people call it.
    pub title: String,
    pub field: String,
    pub field_title: Name,
    /// The text that was met, as it is stored.
    pub value: String,
    #[serde(rename = "match")]
    pub how: &'static str,
    /// Degrees, a point of the record `id`.
    pub lon: f64,
    pub lat: f64,
    /// Degrees: west, south, east, north; around all that are meant.
    pub bbox: [f64; 4],
    /// Records that have the text.
    pub count: u64,
    pub href: String,
    /// All of them, where they are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub items: Option<String>,
}

/// `None` where no record of the candidate comes into the box that was asked for.
pub fn hit(city: &City, audience: &Audience, search: &Search, candidate: &Candidate) -> Result<Option<Hit>> {
    let layer = city.snapshot.catalog.layer(candidate.layer);
    let (Some(index), Some(table)) = (city.snapshot.search(&layer.id)?, city.snapshot.features(&layer.id)?) else {
        return Ok(None);
    };
    let records = Sight::of(city, audience, candidate.layer)?.members(&index, candidate, MOST_MEMBERS)?;
    let Some((offset, bbox)) = standing_for(&table, &records, search, &candidate.bbox)? else { return Ok(None) };
    let feature = table.get(offset)?;
    let field = &layer.fields[candidate.field];
    let value = text(&feature, candidate.field).unwrap_or(&candidate.text).to_string();
    let [lon, lat] = point_of(&feature, &bbox);
    let several = candidate.count > 1;
    let items = several.then(|| {
        let query = form_urlencoded::Serializer::new(String::new()).append_pair(&field.name, &value).finish();
        format!("/collections/{}/items?{query}", layer.id)
    });
    Ok(Some(Hit {
        layer: layer.id.clone(),
        layer_title: layer.name.clone(),
        id: feature.id.0,
        title: title(layer, audience, &feature, candidate.field).unwrap_or(&value).to_string(),
        field: field.name.clone(),
        field_title: Name { zh: field.zh.clone(), en: field.en.clone().unwrap_or_else(|| field.name.clone()) },
        value,
        how: match candidate.how {
            How::Exact => "exact",
            How::Prefix => "prefix",
            How::Suffix | How::Inside => "substring",
        },
        lon,
        lat,
        bbox: if several { candidate.bbox.to_array() } else { bbox.to_array() },
        count: candidate.count,
        href: format!("/collections/{}/items/{}", layer.id, feature.id.0),
        items,
    }))
}

/// Where the record stands that stands for all, and its box: the nearest to the place asked about, else to the middle of the
/// box that was asked for or of `around`; of equally near ones the first.
fn standing_for(table: &Table, records: &[u64], search: &Search, around: &BBox) -> Result<Option<(u64, BBox)>> {
    let middle = search.near.unwrap_or_else(|| search.bbox.as_ref().unwrap_or(around).center());
    let here = Local::at(middle);
    let mut nearest: Option<(f64, (u64, BBox))> = None;
    for record in records {
        let leaf = table.leaf(*record)?;
        let away = here.distance_m(leaf.1.center());
        let inside = search.bbox.is_none_or(|b| b.intersects(&leaf.1));
        if inside && nearest.as_ref().is_none_or(|(least, _)| away < *least) {
            nearest = Some((away, leaf));
        }
    }
    Ok(nearest.map(|(_, leaf)| leaf))
}

/// A vertex of a line, else the middle of its box.
fn point_of(feature: &Feature, bbox: &BBox) -> [f64; 2] {
    let xy = &feature.geometry.xy;
    let vertex = xy.get(xy.len() / 2).filter(|_| feature.geometry.kind != GeometryKind::Polygon);
    vertex.copied().unwrap_or_else(|| bbox.center())
}

fn text(feature: &Feature, field: usize) -> Option<&str> {
    match feature.values.get(field)? {
        Value::Text(t) if !t.trim().is_empty() => Some(t),
        _ => None,
    }
}

/// The name that was met, or the record's own.
fn title<'f>(layer: &Layer, audience: &Audience, feature: &'f Feature, met: usize) -> Option<&'f str> {
    let names: Vec<usize> = layer.searchable().filter(|(_, kind)| *kind == Kind::Name).map(|(i, _)| i).collect();
    if names.contains(&met) {
        return None;
    }
    let by_role = layer.field_by_role(FieldRole::Name);
    let mut own = by_role.into_iter().chain(names).filter(|i| audience.sees_field(layer, &layer.fields[*i]));
    own.find_map(|i| text(feature, i))
}
