//! What the next engine is asked: whether everything is there that was acknowledged, and nothing twice.

use super::{
    Life,
    load::{AGENT, Client, Failure},
};
use crate::{
    book::{About, Asked, Slot},
    engine::LONG,
};
use nox_api::{
    domain::{
        Size,
        event::{Closed, UnknownChoice},
        rows::{RequestState, SessionState},
        tool::Decision,
    },
    dto::*,
};
use std::{collections::BTreeMap, fs, time::Duration};
use tokio::time::Instant;

const AGAIN: &str = "a command that is sent again is answered from its receipt";
const CARRIED: &str = "a command without an answer is done once when it is sent again";
const THERE: &str = "what was acknowledged is there";
const OPEN: &str = "an open request is still open";
const OUTPUT: &str = "output that was read is still there, without a hole";
const ONCE: &str = "no tool call runs twice";
const FILES: &str = "files say what the log says";
const ENDS: &str = "sessions go on and end after kills";

/// Acknowledged commands that are sent again after each start.
const SAMPLE: usize = 4;

impl Life {
    /// Right after the start of an engine.
    pub(super) async fn kept(&mut self, client: &Client) {
        let (open, sample) = {
            let book = self.book.lock().unwrap();
            let sample: Vec<Asked> = book.done().rev().take(SAMPLE).map(|(asked, _)| asked.clone()).collect();
            (book.open(), sample)
        };
        for asked in sample {
            let again = client.send(&asked.id, asked.operation, &asked.input).await;
            let same = match (&again, &asked.answer) {
                (Ok(again), Some(first)) => {
                    (again.seq, &again.task, &again.session) == (first.seq, &first.task, &first.session)
                }
                _ => false,
            };
            self.tally.check(self.seed, AGAIN, same, || format!("{asked:?}: {again:?}"));
        }
        for asked in open {
            let answer = client.send(&asked.id, asked.operation, &asked.input).await;
            let carried = match &answer {
                Ok(recorded) => {
                    self.book.lock().unwrap().acknowledge(&asked.id, recorded.clone());
                    true
                }
                Err(failure) => {
                    self.book.lock().unwrap().refuse(&asked.id);
                    // The world has moved on since it was asked, which only these can meet.
                    matches!(failure, Failure::Refused(_))
                        && matches!(asked.about, About::Answered { .. } | About::Other)
                }
            };
            self.tally.check(self.seed, CARRIED, carried, || format!("{asked:?}: {answer:?}"));
        }
        match client.snapshot().await {
            Ok(all) => self.compare(&all),
            Err(failure) => self.tally.check(self.seed, THERE, false, || format!("no snapshot: {failure:?}")),
        }
        self.read_again(client).await;
        self.effects();
    }

    fn compare(&mut self, all: &Snapshot) {
        let (slots, description, answered) = {
            let book = self.book.lock().unwrap();
            (book.slots.clone(), book.description, book.answered.clone())
        };
        let seed = self.seed;
        let mut check = |promise: &str, kept: bool, wrong: String| {
            self.tally.check(seed, promise, kept, || wrong);
        };
        for slot in &slots {
            if let Some(task) = &slot.task {
                let cards: Vec<&str> = all
                    .cards
                    .iter()
                    .filter(|card| card.task.id == *task)
                    .map(|card| card.task.title.as_str())
                    .collect();
                let wanted = slot.title.map(|number| format!("Title {number}"));
                let kept = match (slot.deleted, &wanted) {
                    (true, _) => cards.is_empty(),
                    (false, Some(title)) => cards == [title],
                    (false, None) => cards.len() == 1,
                };
                check(THERE, kept, format!("{slot:?}: {cards:?}"));
            }
            if let Some(session) = &slot.session {
                let count = all.sessions.iter().filter(|view| view.row.id == *session).count();
                check(THERE, count == 1, format!("{slot:?}: its session is there {count} times"));
            }
            if let Some(request) = &slot.request {
                let row = all.requests.iter().find(|row| row.request.id == *request);
                match (answered.get(request), row.map(|row| &row.state)) {
                    (None, state) => {
                        check(OPEN, state == Some(&RequestState::Open), format!("{slot:?}: {state:?}"));
                    }
                    (Some(decision), Some(RequestState::Answered { decision: found, .. })) => {
                        check(THERE, decision == found, format!("{slot:?}: {decision:?}, found {found:?}"));
                    }
                    (Some(_), Some(other)) => check(THERE, false, format!("{slot:?}: answered, {other:?}")),
                    // Old answered requests leave the snapshot.
                    (Some(_), None) => {}
                }
            }
        }
        if let Some(number) = description {
            let agent = all.agents.iter().find(|row| row.agent.id.as_str() == AGENT);
            let found = agent.map(|row| row.agent.description.clone());
            check(THERE, found == Some(number.to_string()), format!("agent {number}: {found:?}"));
        }
        check(THERE, all.problems.is_empty(), format!("{:?}", all.problems));
    }

    /// What was read of outputs must be there again. Each is looked at once.
    async fn read_again(&mut self, client: &Client) {
        let seen: Vec<(usize, Slot)> = {
            let book = self.book.lock().unwrap();
            let slots = book.slots.iter().cloned().enumerate();
            slots.filter(|(_, slot)| slot.output.is_some()).collect()
        };
        for (index, slot) in seen {
            let (Some(session), Some((item, bytes))) = (slot.session, slot.output) else { continue };
            let mut text = String::new();
            let mut from = Size(0);
            loop {
                let input = ReadOutput { session: session.clone(), item: item.clone(), from: Some(from) };
                let Ok(page) = client.query::<OutputPage>("read_output", input).await else { break };
                if page.pieces.is_empty() {
                    break;
                }
                text.extend(page.pieces.iter().map(|piece| piece.text.as_str()));
                from = page.next;
            }
            let whole = text.rfind('\n').map_or("", |end| &text[..end]);
            let counts = whole.lines().enumerate().all(|(index, line)| line == index.to_string());
            self.tally.check(self.seed, OUTPUT, from.0 >= bytes && counts, || {
                format!("{session}: {} bytes of {bytes}, in order: {counts}", from.0)
            });
            self.book.lock().unwrap().slots[index].output = None;
        }
    }

    /// Each block notes its effect once; none may be there twice, since nothing is ever chosen to run again.
    fn effects(&mut self) {
        let text = fs::read_to_string(self.root.join("effects")).unwrap_or_default();
        let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
        for line in text.lines() {
            *counts.entry(line).or_default() += 1;
        }
        let twice: Vec<_> = counts.iter().filter(|(_, count)| **count > 1).collect();
        self.tally.check(self.seed, ONCE, twice.is_empty(), || format!("{twice:?}"));
    }

    /// Decides about some of what waits for a person.
    pub(super) async fn settle(&mut self, client: &Client) {
        let Ok(all) = client.snapshot().await else { return };
        for view in all.sessions {
            self.decide(client, &view, 50).await;
        }
    }

    async fn decide(&mut self, client: &Client, view: &SessionView, percent: u64) {
        let session = view.row.id.clone();
        let chosen = self.dice.percent(percent);
        let _ = match &view.row.state {
            SessionState::NeedsChoice { item, .. } => {
                let choice = [UnknownChoice::Skip, UnknownChoice::Stop][self.dice.place(2)];
                let input = ResolveUnknown { session, item: item.clone(), choice };
                client.command("resolve_unknown", input, About::Other).await
            }
            SessionState::NeedsApproval { request, .. } if chosen => {
                let decision = [Decision::AllowOnce, Decision::Deny][self.dice.place(2)];
                client.answer(request.clone(), decision).await
            }
            SessionState::Lost { .. } | SessionState::Paused { .. } if chosen => {
                client.command("continue_session", OneSession { session }, About::Other).await
            }
            SessionState::Lost { .. } | SessionState::Paused { .. } | SessionState::Stalled { .. } => {
                client.command("stop_session", OneSession { session }, About::Other).await
            }
            _ => return,
        };
    }

    /// Brings every session to its end.
    pub(super) async fn finish(&mut self, client: &Client) -> Result<(), String> {
        let deadline = Instant::now() + LONG;
        loop {
            let all = client.snapshot().await.map_err(|failure| format!("no snapshot: {failure:?}"))?;
            let open: Vec<&SessionView> =
                all.sessions.iter().filter(|view| !view.row.state.is_closed()).collect();
            if open.is_empty() {
                let bad: Vec<_> = all.sessions.iter().filter(|view| failed(&view.row.state)).collect();
                self.tally.check(self.seed, ENDS, bad.is_empty(), || format!("{bad:?}"));
                self.effects();
                return Ok(());
            }
            if Instant::now() > deadline {
                let states: Vec<_> = open.iter().map(|view| &view.row.state).collect();
                self.tally.check(self.seed, ENDS, false, || format!("still open: {states:?}"));
                return Ok(());
            }
            for view in open {
                self.decide(client, view, 100).await;
            }
            // Sessions end by themselves now; this only spaces the looks.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// After an end in order: the files of tasks say what was acknowledged last.
    pub(super) fn files(&mut self) {
        let slots = self.book.lock().unwrap().slots.clone();
        let texts = task_files(&self.root.join("home/registry/tasks"));
        for slot in slots {
            let (Some(task), Some(number)) = (&slot.task, slot.title) else { continue };
            let file = texts.iter().find(|(name, _)| name.starts_with(task.as_str())).map(|(_, text)| text);
            let title = format!("# Title {number}");
            let kept = match file {
                None => slot.deleted,
                Some(text) => {
                    !slot.deleted
                        && text.lines().any(|line| line == title)
                        && text.contains("Words that stay.")
                }
            };
            self.tally.check(self.seed, FILES, kept, || format!("{slot:?}: {file:?}"));
        }
    }
}

/// A run that ended badly although nobody stopped or denied it.
fn failed(state: &SessionState) -> bool {
    matches!(state, SessionState::Closed { how: Closed::Failed, .. })
}

fn task_files(folder: &std::path::Path) -> Vec<(String, String)> {
    let folders = fs::read_dir(folder).into_iter().flatten().flatten().filter(|entry| entry.path().is_dir());
    let files = folders.flat_map(|month| fs::read_dir(month.path()).into_iter().flatten().flatten());
    files
        .map(|entry| {
            let text = fs::read_to_string(entry.path()).unwrap_or_default();
            (entry.file_name().to_string_lossy().into_owned(), text)
        })
        .collect()
}
