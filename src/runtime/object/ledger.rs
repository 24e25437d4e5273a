//! What each allocation site holds: exact counts, kept by the allocator while sites are recorded (`probe::sites` gives the
//! sites their meaning).
//!
//! The peak is attributed lazily: a site's count is copied aside the first time it changes after a new peak; a site that
//! has not changed since then still holds what it held at the peak.

use std::cell::UnsafeCell;

/// Bytes and blocks.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Count {
    /// Bytes really taken.
    pub bytes: usize,
    /// Number of blocks.
    pub blocks: usize,
}

/// What one site holds; half a cache line.
#[derive(Clone, Copy)]
#[repr(C, align(32))]
struct Held {
    bytes: usize,
    peak_bytes: usize,
    /// The peak that `peak_bytes` belong to; when it is not the present one, what is held now was held at the peak.
    epoch: u64,
    blocks: u32,
    peak_blocks: u32,
}

const NOTHING: Held = Held { bytes: 0, peak_bytes: 0, epoch: 0, blocks: 0, peak_blocks: 0 };

struct Ledger {
    held: Vec<Held>,
    now: Count,
    peak: Count,
    /// Bytes of blocks that live since before recording began.
    older: usize,
    /// Number of the present peak.
    epoch: u64,
}

struct Guarded(UnsafeCell<Ledger>);
// SAFETY: guarded by the GIL (I1).
unsafe impl Sync for Guarded {}

static LEDGER: Guarded = Guarded(UnsafeCell::new(Ledger {
    held: Vec::new(),
    now: Count { bytes: 0, blocks: 0 },
    peak: Count { bytes: 0, blocks: 0 },
    older: 0,
    epoch: 0,
}));

/// The one ledger.
///
/// # Safety
/// The GIL is held and no other reference is alive: every function here takes it, and calls nothing that could.
#[inline(always)]
unsafe fn ledger<'a>() -> &'a mut Ledger {
    // SAFETY: by the caller's promise.
    unsafe { &mut *LEDGER.0.get() }
}

impl Ledger {
    /// What a site holds, about to change.
    ///
    /// # Safety
    /// There is room for the site ([`make_room`]).
    #[inline(always)]
    unsafe fn touch(&mut self, site: u32) -> &mut Held {
        // SAFETY: by the caller's promise.
        let h = unsafe { self.held.get_unchecked_mut(site as usize) };
        if h.epoch != self.epoch {
            h.peak_bytes = h.bytes;
            h.peak_blocks = h.blocks;
            h.epoch = self.epoch;
        }
        h
    }
}

/// A block was handed out.
///
/// # Safety
/// The GIL is held; there is room for the site.
#[inline(always)]
pub unsafe fn allocated(site: u32, size: usize) {
    // SAFETY: by the caller's promise.
    unsafe {
        let l = ledger();
        let h = l.touch(site);
        h.bytes += size;
        h.blocks += 1;
        l.now.bytes += size;
        l.now.blocks += 1;
        if l.now.bytes > l.peak.bytes {
            l.peak = l.now;
            l.epoch += 1;
        }
    }
}

/// A block was given back; site 0: one from before recording began.
///
/// # Safety
/// As [`allocated`].
#[inline(always)]
pub unsafe fn freed(site: u32, size: usize) {
    // SAFETY: by the caller's promise.
    unsafe {
        let l = ledger();
        if site == 0 {
            l.older -= size;
            return;
        }
        let h = l.touch(site);
        h.bytes -= size;
        h.blocks -= 1;
        l.now.bytes -= size;
        l.now.blocks -= 1;
    }
}

/// Makes room for sites below `count`.
///
/// # Safety
/// The GIL is held.
pub unsafe fn make_room(count: usize) {
    // SAFETY: by the caller's promise.
    let l = unsafe { ledger() };
    if l.held.len() < count {
        l.held.resize(count, NOTHING);
    }
}

/// Forgets everything; `older` bytes live already.
///
/// # Safety
/// The GIL is held.
pub unsafe fn reset(older: usize) {
    // SAFETY: by the caller's promise.
    let l = unsafe { ledger() };
    l.held.fill(NOTHING);
    (l.now, l.peak, l.older, l.epoch) = (Count::default(), Count::default(), older, 0);
}

/// Lets the peak begin anew, at what is held now.
///
/// # Safety
/// The GIL is held.
pub unsafe fn reset_peak() {
    // SAFETY: by the caller's promise.
    let l = unsafe { ledger() };
    l.peak = l.now;
    l.epoch += 1;
}

/// What is held now, what was held at the peak, and bytes of blocks older than the recording.
///
/// # Safety
/// The GIL is held.
pub unsafe fn totals() -> (Count, Count, usize) {
    // SAFETY: by the caller's promise.
    let l = unsafe { ledger() };
    (l.now, l.peak, l.older)
}

/// What a site holds now, and held at the peak.
///
/// # Safety
/// The GIL is held; there is room for the site.
pub unsafe fn of_site(site: u32) -> (Count, Count) {
    // SAFETY: by the caller's promise.
    let l = unsafe { ledger() };
    let h = l.held[site as usize];
    let now = Count { bytes: h.bytes, blocks: h.blocks as usize };
    let peak = match h.epoch == l.epoch {
        true => Count { bytes: h.peak_bytes, blocks: h.peak_blocks as usize },
        false => now,
    };
    (now, peak)
}

/// Bytes the ledger itself takes.
///
/// # Safety
/// The GIL is held.
pub unsafe fn own_bytes() -> usize {
    // SAFETY: by the caller's promise.
    unsafe { ledger() }.held.capacity() * size_of::<Held>()
}
