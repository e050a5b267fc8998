//! Prepares what Tauri compiles in: configuration and the empty page.

fn main() {
    println!("cargo:rerun-if-changed=page");
    tauri_build::build();
}
