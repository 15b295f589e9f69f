use super::*;

/// What is found, a line each: kind, what is shown, line.
fn found(place: Place, text: &str) -> Vec<String> {
    let found = Sought::new(place, true, []).find_in(text, |_| false);
    let line = |leaked: Leaked| format!("{} ({}) {}", leaked.what, leaked.shown, leaked.line);
    found.into_iter().map(line).collect()
}

/// A token whose payload is `claims`; made here, so that none stands in this file.
fn token(claims: &str) -> String {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    format!(
        "{}.{}.{}",
        part("{\"alg\":\"HS256\"}"),
        part(claims),
        part("a signature of some length")
    )
}

#[test]
fn every_kind_of_key_is_known_and_described() {
    for (start, rest, what) in [
        ("sk_li", "ve_51HxAbCdEfGhIjKl", "a Stripe secret key"),
        ("sk_te", "st_51HxAbCdEfGhIjKl", "a Stripe test key"),
        ("whs", "ec_51HxAbCdEfGhIjKl", "a webhook's secret"),
        ("AK", "IAIOSFODNN7QXAMPLF", "an AWS access key"),
        ("gh", "p_0123456789abcdefghijABCDEFGHIJ012345", "a GitHub token"),
        ("sk-a", "nt-api03-0123456789abcdef", "an Anthropic key"),
        ("sk-p", "roj-0123456789abcdefgh", "an OpenAI key"),
        (
            "sk-",
            "0123456789abcdefghijT3BlbkFJ0123456789abcdefghij",
            "an OpenAI key",
        ),
        ("GOC", "SPX-0123456789abcdef", "a Google OAuth secret"),
        (
            "-----BEGIN ",
            "PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\n",
            "a private key",
        ),
        (
            "postgres://app:",
            "hunter2hunter2@db.example.com/app",
            "the password of an address",
        ),
        ("redis://:", "hunter2hunter2@cache:6379", "the password of an address"),
    ] {
        let text = format!("one\nkey = \"{start}{rest}\"\n");
        for place in [Place::Public, Place::Private] {
            let found = found(place, &text);
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            assert!(found[0].starts_with(what) && found[0].ends_with(" 2"), "{found:?}");
            assert!(!found[0].contains(rest), "{found:?}");
        }
    }
}

#[test]
fn a_token_is_judged_by_its_role() {
    let service = token("{\"role\":\"service_role\"}");
    let told = found(Place::Public, &service);
    assert!(told[0].starts_with("a Supabase service_role key (eyJ…, "), "{told:?}");
    let none: [String; 0] = [];
    assert_eq!(found(Place::Private, &token("{\"role\":\"anon\"}")), none);
    let session = format!("authorization: Bearer {}", token("{\"sub\":\"7\"}"));
    assert_eq!(found(Place::Public, &session), none);
    let told = found(Place::Private, &session);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("a JWT"), "{told:?}");
}

#[test]
fn what_stands_in_for_a_secret_is_none() {
    for text in [
        "postgres://user:password@localhost/app",
        "postgres://user:${DB_PASSWORD}@db/app",
        "STRIPE=sk_live_your_key_goes_here",
        "whsec_xxxxxxxxxxxxxxxxxxxx",
        "if (key.startsWith('sk_live_')) {}",
        "region ASIA_PACIFIC_SOUTHEAST, rnd_generator_state_of_12",
        "-----BEGIN PUBLIC KEY-----\nMIIEvQIBADANBgkqhkiG9w0B",
        "https://example.com:8080/a@b",
    ] {
        assert!(
            found(Place::Private, text).is_empty(),
            "{text}: {:?}",
            found(Place::Private, text)
        );
    }
}

#[test]
fn a_given_value_is_found_however_it_is_written() {
    let sought = Sought::new(Place::Public, true, ["nothing like it", "s3cret / of & mine"]);
    for (text, shown) in [
        ("a\ns3cret / of & mine", "as it is"),
        ("\nx s3cret%20%2F%20of%20%26%20mine", "encoded"),
        ("\n{\"a\":\"s3cret \\/ of \\u0026 mine\"}", "encoded"),
        ("\nczNjcmV0IC8gb2YgJiBtaW5l", "encoded"),
    ] {
        let found = sought.find_in(text, |_| false);
        assert_eq!(found.len(), 1, "{text}");
        assert_eq!(
            (found[0].given, found[0].line, found[0].shown.as_str()),
            (Some(1), 2, shown),
            "{text}"
        );
    }
}
