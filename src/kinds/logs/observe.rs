//! Reads files or a program's output, and keeps only what is wrong with it.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use regex::Regex;
use serde_json::{Map, Value};

use crate::deployment::secrets::{Place, Secrets, Sought};
use crate::deployment::{Target, Unobserved, program};
use crate::suite::Period;

use super::{Hits, Logs, Seen, when};

/// Of a longer file the end is read.
const MOST: u64 = 32 << 20;

pub(super) async fn look(logs: &Logs, target: &Target<'_>) -> Result<Seen, Unobserved> {
    let mut reading = Reading::new(logs);
    if let Some(command) = &logs.command {
        let ended = program::run(command, &target.path(""), &[], target.timeout()).await?;
        let name = command.first().map_or("the output", String::as_str);
        if ended.code != Some(0) {
            let code = ended
                .code
                .map_or_else(|| "a signal".to_owned(), |code| format!("exit code {code}"));
            let why = reading.secrets.redact(ended.stderr.trim()).into_owned();
            return Err(Unobserved::new(format!("{name} ended with {code}: {why}")));
        }
        if ended.cut {
            reading.seen.cut.push(name.to_owned());
        }
        reading.text(name, &program::without_colours(&ended.stdout));
        return Ok(reading.seen);
    }
    let mut known = BTreeSet::new();
    for (index, pattern) in logs.files.iter().enumerate() {
        let walk = target.files(pattern);
        reading.seen.folders += walk.folders;
        reading.seen.unreadable.extend(walk.unreadable);
        if walk.files.is_empty() {
            reading.seen.unmatched.push(index);
        }
        for name in walk.files {
            if known.insert(name.clone()) {
                reading.file(&name.to_string_lossy(), target);
                tokio::task::yield_now().await;
            }
        }
    }
    Ok(reading.seen)
}

struct Reading<'a> {
    logs: &'a Logs,
    sought: Sought,
    secrets: Secrets,
    seen: Seen,
}

impl<'a> Reading<'a> {
    fn new(logs: &'a Logs) -> Self {
        let secrets = Secrets::new();
        logs.never.iter().for_each(|value| secrets.add(value));
        Self {
            logs,
            sought: Sought::new(
                Place::Private,
                logs.secrets,
                logs.never.iter().map(|value| value.as_str()),
            ),
            secrets,
            seen: Seen {
                lacks: vec![Hits::default(); logs.lacks.len()],
                contains: vec![0; logs.contains.len()],
                without: vec![Hits::default(); logs.keys.len()],
                ..Seen::default()
            },
        }
    }

    fn file(&mut self, name: &str, target: &Target<'_>) {
        match read(&target.path(name)) {
            Err(error) => self.seen.unreadable.push(format!("{name}: {error}")),
            Ok((bytes, _, _)) if bytes.iter().take(8 << 10).any(|byte| *byte == 0) => self.seen.binary += 1,
            Ok((bytes, cut, age)) => {
                if cut {
                    self.seen.cut.push(name.to_owned());
                }
                self.seen.age = match (self.seen.age, age) {
                    (Some(known), Some(age)) => Some(known.min(age)),
                    (known, age) => known.or(age),
                };
                self.seen.files += 1;
                self.text(name, &String::from_utf8_lossy(&bytes));
            }
        }
    }

    fn text(&mut self, name: &str, text: &str) {
        let lines: Vec<&str> = text.lines().collect();
        let older = match &self.logs.since {
            None => Vec::new(),
            Some(since) => when::older(&lines, ago(**since)).unwrap_or_else(|| {
                self.seen.undated.push(name.to_owned());
                Vec::new()
            }),
        };
        let is_older = |index: usize| older.get(index).is_some_and(|older| *older);
        let allowed = |line: &str| self.logs.allow.iter().any(|needle| needle.is_in(line));
        for leaked in self.sought.find_in(text, |_| false) {
            let index = leaked.line - 1;
            if !is_older(index) && !lines.get(index).is_some_and(|line| allowed(line)) {
                self.seen.leaked.push((name.to_owned(), leaked));
            }
        }
        for (index, line) in lines.iter().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let Some(line) = self.ours(line) else {
                self.seen.others += 1;
                continue;
            };
            if is_older(index) {
                self.seen.older += 1;
                continue;
            }
            self.seen.lines += 1;
            let place = || format!("{name}, line {}", index + 1);
            let secrets = &self.secrets;
            let note = |hits: &mut Hits| {
                hits.count += 1;
                hits.first
                    .get_or_insert_with(|| (place(), secrets.redact(line.trim()).into_owned()));
            };
            for (count, needle) in self.seen.contains.iter_mut().zip(&self.logs.contains) {
                *count += usize::from(needle.is_in(line));
            }
            let object = serde_json::from_str::<Map<String, Value>>(line).ok();
            if self.logs.wants_json() {
                match &object {
                    None => note(&mut self.seen.not_json),
                    Some(object) => {
                        let keys = self.logs.keys.iter().zip(&mut self.seen.without);
                        keys.filter(|(key, _)| !object.contains_key(key.as_str()))
                            .for_each(|(_, hits)| note(hits));
                    }
                }
            }
            if allowed(line) {
                continue;
            }
            let lacks = self.logs.lacks.iter().zip(&mut self.seen.lacks);
            lacks
                .filter(|(needle, _)| needle.is_in(line))
                .for_each(|(_, hits)| note(hits));
            if is_error(line, object.as_ref()) {
                note(&mut self.seen.errors);
            }
        }
    }
}

impl Reading<'_> {
    /// The line without its prefix; none where it has none, and should.
    fn ours<'b>(&self, line: &'b str) -> Option<&'b str> {
        match &self.logs.prefix {
            Some(prefix) => prefix.0.find(line).map(|found| &line[found.end()..]),
            None => Some(line),
        }
    }
}

fn ago(period: Period) -> Timestamp {
    let now = Timestamp::now();
    now.checked_sub(period.0).unwrap_or(Timestamp::MIN)
}

/// The end of a file, whether there was more, and how long ago it was written.
fn read(path: &Path) -> std::io::Result<(Vec<u8>, bool, Option<Duration>)> {
    let mut file = File::open(path)?;
    let about = file.metadata()?;
    let cut = about.len() > MOST;
    if cut {
        file.seek(SeekFrom::Start(about.len() - MOST))?;
    }
    let mut bytes = Vec::new();
    file.take(MOST).read_to_end(&mut bytes)?;
    let age = about.modified().ok();
    let age = age.map(|then| SystemTime::now().duration_since(then).unwrap_or_default());
    Ok((bytes, cut, age))
}

/// Whether the level of a line is an error or worse: by its field where it is JSON (pino's are numbers), else by the word.
fn is_error(line: &str, object: Option<&Map<String, Value>>) -> bool {
    static WORD: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"\b(ERROR|FATAL|CRITICAL|PANIC|EMERG|Traceback)\b|level=.?(error|fatal|panic)|\[(error|fatal)\]|^(\S+ ){0,3}(error|Error):").ok()
    });
    let level = object.and_then(|object| {
        ["level", "severity", "lvl", "levelname"]
            .iter()
            .find_map(|key| object.get(*key))
    });
    match level {
        Some(Value::Number(number)) => number.as_i64().is_some_and(|level| level >= 50),
        Some(Value::String(level)) => {
            let errors = [
                "error",
                "err",
                "fatal",
                "critical",
                "panic",
                "alert",
                "emerg",
                "emergency",
            ];
            errors.contains(&level.to_ascii_lowercase().as_str())
        }
        _ => WORD.as_ref().is_some_and(|word| word.is_match(line)),
    }
}
