//! Coordinate systems, one CSV row each: vectors, datums, wrong zones.

use super::deliveries::cs2cs;
use super::*;

/// crs.md §1.2, within 1 mm.
#[test]
fn test_vectors_of_the_city_crss() {
    let vectors: &[(f64, f64, u32, f64, f64)] = &[
        (114.3, 34.8, 4547, 527452.964, 3852446.171),
        (114.3, 34.8, 4526, 38527452.964, 3852446.171),
        (114.3, 34.8, 4509, 252891.583, 3855729.508),
        (114.3, 34.8, 3857, 12723817.798, 4136735.049),
        (113.9, 34.4, 4547, 490805.048, 3808036.378),
        (113.9, 34.4, 4508, 766695.068, 3811846.932),
        (113.9, 34.4, 4509, 214905.842, 3812391.710),
        (115.0, 34.85, 4547, 591456.071, 3858408.110),
        (120.3, 31.57, 4549, 528479.501, 3494211.755),
        (120.3, 31.57, 4528, 40528479.501, 3494211.755),
        (106.57, 29.6, 4545, 361467.231, 3276627.787),
        (106.57, 29.6, 4544, 652097.091, 3276803.233),
        (120.65, 27.78, 4549, 564065.375, 3074231.235),
    ];
    for (lon, lat, code, e, n) in vectors {
        let got = one_point(epsg(&format!("EPSG:{code}")), *e, *n);
        let [x, y] = first_vertex(&got.records[0]);
        let metres = ((x - lon) * lat.to_radians().cos()).hypot(y - lat) * 111_320.0;
        assert!(metres < 0.001, "EPSG:{code}: {metres} m, {:?}", got.records[0].geometry);
        // Northing first, as surveyors write, is the same place.
        let ne = one_point(CrsSpec { axis: Some(Axis::Ne), ..epsg(&format!("EPSG:{code}")) }, *n, *e);
        assert_eq!(first_vertex(&ne.records[0]), [x, y]);
    }
}

#[test]
fn datums_need_a_real_operation() {
    let local = "+proj=tmerc +lat_0=0 +lon_0=114.3333 +k=1 +x_0=500000 +y_0=0 +ellps=krass +units=m";
    for refused in ["EPSG:2384", "EPSG:2343", "EPSG:2436", "EPSG:4555", "EPSG:4610", "EPSG:4214", local] {
        let degrees = ["EPSG:4555", "EPSG:4610", "EPSG:4214"].contains(&refused);
        let (x, y) = if degrees { (114.3, 34.8) } else { (500000.0, 3850000.0) };
        let got = one_point(epsg(refused), x, y);
        assert_eq!(failed(&got), "ballpark-refused", "{refused}: {:?}", got.records);
        assert!(got.failed.unwrap().what.contains("helmert"), "says what to do");
    }
    for unknown in ["EPSG:10169", "EPSG:999999", "nonsense", "EPSG:4479", "EPSG:5737"] {
        assert_eq!(failed(&one_point(epsg(unknown), 1.0, 1.0)), "unknown-crs", "{unknown}");
    }
    assert_eq!(failed(&one_point(CrsSpec::default(), 1.0, 1.0)), "unknown-crs");
    // DHDN: PROJ straight to 4490 would be a ballpark 130 m off; by way of 4326 it is a real operation.
    let dhdn = one_point(epsg("EPSG:31467"), 3_420_000.0, 5_370_000.0);
    assert!(dhdn.opened.operation.contains("DHDN to"), "{}", dhdn.opened.operation);
    if let Some([lat, lon]) = cs2cs("EPSG:31467", "5370000", "3420000") {
        let [x, y] = first_vertex(&dhdn.records[0]);
        assert!((x - lon).abs() < 1e-4 && (y - lat).abs() < 1e-4, "{x} {y} against {lon} {lat}");
    }
}

#[test]
fn declared_parameters_are_used() {
    // All zero: the same ellipsoid and place, so only the ellipsoid's shape changes.
    let local = "+proj=tmerc +lat_0=0 +lon_0=114 +k=1 +x_0=500000 +y_0=0 +a=6378137 +rf=298.257222101 +units=m";
    let zero = CrsSpec { helmert: Some([0.0; 7]), ..epsg(local) };
    let got = one_point(zero, 527452.964, 3852446.171);
    let [x, y] = first_vertex(&got.records[0]);
    assert!((x - 114.3).abs() < 1e-8 && (y - 34.8).abs() < 1e-8, "{x} {y}");
    // Moving the origin by 100 m along the Earth's x axis moves this place by 100 m · sin(longitude) to the west.
    let shifted = CrsSpec { helmert: Some([100.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]), ..epsg(local) };
    let [x2, _] = first_vertex(&one_point(shifted, 527452.964, 3852446.171).records[0]);
    let east = (x2 - x) * 111_320.0 * 34.8f64.to_radians().cos();
    let expected = -100.0 * 114.3f64.to_radians().sin();
    assert!((east - expected).abs() < 0.5, "{east} against {expected}");
    let pipeline = "+proj=pipeline +step +inv +proj=tmerc +lon_0=114 +x_0=500000 +ellps=GRS80 \
                    +step +proj=unitconvert +xy_in=rad +xy_out=deg";
    let by_pipeline = CrsSpec { operation: Some(pipeline.into()), ..epsg(local) };
    let [x3, y3] = first_vertex(&one_point(by_pipeline, 527452.964, 3852446.171).records[0]);
    assert!((x3 - 114.3).abs() < 1e-8 && (y3 - 34.8).abs() < 1e-8, "{x3} {y3}");
    let nonsense = CrsSpec { operation: Some("+proj=nothing".into()), ..epsg(local) };
    assert_eq!(failed(&one_point(nonsense, 1.0, 1.0)), "bad-operation");
}

#[test]
fn a_wrong_zone_is_told_with_the_right_one() {
    let cases: &[(&str, f64, f64, &str)] = &[
        ("EPSG:4547", 38527452.964, 3852446.171, "EPSG:4526"),
        ("EPSG:4526", 527452.964, 3852446.171, "EPSG:4547"),
        ("EPSG:4526", 39527452.964, 3852446.171, "EPSG:4527"),
        ("EPSG:4547", 3852446.171, 527452.964, "northing first"),
        ("EPSG:4490", 38527452.964, 3852446.171, "EPSG:4526"),
        ("EPSG:4547", 114.3, 34.8, "EPSG:4490"),
    ];
    for (crs, x, y, hint) in cases {
        let got = one_point(epsg(crs), *x, *y);
        let what = got.failed.as_ref().map(|f| f.what.clone()).unwrap_or_default();
        assert!(failed(&got) == "wrong-crs" && what.contains(hint), "{crs} {x}: {what}");
    }
    // One zone beside: plausible numbers, so it is a finding.
    let beside = one_point(epsg("EPSG:4547"), 252891.583, 3855729.508);
    assert!(beside.done.unwrap().findings[0].contains("check the zone"));
}
