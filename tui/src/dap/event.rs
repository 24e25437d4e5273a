//! The table of events: one row joins an event's name, its variant and the type of its body.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::message::{from_value, to_value};
use super::types::*;

macro_rules! events {
    ($( $(#[doc = $doc:literal])* $name:literal $variant:ident($body:ty); )*) => {
        /// What an event tells, typed.
        #[derive(Debug, Clone, PartialEq)]
        pub enum EventBody {
            $( $(#[doc = $doc])* $variant($body), )*
            /// An event that this side does not know: its name and its body.
            Other(String, Value),
        }

        impl EventBody {
            /// The name on the wire.
            pub fn name(&self) -> &str {
                match self {
                    $( EventBody::$variant(_) => $name, )*
                    EventBody::Other(name, _) => name,
                }
            }

            /// The body on the wire.
            pub fn to_value(&self) -> Value {
                match self {
                    $( EventBody::$variant(body) => to_value(body), )*
                    EventBody::Other(_, body) => body.clone(),
                }
            }

            /// Reads the event called `name`.
            ///
            /// Errors: the event is known but `body` does not have its shape.
            pub fn from_value(name: &str, body: &Value) -> Result<EventBody, serde_json::Error> {
                Ok(match name {
                    $( $name => EventBody::$variant(from_value(body)?), )*
                    _ => EventBody::Other(name.to_owned(), body.clone()),
                })
            }
        }
    };
}

events! {
    /// The server is ready for breakpoints; `configurationDone` ends that phase.
    "initialized" Initialized(Empty);
    /// A thread, or all of them, stopped.
    "stopped" Stopped(StoppedEvent);
    /// A thread, or all of them, runs again although the client did not ask for it.
    "continued" Continued(ContinuedEvent);
    /// The program has ended, with this exit code.
    "exited" Exited(ExitedEvent);
    /// The debugging session has ended.
    "terminated" Terminated(TerminatedEvent);
    /// A thread started or ended.
    "thread" Thread(ThreadEvent);
    /// Text from the program or from the debugger.
    "output" Output(OutputEvent);
    /// A breakpoint changed: it was verified, moved or removed.
    "breakpoint" Breakpoint(BreakpointEvent);
    /// A module was loaded or unloaded.
    "module" Module(ModuleEvent);
    /// A source became known or went away.
    "loadedSource" LoadedSource(LoadedSourceEvent);
    /// The process that is debugged.
    "process" Process(ProcessEvent);
    /// The server's capabilities changed.
    "capabilities" Capabilities(CapabilitiesEvent);
    /// What the client shows is out of date.
    "invalidated" Invalidated(InvalidatedEvent);
}

/// Body of `stopped`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StoppedEvent {
    /// Why: `step`, `breakpoint`, `exception`, `pause`, `entry`, `goto`, `function breakpoint`, `data breakpoint`.
    pub reason: String,
    /// The reason in words for the user, for example "Paused on exception".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The thread that stopped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<ThreadId>,
    /// Whether the client should leave its focus where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preserve_focus_hint: Option<bool>,
    /// More text, for an exception its type and message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Whether all threads stopped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub all_threads_stopped: Option<bool>,
    /// The breakpoints that were hit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hit_breakpoint_ids: Option<Vec<i64>>,
}

/// Body of `continued`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContinuedEvent {
    /// The thread that runs.
    pub thread_id: ThreadId,
    /// Whether all threads run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub all_threads_continued: Option<bool>,
}

/// Body of `exited`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExitedEvent {
    /// The program's exit code.
    pub exit_code: i64,
}

/// Body of `terminated`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TerminatedEvent {
    /// If present, the client should start anew and pass this value back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart: Option<Value>,
}

/// Body of `thread`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ThreadEvent {
    /// `started` or `exited`.
    pub reason: String,
    /// The thread.
    pub thread_id: ThreadId,
}

/// Body of `output`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OutputEvent {
    /// `console` (the default), `important`, `stdout`, `stderr` or `telemetry` (not for the user).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// The text, with its newlines.
    pub output: String,
    /// If positive, structured output that can be expanded like a variable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variables_reference: Option<VariablesReference>,
    /// Where the text was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// The line where it was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<i64>,
}

/// Body of `breakpoint`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BreakpointEvent {
    /// `changed`, `new` or `removed`.
    pub reason: String,
    /// The breakpoint as it is now; its `id` tells which one.
    pub breakpoint: Breakpoint,
}

/// Body of `module`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ModuleEvent {
    /// `new`, `changed` or `removed`.
    pub reason: String,
    /// The module.
    pub module: Module,
}

/// A module of the program.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Module {
    /// Number or text that identifies it.
    pub id: Value,
    /// Its name.
    pub name: String,
    /// The file it came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Whether the server counts it as the user's own code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_user_code: Option<bool>,
}

/// Body of `loadedSource`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LoadedSourceEvent {
    /// `new`, `changed` or `removed`.
    pub reason: String,
    /// The source.
    pub source: Source,
}

/// Body of `process`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ProcessEvent {
    /// The program's name or path.
    pub name: String,
    /// Its process id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_process_id: Option<i64>,
    /// Whether it runs on this computer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_local_process: Option<bool>,
    /// `launch`, `attach` or `attachForSuspendedLaunch`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_method: Option<String>,
}

/// Body of `capabilities`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CapabilitiesEvent {
    /// Only those that changed are set.
    pub capabilities: Capabilities,
}

/// Body of `invalidated`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct InvalidatedEvent {
    /// Which areas: `all`, `stacks`, `threads`, `variables`; empty means all.
    pub areas: Vec<String>,
    /// The thread concerned, if one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<ThreadId>,
    /// The frame concerned, if one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stack_frame_id: Option<FrameId>,
}

/// No fields at all; anything may stand there.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Empty(
    /// What the peer sent nevertheless.
    pub Map<String, Value>,
);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn typed_events_keep_their_names() {
        let stopped = EventBody::Stopped(StoppedEvent {
            reason: "breakpoint".to_owned(),
            thread_id: Some(ThreadId(1)),
            ..Default::default()
        });
        assert_eq!(stopped.name(), "stopped");
        assert_eq!(stopped.to_value(), json!({"reason": "breakpoint", "threadId": 1}));
        assert_eq!(EventBody::from_value("stopped", &stopped.to_value()).unwrap(), stopped);
    }

    #[test]
    fn unknown_events_pass_through() {
        let body = json!({"a": [1]});
        let event = EventBody::from_value("taipan/heat", &body).unwrap();
        assert_eq!(event, EventBody::Other("taipan/heat".to_owned(), body));
        assert!(matches!(EventBody::from_value("initialized", &Value::Null).unwrap(), EventBody::Initialized(_)));
    }
}
