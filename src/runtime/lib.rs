//! Objects, builtin types, the eval loop, import and probes.
