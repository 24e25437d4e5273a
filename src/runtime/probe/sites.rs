//! Where memory was allocated: a tree of calling contexts whose leaves, the *sites*, are lines, with exact counts of what
//! lives now and of what lived when most did.
//!
//! A frame remembers its own context (`Frame::node`), so an allocation looks one site up instead of walking the stack:
//! full tracebacks cost no more than one line. Counts are exact because, while tracking is on, allocations and frees both
//! take the allocator's slow path (see `object::heap`), which keeps `object::ledger`.
//!
//! Readers: `_tracemalloc`, and `taipan memory`. Bytes are those really taken from the allocator, not CPython's sizes.

use crate::object::Value;
use crate::object::heap::{self, Block, Space};
use crate::object::ledger;
pub use crate::object::ledger::Count;
use crate::types::code::Code;
use crate::vm::Vm;
use crate::vm::frame::{Frame, at_base};
use crate::vm::running::{Running, Unit};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::cell::UnsafeCell;
use std::sync::Arc;
use taipan_bytecode::Op;

/// Site of blocks that were allocated outside of any Python frame.
pub const OUTSIDE: u32 = 1;
/// Contexts deeper than this fold recursion of one function into one context.
const UNFOLDED_DEPTH: u32 = 200;
const CACHE: usize = 4096;

/// A function called from a site.
struct Context {
    /// Its code, kept alive by a reference that is never given up.
    code: *const Code,
    /// Site of the call; 0 for the outermost.
    caller: u32,
    depth: u32,
}

/// A line of a context.
#[derive(Clone, Copy)]
struct Site {
    context: u32,
    line: u32,
}

#[derive(Clone, Copy)]
struct Cached {
    context: u32,
    unit: u32,
    site: u32,
}

struct Tree {
    on: bool,
    contexts: Vec<Context>,
    sites: Vec<Site>,
    context_ids: FxHashMap<(u32, usize), u32>,
    site_ids: FxHashMap<(u32, u32), u32>,
    cache: Vec<Cached>,
}

struct Guarded(UnsafeCell<Option<Box<Tree>>>);
// SAFETY: guarded by the GIL (I1).
unsafe impl Sync for Guarded {}

static TREE: Guarded = Guarded(UnsafeCell::new(None));

/// The tree, made at first use.
///
/// # Safety
/// The GIL is held, and no other reference to the tree is alive.
unsafe fn tree<'a>() -> &'a mut Tree {
    // SAFETY: by the caller's promise.
    let slot = unsafe { &mut *TREE.0.get() };
    slot.get_or_insert_with(|| {
        let nowhere = Site { context: 0, line: 0 };
        Box::new(Tree {
            on: false,
            contexts: vec![Context { code: std::ptr::null(), caller: 0, depth: 0 }],
            sites: vec![nowhere, nowhere],
            context_ids: FxHashMap::default(),
            site_ids: FxHashMap::default(),
            cache: vec![Cached { context: 0, unit: 0, site: OUTSIDE }; CACHE],
        })
    })
}

/// Whether an instruction lies before the first `RESUME`: the frame is not complete yet.
fn is_prologue(running: &Running, ip: *const Unit) -> bool {
    let first = running.canonical_code().instructions().find(|i| i.op == Op::RESUME);
    let at = running.lasti(ip);
    first.is_some_and(|i| at >= 0 && (at as usize) < i.index * 2)
}

/// The site of the allocation that is about to happen.
///
/// # Safety
/// As [`heap::SiteFn`]; recording has begun, so the tree exists.
unsafe fn here() -> u32 {
    // SAFETY: the GIL is held, the allocator holds no reference to the tree.
    unsafe { (*TREE.0.get()).as_mut().unwrap_unchecked().here() }
}

impl Tree {
    /// The site of the running instruction.
    unsafe fn here(&mut self) -> u32 {
        let vm = crate::vm::gil::holder();
        if vm.is_null() {
            return OUTSIDE;
        }
        // SAFETY: the holder is this thread; its frames are live while linked, and saved their `ip`.
        unsafe {
            let frame = (*vm).frame;
            if at_base(frame) {
                return OUTSIDE;
            }
            let context = match (*frame).node {
                0 => self.enter(frame),
                n => n,
            };
            let unit = ((*frame).ip as usize).wrapping_sub((*(*frame).running).start() as usize) as u32 / 8;
            let slot = (context.wrapping_mul(0x9E37_79B1) ^ unit.wrapping_mul(0x85EB_CA6B)) as usize >> 7 & (CACHE - 1);
            let hit = self.cache[slot];
            if hit.context == context && hit.unit == unit {
                return hit.site;
            }
            // What a function makes before its first line (cells, the generator) is made by the call.
            let caller = (*frame).prev;
            let site = if is_prologue(&*(*frame).running, (*frame).ip) && !at_base(caller) && (*caller).node != 0 {
                self.call_site(caller)
            } else {
                self.site(context, (*(*frame).running).line_of_unit(unit as usize))
            };
            self.cache[slot] = Cached { context, unit, site };
            site
        }
    }

    fn site(&mut self, context: u32, line: u32) -> u32 {
        let Tree { sites, site_ids, .. } = self;
        *site_ids.entry((context, line)).or_insert_with(|| {
            sites.push(Site { context, line });
            // SAFETY: the GIL is held whenever the tree is.
            unsafe { ledger::make_room(sites.len()) };
            sites.len() as u32 - 1
        })
    }

    /// The context of a frame that does not know it yet: its callers' are found first, from the outermost on.
    #[cold]
    #[inline(never)]
    unsafe fn enter(&mut self, frame: *mut Frame) -> u32 {
        // SAFETY: as `here`.
        unsafe {
            let mut unknown: SmallVec<[*mut Frame; 32]> = SmallVec::new();
            let mut f = frame;
            while !at_base(f) && (*f).node == 0 {
                unknown.push(f);
                f = (*f).prev;
            }
            let mut caller = if at_base(f) { 0 } else { self.call_site(f) };
            for &f in unknown.iter().rev() {
                (*f).node = self.context(caller, (*(*f).running).code);
                if !std::ptr::eq(f, frame) {
                    caller = self.call_site(f);
                }
            }
            (*frame).node
        }
    }

    /// The site a frame with a known context is at.
    unsafe fn call_site(&mut self, f: *mut Frame) -> u32 {
        // SAFETY: as `here`.
        unsafe {
            let running = &*(*f).running;
            self.site((*f).node, running.line_of_unit(running.index_of((*f).ip)))
        }
    }

    fn context(&mut self, caller: u32, code: *const Code) -> u32 {
        let parent = self.sites[caller as usize].context;
        let depth = self.contexts[parent as usize].depth + 1;
        if depth > UNFOLDED_DEPTH {
            if let Some(same) = self.same_code_above(parent, code) {
                return same;
            }
        }
        let Tree { contexts, context_ids, .. } = self;
        *context_ids.entry((caller, code as usize)).or_insert_with(|| {
            // SAFETY: a running frame's code is alive; the reference is never given up.
            unsafe { crate::types::code::keep_alive(code) };
            contexts.push(Context { code, caller, depth });
            contexts.len() as u32 - 1
        })
    }

    /// The nearest context from `at` outwards that runs the same code.
    fn same_code_above(&self, mut at: u32, code: *const Code) -> Option<u32> {
        for _ in 0..16 {
            let c = &self.contexts[at as usize];
            if std::ptr::eq(c.code, code) {
                return Some(at);
            }
            at = self.sites[c.caller as usize].context;
        }
        None
    }
}

/// Begins to record; what lives already has no site. Does nothing when recording is on.
pub fn start(_: &mut Vm) {
    // SAFETY: `&mut Vm` is the GIL.
    unsafe {
        let tree = tree();
        if !tree.on {
            tree.on = true;
            ledger::make_room(tree.sites.len());
            heap::set_tracking(Some(here));
        }
    }
}

/// Stops recording and forgets everything recorded.
pub fn stop(_: &mut Vm) {
    // SAFETY: `&mut Vm` is the GIL.
    unsafe {
        let tree = tree();
        if tree.on {
            tree.on = false;
            heap::set_tracking(None);
        }
    }
}

/// Whether allocations are being recorded.
pub fn is_on(_: &Vm) -> bool {
    // SAFETY: `&Vm` is the GIL.
    unsafe { tree().on }
}

/// Forgets the blocks recorded so far; goes on recording.
pub fn clear(_: &mut Vm) {
    // SAFETY: `&mut Vm` is the GIL.
    unsafe {
        let tree = tree();
        if tree.on {
            heap::set_tracking(Some(here));
        }
    }
}

/// What all recorded blocks hold now, and what they held at the peak (since the start or the last [`reset_peak`]).
pub fn totals(_: &Vm) -> (Count, Count) {
    // SAFETY: `&Vm` is the GIL.
    let (now, peak, _) = unsafe { ledger::totals() };
    (now, peak)
}

/// Bytes of blocks that were there before recording began (or was cleared) and live still: together with what
/// [`totals`] says now, all that the allocator has handed out.
pub fn older_bytes(_: &Vm) -> usize {
    // SAFETY: `&Vm` is the GIL.
    unsafe { ledger::totals().2 }
}

/// Lets the peak begin anew, at what is held now.
pub fn reset_peak(_: &mut Vm) {
    // SAFETY: `&mut Vm` is the GIL.
    unsafe { ledger::reset_peak() };
}

/// Bytes the tree itself takes, from the system's allocator.
pub fn table_bytes(_: &Vm) -> usize {
    // SAFETY: `&Vm` is the GIL.
    let t = unsafe { tree() };
    t.contexts.capacity() * size_of::<Context>()
        + t.sites.capacity() * size_of::<Site>()
        // SAFETY: as above.
        + unsafe { ledger::own_bytes() }
        + t.cache.capacity() * size_of::<Cached>()
        + (t.context_ids.capacity() + t.site_ids.capacity()) * 24
}

/// One site with what it holds.
#[derive(Clone, Copy, Debug)]
pub struct SiteCount {
    /// Its id.
    pub site: u32,
    /// Now.
    pub now: Count,
    /// At the peak.
    pub at_peak: Count,
}

/// The sites that hold something now or held something at the peak.
pub fn sites(_: &Vm) -> Vec<SiteCount> {
    // SAFETY: `&Vm` is the GIL.
    let t = unsafe { tree() };
    (1..t.sites.len() as u32)
        .map(|site| {
            // SAFETY: as above; room is made with every site.
            let (now, at_peak) = unsafe { ledger::of_site(site) };
            SiteCount { site, now, at_peak }
        })
        .filter(|s| s.now.blocks != 0 || s.at_peak.blocks != 0)
        .collect()
}

/// A line of a function, as a traceback names it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Place {
    /// `co_filename`
    pub file: Arc<str>,
    /// Line, 0 for code without lines.
    pub line: u32,
    /// `co_qualname`
    pub function: Arc<str>,
}

/// The traceback of a site, innermost place first, at most `limit` of them; empty for [`OUTSIDE`].
pub fn traceback(_: &Vm, site: u32, limit: usize) -> Vec<Place> {
    // SAFETY: `&Vm` is the GIL; contexts keep their code alive.
    unsafe {
        let t = tree();
        let mut places = Vec::new();
        let mut at = site;
        while at > OUTSIDE && (at as usize) < t.sites.len() && places.len() < limit {
            let Site { context, line } = t.sites[at as usize];
            let c = &t.contexts[context as usize];
            let code = &(*c.code).canonical;
            places.push(Place { file: code.filename.clone(), line, function: code.qualname.clone() });
            at = c.caller;
        }
        places
    }
}

/// Number of places in a site's whole traceback.
pub fn depth(_: &Vm, site: u32) -> usize {
    // SAFETY: `&Vm` is the GIL.
    let t = unsafe { tree() };
    t.contexts[t.sites[site as usize].context as usize].depth as usize
}

/// Site of the block that holds an object; 0 when it was not recorded, or is no heap object.
pub fn site_of(_: &Vm, v: &Value) -> u32 {
    match v.header() {
        // SAFETY: `&Vm` is the GIL; a live object whose block's size is its own.
        Some(h) if !h.is_immortal() => unsafe {
            heap::site_of(v.as_ptr().cast(), crate::object::instance::block_size(v))
        },
        _ => 0,
    }
}

/// Visits every recorded live block; `visit` must not allocate Python objects.
pub fn live_blocks(_: &Vm, mut visit: impl FnMut(&Block)) {
    // SAFETY: `&Vm` is the GIL; the walk frees nothing.
    unsafe { heap::walk_tracked(|b| visit(&b)) }
}

/// The object in a live block; `None` for a buffer.
pub fn object_in(_: &Vm, b: &Block) -> Option<Value> {
    if b.space != Space::Objects {
        return None;
    }
    // SAFETY: a live block of this space starts with a header, whose type is not null (I4).
    unsafe {
        let h = &*b.address.cast::<crate::object::header::Header>();
        (!h.typ.get().is_null() && h.rc.get() != 0).then(|| Value::from_header(h))
    }
}

/// Who owns buffers: for each of the addresses the object whose block holds it as a word.
pub fn owners(_: &Vm, buffers: &rustc_hash::FxHashSet<usize>) -> FxHashMap<usize, Value> {
    let mut found = FxHashMap::default();
    // SAFETY: `&Vm` is the GIL; the walk reads words of live blocks and counts references up.
    unsafe {
        heap::walk_objects(|h, size, _| {
            let words = std::slice::from_raw_parts(h.cast::<usize>(), size / 8);
            for w in &words[2..] {
                // Some owners mark their buffer's address in its low bits.
                let address = w & !7;
                if buffers.contains(&address) && (*h).rc.get() != 0 {
                    found.entry(address).or_insert_with(|| Value::from_header(&*h));
                }
            }
        });
    }
    found
}
