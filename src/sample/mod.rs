//! The synthetic city that `chengtu sample` writes: raw deliveries as a survey company would hand them over, with
//! their manifests. A believable Kaifeng, deterministic for a seed; no part of serving, and no real survey.

mod admin;
mod counts;
mod plan;
mod rng;

#[cfg(test)]
mod picture {
    use super::plan::Plan;
    use std::fmt::Write;

    /// Dumps the plan for a look.
    #[test]
    #[ignore]
    fn dump() {
        let scale: f64 = std::env::var("S").ok().and_then(|s| s.parse().ok()).unwrap_or(0.05);
        let plan = Plan::new(1, scale).unwrap();
        eprintln!("grids {} edges {} roads {} nodes {}", plan.grids.len(), plan.edges.len(), plan.roads.len(), plan.node_count);
        let mut out = String::new();
        for e in &plan.edges {
            let _ = writeln!(out, "E {:?} {} {}", e.class, e.canal, e.points.iter().map(|p| format!("{},{}", p[0], p[1])).collect::<Vec<_>>().join(" "));
        }
        plan.each_block(|f, b, _| -> Result<(), ()> {
            let face = plan.face(f);
            let mut ring = |k: &str, r: &Vec<[f64; 2]>| { let _ = writeln!(out, "{k} {:?} {} {}", face.kind, plan.community_of(f), r.iter().map(|p| format!("{:.2},{:.2}", p[0], p[1])).collect::<Vec<_>>().join(" ")); };
            ring("O", &b.outline);
            for x in &b.buildings { ring("B", &x.rings[0]); }
            for x in &b.greens { ring("G", x); }
            Ok(())
        }).unwrap();
        for &f in &plan.country { let _ = writeln!(out, "C {:?} {} {}", plan.admin.district_of(plan.community_of(f)), plan.admin.street_of(plan.community_of(f)), plan.ring(f).iter().map(|p| format!("{:.1},{:.1}", p[0], p[1])).collect::<Vec<_>>().join(" ")); }
        for &f in &plan.grids { let _ = writeln!(out, "C {:?} {} {}", plan.admin.district_of(plan.community_of(f)), plan.admin.street_of(plan.community_of(f)), plan.ring(f).iter().map(|p| format!("{:.1},{:.1}", p[0], p[1])).collect::<Vec<_>>().join(" ")); }
        std::fs::write("/tmp/plan.txt", out).unwrap();
    }
}
