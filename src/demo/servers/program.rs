//! Finds a server's program, also where distributions hide it from `PATH`.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Missing;

/// PostgreSQL's server programs: Debian keeps them out of `PATH`, one directory a version.
pub(super) const POSTGRES: Missing = Missing {
    program: "initdb",
    also_in: "/usr/lib/postgresql/*/bin",
    install: "apt-get install postgresql",
};

/// Redis.
pub(super) const REDIS: Missing = Missing {
    program: "redis-server",
    also_in: "",
    install: "apt-get install redis-server",
};

/// PgBouncer.
pub(super) const PGBOUNCER: Missing = Missing {
    program: "pgbouncer",
    also_in: "/usr/sbin",
    install: "apt-get install pgbouncer",
};

/// nginx.
pub(super) const NGINX: Missing = Missing {
    program: "nginx",
    also_in: "/usr/sbin",
    install: "apt-get install nginx-light",
};

/// Where `wanted.program` is.
pub(super) fn find(wanted: Missing) -> Result<PathBuf, Missing> {
    let path = env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/opt/homebrew/bin"];
    env::split_paths(&path)
        .chain(usual.map(PathBuf::from))
        .map(|folder| folder.join(wanted.program))
        .find(|program| program.is_file())
        .ok_or(wanted)
}

/// The folder with `initdb` and `postgres`: the newest version of those that are installed.
pub(super) fn postgres_folder() -> Result<PathBuf, Missing> {
    let mut versions = Vec::new();
    for (parent, inside) in [
        ("/usr/lib/postgresql", "bin"),
        ("/opt/homebrew/opt", "bin"),
        ("/usr/local/opt", "bin"),
    ] {
        versions.extend(folders_of(Path::new(parent)).map(|folder| folder.join(inside)));
    }
    for version in folders_of(Path::new("/usr")) {
        if name(&version).starts_with("pgsql-") {
            versions.push(version.join("bin"));
        }
    }
    versions.retain(|folder| is_complete(folder));
    versions.sort_by_key(|folder| major(folder));
    if let Some(newest) = versions.pop() {
        return Ok(newest);
    }
    if let Some(folder) = find(POSTGRES)?.parent().filter(|folder| is_complete(folder)) {
        return Ok(folder.to_path_buf());
    }
    asked_pg_config().ok_or(POSTGRES)
}

fn folders_of(parent: &Path) -> impl Iterator<Item = PathBuf> {
    parent
        .read_dir()
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .map(|entry| entry.path())
}

fn is_complete(folder: &Path) -> bool {
    folder.join("initdb").is_file() && folder.join("postgres").is_file()
}

/// `/usr/lib/postgresql/15/bin` and `/opt/homebrew/opt/postgresql@15/bin` are both 15.
fn major(bin: &Path) -> u32 {
    let version = bin.parent().map(name).unwrap_or_default();
    let digits: String = version.chars().filter(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(0)
}

fn name(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

fn asked_pg_config() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").output().ok()?;
    let folder = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
    is_complete(&folder).then_some(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_from_the_folder() {
        assert_eq!(major(Path::new("/usr/lib/postgresql/15/bin")), 15);
        assert_eq!(major(Path::new("/opt/homebrew/opt/postgresql@9/bin")), 9);
        assert_eq!(major(Path::new("/usr/pgsql-16/bin")), 16);
        assert_eq!(major(Path::new("/")), 0);
    }

    #[test]
    fn what_is_missing_says_how_to_get_it() {
        let missing = find(Missing {
            program: "no-such-program-anywhere",
            ..REDIS
        })
        .unwrap_err();
        assert_eq!(
            missing.to_string(),
            "no-such-program-anywhere was not found in PATH; install it with `apt-get install redis-server`"
        );
    }
}
