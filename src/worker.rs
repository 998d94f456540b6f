//! What each job of the queue does: which function of which room it calls.
use crate::{
    App, auth, billing,
    error::Result,
    jobs::{self, Done, Job, Try},
    mail,
};
use time::Duration;

/// Works on the queue until the program is told to stop.
pub async fn run(app: App) {
    jobs::run(app, work).await;
}

async fn work(app: App, Try { job, is_last }: Try) -> Result<Done> {
    let outcome = run_job(&app, &job).await;
    match (&outcome, &job) {
        (Err(error), Job::Customer(customer)) if is_last => {
            billing::dead_letter_events(&app, customer, &error.to_string()).await?;
        }
        (Err(error), Job::Event(event)) if is_last => {
            billing::dead_letter_event(&app, event, &error.to_string()).await?;
        }
        _ => {}
    }
    outcome
}

async fn run_job(app: &App, job: &Job) -> Result<Done> {
    match job {
        Job::Customer(customer) => billing::process(app, customer).await.map(|()| Done::Finished),
        Job::Event(event) => billing::attribute(app, event).await.map(|()| Done::Finished),
        Job::CustomerDetails(org) => {
            if let Some(scope) = billing::scope_of_org(app, *org, "billing details").await? {
                billing::follow_details(app, &scope).await?;
            }
            Ok(Done::Finished)
        }
        Job::Mail(key) => mail::deliver(app, key).await.map(|()| Done::Finished),
        Job::ForgottenPassword(email) => auth::send_link(app, email).await.map(|()| Done::Finished),
        Job::Seats(org) => {
            if let Some(scope) = billing::scope_of_org(app, *org, "seats").await? {
                billing::follow_seats(app, &scope).await?;
                // Whoever left may have been the one who is billed.
                billing::follow_details(app, &scope).await?;
            }
            Ok(Done::Finished)
        }
        Job::Reconcile => billing::reconcile(app).await.map(|_| Done::Again(Duration::minutes(15))),
        Job::FullPass => billing::full_pass(app).await.map(|_| Done::Again(Duration::hours(24))),
        Job::Tidy => {
            auth::tidy(app).await?;
            billing::forget_payloads(app).await?;
            Ok(Done::Again(Duration::minutes(10)))
        }
    }
}
