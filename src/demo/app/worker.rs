//! The worker: takes jobs and mail from Redis, and says that it is alive.

use std::sync::Arc;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, RedisResult};

use super::broker::{QUEUE, count_words, key};
use super::{App, Broker};
use crate::demo::faults::Twist;

const MAIL: &str = "queue:mail";
const HEARTBEAT: &str = "worker:heartbeat";

/// A queue as Bull keeps it, and what its workers call their connections: `bull:` and its name in base64.
const THUMBNAILS: &str = "bull:thumbnails";
const THUMBNAILS_WORKER: &str = "bull:dGh1bWJuYWlscw==";

/// Seconds until a worker that gives no sign of life counts as dead.
const LIVES: u64 = 10;

/// Seconds for which one turn waits for work.
const TURN: u64 = 1;

/// Starts the worker where there is a Redis to work on. It has given its first sign of life when this returns.
pub(super) async fn start(app: &Arc<App>) -> Result<(), String> {
    let Broker::Redis { shared, .. } = &app.broker else {
        return Ok(());
    };
    prepare(app, shared.clone())
        .await
        .map_err(|error| format!("starting the demo's worker: {error}"))?;
    if !app.has(Twist::WorkerDead) {
        let own = own(app)
            .await
            .map_err(|error| format!("starting the demo's worker: {error}"))?;
        tokio::spawn(work(Arc::clone(app), own));
    }
    Ok(())
}

/// Waiting for work blocks a connection, so that the worker does not share the API's.
async fn own(app: &App) -> RedisResult<Option<MultiplexedConnection>> {
    let Broker::Redis { client, .. } = &app.broker else {
        return Ok(None);
    };
    let patient = AsyncConnectionConfig::new().set_response_timeout(None);
    let mut own = client.get_multiplexed_async_connection_with_config(&patient).await?;
    if !app.has(Twist::ThumbnailsUnread) {
        let mut name = redis::cmd("CLIENT");
        name.arg("SETNAME")
            .arg(THUMBNAILS_WORKER)
            .query_async::<()>(&mut own)
            .await?;
    }
    Ok(Some(own))
}

async fn prepare(app: &App, mut connection: MultiplexedConnection) -> RedisResult<()> {
    if app.has(Twist::QueueBacklog) {
        let mut push = redis::cmd("RPUSH");
        push.arg(MAIL);
        for letter in 1..=250 {
            push.arg(format!("letter {letter}"));
        }
        push.query_async::<()>(&mut connection).await?;
    }
    thumbnails(app, &mut connection).await?;
    if app.has(Twist::WorkerDead) {
        return Ok(());
    }
    beat(app, &mut connection).await
}

/// Until Redis stops.
async fn work(app: Arc<App>, own: Option<MultiplexedConnection>) {
    if let (Broker::Redis { shared, .. }, Some(mut own)) = (&app.broker, own) {
        while turn(&app, &mut own, &mut shared.clone()).await.is_ok() {}
    }
}

async fn turn(app: &App, own: &mut MultiplexedConnection, shared: &mut MultiplexedConnection) -> RedisResult<()> {
    beat(app, shared).await?;
    let mut wait = redis::cmd("BRPOP");
    wait.arg(QUEUE);
    if !app.has(Twist::QueueBacklog) {
        wait.arg(MAIL);
    }
    if !app.has(Twist::ThumbnailsUnread) {
        wait.arg(format!("{THUMBNAILS}:wait"));
    }
    let taken: Option<(String, String)> = wait.arg(TURN).query_async(own).await?;
    match taken {
        Some((queue, id)) if queue == QUEUE => complete(app, &id, shared).await,
        _ => Ok(()),
    }
}

/// The queue has had one job, which is done, or failed.
async fn thumbnails(app: &App, connection: &mut MultiplexedConnection) -> RedisResult<()> {
    let milliseconds = super::token::now() * 1000;
    let ended = if app.has(Twist::ThumbnailFailed) {
        "failed"
    } else {
        "completed"
    };
    let mut steps = redis::pipe();
    steps.cmd("SET").arg(format!("{THUMBNAILS}:id")).arg(1).ignore();
    let scored = format!("{THUMBNAILS}:{ended}");
    steps.cmd("ZADD").arg(scored).arg(milliseconds).arg(1).ignore();
    steps.cmd("HSET").arg(format!("{THUMBNAILS}:1"));
    for (field, value) in [("name", "resize"), ("failedReason", "the picture is empty")] {
        steps.arg(field).arg(value);
    }
    steps.arg("finishedOn").arg(milliseconds).ignore();
    steps.query_async(connection).await
}

async fn beat(app: &App, connection: &mut MultiplexedConnection) -> RedisResult<()> {
    let mut set = redis::cmd("SET");
    set.arg(HEARTBEAT).arg(super::token::now());
    if !app.has(Twist::HeartbeatForever) {
        set.arg("EX").arg(LIVES);
    }
    set.query_async(connection).await
}

async fn complete(app: &App, id: &str, connection: &mut MultiplexedConnection) -> RedisResult<()> {
    let text: Option<String> = redis::cmd("HGET")
        .arg(key(id))
        .arg("text")
        .query_async(connection)
        .await?;
    // It may have been removed while it waited.
    let Some(text) = text else { return Ok(()) };
    let mut done = redis::cmd("HSET");
    done.arg(key(id)).arg("status").arg(if app.has(Twist::JobNeverEnds) {
        "processing"
    } else {
        "completed"
    });
    if !app.has(Twist::JobLies) && !app.has(Twist::JobNeverEnds) {
        done.arg("words").arg(count_words(&text));
    }
    done.query_async(connection).await
}
