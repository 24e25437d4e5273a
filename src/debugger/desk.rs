//! The desk: where requests wait for whoever holds the GIL, and where answers go out.
//!
//! Requests are put down by the reading thread. A thread of the program that has stopped takes them. While the program
//! runs, the desk's own thread takes the GIL for as long as there are requests. Outgoing messages go to a writing thread,
//! so that nothing in the program ever waits for a client that does not read.

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use crossbeam_channel::{Sender, bounded};
use taipan_runtime::vm::{Vm, gil};
use tui::dap::{Event, EventBody, Message, Request, Response};

use super::{Debugger, lock, room};

/// What lies on the desk.
#[derive(Debug)]
pub enum Order {
    /// A request of the client.
    Request(Request),
    /// The client is gone.
    Gone,
    /// The program is to end: let it, if it has stopped.
    LetRun,
}

/// What the writing thread is told.
pub enum Outgoing {
    /// Send this.
    Message(Message),
    /// Say when everything before has been sent.
    Flush(Sender<()>),
}

#[derive(Default)]
struct State {
    orders: VecDeque<Order>,
    /// A thread has stopped and takes the orders.
    stopped: bool,
    outgoing: Option<Sender<Outgoing>>,
    last_seq: i64,
}

/// See the module.
pub struct Desk {
    state: Mutex<State>,
    news: Condvar,
}

thread_local!(static HELPER: Cell<bool> = const { Cell::new(false) });
static HELPERS: Mutex<Vec<u64>> = Mutex::new(Vec::new());

/// Whether this thread is one of the debugger's own.
pub fn is_helper() -> bool {
    HELPER.with(Cell::get)
}

/// Idents of threads of the debugger's own that hold a thread state now.
pub fn helpers() -> Vec<u64> {
    lock(&HELPERS).clone()
}

/// Runs `f` on this thread of the debugger's own, with the GIL.
pub fn with_gil(f: impl FnOnce(&mut Vm)) {
    HELPER.with(|h| h.set(true));
    lock(&HELPERS).push(gil::this_thread());
    let vm = gil::attach();
    f(vm);
    gil::detach(vm);
    lock(&HELPERS).retain(|i| *i != gil::this_thread());
}

impl Desk {
    pub(super) fn new() -> Desk {
        Desk { state: Mutex::default(), news: Condvar::new() }
    }

    /// A client has come: what is sent from now on goes to it.
    pub fn connect(&self, outgoing: Sender<Outgoing>) {
        let mut state = lock(&self.state);
        state.outgoing = Some(outgoing);
        state.last_seq = 0;
        state.orders.clear();
    }

    /// The client has gone.
    pub fn disconnect(&self) {
        lock(&self.state).outgoing = None;
        self.put(Order::Gone);
    }

    /// Whether there is somebody to stop for.
    pub fn has_client(&self) -> bool {
        lock(&self.state).outgoing.is_some()
    }

    /// Puts an order down.
    pub fn put(&self, order: Order) {
        lock(&self.state).orders.push_back(order);
        self.news.notify_all();
    }

    fn send(&self, mut message: Message) {
        let mut state = lock(&self.state);
        state.last_seq += 1;
        message.set_seq(state.last_seq);
        if let Some(outgoing) = &state.outgoing {
            // A closed connection shows itself to the reading thread.
            let _ = outgoing.send(Outgoing::Message(message));
        }
    }

    /// Sends an event.
    pub fn send_event(&self, body: &EventBody) {
        self.send(Event::new(body).into());
    }

    /// Sends an answer.
    pub fn answer(&self, response: Response) {
        self.send(response.into());
    }

    /// Waits until everything is on its way, but not for long.
    pub fn flush(&self) {
        let (done, wait) = bounded(1);
        if let Some(outgoing) = &lock(&self.state).outgoing {
            if outgoing.send(Outgoing::Flush(done)).is_err() {
                return;
            }
        } else {
            return;
        }
        let _ = wait.recv_timeout(Duration::from_secs(1));
    }

    /// This thread is about to serve; if another does already, waits with the GIL given up until that is over.
    pub fn take_turn(&self, vm: &mut Vm) {
        loop {
            let mut state = lock(&self.state);
            if !state.stopped {
                state.stopped = true;
                return;
            }
            drop(state);
            vm.allow_threads(|| std::thread::sleep(Duration::from_millis(5)));
        }
    }

    /// The program runs on.
    pub fn end_turn(&self) {
        lock(&self.state).stopped = false;
        self.news.notify_all();
    }

    /// Whether a thread of the program has stopped.
    pub fn is_stopped(&self) -> bool {
        lock(&self.state).stopped
    }

    /// Lets the program run if it has stopped.
    pub fn let_run(&self) {
        if self.is_stopped() {
            self.put(Order::LetRun);
        }
    }

    /// Waits for the next order; for the thread whose turn it is.
    pub fn next(&self) -> Order {
        let mut state = lock(&self.state);
        loop {
            if let Some(order) = state.orders.pop_front() {
                return order;
            }
            state = self.news.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The next order if no thread of the program has stopped.
    fn next_while_running(&self) -> Option<Order> {
        let mut state = lock(&self.state);
        if state.stopped { None } else { state.orders.pop_front() }
    }

    /// Body of the desk's own thread: serves while the program runs. Never ends.
    pub fn attend(&self, debugger: &'static Debugger) {
        loop {
            let mut state = lock(&self.state);
            while state.stopped || state.orders.is_empty() {
                state = self.news.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            drop(state);
            with_gil(|vm| {
                while let Some(order) = self.next_while_running() {
                    room::serve_while_running(vm, debugger, order);
                }
            });
        }
    }
}
