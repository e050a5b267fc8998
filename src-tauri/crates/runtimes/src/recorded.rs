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
    event::{Problem, RunEnd, TurnEnd},
    ids::SessionId,
    session::Signal,
    tool::{CallEnd, ToolCall, ToolKind, environment_hash},
};
use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};
use serde::Deserialize;
use std::{collections::VecDeque, sync::Arc, time::Duration};
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
    },
    /// The turn is over: `end`, `failed` or `cancelled`.
    End(TurnEnd),
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
    Answer(Answer),
    Interrupt,
    Stop,
}

struct Connection {
    told: mpsc::Sender<Told>,
}

#[async_trait]
impl AgentConnection for Connection {
    async fn prompt(&mut self, _: String) {
        let _ = self.told.send(Told::Prompt).await;
    }

    async fn interrupt(&mut self) {
        let _ = self.told.send(Told::Interrupt).await;
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
    let played =
        start.resume.as_deref().and_then(|name| name.strip_prefix("turn:")?.parse().ok()).unwrap_or(0);
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
                    let ends = matches!(read, Line::End(_));
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
                Some(Told::Answer(_) | Told::Interrupt) => {}
                Some(Told::Stop) | None => return Over::Stopped,
            }
        }
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
        let Line::Call { title, text, kind, output, lines, every_ms, exit_code } = line else {
            return Ok(());
        };
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
            ..ToolCall::default()
        };
        self.signals.send(Signal::Proposed(Box::new(call))).await;
        let answer = loop {
            match self.inbox.recv().await {
                Some(Told::Answer(answer)) if answer.key == key => break answer,
                Some(Told::Stop) | None => return Err(Over::Stopped),
                Some(Told::Interrupt) => return Err(Over::Interrupted),
                Some(_) => {}
            }
        };
        if !answer.allowed {
            let end = CallEnd::Denied { reason: answer.reason };
            self.signals.send(Signal::CallEnded { key, end, output: None }).await;
            return Ok(());
        }
        self.signals.send(Signal::CallStarted { key: key.clone(), process: None }).await;
        let mut kept = self.output.begin(&self.session, &answer.item);
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
                    Some(_) => {}
                },
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
