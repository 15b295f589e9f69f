//! Which check may start next.

use std::collections::{BTreeSet, BinaryHeap};

use crate::outcome::Effect;
use crate::plan::{Plan, PlannedCheck};

/// Checks by height, so that the longest chain starts first; among equals, in the order of the suite.
type Waiting = BinaryHeap<(usize, std::cmp::Reverse<usize>)>;

/// The checks that wait, and what they wait for.
pub(super) struct Queue<'a> {
    plan: &'a Plan,
    /// For each check, how many of those it needs are not done.
    missing: Vec<usize>,
    /// For each check, those that need it.
    dependants: Vec<Vec<usize>>,
    gates_shut: usize,
    gates: Waiting,
    ordinary: Waiting,
    load: Waiting,
    last: Waiting,
    /// Checks that were settled without running.
    dropped: BTreeSet<usize>,
    running: usize,
    running_last: usize,
    loaded: BTreeSet<&'a str>,
}

impl<'a> Queue<'a> {
    pub(super) fn new(plan: &'a Plan) -> Self {
        let mut queue = Self {
            plan,
            missing: plan.checks.iter().map(|check| check.needs.len()).collect(),
            dependants: vec![Vec::new(); plan.checks.len()],
            gates_shut: plan.checks.iter().filter(|check| check.gate.is_some()).count(),
            gates: Waiting::new(),
            ordinary: Waiting::new(),
            load: Waiting::new(),
            last: Waiting::new(),
            dropped: BTreeSet::new(),
            running: 0,
            running_last: 0,
            loaded: BTreeSet::new(),
        };
        for (at, check) in plan.checks.iter().enumerate() {
            if check.cleans.is_some() {
                continue;
            }
            for need in &check.needs {
                queue.dependants[*need].push(at);
            }
            if check.needs.is_empty() {
                queue.enqueue(at);
            }
        }
        queue
    }

    fn enqueue(&mut self, at: usize) {
        let check = &self.plan.checks[at];
        let place = (check.height, std::cmp::Reverse(at));
        match (&check.gate, check.effect) {
            (Some(_), _) => self.gates.push(place),
            (None, _) if check.entry.last => self.last.push(place),
            (None, Effect::Load) => self.load.push(place),
            (None, Effect::Read | Effect::Write) => self.ordinary.push(place),
        }
    }

    /// The next check to start, if one may start now.
    pub(super) fn next(&mut self) -> Option<usize> {
        let at = self.pick()?;
        self.running += 1;
        Some(at)
    }

    fn pick(&mut self) -> Option<usize> {
        if let Some(at) = pop(&mut self.gates, &self.dropped) {
            return Some(at);
        }
        if self.gates_shut > 0 {
            return None;
        }
        if self.loaded.is_empty()
            && let Some(at) = pop(&mut self.ordinary, &self.dropped)
        {
            return Some(at);
        }
        self.pick_load().or_else(|| self.pick_last())
    }

    /// Load runs alone on its endpoint, once everything ordinary is done.
    fn pick_load(&mut self) -> Option<usize> {
        if self.running > self.loaded.len() {
            return None;
        }
        let (free, busy): (Vec<_>, Vec<_>) = self
            .load
            .drain()
            .partition(|place| !self.loaded.contains(endpoint(self.plan, place)));
        self.load.extend(busy);
        let mut free = Waiting::from(free);
        let at = pop(&mut free, &self.dropped);
        self.load.extend(free);
        let at = at?;
        self.loaded.insert(&self.plan.checks[at].endpoint);
        Some(at)
    }

    /// What looks at the traces of the others runs once nothing else does, and then side by side.
    fn pick_last(&mut self) -> Option<usize> {
        if self.running > self.running_last {
            return None;
        }
        let at = pop(&mut self.last, &self.dropped)?;
        self.running_last += 1;
        Some(at)
    }

    /// A gate is open.
    pub(super) fn gate_opened(&mut self) {
        self.gates_shut = self.gates_shut.saturating_sub(1);
    }

    /// `at` will not run.
    pub(super) fn drop(&mut self, at: usize) {
        self.dropped.insert(at);
    }

    /// `at` is done, or was skipped. Frees the checks that waited for it where the run goes on from there; otherwise gives
    /// those that cannot run any more.
    pub(super) fn finished(&mut self, at: usize, goes_on: bool) -> Vec<usize> {
        let check: &PlannedCheck = &self.plan.checks[at];
        if check.skip.is_none() && !self.dropped.contains(&at) {
            self.running = self.running.saturating_sub(1);
            if check.entry.last {
                self.running_last = self.running_last.saturating_sub(1);
            }
            if check.effect == Effect::Load {
                self.loaded.remove(check.endpoint.as_str());
            }
        }
        self.dropped.insert(at);
        let dependants = std::mem::take(&mut self.dependants[at]);
        if !goes_on {
            self.dropped.extend(&dependants);
            return dependants;
        }
        for dependant in dependants {
            self.missing[dependant] -= 1;
            if self.missing[dependant] == 0 {
                self.enqueue(dependant);
            }
        }
        Vec::new()
    }
}

fn endpoint<'a>(plan: &'a Plan, place: &(usize, std::cmp::Reverse<usize>)) -> &'a str {
    &plan.checks[place.1.0].endpoint
}

fn pop(waiting: &mut Waiting, dropped: &BTreeSet<usize>) -> Option<usize> {
    while let Some((_, std::cmp::Reverse(at))) = waiting.pop() {
        if !dropped.contains(&at) {
            return Some(at);
        }
    }
    None
}
