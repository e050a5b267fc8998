//! The pure core against its reference model: the test of the domain, with as many histories as are wanted. `npm test`
//! runs a thousand of them among the other tests, so the quick form has none.
#![allow(clippy::disallowed_methods, reason = "cargo is no agent")]

use crate::plan::Context;
use futures::future::BoxFuture;
use nox_test_support::{Promise, Tally};
use tokio::process::Command;

const SAME: &str = "the core does what its reference model does, and replay equals live";

pub(crate) fn run(context: Context) -> BoxFuture<'static, Tally> {
    Box::pin(async move {
        let mut tally = Tally::default();
        let output = Command::new("cargo")
            .args(["test", "--quiet", "-p", "nox-domain", "--test", "model"])
            .env("NOX_TEST_HISTORIES", context.tries.to_string())
            .env_remove("NOX_TEST_SEED")
            .output()
            .await;
        let (is_good, text) = match output {
            Ok(output) => {
                let text = [output.stdout, output.stderr].concat();
                (output.status.success(), String::from_utf8_lossy(&text).into_owned())
            }
            Err(error) => (false, error.to_string()),
        };
        // The model counts its own seeds from 1, and names the one that fails.
        let named =
            text.split("NOX_TEST_SEED=").nth(1).and_then(|rest| rest.split_whitespace().next()?.parse().ok());
        let failed = Promise {
            seed: Some(named.unwrap_or(context.seed)),
            failures: u64::from(!is_good),
            ..Promise::default()
        };
        let promise = match is_good {
            true => Promise { tries: u64::from(context.tries), ..Promise::default() },
            false => Promise { tries: named.unwrap_or(1), wrong: text, ..failed },
        };
        tally.add(SAME, &promise);
        tally
    })
}
