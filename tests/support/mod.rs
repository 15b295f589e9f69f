//! What the tests share: a project in a temporary folder, the binary run in it, and a small HTTP server.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use axum::Router;
use tempfile::TempDir;

/// A project in a temporary folder.
pub(crate) struct Project {
    folder: TempDir,
    env: Vec<(String, String)>,
}

/// What the binary said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Project {
    /// A project with this `smoke.toml`.
    pub(crate) fn new(smoke_toml: &str) -> Self {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("smoke.toml"), smoke_toml).unwrap();
        fs::create_dir(folder.path().join("suites")).unwrap();
        Self {
            folder,
            env: Vec::new(),
        }
    }

    /// A project whose environment `prod` allows everything, looks at `addresses` (lines of `smoke.toml`) and runs the
    /// suite `s`.
    pub(crate) fn prod(addresses: &str, suite: &str) -> Self {
        let head = "[env.prod]\nsuites = [\"s\"]\nallow = [\"read\", \"write\", \"load\"]\n";
        Self::new(&format!("{head}{addresses}\n")).suite("s", suite)
    }

    /// The same against one HTTP server.
    pub(crate) fn http(url: &str, suite: &str) -> Self {
        Self::prod(&format!("http = {url:?}"), suite)
    }

    /// With another suite.
    pub(crate) fn suite(self, name: &str, text: &str) -> Self {
        fs::write(self.folder.path().join(format!("suites/{name}.toml")), text).unwrap();
        self
    }

    /// With an environment variable.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The binary, to be run in the project's folder without a terminal.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_smoke"));
        command.args(args).current_dir(self.path()).stdin(Stdio::null());
        for name in ["CI", "NO_COLOR", "CLICOLOR_FORCE", "FORCE_COLOR"] {
            command.env_remove(name);
        }
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs the binary.
    pub(crate) fn smoke(&self, args: &[&str]) -> Said {
        let output = self.command(args).output().unwrap();
        Said {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// `smoke run prod`.
    pub(crate) fn run(&self) -> Said {
        self.smoke(&["run", "prod"])
    }
}

impl Said {
    /// Asserts the exit code, showing what was said where it is another one.
    #[track_caller]
    pub(crate) fn exits(&self, code: i32) -> &Self {
        assert_eq!(self.code, code, "\n{}\n{}", self.stdout, self.stderr);
        self
    }

    /// Asserts that standard output has every one of `parts`.
    #[track_caller]
    pub(crate) fn says(&self, parts: &[&str]) -> &Self {
        for part in parts {
            assert!(
                self.stdout.contains(part),
                "no {part:?} in\n{}\n{}",
                self.stdout,
                self.stderr
            );
        }
        self
    }

    /// Asserts that each check of `suite` has the verdict that its name begins with, as `[tls.failed_expired]` does.
    #[track_caller]
    pub(crate) fn ends_as_named(&self, suite: &str) -> &Self {
        let headers = suite
            .lines()
            .filter_map(|line| line.strip_prefix('[')?.strip_suffix(']'));
        for header in headers {
            let verdict = header.split(['.', '_']).nth(1).unwrap();
            self.says(&[&format!("\n{verdict:<8} {header}\n")]);
        }
        self
    }

    /// On one line, whatever stands beside or below what.
    pub(crate) fn flat(self) -> Self {
        let words = self.stdout.split(|char: char| char.is_whitespace() || char == '│');
        let stdout = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        Self { stdout, ..self }
    }
}

/// Waits for `work` on this thread.
pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(work)
}

/// Serves `router` on a free port of loopback for as long as the test runs; gives the URL.
pub(crate) fn serve(router: Router) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, router).await.unwrap();
        });
    });
    format!("http://{address}")
}

/// An address on loopback where nobody listens.
pub(crate) fn nobody() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// Asks again and again, for twenty seconds at most, whether it is `done`.
#[track_caller]
pub(crate) fn until(what: &str, mut done: impl FnMut() -> bool) {
    let given_up = Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(Instant::now() < given_up, "{what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Whether the process whose id stands in `file` has ended.
pub(crate) fn has_ended(file: &Path) -> bool {
    let id = fs::read_to_string(file).unwrap();
    let state = fs::read_to_string(format!("/proc/{}/stat", id.trim())).unwrap_or_default();
    state.is_empty() || state.contains(") Z ")
}
