//! Prepares what Tauri compiles in: configuration, capabilities, icons and the built page.

use std::{fs, io, path::Path};

/// Where `npm run build` puts the page; `tauri.conf.json` names the same folder.
const PAGE_FOLDER: &str = "../ui/dist";

/// Shown when the program was compiled before the page was built.
const PLACEHOLDER: &str = "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>Nox</title></head>\n\
    <body><h1>Nox was built without its page</h1><p>Run <code>npm start</code>: it builds the page, then the app.</p></body>\n\
    </html>\n";

fn main() -> io::Result<()> {
    placeholder()?;
    // Cargo looks into the folder: a newly built page is embedded anew.
    println!("cargo:rerun-if-changed={PAGE_FOLDER}");
    println!("cargo:rerun-if-changed=../icons");
    tauri_build::build();
    Ok(())
}

/// Writes a page that says what is missing, so that the Rust side compiles without Node. The folder is ignored by git.
fn placeholder() -> io::Result<()> {
    let index = Path::new(PAGE_FOLDER).join("index.html");
    if !index.exists() {
        fs::create_dir_all(PAGE_FOLDER)?;
        fs::write(index, PLACEHOLDER)?;
    }
    Ok(())
}
