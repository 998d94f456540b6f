//! A sandbox: one world behind one lock, and its file.
use crate::{
    engine, hooks,
    refusal::Refusal,
    state::{self, Asked, Keep, Settings, World},
};
use std::{net::SocketAddr, sync::Arc};
use tokio::sync::{Mutex, Notify};

/// How a sandbox begins.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Its own SQLite file; empty or `:memory:` keeps nothing.
    pub data: String,
    /// An endpoint that is there from the start.
    pub webhook: Option<Webhook>,
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
    /// Holds what an earlier run left in its file, else nothing but the endpoint of the options. Fails
    /// where the file cannot be opened or read.
    pub async fn open(options: Options) -> Result<Self, SandboxError> {
        let keep = Keep::open(&options.data).await?;
        let mut world = World::new(Settings::fresh(options.seed, options.frozen_at));
        keep.load(&mut world).await?;
        let inside = Inside { held: Mutex::new(Held { world, keep }), deliveries: Notify::new(), options };
        let sandbox = Self(Arc::new(inside));
        sandbox.add_endpoint().await;
        Ok(sandbox)
    }

    /// Forgets everything but the endpoint of the options.
    pub async fn reset(&self) {
        self.act(|w| {
            w.clear();
            *w.change_settings() = Settings::fresh(self.0.options.seed, self.0.options.frozen_at);
            Ok::<_, Refusal>(())
        })
        .await
        .ok();
        self.add_endpoint().await;
    }

    async fn add_endpoint(&self) {
        let Some(Webhook { url, secret }) = &self.0.options.webhook else { return };
        let added = self.act(|w| {
            hooks::add_endpoint(w, url, secret);
            Ok::<_, Refusal>(())
        });
        added.await.ok();
    }

    /// One operation: all of it, or nothing if it is refused.
    pub(crate) async fn act<T>(
        &self,
        operation: impl FnOnce(&mut World) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        self.act_as(Asked::default(), operation).await
    }

    pub(crate) async fn act_as<T>(
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
        self.wake_deliveries();
        outcome
    }

    /// Writes down what has happened already: no clock is looked at, nobody is woken.
    pub(crate) async fn note(&self, write: impl FnOnce(&mut World)) {
        let mut held = self.0.held.lock().await;
        let Held { world, keep } = &mut *held;
        write(world);
        let changes = world.settle(keep.is_on_disk());
        if let Err(error) = keep.write(changes).await {
            tracing::error!(%error, "the sandbox's file");
        }
    }

    /// Reads without changing anything.
    pub(crate) async fn look<T>(&self, read: impl FnOnce(&World) -> T) -> T {
        read(&self.0.held.lock().await.world)
    }

    /// A fresh request's id, and how far the clock is ahead of the wall's.
    pub(crate) async fn request_id(&self) -> (String, i64) {
        self.act(|w| Ok::<_, Refusal>((w.id("req_"), w.now() - state::wall()))).await.unwrap_or_default()
    }

    /// Something may be due for delivery now.
    pub(crate) fn wake_deliveries(&self) {
        self.0.deliveries.notify_one();
    }

    /// Until something may be due for delivery.
    pub(crate) async fn delivery_is_due(&self) {
        self.0.deliveries.notified().await;
    }
}
