use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use serde_json::json;

use super::super::testing::{kind, lines, mistakes};
use super::source::{Held, Variables, dotenv, json as variables_in};
use super::*;

const RANDOM: &str = "kP9vX2mQ7rT4wZ8nB3cF6hJ1sD5gL0yA";

fn judged(check: &str, variables: &Variables) -> String {
    let env: Env = kind(check);
    let seen = Seen::of(&env, "the environment".to_owned(), variables);
    let stored = serde_json::to_string(&seen).unwrap();
    for held in variables.values() {
        if let Held::Value(value) = held
            && value.len() > 12
        {
            assert!(!stored.contains(value.as_str()), "{stored}");
        }
    }
    // Judged from what was stored, as in a replay.
    lines(&env.judge(&serde_json::from_str(&stored).unwrap()))
}

fn one(rule: &str, value: &str) -> String {
    let variables = Variables::from([("X".to_owned(), Held::Value(value.to_owned()))]);
    judged(&format!("required.X = {rule}"), &variables)
}

#[track_caller]
fn holds(rule: &str, value: &str) {
    let told = one(rule, value);
    assert!(told.lines().all(|line| line.starts_with("passed")), "{value}: {told}");
}

#[track_caller]
fn fails(rule: &str, value: &str, why: &str) {
    let told = one(rule, value);
    assert!(told.contains("failed") && told.contains(why), "{value}: {told}");
    assert!(!told.contains("unclear"), "{told}");
}

fn jwt(claims: &serde_json::Value) -> String {
    format!(
        "eyJhbGciOiJIUzI1NiJ9.{}.c2lnbmF0dXJl",
        URL_SAFE_NO_PAD.encode(claims.to_string())
    )
}

#[test]
fn what_guides_write_is_an_example() {
    for (name, value) in [
        ("JWT_SECRET", "your-random-jwt-secret-min-32-chars"),
        ("DATABASE_URL", "postgresql://user:pass@host:port/dbname"),
        (
            "DATABASE_URL",
            "postgresql://app_user:secure_password@host:5432/whatsdx",
        ),
        (
            "SHADOW_DATABASE_URL",
            "postgresql://migration_user:migration_password@host:5432/whatsdx_shadow",
        ),
        ("DATABASE_URL", "your-supabase-postgres-url"),
        (
            "DATABASE_URL",
            "postgres://postgres:[YOUR-PASSWORD]@db.abc.supabase.co:5432/postgres",
        ),
        ("REDIS_URL", "redis://default:pass@host:port"),
        ("REDIS_URL", "your-railway-redis-url"),
        ("TOKEN_ENCRYPTION_KEY", "your-fernet-encryption-key"),
        ("ADMIN_SECRET_KEY", "supersecretkey-change-this-in-production"),
        ("INTERNAL_API_KEY", "internal-api-key-change-in-production"),
        ("ADMIN_SECRET_KEY", "$(openssl rand -base64 32)"),
        ("OPENAI_API_KEY", "sk-..."),
        ("OPENAI_API_KEY", "sk-your-openai-key"),
        ("GOOGLE_CLIENT_ID", "your-oauth-client-id.apps.googleusercontent.com"),
        ("STRIPE_WEBHOOK_SECRET", "whsec_your_webhook_secret"),
        ("STRIPE_SECRET_KEY", "sk_live_your_stripe_secret"),
        ("VITE_STRIPE_PUBLISHABLE_KEY", "pk_live_your_live_stripe_key"),
        ("VITE_SENTRY_DSN", "your_frontend_sentry_dsn"),
        ("VITE_FIREBASE_MESSAGING_SENDER_ID", "123456789"),
        ("VITE_FIREBASE_AUTH_DOMAIN", "your-project.firebaseapp.com"),
        ("VITE_API_BASE_URL", "https://your-api-domain.fly.dev"),
        ("ALLOWED_ORIGINS", "https://your-domain.com,https://www.your-domain.com"),
        ("NEXT_PUBLIC_SUPABASE_URL", "https://your-project.supabase.co"),
        ("NEXT_PUBLIC_SUPABASE_ANON_KEY", "your_anon_key_here"),
        ("HUGGINGFACE_API_TOKEN_2", "your_hf_token_2"),
        ("SUPABASE_ANON_KEY", "<from-step-1.2>"),
        ("REDIS_PASSWORD", "<from-step-2>"),
        ("JWT_SECRET", "<generate-strong-random-key>"),
        ("CRON_SECRET", "your-secret-key"),
        ("ADMIN_PASSWORD", "admin123"),
        ("ADMIN_PASSWORD", "changeme"),
        ("GOOGLE_REFRESH_TOKEN", "${GOOGLE_REFRESH_TOKEN}"),
        ("STRIPE_SECRET_KEY", "sk_test_xxxxxxxxxxxx"),
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
        ("API_URL", "https://api.example.com"),
        ("JWT_SECRET", "00000000000000000000000000000000"),
        ("JWT_SECRET", "secret"),
        ("JWT_SECRET", "super-secret-jwt-token-with-at-least-32-characters-long"),
        ("DATABASE_URL", "postgres://postgres:postgres@db.internal:5432/app"),
    ] {
        assert!(placeholder::reason(name, value).is_some(), "{name}={value}");
    }
    let demo = jwt(&json!({ "iss": "supabase-demo", "role": "anon" }));
    assert!(placeholder::reason("SUPABASE_ANON_KEY", &demo).is_some());
}

#[test]
fn what_is_in_use_is_none() {
    for (name, value) in [
        ("JWT_SECRET", RANDOM),
        ("JWT_SECRET", "pZ5Qm0cV8n3xR1tY7uW2eK9sA4dF6gHbLjXvC1iO0yE="),
        ("NODE_ENV", "production"),
        ("LOG_LEVEL", "info"),
        ("PORT", "3000"),
        ("CORS_ORIGIN", "*"),
        ("RATE_LIMIT_WINDOW_MS", "60000"),
        (
            "DATABASE_URL",
            "postgresql://app_user:q8Zk2mVx@db.fra.internal:5432/whatsdx?sslmode=require",
        ),
        ("REDIS_URL", "rediss://default:q8Zk2mVx@redis-1.upstash.io:6379"),
        ("NEXT_PUBLIC_SUPABASE_URL", "https://qhvkzwxyabcd.supabase.co"),
        ("STRIPE_SECRET_KEY", "sk_live_51Hq8ZkVxm2PqRtYuW"),
        ("GOOGLE_CLIENT_ID", "912837465-q8zk2mvx.apps.googleusercontent.com"),
        ("ALLOWED_ORIGINS", "https://app.acme.io,https://www.acme.io"),
        ("APP_NAME", "Tell your friends"),
        ("DB_HOST", "host-7.internal"),
    ] {
        assert_eq!(placeholder::reason(name, value), None, "{name}={value}");
    }
}

#[test]
fn a_variable_is_there_or_not() {
    let variables = dotenv("GOOGLE_OAUTH_REDIRECT_URI=https://a.io/cb\nEMPTY=\nBLANK='  '\nQUOTED='\"abc\"'\n");
    let told = judged(
        "present = ['GOOGLE_REDIRECT_URI', 'EMPTY', 'BLANK', 'QUOTED', 'GOOGLE_OAUTH_REDIRECT_URI']\nabsent = ['EMPTY', 'META', 'QUOTED']",
        &variables,
    );
    assert_eq!(
        told,
        "failed GOOGLE_REDIRECT_URI: expected set, seen not set in the environment \
         (try: there is GOOGLE_OAUTH_REDIRECT_URI: did you mean that?)\n\
         failed EMPTY: expected set, seen set to nothing (try: set EMPTY to a value made for this deployment, then deploy again)\n\
         failed BLANK: expected set, seen set to nothing (try: set BLANK to a value made for this deployment, then deploy again)\n\
         failed QUOTED: expected a bare value, seen quotes or blanks around it, which are part of the value (try: set it without them)\n\
         passed GOOGLE_OAUTH_REDIRECT_URI: expected set, seen set, and no example\n\
         passed EMPTY: expected not set, seen set to nothing\n\
         passed META: expected not set, seen not set\n\
         failed QUOTED: expected not set, seen set (try: remove QUOTED there, then deploy again)\n"
    );
    assert!(
        judged("absent = ['X']", &Variables::new())
            .contains("unclear the environment: expected variables, seen none at all")
    );
}

#[test]
fn each_rule_holds_or_fails() {
    holds("{ min_length = 32, entropy = 128, length = 32 }", RANDOM);
    fails(
        "{ min_length = 33 }",
        RANDOM,
        "expected at least 33 characters, seen 32 characters",
    );
    fails("{ length = 31 }", RANDOM, "expected 31 characters");
    fails(
        "{ entropy = 128 }",
        "supersecretsupersecretsupersecret1",
        "bits of entropy",
    );
    holds("'production'", "production");
    fails(
        "'production'",
        "development",
        "expected \"production\", seen another value",
    );
    holds("3000", "3000");
    holds("{ prefix = ['sk_live_', 'rk_live_'] }", "rk_live_51Hq8ZkVxm2");
    fails(
        "{ prefix = 'sk_live_' }",
        "sk_test_51Hq8ZkVxm2",
        "expected begins with sk_live_, seen it begins otherwise",
    );
    fails(
        "{ suffix = '.apps.googleusercontent.com' }",
        "912837465",
        "ends otherwise",
    );
    fails("{ matches = '^AIza' }", "q8Zk2mVx", "does not match");
    holds("{ one_of = ['dev', 'production'] }", "dev");
    fails("{ one_of = ['dev', 'production'] }", "prod", "none of these");
    fails("{ not_one_of = ['q8Zk2mVx'] }", "q8Zk2mVx", "one of these");
    fails(
        "{ min_length = 4 }",
        "your-random-jwt-secret-min-32-chars",
        "an example: it says \"your-…\"",
    );
    holds("{ example = true }", "noreply@example.com");
}

#[test]
fn urls_are_looked_into() {
    let database = "postgresql://app_user:q8Zk2mVx@db.fra.io:5432/app";
    holds("{ url = 'postgres', user = 'app_user' }", database);
    fails("{ url = 'postgres', user = 'app' }", database, "another user");
    fails("{ url = 'postgres', tls = true }", database, "does not ask for TLS");
    holds(
        "{ url = 'postgres', tls = true }",
        &format!("{database}?sslmode=verify-full"),
    );
    fails(
        "{ tls = true }",
        &format!("{database}?sslmode=prefer"),
        "does not ask for TLS",
    );
    holds(
        "{ url = ['redis', 'rediss'], tls = true }",
        "rediss://:q8Zk2mVx@r.io:6379",
    );
    fails("{ url = 'https' }", "http://api.acme.io", "a URL of another scheme");
    fails(
        "{ url = 'http' }",
        "http://localhost:8000/auth/google/callback",
        "a URL of localhost",
    );
    holds("{ url = 'http', local = true }", "http://localhost:8000");
    fails("{ url = 'https' }", "api.acme.io", "not a URL");
}

#[test]
fn keys_are_decoded() {
    let key = URL_SAFE.encode([
        7, 251, 99, 3, 14, 200, 31, 77, 5, 66, 190, 23, 250, 101, 8, 42, 61, 117, 9, 254, 180, 33, 12, 91, 47, 222, 1,
        19, 85, 140, 203, 60,
    ]);
    holds("{ fernet = true }", &key);
    fails("{ fernet = true }", &key[..43], "not 32 bytes");
    fails("{ fernet = true }", &key.replace(['-', '_'], "+"), "not 32 bytes");
    fails("{ fernet = true }", RANDOM, "not 32 bytes");

    let later = jiff::Timestamp::now().as_second() + 3600;
    let token = |role: &str, exp: i64| jwt(&json!({ "iss": "supabase", "role": role, "exp": exp }));
    holds("{ jwt_role = 'anon' }", &token("anon", later));
    fails(
        "{ jwt_role = 'anon' }",
        &token("service_role", later),
        "seen the role service_role: it may do everything",
    );
    fails(
        "{ jwt_role = 'service_role' }",
        &token("anon", later),
        "seen the role anon",
    );
    fails("{ jwt_role = 'anon' }", &token("anon", 1_600_000_000), "it has expired");
    fails("{ jwt_role = 'anon' }", RANDOM, "not a JWT");
    holds("{ jwt_role = 'anon' }", "sb_publishable_q8Zk2mVxPqRt");
    fails("{ jwt_role = 'anon' }", "sb_secret_q8Zk2mVxPqRt", "service_role");
}

#[test]
fn values_are_compared() {
    let variables = dotenv(&format!("A={RANDOM}\nB={RANDOM}\nC=q8Zk2mVxPqRt\n"));
    let same = |names: &str| judged(&format!("same = [{names}]"), &variables);
    assert!(same("['A', 'B']").contains("passed A, B: expected equal values, seen equal"));
    assert!(same("['A', 'B', 'C']").contains("failed A, B, C: expected equal values, seen they differ"));
    assert!(same("['A', 'D']").contains("unclear A, D: expected equal values, seen no value is known of D"));
    let different = |names: &str| judged(&format!("different = [{names}]"), &variables);
    assert!(different("['A', 'C']").contains("passed A, C"));
    assert!(
        different("['A', 'B', 'D']").contains("failed A, B, D: expected values of their own, seen the same in A and B")
    );
    assert!(different("['A', 'D']").contains("unclear A, D"));
    let spare = judged("required.D = { optional = true }\ndifferent = [['A', 'D']]", &variables);
    assert!(spare.contains("passed A, D"), "{spare}");
}

#[test]
fn names_alone_prove_no_more_than_that() {
    let fly = json!([{ "Name": "JWT_SECRET", "Digest": "4be1", "CreatedAt": "2026-11-01" }]);
    let told = judged(
        "present = ['JWT_SECRET']\nrequired.JWT_SECRET = { min_length = 32 }",
        &variables_in(&fly),
    );
    assert_eq!(
        told,
        "passed JWT_SECRET: expected set, seen set; only its name is told\n\
         passed JWT_SECRET: expected set, seen set; only its name is told\n\
         unclear JWT_SECRET: expected at least 32 characters, seen only names are told by the environment, no values\n"
    );
    let listed = dotenv("NAME            UPDATED\nJWT_SECRET      2 days ago\n* DATABASE_URL\n");
    assert!(
        judged("present = ['JWT_SECRET', 'DATABASE_URL']", &listed)
            .lines()
            .all(|line| line.starts_with("passed"))
    );
    assert!(!listed.contains_key("NAME"));
}

#[test]
fn optional_ones_may_be_missing_but_not_all_of_everything() {
    let check = "required.A = { optional = true, prefix = 'a' }";
    assert!(judged(check, &dotenv("B=b")).contains("this proves nothing"));
    assert!(judged(&format!("{check}\npresent = ['B']"), &dotenv("B=b")).starts_with("passed B"));
    assert!(judged(check, &dotenv("A=b")).contains("failed A: expected begins with a"));
}

#[test]
fn files_and_documents_are_read() {
    let text = "\u{feff}# comment\nexport A=1 # one\r\nB='x # y'\nC=\"l1\\nl2\nl3\" # end\nD=${A}-${NO:-z}\nE=\nF=#none\nG=a#b\n  H = spaced \n";
    let expected = [
        ("A", "1"),
        ("B", "x # y"),
        ("C", "l1\nl2\nl3"),
        ("D", "1-z"),
        ("E", ""),
        ("F", ""),
        ("G", "a#b"),
        ("H", "spaced"),
    ];
    let of = |pairs: &[(&str, &str)]| -> Variables {
        let pairs = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Held::Value((*value).to_owned())));
        pairs.collect()
    };
    assert!(dotenv(text) == of(&expected));
    assert!(variables_in(&json!({ "A": "1", "N": 2, "Z": null })) == of(&[("A", "1"), ("N", "2"), ("Z", "")]));
    assert!(variables_in(&json!([{ "name": "A", "value": "1" }, "B=2"])) == of(&[("A", "1"), ("B", "2")]));
    assert!(variables_in(&json!({ "envs": [{ "key": "A", "value": "1" }] })) == of(&[("A", "1")]));
    assert!(variables_in(&json!([{ "envVar": { "key": "A", "value": "1" }, "cursor": "c" }])) == of(&[("A", "1")]));
    assert!(variables_in(&json!({ "A": { "computed": "1" } })) == of(&[("A", "1")]));
    assert!(variables_in(&json!({ "A": "********" }))["A"] == Held::NameOnly);
}

#[test]
fn what_is_set_to_nothing_is_not_compared() {
    let told = judged("same = [['A', 'B']]", &dotenv("A=\nB=\n"));
    assert!(told.contains("unclear A, B: expected equal values"), "{told}");
}

#[test]
fn contradictions_are_mistakes() {
    assert_eq!(
        mistakes::<Env>("file = '.env'\nabsent = ['A']"),
        ["what is absent everywhere proves nothing"]
    );
    assert!(mistakes::<Env>("absent = ['A']").is_empty());
    assert_eq!(
        mistakes::<Env>("file = '.env'\ncommand = []\nabsent = ['A']\npresent = ['A']\nsame = [['A']]"),
        [
            "`file` and `command` both say where the variables are",
            "there is no program to run",
            "`A` cannot be both absent and there",
            "it takes two names to compare"
        ]
    );
    assert_eq!(
        mistakes::<Env>("required.A = { length = 3, min_length = 4 }"),
        ["`length` is less than `min_length`"]
    );
    assert_eq!(
        mistakes::<Env>("required.A = { one_of = [] }"),
        ["an empty list allows nothing"]
    );
    assert_eq!(
        mistakes::<Env>("required.A = { fernet = false }"),
        ["`false` demands nothing: leave it out"]
    );
    assert!(kind::<Env>("file = '.env'").expects_nothing());
}
