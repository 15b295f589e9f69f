//! A run with every kind of ending, for the tests of all reports.

use std::time::Duration;

use crate::outcome::{
    Attempt, CheckId, Effect, Event, Finding, Outcome, Place, Planned, Report, Run, Severity, Skip, SuiteTitle, Verdict,
};

const SUITE: &str = r#"title = "Generic application"
[ready.api]
get = "/health"
[http.health]
title = "The API answers and says it is healthy"
get = "/health"
expect.status = 200
expect.json."$.status" = "healthy"
[login.admin]
json = { email = "admin@example.com", password = "{{ env.ADMIN_PASSWORD }}" }
expect.jwt = { expires_within = "24h" }
[http.dashboard]
[http.workflows]
[rls.user_owned]
title = "Users see only their own rows"
tables = ["images", "edited_images"]
[reconcile.credits]
title = "Every balance equals its ledger"
[sql.slow]
[http.docs]
title = "The documentation is <not> public"
expect.status = 404
[http.flaky]
[rate_limit.per_user]
[webhook.stripe]
[http.old]
[job.eu]
[http.late]
[http.hostile]
expect.body = "ok"
"#;

pub(super) fn id(header: &str) -> CheckId {
    let (kind, name) = header.split_once('.').unwrap();
    CheckId {
        suite: "genapp".into(),
        kind: kind.into(),
        name: name.into(),
    }
}

fn place(text: &str) -> Place {
    let (number, line) = (1..).zip(SUITE.lines()).find(|(_, line)| line.contains(text)).unwrap();
    let start = line.find(text).unwrap();
    Place::of("suites/genapp.toml", number, line, &(start..start + text.len()))
}

fn outcome(header: &str, title: &str, verdict: Verdict) -> Outcome {
    let attempt = Attempt {
        verdict,
        reason: String::new(),
        duration: Duration::from_millis(12),
    };
    let skipped = verdict == Verdict::Skipped;
    Outcome {
        id: id(header),
        title: title.into(),
        verdict,
        severity: Severity::Fail,
        effect: Effect::Read,
        place: place(&format!("[{header}]")),
        pack_place: None,
        asked: None,
        unobserved: None,
        hint: None,
        skip: None,
        findings: Vec::new(),
        attempts: if skipped { Vec::new() } else { vec![attempt] },
        started: Duration::from_millis(20),
        duration: if skipped {
            Duration::ZERO
        } else {
            Duration::from_micros(12_345)
        },
        needs: Vec::new(),
        tags: Vec::new(),
        observation: None,
    }
}

fn skipped(header: &str, skip: Skip) -> Outcome {
    let mut made = outcome(header, "", Verdict::Skipped);
    made.skip = Some(skip);
    made
}

fn at(mut finding: Finding, text: &str) -> Finding {
    finding.place = Some(Box::new(place(text)));
    finding
}

fn failed() -> Vec<Outcome> {
    let mut login = outcome("login.admin", "", Verdict::Failed);
    login.needs = vec![id("ready.api")];
    login.findings = vec![
        Finding::passed("token", "a token", "a token of 212 characters"),
        at(
            Finding::failed("jwt: exp", "within 24h", "7 days from now").hint("shorten the life of access tokens"),
            "{ expires_within = \"24h\" }",
        ),
    ];
    let mut rls = outcome("rls.user_owned", "Users see only their own rows", Verdict::Failed);
    rls.findings = vec![
        at(
            Finding::failed("edited_images: row level security", "enabled", "disabled")
                .hint("alter table edited_images enable row level security;"),
            "[\"images\", \"edited_images\"]",
        ),
        at(
            Finding::failed(
                "images as user 7c1f…",
                "own rows",
                "3 of 41 rows belong to others (policy \"Anyone can view\")",
            ),
            "[\"images\", \"edited_images\"]",
        ),
        Finding::unclear("videos as anon", "no row", "the table is empty, so this proves nothing"),
    ];
    let mut hostile = outcome("http.hostile", "", Verdict::Failed);
    let body = format!("\u{1b}[2J\u{1b}]0;owned\u{7}<b>]]></b>\r\n\0{}ende", "ä".repeat(400));
    hostile.findings = vec![at(Finding::failed("body", "\"ok\"", body), "\"ok\"")];
    hostile.attempts = ["connection refused", "connection refused", "body: expected \"ok\""]
        .map(|reason| Attempt {
            verdict: Verdict::Failed,
            reason: reason.into(),
            duration: Duration::from_millis(3),
        })
        .to_vec();
    vec![login, rls, hostile]
}

fn others() -> Vec<Outcome> {
    let mut credits = outcome("reconcile.credits", "Every balance equals its ledger", Verdict::Unclear);
    credits.findings = vec![
        Finding::unclear(
            "population",
            "at least 1",
            "0: there is no account to reconcile, so this proves nothing",
        )
        .hint("run it where there are accounts, or\nsay `at_least = 0`"),
    ];
    let mut slow = outcome("sql.slow", "", Verdict::Unclear);
    slow.asked = Some("db.example.com:5432/app   run, in a read-only transaction: select pg_sleep(60)".into());
    slow.unobserved = Some("no answer from db.example.com:5432/app within 10 s".into());
    slow.hint = Some("raise the check's `timeout`, or look at pg_stat_activity".into());
    slow.duration = Duration::from_secs(10);
    let mut docs = outcome("http.docs", "The documentation is <not> public", Verdict::Failed);
    docs.severity = Severity::Warn;
    docs.asked = Some("https://api.example.com   GET /docs".into());
    docs.findings = vec![at(Finding::failed("status", "404", "200"), "404")];
    let mut flaky = outcome("http.flaky", "", Verdict::Passed);
    let refused = Attempt {
        verdict: Verdict::Unclear,
        reason: "connection refused: 10.0.0.1:443".into(),
        duration: Duration::from_millis(1_204),
    };
    flaky.attempts.insert(0, refused);
    let passed = |header: &str, title: &str| {
        let mut made = outcome(header, title, Verdict::Passed);
        made.findings = vec![Finding::passed("status", "200", "200")];
        made
    };
    let needs = |header: &str| {
        let (cause, verdict) = (id("login.admin"), Verdict::Failed);
        skipped(header, Skip::Needs { cause, verdict })
    };
    let not_allowed = |header: &str, effect| skipped(header, Skip::NotAllowed { effect });
    vec![
        passed("ready.api", ""),
        passed("http.health", "The API answers and says it is healthy"),
        needs("http.dashboard"),
        needs("http.workflows"),
        credits,
        slow,
        docs,
        flaky,
        not_allowed("rate_limit.per_user", Effect::Load),
        not_allowed("webhook.stripe", Effect::Write),
        skipped(
            "http.old",
            Skip::Declared {
                reason: "gone since 2.0".into(),
            },
        ),
        skipped(
            "job.eu",
            Skip::When {
                expression: "region == 'eu'".into(),
            },
        ),
        skipped("http.late", Skip::FailFast),
    ]
}

/// The run, in the order of the suite.
pub(super) fn run() -> Run {
    let mut outcomes = others();
    outcomes.extend(failed());
    outcomes.sort_by_key(|outcome| outcome.place.line);
    outcomes[1].observation = Some(serde_json::json!({ "status": 200, "headers": [["x-a", "1"]] }));
    Run {
        environment: "prod".into(),
        suites: vec![SuiteTitle {
            name: "genapp".into(),
            title: "Generic application".into(),
        }],
        started_at: "2026-03-04T05:06:07.891Z".into(),
        duration: Duration::from_millis(10_042),
        interrupted: false,
        outcomes,
        slowest_chain: vec![id("ready.api"), id("sql.slow")],
    }
}

/// The checks of a run, as they were planned.
pub(super) fn planned(run: &Run) -> Vec<Planned> {
    let planned = |outcome: &Outcome| Planned {
        id: outcome.id.clone(),
        title: outcome.title.clone(),
        effect: outcome.effect,
    };
    run.outcomes.iter().map(planned).collect()
}

/// Plays the run to a report; its checks finish in the given order.
pub(super) fn play(run: &Run, order: impl IntoIterator<Item = usize>, report: &mut dyn Report) {
    let checks = planned(run);
    let environment = &run.environment;
    report
        .on(Event::RunStarted {
            environment,
            checks: &checks,
        })
        .unwrap();
    for check in order {
        let outcome = &run.outcomes[check];
        if let [earlier @ .., _] = &outcome.attempts[..] {
            report.on(Event::CheckStarted { check }).unwrap();
            for attempt in earlier {
                report.on(Event::AttemptFailed { check, attempt }).unwrap();
            }
        }
        report.on(Event::CheckFinished { check, outcome }).unwrap();
    }
    report.on(Event::RunFinished { run }).unwrap();
}
