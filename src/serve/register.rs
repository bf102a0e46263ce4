//! `/owner/classes` and `/owner/bodies`: what questions to `/owner` may name and answers may say, for whoever lets people
//! choose or reads a code on a map. Names alone: who holds which duty is `/owner`'s to say.

use super::App;
use super::gate::Asked;
use super::problem::Problem;
use super::reply;
use crate::ownership::Ownership;
use crate::ownership::register::ClassKind;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Serialize;
use std::sync::Arc;

#[derive(Serialize)]
struct Schemes<'a> {
    schemes: Vec<Scheme<'a>>,
}

#[derive(Serialize)]
struct Scheme<'a> {
    id: &'a str,
    classes: Vec<Class<'a>>,
}

#[derive(Serialize)]
struct Class<'a> {
    kind: ClassKind,
    code: &'a str,
    name: &'a str,
}

#[derive(Serialize)]
struct Bodies<'a> {
    bodies: Vec<Body<'a>>,
}

#[derive(Serialize)]
struct Body<'a> {
    id: &'a str,
    name: &'a str,
    kind: &'a str,
}

/// The classes that `class` of a question may be, scheme by scheme, in the register's order.
pub async fn classes(State(app): State<Arc<App>>, asked: Asked, headers: HeaderMap) -> Result<Response, Problem> {
    let body = serde_json::to_vec(&schemes(asked.city.ownership()?)).map_err(|_| Problem::internal())?;
    reply::document(&app, &headers, &asked, reply::JSON, body).await
}

fn schemes(ownership: &Ownership) -> Schemes<'_> {
    let book = ownership.book();
    let mut schemes: Vec<Scheme<'_>> = book.schemes().map(|id| Scheme { id, classes: vec![] }).collect();
    for c in &book.classes {
        if let Some(scheme) = schemes.get_mut(usize::from(c.scheme)) {
            scheme.classes.push(Class { kind: c.kind, code: &c.code, name: &c.name });
        }
    }
    Schemes { schemes }
}

/// The bodies of the register, for those who may see a trail; nobody's for others.
pub async fn bodies(State(app): State<Arc<App>>, asked: Asked, headers: HeaderMap) -> Result<Response, Problem> {
    let ownership = asked.city.ownership()?;
    let all = ownership.book().organisations.iter().filter(|_| ownership.seen_whole_by(&asked.audience));
    let bodies = all.map(|o| Body { id: &o.code, name: &o.name, kind: &o.kind }).collect();
    let body = serde_json::to_vec(&Bodies { bodies }).map_err(|_| Problem::internal())?;
    reply::document(&app, &headers, &asked, reply::JSON, body).await
}
