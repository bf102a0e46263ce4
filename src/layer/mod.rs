//! What a layer is: `layers/<theme>/<id>.toml` → `Catalog`. No layer is named in the code; the code finds
//! what it needs by role. Knows nothing of files in the store or of requests.

mod check;
mod embedded;
mod example;
mod family;
mod label;
mod load;
mod model;
mod parse;
mod scene;
mod scene_check;
mod values;

pub use family::{Family, Member, families};
pub use label::shown_by;
pub use model::*;
pub use scene::*;
pub use values::is_date;
