//! The files that a pattern names, without what is not worth reading.

use std::fs;
use std::io::ErrorKind;
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
    /// How many folders were passed over, and links to folders.
    pub folders: usize,
    /// What was not looked into, and why.
    pub unreadable: Vec<String>,
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
    if walk.files.len() > MOST {
        let more = walk.files.split_off(MOST).len();
        walk.unreadable
            .push(format!("{more} files more than the {MOST} that are read"));
    }
    walk
}

impl Walk {
    fn enter(&mut self, root: &Path, folder: &Path, pattern: &Pattern) {
        const OPTIONS: MatchOptions = MatchOptions {
            case_sensitive: true,
            require_literal_separator: true,
            require_literal_leading_dot: false,
        };
        let entries = match fs::read_dir(root.join(folder)).and_then(Iterator::collect::<Result<Vec<_>, _>>) {
            Ok(entries) => entries,
            // What the pattern begins with may be nowhere: then it names no file.
            Err(error) if error.kind() == ErrorKind::NotFound => return,
            Err(error) => return self.unreadable.push(format!("{}: {error}", folder.display())),
        };
        for entry in entries {
            let name = folder.join(entry.file_name());
            let path = entry.path();
            let is_link = path.is_symlink();
            // A link is not followed: it may lead in circles.
            if path.is_dir() && (is_link || PASSED_OVER.iter().any(|name| entry.file_name() == *name)) {
                self.folders += 1;
            } else if path.is_dir() {
                self.enter(root, &name, pattern);
            } else if pattern.matches_path_with(&name, OPTIONS) && path.is_file() {
                self.files.push(name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn what_is_not_looked_into_is_told() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        fs::create_dir_all(at("src/deep/node_modules")).unwrap();
        for name in ["src/a.sql", "src/deep/b.sql", "src/deep/node_modules/c.sql", "plain"] {
            fs::write(at(name), "").unwrap();
        }
        symlink(at("src/deep"), at("src/linked")).unwrap();
        symlink(at("src/a.sql"), at("src/z.sql")).unwrap();
        let walk = files(root.path(), "./src/**/*.sql");
        let names: Vec<_> = walk.files.iter().map(|name| name.display().to_string()).collect();
        assert_eq!(names, ["src/a.sql", "src/deep/b.sql", "src/z.sql"]);
        assert_eq!((walk.folders, walk.unreadable.len()), (2, 0));
        assert!(files(root.path(), "nowhere/*").unreadable.is_empty());
        assert!(files(root.path(), "plain/*").unreadable[0].starts_with("plain: "));
    }
}
