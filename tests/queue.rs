//! `queue` against real queues: RQ, Bull and BullMQ themselves, and their documented keys where they are not installed.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use smoke::demo::servers::{Redis, RedisOptions};
use support::{Project, Said};

const HERE: &str = env!("CARGO_MANIFEST_DIR");

fn redis() -> Redis {
    Redis::start(&RedisOptions::default()).unwrap()
}

fn run(redis: &Redis, suite: &str) -> Said {
    Project::prod(&format!("redis = {:?}", redis.url()), suite).run()
}

fn tell(redis: &Redis, lines: &str) {
    let mut connection = redis::Client::open(redis.url()).unwrap().get_connection().unwrap();
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let mut command = redis::Cmd::new();
        command.arg(line.split(' ').collect::<Vec<_>>());
        command
            .exec(&mut connection)
            .unwrap_or_else(|error| panic!("{line}: {error}"));
    }
}

/// Where `tools/prepare-queues` has put the libraries; says so where it has not.
#[expect(clippy::print_stderr, reason = "a skipped test is told")]
fn libraries() -> Option<PathBuf> {
    let folder = Path::new(HERE).join("target/queues");
    let there = folder.join("ready").exists();
    if !there {
        eprintln!("SKIPPED: RQ, Bull and BullMQ are not installed here (tools/prepare-queues)");
    }
    there.then_some(folder)
}

/// A library, a server and a queue on it.
struct Real<'a> {
    library: &'a str,
    redis: &'a Redis,
    folder: PathBuf,
    name: &'a str,
}

/// A worker that is killed at the latest when the test ends.
struct Worker(Child);

impl Worker {
    /// As `kill -9` does.
    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Real<'_> {
    fn command(&self, args: &[&str]) -> Command {
        let port = self.redis.port().to_string();
        let scripts = Path::new(HERE).join("tests/queues");
        let mut command = if self.library == "rq" {
            let mut command = Command::new(self.folder.join("venv/bin/python"));
            command.args(["jobs.py", &port, self.name]);
            command
        } else {
            let mut command = Command::new("node");
            command.args(["node.js", self.library, &port, self.name]);
            command.env("NODE_PATH", self.folder.join("node_modules"));
            command
        };
        command.args(args).current_dir(scripts).stdin(Stdio::null());
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }

    fn ask(&self, args: &[&str]) {
        let output = self.command(args).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    fn add(&self, what: &str, times: u32) {
        self.ask(&["add", what, &times.to_string()]);
    }

    /// Returns when the worker is there, as its library sees it.
    fn work(&self) -> Worker {
        let mut command = self.command(&["work", "w1"]);
        if self.library == "rq" {
            let url = self.redis.url();
            let folder = command.get_current_dir().unwrap().to_owned();
            command = Command::new(self.folder.join("venv/bin/rq"));
            command.args(["worker", "--path", ".", "--url", &url, self.name]);
            command.current_dir(folder).env("PYTHONDONTWRITEBYTECODE", "1");
        }
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let worker = Worker(child);
        let ready = |line: &String| line == "ready" || line.contains("*** Listening on");
        let mut lines = lines.map(Result::unwrap);
        assert!(lines.any(|line| ready(&line)), "the worker ended");
        // What it says later is for nobody, but it must be able to say it.
        std::thread::spawn(move || lines.for_each(drop));
        worker
    }

    fn suite(&self, more: &str) -> String {
        let (library, name) = (self.library, self.name);
        format!("[queue.q]\nsystem = {library:?}\nname = {name:?}\n{more}\n")
    }

    /// Runs the suite until it ends with `code`, for a worker needs a moment.
    fn soon(&self, more: &str, code: i32) -> Said {
        for _ in 0..40 {
            let said = run(self.redis, &self.suite(more));
            if said.code == code {
                return said;
            }
            std::thread::sleep(std::time::Duration::from_millis(250));
        }
        run(self.redis, &self.suite(more))
    }
}

/// What holds for all three libraries.
fn a_real_queue(library: &str) {
    let Some(folder) = libraries() else { return };
    let redis = redis();
    let real = Real {
        library,
        redis: &redis,
        folder,
        name: "thumbnails",
    };
    let nothing = real.suite("");
    run(&redis, &nothing)
        .exits(1)
        .says(&["the queue thumbnails", "knows neither a job nor a worker of it"]);

    // Jobs, and nobody to do them.
    real.add("done", 3);
    run(&redis, &real.suite("depth = { lt = 10 }\noldest = '10m'"))
        .exits(1)
        .says(&["live workers", "seen: none"]);
    run(&redis, &real.suite("workers = 0\ndepth = 3\noldest = '10m'")).exits(0);
    run(&redis, &real.suite("workers = 0\ndepth = { lt = 3 }"))
        .exits(1)
        .says(&["jobs that wait", "seen: 3"]);
    std::thread::sleep(std::time::Duration::from_millis(1100));
    run(&redis, &real.suite("workers = 0\noldest = '1s'"))
        .exits(1)
        .says(&["the oldest job that waits", "for at most 1s"]);
    let misspelt = real.suite("").replace("thumbnails", "thumbnail");
    run(&redis, &misspelt)
        .exits(1)
        .says(&["the queue thumbnail", "did you mean `thumbnails`?"]);

    // A worker comes, and does them.
    let worker = real.work();
    real.soon("depth = 0\nfailed = 0\noldest = '10m'\nworkers = 1\nstalled = 0", 0)
        .exits(0);
    run(&redis, &real.suite("workers = 2"))
        .exits(1)
        .says(&["live workers", "at least 2", "seen: 1"]);

    // A job fails.
    real.add("fail", 2);
    let said = real.soon("failed = 0\nsince = '1h'", 1);
    said.exits(1)
        .says(&["jobs that failed in the last 1h", "the last was job", "fail"]);
    assert!(!said.stdout.contains("nobody's business"), "{}", said.stdout);
    real.soon("failed = 2", 0).exits(0);
    std::thread::sleep(std::time::Duration::from_millis(1100));
    run(&redis, &real.suite("failed = 0\nsince = '1s'")).exits(0);

    // It is killed. Its entries and locks are still there.
    worker.kill();
    let said = run(&redis, &real.suite(""));
    said.exits(1)
        .says(&["live workers", "seen: none", "is the worker's process running"]);
    if library == "rq" {
        said.says(&["and its connection is gone"]);
    }
}

#[test]
fn a_queue_of_rq() {
    a_real_queue("rq");
}

#[test]
fn a_queue_of_bull() {
    a_real_queue("bull");
}

#[test]
fn a_queue_of_bullmq() {
    a_real_queue("bullmq");
}

/// A worker that dies over a job leaves it active, without a lock.
#[test]
fn a_job_whose_worker_was_killed_is_stalled() {
    let Some(folder) = libraries() else { return };
    for library in ["bull", "bullmq"] {
        let redis = redis();
        let real = Real {
            library,
            redis: &redis,
            folder: folder.clone(),
            name: "thumbnails",
        };
        real.add("hang", 1);
        let worker = real.work();
        // Busy: silent, but for the lock that it renews.
        real.soon("depth = 0\nheartbeat = '1s'", 0).exits(0);
        std::thread::sleep(std::time::Duration::from_millis(2200));
        run(&redis, &real.suite("depth = 0\nheartbeat = '1s'")).exits(0);
        worker.kill();
        std::thread::sleep(std::time::Duration::from_millis(1200));
        run(&redis, &real.suite("workers = 0"))
            .exits(1)
            .says(&["jobs whose worker is gone", "taken, and never finished: 1"]);
    }
}

#[test]
fn paused_prioritised_and_delayed_jobs_count_as_what_they_are() {
    let Some(folder) = libraries() else { return };
    for library in ["bull", "bullmq"] {
        let redis = redis();
        let real = Real {
            library,
            redis: &redis,
            folder: folder.clone(),
            name: "mail",
        };
        real.ask(&["add", "done", "2", r#"{"delay": 600000}"#]);
        real.ask(&["add", "done", "3", r#"{"priority": 5}"#]);
        real.add("done", 1);
        run(
            &redis,
            &real.suite("workers = 0\ndepth = 4\ndelayed = 2\noldest = '1m'"),
        )
        .exits(0);
        real.ask(&["pause"]);
        run(&redis, &real.suite("workers = 0\ndepth = 4"))
            .exits(1)
            .says(&["the queue", "running", "seen: paused"]);
        run(
            &redis,
            &real.suite("workers = 0\ndepth = 4\ndelayed = 2\npaused = true"),
        )
        .exits(0);
    }
    let redis = redis();
    let real = Real {
        library: "rq",
        redis: &redis,
        folder,
        name: "mail",
    };
    real.add("later", 2);
    run(&redis, &real.suite("workers = 0\ndepth = 0\ndelayed = 2")).exits(0);
}

#[test]
fn bull_and_bullmq_are_told_apart() {
    let Some(folder) = libraries() else { return };
    for (library, other, said) in [
        ("bull", "bullmq", "Bull keeps this queue"),
        ("bullmq", "bull", "BullMQ 6.7.0 keeps this queue"),
    ] {
        let redis = redis();
        let real = Real {
            library,
            redis: &redis,
            folder: folder.clone(),
            name: "mail",
        };
        real.add("done", 1);
        let suite = real
            .suite("workers = 0")
            .replacen(&format!("{library:?}"), &format!("{other:?}"), 1);
        run(&redis, &suite).exits(1).says(&["library", said]);
    }
}

// --- The documented keys, without the libraries ------------------------------------------------------------------------

const RQ: &str = "
    SADD rq:queues rq:queue:qa_jobs
    SADD rq:workers rq:worker:ann
    SADD rq:workers:qa_jobs rq:worker:ann
    RPUSH rq:queue:qa_jobs 1f 2f
    HSET rq:job:1f enqueued_at 2020-01-01T00:00:00.000000Z status queued
    HSET rq:job:2f enqueued_at 2020-01-02T00:00:00Z status queued";

fn rq(more: &str) -> String {
    format!("[queue.qa]\nsystem = 'rq'\nname = 'qa_jobs'\n{more}\n")
}

#[test]
fn workers_of_rq_by_their_keys() {
    let redis = redis();
    tell(&redis, RQ);
    let now = jiff::Timestamp::now();
    let worker = |beat: &str, more: &str| {
        tell(
            &redis,
            &format!("DEL rq:worker:ann\nHSET rq:worker:ann birth {beat} last_heartbeat {beat}{more}"),
        );
    };
    // Its key has expired; its entry in the set is still there.
    run(&redis, &rq(""))
        .exits(1)
        .says(&["worker ann: its entry has expired"]);
    // It has given a sign of life just now, and was killed.
    worker(&now.to_string(), "");
    run(&redis, &rq(""))
        .exits(1)
        .says(&["worker ann: last sign of life", "its connection is gone"]);

    let client = redis::Client::open(redis.url()).unwrap();
    let mut connection = client.get_connection().unwrap();
    redis::cmd("CLIENT")
        .arg(&["SETNAME", "ann"])
        .exec(&mut connection)
        .unwrap();
    run(&redis, &rq("")).exits(0);
    worker(&(now - jiff::Span::new().seconds(500)).to_string(), "");
    run(&redis, &rq(""))
        .exits(1)
        .says(&["worker ann: last sign of life 8m 20s ago, more than 7m"]);
    run(&redis, &rq("heartbeat = '10m'")).exits(0);
    worker(&now.to_string(), " death 2026-01-01T00:00:00Z");
    run(&redis, &rq("")).exits(1).says(&["worker ann: has signed off"]);
    worker(&now.to_string(), "");
    tell(&redis, "SET rq:suspended 1");
    run(&redis, &rq("")).exits(1).says(&["seen: paused", "`rq resume`"]);
}

#[test]
fn jobs_of_rq_by_their_keys() {
    let redis = redis();
    tell(&redis, RQ);
    run(&redis, &rq("workers = 0\ndepth = 2")).exits(0);
    run(&redis, &rq("workers = 0\noldest = '10m'"))
        .exits(1)
        .says(&["the oldest job that waits", "job 1f"]);
    tell(&redis, "DEL rq:job:1f rq:job:2f");
    run(&redis, &rq("workers = 0\noldest = '10m'"))
        .exits(3)
        .says(&["2 wait, and none says since when"]);
    tell(
        &redis,
        "ZADD rq:wip:qa_jobs 1700000000 3f:e1\nZADD rq:wip:qa_jobs 99999999999 4f:e1",
    );
    run(&redis, &rq("workers = 0"))
        .exits(1)
        .says(&["jobs whose worker is gone", "never finished: 3f"]);
    run(&redis, &rq("workers = 0\nstalled = { le = 1 }")).exits(0);
}

#[test]
fn workers_of_bull_by_their_connections() {
    let redis = redis();
    let suite = "[queue.w]\nsystem = 'bull'\nname = 'workflow-execution'\nheartbeat = '1s'";
    tell(&redis, "SET bull:workflow-execution:id 7\nSET bull:other:id 1");
    run(&redis, suite).exits(1).says(&["live workers", "seen: none"]);
    let client = redis::Client::open(redis.url()).unwrap();
    let mut connection = client.get_connection().unwrap();
    let name = "bull:d29ya2Zsb3ctZXhlY3V0aW9u";
    redis::cmd("CLIENT")
        .arg(&["SETNAME", name])
        .exec(&mut connection)
        .unwrap();
    run(&redis, suite).exits(0);
    // It asks for nothing any more: stopped, or stuck.
    std::thread::sleep(std::time::Duration::from_millis(2100));
    run(&redis, suite)
        .exits(1)
        .says(&["last sign of life ", "s ago, more than 1s", "is the process stopped"]);
    // With a job in hand it may be silent for as long as it renews the lock.
    tell(
        &redis,
        "LPUSH bull:workflow-execution:active 7\nSET bull:workflow-execution:7:lock t",
    );
    run(&redis, suite).exits(0);
    // The queue of another has a name that begins alike.
    let other = suite.replace("workflow-execution", "workflow-exec");
    run(&redis, &other)
        .exits(1)
        .says(&["the queue workflow-exec", "did you mean `workflow-execution`?"]);
}

#[test]
fn where_the_server_does_not_tell_who_is_connected_it_is_unclear() {
    let redis = redis();
    tell(
        &redis,
        "SET bull:q:id 7\nACL SETUSER reader on >pw ~* +@all -client|list -pubsub",
    );
    tell(&redis, RQ);
    tell(
        &redis,
        &format!("HSET rq:worker:ann last_heartbeat {}", jiff::Timestamp::now()),
    );
    let url = format!("redis://reader:pw@127.0.0.1:{}/0", redis.port());
    let run = |suite: &str| Project::prod(&format!("redis = {url:?}"), suite).run();
    run("[queue.q]\nsystem = 'bullmq'\nname = 'q'\nprefix = 'bull'\n")
        .exits(1)
        .says(&["does not tell who is connected: NOPERM"]);
    tell(&redis, "HSET bull:q:meta opts.maxLenEvents 10000");
    run("[queue.q]\nsystem = 'bullmq'\nname = 'q'\ndepth = 0\n")
        .exits(3)
        .says(&["UNCLEAR queue.q", "live workers", "`+client|list`"]);
    // RQ's heartbeat remains.
    run(&rq("")).exits(0);
}

#[test]
fn mistakes_are_told_before_anything_is_asked() {
    let said = Project::prod(
        "redis = 'redis://127.0.0.1:9'",
        "[queue.a]\nsystem = 'rq'\nname = ''\nsince = '1h'\n[queue.b]\nsystem = 'celery'\nname = 'x'\n\
         [queue.c]\nsystem = 'bull'\nname = 'x'\nworkers = 0\nheartbeat = '1m'\n",
    )
    .run();
    said.exits(2);
    for part in [
        "a queue has a name",
        "`since` says",
        "celery",
        "`workers = 0` does not look",
    ] {
        assert!(said.stderr.contains(part), "no {part:?} in {}", said.stderr);
    }
}
