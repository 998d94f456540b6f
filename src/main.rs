//! The command line.
use clap::{Parser, Subcommand};
use portico::{cli, config::Config, serve};
use std::{io::IsTerminal, process::ExitCode};
use tracing_subscriber::fmt::writer::BoxMakeWriter;

/// A SaaS shell with billing that cannot drift.
#[derive(Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the product (the default).
    Serve,
    /// Work on the queue alone: webhooks, mails, reconciliation.
    Worker,
    /// Look at and repair what we believe of Stripe.
    Stripe {
        #[command(subcommand)]
        command: StripeCommand,
    },
    /// Run the stateful Stripe sandbox alone.
    #[cfg(feature = "sandbox")]
    Sandbox,
}

#[derive(Subcommand)]
enum StripeCommand {
    /// Print what our database believes, an organisation a line.
    Status {
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// One full pass of reconciliation, or of one organisation. Fails unless it completed.
    Sync {
        /// The organisation's word in URLs.
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
    let config = Config::load()?;
    // What a command prints is for scripts; its log goes beside it.
    begin_log(&config, matches!(command, Command::Stripe { .. }));
    // One provider for TLS in the whole process, so that no crate picks another.
    rustls::crypto::ring::default_provider().install_default().map_err(|_| "TLS was set up twice")?;
    match command {
        Command::Serve => serve::serve(config).await,
        Command::Worker => serve::work(config).await,
        Command::Stripe { command } => {
            let app = serve::attach(config).await?;
            match command {
                StripeCommand::Status { json } => cli::status(&app, json).await,
                StripeCommand::Sync { org } => cli::sync(&app, org.as_deref()).await,
                StripeCommand::Events { json, state } => cli::events(&app, json, state.as_deref()).await,
                StripeCommand::Replay { ids } => cli::replay(&app, &ids).await,
            }
        }
        #[cfg(feature = "sandbox")]
        Command::Sandbox => serve::sandbox_alone(config).await,
    }
}

fn begin_log(config: &Config, to_stderr: bool) {
    let (writer, is_terminal) = match to_stderr {
        true => (BoxMakeWriter::new(std::io::stderr), std::io::stderr().is_terminal()),
        false => (BoxMakeWriter::new(std::io::stdout), std::io::stdout().is_terminal()),
    };
    let log = tracing_subscriber::fmt().with_env_filter(config.log.as_str()).with_writer(writer);
    if config.production {
        log.json().init()
    } else {
        log.with_target(false).with_ansi(is_terminal).compact().init()
    }
}

#[expect(clippy::print_stderr, reason = "there may be no log yet")]
fn refuse(error: &(dyn std::error::Error + Send + Sync)) -> ExitCode {
    eprintln!("portico: {error}");
    ExitCode::FAILURE
}
