//! Rules of the window's source: one bridge to Tauri, features that do not know each other, no barrels, colours only
//! as tokens.

use std::sync::LazyLock;

use regex::Regex;

use crate::tree::{FileTree, Finding};

const SCRIPTS: &[&str] = &[".ts", ".tsx"];
const FEATURES: &str = "ui/src/features/";
const GENERATED: &str = "ui/src/bindings/";

/// A module specifier after `from`, `import` or `import(`.
#[allow(clippy::expect_used, reason = "a literal pattern, compiled by every test here")]
static SPECIFIER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?:\bfrom|\bimport|\bmock)\s*\(?\s*["']([^"']+)["']"#).expect("the pattern is valid")
});
/// A colour written out: after a colon, a hash with 3 to 8 hexadecimal digits, or a colour function.
#[allow(clippy::expect_used, reason = "a literal pattern, compiled by every test here")]
static COLOUR: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i):[^;]*(#[0-9a-f]{3,8}\b|\b(?:rgba?|hsla?|oklch|oklab)\()").expect("the pattern is valid")
});

/// Imports of `@tauri-apps` outside the bridge and the generated bindings.
pub(crate) fn bridge(tree: &FileTree) -> Vec<Finding> {
    imports(tree)
        .into_iter()
        .filter(|import| import.target.starts_with("@tauri-apps"))
        .filter(|import| !import.path.starts_with("ui/src/bridge/") && !import.path.starts_with(GENERATED))
        .map(|import| {
            let advice = "only ui/src/bridge talks to Tauri; add the call to the transport and use that";
            Finding::new(import.path, import.line, advice)
        })
        .collect()
}

/// Imports of one feature by another.
pub(crate) fn features(tree: &FileTree) -> Vec<Finding> {
    imports(tree)
        .into_iter()
        .filter_map(|import| {
            let own = feature_of(import.path)?;
            let other = feature_of(&import.target)?;
            let advice = format!(
                "feature `{own}` imports feature `{other}`: move what both need to components or sync, or meet in app"
            );
            (own != other).then(|| Finding::new(import.path, import.line, advice))
        })
        .collect()
}

/// Files that only pass on what others export.
pub(crate) fn barrels(tree: &FileTree) -> Vec<Finding> {
    tree.below("ui/src/", &["/index.ts", "/index.tsx"])
        .filter(|file| !file.path.starts_with(GENERATED))
        .map(|file| {
            Finding::new(
                &file.path,
                1,
                "no barrel files: import from the file that has it, and name this one",
            )
        })
        .collect()
}

/// Colours written out in style sheets other than `tokens.css`.
pub(crate) fn colours(tree: &FileTree) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in tree.below("ui/", &[".css"]).filter(|file| !file.path.ends_with("/tokens.css")) {
        for (line, text) in file.lines() {
            if let Some(colour) = COLOUR.captures(text).and_then(|captures| captures.get(1)) {
                let advice = format!(
                    "`{}…`: use a variable of tokens.css, so that both themes keep it",
                    colour.as_str()
                );
                found.push(Finding::new(&file.path, line, advice));
            }
        }
    }
    found
}

struct Import<'a> {
    path: &'a str,
    line: usize,
    /// The specifier; relative ones and the `@/` alias as a path from the top of the repository.
    target: String,
}

fn imports(tree: &FileTree) -> Vec<Import<'_>> {
    let mut imports = Vec::new();
    for file in tree.below("ui/src/", SCRIPTS) {
        for captures in SPECIFIER.captures_iter(&file.text) {
            let Some(specifier) = captures.get(1) else { continue };
            let line = file.text[..specifier.start()].matches('\n').count() + 1;
            imports.push(Import { path: &file.path, line, target: resolve(&file.path, specifier.as_str()) });
        }
    }
    imports
}

fn resolve(importer: &str, specifier: &str) -> String {
    for alias in ["@/", "~/", "src/"] {
        if let Some(rest) = specifier.strip_prefix(alias) {
            return format!("ui/src/{rest}");
        }
    }
    if !specifier.starts_with('.') {
        return specifier.to_owned();
    }
    let mut parts: Vec<&str> = importer.split('/').collect();
    parts.pop();
    for part in specifier.split('/') {
        match part {
            "." => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    parts.join("/")
}

/// The feature a path lies in.
fn feature_of(path: &str) -> Option<&str> {
    path.strip_prefix(FEATURES)?.split('/').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(found: &[Finding]) -> Vec<(&str, usize)> {
        found.iter().map(|finding| (finding.path.as_str(), finding.line)).collect()
    }

    #[test]
    fn only_the_bridge_and_the_bindings_import_tauri() {
        let text = "import { a } from './a';\nimport { invoke } from '@tauri-apps/api/core';\n";
        let tree = FileTree::of(&[
            ("ui/src/app/app.tsx", text),
            ("ui/src/bindings/contract.ts", text),
            ("ui/src/bridge/tauri.ts", text),
            ("ui/src/features/board/lazy.ts", "const x = await import(\"@tauri-apps/api/event\");\n"),
        ]);
        assert_eq!(lines(&bridge(&tree)), [("ui/src/app/app.tsx", 2), ("ui/src/features/board/lazy.ts", 1)]);
    }

    #[test]
    fn a_feature_that_imports_another_is_found_by_relative_path_and_by_alias() {
        let tree = FileTree::of(&[
            ("ui/src/features/board/card.tsx", "import { x } from \"../session/view\";\n"),
            ("ui/src/features/board/column.tsx", "import {\n  y,\n} from \"@/features/agents/list\";\n"),
            (
                "ui/src/features/board/drag.ts",
                "import { z } from './card';\nimport { w } from '../../components/pill';\n",
            ),
            ("ui/src/app/router.tsx", "import { Board } from '../features/board/board';\n"),
        ]);
        assert_eq!(
            lines(&features(&tree)),
            [("ui/src/features/board/card.tsx", 1), ("ui/src/features/board/column.tsx", 3)]
        );
    }

    #[test]
    fn barrels_are_found() {
        let tree = FileTree::of(&[
            ("ui/src/components/index.ts", "export * from './pill';\n"),
            ("ui/src/components/pill.tsx", ""),
            ("ui/src/bindings/index.ts", ""),
        ]);
        assert_eq!(lines(&barrels(&tree)), [("ui/src/components/index.ts", 1)]);
    }

    #[test]
    fn colours_written_out_are_found_outside_the_tokens() {
        let tree = FileTree::of(&[
            ("ui/src/app/tokens.css", ":root { --ink: #112233; }\n"),
            (
                "ui/src/app/frame.css",
                "#root { color: var(--ink); }\n.a { color: #fff; }\n.b { background: RGBA(0, 0, 0, 0.5); }\n",
            ),
        ]);
        assert_eq!(lines(&colours(&tree)), [("ui/src/app/frame.css", 2), ("ui/src/app/frame.css", 3)]);
    }
}
