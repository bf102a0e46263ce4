//! The synthetic city that `chengtu sample` writes: raw deliveries as a survey company would hand them over, with
//! their manifests. A believable Kaifeng, deterministic for a seed; no part of serving, and no real survey.

mod admin;
mod basemap;
mod bodies;
mod census;
mod cim;
mod cityfile;
mod classes;
mod components;
mod counts;
mod delivery;
mod dem;
mod faults;
mod grids;
mod house;
mod iot;
mod names;
mod network;
mod operations;
mod pack;
mod pipes;
mod plan;
mod register;
mod relief;
mod rng;
mod roads;
mod sheet;
mod waters;
mod write;
mod write_raster;

use crate::error::{Error, Result};
use crate::layer::Catalog;
use delivery::Deliveries;
use plan::Plan;
use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

pub use counts::count;
pub use delivery::Expected;
pub use faults::Refused;

#[derive(Debug, Clone)]
pub struct SampleOptions {
    /// The folder for deliveries and manifests; made where missing, existing deliveries in it are replaced.
    pub out: PathBuf,
    /// 1.0 is the full city of 3.6 million features; the core's area and all counts go with it.
    pub scale: f64,
    pub seed: u64,
}

/// What was written.
#[derive(Debug, Clone)]
pub struct Summary {
    /// Good features by layer: what an import stores.
    pub counts: BTreeMap<String, u64>,
    /// Per source, what its import has to report.
    pub expected: BTreeMap<String, Expected>,
    /// Rows of the register's tables, as the import reports them.
    pub register: BTreeMap<String, u64>,
    /// Whole deliveries that must be refused.
    pub refused: Vec<Refused>,
    /// Fields the city would fill and the catalog does not have.
    pub unknown_fields: Vec<String>,
}

/// Writes the city's deliveries. `progress` hears a layer and how many of its features are written.
///
/// # Errors
/// `Config` for a scale outside 0.001 ..= 4 or a catalog without the city's layers, `Io` where files cannot be written.
pub fn write_city(options: &SampleOptions, catalog: &Catalog, progress: &mut dyn FnMut(&str, u64)) -> Result<Summary> {
    if !(0.001..=4.0).contains(&options.scale) {
        return Err(Error::config("--scale", 0, format!("{} is not between 0.001 and 4", options.scale)));
    }
    std::fs::create_dir_all(&options.out).map_err(|e| Error::io(&options.out, e))?;
    for folder in FOLDERS {
        let folder = options.out.join(folder);
        if folder.exists() {
            std::fs::remove_dir_all(&folder).map_err(|e| Error::io(&folder, e))?;
        }
    }
    write::pin_the_clock()?;
    let plan = Plan::new(options.seed, options.scale)?;
    let mut all = Deliveries {
        plan: &plan,
        catalog,
        out: options.out.clone(),
        counts: BTreeMap::new(),
        expected: BTreeMap::new(),
        unknown: HashSet::new(),
        progress,
    };
    grids::write(&mut all)?;
    basemap::write(&mut all)?;
    let wells = pipes::write(&mut all)?;
    let ownerless = components::write(&mut all, &wells)?;
    drop(wells);
    cim::write(&mut all)?;
    iot::write(&mut all)?;
    operations::write(&mut all)?;
    let register = register::write(&plan, &options.out, ownerless.as_deref())?;
    let mut unknown_fields: Vec<String> = all.unknown.into_iter().collect();
    unknown_fields.sort();
    let refused = faults::write(&plan, &options.out)?;
    let summary = Summary { counts: all.counts, expected: all.expected, register, refused, unknown_fields };
    write_expected(options, &summary)?;
    Ok(summary)
}

const FOLDERS: &[&str] = &[
    "网格",
    "基础地形图",
    "管线",
    "部件",
    "城市信息模型",
    "物联感知",
    "运行管理",
    "便民服务",
    register::FOLDER,
    "faults",
];

/// `faults.json`: the planted faults of each source, for whoever checks an import report.
fn write_expected(options: &SampleOptions, summary: &Summary) -> Result<()> {
    let path = options.out.join("faults.json");
    let json = serde_json::json!({
        "scale": options.scale,
        "seed": options.seed,
        "layers": summary.counts,
        "sources": summary.expected,
        "register": summary.register,
        "refused": summary.refused,
    });
    let text = serde_json::to_string_pretty(&json).map_err(|e| Error::Data(e.to_string()))?;
    std::fs::write(&path, text).map_err(|e| Error::io(&path, e))
}

#[cfg(test)]
mod tests {
    use super::network::{Role, Spec, grow};
    use super::plan::Plan;
    use super::plan::block::is_simple;
    use super::plan::corridor::carriageway;
    use super::plan::dissolve::{area_m2, dissolve};
    use super::plan::mesh::{area, inside};
    use std::collections::{HashMap, HashSet};

    fn plan() -> Plan {
        Plan::new(7, 0.004).unwrap()
    }

    #[test]
    fn unit_grids_tile_the_core_exactly() {
        let plan = plan();
        assert_eq!(plan.grids.len(), plan.count("gr_unit_grid"));
        let whole = dissolve(&plan, &plan.grids);
        assert_eq!((whole.len(), whole[0].len()), (1, 1), "one core without holes");
        let sum: f64 = plan.grids.iter().map(|&f| plan.face(f).area_m2).sum();
        assert!((area_m2(&whole) - sum).abs() < 1e-4, "{} {sum}", area_m2(&whole));
        let mut sides: HashMap<[u64; 4], i32> = HashMap::new();
        for &f in &plan.grids {
            let ring = plan.ring(f);
            assert!(area(&ring) > 500.0 && is_simple(&ring), "grid {f}");
            for w in ring.windows(2) {
                let bits = |p: [f64; 2], q: [f64; 2]| [p[0], p[1], q[0], q[1]].map(f64::to_bits);
                *sides.entry(bits(w[0], w[1])).or_default() += 1;
                *sides.entry(bits(w[1], w[0])).or_default() -= 1;
            }
        }
        // What is not cancelled by a neighbour is the outline of the core, bit for bit.
        let open: HashSet<[u64; 4]> = sides.into_iter().filter(|(_, n)| *n == 1).map(|(s, _)| s).collect();
        assert_eq!(open.len(), whole[0][0].len() - 1);
    }

    #[test]
    fn codes_are_unique_and_belong_to_their_community() {
        let plan = plan();
        let codes: HashSet<&str> = plan.grids.iter().map(|&f| plan.face(f).grid_code.as_str()).collect();
        assert_eq!(codes.len(), plan.grids.len());
        for &f in &plan.grids {
            let code = &plan.face(f).grid_code;
            assert_eq!(code.len(), 15);
            assert_eq!(code[..12], plan.admin.communities[plan.community_of(f)].code);
        }
        let mut communities: Vec<usize> = plan.community.clone();
        communities.sort_unstable();
        assert_eq!(communities, (0..2528).collect::<Vec<_>>());
    }

    #[test]
    fn the_prefecture_is_covered_once() {
        let plan = plan();
        let all: Vec<u32> = (0..plan.faces.len() as u32).collect();
        let whole = dissolve(&plan, &all);
        assert_eq!((whole.len(), whole[0].len()), (1, 1));
        let sum: f64 = plan.faces.iter().map(|f| f.area_m2).sum();
        assert!((area_m2(&whole) / sum - 1.0).abs() < 1e-9);
        assert!((5.5e9..7.5e9).contains(&sum), "{sum}");
    }

    #[test]
    fn buildings_stand_inside_their_blocks_and_not_in_each_other() {
        let plan = plan();
        let mut n = 0;
        plan.each_block(|f, block, _| -> Result<(), ()> {
            n += block.buildings.len();
            for (b, parcel) in block.buildings.iter().zip(&block.parcels) {
                assert!(is_simple(&b.rings[0]) && area(&b.rings[0]) > 0.0, "block {f}");
                assert!(b.rings[1..].iter().all(|hole| area(hole) < 0.0));
                assert!(b.rings[0].iter().all(|&p| inside(parcel, p)), "block {f}");
            }
            Ok(())
        })
        .unwrap();
        assert_eq!(n, plan.count("bm_building_footprint"));
    }

    #[test]
    fn carriageways_are_sound() {
        let plan = plan();
        let sound = plan.roads.iter().filter(|&&e| carriageway(&plan, e).is_some_and(|r| is_simple(&r))).count();
        assert_eq!(sound, plan.roads.len());
    }

    #[test]
    fn networks_join_and_gravity_falls() {
        let plan = plan();
        for (gravity, trees, loops) in [(true, 9, 0), (false, 2, 6)] {
            let spec = Spec {
                name: "test",
                segments: 400,
                trees,
                loops,
                leads: 150,
                lane: 0.2,
                at_crossing: [1.0, 0.5],
                depth_m: 1.6,
                gravity,
                lead_to: 0.8,
            };
            let network = grow(&plan, &spec);
            assert_eq!(network.segments.len(), 400);
            assert_eq!(network.nodes.len(), 400 + trees - loops);
            let mut degree = vec![0_u8; network.nodes.len()];
            let mut out: HashMap<u32, u32> = HashMap::new();
            for s in &network.segments {
                degree[s.start as usize] += 1;
                degree[s.end as usize] += 1;
                if gravity {
                    assert!(s.start_m >= s.end_m, "{s:?} rises");
                    *out.entry(s.start).or_default() += 1;
                }
            }
            for (n, d) in network.nodes.iter().zip(degree) {
                assert_eq!(n.degree, d);
                assert!(n.degree > 0 || n.role == Role::Root);
            }
            if gravity {
                assert!(out.values().all(|&n| n == 1), "a well has one outlet");
                let pumps = network.nodes.iter().filter(|n| n.role == Role::Pump).count();
                assert!(pumps < 40, "{pumps}");
            }
        }
    }
}
