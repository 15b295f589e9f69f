use serde_json::json;

use super::super::testing::{kind, lines};
use super::*;

fn session(user: &str, ssl: bool, waits: Option<f64>) -> Session {
    Session {
        user: user.to_owned(),
        application: "node".to_owned(),
        here: true,
        shown: true,
        local: false,
        ssl,
        waits,
    }
}

fn seen(sessions: Vec<Session>) -> Seen {
    Seen {
        limit: 97.0,
        used: 90.0,
        sessions,
        known: vec!["app".to_owned(), "boss".to_owned()],
        roles: vec!["app".to_owned(), "boss".to_owned()],
        plain: None,
    }
}

#[test]
fn sessions_are_encrypted_short_and_few() {
    let check: Connections = kind(
        "users = ['app']\nssl = true\nsessions = { le = 1 }\nheadroom = '20%'\nidle_in_transaction_max = '30s'\n\
         roles_absent = ['boss', 'bos']",
    );
    let sessions = vec![
        session("app", true, Some(31.2)),
        session("app", false, None),
        session("boss", true, None),
    ];
    assert_eq!(
        lines(&check.judge(&seen(sessions))),
        "failed encrypted: expected every session, seen 1 of 2 are not: app (node) \
         (try: `sslmode=require` in the application's address, and `hostssl` only in the server's pg_hba.conf)\n\
         failed sessions: expected at most 1, seen 2 (try: there are: app (node) 2 times)\n\
         failed free connections: expected at least 20 %, seen 7 %: 90 of 97 are in use \
         (try: are the pools of all instances together larger than the server allows? connect through a pooler)\n\
         failed idle in transaction: expected at most 30s, seen app (node) for 31 s (try: a transaction that is never \
         ended holds locks: does an error leave it open? set idle_in_transaction_session_timeout)\n\
         failed sessions of boss: expected none, seen 1: boss (node) \
         (try: what runs with the rights of this role, and should have ended?)\n\
         unclear role bos: expected a role, seen none of that name, so this proves nothing (try: did you mean `boss`?)\n"
    );
    assert_eq!(check.export(&seen(vec![session("app", true, None)]))[0].value, json!(1));
}

#[test]
fn what_is_hidden_or_not_there_proves_nothing() {
    let check: Connections = kind("ssl = true\nidle_in_transaction_max = '30s'");
    let hidden = Session {
        shown: false,
        ..session("app", false, None)
    };
    for sessions in [vec![], vec![hidden, session("app", true, None)]] {
        let said = lines(&check.judge(&seen(sessions)));
        assert!(said.lines().all(|line| line.starts_with("unclear")), "{said}");
    }
    let fine = lines(&check.judge(&seen(vec![session("app", true, Some(2.0))])));
    assert!(fine.lines().all(|line| line.starts_with("passed")), "{fine}");
}

#[test]
fn a_server_that_takes_plain_connections_is_told() {
    let check: Connections = kind("plain = false");
    let tried = |plain| Seen {
        plain: Some(plain),
        ..seen(vec![])
    };
    assert_eq!(
        lines(&check.judge(&tried(Plain::Refused("no encryption".to_owned())))),
        "passed a connection without encryption: expected refused, seen refused: no encryption\n"
    );
    let told = lines(&check.judge(&tried(Plain::Accepted)));
    assert!(
        told.starts_with("failed a connection without encryption: expected refused, seen accepted"),
        "{told}"
    );
    assert_eq!(kind::<Connections>("plain = true").mistakes().len(), 1);
}

#[test]
fn users_alone_expect_nothing() {
    assert!(kind::<Connections>("users = ['app']").expects_nothing());
}
