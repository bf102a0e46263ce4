//! Which records are valid on a day: [valid_from, valid_to), ISO dates compared as text.

use crate::feature::ValueRef;
use crate::layer::{FieldRole, Layer};
use crate::store::{Row, Schema};

/// The columns of a table that bound a record's validity.
#[derive(Debug, Clone, Copy)]
pub struct Validity {
    from: Option<usize>,
    to: Option<usize>,
}

impl Validity {
    pub fn of(layer: &Layer, schema: &Schema) -> Validity {
        let column = |role| {
            let field = &layer.fields[layer.field_by_role(role)?];
            schema.columns.iter().position(|c| c.name == field.name)
        };
        Validity { from: column(FieldRole::ValidFrom), to: column(FieldRole::ValidTo) }
    }

    /// Whether the layer's records have a validity at all: then its tiles depend on the day.
    pub fn declared(layer: &Layer) -> bool {
        layer.field_by_role(FieldRole::ValidFrom).is_some() || layer.field_by_role(FieldRole::ValidTo).is_some()
    }

    pub fn is_bounded(&self) -> bool {
        self.from.is_some() || self.to.is_some()
    }

    pub fn reads(&self, column: usize) -> bool {
        self.from == Some(column) || self.to == Some(column)
    }

    /// From and until when a record is valid, where it says so (ISO dates).
    pub fn of_row(&self, row: &Row<'_>) -> [Option<String>; 2] {
        let mut bounds = [None, None];
        row.values(|column, value| {
            if let ValueRef::Text(t) = value {
                let ends = [self.from, self.to];
                bounds
                    .iter_mut()
                    .zip(ends)
                    .filter(|(_, end)| *end == Some(column))
                    .for_each(|(b, _)| *b = Some(t.into()));
            }
        });
        bounds
    }

    /// Whether a record with these bounds is valid on the day `today`.
    pub fn holds(bounds: &[Option<String>; 2], today: &str) -> bool {
        let both = Validity { from: Some(0), to: Some(1) };
        let value = |b: &Option<String>, i| b.as_ref().is_none_or(|t| both.allows(i, ValueRef::Text(t), today));
        value(&bounds[0], 0) && value(&bounds[1], 1)
    }

    /// Whether a value of this column leaves the record valid on the day `today` (ISO date).
    pub fn allows(&self, column: usize, value: ValueRef<'_>, today: &str) -> bool {
        match value {
            ValueRef::Text(t) if Some(column) == self.from => t <= today || t.starts_with(today),
            ValueRef::Text(t) if Some(column) == self.to => t > today && !t.starts_with(today),
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn validity_is_half_open() {
        let v = Validity { from: Some(0), to: Some(1) };
        let cases = [
            (0, "2026-01-01", "2026-01-01", true),
            (0, "2026-01-02", "2026-01-01", false),
            (0, "2026-01-01T08:00:00Z", "2026-01-01", true),
            (1, "2026-01-01", "2026-01-01", false),
            (1, "2026-01-01T08:00:00Z", "2026-01-01", false),
            (1, "2026-01-02", "2026-01-01", true),
            (2, "1900-01-01", "2026-01-01", true),
        ];
        for (column, value, today, want) in cases {
            assert_eq!(v.allows(column, ValueRef::Text(value), today), want, "{column} {value} {today}");
        }
    }
}
