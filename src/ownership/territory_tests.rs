//! What is worked out once says what asking every level says: places and borders, in sound and in faulty cities.

use super::super::instant::Span;
use super::super::world::{NOW, World, at, square};
use super::*;

/// Borders without any shortcut.
fn border_by_levels(t: &Territory, p: [f64; 2], radius_m: f64, place: &Place, now: Instant) -> Vec<Neighbour> {
    let here = Local::at(p);
    let mut all = vec![];
    for level in Level::CHAIN {
        let mut near = t.partition(level).near(&here, radius_m, now);
        near.retain(|(c, _)| Some(*c) != place.cell(level));
        let code = |c: u32| t.cell(level, c).code.clone();
        near.sort_by(|a, b| a.1.total_cmp(&b.1).then_with(|| code(a.0).cmp(&code(b.0))));
        all.extend(near.into_iter().map(|(cell, distance_m)| Neighbour { level, cell, distance_m }));
    }
    all
}

fn same(world: &World) -> usize {
    let own = world.build();
    let t = own.territory();
    let now = Instant::parse(NOW).expect("a time");
    for i in 0..90 {
        for j in 0..26 {
            // Nodes, edges and insides, in and around the city.
            let p = at(f64::from(i) * 0.1 - 0.5, f64::from(j) * 0.1 - 0.3);
            let (mut one, mut other) = (Flags::default(), Flags::default());
            let (place, border) = t.locate(p, 10.0, now, &mut one);
            let (grid, several) = t.partition(Level::UnitGrid).pick(p, now);
            assert_eq!(place, t.locate_by_levels(p, now, (grid, several), &mut other), "{p:?}");
            assert_eq!(one, other, "{p:?}");
            if !place.is_nowhere() {
                assert_eq!(border, border_by_levels(t, p, 10.0, &place, now), "{p:?}");
                let (_, wide) = t.locate(p, 30.0, now, &mut one);
                assert_eq!(wide, border_by_levels(t, p, 30.0, &place, now), "{p:?}");
            }
        }
    }
    t.steady.iter().filter(|s| s.whole).count()
}

#[test]
fn a_sound_city_is_steady_everywhere() {
    assert_eq!(same(&World::new()), 8);
}

#[test]
fn faults_make_grids_unsteady_and_answers_stay_the_same() {
    let mut crossed = World::new();
    // The communities part in the middle of two grids.
    for (cell, shape) in crossed.cells.get_mut(&Level::Community).expect("communities") {
        *shape = if cell.code.ends_with("001") { square(0.0, 0.0, 1.5, 2.0) } else { square(1.5, 0.0, 4.0, 2.0) };
    }
    assert_eq!(same(&crossed), 6);
    let mut misnamed = World::new();
    misnamed.grid_mut("410202001002003").0.parent = Some("410202001001".into());
    assert_eq!(same(&misnamed), 7);
    let mut overlapped = World::new();
    overlapped.cell(Level::Community, "410202001003", "重叠", Some("410202001"), None, square(0.0, 0.0, 1.0, 1.0));
    // The grid under it, and its neighbours, along which its border runs.
    assert_eq!(same(&overlapped), 7);
    let mut island = World::new();
    island.cell(Level::Street, "410202002", "岛", Some("410202"), None, square(2.2, 0.2, 2.4, 0.4));
    assert_eq!(same(&island), 7);
    let mut gap = World::new();
    gap.cells.get_mut(&Level::UnitGrid).expect("grids").remove(2);
    assert_eq!(same(&gap), 7);
    let mut duty = World::new();
    duty.cell(Level::DutyGrid, "ZR1", "责任网格1", None, None, square(0.0, 0.0, 2.0, 2.0));
    duty.cell(Level::DutyGrid, "ZR2", "责任网格2", None, None, square(2.0, 0.0, 3.5, 2.0));
    assert_eq!(same(&duty), 6);
    // A grid that is no more, and behind it a community border that nothing else tells of.
    let mut gone = World::new();
    gone.grid_mut("410202001002003").0.span = Span::parse(None, Some("2020-01-01")).expect("a span");
    gone.cell(Level::Community, "410202001004", "新", Some("410202001"), None, square(2.0, 0.0, 3.0, 1.0));
    same(&gone);
    let mut past = World::new();
    past.cells.get_mut(&Level::Street).expect("streets")[0].0.span =
        Span::parse(None, Some("2020-01-01")).expect("a span");
    assert_eq!(same(&past), 8, "steady, but its street is not valid any more");
}
