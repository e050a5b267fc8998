//! The page's side of the surface as TypeScript. `xtask bindings` writes it to [`FILE`] and checks that the committed file
//! is fresh; the text depends on the code alone.

use crate::{commands, shell};
use nox_api::{ApiError, OPERATIONS, OperationKind, dto::*};
use nox_domain::ids::CommandId;
use specta::{Type, Types, datatype::Function};
use specta_typescript::Typescript;
use std::sync::Arc;
use tauri::Wry;
use tauri_specta::{CollectedCommands, Commands};

/// Where the generated file is, from the top of the repository.
pub const FILE: &str = "ui/src/bindings/nox.ts";

const HEADER: &str = "// Generated from the contract by `npm run bindings`. Do not edit: change the Rust types or commands instead.\n\
    /* eslint-disable */\n";

macro_rules! operations {
    ($($kind:ident $name:ident($input:ident) -> $output:ident $(, names $files:ident)?;)*) => {
        /// The operations of the contract as functions of the page, each `like` one that is there.
        fn operations(types: &mut Types, like: &Function) -> Vec<Function> {
            vec![$(operation::<$input, $output>(types, like, stringify!($name))),*]
        }
    };
}

nox_api::with_catalogue!(operations);

fn operation<Input: Type, Output: Type>(types: &mut Types, like: &Function, name: &'static str) -> Function {
    let mut function = like.clone();
    function.name = name.into();
    function.docs = "".into();
    function.args = Vec::new();
    if OPERATIONS.iter().any(|known| known.name == name && known.kind == OperationKind::Command) {
        function.args.push(("command".into(), CommandId::definition(types)));
    }
    function.args.push(("input".into(), Input::definition(types)));
    function.result = Some(Result::<Output, ApiError>::definition(types));
    function
}

/// All functions of the page. Here they are only described; `commands::handler` does them.
fn surface() -> tauri_specta::Builder<Wry> {
    let functions = |types: &mut Types| {
        let shell = commands::shell_functions(types);
        let operations = shell.first().map(|like| operations(types, like)).unwrap_or_default();
        CollectedCommands { functions: [operations, shell].concat(), ..Default::default() }
    };
    tauri_specta::Builder::new()
        .commands(Commands(Arc::new(|_| false), Arc::new(functions)))
        .events(shell::events())
        // Every type looks the same in both directions: the page sends back what it was given.
        .disable_serde_phases()
}

/// The whole text of [`FILE`].
///
/// # Errors
/// A type that TypeScript cannot say; the message names it.
pub fn render() -> Result<String, String> {
    // The exporter only writes files.
    let folder = std::env::temp_dir().join(format!("nox-bindings-{}", uuid::Uuid::now_v7()));
    std::fs::create_dir(&folder).map_err(|error| error.to_string())?;
    let file = folder.join("nox.ts");
    let rendered = surface()
        .export(Typescript::default().header(HEADER), &file)
        .map_err(|error| error.to_string())
        .and_then(|()| std::fs::read_to_string(&file).map_err(|error| error.to_string()));
    let removed = std::fs::remove_dir_all(&folder);
    let text = rendered?;
    removed.map_err(|error| error.to_string())?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use nox_api::Operation;

    fn camel(name: &str) -> String {
        let mut words = name.split('_');
        let first = words.next().unwrap_or_default().to_owned();
        words.fold(first, |text, word| text + &word[..1].to_uppercase() + &word[1..])
    }

    #[test]
    fn every_operation_is_a_command_of_the_page() {
        let text = render().unwrap();
        for Operation { name, .. } in OPERATIONS {
            assert!(text.contains(&format!("\t{}: (", camel(name))), "{name} is missing in\n{text}");
            assert!(text.contains(&format!("__TAURI_INVOKE(\"{name}\"")), "{name} is not called in\n{text}");
        }
        for name in
            ["subscribe", "acknowledge", "watch", "reportUsable", "pageListens", "answerQuit", "shellEvent"]
        {
            assert!(text.contains(&format!("\t{name}: ")), "{name} is missing in\n{text}");
        }
    }

    #[test]
    fn the_text_is_the_same_each_time_and_knows_no_machine() {
        let text = render().unwrap();
        assert_eq!(text, render().unwrap());
        assert!(!text.contains(env!("CARGO_MANIFEST_DIR")));
    }
}
