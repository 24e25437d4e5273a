//! The events of a running program, their numbers (PEP 669) and the instructions where they occur.

use taipan_bytecode::Op;

macro_rules! events {
    ($($(#[$doc:meta])* $name:ident = $number:literal $text:literal,)*) => {
        /// What can happen in a running program.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
        #[repr(u8)]
        pub enum Event { $($(#[$doc])* $name = $number,)* }

        impl Event {
            /// All events, by number.
            pub const ALL: &[Event] = &[$(Event::$name,)*];
            /// Name in `sys.monitoring.events`.
            pub const fn name(self) -> &'static str {
                match self { $(Event::$name => $text,)* }
            }
        }
    };
}

events! {
    /// A Python function starts.
    PyStart = 0 "PY_START",
    /// A generator or coroutine goes on.
    PyResume = 1 "PY_RESUME",
    /// A Python function returns.
    PyReturn = 2 "PY_RETURN",
    /// A generator yields.
    PyYield = 3 "PY_YIELD",
    /// A call is about to be made.
    Call = 4 "CALL",
    /// A line is about to be executed.
    Line = 5 "LINE",
    /// An instruction is about to be executed.
    Instruction = 6 "INSTRUCTION",
    /// An unconditional jump.
    Jump = 7 "JUMP",
    /// A conditional branch goes straight on.
    BranchLeft = 8 "BRANCH_LEFT",
    /// A conditional branch jumps.
    BranchRight = 9 "BRANCH_RIGHT",
    /// A generator returned, and no `StopIteration` was made for it.
    StopIteration = 10 "STOP_ITERATION",
    /// An exception is raised, or comes out of a call.
    Raise = 11 "RAISE",
    /// An exception reached its handler.
    ExceptionHandled = 12 "EXCEPTION_HANDLED",
    /// A Python function ends by an exception.
    PyUnwind = 13 "PY_UNWIND",
    /// A generator goes on by `throw`.
    PyThrow = 14 "PY_THROW",
    /// An exception is raised again (end of `finally`, of `except` without a match, bare `raise`).
    Reraise = 15 "RERAISE",
    /// A native callable returned.
    CReturn = 16 "C_RETURN",
    /// A native callable raised.
    CRaise = 17 "C_RAISE",
    /// Both branches (deprecated).
    Branch = 18 "BRANCH",
}

/// Events with an own place in the switchboard; `C_RETURN` and `C_RAISE` go with `CALL`.
pub const UNGROUPED: usize = 16;
/// Events tied to instructions, which can be switched for one code object and disabled at one place.
pub const LOCAL: usize = 11;

impl Event {
    /// The event with this number.
    pub fn from_number(n: usize) -> Option<Event> {
        Event::ALL.get(n).copied()
    }
    /// Whether the event occurs at instructions (the others are found by the unwinder).
    pub fn is_local(self) -> bool {
        (self as usize) < LOCAL
    }
    /// As a set.
    pub const fn set(self) -> EventSet {
        EventSet(1 << self as u32)
    }
}

/// A set of events, with PEP 669's bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct EventSet(pub u32);

impl EventSet {
    /// No events.
    pub const NONE: EventSet = EventSet(0);
    /// The set with those of another added.
    pub const fn with(self, other: EventSet) -> EventSet {
        EventSet(self.0 | other.0)
    }
    /// The set with an event added.
    pub const fn and(self, e: Event) -> EventSet {
        EventSet(self.0 | 1 << e as u32)
    }
    /// The set without another's.
    pub const fn without(self, other: EventSet) -> EventSet {
        EventSet(self.0 & !other.0)
    }
    /// Whether an event is in it.
    pub const fn has(self, e: Event) -> bool {
        self.0 & 1 << e as u32 != 0
    }
}

/// The event that an instruction itself causes (lines and instructions apart).
pub fn event_of(op: Op, arg: u32) -> Option<Event> {
    Some(match op {
        Op::RESUME if arg & 3 == 0 => Event::PyStart,
        Op::RESUME => Event::PyResume,
        Op::RETURN_VALUE => Event::PyReturn,
        Op::YIELD_VALUE => Event::PyYield,
        Op::CALL | Op::CALL_KW | Op::CALL_FUNCTION_EX | Op::LOAD_SUPER_ATTR => Event::Call,
        Op::JUMP_FORWARD | Op::JUMP_BACKWARD => Event::Jump,
        Op::POP_JUMP_IF_FALSE | Op::POP_JUMP_IF_TRUE | Op::POP_JUMP_IF_NONE | Op::POP_JUMP_IF_NOT_NONE => {
            Event::BranchRight
        }
        Op::POP_ITER | Op::END_ASYNC_FOR => Event::BranchRight,
        Op::NOT_TAKEN => Event::BranchLeft,
        Op::END_FOR | Op::END_SEND => Event::StopIteration,
        _ => return None,
    })
}
