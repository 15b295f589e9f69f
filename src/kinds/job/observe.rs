//! Submits, and asks until the job has ended.

use std::time::{Duration, Instant};

use crate::deployment::http::{Request, Response};
use crate::deployment::{Target, Unobserved};

use super::{Job, Seen, Step, is};

pub(super) async fn observe(check: &Job, target: &Target<'_>) -> Result<Seen, Unobserved> {
    let submitted = target.send(&check.request).await?;
    let mut seen = Seen {
        id: id_in(check, &submitted),
        submitted,
        ..Seen::default()
    };
    let begun = Instant::now();
    let Some(poll) = poll(check, &seen) else {
        return Ok(seen);
    };
    let ask = asking(check, &poll);
    loop {
        let answer = tokio::time::timeout(target.timeout(), target.send(&ask)).await;
        seen.took_millis = millis(begun.elapsed());
        let over = match answer {
            Ok(Ok(response)) => take(check, &mut seen, response),
            // A worker may come back while the API restarts: what counts is the end.
            Ok(Err(unobserved)) => {
                seen.error = Some(unobserved.why);
                false
            }
            Err(_) => {
                seen.error = Some("no answer".to_owned());
                false
            }
        };
        if over || begun.elapsed() >= check.within() {
            break;
        }
        tokio::time::sleep(check.every().min(check.within().saturating_sub(begun.elapsed()))).await;
    }
    let state = seen.states.last().map(|step| step.state.as_str());
    let is_done = state.is_some_and(|state| is(&check.done, state));
    if let (Some(path), Some(id), true) = (&check.result, &seen.id, is_done) {
        seen.result = Some(target.send(&asking(check, &path.replace("{id}", id))).await?);
    }
    Ok(seen)
}

/// Remembers an answer; whether there is nothing more to ask.
fn take(check: &Job, seen: &mut Seen, response: Response) -> bool {
    seen.error = None;
    let state = check.state_in(&response).filter(|_| response.is_success());
    // Not there yet, too often, out of order for a moment: worth another question.
    let passing = matches!(response.status, 404 | 425 | 429 | 500..);
    let over = match &state {
        Some(state) => check.ended(state),
        None => !passing,
    };
    seen.last = Some(response);
    if let Some(state) = state
        && seen.states.last().is_none_or(|step| step.state != state)
    {
        let at_millis = seen.took_millis;
        seen.states.push(Step { state, at_millis });
    }
    over
}

/// A GET of `path` as whom the job was submitted.
fn asking(check: &Job, path: &str) -> Request {
    let mut request = Request {
        headers: check.request.headers.clone(),
        bearer: check.request.bearer.clone(),
        basic: check.request.basic.clone(),
        http2: check.request.http2,
        max_body: check.request.max_body,
        ..Request::get(path)
    };
    // There is no body.
    request
        .headers
        .remove_if(|name| name.eq_ignore_ascii_case("content-type"));
    request
}

fn poll(check: &Job, seen: &Seen) -> Option<String> {
    if !check.accepted(seen.submitted.status) {
        return None;
    }
    match &check.poll {
        Some(path) if check.id.is_none() => Some(path.as_str().to_owned()),
        Some(path) => Some(path.replace("{id}", seen.id.as_deref()?)),
        None => seen.submitted.header("location").map(str::to_owned),
    }
}

fn id_in(check: &Job, response: &Response) -> Option<String> {
    let document = response.json().ok()?;
    match check.id.as_ref()?.find(&document)?.into_owned() {
        serde_json::Value::String(text) if !text.is_empty() => Some(text),
        serde_json::Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
