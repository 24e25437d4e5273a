//! The envelope of the protocol: every message is a request, a response or an event.
//!
//! Arguments and bodies stay untyped JSON here, so that a peer can pass on what it does not understand;
//! [`Request::parse`], [`Response::parse`] and [`Event::parse`] give the typed view.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::event::EventBody;
use super::request::Command;

/// One protocol message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Message {
    /// A question or an order; mostly from the client, sometimes from the server (`runInTerminal`).
    Request(Request),
    /// The answer to one request.
    Response(Response),
    /// News from the server.
    Event(Event),
}

impl Message {
    /// The sender's number of this message.
    pub fn seq(&self) -> i64 {
        match self {
            Message::Request(m) => m.seq,
            Message::Response(m) => m.seq,
            Message::Event(m) => m.seq,
        }
    }

    /// Gives the message its number; a sender counts from 1.
    pub fn set_seq(&mut self, seq: i64) {
        match self {
            Message::Request(m) => m.seq = seq,
            Message::Response(m) => m.seq = seq,
            Message::Event(m) => m.seq = seq,
        }
    }
}

impl From<Request> for Message {
    fn from(m: Request) -> Self {
        Message::Request(m)
    }
}

impl From<Response> for Message {
    fn from(m: Response) -> Self {
        Message::Response(m)
    }
}

impl From<Event> for Message {
    fn from(m: Event) -> Self {
        Message::Event(m)
    }
}

/// A request: a command and its arguments.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// The sender's number of this message; the response repeats it as `request_seq`.
    #[serde(default)]
    pub seq: i64,
    /// The command's name, as in [`Command::NAME`].
    pub command: String,
    /// The arguments, `Null` when there are none.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub arguments: Value,
}

impl Request {
    /// The request for command `C`.
    pub fn new<C: Command>(seq: i64, arguments: &C::Arguments) -> Request {
        Request { seq, command: C::NAME.to_owned(), arguments: to_value(arguments) }
    }

    /// The arguments as command `C` types them.
    ///
    /// Errors: the arguments do not have the shape that `C` requires. A request without arguments counts as one with
    /// an empty object, because clients differ in this.
    pub fn parse<C: Command>(&self) -> Result<C::Arguments, serde_json::Error> {
        from_value(&self.arguments)
    }

    /// The answer that says "done", with the body that command `C` promises.
    pub fn ok<C: Command>(&self, body: &C::Body) -> Response {
        Response {
            seq: 0,
            request_seq: self.seq,
            success: true,
            command: self.command.clone(),
            message: None,
            body: to_value(body),
        }
    }

    /// The answer that says "failed": `message` is shown to the user.
    pub fn error(&self, message: impl Into<String>) -> Response {
        let message = message.into();
        let body = serde_json::json!({ "error": { "id": 1, "format": message, "showUser": true } });
        Response {
            seq: 0,
            request_seq: self.seq,
            success: false,
            command: self.command.clone(),
            message: Some(message),
            body,
        }
    }
}

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Response {
    /// The sender's number of this message.
    #[serde(default)]
    pub seq: i64,
    /// The number of the request answered.
    pub request_seq: i64,
    /// Whether the request was carried out.
    pub success: bool,
    /// The command of the request.
    #[serde(default)]
    pub command: String,
    /// On failure: a short text, or one of the words `cancelled` and `notStopped`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// On success the body that the command promises; on failure possibly `{"error": {"format": …}}`.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub body: Value,
}

impl Response {
    /// The body as command `C` types it.
    ///
    /// Errors: the request failed (the text for the user), or the body does not have the shape that `C` promises.
    pub fn parse<C: Command>(&self) -> Result<C::Body, String> {
        if !self.success {
            return Err(self.error_text());
        }
        from_value(&self.body).map_err(|e| format!("the debugger's answer to {} is malformed: {e}", self.command))
    }

    /// What went wrong, for the user: the detailed text if the server sent one, with its `{variables}` filled in.
    pub fn error_text(&self) -> String {
        let error = &self.body["error"];
        if let Some(format) = error["format"].as_str().filter(|f| !f.is_empty()) {
            let mut text = format.to_owned();
            for (name, value) in error["variables"].as_object().into_iter().flatten() {
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                text = text.replace(&format!("{{{name}}}"), &value);
            }
            return text;
        }
        self.message.clone().unwrap_or_else(|| format!("{} failed", self.command))
    }
}

/// News from the server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The sender's number of this message.
    #[serde(default)]
    pub seq: i64,
    /// The event's name.
    pub event: String,
    /// What it tells, `Null` when nothing.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub body: Value,
}

impl Event {
    /// The event of a typed body; the number is set when it is sent.
    pub fn new(body: &EventBody) -> Event {
        Event { seq: 0, event: body.name().to_owned(), body: body.to_value() }
    }

    /// The typed body; an event that this side does not know becomes [`EventBody::Other`].
    ///
    /// Errors: the event is known but its body does not have the right shape.
    pub fn parse(&self) -> Result<EventBody, serde_json::Error> {
        EventBody::from_value(&self.event, &self.body)
    }
}

/// Serialises plain data; our types have string keys and finite numbers only, so this cannot fail.
pub(super) fn to_value<T: Serialize>(data: &T) -> Value {
    serde_json::to_value(data).expect("protocol types have string keys only")
}

/// Reads plain data; an absent value counts as an empty object.
pub(super) fn from_value<T: for<'de> Deserialize<'de>>(value: &Value) -> Result<T, serde_json::Error> {
    if value.is_null() {
        return T::deserialize(Value::Object(serde_json::Map::new())).or_else(|_| T::deserialize(value));
    }
    T::deserialize(value)
}

#[cfg(test)]
mod tests {
    use super::super::arguments::StackTraceArguments;
    use super::super::request::{Continue, SetBreakpoints, StackTrace};
    use super::super::types::*;
    use super::*;

    #[test]
    fn envelope_has_the_shape_of_the_specification() {
        let request = Request::new::<StackTrace>(
            3,
            &StackTraceArguments { thread_id: ThreadId(1), start_frame: None, levels: Some(20) },
        );
        assert_eq!(
            serde_json::to_string(&Message::from(request)).unwrap(),
            r#"{"type":"request","seq":3,"command":"stackTrace","arguments":{"threadId":1,"levels":20}}"#
        );
    }

    #[test]
    fn absent_arguments_and_bodies_count_as_empty() {
        let text = r#"{"type":"response","seq":9,"request_seq":3,"success":true,"command":"continue"}"#;
        let Message::Response(response) = serde_json::from_str(text).unwrap() else { panic!("not a response") };
        assert_eq!(response.parse::<Continue>().unwrap().all_threads_continued, None);
    }

    #[test]
    fn failure_prefers_the_detailed_text() {
        let text = r#"{"type":"response","seq":9,"request_seq":3,"success":false,"command":"setBreakpoints",
            "message":"short","body":{"error":{"id":7,"format":"no {what} here","variables":{"what":"code"}}}}"#;
        let Message::Response(response) = serde_json::from_str(text).unwrap() else { panic!("not a response") };
        assert_eq!(response.parse::<SetBreakpoints>().unwrap_err(), "no code here");
    }

    #[test]
    fn error_answer_is_understood_by_the_other_side() {
        let request = Request { seq: 5, command: "goto".to_owned(), arguments: Value::Null };
        let response = request.error("cannot jump into a loop");
        assert_eq!(response.request_seq, 5);
        assert_eq!(response.error_text(), "cannot jump into a loop");
    }
}
