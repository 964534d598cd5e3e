//! The kernel's own description of its types: where fields lie, and what
//! functions take.

use btf_rs::{Backend, Btf, BtfType, Type};
use probe_common::fields::{ABSENT, Field};
use rustix::fs::MemfdFlags;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

mod scan;

use scan::scan;

const ELF: &[u8] = b"\x7fELF";

/// The running kernel's BTF.
pub const RUNNING: &str = "/sys/kernel/btf/vmlinux";

/// BTF could not be used.
#[derive(Debug, thiserror::Error)]
pub enum BtfError {
    /// The file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not BTF, or damaged.
    #[error("{path} is not usable BTF: {why}")]
    Format {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

/// What is to be looked up. A lookup by name walks through all types, which are
/// some hundred thousand: so the names are told beforehand, and one walk finds
/// them all.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    names: HashSet<String>,
}

impl Wanted {
    /// These fields, functions and BTF tracepoints.
    pub fn new<'n>(
        fields: &[Field],
        functions: impl IntoIterator<Item = &'n str>,
        tracepoints: impl IntoIterator<Item = &'n str>,
    ) -> Self {
        let structures = fields.iter().map(|field| field.structure.to_owned());
        let functions = functions.into_iter().map(str::to_owned);
        let tracepoints = tracepoints.into_iter().map(typedef);
        Self {
            names: structures
                .chain(functions)
                .chain(tracepoints)
                .chain([HELPERS.to_owned()])
                .collect(),
        }
    }
}

/// The enumeration of the helper functions.
const HELPERS: &str = "bpf_func_id";

/// The typedef by which BTF knows a tracepoint.
fn typedef(tracepoint: &str) -> String {
    format!("btf_trace_{tracepoint}")
}

/// A type and its number in the file.
struct Numbered {
    id: u32,
    found: Type,
}

/// A parsed BTF file.
pub struct KernelBtf {
    btf: Btf,
    /// Types by name, of those that are wanted.
    types: HashMap<String, Vec<Numbered>>,
}

impl KernelBtf {
    /// Reads BTF from `path`: raw, as in `/sys/kernel/btf`, or the `.BTF`
    /// section of an ELF file such as a `vmlinux` with debug information.
    pub fn read(path: &Path, wanted: &Wanted) -> Result<Self, BtfError> {
        let read = |source| BtfError::Read {
            path: path.to_owned(),
            source,
        };
        let format = |error: &dyn Error| BtfError::Format {
            path: path.to_owned(),
            why: error.to_string(),
        };
        let mut bytes = fs::read(path).map_err(read)?;
        if bytes.starts_with(ELF) {
            bytes = btf_rs::utils::elf::extract_btf_from_file(path).map_err(|e| format(&e))?;
        }
        let names = wanted.names.iter().map(String::as_str).collect();
        let found = scan(&bytes, &names).map_err(|e| format(&e))?;
        // Parsing everything into memory costs tens of megabytes, mapping it a
        // few; but sysfs maps only since 6.16, so a memfd is mapped instead.
        let memory = rustix::fs::memfd_create("btf", MemfdFlags::CLOEXEC)
            .map_err(|error| read(error.into()))?;
        let mut memory = File::from(memory);
        memory.write_all(&bytes).map_err(read)?;
        drop(bytes);
        let mapped = format!("/proc/self/fd/{}", memory.as_raw_fd());
        let btf = Btf::from_file_with_backend(mapped, Backend::Mmap).map_err(|e| format(&e))?;
        let mut types: HashMap<String, Vec<Numbered>> = HashMap::new();
        for (id, name) in found {
            let found = btf.resolve_type_by_id(id).map_err(|e| format(&e))?;
            types.entry(name).or_default().push(Numbered { id, found });
        }
        Ok(Self { btf, types })
    }

    /// The types of this name, if it was wanted.
    fn named(&self, name: &str) -> impl Iterator<Item = &Type> {
        self.numbered(name).iter().map(|numbered| &numbered.found)
    }

    fn numbered(&self, name: &str) -> &[Numbered] {
        self.types.get(name).map_or(&[], Vec::as_slice)
    }

    /// Offset of each field in bytes, [`ABSENT`] for those the kernel lacks.
    pub fn offsets(&self, fields: &[Field]) -> Vec<u32> {
        fields
            .iter()
            .map(|field| {
                let bits = self
                    .named(field.structure)
                    .find_map(|structure| self.offset(structure, field.path));
                bits.map_or(ABSENT, |bits| bits / 8)
            })
            .collect()
    }

    /// Offset in bits of the member at `path` within `structure`.
    fn offset(&self, structure: &Type, path: &[&str]) -> Option<u32> {
        let Some((name, rest)) = path.split_first() else {
            return Some(0);
        };
        let (Type::Struct(body) | Type::Union(body)) = structure else {
            return None;
        };
        body.members.iter().find_map(|member| {
            let member_name = self.btf.resolve_name(member).ok()?;
            // Members of an anonymous structure belong to the enclosing one.
            let path = match member_name.as_str() {
                "" => path,
                found if found == *name => rest,
                _ => return None,
            };
            let inner = if path.is_empty() {
                0
            } else {
                self.offset(&self.unqualified(member)?, path)?
            };
            Some(member.bit_offset() + inner)
        })
    }

    /// The type a member or parameter has, without typedefs and qualifiers.
    fn unqualified(&self, of: &dyn BtfType) -> Option<Type> {
        let mut found = self.btf.resolve_chained_type(of).ok()?;
        while let Type::Typedef(_) | Type::Const(_) | Type::Volatile(_) | Type::TypeTag(_) = found {
            found = self.btf.resolve_chained_type(found.as_btf_type()?).ok()?;
        }
        Some(found)
    }

    /// What is known of these functions and BTF tracepoints.
    pub fn prototypes<'n>(
        &self,
        functions: impl IntoIterator<Item = &'n str>,
        tracepoints: impl IntoIterator<Item = &'n str>,
    ) -> Prototypes {
        let known = functions.into_iter().filter_map(|name| {
            let mut prototypes = self.named(name).filter_map(|found| match found {
                Type::Func(function) => match self.btf.resolve_chained_type(function) {
                    Ok(Type::FuncProto(prototype)) => Some(prototype),
                    _ => None,
                },
                _ => None,
            });
            let first = prototypes.next()?;
            let parameters = first.parameters.iter().map(|p| self.pointee(p)).collect();
            let prototype = Prototype {
                parameters,
                definitions: 1 + prototypes.count(),
            };
            Some((name.to_owned(), prototype))
        });
        let exists = |name: &&str| !self.numbered(&typedef(name)).is_empty();
        Prototypes::Known {
            functions: known.collect(),
            tracepoints: tracepoints
                .into_iter()
                .filter(exists)
                .map(str::to_owned)
                .collect(),
        }
    }

    /// The numbers by which a program names what it is to be attached to: those
    /// of these functions, and of the typedefs of these BTF tracepoints. Of
    /// several of one name, all.
    pub fn hooks<'n>(
        &self,
        functions: impl IntoIterator<Item = &'n str>,
        tracepoints: impl IntoIterator<Item = &'n str>,
    ) -> BTreeMap<u32, HookType> {
        let functions = functions.into_iter().flat_map(|name| {
            let numbered = self.numbered(name).iter();
            let functions = numbered.filter(|numbered| matches!(numbered.found, Type::Func(_)));
            functions.map(|numbered| (numbered.id, HookType::Function(name.to_owned())))
        });
        let tracepoints = tracepoints.into_iter().flat_map(|name| {
            let name = typedef(name);
            let numbered = self.numbered(&name).iter();
            let typedefs = numbered.filter(|numbered| matches!(numbered.found, Type::Typedef(_)));
            typedefs.map(move |numbered| (numbered.id, HookType::Tracepoint(name.clone())))
        });
        functions.chain(tracepoints).collect()
    }

    /// Whether the kernel has the helper function of this number's name in
    /// `enum bpf_func_id`, such as `BPF_FUNC_get_current_task_btf`.
    pub fn has_helper(&self, name: &str) -> bool {
        self.named(HELPERS).any(|found| match found {
            Type::Enum(numbers) => numbers.members.iter().any(|member| {
                let found = self.btf.resolve_name(member);
                found.is_ok_and(|found| found == name)
            }),
            _ => false,
        })
    }

    /// Name of the structure a parameter points to; empty for anything else.
    fn pointee(&self, parameter: &dyn BtfType) -> String {
        let structure = match self.unqualified(parameter) {
            Some(Type::Ptr(pointer)) => self.unqualified(&pointer),
            _ => None,
        };
        match structure {
            Some(Type::Struct(structure)) => self.btf.resolve_name(&structure).unwrap_or_default(),
            _ => String::new(),
        }
    }
}

/// What a program can be attached to, as BTF knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HookType {
    /// A function of this name.
    Function(String),
    /// A tracepoint, by the name of its typedef.
    Tracepoint(String),
}

/// What a function takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prototype {
    /// One entry a parameter: the structure it points to, or empty.
    pub parameters: Vec<String>,
    /// Functions of this name; with more than one, which is meant is unknown.
    pub definitions: usize,
}

/// The prototypes of the functions and tracepoints that were asked for.
#[derive(Clone, Debug, Default)]
pub enum Prototypes {
    /// There is no BTF to ask.
    #[default]
    Unknown,
    /// As BTF gives them; what it lacks is not in here.
    Known {
        /// By name of the function.
        functions: HashMap<String, Prototype>,
        /// Names of BTF tracepoints.
        tracepoints: HashSet<String>,
    },
}

impl Prototypes {
    /// The prototype of a function, if BTF has it.
    pub fn get(&self, function: &str) -> Option<&Prototype> {
        match self {
            Self::Known { functions, .. } => functions.get(function),
            Self::Unknown => None,
        }
    }

    /// Whether BTF has the tracepoint.
    pub fn has_tracepoint(&self, name: &str) -> bool {
        match self {
            Self::Known { tracepoints, .. } => tracepoints.contains(name),
            Self::Unknown => false,
        }
    }
}

#[cfg(test)]
mod tests;
