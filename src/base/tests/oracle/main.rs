//! Compares with what CPython recorded in `fixtures/base` (see record.py there), question by question.
//!
//! `TAIPAN_BASE_FIXTURES` names another folder (for a larger recording); with `TAIPAN_ORACLE` set to a CPython 3.14, the
//! Unicode tables are compared with it code point by code point.

mod calendar;
mod codecs;
mod fixture;
mod float;
mod format;
mod int;
mod pack;
mod strings;
mod unicode;
