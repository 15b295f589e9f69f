//! Addresses, right and wrong; no error repeats a password.

use proptest::prelude::*;

use super::*;

fn parsed(text: &str) -> Dsn {
    Dsn::parse(text).unwrap_or_else(|why| panic!("{text}: {why}"))
}

fn refused(text: &str) -> String {
    Dsn::parse(text).err().unwrap_or_else(|| panic!("{text} was accepted"))
}

#[test]
fn a_url_is_taken_apart() {
    let dsn = parsed("postgres://me:p%40ss%2Fw%3Ard%20%25@db.example.com:6543/app?sslmode=verify-full&pgbouncer=true");
    assert_eq!(dsn.config.get_user(), Some("me"));
    assert_eq!(dsn.config.get_password(), Some("p@ss/w:rd %".as_bytes()));
    assert_eq!(dsn.config.get_dbname(), Some("app"));
    assert_eq!(dsn.address, "db.example.com:6543/app");
    assert_eq!(dsn.tls.mode, SslMode::VerifyFull);
}

#[test]
fn what_is_missing_has_libpqs_default() {
    let dsn = parsed("postgresql:///app");
    assert_eq!(
        (dsn.address.as_str(), dsn.tls.mode),
        ("localhost:5432/app", SslMode::Prefer)
    );
    assert_eq!(
        parsed("postgresql+asyncpg://h/d?ssl=require").tls.mode,
        SslMode::Require
    );
}

#[test]
fn ipv6_and_sockets_have_an_address() {
    assert_eq!(parsed("postgres://[::1]:5433/app").address, "[::1]:5433/app");
    let socket = parsed("postgres:///app?host=/run/postgresql&sslmode=require");
    assert_eq!(socket.address, "/run/postgresql:5432/app");
    assert_eq!(
        socket.tls.mode,
        SslMode::Disable,
        "TLS is not spoken over a socket file"
    );
}

#[test]
fn key_value_pairs_are_taken_apart() {
    let dsn = parsed(r"host = db port=5433 user=me password='it\'s a \\ secret' dbname=app sslmode=require");
    assert_eq!(dsn.config.get_password(), Some(r"it's a \ secret".as_bytes()));
    assert_eq!((dsn.address.as_str(), dsn.tls.mode), ("db:5433/app", SslMode::Require));
}

#[test]
fn mistakes_are_named_without_repeating_them() {
    for (text, sentence) in [
        ("mysql://h/d", "begin with `postgres://`"),
        ("postgres://u:p@ss@h/d", "`@` as %40"),
        ("postgres://u:pa/ss@h/d", "`/` as %2F"),
        ("postgres://u:p@s/s@h/d", "`/` as %2F"),
        ("postgres://u:pa?ss@h/d", "`?` as %3F"),
        ("postgres://u:pa#ss@h/d", "`#` as %23"),
        ("postgres://u:p@h:none/d", "`port` must be a number"),
        ("postgres://u:p@a,b/d", "several hosts"),
        ("postgres://h/d?sslmod=require", "did you mean `sslmode`?"),
        (
            "postgres://h/d?sslmode=on",
            "one of disable, allow, prefer, require, verify-ca, verify-full",
        ),
        ("postgres://h/d?sslmode=require&sslrootcert=system", "verify-full"),
        ("postgres://h/d?sslcert=a.pem", "needed together"),
        ("host=db password=two words", "needs single quotes"),
        ("password='open", "never closes it"),
        ("", "the address is empty"),
        ("just words", "neither a `postgres://` URL"),
    ] {
        let why = refused(text);
        assert!(why.contains(sentence), "{text}: {why}");
    }
}

proptest! {
    /// Whatever is broken around it, no error repeats the password.
    #[test]
    fn no_error_contains_the_password(
        password in "[!-~]{8,24}",
        shape in 0_usize..8,
    ) {
        let text = match shape {
            0 => format!("postgres://user:{password}@host/db"),
            1 => format!("postgres://user:{password}@host:none/db"),
            2 => format!("postgres://host/db?password={password}&sslmode=perhaps"),
            3 => format!("host=h password={password} port=x"),
            4 => format!("host=h password='{password}' sslmode=perhaps"),
            5 => format!("host=h password=two {password}"),
            6 => format!("host=h port={password}"),
            _ => format!("http://user:{password}@host/db"),
        };
        if let Err(why) = Dsn::parse(&text) {
            prop_assert!(!why.contains(&password), "{}", why);
        }
    }

    /// A percent-encoded password arrives as it was, and is in no address.
    #[test]
    fn an_encoded_password_arrives(password in "\\PC{8,24}") {
        let encoded = percent_encoding::utf8_percent_encode(&password, percent_encoding::NON_ALPHANUMERIC);
        let dsn = Dsn::parse(&format!("postgres://user:{encoded}@host/db")).unwrap();
        prop_assert_eq!(dsn.config.get_password(), Some(password.as_bytes()));
        prop_assert_eq!(dsn.address, "host:5432/db");
    }
}
