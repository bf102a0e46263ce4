//! Imports and what is searched: a layer's index is made with it and stays while it stays; one that is missing is made.

use crate::delivery::City;
use chengtu::store::{Found, SEARCH, Sought, Store, TILE_ROWS};

fn found(city: &City, layer: &str, text: &str) -> Vec<(String, u64)> {
    let index = city.snapshot().search(layer).unwrap().unwrap();
    let mut all = vec![];
    index.find(0, &Sought::new(text).unwrap(), &mut |f: &Found<'_>| all.push((f.text.to_string(), f.count))).unwrap();
    all
}

#[test]
fn a_layers_index_is_its_own() {
    let city = super::city();
    let csv = |codes: &[&str]| {
        let rows: Vec<_> = codes.iter().map(|code| (*code, "0101", "完好", "100")).collect();
        super::components(&rows)
    };
    city.write("a.csv", &csv(&["410001", "410002"]));
    city.write("a.toml", &super::trees("a", "a.csv", ""));
    city.write("b.csv", &csv(&["420001"]));
    let lamps = super::trees("b", "b.csv", "").replace("\"trees\"", "\"lamps\"");
    city.write("b.toml", &lamps.replace(r#"fields.height_m = { from = "高度cm", scale = 0.01 }"#, ""));
    let run = city.import(&["a.toml", "b.toml"]);
    assert_eq!(run.code, 0, "{run:?}");
    let (trees, lamps) = (city.entry("trees").extra[SEARCH].clone(), city.entry("lamps").extra[SEARCH].clone());
    assert_eq!(found(&city, "trees", "0002"), [("410002".to_string(), 1)]);

    // Another delivery of one changes that one's.
    city.write("a.csv", &csv(&["410001", "410003"]));
    assert_eq!(city.import(&["a.toml"]).code, 0);
    assert_eq!(found(&city, "trees", "0002"), []);
    assert_eq!(found(&city, "trees", "4100").len(), 2);
    assert_ne!(city.entry("trees").extra[SEARCH], trees);
    assert_eq!(city.entry("lamps").extra[SEARCH], lamps);

    // What an older program did not make is made by the next import, whatever it brings.
    let rows = city.entry("lamps").extra[TILE_ROWS].clone();
    let mut draft = Store::open(&city.store(), false).unwrap().draft().unwrap();
    draft.manifest.layers.get_mut("lamps").unwrap().extra.retain(|key, _| key != SEARCH && key != TILE_ROWS);
    draft.publish().unwrap();
    let run = city.import(&["a.toml"]);
    let extra = city.entry("lamps").extra;
    assert_eq!((run.code, &extra[SEARCH], &extra[TILE_ROWS]), (0, &lamps, &rows), "{run:?}");
}
