//! The attributes of a component: code, organisations, state, dates, and what its layer adds.

use super::classes::{self, Class};
use super::grids::{org_code, urban_bureau};
use super::names::{self, Org, day, person};
use super::pipes::Wells;
use super::plan::Plan;
use super::plan::mesh::Pt;
use super::plan::streets::Class as Road;
use super::rng::Rng;
use super::roads::road_code;
use super::write::Val;
use std::collections::HashMap;

/// Where one component is.
pub struct Site {
    pub at: Pt,
    pub face: u32,
    pub yaw_deg: f64,
    pub edge: Option<u32>,
}

pub struct Census<'a> {
    pub plan: &'a Plan,
    pub wells: &'a Wells,
    /// Serial numbers by (district, class).
    pub serials: HashMap<(String, String), u32>,
    pub telecom: HashMap<u32, String>,
    pub rng: Rng,
    /// Wells used so far, by network.
    pub used: HashMap<&'static str, usize>,
    /// The first cover that nobody owns.
    pub ownerless: Option<String>,
}

/// 无主井盖
const OWNERLESS: &str = "0114";
/// One component in so many still names the body that was there before.
const FORMER_EVERY: u32 = 97;

/// The abolished body that a census may still name instead of this one.
fn former(now: Org) -> Option<Org> {
    match now {
        names::DRAINAGE => Some(names::OLD_MUNICIPAL),
        names::LIGHTING => Some(names::OLD_LIGHTING),
        _ => None,
    }
}

impl Census<'_> {
    /// The code and the serial number in it.
    fn code(&mut self, face: u32, class: &Class) -> (String, u32) {
        let district = self.plan.district6(face).to_string();
        let serial = self.serials.entry((district.clone(), class.code.clone())).or_default();
        *serial += 1;
        (format!("{district}{}{serial:06}", class.code), *serial)
    }

    /// All attributes of a component.
    pub fn row<'v>(&mut self, class: &'v Class, site: &Site) -> Vec<(&'static str, Val<'v>)> {
        let plan = self.plan;
        let (id, serial) = self.code(site.face, class);
        if class.code == OWNERLESS {
            self.ownerless.get_or_insert_with(|| id.clone());
        }
        let face = plan.face(site.face);
        let district = &plan.admin.districts[plan.admin.district_of(plan.community_of(site.face))];
        let rng = &mut self.rng;
        let owner = classes::owner(&class.code, site.face as usize + rng.below(2));
        let maintained = owner.filter(|_| rng.chance(0.93));
        let maintained = maintained.map(|now| former(now).filter(|_| serial % FORMER_EVERY == 5).unwrap_or(now));
        let first = day(rng, 2018, 2025);
        let changed = rng.chance(0.18).then(|| day(rng, 2026, 2026));
        let state = rng.weighted(&[("完好", 965.0), ("破损", 25.0), ("丢失", 4.0), ("废弃", 4.0), ("移除", 2.0)]);
        let mut own = vec![
            ("component_id", Val::Own(id)),
            ("component_name", class.name.as_str().into()),
            ("class_code", class.code.as_str().into()),
            ("supervising_org_code", org_code(&district.code).into()),
            ("supervising_org_name", Val::Own(urban_bureau(district))),
            ("owner_org_code", owner.map(|o| o.0).into()),
            ("owner_org_name", owner.map(|o| o.1).into()),
            ("maintainer_org_code", maintained.map(|o| o.0).into()),
            ("maintainer_org_name", maintained.map(|o| o.1).into()),
            ("responsible_person", person(rng).into()),
            ("unit_grid_code", Val::Own(face.grid_code.clone())),
            ("state", (*state).into()),
            ("init_date", Val::Day(first)),
            ("change_date", changed.map_or(Val::Null, Val::Day)),
            ("data_source", (*rng.weighted(&[("实测", 8.0), ("地形图", 1.5), ("其他", 0.5)])).into()),
            ("accuracy_class", (*rng.weighted(&[("A", 7.0), ("B", 2.5), ("C", 0.5)])).into()),
        ];
        if owner.is_none() && rng.chance(0.5) {
            own.push(("remark", "权属待确认".into()));
        }
        if class.geometry == "point" {
            own.push(("yaw_deg", site.yaw_deg.into()));
        }
        self.own_attributes(class, site, &mut own);
        own
    }

    /// What only this layer's components have.
    fn own_attributes(&mut self, class: &Class, site: &Site, own: &mut Vec<(&'static str, Val<'_>)>) {
        let plan = self.plan;
        let road = site.edge.map(|e| road_code(plan, e));
        let width = site.edge.map_or(Road::Lane, |e| plan.edge(e).class);
        let telecom = self.telecom.get(&site.face).cloned();
        let serial = self.serials.values().len();
        let rng = &mut self.rng;
        let materials = ["球墨铸铁", "球墨铸铁", "复合材料", "钢纤维混凝土"];
        match class.layer.as_str() {
            "cp_manhole_water_drain" => own.extend([
                ("cover_shape", "圆形".into()),
                ("cover_material", (*rng.pick(&materials)).into()),
                ("cover_size_mm", (*rng.pick(&["700", "700", "600", "800"])).into()),
                ("set_location", (*rng.pick(&["车行道", "非机动车道", "人行道", "绿化带"])).into()),
            ]),
            "cp_rain_grate" => {
                own.extend([("cover_material", (*rng.pick(&materials)).into()), ("cover_size_mm", "750x450".into())]);
            }
            "cp_manhole_power_light" | "cp_manhole_heat_gas" => own.extend([
                ("cover_shape", (*rng.pick(&["圆形", "矩形"])).into()),
                ("cover_material", (*rng.pick(&materials)).into()),
            ]),
            "cp_manhole_telecom" => own.extend([
                ("cover_shape", "矩形".into()),
                ("cover_material", (*rng.pick(&materials)).into()),
                ("shared_flag", rng.chance(0.35).into()),
                ("special_duty_area_id", telecom.into()),
            ]),
            "cp_power_telecom_box" => own.extend([
                ("shared_flag", rng.chance(0.2).into()),
                ("special_duty_area_id", if class.code == "0115" { telecom.into() } else { Val::Null }),
            ]),
            "cp_manhole_other" => own.push(("ownerless_flag", (class.code == "0114").into())),
            "cp_utility_device" => {
                own.push(("device_spec", (*rng.pick(&["SS100/65", "SA100", "RX150", "QTZ"])).into()))
            }
            "cp_pole_tower" => own.extend([
                ("pole_height_m", if class.code == "0133" { 32.0 } else { *rng.pick(&[9.0, 10.0, 12.0, 15.0]) }.into()),
                ("shared_flag", rng.chance(0.3).into()),
                ("attached_devices", (*rng.pick(&["监控", "照明", "通信", "监控;照明"])).into()),
            ]),
            "cp_street_light" => {
                let height = match width {
                    Road::Ring | Road::Arterial => 12.0,
                    Road::Secondary => 10.0,
                    Road::Branch => 8.0,
                    _ => 6.0,
                };
                own.extend([
                    ("lamp_no", Val::Own(format!("LD{:06}", serial * 1000 + rng.below(1000)))),
                    ("pole_height_m", if class.code == "0118" { height } else { 0.6 }.into()),
                    ("power_w", (*rng.pick(&[60.0, 90.0, 120.0, 150.0, 250.0])).into()),
                    ("circuit_no", Val::Own(format!("H{:04}", site.face % 1050))),
                    ("transformer_id", Val::Own(format!("LB{:03}", site.face % 218 + 1))),
                ]);
            }
            "cp_camera" => own.extend([
                ("camera_no", Val::Own(format!("SP{:08}", rng.below(100_000_000)))),
                ("mount_height_m", (*rng.pick(&[3.5, 4.5, 6.0, 6.5])).into()),
            ]),
            "cp_street_kiosk" => own.push(("permit_no", Val::Own(format!("汴城占许{:05}", rng.below(100_000))))),
            "cp_traffic_sign_signal" | "cp_traffic_barrier" => own.push(("road_code", road.into())),
            "cp_transit_parking" => {
                let stop = site.edge.map(|e| format!("{}站", plan.street_name(e)));
                own.extend([
                    ("stop_name", stop.into()),
                    ("route_names", Val::Own(format!("{}路;{}路", 1 + rng.below(60), 61 + rng.below(40)))),
                ]);
            }
            "cp_sanitation" => own.extend([
                ("facility_grade", (*rng.pick(&["一类", "二类", "三类"])).into()),
                ("open_hours", if class.code == "0301" { "05:30-23:00".into() } else { Val::Null }),
            ]),
            "cp_advertising" => own.extend([
                ("permit_no", Val::Own(format!("汴城广许{:06}", rng.below(1_000_000)))),
                ("permit_expire", Val::Day(day(rng, 2026, 2028))),
                ("size_m", (*rng.pick(&["3.0x1.2", "6.0x1.5", "8.0x2.0", "2.0x1.0"])).into()),
            ]),
            "cp_tree" => own.extend([
                ("species", (*rng.pick(&["悬铃木", "国槐", "白蜡", "女贞", "栾树", "银杏", "毛白杨", "垂柳"])).into()),
                ("trunk_diameter_cm", rng.between(8.0, if class.code == "0401" { 120.0 } else { 42.0 }).round().into()),
                (
                    "protect_grade",
                    if class.code == "0401" {
                        (*rng.pick(&["一级", "二级", "三级", "名木"])).into()
                    } else {
                        Val::Null
                    },
                ),
            ]),
            "cp_extension" => own.push(("ext_attributes", Val::Own(format!("{{\"批次\":{}}}", 1 + rng.below(4))))),
            _ => {}
        }
    }
}
