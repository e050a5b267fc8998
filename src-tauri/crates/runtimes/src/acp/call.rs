//! Tool calls as ACP programs tell them, put together from what comes bit by bit, and as Nox shows and binds them.

use super::quirks::Preset;
use crate::calls::{change, cut, diff, first_line, hash, is_outside, leads_away, plain, short};
use crate::child::{Images, call_failed, questions, weight, words_of};
use nox_domain::{
    answers::Answers,
    tool::{CallEnd, ToolCall, ToolKind},
    transcript::{FileDiff, Location},
};
use serde_json::{Map, Value, json};
use std::{
    io::Read,
    path::{Path, PathBuf},
};

/// Of what a call gave back so much is kept.
const OUTPUT_BYTES: usize = 1024 * 1024;
/// Places and diffs of one call; more are not shown.
const PARTS: usize = 50;
/// How tools call the file that they are about.
const PATHS: &[&str] =
    &["file_path", "filePath", "filepath", "path", "absolute_path", "notebook_path", "dir_path", "directory"];
/// OpenCode and Gemini CLI call a command that they ended a good one, and say this.
const ABORTED: &[&str] = &["User aborted the command", "Command cancelled by user"];
/// Gemini CLI calls a command a good one that failed and wrote nothing, and says this.
const EXITED: &str = "Command exited with code: ";
/// Of a plan so much is shown.
const PLAN_BYTES: u64 = 64 * 1024;
/// How Gemini CLI says that it does not wait for a command.
const BEHIND: &str = "[background]";
/// How it begins when it does not say what a tool of an MCP server is given.
const OMITTED: &str = "[Payload omitted";
/// How the title of its `web_fetch` ends when more than 97 letters were asked for; what is behind them is told nowhere.
const CUT: &str = "...\"";
/// What a person is told of that.
const REST: &str = "The program does not show the rest. It may name more addresses.";
/// Tools that ask a person: their questions stand in what they are given.
const ASKS: &[&str] = &["ask_user_question"];
/// Tools that show a plan, which is to be judged: it stands in what they are given.
const PLANS: &[&str] = &["ExitPlanMode", "exit_plan_mode"];
/// What a command may bring without being another command.
const OF_A_COMMAND: &[&str] =
    &["command", "cmd", "description", "cwd", "workdir", "directory", "timeout", "timeout_secs"];

/// What is known of a call so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Told {
    tool: String,
    title: String,
    kind: String,
    input: Map<String, Value>,
    content: Vec<Value>,
    places: Vec<Location>,
    output: Value,
    pipes: Option<(String, String)>,
    began: bool,
    /// What all of that weighs.
    bytes: usize,
}

impl Told {
    /// Takes in what is told anew; what is not told stays.
    pub(super) fn take(&mut self, update: &Value) {
        let told = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let meta = &update["_meta"];
        let names = [
            &meta["goose"]["toolCall"]["toolName"],
            &meta["claudeCode"]["toolName"],
            &meta["toolName"],
            &update["name"],
        ];
        if let Some(name) = names.into_iter().find_map(told) {
            self.tool = name;
        }
        self.began |= update["status"] == "in_progress";
        if let Some(title) = told(&update["title"]) {
            self.title = title;
        }
        if let Some(kind) = told(&update["kind"]).filter(|kind| kind != "other" || self.kind.is_empty()) {
            self.kind = kind;
        }
        for (name, value) in update["rawInput"].as_object().into_iter().flatten() {
            self.input.insert(name.clone(), value.clone());
        }
        if let Some(parts) = update["content"].as_array().filter(|parts| !parts.is_empty()) {
            self.content = parts.iter().take(PARTS).cloned().collect();
        }
        if let Some(places) = update["locations"].as_array().filter(|places| !places.is_empty()) {
            self.places = places.iter().take(PARTS).filter_map(place).collect();
        }
        if !update["rawOutput"].is_null() {
            self.output = update["rawOutput"].clone();
        }
        let response = &meta["claudeCode"]["toolResponse"];
        if let (Some(out), Some(err)) = (response["stdout"].as_str(), response["stderr"].as_str()) {
            self.pipes = Some((out.to_owned(), err.to_owned()));
        }
        self.bytes = self.weigh();
    }

    /// How much is kept of what was told.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    fn weigh(&self) -> usize {
        let input = self.input.iter().map(|(name, value)| name.len() + weight(value));
        let places = self.places.iter().map(|place| place.path.len());
        let pipes = self.pipes.iter().map(|(out, err)| out.len() + err.len());
        let words = self.tool.len() + self.title.len() + self.kind.len();
        let values = self.content.iter().chain([&self.output]).map(weight);
        words + input.chain(places).chain(pipes).chain(values).sum::<usize>()
    }

    /// Where the program gives what it asks about only in words, those of an object are what the call is given.
    pub(super) fn reads_input(&mut self) {
        if self.input.is_empty()
            && let Ok(input) = serde_json::from_str(&self.words())
        {
            self.input = input;
            self.bytes = self.weigh();
        }
    }

    /// It was allowed: what it shows from here on is what it gives back.
    pub(super) fn begins(&mut self) {
        self.content.retain(|part| part["type"] == "diff");
    }

    /// Whether it is told what the call is given.
    pub(super) fn has_input(&self) -> bool {
        !self.input.is_empty()
    }

    /// Whether the program has said that it is at work.
    pub(super) fn has_begun(&self) -> bool {
        self.began
    }

    /// Whether it ran: the program says that it is at work, or how it ended. A refusal of its own brings neither.
    pub(super) fn has_run(&self, preset: &Preset) -> bool {
        let is_told = |name: &str| !self.output[name].is_null();
        let codes = ["exit_code", "exitCode", "stdout"].into_iter().any(is_told);
        (self.began && !preset.begins_early)
            || codes
            || !self.output["metadata"]["exit"].is_null()
            || Report::of(&self.words()).is_some()
    }

    /// The program's name of the tool, as far as it says one.
    pub(super) fn tool(&self, id: &str) -> String {
        if !self.tool.is_empty() {
            return self.tool.clone();
        }
        // Gemini CLI names its tool only in the name of the call.
        match id.split_once("__") {
            Some((tool, _)) if !tool.is_empty() => tool.to_owned(),
            _ if !self.kind.is_empty() && self.kind != "other" => self.kind.clone(),
            _ => self.title.clone(),
        }
    }

    /// What the program wants to do.
    pub(super) fn call(&self, id: &str, preset: &Preset, session: &Path) -> ToolCall {
        let tool = self.tool(id);
        let input = Value::Object(self.input.clone());
        let kind = self.kind_of(&tool, preset);
        let cwd = ["cwd", "workdir"].iter().find_map(|name| input[*name].as_str());
        let explained = if self.input.is_empty() { self.words() } else { String::new() };
        let cwd = cwd.or_else(|| Some(explained.strip_prefix("[in ")?.split_once(']')?.0));
        let cwd = cwd.map_or_else(|| session.to_owned(), |cwd| session.join(cwd));
        let path = self.path(&cwd);
        let mut call = ToolCall {
            kind,
            folder: cwd.display().to_string(),
            sandbox: "none".into(),
            continue_on_failure: true,
            outside: is_outside(&cwd, session),
            locations: self.places.clone(),
            input_hash: hash(&self.bound(&tool, id)),
            ..ToolCall::default()
        };
        let named = path.as_ref().map(|path| path.display().to_string());
        match kind {
            ToolKind::Execute => {
                let command = self.command();
                let is_plain = command.is_some() && self.is_plain_command();
                call.text = command.unwrap_or_else(|| self.title.clone());
                call.shell = "bash".into();
                if is_plain || self.input.is_empty() && !explained.ends_with(BEHIND) {
                    call.input_hash.clear();
                }
                let described = input["description"].as_str().filter(|words| !words.trim().is_empty());
                call.title = described.unwrap_or(&call.text).to_owned();
            }
            ToolKind::Read | ToolKind::Edit | ToolKind::Delete | ToolKind::Move => {
                call.text = named.clone().unwrap_or_else(|| self.all(&input));
                call.title = format!(
                    "{tool} {}",
                    named.as_deref().map(|path| short(path, session)).unwrap_or_default()
                );
                // Nobody knows where it reaches.
                call.outside |= path.is_none();
            }
            ToolKind::Search => {
                let what = ["pattern", "query", "glob"].iter().find_map(|name| input[*name].as_str());
                call.text = self.all(&input);
                call.title = format!("{tool} {}", what.unwrap_or_default());
                call.outside |= what.is_some_and(leads_away);
            }
            ToolKind::Fetch => {
                let what = ["url", "query"].iter().find_map(|name| input[*name].as_str());
                call.text = what.map_or_else(|| self.all(&input), str::to_owned);
                call.title = format!("{tool} {}", call.text);
            }
            _ => {
                call.text = self.all(&input);
                call.title = if self.title.is_empty() { tool.clone() } else { self.title.clone() };
            }
        }
        if let Some(path) = path.filter(|_| kind != ToolKind::Execute) {
            call.outside |= reaches_out(&path, session);
            let known = call.locations.iter().any(|place| Path::new(&place.path) == path);
            if !known {
                call.locations.insert(0, Location { path: path.display().to_string(), line: None });
            }
            // What lies outside is not read before somebody has allowed it.
            if kind == ToolKind::Edit && !call.outside {
                call.diff.extend(change(&path, &input));
            }
        }
        if kind != ToolKind::Execute {
            call.outside |= self.places.iter().any(|place| reaches_out(&cwd.join(&place.path), session));
        }
        if call.diff.is_empty() {
            call.diff = self.diffs();
            let paths = call.diff.iter().map(|diff| cwd.join(&diff.path));
            call.outside |= paths.into_iter().any(|path| reaches_out(&path, session));
        }
        let plan = input["plan"].as_str().filter(|_| PLANS.contains(&tool.as_str()));
        if let Some(plan) = plan.map(str::to_owned).or_else(|| self.plan(&tool, preset)) {
            call.input_hash = hash(&json!({ "tool": tool, "plan": plan }));
            call.text = plan;
            call.prose = true;
        }
        if ASKS.contains(&tool.as_str()) {
            call.questions = questions(&input["questions"]);
        }
        call.title = first_line(&call.title);
        call
    }

    /// The plan that is shown, where it stands in a file of the program.
    fn plan(&self, tool: &str, preset: &Preset) -> Option<String> {
        let path = preset.plan.filter(|(known, _)| *known == tool)?.1;
        let path = Path::new(self.title.strip_prefix(path)?.trim());
        let is_plan = path.parent()?.file_name()? == "plans" && path.extension()? == "md";
        let is_file = std::fs::symlink_metadata(path).is_ok_and(|file| file.is_file());
        if !(is_plan && is_file && path.is_absolute()) {
            return None;
        }
        let file = std::fs::File::open(path).ok()?;
        let mut plan = String::new();
        file.take(PLAN_BYTES).read_to_string(&mut plan).ok()?;
        Some(plan)
    }

    /// What a person answered to its questions, as its program takes it: by the place of each question.
    pub(super) fn answers(&self, id: &str, answers: &Answers) -> Option<Value> {
        if !ASKS.contains(&self.tool(id).as_str()) {
            return None;
        }
        let asked = self.input.get("questions")?.as_array()?.iter().enumerate();
        let given = asked.filter_map(|(place, asked)| {
            let given = answers.get(asked["question"].as_str()?)?;
            Some((place.to_string(), Value::from(given.join(", "))))
        });
        Some(Value::Object(given.collect()))
    }

    /// How the call ended, and what it wrote, with the images that it shows. `interrupted`: somebody ended the turn.
    pub(super) fn end(
        &self,
        failed: bool,
        interrupted: bool,
        images: &mut Images,
    ) -> (CallEnd, String, String) {
        let report = Report::of(&self.words());
        let output = &self.output;
        let codes = [&output["exit_code"], &output["exitCode"], &output["metadata"]["exit"]];
        let exit_code = codes.into_iter().find_map(Value::as_i64).and_then(|code| i32::try_from(code).ok());
        let exit_code = exit_code.or(report.as_ref().and_then(|report| report.exit_code));
        let exit_code = exit_code.or_else(|| self.words().strip_prefix(EXITED)?.trim().parse().ok());
        let failed = failed || exit_code.is_some_and(|code| code != 0);
        let failed = failed || interrupted && ABORTED.iter().any(|said| self.words().contains(said));
        let end = match (failed, interrupted) {
            (false, _) => CallEnd::Succeeded,
            (true, true) => CallEnd::Cancelled,
            (true, false) => call_failed(exit_code),
        };
        let pipes = output["stdout"].as_str().zip(output["stderr"].as_str());
        let pipes = pipes.map(|(out, err)| (out.to_owned(), err.to_owned()));
        let pipes = pipes.or_else(|| self.pipes.clone()).or(report.map(|report| (report.out, report.err)));
        let (out, err) = pipes.unwrap_or_else(|| {
            let plain = output.as_str().or_else(|| output["output"].as_str());
            let plain = plain.filter(|plain| !plain.is_empty()).map(str::to_owned);
            let text = self.words_with(images);
            (plain.filter(|_| text.is_empty() || output.is_string()).unwrap_or(text), String::new())
        });
        (end, cut(&out, OUTPUT_BYTES).to_owned(), cut(&err, OUTPUT_BYTES).to_owned())
    }

    fn kind_of(&self, tool: &str, preset: &Preset) -> ToolKind {
        if let Some((_, kind)) = preset.kinds.iter().find(|(known, _)| *known == tool) {
            return *kind;
        }
        match self.kind.as_str() {
            "read" => ToolKind::Read,
            "edit" => ToolKind::Edit,
            "delete" => ToolKind::Delete,
            "move" => ToolKind::Move,
            "search" => ToolKind::Search,
            "execute" => ToolKind::Execute,
            "think" => ToolKind::Think,
            "fetch" => ToolKind::Fetch,
            _ => ToolKind::Other,
        }
    }

    /// The file or folder that it is about.
    fn path(&self, cwd: &Path) -> Option<PathBuf> {
        let named = PATHS.iter().find_map(|name| self.input.get(*name)?.as_str());
        let named = named.or_else(|| self.places.first().map(|place| place.path.as_str()));
        let named = named.or_else(|| self.content.iter().find_map(|part| part["path"].as_str()));
        named.map(|path| cwd.join(path))
    }

    /// The text of a command, however it is given.
    fn command(&self) -> Option<String> {
        match ["command", "cmd"].iter().find_map(|name| self.input.get(*name))? {
            Value::String(text) => Some(text.clone()),
            Value::Array(words) => {
                let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
                match words.as_slice() {
                    [shell, "-c" | "-lc", script] if shell.ends_with("sh") => Some((*script).to_owned()),
                    _ => Some(words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")),
                }
            }
            _ => None,
        }
    }

    fn is_plain_command(&self) -> bool {
        self.input.iter().all(|(name, value)| OF_A_COMMAND.contains(&name.as_str()) || *value == false)
    }

    /// All that it is given, as text.
    fn all(&self, input: &Value) -> String {
        match (self.input.is_empty(), self.words()) {
            (false, _) => plain(input),
            (true, _) if self.is_cut() => format!("{}\n{REST}", self.title),
            (true, words) if words.is_empty() => self.title.clone(),
            (true, words) => format!("{}\n{words}", self.title),
        }
    }

    /// Whether the program shows only how it begins, and does not tell what it is given.
    fn is_cut(&self) -> bool {
        self.input.is_empty() && self.kind == "fetch" && self.title.ends_with(CUT)
    }

    /// What an answer is bound to: what the tool would be given, or, where the program does not say that, what it shows. What is
    /// kept from us is bound to this one call.
    fn bound(&self, tool: &str, id: &str) -> Value {
        if !self.input.is_empty() {
            return json!({ "tool": tool, "input": self.input });
        }
        let words = self.words();
        let call = if words.starts_with(OMITTED) || self.is_cut() { id } else { "" };
        let diffs: Vec<&Value> = self.content.iter().filter(|part| part["type"] == "diff").collect();
        json!({ "tool": tool, "title": self.title, "diff": diffs, "words": words, "call": call })
    }

    /// The name under which Nox knows it: the same call has the same name in every run.
    pub(super) fn name(&self, id: &str) -> String {
        let tool = self.tool(id);
        format!("{tool}:{}", &hash(&self.bound(&tool, id))[..16])
    }

    fn diffs(&self) -> Vec<FileDiff> {
        let diffs = self.content.iter().filter(|part| part["type"] == "diff");
        let diffs = diffs.filter_map(|part| {
            let old = part["oldText"].as_str().unwrap_or_default();
            Some(diff(Path::new(part["path"].as_str()?), old, part["newText"].as_str()?))
        });
        diffs.collect()
    }

    /// What it gave back in words.
    fn words(&self) -> String {
        self.parts(words_of)
    }

    /// The same, with its images.
    fn words_with(&self, images: &mut Images) -> String {
        let place = self.places.first().and_then(|place| Path::new(&place.path).file_name()?.to_str());
        let name = place.unwrap_or(if self.tool.is_empty() { &self.title } else { &self.tool });
        self.parts(|content| images.words_of(content, name))
    }

    fn parts(&self, words_of: impl FnMut(&Value) -> String) -> String {
        let parts = self.content.iter().filter(|part| part["type"] == "content").map(|part| &part["content"]);
        parts.map(words_of).collect::<Vec<_>>().join("\n")
    }
}

/// What Qwen Code tells of a command: one text with a line for each part.
struct Report {
    out: String,
    err: String,
    exit_code: Option<i32>,
}

impl Report {
    fn of(text: &str) -> Option<Self> {
        let (_, rest) = text.strip_prefix("Command: ")?.split_once("\nOutput: ")?;
        let (out, rest) = rest.rsplit_once("\nError: ")?;
        let (err, rest) = rest.split_once("\nExit Code: ")?;
        let exit_code = rest.lines().next()?.trim().parse().ok();
        let pipe =
            |text: &str| if text == "(empty)" || text == "(none)" { String::new() } else { text.to_owned() };
        Some(Self { out: pipe(out), err: pipe(err), exit_code })
    }
}

fn place(value: &Value) -> Option<Location> {
    let line = value["line"].as_u64().and_then(|line| u32::try_from(line).ok());
    Some(Location { path: value["path"].as_str()?.to_owned(), line })
}

/// What the program may read in another way than it stands there counts as outside.
fn reaches_out(path: &Path, session: &Path) -> bool {
    let text = path.to_string_lossy();
    text.trim() != text || text.contains("/~") || is_outside(path, session)
}

fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./=:,+@%".contains(letter);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}
