//! A developer's first minute: ports, start lines, private files, beginning afresh.
use crate::support::{process::Process, temp::TempDir};
use product::config::Config;
use std::{net::TcpListener, path::Path};

const PORTICO: &str = crate::support::process::PROGRAM;
/// The default of `DATABASE_URL`.
const DATABASE: &str = concat!("data/", env!("CARGO_PKG_NAME"), ".db");

fn config(settings: &[(&str, &str)]) -> Config {
    let given =
        |name: &str| settings.iter().find(|(known, _)| *known == name).map(|(_, it)| (*it).to_owned());
    Config::read(given).expect("these settings are right")
}

/// The last word of a start line, once it is printed.
async fn printed(portico: &mut Process, name: &str) -> String {
    portico.line_with(name).await.split_whitespace().last().unwrap().to_owned()
}

async fn ended_with(
    settings: &[(&str, &str)],
    folder: TempDir,
    arguments: &[&str],
) -> (bool, String, TempDir) {
    let mut portico = Process::start_in(folder, PORTICO, arguments, settings);
    let success = portico.ended().await.success();
    let output = portico.output();
    (success, output, portico.stop())
}

#[test]
fn the_public_address_follows_the_one_we_listen_on_unless_it_is_set() {
    for (bind, public) in [
        ("127.0.0.1:8080", "http://localhost:8080/"),
        ("0.0.0.0:8080", "http://localhost:8080/"),
        ("[::1]:8080", "http://localhost:8080/"),
        ("192.0.2.7:8080", "http://192.0.2.7:8080/"),
        ("[2001:db8::7]:8080", "http://[2001:db8::7]:8080/"),
    ] {
        let mut config = config(&[]);
        config.follow(bind.parse().unwrap());
        assert_eq!(config.public_url.as_str(), public);
    }
    let mut set = config(&[("BIND", "127.0.0.1:8080"), ("PUBLIC_URL", "http://portico.localhost:9000")]);
    set.follow("127.0.0.1:8081".parse().unwrap());
    assert_eq!(set.public_url.as_str(), "http://portico.localhost:9000/");
}

/// Whether the usual ports are free on this machine is not known: where one is taken, the next is used.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_developers_programs_run_side_by_side_without_a_setting() {
    let (mut ada, mut bob) = (Process::start(PORTICO, &[], &[]), Process::start(PORTICO, &[], &[]));

    for line in [&*format!("{}  ", product::brand::NAME), "Stripe sandbox", "For operators"] {
        assert_ne!(printed(&mut ada, line).await, printed(&mut bob, line).await, "{line}");
    }
    for portico in [&mut ada, &mut bob] {
        let home = printed(portico, &format!("{}  ", product::brand::NAME)).await;
        assert_eq!(printed(portico, "Mailbox").await, format!("{home}/dev/mailbox"));
        portico.answers_at(&format!("{}/readyz", home.replace("localhost", "127.0.0.1"))).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_set_by_hand_that_is_taken_is_an_error_that_says_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for name in ["BIND", "OPS_BIND", "SANDBOX_BIND"] {
        let (success, output, _) = ended_with(&[(name, &address)], TempDir::new(), &[]).await;

        assert!(!success, "{name}");
        assert!(output.contains(&format!("{name} {address} is in use")), "{name}: {output}");
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_else_on_the_machine_can_read_the_data() {
    use std::os::unix::fs::PermissionsExt;
    let folder = TempDir::new();
    // As an earlier version left it.
    std::fs::create_dir(folder.join("data")).unwrap();
    std::fs::set_permissions(folder.join("data"), std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::write(folder.join(DATABASE), "").unwrap();
    std::fs::set_permissions(folder.join(DATABASE), std::fs::Permissions::from_mode(0o644)).unwrap();
    let mut portico = Process::start_in(folder, PORTICO, &[], &[]);
    portico.line_with("Sign in as").await;

    let data = portico.folder().join("data");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;

    assert_eq!(mode(&data), 0o700);
    let files: Vec<_> = std::fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().path()).collect();
    let ours =
        [".db", ".db-wal", ".db-shm", ".lock"].map(|ending| format!("{}{ending}", product::brand::SLUG));
    for expected in ours.iter().map(String::as_str).chain(["sandbox.db", "app_secret"]) {
        assert!(files.iter().any(|file| file.ends_with(expected)), "{expected} is not among {files:?}");
    }
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_is_not_ours_keeps_its_mode() {
    use std::os::unix::fs::PermissionsExt;
    let elsewhere = TempDir::new();
    let url = format!("sqlite://{}", elsewhere.join("portico.db").display());
    std::fs::set_permissions(elsewhere.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let before = std::fs::metadata(elsewhere.path()).unwrap().permissions();

    let mut portico = Process::start(PORTICO, &[], &[("DATABASE_URL", &url)]);
    portico.line_with("Sign in as").await;

    assert_eq!(std::fs::metadata(elsewhere.path()).unwrap().permissions(), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_database_without_the_other_is_said_at_start_and_a_reset_mends_it() {
    let mut portico = Process::start(PORTICO, &[], &[]);
    portico.line_with("Sign in as").await;
    let folder = portico.stop();
    for ending in ["", "-wal", "-shm"] {
        std::fs::remove_file(folder.join(format!("{DATABASE}{ending}"))).ok();
    }

    let mut portico = Process::start_in(folder, PORTICO, &[], &[]);
    portico.line_with("demo reset").await;
    let folder = portico.stop();
    let (success, output, folder) = ended_with(&[], folder, &["demo", "reset"]).await;

    assert!(success && !folder.join(DATABASE).exists(), "{output}");
    assert!(!folder.join("data/sandbox.db").exists(), "{output}");
    let mut portico = Process::start_in(folder, PORTICO, &[], &[]);
    portico.line_with("Sign in as").await;
    assert!(!portico.output().contains("Please note"), "{}", portico.output());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reset_removes_nothing_while_it_runs_or_with_a_key_or_in_production() {
    let mut portico = Process::start(PORTICO, &[], &[]);
    portico.line_with("Sign in as").await;
    let reset = std::process::Command::new(PORTICO)
        .args(["demo", "reset"])
        .env_clear()
        .current_dir(portico.folder())
        .output()
        .unwrap();
    assert!(!reset.status.success(), "while it runs");
    let mut folder = portico.stop();
    let production = [
        ("APP_ENV", "production"),
        ("APP_SECRET", "q0d8Zk3mN5vR7xT1bW9cL2hJ4fG6sY8p"),
        ("PUBLIC_URL", "https://portico.test"),
        ("STRIPE_SECRET_KEY", "rk_live_123"),
        ("STRIPE_WEBHOOK_SECRETS", "whsec_0123456789abcdef"),
        ("SMTP_URL", "smtps://mail.portico.test"),
        ("MAIL_FROM", "billing@portico.test"),
    ];
    let with_a_key =
        [("STRIPE_SECRET_KEY", "sk_test_1"), ("STRIPE_WEBHOOK_SECRETS", "whsec_0123456789abcdef")];
    for (settings, why) in [(&production[..], "production"), (&with_a_key[..], "STRIPE_SECRET_KEY")] {
        let (success, output, left) = ended_with(settings, folder, &["demo", "reset"]).await;

        assert!(!success && output.contains(why), "{output}");
        assert!(left.join(DATABASE).exists() && left.join("data/sandbox.db").exists());
        folder = left;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_finds_the_sandbox_of_a_running_program_wherever_it_went() {
    let bind = format!("127.0.0.1:{}", crate::support::child_process::free_port());
    let mut portico = Process::start(PORTICO, &[], &[("SANDBOX_BIND", &bind)]);
    portico.line_with("Sign in as").await;

    let verified = std::process::Command::new(PORTICO)
        .args(["stripe", "sync"])
        .env_clear()
        .current_dir(portico.folder())
        .output()
        .unwrap();

    let said = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert!(verified.status.success() && said.starts_with("Checked 1"), "{said}{verified:?}");
}
