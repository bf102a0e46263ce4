//! An answer as people and machines read it: JSON with its keys in a fixed order, without what the asker may not see.
//! Contacts are masked but for those cleared for personal data.

use super::Ownership;
use super::answer::{Answer, Candidate, Flag, Found, Match, Party};
use super::components::ComponentIx;
use super::load::is_read;
use super::register::OrgIx;
use super::territory::{Cell, Level};
use super::trail::Step;
use crate::audience::Audience;
use crate::feature::FeatureId;
use crate::layer::{Field, FieldRole, Layer, LayerIx};
use serde::Serialize;
use serde::ser::{SerializeMap, SerializeSeq, Serializer};
use std::borrow::Cow;

impl Ownership {
    /// Whether an audience sees every layer that lookups read, with all its rows and all fields that are read: a trail
    /// tells what each had to say.
    pub fn seen_whole_by(&self, audience: &Audience) -> bool {
        let fields =
            |l: &Layer| l.fields.iter().filter(|f| f.key || f.role.is_some()).all(|f| audience.sees_field(l, f));
        let whole = |l: &Layer| audience.sees_layer(l) && !audience.narrows(l) && fields(l);
        self.layers.iter().filter(|l| is_read(l)).all(|l| whole(l))
    }
}

/// An answer for somebody.
pub struct View<'a> {
    pub ownership: &'a Ownership,
    pub answer: &'a Answer<'a>,
    pub audience: &'a Audience,
    /// Id of the snapshot that answered.
    pub snapshot: &'a str,
}

#[derive(Serialize)]
struct Document<'a> {
    outcome: &'static str,
    subject: Option<Subject<'a>>,
    rule: Option<super::register::Rule>,
    policy: Option<&'a str>,
    territory: Chain<'a>,
    component: Option<ComponentView<'a>>,
    flags: Vec<&'static str>,
    border: Vec<BorderView<'a>>,
    candidates: Vec<CandidateView<'a>>,
    provisional_subject: Option<Subject<'a>>,
    assist: Vec<Subject<'a>>,
    needs_ruling: bool,
    at: super::Instant,
    trail: Option<TrailView<'a>>,
    snapshot: &'a str,
}

#[derive(Serialize)]
struct Subject<'a> {
    id: &'a str,
    name: &'a str,
    role: &'static str,
    role_zh: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    contact: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    successor_of: Option<Body<'a>>,
}

#[derive(Serialize)]
struct Body<'a> {
    id: &'a str,
    name: &'a str,
}

#[derive(Serialize)]
struct Territory<'a> {
    id: u64,
    code: Option<&'a str>,
    name: Option<&'a str>,
}

struct Chain<'a>(&'a View<'a>);

#[derive(Serialize)]
struct ComponentView<'a> {
    layer: &'a str,
    id: u64,
    code: Option<&'a str>,
    class: Option<String>,
    distance_m: f64,
    #[serde(rename = "match")]
    how: Option<Cow<'static, str>>,
}

#[derive(Serialize)]
struct BorderView<'a> {
    level: &'static str,
    #[serde(flatten)]
    territory: Territory<'a>,
    distance_m: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum CandidateView<'a> {
    Subject(Subject<'a>),
    Component(ComponentView<'a>),
}

pub(super) struct TrailView<'a>(pub &'a View<'a>, pub &'a [Step<'a>]);

#[derive(Serialize)]
struct StepView<'a> {
    no: usize,
    rule: &'static str,
    outcome: &'static str,
    layer: Option<&'a str>,
    feature_id: Option<u64>,
    feature_version: Option<&'a str>,
    subject: Option<Subject<'a>>,
    reason_zh: String,
    reason_en: String,
    numbers: Numbers<'a>,
}

struct Numbers<'a>(&'a [(&'static str, f64)]);

/// To the millimetre: the same text on every machine.
pub(super) fn mm(v: f64) -> f64 {
    (v * 1000.0).round() / 1000.0
}

impl<'a> View<'a> {
    fn document(&'a self) -> Document<'a> {
        let (own, a) = (self.ownership, self.answer);
        let border = a.border.iter().filter_map(|n| {
            let cell = own.territory.cell(n.level, n.cell);
            let territory = self.sees(cell.layer, cell.id).then(|| self.cell(cell))?;
            Some(BorderView { level: n.level.key(), territory, distance_m: mm(n.distance_m) })
        });
        let candidates = a.candidates.iter().filter_map(|c| match c {
            Candidate::Party(party) => Some(CandidateView::Subject(self.subject(*party))),
            Candidate::Component(ix, d) => Some(CandidateView::Component(self.component(*ix, *d, None)?)),
        });
        let component = |f: &Found| self.component(f.component, f.distance_m, Some(f.how));
        Document {
            outcome: a.outcome.code(),
            subject: a.subject.map(|p| self.subject(p)),
            rule: a.rule,
            policy: a.policy.map(|p| own.book.policies[p.0 as usize].id.as_str()),
            territory: Chain(self),
            component: a.component.as_ref().and_then(component),
            flags: self.flags().map(Flag::code).collect(),
            border: border.collect(),
            candidates: candidates.collect(),
            provisional_subject: a.provisional.map(|p| self.subject(p)),
            assist: a.assist.iter().map(|p| self.subject(*p)).collect(),
            needs_ruling: a.needs_ruling,
            at: a.at,
            trail: a.trail.as_deref().filter(|_| self.sees_all()).map(|steps| TrailView(self, steps)),
            snapshot: self.snapshot,
        }
    }

    /// Whether a record is seen; not where that cannot be found out.
    pub(super) fn sees(&self, layer: LayerIx, id: FeatureId) -> bool {
        let layer = self.ownership.layer(layer);
        let row = || self.audience.rows(layer).is_ok_and(|rows| rows.is_none_or(|seen| seen.has(id)));
        self.audience.sees_layer(layer) && row()
    }

    pub(super) fn sees_component(&self, ix: ComponentIx) -> bool {
        let c = self.ownership.components.get(ix);
        self.sees(c.layer, c.id)
    }

    /// Whether the key of a layer's records is seen: lookups call it their code.
    pub(super) fn sees_key(&self, layer: LayerIx) -> bool {
        self.sees_fields(layer, |f| f.key)
    }

    /// Whether the fields with this role are seen.
    pub(super) fn sees_role(&self, layer: LayerIx, role: FieldRole) -> bool {
        self.sees_fields(layer, |f| f.role == Some(role))
    }

    fn sees_fields(&self, layer: LayerIx, of: impl Fn(&Field) -> bool) -> bool {
        let layer = self.ownership.layer(layer);
        layer.fields.iter().filter(|f| of(f)).all(|f| self.audience.sees_field(layer, f))
    }

    /// Flags that tell where a component or a border is are for who sees it.
    pub(super) fn flags(&self) -> impl Iterator<Item = Flag> {
        let (own, a) = (self.ownership, self.answer);
        let borders = a.border.iter().map(|n| own.territory.cell(n.level, n.cell));
        let near = borders.into_iter().any(|cell| self.sees(cell.layer, cell.id));
        let components = a.candidates.iter().filter_map(|c| match c {
            Candidate::Component(ix, _) => Some(*ix),
            Candidate::Party(_) => None,
        });
        let seen = components.chain(a.component.map(|f| f.component)).all(|ix| self.sees_component(ix));
        let told = move |flag: &Flag| match flag {
            Flag::NearBorder => near,
            Flag::AmbiguousComponent | Flag::FarFromComponent | Flag::ClassMismatch | Flag::StoredGridMismatch => seen,
            _ => true,
        };
        a.flags.iter().filter(told)
    }

    pub(super) fn sees_all(&self) -> bool {
        self.ownership.seen_whole_by(self.audience)
    }

    fn subject(&self, party: Party) -> Subject<'a> {
        let org = self.ownership.book.org(party.organisation);
        let (role, role_zh) = party.capacity.names();
        let cleared = self.audience.sees_personal();
        let shown = |text: &'a Option<String>| {
            let text = text.as_deref()?;
            Some(if cleared { Cow::Borrowed(text) } else { Cow::Owned(masked(text)) })
        };
        let body = |org: OrgIx| {
            let org = self.ownership.book.org(org);
            Body { id: &org.code, name: &org.name }
        };
        Subject {
            id: &org.code,
            name: &org.name,
            role,
            role_zh,
            kind: &org.kind,
            contact: shown(&org.contact),
            phone: shown(&org.phone),
            successor_of: party.instead_of.map(body),
        }
    }

    fn cell(&self, cell: &'a Cell) -> Territory<'a> {
        let name = cell.name.as_deref().filter(|_| self.sees_role(cell.layer, FieldRole::Name));
        Territory { id: cell.id.0, code: self.sees_key(cell.layer).then_some(&cell.code), name }
    }

    fn component(&self, ix: ComponentIx, distance_m: f64, how: Option<Match>) -> Option<ComponentView<'a>> {
        let own = self.ownership;
        let c = own.components.get(ix);
        let class = c.class().filter(|_| self.sees_role(c.layer, FieldRole::ClassCode)).map(|c| {
            let class = own.book.class(c);
            format!("{}:component:{}", own.book.scheme_id(class.scheme), class.code)
        });
        let how = how.map(|how| match how {
            Match::Id => Cow::Borrowed("id"),
            Match::Nearest => Cow::Borrowed("nearest"),
            Match::AnyOf(_) => Cow::Borrowed("any_of_n"),
        });
        let layer = &own.layer(c.layer).id;
        self.sees(c.layer, c.id).then(|| ComponentView {
            layer,
            id: c.id.0,
            code: self.sees_key(c.layer).then(|| own.components.code(ix)),
            class,
            distance_m: mm(distance_m),
            how,
        })
    }

    fn step(&self, no: usize, step: &'a Step<'a>) -> StepView<'a> {
        let own = self.ownership;
        let (reason_zh, reason_en) = step.reason.texts();
        StepView {
            no,
            rule: step.stage.code(),
            outcome: step.outcome.code(),
            layer: step.feature.map(|(l, _)| own.layer(l).id.as_str()),
            feature_id: step.feature.map(|(_, id)| id.0),
            feature_version: step.feature.map(|(l, _)| own.versions[l.0 as usize].as_str()),
            subject: step.subject.map(|p| self.subject(p)),
            reason_zh,
            reason_en,
            numbers: Numbers(&step.numbers),
        }
    }
}

/// The beginning of a name or number, the rest hidden; how long it was is hidden too.
fn masked(text: &str) -> String {
    let shown = if text.chars().any(|c| c.is_ascii_digit()) { 3 } else { 1 };
    text.chars().take(shown).chain("****".chars()).collect()
}

impl Serialize for View<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        self.document().serialize(s)
    }
}

impl Serialize for Chain<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let view = self.0;
        let mut map = s.serialize_map(Some(Level::ALL.len()))?;
        for level in Level::ALL {
            let cell = view.ownership.territory.of(&view.answer.place, level);
            map.serialize_entry(level.key(), &cell.filter(|c| view.sees(c.layer, c.id)).map(|c| view.cell(c)))?;
        }
        map.end()
    }
}

impl Serialize for TrailView<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut seq = s.serialize_seq(Some(self.1.len()))?;
        for (i, step) in self.1.iter().enumerate() {
            seq.serialize_element(&self.0.step(i + 1, step))?;
        }
        seq.end()
    }
}

impl Serialize for Numbers<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.0 {
            map.serialize_entry(name, &mm(*value))?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn contacts_are_masked() {
        assert_eq!(masked("0371-22223333"), "037****");
        assert_eq!(masked("王小明"), "王****");
        assert_eq!(masked(""), "****");
    }
}
