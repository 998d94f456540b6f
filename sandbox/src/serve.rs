//! A sandbox at work: it answers, delivers and keeps time.
use crate::{Sandbox, SandboxError, hooks, http, refusal::Refusal};
use std::time::Duration;
use tokio::net::TcpListener;

impl Sandbox {
    /// Serves until `stop`; delivers and keeps time meanwhile.
    pub async fn serve(
        &self,
        listener: TcpListener,
        stop: impl Future<Output = ()>,
    ) -> Result<(), SandboxError> {
        let address = listener.local_addr()?;
        if !address.ip().is_loopback() {
            return Err(SandboxError::NotLoopback);
        }
        self.note(|w| w.base_url = format!("http://{address}")).await;
        let background = tokio::spawn(hooks::run(self.clone()));
        let keeping_time = tokio::spawn(keep_time(self.clone()));
        http::serve(self.clone(), listener, stop).await;
        background.abort();
        keeping_time.abort();
        Ok(())
    }
}

/// While the sandbox runs: a look at the clock each second.
async fn keep_time(sandbox: Sandbox) {
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        sandbox.act(|_| Ok::<_, Refusal>(())).await.ok();
    }
}
