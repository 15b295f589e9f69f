//! Judges who is connected.

use super::{Seen, Session};
use crate::deployment::postgres::Plain;
use crate::outcome::Finding;
use crate::suite::{Period, did_you_mean};

pub(super) fn judge_ssl(wanted: bool, sessions: &[&Session]) -> Finding {
    let (what, expected) = ("encrypted", if wanted { "every session" } else { "no session" });
    let remote: Vec<&Session> = sessions
        .iter()
        .copied()
        .filter(|session| session.shown && !session.local)
        .collect();
    let wrong: Vec<&Session> = remote.iter().copied().filter(|session| session.ssl != wanted).collect();
    if !wrong.is_empty() {
        let not = if wanted { "are not" } else { "are" };
        let told = format!("{} of {} {not}: {}", wrong.len(), remote.len(), names(&wrong));
        return Finding::failed(what, expected, told)
            .hint("`sslmode=require` in the application's address, and `hostssl` only in the server's pg_hba.conf");
    }
    hidden(what, expected, sessions)
        .or_else(|| remote.is_empty().then(|| nobody(what, expected)))
        .unwrap_or_else(|| Finding::passed(what, expected, format!("all {}", remote.len())))
}

pub(super) fn judge_waiting(limit: Period, sessions: &[&Session]) -> Finding {
    let what = "idle in transaction";
    let expected = format!("at most {limit}");
    let waits = |session: &Session| session.waits.unwrap_or_default();
    let late: Vec<&&Session> = sessions
        .iter()
        .filter(|session| waits(session) > limit.0.as_secs_f64())
        .collect();
    if !late.is_empty() {
        let told: Vec<String> = late
            .iter()
            .map(|session| format!("{} for {:.0} s", name(session), waits(session)))
            .collect();
        return Finding::failed(what, expected, told.join(", ")).hint(
            "a transaction that is never ended holds locks: does an error leave it open? set idle_in_transaction_session_timeout",
        );
    }
    hidden(what, &expected, sessions)
        .or_else(|| sessions.is_empty().then(|| nobody(what, &expected)))
        .unwrap_or_else(|| {
            let longest = sessions.iter().map(|session| waits(session)).fold(0.0, f64::max);
            Finding::passed(
                what,
                &expected,
                format!("{longest:.0} s at most, of {} sessions", sessions.len()),
            )
        })
}

pub(super) fn judge_headroom(wanted: f64, seen: &Seen) -> Finding {
    let free = 100.0 * (seen.limit - seen.used) / seen.limit.max(1.0);
    let told = format!("{free:.0} %: {} of {} are in use", seen.used, seen.limit);
    Finding::expect(free >= wanted, "free connections", format!("at least {wanted} %"), told)
        .hint("are the pools of all instances together larger than the server allows? connect through a pooler")
}

pub(super) fn judge_absent(role: &str, seen: &Seen) -> Finding {
    let sessions: Vec<&Session> = seen.sessions.iter().filter(|session| session.user == role).collect();
    let what = format!("sessions of {role}");
    if !sessions.is_empty() {
        return Finding::failed(what, "none", format!("{}: {}", sessions.len(), names(&sessions)))
            .hint("what runs with the rights of this role, and should have ended?");
    }
    if !seen.known.iter().any(|known| known == role) {
        return unknown_role(role, seen);
    }
    Finding::passed(what, "none", "none")
}

pub(super) fn judge_plain(plain: &Plain) -> Finding {
    let (what, expected) = ("a connection without encryption", "refused");
    match plain {
        Plain::Refused(why) => Finding::passed(what, expected, format!("refused: {why}")),
        Plain::Accepted => Finding::failed(what, expected, "accepted").hint(
            "only `hostssl` lines in the server's pg_hba.conf; at Supabase, switch on \"Enforce SSL on incoming connections\"",
        ),
    }
}

pub(super) fn unknown_role(role: &str, seen: &Seen) -> Finding {
    let finding = Finding::unclear(
        format!("role {role}"),
        "a role",
        "none of that name, so this proves nothing",
    );
    match did_you_mean(role, seen.roles.iter().map(String::as_str)) {
        Some(near) => finding.hint(format!("did you mean `{near}`?")),
        None => finding,
    }
}

/// The server does not show everything.
fn hidden(what: &str, expected: &str, sessions: &[&Session]) -> Option<Finding> {
    let hidden = sessions.iter().filter(|session| !session.shown).count();
    (hidden > 0).then(|| {
        Finding::unclear(
            what,
            expected,
            format!("{hidden} of {} sessions are hidden from this role", sessions.len()),
        )
        .hint("grant pg_monitor to the role of the endpoint's address")
    })
}

fn nobody(what: &str, expected: &str) -> Finding {
    Finding::unclear(what, expected, "nobody else is connected, so this proves nothing")
        .hint("is the application running, and on this database? name its role in `users`")
}

fn name(session: &Session) -> String {
    if session.application.is_empty() {
        session.user.clone()
    } else {
        format!("{} ({})", session.user, session.application)
    }
}

/// `app (node) 3, worker`.
pub(super) fn names(sessions: &[&Session]) -> String {
    let mut counts: Vec<(String, usize)> = Vec::new();
    for session in sessions {
        let name = name(session);
        match counts.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += 1,
            None => counts.push((name, 1)),
        }
    }
    let told: Vec<String> = counts
        .into_iter()
        .map(|(name, count)| {
            if count == 1 {
                name
            } else {
                format!("{name} {count} times")
            }
        })
        .collect();
    if told.is_empty() {
        "none".to_owned()
    } else {
        told.join(", ")
    }
}
