//! What the answers mean to a browser.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::outcome::Finding;
use crate::suite::Spanned;

use super::{Answer, Cors, Probe, Seen, origins};

pub(super) fn judge(cors: &Cors, seen: &Seen) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(none) = cors
        .none
        .as_ref()
        .filter(|_| !seen.probes.iter().flat_map(both).any(is_of_the_route))
    {
        let statuses: BTreeSet<u16> = seen
            .probes
            .iter()
            .flat_map(both)
            .map(|(_, answer)| answer.status)
            .collect();
        let statuses: Vec<String> = statuses.iter().map(u16::to_string).collect();
        let finding = Finding::unclear(
            "path",
            "a route that answers",
            format!("status {}", statuses.join(", ")),
        );
        findings.push(
            finding
                .at(none.span())
                .hint("what is not there allows nobody: name a route of the API as `path`"),
        );
    }
    for (origin, wanted) in cors.origins() {
        let Some(probe) = seen.probes.iter().find(|probe| probe.origin == origin) else {
            findings.push(Finding::unclear(origin, "an answer", "it was not tried"));
            continue;
        };
        findings.extend(match (wanted, cors.is_public()) {
            (true, true) => judge_public(cors, probe),
            (true, false) => judge_allowed(cors, seen, probe),
            (false, _) => vec![judge_refused(cors, probe)],
        });
    }
    findings
}

fn both(probe: &Probe) -> impl Iterator<Item = (&'static str, &Answer)> {
    let actual = probe.actual.as_ref().map(|answer| ("request", answer));
    std::iter::once(("preflight", &probe.preflight)).chain(actual)
}

/// Whether somebody answered who knows the path: it is served, asks for a login, or knows other methods than this one.
fn is_of_the_route((_, answer): (&'static str, &Answer)) -> bool {
    matches!(answer.status, 200..300 | 401 | 403 | 405)
}

/// What `Access-Control-Allow-Origin` says, and the status where it says nothing.
fn shown(answer: &Answer) -> String {
    match &answer.origin {
        Some(origin) => format!("Access-Control-Allow-Origin: {origin}"),
        None => format!("no Access-Control-Allow-Origin, status {}", answer.status),
    }
}

fn grants_credentials(answer: &Answer) -> bool {
    answer.credentials.as_deref() == Some("true")
}

fn judge_allowed(cors: &Cors, seen: &Seen, probe: &Probe) -> Vec<Finding> {
    let span = stated(cors, &probe.origin);
    let mut findings = Vec::new();
    for (which, answer) in both(probe) {
        let what = format!("{} ({which})", probe.origin);
        let expected = format!("Access-Control-Allow-Origin: {}", probe.origin);
        let named = answer.origin.as_ref() == Some(&probe.origin);
        let finding = Finding::expect(named, what, expected, shown(answer)).at(span.clone());
        findings.push(match answer.origin.as_deref() {
            Some("*") => finding
                .hint("list the origins on the server instead; where every site may read this, say so: public = true"),
            Some(origin) if origin.contains(',') => {
                finding.hint("two headers, from the app and from the proxy before it: a browser refuses both")
            }
            Some(_) => finding.hint("the server answers with another origin: is this one in its list?"),
            None => finding.hint("is this origin in the server's list, exactly as written here?"),
        });
    }
    let preflight = &probe.preflight;
    if preflight.origin.as_ref() == Some(&probe.origin) {
        findings.extend(judge_preflight(cors, probe, &span));
    }
    if let Some(credentials) = &cors.credentials {
        for (which, answer) in both(probe) {
            findings.push(judge_credentials(credentials, probe, which, answer));
        }
    }
    findings.extend(judge_vary(seen, probe).map(|finding| finding.at(span)));
    findings
}

/// Where the suite allows `origin`.
fn stated(cors: &Cors, origin: &str) -> Range<usize> {
    let stated = cors.allowed.iter().find(|pattern| origins::matches(pattern, origin));
    stated.map_or(0..0, Spanned::span)
}

/// Without 2xx, the method and the headers a browser stops after the preflight.
fn judge_preflight(cors: &Cors, probe: &Probe, span: &Range<usize>) -> Vec<Finding> {
    let answer = &probe.preflight;
    let what = |part: &str| format!("{} (preflight): {part}", probe.origin);
    let status = answer.status;
    let holds = (200..300).contains(&status);
    let finding = Finding::expect(holds, what("status"), "2xx", status.to_string()).at(span.clone());
    let mut findings =
        vec![finding.hint("a browser stops here: answer OPTIONS before anything asks for a login, or redirects")];
    // `*` is a star only where no cookies are sent.
    let star = cors.credentials.as_ref().is_none_or(|wanted| !**wanted);
    let absent = || "nothing".to_owned();
    if !cors.method.is_simple() {
        let granted = lists(answer.methods.as_deref(), cors.method.name(), star);
        let seen = answer.methods.clone().unwrap_or_else(absent);
        findings.push(
            Finding::expect(
                granted,
                what("Allow-Methods"),
                format!("with {}", cors.method.name()),
                seen,
            )
            .at(span.clone()),
        );
    }
    for name in &cors.request_headers {
        let star = star && !name.eq_ignore_ascii_case("authorization");
        let granted = lists(answer.headers.as_deref(), name, star);
        let seen = answer.headers.clone().unwrap_or_else(absent);
        let finding = Finding::expect(granted, what("Allow-Headers"), format!("with {name}"), seen).at(span.clone());
        findings.push(if name.eq_ignore_ascii_case("authorization") {
            finding.hint("`*` does not stand for Authorization, which must be named")
        } else {
            finding
        });
    }
    findings
}

fn lists(header: Option<&str>, wanted: &str, star: bool) -> bool {
    let mut items = header.unwrap_or_default().split(',').map(str::trim);
    items.any(|item| item.eq_ignore_ascii_case(wanted) || (star && item == "*"))
}

fn judge_credentials(wanted: &Spanned<bool>, probe: &Probe, which: &str, answer: &Answer) -> Finding {
    let (holds, expected) = if **wanted {
        (grants_credentials(answer), "Access-Control-Allow-Credentials: true")
    } else {
        (!grants_credentials(answer), "no Access-Control-Allow-Credentials")
    };
    let seen = answer.credentials.as_ref();
    let seen = seen.map_or("none".to_owned(), |value| {
        format!("Access-Control-Allow-Credentials: {value}")
    });
    let what = format!("{} ({which}): credentials", probe.origin);
    Finding::expect(holds, what, expected, seen).at(wanted.span())
}

/// A server that gives every origin the same answer has nothing to vary by.
fn judge_vary(seen: &Seen, probe: &Probe) -> Option<Finding> {
    let answer = probe
        .actual
        .as_ref()
        .filter(|answer| answer.origin.as_ref() == Some(&probe.origin))?;
    let fixed = seen
        .probes
        .iter()
        .filter_map(|other| other.actual.as_ref())
        .all(|other| other.origin == answer.origin);
    let holds = fixed || lists(answer.vary.as_deref(), "Origin", true);
    let shown = match &answer.vary {
        _ if fixed => "the same answer to every origin".to_owned(),
        Some(vary) => format!("Vary: {vary}"),
        None => "no Vary".to_owned(),
    };
    let finding = Finding::expect(
        holds,
        format!("{} (request): cache", probe.origin),
        "Vary: Origin",
        shown,
    );
    Some(finding.hint("without it a cache hands the answer for one site to another, which then does not work"))
}

fn judge_public(cors: &Cors, probe: &Probe) -> Vec<Finding> {
    let span = cors.public.as_ref().map_or(0..0, Spanned::span);
    let mut findings = Vec::new();
    for (which, answer) in both(probe) {
        let open = matches!(answer.origin.as_deref(), Some(origin) if origin == "*" || origin == probe.origin);
        let what = format!("any site ({which})");
        let expected = "Access-Control-Allow-Origin: *";
        findings.push(Finding::expect(open, what, expected, shown(answer)).at(span.clone()));
        let (what, expected) = (format!("any site ({which}): credentials"), "none");
        let seen = if grants_credentials(answer) { "granted" } else { "none" };
        let finding = Finding::expect(!grants_credentials(answer), what, expected, seen);
        findings.push(
            finding
                .at(span.clone())
                .hint("what every site may read must not be read with the user's cookies"),
        );
    }
    findings
}

fn judge_refused(cors: &Cors, probe: &Probe) -> Finding {
    let given = cors.refused.iter().find(|origin| origin.as_str() == probe.origin);
    let span = match (given, cors.allowed.first(), &cors.none) {
        (Some(given), ..) => given.span(),
        (None, Some(allowed), _) => allowed.span(),
        (None, None, none) => none.as_ref().map_or(0..0, Spanned::span),
    };
    let lets_in =
        |answer: &Answer| matches!(answer.origin.as_deref(), Some(origin) if origin == "*" || origin == probe.origin);
    let (what, expected) = (probe.origin.as_str(), "not allowed");
    let Some((which, answer)) = both(probe)
        .filter(|(_, answer)| lets_in(answer))
        .max_by_key(|(_, answer)| grants_credentials(answer))
    else {
        let busy = both(probe).find(|(_, answer)| matches!(answer.status, 429 | 502..=504));
        return match busy {
            // Somebody before the server has answered, and knows nothing of origins.
            Some((which, answer)) => Finding::unclear(
                what,
                expected,
                format!("the {which} was answered with {}", answer.status),
            )
            .hint("a limiter or a proxy answered instead of the application: fewer checks at a time (-j)"),
            None => Finding::passed(what, expected, shown(&probe.preflight)),
        }
        .at(span);
    };
    let how = if answer.origin.as_deref() == Some("*") {
        " by `*`"
    } else {
        ""
    };
    let credentials = if grants_credentials(answer) {
        ", with credentials"
    } else {
        ""
    };
    let seen = format!("allowed{how}{credentials} ({which})");
    let finding = Finding::failed(what, expected, seen).at(span);
    match probe.origin.as_str() {
        _ if !how.is_empty() => finding.hint("list the origins that may, instead of `*`"),
        origins::FOREIGN => finding.hint("the server echoes whatever origin asks: compare it with a list"),
        "null" => finding.hint("any page in a sandboxed frame has the origin `null`: never allow it"),
        "http://localhost:3000" => finding.hint("a developer's origin is left in the list of this deployment"),
        _ => finding.hint("compare whole origins with a list, not parts of them"),
    }
}
