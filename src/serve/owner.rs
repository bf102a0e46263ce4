//! `GET /owner` and `POST /owner`: whose is it? One question is answered where it arrives, in microseconds; batches have
//! threads of their own (`batches`), so that neither waits for tiles. What an answer says is `ownership`'s business.

use super::App;
use super::batches::Held;
use super::gate::Asked;
use super::problem::Problem;
use super::reply;
use crate::audience::Audience;
use crate::city::City;
use crate::lookup::{self, Desk, Form, INVALID_INPUT};
use crate::ownership::{self, Instant, Invalid, View};
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::Response;
use std::borrow::Cow;
use std::sync::Arc;

const PARAMETERS: &str = "lon, lat, x, y, crs, class, component, at, accuracy_m, urgent, trail";

/// The parameters of an address, each once.
#[derive(Default)]
struct Parameters<'a> {
    numbers: [Option<f64>; 5],
    texts: [Option<Cow<'a, str>>; 4],
    urgent: Option<bool>,
    trail: Option<bool>,
}

const NUMBERS: [&str; 5] = ["lon", "lat", "x", "y", "accuracy_m"];
const TEXTS: [&str; 4] = ["crs", "class", "component", "at"];

impl<'a> Parameters<'a> {
    fn read(query: &'a str) -> Result<Parameters<'a>, Problem> {
        let mut p = Parameters::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let twice = match name.as_ref() {
                "urgent" => p.urgent.replace(flag(&value)?).is_some(),
                "trail" => p.trail.replace(flag(&value)?).is_some(),
                other => match (position(&NUMBERS, other), position(&TEXTS, other)) {
                    (Some(i), _) => p.numbers[i].replace(number(&value, NUMBERS[i])?).is_some(),
                    (_, Some(i)) => p.texts[i].replace(value).is_some(),
                    _ => {
                        let what = format!("there is a parameter that is not one of {PARAMETERS}");
                        return Err(Problem::bad_request("unknown-parameter", what));
                    }
                },
            };
            if twice {
                return Err(Problem::bad_request("repeated-parameter", "a parameter stands twice in the address"));
            }
        }
        Ok(p)
    }

    /// The rows of a batch have their own places and components: one in the address would be ignored silently.
    fn holds_for_rows(&self) -> Result<(), Problem> {
        let [lon, lat, x, y, _] = self.numbers;
        match [lon, lat, x, y].iter().any(Option::is_some) || self.texts[2].is_some() {
            true => {
                Err(Problem::bad_request("invalid-parameter", "lon, lat, x, y and component of a batch are its rows'"))
            }
            false => Ok(()),
        }
    }

    fn asked(&self) -> ownership::Asked<'_> {
        let [lon, lat, x, y, accuracy_m] = self.numbers;
        let [crs, class, component, at] = self.texts.each_ref().map(Option::as_deref);
        let (urgent, trail) = (self.urgent, self.trail);
        ownership::Asked { lon, lat, x, y, crs, class, component, at, accuracy_m, urgent, trail }
    }
}

fn position(names: &[&str], name: &str) -> Option<usize> {
    names.iter().position(|n| *n == name)
}

fn number(text: &str, name: &str) -> Result<f64, Problem> {
    let invalid = || Invalid::new("COORD_NOT_FINITE", format!("{name} is no number"));
    text.trim().parse().map_err(|_| refused(&invalid()))
}

fn flag(text: &str) -> Result<bool, Problem> {
    match text {
        "true" | "1" | "" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(Problem::bad_request("invalid-parameter", "urgent and trail are true or false")),
    }
}

/// An `INVALID_INPUT` by its sub-code.
fn refused(invalid: &Invalid) -> Problem {
    Problem::bad_request("invalid-input", invalid.detail.clone())
        .with("outcome", INVALID_INPUT)
        .with("code", invalid.code)
}

/// `GET /owner?…`: the answer with its trail unless `trail=false`.
pub async fn one(State(app): State<Arc<App>>, asked: Asked, uri: Uri) -> Result<Response, Problem> {
    let parameters = Parameters::read(uri.query().unwrap_or_default())?;
    asked.reads_all()?;
    let owners = asked.city.ownership()?;
    let question =
        owners.parse(&parameters.asked(), &app.spellings, Instant::now(), true).map_err(|invalid| refused(&invalid))?;
    let answer = owners.resolve(&question);
    let view =
        View { ownership: owners, answer: &answer, audience: &asked.audience, snapshot: &asked.city.snapshot.id };
    Ok(unstored(reply::JSON, Body::from(lookup::one(&view))))
}

/// `POST /owner`: rows in, rows out in the same form. The address's parameters hold for rows that say nothing else.
pub async fn batch(
    State(app): State<Arc<App>>,
    asked: Asked,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let form = form_of(&headers)?;
    let query = uri.query().unwrap_or_default().to_string();
    Parameters::read(&query)?.holds_for_rows()?;
    asked.reads_all()?;
    asked.city.ownership()?;
    let input = app.batches.body(body).await?;
    let job = Job { app: app.clone(), city: asked.city.clone(), audience: asked.audience.clone(), form, query, input };
    let answer = app.batches.answer(move |send| job.answer(send)).await?;
    Ok(unstored(form.media_type(), answer))
}

struct Job {
    app: Arc<App>,
    city: Arc<City>,
    audience: Audience,
    form: Form,
    query: String,
    input: Held,
}

impl Job {
    /// On a thread that may wait.
    fn answer(&self, send: &mut dyn FnMut(Vec<u8>) -> bool) -> Result<(), Problem> {
        let parameters = Parameters::read(&self.query)?;
        let desk = Desk {
            ownership: self.city.ownership()?,
            snapshot: &self.city.snapshot.id,
            audience: &self.audience,
            spellings: &self.app.spellings,
            now: Instant::now(),
            defaults: parameters.asked(),
        };
        Ok(desk.batch(self.form, &self.input.bytes, send)?)
    }
}

fn form_of(headers: &HeaderMap) -> Result<Form, Problem> {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let what = "a batch is text/csv, application/x-ndjson or application/json (an array)";
    Form::of_media_type(media_type).ok_or_else(|| Problem::new(415, "unsupported-media-type", what))
}

/// Answers depend on the moment they are asked at.
fn unstored(media_type: &'static str, body: Body) -> Response {
    let mut r = Response::new(body);
    *r.status_mut() = StatusCode::OK;
    let headers = r.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    r
}
