//! The keys of Bull and BullMQ.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use crate::deployment::Unobserved;
use crate::deployment::redis::Session;

use super::seen::{Failure, SAMPLE, Seen, Waiting, Worker, ends};
use super::{Queue, System};

type Fields = Vec<Option<String>>;

pub(super) async fn observe(queue: &Queue, session: &mut Session) -> Result<Seen, Unobserved> {
    let key = |what: &str| format!("{}:{}:{what}", queue.prefix(), queue.name.as_str());
    let now = now(session).await?;
    let mut seen = Seen {
        delayed: session.read(&["ZCARD", &key("delayed")]).await?,
        active: session.read(&["LLEN", &key("active")]).await?,
        ..Seen::default()
    };
    let lists = [key("wait"), key("paused")];
    let mut waiting = Vec::new();
    for list in &lists {
        let length: i64 = session.read(&["LLEN", list]).await?;
        seen.waiting += length;
        for [from, to] in ends(length) {
            waiting.extend(session.read::<Vec<String>>(&["LRANGE", list, &from, &to]).await?);
        }
    }
    let length: i64 = session.read(&["ZCARD", &key("prioritized")]).await?;
    seen.waiting += length;
    for [from, to] in ends(length) {
        waiting.extend(
            session
                .read::<Vec<String>>(&["ZRANGE", &key("prioritized"), &from, &to])
                .await?,
        );
    }
    // Some versions of BullMQ wake their workers by an entry that is no job.
    let jobs = waiting.iter().filter(|id| !id.starts_with("0:")).count();
    seen.waiting -= i64::try_from(waiting.len() - jobs).unwrap_or(0);
    waiting.retain(|id| !id.starts_with("0:"));
    seen.oldest = oldest(&key, session, waiting, now).await?;

    failures(queue, &key, session, &mut seen, now).await?;
    let locked = locks(&key, session, &mut seen).await?;
    identity(queue, &key, session, &mut seen).await?;
    workers(queue, session, &mut seen, locked).await?;

    let counted = seen.waiting + seen.delayed + seen.active + seen.failed > 0;
    let known: i64 = session
        .read(&["EXISTS", &key("id"), &key("meta"), &key("completed")])
        .await?;
    seen.exists = known > 0 || counted || !seen.workers.is_empty();
    if !seen.exists {
        seen.others = others(queue.prefix(), session).await?;
    }
    Ok(seen)
}

/// Since when the oldest of them can be taken: a delayed job from the end of its delay, one that is tried again from then.
async fn oldest(
    key: &impl Fn(&str) -> String,
    session: &mut Session,
    ids: Vec<String>,
    now: f64,
) -> Result<Option<Waiting>, Unobserved> {
    let fields = |id: &String| {
        ["HMGET", &key(id), "timestamp", "delay", "processedOn"]
            .map(str::to_owned)
            .to_vec()
    };
    let answers: Vec<Fields> = session.read_each(&ids.iter().map(fields).collect::<Vec<_>>()).await?;
    let waits = ids.into_iter().zip(answers).filter_map(|(id, fields)| {
        let number = |at: usize| fields.get(at)?.as_ref()?.parse::<f64>().ok();
        let created = number(0)? + number(1).unwrap_or_default();
        let since = created.max(number(2).unwrap_or_default()) / 1000.0;
        let for_ = (now - since).max(0.0);
        Some(Waiting { id, for_ })
    });
    Ok(waits.max_by(|one, other| one.for_.total_cmp(&other.for_)))
}

async fn failures(
    queue: &Queue,
    key: &impl Fn(&str) -> String,
    session: &mut Session,
    seen: &mut Seen,
    now: f64,
) -> Result<(), Unobserved> {
    // The score is the time of the failure, in milliseconds.
    let from = match &queue.since {
        Some(since) => format!("{:.0}", (now - since.0.as_secs_f64()) * 1000.0),
        None => "-inf".to_owned(),
    };
    seen.failed = session.read(&["ZCOUNT", &key("failed"), &from, "+inf"]).await?;
    if seen.failed == 0 {
        return Ok(());
    }
    let newest: Vec<String> = session.read(&["ZREVRANGE", &key("failed"), "0", "0"]).await?;
    if let Some(id) = newest.into_iter().next() {
        let fields: Fields = session
            .read(&["HMGET", &key(&id), "name", "finishedOn", "failedReason"])
            .await?;
        let [what, at, why] = [0, 1, 2].map(|at| fields.get(at).cloned().flatten());
        let at = at.and_then(|at| at.parse::<f64>().ok());
        seen.last_failure = Some(Failure {
            id,
            what: what.filter(|name| name != "__default__").unwrap_or_default(),
            ago: at.map(|at| (now - at / 1000.0).max(0.0)),
            why: why.and_then(|why| why.lines().next().map(str::to_owned)),
        });
    }
    Ok(())
}

/// Whoever works on a job holds its lock, and renews it. Says how many active jobs are locked.
async fn locks(key: &impl Fn(&str) -> String, session: &mut Session, seen: &mut Seen) -> Result<usize, Unobserved> {
    let last = (SAMPLE - 1).to_string();
    let mut active: Vec<String> = session.read(&["LRANGE", &key("active"), "0", &last]).await?;
    active.retain(|id| !id.starts_with("0:"));
    let asked = |id: &String| vec!["EXISTS".to_owned(), format!("{}:lock", key(id))];
    let locked: Vec<bool> = session.read_each(&active.iter().map(asked).collect::<Vec<_>>()).await?;
    // A job that is taken is first moved and then locked, by the script of a moment: look again at those that had none.
    let unlocked: Vec<String> = active
        .into_iter()
        .zip(&locked)
        .filter_map(|(id, locked)| (!locked).then_some(id))
        .collect();
    if !unlocked.is_empty() {
        let still: Vec<String> = session.read(&["LRANGE", &key("active"), "0", &last]).await?;
        let again: Vec<bool> = session
            .read_each(&unlocked.iter().map(asked).collect::<Vec<_>>())
            .await?;
        let stalled = unlocked.into_iter().zip(again);
        seen.stalled = stalled
            .filter_map(|(id, locked)| (!locked && still.contains(&id)).then_some(id))
            .collect();
    }
    Ok(locked.into_iter().filter(|locked| *locked).count())
}

/// Whether the queue is paused, and whether it is one of this library.
async fn identity(
    queue: &Queue,
    key: &impl Fn(&str) -> String,
    session: &mut Session,
    seen: &mut Seen,
) -> Result<(), Unobserved> {
    let meta: Fields = session
        .read(&["HMGET", &key("meta"), "paused", "version", "opts.maxLenEvents"])
        .await?;
    let [paused, version, events] = [0, 1, 2].map(|at| meta.get(at).cloned().flatten());
    let paused_as_bull: bool = session.read(&["EXISTS", &key("meta-paused")]).await?;
    seen.paused = paused.is_some() || paused_as_bull;
    let by_bullmq = version.is_some() || events.is_some();
    seen.foreign = match *queue.system {
        System::Bull if by_bullmq => {
            Some(version.map_or_else(|| "BullMQ".to_owned(), |version| version.replace("bullmq:", "BullMQ ")))
        }
        // Bull keeps no `meta`; it counts its jobs, as BullMQ does.
        System::BullMq if !by_bullmq && session.read(&["EXISTS", &key("id")]).await? => {
            let meta: bool = session.read(&["EXISTS", &key("meta")]).await?;
            (!meta).then(|| "Bull".to_owned())
        }
        _ => None,
    };
    Ok(())
}

/// A worker is a connection with the queue's name: `bull:<base64>`, or with BullMQ also `bull:<base64>:w:<name>`.
async fn workers(queue: &Queue, session: &mut Session, seen: &mut Seen, locked: usize) -> Result<(), Unobserved> {
    let name = queue.client_name();
    let named = format!("{name}:w:");
    match connections(session).await? {
        Err(words) => seen.hidden = Some(words),
        Ok(connections) => {
            let ours =
                |one: &Connection| one.name == name || *queue.system == System::BullMq && one.name.starts_with(&named);
            seen.workers = connections
                .into_iter()
                .filter(ours)
                .map(|one| Worker {
                    name: match one.name.strip_prefix(&named) {
                        Some(own) => format!("{own} at {}", one.address),
                        None => format!("at {}", one.address),
                    },
                    silent: Some(one.idle),
                    connected: Some(true),
                    ended: false,
                    busy: false,
                })
                .collect();
            busy(&mut seen.workers, locked, queue.heartbeat());
        }
    }
    Ok(())
}

/// Which of the silent workers holds a lock is not told: those that were heard last, one for each locked job.
pub(super) fn busy(workers: &mut [Worker], locked: usize, heartbeat: f64) {
    workers.sort_by(|left, right| left.silent.partial_cmp(&right.silent).unwrap_or(Ordering::Equal));
    let silent = workers.iter_mut().filter(|worker| !worker.is_alive(heartbeat));
    silent.take(locked).for_each(|worker| worker.busy = true);
}

/// The queues of this prefix, found by what each of them has.
async fn others(prefix: &str, session: &mut Session) -> Result<Vec<String>, Unobserved> {
    let start = format!("{prefix}:");
    let mut found = BTreeSet::new();
    let mut cursor = "0".to_owned();
    for _ in 0..20 {
        let pattern = format!("{start}*:id");
        let (next, keys): (String, Vec<String>) = session
            .read(&["SCAN", &cursor, "MATCH", &pattern, "COUNT", "1000"])
            .await?;
        let name = |key: &String| key.strip_prefix(&start)?.strip_suffix(":id").map(str::to_owned);
        found.extend(keys.iter().filter_map(name));
        cursor = next;
        if cursor == "0" {
            break;
        }
    }
    Ok(found.into_iter().collect())
}

/// The server's clock, in seconds since 1970.
pub(super) async fn now(session: &mut Session) -> Result<f64, Unobserved> {
    let (seconds, micros): (f64, f64) = session.read(&["TIME"]).await?;
    Ok(seconds + micros / 1e6)
}

/// A connection to the server.
pub(super) struct Connection {
    pub(super) name: String,
    address: String,
    /// Seconds since its last command.
    idle: f64,
}

/// All of them, or why the server does not tell.
pub(super) async fn connections(session: &mut Session) -> Result<Result<Vec<Connection>, String>, Unobserved> {
    let lines = session.read_if_allowed::<String>(&["CLIENT", "LIST"]).await?;
    let read = |line: &str| {
        let field = |name: &str| {
            line.split(' ')
                .find_map(|field| field.strip_prefix(name))
                .unwrap_or_default()
        };
        Connection {
            name: field("name=").to_owned(),
            address: field("addr=").to_owned(),
            idle: field("idle=").parse().unwrap_or_default(),
        }
    };
    Ok(lines.map(|lines| lines.lines().map(read).collect()))
}
