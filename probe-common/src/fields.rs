//! Kernel structure fields that the programs read.
//!
//! No layout of a kernel is compiled in: each field is a read-only global of
//! the object, set by the loader from the running kernel's BTF before the
//! programs are verified. One list serves both sides: the kernel side makes a
//! `static` of each row, user space a table to look the offsets up by.

/// Offset value for a field that this kernel does not have.
pub const ABSENT: u32 = u32::MAX;

/// One field: the global's name, the structure, and the path within it.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Name of the global in the object.
    pub symbol: &'static str,
    /// Structure, without `struct`.
    pub structure: &'static str,
    /// Member path; a later entry is looked up inside the earlier one.
    pub path: &'static [&'static str],
}

/// Calls `$callback!` with every row: `SYMBOL: "structure" ["member", …];`.
#[macro_export]
macro_rules! for_each_field {
    ($callback:ident) => {
        $callback! {
            OFF_FILE_INODE: "file" ["f_inode"];
            OFF_INODE_SB: "inode" ["i_sb"];
            OFF_SB_DEV: "super_block" ["s_dev"];
        }
    };
}

macro_rules! table {
    ($($symbol:ident: $structure:literal [$($member:literal),+];)+) => {
        /// Every field, in the order of the list.
        pub const FIELDS: &[Field] = &[
            $(Field {
                symbol: stringify!($symbol),
                structure: $structure,
                path: &[$($member),+],
            }),+
        ];
    };
}
for_each_field!(table);
