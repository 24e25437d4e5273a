//! The thread that takes the samples: in each period, at one random moment, it looks at all threads.
//!
//! A random moment in each period rather than a fixed one, because a program that works in steps of the period's length
//! would always be met in the same step; rather than random periods, because these add noise. A sample stands for the
//! periods since the last one of its thread: a late or missed look loses resolution, no time.

use super::Mode;
use super::tree::Tree;
use nix::time::{ClockId, clock_gettime};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use taipan_runtime::vm::watch::{self, Look, Watcher};

/// Rounds without an answer after which the question is given up.
const PATIENCE: u64 = 200;

/// A thread of the program.
pub struct Seen {
    /// `threading.get_ident()`
    pub ident: u64,
    /// The operating system's name for it, last time it was asked.
    pub name: String,
    /// Samples of it.
    pub samples: u64,
    last_round: u64,
    /// CPU time that samples account for, and that of the last look.
    cpu_counted: u64,
    cpu_last: u64,
}

/// What was recorded.
pub struct Recording {
    /// The contexts of all threads.
    pub tree: Tree,
    /// Threads in the order they were seen; their numbers are the tree's.
    pub threads: Vec<Seen>,
    /// From the first look to the last.
    pub duration: Duration,
    /// Periods nobody was looked at: the machine was busy, or a thread did not answer.
    pub missed: u64,
    /// Periods in all.
    pub rounds: u64,
    /// CPU time that the clock itself used.
    pub own: Duration,
}

/// A clock that runs.
pub struct Clock {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Recording>,
}

impl Clock {
    /// Starts sampling.
    pub fn start(watcher: Watcher, rate: u64, mode: Mode) -> std::io::Result<Clock> {
        let stop = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&stop);
        let period = Duration::from_nanos(1_000_000_000 / rate.max(1));
        let body = move || Sampling::new(watcher, period, mode).run(&until);
        let thread = thread::Builder::new().name("taipan-clock".to_owned()).spawn(body)?;
        Ok(Clock { stop, thread })
    }

    /// Stops sampling and gives what was recorded.
    pub fn stop(self) -> Recording {
        self.stop.store(true, Relaxed);
        self.thread.thread().unpark();
        self.thread.join().unwrap_or_else(|e| std::panic::resume_unwind(e))
    }
}

struct Sampling {
    watcher: Watcher,
    period: Duration,
    mode: Mode,
    recording: Recording,
    random: u64,
}

impl Sampling {
    fn new(watcher: Watcher, period: Duration, mode: Mode) -> Sampling {
        let recording = Recording {
            tree: Tree::default(),
            threads: Vec::new(),
            duration: Duration::ZERO,
            missed: 0,
            rounds: 0,
            own: Duration::ZERO,
        };
        Sampling { watcher, period, mode, recording, random: 0x9E37_79B9_7F4A_7C15 }
    }

    fn run(mut self, until: &AtomicBool) -> Recording {
        let _ = nix::sys::prctl::set_timerslack(1);
        let start = Instant::now();
        let (mut round, mut unanswered) = (0u64, 0u64);
        while self.sleep(start, round, until) {
            let now = self.round_at(start.elapsed()).max(round);
            self.recording.missed += now - round;
            let Sampling { watcher, recording, period, mode, .. } = &mut self;
            let asked = watcher.look(now, &mut |look| recording.add(&look, *period, *mode));
            if asked {
                unanswered = 0;
            } else {
                unanswered += 1;
                recording.missed += 1;
                if unanswered == PATIENCE {
                    tracing::debug!("a thread does not answer; it may block signals");
                    watcher.give_up();
                }
            }
            round = now + 1;
        }
        thread::sleep(Duration::from_micros(100));
        let Sampling { watcher, recording, period, mode, .. } = &mut self;
        watcher.take_answer(&mut |look| recording.add(&look, *period, *mode));
        recording.rounds = round;
        recording.duration = start.elapsed();
        recording.own = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map(Duration::from).unwrap_or_default();
        self.recording
    }

    fn round_at(&self, elapsed: Duration) -> u64 {
        (elapsed.as_nanos() / self.period.as_nanos()) as u64
    }

    /// Sleeps to a random moment of a round; false when sampling is to stop.
    fn sleep(&mut self, start: Instant, round: u64, until: &AtomicBool) -> bool {
        // xorshift64*: good enough to be in step with nothing, and the same in every run.
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        let part = (self.random.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1u64 << 53) as f64;
        let moment = start + self.period.mul_f64(round as f64 + part);
        loop {
            if until.load(Relaxed) {
                return false;
            }
            let now = Instant::now();
            if now >= moment {
                return true;
            }
            thread::park_timeout(moment - now);
        }
    }
}

impl Recording {
    fn add(&mut self, look: &Look<'_>, period: Duration, mode: Mode) {
        let number = self.number(look);
        let thread = &mut self.threads[number];
        let periods = (look.round + 1).saturating_sub(thread.last_round);
        thread.last_round = look.round + 1;
        let time = match mode {
            Mode::Wall => periods * period.as_nanos() as u64,
            Mode::Cpu => match thread.cpu(look, period) {
                Some(time) => time,
                None => return,
            },
        };
        if look.spots.is_empty() || time == 0 {
            return;
        }
        thread.samples += 1;
        // Threads are named after they start.
        if thread.samples.is_power_of_two() {
            if let Some(name) = watch::thread_name(thread.ident) {
                thread.name = name;
            }
        }
        self.tree.add(number as u32, look.spots, time);
    }

    fn number(&mut self, look: &Look<'_>) -> usize {
        if let Some(n) = self.threads.iter().rposition(|t| t.ident == look.thread) {
            return n;
        }
        let cpu = if self.threads.is_empty() { 0 } else { watch::cpu_time(look.thread).unwrap_or(0) };
        self.threads.push(Seen {
            ident: look.thread,
            name: watch::thread_name(look.thread).unwrap_or_default(),
            samples: 0,
            last_round: look.round,
            cpu_counted: cpu,
            cpu_last: cpu,
        });
        self.threads.len() - 1
    }
}

impl Seen {
    /// CPU time that a look stands for; `None` when the thread was not on a processor. What it used between looks that
    /// did not find it there is charged to the next that does.
    fn cpu(&mut self, look: &Look<'_>, period: Duration) -> Option<u64> {
        let now = watch::cpu_time(self.ident)?;
        let since_last = now - self.cpu_last.min(now);
        self.cpu_last = now;
        if !look.running && since_last * 2 < period.as_nanos() as u64 {
            return None;
        }
        let time = now - self.cpu_counted.min(now);
        self.cpu_counted = now;
        Some(time)
    }
}
