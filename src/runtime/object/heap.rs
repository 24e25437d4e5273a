//! The allocator of all Python-visible memory: size classes in pools, pools in arenas, large blocks from the system.
//!
//! Why an own one: the collector and the heap tools walk objects by walking pools, so objects carry no list links; and
//! an allocation site is one store into an array beside the pool. Two spaces keep objects (walkable: the second word is
//! the type, zero when free) apart from raw buffers (list items, dict tables). With tracking off nothing is tested:
//! tracking makes every class's fast pool the empty one and every pool unquiet, so that each allocation and each free take
//! the slow path, which records.
//!
//! Not here: reference counts (`header`), ends of objects (`finalize`), cycles (`gc`).

pub mod candidates;

use super::header::Header;
use super::ledger;
use std::ptr::null_mut;

/// Bytes of a pool; pools are aligned to their size, so a block's pool is found by masking its address.
pub const POOL_BYTES: usize = 16 << 10;
const ARENA_BYTES: usize = 1 << 20;
/// Largest block served from pools, in bytes.
pub const SMALL_MAX: usize = 512;
const CLASSES: usize = SMALL_MAX / 16;
const GRANULES: usize = POOL_BYTES / 16;

/// The two kinds of blocks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Space {
    /// Blocks that start with a [`Header`].
    Objects = 0,
    /// Buffers owned by objects.
    Raw = 1,
}

struct Free {
    next: *mut Free,
    /// Overlaps `Header::typ`: zero marks the block as free.
    typ: usize,
}

/// Head of a pool, at its start.
#[repr(C, align(16))]
pub struct Pool {
    free: *mut Free,
    bump: *mut u8,
    limit: *mut u8,
    next: *mut Pool,
    sites: *mut u32,
    size: u32,
    used: u32,
    space: Space,
    /// The pool is its class's active one or stands in its list of pools with free blocks.
    listed: bool,
    /// Frees into the pool need no attention: it is listed, and tracking is off.
    quiet: bool,
    /// Blocks were handed out since the last collection of the youngest generation (bit 0), of the middle one (bit 1);
    /// the collector may look after objects here (bit 2).
    touched: u8,
    /// During a collection: where the numbers of the pool's blocks start, plus one; otherwise 0 (see [`candidates`]).
    row: u32,
    /// Divides an offset by `size`.
    reciprocal: u32,
}

/// All bits of [`Pool::touched`].
const TOUCHED: u8 = 3 | candidates::HOLDS_CONTAINERS;

const FIRST: usize = size_of::<Pool>().next_multiple_of(16);

#[derive(Clone, Copy)]
struct Class {
    /// The pool tried first; the empty pool while tracking is on.
    fast: *mut Pool,
    active: *mut Pool,
    available: *mut Pool,
}

/// Prefix of a block that came from the system allocator.
#[repr(C, align(16))]
struct Large {
    prev: *mut Large,
    next: *mut Large,
    size: usize,
    site: u32,
    /// As [`Pool::row`].
    row: u32,
    space: Space,
    /// The generation of objects that it belongs to, whatever lies in it.
    age: u8,
}

/// Tells the site of the allocation that is about to happen, not 0. Called with the GIL held; neither allocates from this
/// heap nor fails, and makes room for the site in the ledger.
pub type SiteFn = unsafe fn() -> u32;

/// The heap of the process; reached through this module's functions only.
pub struct Heap {
    classes: [[Class; CLASSES]; 2],
    pools: Vec<*mut Pool>,
    empty_pools: Vec<*mut Pool>,
    large: [*mut Large; 2],
    /// Pools of objects that handed out blocks since the last collection of the youngest generation, of the middle one.
    touched: [Vec<*mut Pool>; 2],
    site: Option<SiteFn>,
    /// Bytes in blocks handed out and not yet freed, per space; large blocks included.
    live_bytes: [usize; 2],
}

struct EmptyPool(Pool);
// SAFETY: never written: its lists are empty and no block lies in it.
unsafe impl Sync for EmptyPool {}

static EMPTY: EmptyPool = EmptyPool(Pool {
    free: null_mut(),
    bump: null_mut(),
    limit: null_mut(),
    next: null_mut(),
    sites: null_mut(),
    size: 0,
    used: 0,
    space: Space::Raw,
    listed: true,
    quiet: true,
    touched: 0,
    row: 0,
    reciprocal: 0,
});

const EMPTY_POOL: *mut Pool = &raw const EMPTY.0 as *mut Pool;
const EMPTY_CLASS: Class = Class { fast: EMPTY_POOL, active: EMPTY_POOL, available: null_mut() };

static mut HEAP: Heap = Heap {
    classes: [[EMPTY_CLASS; CLASSES]; 2],
    pools: Vec::new(),
    empty_pools: Vec::new(),
    large: [null_mut(); 2],
    touched: [Vec::new(), Vec::new()],
    site: None,
    live_bytes: [0; 2],
};

/// Which megabytes of the address space are arenas, a bit each: pages of it that no arena needs stay untouched.
static mut ARENAS: [u64; 1 << (ADDRESS_BITS - ARENA_BITS - 6)] = [0; 1 << (ADDRESS_BITS - ARENA_BITS - 6)];
const ADDRESS_BITS: u32 = 47;
const ARENA_BITS: u32 = ARENA_BYTES.trailing_zeros();

/// Whether an address lies in an arena, and so in a pool.
#[inline(always)]
fn in_arena(address: usize) -> bool {
    let arena = address >> ARENA_BITS;
    // SAFETY: addresses of user space have so many bits; written under the GIL only.
    unsafe { *(&raw const ARENAS).cast::<u64>().add(arena >> 6) & 1 << (arena & 63) != 0 }
}

#[inline(always)]
fn heap() -> *mut Heap {
    &raw mut HEAP
}

/// Allocates a block of `size` bytes, aligned to 16, uninitialised.
///
/// # Safety
/// The GIL is held (I1). A block of [`Space::Objects`] gets a header before anything can walk the heap (I4).
#[inline(always)]
pub unsafe fn alloc(space: Space, size: usize) -> *mut u8 {
    // SAFETY: the GIL makes the access exclusive.
    unsafe {
        if size <= SMALL_MAX {
            let class = &raw mut (*heap()).classes[space as usize][(size.max(1) - 1) >> 4];
            let pool = (*class).fast;
            let block = (*pool).free;
            if !block.is_null() {
                (*pool).free = (*block).next;
                (*pool).used += 1;
                return block.cast();
            }
            return alloc_slow(class, space, size);
        }
        alloc_large(space, size)
    }
}

#[inline(never)]
unsafe fn alloc_slow(class: *mut Class, space: Space, size: usize) -> *mut u8 {
    // SAFETY: as `alloc`.
    unsafe {
        let block = loop {
            let pool = (*class).active;
            let block = (*pool).free;
            if !block.is_null() {
                (*pool).free = (*block).next;
                (*pool).used += 1;
                break block.cast::<u8>();
            }
            let bump = (*pool).bump;
            if bump < (*pool).limit {
                (*pool).bump = bump.add((*pool).size as usize);
                (*pool).used += 1;
                break bump;
            }
            next_pool(class, space, size.max(1).next_multiple_of(16));
        };
        if (*(*class).active).touched != TOUCHED {
            candidates::touch((*class).active);
        }
        if let Some(site) = (*heap()).site {
            let site = site();
            ledger::allocated(site, (*(*class).active).size as usize);
            record(block, site);
        }
        block
    }
}

unsafe fn next_pool(class: *mut Class, space: Space, size: usize) {
    // SAFETY: as `alloc`.
    unsafe {
        let next = (*class).available;
        let pool = if next.is_null() {
            let pool = fresh_pool();
            let start = pool.cast::<u8>();
            let count = (POOL_BYTES - FIRST) / size;
            pool.write(Pool {
                free: null_mut(),
                bump: start.add(FIRST),
                limit: start.add(FIRST + count * size),
                next: null_mut(),
                sites: (*pool).sites,
                size: size as u32,
                used: 0,
                space,
                listed: true,
                quiet: true,
                touched: 0,
                row: 0,
                reciprocal: candidates::reciprocal(size),
            });
            pool
        } else {
            (*class).available = (*next).next;
            next
        };
        if (*class).active != EMPTY_POOL {
            (*(*class).active).listed = false;
            (*(*class).active).quiet = false;
        }
        (*pool).listed = true;
        (*pool).quiet = (*heap()).site.is_none();
        (*class).active = pool;
        if (*pool).quiet {
            (*class).fast = pool;
        }
    }
}

unsafe fn fresh_pool() -> *mut Pool {
    // SAFETY: as `alloc`; the mapping is checked.
    unsafe {
        let h = &mut *heap();
        if let Some(pool) = h.empty_pools.pop() {
            return pool;
        }
        let start = map_arena() as usize;
        let arena = start >> ARENA_BITS;
        *(&raw mut ARENAS).cast::<u64>().add(arena >> 6) |= 1 << (arena & 63);
        for i in (0..ARENA_BYTES / POOL_BYTES).rev() {
            let pool = (start + i * POOL_BYTES) as *mut Pool;
            h.pools.push(pool);
            h.empty_pools.push(pool);
        }
        h.empty_pools.pop().expect("an arena has pools")
    }
}

/// Fresh memory of an arena's size, aligned to it.
fn map_arena() -> *mut u8 {
    // SAFETY: plain mappings, checked; what is given back was just mapped.
    unsafe {
        let map = libc::mmap(
            null_mut(),
            2 * ARENA_BYTES,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
            -1,
            0,
        );
        if map == libc::MAP_FAILED || map as usize >> ADDRESS_BITS != 0 {
            std::alloc::handle_alloc_error(std::alloc::Layout::new::<[u8; ARENA_BYTES]>());
        }
        let before = (map as usize).next_multiple_of(ARENA_BYTES) - map as usize;
        let start = map.cast::<u8>().add(before);
        if before > 0 {
            libc::munmap(map, before);
        }
        libc::munmap(start.add(ARENA_BYTES).cast(), ARENA_BYTES - before);
        start
    }
}

#[inline(always)]
fn pool_of(block: *mut u8) -> *mut Pool {
    (block as usize & !(POOL_BYTES - 1)) as *mut Pool
}

unsafe fn record(block: *mut u8, site: u32) {
    // SAFETY: `block` lies in a pool; the array has one entry for each granule of it.
    unsafe {
        let pool = pool_of(block);
        if (*pool).sites.is_null() {
            let array = libc::calloc(GRANULES, size_of::<u32>()).cast::<u32>();
            if array.is_null() {
                return;
            }
            (*pool).sites = array;
        }
        *(*pool).sites.add((block as usize & (POOL_BYTES - 1)) >> 4) = site;
    }
}

/// Frees a block that [`alloc`] gave for `size` bytes.
///
/// # Safety
/// The block is not used again; `size` is the size it was asked with, or [`realloc_raw`]ed to; the GIL is held.
#[inline(always)]
pub unsafe fn free(space: Space, block: *mut u8, size: usize) {
    // SAFETY: by the caller's promise.
    unsafe {
        if size > SMALL_MAX {
            return free_large(block);
        }
        let pool = pool_of(block);
        let node = block.cast::<Free>();
        (*node).next = (*pool).free;
        (*node).typ = 0;
        (*pool).free = node;
        (*pool).used -= 1;
        if !(*pool).quiet {
            freed_slow(space, pool, block);
        }
    }
}

#[cold]
#[inline(never)]
unsafe fn freed_slow(space: Space, pool: *mut Pool, block: *mut u8) {
    // SAFETY: as `free`.
    unsafe {
        let tracking = (*heap()).site.is_some();
        if tracking {
            let mut site = 0;
            if !(*pool).sites.is_null() {
                let place = (*pool).sites.add((block as usize & (POOL_BYTES - 1)) >> 4);
                site = place.replace(0);
            }
            ledger::freed(site, (*pool).size as usize);
        }
        if !(*pool).listed {
            let class = &raw mut (*heap()).classes[space as usize][((*pool).size as usize >> 4) - 1];
            (*pool).listed = true;
            (*pool).quiet = !tracking;
            (*pool).next = (*class).available;
            (*class).available = pool;
        }
    }
}

/// The site of a large block that is being handed out; counts it.
unsafe fn large_site(h: *mut Heap, size: usize) -> u32 {
    // SAFETY: as `alloc`.
    unsafe {
        let Some(site) = (*h).site else { return 0 };
        let site = site();
        ledger::allocated(site, size);
        site
    }
}

unsafe fn alloc_large(space: Space, size: usize) -> *mut u8 {
    // SAFETY: the block is linked before it is handed out.
    unsafe {
        let p = libc::malloc(size_of::<Large>() + size).cast::<Large>();
        if p.is_null() {
            std::alloc::handle_alloc_error(std::alloc::Layout::from_size_align_unchecked(
                size.min(isize::MAX as usize - 16),
                16,
            ));
        }
        let h = heap();
        let site = large_site(h, size);
        let next = (*h).large[space as usize];
        p.write(Large { prev: null_mut(), next, size, site, row: 0, space, age: 0 });
        if !next.is_null() {
            (*next).prev = p;
        }
        (*h).large[space as usize] = p;
        (*h).live_bytes[space as usize] += size;
        let block = p.add(1).cast::<u8>();
        if space == Space::Objects {
            (*block.cast::<Free>()).typ = 0;
        }
        block
    }
}

#[inline(never)]
unsafe fn free_large(block: *mut u8) {
    // SAFETY: the prefix precedes every large block.
    unsafe {
        let p = block.cast::<Large>().sub(1);
        unlink(p);
        libc::free(p.cast());
    }
}

unsafe fn unlink(p: *mut Large) {
    // SAFETY: `p` is linked.
    unsafe {
        let h = heap();
        if (*h).site.is_some() {
            ledger::freed((*p).site, (*p).size);
        }
        (*h).live_bytes[(*p).space as usize] -= (*p).size;
        if (*p).prev.is_null() {
            (*h).large[(*p).space as usize] = (*p).next;
        } else {
            (*(*p).prev).next = (*p).next;
        }
        if !(*p).next.is_null() {
            (*(*p).next).prev = (*p).prev;
        }
    }
}

/// Resizes a raw buffer, keeping the first `min(old, new)` bytes.
///
/// # Safety
/// As [`free`] and [`alloc`]; the old pointer is dead afterwards.
pub unsafe fn realloc(space: Space, block: *mut u8, old: usize, new: usize) -> *mut u8 {
    // SAFETY: by the caller's promise.
    unsafe {
        if old > SMALL_MAX && new > SMALL_MAX {
            let p = block.cast::<Large>().sub(1);
            unlink(p);
            let q = libc::realloc(p.cast(), size_of::<Large>() + new).cast::<Large>();
            if q.is_null() {
                std::alloc::handle_alloc_error(std::alloc::Layout::from_size_align_unchecked(
                    new.min(isize::MAX as usize - 16),
                    16,
                ));
            }
            let h = heap();
            let next = (*h).large[space as usize];
            let site = large_site(h, new);
            q.write(Large { prev: null_mut(), next, size: new, site, row: 0, space, age: 0 });
            if !next.is_null() {
                (*next).prev = q;
            }
            (*h).large[space as usize] = q;
            (*h).live_bytes[space as usize] += new;
            return q.add(1).cast();
        }
        if old != 0 && old <= SMALL_MAX && new <= SMALL_MAX && (old - 1) >> 4 == (new.max(1) - 1) >> 4 {
            return block;
        }
        let fresh = alloc(space, new);
        if old != 0 {
            std::ptr::copy_nonoverlapping(block, fresh, old.min(new));
            free(space, block, old);
        }
        fresh
    }
}

/// [`realloc`] of a raw block; `block` may be null when `old` is 0.
///
/// # Safety
/// As [`realloc`].
pub unsafe fn realloc_raw(block: *mut u8, old: usize, new: usize) -> *mut u8 {
    // SAFETY: by the caller's promise.
    unsafe { realloc(Space::Raw, block, old, new) }
}

/// One block as a heap walk sees it.
#[derive(Clone, Copy, Debug)]
pub struct Block {
    /// Address of the block.
    pub address: *mut u8,
    /// Bytes really taken.
    pub size: usize,
    /// Allocation site, 0 when it was not tracked.
    pub site: u32,
    /// Objects or raw buffers.
    pub space: Space,
}

/// Visits every live object, in no particular order.
///
/// # Safety
/// The GIL is held; `visit` allocates and frees nothing.
pub unsafe fn walk_objects(mut visit: impl FnMut(*mut Header, usize, u32)) {
    // SAFETY: a block with a non-zero type word is a live object (I4).
    unsafe {
        let h = &*heap();
        for &pool in &h.pools {
            let p = &*pool;
            if p.size == 0 || p.space != Space::Objects || p.used == 0 {
                continue;
            }
            let mut at = pool.cast::<u8>().add(FIRST);
            while at < p.bump {
                let object = at.cast::<Header>();
                if !(*object).typ.get().is_null() {
                    visit(object, p.size as usize, site_in(p, at));
                }
                at = at.add(p.size as usize);
            }
        }
        let mut l = h.large[Space::Objects as usize];
        while !l.is_null() {
            let object = l.add(1).cast::<Header>();
            let next = (*l).next;
            if !(*object).typ.get().is_null() {
                visit(object, (*l).size, (*l).site);
            }
            l = next;
        }
    }
}

unsafe fn site_in(pool: &Pool, block: *mut u8) -> u32 {
    if pool.sites.is_null() {
        return 0;
    }
    // SAFETY: the array covers the pool.
    unsafe { *pool.sites.add((block as usize & (POOL_BYTES - 1)) >> 4) }
}

/// Allocation site of a live block, 0 when unknown.
///
/// # Safety
/// `block` came from [`alloc`] with `size` and is live; the GIL is held.
pub unsafe fn site_of(block: *mut u8, size: usize) -> u32 {
    // SAFETY: by the caller's promise.
    unsafe { if size > SMALL_MAX { (*block.cast::<Large>().sub(1)).site } else { site_in(&*pool_of(block), block) } }
}

/// Switches recording of allocation sites on or off; either way the sites recorded before are forgotten, and the ledger
/// begins anew.
///
/// # Safety
/// The GIL is held.
pub unsafe fn set_tracking(site: Option<SiteFn>) {
    // SAFETY: exclusive by the GIL.
    unsafe {
        let (objects, raw) = live_bytes();
        ledger::reset(objects + raw);
        let h = &mut *heap();
        h.site = site;
        for class in h.classes.iter_mut().flatten() {
            class.fast = if site.is_some() { EMPTY_POOL } else { class.active };
        }
        for &pool in &h.pools {
            (*pool).quiet = site.is_none() && (*pool).listed;
            if !(*pool).sites.is_null() {
                std::ptr::write_bytes((*pool).sites, 0, GRANULES);
            }
        }
        for space in [Space::Objects, Space::Raw] {
            let mut l = h.large[space as usize];
            while !l.is_null() {
                (*l).site = 0;
                l = (*l).next;
            }
        }
    }
}

/// Visits every live tracked block of both spaces (raw blocks are known live only by their site).
///
/// # Safety
/// As [`walk_objects`].
pub unsafe fn walk_tracked(mut visit: impl FnMut(Block)) {
    // SAFETY: free blocks are told apart by the free lists collected first.
    unsafe {
        let h = &*heap();
        let mut free_blocks = std::collections::HashSet::new();
        for &pool in &h.pools {
            let p = &*pool;
            if p.size == 0 || p.used == 0 || p.sites.is_null() {
                continue;
            }
            free_blocks.clear();
            let mut f = p.free;
            while !f.is_null() {
                free_blocks.insert(f as usize);
                f = (*f).next;
            }
            let mut at = pool.cast::<u8>().add(FIRST);
            while at < p.bump {
                let site = site_in(p, at);
                if site != 0 && !free_blocks.contains(&(at as usize)) {
                    visit(Block { address: at, size: p.size as usize, site, space: p.space });
                }
                at = at.add(p.size as usize);
            }
        }
        for space in [Space::Objects, Space::Raw] {
            let mut l = h.large[space as usize];
            while !l.is_null() {
                if (*l).site != 0 {
                    visit(Block { address: l.add(1).cast(), size: (*l).size, site: (*l).site, space });
                }
                l = (*l).next;
            }
        }
    }
}

/// Bytes really taken by live blocks (both spaces), as `(objects, raw)`.
pub fn live_bytes() -> (usize, usize) {
    // SAFETY: reads of plain numbers; callers hold the GIL as everywhere.
    unsafe {
        let h = &*heap();
        let mut bytes = [h.live_bytes[0], h.live_bytes[1]];
        for &pool in &h.pools {
            if (*pool).size != 0 {
                bytes[(*pool).space as usize] += (*pool).used as usize * (*pool).size as usize;
            }
        }
        (bytes[0], bytes[1])
    }
}

/// Number of live blocks, large ones left out.
pub fn allocated_blocks() -> usize {
    // SAFETY: reads of plain numbers; callers hold the GIL as everywhere.
    unsafe { (&(*heap()).pools).iter().map(|&p| if (*p).size == 0 { 0 } else { (*p).used as usize }).sum() }
}
