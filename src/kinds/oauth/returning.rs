//! What the callback says to those who come back as they should not, and where it leads.

use std::ops::Range;

use url::Url;

use crate::deployment::http::{Response, Statuses};
use crate::outcome::Finding;
use crate::suite::Spanned;

use super::judge::request_span;
use super::{Callback, Hostile, Oauth, Seen, address};

const LIMITED: &str = "a limiter answered, and not the sign-in: try again once its window is over";

pub(super) fn judge(check: &Oauth, seen: &Seen) -> Vec<Finding> {
    let mut findings: Vec<Finding> = seen
        .callbacks
        .iter()
        .map(|back| refused(check, back, &seen.site))
        .collect();
    if let (Some(wanted), Some(answer)) = (check.wanted_return(), &seen.cancelled) {
        findings.push(honoured(check, wanted, answer, &seen.site));
    }
    findings.extend(seen.hostile.iter().map(|hostile| not_honoured(check, hostile, seen)));
    findings
}

fn refused(check: &Oauth, back: &Callback, site: &str) -> Finding {
    let answer = &back.answer;
    let what = if back.own_state {
        "callback with a made-up code"
    } else {
        "callback with a made-up code and state"
    };
    let wanted = check.refuses.as_ref().map(|refuses| (**refuses).clone());
    let expected = wanted.as_ref().map_or_else(
        || "refused: 3xx or 4xx".to_owned(),
        |wanted| format!("refused: {wanted}"),
    );
    let fits = wanted.map_or_else(
        || usual_refusal(answer.status),
        |wanted: Statuses| wanted.contains(answer.status),
    );
    let place = location(answer, site);
    let mut shown = answer.status.to_string();
    if let Some(place) = &place {
        shown += &format!(", to {}", address::short(place));
    } else if answer.status >= 400 && !answer.body.trim().is_empty() {
        shown += &format!(": {}", answer.body.trim());
    }
    let span = check
        .refuses
        .as_ref()
        .map(Spanned::span)
        .or_else(|| check.callback.as_ref().map(Spanned::span));
    let span = span.unwrap_or_else(|| request_span(check));
    let strayed = place.as_ref().is_some_and(address::is_loopback)
        && !Url::parse(site).is_ok_and(|site| address::is_loopback(&site));
    if answer.status == 429 {
        return Finding::unclear(what, expected, shown).at(span).hint(LIMITED);
    }
    if let Some(session) = session(answer, place.as_ref()) {
        return Finding::failed(what, expected, format!("{shown}, with {session}"))
            .at(span)
            .hint("who comes back with any code is logged in: is the code exchanged at the provider?");
    }
    let finding = Finding::expect(fits && !strayed, what, expected, shown).at(span);
    match answer.status {
        500.. => finding.hint("a user who cancels, or comes back too late, sees this: catch what the exchange throws"),
        404 | 405 => finding.hint("is the route of the callback deployed, under the path that the redirect URI has?"),
        _ if strayed => finding.hint("it leads to a developer's machine: is the address of the frontend set?"),
        _ => finding.hint("a page that says so with 200? Then refuses = 200"),
    }
}

fn usual_refusal(status: u16) -> bool {
    (300..500).contains(&status) && status != 404 && status != 405
}

/// What only somebody who is logged in should get.
fn session(answer: &Response, place: Option<&Url>) -> Option<String> {
    const TOKENS: [&str; 3] = ["access_token", "id_token", "refresh_token"];
    let cookie = answer.cookies.iter().find(|(_, value)| {
        let value = value.trim_matches('"');
        value.starts_with("Bearer ") || value.starts_with("eyJ") && value.matches('.').count() == 2
    });
    if let Some((name, _)) = cookie {
        return Some(format!("a token in the cookie {name}"));
    }
    let carried = place.map(Url::as_str).unwrap_or_default();
    let json = answer.json().unwrap_or_default();
    let token = TOKENS.iter().find(|name| {
        carried.contains(&format!("{name}=")) || json.get(**name).is_some_and(serde_json::Value::is_string)
    });
    token.map(|name| format!("an {name}"))
}

/// Where `answer` leads.
fn location(answer: &Response, site: &str) -> Option<Url> {
    let found = (300..400)
        .contains(&answer.status)
        .then(|| answer.header("location"))??;
    address::parse(site, found)
}

/// The address that the suite wants is one to which users are sent: otherwise that others are not proves nothing.
fn honoured(check: &Oauth, wanted: &str, answer: &Response, site: &str) -> Finding {
    let what = "who cancels";
    let finding = if let (Some(place), Some(url)) = (location(answer, site), address::parse(site, wanted)) {
        Finding::expect(
            (place.origin(), place.path()) == (url.origin(), url.path()),
            what,
            format!("returns to {}", address::short(&url)),
            address::short(&place),
        )
        .hint("is this address among those that are allowed (for Supabase: URL configuration, Redirect URLs)?")
    } else {
        let seen = format!("status {}, which leads nowhere", answer.status);
        Finding::unclear(what, format!("returns to {wanted}"), seen)
            .hint("so that others are not honoured proves nothing")
    };
    finding.at(return_span(check))
}

fn return_span(check: &Oauth) -> Range<usize> {
    let param = check.return_param.as_ref();
    param.map_or_else(|| request_span(check), Spanned::span)
}

fn not_honoured(check: &Oauth, hostile: &Hostile, seen: &Seen) -> Finding {
    let span = return_span(check);
    let name = check
        .return_param
        .as_ref()
        .map(|name| name.as_str())
        .unwrap_or_default();
    let what = format!("{name}={}", hostile.address);
    let expected = "not honoured";
    let failed = |seen: String| {
        Finding::failed(what.clone(), expected, seen)
            .at(span.clone())
            .hint("compare the whole origin with a list of your own; sign-in hands a session to whoever this names")
    };
    let passed = |seen: String| Finding::passed(what.clone(), expected, seen).at(span.clone());
    let foreign = address::parse(&seen.site, &hostile.address);
    let foreign = foreign.as_ref().and_then(Url::host_str).unwrap_or_default();
    let start = &hostile.start;
    if start.status >= 500 {
        return failed(format!("{}: a crash is no refusal", start.status));
    }
    if start.status == 429 {
        return Finding::unclear(what, expected, "429").at(span).hint(LIMITED);
    }
    if start.status >= 400 {
        return passed(format!("refused, {}", start.status));
    }
    let Some(led) = check.address(start).and_then(|led| address::parse(&seen.site, &led)) else {
        return Finding::unclear(what, expected, format!("{}, which leads nowhere", start.status)).at(span);
    };
    let uri = address::param(&led, "redirect_uri").and_then(|uri| Url::parse(&uri).ok());
    if address::is_at(&led, foreign) || uri.is_some_and(|uri| address::is_at(&uri, foreign)) {
        return failed(format!("leads to {foreign}"));
    }
    if let Some(place) = hostile
        .cancelled
        .as_ref()
        .and_then(|answer| location(answer, &seen.site))
    {
        if address::is_at(&place, foreign) {
            return failed(format!("who cancels is sent to {}", address::short(&place)));
        }
        return match &check.falls_back {
            Some(matcher) => matcher.judge(what, Some(&place.as_str().into())),
            None => passed(format!("who cancels is sent to {}", address::short(&place))),
        };
    }
    by_state(check, &led, foreign, seen).map_or_else(
        || {
            Finding::unclear(what.clone(), expected, "the start does not show where it will end")
                .at(span.clone())
                .hint("name the path to which the provider sends users back, as `callback`: it shows")
        },
        |carried| {
            if carried {
                failed(format!("carried to the callback, in the state: {foreign}"))
            } else {
                passed("not in the state, where an allowed address is".to_owned())
            }
        },
    )
}

/// Whether the state carries the foreign address, where it can be told: it carries the allowed one.
fn by_state(check: &Oauth, led: &Url, foreign: &str, seen: &Seen) -> Option<bool> {
    let read = |url: &Url| address::readable(&address::param(url, "state")?);
    let state = read(led)?;
    if state.contains(foreign) {
        return Some(true);
    }
    let first = address::parse(&seen.site, &check.address(seen.starts.first()?)?)?;
    read(&first)?.contains(check.wanted_return()?).then_some(false)
}
