//! The engine as the shell and the page have it: opened beside the window, so that the window's first frame does not
//! wait for the disk. Commands of the page wait here until it is open, or say why it cannot be.

use crate::{Answer, Engine, usable::Startup};
use nox_api::{
    Api, ApiError, ErrorCode, Home, HomeLock,
    dto::{AnswerRequest, Caller, Face, OneSession},
};
use nox_domain::{
    ids::{CommandId, RequestId, SessionId},
    tool::Decision,
};
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;

/// How long sessions that work may take to end when the program is left.
const SESSIONS_END_WITHIN: Duration = Duration::from_secs(10);
/// How often it is looked whether they have.
const LOOKS_EVERY: Duration = Duration::from_millis(50);

/// How far opening has come.
#[derive(Clone)]
enum Opening {
    Underway,
    Open(Api),
    Failed(ApiError),
}

/// The way to the engine. Cheap to clone; all clones are the same engine.
#[derive(Clone)]
pub struct EngineLink {
    opening: watch::Receiver<Opening>,
    startup: Arc<Startup>,
}

impl EngineLink {
    /// Begins to open the engine of a home whose lock is held, on Tauri's runtime.
    pub fn open(home: Home, lock: HomeLock, startup: Arc<Startup>) -> Self {
        let (tell, opening) = watch::channel(Opening::Underway);
        let link = Self { opening, startup: startup.clone() };
        // Opening reads the disk and holds what must not change threads, so it has a thread of its own.
        tauri::async_runtime::spawn_blocking(move || {
            let opened = match tauri::async_runtime::block_on(Api::open(home, lock)) {
                Ok(api) => {
                    startup.engine_is_open();
                    Opening::Open(api)
                }
                Err(error) => {
                    tracing::error!(%error, hint = error.hint, "the engine cannot be opened");
                    Opening::Failed(error)
                }
            };
            tell.send_replace(opened);
        });
        link
    }

    /// The engine, as soon as it is open.
    ///
    /// # Errors
    /// Why it cannot be opened.
    pub async fn api(&self) -> Result<Api, ApiError> {
        let mut opening = self.opening.clone();
        let done = opening.wait_for(|opening| !matches!(opening, Opening::Underway)).await;
        match done.as_deref() {
            Ok(Opening::Open(api)) => Ok(api.clone()),
            Ok(Opening::Failed(error)) => Err(error.clone()),
            Ok(Opening::Underway) | Err(_) => {
                Err(ApiError::new(ErrorCode::Internal, "Nox broke off while it was starting")
                    .hint("Quit Nox and start it again."))
            }
        }
    }

    /// What is measured about this start.
    pub(crate) fn startup(&self) -> &Startup {
        &self.startup
    }

    fn now(&self) -> Option<Api> {
        match &*self.opening.borrow() {
            Opening::Open(api) => Some(api.clone()),
            Opening::Underway | Opening::Failed(_) => None,
        }
    }
}

/// A command of this face, with an id of its own.
fn caller(face: Face) -> Caller {
    Caller { command: CommandId::from_uuid(uuid::Uuid::now_v7()), face, processes: vec![] }
}

#[async_trait::async_trait]
impl Engine for EngineLink {
    fn live_runs(&self) -> u32 {
        self.now().map_or(0, |api| api.working_sessions())
    }

    async fn answer(&self, face: Face, request: &str, answer: Answer) -> Result<(), ApiError> {
        let request = RequestId::parse(request)
            .map_err(|error| ApiError::new(ErrorCode::BadInput, error.to_string()).field("request"))?;
        let decision = match answer {
            Answer::AllowOnce => Decision::AllowOnce,
            Answer::Deny => Decision::Deny,
        };
        let input =
            AnswerRequest { request, decision, reason: None, answers: Default::default(), rule: None };
        self.api().await?.answer_request(&caller(face), input).await.map(|_| ())
    }

    async fn shut_down(&self) {
        // Leaving while it opens: it is opened first, so that it can be closed in good order.
        let Ok(api) = self.api().await else { return };
        stop_working(&api).await;
        api.close().await;
    }
}

/// Ends the sessions that work, and waits for their ends to be stored. Those that wait for a person go on waiting.
async fn stop_working(api: &Api) {
    let working: Vec<SessionId> = match api.snapshot(Default::default()).await {
        Ok(snapshot) => snapshot
            .sessions
            .into_iter()
            .filter(|view| !view.row.state.is_closed() && !view.row.state.needs_person())
            .map(|view| view.row.id)
            .collect(),
        Err(error) => {
            tracing::error!(%error, "what works cannot be seen; its shims end it");
            return;
        }
    };
    for session in working {
        if let Err(error) =
            api.stop_session(&caller(Face::Window), OneSession { session: session.clone() }).await
        {
            tracing::warn!(%error, %session, "a session was not stopped");
        }
    }
    let ended = async {
        while api.working_sessions() > 0 {
            tokio::time::sleep(LOOKS_EVERY).await;
        }
    };
    if tokio::time::timeout(SESSIONS_END_WITHIN, ended).await.is_err() {
        tracing::warn!(sessions = api.working_sessions(), "sessions did not end in time; closing ends them");
    }
}
