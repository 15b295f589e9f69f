//! What the start of signing in says.

use std::ops::Range;

use serde_json::Value;
use url::Url;

use crate::deployment::http::Response;
use crate::outcome::{Finding, Verdict};
use crate::suite::Spanned;

use super::{Oauth, Seen, address};

/// What a client id is when nobody set one.
const PLACEHOLDERS: &[&str] = &["undefined", "null", "none", "nan", "changeme", "xxx", "todo"];

pub(super) fn judge(check: &Oauth, seen: &Seen) -> Vec<Finding> {
    let Some(first) = seen.starts.first() else {
        return vec![Finding::unclear("redirect", "an answer", "nothing was asked")];
    };
    let found = check
        .address(first)
        .and_then(|found| address::parse(&seen.site, &found));
    let Some(found) = found else {
        return vec![no_redirect(check, first)];
    };
    let mut findings = vec![provider(check, &found)];
    if findings[0].verdict != Verdict::Passed {
        return findings;
    }
    findings.push(client_id(check, &found));
    findings.push(redirect_uri(check, &found, &seen.site));
    findings.extend(check.scopes.iter().map(|scope| asked_for(scope, &found)));
    let value = |name: &str| address::param(&found, name).map(Value::from);
    for (name, matcher) in check.params.iter() {
        findings.push(matcher.judge(format!("parameter {name}"), value(name).as_ref()));
    }
    if address::param(&found, "client_secret").is_some() {
        findings.push(
            Finding::failed("client_secret", "not in the address", "in the address")
                .at(request_span(check))
                .hint("every browser now knows it: make a new one, and send it only from server to server"),
        );
    }
    let second = seen
        .starts
        .get(1)
        .and_then(|second| address::parse(&seen.site, &check.address(second)?));
    if check.state {
        findings.push(of_its_own(check, "state", &found, second.as_ref()));
    }
    if check.pkce {
        findings.push(of_its_own(check, "code_challenge", &found, second.as_ref()));
        let method = address::param(&found, "code_challenge_method").unwrap_or_else(|| "plain".to_owned());
        findings
            .push(Finding::expect(method == "S256", "code_challenge_method", "S256", method).at(request_span(check)));
    }
    findings
}

/// Where the suite says what is asked.
pub(super) fn request_span(check: &Oauth) -> Range<usize> {
    let request = &check.request;
    let path = request.get.as_ref().or(request.post.as_ref());
    path.map_or_else(|| check.provider.span(), Spanned::span)
}

fn no_redirect(check: &Oauth, first: &Response) -> Finding {
    let expected = match &check.url {
        Some(path) => format!("an address at {}", **path),
        None => format!("a redirect to {}", check.provider.as_str()),
    };
    let finding = Finding::failed("start", expected, first.shown()).at(request_span(check));
    match first.status {
        401 | 403 => finding.hint("does one have to be logged in first? Give bearer or cookies"),
        500.. => finding.hint("is the provider configured in this deployment: client id, secret, redirect URI?"),
        200..=299 if check.url.is_none() => finding.hint("does the answer have the address as JSON? url = \"$.url\""),
        _ => finding.hint("is the provider enabled in this deployment?"),
    }
}

fn provider(check: &Oauth, found: &Url) -> Finding {
    let wanted = check.provider.as_str();
    let right = found.scheme() == "https" && found.host_str().is_some_and(|host| host.eq_ignore_ascii_case(wanted));
    Finding::expect(right, "provider", format!("https://{wanted}"), address::short(found)).at(check.provider.span())
}

fn client_id(check: &Oauth, found: &Url) -> Finding {
    let id = address::param(found, "client_id");
    if let Some(matcher) = &check.client_id {
        return matcher.judge("client_id", id.map(Value::from).as_ref());
    }
    let shown = id
        .as_ref()
        .map_or_else(|| "nothing there".to_owned(), |id| format!("{id:?}"));
    let set = id.is_some_and(|id| {
        let id = id.trim().to_ascii_lowercase();
        !id.is_empty() && !PLACEHOLDERS.contains(&id.as_str()) && !id.starts_with("your") && !id.starts_with('<')
    });
    Finding::expect(set, "client_id", "set, and no placeholder", shown)
        .at(request_span(check))
        .hint("does the deployment set the variable that the code reads?")
}

fn redirect_uri(check: &Oauth, found: &Url, site: &str) -> Finding {
    let uri = address::param(found, "redirect_uri");
    let hint = "does the deployment set the variable that the code reads, and does the app know its public address?";
    if let Some(matcher) = &check.redirect_uri {
        return matcher.judge("redirect_uri", uri.map(Value::from).as_ref()).hint(hint);
    }
    let shown = uri
        .as_ref()
        .map_or_else(|| "nothing there".to_owned(), |uri| format!("{uri:?}"));
    let origin = |text: &str| Url::parse(text).ok().map(|url| url.origin());
    let own = uri
        .as_deref()
        .and_then(origin)
        .is_some_and(|uri| Some(uri) == origin(site));
    let home = Url::parse(site).map_or_else(|_| site.to_owned(), |url| url.origin().ascii_serialization());
    Finding::expect(own, "redirect_uri", format!("an address at {home}"), shown)
        .at(request_span(check))
        .hint(hint)
}

fn asked_for(scope: &Spanned<String>, found: &Url) -> Finding {
    let asked = address::param(found, "scope");
    let has = asked
        .as_deref()
        .is_some_and(|all| all.split([' ', ',']).any(|one| one == scope.as_str()));
    let shown = asked.map_or_else(|| "nothing there".to_owned(), |asked| format!("{asked:?}"));
    Finding::expect(has, format!("scope {}", scope.as_str()), "asked for", shown).at(scope.span())
}

/// A value that nobody can guess, another one each time.
fn of_its_own(check: &Oauth, name: &str, first: &Url, second: Option<&Url>) -> Finding {
    const SHORTEST: usize = 8;
    let expected = "there, and another one each time";
    let one = address::param(first, name).filter(|one| !one.is_empty());
    let other = second.and_then(|second| address::param(second, name));
    let finding = match (one, other) {
        (None, _) => Finding::failed(name, expected, "nothing there"),
        (Some(_), None) => Finding::unclear(name, expected, "there, but not when asked once more"),
        (Some(one), Some(other)) if one == other => Finding::failed(name, expected, "the same one twice"),
        (Some(one), _) if one.len() < SHORTEST => {
            Finding::failed(name, expected, format!("only {} characters", one.len()))
        }
        _ => Finding::passed(name, expected, "another one each time"),
    };
    finding
        .at(request_span(check))
        .hint("without it an attacker can make a victim's browser end somebody else's sign-in")
}
