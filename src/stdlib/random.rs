//! `_random` (`Modules/_randommodule.c`): the Mersenne Twister MT19937 of Matsumoto and Nishimura.
//!
//! The sequence of a seed is part of Python's promise (`random.seed` documents it), so seeding by an integer, the
//! 53-bit floats and the order in which `getrandbits` takes its words follow CPython word for word.

use taipan_base::int::BigInt;
use taipan_runtime::host;
use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::instance::new_of;
use taipan_runtime::object::{MethodDef, NativeFn::*, Py, PyResult, Slots, Type, TypeDef, TypeFlags, Value, none};
use taipan_runtime::types::float::Float;
use taipan_runtime::types::int::{Int, IntRef};
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::vm::Vm;
use taipan_runtime::vm::args::Args;

/// The module.
pub static MODULE: ModuleDef =
    ModuleDef::new("_random").doc("Module implements the Mersenne Twister random number generator.").types(&[&RANDOM]);

/// Words of the generator's state.
const WORDS: usize = 624;

/// MT19937.
struct Twister {
    words: [u32; WORDS],
    /// The next word to give out; [`WORDS`] when all are used up.
    next: usize,
}

impl Twister {
    /// The state after the reference implementation's `init_genrand`.
    fn of_word(seed: u32) -> Twister {
        let mut words = [0u32; WORDS];
        words[0] = seed;
        for i in 1..WORDS {
            let last = words[i - 1];
            words[i] = 1_812_433_253u32.wrapping_mul(last ^ (last >> 30)).wrapping_add(i as u32);
        }
        Twister { words, next: WORDS }
    }

    /// The state after the reference implementation's `init_by_array`.
    fn of_key(key: &[u32]) -> Twister {
        let mut t = Twister::of_word(19_650_218);
        let w = &mut t.words;
        let mut i = 1;
        for step in 0..WORDS.max(key.len()) {
            let j = step % key.len();
            let last = w[i - 1];
            w[i] = (w[i] ^ (last ^ (last >> 30)).wrapping_mul(1_664_525)).wrapping_add(key[j]).wrapping_add(j as u32);
            i += 1;
            if i == WORDS {
                w[0] = w[WORDS - 1];
                i = 1;
            }
        }
        for _ in 0..WORDS - 1 {
            let last = w[i - 1];
            w[i] = (w[i] ^ (last ^ (last >> 30)).wrapping_mul(1_566_083_941)).wrapping_sub(i as u32);
            i += 1;
            if i == WORDS {
                w[0] = w[WORDS - 1];
                i = 1;
            }
        }
        w[0] = 0x8000_0000;
        t
    }

    fn refill(&mut self) {
        let w = &mut self.words;
        for i in 0..WORDS {
            let y = (w[i] & 0x8000_0000) | (w[(i + 1) % WORDS] & 0x7fff_ffff);
            let twist = if y & 1 == 0 { 0 } else { 0x9908_b0df };
            w[i] = w[(i + 397) % WORDS] ^ (y >> 1) ^ twist;
        }
        self.next = 0;
    }

    /// The next 32 bits.
    #[inline]
    fn word(&mut self) -> u32 {
        if self.next >= WORDS {
            self.refill();
        }
        let mut y = self.words[self.next];
        self.next += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    /// A float in [0, 1) with 53 random bits.
    #[inline]
    fn float(&mut self) -> f64 {
        let (high, low) = (self.word() >> 5, self.word() >> 6);
        (f64::from(high) * 67_108_864.0 + f64::from(low)) * (1.0 / 9_007_199_254_740_992.0)
    }
}

/// Payload of `_random.Random`.
pub struct Random {
    twister: Twister,
}
taipan_runtime::payload!(Random, RANDOM);

/// `_random.Random`.
pub static RANDOM: TypeDef = TypeDef::new::<Random>("_random.Random")
    .doc("A Mersenne Twister of its own.")
    .flags(TypeFlags::BASETYPE)
    .cpython_size(2520, 0)
    .slots(Slots {
        new: Some(|_, class: &Py<Type>, _| {
            Ok(new_of(class, Random { twister: Twister { words: [0; WORDS], next: WORDS } }).into())
        }),
        init: Some(init),
        ..Slots::NONE
    })
    .methods(&[
        MethodDef::method(
            "random",
            "($self, /)",
            "random() -> x in the interval [0, 1).",
            F1(|vm, me| Ok(Float::new(this(me).get_mut(vm).twister.float()))),
        ),
        MethodDef::method(
            "seed",
            "($self, n=None, /)",
            "seed([n]) -> None. Start the sequence of an integer, of a hash, or of the system's entropy.",
            N(|vm, args| {
                let me = args[0].as_ref().expect("self");
                seed(vm, me, args[1].as_ref())?;
                Ok(none())
            }),
        ),
        MethodDef::method("getstate", "($self, /)", "getstate() -> tuple containing the current state.", F1(getstate)),
        MethodDef::method("setstate", "($self, state, /)", "setstate(state) -> None. Restore a state.", F2(setstate)),
        MethodDef::method(
            "getrandbits",
            "($self, k, /)",
            "getrandbits(k) -> x. Generate an int with k random bits.",
            F2(getrandbits),
        ),
    ]);

fn this(me: &Value) -> &Py<Random> {
    me.downcast::<Random>().expect("a method of Random is called on one")
}

fn init(vm: &mut Vm, me: &Value, args: &Args<'_>) -> PyResult<()> {
    let own_init = std::ptr::fn_addr_eq(
        me.class().payload.slots().init.unwrap_or(init),
        init as taipan_runtime::object::typedef::InitFn,
    );
    if args.has_keywords() && own_init {
        return Err(vm.type_error("Random() takes no keyword arguments"));
    }
    if args.len() > 1 {
        return Err(vm.type_error(format!("Random expected at most 1 argument, got {}", args.len())));
    }
    seed(vm, me, args.get(0))
}

fn seed(vm: &mut Vm, me: &Value, with: Option<&Value>) -> PyResult<()> {
    let key = match with.filter(|v| !v.is_none()) {
        None => {
            let mut bytes = [0u8; WORDS * 4];
            host::entropy(&mut bytes);
            bytes.chunks_exact(4).map(|b| u32::from_ne_bytes([b[0], b[1], b[2], b[3]])).collect()
        }
        Some(v) => match Int::read(v) {
            Some(IntRef::Small(i)) => key_of_word(i.unsigned_abs()),
            Some(IntRef::Big(b)) => b.abs().magnitude_digits(32),
            None => key_of_word(vm.hash(v)? as u64),
        },
    };
    this(me).get_mut(vm).twister = Twister::of_key(&key);
    Ok(())
}

fn key_of_word(n: u64) -> Vec<u32> {
    if n >> 32 == 0 { vec![n as u32] } else { vec![n as u32, (n >> 32) as u32] }
}

fn getstate(vm: &mut Vm, me: &Value) -> PyResult {
    let t = &this(me).get(vm).twister;
    let words = t.words.iter().map(|&w| Value::small_unchecked(w.into()));
    Ok(Tuple::from_vec(words.chain([Value::from_usize(t.next)]).collect()).into())
}

/// An item of a state as a C `unsigned long`.
fn state_word(vm: &mut Vm, v: &Value) -> PyResult<u64> {
    match Int::read(v) {
        None => Err(vm.type_error("an integer is required")),
        Some(i) if i.is_negative() => Err(vm.overflow_error("can't convert negative value to unsigned int")),
        Some(IntRef::Small(i)) => Ok(i as u64),
        Some(IntRef::Big(b)) => {
            b.to_u64().ok_or_else(|| vm.overflow_error("Python int too large to convert to C unsigned long"))
        }
    }
}

fn setstate(vm: &mut Vm, me: &Value, state: &Value) -> PyResult {
    let Some(items) = state.downcast::<Tuple>() else { return Err(vm.type_error("state vector must be a tuple")) };
    if items.len() != WORDS + 1 {
        return Err(vm.value_error("state vector is the wrong size"));
    }
    let mut words = [0u32; WORDS];
    for (word, item) in words.iter_mut().zip(items.items()) {
        *word = state_word(vm, item)? as u32;
    }
    let next = match Int::read(&items.items()[WORDS]).map(IntRef::to_i64) {
        None => return Err(vm.type_error("an integer is required")),
        Some(Some(n)) if (0..=WORDS as i64).contains(&n) => n as usize,
        Some(_) => return Err(vm.value_error("invalid state")),
    };
    this(me).get_mut(vm).twister = Twister { words, next };
    Ok(none())
}

fn getrandbits(vm: &mut Vm, me: &Value, k: &Value) -> PyResult {
    let k = vm.index(k)?;
    let Some(bits) = Int::read(&k) else { return Err(vm.type_error("an integer is required")) };
    if bits.is_negative() {
        return Err(vm.value_error("Cannot convert negative int"));
    }
    let bits = match bits {
        IntRef::Small(i) => i as u64,
        IntRef::Big(b) => match b.to_u64() {
            Some(n) => n,
            None => return Err(vm.overflow_error("Python int too large for C uint64_t")),
        },
    };
    if bits == 0 {
        return Ok(Value::small_unchecked(0));
    }
    if bits <= 32 {
        return Ok(Value::small_unchecked((this(me).get_mut(vm).twister.word() >> (32 - bits)).into()));
    }
    let count = (bits - 1) / 32 + 1;
    if count > 1 << 34 {
        return Err(vm.raise_with(&taipan_runtime::types::exceptions::MEMORY_ERROR, &[]));
    }
    let twister = &mut this(me).get_mut(vm).twister;
    let mut digits: Vec<u32> = (0..count).map(|_| twister.word()).collect();
    if let (Some(last), left @ 1..) = (digits.last_mut(), bits % 32) {
        *last >>= 32 - left;
    }
    Ok(Int::from_big(BigInt::from_digits(false, &digits, 32)))
}
