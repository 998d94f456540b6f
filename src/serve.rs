//! From a configuration to a running product: database, sandbox, demo, listener.
mod files;
mod listen;
mod reset;
mod result;

pub use reset::demo_reset;
pub use result::Result;

use crate::{
    App, auth, brand,
    config::{self, Config, sqlite_file},
    db::{self, Db, RowSecurity},
    demo, jobs, ops, rooms, routes,
    web::{accept, all_at_their_end},
    worker,
};
#[cfg(feature = "sandbox")]
use crate::{
    billing::setup::{self, Mending, Report},
    stripe::Stripe,
};
use secrecy::SecretString;
use std::{
    io::Write,
    net::SocketAddr,
    path::Path,
    time::{Duration, Instant},
};
#[cfg(feature = "sandbox")]
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Limits in memory are this process's own, and so is tidying them.
const TIDY_EVERY: Duration = Duration::from_secs(600);
/// For the database's last statements.
const CLOSE_TIME: Duration = Duration::from_secs(5);

/// `serve`: runs until it is told to stop, then lets requests in flight finish.
pub async fn serve(mut config: Config) -> Result<()> {
    let listener = listen::bind("BIND", config.bind, config.bind_is_fixed).await?;
    let operators = listen::bind("OPS_BIND", config.ops_bind, config.ops_bind_is_fixed).await?;
    config.follow(listener.local_addr()?);
    let secrets = secrets(&config)?;
    let sandbox_is_old = reset::sandbox_file(&config).is_some_and(|file| files::holds_data(&file));
    let embedded = embed_sandbox(&mut config, &secrets, listener.local_addr()?).await?;
    let db = open_database(&config).await?;
    let _marks = mark_in_use(&config, embedded);
    let app = App::new(config.clone(), db, &secrets, rooms::ROOMS);
    jobs::begin_schedules(&app).await?;
    let note = match embedded {
        true => reset::mismatch(&config, auth::has_anyone(&app).await?, sandbox_is_old),
        false => None,
    };
    if embedded && let Err(error) = demo::seed(&app).await {
        tracing::warn!(%error, "the demo organisation could not be created");
    }
    let operators_at = operators.local_addr()?;
    let worker = tokio::spawn(worker::run(app.clone()));
    let beside = [
        tokio::spawn(tidy(app.clone())),
        tokio::spawn(ops::compare_modes(app.clone())),
        tokio::spawn(accept::serve(operators, routes::ops_router(app.clone()), std::future::pending())),
    ];
    welcome(&app, embedded, operators_at, note);
    let proxies = &app.config.trusted_proxies;
    let mut until = Instant::now();
    let stop = async {
        told_to_stop().await;
        until = Instant::now() + accept::DRAIN;
        app.stopping.send_replace(true);
    };
    accept::serve_behind(proxies, listener, routes::router(app.clone()), stop).await;
    finish(worker, until).await;
    beside.iter().for_each(JoinHandle::abort);
    close(&app).await;
    Ok(())
}

/// Waits for jobs, and for clicks whose client hung up.
async fn finish(worker: JoinHandle<()>, until: Instant) {
    let clicks = all_at_their_end(until).await;
    let jobs = tokio::time::timeout_at(until.into(), worker).await;
    if !clicks || jobs.is_err() {
        tracing::warn!("stopped with work still under way"); // jobs come back when their leases end
    }
}

/// `worker`: the queue alone, beside as many others as there are.
pub async fn work(config: Config) -> Result<()> {
    let app = attach(config).await?;
    let _marks = mark_in_use(&app.config, false);
    jobs::begin_schedules(&app).await?;
    tracing::info!("the worker is running");
    tokio::spawn(ops::compare_modes(app.clone()));
    let worker = tokio::spawn(worker::run(app.clone()));
    told_to_stop().await;
    app.stopping.send_replace(true);
    finish(worker, Instant::now() + accept::DRAIN).await;
    close(&app).await;
    Ok(())
}

/// The product without a listener, for the command line and the worker. In development without a key
/// it uses the sandbox that `serve` has embedded.
pub async fn attach(config: Config) -> Result<App> {
    let config = at_stripe(config)?;
    let db = open_database(&config).await?;
    let secrets = secrets(&config)?;
    Ok(App::new(config, db, &secrets, rooms::ROOMS))
}

/// Points at the sandbox that `serve` embeds, where there is no key of Stripe's. A running one
/// has noted the ports that it got.
pub fn at_stripe(mut config: Config) -> Result<Config> {
    if config.stripe.keys.is_empty() {
        config.stripe.api_base = format!("http://{}", config.sandbox.bind).parse()?;
        let note = reset::sandbox_file(&config).and_then(|file| files::note(&file));
        if let Some((sandbox, public)) = note.as_deref().and_then(|note| note.split_once('\n')) {
            config.stripe.api_base = sandbox.parse()?;
            if !config.public_url_is_fixed {
                config.public_url = public.parse()?;
            }
        }
        config.stripe.keys = vec![config::SANDBOX_KEY.into()];
    }
    Ok(config)
}

/// For `demo reset`, which leaves alone what is in use, and for commands that look for the
/// sandbox. Held until the process ends.
fn mark_in_use(config: &Config, embedded: bool) -> Vec<std::fs::File> {
    let sandbox = reset::sandbox_file(config).filter(|_| embedded);
    let both = [sqlite_file(&config.database_url), sandbox].into_iter().flatten();
    let note = format!("{}\n{}", config.stripe.api_base, config.public_url);
    both.filter_map(|database| files::use_database(&database, &note).ok()).collect()
}

/// Opens, migrates, and says in the log what holds tenants apart.
pub async fn open_database(config: &Config) -> Result<Db> {
    if let Some(file) = sqlite_file(&config.database_url) {
        let closed =
            [file.clone(), files::migration_lock(&file)].iter().try_for_each(|it| files::keep_private(it));
        closed.map_err(|error| format!("DATABASE_URL {}: {error}", file.display()))?;
    }
    let failed = |error: db::Error| format!("DATABASE_URL: {error}");
    let mut db = Db::connect(&config.database_url).await.map_err(failed)?;
    db::migrate(&mut db).await.map_err(failed)?;
    match db::row_security(&db).await.map_err(failed)? {
        RowSecurity::NotOffered => {
            tracing::info!("SQLite: types and statements keep organisations apart")
        }
        RowSecurity::Holds { role } => {
            tracing::info!(role, "Postgres: row-level security keeps organisations apart")
        }
        RowSecurity::DoesNotHold(why) => {
            tracing::warn!(
                why,
                "Postgres: row-level security is NOT in force; connect as a plain owner of the database"
            )
        }
    }
    Ok(db)
}

/// Those given, or one of our own making, kept beside the data for the next start.
fn secrets(config: &Config) -> Result<Vec<SecretString>> {
    if !config.app_secrets.is_empty() {
        return Ok(config.app_secrets.clone());
    }
    let folder = sqlite_file(&config.database_url).and_then(|file| file.parent().map(Path::to_owned));
    let path = folder.unwrap_or_else(|| "data".into()).join("app_secret");
    let kept = kept_secret(&path)
        .map_err(|error| format!("APP_SECRET is not set, and {} failed: {error}", path.display()));
    Ok(vec![kept?])
}

/// Made at the first start.
fn kept_secret(path: &Path) -> Result<SecretString> {
    files::make_folder_of(path)?;
    match std::fs::read_to_string(path) {
        Ok(kept) if kept.len() >= 32 => Ok(kept.into()),
        _ => {
            let mut bytes = [0; 32];
            getrandom::fill(&mut bytes).map_err(|error| error.to_string())?;
            let fresh: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            files::write_private(path, &fresh)?;
            Ok(fresh.into())
        }
    }
}

/// Without a key of Stripe's the sandbox stands in, on its own port, and the configuration from
/// here on points at it. True if it does.
#[cfg(feature = "sandbox")]
async fn embed_sandbox(config: &mut Config, secrets: &[SecretString], ours: SocketAddr) -> Result<bool> {
    if !config.stripe.keys.is_empty() {
        return Ok(false);
    }
    let listener = listen::bind("SANDBOX_BIND", config.sandbox.bind, config.sandbox.bind_is_fixed).await?;
    let base_url = format!("http://{}", listener.local_addr()?);
    config.stripe.api_base = base_url.parse()?;
    config.stripe.keys = vec![config::SANDBOX_KEY.into()];
    let secret = match config.stripe.webhook_secrets.first() {
        Some(given) => given.clone(),
        None => crate::web::Signer::new(secrets).derived("whsec_", "the sandbox's webhooks").into(),
    };
    config.stripe.webhook_secrets = vec![secret.clone()];
    let url = webhook_url(config, ours);
    let options = sandbox_options(config, Some((url.clone(), &secret)))?;
    let opened = portico_sandbox::Sandbox::open(options).await;
    let sandbox = opened.map_err(|error| format!("SANDBOX_DATA {}: {error}", config.sandbox.data))?;
    tokio::spawn(async move {
        if let Err(error) = serve_sandbox(sandbox, listener, std::future::pending()).await {
            tracing::error!(%error, "the sandbox stopped");
        }
    });
    // The sandbox's endpoint is ours, wherever the public address leads.
    let public_url = url.trim_end_matches("webhooks/stripe").parse()?;
    set_up_sandbox(&Config { public_url, ..config.clone() }).await?;
    Ok(true)
}

/// Does what `portico stripe setup` does: the sandbox sells what plans.rs says, and nothing else says it.
#[cfg(feature = "sandbox")]
pub async fn set_up_sandbox(config: &Config) -> Result<()> {
    let done = setup::compare(&Stripe::new(config), config, Mending::All, &mut Report::default()).await;
    done.map_err(|error| format!("the sandbox cannot be set up: {error}").into())
}

/// The public address where it leads here, so that `stripe setup` knows the endpoint again.
#[cfg(feature = "sandbox")]
fn webhook_url(config: &Config, ours: SocketAddr) -> String {
    let public = &config.public_url;
    let is_here = public.scheme() == "http"
        && matches!(public.host_str(), Some("localhost" | "127.0.0.1"))
        && public.port_or_known_default() == Some(ours.port());
    if is_here {
        setup::webhook_url(config)
    } else {
        // All addresses are no name.
        let host = match ours.ip().is_unspecified() {
            true => format!("localhost:{}", ours.port()),
            false => ours.to_string(),
        };
        format!("http://{host}/webhooks/stripe")
    }
}

#[cfg(not(feature = "sandbox"))]
async fn embed_sandbox(config: &mut Config, _: &[SecretString], _: SocketAddr) -> Result<bool> {
    match config.stripe.keys.is_empty() {
        true => Err("STRIPE_SECRET_KEY is required: this build was made without the sandbox".into()),
        false => Ok(false),
    }
}

#[cfg(feature = "sandbox")]
fn sandbox_options(
    config: &Config,
    webhook: Option<(String, &SecretString)>,
) -> Result<portico_sandbox::Options> {
    if let Some(file) = reset::sandbox_file(config) {
        files::keep_private(&file).map_err(|error| format!("SANDBOX_DATA {}: {error}", file.display()))?;
    }
    let webhook = webhook.map(|(url, secret)| {
        let secret = secrecy::ExposeSecret::expose_secret(secret).to_owned();
        portico_sandbox::Webhook { url, secret }
    });
    let data = config.sandbox.data.clone();
    Ok(portico_sandbox::Options { data, webhook, ..portico_sandbox::Options::default() })
}

/// `sandbox`: the stand-in alone, for another project or another process.
#[cfg(feature = "sandbox")]
pub async fn sandbox_alone(config: Config) -> Result<()> {
    let listener = listen::bind("SANDBOX_BIND", config.sandbox.bind, config.sandbox.bind_is_fixed).await?;
    let webhook = config.sandbox.webhook.as_ref().map(|(url, secret)| (url.to_string(), secret));
    let options = sandbox_options(&config, webhook)?;
    let note = format!("http://{}/\n{}", listener.local_addr()?, config.public_url);
    let _mark = reset::sandbox_file(&config).map(|file| files::use_database(&file, &note));
    let sandbox = portico_sandbox::open_alone(&listener, options).await?;
    serve_sandbox(sandbox, listener, told_to_stop()).await
}

/// Behind the same accept loop as the product.
#[cfg(feature = "sandbox")]
async fn serve_sandbox(
    sandbox: portico_sandbox::Sandbox,
    listener: TcpListener,
    stop: impl Future<Output = ()>,
) -> Result<()> {
    let (address, answering) = (listener.local_addr()?, sandbox.clone());
    let answer = move |_, request| {
        let sandbox = answering.clone();
        async move { sandbox.answer(request).await }
    };
    Ok(sandbox.run(address, accept::serve_with(&[], listener, answer, stop)).await?)
}

async fn tidy(app: App) {
    loop {
        tokio::time::sleep(TIDY_EVERY).await;
        app.limits.tidy();
    }
}

/// The start lines: where everything is, and how to get in.
fn welcome(app: &App, embedded: bool, operators: SocketAddr, note: Option<String>) {
    let mut lines = format!("\n  {:<15} {}\n", brand::NAME, app.url(""));
    let mut line = |what: &str, text: &str| lines += &format!("  {what:<15} {text}\n");
    if embedded {
        line("Stripe sandbox", app.config.stripe.api_base.as_str().trim_end_matches('/'));
    }
    if !app.config.production && app.smtp.is_none() {
        line("Mailbox", &app.url("/dev/mailbox"));
    }
    line("For operators", &format!("http://{operators}/inbox"));
    if let Some(demo) = app.demo_hint() {
        line("Sign in as", &format!("{}  /  {}", demo.email, demo.password));
    }
    if let Some(note) = note {
        line("Please note", &note);
    }
    // `println!` would panic where our output is closed.
    writeln!(std::io::stdout(), "{lines}").ok();
}

/// Lets statements in flight finish, but a connection that hangs does not keep us from ending.
async fn close(app: &App) {
    if tokio::time::timeout(CLOSE_TIME, app.db.close()).await.is_err() {
        tracing::warn!("stopped with statements still in flight");
    }
}

/// Ctrl-C, or the SIGTERM that supervisors send. The second of them ends the process at once.
async fn told_to_stop() {
    let mut signals = Signals::listen();
    signals.next().await;
    tracing::info!("stopping; once more stops at once");
    tokio::spawn(async move {
        signals.next().await;
        std::process::exit(130)
    });
}

/// Listens from one signal to the next, so that none is missed, however busy the first keeps us.
#[cfg(unix)]
struct Signals([Option<tokio::signal::unix::Signal>; 2]);

#[cfg(unix)]
impl Signals {
    fn listen() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        Self([SignalKind::interrupt(), SignalKind::terminate()].map(|kind| signal(kind).ok()))
    }

    async fn next(&mut self) {
        let [interrupt, terminate] = &mut self.0;
        tokio::select! {
            () = received(interrupt) => {}
            () = received(terminate) => {}
        }
    }
}

#[cfg(unix)]
async fn received(signal: &mut Option<tokio::signal::unix::Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> Self {
        Self
    }

    async fn next(&mut self) {
        tokio::signal::ctrl_c().await.ok();
    }
}
