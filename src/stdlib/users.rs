//! `pwd` and `grp` (`Modules/pwdmodule.c`, `Modules/grpmodule.c`): the databases of users and groups.

use crate::system::int;
use crate::system::path::{c_string, decode};
use taipan_runtime::host::names::{self, Group, User};
use taipan_runtime::import::ModuleDef;
use taipan_runtime::object::{MethodDef, NativeFn::*, PyResult, Raised, Value, none};
use taipan_runtime::types::exceptions as exc;
use taipan_runtime::types::int::Int;
use taipan_runtime::types::list::List;
use taipan_runtime::types::structseq::StructSeq;
use taipan_runtime::vm::Vm;

/// `pwd`
pub static PWD: ModuleDef = ModuleDef::new("pwd")
    .doc("The database of users.")
    .functions(&[
        MethodDef::function(
            "getpwall",
            "($module, /)",
            "All users, in no particular order.",
            F0(|vm| {
                let all = vm.allow_threads(names::users);
                let all = all.iter().map(|u| user(vm, u)).collect::<PyResult<Vec<_>>>()?;
                Ok(List::from_vec(all).into())
            }),
        ),
        MethodDef::function(
            "getpwnam",
            "($module, name, /)",
            "A user by name.",
            F1(|vm, name| {
                let c = text(vm, name, "getpwnam() argument")?;
                match vm.allow_threads(|| names::user_by_name(&c)).map_err(|e| vm.os_error(e))? {
                    Some(u) => user(vm, &u),
                    None => missing_name(vm, "getpwnam", name),
                }
            }),
        ),
        MethodDef::function(
            "getpwuid",
            "($module, uidobj, /)",
            "A user by number.",
            F1(|vm, id| {
                let Some(n) = number(vm, id)? else { return Err(missing_id(vm, "getpwuid", "uid", id)?) };
                match vm.allow_threads(|| names::user_by_id(n)).map_err(|e| vm.os_error(e))? {
                    Some(u) => user(vm, &u),
                    None => Err(missing_id(vm, "getpwuid", "uid", id)?),
                }
            }),
        ),
    ])
    .init(|vm, module| {
        let class = PASSWD.class(vm)?;
        module.store_text("struct_passwd", class);
        Ok(())
    });

/// `grp`
pub static GRP: ModuleDef = ModuleDef::new("grp")
    .doc("The database of groups.")
    .functions(&[
        MethodDef::function(
            "getgrall",
            "($module, /)",
            "All groups, in no particular order.",
            F0(|vm| {
                let all = vm.allow_threads(names::groups);
                let all = all.iter().map(|g| group(vm, g)).collect::<PyResult<Vec<_>>>()?;
                Ok(List::from_vec(all).into())
            }),
        ),
        MethodDef::function(
            "getgrnam",
            "($module, /, name)",
            "A group by name.",
            N(|vm, a| {
                let name = a[0].clone().unwrap_or_else(none);
                let c = text(vm, &name, "getgrnam() argument 'name'")?;
                match vm.allow_threads(|| names::group_by_name(&c)).map_err(|e| vm.os_error(e))? {
                    Some(g) => group(vm, &g),
                    None => missing_name(vm, "getgrnam", &name),
                }
            }),
        ),
        MethodDef::function(
            "getgrgid",
            "($module, /, id)",
            "A group by number.",
            N(|vm, a| {
                let id = a[0].clone().unwrap_or_else(none);
                let Some(n) = number(vm, &id)? else { return Err(missing_id(vm, "getgrgid", "gid", &id)?) };
                match vm.allow_threads(|| names::group_by_id(n)).map_err(|e| vm.os_error(e))? {
                    Some(g) => group(vm, &g),
                    None => Err(missing_id(vm, "getgrgid", "gid", &id)?),
                }
            }),
        ),
    ])
    .init(|vm, module| {
        let class = GROUP.class(vm)?;
        module.store_text("struct_group", class);
        Ok(())
    });

static PASSWD: StructSeq = StructSeq::new(
    "pwd.struct_passwd",
    "A row of the database of users.",
    &[
        ("pw_name", "user name"),
        ("pw_passwd", "password"),
        ("pw_uid", "user id"),
        ("pw_gid", "group id"),
        ("pw_gecos", "real name"),
        ("pw_dir", "home directory"),
        ("pw_shell", "shell program"),
    ],
    7,
);

static GROUP: StructSeq = StructSeq::new(
    "grp.struct_group",
    "A row of the database of groups.",
    &[("gr_name", "group name"), ("gr_passwd", "password"), ("gr_gid", "group id"), ("gr_mem", "group members")],
    4,
);

fn text(vm: &mut Vm, v: &Value, what: &str) -> PyResult<std::ffi::CString> {
    vm.expect_str(v, what)?;
    c_string(vm, v)
}

/// A user or group number; `None` for one that cannot be any.
fn number(vm: &mut Vm, v: &Value) -> PyResult<Option<u32>> {
    let v = match Int::read(v) {
        Some(_) => v.clone(),
        None => match vm.index(v) {
            Ok(i) => i,
            Err(r) if !vm.error_is(&exc::TYPE_ERROR) => return Err(r),
            Err(_) => {
                vm.clear_error();
                let got = v.class().payload.name();
                return Err(vm.type_error(format!("uid should be integer, not {got}")));
            }
        },
    };
    Ok(match Int::read(&v).and_then(|i| i.to_i64()) {
        Some(-1) => Some(u32::MAX),
        Some(n) => u32::try_from(n).ok(),
        None => None,
    })
}

fn missing_name(vm: &mut Vm, function: &str, name: &Value) -> PyResult {
    let shown = vm.repr(name)?.to_rust().into_owned();
    let message = vm.new_str(&format!("{function}(): name not found: {shown}"));
    Err(vm.raise_with(&exc::KEY_ERROR, &[message]))
}

fn missing_id(vm: &mut Vm, function: &str, kind: &str, id: &Value) -> PyResult<Raised> {
    let shown = vm.str(id)?.to_rust().into_owned();
    let message = vm.new_str(&format!("{function}(): {kind} not found: {shown}"));
    Ok(vm.raise_with(&exc::KEY_ERROR, &[message]))
}

fn user(vm: &mut Vm, u: &User) -> PyResult {
    let [name, password, description, home, shell] = u.texts.each_ref().map(|t| Value::from(decode(t)));
    let [uid, gid] = u.ids.map(int);
    PASSWD.make(vm, vec![name, password, uid, gid, description, home, shell])
}

fn group(vm: &mut Vm, g: &Group) -> PyResult {
    let [name, password] = g.texts.each_ref().map(|t| Value::from(decode(t)));
    let members = List::from_vec(g.members.iter().map(|m| decode(m).into()).collect());
    GROUP.make(vm, vec![name, password, int(g.id), members.into()])
}
