//! From the end of a check to its outcome, redacted; and the steps of `finally`.

use std::collections::BTreeMap;

use crate::kinds::Check;
use crate::outcome::{Event, Finding, Outcome, Place, Skip, Verdict};
use crate::plan::PlannedCheck;

use super::attempt::Ended;
use super::{Conductor, Shared};

impl Shared<'_> {
    /// Where the check looks, and what it does there first, in one line.
    pub(super) fn asked(&self, planned: &PlannedCheck, check: &dyn Check) -> Option<String> {
        let steps = check.steps();
        let first = steps.first()?.lines().next()?;
        let more = if steps.len() > 1 { " …" } else { "" };
        let address = |protocol| self.plan.deployment.address(protocol, &planned.endpoint);
        Some(match planned.entry.speaks.and_then(address) {
            Some(address) => format!("{address}   {first}{more}"),
            None => format!("{first}{more}"),
        })
    }

    /// The outcome of a check. Here, and only here, text leaves the engine: secrets stay behind.
    pub(super) fn outcome(&self, at: usize, ended: Ended) -> Outcome {
        let planned = &self.plan.checks[at];
        let mut findings = ended.findings;
        findings.sort_by_key(|finding| finding.span.as_ref().map(|span| span.start));
        place_findings(&mut findings, planned);
        let (unobserved, hint) = ended
            .unobserved
            .map_or((None, None), |seen| (Some(seen.why), seen.hint));
        let verdict = match (&ended.skip, &unobserved) {
            (Some(_), _) => Verdict::Skipped,
            (None, Some(_)) => Verdict::Unclear,
            (None, None) => worst(&findings, planned),
        };
        let mut outcome = Outcome {
            id: planned.id.clone(),
            title: planned.title.clone(),
            verdict,
            severity: planned.severity,
            effect: planned.effect,
            place: planned.place.clone(),
            pack_place: planned.pack_place.clone().map(Box::new),
            asked: ended.asked,
            unobserved,
            hint,
            skip: ended.skip,
            findings,
            attempts: ended.attempts,
            started: ended.started,
            duration: self.start.elapsed().saturating_sub(ended.started),
            needs: planned
                .needs
                .iter()
                .map(|need| self.plan.checks[*need].id.clone())
                .collect(),
            tags: planned.tags.clone(),
            observation: ended.observation,
        };
        outcome.each_text(&mut |text| {
            if let std::borrow::Cow::Owned(redacted) = self.plan.secrets.redact(text) {
                *text = redacted;
            }
        });
        outcome
    }
}

/// The worst of the findings; a gate that did not open leaves everything open, so it is unclear and not failed.
fn worst(findings: &[Finding], planned: &PlannedCheck) -> Verdict {
    let worst = findings
        .iter()
        .map(|finding| finding.verdict)
        .max()
        .unwrap_or(Verdict::Unclear);
    if planned.gate.is_some() && worst == Verdict::Failed {
        Verdict::Unclear
    } else {
        worst
    }
}

/// Turns bytes into places. Only what did not pass is ever quoted.
fn place_findings(findings: &mut [Finding], planned: &PlannedCheck) {
    let mut places: BTreeMap<usize, Place> = BTreeMap::new();
    for finding in findings.iter_mut().filter(|finding| finding.verdict != Verdict::Passed) {
        if let Some(span) = &finding.span {
            let place = places.entry(span.start).or_insert_with(|| planned.origin.place(span));
            finding.place = Some(Box::new(place.clone()));
        }
    }
}

impl Conductor<'_> {
    /// Runs the steps of `finally`, those of the last check first, whatever happened; one at a time.
    pub(super) async fn clean_up(&mut self) {
        for at in (0..self.outcomes.len()).rev() {
            let Some(owner) = self.shared.plan.checks[at].cleans else {
                continue;
            };
            let ran = self.outcomes[owner]
                .as_ref()
                .is_some_and(|outcome| outcome.verdict != Verdict::Skipped);
            let ended = if !ran {
                let id = self.shared.plan.checks[owner].id.clone();
                Ended::skipped(
                    Skip::Needs {
                        cause: id,
                        verdict: Verdict::Skipped,
                    },
                    self.shared.start.elapsed(),
                )
            } else if self.nothing_to_clean(at, owner) {
                let reason = "nothing to clean up: the check ended before it had handed over what this step needs";
                Ended::skipped(
                    Skip::Declared {
                        reason: reason.to_owned(),
                    },
                    self.shared.start.elapsed(),
                )
            } else {
                self.shared.say(Event::CheckStarted { check: at });
                self.shared.carry_out(at).await
            };
            self.settle(at, ended);
        }
    }

    /// Whether the step needs a captured value that its check, which did not pass, never had.
    fn nothing_to_clean(&self, at: usize, owner: usize) -> bool {
        let captured = self.shared.captured.borrow();
        self.shared.plan.checks[at].late.is_some()
            && captured[owner].is_empty()
            && self.outcomes[owner]
                .as_ref()
                .is_some_and(|outcome| outcome.verdict != Verdict::Passed)
    }
}
