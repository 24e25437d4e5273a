//! Sessions over the protocol, as transcripts: `> next` is what the client does, the lines below are what came of it.

use crate::support::{diff, root, run};
use libtest_mimic::{Failed, Trial};
use std::fmt::Write as _;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tui::dap::{self, Client, Endpoint, Event, EventBody, FrameId, ThreadId, request as r};

const PATIENCE: Duration = Duration::from_secs(60);

/// One test for each transcript.
pub fn trials() -> Vec<Trial> {
    let folder = root().join("fixtures/debugger");
    let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> =
        entries.map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "session")).collect();
    paths.sort();
    let named = |p: PathBuf| {
        let name = p.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Trial::test(format!("debugger::session::{name}"), move || check(&p))
    };
    paths.into_iter().map(named).collect()
}

fn check(path: &Path) -> Result<(), Failed> {
    let wanted = std::fs::read_to_string(path)?;
    let got = play(path, &wanted).map_err(Failed::from)?;
    if got == wanted {
        return Ok(());
    }
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, got)?;
        return Ok(());
    }
    Err(diff::lines(&wanted, &got).unwrap_or_default().into())
}

/// Carries out the lines behind `> `; gives the transcript.
fn play(path: &Path, script: &str) -> Result<String, String> {
    let mut player = Player::start(path, script)?;
    let mut out = String::new();
    for line in script.lines() {
        let Some(command) = line.strip_prefix("> ") else {
            // Comments stay; answers are written anew.
            if line.starts_with('#') || line.is_empty() {
                let _ = writeln!(out, "{line}");
            }
            continue;
        };
        let _ = writeln!(out, "> {command}");
        let answer = player.carry_out(command).unwrap_or_else(|why| format!("failed: {why}"));
        for line in answer.lines() {
            let _ = writeln!(out, "  {line}");
        }
    }
    Ok(out)
}

struct Player {
    client: Client,
    events: Vec<Event>,
    child: Child,
    program: PathBuf,
    breakpoints: Vec<dap::SourceBreakpoint>,
    data: Vec<dap::DataBreakpoint>,
    thread: ThreadId,
    frames: Vec<dap::StackFrame>,
    _home: tempfile::TempDir,
}

impl Drop for Player {
    fn drop(&mut self) {
        // It has ended already, or the test has failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Player {
    /// Starts the program of a transcript: the file of the same name, or what `# program: NAME` says.
    fn start(path: &Path, script: &str) -> Result<Player, String> {
        let named = script.lines().find_map(|l| l.strip_prefix("# program: "));
        let program = named.map_or_else(|| path.with_extension("py"), |n| root().join("fixtures").join(n));
        let home = tempfile::tempdir().map_err(|e| e.to_string())?;
        let socket = home.path().join("dap");
        let mut command = Command::new(run::interpreter());
        command.args(["debug", "--quiet", "--wait", "--dap"]).arg(format!("unix:{}", socket.display())).arg(&program);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", home.path());
        command.env("LANG", "C.UTF-8").env("PYTHONDONTWRITEBYTECODE", "1");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|e| e.to_string())?;
        let connected = Endpoint::Unix(socket).connect(PATIENCE, || matches!(child.try_wait(), Ok(None)));
        let (reader, writer) = connected.map_err(|e| format!("no connection: {e}"))?;
        let client = Client::new(reader, writer);
        let (events, breakpoints, frames) = Default::default();
        Ok(Player {
            client,
            events,
            child,
            program,
            breakpoints,
            data: Vec::new(),
            thread: ThreadId(1),
            frames,
            _home: home,
        })
    }

    fn call<C: dap::Command>(&mut self, arguments: &C::Arguments) -> Result<C::Body, String> {
        self.client.call::<C>(arguments, PATIENCE, &mut self.events)
    }

    fn carry_out(&mut self, line: &str) -> Result<String, String> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let thread = dap::ThreadArguments { thread_id: self.thread, single_thread: None };
        let step = dap::StepArguments { thread_id: self.thread, ..Default::default() };
        match word {
            "break" => self.set_breakpoint(rest),
            "clear" => {
                self.breakpoints.clear();
                self.send_breakpoints()
            }
            "function" => self.function_breakpoint(rest),
            "exceptions" => self.exceptions(rest),
            "start" => self.begin(rest == "entry"),
            "continue" => self.go(|p| p.call::<r::Continue>(&thread).map(drop)),
            "next" => self.go(|p| p.call::<r::Next>(&step).map(drop)),
            "in" => self.go(|p| p.call::<r::StepIn>(&step).map(drop)),
            "into" => self.step_into(rest),
            "out" => self.go(|p| p.call::<r::StepOut>(&step).map(drop)),
            "pause" => self.go(|p| {
                p.call::<r::Continue>(&thread)?;
                std::thread::sleep(Duration::from_millis(300));
                p.call::<r::Pause>(&thread).map(drop)
            }),
            "goto" => self.goto(rest),
            "stack" => Ok(self.frames.iter().map(shown_frame).collect()),
            "frame" => self.choose_frame(rest),
            "scopes" => self.scopes(),
            "eval" => self.evaluate(rest, "repl"),
            "watch" => self.evaluate(rest, "watch"),
            "parts" => self.parts(rest),
            "set" => self.set(rest),
            "complete" => self.complete(rest),
            "data" => self.data_breakpoint(rest),
            "threads" => {
                let threads = self.call::<r::Threads>(&Default::default())?.threads;
                Ok(threads.into_iter().map(|t| format!("{}\n", t.name)).collect())
            }
            "exception" => {
                let info = self.call::<r::ExceptionInfo>(&thread)?;
                let details = info.details.unwrap_or_default();
                let chain: String = describe_chain(&details, 0);
                Ok(format!("{} ({})\n{chain}", info.exception_id, info.break_mode))
            }
            "end" => self.end(),
            _ => Err(format!("no such command: {line}")),
        }
    }

    fn source(&self) -> dap::Source {
        dap::Source { path: Some(self.program.display().to_string()), ..Default::default() }
    }

    /// `break LINE`, `break LINE if CONDITION`, `break LINE hit RULE`, `break LINE log MESSAGE`.
    fn set_breakpoint(&mut self, rest: &str) -> Result<String, String> {
        let (line, how) = rest.split_once(' ').unwrap_or((rest, ""));
        let mut wanted = dap::SourceBreakpoint {
            line: line.parse().map_err(|_| format!("not a line: {line}"))?,
            ..Default::default()
        };
        match how.split_once(' ') {
            Some(("if", condition)) => wanted.condition = Some(condition.to_owned()),
            Some(("hit", rule)) => wanted.hit_condition = Some(rule.to_owned()),
            Some(("log", message)) => wanted.log_message = Some(message.to_owned()),
            _ => {}
        }
        self.breakpoints.push(wanted);
        if self.client.incoming().is_empty() && self.frames.is_empty() && self.events.is_empty() {
            return Ok(String::new());
        }
        self.send_breakpoints()
    }

    fn send_breakpoints(&mut self) -> Result<String, String> {
        let breakpoints = self.breakpoints.clone();
        let arguments = dap::SetBreakpointsArguments { source: self.source(), breakpoints, source_modified: None };
        let set = self.call::<r::SetBreakpoints>(&arguments)?.breakpoints;
        let shown = |(b, wanted): (&dap::Breakpoint, &dap::SourceBreakpoint)| {
            let line = b.line.unwrap_or_default();
            match (b.verified, line == wanted.line) {
                (true, true) => format!("breakpoint at {line}\n"),
                (true, false) => format!("breakpoint moved from {} to {line}\n", wanted.line),
                (false, _) => format!("no breakpoint: {}\n", b.message.clone().unwrap_or_default()),
            }
        };
        Ok(set.iter().zip(&self.breakpoints).map(shown).collect())
    }

    fn function_breakpoint(&mut self, name: &str) -> Result<String, String> {
        let wanted = dap::FunctionBreakpoint { name: name.to_owned(), ..Default::default() };
        let arguments = dap::SetFunctionBreakpointsArguments { breakpoints: vec![wanted] };
        self.call::<r::SetFunctionBreakpoints>(&arguments)?;
        Ok(String::new())
    }

    /// `data PLACE`, `data PLACE if CONDITION`: one more data breakpoint.
    fn data_breakpoint(&mut self, rest: &str) -> Result<String, String> {
        let (name, condition) = rest.split_once(" if ").map_or((rest, None), |(n, c)| (n, Some(c.to_owned())));
        let frame_id = Some(self.frame()?);
        let arguments = dap::DataBreakpointInfoArguments { variables_reference: None, name: name.to_owned(), frame_id };
        let info = self.call::<r::DataBreakpointInfo>(&arguments)?;
        let Some(data_id) = info.data_id else { return Ok(format!("refused: {}\n", info.description)) };
        self.data.push(dap::DataBreakpoint { data_id, condition, ..Default::default() });
        let arguments = dap::SetDataBreakpointsArguments { breakpoints: self.data.clone() };
        let set = self.call::<r::SetDataBreakpoints>(&arguments)?.breakpoints;
        let set = set.last().ok_or("no answer")?;
        let verdict = if set.verified { "watched" } else { "not watched" };
        Ok(format!("{verdict}: {}\n", set.message.clone().unwrap_or_default()))
    }

    fn exceptions(&mut self, filters: &str) -> Result<String, String> {
        let filters = filters.split_whitespace().map(str::to_owned).collect();
        let arguments = dap::SetExceptionBreakpointsArguments { filters, filter_options: Vec::new() };
        self.call::<r::SetExceptionBreakpoints>(&arguments)?;
        Ok(String::new())
    }

    fn begin(&mut self, stop_on_entry: bool) -> Result<String, String> {
        self.call::<r::Initialize>(&dap::InitializeArguments::default())?;
        self.call::<r::Attach>(&dap::AttachArguments { stop_on_entry, ..Default::default() })?;
        self.client.wait_for_event("initialized", PATIENCE, &mut self.events)?;
        let mut out = if self.breakpoints.is_empty() { String::new() } else { self.send_breakpoints()? };
        out.push_str(&self.go(|p| p.call::<r::ConfigurationDone>(&Default::default()).map(drop))?);
        Ok(out)
    }

    /// Lets the program run until it stops or ends.
    fn go(&mut self, how: impl FnOnce(&mut Player) -> Result<(), String>) -> Result<String, String> {
        self.frames.clear();
        how(self)?;
        let mut out = String::new();
        loop {
            let event = match self.events.is_empty() {
                false => self.events.remove(0),
                true => match self.client.incoming().recv_timeout(PATIENCE) {
                    Ok(dap::Incoming::Message(dap::Message::Event(e))) => e,
                    Ok(dap::Incoming::Closed(_)) => return Ok(out + "the connection ended\n"),
                    Ok(_) => continue,
                    Err(_) => return Err("the program neither stopped nor ended".to_owned()),
                },
            };
            match event.parse().map_err(|e| e.to_string())? {
                EventBody::Output(o) => out.push_str(&format!("log {}", o.output)),
                EventBody::Exited(e) => out.push_str(&format!("exited {}\n", e.exit_code)),
                EventBody::Terminated(_) => return Ok(out),
                EventBody::Stopped(s) => return Ok(out + &self.stopped(s)?),
                _ => {}
            }
        }
    }

    fn stopped(&mut self, s: dap::StoppedEvent) -> Result<String, String> {
        self.thread = s.thread_id.unwrap_or(self.thread);
        let arguments = dap::StackTraceArguments { thread_id: self.thread, ..Default::default() };
        self.frames = self.call::<r::StackTrace>(&arguments)?.stack_frames;
        let place = self.frames.first().map_or("nowhere".to_owned(), |f| format!("{} line {}", f.name, f.line));
        let text = s.text.map_or(String::new(), |t| format!(": {t}"));
        Ok(format!("{} in {place}{text}\n", s.reason))
    }

    fn goto(&mut self, line: &str) -> Result<String, String> {
        let line = line.parse().map_err(|_| format!("not a line: {line}"))?;
        let arguments = dap::GotoTargetsArguments { source: self.source(), line, column: None };
        let targets = self.call::<r::GotoTargets>(&arguments)?.targets;
        let target_id = targets.first().ok_or("no target")?.id;
        let arguments = dap::GotoArguments { thread_id: self.thread, target_id };
        self.go(|p| p.call::<r::Goto>(&arguments).map(drop))
    }

    /// Steps into the call that is written so.
    fn step_into(&mut self, call: &str) -> Result<String, String> {
        let frame_id = self.frame()?;
        let targets = self.call::<r::StepInTargets>(&dap::FrameArguments { frame_id })?.targets;
        let labels: Vec<String> = targets.iter().map(|t| t.label.clone()).collect();
        let target = targets.iter().find(|t| t.label == call).ok_or_else(|| format!("only {labels:?}"))?;
        let arguments = dap::StepArguments { thread_id: self.thread, target_id: Some(target.id), ..Default::default() };
        let stop = self.go(|p| p.call::<r::StepIn>(&arguments).map(drop))?;
        Ok(format!("calls: {}\n{stop}", labels.join(", ")))
    }

    fn choose_frame(&mut self, n: &str) -> Result<String, String> {
        let n: usize = n.parse().map_err(|_| format!("not a number: {n}"))?;
        if n >= self.frames.len() {
            return Err("no such frame".to_owned());
        }
        self.frames.rotate_left(n);
        Ok(shown_frame(&self.frames[0]))
    }

    fn frame(&self) -> Result<FrameId, String> {
        self.frames.first().map(|f| f.id).ok_or_else(|| "the program has not stopped".to_owned())
    }

    fn scopes(&mut self) -> Result<String, String> {
        let frame_id = self.frame()?;
        let mut out = String::new();
        for scope in self.call::<r::Scopes>(&dap::FrameArguments { frame_id })?.scopes {
            let _ = writeln!(out, "{}", scope.name);
            if !scope.expensive {
                out.push_str(&self.children(scope.variables_reference, None)?);
            }
        }
        Ok(out)
    }

    fn children(
        &mut self,
        variables_reference: dap::VariablesReference,
        range: Option<(i64, i64)>,
    ) -> Result<String, String> {
        if !variables_reference.has_children() {
            return Ok(String::new());
        }
        let filter = range.map(|_| "indexed".to_owned());
        let (start, count) = (range.map(|r| r.0), range.map(|r| r.1));
        let arguments = dap::VariablesArguments { variables_reference, filter, start, count, format: None };
        let mut out = String::new();
        for v in self.call::<r::Variables>(&arguments)?.variables {
            // Names that the interpreter gives to every module are none of the program's.
            if v.name == "special names" {
                continue;
            }
            let _ = writeln!(out, "  {} = {}  ({})", v.name, v.value, v.type_name.unwrap_or_default());
        }
        Ok(out)
    }

    fn evaluate(&mut self, expression: &str, context: &str) -> Result<String, String> {
        let frame_id = Some(self.frame()?);
        let expression = expression.replace("\\n", "\n");
        let arguments =
            dap::EvaluateArguments { expression, frame_id, context: Some(context.to_owned()), format: None };
        let body = self.call::<r::Evaluate>(&arguments)?;
        Ok(body.result + "\n")
    }

    /// `parts EXPRESSION` or `parts START COUNT EXPRESSION`.
    fn parts(&mut self, rest: &str) -> Result<String, String> {
        let words: Vec<&str> = rest.splitn(3, ' ').collect();
        let (expression, range) = match words.as_slice() {
            [start, count, expression] if start.parse::<i64>().is_ok() => {
                (*expression, Some((start.parse().unwrap_or(0), count.parse().unwrap_or(0))))
            }
            _ => (rest, None),
        };
        let frame_id = Some(self.frame()?);
        let context = Some("watch".to_owned());
        let arguments = dap::EvaluateArguments { expression: expression.to_owned(), frame_id, context, format: None };
        let body = self.call::<r::Evaluate>(&arguments)?;
        let mut out = format!("{} ({})\n", body.result, body.type_name.unwrap_or_default());
        out.push_str(&self.children(body.variables_reference, range)?);
        Ok(out)
    }

    /// `set NAME = VALUE` in the first scope; `set EXPRESSION := VALUE` anywhere.
    fn set(&mut self, rest: &str) -> Result<String, String> {
        let frame_id = self.frame()?;
        if let Some((expression, value)) = rest.split_once(" := ") {
            let (expression, value) = (expression.to_owned(), value.to_owned());
            let arguments = dap::SetExpressionArguments { expression, value, frame_id: Some(frame_id) };
            return Ok(self.call::<r::SetExpression>(&arguments)?.value + "\n");
        }
        let (name, value) = rest.split_once(" = ").ok_or("set NAME = VALUE")?;
        let scopes = self.call::<r::Scopes>(&dap::FrameArguments { frame_id })?.scopes;
        let locals = scopes.iter().find(|s| s.name == "Locals").ok_or("no locals")?;
        let (name, value) = (name.to_owned(), value.to_owned());
        let arguments = dap::SetVariableArguments { variables_reference: locals.variables_reference, name, value };
        Ok(self.call::<r::SetVariable>(&arguments)?.value + "\n")
    }

    fn complete(&mut self, text: &str) -> Result<String, String> {
        let frame_id = Some(self.frame()?);
        let column = text.len() as i64 + 1;
        let arguments = dap::CompletionsArguments { frame_id, text: text.to_owned(), column, line: None };
        let targets = self.call::<r::Completions>(&arguments)?.targets;
        Ok(targets.into_iter().map(|t| t.label + "\n").collect())
    }

    /// The program's own output and its exit status.
    fn end(&mut self) -> Result<String, String> {
        let status = self.child.wait().map_err(|e| e.to_string())?;
        let mut out = String::new();
        let pipes: [Option<&mut dyn Read>; 2] = [
            self.child.stdout.as_mut().map(|p| p as &mut dyn Read),
            self.child.stderr.as_mut().map(|p| p as &mut dyn Read),
        ];
        for (name, pipe) in ["out", "err"].into_iter().zip(pipes) {
            let mut text = String::new();
            pipe.ok_or("no pipe")?.read_to_string(&mut text).map_err(|e| e.to_string())?;
            let folder = format!("{}/", self.program.parent().unwrap_or(Path::new("")).display());
            for line in text.replace(&folder, "").lines() {
                let _ = writeln!(out, "{name} {line}");
            }
        }
        let _ = writeln!(out, "status {}", status.code().map_or("none".to_owned(), |c| c.to_string()));
        Ok(out)
    }
}

fn shown_frame(f: &dap::StackFrame) -> String {
    let file = f.source.as_ref().and_then(|s| s.name.clone()).unwrap_or_default();
    let columns = f.end_column.map_or(String::new(), |end| format!(" columns {}-{end}", f.column));
    format!("{} {file}:{}{columns}\n", f.name, f.line)
}

fn describe_chain(details: &dap::ExceptionDetails, depth: usize) -> String {
    let name = details.type_name.clone().unwrap_or_default();
    let message = details.message.clone().unwrap_or_default();
    let mut out = format!("{}{name}: {message}\n", "  ".repeat(depth));
    for inner in details.inner_exception.iter().flatten() {
        out.push_str(&describe_chain(inner, depth + 1));
    }
    out
}
