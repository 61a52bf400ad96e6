//! How many calls of a service are under way at once. As many as come, until it says that it is
//! busy; then half of what was under way, and one more again each time that as many calls as there
//! may be were answered well. Pure: who waits, and for what, is not its business.

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// It was answered.
    Well,
    /// The service said that it is busy.
    Busy,
    /// In another way, of which nothing follows.
    Otherwise,
}

/// A call that is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Turn {
    /// How often the window had been halved when it began.
    halved: u64,
}

/// How many there are and may be.
#[derive(Debug, Default)]
pub(super) struct Window {
    under_way: usize,
    /// So many at most; `None` as long as the service was never busy.
    most: Option<usize>,
    /// Calls that were answered well since that has changed.
    answered: usize,
    halved: u64,
}

impl Window {
    /// One more, if there may be one.
    pub fn begin(&mut self) -> Option<Turn> {
        if self.most.is_some_and(|most| self.under_way >= most) {
            return None;
        }
        self.under_way += 1;
        Some(Turn { halved: self.halved })
    }

    /// One fewer; how many there may be from now on, if that has changed.
    pub fn end(&mut self, turn: Turn, ended: Ended) -> Option<usize> {
        let were = self.under_way;
        self.under_way = were.saturating_sub(1);
        // What began before the last halving tells of the same moment once more.
        if turn.halved != self.halved {
            return None;
        }
        match (ended, self.most) {
            (Ended::Busy, _) => {
                self.halved += 1;
                self.set((were / 2).max(1))
            }
            // Only who had no room is given more.
            (Ended::Well, Some(most)) if were >= most => {
                self.answered += 1;
                if self.answered < most { None } else { self.set(most + 1) }
            }
            _ => None,
        }
    }

    fn set(&mut self, most: usize) -> Option<usize> {
        self.answered = 0;
        self.most = Some(most);
        self.most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Begins all that may begin, up to so many.
    fn fill(window: &mut Window, wanted: usize) -> Vec<Turn> {
        (0..wanted).map_while(|_| window.begin()).collect()
    }

    fn end(window: &mut Window, turns: Vec<Turn>, ended: Ended) {
        for turn in turns {
            window.end(turn, ended);
        }
    }

    #[test]
    fn a_service_that_was_never_busy_gets_all_that_come() {
        let mut window = Window::default();
        let turns = fill(&mut window, 100);
        assert_eq!(turns.len(), 100);
        end(&mut window, turns, Ended::Well);
        assert_eq!(window.most, None);
    }

    #[test]
    fn all_that_were_under_way_when_it_got_busy_halve_once_and_those_after_them_again() {
        let mut window = Window::default();
        let mut all = Vec::new();
        for _ in 0..5 {
            let turns = fill(&mut window, 8);
            all.push(turns.len());
            end(&mut window, turns, Ended::Busy);
        }
        assert_eq!(all, [8, 4, 2, 1, 1], "never fewer than one");
    }

    #[test]
    fn it_grows_by_one_when_as_many_were_answered_as_there_may_be() {
        let mut window = Window::default();
        let turns = fill(&mut window, 8);
        end(&mut window, turns, Ended::Busy);
        let mut grew = Vec::new();
        for _ in 0..40 {
            let turns = fill(&mut window, 8);
            grew.push(turns.len());
            // The rest are begun anew as one is answered, as hands at work do.
            for turn in turns {
                window.end(turn, Ended::Well);
                let next = window.begin().unwrap();
                window.end(next, Ended::Otherwise);
            }
        }
        assert_eq!(grew[0], 4);
        assert!(grew.windows(2).all(|two| two[1] == two[0] || two[1] == two[0] + 1), "{grew:?}");
        assert_eq!(grew.last(), Some(&8));
        // Exactly: of four calls at once, the fourth answer gives room for a fifth.
        let mut window = Window { most: Some(4), ..Window::default() };
        let mut changes = Vec::new();
        let mut turns = fill(&mut window, 4);
        for _ in 0..9 {
            changes.extend(window.end(turns.remove(0), Ended::Well));
            turns.extend(fill(&mut window, 8));
        }
        assert_eq!(changes, [5, 6], "after four answers, and after five");
    }

    #[test]
    fn who_has_room_left_is_given_no_more() {
        let mut window = Window { most: Some(4), ..Window::default() };
        for _ in 0..100 {
            let turns = fill(&mut window, 3);
            end(&mut window, turns, Ended::Well);
        }
        assert_eq!(window.most, Some(4));
    }

    #[test]
    fn an_answer_of_before_the_halving_gives_no_room() {
        let mut window = Window::default();
        let mut turns = fill(&mut window, 4);
        assert_eq!(window.end(turns.remove(0), Ended::Busy), Some(2));
        for turn in turns {
            assert_eq!(window.end(turn, Ended::Well), None);
        }
        assert_eq!((window.under_way, window.most), (0, Some(2)));
    }
}
