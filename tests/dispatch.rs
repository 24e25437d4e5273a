//! The eval loop's shape: in the release build every handler ends in a jump, none calls another one; Python-to-Python calls
//! and generators need no native stack.
//!
//! The language does not promise that a call in tail position becomes a jump; one that does not costs native stack for
//! every instruction that it runs. So the release binary is disassembled: `TAIPAN_RELEASE` names it, else it is what
//! `cargo build --release` left beside the build under test. Without one its tests are ignored, and say so. What no
//! disassembly shows, a program does that runs every instruction on a native stack of 64 KiB (`fixtures/dispatch`).

use crate::support::{root, run::interpreter};
use iced_x86::{
    Decoder, DecoderOptions, FlowControl, Instruction, InstructionInfoFactory, Mnemonic, OpAccess, OpKind, Register,
};
use libtest_mimic::{Failed, Trial};
use object::{Object, ObjectSection, ObjectSymbol, SymbolKind};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where handlers lie, see `vm/handlers/macros.rs`.
const SECTION: &str = "taipan_handlers";
/// The table of handlers, by the end of its path.
const TABLE: &str = "vm::handlers::opcode::TABLE";
/// Handlers of the table that return to native code instead of going on.
const RETURNING: &[&str] = &["exit"];
/// Fewer than this many handlers would mean that they were not found.
const FEWEST: usize = 150;

/// Rounds of each instruction in the release build: with 64 KiB, 8 bytes kept by each would be too many.
const ROUNDS: &str = "20000";
/// Rounds in the build under test, whose handlers return to a trampoline: what counts there are the chains of calls.
const FEW_ROUNDS: &str = "3000";
/// What the program says when all went well. The opcodes without a round are not made by the compiler.
const SMALL_STACK: &str = "\
arithmetic True
calls True
containers True
errors True
generators True
coroutines True
matches True
names True
cells True
20000 20000 500 5000 5001
500500 1000
not run: CACHE EXIT_INIT_CHECK INTERPRETER_EXIT RESERVED
";

/// The tests of the eval loop's shape.
pub fn trials() -> Vec<Trial> {
    let binary = release_binary();
    let ignored = binary.is_none();
    if ignored {
        eprintln!("dispatch::release is ignored: there is no release build (cargo build --release)");
    }
    let release = move |judge: fn(&Path) -> Result<(), Failed>| {
        let binary = binary.clone();
        move || judge(&binary.ok_or("there is no release build (cargo build --release)")?)
    };
    vec![
        Trial::test("dispatch::release::handlers_end_in_jumps", release(disassemble)).with_ignored_flag(ignored),
        Trial::test("dispatch::release::small_stack", release(|binary| small_stack(binary, ROUNDS)))
            .with_ignored_flag(ignored),
        Trial::test("dispatch::small_stack", || small_stack(&interpreter(), FEW_ROUNDS)),
    ]
}

/// Runs every instruction, deep calls and deep generators in a thread with 64 KiB of native stack.
fn small_stack(binary: &Path, rounds: &str) -> Result<(), Failed> {
    let output = Command::new(binary)
        .args(["small_stack.py", rounds])
        .current_dir(root().join("fixtures/dispatch"))
        .env_remove("PYTHONPATH")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null())
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    if output.status.success() && text == SMALL_STACK {
        return Ok(());
    }
    Err(format!("{}\n{text}\n{}", output.status, String::from_utf8_lossy(&output.stderr)).into())
}

fn release_binary() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("TAIPAN_RELEASE") {
        return Some(named.into());
    }
    let profiles = PathBuf::from(env!("CARGO_BIN_EXE_taipan")).parent()?.parent()?.to_owned();
    Some(profiles.join("release/taipan")).filter(|path| cfg!(target_arch = "x86_64") && path.exists())
}

fn disassemble(path: &Path) -> Result<(), Failed> {
    let data = std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let file = object::File::parse(&*data)?;
    let handlers = Handlers::find(&file)?;
    let mut violations = Vec::new();
    for (range, name) in &handlers.functions {
        handlers.check(range, name, &mut violations);
    }
    for address in handlers.table(&file)? {
        match handlers.functions.iter().find(|(range, _)| range.start == address) {
            None => violations.push(format!("{address:#x}: in the table of handlers, but not in {SECTION}")),
            Some((range, name)) if !RETURNING.contains(&name.as_str()) && !handlers.jumps_on(range) => {
                violations.push(format!("{name}: does not end in a jump to another handler"));
            }
            Some(_) => {}
        }
    }
    violations.sort();
    violations.dedup();
    if violations.is_empty() { Ok(()) } else { Err(violations.join("\n").into()) }
}

/// The machine code of the handlers.
struct Handlers<'a> {
    code: &'a [u8],
    all: Range<u64>,
    /// What words of the binary point to once it is loaded, by address: the table, and pointers that calls go through.
    pointers: BTreeMap<u64, u64>,
    data: Vec<(u64, &'a [u8])>,
    /// Each function with its name without the path, by address.
    functions: Vec<(Range<u64>, String)>,
}

impl<'a> Handlers<'a> {
    fn find(file: &object::File<'a>) -> Result<Handlers<'a>, Failed> {
        let section = file.section_by_name(SECTION).ok_or(format!("no section {SECTION}"))?;
        let all = section.address()..section.address() + section.size();
        let mut functions = BTreeMap::new();
        for symbol in file.symbols().filter(|s| s.kind() == SymbolKind::Text && all.contains(&s.address())) {
            let path = format!("{:#}", rustc_demangle::demangle(symbol.name()?));
            let name = path.rsplit("handlers::").next().unwrap_or(&path).rsplit("::").next().unwrap_or(&path);
            functions.insert(symbol.address(), (symbol.address()..symbol.address() + symbol.size(), name.to_owned()));
        }
        if functions.len() < FEWEST {
            return Err(format!("only {} handlers found: was the binary stripped?", functions.len()).into());
        }
        let relocations = file.dynamic_relocations().into_iter().flatten();
        let pointers = relocations.map(|(at, relocation)| (at, relocation.addend() as u64)).collect();
        let data = file.sections().filter_map(|s| Some((s.address(), s.data().ok()?))).filter(|(at, _)| *at != 0);
        let (data, functions) = (data.collect(), functions.into_values().collect());
        Ok(Handlers { code: section.data()?, all, pointers, data, functions })
    }

    /// What the word at an address points to: relocated when the program starts, or linked at its place.
    fn pointer(&self, at: u64) -> Option<u64> {
        if let Some(target) = self.pointers.get(&at) {
            return Some(*target);
        }
        let (start, data) =
            self.data.iter().find(|(start, data)| (*start..*start + data.len() as u64).contains(&at))?;
        let word = data.get((at - start) as usize..)?.get(..8)?;
        Some(u64::from_le_bytes(word.try_into().ok()?))
    }

    /// Addresses of the table's entries.
    fn table(&self, file: &object::File<'_>) -> Result<Vec<u64>, Failed> {
        let named = |name: &str| format!("{:#}", rustc_demangle::demangle(name)).ends_with(TABLE);
        let table = file.symbols().find(|s| s.name().is_ok_and(named)).ok_or(format!("no symbol {TABLE}"))?;
        let range = table.address()..table.address() + table.size();
        let entries: Option<Vec<u64>> = range.step_by(8).map(|at| self.pointer(at)).collect();
        let entries = entries.filter(|entries| entries.len() >= FEWEST);
        Ok(entries.ok_or_else(|| format!("the table of {} bytes cannot be read", table.size()))?)
    }

    fn instructions(&self, range: &Range<u64>) -> impl Iterator<Item = Instruction> + use<'a> {
        let (from, to) = ((range.start - self.all.start) as usize, (range.end - self.all.start) as usize);
        let code: &'a [u8] = &self.code[from..to];
        let mut decoder = Decoder::with_ip(64, code, range.start, DecoderOptions::NONE);
        std::iter::from_fn(move || decoder.can_decode().then(|| decoder.decode()))
    }

    /// Notes calls through the table, directly or by way of a register, and direct calls of handlers.
    fn check(&self, range: &Range<u64>, name: &str, violations: &mut Vec<String>) {
        let mut info = InstructionInfoFactory::new();
        // Registers that hold an entry of the table.
        let mut entries: Vec<Register> = Vec::new();
        for i in self.instructions(range) {
            match i.flow_control() {
                FlowControl::IndirectCall if i.op0_kind() == OpKind::Memory && reads_table(&i) => {
                    violations.push(format!("{name}: calls through the table at {:#x}", i.ip()));
                }
                FlowControl::IndirectCall
                    if i.op0_kind() == OpKind::Register && entries.contains(&i.op0_register()) =>
                {
                    violations.push(format!("{name}: calls an entry of the table at {:#x}", i.ip()));
                }
                FlowControl::Call | FlowControl::IndirectCall => {
                    if let Some(target) = self.target(&i) {
                        violations.push(format!("{name}: calls {target} at {:#x}", i.ip()));
                    }
                }
                _ => {}
            }
            for used in info.info(&i).used_registers() {
                if matches!(used.access(), OpAccess::Write | OpAccess::ReadWrite | OpAccess::CondWrite) {
                    entries.retain(|r| *r != used.register().full_register());
                }
            }
            if i.mnemonic() == Mnemonic::Mov && i.op1_kind() == OpKind::Memory && reads_table(&i) {
                entries.push(i.op0_register().full_register());
            }
        }
    }

    /// The handler that a call names, directly or by a pointer of the binary.
    fn target(&self, i: &Instruction) -> Option<&str> {
        let address = match i.op0_kind() {
            OpKind::Memory if i.is_ip_rel_memory_operand() => self.pointer(i.ip_rel_memory_address())?,
            OpKind::Memory | OpKind::Register => return None,
            _ => i.near_branch_target(),
        };
        self.functions.iter().find(|(range, _)| range.start == address).map(|(_, name)| name.as_str())
    }

    /// Whether control leaves the function by a jump: through the table, or to another handler.
    fn jumps_on(&self, range: &Range<u64>) -> bool {
        self.instructions(range).any(|i| match i.flow_control() {
            FlowControl::IndirectBranch => true,
            FlowControl::UnconditionalBranch | FlowControl::ConditionalBranch => {
                !range.contains(&i.near_branch_target()) && self.all.contains(&i.near_branch_target())
            }
            _ => false,
        })
    }
}

/// Whether the memory operand is an entry of a table of pointers: base + 8 * index.
fn reads_table(i: &Instruction) -> bool {
    i.memory_index() != Register::None && i.memory_index_scale() == 8 && i.memory_displacement64() == 0
}
