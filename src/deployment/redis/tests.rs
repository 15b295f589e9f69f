//! Addresses, right and wrong; no error repeats a password.

use proptest::prelude::*;

use super::*;

#[test]
fn addresses_are_named_without_credentials() {
    for (address, name) in [
        ("redis://:secret@cache.example.com", "cache.example.com:6379/0"),
        ("rediss://user:s%2Fcret@cache:6380/2", "cache:6380/2"),
        ("redis://[::1]:7000/1", "[::1]:7000/1"),
    ] {
        assert_eq!(Server::new(address).unwrap().address(), name);
    }
    let server = Server::new("rediss://user:s%2Fcret@cache:6380/2").unwrap();
    assert_eq!(server.password().as_deref(), Some("s/cret"));
}

#[test]
fn mistakes_are_named() {
    for (address, sentence) in [
        ("cache:6379", "begin with `redis://`"),
        ("http://cache", "not a Redis address"),
        ("redis://:a/b@cache", "`/` as %2F"),
        ("redis://:a#b@cache", "`#` as %23"),
        ("redis://cache/first", "not a Redis address"),
    ] {
        let why = Server::new(address).err().unwrap();
        assert!(why.contains(sentence), "{address}: {why}");
    }
}

#[test]
fn info_has_numbers() {
    assert_eq!(field(("used_memory", "1024")).1, Value::from(1024));
    assert_eq!(field(("ratio", "1.5")).1, Value::from(1.5));
    assert_eq!(field(("redis_version", "7.2.4")).1, Value::from("7.2.4"));
    assert_eq!(field(("name", "inf")).1, Value::from("inf"));
}

proptest! {
    #[test]
    fn no_error_contains_the_password(password in "[!-~]{8,24}") {
        for address in [
            format!("redis://:{password}@host:none/db"),
            format!("redis://:{password}@host/first"),
            format!("redis://user:{password}@"),
        ] {
            if let Err(why) = Server::new(&address) {
                prop_assert!(!why.contains(&password), "{}", why);
            }
        }
    }
}
