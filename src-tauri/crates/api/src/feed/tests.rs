//! What a subscriber hears when it is too slow, and what waits for it.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::dto::Gone;
use uuid::Uuid;

fn row(bytes: usize) -> Changed {
    Changed::Gone(Gone { kind: "card".into(), id: "x".repeat(bytes) })
}

#[test]
fn a_stalled_client_holds_a_megabyte_and_then_hears_a_gap() {
    let all = Subscribers::new().0;
    let (stalled, quick) = (all.subscribe(), all.subscribe());
    for _ in 0..20 {
        all.changed(Size(1), None, vec![row(100 * 1024)]);
        assert!(matches!(quick.try_next(), Some(Push::Changed { .. })));
        assert!(stalled.inner.state().bytes <= QUEUE_BYTES);
    }
    assert_eq!(stalled.try_next(), Some(Push::Gap));
    assert_eq!(stalled.try_next(), None, "what was queued is lost");
    all.changed(Size(2), None, vec![row(10)]);
    assert!(
        matches!(stalled.try_next(), Some(Push::Changed { seq: Size(2), .. })),
        "it goes on after the gap"
    );
    all.changed(Size(3), None, vec![row(2 * QUEUE_BYTES)]);
    assert!(matches!(stalled.try_next(), Some(Push::Changed { .. })), "one alone may be larger");
}

#[test]
fn output_that_does_not_fit_is_left_to_the_spool() {
    let all = Subscribers::new().0;
    let ear = all.subscribe();
    let session = SessionId::from_uuid(Uuid::from_u128(1));
    let item = ItemId::from_uuid(Uuid::from_u128(2));
    ear.watch(&session, true);
    let piece = OutputPiece {
        offset: Size(0),
        bytes: 1,
        stream: crate::dto::OutputStream::Stdout,
        text: "x".repeat(600 * 1024),
    };
    for _ in 0..5 {
        all.output(&session, &item, std::slice::from_ref(&piece));
    }
    let heard: Vec<Push> = std::iter::from_fn(|| ear.try_next()).collect();
    assert!(heard.len() < 5 && heard.iter().all(|push| matches!(push, Push::Output { .. })), "no gap");
}
