//! Where control groups may be made. Used by `linux` only.
//!
//! Each hierarchy is looked at for itself, as version 1, version 2 and both mixed are found in the wild. A place is the
//! group that this process is in, so that a tree stays under every limit that holds for the engine. It is used only
//! where nobody else manages it: at the top of what can be seen of the hierarchy, in a group that was handed to our
//! user, or in one that its manager has marked as delegated. Anywhere else a folder of ours would be in the way of
//! whoever made the group.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The controllers that limits need.
const CONTROLLERS: [&str; 3] = ["memory", "cpu", "pids"];

/// The folders that groups may be made in.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// The hierarchy of version 2.
    pub(super) unified: Option<PathBuf>,
    /// Controllers that are switched on for the groups made in `unified`.
    pub(super) in_unified: Vec<&'static str>,
    /// Hierarchies of version 1, by controller.
    pub(super) by_controller: Vec<(&'static str, PathBuf)>,
}

impl Places {
    /// Looks at the system. `probe` is the name of a group that is made and removed at once.
    pub(super) fn find(probe: &str) -> Places {
        let read = |file| fs::read_to_string(file).unwrap_or_default();
        let (groups, mounts) = (read("/proc/self/cgroup"), read("/proc/self/mountinfo"));
        let usable = |controller| {
            let place = place(controller, &groups, &mounts)?;
            let is_usable = (place.is_top || is_handed_over(&place.folder)) && can_make(&place.folder, probe);
            is_usable.then_some(place.folder)
        };
        let unified = usable(None);
        let in_unified = unified.as_deref().map(switch_on).unwrap_or_default();
        let by_controller = CONTROLLERS
            .into_iter()
            .filter(|controller| !in_unified.contains(controller))
            .filter_map(|controller| Some((controller, usable(Some(controller))?)))
            .collect();
        Places { unified, in_unified, by_controller }
    }

    /// The folder of version 1 for a controller.
    pub(super) fn version_1(&self, controller: &str) -> Option<&Path> {
        self.by_controller.iter().find(|(name, _)| *name == controller).map(|(_, folder)| folder.as_path())
    }

    /// Every folder that groups are made in.
    pub(super) fn all(&self) -> impl Iterator<Item = &Path> {
        self.unified
            .as_deref()
            .into_iter()
            .chain(self.by_controller.iter().map(|(_, folder)| folder.as_path()))
    }
}

/// A group in one hierarchy.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    folder: PathBuf,
    /// Whether it is the top of what this process can see of the hierarchy.
    is_top: bool,
}

/// The group of a process in the hierarchy of a controller, or of version 2 for none, out of the texts of
/// `/proc/PID/cgroup` and `/proc/PID/mountinfo`. None when it is not mounted, or outside of what is mounted.
fn place(controller: Option<&str>, groups: &str, mounts: &str) -> Option<Place> {
    let group = groups.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next()?, parts.next()?);
        let is_it = match controller {
            None => controllers.is_empty(),
            Some(controller) => controllers.split(',').any(|name| name == controller),
        };
        is_it.then_some(path)
    })?;
    mounts.lines().find_map(|line| {
        let (fields, after) = line.split_once(" - ")?;
        let mut fields = fields.split(' ').skip(3);
        let (root, point) = (fields.next()?, fields.next()?);
        let mut after = after.split(' ');
        let (kind, options) = (after.next()?, after.nth(1)?);
        let is_it = match controller {
            None => kind == "cgroup2",
            Some(controller) => kind == "cgroup" && options.split(',').any(|option| option == controller),
        };
        let below = is_it.then(|| group.strip_prefix(root.trim_end_matches('/')))??.trim_matches('/');
        if below.split('/').any(|part| part == "..") {
            return None;
        }
        let folder = if below.is_empty() { PathBuf::from(point) } else { Path::new(point).join(below) };
        Some(Place { folder, is_top: below.is_empty() })
    })
}

/// The group of any process in the hierarchy of version 2.
pub(super) fn unified_group_of(pid: u32) -> Option<PathBuf> {
    let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    place(None, &groups, &mounts).map(|place| place.folder)
}

/// Whether a group belongs to our user, who is not root, or is marked as delegated in the way of systemd.
fn is_handed_over(folder: &Path) -> bool {
    let own = nix::unistd::geteuid();
    let is_ours = !own.is_root() && fs::metadata(folder).is_ok_and(|found| found.uid() == own.as_raw());
    is_ours || is_marked(folder, c"user.delegate") || is_marked(folder, c"trusted.delegate")
}

/// Whether a folder has this attribute with the value 1.
fn is_marked(folder: &Path, name: &std::ffi::CStr) -> bool {
    let Ok(folder) = CString::new(folder.as_os_str().as_bytes()) else { return false };
    let mut value = [0_u8; 8];
    // SAFETY: both names end with a null, and the buffer is as long as it says.
    let length =
        unsafe { libc::getxattr(folder.as_ptr(), name.as_ptr(), value.as_mut_ptr().cast(), value.len()) };
    length == 1 && value[0] == b'1'
}

/// Whether a group can be made here: many containers see the hierarchies and may not write.
fn can_make(folder: &Path, probe: &str) -> bool {
    let probe = folder.join(probe);
    fs::create_dir(&probe).is_ok() && fs::remove_dir(&probe).is_ok()
}

/// Switches controllers of version 2 on for the groups made in a folder, and answers which are on.
///
/// A group other than the topmost cannot have them while it has processes itself, such as this one; then nothing changes.
fn switch_on(folder: &Path) -> Vec<&'static str> {
    let control = folder.join("cgroup.subtree_control");
    let is_on = |controller: &str| {
        fs::read_to_string(&control).is_ok_and(|on| on.split_whitespace().any(|name| name == controller))
    };
    let usable = CONTROLLERS.into_iter().filter(|controller| {
        is_on(controller)
            || super::group_folder::write(&control, &format!("+{controller}")).is_ok() && is_on(controller)
    });
    usable.collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn at(folder: &str, is_top: bool) -> Option<Place> {
        Some(Place { folder: folder.into(), is_top })
    }

    #[test]
    fn hybrid_hierarchies_are_told_apart() {
        let groups = "9:name=systemd:/\n8:pids:/\n4:memory:/jobs/7\n2:cpu,cpuacct:/\n0::/\n";
        let mounts = "30 20 0:26 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu,cpuacct\n\
                      31 20 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
                      32 20 0:28 / /sys/fs/cgroup/pids rw shared:9 - cgroup cgroup rw,pids\n\
                      33 20 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
        assert_eq!(place(Some("cpu"), groups, mounts), at("/sys/fs/cgroup/cpu", true));
        assert_eq!(place(Some("pids"), groups, mounts), at("/sys/fs/cgroup/pids", true));
        assert_eq!(place(Some("memory"), groups, mounts), at("/sys/fs/cgroup/memory/jobs/7", false));
        assert_eq!(place(None, groups, mounts), at("/sys/fs/cgroup/unified", true));
        assert_eq!(place(Some("freezer"), groups, mounts), None);
    }

    #[test]
    fn a_desktop_and_a_container_have_their_own_tops() {
        let mounts = "25 20 0:22 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
        let scope = "0::/user.slice/user@1000.service/app.slice/app-nox.scope\n";
        let folder = "/sys/fs/cgroup/user.slice/user@1000.service/app.slice/app-nox.scope";
        assert_eq!(place(None, scope, mounts), at(folder, false));
        let mounts = "25 20 0:22 /docker/f00 /sys/fs/cgroup ro - cgroup2 cgroup rw\n";
        assert_eq!(place(None, "0::/docker/f00\n", mounts), at("/sys/fs/cgroup", true));
        assert_eq!(place(None, "0::/docker/f00/a\n", mounts), at("/sys/fs/cgroup/a", false));
        assert_eq!(place(None, "0::/../other\n", mounts), None, "outside of what is mounted");
    }

    #[test]
    fn a_group_of_somebody_else_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let is_root = nix::unistd::geteuid().is_root();
        assert_eq!(is_handed_over(folder.path()), !is_root, "root owns everything, which says nothing");
        assert!(!is_handed_over(Path::new("/")));
    }
}
