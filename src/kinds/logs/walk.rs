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
pub(super) struct Walk {
    pub(super) files: Vec<PathBuf>,
    /// How many folders were passed over.
    pub(super) folders: usize,
}

/// Everything that `pattern` names.
pub(super) fn files(pattern: &str) -> Walk {
    let mut walk = Walk::default();
    let is_fixed = |part: &&str| !part.contains(['*', '?', '[']);
    let fixed: Vec<&str> = pattern.split('/').take_while(is_fixed).collect();
    let base = fixed.join("/");
    if base == pattern {
        walk.files
            .extend(Path::new(pattern).is_file().then(|| PathBuf::from(pattern)));
        return walk;
    }
    let Ok(pattern) = Pattern::new(pattern.trim_start_matches("./")) else {
        return walk;
    };
    let start = match base.as_str() {
        "" if fixed.is_empty() => PathBuf::from("."),
        "" => PathBuf::from("/"),
        base => PathBuf::from(base.trim_start_matches("./")),
    };
    walk.enter(&start, &pattern);
    walk.files.sort_unstable();
    walk
}

impl Walk {
    fn enter(&mut self, folder: &Path, pattern: &Pattern) {
        const OPTIONS: MatchOptions = MatchOptions {
            case_sensitive: true,
            require_literal_separator: true,
            require_literal_leading_dot: false,
        };
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let path = path.strip_prefix(".").map(Path::to_owned).unwrap_or(path);
            // A link is not followed: it may lead in circles.
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                if PASSED_OVER.iter().any(|name| entry.file_name() == *name) {
                    self.folders += 1;
                } else {
                    self.enter(&path, pattern);
                }
            } else if pattern.matches_path_with(&path, OPTIONS) && path.is_file() && self.files.len() < MOST {
                self.files.push(path);
            }
        }
    }
}
