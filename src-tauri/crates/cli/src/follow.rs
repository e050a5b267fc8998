//! Follows one session: pushes in, what was seen out, in order and without holes.
//!
//! Pushes are hints that may be lost; what is read back from the engine fills the holes. For each tool call it gives
//! [`Seen::Began`], its whole output, then [`Seen::Ended`].

use crate::{door::Door, failure::Failure};
use nox_api::{
    Subscriber,
    dto::{
        Changed, ItemsPage, Nothing, OneTask, OutputPage, OutputPiece, Push, ReadItems, ReadOutput, Snapshot,
        TaskDetail,
    },
};
use nox_domain::{
    Size,
    ids::{ItemId, RequestId, SessionId, TaskId},
    rows::{Item, ItemBody, RequestRow, RequestState, SessionRow},
};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Items of one page.
const PAGE: u32 = 500;

/// What was seen of the session.
pub(crate) enum Seen {
    /// Rows or words, as they are pushed; only of this session.
    Push(Push),
    /// Output of an item; offsets follow each other.
    Output { item: ItemId, pieces: Vec<OutputPiece>, clipped: bool },
    /// An item is there.
    Began(Box<Item>),
    /// A tool call is over and all its output was given.
    Ended(Box<Item>),
}

/// One session as far as it is known here.
pub(crate) struct Follow<'a> {
    door: &'a Door,
    pub(crate) subscriber: Subscriber,
    session: SessionId,
    task: TaskId,
    /// Changes up to here were read from a snapshot.
    read_up_to: u64,
    pub(crate) row: Option<SessionRow>,
    open: BTreeMap<RequestId, RequestRow>,
    /// Where the output of each item goes on.
    next: HashMap<ItemId, u64>,
    ended: HashSet<ItemId>,
    seen: Vec<Seen>,
}

impl<'a> Follow<'a> {
    /// Follows a session that was opened after the subscriber was.
    pub(crate) async fn new(
        door: &'a Door,
        subscriber: Subscriber,
        session: SessionId,
        task: TaskId,
    ) -> Result<Self, Failure> {
        door.watch(&subscriber, &session).await?;
        let mut follow = Self {
            door,
            subscriber,
            session,
            task,
            read_up_to: 0,
            row: None,
            open: BTreeMap::new(),
            next: HashMap::new(),
            ended: HashSet::new(),
            seen: Vec::new(),
        };
        // What came before the watching began.
        follow.read_items(Size(0)).await?;
        // After the items, so that it is as new as they are: it says how many there will be.
        let one = OneTask { task: follow.task.clone() };
        let detail: TaskDetail = door.call("read_task", &one).await?;
        follow.row = detail.sessions.into_iter().map(|view| view.row).find(|row| row.id == follow.session);
        Ok(follow)
    }

    /// What was seen since the last call.
    pub(crate) fn seen(&mut self) -> Vec<Seen> {
        std::mem::take(&mut self.seen)
    }

    /// The oldest request that waits for an answer.
    pub(crate) fn open_request(&self) -> Option<&RequestRow> {
        self.open.values().min_by_key(|row| row.request.asked_at)
    }

    /// Whether this request still waits.
    pub(crate) fn is_open(&self, request: &RequestId) -> bool {
        self.open.contains_key(request)
    }

    /// Takes a push in.
    pub(crate) async fn take(&mut self, push: Push) -> Result<(), Failure> {
        match push {
            Push::Changed { seq, command, rows } => {
                if seq.0 <= self.read_up_to {
                    return Ok(());
                }
                let rows: Vec<Changed> = rows.into_iter().filter(|row| self.concerns(row)).collect();
                if rows.is_empty() {
                    return Ok(());
                }
                self.learn(&rows).await?;
                self.seen.push(Seen::Push(Push::Changed { seq, command, rows }));
            }
            Push::Output { session, item, pieces } if session == self.session => {
                self.output(item, pieces).await?;
            }
            Push::Gap => self.read_again().await?,
            Push::Told(told) if told.session == self.session => self.seen.push(Seen::Push(Push::Told(told))),
            _ => {}
        }
        Ok(())
    }

    /// Reads all items once more, so that nothing is missing at the end.
    pub(crate) async fn finish(&mut self) -> Result<(), Failure> {
        let seq = Size(self.read_up_to);
        self.read_items(seq).await
    }

    fn concerns(&self, row: &Changed) -> bool {
        match row {
            Changed::Card(card) => card.task.id == self.task,
            Changed::Session(view) => view.row.id == self.session,
            Changed::Item(item) => item.session == self.session,
            Changed::Request(request) => request.session == self.session,
            _ => false,
        }
    }

    /// Takes rows in. The rest of an item's output is given before the row that says that it is over.
    async fn learn(&mut self, rows: &[Changed]) -> Result<(), Failure> {
        for row in rows {
            match row {
                Changed::Session(view) => self.row = Some(view.row.clone()),
                Changed::Request(request) => {
                    let id = request.request.id.clone();
                    if request.state == RequestState::Open {
                        self.open.insert(id, (**request).clone());
                    } else {
                        self.open.remove(&id);
                    }
                }
                Changed::Item(item) => self.learn_item(item).await?,
                _ => {}
            }
        }
        Ok(())
    }

    async fn learn_item(&mut self, item: &Item) -> Result<(), Failure> {
        // A text is shown when it is whole.
        if matches!(item.body, ItemBody::Writing { .. }) {
            return Ok(());
        }
        if !self.next.contains_key(&item.id) {
            self.next.insert(item.id.clone(), 0);
            self.seen.push(Seen::Began(Box::new(item.clone())));
        }
        let ItemBody::ToolCall { end: Some(_), output, .. } = &item.body else { return Ok(()) };
        if !self.ended.insert(item.id.clone()) {
            return Ok(());
        }
        if let Some(output) = output {
            self.read_output(&item.id, output.size_bytes.0).await?;
        }
        self.seen.push(Seen::Ended(Box::new(item.clone())));
        Ok(())
    }

    async fn output(&mut self, item: ItemId, pieces: Vec<OutputPiece>) -> Result<(), Failure> {
        // Output of an item that is not known yet is read when the item is over.
        let Some(next) = self.next.get_mut(&item) else { return Ok(()) };
        let Some(last) = pieces.last() else { return Ok(()) };
        let end = last.offset.0 + u64::from(last.bytes);
        let follows = pieces.first().is_some_and(|first| first.offset.0 == *next);
        let whole =
            pieces.windows(2).all(|pair| pair[0].offset.0 + u64::from(pair[0].bytes) == pair[1].offset.0);
        if follows && whole {
            *next = end;
            self.seen.push(Seen::Output { item, pieces, clipped: false });
        } else if end > *next {
            self.read_output(&item, end).await?;
        }
        Ok(())
    }

    /// Reads output from where it goes on, up to a position at least.
    async fn read_output(&mut self, item: &ItemId, up_to: u64) -> Result<(), Failure> {
        loop {
            let from = self.next.get(item).copied().unwrap_or_default();
            if from >= up_to {
                return Ok(());
            }
            let read =
                ReadOutput { session: self.session.clone(), item: item.clone(), from: Some(Size(from)) };
            let page: OutputPage = self.door.call("read_output", &read).await?;
            if page.next.0 <= from {
                return Ok(());
            }
            self.next.insert(item.clone(), page.next.0);
            self.seen.push(Seen::Output { item: item.clone(), pieces: page.pieces, clipped: page.clipped });
        }
    }

    async fn read_items(&mut self, seq: Size) -> Result<(), Failure> {
        let mut pages = Vec::new();
        let mut before = None;
        loop {
            let read = ReadItems { session: self.session.clone(), before, limit: PAGE };
            let page: ItemsPage = self.door.call("read_items", &read).await?;
            before = page.items.first().map(|item| item.ord);
            let more = page.more && before.is_some();
            pages.push(page.items);
            if !more {
                break;
            }
        }
        let is_news = |item: &Item| {
            let over = matches!(&item.body, ItemBody::ToolCall { end: Some(_), .. });
            !self.next.contains_key(&item.id) || (over && !self.ended.contains(&item.id))
        };
        let rows: Vec<Changed> = pages
            .into_iter()
            .rev()
            .flatten()
            .filter(is_news)
            .map(|item| Changed::Item(Box::new(item)))
            .collect();
        // One by one, so that each call's output stands between its beginning and its end.
        for row in rows {
            let rows = vec![row];
            self.learn(&rows).await?;
            self.seen.push(Seen::Push(Push::Changed { seq, command: None, rows }));
        }
        Ok(())
    }

    /// Some pushes were lost: reads where everything stands.
    async fn read_again(&mut self) -> Result<(), Failure> {
        let snapshot: Snapshot = self.door.call("snapshot", &Nothing {}).await?;
        let seq = snapshot.cursor.seq;
        self.read_items(seq).await?;
        self.open.clear();
        let mut rows: Vec<Changed> = Vec::new();
        rows.extend(snapshot.cards.into_iter().map(|card| Changed::Card(Box::new(card))));
        rows.extend(snapshot.sessions.into_iter().map(|view| Changed::Session(Box::new(view))));
        rows.extend(snapshot.requests.into_iter().map(|row| Changed::Request(Box::new(row))));
        rows.retain(|row| self.concerns(row));
        self.learn(&rows).await?;
        self.seen.push(Seen::Push(Push::Changed { seq, command: None, rows }));
        self.read_up_to = seq.0;
        Ok(())
    }
}
