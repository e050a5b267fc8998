//! Notifications over `org.freedesktop.Notifications` (Desktop Notifications Specification 1.2), spoken directly.
//!
//! One task owns the connection and the numbers of what is shown, since servers close a notification when the connection
//! that sent it goes away, and since a withdrawal must follow its showing. Signals count only from the owner of the
//! service's name. Without a session bus or a server nothing is shown and [`Notifier::problem`] says why; every new
//! notice, and every look, tries again.

use super::{About, Choice, Notice, Notifier, OnChoice, Urgency};
use crate::text;
use futures::{
    StreamExt,
    stream::{BoxStream, pending},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::{mpsc, oneshot};
use zbus::zvariant::Value;

/// How long a server may take for one call.
const SERVER_ANSWERS_WITHIN: Duration = Duration::from_secs(5);

#[zbus::proxy(
    interface = "org.freedesktop.Notifications",
    default_service = "org.freedesktop.Notifications",
    default_path = "/org/freedesktop/Notifications",
    gen_blocking = false
)]
trait Server {
    fn get_capabilities(&self) -> zbus::Result<Vec<String>>;

    #[allow(clippy::too_many_arguments, reason = "the specification's own signature")]
    fn notify(
        &self,
        app_name: &str,
        replaces_id: u32,
        app_icon: &str,
        summary: &str,
        body: &str,
        actions: &[&str],
        hints: HashMap<&str, Value<'_>>,
        expire_timeout_ms: i32,
    ) -> zbus::Result<u32>;

    fn close_notification(&self, id: u32) -> zbus::Result<()>;
}

enum Wish {
    Show(Notice),
    Withdraw(String),
    /// Finds out whether there is a server; answered when that is known.
    Look(oneshot::Sender<()>),
}

/// The notifications of a Linux desktop.
pub(crate) struct Freedesktop {
    wishes: mpsc::UnboundedSender<Wish>,
    problem: Arc<Mutex<Option<String>>>,
}

impl Freedesktop {
    /// Starts the task; it connects with the first notice or look.
    pub(crate) fn new(_app: &tauri::AppHandle, on_choice: OnChoice) -> Self {
        Self::start(on_choice)
    }

    fn start(on_choice: OnChoice) -> Self {
        // Unbounded, but fed only with what the engine stored: some notices a minute.
        let (wishes, wanted) = mpsc::unbounded_channel();
        let problem = Arc::new(Mutex::new(None));
        let owner = Owner { on_choice, problem: problem.clone(), line: None, shown: HashMap::new() };
        tauri::async_runtime::spawn(owner.run(wanted));
        Self { wishes, problem }
    }

    fn wish(&self, wish: Wish) {
        if self.wishes.send(wish).is_err() {
            tracing::error!("the task for notifications has ended");
        }
    }
}

#[async_trait::async_trait]
impl Notifier for Freedesktop {
    fn show(&self, notice: Notice) {
        self.wish(Wish::Show(notice.harmless()));
    }

    fn withdraw(&self, key: &str) {
        self.wish(Wish::Withdraw(key.to_owned()));
    }

    async fn problem(&self) -> Option<String> {
        let (reply, known) = oneshot::channel();
        self.wish(Wish::Look(reply));
        // A task that has ended has logged why; what was known last is still true.
        let _ = known.await;
        self.problem.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A connection and what its server can do.
struct Line {
    server: ServerProxy<'static>,
    signals: BoxStream<'static, Heard>,
    has_actions: bool,
    has_markup: bool,
}

enum Heard {
    Chosen(u32, String),
    Closed(u32),
    Nothing,
}

struct Owner {
    on_choice: OnChoice,
    problem: Arc<Mutex<Option<String>>>,
    line: Option<Line>,
    shown: HashMap<u32, Notice>,
}

impl Owner {
    async fn run(mut self, mut wanted: mpsc::UnboundedReceiver<Wish>) {
        let mut silence = pending::<Heard>().boxed();
        loop {
            let signals = self.line.as_mut().map_or(&mut silence, |line| &mut line.signals);
            tokio::select! {
                wish = wanted.recv() => match wish {
                    Some(Wish::Show(notice)) => self.show(notice).await,
                    Some(Wish::Withdraw(key)) => self.withdraw(&key).await,
                    Some(Wish::Look(reply)) => {
                        self.look().await;
                        let _ = reply.send(());
                    }
                    None => return,
                },
                heard = signals.next() => match heard {
                    Some(heard) => self.hear(heard),
                    None => {
                        tracing::warn!("the session bus closed the connection for notifications");
                        self.line = None;
                        self.shown.clear();
                    }
                },
            }
        }
    }

    fn hear(&mut self, heard: Heard) {
        match heard {
            Heard::Chosen(id, key) => {
                // Other programs' notifications are heard too; only ours are known.
                if let (Some(notice), Some(choice)) = (self.shown.get(&id), Choice::of(&key)) {
                    (self.on_choice)(notice, choice);
                }
            }
            Heard::Closed(id) => {
                self.shown.remove(&id);
            }
            Heard::Nothing => {}
        }
    }

    async fn show(&mut self, notice: Notice) {
        match in_time(self.send(&notice)).await {
            Ok(id) => {
                self.now(None);
                self.shown.insert(id, notice);
            }
            Err(reason) => {
                self.now(Some(reason));
                // The next notice looks for a server again.
                self.line = None;
                self.shown.clear();
            }
        }
    }

    /// Connects, if that was not done yet, so that a missing server is known before something is to be told.
    async fn look(&mut self) {
        if self.line.is_some() {
            return;
        }
        match in_time(connect()).await {
            Ok(line) => {
                self.line = Some(line);
                self.now(None);
            }
            Err(reason) => self.now(Some(reason)),
        }
    }

    fn now(&self, found: Option<String>) {
        let mut problem = self.problem.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(reason) = &found
            && *problem != found
        {
            tracing::warn!(reason, "notifications are not shown");
        }
        *problem = found;
    }

    async fn send(&mut self, notice: &Notice) -> zbus::Result<u32> {
        let replaces = self.number(&notice.key).unwrap_or(0);
        let line = match &mut self.line {
            Some(line) => line,
            none => none.insert(connect().await?),
        };
        let mut actions = Vec::new();
        if line.has_actions {
            actions.extend([Choice::Open.key(), "Open"]);
            actions.extend(notice.buttons().iter().flat_map(|(key, words)| [*key, *words]));
        }
        let body = if line.has_markup { text::escape_markup(&notice.body) } else { notice.body.clone() };
        // A request stays until it is answered or withdrawn; for the rest the server decides.
        let expire_timeout_ms = if matches!(notice.about, About::Request { .. }) { 0 } else { -1 };
        let hints = hints(notice.urgency);
        line.server
            .notify("Nox", replaces, "nox-desktop", &notice.title, &body, &actions, hints, expire_timeout_ms)
            .await
    }

    async fn withdraw(&mut self, key: &str) {
        let Some(id) = self.number(key) else { return };
        self.shown.remove(&id);
        let Some(line) = &self.line else { return };
        let closed = tokio::time::timeout(SERVER_ANSWERS_WITHIN, line.server.close_notification(id)).await;
        if let Ok(Err(error)) = closed {
            // A server may answer so when the person closed it in the same moment.
            tracing::debug!(%error, "a notification could not be withdrawn");
        }
    }

    fn number(&self, key: &str) -> Option<u32> {
        self.shown.iter().find(|(_, notice)| notice.key == key).map(|(id, _)| *id)
    }
}

async fn in_time<T>(work: impl Future<Output = zbus::Result<T>>) -> Result<T, String> {
    match tokio::time::timeout(SERVER_ANSWERS_WITHIN, work).await {
        Ok(done) => done.map_err(|error| error.to_string()),
        Err(_) => Err("the notification server does not answer".into()),
    }
}

async fn connect() -> zbus::Result<Line> {
    let connection = zbus::Connection::session().await?;
    let server = ServerProxy::new(&connection).await?;
    // One stream for both signals: servers send “closed” right behind “chosen”, and their order counts.
    let signals = server.inner().receive_all_signals().await?.map(|message| heard(&message));
    let capabilities = server.get_capabilities().await?;
    let has = |name: &str| capabilities.iter().any(|each| each == name);
    Ok(Line { has_actions: has("actions"), has_markup: has("body-markup"), signals: signals.boxed(), server })
}

fn heard(message: &zbus::Message) -> Heard {
    let body = message.body();
    match message.header().member().map(|member| member.as_str()) {
        Some("ActionInvoked") => {
            body.deserialize().map_or(Heard::Nothing, |(id, key): (u32, String)| Heard::Chosen(id, key))
        }
        Some("NotificationClosed") => {
            body.deserialize().map_or(Heard::Nothing, |(id, _): (u32, u32)| Heard::Closed(id))
        }
        _ => Heard::Nothing,
    }
}

fn hints(urgency: Urgency) -> HashMap<&'static str, Value<'static>> {
    let level: u8 = match urgency {
        Urgency::Low => 0,
        Urgency::Normal => 1,
        Urgency::Critical => 2,
    };
    // The picture goes along, since the icon's name is only known to the desktop once Nox is installed.
    let mark = tauri::include_image!("../icons/64x64.png");
    let (width, height) = (mark.width() as i32, mark.height() as i32);
    let picture = (width, height, width * 4, true, 8_i32, 4_i32, mark.rgba().to_vec());
    HashMap::from([
        ("urgency", Value::U8(level)),
        ("desktop-entry", Value::from("Nox")),
        ("image-data", Value::from(picture)),
    ])
}
