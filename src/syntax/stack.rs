//! Deep nesting without overflow: recursion over trees moves to a new stack when the current one runs out.

/// How deep expressions may nest. CPython stops where its stack ends, at ten thousand levels or more; here a tree must
/// also be droppable on the stack of a main thread.
pub(crate) const MAX_DEPTH: usize = 6_000;

/// Stack that must be left for one more level, and how much is added when it is not, in bytes.
const RED_ZONE: usize = 128 << 10;
const STEP: usize = 4 << 20;

/// Runs one level of a recursion.
pub(crate) fn grown<T>(level: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(RED_ZONE, STEP, level)
}

/// Runs a recursion that wants much stack at once.
pub(crate) fn roomy<T>(work: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(64 << 20, 256 << 20, work)
}
