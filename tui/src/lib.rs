//! The terminal UI of Taipan's debugger: a Debug Adapter Protocol client that knows nothing of the interpreter.
//!
//! Reading order: [`dap`] is the protocol; [`app`] is the model, [`msg`] what can happen to it and what it can want,
//! [`update`] the function between them; [`keys`] and [`commands`] are the tables of what the user can do; [`layout`],
//! [`view`], [`panes`] and [`theme`] draw; [`runtime`], `debuggee`, [`terminal`] and [`run()`] meet the world.
//!
//! Invariants: `update` waits for nothing and touches nothing outside the model; `view` changes nothing; what the
//! program says is shown as text that cannot disturb the terminal; the terminal is given back whatever happens.

#![forbid(unsafe_code)]

pub mod app;
pub mod commands;
pub mod config;
pub mod dap;
mod debuggee;
pub mod error;
pub mod highlight;
pub mod keys;
pub mod layout;
pub mod msg;
pub mod panes;
mod run;
pub mod runtime;
pub mod terminal;
pub mod theme;
pub mod update;
pub mod view;
pub mod widgets;

pub use config::{Config, PrivateDirectory, Spawn, Start, StartRequest};
pub use error::Error;
pub use run::run;
