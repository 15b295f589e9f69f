//! Counts requests in fixed windows, in Redis, so that all instances of the API would count together.
//!
//! Without Redis it counts in memory: a limit that stops limiting when its store is away is none.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use redis::RedisResult;
use redis::aio::MultiplexedConnection;

use super::{App, Broker};
use crate::demo::faults::Twist;

/// How long one window is.
pub(super) const WINDOW: Duration = Duration::from_secs(2);

/// What a caller has spent of the current window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Count {
    /// Including this request.
    pub(super) requests: u64,
    /// Until the next window.
    pub(super) resets_in: Duration,
}

/// Counting and the time to live are one step: a window that was opened always ends.
const SCRIPT: &str = "
local count = redis.call('INCR', KEYS[1])
if count == 1 and ARGV[2] == 'ends' then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return { count, redis.call('PTTL', KEYS[1]) }";

/// Counts one request for `key`.
pub(super) async fn count(app: &App, key: &str) -> Count {
    if let Broker::Redis { shared, .. } = &app.broker {
        let counted = if app.has(Twist::RateLimitRaces) {
            count_carelessly(shared.clone(), key).await
        } else {
            let ends = !app.has(Twist::RateLimitNeverRecovers);
            count_in_redis(shared.clone(), key, ends).await
        };
        if let Ok(count) = counted {
            return count;
        }
    }
    app.limiter.count(key, app).await
}

async fn count_in_redis(mut connection: MultiplexedConnection, key: &str, ends: bool) -> RedisResult<Count> {
    let (requests, left): (u64, i64) = redis::cmd("EVAL")
        .arg(SCRIPT)
        .arg(1)
        .arg(format!("rate:{key}"))
        .arg(WINDOW.as_millis())
        .arg(if ends { "ends" } else { "never ends" })
        .query_async(&mut connection)
        .await?;
    Ok(Count {
        requests,
        resets_in: u64::try_from(left).map_or(WINDOW, Duration::from_millis),
    })
}

/// Reads, then writes: what others count in between is lost.
async fn count_carelessly(mut connection: MultiplexedConnection, key: &str) -> RedisResult<Count> {
    let key = format!("rate:{key}");
    let seen: Option<u64> = redis::cmd("GET").arg(&key).query_async(&mut connection).await?;
    tokio::time::sleep(GAP).await;
    let requests = seen.unwrap_or(0) + 1;
    let mut command = redis::cmd("SET");
    command.arg(&key).arg(requests);
    match seen {
        None => command.arg("PX").arg(WINDOW.as_millis()),
        Some(_) => command.arg("KEEPTTL"),
    };
    command.query_async::<()>(&mut connection).await?;
    Ok(Count {
        requests,
        resets_in: WINDOW,
    })
}

/// How long a careless count takes.
const GAP: Duration = Duration::from_millis(20);

/// The counts of this process alone.
#[derive(Debug, Default)]
pub(super) struct Memory(Mutex<HashMap<String, (u64, Instant)>>);

impl Memory {
    async fn count(&self, key: &str, app: &App) -> Count {
        let ends = !app.has(Twist::RateLimitNeverRecovers);
        let (seen, opened) = self.read(key, ends);
        if app.has(Twist::RateLimitRaces) {
            tokio::time::sleep(GAP).await;
        }
        self.write(key, seen + 1, opened);
        Count {
            requests: seen + 1,
            resets_in: WINDOW.saturating_sub(opened.elapsed()),
        }
    }

    /// What was counted in the window that is open now, and since when.
    fn read(&self, key: &str, ends: bool) -> (u64, Instant) {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match counts.get(key) {
            Some(&(seen, opened)) if !ends || opened.elapsed() < WINDOW => (seen, opened),
            _ => (0, Instant::now()),
        }
    }

    fn write(&self, key: &str, requests: u64, opened: Instant) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.insert(key.to_owned(), (requests, opened));
    }
}
