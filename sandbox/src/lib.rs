//! A stateful Stripe on a port of its own: API, hosted pages, webhooks, a clock that can be moved.
//! Whoever uses it speaks HTTP with it, as with Stripe; this crate starts and stops it.
mod act;
mod alone;
mod api;
mod catalogue;
mod engine;
mod hooks;
mod http;
mod objects;
mod pages;
mod panel;
mod seed;
mod state;
mod wire;
#[cfg(test)]
mod year;

pub use alone::{bind, open_alone, run_alone};
pub use http::Body;

use api::Refusal;
use state::{Asked, Keep, Settings, World};
use std::{net::SocketAddr, sync::Arc};
use tokio::{
    net::TcpListener,
    sync::{Mutex, Notify},
};

/// How a sandbox begins.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Its own SQLite file; empty or `:memory:` keeps nothing.
    pub data: String,
    /// An endpoint that is there from the start.
    pub webhook: Option<Webhook>,
    /// Products, prices and a portal configuration, as `portico stripe setup` would make them.
    pub catalogue: bool,
    /// The same seed and the same calls give the same ids.
    pub seed: Option<u64>,
    /// The clock stands here until it is advanced (unix seconds); else it follows the wall's.
    pub frozen_at: Option<i64>,
}

/// Where events go from the start, and what signs them.
#[derive(Clone)]
pub struct Webhook {
    pub url: String,
    /// `whsec_…`
    pub secret: String,
}

impl std::fmt::Debug for Webhook {
    /// Without the secret: what is printed ends up in logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook").field("url", &self.url).finish_non_exhaustive()
    }
}

/// Why a sandbox cannot start.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    #[error("the sandbox's file: {0}")]
    File(#[from] sqlx::Error),
    #[error("SANDBOX_BIND {address}: {source}")]
    Bind { address: SocketAddr, source: std::io::Error },
    #[error("the sandbox listens on loopback addresses only: it has no passwords")]
    NotLoopback,
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// A running world. Cheap to clone.
#[derive(Clone)]
pub struct Sandbox(Arc<Inside>);

struct Inside {
    held: Mutex<Held>,
    /// There may be something to deliver.
    deliveries: Notify,
    options: Options,
}

struct Held {
    world: World,
    keep: Keep,
}

impl Sandbox {
    /// With what an earlier run left in its file. Fails where the file cannot be opened or read.
    pub async fn open(options: Options) -> Result<Self, SandboxError> {
        let keep = Keep::open(&options.data).await?;
        let mut world = World::new(Settings::fresh(options.seed, options.frozen_at));
        keep.load(&mut world).await?;
        let inside = Inside { held: Mutex::new(Held { world, keep }), deliveries: Notify::new(), options };
        let sandbox = Self(Arc::new(inside));
        sandbox.furnish().await;
        Ok(sandbox)
    }

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
        self.0.held.lock().await.world.base_url = format!("http://{address}");
        let background = tokio::spawn(hooks::run(self.clone()));
        let keeping_time = tokio::spawn(engine::keep_time(self.clone()));
        server.await;
        background.abort();
        keeping_time.abort();
        Ok(())
    }

    /// Answers one request. An error in place of an answer means: close the connection.
    pub async fn answer(
        &self,
        request: hyper::Request<hyper::body::Incoming>,
    ) -> Result<hyper::Response<Body>, std::io::Error> {
        http::respond(self, request).await.into_response()
    }

    /// Everything is forgotten, and the furniture put back.
    pub async fn reset(&self) {
        self.act(|w| {
            w.clear();
            *w.change_settings() = Settings::fresh(self.0.options.seed, self.0.options.frozen_at);
            Ok::<_, Refusal>(())
        })
        .await
        .ok();
        self.furnish().await;
    }

    async fn furnish(&self) {
        let Options { webhook, catalogue, .. } = &self.0.options;
        let furnished = self.act(|w| {
            if *catalogue {
                catalogue::furnish(w);
            }
            if let Some(Webhook { url, secret }) = webhook {
                hooks::furnish(w, url, secret);
            }
            Ok::<_, Refusal>(())
        });
        furnished.await.ok();
    }

    /// One operation: all of it, or nothing if it is refused.
    async fn act<T>(&self, operation: impl FnOnce(&mut World) -> Result<T, Refusal>) -> Result<T, Refusal> {
        self.act_as(Asked::default(), operation).await
    }

    async fn act_as<T>(
        &self,
        asked: Asked,
        operation: impl FnOnce(&mut World) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let mut held = self.0.held.lock().await;
        let Held { world, keep } = &mut *held;
        world.asked = Asked::default();
        engine::catch_up(world);
        let kept = keep.is_on_disk();
        let mut changes = world.settle(kept);
        world.asked = asked;
        let outcome = operation(world);
        if matches!(&outcome, Err(refusal) if !refusal.stands) {
            world.undo();
        }
        changes.append(&mut world.settle(kept));
        if let Err(error) = keep.write(changes).await {
            tracing::error!(%error, "the sandbox's file");
        }
        drop(held);
        self.0.deliveries.notify_one();
        outcome
    }

    /// Writes down what has happened already: no clock is looked at, nobody is woken.
    async fn note(&self, write: impl FnOnce(&mut World)) {
        let mut held = self.0.held.lock().await;
        let Held { world, keep } = &mut *held;
        write(world);
        let changes = world.settle(keep.is_on_disk());
        if let Err(error) = keep.write(changes).await {
            tracing::error!(%error, "the sandbox's file");
        }
    }

    /// Reads without changing anything.
    async fn look<T>(&self, read: impl FnOnce(&World) -> T) -> T {
        read(&self.0.held.lock().await.world)
    }

    /// A fresh request's id, and how far the clock is ahead of the wall's.
    async fn request_id(&self) -> (String, i64) {
        self.act(|w| Ok::<_, Refusal>((w.id("req_"), w.now() - state::wall()))).await.unwrap_or_default()
    }
}
