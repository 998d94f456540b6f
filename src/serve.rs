//! From a configuration to a running product: database, sandbox, demo, listener.
use crate::{
    App, brand,
    config::{self, Config},
    db::{self, Db, RowSecurity},
    demo, jobs, ops, routes,
    web::accept,
    worker,
};
use secrecy::SecretString;
use std::{
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::net::TcpListener;

pub type Result<T, E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

/// Limits in memory are this process's own, and so is tidying them.
const TIDY_EVERY: Duration = Duration::from_secs(600);

/// `serve`: runs until it is told to stop, then lets requests in flight finish.
pub async fn serve(mut config: Config) -> Result<()> {
    let listener = bind(&config).await?;
    let operators = bind_ops(&config).await?;
    let secrets = secrets(&config)?;
    let embedded = embed_sandbox(&mut config, &secrets, listener.local_addr()?).await?;
    let db = open_database(&config).await?;
    let app = App::new(config.clone(), db, &secrets);
    jobs::begin_schedules(&app).await?;
    if embedded && let Err(error) = demo::seed(&app).await {
        tracing::warn!(%error, "the demo could not be made");
    }
    let beside = [
        tokio::spawn(tidy(app.clone())),
        tokio::spawn(worker::run(app.clone())),
        tokio::spawn(ops::compare_modes(app.clone())),
        tokio::spawn(accept::serve(operators, routes::ops_router(app.clone()), std::future::pending())),
    ];
    welcome(&app, embedded);
    accept::serve(listener, routes::router(app.clone()), told_to_stop()).await;
    beside.iter().for_each(tokio::task::JoinHandle::abort); // a job that was cut off comes back when its lease ends
    app.db.close().await;
    Ok(())
}

/// `worker`: the queue alone, beside as many others as there are.
pub async fn work(config: Config) -> Result<()> {
    let app = attach(config).await?;
    jobs::begin_schedules(&app).await?;
    tracing::info!("working");
    tokio::spawn(ops::compare_modes(app.clone()));
    tokio::select! {
        () = worker::run(app.clone()) => {}
        () = told_to_stop() => {}
    }
    app.db.close().await;
    Ok(())
}

/// The product without a listener, for the command line and the worker. In development without a key
/// it uses the sandbox that `serve` has embedded.
pub async fn attach(config: Config) -> Result<App> {
    let config = at_stripe(config)?;
    let db = open_database(&config).await?;
    let secrets = secrets(&config)?;
    Ok(App::new(config, db, &secrets))
}

/// Points at the sandbox that `serve` embeds, where there is no key of Stripe's.
pub fn at_stripe(mut config: Config) -> Result<Config> {
    if config.stripe.keys.is_empty() {
        config.stripe.api_base = format!("http://{}", config.sandbox.bind).parse()?;
        config.stripe.keys = vec![config::SANDBOX_KEY.into()];
    }
    Ok(config)
}

/// The next free port if the usual one is taken and nobody set it by hand.
async fn bind_ops(config: &Config) -> Result<TcpListener> {
    let mut address = config.ops_bind;
    for _ in 0..if config.ops_bind_is_fixed || config.production { 1 } else { 50 } {
        match TcpListener::bind(address).await {
            Ok(listener) => return Ok(listener),
            Err(_) => address.set_port(address.port().wrapping_add(1).max(1024)),
        }
    }
    Err(format!("OPS_BIND {}: no free address", config.ops_bind).into())
}

async fn bind(config: &Config) -> Result<TcpListener> {
    let bound = TcpListener::bind(config.bind).await;
    bound.map_err(|error| format!("BIND {}: {error}", config.bind).into())
}

/// Opens, migrates, and says in the log what holds tenants apart.
pub async fn open_database(config: &Config) -> Result<Db> {
    if let Some(file) = sqlite_file(&config.database_url) {
        make_folder_of(&file)?;
    }
    let failed = |error: db::Error| format!("DATABASE_URL: {error}");
    let mut db = Db::connect(&config.database_url).await.map_err(failed)?;
    db::migrate(&mut db).await.map_err(failed)?;
    match db::row_security(&db).await.map_err(failed)? {
        RowSecurity::NotOffered => tracing::info!("SQLite: tenants are held apart by statements and types"),
        RowSecurity::Holds { role } => tracing::info!(role, "Postgres: row-level security holds"),
        RowSecurity::DoesNotHold(why) => {
            tracing::warn!(why, "Postgres: row-level security does NOT hold; connect as a plain owner")
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
    make_folder_of(&path)?;
    match std::fs::read_to_string(&path) {
        Ok(kept) if kept.len() >= 32 => Ok(vec![kept.into()]),
        _ => {
            let mut bytes = [0; 32];
            getrandom::fill(&mut bytes).map_err(|error| error.to_string())?;
            let fresh: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            write_private(&path, &fresh)?;
            Ok(vec![fresh.into()])
        }
    }
}

/// Readable by us alone from its first byte on.
fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    std::io::Write::write_all(&mut options.open(path)?, text.as_bytes())
}

pub fn sqlite_file(url: &str) -> Option<PathBuf> {
    let path = url.strip_prefix("sqlite://")?.split('?').next()?;
    Some(path.into())
}

fn make_folder_of(file: &Path) -> std::io::Result<()> {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => std::fs::create_dir_all(folder),
        _ => Ok(()),
    }
}

/// Without a key of Stripe's the sandbox stands in, on its own port, and the configuration from
/// here on points at it. True if it does.
#[cfg(feature = "sandbox")]
async fn embed_sandbox(
    config: &mut Config,
    secrets: &[SecretString],
    ours: std::net::SocketAddr,
) -> Result<bool> {
    if !config.stripe.keys.is_empty() {
        return Ok(false);
    }
    let listener = portico_sandbox::bind(config.sandbox.bind, config.sandbox.bind_is_fixed).await?;
    let base_url = format!("http://{}", listener.local_addr()?);
    config.stripe.api_base = base_url.parse()?;
    config.stripe.keys = vec![config::SANDBOX_KEY.into()];
    let secret = match config.stripe.webhook_secrets.first() {
        Some(given) => given.clone(),
        None => crate::web::Signer::new(secrets).derived("whsec_", "the sandbox's webhooks").into(),
    };
    config.stripe.webhook_secrets = vec![secret.clone()];
    let url = webhook_url(config, ours);
    let options = sandbox_options(config, Some((url, &secret)));
    let sandbox = portico_sandbox::Sandbox::open(options).await?;
    tokio::spawn(async move {
        if let Err(error) = sandbox.serve(listener, std::future::pending()).await {
            tracing::error!(%error, "the sandbox stopped");
        }
    });
    Ok(true)
}

/// The public address where it leads here, so that `stripe setup` knows the endpoint again.
#[cfg(feature = "sandbox")]
fn webhook_url(config: &Config, ours: std::net::SocketAddr) -> String {
    let public = &config.public_url;
    let is_here = public.scheme() == "http"
        && matches!(public.host_str(), Some("localhost" | "127.0.0.1"))
        && public.port_or_known_default() == Some(ours.port());
    if is_here {
        crate::billing::setup::webhook_url(config)
    } else {
        format!("http://{ours}/webhooks/stripe")
    }
}

#[cfg(not(feature = "sandbox"))]
async fn embed_sandbox(config: &mut Config, _: &[SecretString], _: std::net::SocketAddr) -> Result<bool> {
    match config.stripe.keys.is_empty() {
        true => Err("STRIPE_SECRET_KEY is required: this build has no sandbox".into()),
        false => Ok(false),
    }
}

#[cfg(feature = "sandbox")]
fn sandbox_options(config: &Config, webhook: Option<(String, &SecretString)>) -> portico_sandbox::Options {
    let webhook = webhook.map(|(url, secret)| {
        let secret = secrecy::ExposeSecret::expose_secret(secret).to_owned();
        portico_sandbox::Webhook { url, secret }
    });
    let data = config.sandbox.data.clone();
    portico_sandbox::Options { data, webhook, catalogue: true, ..portico_sandbox::Options::default() }
}

/// `sandbox`: the stand-in alone, for another project or another process.
#[cfg(feature = "sandbox")]
pub async fn sandbox_alone(config: Config) -> Result<()> {
    let listener = portico_sandbox::bind(config.sandbox.bind, config.sandbox.bind_is_fixed).await?;
    let webhook = config.sandbox.webhook.as_ref().map(|(url, secret)| (url.to_string(), secret));
    let options = sandbox_options(&config, webhook);
    Ok(portico_sandbox::run_alone(listener, options, told_to_stop()).await?)
}

async fn tidy(app: App) {
    loop {
        tokio::time::sleep(TIDY_EVERY).await;
        app.limits.tidy();
    }
}

fn welcome(app: &App, embedded: bool) {
    println!("\n  {:<14}  {}", brand::NAME, app.config.public_url.as_str().trim_end_matches('/'));
    if embedded {
        println!("  Stripe sandbox  {}", app.config.stripe.api_base.as_str().trim_end_matches('/'));
    }
    if let Some(demo) = app.demo_hint() {
        println!("  Sign in as      {}  /  {}", demo.email, demo.password);
    }
    println!();
}

/// Ctrl-C, or the SIGTERM that supervisors send.
async fn told_to_stop() {
    #[cfg(unix)]
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
    tracing::info!("stopping");
}
