//! How much may be on its way to a window. A Tauri Channel takes everything and keeps what the page has not fetched, so
//! a page that hangs would let the engine's memory grow. The page acknowledges batches by number; with
//! [`IN_FLIGHT_BYTES`] not acknowledged nothing more is sent, what comes is dropped, and the first batch after the next
//! acknowledgement carries a gap mark, on which the page asks for a replay from its cursor.

use std::collections::VecDeque;

/// Bytes of batches that the page may be behind.
pub const IN_FLIGHT_BYTES: usize = 1024 * 1024;

/// Whether a batch may go, and what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passage {
    /// Send it with this number.
    Send {
        /// Counts up by one from 1.
        number: u32,
        /// Whether something before it was dropped.
        after: Before,
    },
    /// Drop it; the page is too far behind.
    Drop,
}

/// What stands before a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// The batch with the number before.
    Previous,
    /// A gap: the page replays from its cursor.
    Gap,
}

/// The account of one window's channel.
#[derive(Debug, Default)]
pub struct Flow {
    sent: VecDeque<(u32, usize)>,
    in_flight_bytes: usize,
    last: u32,
    gap: bool,
}

impl Flow {
    /// Asks for passage of a batch of this size. One that alone is larger than the bound passes when nothing is in flight.
    pub fn pass(&mut self, size_bytes: usize) -> Passage {
        let fits = self.in_flight_bytes.saturating_add(size_bytes) <= IN_FLIGHT_BYTES;
        if !fits && !self.sent.is_empty() {
            self.gap = true;
            return Passage::Drop;
        }
        self.last = self.last.wrapping_add(1);
        self.sent.push_back((self.last, size_bytes));
        self.in_flight_bytes = self.in_flight_bytes.saturating_add(size_bytes);
        let after = if std::mem::take(&mut self.gap) { Before::Gap } else { Before::Previous };
        Passage::Send { number: self.last, after }
    }

    /// The page has applied every batch up to this number. Numbers that were never sent change nothing. True when there
    /// is a gap to tell: send a batch, an empty one if need be.
    pub fn acknowledge(&mut self, number: u32) -> bool {
        if self.sent.iter().any(|(sent, _)| *sent == number) {
            while let Some((sent, size_bytes)) = self.sent.pop_front() {
                self.in_flight_bytes -= size_bytes;
                if sent == number {
                    break;
                }
            }
        }
        self.gap && self.in_flight_bytes < IN_FLIGHT_BYTES
    }

    /// Bytes not yet acknowledged.
    pub fn in_flight_bytes(&self) -> usize {
        self.in_flight_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF: usize = IN_FLIGHT_BYTES / 2;

    #[test]
    fn a_page_that_keeps_up_sees_no_gap() {
        let mut flow = Flow::default();
        for number in 1..=10_000 {
            assert_eq!(flow.pass(HALF), Passage::Send { number, after: Before::Previous });
            assert!(!flow.acknowledge(number));
        }
        assert_eq!(flow.in_flight_bytes(), 0);
    }

    #[test]
    fn a_page_that_hangs_costs_one_bound_and_is_told_of_the_gap() {
        let mut flow = Flow::default();
        flow.pass(HALF);
        flow.pass(HALF);
        for _ in 0..1000 {
            assert_eq!(flow.pass(1), Passage::Drop);
        }
        assert_eq!(flow.in_flight_bytes(), IN_FLIGHT_BYTES);
        assert!(!flow.acknowledge(99), "a number that was never sent frees nothing");
        assert!(flow.acknowledge(1));
        assert_eq!(flow.pass(0), Passage::Send { number: 3, after: Before::Gap });
        assert!(!flow.acknowledge(3));
        assert_eq!(flow.pass(1), Passage::Send { number: 4, after: Before::Previous });
    }

    #[test]
    fn one_huge_batch_is_not_stuck_for_ever() {
        let mut flow = Flow::default();
        assert_eq!(flow.pass(3 * IN_FLIGHT_BYTES), Passage::Send { number: 1, after: Before::Previous });
        assert_eq!(flow.pass(1), Passage::Drop);
        assert!(flow.acknowledge(1));
        assert_eq!(flow.pass(1), Passage::Send { number: 2, after: Before::Gap });
    }
}
