//! Judges what was applied against what the suite and the files say.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::files::File;
use super::tools::Tool;
use super::{Migrations, Row, Seen};
use crate::outcome::Finding;

impl Migrations {
    pub(super) fn judge_all(&self, seen: &Seen) -> Vec<Finding> {
        let advice = self.tool.advice();
        if *self.tool == Tool::Sql {
            return self.judge_promises(seen);
        }
        let table = seen.table.as_deref().unwrap_or_default();
        if !seen.kept {
            return vec![
                Finding::failed("migrations", format!("the table {table}"), "no table of that name")
                    .at(self.tool.span())
                    .hint(format!("no migration was ever applied to this database: {advice}")),
            ];
        }
        if seen.rows.is_empty() {
            return vec![
                Finding::failed("migrations", format!("rows in {table}"), "none: nothing was applied")
                    .at(self.tool.span())
                    .hint(advice),
            ];
        }
        let mut findings = vec![self.judge_finished(seen)];
        if let Some(head) = &self.head {
            findings.push(self.judge_head(&head.0, seen).at(head.span()));
        }
        if let (Some(folder), Some(files)) = (&self.folder, &seen.files) {
            let judged = self.judge_files(folder, files, seen);
            findings.extend(judged.into_iter().map(|finding| finding.at(folder.span())));
        }
        findings
    }

    /// One that failed and was applied again has two rows, and is finished.
    fn judge_finished(&self, seen: &Seen) -> Finding {
        let applied = seen.applied();
        let mut wrong = Vec::new();
        for row in seen.rows.iter().filter(|row| !row.done) {
            let told = if row.undone {
                "was rolled back and not applied again"
            } else {
                "is unfinished, or failed"
            };
            if !(row.undone && applied.contains(row.name.as_str())) {
                wrong.push(format!("{} {told}", row.name));
            }
        }
        let rows = seen.rows.len();
        let told = if wrong.is_empty() {
            format!("all {rows} are")
        } else {
            wrong.join("; ")
        };
        Finding::expect(wrong.is_empty(), "finished", "every migration that was started", told)
            .at(self.tool.span())
            .hint(self.tool.advice())
    }

    fn judge_head(&self, head: &str, seen: &Seen) -> Finding {
        let applied: Vec<&str> = seen.applied().into_iter().collect();
        if *self.tool == Tool::Alembic {
            let told = applied.join(", ");
            let finding = Finding::expect(applied == [head], "head", head, told);
            return finding.hint(if applied.len() > 1 {
                "several heads: `alembic merge heads`, then upgrade".to_owned()
            } else {
                format!("{}; or is the suite's head the old one?", self.tool.advice())
            });
        }
        let newest = applied
            .iter()
            .copied()
            .max_by(|left, right| natural(left, right))
            .unwrap_or("none");
        let finding = Finding::expect(newest == head, "head", head, newest);
        finding.hint(if applied.contains(&head) {
            "the database is ahead: is the suite's head the old one, or was the code rolled back?"
        } else {
            self.tool.advice()
        })
    }

    fn judge_files(&self, folder: &str, files: &[File], seen: &Seen) -> Vec<Finding> {
        if files.is_empty() {
            let told = format!("none in {folder}, so this proves nothing");
            return vec![Finding::unclear("files", "migrations", told).hint("is this the folder, and of this tool?")];
        }
        if *self.tool == Tool::Alembic {
            let earlier: BTreeSet<&str> = files.iter().flat_map(|file| &file.after).map(String::as_str).collect();
            let heads: Vec<&str> = files
                .iter()
                .map(|file| file.name.as_str())
                .filter(|name| !earlier.contains(name))
                .collect();
            let (expected, told) = (
                heads.join(", "),
                seen.applied().into_iter().collect::<Vec<_>>().join(", "),
            );
            let same = heads.iter().copied().collect::<BTreeSet<_>>() == seen.applied();
            return vec![Finding::expect(same, format!("head of {folder}"), expected, told).hint(self.tool.advice())];
        }
        let applied = seen.applied();
        let names: BTreeSet<&str> = files.iter().map(|file| file.name.as_str()).collect();
        let base = seen.rows.iter().find(|row| row.baseline).map(|row| row.name.as_str());
        let is_before = |name: &str| base.is_some_and(|base| natural(name, base).is_le());
        let missing = |name: &&str| !applied.contains(name) && !is_before(name);
        let pending: Vec<&str> = names.iter().copied().filter(missing).collect();
        let unknown = |name: &&str| !names.contains(name) && !is_before(name);
        let foreign: Vec<&str> = applied.iter().copied().filter(unknown).collect();
        let told = |names: &[&str], what: &str| {
            if names.is_empty() {
                "none".to_owned()
            } else {
                format!("{what}{}", names.join(", "))
            }
        };
        let mut findings = vec![
            Finding::expect(
                pending.is_empty(),
                "applied",
                format!("all {} of {folder}", files.len()),
                if pending.is_empty() {
                    "all".to_owned()
                } else {
                    told(&pending, "pending: ")
                },
            )
            .hint(self.tool.advice()),
            Finding::expect(
                foreign.is_empty(),
                "applied, but not in the folder",
                "none",
                told(&foreign, ""),
            )
            .hint(
                "the database is ahead of these files: was the code rolled back, or is this another branch's database?",
            ),
        ];
        let sum = |row: &Row| {
            files
                .iter()
                .find(|file| file.name == row.name)
                .and_then(|file| file.checksum.clone())
        };
        let compared: Vec<&Row> = seen
            .rows
            .iter()
            .filter(|row| row.done && row.checksum.is_some() && sum(row).is_some())
            .collect();
        if !compared.is_empty() {
            let changed = compared
                .iter()
                .filter(|row| row.checksum != sum(row))
                .map(|row| row.name.as_str());
            let changed: Vec<&str> = changed.collect();
            findings.push(
                Finding::expect(
                    changed.is_empty(),
                    "changed since it was applied",
                    "none",
                    told(&changed, ""),
                )
                .hint("the file is no longer what was run: put the change into a new migration"),
            );
        }
        findings
    }

    fn judge_promises(&self, seen: &Seen) -> Vec<Finding> {
        let place = |finding: Finding| match self.files.first() {
            Some(files) => finding.at(files.span()),
            None => finding,
        };
        if seen.promises.is_empty() {
            let told = format!("nothing in {} files, so this proves nothing", seen.read);
            return vec![place(Finding::unclear("files", "something that is created", told))];
        }
        let missing = seen.promises.iter().filter(|(_, there)| !there);
        let mut findings: Vec<Finding> = missing
            .map(|(promise, _)| {
                place(Finding::failed(promise.to_string(), "there", "missing").hint(self.tool.advice()))
            })
            .collect();
        let there = seen.promises.iter().filter(|(_, there)| *there).count();
        if there > 0 {
            findings.push(place(Finding::passed(
                "created by the files",
                "there",
                format!("{there} of {} things, of {} files", seen.promises.len(), seen.read),
            )));
        }
        findings
    }
}

impl Seen {
    fn applied(&self) -> BTreeSet<&str> {
        let done = self.rows.iter().filter(|row| row.done && !row.undone);
        done.map(|row| row.name.as_str()).collect()
    }
}

/// `10` comes after `9`, and `1.10` after `1.9`.
fn natural(left: &str, right: &str) -> Ordering {
    let numbers = |text: &str| -> Option<Vec<u64>> { text.split('.').map(|part| part.parse().ok()).collect() };
    match (numbers(left), numbers(right)) {
        (Some(left), Some(right)) => left.cmp(&right),
        _ => left.cmp(right),
    }
}
