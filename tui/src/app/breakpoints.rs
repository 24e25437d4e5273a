//! All breakpoints, as the user set them and as the adapter has them.
//!
//! The user's wish is kept apart from the adapter's answer, so that breakpoints survive a restart, can be turned off,
//! and can be set before there is a program. Numbers are given once and never reused, as in pdb.

use crate::dap;

use super::sources::SourceKey;

/// Where or at what a breakpoint stops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// At a line, from 1.
    Line(SourceKey, usize),
    /// At the entry of a function.
    Function(String),
    /// When a value changes: the adapter's id of the place, and its name for the user.
    Data(String, String),
}

/// A breakpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct Breakpoint {
    /// Its number for the user.
    pub number: usize,
    /// Where it stops.
    pub target: Target,
    /// Stop only if this is true; empty means always.
    pub condition: String,
    /// Stop only at these hits; empty means at all.
    pub hit: String,
    /// Print this and do not stop; empty means stop.
    pub log: String,
    /// Whether it is on.
    pub enabled: bool,
    /// Whether it goes away when it is hit.
    pub temporary: bool,
    /// Whether it was made by "run to cursor": it is not listed, and goes away at any stop.
    pub hidden: bool,
    /// Whether the adapter found code there; `None` before it was asked.
    pub verified: Option<bool>,
    /// What the adapter said about it.
    pub message: String,
    /// The line where it really is.
    pub actual_line: Option<usize>,
    /// The adapter's id of it.
    pub server_id: Option<i64>,
}

impl Breakpoint {
    /// The line where it is shown, if it is on one of `source`.
    pub fn line_in(&self, source: &SourceKey) -> Option<usize> {
        match &self.target {
            Target::Line(key, line) if key == source => Some(self.actual_line.unwrap_or(*line)),
            _ => None,
        }
    }

    /// Whether it only stops or prints under some condition, or prints: worth another mark.
    pub fn is_special(&self) -> bool {
        !(self.condition.is_empty() && self.hit.is_empty() && self.log.is_empty())
    }

    /// Its conditions in words.
    pub fn details(&self) -> String {
        let mut parts = Vec::new();
        if !self.condition.is_empty() {
            parts.push(format!("if {}", self.condition));
        }
        if !self.hit.is_empty() {
            parts.push(format!("hits {}", self.hit));
        }
        if !self.log.is_empty() {
            parts.push(format!("log {:?}", self.log));
        }
        if self.temporary {
            parts.push("once".to_owned());
        }
        parts.join(", ")
    }
}

/// A kind of exceptions that the adapter can stop at.
#[derive(Debug, Clone, PartialEq)]
pub struct ExceptionFilter {
    /// The adapter's description of it.
    pub filter: dap::ExceptionBreakpointsFilter,
    /// Whether it is on.
    pub on: bool,
}

/// All breakpoints.
#[derive(Debug, Default)]
pub struct Breakpoints {
    /// The breakpoints, by number.
    pub list: Vec<Breakpoint>,
    /// The exception kinds.
    pub filters: Vec<ExceptionFilter>,
    last_number: usize,
    last_hidden: usize,
}

impl Breakpoints {
    /// Adds a breakpoint and returns its number.
    pub fn add(&mut self, target: Target) -> usize {
        self.last_number += 1;
        self.push(self.last_number, target)
    }

    /// Adds a breakpoint that the user does not see, for "run to cursor"; it uses up none of the user's numbers.
    pub fn add_hidden(&mut self, target: Target) -> usize {
        self.last_hidden += 1;
        let number = self.push(usize::MAX - self.last_hidden, target);
        if let Some(b) = self.get_mut(number) {
            (b.hidden, b.temporary) = (true, true);
        }
        number
    }

    fn push(&mut self, number: usize, target: Target) -> usize {
        self.list.push(Breakpoint {
            number,
            target,
            condition: String::new(),
            hit: String::new(),
            log: String::new(),
            enabled: true,
            temporary: false,
            hidden: false,
            verified: None,
            message: String::new(),
            actual_line: None,
            server_id: None,
        });
        number
    }

    /// The breakpoint with this number.
    pub fn get(&self, number: usize) -> Option<&Breakpoint> {
        self.list.iter().find(|b| b.number == number)
    }

    /// The breakpoint with this number, to be changed.
    pub fn get_mut(&mut self, number: usize) -> Option<&mut Breakpoint> {
        self.list.iter_mut().find(|b| b.number == number)
    }

    /// Takes the breakpoint with this number away.
    pub fn remove(&mut self, number: usize) -> Option<Breakpoint> {
        let at = self.list.iter().position(|b| b.number == number)?;
        Some(self.list.remove(at))
    }

    /// The breakpoint on a line, from 1.
    pub fn at(&self, source: &SourceKey, line: usize) -> Option<&Breakpoint> {
        let here = |b: &&Breakpoint| !b.hidden && b.line_in(source) == Some(line);
        let wanted = |b: &&Breakpoint| matches!(&b.target, Target::Line(k, l) if k == source && *l == line);
        self.list.iter().find(here).or_else(|| self.list.iter().find(|b| !b.hidden && wanted(b)))
    }

    /// The breakpoints that the user made.
    pub fn listed(&self) -> impl Iterator<Item = &Breakpoint> {
        self.list.iter().filter(|b| !b.hidden)
    }

    /// The sources with breakpoints on their lines.
    pub fn sources(&self) -> Vec<SourceKey> {
        let mut keys: Vec<SourceKey> = Vec::new();
        for b in &self.list {
            if let Target::Line(key, _) = &b.target
                && !keys.contains(key)
            {
                keys.push(key.clone());
            }
        }
        keys
    }

    /// Takes over what the adapter said about a breakpoint.
    pub fn confirm(&mut self, number: usize, answer: &dap::Breakpoint) {
        let Some(b) = self.get_mut(number) else { return };
        b.verified = Some(answer.verified);
        b.message = answer.message.clone().unwrap_or_default();
        b.server_id = answer.id.or(b.server_id);
        if let (Target::Line(..), Some(line)) = (&b.target, answer.line) {
            b.actual_line = usize::try_from(line).ok();
        }
    }

    /// The exception kinds that the adapter offers; those that were known keep their state.
    pub fn offer_filters(&mut self, filters: &[dap::ExceptionBreakpointsFilter]) {
        let old = std::mem::take(&mut self.filters);
        self.filters = filters
            .iter()
            .map(|filter| {
                let known = old.iter().find(|f| f.filter.filter == filter.filter);
                let on = known.map_or(filter.default.unwrap_or(false), |f| f.on);
                ExceptionFilter { filter: filter.clone(), on }
            })
            .collect();
    }

    /// Forgets what the adapter said: the next one knows nothing of it.
    pub fn forget_answers(&mut self) {
        self.list.retain(|b| !b.hidden && !matches!(b.target, Target::Data(..)));
        for b in &mut self.list {
            (b.verified, b.actual_line, b.server_id) = (None, None, None);
            b.message.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_breakpoint_is_found_where_it_moved_to() {
        let key = SourceKey::Reference(1, "x".to_owned());
        let mut all = Breakpoints::default();
        let n = all.add(Target::Line(key.clone(), 4));
        all.confirm(n, &dap::Breakpoint { verified: true, line: Some(6), id: Some(9), ..Default::default() });
        assert_eq!(all.at(&key, 6).unwrap().number, n);
        assert_eq!(all.at(&key, 4).unwrap().number, n);
        assert!(all.at(&key, 5).is_none());
        all.forget_answers();
        assert!(all.at(&key, 6).is_none());
        assert_eq!(all.get(n).unwrap().verified, None);
    }

    #[test]
    fn numbers_are_never_reused() {
        let mut all = Breakpoints::default();
        let first = all.add(Target::Function("f".to_owned()));
        all.remove(first);
        assert_eq!(all.add(Target::Function("f".to_owned())), first + 1);
    }

    #[test]
    fn filters_keep_what_the_user_chose() {
        let offered = [dap::ExceptionBreakpointsFilter {
            filter: "raised".to_owned(),
            label: "Raised".to_owned(),
            default: Some(false),
            ..Default::default()
        }];
        let mut all = Breakpoints::default();
        all.offer_filters(&offered);
        all.filters[0].on = true;
        all.offer_filters(&offered);
        assert!(all.filters[0].on);
    }
}
