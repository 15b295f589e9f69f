//! What an answer to strangers tells of the inside.

use std::sync::LazyLock;

use regex::Regex;

/// What it is, and how it looks.
const REVEALING: &[(&str, &str)] = &[
    (
        "a stack trace",
        r#"(\n|\\n|<br>)\s*(&nbsp;|\s)*at [^\n]{1,80}[:(]|Traceback \(most recent call last\)|File \\?"[^"\n]{1,120}", line \d|panicked at |goroutine \d+ \[|\w\.java:\d+\)|"(stack|stacktrace|stack_trace|traceback)"\s*:\s*["\[]"#,
    ),
    (
        "a path of the server's disk",
        r"(/home/|/root/|/usr/src/|/usr/local/|/var/(www|lib|task|app)/|/opt/|/srv/|/tmp/|/Users/|[A-Z]:\\\\?Users)[\w@.\\/-]+|\bat /|/app/[\w@./-]+\.(js|mjs|ts|py|rb|go|rs|java|php)\b|node_modules/[\w@./-]+|site-packages/[\w./-]+",
    ),
    (
        "a private address",
        r"\b(10\.\d{1,3}|192\.168|172\.(1[6-9]|2\d|3[01])|127\.0)\.\d{1,3}\.\d{1,3}(:\d{2,5})?\b|\blocalhost(:\d{2,5})?\b|\[?::1\]?:\d{2,5}\b",
    ),
    (
        "a host behind the server",
        r"\b[\w-]+(\.[\w-]+)*\.(internal|svc|local|lan|cluster\.local|rds\.amazonaws\.com|cache\.amazonaws\.com|upstash\.io|neon\.tech|flycast)\b(:\d{2,5})?|\b(db|aws-\d-[\w-]+)\.[\w.-]*supabase\.co(m)?\b|\b[\w.-]+:(5432|6432|6379|6543|3306|27017|5672|9200|11211)\b",
    ),
    (
        "an error text of a driver",
        r#"(?i)\b(ECONNREFUSED|ENOTFOUND|ETIMEDOUT|EHOSTUNREACH|ECONNRESET)\b|getaddrinfo|password authentication failed|SQLSTATE|Prisma(Client\w*|\.\w+Error)|psycopg|asyncpg|sqlalchemy|syntax error at or near|relation \\?"[^"]+" does not exist|(column|function) \S+ does not exist|duplicate key value violates|(Operational|Programming|Integrity|Interface)Error|NullPointerException|WRONGPASS|NOAUTH|connection refused"#,
    ),
    (
        "a version of what it runs on",
        r#"(?i)\b(PostgreSQL|Postgres|MySQL|MariaDB|Redis|nginx|Apache|Express|Werkzeug|uvicorn|gunicorn|Next\.js|Python|PHP|OpenSSL|Ubuntu|Debian|Linux|pgvector)[ /v:]{1,3}\d+(\.\d+)+|\bnode(\.js)?[ /]?v\d+\.\d+|"(node|python|postgres|postgresql|redis|node_?version|python_?version|pg_?version|redis_?version|server_?version)"\s*:\s*"v?[^"]{0,24}\d+\.\d+"#,
    ),
];

/// So much of what was found is kept.
const SHOWN: usize = 60;

/// What it tells, each once: what that is, and the passage. What `allowed` accepts is passed over.
pub(super) fn in_text(text: &str, allowed: impl Fn(&str) -> bool) -> Vec<(String, String)> {
    static LOOKS: LazyLock<Vec<(&str, Regex)>> = LazyLock::new(|| {
        let looks = REVEALING.iter();
        looks
            .filter_map(|(what, looks)| Some((*what, Regex::new(looks).ok()?)))
            .collect()
    });
    LOOKS
        .iter()
        .filter_map(|(what, looks)| {
            let mut passages = looks.find_iter(text).map(|found| found.as_str().trim());
            let passage = passages.find(|passage| !allowed(passage))?;
            Some(((*what).to_owned(), short(passage)))
        })
        .collect()
}

fn short(passage: &str) -> String {
    let line: String = passage.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= SHOWN {
        return line;
    }
    line.chars().take(SHOWN).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<String> {
        let found = in_text(text, |_| false).into_iter();
        found.map(|(what, passage)| format!("{what}: {passage}")).collect()
    }

    #[test]
    fn every_pattern_is_one() {
        for (what, looks) in REVEALING {
            assert!(Regex::new(looks).is_ok(), "{what}: {:?}", Regex::new(looks));
        }
    }

    #[test]
    fn what_answers_should_say_tells_nothing() {
        for fine in [
            r#"{"status":"healthy","version":"2.4.1","uptime":12.5,"parts":{"database":"up","redis":"up"}}"#,
            r#"{"error":"not found","path":"/api/app/nothing"}"#,
            r#"{"error":"look at the documentation: https://docs.example.com/errors"}"#,
            "Unexpected token } in JSON at position 3",
            "2026-11-21T11:00:00Z 10:15:30",
        ] {
            assert_eq!(told(fine), Vec::<String>::new(), "{fine}");
        }
    }

    #[test]
    fn each_kind_of_gossip_is_heard() {
        for (text, what) in [
            (
                r#"{"stack":"Error: x\n    at Object.<anonymous> (/srv/x.js:1:2)"}"#,
                "a stack trace",
            ),
            ("Traceback (most recent call last):", "a stack trace"),
            (
                r#"{"error":"ENOENT: /usr/src/app/config.yml"}"#,
                "a path of the server's disk",
            ),
            ("SyntaxError at /app/src/index.js", "a path of the server's disk"),
            ("cannot reach 10.0.3.7:8080", "a private address"),
            (r#"{"database":"db.abcd.supabase.co"}"#, "a host behind the server"),
            ("cannot reach pg-main:5432", "a host behind the server"),
            (r#"{"redis":"connect ECONNREFUSED"}"#, "an error text of a driver"),
            (r#"{"database":"PostgreSQL 16.4"}"#, "a version of what it runs on"),
            (r#"{"nodeVersion":"v20.11.1"}"#, "a version of what it runs on"),
        ] {
            let found = told(text);
            assert!(found.iter().any(|one| one.starts_with(what)), "{text}: {found:?}");
        }
    }
}
