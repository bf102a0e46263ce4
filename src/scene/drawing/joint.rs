//! One content of several layers: models of different levels that stand side by side in a tile. One mesh, and one property
//! table (clients read no more): the layers' columns together, and two that say which layer and level a row is of.

use super::{Column, ColumnKind, Detail, Drawing, Frame, Heights, Rule, Source, Table, assumption, assumptions};
use crate::layer::Layer;

/// The class of the table's rows.
const CLASS: &str = "models";
const LAYER: &str = "_layer";
const LEVEL: &str = "_cim_level";

/// How features of one of the layers are drawn and entered.
#[derive(Debug)]
pub(super) struct Look {
    rule: Rule,
    sources: Vec<Source>,
}

impl<'a> Drawing<'a> {
    /// Of several layers, each with indices of its fields that become columns. Columns of one name and type are one;
    /// where a layer lacks a field its rows have noData. `None` where one of them is not drawn from features.
    pub fn joint(
        parts: &[(&Layer, &[usize])],
        frame: Frame,
        detail: Detail,
        heights: Heights<'a>,
    ) -> Option<Drawing<'a>> {
        let mut drawing = Drawing::new(parts.first()?.0, frame, &[], detail, heights)?;
        let columns = merged(parts);
        for (layer, _) in parts {
            let rule = Rule::of(layer)?;
            let source = |(_, sources): &(Column, Vec<(String, Source)>)| {
                let own = sources.iter().find(|(id, _)| *id == layer.id);
                own.map_or(Source::Nothing, |(_, source)| source.clone())
            };
            drawing.looks.push(Look { rule, sources: columns.iter().map(source).collect() });
        }
        drawing.table = Table::new(CLASS, columns.into_iter().map(|(column, _)| column).collect());
        drawing.turn_to(0);
        Some(drawing)
    }

    /// Features added from here on are of this one of the layers.
    pub fn turn_to(&mut self, layer: usize) {
        if let Some(look) = self.looks.get(layer) {
            self.rule = look.rule.clone();
            self.sources.clone_from(&look.sources);
        }
    }
}

/// The columns of all layers, each with where its values come from in the layers that have it (by id).
fn merged(parts: &[(&Layer, &[usize])]) -> Vec<(Column, Vec<(String, Source)>)> {
    let mut all: Vec<(Column, Vec<(String, Source)>)> = vec![(layer_column(), vec![]), (level_column(), vec![])];
    for (layer, fields) in parts {
        let id = || layer.id.clone();
        let level = layer.scene.as_ref().and_then(|s| s.level).map_or(Source::Nothing, |l| Source::Level(i64::from(l)));
        all[0].1.push((id(), Source::Layer(id())));
        all[1].1.push((id(), level));
        let kind = layer.scene.as_ref().map(|s| s.kind);
        let assumed = kind.map_or(&[][..], assumptions).iter().map(|s| (assumption(s), s.clone()));
        let fields = fields.iter().filter_map(|&i| Some((Column::of(layer.fields.get(i)?), Source::Field(i))));
        for (mut column, source) in fields.chain(assumed) {
            if all.iter().any(|(c, _)| c.id == column.id && c.kind != column.kind) {
                // The same name for something else.
                column.id = format!("{}_{}", layer.id, column.id);
            }
            match all.iter_mut().find(|(c, _)| c.id == column.id) {
                Some((_, sources)) => sources.push((id(), source)),
                None => all.push((column, vec![(id(), source)])),
            }
        }
    }
    all
}

fn layer_column() -> Column {
    Column {
        id: LAYER.into(),
        name: "图层".into(),
        description: Some("The layer of the record: /collections/{layer}/items/{id}".into()),
        kind: ColumnKind::Text,
        semantic: None,
    }
}

fn level_column() -> Column {
    Column {
        id: LEVEL.into(),
        name: "模型级别".into(),
        description: Some("CIM level of the model that is drawn, 1 to 7".into()),
        kind: ColumnKind::Int,
        semantic: None,
    }
}
