//! A sandbox at work: it answers, delivers and keeps time.
use crate::{Sandbox, SandboxError, hooks, http, refusal::Refusal, reply::Body};
use hyper::{Request, Response, body::Incoming};
use std::{io, net::SocketAddr, time::Duration};
use tokio::net::TcpListener;

impl Sandbox {
    /// Serves until `stop`; delivers and keeps time meanwhile.
    pub async fn serve(
        &self,
        listener: TcpListener,
        stop: impl Future<Output = ()>,
    ) -> Result<(), SandboxError> {
        let address = listener.local_addr()?;
        self.run(address, http::serve(self.clone(), listener, stop)).await
    }

    /// Delivers and keeps time while `server`, one of the caller's own, hands [`Self::answer`] what
    /// arrives at `address`.
    pub async fn run(
        &self,
        address: SocketAddr,
        server: impl Future<Output = ()>,
    ) -> Result<(), SandboxError> {
        if !address.ip().is_loopback() {
            return Err(SandboxError::NotLoopback);
        }
        self.note(|w| w.base_url = format!("http://{address}")).await;
        let background = tokio::spawn(hooks::run(self.clone()));
        let keeping_time = tokio::spawn(keep_time(self.clone()));
        server.await;
        background.abort();
        keeping_time.abort();
        Ok(())
    }

    /// Answers one request. An error in place of an answer means: close the connection.
    pub async fn answer(&self, request: Request<Incoming>) -> io::Result<Response<Body>> {
        http::respond(self, request).await.into_response()
    }
}

/// While the sandbox runs: a look at the clock each second.
async fn keep_time(sandbox: Sandbox) {
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        sandbox.act(|_| Ok::<_, Refusal>(())).await.ok();
    }
}
