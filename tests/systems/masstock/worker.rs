//! The worker: it takes jobs from Bull's queue in Redis, and writes what became of them into the database.

use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use redis::aio::MultiplexedConnection;
use redis::{Client, RedisResult, cmd};
use serde_json::{Value, json};

use crate::standin::{Db, Deployed};

/// The queue's keys begin so.
const QUEUE: &str = "bull:workflow-execution";

/// How many jobs wait where the queue backs up: the worker is busy with newer ones.
const BACKLOG: usize = 120;

fn key(name: &str) -> String {
    format!("{QUEUE}:{name}")
}

fn millis() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// What the queue looks like after two jobs; and that Redis writes to disk.
pub(super) fn queue(deployed: &Deployed) {
    let now = millis().to_string();
    deployed.redis_command(&["CONFIG", "SET", "appendonly", "yes"]);
    if deployed.broken("queue_backs_up") {
        let ids: Vec<String> = (10..10 + BACKLOG).map(|id| id.to_string()).collect();
        let waiting = key("wait");
        let mut words = vec!["RPUSH", &waiting];
        words.extend(ids.iter().map(String::as_str));
        deployed.redis_command(&words);
    }
    deployed.redis_command(&["SET", &key("id"), "2"]);
    deployed.redis_command(&["ZADD", &key("completed"), &now, "1"]);
    deployed.redis_command(&[
        "HSET",
        &key("1"),
        "name",
        "__default__",
        "data",
        "{}",
        "timestamp",
        &now,
        "finishedOn",
        &now,
    ]);
}

/// Puts a job into the queue, as Bull 4 does for `add(data, { jobId })`.
pub(super) async fn add(client: &Client, id: &str, data: &Value) -> RedisResult<()> {
    let redis = &mut client.get_multiplexed_async_connection().await?;
    let now = millis();
    let opts = json!({ "attempts": 3, "delay": 0, "jobId": id, "timestamp": now });
    cmd("INCR").arg(key("id")).exec_async(redis).await?;
    let mut job = cmd("HSET");
    job.arg(key(id)).arg(&[
        "name",
        "__default__",
        "data",
        &data.to_string(),
        "opts",
        &opts.to_string(),
    ]);
    job.arg(&["timestamp", &now.to_string(), "delay", "0", "priority", "0"])
        .exec_async(redis)
        .await?;
    cmd("LPUSH").arg(key("wait")).arg(id).exec_async(redis).await
}

/// Starts the worker, in a thread of its own; it ends when its Redis does.
pub(super) fn start(deployed: &Deployed) {
    if deployed.broken("worker_down") {
        return;
    }
    // A session of its own: one that the API shared would end with the worker.
    let (url, db, broken) = (super::redis_url(deployed), deployed.db().another(), deployed.twist());
    thread::spawn(move || {
        let ended = crate::support::block_on(work(&url, &db, broken.unwrap_or_default()));
        drop(ended);
    });
}

async fn work(url: &str, db: &Db, broken: &str) -> RedisResult<()> {
    let client = Client::open(url)?;
    let mut redis = client.get_multiplexed_async_connection().await?;
    let queue = if broken == "worker_on_another_queue" {
        "smart-resizer-queue"
    } else {
        "workflow-execution"
    };
    let name = format!("bull:{}", STANDARD.encode(queue));
    cmd("CLIENT").arg(&["SETNAME", &name]).exec_async(&mut redis).await?;
    loop {
        // A short wait instead of a blocking one keeps it apart from the client's own timeouts.
        let waiting: usize = cmd("LLEN").arg(key("wait")).query_async(&mut redis).await?;
        let (leaves, from) = match broken {
            "worker_on_another_queue" | "worker_stuck" => (usize::MAX, "RIGHT"),
            "queue_backs_up" => (BACKLOG, "LEFT"),
            _ => (0, "RIGHT"),
        };
        let taken: Option<String> = if waiting > leaves {
            cmd("LMOVE")
                .arg(&[&key("wait"), &key("active"), from, "LEFT"])
                .query_async(&mut redis)
                .await?
        } else {
            None
        };
        match taken {
            Some(id) => process(&mut redis, db, broken, &id).await?,
            None => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

async fn process(redis: &mut MultiplexedConnection, db: &Db, broken: &str, id: &str) -> RedisResult<()> {
    let lock = format!("{}:lock", key(id));
    cmd("SET")
        .arg(&[&lock, "token", "PX", "30000"])
        .exec_async(redis)
        .await?;
    cmd("HSET")
        .arg(&[&key(id), "processedOn", &millis().to_string()])
        .exec_async(redis)
        .await?;
    let data: String = cmd("HGET").arg(&[&key(id), "data"]).query_async(redis).await?;
    let data: Value = serde_json::from_str(&data).unwrap_or_default();
    let said = "update workflow_executions set status = 'processing' where id = $1::text::uuid";
    db.execute(said, &[&id]).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let prompts = data["inputData"]["prompts"].as_array().cloned().unwrap_or_default();
    let pictures: Vec<Value> = prompts
        .iter()
        .filter(|_| broken != "worker_makes_nothing")
        .map(|prompt| json!({ "prompt": prompt, "url": "https://example.com/generated/image_0.png" }))
        .collect();
    let result = json!({ "status": "success", "results": { "type": "image_generation", "images": pictures } });
    let status = if broken == "worker_fails" {
        "failed"
    } else {
        "completed"
    };
    let done = "update workflow_executions set status = $2::text, output_data = $3::text::jsonb, completed_at = now(), \
                duration_seconds = 0, error_message = case $2::text when 'failed' then 'Midjourney answered 401' end \
                where id = $1::text::uuid";
    db.execute(done, &[&id, &status, &result.to_string()]).await.unwrap();
    let now = millis().to_string();
    let why = if status == "failed" {
        "failedReason"
    } else {
        "returnvalue"
    };
    cmd("HSET")
        .arg(&[&key(id), why, "{}", "finishedOn", &now])
        .exec_async(redis)
        .await?;
    cmd("LREM").arg(&[&key("active"), "0", id]).exec_async(redis).await?;
    cmd("ZADD").arg(&[&key(status), &now, id]).exec_async(redis).await?;
    cmd("DEL").arg(&lock).exec_async(redis).await
}
