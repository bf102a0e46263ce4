//! Whether a layer's `scene` makes sense: kind against geometry, keys against kind, fields that are there and hold
//! what is read from them. Returns (part, finding) pairs; `check` gives each its line.

use super::{Layer, Scene, SceneKind, Serve};
use crate::geo::GeometryKind;

pub(super) fn findings(layer: &Layer) -> Vec<(String, String)> {
    let mut found = vec![];
    let mut say = |part: &str, what: String| found.push((part.to_string(), what));
    let Some(scene) = &layer.scene else {
        if layer.serves(Serve::Tiles3d) {
            say("serve", "a layer served as 3dtiles says in `scene` how it stands in 3D".into());
        }
        return found;
    };
    if !layer.serves(Serve::Tiles3d) {
        say("scene", "`scene` in a layer that is not served as 3dtiles".into());
    }
    let (needs, word) = geometry_of(scene.kind);
    if !layer.geometry.contains(&needs) {
        say("scene/kind", format!("a scene of kind {} needs {word} in `geometry`", spelled(scene.kind)));
    }
    for (key, name, number) in scene.fields.named() {
        let part = format!("scene/fields/{key}");
        match layer.field(name).map(|i| layer.fields[i].kind.is_number()) {
            None => say(&part, format!("scene names no field: \"{name}\"")),
            Some(is_number) if is_number != number => {
                let what = if number { "a number" } else { "text" };
                say(&part, format!("scene reads {what} from \"{name}\", which holds something else"));
            }
            Some(_) => {}
        }
    }
    if let Some(name) = scene.replaces.as_ref().filter(|n| layer.field(n).is_none()) {
        say("scene/replaces", format!("scene names no field: \"{name}\""));
    }
    if scene.replaces.is_some() && scene.level.is_none() {
        say("scene/replaces", "a scene that replaces coarser models says its CIM `level`".into());
    }
    if scene.level.is_some_and(|l| !(1..=7).contains(&l)) {
        say("scene/level", "CIM levels are 1 to 7".into());
    }
    for (key, value) in lengths(scene) {
        if value.is_some_and(|v| !(v.is_finite() && v > 0.0)) {
            say(&format!("scene/{key}"), format!("{key} is a length above 0"));
        }
    }
    for (key, kinds) in misplaced(scene) {
        say(&format!("scene/{key}"), format!("`{key}` belongs to {kinds}, not to kind {}", spelled(scene.kind)));
    }
    if scene.kind == SceneKind::Instance && scene.model.is_none() {
        say("scene", "an instance names its `model`".into());
    }
    found
}

fn geometry_of(kind: SceneKind) -> (GeometryKind, &'static str) {
    match kind {
        SceneKind::Tube => (GeometryKind::Line, "\"line\""),
        SceneKind::Node | SceneKind::Instance => (GeometryKind::Point, "\"point\""),
        SceneKind::Extrude | SceneKind::Surface | SceneKind::Terrain | SceneKind::Mesh => {
            (GeometryKind::Polygon, "\"polygon\"")
        }
    }
}

fn lengths(scene: &Scene) -> [(&'static str, Option<f64>); 6] {
    [
        ("geometric_error_m", scene.geometric_error_m),
        ("importance", scene.importance),
        ("height_m", scene.height_m),
        ("storey_height_m", scene.storey_height_m),
        ("default_mm", scene.default_mm),
        ("default_cover_m", scene.default_cover_m),
    ]
}

/// Keys that the kind has no use for, and the kinds that have.
fn misplaced(scene: &Scene) -> impl Iterator<Item = (&'static str, &'static str)> {
    use SceneKind::{Extrude, Instance, Node, Surface, Tube};
    let kind = scene.kind;
    [
        ("model", scene.model.is_some(), &[Instance][..], "instance"),
        ("height_m", scene.height_m.is_some(), &[Instance, Extrude, Surface], "instance, extrude and surface"),
        ("storey_height_m", scene.storey_height_m.is_some(), &[Extrude, Surface], "extrude and surface"),
        ("default_mm", scene.default_mm.is_some(), &[Tube, Node], "tube and node"),
        ("default_cover_m", scene.default_cover_m.is_some(), &[Tube, Node], "tube and node"),
        ("replaces", scene.replaces.is_some(), &[Extrude, Surface], "extrude and surface"),
        ("default_reference", scene.default_reference.is_some(), &[Tube], "tube"),
    ]
    .into_iter()
    .filter_map(move |(key, written, kinds, words)| (written && !kinds.contains(&kind)).then_some((key, words)))
}

fn spelled(kind: SceneKind) -> &'static str {
    match kind {
        SceneKind::Extrude => "extrude",
        SceneKind::Tube => "tube",
        SceneKind::Node => "node",
        SceneKind::Instance => "instance",
        SceneKind::Surface => "surface",
        SceneKind::Terrain => "terrain",
        SceneKind::Mesh => "mesh",
    }
}
