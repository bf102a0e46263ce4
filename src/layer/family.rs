//! Layers that hold models of the same things at several levels of detail: which of a list of layers belong together, and
//! which stands in for which. Knows declarations, no data.

use super::{FieldRole, Layer, LayerIx, SceneKind, Serve};
use std::borrow::Borrow;

/// Layers whose models stand for one another: two tiers or more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Family {
    /// Coarsest first; of one tier by id.
    pub members: Vec<Member>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    pub ix: LayerIx,
    /// 0: what everything finer stands for. A model of a tier replaces those of the same thing in lower tiers.
    pub tier: u8,
}

/// What a layer says of itself.
struct Claim<'a> {
    ix: LayerIx,
    layer: &'a Layer,
    level: u8,
    replaces: bool,
    tie: Tie<'a>,
}

/// What codes of two layers have in common: the role of their fields, else their name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tie<'a> {
    Role(FieldRole),
    Name(&'a str),
}

/// Errors of a stand-in by the CIM level of what replaces it, metres, where a layer declares none: level 1 first.
const ERRORS_M: [f64; 7] = [64.0, 32.0, 8.0, 2.0, 0.5, 0.1, 0.1];

impl Layer {
    /// The field with the code of the thing that a model shows: what `replaces` names, else the field of a building's
    /// code. `None` where models of the layer cannot stand for others.
    pub fn model_code(&self) -> Option<usize> {
        let scene = self.scene.as_ref().filter(|s| s.level.is_some() && self.serves(Serve::Tiles3d))?;
        let bodies = matches!(scene.kind, SceneKind::Extrude | SceneKind::Surface);
        let code = match &scene.replaces {
            Some(name) => self.field(name),
            None => self.field_by_role(FieldRole::BuildingId),
        };
        code.filter(|_| bodies)
    }

    /// Geometric error in metres of what stands in for the layer's models.
    pub fn stand_in_error_m(&self) -> f64 {
        let Some(scene) = &self.scene else { return ERRORS_M[0] };
        let by_level = ERRORS_M[usize::from(scene.level.unwrap_or(1).clamp(1, 7)) - 1];
        scene.geometric_error_m.unwrap_or(by_level)
    }
}

impl<'a> Claim<'a> {
    fn of(ix: LayerIx, layer: &'a Layer) -> Option<Claim<'a>> {
        let code = &layer.fields[layer.model_code()?];
        let scene = layer.scene.as_ref()?;
        let tie = code.role.map_or(Tie::Name(&code.name), Tie::Role);
        Some(Claim { ix, layer, level: scene.level?, replaces: scene.replaces.is_some(), tie })
    }
}

/// The families among some layers, each layer in one at most. A layer without `replaces` is a stand-in of those that
/// have it and are of a higher level; among themselves stand-ins replace nothing.
pub fn families<L: Borrow<Layer>>(layers: &[(LayerIx, L)]) -> Vec<Family> {
    let mut claims: Vec<Claim<'_>> = layers.iter().filter_map(|(ix, l)| Claim::of(*ix, l.borrow())).collect();
    claims.sort_by(|a, b| (a.replaces, a.level, &a.layer.id).cmp(&(b.replaces, b.level, &b.layer.id)));
    let mut ties: Vec<Tie<'_>> = vec![];
    claims.iter().for_each(|c| {
        if !ties.contains(&c.tie) {
            ties.push(c.tie)
        }
    });
    let family = |tie: &Tie<'_>| {
        let own = || claims.iter().filter(|c| c.tie == *tie);
        let coarsest = own().filter(|c| c.replaces).map(|c| c.level).min()?;
        let mut members: Vec<Member> = vec![];
        let mut level = None;
        for claim in own().filter(|c| c.replaces || c.level < coarsest) {
            // Stand-ins share a tier; finer layers do when they are of one level.
            let of = if claim.replaces { claim.level } else { 0 };
            let before = members.last().map_or(0, |m| m.tier);
            let tier = if level.is_none_or(|l| l == of) { before } else { before + 1 };
            level = Some(of);
            members.push(Member { ix: claim.ix, tier });
        }
        (members.last()?.tier > 0).then_some(Family { members })
    };
    ties.iter().filter_map(family).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::Catalog;
    use serde_json::json;

    fn layer(id: &str, level: u8, replaces: bool, code: serde_json::Value) -> Layer {
        let mut scene = json!({"kind": "surface", "level": level});
        if replaces {
            scene["replaces"] = code["name"].clone();
        }
        serde_json::from_value(json!({
            "id": id, "name": {"zh": id, "en": id}, "geometry": ["polygon"], "dimension": "3D",
            "sensitivity": "public", "serve": ["3dtiles"], "zoom": {"min": 14, "full": 14, "max": 18},
            "fields": [code], "scene": scene
        }))
        .unwrap()
    }

    fn found(layers: Vec<Layer>) -> Vec<Vec<(String, u8)>> {
        let catalog = Catalog::new(layers);
        let all: Vec<_> = catalog.iter().map(|(ix, l)| (ix, l.as_ref())).collect();
        let named = |m: &Member| (catalog.layer(m.ix).id.clone(), m.tier);
        families(&all).iter().map(|f| f.members.iter().map(named).collect()).collect()
    }

    fn pairs(all: &[(&str, u8)]) -> Vec<(String, u8)> {
        all.iter().map(|(id, tier)| (id.to_string(), *tier)).collect()
    }

    #[test]
    fn finer_layers_stand_above_the_stand_ins_they_share_a_code_with() {
        let code = || json!({"name": "house", "type": "text", "zh": "码", "role": "building_id"});
        let other = || json!({"name": "number", "type": "text", "zh": "号"});
        assert_eq!(
            found(vec![
                layer("fine", 4, true, code()),
                layer("block", 2, false, code()),
                layer("old_block", 2, false, code()),
                layer("roof", 3, true, code()),
                layer("roof_too", 3, true, code()),
                // Finer than what replaces, and replaces nothing: it stands for itself.
                layer("beside", 5, false, code()),
                // Another code.
                layer("bridge", 3, true, other()),
            ]),
            [pairs(&[("block", 0), ("old_block", 0), ("roof", 1), ("roof_too", 1), ("fine", 2)])]
        );
        assert_eq!(
            found(vec![layer("roof", 3, true, code()), layer("fine", 4, true, code())]),
            [pairs(&[("roof", 0), ("fine", 1)])]
        );
        assert!(found(vec![layer("block", 2, false, code()), layer("old_block", 3, false, code())]).is_empty());
        assert!(found(vec![layer("roof", 3, true, code()), layer("roof_too", 3, true, code())]).is_empty());
    }

    #[test]
    fn the_shipped_levels_of_buildings_are_one_family() {
        let catalog = Catalog::shipped().unwrap();
        let all: Vec<_> = catalog.iter().collect();
        let all: Vec<_> = all.iter().map(|(ix, l)| (*ix, l.as_ref())).collect();
        let [family] = &families(&all)[..] else { panic!("{:?}", families(&all)) };
        let levels: Vec<_> = family.members.iter().map(|m| catalog.layer(m.ix).scene.as_ref().unwrap().level).collect();
        assert_eq!(levels, [2, 3, 4, 5, 6].map(Some));
        assert!(family.members.iter().enumerate().all(|(i, m)| usize::from(m.tier) == i));
    }
}
