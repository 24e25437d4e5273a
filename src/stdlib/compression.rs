//! What the incremental decompressors of `zlib` and `_bz2` have in common: input that could not be used yet.

use taipan_runtime::object::buffer::BufferRequest;
use taipan_runtime::object::{PyResult, Value};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::sequence::ssize_arg;
use taipan_runtime::vm::Vm;

/// Output buffers grow by doubling, from this size on.
pub const FIRST_BLOCK: usize = 16 * 1024;

/// Room for more output: at least a block, at most up to `limit` bytes in all. Gives the length before.
pub fn make_room(out: &mut Vec<u8>, limit: usize) -> usize {
    let len = out.len();
    let more = len.clamp(FIRST_BLOCK, 256 << 20).min(limit - len);
    out.resize(len + more, 0);
    len
}

/// The state of a decompressor that is fed piece by piece.
pub struct Feed {
    /// The stream has ended.
    pub eof: bool,
    /// Input is wanted before there can be more output.
    pub needs_input: bool,
    /// What followed the end of the stream.
    pub unused: Vec<u8>,
    /// Input not used yet.
    left: Vec<u8>,
}

impl Feed {
    /// At the start of a stream.
    pub fn new() -> Feed {
        Feed { eof: false, needs_input: true, unused: Vec::new(), left: Vec::new() }
    }

    /// The input for the next step: what was left, and the new data.
    pub fn input(&mut self, data: &[u8]) -> Vec<u8> {
        let mut input = std::mem::take(&mut self.left);
        input.extend_from_slice(data);
        input
    }

    /// Notes what a step did not use.
    pub fn done(&mut self, rest: &[u8], ended: bool) {
        self.eof = ended;
        if ended {
            self.needs_input = false;
            self.unused = rest.to_vec();
        } else {
            self.needs_input = rest.is_empty();
            self.left = rest.to_vec();
        }
    }
}

impl Default for Feed {
    fn default() -> Self {
        Feed::new()
    }
}

/// Arguments `data` and `max_length` of `decompress`; the limit is a number of bytes.
pub fn step_arguments(vm: &mut Vm, data: &Value, limit: Option<&Value>) -> PyResult<(Vec<u8>, usize)> {
    let bytes = contiguous(vm, data)?;
    let limit = match limit {
        Some(v) => ssize_arg(vm, v)?,
        None => -1,
    };
    Ok((bytes, usize::try_from(limit).unwrap_or(usize::MAX)))
}

/// The bytes of a buffer in one piece.
pub fn contiguous(vm: &mut Vm, data: &Value) -> PyResult<Vec<u8>> {
    if let Some(b) = data.downcast::<Bytes>() {
        return Ok(b.as_slice().to_vec());
    }
    let view = vm.buffer(data, BufferRequest::READ)?;
    if !view.is_contiguous() {
        return Err(vm.buffer_error("memoryview: underlying buffer is not C-contiguous"));
    }
    Ok(view.to_vec(vm))
}
