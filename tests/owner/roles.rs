//! What roles that see a layer in part, or some fields of it, are told by `/owner`.

use super::common::web::{Answer, get, send};
use super::town::{at, town};
use axum::Router;
use axum::http::Method;
use chengtu::serve::{App, Declared, Options};
use serde_json::{Value, json};

const CODE: &str = "4102020101000001";
const HIDDEN: [&str; 4] = [CODE, "410202001001001", "西社区", "0101\""];

/// The town for everybody, as this role sees it.
fn seen(dir: &std::path::Path, role: &str) -> Router {
    let text = format!("anonymous = \"reader\"\n[roles.reader]\nclearance = \"restricted\"\n{role}");
    let access: Declared = toml::from_str(&text).unwrap();
    App::open(&Options { access: Some(access), ..Options::new(dir.to_path_buf()) }).unwrap().router()
}

fn asked(x: f64, y: f64) -> String {
    let [lon, lat] = at(x, y);
    format!("lon={lon}&lat={lat}&component={CODE}")
}

#[tokio::test]
async fn fields_that_a_role_does_not_see_are_in_no_answer() {
    let city = town();
    let whole = get(&seen(&city.store(), ""), &format!("/owner?{}", asked(0.5, 0.5))).await;
    assert!(whole.json()["trail"].is_array() && HIDDEN.iter().all(|h| whole.text().contains(h)), "{}", whole.text());
    let denied = "[roles.reader.fields]\ncp_manhole_water_drain.deny = [\"component_id\", \"class_code\"]\n\
        gr_unit_grid.deny = [\"unit_grid_code\"]\ngr_community.deny = [\"name_zh\"]\n";
    let r = seen(&city.store(), denied);
    let one = get(&r, &format!("/owner?{}", asked(0.5, 0.5))).await;
    let v = one.json();
    assert_eq!((&v["subject"]["id"], &v["trail"]), (&json!("W1"), &Value::Null));
    assert_eq!((&v["component"]["layer"], &v["component"]["code"]), (&json!("cp_manhole_water_drain"), &Value::Null));
    assert_eq!(v["territory"]["community"]["code"], "410202001001");
    let [lon, lat] = at(0.5, 0.5);
    let table = format!("lon,lat,class\n{lon},{lat},cjt214-2007:component:0101\n");
    let form = [("content-type", "text/csv")];
    let flat: Answer = send(&r, Method::POST, "/owner?trail=true", &form, table).await;
    assert!(flat.text().contains("W1") && flat.text().contains("nearest"), "{}", flat.text());
    for (hidden, text) in HIDDEN.iter().flat_map(|h| [(h, one.text()), (h, flat.text())]) {
        assert!(!text.contains(hidden), "{hidden} in {text}");
    }
    assert!(!flat.text().contains(",0101,"), "{}", flat.text());
    assert_eq!(get(&r, "/owner/bodies").await.json()["bodies"], json!([]), "they are for who sees a trail");
}

/// A flag that says how far a component is says where it is.
#[tokio::test]
async fn flags_of_hidden_components_and_borders_are_not_told() {
    let city = town();
    let flags = |r: Router| async move {
        let far = get(&r, &format!("/owner?{}&class=cjt214-2007:component:0203", asked(0.999, 1.9))).await;
        far.json()["flags"].as_array().unwrap().iter().map(|f| f.as_str().unwrap().to_string()).collect::<Vec<_>>()
    };
    let all = flags(seen(&city.store(), "")).await;
    assert_eq!(all, ["FAR_FROM_COMPONENT", "CLASS_MISMATCH", "NEAR_BORDER"]);
    let hidden = "deny = [\"cp_manhole_water_drain\", \"gr_unit_grid\"]\n";
    assert_eq!(flags(seen(&city.store(), hidden)).await, [""; 0]);
    let elsewhere =
        "[[roles.reader.rows]]\nlayers = [\"cp_manhole_water_drain\"]\nfield = \"owner_org_code\"\nvalues = [\"X9\"]\n";
    assert_eq!(flags(seen(&city.store(), elsewhere)).await, ["NEAR_BORDER"]);
}
