//! Feeds the tray, the notifications and the window's theme from the engine's pushes, from its opening to its closing.
//! Subscribes first and asks for the snapshot after, so that nothing is missed in between.

use crate::{
    Shell,
    engine::EngineLink,
    outlook::{Effect, Gaze, Outlook},
    start, window,
};
use nox_api::{
    Api, Subscriber,
    control::{self, Control},
    dto::{Push, Theme},
};
use std::time::Duration;
use tauri::{AppHandle, Manager};
use tokio::sync::watch;

/// The least time between two pictures of the tray; what changes meanwhile is drawn together.
const DRAWS_EVERY: Duration = Duration::from_millis(50);

/// Begins to follow, as soon as the engine is open. When it cannot be opened, says why and ends the program.
pub(crate) fn begin(app: &AppHandle, link: EngineLink, gaze: watch::Receiver<Gaze>) {
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        match link.api().await {
            Ok(api) => {
                let control = listen(&app, &api);
                follow(&app, &api, gaze).await;
                // Until here clients could ask; the engine has closed.
                drop(control);
            }
            Err(error) => start::cannot_open(&app, &error),
        }
    });
}

/// Listens for other starts and the command line. Without it Nox works, only alone.
fn listen(app: &AppHandle, api: &Api) -> Option<Control> {
    let asked = app.clone();
    match control::serve(api.clone(), move |wish| start::asked_for(&asked, wish)) {
        Ok(control) => Some(control),
        Err(error) => {
            tracing::error!(%error, hint = error.hint(), "other starts and the command line cannot reach this Nox");
            None
        }
    }
}

async fn follow(app: &AppHandle, api: &Api, mut gaze: watch::Receiver<Gaze>) {
    let ear = api.subscribe();
    let mut outlook = Outlook::new(*gaze.borrow());
    fill(app, api, &mut outlook).await;
    loop {
        draw(app, &outlook).await;
        tokio::select! {
            push = ear.next() => match push {
                Some(push) => take(app, api, &mut outlook, push).await,
                None => return,
            },
            changed = gaze.changed() => match changed {
                Ok(()) => outlook.looks(*gaze.borrow_and_update()),
                Err(_) => return,
            },
        }
        drain(app, api, &ear, &mut outlook).await;
    }
}

async fn drain(app: &AppHandle, api: &Api, ear: &Subscriber, outlook: &mut Outlook) {
    while let Some(push) = ear.try_next() {
        take(app, api, outlook, push).await;
    }
}

async fn take(app: &AppHandle, api: &Api, outlook: &mut Outlook, push: Push) {
    if push == Push::Gap {
        fill(app, api, outlook).await;
    } else {
        act(app, outlook.take(push));
    }
}

async fn fill(app: &AppHandle, api: &Api, outlook: &mut Outlook) {
    match api.snapshot(Default::default()).await {
        Ok(snapshot) => act(app, outlook.fill(snapshot)),
        Err(error) => tracing::error!(%error, "the tray cannot be filled"),
    }
}

fn act(app: &AppHandle, effects: Vec<Effect>) {
    let shell = app.state::<Shell>();
    for effect in effects {
        match effect {
            Effect::Notify(notice) => shell.notify(notice),
            Effect::Withdraw(key) => shell.withdraw(&key),
            Effect::Theme(theme) => window::set_theme(
                app,
                match theme {
                    Theme::System => None,
                    Theme::Light => Some(tauri::Theme::Light),
                    Theme::Dark => Some(tauri::Theme::Dark),
                },
            ),
        }
    }
}

/// Draws when something changed, and lets a burst of changes pass.
async fn draw(app: &AppHandle, outlook: &Outlook) {
    let (app, model) = (app.clone(), outlook.tray());
    // Drawing waits for the main thread.
    let drawn = tauri::async_runtime::spawn_blocking(move || app.state::<Shell>().show_tray(model)).await;
    match drawn {
        Ok(true) => tokio::time::sleep(DRAWS_EVERY).await,
        Ok(false) => {}
        Err(error) => tracing::error!(%error, "the tray was not drawn"),
    }
}
