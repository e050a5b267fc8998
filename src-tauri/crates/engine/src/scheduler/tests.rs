//! Places, memory and breakers, without a clock where that is possible.
#![allow(clippy::unwrap_used)]

use super::*;
use uuid::Uuid;

fn wish(n: u128, agent: &str, agent_cap: Option<u32>) -> Wish {
    Wish {
        session: SessionId::from_uuid(Uuid::from_u128(n)),
        agent: AgentId::parse(agent).unwrap(),
        agent_cap,
        usual_mb: 0,
    }
}

/// Measured of these sessions, in megabytes.
fn held(measured: &[(u128, u32)]) -> HashMap<SessionId, u32> {
    measured.iter().map(|(n, mb)| (wish(*n, "a", None).session, *mb)).collect()
}

fn places(live: u32) -> Scheduler {
    Scheduler::new(Caps { live, per_minute: 0, memory_mb: 0 })
}

#[test]
fn the_cap_holds_and_places_come_back_in_order() {
    let scheduler = places(2);
    let all: Vec<_> = (1..=4).map(|n| wish(n, "a", None)).collect();
    let told: Vec<_> = all.iter().map(|w| scheduler.want(w.clone())).collect();
    let granted: Vec<_> = told.iter().flat_map(|told| told.granted.clone()).collect();
    assert_eq!(granted, [all[0].session.clone(), all[1].session.clone()]);
    assert_eq!(told[2].held_back, [(all[2].session.clone(), HeldBack::Places { max: 2 })]);
    assert_eq!(scheduler.want(all[2].clone()), Told::default(), "asking twice gives nothing");
    assert_eq!(scheduler.give_back(&all[0].session).granted, [all[2].session.clone()]);
    assert!(scheduler.give_back(&all[3].session).granted.is_empty(), "a wish can be taken back");
    assert_eq!(scheduler.live(), 2);
    let next = wish(9, "a", None);
    assert!(scheduler.want(next.clone()).granted.is_empty());
    let caps = Caps { live: 3, per_minute: 0, memory_mb: 0 };
    assert_eq!(scheduler.set_caps(caps).granted, [next.session]);
}

#[test]
fn an_agent_at_its_cap_does_not_hold_up_others() {
    let scheduler = places(10);
    assert_eq!(scheduler.want(wish(1, "a", Some(1))).granted.len(), 1);
    let told = scheduler.want(wish(2, "a", Some(1)));
    assert_eq!(told.held_back, [(wish(2, "a", None).session, HeldBack::AgentPlaces { max: 1 })]);
    assert_eq!(scheduler.want(wish(3, "b", Some(1))).granted.len(), 1);
    let told = scheduler.give_back(&wish(1, "a", None).session);
    assert_eq!(told.granted, [wish(2, "a", None).session]);
}

#[test]
fn runs_of_a_minute_are_counted_and_time_lets_the_next_begin() {
    let scheduler = Scheduler::new(Caps { live: 10, per_minute: 2, memory_mb: 0 });
    let mut state = scheduler.state();
    for n in 1..=3 {
        state.waiting.push_back(Waiting { wish: wish(n, "a", None), told: None });
    }
    let told = state.grant(Moment { ms: 1_000, at: At(0) });
    assert_eq!(told.granted.len(), 2);
    assert_eq!(told.held_back, [(wish(3, "a", None).session, HeldBack::Rate { max_per_minute: 2 })]);
    assert_eq!(told.look_again, Some(Duration::from_secs(60)));
    assert!(state.grant(Moment { ms: 60_999, at: At(0) }).granted.is_empty());
    assert_eq!(state.grant(Moment { ms: 61_000, at: At(0) }).granted.len(), 1);
}

#[test]
fn the_longest_idle_run_is_named_when_its_place_or_its_memory_is_wanted() {
    let scheduler = places(2);
    for n in 1..=2 {
        let _ = scheduler.want(wish(n, "a", None));
    }
    for n in [2, 1] {
        assert_eq!(scheduler.set_idle(&wish(n, "a", None).session, true).hibernate, None);
        std::thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(scheduler.want(wish(3, "a", None)).hibernate, Some(wish(2, "a", None).session));
    let scheduler = Scheduler::new(Caps { live: 9, per_minute: 0, memory_mb: 100 });
    let _ = scheduler.want(wish(1, "a", None));
    let _ = scheduler.set_idle(&wish(1, "a", None).session, true);
    let told = scheduler.set_memory(&held(&[(1, 120)]));
    assert_eq!(told.hibernate, Some(wish(1, "a", None).session));
    let told = scheduler.want(wish(2, "a", None));
    let by = HeldBack::Memory { used_mb: 120, budget_mb: 100 };
    assert_eq!(told.held_back, [(wish(2, "a", None).session, by)]);
}

#[test]
fn no_more_runs_are_closed_than_wishes_are_helped_by_it() {
    let scheduler = places(3);
    let id = |n| wish(n, "a", None).session;
    let idle = |n| {
        // The clock that orders them counts milliseconds.
        std::thread::sleep(Duration::from_millis(2));
        scheduler.set_idle(&id(n), true)
    };
    for n in 1..=3 {
        let _ = scheduler.want(wish(n, "a", None));
    }
    let _ = (idle(3), idle(1));
    assert_eq!(scheduler.want(wish(4, "b", None)).hibernate, Some(id(3)));
    assert_eq!(idle(2).hibernate, None, "one is being closed for the one that waits");
    assert_eq!(scheduler.stays(&id(3), false).hibernate, Some(id(1)), "it is used again; the next one goes");
    let _ = scheduler.ended(&wish(5, "c", None).agent, Outcome::Fault);
    for _ in 0..2 {
        let _ = scheduler.ended(&wish(5, "c", None).agent, Outcome::Fault);
    }
    assert_eq!(scheduler.want(wish(5, "c", None)).hibernate, None, "a place would not help it");
    assert_eq!(scheduler.give_back(&id(1)).granted, [id(4)]);
    // The agent's own cap is met by closing one of its own.
    assert_eq!(scheduler.want(wish(6, "b", Some(1))).hibernate, None);
    assert_eq!(scheduler.want(wish(7, "a", Some(2))).hibernate, Some(id(2)));
}

#[test]
fn one_measurement_of_memory_closes_one_run() {
    let scheduler = Scheduler::new(Caps { live: 9, per_minute: 0, memory_mb: 100 });
    for n in 1..=3 {
        let _ = scheduler.want(wish(n, "a", None));
    }
    assert_eq!(scheduler.set_memory(&held(&[(1, 100), (3, 20)])).hibernate, None);
    for n in 1..=3 {
        assert_eq!(scheduler.set_idle(&wish(n, "a", None).session, true).hibernate, None);
        std::thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(scheduler.set_memory(&held(&[(1, 100), (3, 20)])).hibernate, Some(wish(1, "a", None).session));
    assert_eq!(scheduler.look().hibernate, None, "what that frees is not measured yet");
    assert_eq!(scheduler.set_memory(&held(&[(1, 90), (3, 20)])).hibernate, Some(wish(2, "a", None).session));
    assert_eq!(scheduler.set_memory(&held(&[(1, 70), (3, 20)])).hibernate, None);
}

#[test]
fn an_idle_run_does_not_keep_a_breaker_from_being_tried() {
    let scheduler = places(9).with_breakers(Duration::ZERO);
    let agent = wish(1, "a", None).agent;
    let _ = scheduler.want(wish(1, "a", None));
    let _ = scheduler.set_idle(&wish(1, "a", None).session, true);
    for _ in 0..3 {
        let _ = scheduler.ended(&agent, Outcome::Fault);
    }
    assert_eq!(scheduler.want(wish(2, "a", None)).granted.len(), 1, "it tries");
    let told = scheduler.want(wish(3, "a", None));
    assert!(matches!(told.held_back[..], [(_, HeldBack::Breaker { .. })]), "{told:?}");
    // The one that tries was stopped and says nothing about the agent: the next one tries.
    assert_eq!(scheduler.give_back(&wish(2, "a", None).session).granted.len(), 1);
}

#[test]
fn a_breaker_opens_after_faults_in_a_row_and_lets_one_run_try() {
    let scheduler = places(10);
    let agent = AgentId::parse("a").unwrap();
    let mut state = scheduler.state();
    let at = |ms| Moment { ms, at: At(ms) };
    assert_eq!(state.ended(&agent, Outcome::Fault, BREAKER_FIRST_MS, at(0)), None);
    assert_eq!(state.ended(&agent, Outcome::Well, BREAKER_FIRST_MS, at(0)), None);
    for _ in 0..2 {
        assert_eq!(state.ended(&agent, Outcome::Fault, BREAKER_FIRST_MS, at(0)), None);
    }
    let opened = Breaker::Opened { faults: 3, until: At(60_000) };
    assert_eq!(state.ended(&agent, Outcome::Fault, BREAKER_FIRST_MS, at(0)), Some(opened));
    for n in 1..=2 {
        state.waiting.push_back(Waiting { wish: wish(n, "a", None), told: None });
    }
    let told = state.grant(at(1_000));
    assert!(told.granted.is_empty());
    assert_eq!(told.held_back[0].1, HeldBack::Breaker { faults: 3, until: At(60_000) });
    assert_eq!(state.grant(at(60_000)).granted.len(), 1, "one run is tried");
    let opened = Breaker::Opened { faults: 4, until: At(60_000 + 120_000) };
    assert_eq!(state.ended(&agent, Outcome::Fault, BREAKER_FIRST_MS, at(60_000)), Some(opened));
    assert_eq!(state.ended(&agent, Outcome::Well, BREAKER_FIRST_MS, at(200_000)), Some(Breaker::Closed));
    assert_eq!(state.grant(at(200_000)).granted.len(), 1);
}

#[test]
fn runs_that_have_just_begun_count_as_what_runs_of_their_agent_hold() {
    let scheduler = Scheduler::new(Caps { live: 99, per_minute: 0, memory_mb: 1_000 });
    let mut state = scheduler.state();
    let at = |ms| Moment { ms, at: At(ms) };
    let want = |state: &mut State, range: std::ops::RangeInclusive<u128>, ms| {
        for n in range {
            let wish = Wish { usual_mb: 300, ..wish(n, "a", None) };
            state.waiting.push_back(Waiting { wish, told: None });
        }
        state.grant(at(ms))
    };
    let told = want(&mut state, 1..=5, 0);
    assert_eq!(told.granted.len(), 3, "as long as nothing is known, a guess counts");
    let by = HeldBack::Memory { used_mb: 900, budget_mb: 1_000 };
    assert_eq!(told.held_back.first(), Some(&(wish(4, "a", None).session, by)));
    assert_eq!(told.look_again, Some(Duration::from_millis(GROWN_MS as u64)));

    state.take_memory(&HashMap::new(), at(GROWN_MS));
    assert_eq!(state.usual_mb(&Wish { usual_mb: 300, ..wish(4, "a", None) }), 300, "nothing was measured");
    state.take_memory(&held(&[(1, 20), (2, 20), (3, 20)]), at(1_000));
    assert!(state.grant(at(1_000)).granted.is_empty(), "they are still growing");
    state.take_memory(&held(&[(1, 100), (2, 120), (3, 80)]), at(GROWN_MS));
    let told = want(&mut state, 6..=20, GROWN_MS);
    assert_eq!(told.granted.len(), 7, "what was measured counts, for those that have begun too");
    assert!(state.grant(at(2 * GROWN_MS - 1)).granted.is_empty());

    // An idle run is closed for one that waits for memory, and only one.
    let now = at(2 * GROWN_MS);
    state.take_memory(&(1..=10).map(|n| (wish(n, "a", None).session, 100)).collect(), now);
    state.memory_wanted = false;
    for n in 1..=2 {
        state.live.get_mut(&wish(n, "a", None).session).unwrap().idle_since = Some(n as i64);
    }
    assert_eq!(state.grant(now).hibernate, Some(wish(1, "a", None).session));
    state.live.remove(&wish(1, "a", None).session);
    let told = state.grant(now);
    assert_eq!(told.granted, [wish(11, "a", None).session]);
}

#[test]
fn nobody_takes_the_memory_that_one_further_ahead_waits_for() {
    let scheduler = Scheduler::new(Caps { live: 99, per_minute: 0, memory_mb: 1_000 });
    let of = |n: u128, usual_mb| Wish { usual_mb, ..wish(n, &format!("a{n}"), None) };
    assert_eq!(scheduler.want(of(1, 500)).granted.len(), 1);
    assert!(scheduler.want(of(2, 800)).granted.is_empty());
    assert!(
        scheduler.want(of(3, 250)).granted.is_empty(),
        "there is room for it, but not for the other then"
    );
    assert_eq!(scheduler.want(of(4, 0)).granted.len(), 1, "it takes none");
    assert_eq!(scheduler.give_back(&of(1, 0).session).granted, [of(2, 0).session]);
    assert_eq!(scheduler.give_back(&of(2, 0).session).granted, [of(3, 0).session]);
}

#[test]
fn a_run_that_could_not_be_closed_is_named_again() {
    let scheduler = places(1);
    let one = wish(1, "a", None).session;
    let _ = scheduler.want(wish(1, "a", None));
    let _ = scheduler.set_idle(&one, true);
    assert_eq!(scheduler.want(wish(2, "b", None)).hibernate, Some(one.clone()));
    assert_eq!(scheduler.stays(&one, true).hibernate, None, "not in the same breath");
    assert_eq!(scheduler.look().hibernate, Some(one.clone()));
    assert_eq!(scheduler.stays(&one, false).hibernate, None);
    assert_eq!(scheduler.look().hibernate, None, "it is used again");
}
