//! Waiting for descriptors: `select(2)`, `poll(2)`, `epoll(7)`; thin functions with error numbers as errors.

use super::check;

/// A descriptor and the events asked for and found (`poll(2)`).
pub type Event = libc::pollfd;

/// Descriptors from this number on do not fit `select(2)`.
pub const SELECT_LIMIT: i32 = libc::FD_SETSIZE as i32;

/// Nanoseconds in larger units, rounded up.
fn units(ns: i64, unit: i64) -> i64 {
    ns.max(0).saturating_add(unit - 1) / unit
}

/// `poll(2)`; nanoseconds are rounded up to milliseconds, `None` is no limit. Gives how many have events.
pub fn poll(events: &mut [Event], limit: Option<i64>) -> Result<usize, i32> {
    let ms = match limit {
        None => -1,
        Some(ns) => units(ns, 1_000_000).min(i32::MAX as i64) as i32,
    };
    // SAFETY: pointer and length describe the slice.
    check(unsafe { libc::poll(events.as_mut_ptr(), events.len() as _, ms) }).map(|n| n as usize)
}

/// Waits until one descriptor can be read or written; false when the time is over first.
pub fn wait_one(fd: i32, writing: bool, limit: Option<i64>) -> Result<bool, i32> {
    let events = if writing { libc::POLLOUT } else { libc::POLLIN };
    poll(&mut [Event { fd, events, revents: 0 }], limit).map(|n| n > 0)
}

/// `select(2)` on descriptors to read, to write and for exceptional conditions, each below [`SELECT_LIMIT`] and not
/// negative; gives for each list which of its descriptors are ready.
pub fn select(lists: [&[i32]; 3], limit: Option<i64>) -> Result<[Vec<bool>; 3], i32> {
    assert!(lists.iter().copied().flatten().all(|fd| (0..SELECT_LIMIT).contains(fd)), "descriptors fit the sets");
    let highest = lists.iter().copied().flatten().max().map_or(0, |fd| fd + 1);
    let mut time = limit.map(|ns| {
        let us = units(ns, 1000);
        libc::timeval { tv_sec: us / 1_000_000, tv_usec: us % 1_000_000 }
    });
    // SAFETY: the sets are zeroed, the descriptors are in range, all pointers live during the call.
    unsafe {
        let mut sets: [libc::fd_set; 3] = std::mem::zeroed();
        for (set, list) in sets.iter_mut().zip(lists) {
            for &fd in list {
                libc::FD_SET(fd, set);
            }
        }
        let [r, w, x] = &mut sets;
        let time = time.as_mut().map_or(std::ptr::null_mut(), |t| t as *mut _);
        check(libc::select(highest, r, w, x, time))?;
        let mut ready = [Vec::new(), Vec::new(), Vec::new()];
        for ((out, set), list) in ready.iter_mut().zip(&sets).zip(lists) {
            out.extend(list.iter().map(|&fd| libc::FD_ISSET(fd, set)));
        }
        Ok(ready)
    }
}

/// `epoll_create1(2)`; the descriptor is not inherited by other programs.
pub fn epoll_create() -> Result<i32, i32> {
    // SAFETY: no preconditions.
    check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })
}

/// `epoll_ctl(2)`
pub fn epoll_control(epoll: i32, operation: i32, fd: i32, events: u32) -> Result<i32, i32> {
    let mut event = libc::epoll_event { events, u64: fd as u64 };
    // SAFETY: the event lives during the call.
    check(unsafe { libc::epoll_ctl(epoll, operation, fd, &mut event) })
}

/// `epoll_wait(2)`: descriptors and their events, `most` at most; nanoseconds are rounded up to milliseconds.
pub fn epoll_wait(epoll: i32, most: usize, limit: Option<i64>) -> Result<Vec<(i32, u32)>, i32> {
    let ms = match limit {
        None => -1,
        Some(ns) => units(ns, 1_000_000).min(i32::MAX as i64) as i32,
    };
    let mut all = vec![libc::epoll_event { events: 0, u64: 0 }; most];
    // SAFETY: pointer and length describe the vector.
    let n = check(unsafe { libc::epoll_wait(epoll, all.as_mut_ptr(), most as i32, ms) })?;
    Ok(all[..n as usize].iter().map(|e| (e.u64 as i32, e.events)).collect())
}
