//! Messages on a byte stream: a header block with `Content-Length`, an empty line, then that many bytes of JSON.
//!
//! [`Decoder`] is fed bytes as they come and gives messages out; it never blocks and never panics, whatever it is fed.
//! [`MessageReader`] joins it to a [`Read`], [`write_message`] does the way back.

use std::fmt;
use std::io::{self, Read, Write};

use super::message::Message;

/// The longest header block accepted, in bytes: real ones have under 50.
const MAX_HEADER: usize = 8 * 1024;
/// The longest body accepted, in bytes: more is a broken peer, not a big value.
const MAX_BODY: usize = 256 * 1024 * 1024;

/// Why a stream of bytes could not be read as messages.
#[derive(Debug)]
pub enum FrameError {
    /// The stream itself failed.
    Io(io::Error),
    /// The header block is not one; where the next message starts is unknown, so the stream is lost.
    Header(String),
    /// The body is not a message; the stream goes on behind it.
    Body(serde_json::Error),
    /// The stream ended inside a message.
    Truncated,
}

impl FrameError {
    /// Whether messages behind this error can still be read.
    pub fn is_recoverable(&self) -> bool {
        matches!(self, FrameError::Body(_))
    }
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FrameError::Io(e) => write!(f, "{e}"),
            FrameError::Header(what) => write!(f, "malformed header of a debugger message: {what}"),
            FrameError::Body(e) => write!(f, "malformed debugger message: {e}"),
            FrameError::Truncated => write!(f, "the stream ended inside a debugger message"),
        }
    }
}

impl std::error::Error for FrameError {}

impl From<io::Error> for FrameError {
    fn from(e: io::Error) -> Self {
        FrameError::Io(e)
    }
}

/// Cuts bytes into messages, however they are chopped up on their way.
#[derive(Debug, Default)]
pub struct Decoder {
    buffer: Vec<u8>,
    /// Bytes of `buffer` already given out.
    used: usize,
    /// Bytes of `buffer` known to hold no end of a header block, counted from `used`.
    searched: usize,
    /// Length of the body whose header was read.
    body: Option<usize>,
}

impl Decoder {
    /// An empty decoder.
    pub fn new() -> Decoder {
        Decoder::default()
    }

    /// Adds bytes that arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.used > 0 {
            self.buffer.drain(..self.used);
            self.used = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// Whether bytes of an unfinished message are held.
    pub fn is_partial(&self) -> bool {
        self.body.is_some() || self.used < self.buffer.len()
    }

    /// The next complete message, or `None` when more bytes are needed.
    ///
    /// Errors: [`FrameError::Header`], after which the decoder has dropped all it held, and [`FrameError::Body`], after
    /// which it goes on with the message behind.
    pub fn next_message(&mut self) -> Result<Option<Message>, FrameError> {
        let length = match self.body {
            Some(length) => length,
            None => match self.take_header() {
                Ok(Some(length)) => length,
                Ok(None) => return Ok(None),
                Err(e) => {
                    *self = Decoder::new();
                    return Err(e);
                }
            },
        };
        self.body = Some(length);
        let rest = &self.buffer[self.used..];
        if rest.len() < length {
            return Ok(None);
        }
        let message = serde_json::from_slice(&rest[..length]).map_err(FrameError::Body);
        self.used += length;
        self.searched = 0;
        self.body = None;
        message.map(Some)
    }

    /// Reads a header block if it is complete, and returns the length of the body behind it.
    fn take_header(&mut self) -> Result<Option<usize>, FrameError> {
        let rest = &self.buffer[self.used..];
        let from = self.searched.saturating_sub(3);
        let Some(end) = find(&rest[from..], b"\r\n\r\n").map(|i| from + i) else {
            self.searched = rest.len();
            if rest.len() > MAX_HEADER {
                return Err(FrameError::Header("it does not end".to_owned()));
            }
            return Ok(None);
        };
        let length = parse_header(&rest[..end])?;
        self.used += end + 4;
        Ok(Some(length))
    }
}

/// Finds the first `needle` in `hay`.
fn find(hay: &[u8], needle: &[u8]) -> Option<usize> {
    hay.windows(needle.len()).position(|w| w == needle)
}

/// The value of `Content-Length` in a header block; other fields are allowed and ignored.
fn parse_header(block: &[u8]) -> Result<usize, FrameError> {
    let text = std::str::from_utf8(block).map_err(|_| FrameError::Header("it is not text".to_owned()))?;
    let mut length = None;
    for line in text.split("\r\n") {
        let (name, value) =
            line.split_once(':').ok_or_else(|| FrameError::Header(format!("no colon in {:?}", clip(line))))?;
        if name.trim().eq_ignore_ascii_case("content-length") {
            let value = value.trim();
            length =
                Some(value.parse::<usize>().map_err(|_| FrameError::Header(format!("bad length {:?}", clip(value))))?);
        }
    }
    match length {
        Some(n) if n > MAX_BODY => Err(FrameError::Header(format!("a body of {n} bytes is too long"))),
        Some(n) => Ok(n),
        None => Err(FrameError::Header("no Content-Length".to_owned())),
    }
}

/// The start of a text that may be huge, for an error message.
fn clip(text: &str) -> &str {
    let end = text.char_indices().nth(40).map_or(text.len(), |(i, _)| i);
    &text[..end]
}

/// Reads messages from a byte stream, blocking.
#[derive(Debug)]
pub struct MessageReader<R> {
    stream: R,
    decoder: Decoder,
}

impl<R: Read> MessageReader<R> {
    /// A reader of messages on `stream`; no further buffering is needed.
    pub fn new(stream: R) -> MessageReader<R> {
        MessageReader { stream, decoder: Decoder::new() }
    }

    /// Waits for the next message; `None` when the stream has ended between two messages.
    ///
    /// Errors: those of [`FrameError`]; after a recoverable one the next call reads the message behind.
    pub fn read(&mut self) -> Result<Option<Message>, FrameError> {
        let mut chunk = [0u8; 16 * 1024];
        loop {
            if let Some(message) = self.decoder.next_message()? {
                return Ok(Some(message));
            }
            match self.stream.read(&mut chunk) {
                Ok(0) if self.decoder.is_partial() => return Err(FrameError::Truncated),
                Ok(0) => return Ok(None),
                Ok(n) => self.decoder.push(&chunk[..n]),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e.into()),
            }
        }
    }
}

/// Writes one message with its header and flushes, in a single `write` so that messages of several threads that share a
/// socket behind a lock never interleave.
///
/// Errors: those of the stream.
pub fn write_message(stream: &mut impl Write, message: &Message) -> io::Result<()> {
    stream.write_all(&encode(message))?;
    stream.flush()
}

/// The bytes of one message, header included.
pub fn encode(message: &Message) -> Vec<u8> {
    let body = serde_json::to_vec(message).expect("protocol types have string keys only");
    let mut bytes = format!("Content-Length: {}\r\n\r\n", body.len()).into_bytes();
    bytes.extend_from_slice(&body);
    bytes
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::message::{Event, Request, Response};
    use super::*;

    /// Small deterministic random numbers (xorshift), so that a failure can be repeated.
    struct Random(u64);

    impl Random {
        fn next(&mut self) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0
        }
        fn below(&mut self, n: usize) -> usize {
            (self.next() % n as u64) as usize
        }
    }

    fn random_text(r: &mut Random) -> String {
        const PIECES: [&str; 8] = ["x", "Content-Length: 9\r\n\r\n", "ü", "\"\\", "🐍", "\n", "\u{0}", "{}"];
        (0..r.below(12)).map(|_| PIECES[r.below(PIECES.len())]).collect()
    }

    fn random_value(r: &mut Random, depth: usize) -> Value {
        match r.below(if depth == 0 { 4 } else { 6 }) {
            0 => json!(r.next() as i64),
            1 => json!(random_text(r)),
            2 => json!(r.below(2) == 0),
            3 => json!(0.5 * r.below(100) as f64),
            4 => (0..r.below(4)).map(|_| random_value(r, depth - 1)).collect(),
            _ => Value::Object((0..r.below(4)).map(|_| (random_text(r), random_value(r, depth - 1))).collect()),
        }
    }

    fn random_message(r: &mut Random) -> Message {
        let seq = r.below(1000) as i64;
        match r.below(3) {
            0 => Request { seq, command: random_text(r), arguments: random_value(r, 3) }.into(),
            1 => Response {
                seq,
                request_seq: r.below(99) as i64,
                success: r.below(2) == 0,
                command: random_text(r),
                message: (r.below(2) == 0).then(|| random_text(r)),
                body: random_value(r, 3),
            }
            .into(),
            _ => Event { seq, event: random_text(r), body: random_value(r, 3) }.into(),
        }
    }

    #[test]
    fn round_trip_survives_any_chopping() {
        let mut r = Random(0x7a1_9a6);
        for _ in 0..300 {
            let messages: Vec<Message> = (0..1 + r.below(5)).map(|_| random_message(&mut r)).collect();
            let bytes: Vec<u8> = messages.iter().flat_map(encode).collect();
            let mut decoder = Decoder::new();
            let mut got = Vec::new();
            let mut at = 0;
            while at < bytes.len() {
                let end = (at + 1 + r.below(40)).min(bytes.len());
                decoder.push(&bytes[at..end]);
                at = end;
                while let Some(message) = decoder.next_message().unwrap() {
                    got.push(message);
                }
            }
            assert_eq!(got, messages);
            assert!(!decoder.is_partial());
        }
    }

    #[test]
    fn damaged_bytes_never_panic_and_never_hang() {
        let mut r = Random(0x5eed);
        for _ in 0..2000 {
            let mut bytes: Vec<u8> = (0..3).flat_map(|_| encode(&random_message(&mut r))).collect();
            for _ in 0..1 + r.below(4) {
                let at = r.below(bytes.len());
                match r.below(3) {
                    0 => bytes[at] = r.next() as u8,
                    1 => drop(bytes.remove(at)),
                    _ => bytes.insert(at, r.next() as u8),
                }
            }
            let mut reader = MessageReader::new(&bytes[..]);
            for _ in 0..20 {
                match reader.read() {
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    Err(e) if e.is_recoverable() => {}
                    Err(e) => {
                        assert!(!e.to_string().is_empty());
                        break;
                    }
                }
            }
        }
    }

    #[test]
    fn a_body_that_is_no_message_is_skipped() {
        let mut bytes = b"Content-Length: 7\r\nContent-Type: x\r\n\r\n{\"a\":1}".to_vec();
        let good = Message::from(Event { seq: 1, event: "initialized".to_owned(), body: Value::Null });
        bytes.extend(encode(&good));
        let mut reader = MessageReader::new(&bytes[..]);
        assert!(reader.read().unwrap_err().is_recoverable());
        assert_eq!(reader.read().unwrap(), Some(good));
        assert!(reader.read().unwrap().is_none());
    }

    #[test]
    fn headers_that_cannot_be_right_are_refused() {
        for (bytes, what) in [
            (&b"Content-Length: -1\r\n\r\n{}"[..], "bad length"),
            (b"Content-Length: 99999999999\r\n\r\n", "too long"),
            (b"Length: 2\r\n\r\n{}", "no Content-Length"),
            (b"hello\r\n\r\n", "no colon"),
            (b"\xff\xfe: 2\r\n\r\n{}", "not text"),
        ] {
            let error = MessageReader::new(bytes).read().unwrap_err();
            assert!(error.to_string().contains(what), "{error}");
            assert!(!error.is_recoverable());
        }
        let endless = vec![b'a'; 3 * MAX_HEADER];
        assert!(MessageReader::new(&endless[..]).read().unwrap_err().to_string().contains("does not end"));
    }

    #[test]
    fn an_end_inside_a_message_is_told_from_one_between_messages() {
        let bytes = encode(&Event { seq: 1, event: "exited".to_owned(), body: json!({"exitCode": 3}) }.into());
        for cut in 1..bytes.len() {
            assert!(matches!(MessageReader::new(&bytes[..cut]).read(), Err(FrameError::Truncated)), "cut at {cut}");
        }
        assert!(MessageReader::new(&b""[..]).read().unwrap().is_none());
    }
}
