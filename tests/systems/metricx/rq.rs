//! The keys of RQ, as its queues and workers keep them in Redis.

use redis::aio::MultiplexedConnection;
use serde_json::Value;

/// A connection to the queues' Redis.
#[derive(Clone)]
pub(super) struct Rq(MultiplexedConnection);

/// A job that a worker has taken.
pub(super) struct Job {
    pub(super) id: String,
    pub(super) queue: String,
    /// What it was enqueued with.
    pub(super) data: Value,
}

fn now() -> String {
    jiff::Timestamp::now().to_string()
}

impl Rq {
    pub(super) async fn connect(url: &str) -> redis::RedisResult<Self> {
        let client = redis::Client::open(url)?;
        Ok(Self(client.get_multiplexed_async_connection().await?))
    }

    async fn send(&mut self, words: &[&str]) -> redis::RedisResult<redis::Value> {
        redis::cmd(words[0]).arg(&words[1..]).query_async(&mut self.0).await
    }

    /// Puts a job into a queue; gives its id.
    pub(super) async fn enqueue(&mut self, queue: &str, function: &str, data: &Value) -> redis::RedisResult<String> {
        let id = uuid::Uuid::new_v4().to_string();
        let (job, list, now) = (format!("rq:job:{id}"), format!("rq:queue:{queue}"), now());
        self.send(&["SADD", "rq:queues", &list]).await?;
        self.send(&[
            "HSET",
            &job,
            "status",
            "queued",
            "origin",
            queue,
            "description",
            function,
            "created_at",
            &now,
            "enqueued_at",
            &now,
            "data",
            &data.to_string(),
        ])
        .await?;
        self.send(&["EXPIRE", &job, "300"]).await?;
        self.send(&["RPUSH", &list, &id]).await?;
        Ok(id)
    }

    /// The status of a job and, where it has ended, its result.
    pub(super) async fn job(&mut self, id: &str) -> redis::RedisResult<(Option<String>, Option<String>)> {
        redis::cmd("HMGET")
            .arg(format!("rq:job:{id}"))
            .arg(&["status", "result"])
            .query_async(&mut self.0)
            .await
    }

    /// Registers a worker by its name, which is also that of its connection.
    pub(super) async fn register(&mut self, name: &str, queues: &[&str]) -> redis::RedisResult<()> {
        let (worker, now) = (format!("rq:worker:{name}"), now());
        self.send(&["CLIENT", "SETNAME", name]).await?;
        self.send(&["SADD", "rq:workers", &worker]).await?;
        for queue in queues {
            self.send(&["SADD", &format!("rq:workers:{queue}"), &worker]).await?;
        }
        let queues = queues.join(",");
        self.send(&[
            "HSET",
            &worker,
            "birth",
            &now,
            "last_heartbeat",
            &now,
            "queues",
            &queues,
            "state",
            "idle",
            "version",
            "2.3.1",
        ])
        .await?;
        self.send(&["EXPIRE", &worker, "435"]).await?;
        Ok(())
    }

    /// The next job of these queues, taken.
    pub(super) async fn take(&mut self, queues: &[&str]) -> redis::RedisResult<Option<Job>> {
        for queue in queues {
            let list = format!("rq:queue:{queue}");
            let id: Option<String> = redis::cmd("LPOP").arg(&list).query_async(&mut self.0).await?;
            if let Some(id) = id {
                let job = format!("rq:job:{id}");
                self.send(&["HSET", &job, "status", "started", "started_at", &now()])
                    .await?;
                let data: String = redis::cmd("HGET")
                    .arg(&job)
                    .arg("data")
                    .query_async(&mut self.0)
                    .await?;
                return Ok(Some(Job {
                    id,
                    queue: (*queue).to_owned(),
                    data: serde_json::from_str(&data).unwrap(),
                }));
            }
        }
        Ok(None)
    }

    /// A job has ended, and that without an exception: RQ calls it finished whatever it returned.
    pub(super) async fn finish(&mut self, worker: &str, job: &Job, result: &Value) -> redis::RedisResult<()> {
        let (now, result) = (now(), result.to_string());
        let later = (jiff::Timestamp::now().as_second() + 300).to_string();
        self.send(&["ZADD", &format!("rq:finished:{}", job.queue), &later, &job.id])
            .await?;
        self.send(&[
            "XADD",
            &format!("rq:results:{}", job.id),
            "*",
            "type",
            "1",
            "return_value",
            &result,
        ])
        .await?;
        let key = format!("rq:job:{}", job.id);
        self.send(&["HSET", &key, "status", "finished", "ended_at", &now, "result", &result])
            .await?;
        self.send(&["HSET", &format!("rq:worker:{worker}"), "last_heartbeat", &now])
            .await?;
        Ok(())
    }
}
