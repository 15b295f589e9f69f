use super::seen::{Failure, Waiting, Worker, ends, iso};
use super::*;
use crate::kinds::testing::{kind, lines, mistakes};

fn queue(more: &str) -> Queue {
    kind(&format!("system = 'rq'\nname = 'qa'\n{more}"))
}

fn alive() -> Worker {
    Worker {
        name: "ann".to_owned(),
        silent: Some(12.0),
        connected: Some(true),
        ..Worker::default()
    }
}

fn seen() -> Seen {
    Seen {
        address: "cache:6379/0".to_owned(),
        exists: true,
        workers: vec![alive()],
        ..Seen::default()
    }
}

#[test]
fn a_queue_with_a_worker_and_nothing_to_do_is_fine() {
    assert_eq!(
        lines(&queue("depth = 0\noldest = '10m'\nfailed = 0").judge(&seen())),
        "passed live workers: expected at least 1, seen 1\n\
         passed jobs that wait: expected 0, seen 0\n\
         passed the oldest job that waits: expected for at most 10m, seen none waits\n\
         passed failed jobs: expected 0, seen 0\n\
         passed jobs whose worker is gone: expected 0, seen 0\n"
    );
}

#[test]
fn each_way_to_be_dead_is_told() {
    let told = |worker: Worker| {
        let seen = Seen {
            workers: vec![worker],
            ..seen()
        };
        lines(&queue("").judge(&seen))
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    for (worker, said) in [
        (
            Worker {
                connected: Some(false),
                ..alive()
            },
            "last sign of life 12s ago, and its connection is gone",
        ),
        (
            Worker {
                silent: Some(500.0),
                ..alive()
            },
            "last sign of life 8m 20s ago, more than 7m",
        ),
        (Worker { ended: true, ..alive() }, "has signed off"),
        (
            Worker {
                silent: None,
                ..alive()
            },
            "its entry has expired",
        ),
    ] {
        let line = told(worker);
        assert!(
            line.starts_with("failed live workers: expected at least 1, seen none; worker ann: "),
            "{line}"
        );
        assert!(line.contains(said), "{line}");
    }
    // Where the server does not tell, the heartbeat counts; where a lock is held, silence does not.
    assert!(
        told(Worker {
            connected: None,
            ..alive()
        })
        .starts_with("passed")
    );
    assert!(
        told(Worker {
            silent: Some(500.0),
            busy: true,
            ..alive()
        })
        .starts_with("passed")
    );
}

#[test]
fn nothing_there_is_not_empty() {
    let nothing = Seen {
        exists: false,
        others: vec!["qa_jobs".to_owned(), "sync".to_owned()],
        workers: Vec::new(),
        ..seen()
    };
    assert_eq!(
        lines(&queue("depth = 0").judge(&nothing)),
        "failed the queue qa: expected there, seen Redis at cache:6379/0 knows neither a job nor a worker of it \
         (try: the queues there are qa_jobs, sync)\n"
    );
    assert!(lines(&queue("workers = 0\ndepth = 0").judge(&nothing)).starts_with("unclear"));
}

#[test]
fn what_waits_fails_and_hangs_is_named() {
    let mut bad = seen();
    bad.waiting = 3;
    bad.oldest = Some(Waiting {
        id: "7".to_owned(),
        for_: 7200.0,
    });
    bad.failed = 2;
    bad.failed_more = true;
    bad.last_failure = Some(Failure {
        id: "8".to_owned(),
        what: "mail".to_owned(),
        ago: Some(60.0),
        why: Some("refused".to_owned()),
    });
    bad.stalled = vec!["9".to_owned()];
    bad.paused = true;
    bad.foreign = Some("BullMQ 5".to_owned());
    assert_eq!(
        lines(&queue("depth = { lt = 3 }\noldest = '10m'\nfailed = 0\nsince = '1h'").judge(&bad)),
        "failed library: expected RQ, seen BullMQ 5 keeps this queue (try: both sides must use the same library: workers of \
         the one do not see the jobs of the other)\n\
         failed the queue: expected running, seen paused (try: `rq suspend` stopped all workers; `rq resume` lets them go on)\n\
         passed live workers: expected at least 1, seen 1\n\
         failed jobs that wait: expected less than 3, seen 3\n\
         failed the oldest job that waits: expected for at most 10m, seen 2h, job 7 (try: do the workers live, and are there \
         enough of them?)\n\
         failed jobs that failed in the last 1h: expected 0, seen at least 2 (try: the last was job 8 (mail) 1m ago: refused)\n\
         failed jobs whose worker is gone: expected 0, seen 1 (try: taken, and never finished: 9)\n"
    );
}

#[test]
fn names_of_connections_and_times() {
    let bull: Queue = kind("system = 'bull'\nname = 'workflow-execution'");
    assert_eq!(bull.client_name(), "bull:d29ya2Zsb3ctZXhlY3V0aW9u");
    let at = Some(1_763_724_905.5);
    for text in [
        "2025-11-21T11:35:05.500000Z",
        "2025-11-21T11:35:05.500",
        "2025-11-21 11:35:05.5",
    ] {
        assert_eq!(iso(text), at, "{text}");
    }
    assert_eq!(iso(""), None);
    assert_eq!(ends(100).len(), 1);
    assert_eq!(ends(101)[1], ["-50".to_owned(), "-1".to_owned()]);
}

#[test]
fn contradictions_are_mistakes() {
    let said = mistakes::<Queue>("system = 'rq'\nname = ' '\nsince = '1h'\nworkers = 0\nheartbeat = '1m'");
    assert_eq!(said.len(), 3, "{said:?}");
}

#[test]
fn one_lock_speaks_for_one_silent_worker() {
    let silent_for = |seconds| Worker {
        silent: Some(seconds),
        ..alive()
    };
    let mut workers = [silent_for(900.0), silent_for(120.0), silent_for(1.0)];
    bull::busy(&mut workers, 1, 60.0);
    let alive: Vec<bool> = workers.iter().map(|worker| worker.is_alive(60.0)).collect();
    assert_eq!(alive, [true, true, false]);
}
