//! A server process that ends when we do, however we end.
//!
//! The server is the child of a few lines of shell that hold on to the other end of a pipe. When our end closes,
//! because the value was dropped or because we were killed, the shell stops the server and removes its directory.
//! Ctrl-C in the terminal does not reach them: they have a process group of their own.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::StartError;
use super::workspace::Workspace;

/// `$1` signals, `$2` directory, then the server's command line. The watcher only ends well when the pipe has closed;
/// a server that ends by itself leaves its log to be read.
const HOLD: &str = r#"
signals=$1 directory=$2
shift 2
exec 3<&0 </dev/null
"$@" 3<&- &
server=$!
{ read -r _ <&3; for signal in $signals; do kill -s "$signal" "$server"; done; :; } 2>/dev/null &
watcher=$!
wait "$server"
status=$?
kill "$watcher" 2>/dev/null
wait "$watcher" && rm -rf "$directory"
exit "$status"
"#;

/// How long a server may take to stop.
const PATIENCE: Duration = Duration::from_secs(10);

/// A running server, its directory and its output.
#[derive(Debug)]
pub(super) struct Leashed {
    name: &'static str,
    child: Child,
    leash: Option<ChildStdin>,
    log: PathBuf,
    /// Removed after the server has ended.
    _workspace: Arc<Workspace>,
}

impl Leashed {
    /// Starts `program` in its workspace, where its output goes to a file; `signals` (names) make it stop at once.
    pub(super) fn start<A: AsRef<OsStr>>(
        name: &'static str,
        workspace: Arc<Workspace>,
        signals: &str,
        program: impl AsRef<OsStr>,
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<Self, StartError> {
        let log = workspace.path().join("server.log");
        let mut command = workspace.command("/bin/sh");
        command.args(["-c", HOLD, "sh", signals]).arg(workspace.path());
        command.arg(program).args(arguments).process_group(0);
        let mut child =
            spawn(command, &log).map_err(|error| StartError::failed(format_args!("starting {name}"), error))?;
        Ok(Self {
            name,
            leash: child.stdin.take(),
            child,
            log,
            _workspace: workspace,
        })
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn has_ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)))
    }

    /// The end of what it has written, for an error.
    pub(super) fn log(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        lines[lines.len().saturating_sub(6)..].join("; ")
    }
}

fn spawn(mut command: Command, log: &Path) -> std::io::Result<Child> {
    let output = File::create(log)?;
    command.stdin(Stdio::piped()).stderr(output.try_clone()?).stdout(output);
    command.spawn()
}

impl Drop for Leashed {
    fn drop(&mut self) {
        drop(self.leash.take());
        let stopping = Instant::now();
        while !self.has_ended() {
            if stopping.elapsed() > PATIENCE {
                let _ = self.child.kill();
                let _ = self.child.wait();
                return;
            }
            sleep(Duration::from_millis(5));
        }
    }
}
