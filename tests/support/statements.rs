//! Which statements a request ran, as sqlx logs them inside the request's span.
use std::{
    collections::HashMap,
    fmt::Debug,
    sync::{
        LazyLock, Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id},
};
use tracing_subscriber::{
    filter::Targets,
    layer::{Context, Layer, SubscriberExt},
    registry::LookupSpan,
};

/// Text by request id.
static STATEMENTS: LazyLock<Mutex<HashMap<String, Vec<String>>>> = LazyLock::new(Mutex::default);
/// Tests that are listening; without one nothing is kept.
static LISTENING: AtomicUsize = AtomicUsize::new(0);
static INSTALLED: LazyLock<()> = LazyLock::new(|| {
    let targets = Targets::new()
        .with_target("sqlx::query", Level::DEBUG)
        .with_target(env!("CARGO_PKG_NAME"), Level::INFO);
    let registry = tracing_subscriber::registry().with(Recorder.with_filter(targets));
    tracing::subscriber::set_global_default(registry).expect("no other test sets a subscriber");
});

/// Listens until dropped.
pub struct Statements;

impl Statements {
    pub fn listen() -> Self {
        LazyLock::force(&INSTALLED);
        LISTENING.fetch_add(1, Relaxed);
        Statements
    }

    /// Those of an answered request, in order. SQLite's own thread may log the last a moment later.
    pub async fn of(&self, request_id: &str, at_least: usize) -> Vec<String> {
        let read = || STATEMENTS.lock().unwrap().get(request_id).cloned().unwrap_or_default();
        for _ in 0..100 {
            if read().len() >= at_least {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        read()
    }
}

impl Drop for Statements {
    fn drop(&mut self) {
        LISTENING.fetch_sub(1, Relaxed);
    }
}

struct Recorder;
struct RequestId(String);

impl<S: Subscriber + for<'l> LookupSpan<'l>> Layer<S> for Recorder {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut text = Text { field: "id", text: String::new() };
        attributes.record(&mut text);
        let span = context.span(id).expect("a span that just began");
        span.extensions_mut().insert(RequestId(text.text));
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if event.metadata().target() != "sqlx::query" || LISTENING.load(Relaxed) == 0 {
            return;
        }
        // The summary is the beginning; a short statement has nothing else.
        let [mut summary, mut whole] =
            ["summary", "db.statement"].map(|field| Text { field, text: String::new() });
        event.record(&mut summary);
        event.record(&mut whole);
        let text = if whole.text.is_empty() { summary.text } else { whole.text };
        let spans = context.event_scope(event).into_iter().flatten();
        let ids: Vec<String> =
            spans.filter_map(|span| span.extensions().get::<RequestId>().map(|id| id.0.clone())).collect();
        // Opening a connection to SQLite is no look-up.
        let opens = text.trim_start().starts_with("PRAGMA");
        if let Some(id) = ids.into_iter().find(|id| !id.is_empty() && !opens) {
            STATEMENTS.lock().unwrap().entry(id).or_default().push(text);
        }
    }
}

/// One field, as text.
struct Text {
    field: &'static str,
    text: String,
}

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == self.field {
            self.text = value.to_owned();
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == self.field {
            self.text = format!("{value:?}");
        }
    }
}
