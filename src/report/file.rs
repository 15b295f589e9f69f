//! Writes the file of a report whole or not at all: who reads it while it is written, or after a crash, sees the old one.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Writes `content` beside `path` and renames it. Folders are created; a device or pipe is written to as it is.
pub(super) fn write(path: &Path, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    replace(path, content).map_err(|error| {
        let message = format!("the report {} could not be written: {error}", path.display());
        io::Error::new(error.kind(), message)
    })
}

fn replace(path: &Path, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    // The file behind a symbolic link is replaced, not the link.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    match fs::metadata(&target) {
        Ok(known) if known.is_dir() => return Err(io::Error::from(io::ErrorKind::IsADirectory)),
        Ok(known) if !known.is_file() => {
            let mut out = BufWriter::new(File::options().write(true).open(path)?);
            content(&mut out)?;
            return out.flush();
        }
        _ => {}
    }
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    fs::create_dir_all(&folder)?;
    let mut out = BufWriter::new(beside(&folder)?);
    content(&mut out)?;
    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.persist(&target).map_err(|error| error.error)?;
    Ok(())
}

/// A temporary file is private by default; a report is for whoever may read the folder, as the user's umask says.
#[cfg(unix)]
fn beside(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    use std::os::unix::fs::PermissionsExt as _;

    tempfile::Builder::new()
        .prefix(".smoke-")
        .permissions(fs::Permissions::from_mode(0o666))
        .tempfile_in(folder)
}

#[cfg(not(unix))]
fn beside(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    tempfile::Builder::new().prefix(".smoke-").tempfile_in(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(text: &'static str) -> impl FnOnce(&mut dyn Write) -> io::Result<()> {
        move |out| out.write_all(text.as_bytes())
    }

    #[test]
    fn creates_folders_and_replaces_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/report.xml");
        write(&path, content("one, and longer")).unwrap();
        write(&path, content("two")).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_failure_leaves_the_old_report_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.xml");
        write(&path, content("old")).unwrap();
        let error = write(&path, |out| {
            out.write_all(b"half")?;
            Err(io::Error::other("disk full"))
        });
        assert!(
            error
                .unwrap_err()
                .to_string()
                .ends_with("report.xml could not be written: disk full")
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let error = write(folder.path(), content("x")).unwrap_err();
        assert!(error.to_string().contains("could not be written"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn others_may_read_it_and_links_and_devices_stay() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("report.xml"), folder.path().join("latest.xml"));
        write(&path, content("one")).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o400, 0o400);
        std::os::unix::fs::symlink(&path, &link).unwrap();
        write(&link, content("two")).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        write(Path::new("/dev/null"), content("x")).unwrap();
    }
}
