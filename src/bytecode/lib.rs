//! The opcode table, code objects as plain data, their tables, disassembly and marshal.
