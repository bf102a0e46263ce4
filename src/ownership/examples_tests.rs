//! The eighteen worked examples of the specification (6.9), by number.

use super::Asked;
use super::answer::{Candidate, Flag, Match, Outcome};
use super::register::{Rule, Ruling};
use super::territory::Level;
use super::trail::{Stage, StepOutcome};
use super::view::View;
use super::world::*;
use crate::audience::Audience;
use crate::layer::Role;

const COVER: &str = "cjt214-2007:component:0101";
const ID: &str = "4102020101000001";

fn here() -> [f64; 2] {
    at(1.5, 1.5)
}

/// What came out: outcome, rule, subject.
fn came_out(world: &World, asked: &Asked<'_>) -> (Outcome, Option<Rule>, String) {
    let own = world.build();
    let a = answer(&own, asked);
    (a.outcome, a.rule, subject(&own, &a))
}

fn telecom_cover(world: World, shared: Option<bool>, owner: &'static str) -> World {
    world.with(Thing { shared, ..Thing::new("4102020107000001", "0107", here()).owned_by(owner) })
}

fn telecom_area(code: &'static str, organisation: &'static str) -> Area {
    Area::new(code, organisation, "0107;0109", square(1.0, 1.0, 3.0, 2.0))
}

#[test]
fn example_01_an_owned_cover_goes_to_its_owner() {
    let world = World::new().with(Thing::new(ID, "0101", here()).owned_by("WATER"));
    let own = world.build();
    let a = answer(&own, &Asked { class: Some(COVER), component: Some(ID), ..asked(here()) });
    assert_eq!((a.outcome, a.rule, subject(&own, &a).as_str()), (Outcome::Resolved, Some(Rule::R1), "供水公司"));
    assert_eq!(a.flags.iter().count(), 0, "{:?}", a.flags.iter().collect::<Vec<_>>());
    assert_eq!(a.component.map(|c| c.how), Some(Match::Id));
}

#[test]
fn example_02_the_maintainer_comes_before_the_owner() {
    let lamp = Thing { maintainer: "LIGHT", ..Thing::new("4102020118000001", "0118", here()).owned_by("HOUSING") };
    let asked = Asked { class: Some("cjt214-2007:component:0118"), ..asked(here()) };
    assert_eq!(came_out(&World::new().with(lamp), &asked), (Outcome::Resolved, Some(Rule::R1), "照明中心".into()));
}

#[test]
fn example_03_a_shared_cover_without_owner_goes_to_its_area() {
    let world =
        telecom_cover(World::new(), Some(true), "").with_area(Role::SpecialDuty, telecom_area("包区-12", "UNICOM"));
    let asked = Asked { class: Some("cjt214-2007:component:0107"), ..asked(here()) };
    assert_eq!(came_out(&world, &asked), (Outcome::Resolved, Some(Rule::R2), "联通".into()));
}

#[test]
fn example_04_two_equal_areas_are_a_conflict() {
    let world = telecom_cover(World::new(), Some(true), "")
        .with_area(Role::SpecialDuty, telecom_area("包区-12", "UNICOM"))
        .with_area(Role::SpecialDuty, telecom_area("包区-13", "MOBILE"));
    let own = world.build();
    let calm = Asked { class: Some("cjt214-2007:component:0107"), ..asked(here()) };
    let a = answer(&own, &calm);
    assert_eq!((a.outcome, a.rule, a.subject), (Outcome::Conflict, Some(Rule::R2), None));
    let names: Vec<&str> = a
        .candidates
        .iter()
        .map(|c| match c {
            Candidate::Party(p) => own.book().org(p.organisation).name.as_str(),
            Candidate::Component(..) => "component",
        })
        .collect();
    assert_eq!(names, ["联通", "移动"]);
    assert_eq!(a.provisional, None);
    let a = answer(&own, &Asked { urgent: Some(true), ..calm });
    let provisional = a.provisional.map(|p| own.book().org(p.organisation).name.clone());
    assert_eq!((a.subject, provisional.as_deref()), (None, Some("S街道办事处")));
}

#[test]
fn example_05_what_is_not_shared_goes_to_its_owner_before_the_area() {
    let world = telecom_cover(World::new(), Some(false), "TELECOM")
        .with_area(Role::SpecialDuty, telecom_area("包区-12", "UNICOM"));
    let own = world.build();
    let a = answer(&own, &Asked { class: Some("cjt214-2007:component:0107"), ..asked(here()) });
    assert_eq!((a.outcome, a.rule, subject(&own, &a).as_str()), (Outcome::Resolved, Some(Rule::R1), "电信"));
    let steps = a.trail.expect("a trail");
    let area = steps.iter().find(|s| s.stage == Stage::Rule(Rule::R2)).expect("a step for R2");
    assert_eq!(area.outcome, StepOutcome::Skipped);
    assert!(area.reason.texts().1.contains("not shared"), "{:?}", area.reason);
}

#[test]
fn example_06_an_ownerless_cover_falls_to_the_street_and_asks_for_a_ruling() {
    // A stale owner is stored all the same.
    let world = World::new().with(Thing::new("4102020114000001", "0114", here()).owned_by("DRAIN"));
    let own = world.build();
    let a = answer(&own, &Asked { class: Some("cjt214-2007:component:0114"), ..asked(here()) });
    assert_eq!((a.outcome, a.rule), (Outcome::ResolvedFallback, Some(Rule::R6)));
    assert_eq!(subject(&own, &a), "S街道办事处");
    assert!(a.flags.has(Flag::Ownerless) && a.needs_ruling);
}

#[test]
fn example_07_a_ruling_settles_it() {
    let ruling = Ruling {
        id: "裁2026-1".into(),
        organisation: "DRAIN".into(),
        rank: 1,
        decided: "2026-01-05".into(),
        component: Some("4102020114000001".into()),
        ..Ruling::default()
    };
    let world = World::new().with(Thing::new("4102020114000001", "0114", here())).with_ruling(ruling);
    let asked = Asked { class: Some("cjt214-2007:component:0114"), ..asked(here()) };
    assert_eq!(came_out(&world, &asked), (Outcome::Resolved, Some(Rule::R0), "排水公司".into()));
}

#[test]
fn example_08_a_vendor_goes_to_the_district_s_law_enforcement() {
    let asked = Asked { class: Some("gbt47678.5-2026:matter:09001"), ..asked(here()) };
    assert_eq!(came_out(&World::new(), &asked), (Outcome::Resolved, Some(Rule::R4), "区城管执法大队A".into()));
}

#[test]
fn example_09_a_city_s_road_goes_to_the_city_another_to_the_district() {
    let road = Area::new("汴京大道", "ROADS", "*", square(0.0, 1.4, 4.0, 1.6));
    let world = World::new().with_area(Role::RoadSurface, road);
    let class = Some("gbt47678.5-2026:matter:06013");
    let on_it = Asked { class, ..asked(here()) };
    assert_eq!(came_out(&world, &on_it), (Outcome::Resolved, Some(Rule::R3), "市政设施中心".into()));
    let beside = Asked { class, ..asked(at(1.5, 0.5)) };
    assert_eq!(came_out(&world, &beside), (Outcome::Resolved, Some(Rule::R4), "区城管执法大队A".into()));
}

#[test]
fn example_10_the_line_belongs_to_the_east() {
    let mut world = World::new();
    world.cells.remove(&Level::UnitGrid);
    let own = world.build();
    let a = answer(&own, &asked(at(2.0, 0.7)));
    let community = own.territory().of(&a.place, Level::Community).map(|c| c.name.clone());
    assert_eq!(community, Some(Some("E社区".into())));
    assert!(a.flags.has(Flag::NearBorder));
    assert!(a.border.iter().any(|n| n.level == Level::Community && n.distance_m < 0.001));
}

#[test]
fn example_11_a_narrow_gap_belongs_to_the_nearest_grid() {
    let mut world = World::new();
    // The grid 410202001001001 ends 1.2 m before its neighbour begins.
    let shape = &mut world.grid_mut("410202001001001").1;
    let edge = east(at(1.0, 0.0), -1.2)[0];
    for v in &mut shape.xy {
        if v[0] > at(0.5, 0.0)[0] {
            v[0] = edge;
        }
    }
    let own = world.build();
    let a = answer(&own, &asked(east(at(1.0, 0.5), -1.1)));
    let grid = own.territory().of(&a.place, Level::UnitGrid).map(|c| c.code.clone());
    assert_eq!(grid.as_deref(), Some("410202001001001"));
    assert!(a.flags.has(Flag::GapSnapped) && !a.flags.has(Flag::NoUnitGrid));
    assert_eq!(a.outcome, Outcome::ResolvedFallback);
}

#[test]
fn example_12_beside_a_retired_cover_another_is_meant() {
    let retired = Thing { retired: true, ..Thing::new("4102020102000001", "0102", here()).owned_by("WATER") };
    let other = Thing::new("4102020102000002", "0102", east(here(), 3.0)).owned_by("DRAIN");
    let own = World::new().with(retired).with(other).build();
    let class = Some("cjt214-2007:component:0102");
    let a = answer(&own, &Asked { class, component: Some("4102020102000001"), ..asked(here()) });
    assert_eq!((a.outcome, a.rule, subject(&own, &a).as_str()), (Outcome::Resolved, Some(Rule::R1), "排水公司"));
    assert_eq!(a.component.map(|c| c.how), Some(Match::Nearest));
    let steps = a.trail.expect("a trail");
    assert!(steps.iter().any(|s| s.reason.texts().0.contains("4102020102000001已废弃")), "{steps:?}");
}

fn two_grates(owners: [&'static str; 2]) -> World {
    World::new()
        .with(Thing::new("4102020104000001", "0104", here()).owned_by(owners[0]))
        .with(Thing::new("4102020104000002", "0104", east(here(), 2.0)).owned_by(owners[1]))
}

#[test]
fn example_13_either_of_two_grates_of_one_owner() {
    let own = two_grates(["DRAIN", "DRAIN"]).build();
    let a = answer(&own, &Asked { class: Some("cjt214-2007:component:0104"), ..asked(here()) });
    assert_eq!((a.outcome, subject(&own, &a).as_str()), (Outcome::Resolved, "排水公司"));
    assert_eq!(a.component.map(|c| c.how), Some(Match::AnyOf(2)));
}

#[test]
fn example_14_two_grates_of_two_owners_are_ambiguous() {
    let own = two_grates(["DRAIN", "ROADS"]).build();
    let a = answer(&own, &Asked { class: Some("cjt214-2007:component:0104"), ..asked(here()) });
    assert_eq!((a.outcome, a.rule, a.component), (Outcome::ResolvedFallback, Some(Rule::R6), None));
    assert!(a.flags.has(Flag::AmbiguousComponent));
    assert_eq!(a.candidates.len(), 2);
}

#[test]
fn example_15_a_shifted_place_is_just_another_place() {
    // Inside the city nobody can know; the CRS has to be said.
    let own = World::new().build();
    let shifted = crate::geo::shift::to_gcj02(here());
    let [x, y] = shifted;
    let said = Asked { x: Some(x), y: Some(y), crs: Some("GCJ02"), at: Some(NOW), ..Asked::default() };
    let a = answer(&own, &said);
    let grid = own.territory().of(&a.place, Level::UnitGrid).map(|c| c.code.clone());
    assert_eq!(grid.as_deref(), Some("410202001001006"));
    let b = answer(&own, &asked(shifted));
    assert_ne!(own.territory().of(&b.place, Level::UnitGrid).map(|c| c.code.clone()), grid);
}

#[test]
fn example_16_a_site_goes_to_its_builder_with_the_district_assisting() {
    let site = Area::new("工地1", "BUILDER", "*", square(1.2, 1.2, 1.8, 1.8));
    let own = World::new().with_area(Role::ConstructionSite, site).build();
    let a = answer(&own, &Asked { class: Some("gbt47678.5-2026:matter:08004"), ..asked(here()) });
    assert_eq!((a.outcome, a.rule, subject(&own, &a).as_str()), (Outcome::Resolved, Some(Rule::R3), "X建筑公司"));
    let assist: Vec<&str> = a.assist.iter().map(|p| own.book().org(p.organisation).name.as_str()).collect();
    assert_eq!(assist, ["区城管执法大队A"]);
}

#[test]
fn example_17_an_abolished_owner_is_succeeded() {
    let mut world = World::new().with(Thing::new(ID, "0101", here()).owned_by("WATER"));
    world.organisation("WATER").valid_to = Some("2025-06-01".into());
    world.organisation("WATER").successor = Some("DRAIN".into());
    let own = world.build();
    let a = answer(&own, &Asked { class: Some(COVER), ..asked(here()) });
    assert_eq!((a.outcome, subject(&own, &a).as_str()), (Outcome::Resolved, "排水公司"));
    assert!(a.flags.has(Flag::OrgSucceeded));
    let before = answer(&own, &Asked { class: Some(COVER), at: Some("2025-05-31"), ..asked(here()) });
    assert_eq!(subject(&own, &before), "供水公司");
}

#[test]
fn example_18_the_kind_is_part_of_the_key() {
    let own = World::new().build();
    let refused = |class| question(&own, &Asked { class: Some(class), ..asked(here()) }).expect_err("refused").code;
    assert_eq!(refused("gbt47678.5-2026:01001"), "CLASS_UNKNOWN");
    assert_eq!(refused("gbt47678.5-2026:thing:01001"), "CLASS_UNKNOWN");
    assert_eq!(refused("gbt47678.5-2026:matter:99999"), "CLASS_UNKNOWN");
    assert_eq!(refused("gbt30428.2-2013:component:0101"), "SCHEME_UNKNOWN");
}

#[test]
fn an_answer_has_the_promised_keys_in_order() {
    let world = World::new().with(Thing::new(ID, "0101", here()).owned_by("WATER"));
    let own = world.build();
    let a = answer(&own, &Asked { class: Some(COVER), ..asked(here()) });
    let json = serde_json::to_string(&View {
        ownership: &own,
        answer: &a,
        audience: &Audience::OPEN,
        snapshot: "00000001-test",
    })
    .expect("writes");
    let keys = [
        "outcome",
        "subject",
        "rule",
        "policy",
        "territory",
        "component",
        "flags",
        "border",
        "candidates",
        "provisional_subject",
        "assist",
        "needs_ruling",
        "at",
        "trail",
        "snapshot",
    ];
    let places: Vec<usize> = keys.iter().map(|k| json.find(&format!("\"{k}\":")).expect(k)).collect();
    let document: serde_json::Value = serde_json::from_str(&json).expect("reads");
    assert_eq!(document.as_object().map(|o| o.len()), Some(keys.len()), "{places:?}");
    assert_eq!(document["subject"]["id"], "WATER");
    assert_eq!(document["territory"]["unit_grid"]["code"], "410202001001006");
    assert_eq!(document["component"]["match"], "nearest");
    assert_eq!(document["trail"][0]["rule"], "LOCATE");
    assert_eq!(document["snapshot"], "00000001-test");
    let public = View { ownership: &own, answer: &a, audience: &Audience::PUBLIC, snapshot: "00000001-test" };
    let document = serde_json::to_value(public).expect("writes");
    assert!(document["territory"]["unit_grid"].is_null() && document["trail"].is_null());
    assert_eq!(document["territory"]["community"]["name"], "W社区");
}
