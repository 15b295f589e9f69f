//! What the answers say.

use serde_json::Value;

use crate::deployment::http::Response;
use crate::outcome::{Finding, Verdict};
use crate::suite::{Period, Spanned, spoken};

use super::jwt::Token;
use super::observe::{Guess, Probe, Seen, With, Wrong};
use super::{Jwt, Login, jwt};

pub(super) const REFUSED: &str = "refused";

pub(super) fn judge(login: &Login, seen: &Seen) -> Vec<Finding> {
    let mut findings = login.expected().judge(&seen.good);
    if findings[0].verdict != Verdict::Passed && matches!(seen.good.status, 400..500) {
        // There is no token, then, and nothing that could be tried with it.
        findings.truncate(1);
        return findings
            .into_iter()
            .map(|finding| finding.hint("are user and password those of this environment?"))
            .collect();
    }
    findings.extend(token(login, seen));
    if let Some(expected) = &login.expect.jwt {
        findings.extend(claims(expected, login.token_in(&seen.good).as_deref(), seen.now));
    }
    findings.extend(seen.guesses.iter().map(|guess| refused_guess(login, seen, guess)));
    findings.extend(alike(login, seen));
    if let Some(path) = &login.protects {
        let telling = |probe: &&Probe| guarded(seen) || matches!(probe.with, With::Token | With::Nothing);
        let probes = seen.probes.iter().filter(telling);
        findings.extend(probes.map(|probe| probed(login, path, probe, seen)));
        findings.extend(secrets(login, path, seen));
    }
    findings.extend(refreshed(login, seen));
    findings.extend(logged_out(login, seen));
    findings
}

fn token(login: &Login, seen: &Seen) -> Option<Finding> {
    let (what, span) = match (&login.token, &login.cookie) {
        (Some(path), _) => (format!("token {}", **path), path.span()),
        (None, Some(name)) => (format!("cookie {}", name.as_str()), name.span()),
        (None, None) => return None,
    };
    let finding = match login.token_in(&seen.good) {
        Some(token) => Finding::passed(what, "a token", format!("one of {} characters", token.chars().count())),
        None => Finding::failed(what, "a token", "nothing there").hint(elsewhere(&seen.good)),
    };
    Some(finding.at(span))
}

/// Where the token may be instead.
fn elsewhere(answer: &Response) -> String {
    let cookies: Vec<&str> = answer.cookies.iter().map(|(name, _)| name.as_str()).collect();
    let keys = answer.json().ok().map(|document| paths(&document)).unwrap_or_default();
    match (keys.is_empty(), cookies.is_empty()) {
        (true, true) => "the answer has neither JSON nor cookies: is this the login's address?".to_owned(),
        (false, true) => format!("the answer has {}", keys.join(", ")),
        (true, false) => format!(
            "the answer sets the cookies {}: cookie = \"{}\"?",
            cookies.join(", "),
            cookies[0]
        ),
        (false, false) => format!(
            "the answer has {} and sets the cookies {}",
            keys.join(", "),
            cookies.join(", ")
        ),
    }
}

/// The paths of the texts in a document, two levels deep.
fn paths(document: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for (key, value) in document.as_object().into_iter().flatten() {
        match value.as_object() {
            Some(inner) => found.extend(inner.keys().map(|inner| format!("$.{key}.{inner}"))),
            None => found.push(format!("$.{key}")),
        }
    }
    found.truncate(12);
    found
}

fn claims(expected: &Spanned<Jwt>, token: Option<&str>, now: i64) -> Vec<Finding> {
    let Some(token) = token else { return Vec::new() };
    let Some(token) = jwt::parse(token) else {
        return vec![Finding::failed("token", "a JWT", "a token that is none").at(expected.span())];
    };
    let mut findings = Vec::new();
    if let Some(within) = &expected.expires_within {
        let wanted = format!("within {}", **within);
        #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are far below 2^52")]
        let left = token.expiry().map(|expiry| expiry - now as f64);
        findings.push(
            match left {
                None => Finding::failed("JWT expiry", wanted, "never: it has no `exp`")
                    .hint("give tokens an expiry; a stolen one is good for ever"),
                Some(left) if left <= 0.0 => Finding::failed(
                    "JWT expiry",
                    wanted,
                    format!("{left} s from now, so it is expired already"),
                )
                .hint("do the clocks of the server and of this machine agree?"),
                // A token is some moments old when it is looked at, never some moments young.
                Some(left) => Finding::expect(
                    left <= within.0.as_secs_f64() + 1.0,
                    "JWT expiry",
                    wanted,
                    format!("in {}", span(left)),
                ),
            }
            .at(within.span()),
        );
    }
    findings.extend(expected.lifetime.as_ref().map(|lifetime| lives(lifetime, &token, now)));
    if let Some(algorithm) = &expected.algorithm {
        findings.push(algorithm.judge("JWT algorithm", token.algorithm()));
    }
    for (name, matcher) in expected.claims.iter() {
        findings.push(matcher.judge(format!("JWT claim {name}"), token.claims.get(name)));
    }
    findings
}

/// How long the token is made for. One that ends too soon throws everybody out, and no test that is quick enough notices.
fn lives(wanted: &Spanned<Period>, token: &Token, now: i64) -> Finding {
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are far below 2^52")]
    let from = token.issued().unwrap_or(now as f64);
    let Some(seen) = token.expiry().map(|expiry| (expiry - from).max(0.0)) else {
        return Finding::failed("JWT lifetime", (**wanted).to_string(), "no `exp`").at(wanted.span());
    };
    // Without `iat`, it is some moments old.
    let right = (seen - wanted.0.as_secs_f64()).abs() <= 5.0;
    Finding::expect(right, "JWT lifetime", (**wanted).to_string(), span(seen))
        .hint("set the lifetime of tokens where they are made; is it in seconds there, or in minutes?")
        .at(wanted.span())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a positive number of seconds"
)]
fn span(seconds: f64) -> String {
    spoken(std::time::Duration::from_secs(seconds as u64))
}

fn refused_guess(login: &Login, seen: &Seen, guess: &Guess) -> Finding {
    let answer = &guess.answer;
    let (what, span) = match guess.what {
        Wrong::Password => ("a wrong password".to_owned(), None),
        Wrong::User => ("an unknown user".to_owned(), None),
        Wrong::Own => ("these credentials".to_owned(), None),
        Wrong::Listed(at) => (
            format!("`refuses` {}, as {}", at + 1, guess.user),
            login.refuses.get(at).map(Spanned::span),
        ),
    };
    let shown = answer.status.to_string();
    let finding = if login.grants(answer, Some(&seen.good)) {
        Finding::failed(what, REFUSED, format!("{shown}, logged in")).hint(match guess.what {
            Wrong::Listed(_) => "change this password, and do not let a default one into production",
            _ => "anyone can log in: does the server compare the password at all?",
        })
    } else {
        not_an_accident(what, answer)
    };
    match span {
        Some(span) => finding.at(span),
        None => finding,
    }
}

/// Refused, unless the server fell over or its rate limit came first.
pub(super) fn not_an_accident(what: String, answer: &Response) -> Finding {
    match answer.status {
        429 => Finding::unclear(what, REFUSED, "429: a rate limit refused it, whatever it was")
            .hint("wait for the limit's window, and let fewer checks log in"),
        500.. => Finding::failed(what, REFUSED, format!("{}: {}", answer.status, answer.body))
            .hint("an error is not a refusal: what does the server's log say?"),
        status => Finding::passed(what, REFUSED, status.to_string()),
    }
}

/// Whether a stranger can tell who has an account.
fn alike(login: &Login, seen: &Seen) -> Option<Finding> {
    let wanted = login.alike.as_ref().filter(|alike| ***alike)?;
    let find = |what| seen.guesses.iter().find(|guess| guess.what == what);
    let (wrong, unknown) = (find(Wrong::Password)?, find(Wrong::User)?);
    let (what, expected) = ("a wrong password and an unknown user", "the same answer");
    if login.grants(&wrong.answer, None) || login.grants(&unknown.answer, None) {
        // Said already, and worse.
        return None;
    }
    let finding = if wrong.answer.status == 429 || unknown.answer.status == 429 {
        Finding::unclear(what, expected, "429 from a rate limit")
    } else {
        let [left, right] = [wrong, unknown].map(|guess| essence(&guess.answer, &guess.user));
        let [first, second] = [wrong, unknown].map(|guess| said(&guess.answer));
        Finding::expect(left == right, what, expected, format!("{first} and {second}"))
            .hint("answer both alike; otherwise strangers learn who has an account")
    };
    Some(finding.at(wanted.span()))
}

/// Status, target and body of an answer, as it came.
fn said(answer: &Response) -> String {
    let to = answer
        .header("location")
        .map(|to| format!(" to {to}"))
        .unwrap_or_default();
    format!("{}{to} {}", answer.status, answer.body).trim_end().to_owned()
}

/// What an answer says, without what is different every time: the user's name, numbers, ids. Of a page only the status
/// and where it leads.
fn essence(answer: &Response, user: &str) -> String {
    let to = answer
        .header("location")
        .map(|to| format!(" to {to}"))
        .unwrap_or_default();
    let page = answer.header("content-type").is_some_and(|kind| kind.contains("html"));
    if page {
        return format!("{}{to}", answer.status);
    }
    let body = if user.is_empty() {
        answer.body.clone()
    } else {
        answer.body.replace(user, "USER")
    };
    let words = body.split(|char: char| !(char.is_alphanumeric() || char == '-'));
    let steady: Vec<&str> = words
        .filter(|word| !word.contains(|char: char| char.is_ascii_digit()))
        .collect();
    format!("{}{to} {}", answer.status, steady.join(" "))
}

/// Whether the token makes a difference. Of a path that is open to all, or to nobody, forged tokens tell nothing.
fn guarded(seen: &Seen) -> bool {
    let opens = |with| {
        seen.probes
            .iter()
            .any(|probe| probe.with == with && probe.answer.is_success())
    };
    opens(With::Token) && !opens(With::Nothing)
}

fn probed(login: &Login, path: &Spanned<String>, probe: &Probe, seen: &Seen) -> Finding {
    let answer = &probe.answer;
    let with = match probe.with {
        With::Token => "with the token",
        With::Nothing => "without a token",
        With::Changed => "with a changed token",
        With::Unsigned => "with an unsigned token (alg: none)",
        With::Forged => "with a token signed by \"secret\"",
        With::Old(_) => "with a token signed by `old_secrets`",
        With::Expired => "with an expired token",
    };
    let which = if let With::Old(at) = probe.with {
        format!(" {}", at + 1)
    } else {
        String::new()
    };
    let what = format!("GET {} {with}{which}", path.as_str());
    let finding = if probe.with == With::Token {
        opened(login, what, answer, seen)
    } else if answer.is_success() {
        Finding::failed(what, REFUSED, answer.status.to_string()).hint(match probe.with {
            With::Nothing => "the route answers anyone: is its guard still registered?",
            With::Expired => "the server does not look at `exp`",
            With::Old(_) if !tampering_works(seen) => {
                "this service verifies with that secret: set its own, and deploy again"
            }
            With::Forged if !tampering_works(seen) => "its signing secret is a well-known word: set a long random one",
            _ => "the server does not verify the token's signature",
        })
    } else {
        not_an_accident(what, answer)
    };
    let span = match probe.with {
        With::Old(at) => login.old_secrets[at].span(),
        _ => path.span(),
    };
    finding.at(span)
}

/// Whether a token whose content was changed opens the route.
fn tampering_works(seen: &Seen) -> bool {
    seen.probes
        .iter()
        .any(|probe| probe.with == With::Changed && probe.answer.is_success())
}

fn opened(login: &Login, what: String, answer: &Response, seen: &Seen) -> Finding {
    let hint = if seen.cookie_stays_home {
        "the cookie is Secure and this address is http://, so no browser sends it back; check over https://"
    } else if login.cookie.is_some() {
        "does the server read this cookie? where it wants a bearer token, say token = \"$.…\" instead of cookie"
    } else {
        "does the server read `Authorization: Bearer`? where it wants a cookie, say cookie = \"name\""
    };
    match answer.status {
        429 => not_an_accident(what, answer),
        status if answer.is_success() => Finding::passed(what, "2xx", status.to_string()),
        status => Finding::failed(what, "2xx", format!("{status}: {}", answer.body)).hint(hint),
    }
}

/// What can be told without asking the server: who else could sign its tokens.
fn secrets(login: &Login, path: &Spanned<String>, seen: &Seen) -> Vec<Finding> {
    let token = login.token_in(&seen.good).as_deref().and_then(jwt::parse);
    let mut findings = Vec::new();
    if let Some(known) = token.as_ref().and_then(jwt::Token::well_known_secret) {
        let seen = if known.is_empty() {
            "the empty one".to_owned()
        } else {
            format!("\"{known}\"")
        };
        findings.push(
            Finding::failed("the secret that signs tokens", "one that nobody can guess", seen)
                .at(path.span())
                .hint("anyone can make tokens: set a long random secret (openssl rand -base64 48) and deploy again"),
        );
    }
    if let Some(secret) = &login.secret {
        let why = match token {
            None => "the token is no JWT",
            Some(_) if seen.secret_is_another => {
                "the server signs its tokens with another secret (or algorithm) than `secret`"
            }
            Some(_) => return findings,
        };
        let expired = Finding::unclear("an expired token", REFUSED, format!("{why}, so none could be made"));
        findings.push(expired.at(secret.span()));
    }
    findings
}

fn refreshed(login: &Login, seen: &Seen) -> Vec<Finding> {
    let (Some(refresh), Some([good, made_up])) = (&login.refresh, &seen.refreshed) else {
        return Vec::new();
    };
    let what = format!("POST {}", refresh.post);
    let given = match &refresh.token {
        Some(path) => super::text_at(good, path),
        None => login.token_in(good),
    };
    let shown = if good.status == 429 || good.status >= 400 {
        format!("{}: {}", good.status, good.body)
    } else if given.is_none() {
        format!("{}, and no token", good.status)
    } else {
        format!("{}, a token", good.status)
    };
    let worked = good.is_success() && given.is_some();
    let first = match good.status {
        429 => not_an_accident(format!("{what} with the refresh token"), good),
        _ => Finding::expect(worked, format!("{what} with the refresh token"), "a new token", shown),
    };
    let with_nonsense = format!("{what} with a made-up refresh token");
    let second = if made_up.is_success() {
        Finding::failed(with_nonsense, REFUSED, made_up.status.to_string())
    } else {
        not_an_accident(with_nonsense, made_up)
    };
    vec![first.at(refresh.span()), second.at(refresh.span())]
}

fn logged_out(login: &Login, seen: &Seen) -> Vec<Finding> {
    let (Some(logout), Some(protects)) = (&login.logout, &login.protects) else {
        return Vec::new();
    };
    let Some([left, after]) = &seen.logged_out else {
        // Where the first login failed, that is said already.
        return Vec::new();
    };
    let what = format!("POST {}", logout.as_str());
    let ended = left.status < 400;
    let first = Finding::expect(
        ended,
        what,
        "2xx or a redirect",
        format!("{}: {}", left.status, left.body),
    )
    .hint("does it want the refresh token? `refresh_token` says where the login gives one");
    if !ended || !guarded(seen) {
        return vec![first.at(logout.span())];
    }
    let what = format!("GET {} after logging out", protects.as_str());
    let second = if after.is_success() {
        Finding::failed(what, REFUSED, after.status.to_string())
            .hint("the token outlives the session; keep a list of ended sessions, or make tokens short-lived and drop `logout`")
    } else {
        not_an_accident(what, after)
    };
    vec![first.at(logout.span()), second.at(logout.span())]
}
