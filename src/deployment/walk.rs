//! The files that a pattern names, without what is not worth reading.

use std::fs;
use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern};

/// What others made: dependencies, history, builds.
const PASSED_OVER: &[&str] = &["node_modules", ".git", "target"];

/// So many files are read.
const MOST: usize = 50_000;

/// The files of one pattern.
#[derive(Debug, Default)]
pub struct Walk {
    /// In the order of their names; relative where the pattern is.
    pub files: Vec<PathBuf>,
    /// How many folders were passed over.
    pub folders: usize,
}

/// Everything that `pattern` names, relative to `root`.
#[must_use]
pub fn files(root: &Path, pattern: &str) -> Walk {
    let mut walk = Walk::default();
    let pattern = pattern.trim_start_matches("./");
    let is_fixed = |part: &&str| !part.contains(['*', '?', '[']);
    let fixed: Vec<&str> = pattern.split('/').take_while(is_fixed).collect();
    let base = fixed.join("/");
    if base == pattern {
        let there = root.join(pattern).is_file();
        walk.files.extend(there.then(|| PathBuf::from(pattern)));
        return walk;
    }
    let Ok(pattern) = Pattern::new(pattern) else {
        return walk;
    };
    let start = match base.as_str() {
        "" if fixed.is_empty() => PathBuf::new(),
        "" => PathBuf::from("/"),
        base => PathBuf::from(base),
    };
    walk.enter(root, &start, &pattern);
    walk.files.sort_unstable();
    walk
}

impl Walk {
    fn enter(&mut self, root: &Path, folder: &Path, pattern: &Pattern) {
        const OPTIONS: MatchOptions = MatchOptions {
            case_sensitive: true,
            require_literal_separator: true,
            require_literal_leading_dot: false,
        };
        for entry in fs::read_dir(root.join(folder)).into_iter().flatten().flatten() {
            let name = folder.join(entry.file_name());
            // A link is not followed: it may lead in circles.
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                if PASSED_OVER.iter().any(|name| entry.file_name() == *name) {
                    self.folders += 1;
                } else {
                    self.enter(root, &name, pattern);
                }
            } else if pattern.matches_path_with(&name, OPTIONS) && entry.path().is_file() && self.files.len() < MOST {
                self.files.push(name);
            }
        }
    }
}
