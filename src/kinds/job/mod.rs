//! `job`: work that is submitted, taken by a worker, and done with the right result.

mod judge;
mod observe;
#[cfg(test)]
mod tests;

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::deployment::http::{Expect, Request, Response, Statuses};
use crate::deployment::{Protocol, Target, Unobserved};
use crate::outcome::{Effect, Finding};
use crate::suite::{Group, JsonPath, Period, Problem, Spanned, Subject};

use super::{Export, Kind};

/// A job is submitted, a worker takes it, and it ends in time with the right result.
///
/// An API that accepts jobs says nothing about the worker: it may be down, listen to another queue, or lack a key. Nor is
/// "completed" success: a job that could not reach its model can end `completed` with an apology for a result. So submit
/// one, ask until it ends, and look at what it brought.
///
/// ```toml
/// [job.answer]
/// title = "A question is answered by the worker"
/// post = "/qa"
/// json = { question = "How many campaigns are active?" }
/// submit = 202
/// id = "$.job_id"
/// poll = "/qa/jobs/{id}"
/// state = "$.status"
/// within = "30s"
/// expect.json."$.result.answer" = { matches = "[0-9]", lacks = "couldn't understand" }
/// ```
///
/// The request that submits is that of `http` (get, head, options, post, put, patch, delete, query, headers, json, form,
/// body, bearer, basic, cookies, follow, max_body, http2). Then:
///
///   submit   the status that says the job is accepted: any 2xx unless given
///   id       where the answer has the job's id, as JSONPath
///   poll     the path to GET until the job has ended; `{id}` stands for the id, where there is one: it may also be what
///            the job works on that has the state ("/connections/7/sync-status"): that is asked before the submission, too,
///            and an end counts once the answer is another one. Without `poll`, the Location header of the answer says
///            where to ask. It is asked with the credentials and cookies of the request, on its own host alone.
///   state    where the answer to that has the job's state, as JSONPath: $.status unless given
///   done     states that say it is done: completed, complete, succeeded, success, done, finished unless given
///   failed   states that say it has failed: failed, failure, error, errored, cancelled, canceled, timeout unless given
///   waiting  states in which nobody has taken it yet: queued, pending, waiting, created, submitted, accepted unless given
///   result   a path to GET when it is done, with `{id}` for the id, where the result is not in the answer itself
///   within   how long it may take from submission to the end: 60s unless given
///   every    the pause between two questions: 500ms unless given
///   expect   what the result must be, as in `http`: json, headers, body, schema, … It is needed: that a job is done says
///            nothing of what it did.
///
/// Later checks use `{{ answer.id }}`, and what they capture comes from the result. What the job creates, `finally` removes.
/// The check writes.
///
/// A failure:
///
///   FAILED  job.answer   A question is answered by the worker
///     suites/api.toml:9:10
///     9 │ within = "30s"
///       │          ^^^^^
///       end of the job   expected: done within 30s   seen: queued for 30s, and still is
///     try: nobody took it: does the worker run, and does it listen to this queue?
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Job {
    #[schemars(flatten)]
    request: Request,
    /// The status that says the job is accepted.
    submit: Option<Spanned<Statuses>>,
    /// Where the answer has the job's id.
    id: Option<Spanned<JsonPath>>,
    /// The path to ask, with `{id}` for the id.
    poll: Option<Spanned<String>>,
    /// Where the answer has the job's state.
    state: Option<Spanned<JsonPath>>,
    /// States that say it is done.
    #[serde(default = "done")]
    done: Vec<String>,
    /// States that say it has failed.
    #[serde(default = "failed")]
    failed: Vec<String>,
    /// States in which nobody has taken it yet.
    #[serde(default = "waiting")]
    waiting: Vec<String>,
    /// A path to GET when it is done.
    result: Option<Spanned<String>>,
    /// How long it may take.
    within: Option<Spanned<Period>>,
    /// The pause between two questions.
    every: Option<Spanned<Period>>,
    /// What the result must be.
    #[serde(default)]
    expect: Expect,
}

/// Whether `state` is in the list, in any case.
fn is(list: &[String], state: &str) -> bool {
    list.iter().any(|known| known.eq_ignore_ascii_case(state))
}

fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(|word| (*word).to_owned()).collect()
}

fn done() -> Vec<String> {
    words(&["completed", "complete", "succeeded", "success", "done", "finished"])
}

fn failed() -> Vec<String> {
    words(&[
        "failed",
        "failure",
        "error",
        "errored",
        "cancelled",
        "canceled",
        "timeout",
    ])
}

fn waiting() -> Vec<String> {
    words(&["queued", "pending", "waiting", "created", "submitted", "accepted"])
}

/// What was submitted, and how it went on.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Seen {
    /// The answer to the submission.
    submitted: Response,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// Each state when it was first seen.
    states: Vec<Step>,
    /// The last answer that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last: Option<Response>,
    /// Whether the last answer is what was there before the submission.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    stale: bool,
    /// Why the last question got none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// What `result` answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    result: Option<Response>,
    /// From the submission's answer to the last one, in milliseconds.
    took_millis: u64,
}

/// A state, and when it was first seen, in milliseconds after the submission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Step {
    state: String,
    at_millis: u64,
}

impl Job {
    fn within(&self) -> Duration {
        self.within.as_ref().map_or(Duration::from_secs(60), |within| within.0)
    }

    fn every(&self) -> Duration {
        let every = self.every.as_ref();
        every.map_or(Duration::from_millis(500), |every| every.0)
    }

    fn ended(&self, state: &str) -> bool {
        is(&self.done, state) || is(&self.failed, state)
    }

    /// What the job works on and is asked for its state, where that is not the job itself.
    fn resource(&self) -> Option<&str> {
        let path = self.poll.as_ref()?;
        self.id.is_none().then_some(path.as_str())
    }

    fn accepted(&self, status: u16) -> bool {
        let accepted = self.submit.as_ref();
        accepted.map_or((200..300).contains(&status), |accepted| accepted.contains(status))
    }

    /// Where the state stands, and what was found there.
    fn state_in(&self, response: &Response) -> Option<String> {
        let document = response.json().ok()?;
        let found = match &self.state {
            Some(path) => path.find(&document)?.into_owned(),
            None => document.get("status")?.clone(),
        };
        match found {
            serde_json::Value::Null => None,
            serde_json::Value::String(text) => Some(text),
            other => Some(other.to_string()),
        }
    }
}

impl Kind for Job {
    const NAME: &'static str = "job";
    const SPEAKS: Option<Protocol> = Some(Protocol::Http);
    const GROUPS: &'static [Group] = &[Request::GROUP];
    type Seen = Seen;

    fn effect(&self) -> Effect {
        Effect::Write
    }

    fn patience(&self) -> Duration {
        self.within()
    }

    fn mistakes(&self) -> Vec<Problem> {
        let mut problems = self.request.mistakes();
        problems.extend(self.expect.mistakes());
        for path in [&self.poll, &self.result].into_iter().flatten() {
            match (path.contains("{id}"), self.id.is_some()) {
                (false, true) => {
                    let problem = Problem::at(path.span(), "the path does not say where the job's id goes");
                    problems.push(problem.hint("write for instance \"/api/jobs/{id}\""));
                }
                (true, false) => {
                    let problem = Problem::at(path.span(), "`id` is missing: where has the answer the job's id?");
                    problems.push(problem.hint("id = \"$.id\""));
                }
                // Without an id, what is asked is not the job but what it works on.
                (true, true) | (false, false) => {}
            }
        }
        for state in self.done.iter().filter(|state| is(&self.failed, state)) {
            problems.push(Problem::whole(format!("`{state}` is both done and failed")));
        }
        if self.done.is_empty() {
            problems.push(Problem::whole("no state says that the job is done"));
        }
        if let Some(every) = self.every.as_ref().filter(|every| every.0.is_zero()) {
            problems.push(Problem::at(every.span(), "`every` is longer than nothing"));
        }
        if let Some(status) = self.only_status() {
            problems.push(
                Problem::at(status.span(), "that a job has ended says nothing of what it did")
                    .hint("expect something of its result, such as expect.json.\"$.result\""),
            );
        }
        problems
    }

    fn expects_nothing(&self) -> bool {
        self.expect.is_empty()
    }

    fn cookies_of(&self) -> Option<&Spanned<String>> {
        self.request.cookies.as_ref()
    }

    fn exports(&self) -> &'static [&'static str] {
        &["id"]
    }

    fn export(&self, seen: &Seen) -> Vec<Export> {
        let id = seen.id.iter().map(|id| Export {
            name: "id",
            value: id.as_str().into(),
            secret: false,
        });
        id.collect()
    }

    fn subject<'a>(&self, seen: &'a Seen) -> Subject<'a> {
        let response = seen.result.as_ref().or(seen.last.as_ref()).unwrap_or(&seen.submitted);
        response.subject()
    }

    fn steps(&self) -> Vec<String> {
        let mut steps = self.request.steps();
        if let Some(path) = self.resource() {
            steps.insert(0, format!("GET {path}, as it is before"));
        }
        let place = self
            .poll
            .as_ref()
            .map_or("where its Location header leads", |path| path.as_str());
        let (every, within) = (Period(self.every()), Period(self.within()));
        steps.push(format!(
            "GET {place} every {every} until the job has ended, for {within} at most"
        ));
        if let Some(result) = &self.result {
            steps.push(format!("GET {} for the result", result.as_str()));
        }
        steps
    }

    async fn observe(&self, target: &Target<'_>) -> Result<Seen, Unobserved> {
        observe::observe(self, target).await
    }

    fn judge(&self, seen: &Seen) -> Vec<Finding> {
        judge::judge(self, seen)
    }
}

impl Job {
    /// The expected status, where nothing else is expected.
    fn only_status(&self) -> Option<&Spanned<Statuses>> {
        let status = self.expect.status.as_ref()?;
        let rest = Expect {
            status: None,
            within: None,
            ..self.expect.clone()
        };
        rest.is_empty().then_some(status)
    }
}
