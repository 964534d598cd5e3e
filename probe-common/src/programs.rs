//! Every kernel program of the object, once.
//!
//! The order is the numbering: the self-test counts what arrived by it, so a
//! program is only ever appended within its section. Which of them are used on
//! a kernel, and for what, is user space's catalog; a unit test there compares
//! both with the built object.

/// How a program is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Entry of a function, by BTF.
    FEntry,
    /// Return of a function, by BTF.
    FExit,
    /// Entry of a function, by name.
    KProbe,
    /// Return of a function, by name.
    KRetProbe,
    /// A tracepoint by BTF; `hook` is its name without category.
    BtfTracePoint,
    /// A tracepoint of tracefs; `hook` is `category:name`.
    TracePoint,
}

/// One kernel program.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// Name in the object.
    pub name: &'static str,
    /// The kernel function or tracepoint it is written for.
    pub hook: &'static str,
    /// How it is attached.
    pub kind: Kind,
}

macro_rules! programs {
    ($($kind:ident $name:ident $hook:literal;)*) => {
        /// Every program, in the order of the numbers.
        pub const PROGRAMS: &[Program] = &[
            $(Program { name: stringify!($name), hook: $hook, kind: Kind::$kind }),*
        ];
    };
}

programs! {
    // copy
    FExit copy_exit "vfs_copy_file_range";

    // readahead

    // resize

    // capacity and partitions

    // exec and exit

    // configuration: read-ahead writers, mounts
}

/// The number of the program called `name`; a name that is not in the table
/// does not compile where this is evaluated as a constant.
///
/// # Panics
///
/// If there is no such program.
pub const fn number(name: &str) -> u32 {
    let mut i = 0;
    while i < PROGRAMS.len() {
        if equal(PROGRAMS[i].name.as_bytes(), name.as_bytes()) {
            return i as u32;
        }
        i += 1;
    }
    panic!("no such program");
}

const fn equal(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::PROGRAMS;
    use std::collections::HashSet;

    #[test]
    fn names_are_unique() {
        let names: HashSet<_> = PROGRAMS.iter().map(|p| p.name).collect();
        assert_eq!(names.len(), PROGRAMS.len());
    }
}
