//! Whether the desktop shows tray icons at all.
//!
//! On Linux a host announces itself to `org.kde.StatusNotifierWatcher` on the session bus (freedesktop's
//! StatusNotifierItem). Without one an icon is registered and seen by nobody. Elsewhere there always is a tray.

use tokio::sync::watch;

/// Whether something shows tray icons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum TrayHost {
    /// The icon is seen.
    Present,
    /// Nobody shows it: a desktop without a tray, or no session bus.
    Absent,
}

/// Follows the host on a task of its own; the value is `Absent` until one was found.
#[cfg(target_os = "linux")]
pub(crate) fn follow() -> watch::Receiver<TrayHost> {
    let (tell, hear) = watch::channel(TrayHost::Absent);
    tauri::async_runtime::spawn(async move {
        if let Err(error) = follow_on_bus(&tell).await {
            tracing::info!(%error, "no tray: the session bus does not answer");
            tell.send_replace(TrayHost::Absent);
        }
    });
    hear
}

/// Elsewhere the system always has a tray.
#[cfg(not(target_os = "linux"))]
pub(crate) fn follow() -> watch::Receiver<TrayHost> {
    watch::channel(TrayHost::Present).1
}

#[cfg(target_os = "linux")]
async fn follow_on_bus(tell: &watch::Sender<TrayHost>) -> zbus::Result<()> {
    use futures::StreamExt;
    const WATCHER: &str = "org.kde.StatusNotifierWatcher";
    let connection = zbus::Connection::session().await?;
    let bus = zbus::fdo::DBusProxy::new(&connection).await?;
    let watcher = zbus::Proxy::new(&connection, WATCHER, "/StatusNotifierWatcher", WATCHER).await?;
    let mut owners = bus.receive_name_owner_changed_with_args(&[(0, WATCHER)]).await?;
    let mut hosts = futures::stream::select(
        watcher.receive_signal("StatusNotifierHostRegistered").await?,
        watcher.receive_signal("StatusNotifierHostUnregistered").await?,
    );
    loop {
        let found = if bus.name_has_owner(WATCHER.try_into()?).await? {
            // A watcher that does not say has a host: some desktops' watcher is the host.
            match read_uncached(&connection, WATCHER).await {
                Ok(false) => TrayHost::Absent,
                Ok(true) | Err(_) => TrayHost::Present,
            }
        } else {
            TrayHost::Absent
        };
        tell.send_if_modified(|known| {
            let changed = *known != found;
            *known = found;
            if changed {
                tracing::info!(host = ?found, "tray");
            }
            changed
        });
        let more = tokio::select! {
            owner = owners.next() => owner.is_some(),
            host = hosts.next() => host.is_some(),
        };
        if !more {
            return Err(zbus::Error::InputOutput(std::sync::Arc::new(std::io::ErrorKind::BrokenPipe.into())));
        }
    }
}

#[cfg(target_os = "linux")]
async fn read_uncached(connection: &zbus::Connection, watcher: &str) -> zbus::Result<bool> {
    let reply = connection
        .call_method(
            Some(watcher),
            "/StatusNotifierWatcher",
            Some("org.freedesktop.DBus.Properties"),
            "Get",
            &(watcher, "IsStatusNotifierHostRegistered"),
        )
        .await?;
    let value: zbus::zvariant::OwnedValue = reply.body().deserialize()?;
    Ok(bool::try_from(value)?)
}
