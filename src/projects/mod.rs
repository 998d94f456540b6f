//! Projects, limited by plan: the sample room, which `bin/room` copies.
mod db;
pub mod web;

pub use db::{Project, ProjectId};

use crate::{
    App,
    audit::{self, Event},
    billing::{self, Access},
    db::Scope,
    error::{Error, Result},
    limit::Limit,
    words,
};
use serde_json::json;

/// What a plan limits here.
pub const LIMIT: Limit = Limit {
    one: "project",
    count: |tx| {
        let org = tx.org();
        Box::pin(db::count(tx, org))
    },
};

/// The outcome of creating or renaming a project.
pub enum Made {
    Done,
    /// The plan's limit, or read-only for want of a payment.
    NotIncluded,
    /// There are [`MOST`].
    TooMany,
}

/// Where a plan has no limit of its own.
pub const MOST: i64 = 10_000;

/// A project's name, 1 to 80 characters.
pub fn name(typed: &str) -> Result<String, String> {
    words::line(typed, 80, "Enter the project's name.")
}

/// Newest first: `limit` of them, after the first `offset`.
pub async fn some(app: &App, scope: &Scope, limit: u32, offset: u32) -> Result<Vec<Project>> {
    let mut tx = app.db.read(scope).await?;
    Ok(db::projects(&mut tx, scope.org(), limit.into(), offset.into()).await?)
}

pub async fn used(app: &App, scope: &Scope) -> Result<i64> {
    let mut tx = app.db.read(scope).await?;
    Ok(db::count(&mut tx, scope.org()).await?)
}

/// Counts and creates under the organisation's lock, so that fifty clicks at once cannot pass the limit.
pub async fn create(app: &App, scope: &Scope, name: &str) -> Result<Made> {
    let may = billing::entitlements(app, scope).await?;
    let now = app.clock.now();
    let mut tx = app.db.write(scope).await?;
    tx.lock().await?;
    let used = db::count(&mut tx, scope.org()).await?;
    if may.remaining(&LIMIT, used) == Some(0) {
        return Ok(Made::NotIncluded);
    }
    if used >= MOST {
        return Ok(Made::TooMany);
    }
    db::insert(&mut tx, ProjectId::new(), name, now).await?;
    audit::record(&mut tx, now, Event::of_room("project.created", json!({ "name": name }))).await?;
    tx.commit().await?;
    Ok(Made::Done)
}

pub async fn rename(app: &App, scope: &Scope, id: ProjectId, name: &str) -> Result<Made> {
    if billing::entitlements(app, scope).await?.access == Access::ReadOnly {
        return Ok(Made::NotIncluded);
    }
    let mut tx = app.db.write(scope).await?;
    tx.lock().await?;
    let old = db::project(&mut tx, scope.org(), id).await?.ok_or(Error::NotFound)?;
    db::rename(&mut tx, id, name).await?;
    audit::record(
        &mut tx,
        app.clock.now(),
        Event::of_room("project.renamed", json!({ "old": old.name, "new": name })),
    )
    .await?;
    tx.commit().await?;
    Ok(Made::Done)
}

/// Allowed over the limit and while an invoice is overdue, so that people can always make room.
pub async fn delete(app: &App, scope: &Scope, id: ProjectId) -> Result<()> {
    let mut tx = app.db.write(scope).await?;
    tx.lock().await?;
    let old = db::project(&mut tx, scope.org(), id).await?.ok_or(Error::NotFound)?;
    db::delete(&mut tx, id).await?;
    audit::record(&mut tx, app.clock.now(), Event::of_room("project.deleted", json!({ "name": old.name })))
        .await?;
    Ok(tx.commit().await?)
}
