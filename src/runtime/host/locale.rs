//! The locale of the process: the C library's settings for characters, numbers and collation.

use super::env;
use super::process::setenv;
use std::ffi::{CStr, CString};

unsafe extern "C" {
    fn wcscoll(a: *const libc::wchar_t, b: *const libc::wchar_t) -> i32;
    fn wcsxfrm(to: *mut libc::wchar_t, from: *const libc::wchar_t, n: usize) -> usize;
}

/// Sets the locale of a category (`LC_CTYPE` …), or only asks when there is no name. Gives its name; `None`: no such locale.
pub fn set_locale(category: i32, name: Option<&CStr>) -> Option<Vec<u8>> {
    let name = name.map_or(std::ptr::null(), CStr::as_ptr);
    // SAFETY: the name is null or terminated; the GIL keeps other Python threads from calling it at the same time.
    let now = unsafe { libc::setlocale(category, name) };
    // SAFETY: the result is null or a string that lives until the next call.
    (!now.is_null()).then(|| unsafe { CStr::from_ptr(now) }.to_bytes().to_vec())
}

/// An item of the locale (`CODESET` …).
pub fn langinfo(item: libc::nl_item) -> Vec<u8> {
    // SAFETY: any number may be asked for.
    let text = unsafe { libc::nl_langinfo(item) };
    // SAFETY: the result is null or a string that lives until the next call.
    if text.is_null() { Vec::new() } else { unsafe { CStr::from_ptr(text) }.to_bytes().to_vec() }
}

/// The encoding of the locale, as the C library names it.
pub fn encoding() -> String {
    let name = String::from_utf8_lossy(&langinfo(libc::CODESET)).into_owned();
    if name.is_empty() { "UTF-8".to_owned() } else { name }
}

/// How numbers and money are written: texts, groupings and numbers by the names of `struct lconv`.
pub struct Conventions {
    /// Texts, in the locale's encoding.
    pub texts: Vec<(&'static str, Vec<u8>)>,
    /// Sizes of groups of digits.
    pub groupings: Vec<(&'static str, Vec<i8>)>,
    /// Small numbers.
    pub numbers: Vec<(&'static str, i8)>,
}

/// The conventions of the locale.
pub fn conventions() -> Conventions {
    // SAFETY: the result is a structure of strings that live until the next call of localeconv or setlocale.
    unsafe {
        let c = &*libc::localeconv();
        let text = |p: *const libc::c_char| CStr::from_ptr(p).to_bytes().to_vec();
        let group = |p: *const libc::c_char| CStr::from_ptr(p).to_bytes().iter().map(|&b| b as i8).collect::<Vec<i8>>();
        Conventions {
            texts: vec![
                ("decimal_point", text(c.decimal_point)),
                ("thousands_sep", text(c.thousands_sep)),
                ("int_curr_symbol", text(c.int_curr_symbol)),
                ("currency_symbol", text(c.currency_symbol)),
                ("mon_decimal_point", text(c.mon_decimal_point)),
                ("mon_thousands_sep", text(c.mon_thousands_sep)),
                ("positive_sign", text(c.positive_sign)),
                ("negative_sign", text(c.negative_sign)),
            ],
            groupings: vec![("grouping", group(c.grouping)), ("mon_grouping", group(c.mon_grouping))],
            numbers: vec![
                ("int_frac_digits", c.int_frac_digits as i8),
                ("frac_digits", c.frac_digits as i8),
                ("p_cs_precedes", c.p_cs_precedes as i8),
                ("p_sep_by_space", c.p_sep_by_space as i8),
                ("n_cs_precedes", c.n_cs_precedes as i8),
                ("n_sep_by_space", c.n_sep_by_space as i8),
                ("p_sign_posn", c.p_sign_posn as i8),
                ("n_sign_posn", c.n_sign_posn as i8),
            ],
        }
    }
}

fn wide(text: impl Iterator<Item = u32>) -> Vec<libc::wchar_t> {
    text.map(|c| c as libc::wchar_t).chain([0]).collect()
}

/// Compares two texts (code points, none of them zero) by the locale's collation: below, equal to or above zero.
pub fn collate(a: impl Iterator<Item = u32>, b: impl Iterator<Item = u32>) -> i32 {
    let (a, b) = (wide(a), wide(b));
    // SAFETY: both are terminated.
    unsafe { wcscoll(a.as_ptr(), b.as_ptr()) }
}

/// The text (code points, none of them zero) in a form whose plain comparison is the locale's collation. The error
/// number on failure.
pub fn transform(text: impl Iterator<Item = u32>) -> Result<Vec<u32>, i32> {
    let text = wide(text);
    let mut out: Vec<libc::wchar_t> = vec![0; text.len()];
    loop {
        // SAFETY: the source is terminated, the destination has the room that is told; the error number is this thread's.
        let n = unsafe {
            *libc::__errno_location() = 0;
            wcsxfrm(out.as_mut_ptr(), text.as_ptr(), out.len())
        };
        match super::errno() {
            0 | libc::ERANGE => {}
            e => return Err(e),
        }
        if n < out.len() {
            return Ok(out[..n].iter().map(|&c| c as u32).collect());
        }
        out = vec![0; n + 1];
    }
}

/// Takes over the user's locale for characters, as CPython does at its start: the C locale becomes `C.UTF-8` where that
/// exists (PEP 538). Gives whether it was the C locale, which switches the UTF-8 mode on (PEP 540).
pub fn adopt() -> bool {
    set_locale(libc::LC_CTYPE, Some(c""));
    let is_c = is_c_locale();
    let set = |name: &str| env(name).is_some_and(|v| !v.is_empty());
    let refused = env("PYTHONCOERCECLOCALE").is_some_and(|v| v == "0");
    if is_c && !set("LC_ALL") && !refused {
        for target in [c"C.UTF-8", c"C.utf8", c"UTF-8"] {
            if set_locale(libc::LC_CTYPE, Some(target)).is_some() {
                let _ = setenv(c"LC_CTYPE", target, 1);
                break;
            }
        }
    }
    is_c
}

/// The name of the locale for characters.
fn character_locale() -> Vec<u8> {
    set_locale(libc::LC_CTYPE, None).unwrap_or_default()
}

fn is_c_locale() -> bool {
    matches!(&character_locale()[..], b"C" | b"POSIX")
}

/// Whether undecodable bytes pass through the standard streams: in the C locale and those that stand in for it.
pub fn is_lenient() -> bool {
    is_c_locale() || matches!(&character_locale()[..], b"C.UTF-8" | b"C.utf8" | b"UTF-8")
}

/// The name as C wants it; `None` when it has a zero inside.
pub fn c_name(name: &str) -> Option<CString> {
    CString::new(name).ok()
}
