//! `[program]` and `[services]` of `agent.toml`, for every runtime.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use nox_domain::{
    agent::{Agent, AgentPatch, CliTool, Program, PromptPlacement, Runtime, Service},
    ids::AgentId,
    rows::FileProblem,
};
use nox_registry::{create_agent, edit_agent, parse_agent};
use std::collections::BTreeMap;

fn id() -> AgentId {
    AgentId::parse("builder").unwrap()
}

fn problem(toml: &str) -> FileProblem {
    *parse_agent(&id(), toml, "").expect_err(toml)
}

#[test]
fn a_program_reads_back_and_an_edit_leaves_the_rest_alone() {
    let program = Program {
        command: Some("/opt/claude".into()),
        model: Some("opus".into()),
        mode: Some("plan".into()),
        effort: Some("high".into()),
        prompt_placement: Some(PromptPlacement::Replace),
        address: Some("http://127.0.0.1:8080".into()),
        key: Some("anthropic".into()),
        pass_environment: vec!["HTTPS_PROXY".into()],
        ..Program::default()
    };
    let mine =
        "# mine\nname = \"x\"\nruntime = \"claude\"\n\n[program]\n# the quick one\nmodel = \"haiku\"\n";
    let patch = AgentPatch { program: Some(program.clone()), ..AgentPatch::default() };
    let edited = edit_agent(&id(), mine, &patch).unwrap();
    assert_eq!(parse_agent(&id(), &edited, "").unwrap().agent.program, program);
    assert!(edited.contains("# mine\n") && edited.contains("# the quick one\n"), "{edited}");
    let agent = parse_agent(&id(), &edited, "p").unwrap().agent;
    let (toml, prompt) = create_agent(&agent).unwrap();
    assert_eq!(parse_agent(&id(), &toml, &prompt).unwrap().agent, agent);
}

#[test]
fn a_folder_is_written_changed_and_taken_away() {
    let mine = "# mine\nname = \"x\"\n";
    let folder = |text: &str| AgentPatch { folder: Some(text.into()), ..AgentPatch::default() };
    let with = edit_agent(&id(), mine, &folder("~/notes")).unwrap();
    assert_eq!(parse_agent(&id(), &with, "").unwrap().agent.folder, "~/notes", "{with}");
    assert_eq!(edit_agent(&id(), &with, &folder("")).unwrap(), mine);
    assert!(edit_agent(&id(), mine, &folder("notes")).is_err());
}

#[test]
fn a_key_itself_is_refused_where_its_name_belongs() {
    let key = format!("sk-ant-api03-{}", "a1B2c3D4".repeat(8));
    let toml = format!("name = \"x\"\nruntime = \"claude\"\n[program]\nkey = \"{key}\"\n");
    let found = problem(&toml);
    assert_eq!(found.code, "secret_in_file");
    assert!(!format!("{} {}", found.message, found.hint).contains(&key));
}

/// Programs, models and services of every kind, as a file says them and as an edit writes them.
#[test]
fn every_kind_of_program_reads_back() {
    let service = |command: Option<&str>, address: Option<&str>| Service {
        command: command.map(str::to_owned),
        arguments: command.map(|_| "--here".to_owned()).into_iter().collect(),
        environment: command.map(|_| ("A".to_owned(), "b".to_owned())).into_iter().collect(),
        address: address.map(str::to_owned),
        key: address.map(|_| "search".to_owned()),
    };
    let services = BTreeMap::from([
        ("files".to_owned(), service(Some("mcp-files"), None)),
        ("search".to_owned(), service(None, Some("http://127.0.0.1:9000/mcp"))),
    ]);
    let acp = Program {
        preset: Some("goose".into()),
        command: Some("/opt/goose".into()),
        arguments: vec!["acp".into(), "--with a blank".into()],
        mode: Some("approve".into()),
        ..Program::default()
    };
    let codex = Program { effort: Some("high".into()), ..Program::default() };
    let llm = Program {
        provider: Some("ollama".into()),
        model: Some("qwen3:8b".into()),
        tools: Some(vec!["read".into(), "shell".into()]),
        commands: vec![CliTool { name: "jq".into(), command: "jq".into(), readme: "Filters JSON.".into() }],
        max_iterations: Some(20),
        context_tokens: Some(8_000),
        ..Program::default()
    };
    for (runtime, program) in [(Runtime::Acp, acp), (Runtime::Codex, codex), (Runtime::Llm, llm)] {
        let bare = "name = \"x\"\nruntime = \"claude\"\n";
        let claude = parse_agent(&id(), bare, "p").unwrap().agent;
        let skills = vec!["release-notes".to_owned()];
        let agent = Agent { runtime, program, skills, services: services.clone(), ..claude };
        let (toml, prompt) = create_agent(&agent).unwrap();
        assert_eq!(parse_agent(&id(), &toml, &prompt).unwrap().agent, agent, "{toml}");
        let none = AgentPatch { services: Some(BTreeMap::new()), ..AgentPatch::default() };
        let edited = edit_agent(&id(), &toml, &none).unwrap();
        assert_eq!(parse_agent(&id(), &edited, &prompt).unwrap().agent.services, BTreeMap::new(), "{edited}");
    }
}

#[test]
fn a_program_that_cannot_start_is_a_problem_with_what_to_do() {
    let cases = [
        ("runtime = \"acp\"", "incomplete_program", "preset"),
        ("runtime = \"llm\"", "incomplete_program", "provider"),
        ("runtime = \"llm\"\n[program]\nprovider = \"ollama\"", "incomplete_program", "model"),
        (
            "runtime = \"llm\"\n[program]\nprovider = \"compatible\"\nmodel = \"m\"",
            "incomplete_program",
            "address",
        ),
        ("runtime = \"claude\"\n[program]\nprovider = \"ollama\"", "no_such_setting", "provider"),
        (
            "runtime = \"llm\"\n[program]\nprovider = \"ollama\"\nmodel = \"m\"\nprompt_placement = \"first_prompt\"",
            "no_such_placement",
            "\"append\" or \"replace\"",
        ),
        (
            "runtime = \"acp\"\n[program]\npreset = \"goose\"\nprompt_placement = \"replace\"",
            "no_such_placement",
            "\"append\" or \"first_prompt\"",
        ),
        ("runtime = \"claude\"\n[program]\nprompt_placement = \"nowhere\"", "unknown_word", "first_prompt"),
        ("skills = [\"a\"]", "no_skills", "Remove"),
        ("runtime = \"codex\"\nskills = [\"../a\"]", "bad_skill", "small letters"),
        ("runtime = \"codex\"\nskills = [\"a\", \"a\"]", "bad_skill", "small letters"),
        ("folder = \"notes\"", "bad_folder", "~/notes"),
        ("folder = \"/a\\u0007b\"", "bad_folder", "~/notes"),
        ("runtime = \"codex\"\n[services.a]\n", "bad_service", "command"),
        ("runtime = \"codex\"\n[services.\"a b\"]\ncommand = \"x\"", "bad_name", "letters"),
        ("runtime = \"codex\"\n[services.a]\ncommand = \"x\"\nkey = \"k\"", "no_address", "Remove"),
        (
            "runtime = \"codex\"\n[services.a]\ncommand = \"x\"\nenvironment = { \"1A\" = \"b\" }",
            "bad_variable_name",
            "services.a.environment.1A",
        ),
        ("runtime = \"runbook\"\n[services.a]\ncommand = \"x\"", "no_services", "Remove"),
    ];
    for (text, code, says) in cases {
        let found = problem(&format!("name = \"x\"\n{text}\n"));
        assert_eq!(found.code, code, "{text}: {found:?}");
        let all = format!("{} {}", found.field.clone().unwrap_or_default(), found.hint);
        assert!(all.contains(says), "{text}: {found:?}");
    }
}

#[test]
fn an_edit_of_one_command_leaves_the_others_as_they_are_written() {
    let mine = "name = \"x\"\nruntime = \"llm\"\n\n[program]\nprovider = \"ollama\"\nmodel = \"m\"\n\n\
        # counts\n[[program.commands]]\nname = \"wc\"\ncommand = \"wc\" # words\nmine = 1\n\n\
        [[program.commands]]\nname = \"jq\"\ncommand = \"jq\"\n";
    let before = parse_agent(&id(), mine, "").unwrap().agent.program;
    let edit = |commands: Vec<CliTool>| {
        let program = Program { commands: commands.clone(), ..before.clone() };
        let edited =
            edit_agent(&id(), mine, &AgentPatch { program: Some(program), ..AgentPatch::default() }).unwrap();
        assert_eq!(parse_agent(&id(), &edited, "").unwrap().agent.program.commands, commands, "{edited}");
        edited
    };
    let (wc, jq) = (before.commands[0].clone(), before.commands[1].clone());
    let changed = edit(vec![wc.clone(), CliTool { readme: "Filters JSON.".into(), ..jq.clone() }]);
    assert!(changed.contains("# counts\n") && changed.contains("# words\nmine = 1\n"), "{changed}");
    let fewer = edit(vec![jq.clone()]);
    assert!(!fewer.contains("wc"), "{fewer}");
    edit(vec![jq, wc]);
}
