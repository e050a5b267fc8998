//! The words of the product: what the glossary's column "Do not say" names must not reach people or the contract.
//!
//! `docs/GLOSSARY.md` is the truth; this module reads its table. Checked are the quoted texts of every `text.ts` of
//! the window, and the names of public types in `domain` and `api`.

use crate::tree::{FileTree, Finding, SourceFile};

const GLOSSARY: &str = "docs/GLOSSARY.md";
const CONTRACT: &[&str] = &["src-tauri/crates/domain/src/", "src-tauri/crates/api/src/"];

/// A word not to be said, and the word to say.
struct Banned {
    word: String,
    instead: String,
}

/// Words that the glossary forbids, in texts of the window and names of the contract.
pub(crate) fn words(tree: &FileTree) -> Vec<Finding> {
    let Some(glossary) = tree.get(GLOSSARY) else {
        return vec![Finding::new(GLOSSARY, 1, "the glossary is missing: its table says which words to use")];
    };
    let banned = read_table(glossary);
    if banned.is_empty() {
        return vec![Finding::new(
            GLOSSARY,
            1,
            "no table with the columns Word | Means | Do not say was found",
        )];
    }
    let mut found = Vec::new();
    for file in tree.below("ui/src/", &["/text.ts"]) {
        for (line, text) in file.lines().filter(|(_, text)| !text.trim_start().starts_with("//")) {
            let said: Vec<String> = quoted(text).iter().flat_map(|text| split_words(text)).collect();
            report(&file.path, line, &said, &banned, &mut found);
        }
    }
    for file in CONTRACT.iter().flat_map(|folder| tree.below(folder, &[".rs"])) {
        for (line, name) in file.lines().filter_map(|(line, text)| Some((line, type_name(text)?))) {
            report(&file.path, line, &split_words(name), &banned, &mut found);
        }
    }
    found
}

fn report(path: &str, line: usize, said: &[String], banned: &[Banned], found: &mut Vec<Finding>) {
    for Banned { word, instead } in banned {
        if said.iter().any(|said| said == word || *said == format!("{word}s")) {
            found.push(Finding::new(
                path,
                line,
                format!("do not say `{word}`; the glossary's word is {instead}"),
            ));
        }
    }
}

/// Single words of the last column of the glossary's table. Entries of several words cannot be matched and are for people.
fn read_table(glossary: &SourceFile) -> Vec<Banned> {
    let mut banned = Vec::new();
    let mut inside = false;
    for (_, text) in glossary.lines() {
        let cells: Vec<&str> = text.trim().trim_matches('|').split('|').map(str::trim).collect();
        if !text.trim_start().starts_with('|') || cells.len() < 3 {
            inside = false;
        } else if cells[2].eq_ignore_ascii_case("do not say") {
            inside = true;
        } else if inside && !cells[0].starts_with("--") {
            let listed = cells[2].split(',').map(|word| word.trim().to_lowercase());
            let single = listed.filter(|word| !word.is_empty() && word.chars().all(char::is_alphabetic));
            banned.extend(single.map(|word| Banned { word, instead: cells[0].to_owned() }));
        }
    }
    banned
}

/// Texts between quotes or backticks on one line.
fn quoted(line: &str) -> Vec<&str> {
    let mut texts = Vec::new();
    let mut rest = line;
    while let Some(start) = rest.find(['"', '\'', '`']) {
        let quote = rest.as_bytes()[start] as char;
        let after = &rest[start + 1..];
        let Some(end) = after.find(quote) else { break };
        texts.push(&after[..end]);
        rest = &after[end + 1..];
    }
    texts
}

/// Lower-case words of a sentence or of a name in CamelCase.
fn split_words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before_lower = false;
    for c in text.chars() {
        let starts_new = !c.is_alphabetic() || (c.is_uppercase() && before_lower);
        if starts_new {
            words.push(String::new());
        }
        if c.is_alphabetic()
            && let Some(word) = words.last_mut()
        {
            word.extend(c.to_lowercase());
        }
        before_lower = c.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The name after `pub struct` or `pub enum`.
fn type_name(line: &str) -> Option<&str> {
    let rest = line.trim_start();
    let rest = rest.strip_prefix("pub struct ").or_else(|| rest.strip_prefix("pub enum "))?;
    rest.split(|c: char| !c.is_alphanumeric()).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "# Words\n\n| Word | Means | Do not say |\n|---|---|---|\n| Agent | a named one | bot, config dir |\n| Session | an exchange | chat |\n";

    #[test]
    fn forbidden_words_are_found_in_texts_and_in_names() {
        let tree = FileTree::of(&[
            ("docs/GLOSSARY.md", TABLE),
            (
                "ui/src/features/agents/text.ts",
                "export const text = {\n  empty: \"No bots yet\",\n  fine: 'No agents yet',\n};\n",
            ),
            ("src-tauri/crates/api/src/dto.rs", "//! x\npub struct ChatRow {\n"),
        ]);
        let found = words(&tree);
        let places: Vec<_> = found.iter().map(|finding| (finding.path.as_str(), finding.line)).collect();
        assert_eq!(places, [("ui/src/features/agents/text.ts", 2), ("src-tauri/crates/api/src/dto.rs", 2)]);
        assert!(found[0].message.contains("Agent"));
    }

    #[test]
    fn parts_of_words_keys_and_comments_pass() {
        let tree = FileTree::of(&[
            ("docs/GLOSSARY.md", TABLE),
            (
                "ui/src/features/agents/text.ts",
                "// not a bot\nexport const text = { bot: \"Both run at the bottom\" };\n",
            ),
            ("src-tauri/crates/api/src/dto.rs", "pub struct BottomRow {\npub struct SessionRow {\n"),
        ]);
        assert_eq!(words(&tree), []);
    }

    #[test]
    fn a_missing_glossary_is_no_silent_pass() {
        assert_eq!(words(&FileTree::of(&[])).len(), 1);
        assert_eq!(words(&FileTree::of(&[("docs/GLOSSARY.md", "# Words\n")])).len(), 1);
    }
}
