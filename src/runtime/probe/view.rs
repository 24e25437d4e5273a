//! Frames as tools read them: code, line, locals and callers, without making frame objects.

use crate::object::{Py, Value};
use crate::types::cell::CellObject;
use crate::types::code::Code;
use crate::types::dict::Dict;
use crate::types::frame::FrameObject;
use crate::types::function::Function;
use crate::vm::Vm;
use crate::vm::frame::{Frame, at_base, flags, value_of};
use std::marker::PhantomData;
use taipan_bytecode::LocalKind;

/// Identity of a frame while it lives: unequal for two frames that live at the same time in one thread.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct FrameId(usize);

/// A frame of a thread; the borrow of the thread keeps it from running on.
#[derive(Clone, Copy)]
pub struct FrameView<'a> {
    frame: *mut Frame,
    thread: PhantomData<&'a Vm>,
}

impl Vm {
    /// The innermost Python frame.
    pub fn innermost(&self) -> Option<FrameView<'_>> {
        self.current_frame().map(|frame| FrameView { frame, thread: PhantomData })
    }

    /// The Python frames, innermost first.
    pub fn frame_views(&self) -> impl Iterator<Item = FrameView<'_>> {
        std::iter::successors(self.innermost(), |f| f.parent())
    }

    /// The frame with this identity, if it is on this thread's stack.
    pub fn find_frame(&self, id: FrameId) -> Option<FrameView<'_>> {
        self.frame_views().find(|f| f.id() == id)
    }

    /// The frames of another thread, which waits for the GIL: `f` gets its handle.
    pub fn with_threads<R>(&mut self, mut f: impl FnMut(&Vm) -> R) -> Vec<R> {
        // SAFETY: the GIL is held: no state changes or ends meanwhile, and only shared views are handed out.
        unsafe { crate::vm::gil::threads().into_iter().map(|t| f(&*t)).collect() }
    }
}

impl<'a> FrameView<'a> {
    /// The frame itself, for the rooms of `probe`.
    pub(super) fn raw(self) -> *mut Frame {
        self.frame
    }

    /// Identity.
    pub fn id(self) -> FrameId {
        FrameId(self.frame as usize)
    }

    /// Who called.
    pub fn parent(self) -> Option<FrameView<'a>> {
        // SAFETY: a thread's frames are live while linked, and the borrow of the thread keeps them linked.
        let prev = unsafe { (*self.frame).prev };
        if prev.is_null() || at_base(prev) { None } else { Some(FrameView { frame: prev, thread: PhantomData }) }
    }

    /// The code.
    pub fn code(self) -> Py<Code> {
        // SAFETY: a live frame's running copy belongs to a live code object.
        unsafe { (*(*self.frame).running).code_handle() }
    }

    /// The function.
    pub fn function(self) -> &'a Function {
        // SAFETY: a live frame's function is alive.
        unsafe { Frame::function(self.frame) }
    }

    /// Globals.
    pub fn globals(self) -> &'a Py<Dict> {
        &self.function().globals
    }

    /// The present line; `None` in artificial code.
    pub fn line(self) -> Option<u32> {
        // SAFETY: the frame is live and, since native code runs, its `ip` saved.
        unsafe { Frame::line(self.frame) }
    }

    /// Byte offset of the present instruction in the canonical code.
    pub fn offset(self) -> i32 {
        // SAFETY: as `line`.
        unsafe { (*(*self.frame).running).lasti((*self.frame).ip) }
    }

    /// Unit of the present instruction in the running copy.
    pub fn unit(self) -> usize {
        // SAFETY: as `line`.
        unsafe { (*(*self.frame).running).index_of((*self.frame).ip) }
    }

    /// Whether native code called this frame (the caller is waiting in a native function).
    pub fn entered_from_native(self) -> bool {
        // SAFETY: the frame is live.
        unsafe { (*self.frame).ret_ip == crate::vm::handlers::call::exit_unit() }
    }

    /// Whether the frame belongs to a generator or coroutine.
    pub fn is_generator(self) -> bool {
        // SAFETY: the frame is live.
        unsafe { (*self.frame).flags & flags::GENERATOR != 0 }
    }

    /// Local `i` (a slot number), through its cell where it has one; `None` when it is unbound.
    pub fn local(self, i: usize) -> Option<Value> {
        // SAFETY: the frame is live and has as many slots as its code has names.
        unsafe {
            let code = &*(*(*self.frame).running).code;
            let kind = *code.canonical.localspluskinds.get(i)?;
            let w = *(*self.frame).fp.add(i);
            if w == 0 {
                return None;
            }
            let v = value_of(w);
            if kind.intersects(LocalKind::CELL | LocalKind::FREE) {
                if let Some(c) = v.downcast_exact::<CellObject>() {
                    return c.content();
                }
            }
            Some(v)
        }
    }

    /// A local by name.
    pub fn local_named(self, name: &str) -> Option<Value> {
        let code = self.code();
        let i = (0..code.local_names.len()).find(|&i| code.local_names[i].is_text(name))?;
        self.local(i)
    }

    /// Names with values of the bound locals, in slot order, those of inlined comprehensions left out.
    pub fn locals(self) -> Vec<(std::sync::Arc<str>, Value)> {
        let code = self.code();
        let c = &code.canonical;
        (0..c.localsplusnames.len())
            .filter(|&i| !c.localspluskinds[i].contains(LocalKind::HIDDEN))
            .filter_map(|i| Some((c.localsplusnames[i].clone(), self.local(i)?)))
            .collect()
    }

    /// The namespace mapping of a module or class body.
    pub fn namespace(self) -> Option<Value> {
        // SAFETY: the frame is live.
        unsafe { if (*self.frame).namespace == 0 { None } else { Some(value_of((*self.frame).namespace)) } }
    }

    /// The frame object, made now if nobody looked before.
    pub fn object(self) -> Py<FrameObject> {
        // SAFETY: the frame is live.
        unsafe { crate::types::frame::object_of(self.frame) }
    }

    /// The frame's node of the allocation context tree, 0 when tracking is off.
    pub fn node(self) -> u32 {
        // SAFETY: the frame is live.
        unsafe { (*self.frame).node }
    }
}
