//! Where a server's folder, its tools and its backups are usually found, and what they look like.

use std::sync::LazyLock;

use regex::Regex;

/// A path that cannot exist: what a server answers to everything, it answers here.
pub(super) const CONTROL: &str = "/smoke-no-such-path-7f3a9c";

/// Paths, and what stands in what belongs there.
pub(super) const USUAL: &[(&str, &str)] = &[
    ("/.env", ENV),
    ("/.env.local", ENV),
    ("/.env.production", ENV),
    ("/.env.backup", ENV),
    ("/.git/config", r"(?m)^\[core\]"),
    ("/.git/HEAD", r"^(ref: refs/|[0-9a-f]{40}\s*$)"),
    ("/.svn/entries", r"^\d+\s"),
    ("/.DS_Store", "Bud1"),
    ("/.npmrc", "_auth|registry ?="),
    ("/.aws/credentials", "aws_access_key_id"),
    ("/.htpasswd", r"(?m)^[^:\s<]+:[$\w./{]{10,}"),
    ("/id_rsa", "PRIVATE KEY-----"),
    ("/Dockerfile", r"(?m)^FROM \S+"),
    ("/docker-compose.yml", r"(?m)^services:"),
    ("/package.json", r#""(dependencies|scripts)"\s*:"#),
    (
        "/config.json",
        r#"(?i)"[^"]*(password|secret|private_?key|service_role|token|database_?url)[^"]*"\s*:\s*"[^"]"#,
    ),
    ("/backup.sql", SQL),
    ("/dump.sql", SQL),
    ("/server-status", "Apache Server Status"),
    ("/phpinfo.php", "phpinfo\\(\\)"),
    ("/actuator/env", "propertySources"),
    ("/actuator/heapdump", "^JAVA PROFILE"),
    ("/debug/pprof/", "goroutine"),
    ("/debug/vars", "memstats"),
    ("/_profiler", "Symfony Profiler"),
    ("/telescope/requests", "<title>Telescope"),
];

const ENV: &str = r"(?m)^(export )?[A-Z][A-Z0-9_]*\s*=\s*[^\s<]";
const SQL: &str = r"(?i)database dump|^(create table|insert into|copy \S+ )";

/// Whether `body` is what belongs at the usual path `index`.
pub(super) fn is_genuine(index: usize, body: &str) -> bool {
    static LOOKS: LazyLock<Vec<Option<Regex>>> =
        LazyLock::new(|| USUAL.iter().map(|(_, looks)| Regex::new(looks).ok()).collect());
    LOOKS[index].as_ref().is_some_and(|looks| looks.is_match(body)) && !is_page_of_other(index, body)
}

/// A page that shows how such a file looks is not the file.
fn is_page_of_other(index: usize, body: &str) -> bool {
    let tool = ["Apache", "phpinfo", "goroutine", "Symfony", "Telescope"];
    !tool.iter().any(|word| USUAL[index].1.contains(word)) && is_html(body)
}

/// Whether it is a page.
pub(super) fn is_html(body: &str) -> bool {
    let start: String = body.trim_start().chars().take(15).collect();
    let start = start.to_ascii_lowercase();
    start.starts_with("<!doctype html") || start.starts_with("<html") || start.starts_with("<head")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_is_one() {
        for (path, looks) in USUAL {
            assert!(Regex::new(looks).is_ok(), "{path}");
        }
    }
}
