//! Health, for balancers; metrics and the inbox, for operators on their own port.
use crate::{
    App, billing,
    billing::{EventState, InboxRow},
    error::{Error, Result},
    web::{Form, Page, Query, flash, see_other},
    words,
};
use askama::Template;
use axum::{
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use serde::Deserialize;

/// The newest that one page shows.
const SHOWN: i64 = 200;

#[derive(Template)]
#[template(path = "ops/inbox.html")]
pub struct InboxPage {
    pub state: String,
    pub states: Vec<String>,
    pub events: Vec<EventLine>,
}

pub struct EventLine {
    pub id: String,
    pub kind: String,
    pub customer: String,
    pub state: &'static str,
    /// `ok`, `info`, `warn`, `bad` or `quiet`.
    pub tone: &'static str,
    pub tries: i64,
    pub received: String,
    pub error: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Filter {
    state: String,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub struct ReplayForm {
    id: String,
}

/// The process answers.
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// The process can do its work: its database takes a write.
pub async fn readyz(State(app): State<App>) -> (StatusCode, &'static str) {
    match app.db.probe(app.clock.now()).await {
        Ok(()) => (StatusCode::OK, "ready\n"),
        Err(error) => {
            tracing::error!(error, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "the database takes no writes\n")
        }
    }
}

pub async fn metrics(State(app): State<App>) -> Result<Response> {
    let text = super::metrics_text(&app).await?;
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}

pub async fn inbox(State(app): State<App>, Query(filter): Query<Filter>) -> Result<Page<InboxPage>> {
    let state: Option<EventState> = filter.state.parse().ok();
    let mut rows = billing::inbox_rows(&app, state, SHOWN).await?;
    rows.reverse();
    Ok(Page::ok(InboxPage {
        state: state.map(|s| s.as_str().to_owned()).unwrap_or_default(),
        states: EventState::ALL.iter().map(|s| s.as_str().to_owned()).collect(),
        events: rows.into_iter().map(EventLine::from).collect(),
    }))
}

pub async fn replay(State(app): State<App>, Form(form): Form<ReplayForm>) -> Result<Response> {
    match billing::replay(&app, &form.id).await? {
        true => {
            app.work_arrived.notify_waiters();
            flash("success", format!("{} will be processed again.", form.id));
            Ok(see_other("/inbox"))
        }
        false => Err(Error::NotFound),
    }
}

impl From<InboxRow> for EventLine {
    fn from(row: InboxRow) -> Self {
        let tone = match row.state {
            EventState::Done => "ok",
            EventState::Pending => "info",
            EventState::Ignored => "quiet",
            EventState::Parked => "warn",
            EventState::Dead => "bad",
        };
        Self {
            received: words::minute(row.received_at),
            customer: row.customer_id.unwrap_or_default(),
            state: row.state.as_str(),
            tone,
            tries: row.tries,
            error: row.error.unwrap_or_default(),
            id: row.id,
            kind: row.kind,
        }
    }
}
