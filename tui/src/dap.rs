//! The Debug Adapter Protocol, in both directions: messages as plain data, their framing on a byte stream, and a client.
//!
//! Both ends of a debugging session use these types. The server inside the interpreter reads [`Request`]s and writes
//! [`Response`]s and [`Event`]s; the terminal UI does the opposite. Nothing here knows of Python or of a screen.
//!
//! - [`message`] is the envelope: a [`Message`] is a request, a response or an event.
//! - [`request`] is the table of requests: one row joins a command's name with its arguments and the body of its answer.
//! - [`arguments`] holds those arguments and bodies.
//! - [`event`] is the table of events.
//! - [`types`] holds what several of them share (sources, breakpoints, frames, variables, capabilities).
//! - [`framing`] cuts a byte stream into messages and back (`Content-Length` headers).
//! - [`client`] sends requests and hands what arrives to a channel, without ever blocking its caller.
//!
//! Unknown fields are ignored and missing ones get their defaults, as the protocol demands of both sides. Requests and
//! events of Taipan's own are named `taipan/…`; a peer that does not know one answers with an error or ignores it.
//!
//! Source: <https://microsoft.github.io/debug-adapter-protocol/specification>.

pub mod arguments;
pub mod client;
pub mod event;
pub mod framing;
pub mod message;
pub mod request;
pub mod types;

pub use arguments::*;
pub use client::{Client, Endpoint, Incoming};
pub use event::*;
pub use framing::{Decoder, FrameError, MessageReader, write_message};
pub use message::{Event, Message, Request, Response};
pub use request::Command;
pub use types::*;
