//! Jobs and where they wait: in Redis, or in memory where there is none.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use redis::aio::MultiplexedConnection;
use redis::{RedisError, RedisResult};
use uuid::Uuid;

/// The list on which jobs wait for the worker.
pub(super) const QUEUE: &str = "queue:jobs";

/// Seconds for which a job can be asked about.
const KEPT: u64 = 600;

/// Text whose words are counted, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::demo) struct Job {
    pub(super) owner: String,
    pub(super) status: String,
    pub(super) text: String,
    /// The number of words, once the worker has counted them.
    pub(super) words: Option<String>,
}

/// Where jobs are.
pub(in crate::demo) enum Broker {
    /// As one hash a job, and a list.
    Redis {
        /// For connections of one's own.
        client: Box<redis::Client>,
        /// For everything that does not wait.
        shared: MultiplexedConnection,
    },
    /// Done as they come.
    Memory(Mutex<HashMap<Uuid, Job>>),
}

impl Broker {
    pub(in crate::demo) async fn redis(url: &str) -> Result<Self, String> {
        let connecting = async {
            let client = Box::new(redis::Client::open(url)?);
            let shared = client.get_multiplexed_async_connection().await?;
            Ok(Self::Redis { client, shared })
        };
        connecting
            .await
            .map_err(|error: RedisError| format!("connecting to the demo's Redis: {error}"))
    }

    pub(in crate::demo) fn memory() -> Self {
        Self::Memory(Mutex::default())
    }

    /// For `/health`.
    pub(super) async fn state(&self) -> &'static str {
        match self {
            Self::Memory(_) => "in memory",
            Self::Redis { shared, .. } => {
                let answer = redis::cmd("PING").query_async::<()>(&mut shared.clone()).await;
                if answer.is_ok() { "up" } else { "down" }
            }
        }
    }

    pub(super) async fn submit(&self, id: Uuid, job: Job) -> RedisResult<()> {
        match self {
            Self::Redis { shared, .. } => {
                let fields = [("owner", &job.owner), ("status", &job.status), ("text", &job.text)];
                let mut steps = redis::pipe();
                steps.atomic().cmd("HSET").arg(key(id));
                for (field, value) in fields {
                    steps.arg(field).arg(value);
                }
                steps.cmd("EXPIRE").arg(key(id)).arg(KEPT);
                steps.cmd("LPUSH").arg(QUEUE).arg(id.to_string());
                steps.query_async(&mut shared.clone()).await
            }
            Self::Memory(jobs) => {
                let words = Some(count_words(&job.text).to_string());
                let status = "completed".to_owned();
                lock(jobs).insert(id, Job { status, words, ..job });
                Ok(())
            }
        }
    }

    pub(super) async fn find(&self, id: Uuid) -> RedisResult<Option<Job>> {
        match self {
            Self::Redis { shared, .. } => {
                let mut ask = redis::cmd("HGETALL");
                let fields: HashMap<String, String> = ask.arg(key(id)).query_async(&mut shared.clone()).await?;
                let field = |name| fields.get(name).cloned();
                Ok(field("owner").map(|owner| Job {
                    owner,
                    status: field("status").unwrap_or_default(),
                    text: field("text").unwrap_or_default(),
                    words: field("words"),
                }))
            }
            Self::Memory(jobs) => Ok(lock(jobs).get(&id).cloned()),
        }
    }

    pub(super) async fn remove(&self, id: Uuid) -> Result<(), RedisError> {
        match self {
            Self::Redis { shared, .. } => {
                let mut steps = redis::pipe();
                steps
                    .cmd("DEL")
                    .arg(key(id))
                    .cmd("LREM")
                    .arg(QUEUE)
                    .arg(0)
                    .arg(id.to_string());
                steps.query_async::<(u64, u64)>(&mut shared.clone()).await.map(drop)
            }
            Self::Memory(jobs) => {
                lock(jobs).remove(&id);
                Ok(())
            }
        }
    }
}

pub(super) fn key(id: impl std::fmt::Display) -> String {
    format!("job:{id}")
}

pub(super) fn count_words(text: &str) -> usize {
    text.split_whitespace().count()
}

fn lock(jobs: &Mutex<HashMap<Uuid, Job>>) -> std::sync::MutexGuard<'_, HashMap<Uuid, Job>> {
    jobs.lock().unwrap_or_else(PoisonError::into_inner)
}
