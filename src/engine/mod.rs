//! Runs a plan: as many checks at a time as allowed, in dependency order, the longest chain first.
//!
//! One loop owns all state. It starts what may start, waits for whatever ends first, and says what happened as one
//! stream of [`Event`]s. Gates come first; checks that put load on the deployment come last and alone; steps of
//! `finally` come after everything, whatever happened. Checks are futures on this thread: nothing is spawned.

mod attempt;
mod chain;
mod finish;
mod queue;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesUnordered;
use serde_json::{Map, Value};
use tokio::sync::watch;

use crate::deployment::http::Jar;
use crate::outcome::{Attempt, Event, Outcome, Run, Severity, Skip, Verdict};
use crate::plan::Plan;

use attempt::Ended;
use queue::Queue;

/// How to run a plan.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Start nothing more after the first failure.
    pub fail_fast: bool,
    /// Nothing goes on for longer than this; what is not done by then is unclear.
    pub deadline: Option<Duration>,
    /// Keep what was observed in the outcomes.
    pub keep_observations: bool,
}

/// Why no more checks are started, if so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    No,
    FailFast,
    Deadline,
    Interrupted,
}

/// What checks share while they run.
struct Shared<'a> {
    plan: &'a Plan,
    options: Options,
    start: Instant,
    /// What each check handed over.
    captured: RefCell<Vec<Map<String, Value>>>,
    /// The cookies each check ended with.
    jars: RefCell<BTreeMap<usize, Jar>>,
    stop: watch::Receiver<Stop>,
    emit: RefCell<&'a mut dyn FnMut(Event<'_>)>,
}

impl Shared<'_> {
    fn say(&self, event: Event<'_>) {
        (self.emit.borrow_mut())(event);
    }
}

/// Runs `plan` until its end, or until `interrupted` completes, and hands every event to `emit`.
pub async fn run(
    plan: &Plan,
    options: Options,
    interrupted: impl Future<Output = ()>,
    emit: &mut dyn FnMut(Event<'_>),
) -> Run {
    let started_at = jiff::Timestamp::now().to_string();
    let (stop, stopped) = watch::channel(Stop::No);
    let shared = Shared {
        plan,
        options,
        start: Instant::now(),
        captured: RefCell::new(vec![Map::new(); plan.checks.len()]),
        jars: RefCell::default(),
        stop: stopped,
        emit: RefCell::new(emit),
    };
    shared.say(Event::RunStarted {
        environment: &plan.environment,
        checks: &plan.planned(),
    });
    let mut conductor = Conductor {
        shared: &shared,
        queue: Queue::new(plan),
        flying: FuturesUnordered::new(),
        outcomes: plan.checks.iter().map(|_| None).collect(),
        stop,
    };
    conductor.skip_what_is_not_to_run();
    conductor.conduct(interrupted).await;
    conductor.clean_up().await;
    let interrupted = *conductor.stop.borrow() == Stop::Interrupted;
    #[expect(
        clippy::filter_map_identity,
        reason = "in place, where flatten would copy all outcomes"
    )]
    let outcomes: Vec<Outcome> = std::mem::take(&mut conductor.outcomes)
        .into_iter()
        .filter_map(|outcome| outcome)
        .collect();
    let run = Run {
        environment: plan.environment.clone(),
        suites: plan.suites.clone(),
        started_at,
        duration: shared.start.elapsed(),
        interrupted,
        slowest_chain: chain::slowest(&outcomes),
        outcomes,
    };
    shared.say(Event::RunFinished { run: &run });
    run
}

struct Conductor<'a> {
    shared: &'a Shared<'a>,
    queue: Queue<'a>,
    flying: FuturesUnordered<LocalBoxFuture<'a, (usize, Ended)>>,
    outcomes: Vec<Option<Outcome>>,
    stop: watch::Sender<Stop>,
}

impl Conductor<'_> {
    fn skip_what_is_not_to_run(&mut self) {
        for at in 0..self.shared.plan.checks.len() {
            if self.outcomes[at].is_none()
                && let Some(skip) = self.shared.plan.checks[at].skip.clone()
            {
                self.settle(at, Ended::skipped(skip, self.shared.start.elapsed()));
            }
        }
    }

    async fn conduct(&mut self, interrupted: impl Future<Output = ()>) {
        let deadline = async {
            match self.shared.options.deadline {
                Some(deadline) => tokio::time::sleep(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(interrupted, deadline);
        loop {
            if *self.stop.borrow() == Stop::No {
                self.launch();
            }
            if self.flying.is_empty() {
                break;
            }
            tokio::select! {
                Some((at, ended)) = self.flying.next() => self.settle(at, ended),
                () = &mut interrupted, if *self.stop.borrow() != Stop::Interrupted => self.halt(Stop::Interrupted),
                () = &mut deadline, if *self.stop.borrow() == Stop::No => self.halt(Stop::Deadline),
            }
        }
        self.give_up_the_rest();
    }

    /// Starts whatever may start now.
    fn launch(&mut self) {
        while self.flying.len() < self.shared.plan.concurrency {
            let Some(at) = self.queue.next() else { return };
            self.shared.say(Event::CheckStarted { check: at });
            let shared = self.shared;
            self.flying
                .push(Box::pin(async move { (at, shared.carry_out(at).await) }));
        }
    }

    fn halt(&self, reason: Stop) {
        self.stop.send_replace(reason);
    }

    /// Turns the end of a check into its outcome, tells it, and frees or skips the checks that waited for it.
    fn settle(&mut self, at: usize, ended: Ended) {
        let outcome = self.shared.outcome(at, ended);
        self.shared.say(Event::CheckFinished {
            check: at,
            outcome: &outcome,
        });
        let failed = outcome.verdict == Verdict::Failed && outcome.severity == Severity::Fail;
        if failed && self.shared.options.fail_fast && *self.stop.borrow() == Stop::No {
            self.halt(Stop::FailFast);
        }
        let consequence = match &outcome.skip {
            Some(root @ (Skip::Needs { .. } | Skip::NotReady { .. } | Skip::Interrupted | Skip::FailFast)) => {
                root.clone()
            }
            _ => Skip::Needs {
                cause: outcome.id.clone(),
                verdict: outcome.verdict,
            },
        };
        // What only warns stops nothing: what needs it runs, and is unclear where it lacks a value.
        let goes_on = outcome.verdict == Verdict::Passed || outcome.warns();
        self.outcomes[at] = Some(outcome);
        if self.shared.plan.checks[at].cleans.is_some() {
            return;
        }
        if self.shared.plan.checks[at].gate.is_some() {
            self.settle_gate(at);
        }
        for waiting in self.queue.finished(at, goes_on) {
            if self.outcomes[waiting].is_none() {
                self.settle(
                    waiting,
                    Ended::skipped(consequence.clone(), self.shared.start.elapsed()),
                );
            }
        }
    }

    /// A gate that stays shut skips everything that is not a gate; one that was left out stands open.
    fn settle_gate(&mut self, at: usize) {
        let verdict = self.outcomes[at].as_ref().map(|outcome| outcome.verdict);
        if matches!(verdict, Some(Verdict::Passed | Verdict::Skipped)) {
            self.queue.gate_opened();
            return;
        }
        if *self.stop.borrow() != Stop::No {
            // It was cut short: what did not start for that is told as such.
            return;
        }
        let gate = self.shared.plan.checks[at].id.clone();
        for (other, check) in self.shared.plan.checks.iter().enumerate() {
            if self.outcomes[other].is_none() && check.gate.is_none() && check.cleans.is_none() {
                self.queue.drop(other);
                let skip = Skip::NotReady { gate: gate.clone() };
                self.settle(other, Ended::skipped(skip, self.shared.start.elapsed()));
            }
        }
    }

    /// What was never started, because the run was stopped.
    fn give_up_the_rest(&mut self) {
        let reason = *self.stop.borrow();
        for at in 0..self.outcomes.len() {
            if self.outcomes[at].is_some() || self.shared.plan.checks[at].cleans.is_some() {
                continue;
            }
            let now = self.shared.start.elapsed();
            let ended = match reason {
                Stop::Interrupted => Ended::skipped(Skip::Interrupted, now),
                Stop::FailFast => Ended::skipped(Skip::FailFast, now),
                Stop::No | Stop::Deadline => Ended::out_of_time(self.shared.options.deadline, now),
            };
            self.settle(at, ended);
        }
    }
}

/// One attempt as the outcome tells it.
fn attempt(verdict: Verdict, reason: String, duration: Duration) -> Attempt {
    Attempt {
        verdict,
        reason,
        duration,
    }
}
