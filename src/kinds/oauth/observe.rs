//! Starts to sign in, and comes back as nobody should.

use std::time::Duration;

use futures_util::future::{join, try_join, try_join_all};
use serde_json::Value;
use url::Url;

use crate::deployment::http::{Request, Response};
use crate::deployment::{Target, Unobserved};

use super::{Callback, Hostile, Oauth, Seen, address};

/// Nobody has this name (RFC 6761).
const EVIL: &str = "evil.example";

/// Redirects within the deployment that are followed until one leaves it.
const HOPS: usize = 3;

/// States that are made of the time, in seconds, differ after so long.
const A_SECOND: Duration = Duration::from_millis(1_100);

/// One start, and the browser that made it.
type Flow<'a> = (Response, Target<'a>);

pub(super) async fn observe(check: &Oauth, target: &Target<'_>) -> Result<Seen, Unobserved> {
    let site = target.http()?.address();
    let (first, mut second) = try_join(
        start(check, target, &check.request),
        start(check, target, &check.request),
    )
    .await?;
    let states = [&first.0, &second.0].map(|answer| param(check, &site, answer, "state"));
    if states[0].is_some() && states[0] == states[1] {
        tokio::time::sleep(A_SECOND).await;
        second = start(check, target, &check.request).await?;
    }
    let back = callback(check, &site, &first.0);
    let mut seen = Seen {
        site,
        ..Seen::default()
    };
    if let Some(back) = &back {
        let state = param(check, &seen.site, &second.0, "state");
        seen.callbacks = callbacks(back, state, target, &second.1).await?;
    }
    if let Some(name) = &check.return_param {
        let all = hostile(check.wanted_return()).into_iter().map(|address| {
            let mut request = check.request.clone();
            request.query.put(name, Value::from(address.as_str()));
            tempt(check, target, request, address, back.as_deref(), &seen.site)
        });
        let (cancelled, hostile) = join(cancel(check, &first, back.as_deref(), &seen.site), try_join_all(all)).await;
        (seen.cancelled, seen.hostile) = (cancelled?, hostile?);
    }
    seen.starts = vec![first.0, second.0];
    Ok(seen)
}

/// Foreign addresses; those like `wanted` are what a prefix lets in, and what a wildcard does (`https://*.replit.app`).
pub(super) fn hostile(wanted: Option<&str>) -> Vec<String> {
    let host = wanted.and_then(|wanted| Url::parse(wanted).ok()?.host_str().map(str::to_owned));
    let mut all = vec![format!("https://{EVIL}/"), format!("//{EVIL}/")];
    let alike = host.map(|host| [format!("https://{host}.{EVIL}/"), format!("https://evil-{host}/")]);
    all.extend(alike.into_iter().flatten());
    all
}

/// Sends `request` as a browser of its own, as far as the redirect that leaves the deployment.
async fn start<'a>(check: &Oauth, target: &Target<'a>, request: &Request) -> Result<Flow<'a>, Unobserved> {
    let own = target.beside(target.jar().borrow().clone());
    let site = target.http()?;
    let mut url = site.url(request.method_and_path().1)?;
    let home = url.origin();
    let mut answer = own.send(request).await?;
    for _ in 0..HOPS {
        let next = check.address(&answer).and_then(|next| url.join(&next).ok());
        let Some(next) = next.filter(|next| check.url.is_none() && next.origin() == home) else {
            break;
        };
        let onward = Request {
            headers: request.headers.clone(),
            bearer: request.bearer.clone(),
            basic: request.basic.clone(),
            ..Request::get(next.as_str())
        };
        answer = own.send(&onward).await?;
        url = next;
    }
    Ok((answer, own))
}

fn param(check: &Oauth, site: &str, answer: &Response, name: &str) -> Option<String> {
    address::param(&address::parse(site, &check.address(answer)?)?, name)
}

/// Where the provider sends users back, if that is here.
fn callback(check: &Oauth, site: &str, start: &Response) -> Option<String> {
    if let Some(callback) = &check.callback {
        return Some(callback.as_str().to_owned());
    }
    let uri = Url::parse(&param(check, site, start, "redirect_uri")?).ok()?;
    (uri.origin() == Url::parse(site).ok()?.origin()).then(|| address::short(&uri))
}

/// A code that nobody gave: with a state that nobody gave, and with one that was.
async fn callbacks(
    back: &str,
    state: Option<String>,
    target: &Target<'_>,
    browser: &Target<'_>,
) -> Result<Vec<Callback>, Unobserved> {
    let ask = async |from: &Target<'_>, state: &str, own_state| {
        let mut request = Request::get(back);
        request.query.put("code", Value::from("smoke-made-up-code"));
        request.query.put("state", Value::from(state));
        let answer = from.send(&request).await?;
        Ok::<_, Unobserved>(Callback { own_state, answer })
    };
    let stranger = target.beside(target.jar().borrow().clone());
    let mut all = vec![ask(&stranger, "smoke-made-up-state", false).await?];
    if let Some(state) = state {
        all.push(ask(browser, &state, true).await?);
    }
    Ok(all)
}

async fn tempt(
    check: &Oauth,
    target: &Target<'_>,
    request: Request,
    address: String,
    back: Option<&str>,
    site: &str,
) -> Result<Hostile, Unobserved> {
    let flow = start(check, target, &request).await?;
    let cancelled = cancel(check, &flow, back, site).await?;
    Ok(Hostile {
        address,
        start: flow.0,
        cancelled,
    })
}

/// What a provider does when the user says no.
async fn cancel(
    check: &Oauth,
    flow: &Flow<'_>,
    back: Option<&str>,
    site: &str,
) -> Result<Option<Response>, Unobserved> {
    let (Some(back), Some(state)) = (back, param(check, site, &flow.0, "state")) else {
        return Ok(None);
    };
    let mut request = Request::get(back);
    request.query.put("error", Value::from("access_denied"));
    request.query.put("error_description", Value::from("The user said no"));
    request.query.put("state", Value::from(state));
    flow.1.send(&request).await.map(Some)
}
