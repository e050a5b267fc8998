//! `xtask bindings`: writes the TypeScript of the contract, or checks that the committed files are fresh.
//!
//! The renderer belongs to the contract; this module only compares and writes. `render` lists the files.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

/// What to do with the rendered files.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Replace the committed files.
    Write,
    /// Compare with the committed files and change nothing.
    Check,
}

/// One generated file.
pub(crate) struct Rendered {
    /// Path from the top of the repository, with `/`.
    pub(crate) path: &'static str,
    /// The whole text of the file.
    pub(crate) text: String,
}

/// The generated files, or why they cannot be made.
fn render() -> Result<Vec<Rendered>, String> {
    Ok(vec![Rendered { path: nox_desktop::bindings::FILE, text: nox_desktop::bindings::render()? }])
}

/// Runs the command and says what it did.
pub(crate) fn run(root: &Path, mode: Mode) -> ExitCode {
    let files = match render() {
        Ok(files) => files,
        Err(reason) => {
            eprintln!("bindings: {reason}");
            return ExitCode::from(2);
        }
    };
    let stale = stale(root, &files);
    if mode == Mode::Check {
        for path in &stale {
            eprintln!(
                "{path}: is not what the contract says now; run `npm run bindings` and commit the result"
            );
        }
        println!("bindings: {} files, {} stale", files.len(), stale.len());
        return ExitCode::from(u8::from(!stale.is_empty()));
    }
    for file in files.iter().filter(|file| stale.contains(&file.path)) {
        if let Err(error) = write(root, file) {
            eprintln!("bindings: cannot write {}: {error}", file.path);
            return ExitCode::from(2);
        }
        println!("bindings: wrote {}", file.path);
    }
    println!("bindings: {} files, {} renewed", files.len(), stale.len());
    ExitCode::SUCCESS
}

/// Paths whose committed text differs from the rendered one; line endings do not count.
fn stale(root: &Path, files: &[Rendered]) -> Vec<&'static str> {
    let fresh = |file: &Rendered| {
        fs::read_to_string(root.join(file.path)).is_ok_and(|text| text.replace("\r\n", "\n") == file.text)
    };
    files.iter().filter(|file| !fresh(file)).map(|file| file.path).collect()
}

fn write(root: &Path, file: &Rendered) -> std::io::Result<()> {
    let path = root.join(file.path);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, &file.text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_changed_or_missing_file_is_stale_and_writing_makes_it_fresh() {
        let root = tempfile::tempdir().unwrap();
        let files = [Rendered { path: "ui/src/bindings/contract.ts", text: "export type A = 1;\n".into() }];
        assert_eq!(stale(root.path(), &files), ["ui/src/bindings/contract.ts"]);

        write(root.path(), &files[0]).unwrap();
        assert!(stale(root.path(), &files).is_empty());

        fs::write(root.path().join(files[0].path), "export type A = 2;\n").unwrap();
        assert_eq!(stale(root.path(), &files), ["ui/src/bindings/contract.ts"]);
    }
}
