//! Imports and what is searched: a layer's index is made with it and stays while it stays; one that is missing is made.

use crate::delivery::City;
use chengtu::store::{Found, SEARCH, SEEDS, SeedsWriter, Sought, Store, TILE_ROWS};

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
    let whole = city.entry("lamps").extra;
    let made_later = [SEARCH, TILE_ROWS, SEEDS];
    let mut draft = Store::open(&city.store(), false).unwrap().draft().unwrap();
    draft.manifest.layers.get_mut("lamps").unwrap().extra.retain(|key, _| !made_later.contains(&key.as_str()));
    draft.publish().unwrap();
    let run = city.import(&["a.toml"]);
    assert_eq!((run.code, city.entry("lamps").extra), (0, whole.clone()), "{run:?}");
    assert!(made_later.iter().all(|key| whole.contains_key(*key)));

    // And what it drew otherwise is drawn anew.
    let mut draft = Store::open(&city.store(), false).unwrap().draft().unwrap();
    let mut writer = SeedsWriter::new(draft.staging(), "lamps").unwrap();
    writer.begin(16, [7; 16]);
    let seeds = draft.add_file(&writer.seal().unwrap()).unwrap();
    draft.manifest.layers.get_mut("lamps").unwrap().extra.insert(SEEDS.to_string(), seeds);
    draft.publish().unwrap();
    assert_eq!((city.import(&["a.toml"]).code, city.entry("lamps").extra), (0, whole));
}
