//! The shipped catalog is whole and is exactly what the project promises; a broken catalog says everything that
//! is wrong with it at once.

use chengtu::layer::Catalog;
use std::path::Path;

/// theme → the layers a city-management centre is promised.
const PROMISED: &[(&str, &[&str])] = &[
    (
        "basemap",
        &[
            "bm_control_point",
            "bm_water_line",
            "bm_water_area",
            "bm_building_footprint",
            "bm_structure_line",
            "bm_road_centerline",
            "bm_road_surface",
            "bm_road_facility",
            "bm_railway",
            "bm_surface_pipeline",
            "bm_admin_boundary",
            "bm_elevation_point",
            "bm_landform_line",
            "bm_vegetation_area",
            "bm_place_name",
        ],
    ),
    (
        "components",
        &[
            "cp_manhole_water_drain",
            "cp_rain_grate",
            "cp_manhole_power_light",
            "cp_manhole_telecom",
            "cp_manhole_heat_gas",
            "cp_manhole_other",
            "cp_utility_device",
            "cp_pole_tower",
            "cp_street_light",
            "cp_power_telecom_box",
            "cp_camera",
            "cp_street_kiosk",
            "cp_traffic_sign_signal",
            "cp_traffic_barrier",
            "cp_transit_parking",
            "cp_bridge_passage_parking",
            "cp_sanitation",
            "cp_advertising",
            "cp_tree",
            "cp_green_area",
            "cp_garden_facility",
            "cp_house_land",
            "cp_other_facility",
            "cp_extension",
        ],
    ),
    (
        "pipes",
        &[
            "pl_water",
            "pl_reclaimed",
            "pl_storm",
            "pl_sewage",
            "pl_combined",
            "pl_gas",
            "pl_heat",
            "pl_power",
            "pl_light_signal",
            "pl_telecom",
            "pl_industry",
            "pl_unknown",
            "pl_utility_tunnel",
            "pn_water",
            "pn_drain",
            "pn_gas",
            "pn_heat",
            "pn_power_telecom",
            "pf_plant_station",
            "pf_septic_outfall",
        ],
    ),
    (
        "grids",
        &[
            "gr_district",
            "gr_street",
            "gr_community",
            "gr_base_grid",
            "gr_unit_grid",
            "gr_duty_grid",
            "gr_special_duty",
            "gr_evaluation_grid",
        ],
    ),
    (
        "cim",
        &[
            "cim1_terrain",
            "cim2_building",
            "cim3_building",
            "cim4_building",
            "cim5_building_bim",
            "cim6_building_bim",
            "cim_photogrammetry",
            "cim_bridge",
            "cim_tunnel",
            "cim_underground_space",
        ],
    ),
    (
        "iot",
        &[
            "iot_heat_station",
            "iot_temp_pressure",
            "iot_water_outlet",
            "iot_water_quality_flow",
            "iot_restaurant_fume",
            "iot_site_dust",
            "iot_pump_level",
            "iot_light_transformer",
            "iot_septic_gas",
            "iot_structure_health",
            "iot_other_sensor",
        ],
    ),
    (
        "operations",
        &[
            "op_sanitation_route",
            "op_muck_truck_route",
            "op_camera_video",
            "op_patrol_area",
            "op_construction_site",
            "op_outdoor_ad",
            "op_case_point",
        ],
    ),
    ("convenience", &["cv_service_point", "cv_qr_sign"]),
];

fn shipped() -> Catalog {
    Catalog::shipped().unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn the_shipped_catalog_is_the_promised_97_layers() {
    let catalog = shipped();
    let mut promised: Vec<_> = PROMISED.iter().flat_map(|(t, ids)| ids.iter().map(move |id| (*id, *t))).collect();
    promised.sort_unstable();
    let there: Vec<_> = catalog.iter().map(|(_, l)| (l.id.as_str(), l.theme.as_str())).collect();
    assert_eq!(there, promised);
    assert_eq!(catalog.len(), 97);
}

#[test]
fn the_folder_and_the_binary_hold_the_same_catalog() {
    let folder = Catalog::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("layers")).unwrap();
    assert_eq!(folder.digest(), shipped().digest());
}
