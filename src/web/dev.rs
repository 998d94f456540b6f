//! Development only: the line at the foot of every page. What stands in it is filled in by `dev/web.rs`.
use axum::response::Response;

tokio::task_local! {
    static LINE: DevLine;
}

/// What the line leads to.
#[derive(Clone)]
pub struct DevLine {
    pub has_sandbox: bool,
    /// The organisation in the URL.
    pub org: Option<String>,
    /// Mails in the mailbox; None where they are really sent.
    pub mails: Option<i64>,
}

impl DevLine {
    /// Pages rendered by this answer show the line.
    pub async fn around(self, answer: impl Future<Output = Response>) -> Response {
        LINE.scope(self, answer).await
    }
}

/// For layouts/base.html. None in production, and outside a request.
pub fn dev_line() -> Option<DevLine> {
    LINE.try_with(Clone::clone).ok()
}

/// Renders a page whose line says nothing of the organisation in the URL, which may be a stranger's:
/// one that exists and one that does not must look the same.
pub(super) fn without_org<T>(render: impl FnOnce() -> T) -> T {
    match dev_line() {
        Some(line) => LINE.sync_scope(DevLine { org: None, ..line }, render),
        None => render(),
    }
}
