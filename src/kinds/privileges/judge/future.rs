//! Rights on what is created later: default privileges.

use super::super::observe::{FutureSeen, Seen};
use super::super::rights::{Future, Right};
use crate::deployment::postgres::identifier;
use crate::outcome::Finding;
use crate::suite::Spanned;

pub(super) fn judge_future(
    future: &Spanned<Future>,
    must: bool,
    seen: &Seen,
    schema: &str,
    findings: &mut Vec<Finding>,
) {
    let by: Vec<_> = seen
        .future
        .iter()
        .filter(|seen| future.by.as_ref().map_or(seen.owner, |by| by.contains(&seen.by)))
        .collect();
    if by.is_empty() {
        let told = format!("no table in {schema}, so that nobody is known who creates any");
        findings.push(
            Finding::unclear(format!("{}: future", seen.name), "roles that create tables", told)
                .at(future.span())
                .hint("name them: `by = [\"migration_user\"]`"),
        );
    }
    for creator in by {
        let judged = judge_creator(creator, future, must, seen, schema);
        findings.extend(judged.into_iter().map(|finding| finding.at(future.span())));
    }
}

/// What the role gets on what one other role creates.
fn judge_creator(creator: &FutureSeen, future: &Future, must: bool, seen: &Seen, schema: &str) -> Vec<Finding> {
    let kinds: [(&str, Vec<&str>, &[String]); 3] = [
        ("tables", words_of(&future.tables), &creator.tables),
        ("sequences", words_of(&future.sequences), &creator.sequences),
        ("functions", words_of(&future.functions), &creator.functions),
    ];
    let asked = kinds.into_iter().filter(|(_, wanted, _)| !wanted.is_empty());
    let judged = asked.map(|(kind, wanted, held)| {
        let what = format!("{}: future {kind} of {}", seen.name, creator.by);
        let expected = if must {
            wanted.join(", ")
        } else {
            format!("no {}", wanted.join(", no "))
        };
        if !creator.exists {
            return Finding::failed(what, expected, "no role of that name");
        }
        let wrong = |right: &&str| held.iter().any(|held| held == right) != must;
        let wrong: Vec<&str> = wanted.iter().copied().filter(wrong).collect();
        let no = if must { "no " } else { "" };
        let told = if wrong.is_empty() {
            expected.clone()
        } else {
            format!("{no}{}", wrong.join(", "))
        };
        let (verb, to) = if must { ("grant", "to") } else { ("revoke", "from") };
        let hint = format!(
            "alter default privileges for role {} in schema {} {verb} {} on {kind} {to} {}",
            identifier(&creator.by),
            identifier(schema),
            wrong.join(", "),
            identifier(&seen.name)
        );
        Finding::expect(wrong.is_empty(), what, expected, told).hint(hint)
    });
    judged.collect()
}

fn words_of<R: Right>(rights: &[R]) -> Vec<&'static str> {
    rights.iter().map(|right| right.word()).collect()
}
