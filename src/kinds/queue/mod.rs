//! `queue`: someone takes the jobs, and none is stuck.

mod bull;
mod judge;
mod rq;
mod seen;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::deployment::{Protocol, Target, Unobserved};
use crate::outcome::Finding;
use crate::suite::{Matcher, Period, Problem, Spanned};

use super::Kind;

pub(super) use seen::Seen;

/// Someone takes the jobs of a queue, and none of them is stuck.
///
/// After a deploy the API may put jobs into a queue that no worker reads: the worker was not deployed, crashed at start, looks at
/// another Redis, or listens to a queue with another name. Nothing answers an error then; jobs just wait. So this looks for
/// workers that are alive, and at what waits, fails and hangs. It reads what RQ (Python), Bull and BullMQ (Node.js) themselves
/// keep in Redis, and changes nothing.
///
/// ```toml
/// [queue.questions]
/// title = "Someone answers questions, and none waits for long"
/// system = "rq"
/// name = "qa_jobs"
/// workers = 1
/// depth = { lt = 100 }
/// oldest = "10m"
/// failed = 0
/// since = "1h"
///
/// [queue.workflows]
/// system = "bull"
/// name = "workflow-execution"
/// depth = { lt = 100 }
/// delayed = { lt = 1000 }
/// ```
///
/// Keys:
///
///   system      "rq", "bull" or "bullmq". Bull and BullMQ do not understand each other's queues: a BullMQ worker on a queue that
///               Bull fills (or the other way round) is a mistake that this finds.
///   name        of the queue
///   prefix      of its keys, where the application sets one; "rq" for RQ, else "bull"
///   workers     at least so many are alive; 1 unless given. 0: do not look.
///   heartbeat   a worker whose last sign of life is older is not alive; "7m" for RQ, "1m" for the others (below)
///   depth       how many jobs wait to be taken
///   delayed     how many wait for their time (delays, retries, schedules)
///   oldest      the longest that a job may have been waiting. Of a long queue both ends are looked at.
///   failed      how many are kept as failed; with `since`, only of those that failed in this time before now
///   since       "1h": see failed
///   stalled     how many were taken by a worker that is not there any more; 0 unless given
///   paused      true: the queue is meant to be paused. Unless given it must not be.
///
/// Who is alive: a worker of RQ is known by its entry in the queue's set of workers. It must not have signed off, its last
/// heartbeat must be recent, and its connection to Redis must still be there (by the name that it gives the connection, or by its
/// channel), so that a worker that was killed a moment ago is not taken for a live one. An idle worker of RQ gives a sign of life
/// only every 405 s (`worker_ttl` less 15 s): a shorter `heartbeat` wants a shorter `worker_ttl`. A worker of Bull or BullMQ is a
/// connection that bears the queue's name. It asks for work every few seconds; one that has said nothing for longer than
/// `heartbeat` counts only while a job is locked, one for each that is. Where the server does not tell who is connected (CLIENT LIST
/// denied, or a proxy), workers of RQ are judged by heartbeat alone, and those of the others are unclear.
///
/// A queue of which Redis knows nothing, neither a job nor a worker, is not an empty queue: the check fails and names the queues
/// that are there. Times are told by the clock of Redis.
///
/// A failure:
///
///   FAILED  queue.questions   Someone answers questions, and none waits for long
///     suites/app.toml:5:11
///       live workers   expected: at least 1   seen: none; worker 3f2a91: last sign of life 12s ago, and its connection is gone
///       try: is the worker's process running, and does it listen to qa_jobs on 10.0.0.7:6379/0?
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Queue {
    /// The library whose queue it is.
    system: Spanned<System>,
    /// Of the queue.
    name: Spanned<String>,
    /// Of its keys.
    prefix: Option<Spanned<String>>,
    /// At least so many are alive.
    workers: Option<Spanned<u32>>,
    /// A worker whose last sign of life is older is not alive.
    heartbeat: Option<Spanned<Period>>,
    /// How many jobs wait to be taken.
    depth: Option<Spanned<Matcher>>,
    /// How many wait for their time.
    delayed: Option<Spanned<Matcher>>,
    /// The longest that a job may have been waiting.
    oldest: Option<Spanned<Period>>,
    /// How many are kept as failed.
    failed: Option<Spanned<Matcher>>,
    /// Only those that failed in this time before now.
    since: Option<Spanned<Period>>,
    /// How many were taken by a worker that is not there any more.
    stalled: Option<Spanned<Matcher>>,
    /// Whether the queue is meant to be paused.
    paused: Option<Spanned<bool>>,
}

/// A library that keeps queues in Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum System {
    Rq,
    Bull,
    #[serde(rename = "bullmq")]
    BullMq,
}

impl System {
    fn name(self) -> &'static str {
        match self {
            Self::Rq => "RQ",
            Self::Bull => "Bull",
            Self::BullMq => "BullMQ",
        }
    }
}

impl Kind for Queue {
    const NAME: &'static str = "queue";
    const SPEAKS: Option<Protocol> = Some(Protocol::Redis);
    type Seen = Seen;

    fn mistakes(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.name.trim().is_empty() {
            problems.push(Problem::at(self.name.span(), "a queue has a name"));
        }
        if let (Some(since), None) = (&self.since, &self.failed) {
            problems.push(
                Problem::at(
                    since.span(),
                    "`since` says which failed jobs count, and none are asked for",
                )
                .hint("add failed = 0"),
            );
        }
        if let (Some(heartbeat), Some(0)) = (&self.heartbeat, self.workers.as_ref().map(|workers| **workers)) {
            problems.push(Problem::at(
                heartbeat.span(),
                "`heartbeat` says which workers are alive, and `workers = 0` does not look at them",
            ));
        }
        problems
    }

    fn steps(&self) -> Vec<String> {
        let key = |rest: &str| format!("{}:{rest}", self.prefix());
        let name = self.name.as_str();
        let mut steps = match *self.system {
            System::Rq => vec![
                format!(
                    "length of {}, of its failed, scheduled and started jobs",
                    key(&format!("queue:{name}"))
                ),
                "the jobs at both ends: since when they wait".to_owned(),
            ],
            System::Bull | System::BullMq => vec![
                format!(
                    "lengths of {}",
                    key(&format!("{name}:wait, :paused, :active, :delayed, :failed"))
                ),
                "the jobs at both ends: since when they wait; locks of the active ones".to_owned(),
            ],
        };
        if self.wants_workers() > 0 {
            steps.push(match *self.system {
                System::Rq => format!(
                    "the workers in {}; CLIENT LIST, PUBSUB NUMSUB",
                    key(&format!("workers:{name}"))
                ),
                System::Bull | System::BullMq => format!("CLIENT LIST: connections called {}", self.client_name()),
            });
        }
        steps
    }

    async fn observe(&self, target: &Target<'_>) -> Result<Seen, Unobserved> {
        let server = target.redis()?;
        let mut session = server.session(target.timeout()).await?;
        let mut seen = match *self.system {
            System::Rq => rq::observe(self, &mut session).await?,
            System::Bull | System::BullMq => bull::observe(self, &mut session).await?,
        };
        server.address().clone_into(&mut seen.address);
        Ok(seen)
    }

    fn judge(&self, seen: &Seen) -> Vec<Finding> {
        judge::judge(self, seen)
    }
}

impl Queue {
    fn prefix(&self) -> &str {
        match (&self.prefix, *self.system) {
            (Some(prefix), _) => prefix,
            (None, System::Rq) => "rq",
            (None, System::Bull | System::BullMq) => "bull",
        }
    }

    fn wants_workers(&self) -> u32 {
        self.workers.as_ref().map_or(1, |workers| **workers)
    }

    /// In seconds.
    fn heartbeat(&self) -> f64 {
        let default = match *self.system {
            System::Rq => 420.0,
            System::Bull | System::BullMq => 60.0,
        };
        self.heartbeat.as_ref().map_or(default, |period| period.0.as_secs_f64())
    }

    /// What workers of Bull and BullMQ call their connections.
    fn client_name(&self) -> String {
        use base64::Engine as _;
        let name = base64::engine::general_purpose::STANDARD.encode(self.name.as_str());
        format!("{}:{name}", self.prefix())
    }
}

#[cfg(test)]
mod tests;
