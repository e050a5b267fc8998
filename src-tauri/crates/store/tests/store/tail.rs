//! A state and the events behind it: one read shows both at one moment, and costs what is shown.

use std::time::Duration;

use nox_store::{Options, Reader};

use crate::support::{Home, batch, event, put};

#[tokio::test(flavor = "multi_thread")]
async fn one_read_gives_a_state_its_tail_and_the_end_of_the_stream() {
    const EVERY: i64 = 7;
    const EVENTS: i64 = 700;
    let home = Home::new();
    let store = home.open();
    let writer = {
        let store = store.clone();
        tokio::spawn(async move {
            for n in 1..=EVENTS {
                let state = put("session_state", "s", None, "", &n.to_string());
                let rows = if n % EVERY == 1 { vec![state] } else { vec![] };
                store.commit(batch(vec![event("session/s", &n.to_string())], rows)).await.unwrap();
            }
        })
    };
    let look = |reader: &Reader<'_>| {
        let state = reader.row("session_state", "s")?;
        let through = state.map_or(0, |row| row.body.parse::<i64>().unwrap());
        let head = reader.stream_head("session/s")?;
        Ok((through, head, reader.events_of("session/s", through, 1000)?))
    };
    let (mut last, mut looks) = (0, 0);
    while last < EVENTS {
        let (through, head, tail) = store.read(look).await.unwrap();
        assert!(head - through < EVERY, "the state is at {through}, the stream at {head}");
        let numbers: Vec<i64> = tail.iter().map(|event| event.stream_seq).collect();
        assert_eq!(numbers, (through + 1..=head).collect::<Vec<_>>());
        assert!(head >= last);
        looks += i32::from(head > last);
        last = head;
    }
    writer.await.unwrap();
    assert!(looks > 3, "nothing was written between the looks");
}

#[tokio::test]
async fn the_end_of_a_long_stream_is_read_without_its_beginning() {
    let home = Home::new();
    // No read may take more than some thousand steps of SQLite's machine.
    let store = home.open_with(Options { read_limit: Duration::ZERO, ..Options::default() });
    for _ in 0..30 {
        let events = (0..1000).map(|_| event("session/s", "{}")).collect();
        store.commit(batch(events, vec![put("session_state", "s", None, "", "29900")])).await.unwrap();
    }
    let look = |reader: &Reader<'_>| {
        let row = reader.row("session_state", "s")?;
        let tail = reader.events_of("session/s", 29_900, 1000)?;
        Ok((row.is_some(), reader.stream_head("session/s")?, tail.len()))
    };
    assert_eq!(store.read(look).await.unwrap(), (true, 30_000, 100));
    assert_eq!(store.events_before("session/s", None, 50).await.unwrap().len(), 50);
    assert!(store.events_of("session/s", 0, 30_000).await.is_err(), "the limit has no effect");
}
