//! The worker of RQ and the scheduler, which wait for nobody and end with their Redis.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use super::redis_url;
use super::rq::{Job, Rq};
use crate::standin::{Db, Deployed};

/// Between two looks at the queues, and between two of the scheduler.
const PAUSE: Duration = Duration::from_millis(20);
const ROUND: Duration = Duration::from_secs(1);
const WORKER: &str = "3f2a91c07d5e4b68a1f0c29d7e84b356";

#[derive(Clone)]
struct Background {
    db: Db,
    redis: String,
    broken: Option<&'static str>,
}

/// Starts both; returns when both have been round once.
pub(super) fn start(deployed: &Deployed) {
    let background = Background {
        db: deployed.db(),
        redis: redis_url(deployed),
        broken: deployed.twist(),
    };
    let (ready, been_round) = mpsc::channel();
    thread::spawn(move || {
        // Either ends with an error once the deployment is gone.
        let _ = crate::support::block_on(background.run(&ready));
    });
    been_round.recv().unwrap();
}

impl Background {
    fn broken(&self, name: &str) -> bool {
        self.broken == Some(name)
    }

    async fn run(self, ready: &mpsc::Sender<()>) -> redis::RedisResult<()> {
        let queues: &[&str] = match self.broken {
            Some("worker_down") => &[],
            Some("worker_without_questions") => &["sync_jobs"],
            _ => &["qa_jobs", "sync_jobs"],
        };
        let (mut worker, mut scheduler) = (Rq::connect(&self.redis).await?, Rq::connect(&self.redis).await?);
        self.schedule(&mut scheduler).await?;
        if !queues.is_empty() {
            worker.register(WORKER, queues).await?;
        }
        self.work(&mut worker, queues).await?;
        let worker = (!self.broken("worker_killed")).then_some(worker);
        ready.send(()).unwrap();
        tokio::try_join!(self.keep_working(worker, queues), self.keep_scheduling(scheduler))?;
        Ok(())
    }

    async fn keep_working(&self, worker: Option<Rq>, queues: &[&str]) -> redis::RedisResult<()> {
        let Some(mut worker) = worker else { return Ok(()) };
        loop {
            self.work(&mut worker, queues).await?;
            sleep(PAUSE).await;
        }
    }

    async fn keep_scheduling(&self, mut scheduler: Rq) -> redis::RedisResult<()> {
        loop {
            sleep(ROUND).await;
            self.schedule(&mut scheduler).await?;
        }
    }

    /// Does what waits in the queues.
    async fn work(&self, rq: &mut Rq, queues: &[&str]) -> redis::RedisResult<()> {
        while let Some(job) = rq.take(queues).await? {
            let result = match job.queue.as_str() {
                "qa_jobs" => self.answer(&job).await,
                _ => self.sync(&job).await,
            };
            rq.finish(WORKER, &job, &result).await?;
        }
        Ok(())
    }

    /// Puts every connection that is overdue into the queue.
    async fn schedule(&self, rq: &mut Rq) -> redis::RedisResult<()> {
        if self.broken("scheduler_down") {
            return Ok(());
        }
        let overdue = "select id, workspace_id from connections where status = 'active' and sync_frequency <> 'manual' \
             and last_sync_attempted_at < (now() at time zone 'utc') - case sync_frequency when '5min' then interval '5 minutes' \
             when 'hourly' then interval '1 hour' else interval '1 day' end";
        for connection in self.db.rows(overdue, &[]).await.unwrap_or_default() {
            let call = "app.workers.sync_worker.process_sync_job";
            rq.enqueue("sync_jobs", call, &json!({ "connection": connection["id"] }))
                .await?;
        }
        Ok(())
    }

    /// What was spent or clicked, as a sentence.
    async fn answer(&self, job: &Job) -> Value {
        if self.broken("llm_unreachable") {
            let apology = "I couldn't understand your question. Could you rephrase it?";
            return json!({ "success": true, "answer": apology, "executed_dsl": {}, "data": {} });
        }
        let clicks = job.data["question"].as_str().unwrap_or_default().contains("clicks");
        // Two take questions in turns, and the other one lacks the key.
        if clicks && self.broken("one_of_two_workers_without_the_key") {
            return json!({ "success": false, "error": "OPENAI_API_KEY is not set" });
        }
        let metric = if clicks { "clicks" } else { "spend" };
        let sum = "select sum(spend)::text as spend, sum(clicks)::text as clicks from metric_facts \
             where event_date > now() - interval '30 days'";
        let sums = self.db.row(sum, &[]).await;
        let sum = sums[metric].as_str();
        let answer = match sum {
            Some(sum) => format!("Your total {metric} in the last 30 days was {sum}."),
            None => format!("I couldn't find any data for {metric} in the last 30 days."),
        };
        json!({ "success": true, "answer": answer,
            "executed_dsl": { "metric": metric, "time_range": { "last_n_days": 30 } }, "data": { "summary": sum } })
    }

    /// Fetches a connection's numbers from the provider, were there one.
    async fn sync(&self, job: &Job) -> Value {
        let id = job.data["connection"].as_str().unwrap_or_default();
        let error = self
            .broken("sync_fails")
            .then_some("(invalid_grant) Token has been expired or revoked.");
        let completes = error.is_none() && !self.broken("sync_brings_nothing");
        let update = "update connections set last_sync_attempted_at = now() at time zone 'utc', \
             last_sync_completed_at = case when $2::bool then clock_timestamp() at time zone 'utc' else last_sync_completed_at end, \
             sync_status = case when $3::text is null then 'idle' else 'error' end, last_sync_error = $3::text, \
             total_syncs_attempted = total_syncs_attempted + 1 where id = $1::text::uuid";
        // The database may be gone before the worker is.
        let _ = self.db.execute(update, &[&id, &completes, &error]).await;
        if self.broken("sync_killed_halfway") {
            let halfway = "update connections set sync_status = 'syncing', last_sync_completed_at = last_sync_attempted_at \
                 - interval '3 hours' where id = $1::text::uuid and provider = 'meta'";
            let _ = self.db.execute(halfway, &[&id]).await;
        }
        json!({ "success": error.is_none(), "error": error })
    }
}
