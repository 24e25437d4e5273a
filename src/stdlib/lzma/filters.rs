//! Filter chains: what programs write as lists of dicts, and the few bytes in which containers keep filters.

use super::{ERROR, liblzma_error};
use liblzma::stream::{Error, Filters, LzmaOptions, MatchFinder, Mode};
use taipan_runtime::object::buffer::BufferRequest;
use taipan_runtime::object::{Py, PyResult, Raised, Value};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::dict::Dict;
use taipan_runtime::types::exceptions::KEY_ERROR;
use taipan_runtime::types::int::{Int, IntRef};
use taipan_runtime::vm::Vm;

/// Numbers of the filters.
pub const LZMA1: u64 = 0x4000_0000_0000_0001;
/// See [`LZMA1`].
pub const LZMA2: u64 = 0x21;
/// See [`LZMA1`].
pub const DELTA: u64 = 3;
/// x86, PowerPC, IA-64, ARM, ARM Thumb, SPARC.
const BRANCHES: std::ops::RangeInclusive<u64> = 4..=9;
/// The default preset.
pub const PRESET_DEFAULT: u32 = 6;

/// One filter, checked.
pub enum Filter {
    /// LZMA1 or, when set, LZMA2.
    Lzma(bool, Box<Parameters>),
    /// The distance.
    Delta(u32),
    /// Its number and where it starts.
    Branch(u64, u32),
}

/// What an LZMA filter is made of.
pub struct Parameters {
    options: LzmaOptions,
    dict_size: u32,
    lc: u32,
    lp: u32,
    pb: u32,
}

/// A number of 32 bits.
pub fn uint32(vm: &mut Vm, v: &Value) -> PyResult<u32> {
    match u32::try_from(uint64(vm, v)?) {
        Ok(n) => Ok(n),
        Err(_) => Err(vm.overflow_error("Value too large for uint32_t type")),
    }
}

/// A number of 64 bits.
pub fn uint64(vm: &mut Vm, v: &Value) -> PyResult<u64> {
    let i = vm.index(v)?;
    match Int::read(&i) {
        Some(i) if i.is_negative() => Err(vm.value_error("Cannot convert negative int")),
        Some(IntRef::Small(i)) => Ok(i as u64),
        Some(IntRef::Big(b)) => b.to_u64().ok_or_else(|| vm.overflow_error("Python int too large for C uint64_t")),
        None => Ok(0),
    }
}

/// The filters of a list of specifiers.
pub fn chain(vm: &mut Vm, specifiers: &Value) -> PyResult<Vec<Filter>> {
    let n = vm.len(specifiers)?;
    if n > 4 {
        return Err(vm.value_error("Too many filters - liblzma supports a maximum of 4"));
    }
    let mut out = Vec::new();
    for i in 0..n {
        let specifier = vm.get_item(specifiers, &Value::from_usize(i))?;
        out.push(filter(vm, &specifier)?);
    }
    Ok(out)
}

fn entry(vm: &mut Vm, specifier: &Value, key: &str) -> PyResult<Option<Value>> {
    let key = vm.new_str(key);
    let found = vm.get_item(specifier, &key);
    vm.suppress(found, &KEY_ERROR)
}

/// Only these keys may be there.
fn only(vm: &mut Vm, specifier: &Value, keys: &[&str], what: &str) -> PyResult<()> {
    for key in vm.collect(specifier)? {
        let known = match vm.str(&key) {
            Ok(text) => keys.iter().any(|k| text.is_text(k)),
            Err(r) => return Err(r),
        };
        if !known {
            return Err(vm.value_error(format!("Invalid filter specifier for {what} filter")));
        }
    }
    Ok(())
}

/// A filter of its specifier.
pub fn filter(vm: &mut Vm, specifier: &Value) -> PyResult<Filter> {
    if specifier.class().payload.slots().subscript.is_none() || specifier.as_small().is_some() {
        return Err(vm.type_error("Filter specifier must be a dict or dict-like object"));
    }
    let Some(id) = entry(vm, specifier, "id")? else {
        return Err(vm.value_error("Filter specifier must have an \"id\" entry"));
    };
    match uint64(vm, &id)? {
        id @ (LZMA1 | LZMA2) => Ok(Filter::Lzma(id == LZMA2, Box::new(parameters(vm, specifier)?))),
        DELTA => {
            only(vm, specifier, &["id", "dist"], "delta")?;
            let distance = match entry(vm, specifier, "dist")? {
                Some(v) => uint32(vm, &v)?,
                None => 1,
            };
            Ok(Filter::Delta(distance))
        }
        id if BRANCHES.contains(&id) => {
            only(vm, specifier, &["id", "start_offset"], "BCJ")?;
            let start = match entry(vm, specifier, "start_offset")? {
                Some(v) => uint32(vm, &v)?,
                None => 0,
            };
            Ok(Filter::Branch(id, start))
        }
        id => Err(vm.value_error(format!("Invalid filter ID: {id}"))),
    }
}

fn parameters(vm: &mut Vm, specifier: &Value) -> PyResult<Parameters> {
    const KEYS: [&str; 10] = ["id", "preset", "dict_size", "lc", "lp", "pb", "mode", "nice_len", "mf", "depth"];
    let preset = match entry(vm, specifier, "preset")? {
        Some(v) => uint32(vm, &v)?,
        None => PRESET_DEFAULT,
    };
    let Ok(mut options) = LzmaOptions::new_preset(preset) else {
        return Err(ERROR.raise(vm, &format!("Invalid compression preset: {preset}")));
    };
    only(vm, specifier, &KEYS, "LZMA")?;
    let mut p = Parameters { dict_size: preset_size(preset), lc: 3, lp: 0, pb: 2, options: LzmaOptions::new() };
    for key in &KEYS[2..] {
        let Some(v) = entry(vm, specifier, key)? else { continue };
        let n = uint32(vm, &v)?;
        match *key {
            "dict_size" => {
                p.dict_size = n;
                options.dict_size(n);
            }
            "lc" => {
                p.lc = n;
                options.literal_context_bits(n);
            }
            "lp" => {
                p.lp = n;
                options.literal_position_bits(n);
            }
            "pb" => {
                p.pb = n;
                options.position_bits(n);
            }
            "mode" => {
                let mode = match n {
                    1 => Mode::Fast,
                    2 => Mode::Normal,
                    _ => return Err(liblzma_error(vm, Error::Options)),
                };
                options.mode(mode);
            }
            "nice_len" => {
                options.nice_len(n);
            }
            "mf" => {
                let finder = match n {
                    3 => MatchFinder::HashChain3,
                    4 => MatchFinder::HashChain4,
                    0x12 => MatchFinder::BinaryTree2,
                    0x13 => MatchFinder::BinaryTree3,
                    0x14 => MatchFinder::BinaryTree4,
                    _ => return Err(liblzma_error(vm, Error::Options)),
                };
                options.match_finder(finder);
            }
            _ => {
                options.depth(n);
            }
        }
    }
    p.options = options;
    Ok(p)
}

/// The dictionary of a preset.
fn preset_size(preset: u32) -> u32 {
    const POWERS: [u32; 10] = [18, 20, 21, 22, 22, 23, 23, 24, 25, 26];
    1 << POWERS[(preset & 31).min(9) as usize]
}

/// The library's filters.
pub fn library(vm: &mut Vm, chain: &[Filter]) -> PyResult<Filters> {
    let mut out = Filters::new();
    for filter in chain {
        let added = match filter {
            Filter::Lzma(false, p) => Ok(out.lzma1(&p.options)),
            Filter::Lzma(true, p) => Ok(out.lzma2(&p.options)),
            Filter::Delta(d) if (1..=256).contains(d) => out.delta_properties(&[(d - 1) as u8]),
            Filter::Delta(_) => Err(Error::Options),
            Filter::Branch(id, start) => {
                let bytes = start.to_le_bytes();
                let bytes: &[u8] = if *start == 0 { &[] } else { &bytes };
                match id {
                    4 => out.x86_properties(bytes),
                    5 => out.powerpc_properties(bytes),
                    6 => out.ia64_properties(bytes),
                    7 => out.arm_properties(bytes),
                    8 => out.arm_thumb_properties(bytes),
                    _ => out.sparc_properties(bytes),
                }
            }
        };
        if let Err(e) = added {
            return Err(liblzma_error(vm, e));
        }
    }
    Ok(out)
}

/// The options of a chain that is one LZMA1 filter.
pub fn only_lzma1(chain: &[Filter]) -> Option<&LzmaOptions> {
    match chain {
        [Filter::Lzma(false, p)] => Some(&p.options),
        _ => None,
    }
}

fn wrong_options(vm: &mut Vm) -> Raised {
    liblzma_error(vm, Error::Options)
}

/// `_encode_filter_properties`
pub fn encode(vm: &mut Vm, specifier: &Value) -> PyResult {
    let bytes = match filter(vm, specifier)? {
        Filter::Lzma(false, p) => {
            if p.lc + p.lp > 4 || p.pb > 4 {
                return Err(wrong_options(vm));
            }
            let mut bytes = vec![((p.pb * 5 + p.lp) * 9 + p.lc) as u8];
            bytes.extend(p.dict_size.to_le_bytes());
            bytes
        }
        Filter::Lzma(true, p) => {
            // The least size of the form 2^n or 2^n + 2^(n-1) that is large enough.
            let size = p.dict_size.max(4096);
            let code = (0..40u32).find(|c| (2 | (c & 1)) << (c / 2 + 11) >= size).unwrap_or(40);
            vec![code as u8]
        }
        Filter::Delta(d) if (1..=256).contains(&d) => vec![(d - 1) as u8],
        Filter::Delta(_) => return Err(wrong_options(vm)),
        Filter::Branch(_, 0) => Vec::new(),
        Filter::Branch(_, start) => start.to_le_bytes().to_vec(),
    };
    Ok(Bytes::from_slice(&bytes).into())
}

/// `_decode_filter_properties`
pub fn decode(vm: &mut Vm, id: &Value, properties: &Value) -> PyResult {
    let number = uint64(vm, id)?;
    let bytes = vm.buffer(properties, BufferRequest::READ)?.to_vec(vm);
    let dict: Py<Dict> = Dict::new_object();
    dict.store_text("id", Int::from_u64(number));
    let store = |name: &str, n: u32| dict.store_text(name, Value::from_usize(n as usize));
    match (number, bytes.as_slice()) {
        (LZMA1, &[first, a, b, c, d]) if first < 225 => {
            let first = u32::from(first);
            if first % 9 + first / 9 % 5 > 4 {
                return Err(wrong_options(vm));
            }
            store("lc", first % 9);
            store("lp", first / 9 % 5);
            store("pb", first / 45);
            store("dict_size", u32::from_le_bytes([a, b, c, d]));
        }
        (LZMA2, &[40]) => store("dict_size", u32::MAX),
        (LZMA2, &[code]) if code < 40 => {
            let code = u32::from(code);
            store("dict_size", (2 | (code & 1)) << (code / 2 + 11));
        }
        (DELTA, &[d]) => store("dist", u32::from(d) + 1),
        (id, []) if BRANCHES.contains(&id) => {}
        (id, &[a, b, c, d]) if BRANCHES.contains(&id) => {
            let start = u32::from_le_bytes([a, b, c, d]);
            if start != 0 {
                store("start_offset", start);
            }
        }
        _ => return Err(wrong_options(vm)),
    }
    Ok(dict.into())
}
