//! A temporary directory for one server, and the user it runs as.
//!
//! PostgreSQL and PgBouncer refuse to run as root. There, as in most containers, the directory is given to an
//! unprivileged user and the server is started as that user.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::StartError;

/// Who runs the servers when we are root: the first of these that exists.
const UNPRIVILEGED: [&str; 2] = ["postgres", "nobody"];

/// Where one server keeps its files; removed on drop.
#[derive(Debug)]
pub(super) struct Workspace {
    folder: TempDir,
    /// Set when we are root.
    user: Option<User>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct User {
    id: u32,
    group: u32,
}

impl Workspace {
    /// A new directory, named after the server.
    pub(super) fn new(server: &str) -> Result<Self, StartError> {
        Self::create(server).map_err(|why| StartError::failed(format_args!("making a directory for {server}"), why))
    }

    fn create(server: &str) -> Result<Self, String> {
        let prefix = format!("smoke-{server}-");
        let folder = TempDir::with_prefix(&prefix).map_err(|error| error.to_string())?;
        if owner(folder.path())? != 0 {
            return Ok(Self { folder, user: None });
        }
        // The other user must be able to reach it; a TMPDIR below /root would not do.
        let folder = TempDir::with_prefix_in(&prefix, "/tmp").unwrap_or(folder);
        let accounts = fs::read_to_string("/etc/passwd").map_err(|error| format!("reading /etc/passwd: {error}"))?;
        let user = unprivileged(&accounts).ok_or("it must not run as root, and there is no user postgres or nobody")?;
        chown(folder.path(), Some(user.id), Some(user.group)).map_err(|error| error.to_string())?;
        Ok(Self {
            folder,
            user: Some(user),
        })
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A command that runs in this directory, as its owner.
    pub(super) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.path());
        if let Some(user) = self.user {
            command.uid(user.id).gid(user.group);
        }
        command
    }

    /// Writes a file that only the server can read.
    pub(super) fn write(&self, name: &str, text: &str) -> Result<PathBuf, StartError> {
        let path = self.path().join(name);
        let written = fs::write(&path, text)
            .and_then(|()| fs::set_permissions(&path, Permissions::from_mode(0o600)))
            .and_then(|()| match self.user {
                Some(user) => chown(&path, Some(user.id), Some(user.group)),
                None => Ok(()),
            });
        match written {
            Ok(()) => Ok(path),
            Err(error) => Err(StartError::failed(format_args!("writing {}", path.display()), error)),
        }
    }
}

fn owner(path: &Path) -> Result<u32, String> {
    Ok(path.metadata().map_err(|error| error.to_string())?.uid())
}

/// The first of [`UNPRIVILEGED`] in the text of `/etc/passwd`.
fn unprivileged(accounts: &str) -> Option<User> {
    UNPRIVILEGED.iter().find_map(|wanted| {
        accounts.lines().find_map(|line| {
            let fields: Vec<&str> = line.split(':').collect();
            match fields[..] {
                [name, _, id, group, ..] if name == *wanted => Some(User {
                    id: id.parse().ok()?,
                    group: group.parse().ok()?,
                }),
                _ => None,
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_own_user_is_preferred() {
        let accounts = "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\npostgres:x:101:104::/:/bin/sh\n";
        assert_eq!(unprivileged(accounts), Some(User { id: 101, group: 104 }));
        assert_eq!(unprivileged("nobody:x:9:8::/:\n"), Some(User { id: 9, group: 8 }));
        assert_eq!(unprivileged("root:x:0:0::/root:/bin/sh\n"), None);
    }
}
