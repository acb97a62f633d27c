//! What compilers made of earlier submissions, for those who send the same.
//!
//! The key is a digest of everything that the compile step sees; what is kept was read from the
//! cell by this worker after all of the step's processes were dead. A cell never sees the cache,
//! and an entry only ever serves the very submission that it came from.

mod entry;
mod identity;
mod key;
mod memory;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus::IntCounterVec;
use runlog_nats::{ArtifactError, Artifacts, MOST_ARTIFACT_BYTES};

pub(crate) use entry::Compiled;
pub(crate) use identity::Identity;
pub(crate) use key::{Key, Toolchain};

use crate::run::CompilePlan;
use memory::Memory;

/// The cache of one worker.
pub(crate) struct Cache {
    memory: Mutex<Memory>,
    shared: Artifacts,
    engine: &'static str,
    /// `None` where what belongs to the toolchains cannot be told; then nothing is kept.
    identity: Option<Identity>,
    /// By language, as the toolchains tell.
    versions: Mutex<HashMap<String, String>>,
    lookups: IntCounterVec,
}

impl Cache {
    pub(crate) fn new(
        memory_bytes: usize,
        shared: Artifacts,
        engine: &'static str,
        identity: Option<Identity>,
        lookups: IntCounterVec,
    ) -> Self {
        Self {
            memory: Mutex::new(Memory::new(memory_bytes)),
            shared,
            engine,
            identity,
            versions: Mutex::default(),
            lookups,
        }
    }

    /// Notes which version of a language's toolchain this machine has.
    pub(crate) fn learn(&self, language: &str, version: &str) {
        lock(&self.versions).insert(language.to_owned(), version.to_owned());
    }

    /// The key of a compile step; `None` where its result must not be kept.
    pub(crate) fn key(&self, language: &str, plan: &CompilePlan<'_>) -> Option<Key> {
        if !plan.is_repeatable {
            return None;
        }
        let toolchain = Toolchain {
            engine: self.engine,
            language,
            version: lock(&self.versions).get(language)?.clone(),
            machine: self.identity.as_ref()?.current()?,
        };
        Some(Key::of(&toolchain, plan))
    }

    /// What is known under a key. An entry that is not as it was written is dropped.
    pub(crate) async fn find(&self, key: &Key) -> Option<Arc<Compiled>> {
        let known = lock(&self.memory).get(key);
        let (found, place) = match known {
            Some(found) => (Some(found), "memory"),
            None => match self.find_shared(key).await {
                Some((found, bytes)) => {
                    lock(&self.memory).put(key.clone(), Arc::clone(&found), bytes);
                    (Some(found), "shared")
                }
                None => (None, "none"),
            },
        };
        self.lookups.with_label_values(&[place]).inc();
        found
    }

    async fn find_shared(&self, key: &Key) -> Option<(Arc<Compiled>, usize)> {
        let damage = match self.shared.get(key.name()).await {
            Ok(None) => return None,
            Ok(Some(bytes)) => match Compiled::decode(key, &bytes) {
                Ok(compiled) => return Some((Arc::new(compiled), bytes.len())),
                Err(damage) => damage.to_string(),
            },
            Err(ArtifactError::Damaged(damage)) => damage,
            Err(error @ ArtifactError::Unavailable(_)) => {
                tracing::debug!(%error, "compiling without a look at what there is");
                return None;
            }
        };
        tracing::warn!(key = key.name(), damage, "a damaged artifact is dropped");
        self.lookups.with_label_values(&["damaged"]).inc();
        if let Err(error) = self.shared.delete(key.name()).await {
            tracing::warn!(key = key.name(), %error, "it could not be dropped");
        }
        None
    }

    /// Keeps what a compile step made.
    pub(crate) async fn keep(&self, key: Key, compiled: Compiled) {
        let bytes = compiled.encode(&key);
        if bytes.len() > MOST_ARTIFACT_BYTES {
            return;
        }
        lock(&self.memory).put(key.clone(), Arc::new(compiled), bytes.len());
        if let Err(error) = self.shared.put(key.name(), &bytes).await {
            tracing::warn!(%error, "what was compiled is not shared");
        }
    }
}

// What these hold is whole whatever panicked beside it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
