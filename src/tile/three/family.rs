//! Tiles of a family of layers: the plan of its tree for somebody who may see all of its members.

use super::{Lack, Part, Plan, Shown, digested};
use crate::audience::Audience;
use crate::city::City;
use crate::error::Result;
use crate::layer::{Family, LayerIx, families};
use crate::scene;
use crate::tile::Revision;

/// What a list of layers is shown as: families of those that the city holds something of, and the other layers.
#[derive(Debug, Default)]
pub struct Cast {
    pub families: Vec<Family>,
    pub others: Vec<LayerIx>,
}

impl Cast {
    /// Of layers that exist for the asker: what is not in the list leaves no trace.
    pub fn of(city: &City, layers: &[LayerIx]) -> Cast {
        let snapshot = &city.snapshot;
        let held = |ix: &&LayerIx| snapshot.manifest.layers.contains_key(&snapshot.catalog.layer(**ix).id);
        let held: Vec<_> = layers.iter().filter(held).map(|ix| (*ix, snapshot.catalog.layer(*ix).as_ref())).collect();
        let families = families(&held);
        let of_one = |ix: &LayerIx| families.iter().any(|f| f.members.iter().any(|m| m.ix == *ix));
        let others = layers.iter().copied().filter(|ix| !of_one(ix)).collect();
        Cast { families, others }
    }
}

/// How a family is called in addresses: its members in their order, the one spelling.
pub fn name(city: &City, family: &Family) -> String {
    let ids = family.members.iter().map(|m| city.snapshot.catalog.layer(m.ix).id.as_str());
    ids.collect::<Vec<_>>().join(",")
}

/// Plans a family's tiles; `shown` says for each member how. May take long where the tree was not made at import.
pub fn plan(city: &City, audience: &Audience, family: &Family, shown: &[Shown]) -> Result<Result<Option<Plan>, Lack>> {
    let snapshot = &city.snapshot;
    let Some((key, tree)) = city.family(family)? else { return Ok(Err(Lack::NoTree)) };
    let mut digest = blake3::Hasher::new();
    digest.update(&scene::VERSION.to_le_bytes()).update(audience.tag().as_bytes()).update(b"/").update(key.as_bytes());
    let (mut parts, mut datums) = (vec![], vec![]);
    for (member, shown) in family.members.iter().zip(shown) {
        let layer = snapshot.catalog.layer(member.ix);
        let Some(part) = Part::of(city, audience, layer, shown)? else { return Ok(Ok(None)) };
        digested(&mut digest, city, &part);
        datums.extend(super::datums(city, layer)?);
        parts.push(part);
    }
    let Some(shown) = shown.first().cloned() else { return Ok(Ok(None)) };
    super::reach(&shown.geoid, &name(city, family), &tree.tree)?;
    digest.update(shown.geoid.digest().as_bytes()).update(format!("{:?}", shown.form).as_bytes());
    Ok(Ok(Some(Plan {
        name: name(city, family),
        tree: tree.tree.clone(),
        revision: Revision::of(&digest),
        datums,
        ground: snapshot.ground()?,
        terrain: None,
        parts,
        family: Some(tree),
        today: city.today(),
        shown,
    })))
}
