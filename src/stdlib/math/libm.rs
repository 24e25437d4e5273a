//! The C library's mathematics: CPython's results are those of the C library, to the last bit.

macro_rules! c_functions {
    ($($name:ident($($x:ident: $ty:ty),*);)*) => {
        mod c {
            // SAFETY: pure functions of the C library with these types (ISO C, <math.h>).
            unsafe extern "C" {
                $(pub safe fn $name($($x: $ty),*) -> f64;)*
            }
        }
        $(
            #[doc = concat!("C's `", stringify!($name), "`.")]
            pub fn $name($($x: $ty),*) -> f64 {
                c::$name($($x),*)
            }
        )*
    };
}

c_functions! {
    acos(x: f64);
    acosh(x: f64);
    asin(x: f64);
    asinh(x: f64);
    atan(x: f64);
    atan2(y: f64, x: f64);
    atanh(x: f64);
    cos(x: f64);
    cosh(x: f64);
    erf(x: f64);
    erfc(x: f64);
    exp(x: f64);
    exp2(x: f64);
    expm1(x: f64);
    fma(x: f64, y: f64, z: f64);
    fmod(x: f64, y: f64);
    ldexp(x: f64, n: i32);
    log(x: f64);
    log10(x: f64);
    log1p(x: f64);
    log2(x: f64);
    pow(x: f64, y: f64);
    remainder(x: f64, y: f64);
    sin(x: f64);
    sinh(x: f64);
    tan(x: f64);
    tanh(x: f64);
}

/// The C library's `cbrt`. The linker prefers Rust's own function of that name, which rounds otherwise, so the library is
/// asked for it.
pub fn cbrt(x: f64) -> f64 {
    static FUNCTION: std::sync::OnceLock<Option<extern "C" fn(f64) -> f64>> = std::sync::OnceLock::new();
    let f = FUNCTION.get_or_init(|| {
        // SAFETY: the name is that of a C function of this type, in a library that stays loaded; a null pointer is `None`.
        unsafe { std::mem::transmute(libc::dlsym(libc::RTLD_DEFAULT, c"cbrt".as_ptr())) }
    });
    match f {
        Some(f) => f(x),
        None => x.cbrt(),
    }
}
