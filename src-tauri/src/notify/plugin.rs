//! Notifications through Tauri's plugin, for macOS and Windows.
//!
//! The plugin cannot take a notification away there and reports a click only while it is on screen, so a withdrawn
//! notice is only forgotten: choosing something in it then does nothing.

use super::{Choice, Notice, Notifier, OnChoice};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use tauri::AppHandle;
use tauri_plugin_notification::NotificationExt;

/// The notifications of macOS and Windows.
pub(crate) struct Plugin {
    app: AppHandle,
    shown: Arc<Mutex<HashMap<i32, Notice>>>,
    problem: Mutex<Option<String>>,
}

impl Plugin {
    /// Listens for choices from now on.
    pub(crate) fn new(app: &AppHandle, on_choice: OnChoice) -> Self {
        let shown: Arc<Mutex<HashMap<i32, Notice>>> = Arc::default();
        let known = shown.clone();
        let listening = app.notification().on_action(move |performed| {
            let Ok(performed) = serde_json::to_value(performed) else { return };
            let id = performed["notification"]["id"].as_i64().and_then(|id| i32::try_from(id).ok());
            let key = performed["actionId"].as_str();
            let notice =
                id.and_then(|id| known.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned());
            if let (Some(notice), Some(choice)) = (notice, key.and_then(Choice::of)) {
                on_choice(&notice, choice);
            }
        });
        let problem = Mutex::new(listening.err().map(|error| error.to_string()));
        Self { app: app.clone(), shown, problem }
    }
}

#[async_trait::async_trait]
impl Notifier for Plugin {
    fn show(&self, notice: Notice) {
        let notice = notice.harmless();
        let number = number(&notice.key);
        let shown =
            self.app.notification().builder().id(number).title(&notice.title).body(&notice.body).show();
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).insert(number, notice);
        let mut problem = self.problem.lock().unwrap_or_else(PoisonError::into_inner);
        *problem = shown.err().map(|error| error.to_string());
        if let Some(reason) = &*problem {
            tracing::warn!(reason, "notifications are not shown");
        }
    }

    fn withdraw(&self, key: &str) {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).remove(&number(key));
    }

    async fn problem(&self) -> Option<String> {
        self.problem.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A stable number for a key (FNV-1a), since the plugin counts in `i32`.
fn number(key: &str) -> i32 {
    let hash =
        key.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    i32::from_ne_bytes(hash.to_ne_bytes())
}
