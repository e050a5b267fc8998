//! The floors: who may depend on whom, read from `cargo metadata`.
//!
//! A crate may use what stands below it, never above and never beside, except for the arrows of `SIDEWAYS`. The faces
//! on top see the contract only, so that none of them can do what the others cannot.

use serde_json::Value;

use crate::tree::Finding;

/// Every crate of the workspace that stands on a floor. A new member must be placed here.
const FLOORS: &[(&str, u8)] = &[
    ("nox-domain", 0),
    ("nox-shim", 0),
    ("nox-store", 1),
    ("nox-registry", 1),
    ("nox-tasks", 1),
    ("nox-process", 1),
    ("nox-secrets", 1),
    ("nox-runtimes", 1),
    ("nox-sandbox", 1),
    ("nox-engine", 2),
    ("nox-api", 3),
    ("nox-server", 4),
    ("nox-cli", 5),
    ("nox-desktop", 5),
];
/// Arrows that stay on one floor: from, to.
const SIDEWAYS: &[(&str, &str)] = &[("nox-runtimes", "nox-process"), ("nox-sandbox", "nox-process")];
/// Tools and tests: they may use everything, and only tests may use them.
const GROUND: &[&str] =
    &["xtask", "nox-test-support", "nox-integration", "nox-chaos", "nox-contract", "nox-bench", EMPTY_WINDOW];
/// The faces, and all that they may see.
const FACES: &[&str] = &["nox-cli", "nox-desktop"];
const SEEN_BY_FACES: &[&str] = &["nox-server", "nox-api", "nox-domain"];
/// The only member of the product that may depend on Tauri.
const TAURI_OWNER: &str = "nox-desktop";
/// The benchmarks' yardstick: Tauri and nothing else.
const EMPTY_WINDOW: &str = "nox-empty-window";

/// One dependency of one member.
struct Arrow<'a> {
    from: &'a str,
    to: &'a str,
    /// Only for tests of `from`.
    dev: bool,
    manifest: String,
}

/// Arrows that climb, go sideways, or leave from or lead to a member without a floor.
pub(crate) fn floors(metadata: &Value) -> Vec<Finding> {
    let mut found = Vec::new();
    let members: Vec<&str> =
        packages(metadata).iter().filter_map(|package| package["name"].as_str()).collect();
    for package in packages(metadata) {
        let name = package["name"].as_str().unwrap_or_default();
        if floor(name).is_none() && !GROUND.contains(&name) {
            let place = "give it a floor in src-tauri/crates/xtask/src/floors.rs and in docs/ARCHITECTURE.md";
            found.push(Finding::new(
                &manifest(metadata, package),
                1,
                format!("{name} stands on no floor: {place}"),
            ));
        }
    }
    for arrow in arrows(metadata).iter().filter(|arrow| members.contains(&arrow.to)) {
        if let Some(reason) = objection(arrow) {
            let Arrow { from, to, .. } = arrow;
            found.push(Finding::new(&arrow.manifest, 1, format!("{from} depends on {to}: {reason}")));
        }
    }
    found
}

/// Members other than the desktop app that depend on Tauri or one of its plugins.
pub(crate) fn tauri_ban(metadata: &Value) -> Vec<Finding> {
    arrows(metadata)
        .iter()
        .filter(|arrow| arrow.to == "tauri" || arrow.to.starts_with("tauri-"))
        .filter(|arrow| arrow.from != TAURI_OWNER && arrow.from != EMPTY_WINDOW)
        .map(|Arrow { from, to, manifest, .. }| {
            let advice = "move what needs it there and hand plain data over";
            Finding::new(manifest, 1, format!("{from} depends on {to}: only {TAURI_OWNER} may; {advice}"))
        })
        .collect()
}

/// Why the arrow is forbidden, if it is.
fn objection(arrow: &Arrow) -> Option<&'static str> {
    let Arrow { from, to, dev, .. } = arrow;
    if GROUND.contains(from) {
        return None;
    }
    if GROUND.contains(to) {
        let tests_only = *dev && *to == "nox-test-support";
        return (!tests_only)
            .then_some("tools and tests are no part of the product; make it a dev-dependency");
    }
    let (Some(upper), Some(lower)) = (floor(from), floor(to)) else { return None };
    if FACES.contains(from) && !SEEN_BY_FACES.contains(to) {
        return Some("a face sees the contract only; add what is missing to nox-api");
    }
    if upper > lower || SIDEWAYS.contains(&(from, to)) {
        return None;
    }
    Some(if upper == lower {
        "crates of one floor do not know each other; let the floor above connect them"
    } else {
        "the arrow climbs; turn it round with a trait or move the shared type down"
    })
}

fn floor(name: &str) -> Option<u8> {
    FLOORS.iter().find(|(known, _)| *known == name).map(|(_, floor)| *floor)
}

fn packages(metadata: &Value) -> &[Value] {
    metadata["packages"].as_array().map_or(&[], Vec::as_slice)
}

fn arrows(metadata: &Value) -> Vec<Arrow<'_>> {
    let mut arrows = Vec::new();
    for package in packages(metadata) {
        let from = package["name"].as_str().unwrap_or_default();
        for dependency in package["dependencies"].as_array().map_or(&[][..], Vec::as_slice) {
            let to = dependency["name"].as_str().unwrap_or_default();
            let dev = dependency["kind"].as_str() == Some("dev");
            arrows.push(Arrow { from, to, dev, manifest: manifest(metadata, package) });
        }
    }
    arrows
}

/// The member's Cargo.toml, from the top of the repository.
fn manifest(metadata: &Value, package: &Value) -> String {
    let root = metadata["workspace_root"].as_str().unwrap_or_default().replace('\\', "/");
    let path = package["manifest_path"].as_str().unwrap_or_default().replace('\\', "/");
    path.strip_prefix(&root).unwrap_or(&path).trim_start_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Metadata of members with their dependencies as `(name, kind)`; kind is "" for an ordinary one.
    fn metadata(members: &[(&str, &[(&str, &str)])]) -> Value {
        let packages: Vec<Value> = members
            .iter()
            .map(|(name, dependencies)| {
                let dependencies: Vec<Value> = dependencies
                    .iter()
                    .map(|(to, kind)| json!({ "name": to, "kind": if kind.is_empty() { Value::Null } else { json!(kind) } }))
                    .collect();
                json!({ "name": name, "manifest_path": format!("/repo/{name}/Cargo.toml"), "dependencies": dependencies })
            })
            .collect();
        json!({ "workspace_root": "/repo", "packages": packages })
    }

    fn messages(found: &[Finding]) -> Vec<&str> {
        found.iter().map(|finding| finding.message.as_str()).collect()
    }

    #[test]
    fn arrows_that_lead_down_pass() {
        let good = metadata(&[
            ("nox-domain", &[("serde", "")]),
            ("nox-process", &[("nox-domain", "")]),
            ("nox-runtimes", &[("nox-process", ""), ("nox-domain", "")]),
            ("nox-engine", &[("nox-runtimes", ""), ("nox-test-support", "dev")]),
            ("nox-api", &[("nox-engine", "")]),
            ("nox-desktop", &[("nox-api", ""), ("tauri", "")]),
            ("nox-test-support", &[("nox-api", "")]),
        ]);
        assert_eq!(floors(&good), []);
        assert_eq!(tauri_ban(&good), []);
    }

    #[test]
    fn an_arrow_that_climbs_is_found_with_its_manifest() {
        let broken = metadata(&[("nox-domain", &[("nox-store", "")]), ("nox-store", &[])]);
        let found = floors(&broken);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].path, "nox-domain/Cargo.toml");
        assert!(found[0].message.starts_with("nox-domain depends on nox-store: the arrow climbs"));
    }

    #[test]
    fn climbing_for_tests_only_is_climbing_too() {
        let broken = metadata(&[("nox-domain", &[("nox-store", "dev")]), ("nox-store", &[])]);
        assert_eq!(floors(&broken).len(), 1);
    }

    #[test]
    fn crates_of_one_floor_do_not_know_each_other() {
        let broken = metadata(&[("nox-store", &[("nox-tasks", "")]), ("nox-tasks", &[])]);
        assert!(messages(&floors(&broken))[0].contains("crates of one floor"));
    }

    #[test]
    fn a_face_that_looks_behind_the_contract_is_found() {
        let broken = metadata(&[("nox-cli", &[("nox-engine", "")]), ("nox-engine", &[])]);
        assert!(messages(&floors(&broken))[0].contains("a face sees the contract only"));
    }

    #[test]
    fn the_product_does_not_ship_test_support() {
        let broken = metadata(&[("nox-engine", &[("nox-test-support", "")]), ("nox-test-support", &[])]);
        assert_eq!(floors(&broken).len(), 1);
    }

    #[test]
    fn a_member_without_a_floor_is_found() {
        let broken = metadata(&[("nox-attic", &[])]);
        assert!(messages(&floors(&broken))[0].contains("nox-attic stands on no floor"));
    }

    #[test]
    fn tauri_below_the_desktop_app_is_found() {
        let broken =
            metadata(&[("nox-api", &[("tauri-plugin-dialog", "")]), ("nox-engine", &[("tauri", "")])]);
        assert_eq!(tauri_ban(&broken).len(), 2);
    }
}
