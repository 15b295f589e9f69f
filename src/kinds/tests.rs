//! What holds for every kind: quantified over the registry.

use std::collections::BTreeSet;

use super::*;
use crate::suite::{Source, Suite, Value as Tree};

#[test]
fn names_are_unique() {
    let names: BTreeSet<&str> = KINDS.iter().map(|entry| entry.name).collect();
    assert_eq!(names.len(), KINDS.len());
}

#[test]
fn every_page_of_the_manual_names_every_key() {
    for entry in KINDS {
        let manual = entry.manual();
        let schema = (entry.schema)();
        let properties = schema.get("properties").and_then(Value::as_object).unwrap();
        for key in properties.keys() {
            assert!(
                manual.contains(key.as_str()),
                "the page of `{}` does not explain `{key}`",
                entry.name
            );
        }
    }
}

#[test]
fn every_page_has_an_example_that_loads() {
    for entry in KINDS {
        let manual = entry.manual();
        let example = manual
            .split("```toml\n")
            .nth(1)
            .and_then(|rest| rest.split("```").next());
        let example = example.unwrap_or_else(|| panic!("the page of `{}` has no example", entry.name));
        let source = Source::new("example.toml", example);
        let (suite, mistakes) = Suite::parse(source);
        assert_eq!(mistakes, []);
        for check in suite.checks.iter().filter(|check| check.kind == entry.name) {
            let mut table = check.table.clone();
            crate::suite::CheckDef::common(&mut table, &check.name_span).unwrap();
            for group in entry.groups {
                group.gather(&mut table, &check.name_span);
            }
            let node = Node::new(check.name_span.clone(), Tree::Table(table));
            let (read, problems) = (entry.read)(&node);
            assert_eq!(problems, [], "{}", entry.name);
            let read = read.unwrap();
            assert!(!read.expects_nothing(), "{}", entry.name);
            assert!(!read.steps().is_empty());
        }
    }
}
