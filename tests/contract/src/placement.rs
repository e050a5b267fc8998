//! Where the model finds the prompt of its agent.

use crate::{
    bench::{Bench, PROMPT},
    programs::Lack,
};
use nox_api::domain::agent::{PromptPlacement, Runtime};
use nox_test_support::model::Reply;

/// The model is told once, and where the agent's settings say so.
pub(crate) async fn prompt_placement(bench: Bench) {
    use PromptPlacement::{Append, FirstPrompt, Replace};
    let placements: &[Option<PromptPlacement>] = match bench.program.runtime {
        Runtime::Acp => &[None, Some(FirstPrompt)],
        Runtime::Llm => &[None, Some(Append), Some(Replace)],
        _ => &[None, Some(Append), Some(Replace), Some(FirstPrompt)],
    };
    let mut appended = 0;
    for placement in placements {
        let prepare =
            |agent: &mut nox_api::dto::CreateAgent, _: &_| agent.program.prompt_placement = *placement;
        let mut scene = bench.clone().begin_with([Reply::text("Hello.")], prepare).await;
        assert_eq!(scene.idle().await, None, "{placement:?}");
        let asked = scene.asked().into_iter().map(|asked| asked.body.to_string());
        let told = asked.filter(|body| body.contains("Begin.")).max_by_key(String::len).expect("a request");
        assert_eq!(told.matches(PROMPT).count(), 1, "{placement:?}: {told}");
        let is_first = told.contains(&format!("{PROMPT}\\n\\nBegin."));
        let wanted_first = *placement == Some(FirstPrompt) || !scene.has(Lack::OwnWords);
        assert_eq!(is_first, wanted_first, "{placement:?}");
        match placement {
            Some(Append) => appended = told.len(),
            // What a program says by itself has hundreds of letters at least.
            Some(Replace) => assert!(told.len() + 100 < appended, "{} {appended}: {told}", told.len()),
            _ => {}
        }
        scene.close().await;
    }
}
