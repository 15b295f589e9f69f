//! The checklist as such: every item has a check in the suite, and a break in the stand-in, which that check notices.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use regex::Regex;

use super::System;
use super::stage::repository;

/// Asserts that no item is without its check or its break, and that each break is noticed by a check of each of its items.
pub(super) fn complete(system: &System) {
    let suite = fs::read_to_string(repository().join(format!("suites/{}.toml", system.name))).unwrap();
    let checks = items_by_check(&suite, system.guide);
    let all: BTreeSet<u32> = (1..=system.items).collect();
    let checked: BTreeSet<u32> = checks.values().flatten().copied().collect();
    let broken: BTreeSet<u32> = system.breaks.iter().flat_map(|broken| broken.items).copied().collect();
    let mut wrong: Vec<String> = Vec::new();
    wrong.extend(all.difference(&checked).map(|item| format!("item {item} has no check")));
    wrong.extend(
        all.difference(&broken)
            .map(|item| format!("nothing breaks item {item}")),
    );
    wrong.extend(
        checked
            .union(&broken)
            .filter(|item| !all.contains(item))
            .map(|item| format!("the guide has no item {item}")),
    );
    let mut names = BTreeSet::new();
    for broken in system.breaks {
        if !names.insert(broken.name) {
            wrong.push(format!("two breaks are called {}", broken.name));
        }
        let mut noticed: BTreeSet<u32> = BTreeSet::new();
        for check in broken.caught_by {
            match checks.get(&written(check)) {
                Some(items) => noticed.extend(items),
                None => wrong.push(format!("{} is to be caught by {check}, which is no check", broken.name)),
            }
        }
        let silent = broken.items.iter().filter(|item| !noticed.contains(item));
        wrong.extend(silent.map(|item| format!("{} breaks item {item}, of which no red check is", broken.name)));
    }
    assert!(wrong.is_empty(), "{}\n  {}", system.name, wrong.join("\n  "));
}

/// The items of each check, by its table: those that its comments name as `# 001-32`, directly above a header, behind one, or
/// inside the table.
fn items_by_check(suite: &str, guide: &str) -> BTreeMap<String, BTreeSet<u32>> {
    let header = Regex::new(r"^\[(\w+\.\w+)").unwrap();
    let item = Regex::new(&format!(r"\b{guide}-(\d+)\b")).unwrap();
    let mut checks: BTreeMap<String, BTreeSet<u32>> = BTreeMap::new();
    let mut check: Option<String> = None;
    let mut above = BTreeSet::new();
    for line in suite.lines() {
        if let Some(header) = header.captures(line) {
            check = Some(header[1].to_owned());
        }
        let comment = line.split_once('#').map_or("", |(_, comment)| comment);
        above.extend(
            item.captures_iter(comment)
                .map(|found| found[1].parse::<u32>().unwrap()),
        );
        match &check {
            _ if line.is_empty() => (above, check) = (BTreeSet::new(), None),
            _ if line.starts_with('#') => {}
            Some(check) => checks.entry(check.clone()).or_default().append(&mut above),
            None => {}
        }
    }
    checks
}

/// The table that a check stands in: `tls.edge.certificate` in `use.edge`, `http.image[square]` in `http.image`.
fn written(check: &str) -> String {
    let name = check.split('[').next().unwrap();
    match name.split('.').collect::<Vec<_>>()[..] {
        [_, part, _] => format!("use.{part}"),
        _ => name.to_owned(),
    }
}

#[test]
fn every_pack_serves_a_system() {
    let systems = ["metricx", "genapp", "masstock", "mvp", "whatsdex"];
    let suites = systems.map(|name| fs::read_to_string(repository().join(format!("suites/{name}.toml"))).unwrap());
    let packs = fs::read_dir(repository().join("checks")).unwrap();
    let names = packs.map(|file| file.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned());
    let idle: Vec<String> = names
        .filter(|name| !suites.iter().any(|suite| suite.contains(&format!("pack = {name:?}"))))
        .collect();
    assert!(idle.is_empty(), "no suite uses {idle:?}");
}

#[test]
fn items_stand_above_a_check_behind_its_header_or_inside_it() {
    let suite = "# 001-9 is about the whole file.\n\n# 001-1 001-2: both\n[http.a] # 001-3\nget = \"/\" # 001-4\n# 001-5\nheaders = {}\n\n\
                 [http.a.json]\n# 001-6\nb = 1\n\n[use.edge]\n";
    let checks = items_by_check(suite, "001");
    assert_eq!(checks["http.a"], BTreeSet::from([1, 2, 3, 4, 5, 6]));
    assert_eq!(checks["use.edge"], BTreeSet::new());
    assert_eq!(written("http.a[portrait]"), "http.a");
    assert_eq!(written("tls.edge.certificate"), "use.edge");
}
