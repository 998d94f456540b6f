//! Everything that is held about a person, for them to take away: a zip of JSON that people can read.
use crate::{
    App,
    audit::{self, Event},
    auth, billing,
    db::{At, Origin, UserId},
    error::{Error, Result},
    mail, orgs, words,
};
use serde_json::{Value, json};
use std::io::{Cursor, Write};
use zip::{ZipWriter, write::SimpleFileOptions};

/// Name and content of each file of the archive.
type File = (&'static str, Vec<u8>);

const README: &str = "Everything that this service holds about you, as JSON. All times are UTC.

account.json        your name, your address, and whether you started a trial
sessions.json       your sign-ins that are still recorded, with browser and IP address
organisations.json  where you are a member, and your role
checkouts.json      the purchases you began
activity.json       what the audit log says that you did: the newest 20,000 entries
mails.json          what was mailed to you: the newest 10,000, links to act on left out

Card numbers are with the payment provider alone. Your password is kept only as a hash that does not give it away.
";

/// The archive. That it was made is recorded.
pub async fn export(app: &App, origin: &Origin, user: UserId) -> Result<Vec<u8>> {
    let files = files(app, user).await?;
    audit::record_alone(app, origin, Event::PersonExported).await?;
    tokio::task::spawn_blocking(move || archive(files)).await.map_err(Error::broken)?
}

async fn files(app: &App, user: UserId) -> Result<Vec<File>> {
    let person = auth::person(app, user).await?.ok_or(Error::NotFound)?;
    let account = json!({
        "id": user,
        "name": person.name,
        "email": person.email,
        "email_confirmed_at": person.email_verified_at.map(words::instant),
        "created_at": words::instant(person.created_at),
        "had_a_trial": billing::had_trial(app, user).await?,
    });
    let mails = mail::of_person(app, user, &person.email).await?;
    let all = [
        ("account.json", account),
        ("sessions.json", list(auth::recorded_logins(app, user).await?, session)),
        ("organisations.json", list(orgs::of_person(app, user).await?, organisation)),
        ("checkouts.json", list(billing::checkouts_of_person(app, user).await?, checkout)),
        ("activity.json", list(audit::of_person(app, user).await?, entry)),
        ("mails.json", list(mails, letter)),
    ];
    let mut files = vec![("README.txt", README.as_bytes().to_vec())];
    for (name, content) in all {
        files.push((name, serde_json::to_vec_pretty(&content).map_err(Error::broken)?));
    }
    Ok(files)
}

fn list<T>(rows: Vec<T>, one: impl Fn(T) -> Value) -> Value {
    rows.into_iter().map(one).collect()
}

fn session(row: auth::LoginRow) -> Value {
    json!({
        "began_at": words::instant(row.created_at),
        "last_used_at": words::instant(row.seen_at),
        "ended_at": row.revoked_at.map(words::instant),
        "ip": row.ip,
        "browser": row.user_agent,
    })
}

fn organisation(row: orgs::OwnRow) -> Value {
    json!({ "name": row.name, "address": row.slug, "role": row.role.as_str(), "since": words::instant(row.created_at) })
}

fn checkout(row: billing::CheckoutRow) -> Value {
    json!({ "organisation": row.slug, "plan": row.plan.as_str(), "interval": row.interval.as_str(), "at": words::instant(row.created_at) })
}

fn entry(row: audit::Entry) -> Value {
    let at: At = row.at;
    json!({
        "at": words::instant(at),
        "organisation": row.org_id,
        "action": row.action,
        "detail": row.detail.0,
        "about_you": row.personal.map(|personal| personal.0),
    })
}

fn letter(row: mail::MailRow) -> Value {
    json!({ "at": words::instant(row.created_at), "to": row.recipient, "subject": row.subject, "text": row.text_body })
}

fn archive(files: Vec<File>) -> Result<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        zip.start_file(name, SimpleFileOptions::default()).map_err(Error::broken)?;
        zip.write_all(&content).map_err(Error::broken)?;
    }
    Ok(zip.finish().map_err(Error::broken)?.into_inner())
}
