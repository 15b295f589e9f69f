//! One check, from its first attempt to its last.

use std::rc::Rc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::deployment::http::Jar;
use crate::deployment::{Target, Unobserved};
use crate::kinds::{Check, Examination};
use crate::outcome::{Attempt, Effect, Event, Finding, Skip, Verdict};
use crate::plan::{Late, PlannedCheck};
use crate::suite::{Node, Retry, Scope, render, render_text, truthy};

use super::{Shared, Stop, attempt};

/// How a check ended, before it is told.
#[derive(Debug, Default)]
pub(super) struct Ended {
    pub(super) started: Duration,
    pub(super) attempts: Vec<Attempt>,
    pub(super) asked: Option<String>,
    pub(super) findings: Vec<Finding>,
    pub(super) unobserved: Option<Unobserved>,
    pub(super) skip: Option<Skip>,
    pub(super) observation: Option<Value>,
}

impl Ended {
    pub(super) fn skipped(skip: Skip, started: Duration) -> Self {
        Self {
            skip: Some(skip),
            started,
            ..Self::default()
        }
    }

    pub(super) fn unclear(why: impl Into<String>, started: Duration) -> Self {
        Self {
            unobserved: Some(Unobserved::new(why)),
            started,
            ..Self::default()
        }
    }

    pub(super) fn out_of_time(deadline: Option<Duration>, started: Duration) -> Self {
        let deadline = deadline.map_or_else(String::new, |deadline| {
            format!(" of {}", humantime::format_duration(deadline))
        });
        Self::unclear(
            format!("the run's deadline{deadline} passed before this check was done"),
            started,
        )
    }
}

/// The worst of the findings. None at all prove nothing.
fn verdict_of(findings: &[Finding]) -> Verdict {
    findings
        .iter()
        .map(|finding| finding.verdict)
        .max()
        .unwrap_or(Verdict::Unclear)
}

impl Shared<'_> {
    /// Runs the check until it passes, or until no attempt is left.
    pub(super) async fn carry_out(&self, at: usize) -> Ended {
        let planned = &self.plan.checks[at];
        let started = self.start.elapsed();
        let fresh;
        let check: &dyn Check = match &planned.late {
            None => &*planned.check,
            Some(late) => match self.fill_in(planned, late) {
                Ok(check) => {
                    fresh = check;
                    &*fresh
                }
                Err(mut ended) => {
                    ended.started = started;
                    return *ended;
                }
            },
        };
        let mut ended = Ended {
            started,
            attempts: Vec::with_capacity(1),
            ..Ended::default()
        };
        let pace = Pace::of(planned);
        let begun = Instant::now();
        let mut in_a_row = 0;
        loop {
            let verdict = self.try_once(at, check, &mut ended).await;
            in_a_row = if verdict == Verdict::Passed { in_a_row + 1 } else { 0 };
            if in_a_row >= pace.stable || *self.stop.borrow() != Stop::No {
                break;
            }
            let Some(pause) = pace.next(ended.attempts.len(), begun.elapsed(), verdict) else {
                break;
            };
            if verdict != Verdict::Passed
                && let Some(last) = ended.attempts.last()
            {
                let mut last = last.clone();
                last.reason = self.plan.secrets.redact(&last.reason).into_owned();
                self.say(Event::AttemptFailed {
                    check: at,
                    attempt: &last,
                });
            }
            if self.pause(pause).await != Stop::No {
                break;
            }
        }
        if in_a_row > 0 && in_a_row < pace.stable {
            ended.findings.push(Finding::unclear(
                "stable",
                format!("{} successes in a row", pace.stable),
                format!("{in_a_row} when the time was up"),
            ));
        }
        let passed = ended.unobserved.is_none() && verdict_of(&ended.findings) == Verdict::Passed;
        ended.asked = (!passed).then(|| self.asked(planned, check)).flatten();
        ended
    }

    /// One attempt, within its time; cut short where the run is stopped, unless it writes: what it creates must be known.
    async fn try_once(&self, at: usize, check: &dyn Check, ended: &mut Ended) -> Verdict {
        let planned = &self.plan.checks[at];
        let limit = planned.timeout + check.patience();
        let jar = planned
            .cookies_of
            .and_then(|of| self.jars.borrow().get(&of).cloned())
            .unwrap_or_default();
        let target = Target::new(&self.plan.deployment, &planned.endpoint, planned.timeout, jar);
        let begun = Instant::now();
        let examined = {
            let work = tokio::time::timeout(
                limit,
                check.examine(&target, &planned.capture, self.options.keep_observations),
            );
            let mut stop = self.stop.clone();
            tokio::select! {
                biased;
                result = work => result.unwrap_or_else(|_| Err(too_late(limit))),
                reason = stopped(&mut stop), if planned.effect != Effect::Write && planned.cleans.is_none() => {
                    Err(Unobserved::new(match reason {
                        Stop::Deadline => "the run's deadline passed while this check was under way",
                        _ => "the run was stopped while this check was under way",
                    }))
                }
            }
        };
        let verdict = match examined {
            Ok(examination) => {
                self.keep(at, target.into_jar(), &examination);
                ended.findings = examination.findings;
                ended.observation = examination.observation;
                ended.unobserved = None;
                verdict_of(&ended.findings)
            }
            Err(unobserved) => {
                ended.findings.clear();
                ended.observation = None;
                ended.unobserved = Some(unobserved);
                Verdict::Unclear
            }
        };
        ended
            .attempts
            .push(attempt(verdict, reason(verdict, ended), begun.elapsed()));
        verdict
    }

    /// Remembers what later checks may use, and learns the secrets in it first.
    fn keep(&self, at: usize, jar: Jar, examination: &Examination) {
        self.jars.borrow_mut().insert(at, jar);
        examination
            .secrets
            .iter()
            .for_each(|secret| self.plan.secrets.add(secret));
        for captured in &examination.captured {
            if captured.secret {
                match &captured.value {
                    Value::String(text) => self.plan.secrets.add(text),
                    other => self.plan.secrets.add(&other.to_string()),
                }
            }
            self.captured.borrow_mut()[at].insert(captured.name.clone(), captured.value.clone());
        }
    }

    /// Fills captured values into the check's table and reads it again.
    fn fill_in(&self, planned: &PlannedCheck, late: &Late) -> Result<Box<dyn Check>, Box<Ended>> {
        let unclear = |why: String| Box::new(Ended::unclear(why, Duration::ZERO));
        let filled = |node: &Node, scope: &Scope| {
            render(node, scope).map_err(|problems| {
                let reasons: Vec<String> = problems.into_iter().map(|problem| problem.message).collect();
                unclear(reasons.join("; "))
            })
        };
        let mut scope = Scope::clone(&late.scope);
        self.hand_over(planned, &mut scope, planned.used.as_deref());
        let mut conditions: Vec<(&String, &Scope)> = Vec::new();
        let outer = late.given.as_ref().map(|given| {
            let mut outer = given.scope.clone();
            self.hand_over(planned, &mut outer, None);
            (given, outer)
        });
        if let Some((given, outer)) = &outer {
            conditions.extend(given.when.as_ref().map(|when| (when, outer)));
            for (name, value) in &given.params {
                let value = filled(value, outer)?.to_json();
                Rc::make_mut(&mut scope.vars).insert(name.clone(), value);
            }
        }
        conditions.extend(late.when.as_ref().map(|when| (when, &scope)));
        for (expression, scope) in conditions {
            if !truthy(&render_text(expression, scope).map_err(unclear)?) {
                let expression = expression.clone();
                return Err(Box::new(Ended::skipped(Skip::When { expression }, Duration::ZERO)));
            }
        }
        let node = filled(&late.node, &scope)?;
        match (planned.entry.read)(&node) {
            (Some(check), problems) if problems.is_empty() => Ok(check),
            (_, problems) => {
                let reasons: Vec<String> = problems.into_iter().map(|problem| problem.message).collect();
                Err(unclear(format!(
                    "with the captured values this check cannot be run: {}",
                    reasons.join("; ")
                )))
            }
        }
    }

    /// What the checks that `planned` waits for have captured, under the names by which the checks of `used`, or of the
    /// suite, call them.
    fn hand_over(&self, planned: &PlannedCheck, scope: &mut Scope, used: Option<&str>) {
        let captured = self.captured.borrow();
        for need in planned.needs.iter().chain(&planned.cleans) {
            let check = &self.plan.checks[*need];
            let values = captured[*need].clone();
            let name = check.id.name.split('[').next().unwrap_or_default();
            let local = check
                .used
                .as_ref()
                .and_then(|used| name.strip_prefix(used)?.strip_prefix('.'));
            match (used, &check.used, local) {
                (None, None, _) => {
                    scope.captures.insert(name.to_owned(), Value::Object(values));
                }
                (None, Some(pack), Some(local)) => {
                    let checks = scope.captures.entry(pack.clone()).or_insert_with(|| json!({}));
                    checks[local] = Value::Object(values);
                }
                (Some(used), Some(pack), Some(local)) if used == pack => {
                    scope.captures.insert(local.to_owned(), Value::Object(values));
                }
                _ => {}
            }
        }
    }

    async fn pause(&self, pause: Duration) -> Stop {
        let mut stop = self.stop.clone();
        tokio::select! {
            () = tokio::time::sleep(pause) => Stop::No,
            reason = stopped(&mut stop) => reason,
        }
    }
}

async fn stopped(stop: &mut tokio::sync::watch::Receiver<Stop>) -> Stop {
    match stop
        .wait_for(|reason| matches!(reason, Stop::Interrupted | Stop::Deadline))
        .await
    {
        Ok(reason) => *reason,
        Err(_) => std::future::pending().await,
    }
}

fn too_late(limit: Duration) -> Unobserved {
    Unobserved::new(format!("no answer within {}", humantime::format_duration(limit)))
        .hint("is it overloaded, or does it hang? `timeout` gives it more time")
}

/// Why the attempt did not pass, in one line.
fn reason(verdict: Verdict, ended: &Ended) -> String {
    if let Some(unobserved) = &ended.unobserved {
        return unobserved.why.clone();
    }
    let worst = ended
        .findings
        .iter()
        .find(|finding| finding.verdict == verdict && verdict != Verdict::Passed);
    worst.map_or_else(String::new, |finding| {
        format!("{}: expected {}, seen {}", finding.what, finding.expected, finding.seen)
    })
}

/// When to try again.
struct Pace {
    stable: u32,
    steady: bool,
    times: u32,
    window: Option<Duration>,
    every: Duration,
}

impl Pace {
    const EVERY: Duration = Duration::from_millis(500);

    fn of(planned: &PlannedCheck) -> Self {
        if let Some(gate) = planned.gate {
            let window = Some(gate.window);
            return Self {
                stable: gate.stable,
                steady: true,
                times: u32::MAX,
                window,
                every: gate.every,
            };
        }
        let retry = planned.retry.unwrap_or(Retry {
            times: Some(0),
            ..Retry::default()
        });
        Self {
            stable: 1,
            steady: false,
            times: retry.times.unwrap_or(if retry.window.is_some() { u32::MAX } else { 1 }),
            window: retry.window.map(|period| period.0),
            every: retry.every.map_or(Self::EVERY, |period| period.0),
        }
    }

    /// The pause before the next attempt, after `made` attempts in `elapsed`; none where there is to be no other.
    fn next(&self, made: usize, elapsed: Duration, last: Verdict) -> Option<Duration> {
        if made as u64 > u64::from(self.times) && last != Verdict::Passed {
            return None;
        }
        let doublings = if self.steady {
            0
        } else {
            u32::try_from(made - 1).unwrap_or(3).min(3)
        };
        let pause = self.every * 2_u32.pow(doublings);
        self.window
            .is_none_or(|window| elapsed + pause <= window)
            .then_some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn pace(times: u32, window: Option<u64>) -> Pace {
        let window = match window {
            Some(millis) => Some(Duration::from_millis(millis)),
            None => None,
        };
        Pace {
            stable: 1,
            steady: false,
            times,
            window,
            every: Duration::from_millis(100),
        }
    }

    fn pauses(pace: &Pace) -> Vec<u128> {
        let (mut elapsed, mut pauses) = (Duration::ZERO, Vec::new());
        while let Some(pause) = pace.next(pauses.len() + 1, elapsed, Verdict::Failed) {
            elapsed += pause;
            pauses.push(pause.as_millis());
        }
        pauses
    }

    #[test]
    fn pauses_double_up_to_eight_times() {
        assert_eq!(pauses(&pace(6, None)), [100, 200, 400, 800, 800, 800]);
        assert_eq!(pauses(&pace(0, None)), []);
    }

    #[test]
    fn no_attempt_starts_after_the_window() {
        assert_eq!(pauses(&pace(u32::MAX, Some(1000))), [100, 200, 400]);
    }
}
