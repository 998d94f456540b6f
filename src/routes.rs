//! Every URL but those of rooms (`rooms.rs`), in the order of a visitor's life, grouped by who may call it. The guard in a
//! handler's arguments is what enforces it; `tests/app/permissions.rs` holds the whole matrix.
use crate::{
    App, account, auth, billing, dev,
    error::{Error, Malformed},
    mail, ops, orgs, pages, rooms,
    web::{Door, Headers, assets, frame, unsaved_session},
};
use axum::{
    Router, middleware,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use std::{any::Any, sync::Arc};
use tower_http::{catch_panic::CatchPanicLayer, compression::CompressionLayer};

pub fn router(app: App) -> Router {
    let sessions = auth::sessions::layer(&app.db, app.config.session_max);
    let framing = Arc::new((app.clone(), Headers::new(&app.config), Door::of_people(&app.config)));
    let dev_line = (app.clone(), dev::web::MailCount::default());
    // The session layer lies only around what reads a session: files and probes cost no look-up.
    Router::new()
        .merge(people())
        .merge(in_rooms())
        .layer(sessions)
        .layer(middleware::map_response(unsaved_session))
        .merge(anyone())
        .fallback(|| async { Error::NotFound })
        .method_not_allowed_fallback(|| async { Error::Malformed(Malformed::Method, "method") })
        // Outermost first, in one: the router clones what lies inside each `layer`, several times a request.
        .layer((
            middleware::from_fn_with_state(framing, frame),
            middleware::from_fn_with_state(dev_line, dev::web::with_dev_line),
            CompressionLayer::new(),
            CatchPanicLayer::custom(panicked),
        ))
        .with_state(app)
}

fn anyone() -> Router<App> {
    Router::new()
        .route("/", get(pages::web::landing))
        .route("/terms", get(pages::web::terms))
        .route("/privacy", get(pages::web::privacy))
        .route("/.well-known/security.txt", get(auth::web::security_txt))
        .route("/.well-known/change-password", get(auth::web::to_change_password))
        .route("/static/{*path}", get(assets::serve))
        .route("/healthz", get(ops::web::healthz))
        .route("/readyz", get(ops::web::readyz))
        // Stripe, who shows a signature.
        .route("/webhooks/stripe", post(billing::web::receive))
        // Development; not found in production.
        .route("/dev/mailbox", get(mail::web::mailbox))
        .route("/dev/mailbox/html", get(mail::web::mailbox_html))
        .route("/dev/mailbox.json", get(mail::web::mailbox_json))
        .route("/dev/sandbox", get(dev::web::sandbox_panel))
}

/// For operators, on a port of their own (`OPS_BIND`).
pub fn ops_router(app: App) -> Router {
    let framing = Arc::new((app.clone(), Headers::new(&app.config), Door::of_operators(&app.config)));
    Router::new()
        .route("/metrics", get(ops::web::metrics))
        .route("/healthz", get(ops::web::healthz))
        .route("/readyz", get(ops::web::readyz))
        .route("/inbox", get(ops::web::inbox))
        .route("/inbox/replay", post(ops::web::replay))
        .route("/static/{*path}", get(assets::serve))
        .fallback(|| async { Error::NotFound })
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn_with_state(framing, frame))
        .with_state(app)
}

fn people() -> Router<App> {
    Router::new()
        // Anyone; knows whoever is signed in.
        .route("/pricing", get(pages::web::pricing))
        // Anyone; these begin and end sessions.
        .route("/sign-up", get(auth::web::sign_up_page).post(auth::web::sign_up))
        .route("/sign-in", get(auth::web::sign_in_page).post(auth::web::sign_in))
        .route("/sign-out", post(auth::web::sign_out))
        // Anyone, by a link in a mail. The address with the token only leads to the one without.
        .route("/forgot-password", get(auth::web::forgot_page).post(auth::web::forgot))
        .route("/reset-password", get(auth::web::reset_page).post(auth::web::reset_here))
        .route("/reset-password/{token}", get(auth::web::open_reset).post(auth::web::reset))
        .route("/verify-email", get(auth::web::confirm_page).post(auth::web::confirm_here))
        .route("/verify-email/{token}", get(auth::web::open_confirm).post(auth::web::confirm))
        .route("/undo", get(auth::web::undo_page).post(auth::web::undo_here))
        .route("/undo/{token}", get(auth::web::open_undo).post(auth::web::undo))
        // Signed in.
        .route("/account", get(account::web::show))
        .route("/reauthenticate", get(auth::web::reauthenticate_page).post(auth::web::reauthenticate))
        .route("/account/profile", post(account::web::change_profile))
        .route("/account/email", post(account::web::change_email))
        .route("/account/email/resend", post(account::web::resend_confirmation))
        .route("/account/security", get(account::web::show_security))
        .route("/account/password", post(account::web::change_password))
        .route("/account/sessions/revoke-others", post(account::web::end_other_sessions))
        .route("/account/sessions/{id}/revoke", post(account::web::end_session))
        .route("/account/export", get(account::web::export))
        .route("/account/delete", post(account::web::delete))
        .route("/orgs/new", get(orgs::web::new_page))
        .route("/orgs", post(orgs::web::create))
        // Member.
        .route("/orgs/{org}", get(orgs::web::dashboard))
        // Admin: owner and admin; to delete is the owner's.
        .route("/orgs/{org}/settings", get(orgs::web::settings).post(orgs::web::rename))
        .route("/orgs/{org}/delete", post(orgs::web::delete))
        // Billing: owner, admin and billing.
        .route("/orgs/{org}/billing", get(billing::web::show))
        .route("/orgs/{org}/billing/checkout", post(billing::web::start_checkout))
        .route("/orgs/{org}/billing/portal", post(billing::web::open_portal))
        .route("/orgs/{org}/billing/card", post(billing::web::use_card))
        .route("/orgs/{org}/billing/keep-plan", post(billing::web::keep_plan))
        .route("/orgs/{org}/billing/details", post(billing::web::change_details))
        .route("/orgs/{org}/billing/invoices/{id}", get(billing::web::open_invoice))
        .route("/orgs/{org}/billing/invoices/{id}/pdf", get(billing::web::open_invoice_pdf))
        .route("/orgs/{org}/billing/return", get(billing::web::come_back))
        .route("/orgs/{org}/billing/sync", post(billing::web::sync_now))
}

/// Each room has its URLs in its own `web.rs`.
fn in_rooms() -> Router<App> {
    rooms::ROOMS.iter().fold(Router::new(), |all, room| all.merge((room.routes)()))
}

/// A panic is a bug of ours: the person gets the same honest page, the log gets the words.
fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let words = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    Error::broken(format!("panic: {}", words.unwrap_or("without words"))).into_response()
}
