//! Images that an agent shows: where they stand, how many are kept, and what earlier versions stored.

#![allow(clippy::unwrap_used, clippy::panic)]

use super::{
    Session, SessionCommand, Signal,
    tests::{Play, call, ended},
};
use crate::{
    Size,
    agent::Runtime,
    event::{Event, PreAllowed},
    image::{Image, ImageKind, MAX_ITEM_IMAGES, MAX_SESSION_IMAGE_BYTES, MAX_SESSION_IMAGES},
    life::LifeRules,
    rows::{Item, ItemBody, Row},
    tool::CallEnd,
};

fn working() -> Play {
    let mut play = Play::of(Runtime::Recorded, LifeRules::default(), PreAllowed::All);
    play.place();
    play.hear(Signal::Live);
    play
}

fn image(number: u32) -> Image {
    Image {
        sha256: format!("{number:064x}"),
        kind: ImageKind::Png,
        size_bytes: Size(1_000),
        width: 3,
        height: 2,
        name: "a.png".into(),
    }
}

fn shows(key: Option<&str>, image: Image) -> Signal {
    Signal::ImageTold { key: key.map(str::to_owned), image }
}

/// The items that changed in the last step.
fn items(play: &Play) -> Vec<&Item> {
    let items = play.rows.iter().filter_map(|row| match row {
        Row::Item(item) => Some(&**item),
        _ => None,
    });
    items.collect()
}

fn runs(play: &mut Play, block: u32) -> String {
    let call = call(block, "true");
    let key = call.key.clone();
    play.hear(Signal::Proposed(call));
    play.hear(Signal::CallStarted { key: key.clone(), process: None });
    key
}

#[test]
fn an_image_of_a_call_stands_with_it_once_however_often_it_is_told() {
    let mut play = working();
    let key = runs(&mut play, 1);
    let before = play.session.next_ord;
    for number in [1, 1, 2, 1] {
        play.hear(shows(Some(&key), image(number)));
    }
    assert_eq!(play.session.next_ord, before, "no item of its own");
    play.hear(ended(1, CallEnd::Succeeded));
    let [item] = items(&play)[..] else { panic!("{:?}", play.rows) };
    assert!(matches!(&item.body, ItemBody::ToolCall { images, .. } if *images == [image(1), image(2)]));
    play.hear(shows(Some(&key), image(3)));
    play.hear(shows(Some("nothing"), image(3)));
    assert!(play.rows.is_empty(), "what is over shows nothing more: {:?}", play.rows);
}

#[test]
fn images_of_the_agent_itself_stand_together_where_they_came() {
    let mut play = working();
    play.hear(Signal::Said("look".into()));
    let ord = play.session.next_ord;
    play.hear(shows(None, image(1)));
    let first = items(&play)[0].clone();
    play.hear(shows(None, image(2)));
    let [both] = items(&play)[..] else { panic!("{:?}", play.rows) };
    assert_eq!((&both.id, both.ord, play.session.next_ord), (&first.id, ord, ord + 1));
    assert_eq!(both.body, ItemBody::Message { text: String::new(), images: vec![image(1), image(2)] });
    play.hear(Signal::Said("and".into()));
    play.hear(shows(None, image(1)));
    let [later] = items(&play)[..] else { panic!("{:?}", play.rows) };
    assert!(later.id != first.id && later.ord == ord + 2, "{later:?}");
    let all = Session::replay(play.log.iter().map(|(event, at)| (event, *at))).unwrap();
    assert_eq!(all, play.session);
}

#[test]
fn an_item_and_a_session_show_so_many_and_people_are_told_when_no_more_are_kept() {
    let mut play = working();
    let mut told = 0;
    let mut notes = 0;
    for number in 0..MAX_SESSION_IMAGES * 2 {
        if number % 20 == 0 {
            play.hear(Signal::Said("more".into()));
        }
        let before = play.log.len();
        play.hear(shows(None, image(number)));
        for (event, _) in &play.log[before..] {
            told += u32::from(matches!(event, Event::ImageTold { .. }));
            notes += u32::from(matches!(event, Event::Noted { code, .. } if code == "images_full"));
        }
        let most = items(&play).iter().map(|item| item.body.images().len()).max();
        assert!(most.unwrap_or_default() <= MAX_ITEM_IMAGES);
    }
    assert_eq!((told, notes), (MAX_SESSION_IMAGES, 1));
    let mut play = working();
    let large = |number| Image { size_bytes: Size(MAX_SESSION_IMAGE_BYTES / 2), ..image(number) };
    for number in 0..5 {
        play.hear(shows(None, large(number)));
    }
    assert_eq!(play.session.talk.shown.images, 2);
}

#[test]
fn what_was_stored_before_there_were_images_still_reads() {
    let mut play = working();
    runs(&mut play, 1);
    play.want(SessionCommand::Prompt { text: "more".into(), images: vec![] }).unwrap();
    let mut stored = serde_json::to_value(&play.session).unwrap();
    assert!(stored["talk"].as_object_mut().unwrap().remove("shown").is_some());
    assert!(stored["calls"][0].get("images").is_none(), "nothing is stored of none");
    assert_eq!(serde_json::from_value::<Session>(stored).unwrap(), play.session);
    let body: ItemBody = serde_json::from_str(r#"{"kind":"message","text":"x"}"#).unwrap();
    assert_eq!(body, ItemBody::Message { text: "x".into(), images: vec![] });
}
