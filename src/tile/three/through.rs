//! Tilesets made elsewhere, linked as they are: a layer's entrance, and scenes of which some layers are drawn here and
//! some are not. Their files are `store::Files`; nothing of them is rewritten.

use super::page::{asset, child, error};
use super::{Links, Plan};
use crate::city::City;
use crate::derive::corners;
use crate::error::Result;
use crate::geo::ellipsoid::Ellipsoid;
use crate::geo::geoid::Geoid;
use crate::layer::{Layer, SceneKind, Serve};
use crate::scene::moved;
use crate::store::{Files, Tileset};
use serde_json::{Value, json};
use std::sync::Arc;

/// Volumes are widened by this, metres: their numbers are rounded.
const SLACK_M: f64 = 0.05;

/// A registered tileset, and where it is asked for.
#[derive(Debug, Clone)]
pub struct Through {
    pub set: Tileset,
    pub uri: String,
}

/// Whether a layer's 3D tiles are made elsewhere.
pub fn is_through(layer: &Layer) -> bool {
    layer.serves(Serve::Tiles3d) && layer.scene.as_ref().is_some_and(|s| s.kind == SceneKind::Mesh)
}

/// The registered tilesets of a layer, by id. `folder`: before the number of one of them, as clients ask.
pub fn through(city: &City, layer: &Layer, folder: &str) -> Result<Vec<Through>> {
    let of = |(i, (_, files)): (usize, (&str, Arc<Files>))| {
        let set = files.about()?;
        let uri = format!("{folder}{i}/{}", escaped(&set.root));
        Ok(Through { set, uri })
    };
    city.snapshot.tilesets(&layer.id)?.into_iter().enumerate().map(of).collect()
}

/// The files of one of them, by its number.
pub fn files(city: &City, layer: &Layer, number: usize) -> Result<Option<Arc<Files>>> {
    Ok(city.snapshot.tilesets(&layer.id)?.into_iter().nth(number).map(|(_, files)| files))
}

/// A tileset of tilesets: those made elsewhere, and first pages of layers that are drawn here.
pub fn assembled(plans: &[(Plan, Links)], sets: &[Through], geoid: &Geoid, snapshot: &str) -> Value {
    let filled: Vec<_> = plans.iter().filter(|(p, _)| !p.tree.nodes.is_empty()).collect();
    let mut children: Vec<Value> = filled.iter().map(|(plan, links)| child(plan, links)).collect();
    children.extend(sets.iter().map(linked));
    let errors_m = filled.iter().map(|(p, _)| p.tree.error_m).chain(sets.iter().map(|s| s.set.error_m));
    let error_m = errors_m.fold(0.0, f64::max);
    let spheres: Vec<[f64; 4]> = filled.iter().map(|(p, _)| sphere_of(p)).chain(sets.iter().map(lifted)).collect();
    let plans: Vec<&Plan> = filled.iter().map(|(p, _)| p).collect();
    let mut asset = asset(geoid, &plans, snapshot);
    asset["extras"]["heights"]["tilesets"] = "tilesets made elsewhere have the heights they came with".into();
    json!({
        "asset": asset,
        "geometricError": error(error_m),
        "root": {
            "boundingVolume": { "sphere": around(&spheres) },
            "geometricError": error(error_m),
            "refine": "ADD",
            "children": children,
        },
    })
}

fn linked(through: &Through) -> Value {
    let set = &through.set;
    let mut tile = json!({
        "boundingVolume": set.volume,
        "geometricError": set.error_m,
        "content": { "uri": through.uri },
    });
    if set.lift_m != 0.0 {
        let [x, y, z] = up(set).map(|u| u * set.lift_m);
        tile["transform"] = json!([1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, x, y, z, 1]);
    }
    tile
}

/// The ellipsoid's normal at its middle.
fn up(set: &Tileset) -> [f64; 3] {
    let [x, y, z, _] = set.sphere_m;
    let (lonlat, _) = Ellipsoid::CGCS2000.from_geocentric([x, y, z]);
    let (sin_lon, cos_lon) = lonlat[0].to_radians().sin_cos();
    let (sin_lat, cos_lat) = lonlat[1].to_radians().sin_cos();
    [cos_lat * cos_lon, cos_lat * sin_lon, sin_lat]
}

fn lifted(through: &Through) -> [f64; 4] {
    let [x, y, z, radius] = through.set.sphere_m;
    [x, y, z, radius + through.set.lift_m.abs()]
}

fn sphere_of(plan: &Plan) -> [f64; 4] {
    let transform = plan.frame(0).transform();
    let places: Vec<[f64; 3]> = corners(&plan.volume_m(0)).map(|c| moved(&transform, c)).collect();
    let middle = [0, 1, 2].map(|k| places.iter().map(|p| p[k]).sum::<f64>() / places.len() as f64);
    let radius = places.iter().map(|p| distance(*p, middle)).fold(0.0, f64::max);
    [middle[0], middle[1], middle[2], radius]
}

/// A sphere that holds all of them.
fn around(spheres: &[[f64; 4]]) -> [f64; 4] {
    let count = spheres.len().max(1) as f64;
    let middle = [0, 1, 2].map(|k| spheres.iter().map(|s| s[k]).sum::<f64>() / count);
    let radius = spheres.iter().map(|s| distance([s[0], s[1], s[2]], middle) + s[3]).fold(0.0, f64::max);
    let [x, y, z, radius] = [middle[0], middle[1], middle[2], radius + SLACK_M].map(|v| (v * 1e3).round() / 1e3);
    [x, y, z, radius]
}

fn distance(a: [f64; 3], b: [f64; 3]) -> f64 {
    (0..3).map(|k| (a[k] - b[k]).powi(2)).sum::<f64>().sqrt()
}

/// A file's name as a relative URI: what has a meaning of its own in one is percent-encoded.
fn escaped(name: &str) -> String {
    use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
    const SPECIAL: AsciiSet =
        CONTROLS.add(b' ').add(b'"').add(b'#').add(b'%').add(b'<').add(b'>').add(b'?').add(b'`').add(b'{').add(b'}');
    utf8_percent_encode(name, &SPECIAL).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_sphere_holds_them_all() {
        let spheres = [[0.0, 0.0, 0.0, 5.0], [100.0, 0.0, 0.0, 1.0], [0.0, 40.0, 0.0, 20.0]];
        let [x, y, z, radius] = around(&spheres);
        for s in spheres {
            assert!(distance([s[0], s[1], s[2]], [x, y, z]) + s[3] <= radius);
        }
    }

    #[test]
    fn names_become_uris_that_lead_back() {
        assert_eq!(escaped("Production 1/a#b?.json"), "Production%201/a%23b%3F.json");
        assert_eq!(escaped("tileset.json"), "tileset.json");
        assert_eq!(escaped("100%.json"), "100%25.json");
    }
}
