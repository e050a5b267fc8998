//! Where the socket is.
//!
//! It is `run/control.sock` in the home. A path that a Unix socket cannot have moves to a private folder of the runtime
//! folder, and `run/control.path` then says where.

use super::Error;
use nox_domain::tool::sha256_hex;
use std::{
    fs, io,
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt},
    },
    path::{Path, PathBuf},
};

/// Bytes of a socket's path, without the zero byte at its end (`sun_path` in unix(7); 104 in the BSDs' un.h).
const MAX_PATH_BYTES: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

fn usual(root: &Path) -> PathBuf {
    root.join("run").join("control.sock")
}

fn pointer(root: &Path) -> PathBuf {
    root.join("run").join("control.path")
}

fn fits(path: &Path) -> bool {
    path.as_os_str().as_bytes().len() <= MAX_PATH_BYTES
}

/// Where a client finds it.
pub(super) fn find(root: &Path) -> PathBuf {
    let usual = usual(root);
    if fits(&usual) {
        return usual;
    }
    match fs::read(pointer(root)) {
        Ok(path) => PathBuf::from(std::ffi::OsStr::from_bytes(&path)),
        Err(_) => usual,
    }
}

/// A place that is ours to listen at. Dropping it removes what it made.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) socket: PathBuf,
    pointer: Option<PathBuf>,
}

impl Place {
    /// Makes the place ready: private folder, no stale socket. Only for the holder of the home's lock.
    pub(super) fn take(root: &Path, runtime: Option<PathBuf>) -> Result<Self, Error> {
        let usual = usual(root);
        let pointer = pointer(root);
        if fits(&usual) {
            remove(&pointer)?;
            remove_socket(&usual)?;
            return Ok(Self { socket: usual, pointer: None });
        }
        let name = format!("nox-{}", &sha256_hex(root.as_os_str().as_bytes())[..16]);
        let user = nix::unistd::geteuid();
        let mut folders = vec![std::env::temp_dir().join(format!("{name}-{user}"))];
        folders.push(PathBuf::from("/tmp").join(format!("{name}-{user}")));
        folders.splice(0..0, runtime.map(|runtime| runtime.join(&name)));
        let folder = folders
            .into_iter()
            .find(|folder| folder.is_absolute() && fits(&folder.join("control.sock")))
            .unwrap_or_default();
        make_private(&folder)?;
        let socket = folder.join("control.sock");
        remove_socket(&socket)?;
        write_whole(&pointer, socket.as_os_str().as_bytes())?;
        Ok(Self { socket, pointer: Some(pointer) })
    }

    /// Lets only the user in.
    pub(super) fn close_to_others(&self) -> Result<(), Error> {
        fs::set_permissions(&self.socket, fs::Permissions::from_mode(0o600))
            .map_err(|source| Error::io(&self.socket, source))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.socket);
        if let Some(pointer) = &self.pointer {
            let _ = fs::remove_file(pointer);
            if let Some(folder) = self.socket.parent() {
                let _ = fs::remove_dir(folder);
            }
        }
    }
}

/// The folder that the system gives a user for such things.
pub(super) fn runtime_folder() -> Option<PathBuf> {
    std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute() && path.is_dir())
}

fn make_private(folder: &Path) -> Result<(), Error> {
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(source) => return Err(Error::io(folder, source)),
    }
    // In a folder that all users share somebody may have been there first: not followed, and looked at.
    let about = fs::symlink_metadata(folder).map_err(|source| Error::io(folder, source))?;
    if !about.is_dir() || about.uid() != nix::unistd::geteuid().as_raw() {
        return Err(Error::NotOurs { path: folder.to_owned() });
    }
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).map_err(|source| Error::io(folder, source))
}

fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io(path, error)),
        _ => Ok(()),
    }
}

/// Removes what a dead engine left; anything else at this place is somebody's and stays.
fn remove_socket(path: &Path) -> Result<(), Error> {
    match fs::symlink_metadata(path) {
        Ok(about) if about.file_type().is_socket() => remove(path),
        Ok(_) => {
            Err(Error::io(path, io::Error::new(io::ErrorKind::AlreadyExists, "there is a file already")))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(Error::io(path, source)),
    }
}

/// A reader sees the old text or the new one.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let fresh = path.with_extension("new");
    fs::write(&fresh, bytes).map_err(|source| Error::io(&fresh, source))?;
    fs::rename(&fresh, path).map_err(|source| Error::io(path, source))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_long_path_moves_to_the_runtime_folder_and_the_pointer_tells() {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tempfile::tempdir().unwrap();
        let root = folder.path().join("a-rather-long-name-".repeat(8));
        fs::create_dir_all(root.join("run")).unwrap();
        let place = Place::take(&root, Some(runtime.path().to_owned())).unwrap();
        assert!(place.socket.starts_with(runtime.path()));
        assert_eq!(find(&root), place.socket);
        let private = place.socket.parent().unwrap().to_owned();
        assert_eq!(fs::metadata(&private).unwrap().mode() & 0o777, 0o700);
        drop(place);
        assert!(!private.exists() && !pointer(&root).exists());
    }

    #[test]
    fn a_folder_that_somebody_made_a_link_of_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(folder.path(), &link).unwrap();
        assert!(matches!(make_private(&link), Err(Error::NotOurs { .. })));
    }

    #[test]
    fn a_file_that_is_no_socket_is_not_removed() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("run")).unwrap();
        fs::write(usual(folder.path()), "mine").unwrap();
        assert!(Place::take(folder.path(), None).is_err());
        assert_eq!(fs::read_to_string(usual(folder.path())).unwrap(), "mine");
    }
}
