//! Claude Code driven directly, as the yardstick: the command line, the environment and the frames that Nox uses, over
//! pipes, without Nox. What Nox starts is looked up in a process that it has started, so that both are always alike.
#![allow(clippy::disallowed_methods, reason = "the yardstick is started without Nox")]

use crate::{error::Error, watched::below};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

/// What Nox starts its program with.
pub(crate) struct Launch {
    program: PathBuf,
    words: Vec<String>,
    environment: Vec<(String, String)>,
    folder: PathBuf,
}

impl Launch {
    /// Looks at a process of the program below `nox`; files that go with the run are kept in `keep`, where its home is.
    pub(crate) fn of(nox: u32, program: &Path, keep: &Path) -> Result<Self, Error> {
        let pid = below(nox).into_iter().find(|pid| is_program(*pid));
        let pid = pid.ok_or(Error::Late("the program does not run below nox"))?;
        let words = texts(pid, "cmdline")?;
        let from = words.iter().position(|word| word == "-p").unwrap_or_default();
        let mut words: Vec<String> = words.into_iter().skip(from).collect();
        for word in &mut words {
            keep_file(word, keep)?;
        }
        let mut environment = Vec::new();
        for pair in texts(pid, "environ")? {
            // What marks the processes of Nox is not for others.
            if let Some((name, value)) = pair.split_once('=').filter(|(name, _)| !name.starts_with("NOX_")) {
                let mut value = value.to_owned();
                keep_file(&mut value, keep)?;
                environment.push((name.to_owned(), value));
            }
        }
        let folder = fs::read_link(format!("/proc/{pid}/cwd"))?;
        Ok(Self { program: program.to_owned(), words, environment, folder })
    }

    /// Starts it with a conversation of its own; resolves when it takes prompts. With `resume` it goes on with that one.
    pub(crate) async fn start(&self, name: &str, resume: bool) -> Result<Direct, Error> {
        let mut words = self.words.clone();
        if let Some(at) = words.iter().position(|word| word == "--session-id" || word == "--resume") {
            let option = if resume { "--resume" } else { "--session-id" };
            words.splice(at..=at + 1, [option.to_owned(), name.to_owned()]);
        }
        let mut child = Command::new(&self.program)
            .args(words)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Error::Late("the program has no pipes"));
        };
        let mut direct = Direct { child, input, lines: BufReader::new(output).lines(), deltas: 0 };
        let hooks = json!({ "PreToolUse": [{ "hookCallbackIds": ["nox-gate"] }] });
        let request = json!({ "subtype": "initialize", "hooks": hooks });
        direct
            .send(json!({ "type": "control_request", "request_id": "nox-initialize", "request": request }))
            .await?;
        while direct.hear().await?["type"] != "control_response" {}
        Ok(direct)
    }
}

/// The program, running.
pub(crate) struct Direct {
    child: Child,
    input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    /// Pieces of texts that came so far.
    pub(crate) deltas: u64,
}

impl Direct {
    pub(crate) async fn prompt(&mut self, text: &str) -> Result<(), Error> {
        let content = json!([{ "type": "text", "text": text }]);
        let message = json!({ "role": "user", "content": content });
        let frame =
            json!({ "type": "user", "message": message, "parent_tool_use_id": null, "session_id": "" });
        self.send(frame).await
    }

    /// Resolves with the first piece of a text.
    pub(crate) async fn first(&mut self) -> Result<(), Error> {
        let before = self.deltas;
        while self.deltas == before {
            self.hear().await?;
        }
        Ok(())
    }

    /// Resolves when the turn is over. What the program wants to do is allowed.
    pub(crate) async fn over(&mut self) -> Result<(), Error> {
        while self.hear().await?["type"] != "result" {}
        Ok(())
    }

    /// Ends it.
    pub(crate) async fn end(mut self) -> Result<(), Error> {
        drop(self.input);
        if timeout(crate::nox::LONG, self.child.wait()).await.is_err() {
            self.child.kill().await?;
        }
        Ok(())
    }

    /// The next frame; a question is answered.
    async fn hear(&mut self) -> Result<Value, Error> {
        let line = timeout(crate::nox::LONG, self.lines.next_line()).await;
        let line = line.map_err(|_| Error::Late("the program says nothing"))??;
        let frame: Value = serde_json::from_str(&line.ok_or(Error::Late("the program ended"))?)?;
        if frame["event"]["delta"]["type"] == "text_delta" {
            self.deltas += 1;
        }
        let request = &frame["request"];
        let answer = match request["subtype"].as_str() {
            Some("hook_callback") => json!({ "hookSpecificOutput": { "hookEventName": "PreToolUse",
                "permissionDecision": "ask" } }),
            Some("can_use_tool") => json!({ "behavior": "allow", "updatedInput": request["input"] }),
            _ => return Ok(frame),
        };
        let response = json!({ "subtype": "success", "request_id": frame["request_id"], "response": answer });
        self.send(json!({ "type": "control_response", "response": response })).await?;
        Ok(frame)
    }

    async fn send(&mut self, frame: Value) -> Result<(), Error> {
        self.input.write_all(format!("{frame}\n").as_bytes()).await?;
        Ok(self.input.flush().await?)
    }
}

/// Whether this is the program itself, and not what holds it.
pub(crate) fn is_program(pid: u32) -> bool {
    let words = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    words.contains("stream-json") && !words.contains("nox-shim")
}

/// Texts that end with 0.
fn texts(pid: u32, file: &str) -> Result<Vec<String>, Error> {
    let text = String::from_utf8_lossy(&fs::read(format!("/proc/{pid}/{file}"))?).into_owned();
    Ok(text.split_terminator('\0').map(str::to_owned).collect())
}

/// A file of Nox's home, which may go with its run, is copied, and the copy named.
fn keep_file(word: &mut String, keep: &Path) -> Result<(), Error> {
    let path = Path::new(&*word);
    if let Some(name) = path.file_name().filter(|_| path.starts_with(keep.join("home")) && path.is_file()) {
        let copy = keep.join(name);
        fs::copy(path, &copy)?;
        *word = copy.display().to_string();
    }
    Ok(())
}
