//! The command line.
extern crate portico as product;

use clap::{Parser, Subcommand};
use product::{brand, cli, config::Config, log::Log, serve};
use std::{io::IsTerminal, process::ExitCode, time::Duration};
use tracing_subscriber::{Layer, filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

/// glibc's allocator keeps what a thousand connections held, in pieces too small to give back: 20 MB after as many
/// slow readers left. This one gives it back within ten seconds, in a thread of its own.
#[cfg(all(target_os = "linux", feature = "jemalloc"))]
#[global_allocator]
static MEMORY: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// A SaaS starter with accounts, organisations and Stripe billing.
#[derive(Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

/// Spans that tower-sessions opens twice a request and says nothing in. `LOG` may name it again.
const QUIET: &str = "tower_sessions=warn";

/// For the last lines of the log to be written.
const LAST_LINES: Duration = Duration::from_secs(1);

#[derive(Subcommand)]
enum Command {
    /// Serve the product (the default).
    Serve,
    /// Run background jobs only: webhooks, mails, reconciliation.
    Worker,
    /// Set up Stripe, and see or repair the billing state kept here.
    Stripe {
        #[command(subcommand)]
        command: StripeCommand,
    },
    /// Check what this program depends on: database, keys, secrets, endpoint, clock. Changes nothing.
    Doctor,
    /// The demo of development.
    Demo {
        #[command(subcommand)]
        command: DemoCommand,
    },
    /// Run the stateful Stripe sandbox alone.
    #[cfg(feature = "sandbox")]
    Sandbox,
}

impl Command {
    /// Whether it has to run while the webhook's secret is not known yet.
    fn comes_before_setup(&self) -> bool {
        use StripeCommand::{Setup, Verify};
        matches!(self, Command::Stripe { command: Setup { .. } | Verify })
    }
}

#[derive(Subcommand)]
enum DemoCommand {
    /// Remove the demo's database and the sandbox's; the next start makes new ones. Not in production.
    Reset,
}

#[derive(Subcommand)]
enum StripeCommand {
    /// Create or correct products, prices, the portal's configuration and the webhook endpoint.
    Setup {
        /// Replace an endpoint that has another API version; it gets a new secret.
        #[arg(long)]
        replace_endpoint: bool,
    },
    /// List what differs from what `setup` would create; fails if anything does. Changes nothing.
    Verify,
    /// Print each organisation's billing state from the database, one a line.
    Status {
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Compare every organisation with Stripe and correct it, or one. Fails unless it completed.
    Sync {
        /// The organisation as it stands in its URLs, such as `acme`.
        #[arg(long)]
        org: Option<String>,
    },
    /// List the webhook inbox, oldest first.
    Events {
        #[arg(long)]
        json: bool,
        /// `pending`, `done`, `ignored`, `parked` or `dead`.
        #[arg(long)]
        state: Option<String>,
    },
    /// Put events back to `pending`.
    Replay {
        #[arg(required = true)]
        ids: Vec<String>,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli.command.unwrap_or(Command::Serve)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => refuse(error.as_ref()),
    }
}

async fn run(command: Command) -> serve::Result<()> {
    let config = match &command {
        Command::Doctor => cli::refusals_as_checks(Config::load_for_setup())?,
        it if it.comes_before_setup() => Config::load_for_setup()?,
        _ => Config::load()?,
    };
    // What a command prints is for scripts; its log goes beside it.
    let log = begin_log(&config, matches!(command, Command::Doctor | Command::Stripe { .. }))?;
    // One provider for TLS in the whole process, so that no crate picks another.
    rustls::crypto::ring::default_provider().install_default().map_err(|_| "TLS was set up twice")?;
    let outcome = match command {
        Command::Serve => serve::serve(config).await,
        Command::Worker => serve::work(config).await,
        Command::Doctor => cli::doctor(serve::at_stripe(config)?).await,
        Command::Stripe { command } => of_stripe(command, config).await,
        Command::Demo { command: DemoCommand::Reset } => serve::demo_reset(&config),
        #[cfg(feature = "sandbox")]
        Command::Sandbox => serve::sandbox_alone(config).await,
    };
    log.flush(LAST_LINES);
    outcome
}

async fn of_stripe(command: StripeCommand, config: Config) -> serve::Result<()> {
    let attach = serve::attach;
    match command {
        StripeCommand::Setup { replace_endpoint } => {
            cli::setup(&serve::at_stripe(config)?, replace_endpoint).await
        }
        StripeCommand::Verify => cli::verify(&serve::at_stripe(config)?).await,
        StripeCommand::Status { json } => cli::status(&attach(config).await?, json).await,
        StripeCommand::Sync { org } => cli::sync(&attach(config).await?, org.as_deref()).await,
        StripeCommand::Events { json, state } => {
            cli::events(&attach(config).await?, json, state.as_deref()).await
        }
        StripeCommand::Replay { ids } => cli::replay(&attach(config).await?, &ids).await,
    }
}

fn begin_log(config: &Config, to_stderr: bool) -> std::io::Result<Log> {
    let (log, is_terminal) = match to_stderr {
        true => (Log::to(std::io::stderr())?, std::io::stderr().is_terminal()),
        false => (Log::to(std::io::stdout())?, std::io::stdout().is_terminal()),
    };
    let writer = log.clone();
    let lines =
        tracing_subscriber::fmt::layer().log_internal_errors(false).with_writer(move || writer.clone());
    let lines = match config.production {
        true => lines.json().boxed(),
        false => lines.with_target(false).with_ansi(is_terminal).compact().boxed(),
    };
    let wanted: Targets = format!("{QUIET},{}", config.log).parse().expect("config.rs has parsed LOG");
    tracing_subscriber::registry().with(lines).with(wanted).init();
    // The hook of the standard library writes to stderr, and waits for whoever reads that.
    let last = log.clone();
    std::panic::set_hook(Box::new(move |panic| {
        tracing::error!(%panic, "panic");
        if std::thread::current().name() == Some("main") {
            last.flush(LAST_LINES);
        }
    }));
    Ok(log)
}

#[expect(clippy::print_stderr, reason = "there may be no log yet")]
fn refuse(error: &(dyn std::error::Error + Send + Sync)) -> ExitCode {
    eprintln!("{}: {error}", brand::SLUG);
    ExitCode::FAILURE
}
