//! Agents and policy as files: what is read, what is refused, what an edit leaves alone.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use nox_domain::{
    agent::{Agent, AgentPatch, Limits, Program, Runtime},
    ids::AgentId,
    life::{Life, OnCrash},
    policy::{Effect, Matcher, Policy, Rule},
    rows::FileProblem,
    tool::ToolKind,
};
use nox_registry::{
    append_rule, ask_everything, create_agent, edit_agent, parse_agent, parse_policy, policy_text,
    remove_rule,
};
use proptest::{
    collection::{btree_map, vec},
    option,
    prelude::*,
};

fn id() -> AgentId {
    AgentId::parse("builder").unwrap()
}

fn problem(toml: &str) -> FileProblem {
    *parse_agent(&id(), toml, "").expect_err(toml)
}

#[test]
fn faults_of_an_agent_name_line_column_field_and_a_way_out() {
    for (toml, line, column, field, code) in [
        ("schema = 1\n", 1, None, Some("name"), "missing_name"),
        ("name = 3\n", 1, Some(8), Some("name"), "wrong_type"),
        ("name = \"x\"\nruntime = \"docker\"\n", 2, Some(11), Some("runtime"), "unknown_runtime"),
        ("name = \"x\"\nenabled = \"yes\"\n", 2, Some(11), Some("enabled"), "wrong_type"),
        (
            "name = \"x\"\n\n[limits]\nmax_call_seconds = 0\n",
            4,
            Some(20),
            Some("limits.max_call_seconds"),
            "out_of_range",
        ),
        ("name = \"x\"\nlimits = 3\n", 2, Some(10), Some("limits"), "wrong_type"),
        (
            "name = \"x\"\ncapabilities = [\n  \"a\",\n  2,\n]\n",
            4,
            Some(3),
            Some("capabilities"),
            "wrong_type",
        ),
        (
            "name = \"x\"\n[environment]\n\"A B\" = \"c\"\n",
            3,
            Some(9),
            Some("environment.A B"),
            "bad_variable_name",
        ),
        ("name = \"x\"\n[program]\nmodel = \"m\"\n", 2, Some(1), Some("program"), "no_program"),
        (
            "name = \"x\"\nruntime = \"claude\"\n[program]\nmode = \"bypassPermissions\"\n",
            4,
            Some(8),
            Some("program.mode"),
            "unknown_word",
        ),
        (
            "name = \"x\"\nruntime = \"claude\"\n[program]\naddress = \"localhost\"\n",
            4,
            Some(11),
            Some("program.address"),
            "bad_address",
        ),
        (
            "name = \"x\"\nruntime = \"claude\"\n[program]\npass_environment = [\"A=B\"]\n",
            4,
            Some(20),
            Some("program.pass_environment"),
            "bad_variable_name",
        ),
        ("name = \"x\"\nname = \"y\"\n", 2, Some(1), None, "bad_toml"),
        ("name = \"x\nenabled = true\n", 1, Some(10), None, "bad_toml"),
        ("name = \"x\"\nbroken\n", 2, Some(7), None, "bad_toml"),
    ] {
        let found = problem(toml);
        let place = (found.line, found.column, found.field.as_deref(), found.code.as_str());
        assert_eq!(place, (line, column, field, code), "{toml:?}: {}", found.message);
        assert_eq!(found.path, "agents/builder/agent.toml");
        assert!(found.excerpt.iter().any(|shown| shown.number == line));
        assert!(!found.hint.is_empty());
    }
    assert!(problem("name = \"x\"\nruntime = \"docker\"\n").hint.contains("\"runbook\""));
}

#[test]
fn a_key_in_the_environment_is_refused_and_not_repeated() {
    let toml = "name = \"x\"\n[environment]\nEDITOR = \"vi\"\nMY_API_KEY = \"abcdefgh\"\n";
    let found = problem(toml);
    assert_eq!((found.line, found.code.as_str()), (4, "secret_in_file"));
    assert!(found.hint.contains("Settings"));
    assert!(!format!("{found:?}").contains("abcdefgh"));
    // A fault in the line beside it does not show it either.
    let found = problem("name = \"x\"\nMY_API_KEY = \"abcdefgh\"\nenabled = 3\n");
    assert!(!format!("{found:?}").contains("abcdefgh"));
}

#[test]
fn unknown_keys_are_kept_and_told_and_a_newer_file_is_read_only() {
    let parsed = parse_agent(&id(), "name = \"x\"\ncolour = 3\n[limits]\nmemory = 1\n", "Do.").unwrap();
    let fields: Vec<_> = parsed.warnings.iter().map(|w| (w.line, w.field.clone().unwrap())).collect();
    assert_eq!(fields, [(2, "colour".to_owned()), (4, "limits.memory".to_owned())]);
    assert_eq!(
        (parsed.agent.prompt.as_str(), parsed.agent.enabled, parsed.agent.review),
        ("Do.", true, false)
    );
    assert!(!parsed.read_only);
    let newer = "schema = 2\nname = \"x\"\n";
    assert!(parse_agent(&id(), newer, "").unwrap().read_only);
    let patch = AgentPatch { enabled: Some(false), ..AgentPatch::default() };
    assert_eq!(edit_agent(&id(), newer, &patch).unwrap_err().code, "newer_schema");
}

const MINE: &str = "# my agent\nschema = 1\nname   =  'Builder'   # a name\n\nown = { a = 1 }\nenabled = true\n\n[environment] # vars\nEDITOR = \"vi\" # best\nLANG = \"C\"\n\n# the end\n[mine]\nx = 1";

#[test]
fn an_edit_of_an_agent_leaves_the_rest_as_it_was() {
    let patch = AgentPatch {
        name: Some("New \"name\"".into()),
        enabled: Some(false),
        review: Some(true),
        environment: Some(
            [("EDITOR".to_owned(), "ed".to_owned()), ("NEW".to_owned(), "1".to_owned())].into(),
        ),
        limits: Some(Limits { max_concurrent_tasks: Some(3), ..Limits::default() }),
        ..AgentPatch::default()
    };
    for (mark, eol) in [("", "\n"), ("", "\r\n"), ("\u{feff}", "\n")] {
        let mine = format!("{mark}{}", MINE.replace('\n', eol));
        let edited = edit_agent(&id(), &mine, &patch).unwrap();
        let parsed = parse_agent(&id(), &edited, "").unwrap().agent;
        assert_eq!(parsed, parse_agent(&id(), &mine, "").unwrap().agent.patched(&patch));
        assert_eq!(edited.matches('\n').count(), edited.matches(eol).count());
        for line in [
            "# my agent",
            "schema = 1",
            "   # a name",
            "own = { a = 1 }",
            "[environment] # vars",
            "# best",
            "# the end",
            "[mine]",
            "x = 1",
        ] {
            assert!(edited.contains(line), "{line}\n{edited}");
        }
        assert!(edited.starts_with(&format!("{mark}# my agent{eol}schema = 1{eol}name   =  ")));
        assert!(!edited.contains("LANG"));
        // Nothing new, nothing written.
        assert_eq!(
            edit_agent(&id(), &mine, &AgentPatch { name: Some("Builder".into()), ..AgentPatch::default() })
                .unwrap(),
            mine
        );
    }
}

#[test]
fn an_edit_that_would_store_a_key_is_refused() {
    let patch = AgentPatch {
        environment: Some([("GH_TOKEN".to_owned(), "ghp_0123456789abcdef".to_owned())].into()),
        ..AgentPatch::default()
    };
    let found = *edit_agent(&id(), MINE, &patch).unwrap_err();
    assert_eq!(found.code, "secret_in_file");
    assert!(!format!("{found:?}").contains("ghp_"));
}

#[test]
fn faults_of_a_policy_name_their_place() {
    let rule = "[[rule]]\nid = \"a\"\neffect = \"deny\"\nkind = \"execute\"\n";
    for (text, line, code) in [
        ("[defaults]\nexecute = \"maybe\"\n".to_owned(), 2, "unknown_effect"),
        ("[defaults]\nrun = \"ask\"\n".to_owned(), 2, "unknown_kind"),
        ("rules = []\n".to_owned(), 1, "unknown_key"),
        ("rule = []\n".to_owned(), 1, "wrong_type"),
        (rule.to_owned(), 2, "missing_key"),
        (format!("{rule}any = false\n"), 5, "any_false"),
        (format!("{rule}any = true\nprefix = [\"a\"]\n"), 5, "two_matchers"),
        (format!("{rule}prefix = []\n"), 5, "empty_prefix"),
        (format!("{rule}exact = \"123\"\n"), 5, "bad_hash"),
        (format!("{rule}any = true\nagnet = \"x\"\n"), 6, "unknown_key"),
        (format!("{rule}any = true\nagent = \"X Y\"\n"), 6, "bad_agent_id"),
        (format!("{rule}any = true\n\n{rule}any = true\n"), 8, "rule_twice"),
        ("[[rule]]\nid = \"a\"\nkind = \"execute\"\nany = true\n".to_owned(), 2, "missing_key"),
        ("schema = 2\n".to_owned(), 1, "newer_schema"),
        ("[defaults\n".to_owned(), 1, "bad_toml"),
    ] {
        let found = parse_policy(&text).expect_err(&text);
        assert_eq!((found.line, found.code.as_str()), (line, code), "{text}");
        assert_eq!(found.path, "policy.toml");
    }
    assert_eq!(parse_policy("").unwrap(), ask_everything());
    assert_eq!(parse_policy(&policy_text(&Policy::default())).unwrap(), Policy::default());
}

#[test]
fn rules_come_and_go_without_touching_the_rest() {
    let text = "# mine\nschema = 1\n\n# rules of mine\n\n[[rule]] # first\nid = \"a\"\neffect = \"allow\"\nkind = \"read\"\nany = true # all\n# below\n";
    let rule = Rule {
        id: "b".into(),
        effect: Effect::Allow,
        kind: ToolKind::Execute,
        matcher: Matcher::Prefix(vec!["git".into(), "a\"b\nc".into()]),
        agent: Some(id()),
        note: "why\r\nnot".into(),
    };
    for text in [text.to_owned(), text.replace('\n', "\r\n"), text.trim_end().to_owned(), String::new()] {
        let longer = append_rule(&text, &rule).unwrap();
        assert!(longer.starts_with(&text));
        assert_eq!(parse_policy(&longer).unwrap().rules.last(), Some(&rule));
        assert_eq!(append_rule(&longer, &rule).unwrap_err().code, "rule_twice");
        assert_eq!(remove_rule(&longer, "b").unwrap().trim_end(), text.trim_end());
        assert_eq!(remove_rule(&text, "b").unwrap(), text);
    }
    let without = remove_rule(&append_rule(text, &rule).unwrap(), "a").unwrap();
    assert!(
        without.starts_with("# mine\nschema = 1\n\n# rules of mine\n# below\n\n[[rule]]\nid = \"b\"\n"),
        "{without}"
    );
}

fn any_rule() -> impl Strategy<Value = Rule> {
    let matcher = prop_oneof![
        ("\\PC{1,8}", vec(any::<String>(), 0..3))
            .prop_map(|(first, rest)| Matcher::Prefix(std::iter::once(first).chain(rest).collect())),
        "[0-9a-f]{64}".prop_map(Matcher::Exact),
        Just(Matcher::Any),
    ];
    let effect = prop_oneof![Just(Effect::Allow), Just(Effect::Ask), Just(Effect::Deny)];
    let kind = proptest::sample::select(ToolKind::ALL);
    let agent = option::of("[a-z]{1,5}".prop_map(|text| AgentId::parse(&text).unwrap()));
    (effect, kind, matcher, agent, any::<String>()).prop_map(|(effect, kind, matcher, agent, note)| Rule {
        id: String::new(),
        effect,
        kind,
        matcher,
        agent,
        note,
    })
}

fn any_patch() -> impl Strategy<Value = AgentPatch> {
    let limits = (option::of(1u32..9), option::of(1u32..)).prop_map(|(a, b)| Limits {
        max_concurrent_tasks: a,
        max_memory_mb: b,
        ..Limits::default()
    });
    let life = (option::of(any::<bool>()), option::of(0u32..9)).prop_map(|(ask, stall_after_seconds)| Life {
        on_crash: ask.map(|ask| if ask { OnCrash::Ask } else { OnCrash::Resume }),
        stall_after_seconds,
        ..Life::default()
    });
    (
        option::of("[a-z\"\\\\'#= é]{1,9}x"),
        option::of(any::<String>()),
        option::of(any::<bool>()),
        option::of(any::<bool>()),
        option::of(vec(any::<String>(), 0..3)),
        option::of("(~?/[a-z\"'# é]{0,6}x)?"),
        option::of(btree_map("[A-Z]{1,3}", "[a-z #\"\n]{0,6}", 0..4)),
        option::of(limits),
        option::of(life),
    )
        .prop_map(
            |(name, description, enabled, review, capabilities, folder, environment, limits, life)| {
                AgentPatch {
                    name: name.map(|name| name.trim().to_owned()),
                    description,
                    prompt: None,
                    enabled,
                    review,
                    capabilities,
                    folder,
                    skills: None,
                    environment,
                    program: None,
                    services: None,
                    limits,
                    life,
                }
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_policy_reads_back_and_every_rule_can_go(rules in vec(any_rule(), 0..5)) {
        let mut policy = Policy::default();
        for (n, rule) in rules.into_iter().enumerate() {
            policy.rules.push(Rule { id: format!("rule-{n}"), ..rule });
        }
        let whole = policy_text(&policy);
        prop_assert_eq!(&parse_policy(&whole).unwrap(), &policy);
        let mut grown = policy_text(&Policy::default());
        for rule in &policy.rules {
            grown = append_rule(&grown, rule).unwrap();
        }
        prop_assert_eq!(&grown, &whole);
        for rule in &policy.rules {
            grown = remove_rule(&grown, &rule.id).unwrap();
        }
        prop_assert_eq!(grown, policy_text(&Policy::default()));
    }

    #[test]
    fn any_text_is_read_or_refused(text in prop_oneof![
        any::<String>(),
        vec(proptest::sample::select(vec![
            "schema = 1\n", "name = \"x\"\n", "[limits]\n", "[environment]\n", "[[rule]]\n", "id = \"a\"\n", "=", "\n", "\"", "[",
            "]", "{", "any = true\n", "effect = \"deny\"\n", "kind = \"read\"\n", "#", "'''", "\u{feff}", "\r\n", "é", "a.b = 1\n",
            "environment.A = \"b\"\n", "limits = { max_call_seconds = 2 }\n", "\0",
        ]), 0..12).prop_map(|parts| parts.concat()),
    ], patch in any_patch()) {
        let good = |line: u32| line >= 1 && line as usize <= text.lines().count().max(1);
        match parse_agent(&id(), &text, "") {
            Ok(parsed) => {
                if let Ok(edited) = edit_agent(&id(), &text, &patch) {
                    prop_assert_eq!(parse_agent(&id(), &edited, "").unwrap().agent, parsed.agent.patched(&patch));
                }
            }
            Err(found) => prop_assert!(good(found.line), "{:?}", found),
        }
        match parse_policy(&text) {
            Ok(policy) => for rule in policy.rules {
                prop_assert!(parse_policy(&remove_rule(&text, &rule.id).unwrap()).is_ok());
            },
            Err(found) => prop_assert!(good(found.line), "{:?}", found),
        }
    }

    #[test]
    fn an_agent_reads_back(patch in any_patch()) {
        let agent = Agent {
            id: id(), name: "x".into(), description: String::new(), runtime: Runtime::Runbook, prompt: "p".into(), enabled: true,
            review: false, capabilities: vec![], folder: String::new(), skills: vec![], environment: Default::default(), program: Program::default(), services: Default::default(), limits: Limits::default(),
            life: Life::default(),
        }.patched(&patch);
        let (toml, prompt) = create_agent(&agent).unwrap();
        prop_assert_eq!(parse_agent(&id(), &toml, &prompt).unwrap().agent, agent.clone());
        // And an edit of the person's own file leaves its own lines.
        let edited = edit_agent(&id(), MINE, &patch).unwrap();
        for line in ["# my agent\n", "own = { a = 1 }\n", "[mine]\nx = 1"] {
            prop_assert!(edited.contains(line));
        }
    }
}
