//! Calendar and sleeping: thin functions over the C library's calls.

use super::errno;
use std::ffi::{CStr, CString};

/// Broken-down time with its zone's name.
#[derive(Clone, Debug)]
pub struct Calendar {
    /// The C library's fields (its zone pointer is not used).
    pub tm: libc::tm,
    /// Name of the time zone.
    pub zone: String,
}

/// Seconds since the epoch as local or universal time.
pub fn calendar(seconds: i64, local: bool) -> Result<Calendar, i32> {
    // SAFETY: the structure is valid; the zone is a terminated string of the C library.
    unsafe {
        let mut tm: libc::tm = std::mem::zeroed();
        let p = if local { libc::localtime_r(&seconds, &mut tm) } else { libc::gmtime_r(&seconds, &mut tm) };
        if p.is_null() {
            return Err(match errno() {
                0 => libc::EINVAL,
                e => e,
            });
        }
        let zone = if local && !tm.tm_zone.is_null() {
            CStr::from_ptr(tm.tm_zone).to_string_lossy().into_owned()
        } else {
            "UTC".to_owned()
        };
        Ok(Calendar { tm, zone })
    }
}

/// Broken-down time whose fields are zero.
pub fn blank() -> libc::tm {
    // SAFETY: zero is a valid value of every field.
    unsafe { std::mem::zeroed() }
}

/// `mktime(3)`
pub fn mktime(tm: &mut libc::tm) -> Option<i64> {
    tm.tm_wday = -1;
    // SAFETY: the structure is valid.
    let t = unsafe { libc::mktime(tm) };
    if t == -1 && tm.tm_wday == -1 { None } else { Some(t) }
}

/// `strftime(3)`; the zone of `tm` is set from `zone`.
pub fn strftime(format: &CStr, tm: &libc::tm, zone: Option<&CString>) -> Vec<u8> {
    let mut tm = *tm;
    tm.tm_zone = match zone {
        Some(z) => z.as_ptr(),
        None => {
            let mut copy = tm;
            // SAFETY: the structure is valid; `mktime` sets the zone that belongs to the time.
            unsafe { libc::mktime(&mut copy) };
            tm.tm_gmtoff = copy.tm_gmtoff;
            copy.tm_zone
        }
    };
    let mut size = 256 + format.to_bytes().len();
    loop {
        let mut out = vec![0u8; size];
        // SAFETY: pointer and length describe the buffer; all strings are terminated.
        let n = unsafe { libc::strftime(out.as_mut_ptr().cast(), size, format.as_ptr(), &tm) };
        if n > 0 || size > 256 * format.to_bytes().len().max(64) {
            out.truncate(n);
            return out;
        }
        size *= 2;
    }
}

/// `tzset(3)`
pub fn tzset() {
    unsafe extern "C" {
        fn tzset();
    }
    // SAFETY: the GIL keeps other threads from the environment.
    unsafe { tzset() }
}

/// Sleeps until a moment of the monotonic clock, in nanoseconds; an interruption is `EINTR`.
pub fn sleep_until(deadline: i64) -> Result<(), i32> {
    let t = libc::timespec { tv_sec: deadline / 1_000_000_000, tv_nsec: deadline % 1_000_000_000 };
    // SAFETY: the time is valid.
    match unsafe { libc::clock_nanosleep(libc::CLOCK_MONOTONIC, libc::TIMER_ABSTIME, &t, std::ptr::null_mut()) } {
        0 => Ok(()),
        e => Err(e),
    }
}

/// Resolution of a clock in nanoseconds.
pub fn resolution(clock: i32) -> Result<i64, i32> {
    let mut t = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the output is valid.
    super::check(unsafe { libc::clock_getres(clock, &mut t) })?;
    Ok(t.tv_sec * 1_000_000_000 + t.tv_nsec)
}

/// Sets a clock, in nanoseconds since its epoch.
pub fn set_clock(clock: i32, nanos: i64) -> Result<(), i32> {
    let t = libc::timespec { tv_sec: nanos.div_euclid(1_000_000_000), tv_nsec: nanos.rem_euclid(1_000_000_000) };
    // SAFETY: the input is valid.
    super::check(unsafe { libc::clock_settime(clock, &t) }).map(|_| ())
}

/// The clock of a thread's processor time.
pub fn thread_clock(thread: u64) -> Result<i32, i32> {
    let mut clock = 0;
    // SAFETY: the output is valid; the thread lives, as the program says.
    match unsafe { libc::pthread_getcpuclockid(thread as _, &mut clock) } {
        0 => Ok(clock),
        e => Err(e),
    }
}
