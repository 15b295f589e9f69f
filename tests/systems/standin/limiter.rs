//! A rate limiter with fixed windows, one for each key, as the stand-ins' applications have it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// So many requests in each window for each key.
#[derive(Clone)]
pub(crate) struct Limiter {
    limit: u32,
    window: Duration,
    spent: Arc<Mutex<HashMap<String, (Instant, u32)>>>,
}

/// What one request came to.
pub(crate) struct Hit {
    pub(crate) allowed: bool,
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
    /// Until the window ends, in whole seconds, rounded up.
    pub(crate) reset: u64,
}

impl Limiter {
    pub(crate) fn new(limit: u32, window: Duration) -> Self {
        Self {
            limit,
            window,
            spent: Arc::default(),
        }
    }

    /// How many requests a window admits.
    pub(crate) fn limit(&self) -> u32 {
        self.limit
    }

    /// Counts a request of `key`.
    pub(crate) fn hit(&self, key: &str) -> Hit {
        let mut spent = self.spent.lock().unwrap();
        let entry = spent.entry(key.to_owned()).or_insert((Instant::now(), 0));
        if entry.0.elapsed() >= self.window {
            *entry = (Instant::now(), 0);
        }
        entry.1 += 1;
        Hit {
            allowed: entry.1 <= self.limit,
            limit: self.limit,
            remaining: self.limit.saturating_sub(entry.1),
            reset: self.window.saturating_sub(entry.0.elapsed()).as_secs() + 1,
        }
    }
}
