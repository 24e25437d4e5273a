//! Opcodes of the running copy: the canonical numbers, then the specialised and internal ones, and the table of handlers.

use super::{Entry, Handler};
use super::{arith, attr, build, call, control, define, except, gen_, global, item, matching, stack, unwind};
use taipan_bytecode::Op;

/// Numbers from here on are not canonical.
pub const FIRST_OWN: u16 = 130;
const SIZE: usize = 384;

macro_rules! table {
    (canonical { $($op:ident => $h:path,)* } own { $($(#[$doc:meta])* $own:ident => $oh:path,)* }) => {
        #[allow(non_camel_case_types)]
        #[repr(u16)]
        enum Own { First = FIRST_OWN - 1, $($own,)* }
        $( $(#[$doc])* pub const $own: u16 = Own::$own as u16; )*
        /// One handler for each opcode number.
        pub static TABLE: [Entry; SIZE] = {
            let mut t = [Entry(unwind::invalid as Handler); SIZE];
            $( t[Op::$op as usize] = Entry($h as Handler); )*
            $( t[$own as usize] = Entry($oh as Handler); )*
            let _ = Own::First;
            t
        };
        /// Name of an opcode of the running copy, for diagnostics.
        pub fn name(op: u16) -> &'static str {
            match op {
                $( $own => stringify!($own), )*
                _ => Op::from_number(op).map_or("?", Op::name),
            }
        }
    };
}

table! {
    canonical {
        NOP => stack::nop,
        NOT_TAKEN => stack::nop,
        CACHE => unwind::invalid,
        RESUME => control::resume,
        POP_TOP => stack::pop_top,
        POP_ITER => stack::pop_top,
        END_FOR => stack::pop_top,
        PUSH_NULL => stack::push_null,
        COPY => stack::copy,
        SWAP => stack::swap,
        LOAD_CONST => stack::load_const,
        LOAD_SMALL_INT => stack::load_small_int,
        LOAD_COMMON_CONSTANT => stack::load_common_constant,
        LOAD_FAST => stack::load_fast,
        LOAD_FAST_BORROW => stack::load_fast_borrow,
        LOAD_FAST_BORROW_LOAD_FAST_BORROW => stack::load_fast_borrow_load_fast_borrow,
        LOAD_FAST_LOAD_FAST => stack::load_fast_load_fast,
        LOAD_FAST_CHECK => stack::load_fast_check,
        LOAD_FAST_AND_CLEAR => stack::load_fast_and_clear,
        STORE_FAST => stack::store_fast,
        STORE_FAST_LOAD_FAST => stack::store_fast_load_fast,
        STORE_FAST_STORE_FAST => stack::store_fast_store_fast,
        DELETE_FAST => stack::delete_fast,
        MAKE_CELL => stack::make_cell,
        COPY_FREE_VARS => stack::copy_free_vars,
        LOAD_DEREF => stack::load_deref,
        STORE_DEREF => stack::store_deref,
        DELETE_DEREF => stack::delete_deref,
        LOAD_FROM_DICT_OR_DEREF => stack::load_from_dict_or_deref,
        BINARY_OP => arith::binary_op,
        UNARY_NEGATIVE => arith::unary_negative,
        UNARY_INVERT => arith::unary_invert,
        UNARY_NOT => arith::unary_not,
        COMPARE_OP => arith::compare_op,
        CONTAINS_OP => arith::contains_op,
        IS_OP => arith::is_op,
        TO_BOOL => arith::to_bool,
        BINARY_SLICE => item::binary_slice,
        STORE_SLICE => item::store_slice,
        STORE_SUBSCR => item::store_subscr,
        DELETE_SUBSCR => item::delete_subscr,
        LOAD_ATTR => attr::load_attr,
        STORE_ATTR => attr::store_attr,
        DELETE_ATTR => attr::delete_attr,
        LOAD_SUPER_ATTR => attr::load_super_attr,
        LOAD_SPECIAL => attr::load_special,
        LOAD_GLOBAL => global::load_global,
        STORE_GLOBAL => global::store_global,
        DELETE_GLOBAL => global::delete_global,
        LOAD_NAME => global::load_name,
        STORE_NAME => global::store_name,
        DELETE_NAME => global::delete_name,
        LOAD_LOCALS => global::load_locals,
        LOAD_FROM_DICT_OR_GLOBALS => global::load_from_dict_or_globals,
        LOAD_BUILD_CLASS => global::load_build_class,
        SETUP_ANNOTATIONS => global::setup_annotations,
        IMPORT_NAME => global::import_name,
        IMPORT_FROM => global::import_from,
        CALL => call::call,
        CALL_KW => call::call_kw,
        CALL_FUNCTION_EX => call::call_function_ex,
        CALL_INTRINSIC_1 => define::call_intrinsic_1,
        CALL_INTRINSIC_2 => define::call_intrinsic_2,
        RETURN_VALUE => call::return_value,
        BUILD_LIST => build::build_list,
        BUILD_TUPLE => build::build_tuple,
        BUILD_SET => build::build_set,
        BUILD_MAP => build::build_map,
        BUILD_SLICE => build::build_slice,
        BUILD_STRING => build::build_string,
        BUILD_TEMPLATE => build::build_template,
        BUILD_INTERPOLATION => build::build_interpolation,
        LIST_APPEND => build::list_append,
        LIST_EXTEND => build::list_extend,
        SET_ADD => build::set_add,
        SET_UPDATE => build::set_update,
        MAP_ADD => build::map_add,
        DICT_UPDATE => build::dict_update,
        DICT_MERGE => build::dict_merge,
        FORMAT_SIMPLE => build::format_simple,
        FORMAT_WITH_SPEC => build::format_with_spec,
        CONVERT_VALUE => build::convert_value,
        UNPACK_SEQUENCE => build::unpack_sequence,
        UNPACK_EX => build::unpack_ex,
        GET_LEN => build::get_len,
        JUMP_FORWARD => control::jump_forward,
        JUMP_BACKWARD => control::jump_backward,
        JUMP_BACKWARD_NO_INTERRUPT => control::jump_forward,
        POP_JUMP_IF_FALSE => control::pop_jump_if_false,
        POP_JUMP_IF_TRUE => control::pop_jump_if_true,
        POP_JUMP_IF_NONE => control::pop_jump_if_none,
        POP_JUMP_IF_NOT_NONE => control::pop_jump_if_not_none,
        GET_ITER => control::get_iter,
        FOR_ITER => control::for_iter,
        GET_YIELD_FROM_ITER => gen_::get_yield_from_iter,
        RETURN_GENERATOR => gen_::return_generator,
        YIELD_VALUE => gen_::yield_value,
        SEND => gen_::send,
        END_SEND => gen_::end_send,
        CLEANUP_THROW => gen_::cleanup_throw,
        GET_AWAITABLE => gen_::get_awaitable,
        GET_AITER => gen_::get_aiter,
        GET_ANEXT => gen_::get_anext,
        END_ASYNC_FOR => gen_::end_async_for,
        PUSH_EXC_INFO => except::push_exc_info,
        POP_EXCEPT => except::pop_except,
        CHECK_EXC_MATCH => except::check_exc_match,
        CHECK_EG_MATCH => except::check_eg_match,
        RAISE_VARARGS => except::raise_varargs,
        RERAISE => except::reraise,
        WITH_EXCEPT_START => except::with_except_start,
        MAKE_FUNCTION => define::make_function,
        SET_FUNCTION_ATTRIBUTE => define::set_function_attribute,
        MATCH_CLASS => matching::match_class,
        MATCH_KEYS => matching::match_keys,
        MATCH_MAPPING => matching::match_mapping,
        MATCH_SEQUENCE => matching::match_sequence,
    }
    own {
        /// Leaves the eval loop with the result on top of the stack.
        EXIT => call::exit,
        /// A byte that is no opcode (its argument), or the place behind the last instruction.
        UNKNOWN => unwind::unknown,
        /// After a special method called for an operator: goes on after the caller's instruction.
        RESULT => call::result,
        /// As `RESULT`, with the result's truth (comparisons that make a bool).
        RESULT_BOOL => call::result_bool,
        /// A probe sits here: the unit's own opcode is in the side table.
        PROBE => unwind::probe,
        /// `CALL` whose end somebody listens to.
        CALL_WATCHED => call::call_watched,
        /// `CALL_KW` whose end somebody listens to.
        CALL_KW_WATCHED => call::call_kw_watched,
        /// `CALL_FUNCTION_EX` whose end somebody listens to.
        CALL_FUNCTION_EX_WATCHED => call::call_function_ex_watched,
        /// `LOAD_SUPER_ATTR` whose call of `super` somebody listens to.
        LOAD_SUPER_ATTR_WATCHED => attr::load_super_attr_watched,
        BINARY_OP_ADD_INT => arith::add_int,
        BINARY_OP_SUB_INT => arith::sub_int,
        BINARY_OP_MUL_INT => arith::mul_int,
        BINARY_OP_FLOORDIV_INT => arith::floordiv_int,
        BINARY_OP_REM_INT => arith::rem_int,
        BINARY_OP_AND_INT => arith::and_int,
        BINARY_OP_OR_INT => arith::or_int,
        BINARY_OP_XOR_INT => arith::xor_int,
        BINARY_OP_LSHIFT_INT => arith::lshift_int,
        BINARY_OP_RSHIFT_INT => arith::rshift_int,
        BINARY_OP_ADD_FLOAT => arith::add_float,
        BINARY_OP_SUB_FLOAT => arith::sub_float,
        BINARY_OP_MUL_FLOAT => arith::mul_float,
        BINARY_OP_DIV_FLOAT => arith::div_float,
        BINARY_OP_ADD_STR => arith::add_str,
        BINARY_OP_EXTEND => arith::binary_op_extend,
        BINARY_OP_SUBSCR_LIST_INT => item::subscr_list_int,
        BINARY_OP_SUBSCR_TUPLE_INT => item::subscr_tuple_int,
        BINARY_OP_SUBSCR_STR_INT => item::subscr_str_int,
        BINARY_OP_SUBSCR_DICT => item::subscr_dict,
        BINARY_OP_PY => arith::binary_op_py,
        STORE_SUBSCR_LIST_INT => item::store_subscr_list_int,
        STORE_SUBSCR_DICT => item::store_subscr_dict,
        COMPARE_OP_INT => arith::compare_op_int,
        COMPARE_OP_FLOAT => arith::compare_op_float,
        COMPARE_OP_STR => arith::compare_op_str,
        COMPARE_OP_INT_JUMP => arith::compare_op_int_jump,
        CONTAINS_OP_DICT => arith::contains_op_dict,
        CONTAINS_OP_SET => arith::contains_op_set,
        TO_BOOL_BOOL => arith::to_bool_bool,
        TO_BOOL_INT => arith::to_bool_int,
        TO_BOOL_LIST => arith::to_bool_list,
        TO_BOOL_NONE => arith::to_bool_none,
        TO_BOOL_STR => arith::to_bool_str,
        LOAD_ATTR_INSTANCE_VALUE => attr::load_attr_instance_value,
        LOAD_ATTR_POLY => attr::load_attr_poly,
        LOAD_ATTR_METHOD => attr::load_attr_method,
        LOAD_ATTR_METHOD_POLY => attr::load_attr_method_poly,
        LOAD_ATTR_MODULE => attr::load_attr_module,
        LOAD_ATTR_SLOT => attr::load_attr_slot,
        LOAD_ATTR_CLASS => attr::load_attr_class,
        LOAD_ATTR_NONDESCRIPTOR => attr::load_attr_nondescriptor,
        LOAD_ATTR_PROPERTY => attr::load_attr_property,
        STORE_ATTR_INSTANCE_VALUE => attr::store_attr_instance_value,
        STORE_ATTR_APPEND => attr::store_attr_append,
        STORE_ATTR_SLOT => attr::store_attr_slot,
        LOAD_GLOBAL_MODULE => global::load_global_module,
        LOAD_GLOBAL_BUILTIN => global::load_global_builtin,
        CALL_PY_EXACT => call::call_py_exact,
        CALL_PY_DEFAULTS => call::call_py_defaults,
        CALL_PY_GENERAL => call::call_py_general,
        CALL_KW_PY => call::call_kw_py,
        CALL_BOUND_METHOD => call::call_bound_method,
        CALL_BUILTIN => call::call_builtin,
        CALL_METHOD_DESCRIPTOR => call::call_method_descriptor,
        CALL_METHOD_F1 => call::call_method_f1,
        CALL_METHOD_F2 => call::call_method_f2,
        CALL_BUILTIN_F1 => call::call_builtin_f1,
        CALL_BUILTIN_F2 => call::call_builtin_f2,
        CALL_LEN => call::call_len,
        CALL_ISINSTANCE => call::call_isinstance,
        CALL_LIST_APPEND => call::call_list_append,
        CALL_TYPE_1 => call::call_type_1,
        CALL_CLASS_INIT => call::call_class_init,
        CALL_NATIVE => call::call_native,
        FOR_ITER_RANGE => control::for_iter_range,
        FOR_ITER_LIST => control::for_iter_list,
        FOR_ITER_TUPLE => control::for_iter_tuple,
        FOR_ITER_GEN => gen_::for_iter_gen,
        FOR_ITER_NATIVE => control::for_iter_native,
        SEND_GEN => gen_::send_gen,
        UNPACK_SEQUENCE_TUPLE => build::unpack_sequence_tuple,
        UNPACK_SEQUENCE_TWO_TUPLE => build::unpack_sequence_two_tuple,
        UNPACK_SEQUENCE_LIST => build::unpack_sequence_list,
        LOAD_FAST_BORROW_LOAD_SMALL_INT => stack::load_fast_borrow_load_small_int,
    }
}

/// Executions before an instruction is specialised.
pub const WARMUP: u32 = 2;
/// Executions before another attempt after a failed one.
pub const BACKOFF: u32 = 64;

/// The plain form of an opcode that does the next instruction's work as well: a probe on that one would be missed.
pub fn unfused(op: u16) -> Option<u16> {
    match op {
        COMPARE_OP_INT_JUMP => Some(Op::COMPARE_OP as u16),
        LOAD_FAST_BORROW_LOAD_SMALL_INT => Some(Op::LOAD_FAST_BORROW as u16),
        _ => None,
    }
}

/// Whether an instruction, specialising itself, may take in the one after it.
pub fn fuses(op: Option<Op>) -> bool {
    op == Some(Op::COMPARE_OP)
}

/// Value of the cache half of a unit before the first execution.
pub fn initial_cache(op: Op) -> u32 {
    match op {
        Op::LOAD_ATTR | Op::STORE_ATTR | Op::LOAD_GLOBAL | Op::CALL | Op::CALL_KW | Op::BINARY_OP => WARMUP,
        Op::COMPARE_OP | Op::CONTAINS_OP | Op::TO_BOOL | Op::STORE_SUBSCR | Op::UNPACK_SEQUENCE => WARMUP,
        Op::LOAD_SUPER_ATTR => WARMUP,
        // Where it goes on, for the safepoint that it shares with backward jumps.
        Op::RESUME => 1,
        _ => 0,
    }
}
