//! The skeleton of handlers: definition, dispatch, saving of registers, failure.

/// Defines a handler. Handlers lie in a section of their own, so that a look at a running thread from outside can tell
/// them from native code (see `vm::watch`). They are never inlined into each other: one that calls native code saves the
/// machine's registers before it does anything, and a fast path must not pay that for its slow road.
macro_rules! handler {
    ($(#[$m:meta])* $name:ident($ip:ident, $sp:ident, $fp:ident, $vm:ident, $t:ident) $body:block) => {
        $(#[$m])*
        #[allow(unused_mut, unused_variables)]
        #[inline(never)]
        #[cfg_attr(target_os = "linux", unsafe(link_section = "taipan_handlers"))]
        pub unsafe extern "sysv64" fn $name(
            mut $ip: *const $crate::vm::running::Unit,
            mut $sp: *mut $crate::vm::Word,
            $fp: *mut $crate::vm::Word,
            $vm: *mut $crate::vm::Vm,
            $t: *const $crate::vm::handlers::Entry,
        ) -> $crate::vm::Word {
            // SAFETY: the registers describe the innermost frame; the compiler's stack depth bounds every access (I8).
            unsafe { $body }
        }
    };
}

/// Goes on at `$ip` with the registers given.
macro_rules! next {
    ($ip:expr, $sp:expr, $fp:expr, $vm:expr, $t:expr) => {{
        let (ip, sp, fp, vm, t) = ($ip, $sp, $fp, $vm, $t);
        #[cfg(not(debug_assertions))]
        {
            return ((*t.add((*ip).op as usize)).0)(ip, sp, fp, vm, t);
        }
        #[cfg(debug_assertions)]
        {
            let _ = t;
            (*vm).registers = $crate::vm::handlers::Registers { ip, sp, fp };
            return $crate::vm::handlers::CONTINUE;
        }
    }};
}

/// Hands the registers to another handler (a slow path, the generic form).
macro_rules! jump {
    ($h:expr, $ip:expr, $sp:expr, $fp:expr, $vm:expr, $t:expr) => {
        return $h($ip, $sp, $fp, $vm, $t)
    };
}

/// Saves `ip` and `sp` where native code finds them.
macro_rules! save {
    ($vm:expr, $ip:expr, $sp:expr) => {
        (*(*$vm).frame).ip = $ip;
        (*$vm).sp = $sp;
    };
}

/// Goes on, after running what ends of objects are due.
macro_rules! next_settled {
    ($ip:expr, $sp:expr, $fp:expr, $vm:expr, $t:expr) => {{
        if $crate::object::finalize::ENDS.pending.get() {
            return $crate::vm::handlers::unwind::settle($ip, $sp, $fp, $vm, $t);
        }
        next!($ip, $sp, $fp, $vm, $t)
    }};
}

/// Releases a word in a fast path: an owned pointer that dies takes a cold road.
macro_rules! drop_word {
    ($w:expr) => {{
        let w: $crate::vm::Word = $w;
        if w & 3 == 0 {
            $crate::object::header::decref(w as *mut _);
        }
    }};
}

/// Gives up a word in a fast path. When that ends its object, the handler `$end` takes over, with the word in the place of
/// `fp`: a call here would make every run of this handler save the machine's registers.
macro_rules! give_up {
    ($w:expr, $end:path, $ip:expr, $sp:expr, $vm:expr, $t:expr) => {{
        let w: $crate::vm::Word = $w;
        if $crate::vm::frame::is_last(w) {
            jump!($end, $ip, $sp, w as *mut $crate::vm::Word, $vm, $t)
        }
        $crate::vm::frame::give_up_shared(w);
    }};
}

/// As [`give_up`] for two words that lie at `$sp` and above it.
macro_rules! give_up_two {
    ($end:path, $ip:expr, $sp:expr, $fp:expr, $vm:expr, $t:expr) => {{
        let sp: *mut $crate::vm::Word = $sp;
        let (a, b) = (*sp, *sp.add(1));
        if $crate::vm::frame::is_last(a) || $crate::vm::frame::is_last(b) || a == b && a & 3 == 0 && a != 0 {
            jump!($end, $ip, sp, $fp, $vm, $t)
        }
        $crate::vm::frame::give_up_shared(a);
        $crate::vm::frame::give_up_shared(b);
    }};
}

/// Defines a handler whose work is a function `fn(&mut Vm, *mut Word, *const Unit, *mut Word) -> *mut Word` that gives
/// the new `sp`, or null after raising (the stack as it was).
macro_rules! slow_handler {
    ($(#[$m:meta])* $name:ident, $units:expr, $work:path) => {
        handler!($(#[$m])* $name(ip, sp, fp, vm, t) {
            // Kept out of line: an address taken in the work would keep the handler's frame alive, and its end a call.
            #[inline(never)]
            unsafe fn work(
                vm: &mut $crate::vm::Vm,
                sp: *mut $crate::vm::Word,
                ip: *const $crate::vm::running::Unit,
                fp: *mut $crate::vm::Word,
            ) -> *mut $crate::vm::Word {
                // SAFETY: as the handler.
                unsafe { $work(vm, sp, ip, fp) }
            }
            save!(vm, ip, sp);
            let new_sp = work(&mut *vm, sp, ip, fp);
            if new_sp.is_null() {
                jump!($crate::vm::handlers::unwind::unwind, ip, sp, fp, vm, t);
            }
            next_settled!(ip.add($units), new_sp, fp, vm, t)
        });
    };
}
