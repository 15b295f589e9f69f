//! What the unit tests of kinds share: a kind from TOML, findings as lines.

use crate::outcome::Finding;
use crate::suite::{Node, Source, Suite, Value as Tree, decode};

use super::Kind;

/// The kind that `table`, the body of a check, deserialises into.
pub(super) fn kind<K: Kind>(table: &str) -> K {
    let (suite, mistakes) = Suite::parse(Source::new("suite.toml", format!("[{}.tried]\n{table}", K::NAME)));
    assert_eq!(mistakes, []);
    let check = &suite.checks[0];
    let mut table = check.table.clone();
    for group in K::GROUPS {
        group.gather(&mut table, &check.name_span);
    }
    decode(&Node::new(check.name_span.clone(), Tree::Table(table)), K::GROUPS).unwrap()
}

/// Each finding on a line of its own.
pub(super) fn lines(findings: &[Finding]) -> String {
    let line = |finding: &Finding| {
        let hint = finding.hint.as_ref().map(|hint| format!(" (try: {hint})"));
        format!(
            "{} {}: expected {}, seen {}{}\n",
            finding.verdict,
            finding.what,
            finding.expected,
            finding.seen,
            hint.unwrap_or_default()
        )
    };
    findings.iter().map(line).collect()
}

/// What is wrong with the table beyond its types.
pub(super) fn mistakes<K: Kind>(table: &str) -> Vec<String> {
    kind::<K>(table)
        .mistakes()
        .into_iter()
        .map(|problem| problem.message)
        .collect()
}
