//! An answer as one row of CSV: what tables need of it; lists joined by `;`. The trail, where wanted, is JSON in a cell.

use super::{Desk, INVALID_INPUT};
use crate::ownership::{Answer, Invalid, View};

const HEAD: &str = "id,outcome,subject_id,subject_name,subject_role,rule,policy,unit_grid,community,street,district,\
duty_grid,component_layer,component_id,component_code,component_class,distance_m,match,flags,provisional_id,\
provisional_name,assist,candidates,needs_ruling,snapshot,error_code,error_detail";
/// Cells between `outcome` and `snapshot`, which a row without an answer leaves empty.
const BETWEEN: usize = 22;

pub fn head(out: &mut Vec<u8>, trail: bool) {
    out.extend_from_slice(HEAD.as_bytes());
    if trail {
        out.extend_from_slice(b",trail");
    }
    out.extend_from_slice(b"\r\n");
}

pub struct Flat<'a> {
    desk: &'a Desk<'a>,
    trail: bool,
}

impl<'a> Flat<'a> {
    pub fn new(desk: &'a Desk<'_>, trail: bool) -> Flat<'a> {
        Flat { desk, trail }
    }

    pub fn invalid(&self, id: &[u8], invalid: &Invalid, out: &mut Vec<u8>) {
        cell(id, out);
        next(INVALID_INPUT.as_bytes(), out);
        out.extend(std::iter::repeat_n(b',', BETWEEN));
        next(self.desk.snapshot.as_bytes(), out);
        next(invalid.code.as_bytes(), out);
        next(invalid.detail.as_bytes(), out);
        self.end(None, out);
    }

    pub fn answer(&self, id: &[u8], answer: &Answer<'_>, out: &mut Vec<u8>) {
        let desk = self.desk;
        let view = View { ownership: desk.ownership, answer, audience: desk.audience, snapshot: desk.snapshot };
        cell(id, out);
        view.flat(&mut |text| next(text.as_bytes(), out));
        next(desk.snapshot.as_bytes(), out);
        out.extend_from_slice(b",,");
        let trail = self.trail.then(|| view.trail_json()).flatten();
        self.end(trail, out);
    }

    fn end(&self, trail: Option<String>, out: &mut Vec<u8>) {
        if self.trail {
            next(trail.unwrap_or_default().as_bytes(), out);
        }
        out.extend_from_slice(b"\r\n");
    }
}

fn next(text: &[u8], out: &mut Vec<u8>) {
    out.push(b',');
    cell(text, out);
}

/// RFC 4180: quoted where it has to be.
fn cell(text: &[u8], out: &mut Vec<u8>) {
    // Without a way out of the loop it looks at many bytes at once.
    if !text.iter().fold(false, |special, b| special | matches!(b, b',' | b'"' | b'\r' | b'\n')) {
        return out.extend_from_slice(text);
    }
    out.push(b'"');
    for &b in text {
        if b == b'"' {
            out.push(b'"');
        }
        out.push(b);
    }
    out.push(b'"');
}
