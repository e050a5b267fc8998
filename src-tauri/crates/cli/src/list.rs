//! `nox list-tasks`, `nox list-agents`, `nox doctor`: tables for people, or one JSON object per line.

use crate::{
    door::{Door, Purpose},
    failure::Failure,
    out,
};
use nox_api::dto::{AgentList, Check, CheckState, DoctorReport, Nothing, TaskList};
use nox_domain::words::{Card, Words};
use serde::Serialize;
use std::{path::Path, process::ExitCode};

pub(crate) async fn tasks(root: &Path, json: bool) -> Result<(), Failure> {
    let list: TaskList = ask(root, "list_tasks").await?;
    if json {
        return lines(&list.tasks);
    }
    if list.tasks.is_empty() {
        out::say("There are no tasks. Make one in the app, or with nox run.");
        return Ok(());
    }
    let mut rows = vec![row(&["ID", "STATUS", "AGENT", "PROJECT", "TITLE"])];
    for card in &list.tasks {
        let name = |id: Option<String>| id.unwrap_or_else(|| "-".into());
        rows.push(vec![
            card.task.id.to_string(),
            status(card),
            name(card.task.agent.as_ref().map(ToString::to_string)),
            name(card.task.project.as_ref().map(ToString::to_string)),
            card.task.title.clone(),
        ]);
    }
    out::print(&table(&rows));
    Ok(())
}

pub(crate) async fn agents(root: &Path, json: bool) -> Result<(), Failure> {
    let list: AgentList = ask(root, "list_agents").await?;
    if json {
        return lines(&list.agents);
    }
    if list.agents.is_empty() {
        out::say(
            "There are no agents. Make one in the app or with nox agent add; nox run makes the runbook's by itself.",
        );
        return Ok(());
    }
    let mut rows = vec![row(&["ID", "NAME", "RUNTIME", "STATE", "DESCRIPTION"])];
    for agent in list.agents.iter().map(|row| &row.agent) {
        rows.push(vec![
            agent.id.to_string(),
            agent.name.clone(),
            agent.runtime.as_str().to_owned(),
            if agent.enabled { "enabled" } else { "disabled" }.to_owned(),
            agent.description.clone(),
        ]);
    }
    out::print(&table(&rows));
    Ok(())
}

pub(crate) async fn doctor(root: &Path, json: bool) -> ExitCode {
    let checks = match ask::<DoctorReport>(root, "doctor").await {
        Ok(report) => report.checks,
        // That no engine can be opened is a finding, not a failure of the doctor.
        Err(failure) => vec![Check {
            code: "engine".into(),
            name: "Engine".into(),
            state: CheckState::Bad,
            found: failure.message,
            hint: failure.hint,
        }],
    };
    if json {
        if let Err(failure) = lines(&checks) {
            return failure.tell();
        }
    } else {
        out::print(&findings(&checks));
    }
    ExitCode::from(u8::from(checks.iter().any(|check| check.state == CheckState::Bad)))
}

fn findings(checks: &[Check]) -> String {
    let width = checks.iter().map(|check| check.name.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for check in checks {
        let (sign, word) = match check.state {
            CheckState::Good => ("✓", "good"),
            CheckState::Warning => ("!", "warning"),
            CheckState::Bad => ("✗", "bad"),
        };
        let pad = " ".repeat(width - check.name.chars().count());
        text.push_str(&format!("{sign} {word:<8} {}{pad}  {}\n", check.name, out::one_line(&check.found)));
        if let Some(hint) = check.hint.as_deref().filter(|_| check.state != CheckState::Good) {
            text.push_str(&format!("           {}\n", out::one_line(hint)));
        }
    }
    text
}

pub(crate) async fn ask<O: serde::de::DeserializeOwned>(root: &Path, query: &str) -> Result<O, Failure> {
    let door = Door::open(root, Purpose::Look).await?;
    let answer = door.call(query, &Nothing {}).await;
    door.close().await;
    answer
}

pub(crate) fn lines(rows: &[impl Serialize]) -> Result<(), Failure> {
    let mut text = String::new();
    for row in rows {
        let line = serde_json::to_string(row)
            .map_err(|error| Failure::system("a row cannot be written as JSON", &error))?;
        text.push_str(&line);
        text.push('\n');
    }
    out::print(&text);
    Ok(())
}

fn status(card: &Card) -> String {
    match &card.status.words {
        Words::Backlog => "backlog".into(),
        Words::Todo => "to do".into(),
        Words::Blocked { open } => format!("blocked by {open}"),
        Words::NotStarted { .. } => "not started, at a limit".into(),
        Words::ByHand => "by hand".into(),
        Words::Queued { .. } => "queued".into(),
        Words::Restarting { .. } => "restarting".into(),
        Words::SessionPaused { .. } => "paused".into(),
        Words::Stalled { .. } => "silent".into(),
        Words::Idle => "idle".into(),
        Words::Hibernated => "hibernated".into(),
        Words::Starting => "starting".into(),
        Words::Running { .. } => match card.progress {
            Some(progress) => format!("running {}/{}", progress.done, progress.of),
            None => "running".into(),
        },
        Words::RateLimited { .. } => "waits for its model's limit".into(),
        Words::Approval { question: true, .. } => "asks you".into(),
        Words::Approval { .. } => "needs approval".into(),
        Words::UnknownOutcome { .. } => "unknown outcome".into(),
        Words::Lost { .. } => "lost".into(),
        Words::Stopping => "stopping".into(),
        Words::Stopped { .. } => "stopped".into(),
        Words::Failed { .. } => "failed".into(),
        Words::Review => "review".into(),
        Words::Done => "done".into(),
        Words::Cancelled => "cancelled".into(),
    }
}

pub(crate) fn row(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Columns under each other; the last one is as long as it is.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| out::one_line(cell)).collect()).collect();
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let pad = width - cell.chars().count();
            line.push_str(&format!("{cell}{}  ", " ".repeat(pad)));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_each_other() {
        let rows = [row(&["ID", "TITLE"]), row(&["größe", "one\ntwo"]), row(&["b", ""])];
        assert_eq!(table(&rows), "ID     TITLE\ngröße  one two\nb\n");
    }
}
