//! Imports point one way: `commands → engine → plan → kinds → deployment`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Who may import what of this crate, besides itself.
const ALLOWED: &[(&str, &[&str])] = &[
    (
        "commands",
        &[
            "demo",
            "deployment",
            "engine",
            "kinds",
            "outcome",
            "plan",
            "report",
            "suite",
        ],
    ),
    ("engine", &["deployment", "kinds", "outcome", "plan", "suite"]),
    ("plan", &["deployment", "kinds", "outcome", "suite"]),
    ("kinds", &["deployment", "outcome", "suite"]),
    ("deployment", &["outcome", "suite"]),
    ("report", &["outcome"]),
    ("suite", &["outcome"]),
    ("outcome", &[]),
    ("demo", &[]),
];

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn every_module_imports_only_what_is_below_it() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut seen = BTreeSet::new();
    for (module, allowed) in ALLOWED {
        let mut sources = Vec::new();
        files(&src.join(module), &mut sources);
        assert!(!sources.is_empty(), "{module} has no files");
        for source in sources {
            let text = fs::read_to_string(&source).unwrap();
            for import in text.split("crate::").skip(1) {
                let name: String = import
                    .chars()
                    .take_while(|c| c.is_ascii_lowercase() || *c == '_')
                    .collect();
                let fine = name == *module || name.is_empty() || allowed.contains(&name.as_str());
                assert!(fine, "{} imports `{name}`, which stands above it", source.display());
                seen.insert((*module, name));
            }
        }
    }
    assert!(seen.len() > ALLOWED.len(), "the test has looked at nothing");
}

#[test]
fn kinds_do_not_know_each_other() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/kinds");
    let mut sources = Vec::new();
    files(&folder, &mut sources);
    let kind = |path: &Path| {
        let inside = path.strip_prefix(&folder).unwrap();
        let first = inside
            .components()
            .next()
            .unwrap()
            .as_os_str()
            .to_string_lossy()
            .into_owned();
        first.trim_end_matches(".rs").to_owned()
    };
    let kinds: BTreeSet<String> = sources.iter().map(|path| kind(path)).collect();
    for source in &sources {
        let (own, text) = (kind(source), fs::read_to_string(source).unwrap());
        if ["mod", "tests", "testing", "check"].contains(&own.as_str()) {
            continue;
        }
        for other in kinds
            .iter()
            .filter(|other| **other != own && !["testing", "check"].contains(&other.as_str()))
        {
            let imported = text.contains(&format!("super::{other}::")) || text.contains(&format!("kinds::{other}::"));
            let below = text.contains(&format!("super::super::{other}::"));
            assert!(
                !imported && !below || folder.join(&own).join(format!("{other}.rs")).exists(),
                "{own} imports {other}"
            );
        }
    }
}
