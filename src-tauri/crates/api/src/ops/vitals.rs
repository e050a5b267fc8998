//! What runs hold and use, and what a start found: operations that only read.

use crate::{Api, ApiError, dto::*};
use nox_domain::{At, Size, words::session_status};
use nox_engine::vitals::{Branch, MemoryMeasure, RunUsage};

impl Api {
    /// Every process that Nox owns, measured now. Takes some milliseconds; ask only while somebody looks.
    pub async fn processes(&self, _: Nothing) -> Result<ProcessesView, ApiError> {
        let engine = self.engine();
        let usage = engine.usage().await;
        let holding = nox_engine::vitals::holding();
        let mut runs = Vec::with_capacity(usage.runs.len());
        for run in usage.runs {
            // One that ended meanwhile has nothing to show.
            if !run.trees.is_empty()
                && let Ok(row) = engine.session(&run.session).await
            {
                runs.push(run_view(row, run));
            }
        }
        runs.sort_by(|a, b| a.session.cmp(&b.session));
        Ok(ProcessesView {
            at: nox_engine::clock::now(),
            engine: EngineUsage {
                pid: std::process::id(),
                memory_bytes: Size(usage.own.map_or(0, |own| own.pss_bytes)),
                cpu_ms: Size(usage.own.map_or(0, |own| own.cpu_ms)),
                threads: usage.own.map_or(0, |own| own.threads),
                descriptors: usage.own.map_or(0, |own| own.descriptors),
                started_at: engine.beginning().at,
            },
            holding: HoldingView {
                memory: held(holding.memory),
                cpu: held(holding.cpu),
                processes: held(holding.processes),
            },
            runs,
        })
    }

    /// What the present start found of an earlier engine that did not end in order, and how that is now.
    pub async fn recovery(&self, _: Nothing) -> Result<RecoveryView, ApiError> {
        let engine = self.engine();
        let beginning = engine.beginning();
        let mut sessions = Vec::with_capacity(beginning.found.len());
        // One that an earlier start set aside is told as long as this one reads it.
        let saved = engine.saved();
        let aside = beginning.set_aside.clone().or_else(|| saved.first().map(|saved| saved.file.clone()));
        for found in &beginning.found {
            let Ok(row) = engine.session(&found.session).await else { continue };
            sessions.push(RecoveredSession {
                session: row.id.clone(),
                task: row.task.clone(),
                title: row.title.clone(),
                agent_name: row.agent_name.clone(),
                was_doing: found.was_doing.clone(),
                open_requests: found.open_requests,
                status: session_status(&row),
            });
        }
        Ok(RecoveryView {
            at: beginning.at,
            clean: beginning.lost_runs == 0 && beginning.swept == 0 && aside.is_none(),
            lost_runs: beginning.lost_runs,
            swept: beginning.swept,
            database: aside.map(|aside| {
                let saved = saved.into_iter().find(|saved| saved.file == aside);
                DatabaseRecovery {
                    aside: aside.display().to_string(),
                    under_way: saved.as_ref().is_none_or(|saved| saved.under_way),
                    sessions_saved: saved.as_ref().map_or(0, |saved| saved.sessions_saved),
                    sessions_damaged: saved.as_ref().map_or(0, |saved| saved.sessions_damaged),
                    problem: saved.and_then(|saved| saved.failed),
                }
            }),
            sessions,
        })
    }
}

fn run_view(row: nox_domain::rows::SessionRow, run: RunUsage) -> RunView {
    let memory_is = match run.trees.iter().any(|tree| tree.memory == MemoryMeasure::Private) {
        true => MemoryIs::Private,
        false => MemoryIs::Proportional,
    };
    RunView {
        status: session_status(&row),
        session: row.id,
        task: row.task,
        title: row.title,
        agent: row.agent,
        agent_name: row.agent_name,
        attempt: row.attempt,
        last_event_at: row.last_event_at,
        memory_bytes: Size(run.trees.iter().map(|tree| tree.memory_bytes).sum()),
        memory_is,
        cpu_ms: Size(run.trees.iter().map(|tree| tree.cpu_ms).sum()),
        limits: run.limits,
        processes: run
            .trees
            .into_iter()
            .flat_map(|tree| tree.list)
            .map(|process| ProcessView {
                pid: process.pid,
                name: process.name.chars().filter(|letter| !letter.is_control()).collect(),
                memory_bytes: Size(process.memory_bytes),
                cpu_ms: Size(process.cpu_ms),
                started_at: At(process.started_at_ms),
            })
            .collect(),
    }
}

fn held(branch: Branch) -> Held {
    match branch {
        Branch::CgroupV2 => Held::CgroupV2,
        Branch::CgroupV1 => Held::CgroupV1,
        Branch::Rlimit => Held::Rlimit,
        Branch::Watched => Held::Watched,
        Branch::None => Held::Nothing,
    }
}
