//! The findings about variables.

use std::ops::Range;

use crate::outcome::Finding;

use super::facts::{Fact, State};
use super::rule::Rule;
use super::{Compared, Env, Seen};

pub(super) fn judge(check: &Env, seen: &Seen) -> Vec<Finding> {
    if seen.count == 0 {
        let finding = Finding::unclear(&seen.source, "variables", "none at all: this proves nothing");
        return vec![finding.hint("is it the right file, program or project?")];
    }
    let mut findings = Vec::new();
    for (name, fact) in check.present.iter().zip(&seen.present) {
        findings.extend(variable(name, &Rule::default(), fact, &seen.source, &name.span()));
    }
    for ((name, rule), fact) in check.required.iter().zip(&seen.required) {
        findings.extend(variable(name, rule, fact, &seen.source, &rule.span()));
    }
    for (name, fact) in check.absent.iter().zip(&seen.absent) {
        let (holds, shown) = match fact.state {
            State::Absent => (true, "not set"),
            State::Empty => (true, "set to nothing"),
            State::Named | State::Set => (false, "set"),
        };
        let finding = Finding::expect(holds, name.as_str(), "not set", shown);
        let hint = format!("remove {} there, then deploy again", name.as_str());
        findings.push(finding.at(name.span()).hint(hint));
    }
    for (names, compared) in check.same.iter().zip(&seen.same) {
        let all = compared.equal.first().is_some_and(|equal| equal.len() == names.len());
        let shown = if all { "equal" } else { "they differ" };
        let finding = Finding::expect(all, names.join(", "), "equal values", shown);
        findings.push(known(finding, compared).at(names.span()));
    }
    for (names, compared) in check.different.iter().zip(&seen.different) {
        let pairs: Vec<String> = compared.equal.iter().map(|equal| equal.join(" and ")).collect();
        let shown = if pairs.is_empty() {
            "all different".to_owned()
        } else {
            format!("the same in {}", pairs.join("; "))
        };
        let finding = Finding::expect(pairs.is_empty(), names.join(", "), "values of their own", shown);
        // Two that are equal are enough, whatever the others are; and one that may be missing, and is, equals none.
        let unknown = compared
            .unknown
            .iter()
            .filter(|name| !missing_at_will(check, seen, name));
        let compared = Compared {
            unknown: unknown.cloned().collect(),
            equal: Vec::new(),
        };
        let finding = if pairs.is_empty() {
            known(finding, &compared)
        } else {
            finding
        };
        findings.push(finding.at(names.span()));
    }
    if nothing_examined(check, seen) {
        let shown = "none of the optional variables is set: this proves nothing";
        findings.push(Finding::unclear(&seen.source, "variables to look at", shown));
    }
    findings
}

/// Whether `name` is optional, and not set.
fn missing_at_will(check: &Env, seen: &Seen, name: &str) -> bool {
    let mut required = check.required.iter().zip(&seen.required);
    required.any(|((own, rule), fact)| own == name && rule.optional && fact.state == State::Absent)
}

/// Values that are not known cannot be compared.
fn known(finding: Finding, compared: &Compared) -> Finding {
    if compared.unknown.is_empty() {
        return finding;
    }
    let shown = format!("no value is known of {}", compared.unknown.join(", "));
    Finding::unclear(finding.what, finding.expected, shown)
}

fn nothing_examined(check: &Env, seen: &Seen) -> bool {
    let all_optional = check.required.iter().all(|(_, rule)| rule.optional);
    let none_there = seen.required.iter().all(|fact| fact.state == State::Absent);
    let nothing_else =
        check.present.is_empty() && check.absent.is_empty() && check.same.is_empty() && check.different.is_empty();
    nothing_else && all_optional && none_there
}

fn variable(name: &str, rule: &Rule, fact: &Fact, source: &str, span: &Range<usize>) -> Vec<Finding> {
    let set_it = format!("set {name} to a value made for this deployment, then deploy again");
    let one = |finding: Finding| vec![finding.at(span.clone())];
    match fact.state {
        State::Absent | State::Empty if rule.optional => one(Finding::passed(name, "set, or left out", "left out")),
        State::Absent => {
            let hint = match &fact.near {
                Some(near) => format!("there is {near}: did you mean that?"),
                None => set_it,
            };
            one(Finding::failed(name, "set", format!("not set in {source}")).hint(hint))
        }
        State::Empty => one(Finding::failed(name, "set", "set to nothing").hint(set_it)),
        State::Named => {
            let wanted = rules(rule, fact, span);
            let mut findings = vec![Finding::passed(name, "set", "set; only its name is told").at(span.clone())];
            if !wanted.is_empty() {
                let expected: Vec<String> = wanted.into_iter().map(|(_, expected, _, _)| expected).collect();
                let shown = format!("only names are told by {source}, no values");
                findings.push(Finding::unclear(name, expected.join(", "), shown).at(span.clone()));
            }
            findings
        }
        State::Set => {
            let mut findings = Vec::new();
            if let Some(why) = &fact.example {
                let shown = format!("an example: {why}");
                findings.push(
                    Finding::failed(name, "a value of your own", shown)
                        .hint(set_it.clone())
                        .at(span.clone()),
                );
            }
            if fact.wrapped {
                let shown = "quotes or blanks around it, which are part of the value";
                findings.push(
                    Finding::failed(name, "a bare value", shown)
                        .hint("set it without them")
                        .at(span.clone()),
                );
            }
            let judged = rules(rule, fact, span)
                .into_iter()
                .map(|(holds, expected, shown, span)| {
                    let finding = Finding::expect(holds, name, expected, shown);
                    finding.at(span).hint(set_it.clone())
                });
            findings.extend(judged);
            if findings.is_empty() {
                findings.push(Finding::passed(name, "set", "set, and no example").at(span.clone()));
            }
            findings
        }
    }
}

/// Whether it holds, what is expected, what was seen, where it is written.
type Judged = (bool, String, String, Range<usize>);

/// Each rule, judged.
fn rules(rule: &Rule, fact: &Fact, span: &Range<usize>) -> Vec<Judged> {
    let mut judged: Vec<Judged> = Vec::new();
    let characters = format!("{} characters", fact.length);
    if let Some(least) = &rule.min_length {
        let expected = format!("at least {} characters", **least);
        judged.push((fact.length >= **least, expected, characters.clone(), least.span()));
    }
    if let Some(length) = &rule.length {
        judged.push((
            fact.length == **length,
            format!("{} characters", **length),
            characters,
            length.span(),
        ));
    }
    if let Some(bits) = &rule.entropy {
        let expected = format!("at least {} bits of entropy", **bits);
        judged.push((
            fact.entropy >= **bits,
            expected,
            format!("about {}", fact.entropy),
            bits.span(),
        ));
    }
    let mut test = |name: &str, expected: String, span: Range<usize>| {
        let (holds, seen) = match fact.tests.get(name) {
            Some(test) => (test.holds, test.seen.clone()),
            None => (false, "not looked at".to_owned()),
        };
        judged.push((holds, expected, seen, span));
    };
    if let Some(value) = &rule.equals {
        test("equals", format!("{value:?}"), span.clone());
    }
    if let Some(words) = &rule.prefix {
        test("prefix", format!("begins with {}", **words), words.span());
    }
    if let Some(words) = &rule.suffix {
        test("suffix", format!("ends with {}", **words), words.span());
    }
    if let Some(pattern) = &rule.matches {
        test("matches", format!("matches /{}/", pattern.0), pattern.span());
    }
    if let Some(values) = &rule.one_of {
        test("one_of", format!("is one of {}", values.join(", ")), values.span());
    }
    if let Some(values) = &rule.not_one_of {
        test(
            "not_one_of",
            "is none of the values that are ruled out".to_owned(),
            values.span(),
        );
    }
    if let Some(words) = &rule.url {
        let local = if rule.local { "" } else { ", not of localhost" };
        test("url", format!("is a {} URL{local}", **words), words.span());
    }
    if let Some(user) = &rule.user {
        test("user", format!("has the user {}", user.as_str()), user.span());
    }
    if let Some(tls) = &rule.tls {
        test("tls", "asks for TLS".to_owned(), tls.span());
    }
    if let Some(fernet) = &rule.fernet {
        test("fernet", "is a Fernet key".to_owned(), fernet.span());
    }
    if let Some(role) = &rule.jwt_role {
        test("jwt_role", format!("has the role {}", role.as_str()), role.span());
    }
    judged
}
