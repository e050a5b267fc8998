//! How a program works, as it is shown and as the next run begins with it: what a person wished for and what was told of it, from
//! the whole history.

use crate::play::Play;
use nox_domain::{
    event::{Dial, Event},
    life::LimitAction,
    session::SessionCommand,
};

impl Play {
    pub(crate) fn turns(&mut self, dial: Dial) {
        let to = self.dice.pick(&["one", "two", "elsewhere"]);
        let fx = self.model.switch(to);
        let (to, via) = (to.to_owned(), "test".to_owned());
        self.command(SessionCommand::Switch { dial, to, via }, fx);
    }

    pub(crate) fn check_dials(&self) {
        let offers = self.session.controls().offers;
        let program = self.session.program();
        for (dial, shown, begins) in
            [(Dial::Mode, &offers.mode, &program.mode), (Dial::Model, &offers.model, &program.model)]
        {
            self.check_dial(dial, shown.as_deref(), begins.as_deref());
        }
    }

    fn check_dial(&self, dial: Dial, shown: Option<&str>, begins: Option<&str>) {
        let wish = self.last(|event| matches!(event, Event::Switched { dial: of, .. } if *of == dial));
        let told = self.last(|event| self.told(dial, event).is_some());
        let Some((wished_at, wish)) = wish else {
            assert_eq!(begins, None, "{dial:?}: nobody chose anything");
            return assert_eq!(
                shown,
                told.and_then(|(_, event)| self.told(dial, event)),
                "{dial:?}: as it was told"
            );
        };
        let Event::Switched { to, .. } = wish else { unreachable!("it is one") };
        let begun_at = self.last(|event| matches!(event, Event::RunStarting { .. })).map_or(0, |(at, _)| at);
        if begun_at < wished_at && self.is_unanswered(dial, begun_at, wished_at) {
            assert_eq!(begins, Some(to.as_str()), "{dial:?}: an answer counts for its own wish");
        }
        let earlier = self.log[..wished_at].iter().filter_map(|(event, _)| self.told(dial, event));
        // What was told before holds again at the end of a turn in which nobody answered, or by a refusal.
        let held = |text: Option<&str>| {
            text == Some(to.as_str()) || earlier.clone().any(|known| text == Some(known))
        };
        let since = &self.log[wished_at..];
        let told_since = || since.iter().filter_map(|(event, _)| self.told(dial, event));
        let Some(first) = since.iter().position(|(event, _)| self.told(dial, event).is_some()) else {
            return assert!(held(shown) && held(begins), "{dial:?}: {shown:?} {begins:?}");
        };
        let is_over = since[..first].iter().any(|(event, _)| {
            self.ends(event) || matches!(event, Event::SwitchSettled { dial: of } if *of == dial)
        });
        assert!(
            begins == Some(to.as_str())
                || told_since().any(|text| begins == Some(text))
                || is_over && held(begins),
            "{dial:?} begins with {begins:?}, which nobody wished for or told since"
        );
        let ended_at = self.last(|event| self.ends(event)).map_or(0, |(at, _)| at);
        if let Some((told_at, event)) = told
            && ended_at > wished_at
            && told_at > begun_at
        {
            assert_eq!(
                shown,
                self.told(dial, event),
                "{dial:?}: a wish does not outlive its turn and its run"
            );
        }
    }

    /// The last event of a kind, and its place.
    fn last(&self, is_one: impl Fn(&Event) -> bool) -> Option<(usize, &Event)> {
        let place = self.log.iter().rposition(|(event, _)| is_one(event))?;
        Some((place, &self.log[place].0))
    }

    fn told<'a>(&self, dial: Dial, event: &'a Event) -> Option<&'a str> {
        let Event::OffersTold { offers } = event else { return None };
        match dial {
            Dial::Mode => offers.mode.as_deref(),
            Dial::Model => offers.model.as_deref(),
        }
    }

    /// Whether the run that began then cannot have answered this wish yet: it was not told of it, or it has answered fewer than
    /// it was told, while nothing was told since.
    fn is_unanswered(&self, dial: Dial, begun_at: usize, wished_at: usize) -> bool {
        let ends = |event: &Event| {
            matches!(event, Event::RunEnded { .. } | Event::HibernateAsked | Event::RestartAsked)
                || matches!(event, Event::LimitReached { hit, .. } if hit.action == LimitAction::Ended)
        };
        if self.log[begun_at..wished_at].iter().any(|(event, _)| ends(event)) {
            return true;
        }
        let run = &self.log[begun_at..];
        let wishes =
            |(event, _): &&(Event, _)| matches!(event, Event::Switched { dial: of, .. } if *of == dial);
        let answers =
            |(event, _): &&(Event, _)| matches!(event, Event::SwitchSettled { dial: of } if *of == dial);
        let nothing_told = self.log[wished_at..].iter().all(|(event, _)| self.told(dial, event).is_none());
        nothing_told && run.iter().filter(answers).count() < run.iter().filter(wishes).count()
    }

    /// Whether it ends a turn that was worked on, or a run.
    fn ends(&self, event: &Event) -> bool {
        match event {
            Event::RunEnded { .. } => true,
            Event::TurnEnded { turn, .. } => {
                let begins = |(event, _): &(Event, _)| matches!(event, Event::TurnStarted { turn: begun } if begun == turn);
                self.log.iter().any(begins)
            }
            _ => false,
        }
    }
}
