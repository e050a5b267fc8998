//! Where the shim is.

use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// The file name of the shim.
const SHIM: &str = if cfg!(windows) { "nox-shim.exe" } else { "nox-shim" };

/// A shim that was there when it was looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShimPath(PathBuf);

impl ShimPath {
    /// Finds the shim: `NOX_SHIM`, else beside this program, else one folder up (test programs live in `deps/`).
    ///
    /// # Errors
    /// [`Error::ShimMissing`] names the places. A `NOX_SHIM` that points nowhere is an error and not passed over.
    pub fn locate() -> Result<ShimPath> {
        if let Some(named) = std::env::var_os("NOX_SHIM").filter(|value| !value.is_empty()) {
            return ShimPath::at(Path::new(&named));
        }
        let program = std::env::current_exe().unwrap_or_default();
        let candidates: Vec<PathBuf> =
            program.ancestors().skip(1).take(2).map(|folder| folder.join(SHIM)).collect();
        match candidates.iter().find(|path| path.is_file()) {
            Some(path) => Ok(ShimPath(path.clone())),
            None => Err(Error::ShimMissing { looked_at: candidates }),
        }
    }

    /// Takes the shim at a path.
    ///
    /// # Errors
    /// [`Error::ShimMissing`] when no file is there.
    pub fn at(path: &Path) -> Result<ShimPath> {
        // Absolute, because the shim is started in the folder of the program.
        match std::path::absolute(path) {
            Ok(absolute) if absolute.is_file() => Ok(ShimPath(absolute)),
            _ => Err(Error::ShimMissing { looked_at: vec![path.to_owned()] }),
        }
    }

    /// The path, absolute.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn a_missing_shim_says_where_it_should_be_and_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let error = ShimPath::at(&folder.path().join("nowhere")).unwrap_err().to_string();
        assert!(error.contains("nowhere") && error.contains("cargo build -p nox-shim"), "{error}");
        assert!(ShimPath::at(folder.path()).is_err(), "a folder is no shim");
    }
}
