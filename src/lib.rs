//! Taipan: a debugger, profiler and leak hunter for Python.
