//! MCP servers of an agent, over `rmcp`: those that are started for it, in a process tree of their own, and those that run
//! by themselves. They start with the run and end with it; one that does not start is told and missed, nothing more.
//!
//! What a server says about itself is shown to the model and decides nothing: each call of each tool is asked.

use super::{
    image::{Image, MAX_IMAGES},
    providers::key_variables,
    tools::{Desk, Look, Outcome, Work, call},
    wire::Offered,
};
use crate::{
    Start,
    calls::hash,
    child::{LastLines, environment},
    http,
    limits::of_tree,
};
use nox_domain::{
    agent::Service,
    tool::{ToolKind, sha256_hex},
};
use nox_process::{OutputChunk, ProcessTree, SpawnSpec, Stdin, StreamName, TreeStdin, framing::LineFramer};
use rmcp::{
    RoleClient, ServiceExt,
    model::{
        CallToolRequestParams, CallToolResult, ClientConfig, ContentBlock, Implementation,
        PaginatedRequestParams, ResourceContents,
    },
    service::{Peer, RunningService},
    transport::streamable_http_client::{StreamableHttpClientTransport, StreamableHttpClientTransportConfig},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    ffi::OsString,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

/// How long a server may take to start and to say which tools it has.
const START_LIMIT: Duration = Duration::from_secs(30);
/// How long one may take to end by itself.
const GRACE: Duration = Duration::from_secs(2);
/// Pages of tools that are asked for.
const MAX_PAGES: usize = 50;
/// Tools of all servers that are offered.
const MAX_TOOLS: usize = 200;
/// Bytes of a description that are shown to the model.
const DESCRIPTION_BYTES: usize = 4 * 1024;
/// Bytes of a schema that are shown to the model.
const SCHEMA_BYTES: usize = 32 * 1024;
/// The longest line of a server: images are one.
const MAX_LINE_BYTES: usize = 16 * 1024 * 1024;
/// What a pipe between a server and its reader holds.
const PIPE_BYTES: usize = 64 * 1024;

/// The servers that run.
#[derive(Default)]
pub(super) struct Services {
    running: BTreeMap<String, Running>,
    tools: Vec<ServiceTool>,
}

struct Running {
    service: RunningService<RoleClient, ClientConfig>,
    /// None for one that runs by itself.
    tree: Option<ProcessTree>,
    key: Option<SecretString>,
}

/// A tool of a server.
#[derive(Debug, Clone, PartialEq)]
struct ServiceTool {
    service: String,
    tool: String,
    offered: Offered,
    /// What binds its calls: the hash of how the server is reached and of all that it says about the tool.
    pin: String,
}

/// Whoever calls the tools of a server.
pub(super) struct Caller {
    peer: Peer<RoleClient>,
    key: Option<SecretString>,
}

impl Services {
    /// Starts all of them at once; answers with what is to be noted.
    pub(super) async fn start(start: &Start) -> (Self, Vec<String>) {
        let begun = start.services.iter().map(|(name, service)| async move {
            let begun = tokio::time::timeout(START_LIMIT, begin(name, service, start)).await;
            let late = || Err(format!("it took longer than {} s", START_LIMIT.as_secs()));
            (name.clone(), begun.unwrap_or_else(|_| late()))
        });
        let (mut services, mut notes) = (Self::default(), Vec::new());
        for (name, begun) in futures::future::join_all(begun).await {
            match begun {
                Ok((running, tools)) => {
                    let left_out = services.add(&name, &start.services[&name], tools);
                    if !left_out.is_empty() {
                        let names = nox_domain::terminal::harmless(left_out.join(", ").as_bytes());
                        let names = super::budget::cut_middle(&names, 600);
                        notes.push(format!(
                            "Tools of the service {name} are left out, since others have their names or there are more \
                             than {MAX_TOOLS}: {names}"
                        ));
                    }
                    services.running.insert(name, running);
                }
                Err(why) => {
                    let why = nox_domain::terminal::harmless(why.as_bytes());
                    notes.push(format!("The service {name} did not start, so its tools are missing: {why}"));
                }
            }
        }
        (services, notes)
    }

    /// Takes the tools of a server in; answers with the names of those that are left out.
    fn add(&mut self, service: &str, settings: &Service, tools: Vec<rmcp::model::Tool>) -> Vec<String> {
        let mut left_out = Vec::new();
        for tool in tools {
            let name = name_of(service, &tool.name);
            if self.tools.len() == MAX_TOOLS || self.tools.iter().any(|known| known.offered.name == name) {
                left_out.push(tool.name.into_owned());
                continue;
            }
            let pin = hash(&serde_json::json!([settings, tool]));
            let description = tool.description.as_deref().unwrap_or_default();
            let schema = Value::Object((*tool.input_schema).clone());
            let fits = schema.to_string().len() <= SCHEMA_BYTES;
            self.tools.push(ServiceTool {
                service: service.to_owned(),
                tool: tool.name.into_owned(),
                offered: Offered {
                    name,
                    description: super::budget::cut_middle(description, DESCRIPTION_BYTES),
                    schema: if fits { schema } else { serde_json::json!({ "type": "object" }) },
                },
                pin,
            });
        }
        left_out
    }

    /// What the model is told of.
    pub(super) fn offered(&self) -> impl Iterator<Item = Offered> + '_ {
        self.tools.iter().map(|tool| tool.offered.clone())
    }

    /// What a call would do; none when no server has such a tool.
    pub(super) fn look(&self, name: &str, input: &Value, desk: &Desk) -> Option<Result<Look, String>> {
        let tool = self.tools.iter().find(|tool| tool.offered.name == name)?;
        let Value::Object(given) = input else {
            return Some(Err("the input of a tool has to be a JSON object".into()));
        };
        let title = format!("{}: {}", tool.service, tool.tool);
        let mut call = call(ToolKind::Other, title, input, desk);
        call.text = format!("{} {}", tool.offered.name, call.text);
        // A server that says something else about its tool is asked about anew.
        call.input_hash = sha256_hex(format!("{}\n{}", call.input_hash, tool.pin).as_bytes());
        let (service, tool) = (tool.service.clone(), tool.tool.clone());
        Some(Ok(Look { call, work: Work::Service { service, tool, input: given.clone() } }))
    }

    /// Whoever calls the tools of a server.
    pub(super) fn caller(&self, service: &str) -> Option<Caller> {
        let running = self.running.get(service)?;
        Some(Caller { peer: running.service.peer().clone(), key: running.key.clone() })
    }

    /// Ends all of them; nothing of them is alive afterwards.
    pub(super) async fn stop(&mut self) {
        self.tools.clear();
        let ended = std::mem::take(&mut self.running).into_values().map(|mut running| async move {
            // A server that does not answer any more is not waited for.
            let _ = tokio::time::timeout(GRACE, running.service.cancel()).await;
            if let Some(tree) = &mut running.tree {
                tree.stop(GRACE);
                tree.wait().await;
            }
        });
        futures::future::join_all(ended).await;
    }
}

/// The name of a tool as every model server takes it: letters, figures, `_` and `-`, 64 at most.
fn name_of(service: &str, tool: &str) -> String {
    let plain = |letter: char| if letter.is_ascii_alphanumeric() || letter == '-' { letter } else { '_' };
    format!("{service}__{tool}").chars().map(plain).take(64).collect()
}

/// Calls a tool of a server.
pub(super) async fn use_tool(
    caller: &Caller,
    tool: String,
    input: serde_json::Map<String, Value>,
) -> Outcome {
    use rmcp::model::CallToolResponse;
    let name = tool.clone();
    let asked = CallToolRequestParams::new(tool).with_arguments(input);
    let said = match caller.peer.call_tool_once(asked).await {
        Ok(CallToolResponse::Complete(result)) => result,
        Ok(_) => {
            return Outcome::failed("the service wants to ask something, and Nox does not answer services");
        }
        Err(error) => {
            let said = without_key(&error.to_string(), caller.key.as_ref());
            return Outcome::failed(format!("the service does not answer: {said}"));
        }
    };
    let outcome = outcome_of(&name, &said);
    Outcome { text: without(&outcome.text, caller.key.as_ref()), ..outcome }
}

/// What a tool gave back. Its images are called by its name.
fn outcome_of(tool: &str, result: &CallToolResult) -> Outcome {
    let mut images = Vec::new();
    let mut image = |data: &str| {
        let number = images.len() + 1;
        if number > MAX_IMAGES {
            return format!("[an image more; {MAX_IMAGES} are shown at once]");
        }
        match Image::of_base64(&format!("{tool} {number}"), data) {
            Ok(image) => {
                let line = image.line();
                images.push(image);
                line
            }
            Err(why) => format!("[an image that cannot be shown: {why}]"),
        }
    };
    let parts = result.content.iter().map(|part| match part {
        ContentBlock::Text(text) => text.text.clone(),
        ContentBlock::Image(found) => image(&found.data),
        ContentBlock::Audio(_) => "[a sound, which is not played]".into(),
        ContentBlock::Resource(embedded) => match &embedded.resource {
            ResourceContents::TextResourceContents { uri, text, .. } => format!("{uri}\n{text}"),
            ResourceContents::BlobResourceContents { uri, blob, mime_type, .. }
                if mime_type.as_deref().is_some_and(|kind| kind.starts_with("image/")) =>
            {
                format!("{uri}\n{}", image(blob))
            }
            ResourceContents::BlobResourceContents { uri, .. } => format!("[{uri}, which is no text]"),
            _ => "[a resource]".into(),
        },
        ContentBlock::ResourceLink(link) => format!("[{}]", link.uri),
        _ => "[a part that Nox does not know]".into(),
    });
    let text = parts.collect::<Vec<_>>().join("\n");
    let text = match (&result.structured_content, text.is_empty()) {
        (Some(content), true) => content.to_string(),
        _ => text,
    };
    Outcome { text, failed: result.is_error == Some(true), images }
}

async fn begin(
    name: &str,
    service: &Service,
    start: &Start,
) -> Result<(Running, Vec<rmcp::model::Tool>), String> {
    let mut us = ClientConfig::default();
    us.client_info = Implementation::new("nox", env!("CARGO_PKG_VERSION"));
    let key = start.service_keys.get(name);
    let running = match (&service.command, &service.address) {
        (Some(command), _) => begin_command(command, service, start, us).await?,
        (None, Some(address)) => {
            let mut config = StreamableHttpClientTransportConfig::with_uri(address.as_str());
            if let Some(key) = key {
                config = config.auth_header(key.expose_secret());
            }
            let client = http().build().map_err(|_| "the system's certificates cannot be read".to_owned())?;
            let transport = StreamableHttpClientTransport::with_client(client, config);
            let service = us.serve(transport).await;
            Running {
                service: service.map_err(|error| without_key(&error.to_string(), key))?,
                tree: None,
                key: key.cloned(),
            }
        }
        (None, None) => return Err("it has neither a command nor an address".into()),
    };
    let (mut tools, mut cursor) = (Vec::new(), None);
    // A server may go on without an end.
    for _ in 0..MAX_PAGES {
        let page = PaginatedRequestParams::default().with_cursor(cursor.take());
        let page = running.service.list_tools(Some(page)).await;
        let page = page.map_err(|error| without_key(&error.to_string(), key))?;
        tools.extend(page.tools);
        cursor = page.next_cursor;
        if cursor.is_none() || tools.len() > MAX_TOOLS {
            break;
        }
    }
    Ok((running, tools))
}

/// What a server says in an error, without its key and not too long.
fn without_key(said: &str, key: Option<&SecretString>) -> String {
    super::budget::cut_middle(&without(said, key), 600)
}

fn without(said: &str, key: Option<&SecretString>) -> String {
    match key.map(SecretString::expose_secret).filter(|key| !key.is_empty()) {
        Some(key) => said.replace(key, "(the key)"),
        None => said.to_owned(),
    }
}

async fn begin_command(
    command: &str,
    service: &Service,
    start: &Start,
    us: ClientConfig,
) -> Result<Running, String> {
    let environment = environment_of(service, start);
    let spec = SpawnSpec {
        program: command.into(),
        args: service.arguments.iter().map(Into::into).collect(),
        cwd: start.folder.clone(),
        env: environment,
        stdin: Stdin::Piped,
        grace: GRACE,
        limits: of_tree(&start.limits),
    };
    let mut tree = ProcessTree::spawn(&spec, &start.shim).await.map_err(|error| error.to_string())?;
    // What it says comes out of the one, what it is told goes into the other.
    let (from, said) = tokio::io::duplex(PIPE_BYTES);
    let (told, into) = tokio::io::duplex(PIPE_BYTES);
    let lines = Arc::new(Mutex::new(LastLines::default()));
    if let Some(output) = tree.take_output() {
        tokio::spawn(hear(output, said, lines.clone()));
    }
    if let Some(stdin) = tree.take_stdin() {
        tokio::spawn(tell(stdin, told));
    }
    match us.serve((from, into)).await {
        Ok(service) => Ok(Running { service, tree: Some(tree), key: None }),
        Err(error) => {
            tree.kill();
            tree.wait().await;
            let last = lines.lock().unwrap_or_else(PoisonError::into_inner).text();
            let said = super::budget::cut_middle(&error.to_string(), 300);
            Err(if last.is_empty() { said } else { format!("{said}. Its last lines:\n{last}") })
        }
    }
}

/// Keys of model servers are for nobody but these, unless a person gives one to this service by its name.
fn environment_of(service: &Service, start: &Start) -> Vec<(OsString, OsString)> {
    let mut environment = environment(start, &[], []);
    let is_given = |name: &OsString| service.environment.keys().any(|own| name == own.as_str());
    environment.retain(|(name, _)| !is_given(name) && !key_variables().any(|variable| name == variable));
    environment.extend(service.environment.iter().map(|(name, value)| (name.into(), value.into())));
    environment.sort();
    environment
}

/// What a server says goes to its reader; standard error is kept for people.
async fn hear(mut output: nox_process::OutputStream, reader: DuplexStream, lines: Arc<Mutex<LastLines>>) {
    let mut errors = LineFramer::new(500);
    let mut reader = Some(reader);
    let mut line_bytes = 0;
    while let Some(OutputChunk { stream, bytes, .. }) = output.next().await {
        match stream {
            StreamName::Stdout => {
                line_bytes = match bytes.iter().rposition(|byte| *byte == b'\n') {
                    Some(place) => bytes.len() - place - 1,
                    None => line_bytes + bytes.len(),
                };
                // Its reader has no bound: to it the server has ended.
                if line_bytes > MAX_LINE_BYTES {
                    reader = None;
                }
                // Nobody reads any more: the rest is thrown away, so that it can end.
                if let Some(reader) = &mut reader {
                    let _ = reader.write_all(&bytes).await;
                }
            }
            StreamName::Stderr => {
                for line in errors.push(&bytes) {
                    lines.lock().unwrap_or_else(PoisonError::into_inner).push(&line.text());
                }
            }
        }
    }
}

async fn tell(mut stdin: TreeStdin, mut from: DuplexStream) {
    let mut bytes = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        if stdin.write(&bytes[..count]).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_are_such_as_every_model_server_takes() {
        assert_eq!(name_of("files", "read_file"), "files__read_file");
        assert_eq!(name_of("a b", "c.d/é"), "a_b__c_d__");
        assert_eq!(name_of("x", &"y".repeat(99)).len(), 64);
    }

    fn tool(name: &str, description: &str) -> rmcp::model::Tool {
        let said = serde_json::json!({ "name": name, "description": description, "inputSchema": {} });
        serde_json::from_value(said).unwrap()
    }

    fn binding(settings: &Service, description: &str) -> String {
        let mut services = Services::default();
        services.add("files", settings, vec![tool("delete", description)]);
        let desk =
            Desk { folder: "/".into(), shell: "sh", environment: BTreeMap::new(), max_call_seconds: None };
        let look = services.look("files__delete", &serde_json::json!({}), &desk).unwrap().unwrap();
        look.call.binding_hash()
    }

    #[test]
    fn a_tool_that_says_something_else_or_is_elsewhere_is_another_one() {
        let here = Service { command: Some("files".into()), ..Service::default() };
        let there = Service { command: Some("other".into()), ..Service::default() };
        let hashes = [binding(&here, "a"), binding(&here, "b"), binding(&there, "a")];
        assert_eq!(binding(&here, "a"), hashes[0]);
        assert!(hashes[0] != hashes[1] && hashes[0] != hashes[2]);
    }

    #[test]
    fn tools_that_are_left_out_are_named() {
        let mut services = Services::default();
        let settings = Service::default();
        let tools = vec![tool("a.b", ""), tool("a_b", "")];
        assert_eq!(services.add("x", &settings, tools), ["a_b"]);
        let many = (0..MAX_TOOLS + 5).map(|number| tool(&format!("t{number}"), "")).collect();
        assert_eq!(services.add("y", &settings, many).len(), 6);
        assert_eq!(services.tools.len(), MAX_TOOLS);
    }

    #[test]
    fn images_of_a_result_are_shown_within_bounds_and_named() {
        let image = Image::of("x", &crate::testing::picture(1)).unwrap();
        let one =
            serde_json::json!({ "type": "image", "data": *image.base64().unwrap(), "mimeType": "image/png" });
        let other = serde_json::json!({ "type": "image", "data": "no base64", "mimeType": "image/png" });
        let mut content = vec![serde_json::json!({ "type": "text", "text": "Look:" }), other];
        content.resize(MAX_IMAGES + 4, one);
        let result = serde_json::from_value(serde_json::json!({ "content": content })).unwrap();
        let outcome = outcome_of("look", &result);
        assert_eq!((outcome.images.len(), outcome.failed), (MAX_IMAGES, false));
        let lines: Vec<&str> = outcome.text.lines().collect();
        assert_eq!((lines[0], lines[1]), ("Look:", "[an image that cannot be shown: it is no image]"));
        assert!(lines[2].starts_with("[image: look 1, PNG"), "{}", lines[2]);
        assert!(lines.last().unwrap().contains("an image more"));
    }

    #[test]
    fn a_key_is_taken_out_before_anything_is_cut() {
        let key = SecretString::from("the-secret-key-of-a-service".to_owned());
        let said = format!("{}the-secret-key-of-a-service{}", "x".repeat(390), "y".repeat(600));
        let shown = without_key(&said, Some(&key));
        assert!(!shown.contains("the-secret") && !shown.contains("of-a-service"), "{shown}");
    }
}
