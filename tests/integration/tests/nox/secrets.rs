//! Keys: without a keychain nothing is stored, and a value that was offered is found in no file of the home.

use crate::crash::child::{self, Role};
use nox_api::{
    ErrorCode,
    domain::ids::CommandId,
    dto::{Nothing, PutKey},
};
use nox_test_support::{World, caller_with};

const CANARY: &str = "sk-canary-7f3b9d2e51c84a06-never-on-disk";

/// Runs in a process of its own that has no way to a keychain: see [`child`].
pub(crate) async fn offer_a_key(world: &mut World) {
    // The level comes from `NOX_LOG`, see `child`: everything.
    let guard = nox_api::logs::init(&world.home(), nox_api::logs::LogOptions::default()).unwrap();
    world.reopen().await;
    let who = caller_with(CommandId::from_uuid(uuid::Uuid::now_v7()));
    let input = PutKey { name: "test-key".into(), value: CANARY.into() };
    assert!(!format!("{input:?}").contains(CANARY));
    let error = world.api().put_key(&who, input).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Keychain, "{error:?}");
    assert!(!serde_json::to_string(&error).unwrap().contains(CANARY));
    let by_name = serde_json::json!({ "name": "Bad Name!", "value": CANARY });
    let error = world.api().call("put_key", &who, by_name).await.unwrap_err();
    assert_eq!((error.code, error.field.as_deref()), (ErrorCode::BadInput, Some("name")));
    assert!(!error.message.contains(CANARY));
    let view = world.api().list_keys(Nothing {}).await.unwrap();
    assert!(!view.available && view.problem.is_some() && view.keys.is_empty(), "{view:?}");
    world.close().await;
    drop(guard);
    child::say("offered");
}

#[test]
fn without_a_keychain_a_key_is_refused_and_is_in_no_file() {
    let world = World::closed();
    let lines = child::run(Role::OfferKey, &world);
    assert!(lines.iter().any(|line| line == "offered"), "{lines:?}");
    assert!(
        world.home().join("nox.db").is_file() && world.home().join("logs").read_dir().unwrap().count() > 0
    );
    assert_eq!(world.file_with(CANARY.as_bytes()), None);
    // The search finds what is there.
    std::fs::write(world.home().join("logs/planted"), format!("x{CANARY}y")).unwrap();
    assert!(world.file_with(CANARY.as_bytes()).is_some());
}
