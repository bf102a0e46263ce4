//! What a key may ask for, by the route that is asked.

use std::collections::BTreeSet;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Vector tiles and what maps need with them.
    Tiles,
    /// 3D tilesets.
    Tiles3d,
    /// Records: pages, single ones, near a place, by name.
    Records,
    /// Whose is it.
    Owner,
}

impl Scope {
    pub const ALL: [Scope; 4] = [Scope::Tiles, Scope::Tiles3d, Scope::Records, Scope::Owner];

    pub fn name(self) -> &'static str {
        match self {
            Scope::Tiles => "tiles",
            Scope::Tiles3d => "3dtiles",
            Scope::Records => "records",
            Scope::Owner => "owner",
        }
    }

    pub fn named(name: &str) -> Option<Scope> {
        Scope::ALL.into_iter().find(|s| s.name() == name)
    }

    /// What a route asks for; `None` of those that describe the server and what there is.
    pub fn of_route(route: &str) -> Option<Scope> {
        let first = route.trim_start_matches('/').split('/').next().unwrap_or_default();
        match first {
            "tiles" | "tileMatrixSets" | "styles" | "sprites" | "fonts" => Some(Scope::Tiles),
            "3dtiles" => Some(Scope::Tiles3d),
            "collections" | "identify" | "search" => Some(Scope::Records),
            "owner" => Some(Scope::Owner),
            _ => None,
        }
    }
}

/// The scopes of a caller; `None` = all.
pub type Scopes = Option<BTreeSet<Scope>>;

pub fn permits(scopes: &Scopes, route: &str) -> bool {
    let (Some(scopes), Some(wanted)) = (scopes, Scope::of_route(route)) else { return true };
    scopes.contains(&wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_has_one_scope() {
        for (route, want) in [
            ("/tiles/{layers}/{z}/{x}/{y_mvt}", Some(Scope::Tiles)),
            ("/3dtiles/{layers}/tileset.json", Some(Scope::Tiles3d)),
            ("/collections/{layer}/items", Some(Scope::Records)),
            ("/owner/bodies", Some(Scope::Owner)),
            ("/catalog", None),
            ("/", None),
        ] {
            assert_eq!(Scope::of_route(route), want, "{route}");
        }
        let some = Some(BTreeSet::from([Scope::Owner]));
        assert!(permits(&some, "/owner") && permits(&some, "/catalog") && !permits(&some, "/search"));
        assert!(permits(&None, "/search"));
        assert!(Scope::ALL.iter().all(|s| Scope::named(s.name()) == Some(*s)));
    }
}
