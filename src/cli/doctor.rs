//! `doctor`.
use crate::{
    config::{Config, Refused},
    ops::{self, Check, Verdict},
    serve::Result,
};

/// Prints what is right and what is wrong; an error if a check failed.
pub async fn doctor(config: Config) -> Result<()> {
    print(&ops::examine(&config).await)
}

/// The configuration, or an error after its refused settings were printed as failed checks.
pub fn refusals_as_checks(loaded: Result<Config, Refused>) -> Result<Config> {
    match loaded {
        Ok(config) => Ok(config),
        Err(Refused(all)) => {
            let checks: Vec<Check> = all.into_iter().map(|said| Check::fail("configuration", said)).collect();
            print(&checks)?;
            Err("the configuration is not valid".into())
        }
    }
}

fn print(checks: &[Check]) -> Result<()> {
    for Check { verdict, about, said } in checks {
        let word = match verdict {
            Verdict::Ok => "ok",
            Verdict::Warn => "warn",
            Verdict::Fail => "fail",
        };
        println!("{word:5} {about:16} {said}");
    }
    match checks.iter().filter(|check| check.verdict == Verdict::Fail).count() {
        0 => Ok(()),
        failed => Err(format!("{failed} checks failed").into()),
    }
}
