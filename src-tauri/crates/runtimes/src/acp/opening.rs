//! From the first word to a conversation that stands: what the program can do, the conversation itself, its mode and its model.

use super::{
    conversation::{Conversation, Request},
    faults::{self, noted},
    plugins::Plugins,
    quirks::Preset,
};
use crate::{
    child::{Act, Asked, not_restored},
    prices::Prices,
};
use nox_domain::{event::Problem, transcript::AgentFault};
use serde_json::{Map, Value, json};
use std::path::PathBuf;

/// Pages of conversations in which one is looked for; beyond them it counts as being there.
const PAGES: u32 = 50;

/// How the run begins.
pub(super) struct Opening {
    pub(super) preset: &'static Preset,
    /// Where the agent works.
    pub(super) folder: PathBuf,
    /// What it must not find there.
    pub(super) plugins: Plugins,
    /// The program's name for the conversation that is gone on with.
    pub(super) resume: Option<String>,
    /// From a copy of it.
    pub(super) fork: bool,
    /// MCP servers, as the protocol has them, each with whether it is at an address.
    pub(super) services: Vec<(bool, Value)>,
    /// What a new conversation gets besides.
    pub(super) meta: Option<Value>,
    /// What stands in front of the first prompt of a conversation in which nothing was heard yet.
    pub(super) instructions: Option<String>,
    /// The agent has heard something in the conversation that is gone on with.
    pub(super) heard: bool,
    pub(super) mode: Option<String>,
    pub(super) model: Option<String>,
    /// What is asked first; and what in its place, when the conversation is not there any more.
    pub(super) prompt: Option<Asked>,
    pub(super) prompt_if_lost: Option<Asked>,
    /// The model that it asks, as its agent or a person named it last.
    pub(super) asks: Option<String>,
    /// Where it shows images only to models of which it knows that they see: what is known of models here. None once people
    /// were told so.
    pub(super) images_by_model: Option<Prices>,
}

/// How far the opening is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stage {
    /// The program says what it can do.
    Initialize,
    /// It opens the conversation.
    Open,
    /// It takes its mode and its model.
    Settle,
    /// It stands; whether anything was asked yet.
    Ready { prompted: bool },
}

impl Conversation {
    /// An answer on the way to a conversation that stands, or to a wish about its mode and model.
    pub(super) fn opened(&mut self, request: Request, answer: Result<&Value, &Value>, out: &mut Vec<Act>) {
        match (request, answer) {
            (Request::Initialize, Ok(result)) => self.initialized(result, out),
            (Request::New | Request::Restore, Ok(result)) => self.stands(result, out),
            (Request::Restore, Err(error)) if !self.opening.fork && faults::is_not_there(error) => {
                let said = faults::said(error);
                self.lost(&said, out);
            }
            (Request::Restore, Err(error)) if !self.opening.fork && self.lists => {
                self.look_for_it(Request::Look { error: error.clone(), page: 1 }, None, out);
            }
            (Request::Look { error, page }, Ok(result)) => self.looked(error, page, result, out),
            (Request::Look { error, .. }, Err(_)) => {
                out.push(Act::Refuse(faults::of_error(self.preset, &error, None)));
            }
            (Request::Initialize | Request::New | Request::Restore, Err(error)) => {
                out.push(Act::Refuse(faults::of_error(self.preset, error, None)));
            }
            (Request::Mode(mode), Ok(result)) => {
                self.known.mode_is(&mode);
                self.known.take(result);
                self.settle(out);
                self.keep_asking(out);
            }
            (Request::Mode(mode), Err(error)) => {
                let said = faults::said(error);
                // Whatever was wished: it must not stay where it does not ask.
                let asks = self.known.mode().is_none_or(|mode| self.preset.asks_in(mode));
                if matches!(self.stage, Stage::Ready { .. }) && asks {
                    out.push(noted("mode_not_set", format!("The mode \"{mode}\" was not taken: {said}")));
                } else {
                    out.push(self.refuse(AgentFault::Settings, &format!("the mode \"{mode}\": {said}")));
                }
            }
            (Request::Model(model), Ok(result)) => {
                self.known.model_is(&model);
                self.known.take(result);
                self.settle(out);
            }
            (Request::Model(model), Err(error)) => {
                let said = faults::said(error);
                out.push(noted("model_not_set", format!("The model \"{model}\" was not taken: {said}")));
                self.opening.model = None;
                self.settle(out);
            }
            (Request::Prompt | Request::Steer(_) | Request::Wish(..), _) => {}
        }
    }

    fn initialized(&mut self, result: &Value, out: &mut Vec<Act>) {
        let version = &result["protocolVersion"];
        if *version != 1 {
            out.push(
                self.refuse(AgentFault::Protocol, &format!("it wants version {version} of the protocol")),
            );
            return;
        }
        let own = result["agentInfo"]["version"].as_str().unwrap_or_default();
        let tested = self.preset.tested;
        if !own.is_empty() && !tested.is_empty() && !own.starts_with(tested) {
            let title = self.preset.named.title;
            let text =
                format!("{title} {own} is outside of the versions that Nox was tested with ({tested}x).");
            out.push(noted("untested_version", text));
        }
        let can = &result["agentCapabilities"];
        self.leave_out_services(can["mcpCapabilities"]["http"] == true, out);
        let session = &can["sessionCapabilities"];
        self.known.set_forks(session["fork"].is_object());
        self.known.set_images(can["promptCapabilities"]["image"] == true);
        self.lists = session["list"].is_object();
        self.takes_words = self.takes_words(result);
        self.known.set_steers(self.takes_words);
        if !self.may_go_on(out) {
            return;
        }
        self.stage = Stage::Open;
        let Some(name) = self.opening.resume.clone() else {
            self.begin(out);
            return;
        };
        let way = match self.opening.fork {
            true if session["fork"].is_object() => Some("session/fork"),
            true => {
                out.push(self.refuse(AgentFault::Refused, "it cannot copy a conversation"));
                return;
            }
            // Restoring without telling everything again is cheaper.
            false if session["resume"].is_object() => Some("session/resume"),
            false if can["loadSession"] == true => Some("session/load"),
            false => None,
        };
        let Some(method) = way else {
            self.lost("it cannot go on with one", out);
            return;
        };
        let mut params = self.place();
        params.insert("sessionId".into(), name.into());
        out.push(Act::Send(self.request(Request::Restore, method, params.into())));
    }

    /// Whether nothing lies there that the program would run unasked. It is ended otherwise.
    pub(super) fn may_go_on(&self, out: &mut Vec<Act>) -> bool {
        let said = self.opening.plugins.forbid(self.preset.named.title);
        let forbidden =
            said.map(|message| Problem::Agent { fault: AgentFault::Refused, message, until: None });
        let may = forbidden.is_none();
        out.extend(forbidden.map(Act::Refuse));
        may
    }

    /// Services that the program could not reach are said.
    fn leave_out_services(&mut self, takes_addresses: bool, out: &mut Vec<Act>) {
        let title = self.preset.named.title;
        self.opening.services.retain(|(at_address, service)| {
            let fits = !at_address || takes_addresses;
            if !fits {
                let name = service["name"].as_str().unwrap_or_default();
                let text = format!(
                    "{title} takes no MCP server at an address, so its agent works without \"{name}\"."
                );
                out.push(noted("service_left_out", text));
            }
            fits
        });
    }

    /// Services that did not start are said, as far as the program says which.
    pub(super) fn tell_of_failed_services(&self, line: &str, out: &mut Vec<Act>) {
        let before = self.preset.services_failed;
        let Some((_, said)) = before.and_then(|before| line.split_once(before)) else { return };
        let said: Vec<&str> = said.split([',', ' ']).map(|name| name.trim_end_matches('.')).collect();
        let services = self.opening.services.iter().filter_map(|(_, service)| service["name"].as_str());
        let failed: Vec<&str> = services.filter(|name| said.contains(name)).collect();
        if !failed.is_empty() {
            let (title, names) = (self.preset.named.title, failed.join(", "));
            let text = format!("{title} works without MCP servers that did not start: {names}.");
            out.push(noted("service_not_started", text));
        }
    }

    fn place(&self) -> Map<String, Value> {
        let services: Vec<&Value> = self.opening.services.iter().map(|(_, service)| service).collect();
        let mut params = Map::new();
        params.insert("cwd".into(), self.opening.folder.display().to_string().into());
        params.insert("mcpServers".into(), json!(services));
        if let Some(meta) = &self.opening.meta {
            params.insert("_meta".into(), meta.clone());
        }
        params
    }

    fn begin(&mut self, out: &mut Vec<Act>) {
        let params = self.place();
        out.push(Act::Send(self.request(Request::New, "session/new", params.into())));
    }

    /// It was not restored, for a reason that says nothing: what the program lists says whether it is there.
    fn look_for_it(&mut self, look: Request, cursor: Option<&str>, out: &mut Vec<Act>) {
        let params = cursor.map_or_else(|| json!({}), |cursor| json!({ "cursor": cursor }));
        out.push(Act::Send(self.request(look, "session/list", params)));
    }

    fn looked(&mut self, error: Value, page: u32, result: &Value, out: &mut Vec<Act>) {
        let wanted = self.opening.resume.clone();
        let is_it = |listed: &Value| listed["sessionId"].as_str() == wanted.as_deref();
        let is_there = result["sessions"].as_array().is_none_or(|listed| listed.iter().any(is_it));
        match result["nextCursor"].as_str() {
            Some(cursor) if !is_there && page < PAGES => {
                self.look_for_it(Request::Look { error, page: page + 1 }, Some(cursor), out);
            }
            None if !is_there => self.lost(&faults::said(&error), out),
            _ => out.push(Act::Refuse(faults::of_error(self.preset, &error, None))),
        }
    }

    /// The conversation is not there any more: a new one takes its place, and that is said.
    fn lost(&mut self, said: &str, out: &mut Vec<Act>) {
        out.push(noted("not_restored", not_restored(self.preset.named.title, Some(said))));
        self.opening.resume = None;
        if let Some(asked) = self.opening.prompt_if_lost.take() {
            self.opening.prompt = Some(asked);
        }
        self.begin(out);
    }

    fn stands(&mut self, result: &Value, out: &mut Vec<Act>) {
        let restored = self.opening.resume.clone().filter(|_| !self.opening.fork);
        let Some(name) = result["sessionId"].as_str().map(str::to_owned).or(restored) else {
            out.push(self.refuse(AgentFault::Protocol, "it opened a conversation without a name"));
            return;
        };
        if self.opening.resume.is_some() && self.opening.heard {
            // It was told when the conversation began.
            self.opening.instructions = None;
        }
        self.session = Some(name.clone());
        out.push(Act::Named(name));
        self.known.take(result);
        self.stage = Stage::Settle;
        self.settle(out);
    }

    /// One wish after the other; then the conversation stands.
    fn settle(&mut self, out: &mut Vec<Act>) {
        if self.stage != Stage::Settle {
            self.tell_offers(out);
            return;
        }
        let mode = self.opening.mode.take().filter(|mode| self.known.mode() != Some(mode));
        if let Some((method, params)) = mode.as_deref().and_then(|mode| self.known.wants_mode(mode)) {
            self.ask(Request::Mode(mode.unwrap_or_default()), method, params, out);
            return;
        }
        let model = self.opening.model.take().filter(|model| self.known.model() != Some(model));
        if let Some((method, params)) = model.as_deref().and_then(|model| self.known.wants_model(model)) {
            self.ask(Request::Model(model.unwrap_or_default()), method, params, out);
            return;
        }
        if let Some(mode) = self.known.mode().filter(|mode| !self.preset.asks_in(mode)) {
            let said = format!("it stays in the mode \"{mode}\", in which it does not ask");
            out.push(self.refuse(AgentFault::Protocol, &said));
            return;
        }
        self.stage = Stage::Ready { prompted: false };
        out.push(Act::Ready);
        self.tell_offers(out);
        if let Some(asked) = self.opening.prompt.take() {
            crate::child::Talk::prompt(self, &asked, out);
        }
    }
}
