//! The audit trail: whole as written, and every kind of change is found.

use nox_store::AuditTrail;

use crate::support::{Home, audited, batch, event};

async fn with_trail() -> Home {
    let home = Home::new();
    let store = home.open();
    for n in 0..6 {
        let events = vec![audited("decisions", &format!("{{\"n\":{n}}}")), event("s", "not audited")];
        store.commit(batch(events, vec![])).await.unwrap();
    }
    home
}

async fn verdict(home: &Home) -> AuditTrail {
    home.open().verify_audit().await.unwrap()
}

#[tokio::test]
async fn an_untouched_trail_is_whole_and_goes_on_after_a_restart() {
    let home = with_trail().await;
    let AuditTrail::Whole { entries: 6, head } = verdict(&home).await else { panic!() };
    let store = home.open();
    let entries = store.read(|reader| reader.audit_events(0, 100)).await.unwrap();
    assert_eq!(entries[0].prev_hash.as_deref(), Some("0".repeat(64).as_str()));
    store.commit(batch((0..2500).map(|_| audited("decisions", "more")).collect(), vec![])).await.unwrap();
    let AuditTrail::Whole { entries: 2506, head: later } = store.verify_audit().await.unwrap() else {
        panic!()
    };
    assert_ne!(head, later);
    let empty = Home::new();
    assert!(matches!(verdict(&empty).await, AuditTrail::Whole { entries: 0, .. }));
}

#[tokio::test]
async fn every_kind_of_change_is_found() {
    // Audit events have seq 1, 3, 5, 7, 9 and 11.
    let changes = [
        ("UPDATE events SET body = '{}' WHERE seq = 5", Some(7), 3),
        ("UPDATE events SET actor = 'agent' WHERE seq = 1", Some(3), 1),
        ("UPDATE events SET at = at + 1 WHERE seq = 9", Some(11), 5),
        ("UPDATE events SET command = '' WHERE seq = 3", Some(5), 2),
        ("UPDATE events SET cause = 0 WHERE seq = 3", Some(5), 2),
        ("DELETE FROM events WHERE seq = 3", Some(5), 1),
        ("UPDATE events SET prev_hash = NULL WHERE seq = 3", Some(5), 1),
        ("UPDATE events SET prev_hash = 'x' WHERE seq = 1", Some(1), 0),
        ("UPDATE events SET body = 'last' WHERE seq = 11", None, 6),
        ("DELETE FROM events WHERE seq >= 9", None, 4),
        ("DELETE FROM events", None, 0),
    ];
    for (change, seq, entries) in changes {
        let home = with_trail().await;
        assert!(home.raw().execute(change, []).unwrap() > 0, "{change}");
        assert_eq!(verdict(&home).await, AuditTrail::Broken { seq, entries }, "{change}");
    }
}
