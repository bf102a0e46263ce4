//! Sensors with their last values: GeoJSON in longitude and latitude, as an IoT platform exports them; the many small ones
//! as GeoJSON text sequence.

use super::components::lamp_code;
use super::delivery::{Deliveries, Delivery, Place, Rows};
use super::names::{self, Org, day, moment};
use super::plan::Plan;
use super::plan::block::point_in;
use super::plan::layout::{Use, Zone};
use super::rng::Rng;
use super::write::{Family, Format, Shape, Val};
use crate::error::Result;

struct Kind {
    layer: &'static str,
    file: &'static str,
    device: &'static str,
    metrics: &'static str,
    unit: &'static str,
    owner: Org,
    /// The last value lies between these.
    range: (f64, f64),
}

#[rustfmt::skip]
const KINDS: &[Kind] = &[
    Kind { layer: "iot_heat_station", file: "换热站.geojson", device: "换热机组", metrics: "供水温度,回水温度,供水压力,回水压力", unit: "°C", owner: names::HEAT, range: (78.0, 96.0) },
    Kind { layer: "iot_temp_pressure", file: "温度压力.geojson", device: "温压变送器", metrics: "温度,压力", unit: "MPa", owner: names::HEAT, range: (0.3, 0.9) },
    Kind { layer: "iot_water_outlet", file: "供水出水口.geojson", device: "出厂水监测站", metrics: "流量,压力,浊度,余氯", unit: "m3/h", owner: names::WATER, range: (1500.0, 6200.0) },
    Kind { layer: "iot_water_quality_flow", file: "水质流量.geojson", device: "水质监测仪", metrics: "流量,pH,浊度,余氯", unit: "m3/h", owner: names::WATER, range: (20.0, 900.0) },
    Kind { layer: "iot_restaurant_fume", file: "餐饮油烟.geojson", device: "油烟监测仪", metrics: "油烟浓度", unit: "mg/m3", owner: names::ECOLOGY, range: (0.2, 2.4) },
    Kind { layer: "iot_site_dust", file: "工地扬尘.geojson", device: "扬尘噪声监测仪", metrics: "PM2.5,PM10,噪声,风速", unit: "ug/m3", owner: names::HOUSING, range: (30.0, 180.0) },
    Kind { layer: "iot_pump_level", file: "泵站水位.geojson", device: "超声波液位计", metrics: "液位", unit: "m", owner: names::DRAINAGE, range: (0.8, 4.6) },
    Kind { layer: "iot_light_transformer", file: "路灯变压器.geojson", device: "智能配电监控终端", metrics: "电压,电流,开关", unit: "A", owner: names::LIGHTING, range: (12.0, 140.0) },
    Kind { layer: "iot_septic_gas", file: "化粪池气体.geojson", device: "气体监测仪", metrics: "甲烷,硫化氢,液位,温度", unit: "%LEL", owner: names::SANITATION, range: (0.0, 18.0) },
    Kind { layer: "iot_structure_health", file: "桥隧坡结构.geojson", device: "结构健康监测仪", metrics: "应变,裂缝,倾角,沉降", unit: "ue", owner: names::BRIDGES, range: (-120.0, 160.0) },
    Kind { layer: "iot_other_sensor", file: "其他感知.geojsonl", device: "单灯控制器", metrics: "开关,功率", unit: "W", owner: names::LIGHTING, range: (0.0, 150.0) },
];

pub fn write(all: &mut Deliveries) -> Result<()> {
    let mut d = Delivery::new("iot", "物联感知", "Export of the IoT platform, 2026-10-31");
    let plan = all.plan;
    for kind in KINDS {
        let format = if kind.file.ends_with('l') { Format::GeoJsonSeq } else { Format::GeoJson };
        let place = Place::new(kind.file, format, Family::Point);
        all.file(&mut d, kind.layer, place, |rows| sensors(plan, kind, rows))?;
    }
    d.close(&all.out)
}

fn sensors(plan: &Plan, kind: &Kind, rows: &mut Rows) -> Result<()> {
    let mut rng = Rng::of(plan.seed, kind.layer, 0);
    let weight = |f: &super::plan::Face| match (kind.layer, f.kind, f.zone) {
        (_, Use::Lake, _) => 0.0,
        ("iot_restaurant_fume", Use::Built, Zone::OldTown) => 3.0,
        ("iot_site_dust", Use::Built, Zone::NewTown) => 3.0,
        (_, Use::Built, _) => 1.0,
        _ => 0.2,
    };
    let mut k = 0;
    for (f, n) in plan.allot(plan.count(kind.layer), &plan.grids, weight) {
        let ring = if n > 0 { plan.ring(f) } else { vec![] };
        for _ in 0..n {
            k += 1;
            let at = point_in(&ring, &mut rng);
            let value = (rng.between(kind.range.0, kind.range.1) * 100.0).round() / 100.0;
            let online = rng.chance(0.94);
            let street = plan.street_name(plan.face(f).ring[0].0);
            let mut own = vec![
                ("sensor_id", Val::Own(format!("{}-{k:06}", sensor_prefix(kind.layer)))),
                ("station_name", Val::Own(format!("{street}{k}号{}", kind.device))),
                ("device_type", kind.device.into()),
                ("metrics", kind.metrics.into()),
                ("unit", kind.unit.into()),
                ("last_value", value.into()),
                ("last_time", if online { moment(&mut rng).into() } else { Val::Null }),
                ("alarm_level", Val::Int(*rng.weighted(&[(0, 93.0), (1, 4.0), (2, 2.0), (3, 0.8), (4, 0.2)]))),
                ("online", online.into()),
                ("owner_org_name", kind.owner.1.into()),
                ("maintainer_org_name", kind.owner.1.into()),
                ("unit_grid_code", Val::Own(plan.face(f).grid_code.clone())),
                ("install_date", Val::Day(day(&mut rng, 2019, 2025))),
            ];
            readings(plan, kind, f, k, value, &mut rng, &mut own);
            rows.put(Shape::Point(at), &own)?;
        }
    }
    Ok(())
}

fn sensor_prefix(layer: &str) -> String {
    layer.trim_start_matches("iot_").split('_').map(|w| w[..1].to_uppercase()).collect()
}

fn readings<'a>(
    plan: &Plan,
    kind: &Kind,
    face: u32,
    k: usize,
    value: f64,
    rng: &mut Rng,
    own: &mut Vec<(&'a str, Val<'a>)>,
) {
    let mut some = |low: f64, high: f64| Val::from((rng.between(low, high) * 100.0).round() / 100.0);
    match kind.layer {
        "iot_heat_station" => own.extend([
            ("supply_temp_c", value.into()),
            ("return_temp_c", some(42.0, 58.0)),
            ("supply_pressure_mpa", some(0.5, 0.9)),
            ("return_pressure_mpa", some(0.2, 0.4)),
        ]),
        "iot_temp_pressure" => own.extend([("temp_c", some(45.0, 95.0)), ("pressure_mpa", value.into())]),
        "iot_water_outlet" => own.extend([
            ("flow_m3h", value.into()),
            ("pressure_mpa", some(0.32, 0.42)),
            ("turbidity_ntu", some(0.1, 0.5)),
            ("chlorine_mgl", some(0.4, 0.8)),
        ]),
        "iot_water_quality_flow" => own.extend([
            ("flow_m3h", value.into()),
            ("ph", some(7.0, 8.2)),
            ("turbidity_ntu", some(0.1, 0.9)),
            ("chlorine_mgl", some(0.1, 0.6)),
        ]),
        "iot_restaurant_fume" => own.extend([
            ("enterprise_name", Val::Own(format!("第{k}重点餐饮企业"))),
            ("fume_mgm3", value.into()),
            ("purifier_on", (!k.is_multiple_of(11)).into()),
            ("fan_on", (!k.is_multiple_of(7)).into()),
        ]),
        "iot_site_dust" => own.extend([
            ("site_id", Val::Own(format!("GD{:04}", k))),
            ("pm25_ugm3", some(20.0, 110.0)),
            ("pm10_ugm3", value.into()),
            ("noise_db", some(48.0, 78.0)),
            ("wind_ms", some(0.2, 6.0)),
        ]),
        "iot_pump_level" => own.extend([
            ("station_id", Val::Own(format!("CZ{:04}", 288 + k))),
            ("level_m", value.into()),
            ("alarm_level_m", 4.2.into()),
            ("pump_on_count", (k % 4).into()),
        ]),
        "iot_light_transformer" => own.extend([
            ("circuit_no", Val::Own(format!("H{:04}", face % 1050))),
            ("voltage_v", some(218.0, 238.0)),
            ("current_a", value.into()),
            ("switch_state", if k.is_multiple_of(5) { "分" } else { "合" }.into()),
        ]),
        "iot_septic_gas" => own.extend([
            ("tank_id", Val::Own(format!("HF{k:05}"))),
            ("ch4_pct_lel", value.into()),
            ("h2s_ppm", some(0.0, 9.0)),
            ("level_m", some(0.4, 1.9)),
            ("temp_c", some(12.0, 24.0)),
        ]),
        "iot_structure_health" => own.extend([
            ("structure_id", Val::Own(format!("QL{:04}", k % 183 + 1))),
            ("strain_ue", value.into()),
            ("crack_mm", some(0.0, 0.3)),
            ("tilt_deg", some(-0.1, 0.1)),
            ("settlement_mm", some(-3.0, 1.0)),
        ]),
        _ => own.push(("parent_component_id", lamp_code(plan, face, k).into())),
    }
}
