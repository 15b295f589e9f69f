//! A program of this machine, run as a check's way to look: no shell, bounded output, killed with its check.

use std::borrow::Cow;
use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use regex::Regex;
use rustix::process::{Pid, Signal, kill_process_group};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};

use super::Unobserved;

/// So many bytes of each of its two outputs are kept; what comes after is read and forgotten.
const KEPT: usize = 4 << 20;

/// How a program ended.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Ended {
    /// Its exit code; `None` where a signal ended it.
    pub code: Option<i32>,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
    /// Whether there was more output than is kept.
    pub cut: bool,
    /// From start to end, in milliseconds.
    pub took_ms: f64,
}

/// Runs `argv` in `folder` (where smoke is, if that is empty) with the variables `env` besides those of this process, its
/// standard input empty. It is killed where it has not ended after `timeout`, and where the future is dropped, with all that
/// it has started. What it leaves behind when it ends by itself stays: `docker compose up --detach`.
///
/// # Errors
/// When it could not be started, or did not end in time.
pub async fn run(
    argv: &[String],
    folder: &Path,
    env: &[(String, String)],
    timeout: Duration,
) -> Result<Ended, Unobserved> {
    let Some((program, arguments)) = argv.split_first() else {
        return Err(Unobserved::new("there is no program to run"));
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .envs(env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    if !folder.as_os_str().is_empty() {
        command.current_dir(folder);
    }
    let start = Instant::now();
    let mut child = command.spawn().map_err(|error| not_started(program, &error))?;
    let mut group = Group::of(&child);
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let all = async { tokio::join!(child.wait(), read(stdout), read(stderr)) };
    let (status, stdout, stderr) = tokio::time::timeout(timeout, all).await.map_err(|_| {
        Unobserved::new(format!(
            "{program} did not end within {}",
            humantime::format_duration(timeout)
        ))
        .hint("give it more time with timeout = \"…\"; a program that waits for input or a login never ends")
    })?;
    group.0 = None;
    let status: ExitStatus = status.map_err(|error| Unobserved::new(format!("{program}: {error}")))?;
    Ok(Ended {
        code: status.code(),
        cut: stdout.1 || stderr.1,
        stdout: stdout.0,
        stderr: stderr.0,
        took_ms: start.elapsed().as_secs_f64() * 1000.0,
    })
}

/// A program and what it has started, killed when this is dropped: a wrapper such as npm's is a shell, and its work a child.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self(id.and_then(Pid::from_raw))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            // None may be left of it.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}

/// The text without the sequences that colour a terminal.
#[must_use]
pub fn without_colours(text: &str) -> Cow<'_, str> {
    match Regex::new("\u{1b}\\[[0-9;?]*[A-Za-z]") {
        Ok(regex) => regex.replace_all(text, ""),
        Err(_) => Cow::Borrowed(text),
    }
}

fn not_started(program: &str, error: &io::Error) -> Unobserved {
    match error.kind() {
        io::ErrorKind::NotFound => Unobserved::new(format!("there is no program `{program}` here"))
            .hint("install it where smoke runs, or skip this check there"),
        _ => Unobserved::new(format!("{program} cannot be started: {error}")),
    }
}

/// Everything that comes, as text, and whether some of it was not kept.
async fn read(pipe: Option<impl AsyncRead + Unpin>) -> (String, bool) {
    let (mut kept, mut cut) = (Vec::new(), false);
    if let Some(mut pipe) = pipe {
        let mut chunk = vec![0; 64 << 10];
        loop {
            let count = match pipe.read(&mut chunk).await {
                Ok(0) => break,
                Ok(count) => count,
                Err(_) => {
                    cut = true;
                    break;
                }
            };
            let room = KEPT.saturating_sub(kept.len()).min(count);
            kept.extend_from_slice(&chunk[..room]);
            cut |= room < count;
        }
    }
    (String::from_utf8_lossy(&kept).into_owned(), cut)
}
