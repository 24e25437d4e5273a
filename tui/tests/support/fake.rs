//! A scripted debug adapter: it pretends to run `inventory.py` and stops at a fixed list of places.

use serde_json::{Value, json};
use taipan_tui::dap::{Event, Message, Request};

/// One stop of the pretended program.
#[derive(Debug, Clone)]
pub struct Stop {
    pub reason: &'static str,
    /// Frames, innermost first: function and line.
    pub frames: Vec<(&'static str, i64)>,
    /// Locals: name, value, type, reference of the children.
    pub locals: Vec<(&'static str, String, &'static str, i64)>,
    /// Type and message of the exception.
    pub exception: Option<(&'static str, &'static str)>,
}

/// The adapter.
#[derive(Debug, Clone)]
pub struct Fake {
    /// Where the program stops, in order; behind the last it ends.
    pub stops: Vec<Stop>,
    /// The stop that is reached next.
    pub next: usize,
    /// All requests received, in order.
    pub log: Vec<Request>,
    /// Requests that are refused, with the reason.
    pub refuse: Vec<(&'static str, &'static str)>,
    /// Whether the program runs on without stopping when it is resumed.
    pub keeps_running: bool,
    /// Whether the adapter tells which breakpoints were hit.
    pub hit_ids: Vec<i64>,
    /// The program's exit code.
    pub exit_code: i64,
    seq: i64,
}

fn local(name: &'static str, value: &str, type_name: &'static str) -> (&'static str, String, &'static str, i64) {
    (name, value.to_owned(), type_name, 0)
}

impl Fake {
    /// The usual program: three stops in a loop, then an exception that nobody catches, then the end.
    pub fn new() -> Fake {
        let stack = |name, line| vec![(name, line), ("main", 43), ("<module>", 50)];
        let this = ("self", "<3 items>".to_owned(), "Inventory", 20);
        let item = ("item", "Item(name='tea', price=4.5)".to_owned(), "Item", 21);
        let dunder = local("__debug__", "True", "bool");
        let stops = vec![
            Stop { reason: "entry", frames: vec![("<module>", 1)], locals: vec![], exception: None },
            Stop {
                reason: "breakpoint",
                frames: stack("value", 24),
                locals: vec![this.clone(), local("total", "0.0", "float"), dunder],
                exception: None,
            },
            Stop {
                reason: "step",
                frames: stack("value", 25),
                locals: vec![this.clone(), local("total", "0.0", "float"), item.clone(), local("count", "30", "int")],
                exception: None,
            },
            Stop {
                reason: "step",
                frames: stack("value", 24),
                locals: vec![this, local("total", "135.0", "float"), item, local("count", "30", "int")],
                exception: None,
            },
            Stop {
                reason: "exception",
                frames: vec![("order", 34), ("main", 47), ("<module>", 50)],
                locals: vec![local("stock", "120", "int"), local("count", "0", "int")],
                exception: Some(("ZeroDivisionError", "division by zero")),
            },
        ];
        Fake {
            stops,
            next: 0,
            log: Vec::new(),
            refuse: Vec::new(),
            keeps_running: false,
            hit_ids: Vec::new(),
            exit_code: 1,
            seq: 0,
        }
    }

    /// The program starts anew.
    pub fn restart(&mut self) {
        self.next = 0;
    }

    /// The names of the requests received, in order.
    pub fn commands(&self) -> Vec<&str> {
        self.log.iter().map(|r| r.command.as_str()).collect()
    }

    /// The arguments of the last request called `command`.
    pub fn last(&self, command: &str) -> Value {
        let found = self.log.iter().rev().find(|r| r.command == command);
        found.unwrap_or_else(|| panic!("no request {command} in {:?}", self.commands())).arguments.clone()
    }

    /// How many requests called `command` were received.
    pub fn count(&self, command: &str) -> usize {
        self.log.iter().filter(|r| r.command == command).count()
    }

    /// An event.
    pub fn event(&mut self, name: &str, body: Value) -> Message {
        self.seq += 1;
        Message::Event(Event { seq: self.seq, event: name.to_owned(), body })
    }

    /// The event of the next stop, or those of the end.
    pub fn advance(&mut self) -> Vec<Message> {
        let Some(stop) = self.stops.get(self.next).cloned() else {
            let code = self.exit_code;
            return vec![self.event("exited", json!({"exitCode": code})), self.event("terminated", json!({}))];
        };
        self.next += 1;
        let text = stop.exception.map(|(_, message)| message);
        let body = json!({"reason": stop.reason, "threadId": 1, "allThreadsStopped": true, "text": text,
            "hitBreakpointIds": self.hit_ids});
        vec![self.event("stopped", body)]
    }

    fn current(&self) -> Stop {
        self.stops[self.next.saturating_sub(1).min(self.stops.len() - 1)].clone()
    }

    /// Answers a message; the messages that follow from it come too.
    pub fn receive(&mut self, message: &Message) -> Vec<Message> {
        let Message::Request(request) = message else { return Vec::new() };
        self.log.push(request.clone());
        let mut answer = request.error("");
        if let Some((_, why)) = self.refuse.iter().find(|(name, _)| *name == request.command) {
            answer = request.error(*why);
        } else {
            match self.body(request) {
                Ok(body) => {
                    (answer.success, answer.message, answer.body) = (true, None, body);
                }
                Err(why) => answer = request.error(why),
            }
        }
        self.seq += 1;
        answer.seq = self.seq;
        let success = answer.success;
        let mut messages = vec![Message::Response(answer)];
        if !success {
            return messages;
        }
        match request.command.as_str() {
            "launch" | "attach" => messages.push(self.event("initialized", Value::Null)),
            "configurationDone" => messages.extend(self.advance()),
            "continue" | "next" | "stepIn" | "stepOut" | "stepBack" if !self.keeps_running => {
                messages.extend(self.advance());
            }
            "pause" => {
                let body = json!({"reason": "pause", "threadId": 1, "allThreadsStopped": true});
                messages.push(self.event("stopped", body));
            }
            "goto" => {
                let body = json!({"reason": "goto", "threadId": 1, "allThreadsStopped": true});
                messages.push(self.event("stopped", body));
            }
            _ => {}
        }
        messages
    }

    fn body(&self, request: &Request) -> Result<Value, String> {
        let arguments = &request.arguments;
        Ok(match request.command.as_str() {
            "initialize" => json!({
                "supportsConfigurationDoneRequest": true, "supportsFunctionBreakpoints": true,
                "supportsConditionalBreakpoints": true, "supportsSetVariable": true,
                "supportsCompletionsRequest": true, "supportsExceptionInfoRequest": true,
                "supportsGotoTargetsRequest": true, "supportsStepInTargetsRequest": true,
                "supportsDelayedStackTraceLoading": true, "supportsDataBreakpoints": true,
                "exceptionBreakpointFilters": [
                    {"filter": "raised", "label": "Raised exceptions", "default": false},
                    {"filter": "uncaught", "label": "Uncaught exceptions", "default": true}],
            }),
            "setBreakpoints" => breakpoints(arguments),
            "setFunctionBreakpoints" | "setDataBreakpoints" => breakpoints(arguments),
            "threads" => json!({"threads": [{"id": 1, "name": "MainThread"}]}),
            "stackTrace" => self.frames(),
            "scopes" => json!({"scopes": [
                {"name": "Locals", "variablesReference": 10, "expensive": false},
                {"name": "Globals", "variablesReference": 11, "expensive": false}]}),
            "variables" => self.variables(arguments["variablesReference"].as_i64().unwrap_or(0)),
            "evaluate" => self.evaluate(arguments["expression"].as_str().unwrap_or(""))?,
            "setVariable" => json!({"value": arguments["value"]}),
            "exceptionInfo" => {
                let stop = self.current();
                let (id, message) = stop.exception.ok_or("no exception")?;
                json!({"exceptionId": id, "description": message, "breakMode": "unhandled", "details": {
                    "typeName": id, "message": message,
                    "stackTrace": "  File \"inventory.py\", line 34, in order\n    per_customer = stock / count\n",
                    "innerException": [{"typeName": "KeyError", "message": "'rice'"}]}})
            }
            "gotoTargets" => json!({"targets": [{"id": 5, "label": "line", "line": arguments["line"]}]}),
            "stepInTargets" => json!({"targets": [{"id": 7, "label": "values()"}, {"id": 8, "label": "price()"}]}),
            "completions" => json!({"targets": [{"label": "total"}, {"label": "total_weight"}]}),
            "dataBreakpointInfo" => json!({"dataId": "d1", "description": "total"}),
            "source" => json!({"content": "generated = 1\n"}),
            "launch"
            | "attach"
            | "configurationDone"
            | "setExceptionBreakpoints"
            | "continue"
            | "next"
            | "stepIn"
            | "stepOut"
            | "pause"
            | "goto"
            | "disconnect" => json!({}),
            other => return Err(format!("unknown request {other}")),
        })
    }

    fn frames(&self) -> Value {
        let stop = self.current();
        let frames = stop.frames.iter().enumerate().map(|(i, (name, line))| {
            json!({"id": 100 * self.next + i, "name": name, "line": line, "column": 1,
                "source": {"name": "inventory.py", "path": "/shop/inventory.py"}})
        });
        json!({"stackFrames": frames.collect::<Vec<_>>(), "totalFrames": stop.frames.len()})
    }

    fn variables(&self, reference: i64) -> Value {
        let variable = |name: &str, value: &str, type_name: &str, reference: i64| {
            json!({"name": name, "value": value, "type": type_name, "variablesReference": reference,
                "evaluateName": name})
        };
        let list: Vec<Value> = match reference {
            10 => self.current().locals.iter().map(|(n, v, t, r)| variable(n, v, t, *r)).collect(),
            11 => vec![variable("__name__", "'__main__'", "str", 0), variable("LIMIT", "10", "int", 0)],
            20 => vec![variable("items", "{'tea': (…)}", "dict", 22), variable("log", "[]", "list", 0)],
            21 => vec![variable("name", "'tea'", "str", 0), variable("price", "4.5", "float", 0)],
            _ => vec![variable("0", "'x'", "str", 0)],
        };
        json!({"variables": list})
    }

    fn evaluate(&self, expression: &str) -> Result<Value, String> {
        let locals = self.current().locals;
        let known = locals.iter().find(|(n, ..)| *n == expression);
        if let Some((_, value, type_name, reference)) = known {
            return Ok(json!({"result": value, "type": type_name, "variablesReference": reference}));
        }
        match expression {
            "total * 2" => Ok(json!({"result": "270.0", "type": "float", "variablesReference": 0})),
            "self.items" => Ok(json!({"result": "{'tea': (…)}", "type": "dict", "variablesReference": 22})),
            e if e.contains('=') => Ok(json!({"result": "", "variablesReference": 0})),
            e => Err(format!("Traceback (most recent call last):\nNameError: name '{e}' is not defined")),
        }
    }
}

fn breakpoints(arguments: &Value) -> Value {
    let wanted = arguments["breakpoints"].as_array().cloned().unwrap_or_default();
    let set = wanted.iter().enumerate().map(|(i, b)| {
        let line = b["line"].as_i64().unwrap_or(0);
        json!({"id": 1000 + line + i as i64, "verified": true, "line": line})
    });
    json!({"breakpoints": set.collect::<Vec<_>>()})
}
