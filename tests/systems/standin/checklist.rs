//! The checklist as such: every item has a check in the suite, and a break in the stand-in.

use std::collections::BTreeSet;
use std::fs;

use regex::Regex;

use super::System;
use super::stage::repository;

/// Asserts that no item is without its check or its break.
pub(super) fn complete(system: &System) {
    let all: BTreeSet<u32> = (1..=system.items).collect();
    let checked = checked(system);
    let missing: Vec<_> = all.difference(&checked).collect();
    assert!(
        missing.is_empty(),
        "items without a check in suites/{}.toml: {missing:?}",
        system.name
    );
    let unknown: Vec<_> = checked.difference(&all).collect();
    assert!(
        unknown.is_empty(),
        "suites/{}.toml names items that the guide has not: {unknown:?}",
        system.name
    );
    let broken: BTreeSet<u32> = system.breaks.iter().flat_map(|broken| broken.items).copied().collect();
    let missing: Vec<_> = all.difference(&broken).collect();
    assert!(
        missing.is_empty(),
        "items of {} that nothing breaks: {missing:?}",
        system.name
    );
    let names: BTreeSet<&str> = system.breaks.iter().map(|broken| broken.name).collect();
    assert_eq!(
        names.len(),
        system.breaks.len(),
        "two breaks of {} share a name",
        system.name
    );
}

/// The items that comments name: `# 001-32`, `# 001-32 001-35`.
fn checked(system: &System) -> BTreeSet<u32> {
    let file = repository().join(format!("suites/{}.toml", system.name));
    let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let item = Regex::new(&format!(r"\b{}-(\d+)\b", system.guide)).unwrap();
    let comments = text
        .lines()
        .filter_map(|line| line.split_once('#').map(|(_, comment)| comment));
    comments
        .flat_map(|comment| {
            item.captures_iter(comment)
                .map(|found| found[1].parse().unwrap())
                .collect::<Vec<u32>>()
        })
        .collect()
}
