//! The collector's numbers: one for each candidate of a collection, found from an object's address without a search.
//!
//! A pool with candidates in it gets a row of numbers, one for each of its blocks; the pool's head says where its row
//! starts, and the block's place in the row is its offset divided by the block size (by a multiplication). A large block
//! has a row of one. The rows live as long as a collection; between collections objects pay nothing for them.

use super::{FIRST, Heap, Large, POOL_BYTES, Pool, SMALL_MAX, Space, TOUCHED, heap, in_arena, pool_of};
use crate::object::header::{Header, flag};
use crate::object::value::Value;

/// Number of a block that is no candidate.
pub const ABSENT: u32 = u32::MAX;
/// Number of a candidate that is known to be reachable.
pub const REACHED: u32 = u32::MAX - 1;

/// Set in [`Pool::touched`] while the pool may hold objects that the collector looks after.
pub(super) const HOLDS_CONTAINERS: u8 = 4;

/// What a collection makes of an object.
pub enum Look {
    /// The collector never looks after it.
    Never,
    /// Not in this collection.
    NotNow,
    /// A candidate, with this number.
    Candidate(u32),
}

/// The candidates of a collection.
pub struct Candidates {
    /// Rows of numbers, one row for each of `pools`, one number for each of `large`.
    numbers: Vec<u32>,
    pools: Vec<*mut Pool>,
    large: Vec<*mut Large>,
    count: usize,
}

impl Candidates {
    /// No candidate.
    pub fn none() -> Candidates {
        Candidates { numbers: Vec::new(), pools: Vec::new(), large: Vec::new(), count: 0 }
    }

    /// Looks at every object whose block was handed out since the last collection of generation `since` (2: at all
    /// objects), and takes those that `look` says.
    ///
    /// # Safety
    /// The GIL is held; while the result lives nothing is allocated or freed in this heap. `look` neither.
    pub unsafe fn gather(since: usize, mut look: impl FnMut(*mut Header) -> Look) -> Candidates {
        let mut out = Candidates::none();
        // SAFETY: exclusive by the GIL; `look` does not reach the heap.
        unsafe {
            let h = &mut *heap();
            if since < 2 {
                for &pool in &h.touched[since] {
                    out.gather_pool(pool, &mut look);
                }
            } else {
                for &pool in &h.pools {
                    let p = &*pool;
                    if p.size == 0 || p.space != Space::Objects || p.touched & HOLDS_CONTAINERS == 0 {
                        continue;
                    }
                    if out.gather_pool(pool, &mut look) {
                        continue;
                    }
                    (*pool).touched &= !HOLDS_CONTAINERS;
                }
            }
            out.gather_large(h, since, &mut look);
        }
        out
    }

    /// Whether the pool holds anything that the collector looks after.
    unsafe fn gather_pool(&mut self, pool: *mut Pool, look: &mut impl FnMut(*mut Header) -> Look) -> bool {
        let mut any = false;
        // SAFETY: as `gather`: blocks with a type are live objects (I4).
        unsafe {
            let size = (*pool).size as usize;
            let mut at = pool.cast::<u8>().add(FIRST);
            while at < (*pool).bump {
                let object = at.cast::<Header>();
                if !(*object).typ.get().is_null() {
                    match look(object) {
                        Look::Never => {}
                        Look::NotNow => any = true,
                        Look::Candidate(n) => {
                            any = true;
                            self.add(object, n);
                        }
                    }
                }
                at = at.add(size);
            }
        }
        any
    }

    /// Large blocks stand in order of age, the youngest first.
    unsafe fn gather_large(&mut self, h: &mut Heap, since: usize, look: &mut impl FnMut(*mut Header) -> Look) {
        // SAFETY: as `gather`.
        unsafe {
            let mut l = h.large[Space::Objects as usize];
            while !l.is_null() && (*l).age as usize <= since {
                let object = l.add(1).cast::<Header>();
                if !(*object).typ.get().is_null() {
                    (*l).age = (since + 1).min(2) as u8;
                    if let Look::Candidate(n) = look(object) {
                        self.add(object, n);
                    }
                }
                l = (*l).next;
            }
        }
    }

    /// Makes an object a candidate.
    ///
    /// # Safety
    /// As [`Candidates::gather`]; the object is a live container and none yet.
    pub unsafe fn add(&mut self, object: *mut Header, number: u32) {
        self.count += 1;
        // SAFETY: a container's flag tells in which kind of block it lies.
        unsafe {
            if (*object).has(flag::LARGE) {
                let l = object.cast::<Large>().sub(1);
                self.numbers.push(number);
                (*l).row = self.numbers.len() as u32;
                self.large.push(l);
                return;
            }
            let pool = pool_of(object.cast());
            if (*pool).row == 0 {
                (*pool).row = self.numbers.len() as u32 + 1;
                self.pools.push(pool);
                self.numbers.resize(self.numbers.len() + (POOL_BYTES - FIRST) / (*pool).size as usize, ABSENT);
            }
            let place = place_in(pool, object);
            self.numbers[place] = number;
        }
    }

    /// How many candidates there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The number of the candidate that a reference leads to. Objects in pools are not looked at for it.
    #[inline(always)]
    pub fn number(&mut self, v: &Value) -> Option<&mut u32> {
        if v.is_small() {
            return None;
        }
        let object = v.as_ptr();
        // SAFETY: a reference leads to a live object; a row covers its pool.
        let place = unsafe {
            if in_arena(object as usize) {
                let pool = pool_of(object.cast());
                if (*pool).row == 0 {
                    return None;
                }
                place_in(pool, object)
            } else {
                large_place(object)?
            }
        };
        self.numbers.get_mut(place).filter(|n| **n != ABSENT)
    }

    /// Visits the candidates in order of their blocks, each with its number.
    pub fn each(&mut self, mut visit: impl FnMut(&mut Candidates, *mut Header, u32)) {
        for i in 0..self.pools.len() {
            let pool = self.pools[i];
            // SAFETY: the pool lives as long as the process; its row starts where its head says.
            let (size, row) = unsafe { ((*pool).size as usize, (*pool).row as usize - 1) };
            for n in 0..(POOL_BYTES - FIRST) / size {
                let number = self.numbers[row + n];
                if number != ABSENT {
                    // SAFETY: a candidate's block lies at its place.
                    visit(self, unsafe { pool.cast::<u8>().add(FIRST + n * size).cast() }, number);
                }
            }
        }
        for i in 0..self.large.len() {
            let l = self.large[i];
            // SAFETY: large candidates are live as long as the collection.
            let (number, object) = unsafe { (self.numbers[(*l).row as usize - 1], l.add(1).cast()) };
            visit(self, object, number);
        }
    }
}

impl Drop for Candidates {
    fn drop(&mut self) {
        // SAFETY: nothing was freed since the rows were given.
        unsafe {
            self.pools.iter().for_each(|&p| (*p).row = 0);
            self.large.iter().for_each(|&l| (*l).row = 0);
        }
    }
}

/// Where the number of an object outside of pools stands; static objects have none.
unsafe fn large_place(object: *mut Header) -> Option<usize> {
    // SAFETY: by the caller's promise the object is live; the flag tells what precedes it.
    unsafe {
        if !(*object).has(flag::LARGE) {
            return None;
        }
        ((*object.cast::<Large>().sub(1)).row as usize).checked_sub(1)
    }
}

/// Where the number of a block stands.
///
/// # Safety
/// The pool has a row, the block lies in the pool.
#[inline(always)]
unsafe fn place_in(pool: *mut Pool, block: *mut Header) -> usize {
    // SAFETY: by the caller's promise. The product is exact: offsets are multiples of the size below 2^14, and the
    // reciprocal is off by less than 2^-20.
    unsafe {
        let offset = (block as usize & (POOL_BYTES - 1)) - FIRST;
        (*pool).row as usize - 1 + ((offset * (*pool).reciprocal as usize) >> RECIPROCAL_BITS)
    }
}

const RECIPROCAL_BITS: u32 = 20;

/// What a pool of blocks of `size` bytes multiplies offsets with.
pub(super) const fn reciprocal(size: usize) -> u32 {
    debug_assert!(size <= SMALL_MAX);
    ((1usize << RECIPROCAL_BITS).div_ceil(size)) as u32
}

/// Notes that a pool hands out blocks again.
///
/// # Safety
/// The GIL is held.
#[cold]
pub(super) unsafe fn touch(pool: *mut Pool) {
    // SAFETY: exclusive by the GIL.
    unsafe {
        let was = std::mem::replace(&mut (*pool).touched, TOUCHED);
        if (*pool).space == Space::Objects {
            for (generation, list) in (*heap()).touched.iter_mut().enumerate() {
                if was & 1 << generation == 0 {
                    list.push(pool);
                }
            }
        }
    }
}

/// Forgets which pools handed out blocks since the last collection of `generation` and the younger ones, but for the
/// active pools: blocks leave them unseen.
///
/// # Safety
/// The GIL is held; no [`Candidates`] live.
pub unsafe fn forget_touched(generation: usize) {
    // SAFETY: exclusive by the GIL.
    unsafe {
        let h = &mut *heap();
        for (younger, list) in h.touched.iter_mut().enumerate().take(generation + 1) {
            list.drain(..).for_each(|pool| (*pool).touched &= !(1 << younger));
        }
        for class in &h.classes[Space::Objects as usize] {
            if class.active != super::EMPTY_POOL {
                touch(class.active);
            }
        }
    }
}

/// Has the next full collection look at every object.
///
/// # Safety
/// The GIL is held.
pub unsafe fn touch_all() {
    // SAFETY: exclusive by the GIL.
    unsafe { (*heap()).pools.iter().for_each(|&pool| (*pool).touched |= HOLDS_CONTAINERS) }
}
