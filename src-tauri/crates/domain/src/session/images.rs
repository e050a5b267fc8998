//! Images that an agent shows: within a call, or by themselves. Bounded, and the same one once in its place.

use super::{Call, Now, Session, Step};
use crate::{
    At, Size,
    event::Event,
    ids::{ItemId, TurnId},
    image::{Image, MAX_ITEM_IMAGES, MAX_SESSION_IMAGE_BYTES, MAX_SESSION_IMAGES},
    rows::{Item, ItemBody, Row},
};
use serde::{Deserialize, Serialize};

/// What the agent of a session has shown.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Shown {
    /// How many images.
    pub images: u32,
    /// Their bytes.
    pub bytes: Size,
    /// Where those stand that it showed last by themselves.
    pub place: Option<ShownPlace>,
}

/// An item that shows images and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownPlace {
    /// The item.
    pub item: ItemId,
    /// The turn that it belongs to.
    pub turn: Option<TurnId>,
    /// The item's place.
    pub ord: u32,
    /// When it came.
    pub at: At,
    /// In order.
    pub images: Vec<Image>,
}

impl Shown {
    fn plus(&self, image: &Image) -> Self {
        let bytes = Size(self.bytes.0.saturating_add(image.size_bytes.0));
        Self { images: self.images.saturating_add(1), bytes, place: self.place.clone() }
    }

    /// Whether nothing more is kept.
    fn is_full(&self) -> bool {
        self.images >= MAX_SESSION_IMAGES || self.bytes.0 >= MAX_SESSION_IMAGE_BYTES
    }
}

impl Session {
    /// How many images its agent has shown, and their bytes.
    pub fn shown(&self) -> (u32, u64) {
        (self.talk.shown.images, self.talk.shown.bytes.0)
    }

    /// The agent shows an image, within the call with this key when there is one. A program tells the same one again whenever
    /// it tells of its call.
    pub(super) fn image_told(&self, key: Option<&str>, image: Image, now: &mut Now<'_>, step: &mut Step) {
        let (item, shown) = match key {
            Some(key) => {
                let Some(call) = self.call_by_key(key).filter(|call| !call.status.is_over()) else { return };
                (call.item.clone(), call.images.as_slice())
            }
            None => match self.talk.shown.place.as_ref().filter(|place| place.takes_more(self.next_ord)) {
                Some(place) => (place.item.clone(), place.images.as_slice()),
                None => (ItemId::fresh(now.ids), &[][..]),
            },
        };
        let is_known = shown.iter().any(|known| known.sha256 == image.sha256);
        if is_known || shown.len() >= MAX_ITEM_IMAGES || self.talk.shown.is_full() {
            return;
        }
        let is_last = self.talk.shown.plus(&image).is_full();
        step.events.push(Event::ImageTold { item, image });
        if is_last {
            let text = format!(
                "This session has shown as many images as Nox keeps of one: {MAX_SESSION_IMAGES}, or {} MB. Further ones \
                 are not shown here; they reach the agent all the same.",
                MAX_SESSION_IMAGE_BYTES / 1_000_000
            );
            step.events.push(Event::Noted { item: ItemId::fresh(now.ids), code: "images_full".into(), text });
        }
    }

    /// One of a call is the call's; others stand together as long as nothing comes between them.
    pub(super) fn apply_image(&mut self, item: &ItemId, image: &Image, at: At) {
        self.stall = None;
        self.talk.shown = self.talk.shown.plus(image);
        let of_call = |call: &&mut Call| call.item == *item;
        if let Some(call) = self.calls.iter_mut().rev().find(of_call) {
            call.images.push(image.clone());
            return;
        }
        match self.talk.shown.place.as_mut().filter(|place| place.item == *item) {
            Some(place) => place.images.push(image.clone()),
            None => {
                let turn = self.turn.as_ref().map(|turn| turn.id.clone());
                let images = vec![image.clone()];
                let place = ShownPlace { item: item.clone(), turn, ord: self.next_ord, at, images };
                self.talk.shown.place = Some(place);
                self.next_ord += 1;
            }
        }
    }

    /// The row of images that stand by themselves, and its place; none when the item is a call.
    pub(super) fn picture_row(&self, item: &ItemId) -> Option<(Row, u32)> {
        let place = self.talk.shown.place.as_ref().filter(|place| place.item == *item)?;
        let body = ItemBody::Message { text: String::new(), images: place.images.clone() };
        let row = Item {
            id: place.item.clone(),
            session: self.id().clone(),
            turn: place.turn.clone(),
            ord: place.ord,
            at: place.at,
            body,
        };
        Some((Row::Item(Box::new(row)), place.ord))
    }

    /// Whether an image may be told of this item, as far as it is known: of an open call, or of the images that came last.
    pub fn shows_in(&self, item: &ItemId) -> bool {
        self.calls.iter().any(|call| call.item == *item)
            || self.talk.shown.place.as_ref().is_some_and(|place| place.item == *item)
    }
}

impl ShownPlace {
    /// Whether what comes next belongs to it: nothing else came since, and it has room.
    fn takes_more(&self, next_ord: u32) -> bool {
        self.ord.checked_add(1) == Some(next_ord) && self.images.len() < MAX_ITEM_IMAGES
    }
}
