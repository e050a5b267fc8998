//! The runtime that plays a recorded conversation: for demonstrations without a model, and for tests of everything that
//! carries agents. It starts no process and changes nothing.
//!
//! The recording is the fenced blocks of the task's text whose language is `recorded`: one JSON object in each line, see
//! [`Line`]. A line with `end` ends a turn; each further prompt plays the next turn. When the recording is through, a
//! prompt is answered with a note. The driver names its session by the number of turns that were played, so that a later
//! run goes on there.

use crate::{AgentConnection, Answer, Error, OutputStore, Pipe, Signals, Start};
use async_trait::async_trait;
use nox_domain::{
    At,
    event::{Dial, Problem, RunEnd, TurnEnd},
    ids::SessionId,
    session::{Prompt, Signal},
    tool::{CallEnd, Question, ToolCall, ToolKind, environment_hash},
    transcript::{AgentFault, FileDiff, Offers, Usage},
};
use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};
use serde::Deserialize;
use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::sync::mpsc;

/// One line of a recording.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Line {
    /// The agent says something. Markdown.
    Say(String),
    /// Nothing happens for so many milliseconds.
    WaitMs(u64),
    /// The agent wants to do something, and when it may, this is what came out.
    Call {
        /// One line for people.
        title: String,
        /// What would run.
        text: String,
        /// What kind of call it is; `execute` when it is not said.
        #[serde(default = "execute")]
        kind: ToolKind,
        /// What it printed.
        #[serde(default)]
        output: String,
        /// So many further lines of output.
        #[serde(default)]
        lines: u32,
        /// Milliseconds between them.
        #[serde(default)]
        every_ms: u64,
        /// Its exit code.
        #[serde(default)]
        exit_code: i32,
        /// The text is Markdown for people, and nothing that would run.
        #[serde(default)]
        prose: bool,
        /// What it asks a person; the answers are what it prints.
        #[serde(default)]
        questions: Vec<Question>,
        /// What it would change in files.
        #[serde(default)]
        diff: Vec<FileDiff>,
    },
    /// What a model used, and what that cost, if that is told.
    Used(Usage),
    /// The program offers this from here on: modes, models, commands, and whether it can be steered and forked.
    Offer(Box<Offers>),
    /// Nothing happens until somebody says something into the turn; the agent repeats it.
    Listen,
    /// The turn is over: `end`, `failed` or `cancelled`.
    End(TurnEnd),
    /// The turn is over, since something is wrong with what the agent talks to.
    Fault {
        /// What.
        fault: AgentFault,
        /// In words.
        message: String,
        /// When it may go again, in so many milliseconds.
        #[serde(default)]
        again_in_ms: Option<i64>,
    },
    /// The program breaks down, as one that crashes does.
    Crash(String),
    /// Nothing is heard any more until it is stopped.
    Hang,
}

fn execute() -> ToolKind {
    ToolKind::Execute
}

enum Told {
    Prompt,
    Steer(String),
    Switch(Dial, String),
    Answer(Answer),
    Interrupt,
    Stop,
}

struct Connection {
    told: mpsc::Sender<Told>,
}

#[async_trait]
impl AgentConnection for Connection {
    async fn prompt(&mut self, _: Prompt) {
        let _ = self.told.send(Told::Prompt).await;
    }

    async fn interrupt(&mut self) {
        let _ = self.told.send(Told::Interrupt).await;
    }

    async fn steer(&mut self, text: String) {
        let _ = self.told.send(Told::Steer(text)).await;
    }

    async fn set_mode(&mut self, mode: String) {
        let _ = self.told.send(Told::Switch(Dial::Mode, mode)).await;
    }

    async fn set_model(&mut self, model: String) {
        let _ = self.told.send(Told::Switch(Dial::Model, model)).await;
    }

    async fn answer(&mut self, answer: Answer) {
        let _ = self.told.send(Told::Answer(answer)).await;
    }

    async fn stop(&mut self) {
        let _ = self.told.send(Told::Stop).await;
    }
}

/// Starts a run.
///
/// # Errors
/// A line of the recording that is not understood, or a text without a recording.
pub fn connect(start: Start) -> Result<impl AgentConnection, Error> {
    let mut turns = parse(&start.text)?;
    if turns.is_empty() {
        return Err(Error::BadText {
            line: 1,
            message:
                "there is nothing to play. Put a recording into a fenced block that begins with ```recorded."
                    .into(),
        });
    }
    // A copy has a recording of its own, and begins with its first turn.
    let resumed = start.resume.as_deref().filter(|_| !start.fork);
    let played = resumed.and_then(|name| name.strip_prefix("turn:")?.parse().ok()).unwrap_or(0);
    turns.drain(..played.min(turns.len()));
    let (told, inbox) = mpsc::channel(16);
    let signals = start.signals.clone();
    let player = Player {
        session: start.session,
        folder: start.folder.display().to_string(),
        signals: start.signals,
        output: start.output,
        turns,
        played,
        calls: 0,
        done: start.done,
        offers: None,
        mode: start.program.mode,
        model: start.program.model,
        copied: start.resume.filter(|_| start.fork),
        inbox,
    };
    signals.carry("recorded", player.run(start.prompt.is_some()));
    Ok(Connection { told })
}

/// The turns of all recordings in a Markdown text.
///
/// # Errors
/// [`Error::BadText`] names the line.
pub fn parse(markdown: &str) -> Result<VecDeque<Vec<Line>>, Error> {
    let mut turns = VecDeque::new();
    let mut turn = Vec::new();
    let mut inside = false;
    for (event, range) in Parser::new(markdown).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => inside = info.trim() == "recorded",
            Event::End(TagEnd::CodeBlock) => inside = false,
            Event::Text(text) if inside => {
                let first = 1 + markdown[..range.start].bytes().filter(|byte| *byte == b'\n').count() as u32;
                for (line, text) in (first..).zip(text.lines()).filter(|(_, text)| !text.trim().is_empty()) {
                    let read = serde_json::from_str(text).map_err(|error| Error::BadText {
                        line,
                        message: format!("this line of the recording is not understood: {error}"),
                    })?;
                    let ends = matches!(read, Line::End(_) | Line::Fault { .. });
                    turn.push(read);
                    if ends {
                        turns.push_back(std::mem::take(&mut turn));
                    }
                }
            }
            _ => {}
        }
    }
    if !turn.is_empty() {
        turn.push(Line::End(TurnEnd::End));
        turns.push_back(turn);
    }
    Ok(turns)
}

struct Player {
    session: SessionId,
    folder: String,
    signals: Signals,
    output: Arc<dyn OutputStore>,
    turns: VecDeque<Vec<Line>>,
    played: usize,
    calls: u32,
    done: Vec<String>,
    /// What it has offered, in the mode and with the model that were chosen.
    offers: Option<Offers>,
    mode: Option<String>,
    model: Option<String>,
    /// The conversation that this one is a copy of.
    copied: Option<String>,
    inbox: mpsc::Receiver<Told>,
}

/// Why playing ended.
enum Over {
    Stopped,
    /// The turn is over, and the player goes on with the next one.
    Interrupted,
    Crashed(String),
}

impl Player {
    async fn run(mut self, begins: bool) {
        self.signals.send(Signal::Live).await;
        self.name().await;
        if let Some(copied) = self.copied.take() {
            let text = format!("Goes on from a copy of {copied}.");
            self.signals.send(Signal::Noted("copied".into(), text)).await;
        }
        let over = self.play(begins).await;
        let (how, detail) = match over {
            Over::Stopped | Over::Interrupted => (RunEnd::Killed, None),
            Over::Crashed(detail) => (RunEnd::Exit, Some(detail)),
        };
        self.signals.send(Signal::RunEnded { how, detail }).await;
    }

    async fn name(&self) {
        self.signals.send(Signal::Named(format!("turn:{}", self.played))).await;
    }

    async fn play(&mut self, begins: bool) -> Over {
        let mut begins = begins;
        loop {
            if begins {
                match self.turn().await {
                    Ok(()) => {}
                    Err(Over::Interrupted) => self.interrupted().await,
                    Err(over) => return over,
                }
            }
            begins = false;
            match self.inbox.recv().await {
                Some(Told::Prompt) => begins = true,
                Some(told @ (Told::Switch(..) | Told::Steer(_))) => self.takes(told).await,
                Some(Told::Answer(_) | Told::Interrupt) => {}
                Some(Told::Stop) | None => return Over::Stopped,
            }
        }
    }

    /// Takes what is said or chosen while it does something else.
    async fn takes(&mut self, told: Told) {
        match told {
            Told::Steer(text) => {
                let repeated = format!("You said meanwhile: {text}");
                self.signals.send(Signal::Steered(text)).await;
                self.signals.send(Signal::Said(repeated)).await;
            }
            Told::Switch(Dial::Mode, mode) => {
                self.mode = Some(mode);
                self.tell_offers().await;
                self.signals.send(Signal::Switched(Dial::Mode)).await;
            }
            Told::Switch(Dial::Model, model) => {
                self.model = Some(model);
                self.tell_offers().await;
                self.signals.send(Signal::Switched(Dial::Model)).await;
            }
            _ => {}
        }
    }

    async fn tell_offers(&self) {
        let Some(mut offers) = self.offers.clone() else { return };
        // What it does not offer is not chosen.
        let mode = self.mode.clone().filter(|mode| offers.has_mode(mode));
        let model = self.model.clone().filter(|model| offers.has_model(model));
        offers.mode = mode.or(offers.mode);
        offers.model = model.or(offers.model);
        self.signals.send(Signal::Offers(Box::new(offers))).await;
    }

    /// The next prompt plays the turn behind the one that was cut short.
    async fn interrupted(&mut self) {
        self.played += 1;
        self.name().await;
        self.signals.send(Signal::TurnEnded { end: TurnEnd::Cancelled, problem: None }).await;
    }

    async fn turn(&mut self) -> Result<(), Over> {
        let Some(turn) = self.turns.pop_front() else {
            let text = "The recording is through: there is no further turn in it.".to_owned();
            self.signals.send(Signal::Noted("recording_over".into(), text)).await;
            self.signals.send(Signal::TurnEnded { end: TurnEnd::End, problem: None }).await;
            return Ok(());
        };
        // The keys of calls begin anew with each turn, so that a later run finds them as this one did.
        self.calls = 0;
        for line in turn {
            match line {
                Line::Say(text) => {
                    self.signals.send(Signal::Said(text)).await;
                }
                Line::Used(used) => {
                    self.signals.send(Signal::Used(used)).await;
                }
                Line::Offer(offers) => {
                    self.offers = Some(*offers);
                    self.tell_offers().await;
                }
                Line::Listen => self.listen().await?,
                Line::Fault { fault, message, again_in_ms } => {
                    self.played += 1;
                    self.name().await;
                    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
                    let now = i64::try_from(now).unwrap_or_default();
                    let until = again_in_ms.map(|wait| At(now.saturating_add(wait)));
                    let problem = Some(Problem::Agent { fault, message, until });
                    self.signals.send(Signal::TurnEnded { end: TurnEnd::Failed, problem }).await;
                }
                Line::WaitMs(ms) => self.pause(Some(Duration::from_millis(ms))).await?,
                Line::Hang => self.pause(None).await?,
                Line::Crash(detail) => return Err(Over::Crashed(detail)),
                Line::End(end) => {
                    self.played += 1;
                    self.name().await;
                    let failed = end == TurnEnd::Failed;
                    let message = "the recording says that it failed".to_owned();
                    let problem = failed.then_some(Problem::ConnectionEnded { message });
                    self.signals.send(Signal::TurnEnded { end, problem }).await;
                }
                Line::Call { .. } => self.call(line).await?,
            }
        }
        Ok(())
    }

    async fn call(&mut self, line: Line) -> Result<(), Over> {
        let Line::Call { title, text, kind, output, lines, every_ms, exit_code, prose, questions, diff } =
            line
        else {
            return Ok(());
        };
        let asks = !questions.is_empty();
        self.calls += 1;
        let key = format!("call:{}:{}", self.played, self.calls);
        if self.done.contains(&key) {
            return Ok(());
        }
        let call = ToolCall {
            key: key.clone(),
            kind,
            title,
            text,
            shell: String::new(),
            folder: self.folder.clone(),
            outside: false,
            environment: vec![],
            environment_hash: environment_hash([]),
            sandbox: "none".into(),
            timeout_seconds: None,
            continue_on_failure: true,
            prose,
            questions,
            diff,
            ..ToolCall::default()
        };
        self.signals.send(Signal::Proposed(Box::new(call))).await;
        let answer = loop {
            match self.inbox.recv().await {
                Some(Told::Answer(answer)) if answer.key == key => break answer,
                Some(Told::Stop) | None => return Err(Over::Stopped),
                Some(Told::Interrupt) => return Err(Over::Interrupted),
                Some(told) => self.takes(told).await,
            }
        };
        if !answer.allowed {
            let end = CallEnd::Denied { reason: answer.reason };
            self.signals.send(Signal::CallEnded { key, end, output: None }).await;
            return Ok(());
        }
        self.signals.send(Signal::CallStarted { key: key.clone(), process: None }).await;
        let mut kept = self.output.begin(&self.session, &answer.item);
        if asks {
            let given: Vec<String> =
                answer.answers.iter().map(|(id, given)| format!("{id}: {}\n", given.join(", "))).collect();
            kept.write(Pipe::Out, given.concat().into_bytes()).await;
        }
        if !output.is_empty() {
            kept.write(Pipe::Out, output.into_bytes()).await;
        }
        for number in 1..=lines {
            kept.write(Pipe::Out, format!("line {number} of {lines}\n").into_bytes()).await;
            if every_ms > 0
                && let Err(over) = self.pause(Some(Duration::from_millis(every_ms))).await
            {
                let output = Some(Box::new(kept.finish().await));
                self.signals.send(Signal::CallEnded { key, end: CallEnd::Cancelled, output }).await;
                return Err(over);
            }
        }
        let output = Some(Box::new(kept.finish().await));
        let end = match exit_code {
            0 => CallEnd::Succeeded,
            code => CallEnd::Failed { exit_code: Some(code), signal: None, timed_out: false, problem: None },
        };
        self.signals.send(Signal::CallEnded { key, end, output }).await;
        Ok(())
    }

    /// Waits so long, or until it is stopped.
    async fn pause(&mut self, time: Option<Duration>) -> Result<(), Over> {
        let waiting = async {
            match time {
                Some(time) => tokio::time::sleep(time).await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(waiting);
        loop {
            tokio::select! {
                () = &mut waiting => return Ok(()),
                told = self.inbox.recv() => match told {
                    Some(Told::Stop) | None => return Err(Over::Stopped),
                    Some(Told::Interrupt) => return Err(Over::Interrupted),
                    Some(told) => self.takes(told).await,
                },
            }
        }
    }

    /// Waits until somebody says something into the turn.
    async fn listen(&mut self) -> Result<(), Over> {
        loop {
            match self.inbox.recv().await {
                Some(Told::Stop) | None => return Err(Over::Stopped),
                Some(Told::Interrupt) => return Err(Over::Interrupted),
                Some(told) => {
                    let heard = matches!(told, Told::Steer(_));
                    self.takes(told).await;
                    if heard {
                        return Ok(());
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn turns_end_where_the_recording_says_so() {
        let text = "Play:\n\n```recorded\n{\"say\":\"a\"}\n{\"end\":\"end\"}\n{\"call\":{\"title\":\"t\",\"text\":\"x\"}}\n```\n";
        let turns = parse(text).unwrap();
        assert_eq!(turns.len(), 2);
        assert_eq!(turns[0], [Line::Say("a".into()), Line::End(TurnEnd::End)]);
        assert!(matches!(
            turns[1][..],
            [Line::Call { kind: ToolKind::Execute, .. }, Line::End(TurnEnd::End)]
        ));
    }

    #[test]
    fn a_line_that_is_not_understood_is_named() {
        let error = parse("```recorded\n{\"say\":\"a\"}\n{\"sing\":\"b\"}\n```\n").unwrap_err();
        assert!(matches!(error, Error::BadText { line: 3, .. }), "{error}");
    }
}
