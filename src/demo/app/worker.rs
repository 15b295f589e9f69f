//! The worker: takes jobs and mail from Redis, and says that it is alive.

use std::sync::Arc;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, RedisResult};

use super::broker::{QUEUE, count_words, key};
use super::{App, Broker};
use crate::demo::faults::Twist;

const MAIL: &str = "queue:mail";
const HEARTBEAT: &str = "worker:heartbeat";

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
        tokio::spawn(work(Arc::clone(app)));
    }
    Ok(())
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
    if app.has(Twist::WorkerDead) {
        return Ok(());
    }
    beat(app, &mut connection).await
}

async fn work(app: Arc<App>) {
    // Waiting for work blocks a connection, so that the worker does not share the API's. It stops with Redis.
    let Broker::Redis { client, shared } = &app.broker else {
        return;
    };
    let patient = AsyncConnectionConfig::new().set_response_timeout(None);
    if let Ok(mut own) = client.get_multiplexed_async_connection_with_config(&patient).await {
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
    let taken: Option<(String, String)> = wait.arg(TURN).query_async(own).await?;
    match taken {
        Some((queue, id)) if queue == QUEUE => complete(app, &id, shared).await,
        _ => Ok(()),
    }
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
