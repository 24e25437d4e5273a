//! Breakpoints: what the client asked for, the probes that stand for it in code, and what happens at a hit.
//!
//! A line breakpoint is a probe on the first instruction of its line in every code object of its file, also in those
//! that are compiled later; nothing else of the code changes. A condition is compiled once for each code object.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use taipan_runtime::object::Py;
use taipan_runtime::probe::native::{self, Tool};
use taipan_runtime::types::code::Code;
use taipan_runtime::types::str::Str;
use taipan_runtime::vm::Vm;
use tui::dap;

use super::evaluate::{self, Place, Prepared};
use super::sources;

/// When a breakpoint stops, by the number of its hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HitRule {
    /// At this hit alone.
    Exactly(u64),
    /// From this hit on.
    AtLeast(u64),
    /// After so many hits.
    MoreThan(u64),
    /// Before that hit.
    LessThan(u64),
    /// Up to this hit.
    AtMost(u64),
    /// At every so many hits.
    Every(u64),
}

impl HitRule {
    /// Reads `3`, `== 3`, `>= 3`, `> 3`, `< 3`, `<= 3`, `% 3`. The error is for the user.
    pub fn parse(text: &str) -> Result<HitRule, String> {
        let text = text.trim();
        let digits = text.find(|c: char| c.is_ascii_digit()).unwrap_or(text.len());
        let (operator, number) = text.split_at(digits);
        let bad = || format!("a hit condition is a number, perhaps behind ==, >=, >, <=, < or %: not {text:?}");
        let number: u64 = number.trim().parse().map_err(|_| bad())?;
        Ok(match operator.trim() {
            "" | "=" | "==" => HitRule::Exactly(number),
            ">=" => HitRule::AtLeast(number),
            ">" => HitRule::MoreThan(number),
            "<=" => HitRule::AtMost(number),
            "<" => HitRule::LessThan(number),
            "%" if number > 0 => HitRule::Every(number),
            _ => return Err(bad()),
        })
    }

    /// Whether to stop at hit number `n`, from 1.
    pub fn holds(self, n: u64) -> bool {
        match self {
            HitRule::Exactly(k) => n == k,
            HitRule::AtLeast(k) => n >= k,
            HitRule::MoreThan(k) => n > k,
            HitRule::AtMost(k) => n <= k,
            HitRule::LessThan(k) => n < k,
            HitRule::Every(k) => n.is_multiple_of(k),
        }
    }
}

/// A piece of a log message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Text as it is.
    Text(String),
    /// An expression in braces.
    Expression(String),
}

/// Takes a log message apart: `{x}` is an expression, `{{` and `}}` are braces.
pub fn pieces(message: &str) -> Vec<Piece> {
    let mut found = Vec::new();
    let mut text = String::new();
    let mut chars = message.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '{' if chars.peek() != Some(&'{') => {
                let mut depth = 1;
                let mut inner = String::new();
                for c in chars.by_ref() {
                    depth += i32::from(c == '{') - i32::from(c == '}');
                    if depth == 0 {
                        break;
                    }
                    inner.push(c);
                }
                found.push(Piece::Text(std::mem::take(&mut text)));
                found.push(Piece::Expression(inner));
            }
            '{' | '}' => {
                if chars.peek() == Some(&c) {
                    chars.next();
                }
                text.push(c);
            }
            c => text.push(c),
        }
    }
    found.push(Piece::Text(text));
    found.retain(|p| !matches!(p, Piece::Text(t) if t.is_empty()));
    found
}

/// Where a breakpoint is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Where {
    Line(PathBuf, u32),
    Function(String),
}

/// One breakpoint.
pub struct Breakpoint {
    /// Identifies it towards the client.
    pub id: i64,
    place: Where,
    condition: Option<String>,
    rule: Option<HitRule>,
    log: Option<Vec<Piece>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    hits: u64,
    verified: bool,
    /// The condition, compiled for each code object (by its address) where it was needed.
    prepared: HashMap<usize, Prepared>,
}

/// What a hit leads to.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing.
    Pass,
    /// Stop.
    Stop,
    /// Print this.
    Log(String),
    /// Stop, because the condition cannot be evaluated: its error.
    Broken(String),
}

/// All breakpoints.
#[derive(Default)]
pub struct Breakpoints {
    list: Vec<Arc<Breakpoint>>,
    last_id: i64,
    installed: Vec<Installed>,
    /// Which breakpoints a probe stands for, found at its first hit: by code object (its address) and line.
    found: HashMap<(usize, u32), Vec<Arc<Breakpoint>>>,
}

/// A probe: code object (by address) and line.
struct Installed {
    code: usize,
    line: u32,
}

fn lock<T>(m: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    m.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The number of a code object while it lives.
fn address(code: &Py<Code>) -> usize {
    code.as_value().id()
}

impl Breakpoint {
    /// What a hit in the innermost frame, of `code`, leads to; counts it.
    pub fn hit(&self, vm: &mut Vm, code: &Py<Code>) -> Verdict {
        if let Some(condition) = &self.condition {
            match self.holds(vm, condition, code) {
                Ok(true) => {}
                Ok(false) => return Verdict::Pass,
                Err(why) => return Verdict::Broken(format!("the condition {condition} failed: {why}")),
            }
        }
        let n = {
            let mut state = lock(&self.state);
            state.hits += 1;
            state.hits
        };
        if self.rule.is_some_and(|r| !r.holds(n)) {
            return Verdict::Pass;
        }
        match &self.log {
            None => Verdict::Stop,
            Some(pieces) => {
                let place = here(vm);
                Verdict::Log(message(vm, &place, pieces))
            }
        }
    }

    fn holds(&self, vm: &mut Vm, condition: &str, code: &Py<Code>) -> Result<bool, String> {
        let key = address(code);
        let known = lock(&self.state).prepared.get(&key).cloned();
        let prepared = match known {
            Some(p) => p,
            None => {
                let place = here(vm);
                let made = Prepared::new(vm, &place, condition);
                let made = evaluate::text_of_error(vm, made)?;
                lock(&self.state).prepared.insert(key, made.clone());
                made
            }
        };
        let result = match prepared.call_innermost(vm) {
            Some(result) => result,
            None => {
                let place = here(vm);
                prepared.call(vm, &place)
            }
        };
        let result = result.and_then(|v| vm.truth(&v));
        evaluate::text_of_error(vm, result)
    }

    /// The breakpoint as the client sees it.
    fn describe(&self) -> dap::Breakpoint {
        let verified = lock(&self.state).verified;
        let (source, line, message) = match &self.place {
            Where::Line(path, line) => (Some(sources::describe(&path.to_string_lossy())), Some(i64::from(*line)), None),
            Where::Function(name) => {
                (None, None, (!verified).then(|| format!("no function {name} yet: it may come later")))
            }
        };
        let reason = (!verified).then(|| "pending".to_owned());
        dap::Breakpoint { id: Some(self.id), verified, source, line, message, reason, ..dap::Breakpoint::default() }
    }
}

/// The innermost frame as a place to evaluate in.
fn here(vm: &mut Vm) -> Place {
    vm.innermost().map_or(Place::Main, |f| Place::Frame(f.object()))
}

/// The text of a log message.
fn message(vm: &mut Vm, place: &Place, pieces: &[Piece]) -> String {
    let mut out = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(t) => out.push_str(t),
            Piece::Expression(e) => {
                // As in an f-string, so that !r and format specifications work.
                let value = evaluate::expression(vm, place, &format!("f'''{{{e}}}'''"));
                let value = value.map(|v| v.downcast::<Str>().map_or_else(String::new, |s| s.to_rust().into_owned()));
                out.push_str(&value.unwrap_or_else(|why| format!("<{why}>")));
            }
        }
    }
    out
}

/// A refused breakpoint.
fn refused(line: Option<i64>, why: String) -> dap::Breakpoint {
    let reason = Some("failed".to_owned());
    dap::Breakpoint { verified: false, line, message: Some(why), reason, ..dap::Breakpoint::default() }
}

/// The file that a client means.
pub fn path_of(source: &dap::Source) -> Option<PathBuf> {
    match (source.source_reference.filter(|&r| r > 0), &source.path) {
        (Some(reference), path) => {
            sources::name_of(reference).map(PathBuf::from).or_else(|| path.as_ref().map(PathBuf::from))
        }
        (None, Some(path)) => Some(sources::resolve(path)),
        (None, None) => None,
    }
}

/// The line where a breakpoint asked for at `line` can stand: that or the next one with code.
fn moved(lines: &[u32], line: i64) -> Option<u32> {
    lines.iter().copied().find(|&l| i64::from(l) >= line)
}

impl Breakpoints {
    fn take_id(&mut self) -> i64 {
        self.last_id += 1;
        self.last_id
    }

    /// Replaces the breakpoints of one source.
    pub fn set_lines(
        &mut self,
        vm: &mut Vm,
        tool: Tool,
        wanted: &dap::SetBreakpointsArguments,
    ) -> Vec<dap::Breakpoint> {
        let Some(path) = path_of(&wanted.source) else {
            return wanted.breakpoints.iter().map(|b| refused(Some(b.line), "the source has no path".into())).collect();
        };
        // Those that stay as they are keep their counts.
        let (old, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut self.list)
            .into_iter()
            .partition(|b| matches!(&b.place, Where::Line(p, _) if *p == path));
        self.list = rest;
        let lines = sources::code_lines(&path.to_string_lossy());
        let mut answers = Vec::new();
        for b in &wanted.breakpoints {
            answers.push(match self.make_line(&path, b, &lines, &old) {
                Ok(made) => {
                    let described = made.describe();
                    self.list.push(made);
                    described
                }
                Err(why) => refused(Some(b.line), why),
            });
        }
        self.reinstall(vm, tool);
        answers
    }

    fn make_line(
        &mut self,
        path: &Path,
        b: &dap::SourceBreakpoint,
        lines: &Result<Vec<u32>, String>,
        old: &[Arc<Breakpoint>],
    ) -> Result<Arc<Breakpoint>, String> {
        let line = match lines {
            Ok(lines) => moved(lines, b.line).ok_or("there is no code on this line or behind it")?,
            Err(why) => return Err(why.clone()),
        };
        let rule = b.hit_condition.as_deref().map(str::trim).filter(|h| !h.is_empty());
        let rule = rule.map(HitRule::parse).transpose()?;
        let condition = checked(b.condition.as_deref())?;
        let log = b.log_message.as_deref().filter(|m| !m.is_empty()).map(pieces);
        let place = Where::Line(path.to_owned(), line);
        let same = old.iter().find(|o| o.place == place && o.condition == condition && o.rule == rule && o.log == log);
        if let Some(same) = same.filter(|s| !self.list.iter().any(|b| b.id == s.id)) {
            return Ok(Arc::clone(same));
        }
        let id = self.take_id();
        let state = Mutex::new(State { verified: true, ..State::default() });
        Ok(Arc::new(Breakpoint { id, place, condition, rule, log, state }))
    }

    /// Replaces the breakpoints on functions.
    pub fn set_functions(
        &mut self,
        vm: &mut Vm,
        tool: Tool,
        wanted: &[dap::FunctionBreakpoint],
    ) -> Vec<dap::Breakpoint> {
        self.list.retain(|b| !matches!(b.place, Where::Function(_)));
        let codes = native::all_code(vm);
        let mut answers = Vec::new();
        for b in wanted {
            let rule = b.hit_condition.as_deref().filter(|h| !h.trim().is_empty()).map(HitRule::parse).transpose();
            match (rule, checked(b.condition.as_deref())) {
                (Ok(rule), Ok(condition)) => {
                    let verified = codes.iter().any(|c| is_called(c, &b.name));
                    let state = Mutex::new(State { verified, ..State::default() });
                    let place = Where::Function(b.name.clone());
                    let made = Arc::new(Breakpoint { id: self.take_id(), place, condition, rule, log: None, state });
                    answers.push(made.describe());
                    self.list.push(made);
                }
                (Err(why), _) | (_, Err(why)) => answers.push(refused(None, why)),
            }
        }
        self.reinstall(vm, tool);
        answers
    }

    /// Takes all breakpoints away.
    pub fn clear(&mut self, vm: &mut Vm, tool: Tool) {
        self.list.clear();
        self.reinstall(vm, tool);
    }

    /// Brings the probes in all code up to date.
    fn reinstall(&mut self, vm: &mut Vm, tool: Tool) {
        self.found.clear();
        let codes = native::all_code(vm);
        let old = std::mem::take(&mut self.installed);
        let mut kept: Vec<Installed> = Vec::new();
        for code in &codes {
            let wanted = self.lines_in(code);
            let here = address(code);
            let had: Vec<u32> = old.iter().filter(|i| i.code == here).map(|i| i.line).collect();
            for line in had.iter().filter(|l| !wanted.contains(l)) {
                native::remove_line(code, *line, tool, 0);
            }
            for line in wanted {
                if had.contains(&line) || native::insert_line(code, line, tool, 0) {
                    kept.push(Installed { code: here, line });
                }
            }
        }
        self.installed = kept;
    }

    /// A code object was made: it gets the probes of the breakpoints that are waiting for it. Gives the breakpoints that
    /// became verified.
    pub fn code_made(&mut self, code: &Py<Code>, tool: Tool) -> Vec<dap::Breakpoint> {
        if self.list.is_empty() {
            return Vec::new();
        }
        // Its address may have been that of another code object that has ended.
        self.forget(code);
        for line in self.lines_in(code) {
            if native::insert_line(code, line, tool, 0) {
                self.installed.push(Installed { code: address(code), line });
            }
        }
        let mut news = Vec::new();
        for b in &self.list {
            if matches!(&b.place, Where::Function(name) if is_called(code, name)) {
                let before = std::mem::replace(&mut lock(&b.state).verified, true);
                if !before {
                    news.push(b.describe());
                }
            }
        }
        news
    }

    /// The lines of one code object where a probe is wanted.
    fn lines_in(&self, code: &Py<Code>) -> Vec<u32> {
        if self.list.is_empty() {
            return Vec::new();
        }
        let mut lines = Vec::new();
        let mut path = None;
        for b in &self.list {
            match &b.place {
                Where::Line(p, line) => {
                    let path = path.get_or_insert_with(|| sources::resolve(&code.filename.to_rust()));
                    if path == p && within(code, *line) {
                        lines.push(*line);
                    }
                }
                Where::Function(name) if is_called(code, name) => lines.extend(first_line(code)),
                Where::Function(_) => {}
            }
        }
        lines.sort_unstable();
        lines.dedup();
        lines
    }

    fn forget(&mut self, code: &Py<Code>) {
        let here = address(code);
        self.installed.retain(|i| i.code != here);
        self.found.retain(|(code, _), _| *code != here);
        for b in &self.list {
            lock(&b.state).prepared.remove(&here);
        }
    }

    /// The breakpoints that a probe on `line` of `code` stands for.
    pub fn at(&mut self, code: &Py<Code>, line: u32) -> Vec<Arc<Breakpoint>> {
        let key = (address(code), line);
        if let Some(known) = self.found.get(&key) {
            return known.clone();
        }
        let found = self.find(code, line);
        self.found.insert(key, found.clone());
        found
    }

    fn find(&self, code: &Py<Code>, line: u32) -> Vec<Arc<Breakpoint>> {
        let path = sources::resolve(&code.filename.to_rust());
        let here = |b: &&Arc<Breakpoint>| match &b.place {
            Where::Line(p, l) => *l == line && *p == path,
            Where::Function(name) => is_called(code, name) && first_line(code) == Some(line),
        };
        self.list.iter().filter(here).cloned().collect()
    }
}

impl Breakpoint {
    /// Whether it is one on a function.
    pub fn is_function(&self) -> bool {
        matches!(self.place, Where::Function(_))
    }
}

/// Whether a code object's own lines may reach from its first line to `line`; a cheap test before the exact one.
fn within(code: &Py<Code>, line: u32) -> bool {
    let name = code.name.to_rust();
    code.canonical.firstlineno.max(0) as u32 <= line || name.starts_with('<')
}

/// The line where a function begins to do something.
fn first_line(code: &Py<Code>) -> Option<u32> {
    let first = code.canonical.firstlineno.max(0) as u32;
    let lines = native::lines_of(code);
    lines.iter().copied().find(|&l| l > first).or_else(|| lines.first().copied())
}

/// Whether a name, possibly qualified, means this function: `f`, `C.method`, `module.f`.
fn is_called(code: &Py<Code>, name: &str) -> bool {
    let qualified = code.qualname.to_rust();
    let plain = qualified.replace(".<locals>", "");
    if !code.canonical.flags.contains(taipan_bytecode::CodeFlags::OPTIMIZED) {
        return false;
    }
    if plain == name || code.name.is_text(name) {
        return true;
    }
    let module = code.filename.to_rust().into_owned();
    let stem = Path::new(&module).file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    name.strip_prefix(&stem).and_then(|rest| rest.strip_prefix('.')).is_some_and(|rest| rest == plain)
}

/// A condition that is an expression; the error is for the user.
fn checked(condition: Option<&str>) -> Result<Option<String>, String> {
    let Some(text) = condition.map(str::trim).filter(|c| !c.is_empty()) else { return Ok(None) };
    let options =
        taipan_syntax::ParseOptions { mode: taipan_syntax::Mode::Eval, ..taipan_syntax::ParseOptions::default() };
    match taipan_syntax::parse(text, &options) {
        Ok(_) => Ok(Some(text.to_owned())),
        Err(e) => Err(format!("the condition is no expression: {}", e.msg)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hit_rules() {
        let stops = |rule: &str| {
            let rule = HitRule::parse(rule).unwrap();
            (1..=6).filter(|&n| rule.holds(n)).collect::<Vec<u64>>()
        };
        assert_eq!(stops("3"), [3]);
        assert_eq!(stops(">= 5"), [5, 6]);
        assert_eq!(stops("%2"), [2, 4, 6]);
        assert_eq!(stops("<3"), [1, 2]);
        assert!(HitRule::parse("often").unwrap_err().contains("often"));
        assert!(HitRule::parse("% 0").is_err());
    }

    #[test]
    fn log_messages() {
        let text = |t: &str| Piece::Text(t.to_owned());
        let expression = |t: &str| Piece::Expression(t.to_owned());
        assert_eq!(pieces("x is {x}!"), [text("x is "), expression("x"), text("!")]);
        assert_eq!(pieces("{{{a}}}"), [text("{"), expression("a"), text("}")]);
        assert_eq!(pieces("{ {1: 2}[1] }"), [expression(" {1: 2}[1] ")]);
    }

    #[test]
    fn breakpoints_move_to_the_next_line_with_code() {
        assert_eq!(moved(&[2, 5, 9], 3), Some(5));
        assert_eq!(moved(&[2, 5, 9], 5), Some(5));
        assert_eq!(moved(&[2], 3), None);
    }
}
