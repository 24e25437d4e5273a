//! The terminal UI as a whole: a scripted debug adapter on one side, screens as text on the other.

mod debugpy;
mod process;
mod random;
mod screens;
mod session;
mod support;
