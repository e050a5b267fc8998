//! `nox run`: makes a task, starts it, follows it until its end.

use crate::{
    args::Run,
    door::{Door, Purpose},
    failure::{FAILED, Failure},
    follow::Follow,
    out,
    prompt::{self, Prompt, Reply},
    report::{self, Report, Status},
    source::{self, Source},
};
use nox_api::{
    Subscriber,
    dto::{OneSession, Recorded, StartTask},
};
use nox_domain::{
    ids::{SessionId, TaskId},
    rows::{SessionRow, SessionState},
};
use std::{path::Path, process::ExitCode};
use tokio::sync::mpsc;

/// Runs and answers the exit status.
pub(crate) async fn run(root: &Path, run: Run) -> ExitCode {
    let mut task = None;
    match try_run(root, &run, &mut task).await {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            let code = failure.tell();
            if run.json {
                report::error_line(&failure, task.as_ref());
            }
            code
        }
    }
}

async fn try_run(root: &Path, run: &Run, made: &mut Option<TaskId>) -> Result<u8, Failure> {
    let source = Source::read(&run.what)?;
    let folder = source::folder(run.project.as_deref())?;
    let door = Door::open(root, Purpose::Work).await?;
    let mut interrupts = interrupts();
    let ran = begin_and_follow(&door, &source, run, folder, made, &mut interrupts).await;
    if matches!(ran, Ok(Ended::Left)) {
        return Ok(FAILED);
    }
    door.close().await;
    match ran? {
        Ended::As(status) => Ok(status.exit_code()),
        Ended::Left => Ok(FAILED),
    }
}

enum Ended {
    As(Status),
    /// The person did not want to wait for the end.
    Left,
}

async fn begin_and_follow(
    door: &Door,
    source: &Source,
    run: &Run,
    folder: String,
    made: &mut Option<TaskId>,
    interrupts: &mut mpsc::UnboundedReceiver<()>,
) -> Result<Ended, Failure> {
    let (agent, check) = source.check(door, run).await?;
    let images = source::images(door, &run.images).await?;
    // Before the session is opened, so that none of its changes is missed.
    let subscriber = door.subscribe().await?;
    let task = source.make(door, &agent, &check, images).await?;
    *made = Some(task.clone());
    let start = StartTask {
        task: task.clone(),
        agent: Some(agent),
        folder: Some(folder),
        pre_allowed: run.pre_allowed(),
    };
    let started: Recorded = door.call("start_task", &start).await?;
    let session =
        started.session.ok_or_else(|| Failure::system("the task was not started", &"it has no session"))?;
    let mut report = Report::new(run.json);
    let followed = follow(door, subscriber, &session, &task, &mut report, interrupts).await;
    let (ended, row) = match followed {
        Ok(followed) => followed,
        Err(failure) => {
            report.say(&format!("nox: {failure}"));
            report.say(
                "     The session goes on, or is found again when Nox is started next; the app shows it.",
            );
            (Ended::As(Status::Unknown), None)
        }
    };
    let status = match &ended {
        Ended::As(status) => *status,
        Ended::Left => Status::Unknown,
    };
    report.result(status, &session, &task, row.as_ref());
    Ok(ended)
}

async fn follow(
    door: &Door,
    subscriber: Subscriber,
    session: &SessionId,
    task: &TaskId,
    report: &mut Report,
    interrupts: &mut mpsc::UnboundedReceiver<()>,
) -> Result<(Ended, Option<SessionRow>), Failure> {
    let mut running = Running {
        door,
        follow: Follow::new(door, subscriber, session.clone(), task.clone()).await?,
        report,
        prompt: Prompt::new(),
        session: session.clone(),
        told_to_wait: false,
        stopping: false,
    };
    let ended = running.until_its_end(interrupts).await?;
    Ok((ended, running.follow.row))
}

/// Ctrl+C, and what else asks a program to end.
fn interrupts() -> mpsc::UnboundedReceiver<()> {
    let (sender, receiver) = mpsc::unbounded_channel();
    let other = sender.clone();
    tokio::spawn(async move { while tokio::signal::ctrl_c().await.is_ok() && sender.send(()).is_ok() {} });
    #[cfg(unix)]
    for kind in [tokio::signal::unix::SignalKind::terminate(), tokio::signal::unix::SignalKind::hangup()] {
        if let Ok(mut signals) = tokio::signal::unix::signal(kind) {
            let sender = other.clone();
            tokio::spawn(async move { while signals.recv().await.is_some() && sender.send(()).is_ok() {} });
        }
    }
    #[cfg(not(unix))]
    drop(other);
    receiver
}

struct Running<'a> {
    door: &'a Door,
    follow: Follow<'a>,
    report: &'a mut Report,
    prompt: Prompt,
    session: SessionId,
    told_to_wait: bool,
    stopping: bool,
}

impl Running<'_> {
    async fn until_its_end(
        &mut self,
        interrupts: &mut mpsc::UnboundedReceiver<()>,
    ) -> Result<Ended, Failure> {
        let mut windows = self.door.windows();
        let subscriber = self.follow.subscriber.clone();
        loop {
            self.show();
            if let Some(status) = self.follow.row.as_ref().and_then(Status::of) {
                self.withdraw_question();
                self.follow.finish().await?;
                self.show();
                return Ok(Ended::As(status));
            }
            let seen_windows = *windows.borrow_and_update();
            if let Some(status) = self.see_to_the_person(seen_windows).await {
                return Ok(Ended::As(status));
            }
            tokio::select! {
                push = subscriber.next() => match push {
                    Some(push) => self.follow.take(push).await?,
                    None => return Err(nox_api::control::Error::Ended.into()),
                },
                line = self.prompt.line() => self.answer(line).await?,
                Ok(()) = windows.changed() => {}
                Some(()) = interrupts.recv() => {
                    if std::mem::replace(&mut self.stopping, true) {
                        self.report.say("nox: left without waiting for the end");
                        return Ok(Ended::Left);
                    }
                    self.stop().await?;
                }
            }
        }
    }

    fn show(&mut self) {
        self.report.know(self.follow.row.as_ref());
        for seen in self.follow.seen() {
            self.report.show(&seen, &self.session);
        }
    }

    /// Asks here, waits for a window, or ends because nobody can answer.
    async fn see_to_the_person(&mut self, windows: u32) -> Option<Status> {
        if self.stopping {
            return None;
        }
        if self.prompt.asked().is_some_and(|asked| !self.follow.is_open(asked)) {
            self.withdraw_question();
            self.report.say("  answered elsewhere");
        }
        if let Some(row) = self.follow.open_request().cloned() {
            if self.prompt.asked() == Some(&row.request.id) && self.prompt.is_there() {
                return None;
            }
            if self.prompt.is_there() {
                self.report.say("");
                self.prompt.ask(self.door, &row).await;
                return None;
            }
            if windows > 0 {
                if !std::mem::replace(&mut self.told_to_wait, true) {
                    self.report.say("… waits for an answer in the app");
                }
                return None;
            }
            self.report.say(&format!(
                "nox: {} is needed, and nobody can give it here: {}",
                if row.request.call.is_question() { "an answer" } else { "an approval" },
                out::one_line(&row.request.call.title)
            ));
            self.report.say("     The request stays open: start the app to answer it.");
            if !row.request.call.is_question() {
                self.report.say("     To allow beforehand, run with --allow once or --allow all.");
            }
            return Some(Status::NeedsApproval);
        }
        self.told_to_wait = false;
        let state = self.follow.row.as_ref().map(|row| &row.state);
        if matches!(state, Some(SessionState::NeedsChoice { .. } | SessionState::Lost { .. })) && windows == 0
        {
            self.report.say("nox: the end of the run was not seen; start the app to choose how it goes on");
            return Some(Status::Unknown);
        }
        None
    }

    fn withdraw_question(&mut self) {
        if self.prompt.asked().is_some() {
            self.prompt.withdraw();
            out::print_error("\n");
        }
    }

    async fn answer(&mut self, line: Option<String>) -> Result<(), Failure> {
        let Some(request) = self.prompt.asked().cloned() else { return Ok(()) };
        let Some(line) = line else {
            self.withdraw_question();
            return Ok(());
        };
        let Some(reply) = self.prompt.take(&line) else { return Ok(()) };
        match reply {
            Reply::Decide(decision, reason) => {
                self.prompt.withdraw();
                let answers = self.prompt.answers(decision);
                match prompt::answer(self.door, &request, decision, reason, answers).await {
                    Ok(()) => self.wait_until_settled(&request).await,
                    Err(failure) => {
                        // Mostly somebody else was quicker; the next push says so, or the question comes again.
                        self.report.say(&format!("nox: {failure}"));
                        Ok(())
                    }
                }
            }
            Reply::NotUnderstood => {
                out::print_error("write a, s, w or d, then Enter: ");
                Ok(())
            }
        }
    }

    /// The answer is recorded; its change is on the way. Until then the request must not be asked again.
    async fn wait_until_settled(&mut self, request: &nox_domain::ids::RequestId) -> Result<(), Failure> {
        let subscriber = self.follow.subscriber.clone();
        while self.follow.is_open(request) {
            match subscriber.next().await {
                Some(push) => self.follow.take(push).await?,
                None => return Err(nox_api::control::Error::Ended.into()),
            }
        }
        Ok(())
    }

    async fn stop(&mut self) -> Result<(), Failure> {
        self.withdraw_question();
        self.report.say("nox: stopping (once more leaves without waiting)");
        let stop = OneSession { session: self.session.clone() };
        match self.door.call::<Recorded>("stop_session", &stop).await {
            Ok(_) => Ok(()),
            // It may be over already; then its end comes as a push.
            Err(failure) if self.follow.row.as_ref().is_none_or(|row| !row.state.is_closed()) => {
                self.report.say(&format!("nox: {failure}"));
                Ok(())
            }
            Err(failure) => Err(failure),
        }
    }
}
