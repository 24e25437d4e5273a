//! Streams of `zlib-rs` behind a safe handle. Its stable interface lacks strategies, memory levels and copies, so the
//! `z_stream` functions are used; this file is the only one that touches them.

use crate::compression::make_room;
use std::mem::MaybeUninit;
use zlib_rs::c_api::z_stream;
use zlib_rs::deflate::{self, DeflateConfig, DeflateStream};
use zlib_rs::inflate::{self, InflateConfig, InflateStream};
use zlib_rs::{DeflateFlush, InflateFlush, ReturnCode};

/// What went wrong: zlib's number, and its message if it left one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The return code.
    pub code: i32,
    /// `msg` of the stream.
    pub message: Option<String>,
}

/// Whether the stream has ended.
pub type Ended = bool;

macro_rules! stream {
    ($(#[$doc:meta])* $name:ident, $inner:ident, $end:expr) => {
        $(#[$doc])*
        pub struct $name {
            /// Initialised by `init` or `copy`, ended by drop.
            z: Box<z_stream>,
        }

        impl $name {
            fn inner(&mut self) -> &mut $inner<'static> {
                // SAFETY: the stream was initialised for this direction when the handle was made, and is ended by drop
                // only.
                unsafe { $inner::from_stream_mut(&mut *self.z) }.expect("the stream is initialised")
            }

            fn failure(&self, code: ReturnCode) -> Failure {
                let message = (!self.z.msg.is_null()).then(|| {
                    // SAFETY: a message is a static text with a zero at its end.
                    unsafe { std::ffi::CStr::from_ptr(self.z.msg) }.to_string_lossy().into_owned()
                });
                Failure { code: code as i32, message }
            }

            /// Runs `step` with the stream looking at `input` and at `out`; gives the result, how much of the input is
            /// left and how much of the output was filled.
            fn step(
                &mut self,
                input: &[u8],
                out: &mut [u8],
                step: impl FnOnce(&mut $inner<'static>) -> ReturnCode,
            ) -> (ReturnCode, usize, usize) {
                let (given, room) = (input.len().min(u32::MAX as usize), out.len().min(u32::MAX as usize));
                (self.z.next_in, self.z.avail_in) = (input.as_ptr(), given as u32);
                (self.z.next_out, self.z.avail_out) = (out.as_mut_ptr(), room as u32);
                let code = step(self.inner());
                let (left, free) = (self.z.avail_in as usize, self.z.avail_out as usize);
                // The memory is borrowed for this call only.
                (self.z.next_in, self.z.avail_in) = (std::ptr::null(), 0);
                (self.z.next_out, self.z.avail_out) = (std::ptr::null_mut(), 0);
                (code, input.len() - given + left, room - free)
            }
        }

        impl Drop for $name {
            fn drop(&mut self) {
                let end: fn(&mut $inner<'static>) = $end;
                end(self.inner());
            }
        }
    };
}

stream!(
    /// A compressing stream.
    Deflater, DeflateStream, |s| drop(deflate::end(s))
);
stream!(
    /// A decompressing stream.
    Inflater, InflateStream, |s| { inflate::end(s); }
);

impl Deflater {
    /// A stream with these options.
    pub fn new(level: i32, method: i32, window_bits: i32, mem_level: i32, strategy: i32) -> Result<Deflater, Failure> {
        let bad = Failure { code: ReturnCode::StreamError as i32, message: None };
        let (Ok(method), Ok(strategy)) = (method.try_into(), strategy.try_into()) else { return Err(bad) };
        let mut z = Box::new(z_stream::default());
        match deflate::init(&mut z, DeflateConfig { level, method, window_bits, mem_level, strategy }) {
            ReturnCode::Ok => Ok(Deflater { z }),
            code => Err(Failure { code: code as i32, message: None }),
        }
    }

    /// Sets the dictionary.
    pub fn set_dictionary(&mut self, dictionary: &[u8]) -> Result<(), Failure> {
        match deflate::set_dictionary(self.inner(), dictionary) {
            ReturnCode::Ok => Ok(()),
            code => Err(self.failure(code)),
        }
    }

    /// Compresses all of the input.
    pub fn run(&mut self, mut input: &[u8], flush: DeflateFlush) -> Result<(Vec<u8>, Ended), Failure> {
        let mut out = Vec::new();
        loop {
            let len = make_room(&mut out, usize::MAX);
            let (code, left, filled) = self.step(input, &mut out[len..], |s| deflate::deflate(s, flush));
            let full = len + filled == out.len();
            out.truncate(len + filled);
            input = &input[input.len() - left..];
            match code {
                ReturnCode::StreamEnd => return Ok((out, true)),
                ReturnCode::Ok | ReturnCode::BufError if !full && input.is_empty() => return Ok((out, false)),
                ReturnCode::Ok => {}
                ReturnCode::BufError if full => {}
                code => return Err(self.failure(code)),
            }
        }
    }

    /// An independent stream in the same state.
    pub fn copy(&mut self) -> Result<Deflater, Failure> {
        let mut z = Box::new(z_stream::default());
        // SAFETY: both have the same layout (zlib-rs asserts it); `copy` writes all of the destination.
        let place = unsafe { &mut *(&raw mut *z).cast::<MaybeUninit<DeflateStream<'static>>>() };
        match deflate::copy(place, self.inner()) {
            ReturnCode::Ok => Ok(Deflater { z }),
            code => Err(self.failure(code)),
        }
    }
}

/// What a decompressing step came to.
pub struct Inflated {
    /// Output.
    pub out: Vec<u8>,
    /// Bytes of the input not used.
    pub left: usize,
    /// The stream has ended.
    pub ended: Ended,
}

impl Inflater {
    /// A stream with this window.
    pub fn new(window_bits: i32) -> Result<Inflater, Failure> {
        let mut z = Box::new(z_stream::default());
        match inflate::init(&mut z, InflateConfig { window_bits }) {
            ReturnCode::Ok => Ok(Inflater { z }),
            code => Err(Failure { code: code as i32, message: None }),
        }
    }

    /// Sets the dictionary.
    pub fn set_dictionary(&mut self, dictionary: &[u8]) -> Result<(), Failure> {
        match inflate::set_dictionary(self.inner(), dictionary) {
            ReturnCode::Ok => Ok(()),
            code => Err(self.failure(code)),
        }
    }

    /// Decompresses until the input, the limit of output or the stream comes to its end.
    pub fn run(
        &mut self,
        input: &[u8],
        limit: usize,
        flush: InflateFlush,
        dictionary: Option<&[u8]>,
    ) -> Result<Inflated, (Failure, &'static str)> {
        const DECOMPRESSING: &str = "while decompressing data";
        let (mut out, mut left) = (Vec::new(), input.len());
        loop {
            let len = make_room(&mut out, limit);
            let rest = &input[input.len() - left..];
            // SAFETY: input and output are valid for the lengths given, by their slices.
            let (code, now, filled) = self.step(rest, &mut out[len..], |s| unsafe { inflate::inflate(s, flush) });
            let full = len + filled == out.len();
            let moved = filled > 0 || now < left;
            out.truncate(len + filled);
            left = now;
            match (code, dictionary) {
                (ReturnCode::StreamEnd, _) => return Ok(Inflated { out, left, ended: true }),
                (ReturnCode::NeedDict, Some(dictionary)) => {
                    self.set_dictionary(dictionary).map_err(|f| (f, "while setting zdict"))?;
                }
                (ReturnCode::Ok | ReturnCode::BufError, _) => {
                    let more = if full { out.len() < limit } else { left > 0 && moved };
                    if !more || (!moved && code == ReturnCode::BufError) {
                        return Ok(Inflated { out, left, ended: false });
                    }
                }
                (code, _) => return Err((self.failure(code), DECOMPRESSING)),
            }
        }
    }

    /// An independent stream in the same state.
    pub fn copy(&mut self) -> Result<Inflater, Failure> {
        let mut z = Box::new(z_stream::default());
        let mut nothing = [0u8; 1];
        // `copy` refuses a stream without a place for output.
        self.z.next_out = nothing.as_mut_ptr();
        // SAFETY: both have the same layout (zlib-rs asserts it); `copy` writes all of the destination, and the source
        // is a live stream.
        let code = unsafe {
            let place = &mut *(&raw mut *z).cast::<MaybeUninit<InflateStream<'static>>>();
            inflate::copy(place, self.inner())
        };
        self.z.next_out = std::ptr::null_mut();
        match code {
            ReturnCode::Ok => {
                z.next_out = std::ptr::null_mut();
                Ok(Inflater { z })
            }
            code => Err(self.failure(code)),
        }
    }
}
