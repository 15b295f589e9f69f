//! `refused = true`: credentials out of a manual or a seed script must not log in, where no good ones are known.

use crate::deployment::http::Response;
use crate::deployment::{Target, Unobserved};
use crate::outcome::Finding;
use crate::suite::{Problem, Spanned};

use super::Login;
use super::judge::{REFUSED, not_an_accident};
use super::observe::{Guess, Seen, Wrong};

/// What makes no sense beside `refused`: it would need somebody who logs in.
pub(super) fn mistakes(login: &Login) -> Vec<Problem> {
    let expect = &login.expect;
    let others = [
        ("alike", login.alike.as_ref().map(Spanned::span)),
        ("protects", login.protects.as_ref().map(Spanned::span)),
        ("secret", login.secret.as_ref().map(Spanned::span)),
        ("refresh_token", login.refresh_token.as_ref().map(Spanned::span)),
        ("refresh", login.refresh.as_ref().map(Spanned::span)),
        ("logout", login.logout.as_ref().map(Spanned::span)),
        ("expect.status", expect.status.as_ref().map(Spanned::span)),
        ("expect.json", expect.json.first().map(|(_, json)| json.span())),
        ("expect.jwt", expect.jwt.as_ref().map(Spanned::span)),
    ];
    let wrong = others.into_iter().filter_map(|(key, span)| Some((key, span?)));
    wrong
        .map(|(key, span)| {
            Problem::at(
                span,
                format!("`{key}` needs somebody who logs in, and `refused` lets nobody in"),
            )
        })
        .collect()
}

/// Asks with a made-up password, with the request's own credentials, and with those of `refuses`.
pub(super) async fn observe(login: &Login, target: &Target<'_>) -> Result<Seen, Unobserved> {
    let mut tries = vec![
        (Wrong::Password, login.with_wrong_password()),
        (Wrong::Own, login.request.clone()),
    ];
    let listed = login.refuses.iter().enumerate();
    tries.extend(listed.map(|(number, fields)| (Wrong::Listed(number), login.with(fields))));
    let mut seen = Seen::default();
    let before = target.jar().borrow().clone();
    for (what, request) in tries {
        let answer = target.beside(before.clone()).send(&request).await?;
        let user = login.user_in(&request).unwrap_or_default();
        seen.guesses.push(Guess { what, user, answer });
    }
    Ok(seen)
}

/// The made-up password shows what a refusal looks like here; what is answered otherwise is none.
pub(super) fn judge(login: &Login, seen: &Seen) -> Vec<Finding> {
    let Some((control, tries)) = seen.guesses.split_first() else {
        return vec![Finding::unclear("a made-up password", REFUSED, "it was not tried")];
    };
    let (what, control) = ("a made-up password", &control.answer);
    if let Some(why) = no_refusal(login, control) {
        let hint = "a door that lets nobody in, or everybody, tells nothing about these credentials: is this the login's address?";
        return vec![Finding::unclear(what, REFUSED, format!("{}: {why}", control.status)).hint(hint)];
    }
    let mut findings = vec![Finding::passed(what, REFUSED, control.status.to_string())];
    findings.extend(tries.iter().map(|guess| tried(login, control, guess)));
    findings
}

fn tried(login: &Login, control: &Response, guess: &Guess) -> Finding {
    let answer = &guess.answer;
    let (what, span) = match guess.what {
        Wrong::Listed(at) => (
            format!("`refuses` {}, as {}", at + 1, guess.user),
            login.refuses.get(at).map(Spanned::span),
        ),
        _ => (
            format!("these credentials, as {}", guess.user),
            login.refused.as_ref().map(Spanned::span),
        ),
    };
    let alike = answer.status == control.status && leads_to(answer) == leads_to(control);
    let let_in = login.token_in(answer).is_some() || !alike && answer.status < 400;
    let finding = if let_in {
        let to = leads_to(answer).map(|to| format!(" to {to}")).unwrap_or_default();
        Finding::failed(
            what,
            REFUSED,
            format!(
                "{}{to}, logged in; a made-up password gets {}",
                answer.status, control.status
            ),
        )
        .hint("change this password, and do not let a default one into production")
    } else {
        not_an_accident(what, answer)
    };
    match span {
        Some(span) => finding.at(span),
        None => finding,
    }
}

/// Why an answer to a made-up password is not the refusal of a login.
fn no_refusal(login: &Login, answer: &Response) -> Option<&'static str> {
    let asks_again = || answer.body.contains("type=\"password\"") || answer.body.contains("type='password'");
    let back = || {
        leads_to(answer).is_some_and(|to| {
            ["login", "signin", "sign-in", "error"]
                .iter()
                .any(|word| to.contains(word))
        })
    };
    match answer.status {
        404 | 405 => Some("nothing there logs anyone in"),
        429 => Some("a rate limit came first"),
        500.. => Some("an error is no refusal"),
        400..500 => None,
        _ if login.token_in(answer).is_some() => Some("it is let in"),
        300..400 if back() => None,
        200..300 if asks_again() => None,
        _ => Some("it looks as if it were let in"),
    }
}

fn leads_to(answer: &Response) -> Option<&str> {
    answer.header("location").and_then(|to| to.split(['?', '#']).next())
}
