//! The registry's folder on a real disk with a real repository: what is written, what is refused, what is committed.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use git2::{Repository, Status};
use nox_registry::{CommitId, Error, Expected, Registry, content_hash};
use std::{fs, path::Path, time::Duration};
use tempfile::TempDir;

fn registry() -> (TempDir, Registry) {
    let home = tempfile::tempdir().unwrap();
    let registry = Registry::open(&home.path().join("registry")).unwrap();
    (home, registry)
}

/// What git says about each file that is not as in HEAD.
fn status(root: &Path) -> Vec<(String, Status)> {
    let repository = Repository::open(root.join(".git")).unwrap();
    let mut options = git2::StatusOptions::new();
    options.include_untracked(true).recurse_untracked_dirs(true);
    let found = repository.statuses(Some(&mut options)).unwrap();
    found.iter().map(|entry| (entry.path().unwrap().to_owned(), entry.status())).collect()
}

#[test]
fn a_new_registry_has_its_files_and_a_clean_repository() {
    let (_home, registry) = registry();
    assert_eq!(status(registry.root()), []);
    for file in ["README.md", "policy.toml", ".gitignore"] {
        assert!(registry.root().join(file).is_file(), "{file}");
    }
    let policy = registry.read("policy.toml", 1 << 20).unwrap().unwrap();
    assert!(nox_registry::parse_policy(std::str::from_utf8(&policy).unwrap()).is_ok());
    let root = registry.root().to_owned();
    let head = registry.head().unwrap().unwrap();
    drop(registry);
    // Opening again changes nothing; what a person removed stays removed, but the policy has to be there.
    fs::remove_file(root.join("README.md")).unwrap();
    fs::remove_file(root.join("policy.toml")).unwrap();
    let again = Registry::open(&root).unwrap();
    assert_eq!(again.head().unwrap(), Some(head));
    assert!(!root.join("README.md").exists() && root.join("policy.toml").exists());
}

#[test]
fn the_repository_above_is_left_alone() {
    let home = tempfile::tempdir().unwrap();
    let above = Repository::init(home.path()).unwrap();
    let before = fs::read(home.path().join(".git/config")).unwrap();
    let mut registry = Registry::open(&home.path().join("registry")).unwrap();
    registry.write("tasks/2026-11/a.md", b"x", &Expected::Absent).unwrap();
    registry.commit_paths(&["tasks/2026-11/a.md"], "Add a task").unwrap().unwrap();
    assert!(above.head().is_err());
    assert!(above.index().unwrap().is_empty());
    assert_eq!(fs::read(home.path().join(".git/config")).unwrap(), before);

    // A worktree's or submodule's `.git` file leads elsewhere.
    let linked = home.path().join("linked");
    fs::create_dir(&linked).unwrap();
    fs::write(linked.join(".git"), "gitdir: ../.git\n").unwrap();
    assert!(matches!(Registry::open(&linked), Err(Error::NotOwn { .. })));
}

#[test]
fn only_the_named_paths_are_committed_and_staged_things_stay_staged() {
    let (_home, mut registry) = registry();
    let root = registry.root().to_owned();
    fs::write(root.join("mine.txt"), "staged").unwrap();
    let own = Repository::open(root.join(".git")).unwrap();
    let mut index = own.index().unwrap();
    index.add_path(Path::new("mine.txt")).unwrap();
    index.write().unwrap();
    registry.write("tasks/2026-11/a.md", b"one", &Expected::Absent).unwrap();
    registry.write("tasks/2026-11/b.md", b"two", &Expected::Absent).unwrap();
    let commit = registry.commit_paths(&["tasks/2026-11/a.md"], "Add a task\n\nMore.").unwrap().unwrap();
    assert_eq!(
        status(&root),
        [("mine.txt".to_owned(), Status::INDEX_NEW), ("tasks/2026-11/b.md".to_owned(), Status::WT_NEW)]
    );
    assert_eq!(registry.file_at(&commit, "mine.txt").unwrap(), None);
    assert_eq!(registry.file_at(&commit, "tasks/2026-11/a.md").unwrap().unwrap(), b"one");
    assert_eq!(registry.head().unwrap(), Some(commit.clone()));
    // Nothing changed, nothing to say.
    assert_eq!(registry.commit_paths(&["tasks/2026-11/a.md", "tasks/none.md"], "Again").unwrap(), None);
    let author = own.head().unwrap().peel_to_commit().unwrap();
    assert_eq!((author.author().name().unwrap(), author.author().email().unwrap()), ("Nox", "nox@localhost"));
    // The local configuration names another author; a removed file is committed as removed.
    own.config().unwrap().open_level(git2::ConfigLevel::Local).unwrap().set_str("user.name", "Me").unwrap();
    drop(registry);
    let mut registry = Registry::open(&root).unwrap();
    registry.remove("tasks/2026-11/a.md").unwrap();
    registry.remove("tasks/2026-11/a.md").unwrap();
    let gone = registry.commit_paths(&["tasks/2026-11/a.md"], "Remove it").unwrap().unwrap();
    assert_eq!(registry.file_at(&gone, "tasks/2026-11/a.md").unwrap(), None);
    assert_eq!(own.head().unwrap().peel_to_commit().unwrap().author().name().unwrap(), "Me");
    assert_eq!(status(&root).len(), 2);
}

#[test]
fn a_held_lock_delays_the_commit_and_a_dead_one_does_not() {
    let (_home, mut registry) = registry();
    let root = registry.root().to_owned();
    let lock = root.join(".git/index.lock");
    fs::write(&lock, "").unwrap();
    registry.write("policy.toml", b"schema = 1\n", &Expected::Anything).unwrap();
    assert!(matches!(registry.commit_paths(&["policy.toml"], "Change"), Err(Error::Locked)));
    let old = std::time::SystemTime::now() - Duration::from_secs(3600);
    fs::File::options().write(true).open(&lock).unwrap().set_modified(old).unwrap();
    let commit = registry.commit_paths(&["policy.toml"], "Change").unwrap().unwrap();
    assert_eq!(registry.file_at(&commit, "policy.toml").unwrap().unwrap(), b"schema = 1\n");
    assert!(lock.exists());
    // The index is renewed with the next commit.
    fs::remove_file(&lock).unwrap();
    assert_ne!(status(&root), []);
    registry.write("agents/a/prompt.md", b"x", &Expected::Absent).unwrap();
    registry.commit_paths(&["agents/a/prompt.md"], "Add").unwrap().unwrap();
    assert_eq!(status(&root), []);
    // A held lock of the branch delays too, and the next attempt succeeds.
    fs::write(root.join(".git/refs/heads/main.lock"), "").unwrap();
    registry.write("agents/a/prompt.md", b"y", &Expected::Anything).unwrap();
    assert!(matches!(registry.commit_paths(&["agents/a/prompt.md"], "Change"), Err(Error::Locked)));
    fs::remove_file(root.join(".git/refs/heads/main.lock")).unwrap();
    assert!(registry.commit_paths(&["agents/a/prompt.md"], "Change").unwrap().is_some());
}

#[test]
fn versions_of_a_file_are_found() {
    let (_home, mut registry) = registry();
    let path = "tasks/2026-11/a.md";
    for (n, text) in ["one", "two", "three"].into_iter().enumerate() {
        registry.write(path, text.as_bytes(), &Expected::Anything).unwrap();
        registry.commit_paths(&[path], &format!("Version {n}")).unwrap().unwrap();
        let other = format!("tasks/2026-11/other-{n}.md");
        registry.write(&other, b"x", &Expected::Absent).unwrap();
        registry.commit_paths(&[&other], "Other").unwrap().unwrap();
    }
    registry.remove(path).unwrap();
    registry.commit_paths(&[path], "Remove").unwrap().unwrap();
    let versions = registry.history(path, 10).unwrap();
    let told: Vec<_> = versions.iter().map(|v| (v.message.as_str(), v.hash.clone())).collect();
    let hash = |text: &str| Some(content_hash(text.as_bytes()));
    assert_eq!(
        told,
        [
            ("Remove", None),
            ("Version 2", hash("three")),
            ("Version 1", hash("two")),
            ("Version 0", hash("one"))
        ]
    );
    assert_eq!(registry.history(path, 2).unwrap().len(), 2);
    assert_eq!(registry.file_at(&versions[2].commit, path).unwrap().unwrap(), b"two");
    assert_eq!(registry.base_text(path, &content_hash(b"one")).unwrap().unwrap(), b"one");
    assert_eq!(registry.base_text(path, &content_hash(b"never")).unwrap(), None);
    assert!(registry.file_at(&CommitId::parse(&"0".repeat(40)).unwrap(), path).is_err());
}

#[test]
fn a_write_happens_whole_and_only_when_expected() {
    let (_home, registry) = registry();
    let path = "agents/a/agent.toml";
    registry.write(path, b"one", &Expected::Absent).unwrap();
    assert!(matches!(registry.write(path, b"two", &Expected::Absent), Err(Error::Changed { .. })));
    let wrong = Expected::Hash(content_hash(b"other"));
    assert!(matches!(registry.write(path, b"two", &wrong), Err(Error::Changed { .. })));
    assert_eq!(registry.read(path, 10).unwrap().unwrap(), b"one");
    registry.write(path, b"two", &Expected::Hash(content_hash(b"one"))).unwrap();
    assert_eq!(registry.read(path, 10).unwrap().unwrap(), b"two");
    assert!(matches!(
        registry.write("agents/b/agent.toml", b"x", &Expected::Hash(content_hash(b""))),
        Err(Error::Changed { .. })
    ));
    assert!(matches!(registry.read(path, 2), Err(Error::TooLarge { size_bytes: 3, max_bytes: 2, .. })));
    assert_eq!(registry.read("agents/none/agent.toml", 10).unwrap(), None);
    let left: Vec<_> =
        fs::read_dir(registry.root().join("agents/a")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["agent.toml"]);
}

#[test]
fn no_path_leads_outside() {
    let (_home, registry) = registry();
    for path in [
        "",
        ".",
        "..",
        "../x",
        "tasks/../../x",
        "/etc/passwd",
        "./x",
        ".git/config",
        ".GIT/config",
        "a\0b",
        "a\\b",
    ] {
        assert!(
            matches!(registry.write(path, b"x", &Expected::Anything), Err(Error::Outside { .. })),
            "{path:?}"
        );
        assert!(matches!(registry.read(path, 10), Err(Error::Outside { .. })), "{path:?}");
        assert!(matches!(registry.remove(path), Err(Error::Outside { .. })), "{path:?}");
    }
}

#[cfg(unix)]
#[test]
fn links_are_refused_and_modes_are_kept() {
    use std::os::unix::{
        fs::{PermissionsExt, symlink},
        net::UnixListener,
    };
    let (home, mut registry) = registry();
    let root = registry.root().to_owned();
    let outside = home.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("secret"), "secret").unwrap();
    symlink(&outside, root.join("tasks/link")).unwrap();
    symlink(outside.join("secret"), root.join("tasks/file.md")).unwrap();
    for path in ["tasks/link/new.md", "tasks/link/secret", "tasks/file.md"] {
        assert!(matches!(registry.write(path, b"x", &Expected::Anything), Err(Error::Link { .. })), "{path}");
        assert!(matches!(registry.read(path, 10), Err(Error::Link { .. })), "{path}");
        assert!(matches!(registry.remove(path), Err(Error::Link { .. })), "{path}");
        assert!(matches!(registry.commit_paths(&[path], "x"), Err(Error::Link { .. })), "{path}");
    }
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
    assert_eq!(fs::read(outside.join("secret")).unwrap(), b"secret");
    // A socket or pipe would block a reader for ever.
    let _listener = UnixListener::bind(root.join("tasks/pipe.md")).unwrap();
    assert!(matches!(registry.read("tasks/pipe.md", 10), Err(Error::NotAFile { .. })));
    assert!(matches!(registry.read("tasks", 10), Err(Error::NotAFile { .. })));
    assert!(!registry.scan().unwrap().iter().any(|file| file.path.starts_with("tasks/")));

    registry.write("agents/a/run.md", b"1", &Expected::Absent).unwrap();
    let full = root.join("agents/a/run.md");
    fs::set_permissions(&full, fs::Permissions::from_mode(0o640)).unwrap();
    registry.write("agents/a/run.md", b"2", &Expected::Anything).unwrap();
    assert_eq!(fs::metadata(&full).unwrap().permissions().mode() & 0o777, 0o640);
}

#[test]
fn a_scan_sees_files_and_no_leftovers() {
    let (_home, registry) = registry();
    let root = registry.root();
    fs::create_dir_all(root.join("tasks/2026-11")).unwrap();
    for name in ["a.md", "b.md~", ".a.md.swp", "#a.md#", "4913", ".#a.md", ".nox-x", "c.txt"] {
        fs::write(root.join("tasks/2026-11").join(name), "x").unwrap();
    }
    fs::write(root.join("tasks/new.md"), "long").unwrap();
    let found = registry.scan().unwrap();
    let paths: Vec<_> = found.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["policy.toml", "tasks/2026-11/a.md", "tasks/2026-11/c.txt", "tasks/new.md"]);
    assert_eq!(found[3].size_bytes, 4);
    registry.write("tasks/new.md", b"long", &Expected::Anything).unwrap();
    let again = registry.scan().unwrap();
    assert_ne!(again[3], found[3]);
    assert_eq!(again[..3], found[..3]);
}

#[test]
fn what_a_killed_write_left_is_removed_and_nothing_else() {
    let (_home, registry) = registry();
    let root = registry.root();
    fs::create_dir_all(root.join("tasks/2026-11")).unwrap();
    fs::create_dir_all(root.join("agents/runbook/.nox-unfinished-folder")).unwrap();
    let left = ["tasks/2026-11/.nox-unfinished-a7Yz0q", ".nox-unfinished-Zq81mn"];
    let others = ["tasks/2026-11/.nox-notes", "tasks/2026-11/.nox-unfinished-my.md", ".unfinished"];
    for file in left.iter().chain(&others) {
        fs::write(root.join(file), "half").unwrap();
    }
    registry.scan().unwrap();
    assert!(left.iter().all(|file| !root.join(file).exists()));
    assert!(others.iter().all(|file| root.join(file).exists()));
    assert!(root.join("agents/runbook/.nox-unfinished-folder").exists());
    // The name that a write really uses is one of these.
    let folder = root.join("tasks/2026-11");
    let seen = std::thread::scope(|scope| {
        let watching = scope.spawn(|| {
            let begun = std::time::Instant::now();
            while begun.elapsed() < Duration::from_secs(20) {
                let names = fs::read_dir(&folder).unwrap().flatten().map(|entry| entry.file_name());
                let mut names = names.filter_map(|name| name.into_string().ok());
                if let Some(name) = names.find(|name| {
                    !others.iter().any(|other| other.ends_with(name.as_str())) && name.starts_with('.')
                }) {
                    return Some(name);
                }
            }
            None
        });
        while !watching.is_finished() {
            registry.write("tasks/2026-11/a.md", &vec![b'x'; 1 << 20], &Expected::Anything).unwrap();
        }
        watching.join().unwrap()
    });
    assert!(seen.unwrap().starts_with(".nox-unfinished-"));
}

/// Prints what things cost: `cargo nextest run -p nox-registry --run-ignored only --no-capture`.
#[test]
#[ignore = "a measurement"]
#[allow(clippy::print_stdout)]
fn costs() {
    use std::time::Instant;
    let (_home, mut registry) = registry();
    let paths: Vec<String> = (0..10_000).map(|n| format!("tasks/20{:02}-01/task-{n}.md", n / 300)).collect();
    for path in &paths {
        let full = registry.root().join(path);
        fs::create_dir_all(full.parent().unwrap()).unwrap();
        fs::write(full, format!("---\nschema: 1\n---\n\n# {path}\n")).unwrap();
    }
    let all: Vec<&str> = paths.iter().map(String::as_str).collect();
    let start = Instant::now();
    registry.commit_paths(&all, "All").unwrap();
    println!("first commit of 10,000 files: {:?}", start.elapsed());
    let start = Instant::now();
    assert_eq!(registry.scan().unwrap().len(), 10_001);
    println!("scan of 10,000 files: {:?}", start.elapsed());
    let (mut writes, mut commits) = (Vec::new(), Vec::new());
    for n in 0..50 {
        let path = all[n * 199];
        let start = Instant::now();
        registry.write(path, format!("x {n}").as_bytes(), &Expected::Anything).unwrap();
        writes.push(start.elapsed());
        let start = Instant::now();
        registry.commit_paths(&[path], "One").unwrap();
        commits.push(start.elapsed());
    }
    writes.sort();
    commits.sort();
    println!(
        "write, median: {:?}; commit of one file, median: {:?}, worst: {:?}",
        writes[25], commits[25], commits[49]
    );
    let start = Instant::now();
    registry.base_text(all[0], &content_hash(b"x 0")).unwrap().unwrap();
    println!("base text 50 commits back: {:?}", start.elapsed());
}
