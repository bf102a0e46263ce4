//! What a role may see, as it is configured: layers by their sensitivity or by name, fields, rows. Says nothing of who has
//! the role.

use super::Area;
use crate::layer::{Field, Layer, Sensitivity};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a role may see.
#[derive(Debug, Clone)]
pub struct Policy {
    pub role: String,
    /// The role and a digest of all below: another policy, another tag.
    pub tag: String,
    pub clearance: Sensitivity,
    /// Seen although they are above the clearance.
    pub allow: LayerSet,
    /// Not seen although they are within it. Wins over `allow`.
    pub deny: LayerSet,
    /// Where it is set nothing else is seen.
    pub only: Option<LayerSet>,
    /// By layer id.
    pub fields: BTreeMap<String, FieldRules>,
    /// A row is seen when every rule that speaks of its layer holds for it.
    pub rows: Vec<RowRule>,
    /// Free of the area budget.
    pub exempt: bool,
}

/// Layers by id, or all of a theme.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LayerSet {
    pub ids: BTreeSet<String>,
    pub themes: BTreeSet<String>,
}

/// Exceptions among the fields of a layer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldRules {
    pub allow: BTreeSet<String>,
    /// Wins over `allow`.
    pub deny: BTreeSet<String>,
}

/// What rows of some layers must be to be seen: all that is set.
#[derive(Debug, Clone)]
pub struct RowRule {
    /// `None` = of every layer.
    pub layers: Option<LayerSet>,
    /// A field, and the values of which it must have one, as texts.
    pub field: Option<(String, BTreeSet<String>)>,
    pub area: Option<AreaRule>,
    /// Whether the whole of a row must lie in the area, or a part of it is enough.
    pub within: bool,
}

/// Where an area comes from.
#[derive(Debug, Clone)]
pub enum AreaRule {
    Shape(Arc<Area>),
    /// The areas of a layer's rows in which `field` has one of `values`.
    Units {
        layer: String,
        field: String,
        values: BTreeSet<String>,
    },
}

impl LayerSet {
    const THEME: &str = "theme:";

    /// Ids, and `theme:NAME` for all layers of a theme.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> LayerSet {
        let mut set = LayerSet::default();
        for name in names {
            match name.strip_prefix(LayerSet::THEME) {
                Some(theme) => set.themes.insert(theme.to_string()),
                None => set.ids.insert(name.to_string()),
            };
        }
        set
    }

    pub fn has(&self, layer: &Layer) -> bool {
        self.ids.contains(&layer.id) || self.themes.contains(&layer.theme)
    }
}

impl RowRule {
    pub fn speaks_of(&self, layer: &Layer) -> bool {
        self.layers.as_ref().is_none_or(|l| l.has(layer))
    }
}

impl Policy {
    /// A role that sees what is public; `sealed` gives it its tag once all is set.
    pub fn new(role: &str) -> Policy {
        let policy = Policy {
            role: role.to_string(),
            tag: String::new(),
            clearance: Sensitivity::Public,
            allow: LayerSet::default(),
            deny: LayerSet::default(),
            only: None,
            fields: BTreeMap::new(),
            rows: vec![],
            exempt: false,
        };
        policy.sealed()
    }

    /// The policy with the tag of what it says now.
    pub fn sealed(self) -> Policy {
        let bare = Policy { tag: String::new(), ..self };
        // `Debug` writes every member, and floats so that they read back as they are.
        let digest = blake3::hash(format!("{bare:?}").as_bytes()).to_hex();
        Policy { tag: format!("{}.{}", bare.role, &digest.as_str()[..32]), ..bare }
    }

    pub fn sees_layer(&self, layer: &Layer) -> bool {
        let among = self.only.as_ref().is_none_or(|only| only.has(layer));
        among && !self.deny.has(layer) && (layer.sensitivity <= self.clearance || self.allow.has(layer))
    }

    pub fn sees_field(&self, layer: &Layer, field: &Field) -> bool {
        let rules = self.fields.get(&layer.id);
        if rules.is_some_and(|r| r.deny.contains(&field.name)) {
            return false;
        }
        let lifted = if self.allow.has(layer) { layer.sensitivity.max(self.clearance) } else { self.clearance };
        field.sensitivity_in(layer) <= lifted || rules.is_some_and(|r| r.allow.contains(&field.name))
    }

    /// Whether rules speak of the layer's rows.
    pub fn narrows(&self, layer: &Layer) -> bool {
        self.rules_of(layer).next().is_some()
    }

    pub fn rules_of<'a>(&'a self, layer: &'a Layer) -> impl Iterator<Item = &'a RowRule> {
        self.rows.iter().filter(|r| r.speaks_of(layer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(id: &str, theme: &str, sensitivity: &str) -> Layer {
        let text = serde_json::json!({"id": id, "name": {"zh": id, "en": id}, "theme": theme, "geometry": ["point"],
            "dimension": "2D", "sensitivity": sensitivity, "serve": ["mvt"], "zoom": {"min": 10, "full": 15, "max": 18},
            "fields": [{"name": "code", "type": "text", "zh": "编码"},
                {"name": "keeper", "type": "text", "zh": "单位", "sensitivity": "government"},
                {"name": "phone", "type": "text", "zh": "电话", "sensitivity": "personal"}]});
        serde_json::from_value(text).unwrap()
    }

    fn set(names: &[&str]) -> LayerSet {
        LayerSet::of(names.iter().copied())
    }

    fn fields(p: &Policy, l: &Layer) -> Vec<bool> {
        l.fields.iter().map(|f| p.sees_field(l, f)).collect()
    }

    #[test]
    fn layers_are_seen_by_clearance_and_by_name() {
        let all = [
            layer("road", "base", "public"),
            layer("valve", "pipes", "government"),
            layer("gas", "pipes", "restricted"),
            layer("camera", "iot", "restricted"),
        ];
        let sees = |p: Policy| all.iter().filter(|l| p.sees_layer(l)).map(|l| l.id.clone()).collect::<Vec<_>>();
        let p = Policy::new("r");
        assert_eq!(sees(p.clone()), ["road"]);
        assert_eq!(sees(Policy { clearance: Sensitivity::Government, ..p.clone() }), ["road", "valve"]);
        assert_eq!(sees(Policy { allow: set(&["gas"]), ..p.clone() }), ["road", "gas"]);
        assert_eq!(sees(Policy { allow: set(&["theme:pipes"]), ..p.clone() }), ["road", "valve", "gas"]);
        let all_but = Policy {
            clearance: Sensitivity::Personal,
            deny: set(&["theme:iot"]),
            allow: set(&["camera"]),
            ..p.clone()
        };
        assert_eq!(sees(all_but), ["road", "valve", "gas"], "what is denied stays so");
        assert_eq!(sees(Policy { only: Some(set(&["gas", "valve"])), allow: set(&["gas"]), ..p }), ["gas"]);
    }

    #[test]
    fn fields_follow_their_own_label() {
        let (road, gas) = (layer("road", "base", "public"), layer("gas", "pipes", "restricted"));
        let p = Policy::new("r");
        assert_eq!(fields(&p, &road), [true, false, false]);
        let government = Policy { clearance: Sensitivity::Government, ..p.clone() };
        assert_eq!(fields(&government, &road), [true, true, false]);
        let allowed = Policy { allow: set(&["gas"]), ..p.clone() };
        assert_eq!(
            fields(&allowed, &gas),
            [true, true, false],
            "an allowed layer comes with what is labelled as it is"
        );
        let rules = |allow: &[&str], deny: &[&str]| {
            let all = |names: &[&str]| names.iter().map(|n| n.to_string()).collect();
            BTreeMap::from([("road".to_string(), FieldRules { allow: all(allow), deny: all(deny) })])
        };
        assert_eq!(fields(&Policy { fields: rules(&["phone"], &["code"]), ..p.clone() }, &road), [false, false, true]);
        assert_eq!(fields(&Policy { fields: rules(&["code"], &["code"]), ..p }, &road), [false, false, false]);
    }

    #[test]
    fn every_change_is_another_tag() {
        let p = Policy::new("r");
        let mut all = vec![
            p.clone(),
            Policy { role: "s".into(), ..p.clone() },
            Policy { clearance: Sensitivity::Government, ..p.clone() },
            Policy { allow: set(&["gas"]), ..p.clone() },
            Policy { deny: set(&["gas"]), ..p.clone() },
            Policy { only: Some(set(&[])), ..p.clone() },
            Policy { only: Some(set(&["theme:gas"])), ..p.clone() },
            Policy { fields: BTreeMap::from([("gas".into(), FieldRules::default())]), ..p.clone() },
            Policy { rows: vec![RowRule { layers: None, field: None, area: None, within: false }], ..p.clone() },
            Policy { rows: vec![RowRule { layers: None, field: None, area: None, within: true }], ..p },
        ];
        all = all.into_iter().map(Policy::sealed).collect();
        for (i, a) in all.iter().enumerate() {
            assert!(all[..i].iter().all(|b| a.tag != b.tag), "{}", a.tag);
            assert_eq!(a.clone().sealed().tag, a.tag);
        }
    }
}
