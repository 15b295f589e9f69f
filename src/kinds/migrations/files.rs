//! The migrations on disk.

use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256, Sha384};

use super::tools::Tool;
use crate::deployment::{Target, Unobserved};
use crate::suite::Spanned;

/// A migration as its file tells it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct File {
    pub(super) name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) checksum: Option<String>,
    /// Of Alembic: the revisions it comes after.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) after: Vec<String>,
}

/// The migrations of `tool` in `folder`, by name.
pub(super) fn read(tool: Tool, folder: &str, target: &Target<'_>) -> Result<Vec<File>, Unobserved> {
    let listed = fs::read_dir(target.path(folder)).map_err(|why| {
        Unobserved::new(format!("the folder {folder} cannot be read: {why}"))
            .hint("the path is one from the project's folder")
    })?;
    let mut paths: Vec<PathBuf> = listed.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    let mut files = Vec::new();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let file = match tool {
            Tool::Prisma => {
                let script = path.join("migration.sql");
                if script.is_file() {
                    Some(plain(name, Some(sha256(&bytes(&script)?))))
                } else {
                    None
                }
            }
            Tool::Alembic if has_extension(&path, "py") => revision(&String::from_utf8_lossy(&bytes(&path)?)),
            Tool::Flyway => name
                .strip_prefix('V')
                .and_then(|rest| rest.split_once("__"))
                .map(|(version, _)| plain(version.replace('_', "."), None)),
            Tool::Sqlx if is_script(&path, &name) => {
                let version = digits(&name).trim_start_matches('0').to_owned();
                Some(plain(version, Some(sha384(&bytes(&path)?)))).filter(|file| !file.name.is_empty())
            }
            Tool::Supabase | Tool::Table if is_script(&path, &name) => {
                let version = digits(&name);
                let version = if tool == Tool::Table {
                    version.trim_start_matches('0')
                } else {
                    version
                };
                Some(plain(version.to_owned(), None)).filter(|file| !file.name.is_empty())
            }
            _ => None,
        };
        files.extend(file);
    }
    Ok(files)
}

/// The text of every file that one of `patterns` names, in the order of their names.
pub(super) fn texts(patterns: &[Spanned<String>], target: &Target<'_>) -> Result<Vec<String>, Unobserved> {
    let mut all = Vec::new();
    for pattern in patterns {
        let walk = target.files(pattern);
        if let Some(why) = walk.unreadable.first() {
            return Err(Unobserved::new(format!("not every file could be looked for: {why}")));
        }
        if walk.files.is_empty() {
            return Err(Unobserved::new(format!("there is no file {}", pattern.as_str()))
                .hint("the path is one from the project's folder"));
        }
        for name in walk.files {
            let text = bytes(&target.path(&name.to_string_lossy()))?;
            all.push(String::from_utf8_lossy(&text).into_owned());
        }
    }
    Ok(all)
}

fn plain(name: String, checksum: Option<String>) -> File {
    File {
        name,
        checksum,
        after: Vec::new(),
    }
}

fn bytes(path: &Path) -> Result<Vec<u8>, Unobserved> {
    fs::read(path).map_err(|why| Unobserved::new(format!("{} cannot be read: {why}", path.display())))
}

fn has_extension(path: &Path, wanted: &str) -> bool {
    path.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case(wanted))
}

/// A script that goes forward.
fn is_script(path: &Path, name: &str) -> bool {
    has_extension(path, "sql") && !name.ends_with(".down.sql")
}

fn digits(name: &str) -> &str {
    name.split(|char: char| !char.is_ascii_digit())
        .next()
        .unwrap_or_default()
}

/// The revision that a file of Alembic is, and those that it comes after.
fn revision(text: &str) -> Option<File> {
    let value = |name: &str| {
        let line = Regex::new(&format!(r"(?m)^{name}\b[^=\n]*=[ \t]*(\([^)]*\)|.*)$")).ok()?;
        Some(line.captures(text)?.get(1)?.as_str().to_owned())
    };
    let quoted = Regex::new(r#"["']([^"']+)["']"#).ok()?;
    let names = |text: &str| -> Vec<String> { quoted.captures_iter(text).map(|found| found[1].to_owned()).collect() };
    let name = names(&value("revision")?).into_iter().next()?;
    Some(File {
        name,
        checksum: None,
        after: value("down_revision").map(|text| names(&text)).unwrap_or_default(),
    })
}

fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn sha384(bytes: &[u8]) -> String {
    hex(&Sha384::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
