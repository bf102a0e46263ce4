//! The sample city's register against its layers: every body that data name is there, and the register is a city's.

use chengtu::feature::Value;
use chengtu::layer::FieldRole;
use chengtu::ownership::register::{Book, REGISTER, Register, Ruling};
use chengtu::ownership::{ClassSet, Instant, Schedule};
use chengtu::store::{BlockCache, Snapshot, Store};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

/// A store that holds the whole sample city.
pub fn check(store: &Path) {
    let store = Store::open(store, false).expect("a store");
    let id = store.current().expect("CURRENT").expect("a snapshot");
    let snapshot = store.snapshot(&id, &Arc::new(BlockCache::new(64 << 20))).expect("it opens");
    let register = snapshot.blob(&snapshot.manifest.extra[REGISTER]).expect("a blob");
    let register = Register::from_json(&register).expect("a register");
    the_register_is_a_citys(&register);
    every_body_is_registered(&snapshot, &register);
}

/// Words that stand where nobody in particular is meant.
const NOBODY: [&str; 3] = ["业主共有", "产权单位", "物业服务企业"];

/// The values of each field that names bodies, by its role: each once.
fn named_bodies(snapshot: &Snapshot) -> BTreeMap<String, BTreeSet<String>> {
    use FieldRole::{
        AssistOrgs, MaintainerOrg, MaintainerOrgCode, ManagingOrg, OwnerOrg, OwnerOrgCode, ResponsibleOrg,
        SupervisorOrg, SupervisorOrgCode,
    };
    let of_bodies = [
        AssistOrgs,
        MaintainerOrg,
        MaintainerOrgCode,
        ManagingOrg,
        OwnerOrg,
        OwnerOrgCode,
        ResponsibleOrg,
        SupervisorOrg,
        SupervisorOrgCode,
    ];
    let mut named: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (_, layer) in snapshot.catalog.iter() {
        let fields: Vec<(usize, FieldRole)> =
            layer.fields.iter().enumerate().filter_map(|(i, f)| Some((i, f.role?))).collect();
        let fields: Vec<_> = fields.into_iter().filter(|(_, role)| of_bodies.contains(role)).collect();
        let Some(table) = snapshot.features(&layer.id).expect("a table") else { continue };
        table
            .scan(&mut |row| {
                let feature = row.to_feature();
                for (field, role) in &fields {
                    if let Value::Text(text) = &feature.values[*field] {
                        named.entry(format!("{role:?}")).or_default().insert(text.clone());
                    }
                }
                Ok(())
            })
            .expect("rows");
    }
    named
}

fn every_body_is_registered(snapshot: &Snapshot, register: &Register) {
    let book = Book::new(register);
    let named = named_bodies(snapshot);
    assert_eq!(named.len(), 9, "{:?}", named.keys());
    for (role, values) in &named {
        let bodies = values.iter().flat_map(|v| v.split([',', ';'])).filter(|v| !NOBODY.contains(v));
        let unknown: Vec<&str> = bodies.filter(|v| book.organisation(v).is_none()).collect();
        assert!(unknown.is_empty(), "{role}: {unknown:?}");
    }
    // Abolished bodies are still named as maintainers: one has a successor, one has none.
    let gone: Vec<_> = register.organisations.iter().filter(|o| o.valid_to.is_some()).collect();
    assert_eq!(gone.iter().filter(|o| o.successor.is_some()).count(), 1);
    assert_eq!(gone.len(), 2);
    assert!(gone.iter().all(|o| named["MaintainerOrgCode"].contains(&o.code)), "{gone:?}");
    // Some are called by another name than the register's first.
    assert!(named["ResponsibleOrg"].iter().any(|n| n.ends_with('建')));

    // Special areas: night markets hold at night, some others above or below the ground; all class sets are known.
    let (_, layer) = snapshot.catalog.iter().find(|(_, l)| l.id == "gr_special_duty").expect("special areas");
    let field = |role| layer.fields.iter().position(|f| f.role == Some(role)).expect("the field");
    let (classes, schedule) = (field(FieldRole::ClassSet), field(FieldRole::Schedule));
    let mut nights = 0;
    let table = snapshot.features(&layer.id).expect("a table").expect("some");
    table
        .scan(&mut |row| {
            let feature = row.to_feature();
            if let Value::Text(text) = &feature.values[classes] {
                ClassSet::parse(text, &book).expect("a class set");
            }
            if let Value::Text(text) = &feature.values[schedule] {
                Schedule::parse(text).expect("a schedule");
                nights += 1;
            }
            Ok(())
        })
        .expect("rows");
    assert!(nights > 0);
}

/// Every role is held once in the city and in each district, at any hour.
fn the_register_is_a_citys(register: &Register) {
    let book = Book::new(register);
    let roles: BTreeSet<&str> = register.roles.iter().map(|a| a.role.as_str()).collect();
    let territories: BTreeSet<&str> = register.roles.iter().map(|a| a.territory.as_str()).collect();
    assert_eq!((roles.len(), territories.len()), (13, 11));
    for hour in ["2026-11-21T12:00", "2026-11-21T23:00", "2026-11-22T01:59", "2026-11-22T02:00"] {
        let at = Instant::parse(hour).expect("a moment");
        for (role, territory) in roles.iter().flat_map(|r| territories.iter().map(move |t| (r, t))) {
            assert_eq!(book.holders_of(role, territory, at).count(), 1, "{role} in {territory} at {hour}");
        }
    }
    let masked = |text: &Option<String>| text.as_ref().is_some_and(|t| t.contains('*'));
    let active = register.organisations.iter().filter(|o| o.valid_to.is_none());
    assert!(active.clone().all(|o| masked(&o.contact) && masked(&o.phone)));
    assert!(active.count() > 2528 + 124 + 10 * 14);
    let places = |f: fn(&Ruling) -> bool| register.rulings.iter().filter(|r| f(r)).count();
    assert_eq!(places(|r| r.component.is_some()), 2);
    assert_eq!(places(|r| !r.areas.is_empty()), 2);
    assert_eq!(places(|r| !r.polygon.is_empty()), 1);
}
