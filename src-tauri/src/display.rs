//! Looks at the display before GTK does: GTK panics without one, and the web view draws slowly on one without a graphics
//! card unless told. Called by `main` while the program has one thread.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    sync::OnceLock,
};

/// Tells WebKit not to share its buffers through the graphics card. Under software rendering the first frame comes in
/// 0.36 s instead of 0.9 s and the app needs 84 MB less (measured on a machine without a graphics card).
pub const WITHOUT_DMABUF: &str = "WEBKIT_DISABLE_DMABUF_RENDERER";

/// After how many counts of use WebKit compiles the page's functions, and after how many more it optimises them: ten times
/// its own. A start uses many of them often enough for that and then hardly again; what was compiled, and the compilers,
/// would be held for as long as Nox runs. What is busy for longer is compiled all the same.
#[cfg(target_os = "linux")]
const COMPILE_LATER: [(&str, &str); 5] = [
    ("JSC_thresholdForJITAfterWarmUp", "5000"),
    ("JSC_thresholdForJITSoon", "1000"),
    ("JSC_thresholdForOptimizeAfterWarmUp", "10000"),
    ("JSC_thresholdForOptimizeAfterLongWarmUp", "10000"),
    ("JSC_thresholdForOptimizeSoon", "10000"),
];

/// X servers that draw into memory, whatever graphics card the machine has.
const MEMORY_SERVERS: &[&str] = &["Xvfb", "Xvnc", "Xtigervnc", "Xtightvnc", "Xdummy", "Xephyr"];

/// What is known about the display.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Display {
    /// There is a graphics card that may draw.
    Accelerated,
    /// Everything is drawn by the processor.
    Software,
}

/// Why no window can be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoDisplay {
    /// Neither variable is set.
    #[error(
        "Nox needs a display, and neither DISPLAY nor WAYLAND_DISPLAY is set.\n\
         Start it from a graphical session, or over SSH with `ssh -X`. To run a task without a window: `nox run FILE.md`."
    )]
    Unset,
    /// A variable names a display that does not answer.
    #[error(
        "Nox needs a display, and {variable}={value} does not answer.\n\
         Check that the graphical session is running and belongs to this user. To run a task without a window: `nox run FILE.md`."
    )]
    Silent {
        /// `DISPLAY` or `WAYLAND_DISPLAY`.
        variable: &'static str,
        /// What it says.
        value: String,
    },
}

/// The places that are looked at; tests have their own.
pub struct Places<'a> {
    /// Reads a variable of the environment.
    pub variable: &'a dyn Fn(&str) -> Option<OsString>,
    /// `/tmp`: sockets and lock files of X servers.
    pub temporary: &'a Path,
    /// `/proc`.
    pub processes: &'a Path,
    /// `/dev/dri`: graphics cards.
    pub cards: &'a Path,
}

/// Looks for a display. On systems other than Linux there always is one.
///
/// # Errors
/// [`NoDisplay`], whose text says what to do.
pub fn look() -> Result<Display, NoDisplay> {
    if !cfg!(target_os = "linux") {
        return Ok(Display::Accelerated);
    }
    look_at(&Places {
        variable: &|name| std::env::var_os(name),
        temporary: Path::new("/tmp"),
        processes: Path::new("/proc"),
        cards: Path::new("/dev/dri"),
    })
}

/// Looks for a display in these places.
///
/// # Errors
/// [`NoDisplay`], whose text says what to do.
pub fn look_at(places: &Places<'_>) -> Result<Display, NoDisplay> {
    let set = |name| (places.variable)(name).filter(|value| !value.is_empty());
    let wayland = set("WAYLAND_DISPLAY");
    let x = set("DISPLAY");
    let mut silent = None;
    if let Some(value) = &wayland {
        let runtime = set("XDG_RUNTIME_DIR").map(PathBuf::from).unwrap_or_default();
        if answers(&runtime.join(value)) {
            return Ok(if has_card(places) { Display::Accelerated } else { Display::Software });
        }
        silent = Some(("WAYLAND_DISPLAY", value));
    }
    let Some(value) = &x else {
        let Some((variable, value)) = silent else { return Err(NoDisplay::Unset) };
        return Err(NoDisplay::Silent { variable, value: value.to_string_lossy().into_owned() });
    };
    let name = value.to_string_lossy();
    if let Some(number) = local_number(&name) {
        if !x_answers(places.temporary, number) {
            return Err(NoDisplay::Silent { variable: "DISPLAY", value: name.into_owned() });
        }
        if draws_into_memory(places, number) {
            return Ok(Display::Software);
        }
    } else {
        // Another machine's screen: no buffer of our card can be shared with it.
        return Ok(Display::Software);
    }
    Ok(if has_card(places) { Display::Accelerated } else { Display::Software })
}

/// The number in `:1`, `:1.0` or `unix:1`; nothing when the display is another machine's.
fn local_number(display: &str) -> Option<u32> {
    let (host, rest) = display.rsplit_once(':')?;
    if !matches!(host, "" | "unix") {
        return None;
    }
    rest.split('.').next()?.parse().ok()
}

#[cfg(unix)]
fn answers(socket: &Path) -> bool {
    std::os::unix::net::UnixStream::connect(socket).is_ok()
}

#[cfg(not(unix))]
fn answers(_socket: &Path) -> bool {
    true
}

fn x_answers(temporary: &Path, number: u32) -> bool {
    let socket = temporary.join(".X11-unix").join(format!("X{number}"));
    answers(&socket) || abstract_answers(&socket)
}

/// X servers also listen on a socket without a file, which a container may have while it lacks the folder.
#[cfg(target_os = "linux")]
fn abstract_answers(socket: &Path) -> bool {
    use std::os::{
        linux::net::SocketAddrExt,
        unix::{ffi::OsStrExt, net::SocketAddr},
    };
    SocketAddr::from_abstract_name(socket.as_os_str().as_bytes())
        .and_then(|address| std::os::unix::net::UnixStream::connect_addr(&address))
        .is_ok()
}

#[cfg(not(target_os = "linux"))]
fn abstract_answers(_socket: &Path) -> bool {
    false
}

/// Whether the X server's name, found through its lock file, is one that has no screen.
fn draws_into_memory(places: &Places<'_>, number: u32) -> bool {
    let lock = places.temporary.join(format!(".X{number}-lock"));
    let Ok(text) = std::fs::read_to_string(lock) else { return false };
    let Ok(pid) = text.trim().parse::<u32>() else { return false };
    let name =
        std::fs::read_to_string(places.processes.join(pid.to_string()).join("comm")).unwrap_or_default();
    MEMORY_SERVERS.contains(&name.trim())
}

fn has_card(places: &Places<'_>) -> bool {
    let forced =
        (places.variable)("LIBGL_ALWAYS_SOFTWARE").is_some_and(|value| value == "1" || value == "true");
    let Ok(entries) = std::fs::read_dir(places.cards) else { return false };
    !forced
        && entries.flatten().any(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name.starts_with("renderD") || name.starts_with("card")
        })
}

/// What [`prepare`] has put into the environment. Nothing of it was there before.
static SET: OnceLock<Vec<&str>> = OnceLock::new();

/// Sets what the web view reads from the environment, which its processes inherit; what the user decided stays.
///
/// Only while the program has one thread: another one could be reading the environment.
pub fn prepare(display: Display) {
    #[cfg(target_os = "linux")]
    {
        let mut set = Vec::new();
        for (name, value) in settings(display).filter(|(name, _)| std::env::var_os(name).is_none()) {
            match glib::setenv(name, value, false) {
                Ok(()) => set.push(name),
                Err(error) => tracing::warn!(%error, name, "the web view goes without a setting"),
            }
        }
        let _ = SET.set(set);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = display;
}

/// The names in the environment that are for the web view alone: whatever else Nox starts must not get them.
pub fn set_for_the_web_view() -> &'static [&'static str] {
    SET.get().map_or(&[], Vec::as_slice)
}

#[cfg(target_os = "linux")]
fn settings(display: Display) -> impl Iterator<Item = (&'static str, &'static str)> {
    let drawing = (display == Display::Software).then_some((WITHOUT_DMABUF, "1"));
    COMPILE_LATER.into_iter().chain(drawing)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use std::{collections::HashMap, fs, os::unix::net::UnixListener};

    struct Machine {
        root: tempfile::TempDir,
        variables: HashMap<&'static str, OsString>,
        _sockets: Vec<UnixListener>,
    }

    impl Machine {
        fn new() -> Self {
            let root = tempfile::tempdir().unwrap();
            for folder in ["tmp/.X11-unix", "proc", "run"] {
                fs::create_dir_all(root.path().join(folder)).unwrap();
            }
            Self { root, variables: HashMap::new(), _sockets: Vec::new() }
        }

        fn set(mut self, name: &'static str, value: &str) -> Self {
            self.variables.insert(name, value.into());
            self
        }

        fn socket(mut self, path: &str) -> Self {
            self._sockets.push(UnixListener::bind(self.root.path().join(path)).unwrap());
            self
        }

        fn file(self, path: &str, text: &str) -> Self {
            let path = self.root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
            self
        }

        fn look(&self) -> Result<Display, NoDisplay> {
            look_at(&Places {
                variable: &|name| self.variables.get(name).cloned(),
                temporary: &self.root.path().join("tmp"),
                processes: &self.root.path().join("proc"),
                cards: &self.root.path().join("dri"),
            })
        }
    }

    #[test]
    fn no_display_says_what_to_do() {
        assert_eq!(Machine::new().look(), Err(NoDisplay::Unset));
        assert_eq!(Machine::new().set("DISPLAY", "").look(), Err(NoDisplay::Unset));
        assert!(NoDisplay::Unset.to_string().contains("nox run"));
    }

    #[test]
    fn a_display_that_does_not_answer_is_named() {
        let error = Machine::new().set("DISPLAY", ":7").look().unwrap_err();
        assert_eq!(error, NoDisplay::Silent { variable: "DISPLAY", value: ":7".into() });
        let error = Machine::new().set("WAYLAND_DISPLAY", "wayland-9").look().unwrap_err();
        assert_eq!(error, NoDisplay::Silent { variable: "WAYLAND_DISPLAY", value: "wayland-9".into() });
    }

    #[test]
    fn a_graphics_card_draws() {
        let machine =
            Machine::new().set("DISPLAY", ":7.0").socket("tmp/.X11-unix/X7").file("dri/renderD128", "");
        assert_eq!(machine.look(), Ok(Display::Accelerated));
        assert_eq!(machine.set("LIBGL_ALWAYS_SOFTWARE", "1").look(), Ok(Display::Software));
    }

    #[test]
    fn without_a_card_the_processor_draws() {
        let machine = Machine::new().set("DISPLAY", ":7").socket("tmp/.X11-unix/X7");
        assert_eq!(machine.look(), Ok(Display::Software));
        let machine = Machine::new()
            .set("XDG_RUNTIME_DIR", "")
            .set("DISPLAY", "far.example:10.0")
            .file("dri/card0", "");
        assert_eq!(machine.look(), Ok(Display::Software));
    }

    #[test]
    fn a_server_in_memory_is_known_by_its_lock() {
        let machine = Machine::new()
            .set("DISPLAY", ":7")
            .socket("tmp/.X11-unix/X7")
            .file("dri/card0", "")
            .file("tmp/.X7-lock", "      4242\n")
            .file("proc/4242/comm", "Xvfb\n");
        assert_eq!(machine.look(), Ok(Display::Software));
    }

    #[test]
    fn wayland_is_preferred_and_x_is_the_second_choice() {
        let machine = Machine::new().file("dri/card0", "").socket("run/wayland-0");
        let runtime = machine.root.path().join("run").to_string_lossy().into_owned();
        let machine = machine.set("XDG_RUNTIME_DIR", &runtime).set("WAYLAND_DISPLAY", "wayland-0");
        assert_eq!(machine.look(), Ok(Display::Accelerated));
        let machine =
            machine.set("WAYLAND_DISPLAY", "wayland-5").set("DISPLAY", ":3").socket("tmp/.X11-unix/X3");
        assert_eq!(machine.look(), Ok(Display::Accelerated));
    }

    #[test]
    fn software_rendering_has_a_setting_more() {
        let names = |display| settings(display).map(|(name, _)| name).collect::<Vec<_>>();
        let (card, processor) = (names(Display::Accelerated), names(Display::Software));
        assert!(!card.contains(&WITHOUT_DMABUF) && processor.ends_with(&[WITHOUT_DMABUF]));
        assert_eq!(processor[..card.len()], card);
    }
}
