//! The client's end of a connection: requests go out, whatever arrives is handed to a channel.
//!
//! Two threads serve the connection, one reading and one writing, so that a caller never waits for its peer: a screen
//! stays alive although the program is stopped in the middle of writing an answer. Both end with the connection.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};

use super::framing::{MessageReader, write_message};
use super::message::{Event, Message, Request, Response};
use super::request::Command;

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// A Unix socket.
    Unix(PathBuf),
    /// An address of this or another computer.
    Tcp(SocketAddr),
}

impl Endpoint {
    /// Connects, trying again until `patience` has passed, because a server that was just started needs a moment.
    /// `keep_trying` is asked between attempts; when it says no, the last error is returned at once.
    ///
    /// Errors: the last attempt's.
    pub fn connect(
        &self,
        patience: Duration,
        mut keep_trying: impl FnMut() -> bool,
    ) -> io::Result<(Box<dyn Read + Send>, Box<dyn Write + Send>)> {
        let deadline = Instant::now() + patience;
        loop {
            match self.try_connect() {
                Ok(pair) => return Ok(pair),
                Err(e) if Instant::now() >= deadline || !keep_trying() => return Err(e),
                Err(_) => thread::sleep(Duration::from_millis(20)),
            }
        }
    }

    fn try_connect(&self) -> io::Result<(Box<dyn Read + Send>, Box<dyn Write + Send>)> {
        Ok(match self {
            Endpoint::Unix(path) => {
                let stream = UnixStream::connect(path)?;
                (Box::new(stream.try_clone()?), Box::new(ClosingUnix(stream)))
            }
            Endpoint::Tcp(address) => {
                let stream = TcpStream::connect_timeout(address, Duration::from_secs(5))?;
                stream.set_nodelay(true)?;
                (Box::new(stream.try_clone()?), Box::new(ClosingTcp(stream)))
            }
        })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Endpoint::Unix(path) => write!(f, "{}", path.display()),
            Endpoint::Tcp(address) => write!(f, "{address}"),
        }
    }
}

macro_rules! closing {
    ($($name:ident($stream:ty);)*) => { $(
        /// The writing end of a connection. Its end is the end of the connection, although the reading end still waits.
        struct $name($stream);

        impl Write for $name {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.write(bytes)
            }
            fn flush(&mut self) -> io::Result<()> {
                self.0.flush()
            }
        }

        impl Drop for $name {
            fn drop(&mut self) {
                // A peer that is gone already has closed it.
                let _ = self.0.shutdown(Shutdown::Both);
            }
        }
    )* };
}

closing! {
    ClosingUnix(UnixStream);
    ClosingTcp(TcpStream);
}

/// What the reading thread reports.
#[derive(Debug, Clone, PartialEq)]
pub enum Incoming {
    /// A message of the server.
    Message(Message),
    /// A message that could not be understood; the connection goes on.
    Malformed(String),
    /// The connection has ended, with the reason if it was not an orderly one. Nothing comes after it.
    Closed(Option<String>),
}

/// A connection to a server.
#[derive(Debug)]
pub struct Client {
    outgoing: Sender<Message>,
    incoming: Receiver<Incoming>,
    last_seq: i64,
}

impl Client {
    /// Serves a connection given as its two directions.
    pub fn new(reader: impl Read + Send + 'static, writer: impl Write + Send + 'static) -> Client {
        let (outgoing, to_write) = unbounded();
        let (report, incoming) = unbounded();
        thread::spawn(move || write_all(writer, &to_write));
        thread::spawn(move || read_all(reader, &report));
        Client { outgoing, incoming, last_seq: 0 }
    }

    /// The channel on which everything arrives.
    pub fn incoming(&self) -> &Receiver<Incoming> {
        &self.incoming
    }

    /// A handle that sends messages whose numbers the caller chose.
    pub fn sender(&self) -> Sender<Message> {
        self.outgoing.clone()
    }

    /// The two channels alone: what is sent to the first goes out, and when all its handles are gone the connection ends.
    pub fn into_channels(self) -> (Sender<Message>, Receiver<Incoming>) {
        (self.outgoing, self.incoming)
    }

    /// Sends a request and returns its number; its answer will arrive on the channel.
    pub fn request<C: Command>(&mut self, arguments: &C::Arguments) -> i64 {
        self.last_seq += 1;
        // A closed connection shows itself on the incoming channel.
        let _ = self.outgoing.send(Request::new::<C>(self.last_seq, arguments).into());
        self.last_seq
    }

    /// Sends a request and waits for its answer; events that arrive meanwhile are appended to `events`.
    ///
    /// Errors: the server refused (its text), the connection ended, or `timeout` passed.
    pub fn call<C: Command>(
        &mut self,
        arguments: &C::Arguments,
        timeout: Duration,
        events: &mut Vec<Event>,
    ) -> Result<C::Body, String> {
        let seq = self.request::<C>(arguments);
        self.wait_for_response(seq, C::NAME, timeout, events)?.parse::<C>()
    }

    /// Waits for the answer to request `seq`.
    ///
    /// Errors: the connection ended, or `timeout` passed.
    pub fn wait_for_response(
        &mut self,
        seq: i64,
        what: &str,
        timeout: Duration,
        events: &mut Vec<Event>,
    ) -> Result<Response, String> {
        let deadline = Instant::now() + timeout;
        loop {
            match self.next_before(deadline, what)? {
                Message::Response(r) if r.request_seq == seq => return Ok(r),
                Message::Event(e) => events.push(e),
                Message::Response(_) | Message::Request(_) => {}
            }
        }
    }

    /// Waits for an event called `name`, looking first through `events`, from which it is removed; others are appended.
    ///
    /// Errors: the connection ended, or `timeout` passed.
    pub fn wait_for_event(&mut self, name: &str, timeout: Duration, events: &mut Vec<Event>) -> Result<Event, String> {
        let deadline = Instant::now() + timeout;
        loop {
            if let Some(i) = events.iter().position(|e| e.event == name) {
                return Ok(events.remove(i));
            }
            if let Message::Event(e) = self.next_before(deadline, name)? {
                events.push(e);
            }
        }
    }

    /// The next message, if it arrives in time.
    fn next_before(&mut self, deadline: Instant, what: &str) -> Result<Message, String> {
        loop {
            match self.incoming.recv_deadline(deadline) {
                Ok(Incoming::Message(m)) => return Ok(m),
                Ok(Incoming::Malformed(_)) => {}
                Ok(Incoming::Closed(why)) => {
                    return Err(why.unwrap_or_else(|| format!("the connection ended while waiting for {what}")));
                }
                Err(RecvTimeoutError::Timeout) => return Err(format!("timeout while waiting for {what}")),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(format!("the connection had ended before {what}"));
                }
            }
        }
    }
}

/// Body of the writing thread: ends when the client is dropped or the peer is gone.
fn write_all(mut writer: impl Write, messages: &Receiver<Message>) {
    while let Ok(message) = messages.recv() {
        if write_message(&mut writer, &message).is_err() {
            return;
        }
    }
}

/// Body of the reading thread: ends with the connection, or when nobody listens any more.
fn read_all(reader: impl Read, report: &Sender<Incoming>) {
    let mut reader = MessageReader::new(reader);
    loop {
        let (news, last) = match reader.read() {
            Ok(Some(message)) => (Incoming::Message(message), false),
            Ok(None) => (Incoming::Closed(None), true),
            Err(e) if e.is_recoverable() => (Incoming::Malformed(e.to_string()), false),
            Err(e) => (Incoming::Closed(Some(e.to_string())), true),
        };
        if report.send(news).is_err() || last {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::request::{Continue, Threads};
    use super::super::types::*;
    use super::*;
    use crate::dap::arguments::{ContinueBody, ThreadArguments, ThreadsBody};
    use crate::dap::event::{EventBody, StoppedEvent};

    /// Serves one connection: answers `threads`, refuses everything else, and ends after `count` requests.
    fn serve(stream: UnixStream, count: usize) -> thread::JoinHandle<()> {
        thread::spawn(move || {
            let mut writer = stream.try_clone().unwrap();
            let mut reader = MessageReader::new(stream);
            for _ in 0..count {
                let Ok(Some(Message::Request(request))) = reader.read() else { return };
                let stopped = EventBody::Stopped(StoppedEvent { reason: "step".to_owned(), ..Default::default() });
                write_message(&mut writer, &Event::new(&stopped).into()).unwrap();
                let answer = if request.command == Threads::NAME {
                    let main = Thread { id: ThreadId(1), name: "main".to_owned() };
                    request.ok::<Threads>(&ThreadsBody { threads: vec![main] })
                } else {
                    request.error("not now")
                };
                write_message(&mut writer, &answer.into()).unwrap();
            }
        })
    }

    #[test]
    fn calls_events_refusals_and_the_end() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let server = serve(theirs, 2);
        let mut client = Client::new(ours.try_clone().unwrap(), ours);
        let mut events = Vec::new();
        let patience = Duration::from_secs(10);
        let threads = client.call::<Threads>(&Default::default(), patience, &mut events).unwrap();
        assert_eq!(threads.threads[0].name, "main");
        let refused: Result<ContinueBody, String> =
            client.call::<Continue>(&ThreadArguments::default(), patience, &mut events);
        assert_eq!(refused.unwrap_err(), "not now");
        assert_eq!(events.len(), 2);
        let stopped = client.wait_for_event("stopped", patience, &mut events).unwrap();
        assert_eq!(stopped.body["reason"], Value::from("step"));
        server.join().unwrap();
        let gone = client.call::<Threads>(&Default::default(), patience, &mut events).unwrap_err();
        assert!(gone.contains("connection"), "{gone}");
    }

    #[test]
    fn connecting_gives_up_when_told() {
        let nowhere = Endpoint::Unix(PathBuf::from("/nonexistent/taipan.sock"));
        let started = Instant::now();
        assert!(nowhere.connect(Duration::from_secs(60), || false).is_err());
        assert!(started.elapsed() < Duration::from_secs(30));
    }
}
