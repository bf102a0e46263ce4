//! The answer's types: outcome, flags, parties. How they are found is `resolve`'s, how they are written `view`'s.

use super::components::ComponentIx;
use super::instant::Instant;
use super::register::{Holder, OrgIx, PolicyIx, Rule};
use super::territory::{Neighbour, Place};
use super::trail::Step;

/// Specification 6.7. `INVALID_INPUT` is no answer but an `Invalid`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// By R0 to R4.
    Resolved,
    /// By R5.
    ResolvedByGrid,
    /// By R6 (属地兜底).
    ResolvedFallback,
    /// 权属争议: a rule named several.
    Conflict,
    /// No rule named anybody.
    Unresolved,
    /// In no territory.
    OutOfCoverage,
}

impl Outcome {
    pub fn code(self) -> &'static str {
        match self {
            Outcome::Resolved => "RESOLVED",
            Outcome::ResolvedByGrid => "RESOLVED_BY_GRID",
            Outcome::ResolvedFallback => "RESOLVED_FALLBACK",
            Outcome::Conflict => "CONFLICT",
            Outcome::Unresolved => "UNRESOLVED",
            Outcome::OutOfCoverage => "OUT_OF_COVERAGE",
        }
    }

    /// What a deciding rule makes of it.
    pub fn by(rule: Rule) -> Outcome {
        match rule {
            Rule::R5 => Outcome::ResolvedByGrid,
            Rule::R6 => Outcome::ResolvedFallback,
            _ => Outcome::Resolved,
        }
    }
}

macro_rules! flags {
    ($($(#[$doc:meta])* $name:ident = $code:literal),* $(,)?) => {
        /// Things a dispatcher should know beside the answer.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Flag { $($(#[$doc])* $name),* }

        impl Flag {
            pub const ALL: &[Flag] = &[$(Flag::$name),*];

            pub fn code(self) -> &'static str {
                match self { $(Flag::$name => $code),* }
            }
        }
    };
}

flags! {
    AmbiguousComponent = "AMBIGUOUS_COMPONENT",
    FarFromComponent = "FAR_FROM_COMPONENT",
    ClassMismatch = "CLASS_MISMATCH",
    NearBorder = "NEAR_BORDER",
    GapSnapped = "GAP_SNAPPED",
    NoUnitGrid = "NO_UNIT_GRID",
    DataOverlap = "DATA_OVERLAP",
    HierarchyMismatch = "HIERARCHY_MISMATCH",
    StoredGridMismatch = "STORED_GRID_MISMATCH",
    OrgSucceeded = "ORG_SUCCEEDED",
    OwnerMissing = "OWNER_MISSING",
    Ownerless = "OWNERLESS",
    ClassCrosswalkApprox = "CLASS_CROSSWALK_APPROX",
}

/// A set of flags.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flags(u16);

impl Flags {
    pub fn set(&mut self, flag: Flag) {
        self.0 |= 1 << flag as u8;
    }

    pub fn set_if(&mut self, flag: Flag, when: bool) {
        self.0 |= u16::from(when) << flag as u8;
    }

    pub fn has(self, flag: Flag) -> bool {
        self.0 & (1 << flag as u8) != 0
    }

    pub fn iter(self) -> impl Iterator<Item = Flag> {
        Flag::ALL.iter().copied().filter(move |f| self.has(*f))
    }
}

/// In what capacity a body answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capacity {
    Ruling,
    Maintainer,
    Owner,
    Supervisor,
    SpecialArea,
    Duty,
    Industry,
    GridOwner,
    StreetOffice,
    District,
    Emergency,
}

impl Capacity {
    pub fn of(holder: Holder) -> Capacity {
        match holder {
            Holder::Maintainer => Capacity::Maintainer,
            Holder::Owner => Capacity::Owner,
            Holder::Supervisor => Capacity::Supervisor,
        }
    }

    /// Key and Chinese name.
    pub fn names(self) -> (&'static str, &'static str) {
        match self {
            Capacity::Ruling => ("ruling", "确权裁定"),
            Capacity::Maintainer => ("maintainer", "养护单位"),
            Capacity::Owner => ("owner", "权属单位"),
            Capacity::Supervisor => ("supervisor", "主管部门"),
            Capacity::SpecialArea => ("special_area", "分片包区责任单位"),
            Capacity::Duty => ("duty", "属物责任单位"),
            Capacity::Industry => ("industry", "行业主管单位"),
            Capacity::GridOwner => ("grid_owner", "单元网格责任主体"),
            Capacity::StreetOffice => ("street_office", "属地街道"),
            Capacity::District => ("district", "属地区县"),
            Capacity::Emergency => ("emergency", "应急处置单位"),
        }
    }
}

/// A body and why it is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Party {
    pub organisation: OrgIx,
    pub capacity: Capacity,
    /// The abolished body that it succeeds here.
    pub instead_of: Option<OrgIx>,
}

impl Party {
    pub fn new(organisation: OrgIx, capacity: Capacity) -> Party {
        Party { organisation, capacity, instead_of: None }
    }
}

/// How the component was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    Id,
    Nearest,
    /// One of several that all lead to the same subject.
    AnyOf(u32),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Found {
    pub component: ComponentIx,
    pub distance_m: f64,
    pub how: Match,
}

/// Somebody or something that was in question.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Candidate {
    Party(Party),
    Component(ComponentIx, f64),
}

/// Exactly one subject, or a named reason why not.
#[derive(Debug, Clone)]
pub struct Answer<'a> {
    pub outcome: Outcome,
    pub subject: Option<Party>,
    pub rule: Option<Rule>,
    pub policy: Option<PolicyIx>,
    pub place: Place,
    pub component: Option<Found>,
    pub flags: Flags,
    pub border: Vec<Neighbour>,
    pub candidates: Vec<Candidate>,
    /// Of an urgent case without a subject: who secures it first (先处置、后确权).
    pub provisional: Option<Party>,
    pub assist: Vec<Party>,
    /// The fallback answered where an owner should have: the case asks for a ruling.
    pub needs_ruling: bool,
    pub at: Instant,
    pub trail: Option<Vec<Step<'a>>>,
}
