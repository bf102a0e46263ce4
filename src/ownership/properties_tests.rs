//! The ten properties of the specification (6.8) and the faults that issue names: each gives the outcome the
//! specification names.

use super::answer::{Answer, Flag, Outcome};
use super::register::{Rule, Ruling};
use super::territory::Level;
use super::trail::{Stage, StepOutcome};
use super::view::View;
use super::world::*;
use super::{Asked, Ownership};
use crate::audience::Audience;
use crate::geo::Crs;
use crate::layer::Role;

const VENDOR: &str = "gbt47678.5-2026:matter:09001";
const COVER: &str = "cjt214-2007:component:0101";
const TELECOM: &str = "cjt214-2007:component:0107";

fn here() -> [f64; 2] {
    at(1.5, 1.5)
}

fn bytes(own: &Ownership, asked: &Asked<'_>) -> String {
    let a = answer(own, asked);
    serde_json::to_string(&View { ownership: own, answer: &a, audience: &Audience::OPEN, snapshot: "00000001-test" })
        .expect("writes")
}

/// A city with something for every rule.
fn full() -> World {
    World::new()
        .with(Thing::new("4102020101000001", "0101", here()).owned_by("WATER"))
        .with(Thing { shared: Some(true), ..Thing::new("4102020107000001", "0107", at(1.52, 1.5)).owned_by("TELECOM") })
        .with(Thing::new("4102020104000001", "0104", at(1.48, 1.5)).owned_by("DRAIN"))
        .with_area(Role::SpecialDuty, Area::new("FP1", "UNICOM", "0107", square(1.0, 1.0, 2.0, 2.0)))
        .with_area(Role::SpecialDuty, Area::new("FP2", "MOBILE", "01", square(0.0, 0.0, 4.0, 2.0)))
        .with_area(Role::RoadSurface, Area::new("R1", "ROADS", "*", square(0.0, 1.4, 4.0, 1.6)))
}

#[test]
fn property_01_at_most_one_subject() {
    let own = full().build();
    for class in [None, Some(COVER), Some(TELECOM), Some(VENDOR), Some("gbt47678.5-2026:matter:06013")] {
        for i in 0..400 {
            let p = at(f64::from(i % 40) * 0.21 - 0.2, f64::from(i / 40) * 0.23 - 0.1);
            let a = answer(&own, &Asked { class, ..asked(p) });
            let has_subject =
                matches!(a.outcome, Outcome::Resolved | Outcome::ResolvedByGrid | Outcome::ResolvedFallback);
            assert_eq!(a.subject.is_some(), has_subject, "{class:?} {p:?} {:?}", a.outcome);
            assert_eq!(a.rule.is_some(), has_subject || a.outcome == Outcome::Conflict);
        }
    }
}

#[test]
fn properties_02_and_03_the_same_bytes_whatever_the_order_of_the_records() {
    let one = full();
    let mut other = full();
    other.components.reverse();
    other.duties.reverse();
    other.cells.values_mut().for_each(|c| c.reverse());
    other.register.organisations.reverse();
    let (one, again, other) = (one.build(), full().build(), other.build());
    for class in [None, Some(COVER), Some(TELECOM), Some(VENDOR)] {
        for p in [here(), at(1.51, 1.5), at(2.0, 1.0), at(5.0, 1.0), at(9.0, 9.0), at(3.999, 1.999)] {
            let asked = Asked { class, urgent: Some(true), ..asked(p) };
            assert_eq!(bytes(&one, &asked), bytes(&again, &asked));
            // Ids follow the order in this test's city; everything else must not.
            let without_ids = |json: String| {
                let mut v: serde_json::Value = serde_json::from_str(&json).expect("reads");
                strip_ids(&mut v);
                v
            };
            assert_eq!(without_ids(bytes(&one, &asked)), without_ids(bytes(&other, &asked)), "{class:?} {p:?}");
        }
    }
}

#[test]
fn answers_in_bulk_are_those_one_by_one() {
    let own = full().build();
    let classes = [None, Some(COVER), Some(TELECOM), Some(VENDOR)];
    let questions: Vec<_> = (0..1000)
        .map(|i| {
            let p = at(f64::from(i % 40) * 0.21 - 0.2, f64::from(i / 40) * 0.1 - 0.1);
            let asked = Asked { class: classes[i as usize % 4], trail: Some(i % 3 == 0), ..asked(p) };
            question(&own, &asked).expect("a sound question")
        })
        .collect();
    let json = |a: &Answer<'_>| {
        let view = View { ownership: &own, answer: a, audience: &Audience::OPEN, snapshot: "00000001-test" };
        serde_json::to_string(&view).expect("writes")
    };
    let mut next = 0;
    own.resolve_all(&questions, |i, a| {
        assert_eq!(i, next);
        assert_eq!(json(&a), json(&own.resolve(&questions[i])));
        next += 1;
    });
    assert_eq!(next, questions.len());
}

#[test]
fn a_component_is_found_from_its_very_second_on() {
    let since = "2026-11-18T20:59:59+08:00";
    let late = Thing { since: Some(since), ..Thing::new("4102020101000009", "0101", here()).owned_by("WATER") };
    let own = World::new().with(late).build();
    let found = |at| answer(&own, &Asked { class: Some(COVER), at: Some(at), ..asked(here()) }).component.is_some();
    assert_eq!(["2026-11-18T20:59:58+08:00", since, NOW].map(found), [false, true, true]);
}

fn strip_ids(v: &mut serde_json::Value) {
    match v {
        serde_json::Value::Object(o) => {
            o.retain(|k, v| !(k == "feature_id" || (k == "id" && v.is_number())));
            o.values_mut().for_each(strip_ids);
        }
        serde_json::Value::Array(a) => a.iter_mut().for_each(strip_ids),
        _ => {}
    }
}

#[test]
fn property_04_every_point_of_an_edge_and_node_has_one_grid() {
    let own = World::new().build();
    for (i, j) in (0..400).flat_map(|i| [0, 5, 10, 15, 19].map(|j| (i, j))) {
        let a = answer(&own, &asked(at(f64::from(i) * 0.01, f64::from(j) * 0.1)));
        assert!(a.place.cell(Level::UnitGrid).is_some() && !a.flags.has(Flag::DataOverlap), "{i} {j}");
        assert!(!a.flags.has(Flag::GapSnapped) && !a.flags.has(Flag::HierarchyMismatch), "{i} {j}");
    }
}

#[test]
fn property_05_an_unrelated_area_changes_nothing() {
    let before = full().build();
    let after =
        full().with_area(Role::SpecialDuty, Area::new("FP9", "PARKS", "0403", square(0.0, 0.0, 4.0, 2.0))).build();
    for class in [None, Some(COVER), Some(TELECOM), Some(VENDOR)] {
        let asked = Asked { class, ..asked(here()) };
        assert_eq!(bytes(&before, &asked), bytes(&after, &asked));
    }
}

fn ruling(organisation: &str, rank: i64, decided: &str, classes: &str) -> Ruling {
    Ruling {
        id: format!("裁{organisation}"),
        organisation: organisation.into(),
        rank,
        decided: decided.into(),
        areas: vec!["410202001001".into()],
        classes: classes.into(),
        ..Ruling::default()
    }
}

#[test]
fn property_06_a_ruling_wins_and_shows_the_loser() {
    let own = full().with_ruling(ruling("PARKS", 1, "2026-01-01", "0101")).build();
    let a = answer(&own, &Asked { class: Some(COVER), ..asked(here()) });
    assert_eq!((a.rule, subject(&own, &a).as_str()), (Some(Rule::R0), "园林处"));
    let steps = a.trail.expect("a trail");
    let loser = steps.iter().find(|s| s.stage == Stage::Rule(Rule::R1)).expect("a step for R1");
    assert_eq!(loser.outcome, StepOutcome::Skipped);
    assert_eq!(loser.subject.map(|p| own.book().org(p.organisation).name.clone()).as_deref(), Some("供水公司"));
    // The latest of the highest body; equal ones that differ are a conflict.
    let higher = full()
        .with_ruling(ruling("PARKS", 1, "2026-05-01", "0101"))
        .with_ruling(ruling("ROADS", 2, "2025-01-01", "*"))
        .with_ruling(ruling("DRAIN", 2, "2026-01-01", "*"))
        .build();
    let a = answer(&higher, &Asked { class: Some(COVER), ..asked(here()) });
    assert_eq!(subject(&higher, &a), "排水公司");
    let equal = full()
        .with_ruling(ruling("ROADS", 2, "2026-01-01", "*"))
        .with_ruling(ruling("DRAIN", 2, "2026-01-01", "*"))
        .build();
    let a = answer(&equal, &Asked { class: Some(COVER), ..asked(here()) });
    assert_eq!((a.outcome, a.rule), (Outcome::Conflict, Some(Rule::R0)));
}

#[test]
fn property_07_without_the_winner_the_next_rule_answers() {
    let asked = Asked { class: Some(TELECOM), ..asked(here()) };
    let rule_of = |world: &World| {
        let own = world.build();
        let a = answer(&own, &asked);
        (a.rule, subject(&own, &a))
    };
    let mut world = full().with_ruling(ruling("PARKS", 1, "2026-01-01", "0107"));
    world.grid_mut("410202001001006").0.body_code = Some("LIGHT".into());
    assert_eq!(rule_of(&world), (Some(Rule::R0), "园林处".into()));
    world.register.rulings.clear();
    assert_eq!(rule_of(&world), (Some(Rule::R2), "联通".into()), "the closer class set first");
    world.duties.remove(0);
    assert_eq!(rule_of(&world), (Some(Rule::R2), "移动".into()));
    world.duties.remove(0);
    assert_eq!(rule_of(&world), (Some(Rule::R1), "电信".into()));
    world.components[1].owner = "";
    assert_eq!(rule_of(&world), (Some(Rule::R5), "照明中心".into()));
    world.grid_mut("410202001001006").0.body_code = None;
    assert_eq!(rule_of(&world), (Some(Rule::R6), "S街道办事处".into()));
    world.organisation("STREET").valid_to = Some("2020-01-01".into());
    assert_eq!(rule_of(&world), (Some(Rule::R6), "A区政府".into()), "where no street office answers");
    world.organisation("DISTRICT-A").valid_to = Some("2020-01-01".into());
    assert_eq!(rule_of(&world), (None, String::new()));
}

#[test]
fn property_08_equal_areas_conflict_only_with_different_subjects() {
    let with = |other: &'static str, change: fn(&mut Area)| {
        let mut second = Area::new("FP2", other, "0107", square(1.0, 1.0, 2.0, 2.0));
        change(&mut second);
        let own = World::new()
            .with_area(Role::SpecialDuty, Area::new("FP1", "UNICOM", "0107", square(1.0, 1.0, 2.0, 2.0)))
            .with_area(Role::SpecialDuty, second)
            .build();
        let a = answer(&own, &Asked { class: Some(TELECOM), ..asked(here()) });
        (a.outcome, subject(&own, &a))
    };
    assert_eq!(with("MOBILE", |_| {}).0, Outcome::Conflict);
    assert_eq!(with("UNICOM", |_| {}), (Outcome::Resolved, "联通".into()));
    assert_eq!(with("MOBILE", |a| a.priority = 2), (Outcome::Resolved, "移动".into()));
    assert_eq!(with("MOBILE", |a| a.shape = square(1.2, 1.0, 2.0, 2.0)), (Outcome::Resolved, "移动".into()));
    assert_eq!(with("MOBILE", |a| a.span.0 = Some("2026-01-01")), (Outcome::Resolved, "移动".into()));
    assert_eq!(with("MOBILE", |a| a.classes = "010"), (Outcome::Resolved, "联通".into()), "a group is less close");
    assert_eq!(with("MOBILE", |a| a.schedule = Some("08:00-18:00")), (Outcome::Resolved, "联通".into()), "not now");
    assert_eq!(with("MOBILE", |a| a.level = 1), (Outcome::Resolved, "联通".into()), "a bridge above");
}

#[test]
fn property_09_one_place_in_every_crs_is_one_answer() {
    let own = full().build();
    for p in [here(), at(0.2, 0.3), at(3.7, 1.1), at(6.0, 0.4)] {
        let plain = bytes(&own, &Asked { class: Some(COVER), ..asked(p) });
        for code in [4490, 4547, 4526, 3857, 4326] {
            let [x, y] = Crs::from_epsg(code).expect("known").forward(p);
            let name = format!("EPSG:{code}");
            let asked = Asked {
                x: Some(x),
                y: Some(y),
                crs: Some(&name),
                class: Some(COVER),
                at: Some(NOW),
                ..Asked::default()
            };
            assert_eq!(bytes(&own, &asked), plain, "{code}");
        }
    }
}

#[test]
fn property_10_records_hold_from_their_first_moment_to_before_their_last() {
    let area = Area {
        span: (Some("2026-01-01"), Some("2026-07-01")),
        ..Area::new("FP1", "UNICOM", "0107", square(1.0, 1.0, 2.0, 2.0))
    };
    let own = World::new().with_area(Role::SpecialDuty, area).build();
    for (at, rule) in [
        ("2025-12-31T23:59:59", Rule::R6),
        ("2026-01-01", Rule::R2),
        ("2026-06-30T23:59:59", Rule::R2),
        ("2026-07-01", Rule::R6),
    ] {
        let a = answer(&own, &Asked { class: Some(TELECOM), at: Some(at), ..asked(here()) });
        assert_eq!(a.rule, Some(rule), "{at}");
    }
    let future =
        Thing { since: Some("2026-10-01"), ..Thing::new("4102020101000009", "0101", here()).owned_by("WATER") };
    let own = World::new().with(future).build();
    let rule = |at| answer(&own, &Asked { class: Some(COVER), at: Some(at), ..asked(here()) }).rule;
    assert_eq!((rule("2026-09-30"), rule("2026-10-01")), (Some(Rule::R6), Some(Rule::R1)));
}

#[test]
fn an_abolished_body_without_successor_yields_nobody() {
    let mut world = World::new().with(Thing::new("4102020101000001", "0101", here()).owned_by("WATER"));
    world.organisation("WATER").valid_to = Some("2025-06-01".into());
    let own = world.build();
    let a = answer(&own, &Asked { class: Some(COVER), ..asked(here()) });
    assert_eq!((a.outcome, a.rule), (Outcome::ResolvedFallback, Some(Rule::R6)));
    let steps = a.trail.expect("a trail");
    assert!(steps.iter().any(|s| s.reason.texts().1.starts_with("ORG_INACTIVE")), "{steps:?}");
}

#[test]
fn a_component_that_names_nobody_says_so() {
    let own = World::new().with(Thing::new("4102020101000001", "0101", here())).build();
    let a = answer(&own, &Asked { class: Some(COVER), ..asked(here()) });
    assert!(a.flags.has(Flag::OwnerMissing) && a.needs_ruling);
    assert_eq!(a.rule, Some(Rule::R6));
}

#[test]
fn without_a_class_the_place_answers() {
    let mut world = full();
    let own = world.build();
    let a = answer(&own, &asked(here()));
    assert_eq!((a.outcome, a.rule, a.policy), (Outcome::ResolvedFallback, Some(Rule::R6), None));
    world.grid_mut("410202001001006").0.body_code = Some("PARKS".into());
    let own = world.build();
    let a = answer(&own, &asked(here()));
    assert_eq!((a.outcome, a.rule, subject(&own, &a).as_str()), (Outcome::ResolvedByGrid, Some(Rule::R5), "园林处"));
}

#[test]
fn a_place_without_grids_is_found_in_the_coarser_levels() {
    let own = World::new().build();
    let a = answer(&own, &asked(at(6.0, 1.0)));
    assert!(a.flags.has(Flag::NoUnitGrid));
    assert_eq!(own.territory().of(&a.place, Level::District).map(|c| c.code.as_str()), Some("410203"));
    assert_eq!((a.outcome, subject(&own, &a).as_str()), (Outcome::ResolvedFallback, "B区政府"));
    let a = answer(&own, &asked(at(20.0, 20.0)));
    assert_eq!((a.outcome, a.subject, a.rule), (Outcome::OutOfCoverage, None, None));
}

#[test]
fn overlaps_and_disagreeing_levels_are_flagged_and_decided() {
    let mut world = World::new();
    // A later survey of the same ground.
    world.cell(Level::UnitGrid, "410202001001099", "新", Some("410202001001"), None, square(1.2, 1.2, 1.8, 1.8));
    world.cells.get_mut(&Level::UnitGrid).expect("grids").last_mut().expect("one").0.area_m2 = 5_000.0;
    // A grid that says it is part of W but lies in E.
    world.grid_mut("410202001002003").0.parent = Some("410202001001".into());
    let own = world.build();
    let a = answer(&own, &asked(here()));
    assert!(a.flags.has(Flag::DataOverlap));
    assert_eq!(own.territory().of(&a.place, Level::UnitGrid).map(|c| c.code.as_str()), Some("410202001001099"));
    assert_ne!(a.outcome, Outcome::Conflict);
    let a = answer(&own, &asked(at(2.5, 0.5)));
    assert!(a.flags.has(Flag::HierarchyMismatch));
    assert_eq!(own.territory().of(&a.place, Level::Community).map(|c| c.code.as_str()), Some("410202001001"));
}

#[test]
fn a_code_decides_over_distance_and_class() {
    let own = full().build();
    let id = Some("4102020101000001");
    let a = answer(&own, &Asked { class: Some(TELECOM), component: id, ..asked(at(0.2, 0.2)) });
    assert!(a.flags.has(Flag::FarFromComponent) && a.flags.has(Flag::ClassMismatch));
    assert_eq!((a.rule, subject(&own, &a).as_str()), (Some(Rule::R1), "供水公司"));
    // The same thing by its new name, and by the anomaly of it.
    for class in ["gbt47678.5-2026:component:01001", "gbt47678.5-2026:matter:01001", "gbt47678.5-2026:event:01001"] {
        let a = answer(&own, &Asked { class: Some(class), component: id, ..asked(here()) });
        assert!(!a.flags.has(Flag::ClassMismatch), "{class}");
        assert_eq!(subject(&own, &a), "供水公司");
    }
}

#[test]
fn inexact_crosswalks_are_flagged() {
    let own = World::new().build();
    let flagged =
        |class| answer(&own, &Asked { class: Some(class), ..asked(here()) }).flags.has(Flag::ClassCrosswalkApprox);
    assert!(!flagged(COVER));
    assert!(flagged("cjt214-2007:component:0131"), "approximate");
    assert!(flagged("cjt214-2007:component:0117"), "one to many");
    assert!(flagged("cjt214-2007:component:0602"), "none");
}

#[test]
fn wrong_questions_are_refused_by_name_and_with_a_hint() {
    let own = World::new().build();
    let refused = |asked: &Asked<'_>| question(&own, asked).expect_err("refused");
    let [lon, lat] = here();
    let [x, y] = Crs::from_epsg(4547).expect("known").forward(here());
    let xy = |x, y, crs| Asked { x: Some(x), y: Some(y), crs: Some(crs), ..Asked::default() };
    let cases = [
        (asked([lat, lon]), "COORD_RANGE", "swapped"),
        (xy(y, x, "4547"), "COORD_RANGE", "swapped"),
        (xy(x, y, "4546"), "COORD_RANGE", "EPSG:4547"),
        (xy(38e6 + x, y, "4547"), "COORD_RANGE", "EPSG:4526"),
        (xy(x, y, "EPSG:4490"), "COORD_RANGE", "EPSG:4547"),
        (asked([500.0, 34.7]), "COORD_RANGE", "range"),
        (asked([f64::NAN, 34.7]), "COORD_NOT_FINITE", "finite"),
        (xy(x, y, "EPSG:2361"), "CRS_UNKNOWN", "EPSG"),
        (Asked { crs: None, ..xy(x, y, "") }, "CRS_UNKNOWN", "need crs"),
        (Asked::default(), "COORD_MISSING", "lon and lat"),
        (Asked { at: Some("yesterday"), ..asked([lon, lat]) }, "TIME_FORMAT", "RFC 3339"),
        (Asked { component: Some("3.2E15"), ..asked([lon, lat]) }, "COMPONENT_ID_FORMAT", "spreadsheet"),
        (Asked { accuracy_m: Some(-1.0), ..asked([lon, lat]) }, "COORD_RANGE", "accuracy"),
        (Asked { accuracy_m: Some(1000.5), ..asked([lon, lat]) }, "COORD_RANGE", "accuracy"),
    ];
    for (asked, code, word) in cases {
        let invalid = refused(&asked);
        assert!(invalid.code == code && invalid.detail.contains(word), "{asked:?}: {invalid:?}");
    }
}

#[test]
fn a_snapshot_without_register_answers_with_the_place_alone() {
    let mut world = World::new();
    world.register = super::register::Register::default();
    let own = world.build();
    let a = answer(&own, &asked(here()));
    assert_eq!((a.outcome, a.subject), (Outcome::Unresolved, None));
    assert_eq!(own.territory().of(&a.place, Level::UnitGrid).map(|c| c.code.as_str()), Some("410202001001006"));
    let invalid = question(&own, &Asked { class: Some(COVER), ..asked(here()) }).expect_err("refused");
    assert_eq!(invalid.code, "SCHEME_UNKNOWN");
}
