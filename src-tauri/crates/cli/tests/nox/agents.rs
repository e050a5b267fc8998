//! `nox agent discover`, `nox agent add`, `nox agent test`, with programs that are small scripts in the test's own folder.

use super::support::{Ended, Running, World};
use std::{
    io::{Read, Write},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
};

/// A computer with one fake program and nothing of the real user.
struct Desk {
    world: World,
    ollama: String,
}

impl Desk {
    fn new() -> Self {
        let world = World::new();
        for folder in ["bin", "user"] {
            std::fs::create_dir(world.folder.path().join(folder)).unwrap();
        }
        // Nobody listens there until a test says so.
        Self { world, ollama: "127.0.0.1:9".into() }
    }

    fn program(&self, name: &str, text: &str) {
        let path = self.world.folder.path().join("bin").join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn nox(&self, args: &[&str]) -> Ended {
        let folder = self.world.folder.path();
        let mut command = self.world.command(args);
        command
            .env("PATH", format!("{}:/usr/bin:/bin", folder.join("bin").display()))
            .env("HOME", folder.join("user"))
            .env("OLLAMA_HOST", &self.ollama)
            .env_remove("ANTHROPIC_API_KEY");
        Running::start(command).end()
    }
}

#[test]
fn with_nothing_found_it_says_what_can_be_installed() {
    let desk = Desk::new();
    let ended = desk.nox(&["agents", "discover"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended.err.contains("Claude Code: Install it with “npm install -g @anthropic-ai/claude-code”"),
        "{ended:?}"
    );
}

#[test]
fn a_program_that_is_found_becomes_an_agent_and_is_tried() {
    let desk = Desk::new();
    desk.program("claude", "case $1 in --version) echo 2.1.329;; *) echo 'no such thing' >&2; exit 7;; esac");
    let found = desk.nox(&["agent", "discover", "--json"]).lines();
    let claude = found.iter().find(|line| line["kind"] == "program" && line["id"] == "claude").unwrap();
    assert_eq!((claude["version"].as_str(), claude["is_tested"].as_bool()), (Some("2.1.329"), Some(true)));
    let table = desk.nox(&["agent", "discover"]).out;
    assert!(table.contains("claude  Claude Code  2.1.329"), "{table}");

    let added = desk.nox(&["agent", "add", "--from", "claude", "--mode", "plan"]);
    assert_eq!((added.code, added.out.as_str()), (Some(0), "claude-code\n"), "{added:?}");
    let agents = desk.nox(&["list-agents", "--json"]).lines();
    assert_eq!(
        (agents[0]["agent"]["runtime"].as_str(), agents[0]["agent"]["program"]["mode"].as_str()),
        (Some("claude"), Some("plan"))
    );

    // It is started by its driver; what it says at its end is shown.
    let tried = desk.nox(&["agent", "test", "claude code"]);
    assert_eq!(tried.code, Some(1), "{tried:?}");
    assert!(tried.out.contains("version    2.1.329"), "{tried:?}");
    assert!(tried.err.contains("no such thing") && tried.err.contains("exit code 7"), "{tried:?}");
    let trials = desk.world.home().join("run/trials");
    let left: Vec<_> = std::fs::read_dir(trials).map(|it| it.flatten().collect()).unwrap_or_default();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn all_that_an_agent_is_told_and_given_can_be_said() {
    let desk = Desk::new();
    let skill = desk.world.home().join("registry/skills/notes");
    let prompt = desk.world.folder.path().join("prompt.md");
    std::fs::write(&prompt, "Be brief.\n").unwrap();
    let claude = ["agent", "add", "Writer", "--runtime", "claude", "--skill", "notes"];
    let given = [
        "--folder",
        "~/work",
        "--prompt",
        prompt.to_str().unwrap(),
        "--prompt-placement",
        "replace",
        "--service",
        "files=mcp-files --root 'a b'",
        "--service-address",
        "web=http://127.0.0.1:9/mcp",
        "--service-environment",
        "files:LEVEL=a=b",
    ];
    desk.nox(&["agents", "discover"]);
    std::fs::create_dir_all(&skill).unwrap();
    std::fs::write(skill.join("SKILL.md"), "---\nname: notes\ndescription: Writes notes.\n---\n").unwrap();
    let added = desk.nox(&[&claude[..], &given[..]].concat());
    assert_eq!((added.code, added.out.as_str()), (Some(0), "writer\n"), "{added:?}");
    let agents = desk.nox(&["list-agents", "--json"]).lines();
    let agent = agents.iter().map(|line| &line["agent"]).find(|agent| agent["id"] == "writer").unwrap();
    assert_eq!(agent["folder"], "~/work");
    assert_eq!(agent["program"]["prompt_placement"], "replace");
    assert_eq!(agent["skills"][0], "notes");
    let files = &agent["services"]["files"];
    assert_eq!((&files["command"], &files["arguments"][1]), (&"mcp-files".into(), &"a b".into()));
    assert_eq!(files["environment"]["LEVEL"], "a=b");
    assert_eq!(agent["services"]["web"]["address"], "http://127.0.0.1:9/mcp");
    let own = std::fs::read_to_string(desk.world.home().join("registry/agents/writer/prompt.md")).unwrap();
    assert_eq!(own.trim(), "Be brief.");

    let again = |more: &[&str]| {
        let ended =
            desk.nox(&[&["agent", "add", "Other", "--runtime", "acp", "--preset", "goose"], more].concat());
        assert_ne!(ended.code, Some(0), "{more:?}: {ended:?}");
        ended.err
    };
    for (more, wanted) in [
        (["--prompt-placement", "above"], "the places are append, replace, first_prompt"),
        (["--prompt-placement", "replace"], "first_prompt"),
        (["--service", "files"], "write a name, ="),
        (["--service", "files='x"], "Close every quotation mark"),
        (["--service-environment", "files:A=b"], "--service files=COMMAND"),
        (["--prompt", "/nowhere/prompt.md"], "cannot be read"),
        (["--skill", "../up"], "skill"),
        (["--folder", "somewhere"], "folder"),
    ] {
        let told = again(&more);
        assert!(told.contains(wanted), "{more:?}: {told}");
    }
    assert!(!desk.nox(&["list-agents"]).out.contains("Other"));
}

#[test]
fn an_agent_is_changed_in_what_is_named_and_that_is_taken_back() {
    let desk = Desk::new();
    let skill = desk.world.home().join("registry/skills/notes");
    let prompt = desk.world.folder.path().join("prompt.md");
    std::fs::write(&prompt, "Be brief.\n").unwrap();
    let add = ["agent", "add", "Writer", "--runtime", "claude", "--model", "small", "--mode", "plan"];
    let services = ["--service", "files=mcp-files", "--service-environment", "files:LEVEL=a"];
    let added = desk.nox(&[&add[..], &services[..]].concat());
    assert_eq!(added.code, Some(0), "{added:?}");
    std::fs::create_dir_all(&skill).unwrap();
    std::fs::write(skill.join("SKILL.md"), "---\nname: notes\ndescription: Writes notes.\n---\n").unwrap();
    let agent = || {
        let mut agents = desk.nox(&["list-agents", "--json"]).lines();
        let place = agents.iter().position(|line| line["agent"]["id"] == "writer").unwrap();
        agents.swap_remove(place)["agent"].take()
    };
    let before = agent();
    let set = |more: &[&str]| desk.nox(&[&["agent", "set", "writer"], more].concat());
    let change = [
        "--model",
        "large",
        "--folder",
        "~/work",
        "--skill",
        "notes",
        "--prompt",
        prompt.to_str().unwrap(),
        "--service",
        "files=mcp-files --root .",
        "--service-address",
        "web=http://127.0.0.1:9/mcp",
        "--clear",
        "mode",
        "--name",
        "Author",
    ];
    let done = set(&change);
    assert_eq!((done.code, done.out.as_str()), (Some(0), ""), "{done:?}");
    let after = agent();
    assert_eq!(after["name"], "Author");
    assert_eq!((&after["program"]["model"], after["program"]["mode"].is_null()), (&"large".into(), true));
    assert_eq!((&after["folder"], &after["skills"][0]), (&"~/work".into(), &"notes".into()));
    let files = &after["services"]["files"];
    assert_eq!((&files["arguments"][0], &files["environment"]["LEVEL"]), (&"--root".into(), &"a".into()));
    assert_eq!(after["services"]["web"]["address"], "http://127.0.0.1:9/mcp");
    let own = desk.world.home().join("registry/agents/writer/prompt.md");
    assert_eq!(std::fs::read_to_string(&own).unwrap().trim(), "Be brief.");

    for (more, wanted) in [
        (&["--prompt-placement", "above"][..], "the places are append, replace, first_prompt"),
        (&["--service", "files='x"], "Close every quotation mark"),
        (&["--service", "web=a", "--service-address", "web=http://b"], "named twice"),
        (&["--without-service", "nothing"], "has no service nothing"),
        (&["--prompt", "/nowhere/prompt.md"], "cannot be read"),
        (&["--skill", "../up"], "skill"),
        (&["--folder", "somewhere"], "folder"),
        (&["--clear", "soul"], "invalid value"),
        (&["--model", "huge", "--clear", "model"], "--model sets what --clear model takes away"),
        (&["--skill", "notes", "--clear", "skills"], "--skill sets what --clear skills takes away"),
        (&["--name", " "], "needs a name"),
        (&["--model", "large"], "nothing is to be changed"),
        (&[], "nothing is to be changed"),
    ] {
        let ended = set(more);
        assert!(ended.code != Some(0) && ended.err.contains(wanted), "{more:?}: {ended:?}");
    }
    let unknown = desk.nox(&["agent", "set", "nobody", "--model", "x"]);
    assert!(unknown.code == Some(2) && unknown.err.contains("there is no agent nobody"), "{unknown:?}");
    assert_eq!(agent(), after, "nothing of a bad change stays");

    let taken = set(&["--without-service", "web", "--clear", "skills", "--clear", "prompt"]);
    assert_eq!(taken.code, Some(0), "{taken:?}");
    let without = agent();
    assert!(without["services"]["web"].is_null() && without["services"]["files"].is_object());
    assert_eq!(without["skills"].as_array().map(Vec::len), Some(0));
    for told in [&taken, &done] {
        let change = told.err.split_whitespace().last().unwrap();
        let undone = desk.nox(&["agent", "undo", change]);
        assert_eq!(undone.code, Some(0), "{undone:?}");
    }
    assert_eq!(agent(), before);
    let bad = desk.nox(&["agent", "undo", "yesterday"]);
    assert!(bad.code == Some(2) && bad.err.contains("yesterday is no change"), "{bad:?}");
}

#[test]
fn a_program_that_stands_and_then_ends_by_itself_does_not_work() {
    let desk = Desk::new();
    let ready = r#"{"type":"control_response","response":{"subtype":"success","request_id":"nox-initialize","response":{"hooks_applied":true}}}"#;
    desk.program(
        "claude",
        &format!("case $1 in --version) echo 2.1.329;; *) read _; echo '{ready}'; exit 3;; esac"),
    );
    desk.nox(&["agent", "add", "--from", "claude"]);
    let tried = desk.nox(&["agent", "test", "claude code"]);
    assert_eq!(tried.code, Some(1), "{tried:?}");
    assert!(tried.out.contains("ready ") && tried.err.contains("exit code 3"), "{tried:?}");
}

#[test]
fn an_agent_without_a_program_is_tried_too() {
    let desk = Desk::new();
    desk.nox(&["agent", "add", "Steps", "--runtime", "runbook"]);
    let tried = desk.nox(&["agent", "test", "steps", "--json"]);
    assert_eq!(tried.code, Some(0), "{tried:?}");
    assert!(tried.lines()[0]["tried"]["ready_ms"].is_u64(), "{tried:?}");
}

#[test]
fn a_model_on_this_computer_becomes_an_agent() {
    let mut desk = Desk::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    desk.ollama = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 1024]);
            let body = r#"{"models":[{"name":"qwen3:8b"}]}"#;
            let _ = write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        }
    });
    let found = desk.nox(&["agent", "discover"]).out;
    assert!(found.contains("1 model") && found.contains("ollama: qwen3:8b"), "{found}");
    let added = desk.nox(&["agent", "add", "--from", "ollama", "--model", "qwen3:8b"]);
    assert_eq!((added.code, added.out.as_str()), (Some(0), "qwen3-8b\n"), "{added:?}");
    let agents = desk.nox(&["list-agents", "--json"]).lines();
    assert_eq!(agents[0]["agent"]["program"]["address"], format!("http://{}", desk.ollama));
}

#[test]
fn what_cannot_be_an_agent_is_refused_with_what_to_write() {
    let desk = Desk::new();
    let ended = desk.nox(&["agent", "add", "Local", "--runtime", "llm", "--provider", "ollama"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.err.contains("needs a model") && ended.err.contains("model = "), "{ended:?}");
    assert_eq!(desk.nox(&["agent", "add", "--from", "nothing"]).code, Some(2));
    assert_eq!(desk.nox(&["agent", "test", "nobody"]).code, Some(2));
}
