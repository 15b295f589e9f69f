//! Submits, and asks until the job has ended.

use std::time::{Duration, Instant};

use url::Url;

use crate::deployment::http::{Request, Response, Site};
use crate::deployment::{Target, Unobserved};

use super::{Job, Seen, Step, is};

pub(super) async fn observe(check: &Job, target: &Target<'_>) -> Result<Seen, Unobserved> {
    let before = match check.resource() {
        Some(path) => Some(target.send(&asking(check, path)).await?.body),
        None => None,
    };
    let submitted = target.send(&check.request).await?;
    let mut seen = Seen {
        id: id_in(check, &submitted),
        submitted,
        ..Seen::default()
    };
    let begun = Instant::now();
    let Some(ask) = poll(check, &seen, target)? else {
        return Ok(seen);
    };
    loop {
        let answer = tokio::time::timeout(target.timeout(), target.send(&ask)).await;
        seen.took_millis = millis(begun.elapsed());
        let over = match answer {
            Ok(Ok(response)) => take(check, &mut seen, response, before.as_deref()),
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
    if let Some(path) = check.result.as_ref().filter(|_| is_done && !seen.stale) {
        let path = path.replace("{id}", seen.id.as_deref().unwrap_or_default());
        seen.result = Some(target.send(&asking(check, &path)).await?);
    }
    Ok(seen)
}

/// Remembers an answer; whether there is nothing more to ask.
fn take(check: &Job, seen: &mut Seen, response: Response, before: Option<&str>) -> bool {
    seen.error = None;
    seen.stale = before == Some(&response.body);
    let state = check.state_in(&response).filter(|_| response.is_success());
    // Not there yet, too often, out of order for a moment: worth another question.
    let passing = matches!(response.status, 404 | 425 | 429 | 500..);
    let over = match &state {
        Some(state) => check.ended(state) && !seen.stale,
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

/// How to ask for the job, if the answer to the submission says enough.
fn poll(check: &Job, seen: &Seen, target: &Target<'_>) -> Result<Option<Request>, Unobserved> {
    if !check.accepted(seen.submitted.status) {
        return Ok(None);
    }
    Ok(match (&check.poll, &seen.id) {
        (Some(path), Some(id)) => Some(asking(check, &path.replace("{id}", id))),
        (Some(path), None) => check.id.is_none().then(|| asking(check, path)),
        (None, _) => match seen.submitted.header("location") {
            Some(location) => Some(follow(check, seen, target.http()?, location)?),
            None => None,
        },
    })
}

/// A GET of where a `Location` header leads. Another host gets no credentials.
fn follow(check: &Job, seen: &Seen, site: &Site, location: &str) -> Result<Request, Unobserved> {
    let asked = site.url(check.request.method_and_path().1)?;
    let answered = seen.submitted.hops.last().map(|hop| hop.location.as_str());
    let from = answered
        .and_then(|url| Url::parse(url).ok())
        .unwrap_or_else(|| asked.clone());
    let to = from
        .join(location)
        .map_err(|error| Unobserved::new(format!("the Location {location} leads nowhere: {error}")))?;
    Ok(if to.origin() == asked.origin() {
        asking(check, to.as_str())
    } else {
        Request::get(to.as_str())
    })
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
