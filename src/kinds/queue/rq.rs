//! The keys of RQ.

use std::collections::HashMap;

use crate::deployment::Unobserved;
use crate::deployment::redis::Session;

use super::Queue;
use super::seen::{Failure, SAMPLE, Seen, Waiting, Worker, ends, iso};

type Fields = Vec<Option<String>>;

pub(super) async fn observe(queue: &Queue, session: &mut Session) -> Result<Seen, Unobserved> {
    let keys = Keys(queue);
    let now = super::bull::now(session).await?;
    let mut seen = Seen {
        paused: session.read(&["EXISTS", &keys.of("suspended")]).await?,
        waiting: session.read(&["LLEN", &keys.queue()]).await?,
        delayed: session.read(&["ZCARD", &keys.own("scheduled")]).await?,
        active: session.read(&["ZCARD", &keys.own("wip")]).await?,
        failed: session.read(&["ZCARD", &keys.own("failed")]).await?,
        ..Seen::default()
    };
    seen.oldest = oldest(&keys, session, seen.waiting, now).await?;
    if seen.waiting > 0 && seen.oldest.is_none() {
        // A worker may have taken them between the two questions.
        seen.waiting = session.read(&["LLEN", &keys.queue()]).await?;
    }
    failures(&keys, session, &mut seen, now).await?;
    // A job that is worked on has a score in the future, moved on by its worker. Jobs without an end have -1 in old versions.
    let ended: Vec<String> = session
        .read(&["ZRANGEBYSCORE", &keys.own("wip"), "0", &format!("({now}")])
        .await?;
    seen.stalled = ended.iter().map(|entry| job_of(entry).to_owned()).collect();
    workers(&keys, session, &mut seen, now).await?;

    let known: Vec<String> = session.read(&["SMEMBERS", &keys.of("queues")]).await?;
    seen.exists = known.contains(&keys.queue())
        || !seen.workers.is_empty()
        || seen.waiting + seen.delayed + seen.active + seen.failed > 0;
    if !seen.exists {
        let start = keys.of("queue:");
        let name = |key: &String| key.strip_prefix(&start).map(str::to_owned);
        seen.others = known.iter().filter_map(name).collect();
        seen.others.sort();
    }
    Ok(seen)
}

struct Keys<'a>(&'a Queue);

impl Keys<'_> {
    fn of(&self, rest: &str) -> String {
        format!("{}:{rest}", self.0.prefix())
    }

    fn own(&self, what: &str) -> String {
        self.of(&format!("{what}:{}", self.0.name.as_str()))
    }

    fn queue(&self) -> String {
        self.own("queue")
    }

    fn fields(&self, id: &str, names: &[&str]) -> Vec<String> {
        let key = self.of(&format!("job:{id}"));
        [&["HMGET", &key], names]
            .concat()
            .into_iter()
            .map(str::to_owned)
            .collect()
    }
}

/// An entry is `job` or, since RQ 2, `job:execution`.
fn job_of(entry: &str) -> &str {
    entry.split(':').next().unwrap_or(entry)
}

async fn oldest(keys: &Keys<'_>, session: &mut Session, length: i64, now: f64) -> Result<Option<Waiting>, Unobserved> {
    let mut ids: Vec<String> = Vec::new();
    for [from, to] in ends(length) {
        ids.extend(
            session
                .read::<Vec<String>>(&["LRANGE", &keys.queue(), &from, &to])
                .await?,
        );
    }
    let asked: Vec<_> = ids
        .iter()
        .map(|id| keys.fields(id, &["enqueued_at", "created_at"]))
        .collect();
    let answers: Vec<Fields> = session.read_each(&asked).await?;
    let since = |fields: Fields| fields.into_iter().flatten().find_map(|at| iso(&at));
    let waits = ids.into_iter().zip(answers).filter_map(|(id, fields)| {
        let for_ = (now - since(fields)?).max(0.0);
        Some(Waiting { id, for_ })
    });
    Ok(waits.max_by(|one, other| one.for_.total_cmp(&other.for_)))
}

/// The failed jobs are kept in the order in which they will be forgotten, which is that in which they failed, unless the
/// application says otherwise for single ones.
async fn failures(keys: &Keys<'_>, session: &mut Session, seen: &mut Seen, now: f64) -> Result<(), Unobserved> {
    let newest = (SAMPLE - 1).to_string();
    let ids: Vec<String> = session.read(&["ZREVRANGE", &keys.own("failed"), "0", &newest]).await?;
    let asked: Vec<_> = ids
        .iter()
        .map(|id| keys.fields(id, &["ended_at", "description"]))
        .collect();
    let answers: Vec<Fields> = session.read_each(&asked).await?;
    let mut failures: Vec<Failure> = ids
        .into_iter()
        .zip(answers)
        .map(|(id, fields)| {
            let mut fields = fields.into_iter();
            let ended = fields.next().flatten().as_deref().and_then(iso);
            // Without the arguments: they are nobody's business.
            let call = fields.next().flatten().unwrap_or_default();
            let what = call.split('(').next().unwrap_or_default().to_owned();
            let ago = ended.map(|ended| (now - ended).max(0.0));
            Failure {
                id,
                what,
                ago,
                why: None,
            }
        })
        .collect();
    if let Some(since) = &keys.0.since {
        let looked_at_all = failures.len() < SAMPLE;
        failures.retain(|failure| failure.ago.is_none_or(|ago| ago <= since.0.as_secs_f64()));
        seen.failed_more = !looked_at_all && failures.len() == SAMPLE;
        seen.failed = i64::try_from(failures.len()).unwrap_or(i64::MAX);
    }
    let ago = |failure: &Failure| failure.ago.unwrap_or(f64::MAX);
    seen.last_failure = failures
        .into_iter()
        .min_by(|one, other| ago(one).total_cmp(&ago(other)));
    Ok(())
}

async fn workers(keys: &Keys<'_>, session: &mut Session, seen: &mut Seen, now: f64) -> Result<(), Unobserved> {
    let mut entries: Vec<String> = session.read(&["SMEMBERS", &keys.own("workers")]).await?;
    entries.sort();
    let start = keys.of("worker:");
    let asked: Vec<Vec<String>> = entries
        .iter()
        .map(|key| {
            ["HMGET", key, "last_heartbeat", "birth", "death"]
                .map(str::to_owned)
                .to_vec()
        })
        .collect();
    let answers: Vec<Fields> = session.read_each(&asked).await?;
    let connections = super::bull::connections(session).await?;
    for (key, fields) in entries.iter().zip(answers) {
        let name = key.strip_prefix(&start).unwrap_or(key).to_owned();
        let channel = keys.of(&format!("pubsub:{name}"));
        let listens = session
            .read_if_allowed::<HashMap<String, i64>>(&["PUBSUB", "NUMSUB", &channel])
            .await?
            .map(|counts| counts.values().any(|count| *count > 0));
        let named = connections.as_ref().map(|all| all.iter().any(|one| one.name == name));
        let connected = match (listens, named) {
            (Ok(true), _) | (_, Ok(true)) => Some(true),
            (Ok(false), Ok(false)) => Some(false),
            (Err(_), _) | (_, Err(_)) => None,
        };
        let [beat, birth, death] = [0, 1, 2].map(|at| fields.get(at).cloned().flatten());
        let sign = beat.or(birth).as_deref().and_then(iso);
        seen.workers.push(Worker {
            name,
            silent: sign.map(|sign| (now - sign).max(0.0)),
            connected,
            ended: death.is_some(),
            busy: false,
        });
    }
    Ok(())
}
