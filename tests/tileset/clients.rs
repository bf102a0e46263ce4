//! The clients that run in node, over a real socket, where their packages are at hand (`make clients` installs them in
//! `clients/node_modules`): each decodes every tile of a layer of each kind and finds all features at their records.

use super::city::small_city;
use std::path::Path;
use std::process::Command;

const LAYERS: &str = "cim2_building,cim4_building,pl_heat,pn_heat,cp_camera";

#[test]
fn clients_in_node_find_every_feature() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients");
    if !folder.join("node_modules/three").exists() || Command::new("node").arg("--version").output().is_err() {
        eprintln!("SKIPPED: no packages in {} (make clients installs them; node is needed too)", folder.display());
        return;
    }
    let dir = tempfile::tempdir().expect("a folder");
    let store = small_city(dir.path(), 0.004);
    for script in ["three.mjs", "loaders.mjs"] {
        let run = Command::new("node")
            .arg(script)
            .current_dir(&folder)
            .env("CHENGTU_STORE", &store)
            .env("CHENGTU_BIN", env!("CARGO_BIN_EXE_chengtu"))
            .env("CHENGTU_LAYERS", LAYERS)
            .env_remove("CHENGTU_URL")
            .output()
            .expect("node runs");
        let said = String::from_utf8_lossy(&run.stdout);
        assert!(run.status.success(), "{script}: {said}{}", String::from_utf8_lossy(&run.stderr));
        assert!(LAYERS.split(',').all(|l| said.contains(l)), "{said}");
    }
}
