//! Looks at programs that are small shell scripts in the test's own folder, and at servers on loopback.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use nox_domain::discovery::FoundServer;
use servers::Port;
use std::{
    collections::BTreeSet,
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

struct Desk {
    folder: TempDir,
    around: Surroundings,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["path", "usual", "home"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let at = |name: &str| folder.path().join(name);
        let around = Surroundings {
            path: vec![at("path"), "/usr/bin".into(), "/bin".into()],
            usual: vec![at("usual")],
            home: Some(at("home")),
            set: BTreeSet::new(),
            environment: vec![("LANG".into(), "C".into())],
            limit: Duration::from_secs(5),
            servers: vec![],
        };
        Self { folder, around }
    }

    fn script(&self, place: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(place);
        std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    async fn look(&self) -> Discovered {
        look(&self.around, &ShimPath::locate().expect("nox-shim must have been built")).await
    }

    async fn program(&self, id: &str) -> FoundProgram {
        self.look().await.programs.into_iter().find(|program| program.id == id).unwrap()
    }
}

#[tokio::test]
async fn a_program_on_the_path_is_offered_by_its_name_and_one_elsewhere_by_its_path() {
    let desk = Desk::new();
    desk.script("path/claude", "echo '2.1.400 (Claude Code)'");
    let opencode = desk.script("usual/opencode", "echo 1.18.33");
    let found = desk.look().await;
    let by_id = |id: &str| found.programs.iter().find(|program| program.id == id).unwrap();

    let claude = by_id("claude");
    assert_eq!((claude.version.as_deref(), claude.is_tested), (Some("2.1.400"), Some(true)));
    assert_eq!((claude.agent.program.command.as_deref(), claude.warning.as_deref()), (None, None));
    let elsewhere = by_id("opencode");
    assert_eq!(elsewhere.agent.program.command.as_deref(), opencode.to_str());
    assert_eq!(elsewhere.agent.program.preset.as_deref(), Some("opencode"));
    // Everything else is listed with how to get it.
    let missing = by_id("goose");
    assert_eq!((missing.path.as_deref(), missing.version.as_deref()), (None, None));
    assert!(missing.next.as_deref().is_some_and(|next| next.contains("npm install -g @aaif/goose")));
    assert_eq!(found.programs.len(), known().len());
}

#[tokio::test]
async fn a_version_that_was_not_tested_is_warned_about() {
    let desk = Desk::new();
    desk.script("path/claude", "echo 3.0.1");
    let claude = desk.program("claude").await;
    assert_eq!(claude.is_tested, Some(false));
    let warning = claude.warning.unwrap();
    assert!(warning.contains("tested with version 2.1") && warning.contains("this is 3.0.1"), "{warning}");
}

#[tokio::test]
async fn what_a_program_says_of_itself_is_bounded_and_harmless() {
    let desk = Desk::new();
    // A flood, and only then something like a version: it is cut off.
    desk.script("path/claude", "head -c 10000000 /dev/zero | tr '\\0' x; echo 2.1.9");
    desk.script("path/codex", "printf '\\033]52;c;evil\\007codex-cli 0.169.0\\033[2J'");
    desk.script("path/goose", "printf 'no\\033]0;title\\007 home' >&2; exit 3");
    let found = desk.look().await;
    let by_id = |id: &str| found.programs.iter().find(|program| program.id == id).unwrap();
    assert_eq!(by_id("claude").version, None);
    assert_eq!(by_id("codex").version.as_deref(), Some("0.169.0"));
    let warning = by_id("goose").warning.clone().unwrap();
    assert!(warning.contains("no home") && !warning.contains(char::is_control), "{warning:?}");
}

#[tokio::test]
async fn a_program_that_hangs_is_ended_with_all_that_it_started() {
    let mut desk = Desk::new();
    desk.around.limit = Duration::from_millis(700);
    let pid = desk.folder.path().join("pid");
    desk.script("path/qwen", &format!("sleep 600 & echo $! > {}; wait", pid.display()));
    let begun = Instant::now();
    let qwen = desk.program("qwen").await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(qwen.version, None);
    assert!(qwen.warning.is_some_and(|warning| warning.contains("qwen --version")));
    let pid = std::fs::read_to_string(pid).expect("it was started");
    assert!(!std::path::Path::new("/proc").join(pid.trim()).exists(), "it lives");
}

#[tokio::test]
async fn it_gets_a_home_of_its_own_and_no_key_and_its_neighbours_first() {
    let mut desk = Desk::new();
    desk.around.set.insert("OPENAI_API_KEY".into());
    let seen = desk.folder.path().join("seen");
    desk.script("usual/node", "echo 7.7.7");
    desk.script("usual/codex", &format!("env > {}; echo $HOME > here; node", seen.display()));
    let codex = desk.program("codex").await;
    assert_eq!(codex.version.as_deref(), Some("7.7.7"));
    let seen = std::fs::read_to_string(seen).unwrap();
    assert!(!seen.contains("OPENAI_API_KEY"), "{seen}");
    let home = seen.lines().find_map(|line| line.strip_prefix("HOME=")).unwrap();
    assert!(home != desk.folder.path().join("home").to_str().unwrap(), "{home}");
    assert!(!std::path::Path::new(home).exists(), "what it wrote is gone");
    // The key is there for its agent, by name.
    assert_eq!(codex.agent.program.pass_environment, ["OPENAI_API_KEY"]);
}

#[tokio::test]
async fn it_is_asked_once_and_never_with_the_users_home() {
    let desk = Desk::new();
    let asked = desk.folder.path().join("asked");
    desk.script("home/real", "echo 0.24.4");
    desk.script("path/qwen", &format!("echo \"$HOME\" >> {}; exec \"$HOME/real\"", asked.display()));
    let qwen = desk.program("qwen").await;
    assert_eq!(qwen.version, None);
    assert!(qwen.warning.is_some_and(|warning| warning.contains("qwen --version")));
    let homes = std::fs::read_to_string(asked).unwrap();
    assert_eq!(homes.lines().count(), 1, "{homes}");
    assert!(!homes.contains(desk.folder.path().to_str().unwrap()), "{homes}");
}

#[tokio::test]
async fn what_shows_of_a_sign_in_is_told_and_nothing_more() {
    let mut desk = Desk::new();
    let home = desk.folder.path().join("home");
    for folder in [".claude", ".codex"] {
        std::fs::create_dir(home.join(folder)).unwrap();
    }
    std::fs::write(home.join(".claude/.credentials.json"), "{\"token\":\"canary\"}").unwrap();
    // Signed out again.
    std::fs::write(home.join(".codex/auth.json"), "{}\n").unwrap();
    desk.around.set.insert("GEMINI_API_KEY".into());
    let found = desk.look().await;
    let sign_in = |id: &str| found.programs.iter().find(|it| it.id == id).unwrap().sign_in.clone();
    assert_eq!(sign_in("claude"), SignIn::SignedIn);
    assert_eq!(sign_in("codex"), SignIn::NotFound);
    assert_eq!(sign_in("gemini"), SignIn::Variable { name: "GEMINI_API_KEY".into() });
    assert_eq!(sign_in("goose"), SignIn::Unknown);
    assert!(!format!("{found:?}").contains("canary"));
}

/// A server that answers every request with this, in pieces.
async fn answers(status: &str, body: &str) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n", body.len());
    let body = body.to_owned();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 1024]).await;
            let (first, rest) = body.split_at(body.len() / 2);
            for piece in [head.as_str(), first, rest] {
                let _ = stream.write_all(piece.as_bytes()).await;
                let _ = stream.flush().await;
            }
        }
    });
    address
}

async fn found_at(id: &str, address: SocketAddr) -> Option<FoundServer> {
    servers::look(&[Port::at(id, address)]).await.pop()
}

#[tokio::test]
async fn model_servers_tell_their_models() {
    let tags =
        r#"{"models":[{"name":"qwen3:8b"},{"name":"nomic-embed-text:latest"},{"name":"a b"},{"x":1}]}"#;
    let address = answers("200 OK", tags).await;
    let ollama = found_at("ollama", address).await.unwrap();
    assert_eq!(ollama.models, ["qwen3:8b"]);
    assert_eq!(ollama.agent.program.address, Some(format!("http://{address}")));
    assert_eq!(ollama.agent.program.provider.as_deref(), Some("ollama"));

    let models = r#"{"object":"list","data":[{"id":"m","owned_by":"vllm"}]}"#;
    let address = answers("200 OK", models).await;
    let vllm = found_at("vllm", address).await.unwrap();
    assert_eq!((vllm.title.as_str(), vllm.models.as_slice()), ("vLLM", &["m".to_owned()][..]));
    assert_eq!(vllm.agent.program.address, Some(format!("http://{address}/v1")));
    // At the port of another one, it is told as what it is known to be.
    assert_eq!(found_at("llama_cpp", address).await.unwrap().title, "Model server");
}

#[tokio::test]
async fn what_is_no_model_server_is_not_told() {
    let elsewhere = answers("302 Found", "{\"models\":[]}").await;
    assert_eq!(found_at("ollama", elsewhere).await, None);
    let page = answers("200 OK", "<html>hello</html>").await;
    assert_eq!(found_at("lm_studio", page).await, None);
    let flood = answers("200 OK", &format!("{{\"data\":[],\"x\":\"{}\"}}", "y".repeat(5 << 20))).await;
    assert_eq!(found_at("lm_studio", flood).await, None);
    let empty = answers("200 OK", "{\"models\":[]}").await;
    assert!(found_at("ollama", empty).await.unwrap().next.is_some_and(|next| next.contains("ollama pull")));
    // One that accepts and never answers does not hold the others up for long.
    let silent = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let begun = Instant::now();
    let both = [
        Port::at("ollama", silent.local_addr().unwrap()),
        Port::at("ollama", answers("200 OK", "{\"models\":[{\"name\":\"m\"}]}").await),
    ];
    assert_eq!(servers::look(&both).await.len(), 1);
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
}
