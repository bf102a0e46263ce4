//! Points from their tile rows: the bytes that the table itself gives, without reading what a record is.

use super::{Brush, Frame, Pen};
use crate::error::Result;
use crate::feature::ValueRef;
use crate::geo::GeometryKind;
use crate::mvt::{LayerEncoder, Tags, text_of};
use crate::store::{Coded, Table, TileRow, TileRows};

/// Adds the rows of a table of single points that touch the frame, in the table's order.
pub fn add(
    encoder: &mut LayerEncoder<'_>,
    (table, rows): (&Table, &TileRows),
    frame: &Frame,
    brush: &Brush<'_>,
) -> Result<()> {
    let (mut reader, mut pen) = (rows.reader(), Pen::default());
    table.boxes(&frame.window, &|ordinal| brush.stays(ordinal), &mut |ordinal, at| {
        if !pen.dot([at.min_x, at.min_y], frame) {
            return Ok(());
        }
        reader.row(ordinal, |row| {
            let (mut sound, mut drawn) = (true, brush.seen.is_none_or(|seen| seen.has(row.id)));
            if drawn && brush.validity.is_bounded() {
                (sound, drawn) = is_valid(row, brush);
            }
            if drawn {
                let put = |tags: &mut Tags<'_, '_>| {
                    sound = row.values(|column, value| match value {
                        Coded::Shared(number) => tags.put_shared(column, number, || row.entry(value)),
                        Coded::Own { bytes, len } => tags.put_own(column, bytes, len),
                    });
                };
                encoder.feature(row.id, &pen.shape, put);
            }
            sound
        })
    })
}

/// Whether the row could be read, and whether its record is valid.
fn is_valid(row: &TileRow<'_>, brush: &Brush<'_>) -> (bool, bool) {
    let mut valid = true;
    let sound = row.values(|column, value| {
        if brush.validity.reads(column) {
            let (bytes, len) = row.entry(value);
            let text = bytes.get(..len).and_then(text_of).map_or(ValueRef::Null, ValueRef::Text);
            valid &= brush.validity.allows(column, text, brush.today);
        }
    });
    (sound, valid)
}

impl Pen {
    /// Projects a point into `shape`; whether it lies in the frame.
    fn dot(&mut self, at: [f64; 2], frame: &Frame) -> bool {
        let s = &mut self.shape;
        s.kind = Some(GeometryKind::Point);
        s.xy.clear();
        let [x, y] = frame.projector.project(at);
        s.xy.push([x, y]);
        let r = &frame.rect;
        r.min_x <= x && x <= r.max_x && r.min_y <= y && y <= r.max_y
    }
}
