//! Starting Codex: its command line, its environment, and how each of its threads has to be started.

use super::{
    home,
    quirks::{APPROVAL, COMMAND, HOME_VARIABLE, KEY_VARIABLE, KEY_VARIABLES, REVIEWER, SANDBOX, SETTINGS},
    usage::Paid,
};
use crate::{
    Start,
    child::{GRACE, Placed, environment, service_variable},
    http::is_here,
    limits::of_tree,
};
use nox_process::{SpawnSpec, Stdin};
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};
use std::{collections::BTreeSet, ffi::OsString, io};

/// Our name for the model server that an agent names itself.
const PROVIDER: &str = "nox";
/// How long a service may take to start; Codex says that it failed then.
const SERVICE_SECONDS: u32 = 30;

/// The command line and environment of a run.
///
/// # Errors
/// The home of Codex cannot be written.
pub(super) fn launch(start: &Start) -> io::Result<SpawnSpec> {
    let keys = start.key.iter().map(|key| (KEY_VARIABLE.to_owned(), key.expose_secret().into()));
    let services = start.service_keys.iter().filter_map(|(name, key)| {
        Some((service_variable(start, name)?, OsString::from(key.expose_secret())))
    });
    let mut env = environment(start, &[], keys.chain(services));
    if let Some(of_user) = home::of_user(&env) {
        let home = home::prepare(&of_user)?;
        env.retain(|(name, _)| name != HOME_VARIABLE);
        env.push((HOME_VARIABLE.into(), home.into()));
    }
    let has_key = env.iter().any(|(name, _)| name == KEY_VARIABLE);
    let mut args: Vec<OsString> = vec!["app-server".into()];
    let own = settings(start, has_key);
    for setting in SETTINGS.iter().map(|setting| (*setting).to_owned()).chain(own) {
        args.extend(["-c".into(), setting.into()]);
    }
    Ok(SpawnSpec {
        program: start.program.command.clone().unwrap_or_else(|| COMMAND.to_owned()).into(),
        args,
        cwd: start.folder.clone(),
        env,
        stdin: Stdin::Piped,
        grace: GRACE,
        limits: of_tree(&start.limits),
    })
}

/// How a run pays; none when the program's own sign-in says that.
pub(super) fn paid(start: &Start) -> Option<Paid> {
    let address = start.program.address.as_deref();
    let has_key =
        start.key.is_some() || environment(start, &[], []).iter().any(|(name, _)| name == KEY_VARIABLE);
    match (address, has_key) {
        (None, _) if start.key.is_none() => None,
        (_, true) => Some(Paid::ByKey),
        (Some(address), false) if is_here(address) => Some(Paid::Nothing),
        _ => Some(Paid::Otherwise),
    }
}

/// A text of TOML: one of JSON, but for a letter that only JSON lets stand as it is.
fn text(text: &str) -> String {
    Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

/// Settings of this run, as `name=value` in TOML.
fn settings(start: &Start, has_key: bool) -> Vec<String> {
    let folder = text(&start.folder.to_string_lossy());
    let mut settings = vec![
        // Settings, rules and hooks of the project are not read: somebody else may have written them.
        format!("projects={{{folder}={{trust_level=\"untrusted\"}}}}"),
        format!("shell_environment_policy={{exclude={}}}", Value::from(KEY_VARIABLES)),
    ];
    if let Some(effort) = &start.program.effort {
        settings.push(format!("model_reasoning_effort={}", text(effort)));
    }
    if start.program.address.is_some() || start.key.is_some() {
        let mut provider = format!("name={},wire_api=\"responses\"", text(PROVIDER));
        if let Some(address) = &start.program.address {
            provider.push_str(&format!(",base_url={}", text(&base(address))));
        }
        if has_key {
            provider.push_str(&format!(",env_key={}", text(KEY_VARIABLE)));
        }
        settings.push(format!("model_provider={}", text(PROVIDER)));
        settings.push(format!("model_providers.{PROVIDER}={{{provider}}}"));
    }
    settings
}

/// Where requests go. An address without a path gets the one that such model servers have.
fn base(address: &str) -> String {
    let address = address.trim_end_matches('/');
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    if rest.contains('/') { address.to_owned() } else { format!("{address}/v1") }
}

/// How every thread of a run is started, gone on with or copied: it asks before everything.
pub(super) fn thread(start: &Start, placed: &Placed) -> Map<String, Value> {
    let mut thread = Map::new();
    let mut set = |name: &str, value: Value| drop(thread.insert(name.to_owned(), value));
    set("cwd", start.folder.to_string_lossy().into());
    set("approvalPolicy", APPROVAL.into());
    set("approvalsReviewer", REVIEWER.into());
    set("sandbox", SANDBOX.into());
    if let Some(model) = &start.program.model {
        set("model", model.as_str().into());
    }
    if !placed.system.trim().is_empty() {
        let name = if placed.replaces { "baseInstructions" } else { "developerInstructions" };
        set(name, placed.system.as_str().into());
    }
    if !start.services.is_empty() {
        set("config", json!({ "mcp_servers": services(start) }));
    }
    thread
}

/// The services that a thread is started with.
pub(super) fn service_names(thread: &Map<String, Value>) -> BTreeSet<String> {
    let services = thread.get("config").and_then(|config| config["mcp_servers"].as_object());
    services.into_iter().flatten().map(|(name, _)| name.clone()).collect()
}

fn services(start: &Start) -> Map<String, Value> {
    let one = |(name, service): (&String, &nox_domain::agent::Service)| {
        let mut made =
            json!({ "default_tools_approval_mode": "prompt", "startup_timeout_sec": SERVICE_SECONDS });
        match (&service.command, &service.address) {
            (Some(command), _) => {
                made["command"] = command.as_str().into();
                made["args"] = service.arguments.clone().into();
                made["env"] = json!(service.environment);
            }
            (None, Some(address)) => {
                made["url"] = address.as_str().into();
                if let Some(variable) = service_variable(start, name) {
                    made["bearer_token_env_var"] = variable.into();
                }
            }
            (None, None) => return None,
        }
        Some((name.clone(), made))
    };
    start.services.iter().filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use nox_domain::agent::Service;
    use secrecy::SecretString;

    #[tokio::test]
    async fn keys_are_in_the_environment_of_the_program_only() {
        let user = tempfile::tempdir().unwrap();
        let key = |text: &str| SecretString::from(text.to_owned());
        let mut start = crate::testing::start().0;
        start.environment.insert("HOME".into(), user.path().display().to_string());
        start.key = Some(key("a-key-of-a-person"));
        let service = Service { address: Some("http://127.0.0.1:1/mcp".into()), ..Service::default() };
        start.services.insert("files".into(), service);
        start.service_keys.insert("files".into(), key("a-key-of-a-service"));
        let spec = launch(&start).unwrap();
        let said = format!("{:?} {:?}", spec.args, thread(&start, &Placed::default()));
        assert!(!said.contains("a-key-of"), "{said}");
        let value = |name: &str| {
            let pair = spec.env.iter().find(|(known, _)| known == name);
            pair.map(|(_, value)| value.to_string_lossy().into_owned())
        };
        assert_eq!(value(KEY_VARIABLE).as_deref(), Some("a-key-of-a-person"));
        assert_eq!(value("NOX_SERVICE_KEY_0").as_deref(), Some("a-key-of-a-service"));
        assert_eq!(value(HOME_VARIABLE).unwrap(), user.path().join(".codex/nox").display().to_string());
        assert!(said.contains("\"NOX_SERVICE_KEY_0\"") && said.contains("NOX_SERVICE_KEY_*"), "{said}");
        assert_eq!(thread(&start, &Placed::default())["approvalPolicy"], "untrusted");
    }

    #[tokio::test]
    async fn a_key_pays_and_a_server_here_without_one_costs_nothing() {
        let mut start = crate::testing::start().0;
        assert_eq!(paid(&start), None, "its sign-in says it");
        start.program.address = Some("http://127.0.0.1:9".into());
        assert_eq!(paid(&start), Some(Paid::Nothing));
        start.environment.insert(KEY_VARIABLE.into(), "a-key".into());
        assert_eq!(paid(&start), Some(Paid::ByKey));
        start.environment.clear();
        start.program.address = Some("https://models.example".into());
        assert_eq!(paid(&start), Some(Paid::Otherwise));
        start.key = Some(SecretString::from("a-key".to_owned()));
        start.program.address = None;
        assert_eq!(paid(&start), Some(Paid::ByKey));
    }

    #[test]
    fn an_address_without_a_path_gets_the_usual_one() {
        for (address, wanted) in [
            ("http://127.0.0.1:9", "http://127.0.0.1:9/v1"),
            ("http://127.0.0.1:9/", "http://127.0.0.1:9/v1"),
            ("https://models.example/openai/v1", "https://models.example/openai/v1"),
        ] {
            assert_eq!(base(address), wanted);
        }
    }

    #[tokio::test]
    async fn the_name_of_a_folder_says_nothing_else() {
        let mut start = crate::testing::start().0;
        start.folder = "/tmp/a\"={}} approval_policy=\"never\"\n\u{7f}".into();
        let setting = settings(&start, false).remove(0);
        let inner = setting
            .strip_prefix("projects={")
            .and_then(|rest| rest.strip_suffix("={trust_level=\"untrusted\"}}"));
        let folder: String = serde_json::from_str(inner.unwrap()).unwrap();
        assert_eq!(folder, start.folder.to_string_lossy());
        assert!(!setting.contains('\u{7f}') && !setting.contains('\n'), "no text of TOML may hold it");
    }
}
