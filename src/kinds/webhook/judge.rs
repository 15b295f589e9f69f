//! What the answers say about a webhook.

use crate::deployment::http::{Expect, Response, Statuses};
use crate::outcome::{Finding, Verdict};
use crate::suite::Spanned;

use super::{Delivered, How, Replay, Seen, Webhook};

pub(super) fn judge(check: &Webhook, seen: &Seen) -> Vec<Finding> {
    let Some(good) = seen.answer(How::Rightly) else {
        return vec![Finding::unclear("rightly signed", "an answer", "nothing was delivered")];
    };
    let alive = accepts(check).contains(good.status);
    let mut findings = vec![accepted(check, seen, good)];
    if alive {
        findings.extend(contents(check, good));
    }
    let forged = seen
        .deliveries
        .iter()
        .filter(|delivered| !matches!(delivered.how, How::Rightly | How::Again));
    let forged: Vec<Finding> = forged.map(|delivered| refused(check, delivered)).collect();
    if alive {
        findings.extend(forged);
    } else {
        // That these were refused proves nothing.
        let (refused, others): (Vec<_>, Vec<_>) =
            forged.into_iter().partition(|found| found.verdict == Verdict::Passed);
        if !refused.is_empty() {
            let count = refused.len();
            findings.push(
                Finding::unclear(
                    "forged deliveries",
                    "refused, for their signatures",
                    format!("{count} refused, but so is the rightly signed one"),
                )
                .at(check.scheme.span()),
            );
        }
        findings.extend(others);
    }
    if let (Some(replay), Some(answer)) = (&check.replay, seen.answer(How::Again).filter(|_| alive)) {
        findings.push(again(check, replay, answer));
    }
    findings
}

fn accepted(check: &Webhook, seen: &Seen, good: &Response) -> Finding {
    let (wanted, span) = (accepts(check), check.accepts.as_ref().map(Spanned::span));
    let span = span.or_else(|| check.expect.status.as_ref().map(Spanned::span));
    let alike = seen.deliveries.iter().all(|other| other.answer.status == good.status);
    let mut shown = good.shown();
    if alike && !wanted.contains(good.status) {
        shown += "; as for every other delivery";
    }
    let finding = Finding::expect(
        wanted.contains(good.status),
        "rightly signed",
        wanted.to_string(),
        shown,
    )
    .at(span.unwrap_or_else(|| check.scheme.span()));
    match good.status {
        404 | 405 => finding.hint("is this the path that the provider is told to use, and is the route deployed?"),
        500.. => finding.hint("the handler crashes on this event; the provider will deliver it again and again"),
        300..=399 => finding.hint("something in front of the route redirects: providers do not follow"),
        200..=299 => finding,
        _ if alike => finding.hint(
            "it refuses everything: has the deployment this secret, and does it verify the raw body, before a JSON parser?",
        ),
        401 | 403 => finding.hint("is the route behind a login, or has the deployment another secret?"),
        _ => finding.hint("has the deployment this secret, and does the handler know this event?"),
    }
}

/// The answer to the accepted event, but for its status.
fn contents(check: &Webhook, good: &Response) -> Vec<Finding> {
    let expect = Expect {
        status: Some(Spanned::new(0..0, Statuses::of(&[good.status]))),
        ..check.expect.clone()
    };
    let mut findings = expect.judge(good);
    findings.remove(0);
    findings
}

fn refused(check: &Webhook, delivered: &Delivered) -> Finding {
    let Delivered { how, answer } = delivered;
    let wanted = check
        .refuses
        .as_ref()
        .map_or_else(any_4xx, |refuses| (**refuses).clone());
    let span = check
        .refuses
        .as_ref()
        .map_or_else(|| check.scheme.span(), Spanned::span);
    let (what, expected) = (check.name(*how), format!("refused: {wanted}"));
    if answer.status == 429 && check.refuses.is_none() {
        return Finding::unclear(
            what,
            expected,
            "429: a rate limit came before the signature was looked at",
        )
        .at(span);
    }
    if accepts(check).contains(answer.status) && wanted.contains(answer.status) {
        let expected = "refused, and not answered as the rightly signed one is";
        return Finding::failed(what, expected, answer.shown()).at(span).hint(why(*how));
    }
    let finding = Finding::expect(wanted.contains(answer.status), what, expected, answer.shown()).at(span);
    match answer.status {
        500.. => finding.hint("a crash is no refusal: compare only signatures of one length, and answer 400 or 401"),
        200..=299 => finding.hint(why(*how)),
        _ => finding,
    }
}

/// What lets a forgery pass.
fn why(how: How) -> &'static str {
    match how {
        How::Unsigned | How::OtherSecret => "anyone can send events: is the signature verified at all?",
        How::CutShort => "is the whole signature compared, and not only how it begins?",
        How::EmptySecret => "is the secret set in the deployment? With none, refuse everything",
        How::Changed => "verify the body that was received, byte for byte, before it is parsed",
        How::Stale => "compare the signed time with the clock: who once saw an event can send it again for ever",
        How::Rightly | How::Again => "who once saw an event can send it again: remember the ids that were handled",
    }
}

fn again(check: &Webhook, replay: &Spanned<Replay>, answer: &Response) -> Finding {
    let what = check.name(How::Again);
    match **replay {
        Replay::Accepted => {
            let wanted = accepts(check);
            Finding::expect(
                wanted.contains(answer.status),
                what,
                format!("accepted: {wanted}"),
                answer.shown(),
            )
            .at(replay.span())
            .hint("providers deliver twice: answer 2xx to an event that was handled already, and do nothing")
        }
        Replay::Refused => refused(
            check,
            &Delivered {
                how: How::Again,
                answer: answer.clone(),
            },
        )
        .at(replay.span()),
    }
}

fn accepts(check: &Webhook) -> Statuses {
    let given = check.accepts.as_ref().or(check.expect.status.as_ref());
    given.map_or_else(Statuses::success, |statuses| (**statuses).clone())
}

fn any_4xx() -> Statuses {
    Statuses::class(4)
}
