//! What a server shows, judged part by part.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::deployment::tls::{Answer, Certificate, Distrust, Handshake, Shown, Version};
use crate::outcome::Finding;
use crate::suite::Spanned;

use super::{MinVersion, Plain, PlainAnswer, Redirect, Seen, Tls};

const DAY: i64 = 86_400;

pub(super) fn judge(tls: &Tls, seen: &Seen) -> Vec<Finding> {
    let mut findings = vec![judge_handshake(tls, &seen.shown.handshake)];
    if let Some(leaf) = seen.shown.chain.first() {
        findings.push(judge_trust(tls, &seen.shown, leaf));
        findings.push(judge_host(tls, seen, leaf));
        for (name, holds) in tls.names.iter().zip(&seen.shown.names) {
            findings.push(host(name, *holds, leaf).at(name.span()));
        }
        findings.push(judge_dates(tls, seen.at, leaf));
    } else if matches!(seen.shown.handshake, Handshake::Done(_)) {
        findings.push(Finding::unclear("certificate", "one", "the server shows none"));
    }
    if seen.shown.handshake != Handshake::NotTls {
        let old = seen.old.iter();
        findings.extend(old.map(|(version, answer)| judge_old(*version, answer).at(tls.min_version.span())));
    }
    findings.extend(seen.plain.as_ref().map(|plain| judge_plain(tls, plain)));
    findings
}

/// What later checks may capture.
pub(super) fn facts(shown: &Shown, at: Timestamp) -> Value {
    let version = match &shown.handshake {
        Handshake::Done(version) => json!(version),
        _ => Value::Null,
    };
    let Some(leaf) = shown.chain.first() else {
        return json!({ "version": version });
    };
    json!({
        "version": version,
        "issuer": leaf.issuer,
        "names": leaf.names,
        "expires": leaf.not_after,
        "days_left": (leaf.not_after.as_second() - at.as_second()).div_euclid(DAY),
    })
}

fn judge_handshake(tls: &Tls, handshake: &Handshake) -> Finding {
    let least = match *tls.min_version {
        MinVersion::Tls12 => Version::Tls12,
        MinVersion::Tls13 => Version::Tls13,
    };
    let (what, expected) = ("handshake", format!("{least} or newer"));
    match handshake {
        Handshake::Done(version) => Finding::expect(*version >= least, what, expected, version.to_string()),
        Handshake::Refused(how) => Finding::failed(what, expected, format!("the server refuses: {how}"))
            .hint("it speaks neither TLS 1.2 nor 1.3, shares no cipher with us, or does not know the name"),
        Handshake::NotTls => Finding::failed(what, expected, "an answer that is no TLS")
            .hint("does the port speak plain http? TLS may end at another port, or before this server"),
    }
    .at(tls.min_version.span())
}

fn judge_trust(tls: &Tls, shown: &Shown, leaf: &Certificate) -> Finding {
    let (what, expected) = ("chain", "leads to a trusted authority");
    let issuer = &leaf.issuer;
    match &shown.distrust {
        None => Finding::passed(what, expected, format!("issued by {issuer}")),
        Some(Distrust::SelfSigned) => Finding::failed(what, expected, format!("signed by itself: {issuer}")).hint(
            "is this the placeholder of a proxy? A certificate that is meant can be trusted with ca = \"file.pem\"",
        ),
        Some(Distrust::UnknownIssuer) => {
            let shows = match shown.chain.len() {
                1 => "the server shows no other certificate".to_owned(),
                count => format!("the server shows {count} certificates"),
            };
            let finding = Finding::failed(
                what,
                expected,
                format!("issued by {issuer}, who is not trusted; {shows}"),
            );
            if tls.ca.is_none() && shown.chain.len() == 1 {
                finding.hint("does it send its intermediate certificates (fullchain.pem)? An authority of your own: ca = \"file.pem\"")
            } else {
                finding.hint("an authority of your own can be trusted with ca = \"file.pem\"")
            }
        }
        Some(Distrust::Other(why)) => Finding::failed(what, expected, why),
    }
}

fn judge_host(tls: &Tls, seen: &Seen, leaf: &Certificate) -> Finding {
    let finding = host(&seen.name, seen.shown.names_host, leaf);
    match (&tls.server_name, &tls.address) {
        (Some(name), _) => finding.at(name.span()),
        (None, Some(address)) => finding.at(address.span()),
        (None, None) => finding,
    }
}

fn host(name: &str, holds: bool, leaf: &Certificate) -> Finding {
    let names = if leaf.names.is_empty() {
        "no name".to_owned()
    } else {
        leaf.names.join(", ")
    };
    Finding::expect(
        holds,
        "host",
        format!("a certificate for {name}"),
        format!("one for {names}"),
    )
    .hint("the server may know several: which one does it show for this name?")
}

fn judge_dates(tls: &Tls, now: Timestamp, leaf: &Certificate) -> Finding {
    let wanted: &Spanned<u32> = &tls.days_left;
    let expected = match **wanted {
        1 => "at least 1 day left".to_owned(),
        days => format!("at least {days} days left"),
    };
    let day = |time: Timestamp| time.strftime("%Y-%m-%d").to_string();
    let days = |seconds: i64| match seconds / DAY {
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    };
    if now < leaf.not_before {
        let seen = format!("not valid before {}", leaf.not_before);
        return Finding::failed("expiry", expected, seen)
            .at(wanted.span())
            .hint("is a clock wrong, here or where it was issued?");
    }
    let left = leaf.not_after.as_second() - now.as_second();
    let seen = if left < 0 {
        format!("expired {} ({} ago)", day(leaf.not_after), days(-left))
    } else {
        format!("expires {} ({} left)", day(leaf.not_after), days(left))
    };
    Finding::expect(left >= i64::from(**wanted) * DAY, "expiry", expected, seen)
        .at(wanted.span())
        .hint("does renewal still work? look at its log, at the DNS record and the port that it needs")
}

fn judge_old(version: Version, answer: &Answer) -> Finding {
    let what = version.to_string();
    match answer {
        Answer::Accepted => Finding::failed(what, "refused", "accepted")
            .hint("nginx: ssl_protocols TLSv1.2 TLSv1.3; load balancers call it the security policy"),
        Answer::Refused(how) => Finding::passed(what, "refused", how),
        Answer::Unknown(why) => Finding::unclear(what, "refused", why),
    }
}

fn judge_plain(tls: &Tls, plain: &Plain) -> Finding {
    let what = plain.url.as_str();
    let asked_for = tls
        .redirect
        .as_ref()
        .filter(|redirect| matches!(***redirect, Redirect::From(_)));
    let expected = if asked_for.is_some() {
        "leads to https"
    } else {
        "leads to https, or is closed"
    };
    let finding = match &plain.answer {
        PlainAnswer::LeadsTo(url) => {
            Finding::expect(url.starts_with("https://"), what, expected, format!("leads to {url}"))
        }
        PlainAnswer::Served(status) => Finding::failed(what, expected, format!("answers in clear, with {status}"))
            .hint("redirect every path with 301 or 308, before the application"),
        PlainAnswer::Nothing(why) if asked_for.is_none() && why.starts_with("connection refused") => {
            Finding::passed(what, expected, why)
        }
        PlainAnswer::Nothing(why) => Finding::unclear(what, expected, why).hint("redirect = false leaves this out"),
    };
    asked_for.map_or(finding.clone(), |asked_for| finding.at(asked_for.span()))
}
