//! Rules of the lock files: versions and hashes, never addresses.

use crate::tree::{FileTree, Finding};

/// Download addresses in `package-lock.json`. A link to a workspace (`"resolved": "ui"`) is none.
pub(crate) fn addresses(tree: &FileTree) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in tree.below("", &["package-lock.json"]) {
        for (line, text) in file.lines() {
            if text.trim_start().starts_with("\"resolved\":") && text.contains("://") {
                let advice = "a download address: keep omit-lockfile-registry-resolved in .npmrc and run npm install again";
                found.push(Finding::new(&file.path, line, advice));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_found_and_a_workspace_link_is_not() {
        let text = "{\n  \"resolved\": \"ui\",\n  \"resolved\": \"https://packages.example/p.tgz\"\n}\n";
        let found = addresses(&FileTree::of(&[("package-lock.json", text)]));
        assert_eq!(found.iter().map(|finding| finding.line).collect::<Vec<_>>(), [3]);
    }
}
