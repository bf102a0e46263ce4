//! How many features each layer of the full-size city holds, and how many at a scale. Proposed figures for a city of
//! about 150 km² (a measured total where one is public), not a census.

/// Layer id and features at scale 1. Components' counts are the sums of their classes' weights.
pub const FULL: &[(&str, u32)] = &[
    ("bm_control_point", 3_200),
    ("bm_water_line", 5_400),
    ("bm_water_area", 2_100),
    ("bm_building_footprint", 186_000),
    ("bm_structure_line", 420_000),
    ("bm_road_centerline", 24_500),
    ("bm_road_surface", 31_000),
    ("bm_road_facility", 148_000),
    ("bm_railway", 620),
    ("bm_surface_pipeline", 58_000),
    ("bm_admin_boundary", 3_200),
    ("bm_elevation_point", 365_000),
    ("bm_landform_line", 42_000),
    ("bm_vegetation_area", 96_000),
    ("bm_place_name", 48_000),
    ("cp_manhole_water_drain", 114_100),
    ("cp_rain_grate", 62_000),
    ("cp_manhole_power_light", 27_000),
    ("cp_manhole_telecom", 54_300),
    ("cp_manhole_heat_gas", 16_260),
    ("cp_manhole_other", 7_550),
    ("cp_utility_device", 9_700),
    ("cp_pole_tower", 47_460),
    ("cp_street_light", 69_800),
    ("cp_power_telecom_box", 22_200),
    ("cp_camera", 12_800),
    ("cp_street_kiosk", 5_460),
    ("cp_traffic_sign_signal", 24_805),
    ("cp_traffic_barrier", 6_846),
    ("cp_transit_parking", 2_570),
    ("cp_bridge_passage_parking", 1_533),
    ("cp_sanitation", 17_620),
    ("cp_advertising", 50_300),
    ("cp_tree", 152_980),
    ("cp_green_area", 7_400),
    ("cp_garden_facility", 18_150),
    ("cp_house_land", 3_300),
    ("cp_other_facility", 1_602),
    ("cp_extension", 44_264),
    ("pl_water", 57_500),
    ("pl_reclaimed", 3_100),
    ("pl_storm", 96_000),
    ("pl_sewage", 47_500),
    ("pl_combined", 5_600),
    ("pl_gas", 41_500),
    ("pl_heat", 16_400),
    ("pl_power", 21_000),
    ("pl_light_signal", 33_000),
    ("pl_telecom", 58_000),
    ("pl_industry", 600),
    ("pl_unknown", 2_100),
    ("pl_utility_tunnel", 420),
    ("pn_water", 60_500),
    ("pn_drain", 153_000),
    ("pn_gas", 41_000),
    ("pn_heat", 16_000),
    ("pn_power_telecom", 112_000),
    ("pf_plant_station", 372),
    ("pf_septic_outfall", 2_240),
    ("gr_district", 10),
    ("gr_street", 124),
    ("gr_community", 2_528),
    ("gr_base_grid", 6_800),
    ("gr_unit_grid", 15_200),
    ("gr_duty_grid", 120),
    ("gr_special_duty", 640),
    ("gr_evaluation_grid", 310),
    ("cim1_terrain", 2_600),
    ("cim2_building", 186_000),
    ("cim3_building", 61_000),
    ("cim4_building", 3_200),
    ("cim5_building_bim", 180),
    ("cim6_building_bim", 40),
    ("cim_photogrammetry", 5_200),
    ("cim_bridge", 183),
    ("cim_tunnel", 14),
    ("cim_underground_space", 420),
    ("iot_heat_station", 281),
    ("iot_temp_pressure", 481),
    ("iot_water_outlet", 7),
    ("iot_water_quality_flow", 138),
    ("iot_restaurant_fume", 181),
    ("iot_site_dust", 160),
    ("iot_pump_level", 46),
    ("iot_light_transformer", 218),
    ("iot_septic_gas", 1_581),
    ("iot_structure_health", 620),
    ("iot_other_sensor", 16_500),
    ("op_sanitation_route", 2_600),
    ("op_muck_truck_route", 340),
    ("op_camera_video", 8_200),
    ("op_patrol_area", 230),
    ("op_construction_site", 260),
    ("op_outdoor_ad", 9_800),
    ("op_case_point", 300_000),
    ("cv_service_point", 20_000),
    ("cv_qr_sign", 2_000),
];

/// Layers that are complete at any scale: the administrative divisions of the whole prefecture.
const COMPLETE: &[&str] = &["gr_district", "gr_street", "gr_community"];

/// The least any layer holds, so that every layer can be seen in the smallest city.
const LEAST: usize = 3;

pub fn at_scale(full: u32, scale: f64) -> usize {
    ((f64::from(full) * scale).round() as usize).max(LEAST.min(full as usize))
}

/// Features of `layer` at `scale`; 0 for a layer the city does not know.
pub fn count(layer: &str, scale: f64) -> usize {
    let Some((_, full)) = FULL.iter().find(|(id, _)| *id == layer) else { return 0 };
    if COMPLETE.contains(&layer) { *full as usize } else { at_scale(*full, scale) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ninety_seven_layers_of_three_and_a_half_million_features() {
        assert_eq!(FULL.len(), 97);
        let all: u32 = FULL.iter().map(|(_, n)| n).sum();
        assert!((3_600_000..3_700_000).contains(&all), "{all}");
        let components: u32 = FULL.iter().filter(|(id, _)| id.starts_with("cp_")).map(|(_, n)| n).sum();
        assert_eq!(components, 780_000);
        assert_eq!(count("gr_street", 0.001), 124);
        assert_eq!(count("cim6_building_bim", 0.001), 3);
        assert_eq!(count("cp_tree", 0.5), 76_490);
    }
}
