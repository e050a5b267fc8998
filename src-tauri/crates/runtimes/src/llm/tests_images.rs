//! A conversation with an image whose model server refuses something: which request is asked again, and without what.
#![allow(clippy::unwrap_used)]

use super::{
    acts::Done,
    faults::Failure,
    image::Image,
    tests::{Table, call, done, reply, text},
    wire::Heard,
};
use nox_domain::{event::TurnEnd, transcript::AgentFault};

fn refused(showed_images: bool) -> Heard {
    Heard::Failed(Failure { showed_images, ..Failure::of(AgentFault::Refused, "no luck") })
}

/// A turn in which the model has read an image and is asked what it sees.
fn shown() -> Table {
    let mut table = Table::new();
    table.prompt("look").hear(reply(vec![call("read")]));
    table.proposes("call:1").allows("call:1");
    let image = Image::of("a.png", &crate::testing::picture(1)).unwrap();
    table.does(|talk, out| talk.done("call:1", Done { images: vec![image], ..done("an image") }, out));
    table
}

fn has_failed(table: &Table) -> bool {
    matches!(table.turn_end(), Some((TurnEnd::Failed, _)))
}

#[test]
fn images_that_a_server_refuses_are_left_out_once_and_for_all() {
    let mut table = shown();
    let before = table.kept.len();
    table.hear(refused(true));
    assert_eq!((table.notes(), table.talk.is_blind()), (vec!["images_refused".to_owned()], true));
    assert_eq!((table.kept.len(), table.turn_end()), (before, None), "the same is asked again");
    table.hear(reply(vec![text("I see nothing.")]));
    table.prompt("more").hear(refused(false));
    assert!(has_failed(&table) && table.talk.is_blind());
    // Another model may take them, and they are kept.
    table.does(|talk, _| talk.set_model("other".into()));
    assert!(!table.talk.is_blind() && Table::from(&table.kept).talk.history().has_images());
}

#[test]
fn what_is_refused_without_images_as_well_was_not_refused_for_them() {
    let mut table = shown();
    table.hear(refused(true)).hear(refused(false));
    assert!(has_failed(&table) && !table.talk.is_blind());
}

#[test]
fn a_request_that_showed_no_image_is_not_asked_again() {
    let mut table = shown();
    table.hear(refused(false));
    assert!(has_failed(&table) && table.notes().is_empty() && !table.talk.is_blind(), "{:?}", table.acts);
}

#[test]
fn what_a_person_shows_is_kept_with_the_prompt_and_asked_again_without_images_where_they_are_refused() {
    let mut table = Table::new();
    let image = Image::of("a.png", &crate::testing::picture(1)).unwrap();
    let asked = crate::testing::prompt("look");
    table.does(|talk, out| talk.prompt(&asked, vec![image.clone()], out));
    let kept = Table::from(&table.kept);
    assert!(kept.talk.history().has_images_of_a_person() && kept.talk.history().was_just_shown());
    assert_eq!(kept.talk.history().entries().last().unwrap().images().collect::<Vec<_>>(), [&image]);
    table.hear(refused(true));
    assert_eq!((table.notes(), table.talk.is_blind()), (vec!["images_refused".to_owned()], true));
    let mut read = shown();
    assert!(!read.talk.history().has_images_of_a_person(), "a tool showed it");
    assert!(!read.prompt("more").talk.history().was_just_shown());
}
