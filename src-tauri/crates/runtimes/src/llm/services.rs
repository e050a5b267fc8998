//! MCP servers of an agent, over `rmcp`: those that are started for it, in a process tree of their own, and those that run
//! by themselves. They start with the run and end with it; one that does not start is told and missed, nothing more.
//!
//! What a server says about itself is shown to the model and decides nothing: each call of each tool is asked.

use super::{
    tools::{Desk, Look, Work, call},
    wire::{Offered, http, key_variables},
};
use crate::{
    Start,
    child::{LastLines, environment},
    limits::of_tree,
};
use nox_domain::{agent::Service, tool::ToolKind};
use nox_process::{OutputChunk, ProcessTree, SpawnSpec, Stdin, StreamName, TreeStdin, framing::LineFramer};
use rmcp::{
    RoleClient, ServiceExt,
    model::{
        CallToolRequestParams, CallToolResult, ClientConfig, ContentBlock, Implementation, ResourceContents,
    },
    service::{Peer, RunningService},
    transport::streamable_http_client::{StreamableHttpClientTransport, StreamableHttpClientTransportConfig},
};
use secrecy::ExposeSecret;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

/// How long a server may take to start and to say which tools it has.
const START_LIMIT: Duration = Duration::from_secs(30);
/// How long one may take to end by itself.
const GRACE: Duration = Duration::from_secs(2);
/// Tools of all servers that are offered.
const MAX_TOOLS: usize = 200;
/// Bytes of a description that are shown to the model.
const DESCRIPTION_BYTES: usize = 4 * 1024;
/// Bytes of a schema that are shown to the model.
const SCHEMA_BYTES: usize = 32 * 1024;
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
}

/// A tool of a server.
#[derive(Debug, Clone, PartialEq)]
struct ServiceTool {
    service: String,
    tool: String,
    offered: Offered,
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
                    services.add(&name, tools);
                    services.running.insert(name, running);
                }
                Err(why) => {
                    let why = nox_domain::terminal::harmless(why.as_bytes());
                    notes.push(format!("The service {name} did not start, so its tools are missing: {why}"));
                }
            }
        }
        if services.tools.len() > MAX_TOOLS {
            let more = services.tools.len() - MAX_TOOLS;
            services.tools.truncate(MAX_TOOLS);
            notes.push(format!("The services have too many tools for a model: {more} of them are left out."));
        }
        (services, notes)
    }

    fn add(&mut self, service: &str, tools: Vec<rmcp::model::Tool>) {
        for tool in tools {
            let name = name_of(service, &tool.name);
            if self.tools.iter().any(|known| known.offered.name == name) {
                continue;
            }
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
            });
        }
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
        let (service, tool) = (tool.service.clone(), tool.tool.clone());
        Some(Ok(Look { call, work: Work::Service { service, tool, input: given.clone() } }))
    }

    /// Whoever calls the tools of a server.
    pub(super) fn peer(&self, service: &str) -> Option<Peer<RoleClient>> {
        self.running.get(service).map(|running| running.service.peer().clone())
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
    peer: &Peer<RoleClient>,
    tool: String,
    input: serde_json::Map<String, Value>,
) -> Result<String, String> {
    use rmcp::model::CallToolResponse;
    let asked = CallToolRequestParams::new(tool).with_arguments(input);
    let said = match peer.call_tool_once(asked).await {
        Ok(CallToolResponse::Complete(result)) => result,
        Ok(_) => return Err("the service wants to ask something, and Nox does not answer services".into()),
        Err(error) => return Err(format!("the service does not answer: {error}")),
    };
    let text = text_of(&said);
    if said.is_error == Some(true) { Err(text) } else { Ok(text) }
}

fn text_of(result: &CallToolResult) -> String {
    let parts = result.content.iter().map(|part| match part {
        ContentBlock::Text(text) => text.text.clone(),
        ContentBlock::Image(_) => "[an image, which is not shown]".into(),
        ContentBlock::Audio(_) => "[a sound, which is not played]".into(),
        ContentBlock::Resource(embedded) => match &embedded.resource {
            ResourceContents::TextResourceContents { uri, text, .. } => format!("{uri}\n{text}"),
            ResourceContents::BlobResourceContents { uri, .. } => format!("[{uri}, which is no text]"),
            _ => "[a resource]".into(),
        },
        ContentBlock::ResourceLink(link) => format!("[{}]", link.uri),
        _ => "[a part that Nox does not know]".into(),
    });
    let text = parts.collect::<Vec<_>>().join("\n");
    match (&result.structured_content, text.is_empty()) {
        (Some(content), true) => content.to_string(),
        _ => text,
    }
}

async fn begin(
    name: &str,
    service: &Service,
    start: &Start,
) -> Result<(Running, Vec<rmcp::model::Tool>), String> {
    let mut us = ClientConfig::default();
    us.client_info = Implementation::new("nox", env!("CARGO_PKG_VERSION"));
    let running = match (&service.command, &service.address) {
        (Some(command), _) => begin_command(command, service, start, us).await?,
        (None, Some(address)) => {
            let mut config = StreamableHttpClientTransportConfig::with_uri(address.as_str());
            if let Some(key) = start.service_keys.get(name) {
                config = config.auth_header(key.expose_secret());
            }
            let client = http().build().map_err(|_| "the system's certificates cannot be read".to_owned())?;
            let transport = StreamableHttpClientTransport::with_client(client, config);
            let service = us.serve(transport).await;
            Running {
                service: service.map_err(|error| without_key(&error.to_string(), name, start))?,
                tree: None,
            }
        }
        (None, None) => return Err("it has neither a command nor an address".into()),
    };
    let tools = running.service.list_all_tools().await;
    let tools = tools.map_err(|error| without_key(&error.to_string(), name, start))?;
    Ok((running, tools))
}

fn without_key(said: &str, name: &str, start: &Start) -> String {
    let said = super::budget::cut_middle(said, 600);
    match start.service_keys.get(name) {
        Some(key) => said.replace(key.expose_secret(), "(the key)"),
        None => said,
    }
}

async fn begin_command(
    command: &str,
    service: &Service,
    start: &Start,
    us: ClientConfig,
) -> Result<Running, String> {
    let own = service.environment.iter().map(|(name, value)| (name.clone(), value.into()));
    let mut environment = environment(start, &[], own);
    environment.retain(|(name, _)| !key_variables().any(|variable| name == variable));
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
        Ok(service) => Ok(Running { service, tree: Some(tree) }),
        Err(error) => {
            tree.kill();
            tree.wait().await;
            let last = lines.lock().unwrap_or_else(PoisonError::into_inner).text();
            let said = super::budget::cut_middle(&error.to_string(), 300);
            Err(if last.is_empty() { said } else { format!("{said}. Its last lines:\n{last}") })
        }
    }
}

/// What a server says goes to its reader; standard error is kept for people.
async fn hear(mut output: nox_process::OutputStream, mut reader: DuplexStream, lines: Arc<Mutex<LastLines>>) {
    let mut errors = LineFramer::new(500);
    while let Some(OutputChunk { stream, bytes, .. }) = output.next().await {
        match stream {
            StreamName::Stdout => {
                // Nobody reads any more: the rest is thrown away, so that it can end.
                let _ = reader.write_all(&bytes).await;
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
    use super::*;

    #[test]
    fn names_are_such_as_every_model_server_takes() {
        assert_eq!(name_of("files", "read_file"), "files__read_file");
        assert_eq!(name_of("a b", "c.d/é"), "a_b__c_d__");
        assert_eq!(name_of("x", &"y".repeat(99)).len(), 64);
    }
}
