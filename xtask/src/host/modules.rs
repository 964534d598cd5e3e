//! Kernel modules: finding, unpacking, ordering.
//!
//! Debian's packages have no `modules.dep` (it is made on installation), so
//! dependencies and aliases are read from the modules themselves.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use super::{kernels::Kernel, run};

/// A module with all that its initramfs needs to know.
#[derive(Debug)]
pub struct Module {
    /// Name with underscores, as in `/proc/modules`.
    pub name: String,
    /// The unpacked ELF file.
    pub elf: Vec<u8>,
    /// Names of the modules it needs directly.
    pub depends: Vec<String>,
    /// Names it can be asked for by.
    pub aliases: Vec<String>,
}

/// `wanted` and everything they need, each once, dependencies before their
/// users. A module that is built into the kernel is left out.
pub fn collect(kernel: &Kernel, wanted: &[&str]) -> Result<Vec<Module>> {
    let mut files = BTreeMap::new();
    index(&kernel.modules.join("kernel"), &mut files)?;
    let builtin = fs::read_to_string(kernel.modules.join("modules.builtin"))
        .context("the kernel package has no modules.builtin")?;
    let builtin: BTreeSet<String> = builtin
        .lines()
        .filter_map(|line| module_name(Path::new(line)))
        .collect();
    let mut modules = Vec::new();
    let mut seen = BTreeSet::new();
    for name in wanted {
        add(&canonical(name), &files, &builtin, &mut seen, &mut modules)
            .with_context(|| format!("module {name} of {}", kernel.release))?;
    }
    Ok(modules)
}

fn add(
    name: &str,
    files: &BTreeMap<String, PathBuf>,
    builtin: &BTreeSet<String>,
    seen: &mut BTreeSet<String>,
    modules: &mut Vec<Module>,
) -> Result<()> {
    if builtin.contains(name) || !seen.insert(name.to_owned()) {
        return Ok(());
    }
    let Some(path) = files.get(name) else {
        bail!("{name} is neither a module nor built in")
    };
    let elf = read(path)?;
    let info = modinfo(&elf);
    let values = |key: &str| -> Vec<String> {
        info.iter()
            .filter(|(k, _)| k == key)
            .map(|(_, value)| value.clone())
            .collect()
    };
    let depends: Vec<String> = values("depends")
        .iter()
        .flat_map(|list| {
            list.split(',')
                .filter(|name| !name.is_empty())
                .map(canonical)
        })
        .collect();
    for dependency in &depends {
        add(dependency, files, builtin, seen, modules)?;
    }
    modules.push(Module {
        name: name.to_owned(),
        aliases: values("alias"),
        elf,
        depends,
    });
    Ok(())
}

fn canonical(name: &str) -> String {
    name.replace('-', "_")
}

fn module_name(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let (stem, _) = name.split_once(".ko")?;
    Some(canonical(stem))
}

fn index(dir: &Path, files: &mut BTreeMap<String, PathBuf>) -> Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            index(&path, files)?;
        } else if let Some(name) = module_name(&path) {
            files.insert(name, path);
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("xz") => run::output(Command::new("xz").arg("-dc").arg(path)),
        Some("ko") => Ok(fs::read(path)?),
        _ => bail!("{} is compressed in a way not known here", path.display()),
    }
}

/// The `key=value` strings of the `.modinfo` section. They are found without
/// reading the ELF headers: NUL-terminated, and no other section holds NUL-
/// delimited strings with these two keys at their start.
fn modinfo(elf: &[u8]) -> Vec<(String, String)> {
    elf.split(|byte| *byte == 0)
        .filter(|text| text.starts_with(b"depends=") || text.starts_with(b"alias="))
        .filter_map(|text| {
            let (key, value) = std::str::from_utf8(text).ok()?.split_once('=')?;
            Some((key.to_owned(), value.to_owned()))
        })
        .collect()
}

/// The text of `modules.dep` for modules that lie in `kernel/`.
pub fn dep_file(modules: &[Module]) -> String {
    let by_name: BTreeMap<&str, &Module> = modules
        .iter()
        .map(|module| (module.name.as_str(), module))
        .collect();
    modules
        .iter()
        .map(|module| {
            let mut all = Vec::new();
            closure(module, &by_name, &mut all);
            let all: Vec<String> = all
                .iter()
                .map(|name| format!(" kernel/{name}.ko"))
                .collect();
            format!("kernel/{}.ko:{}\n", module.name, all.concat())
        })
        .collect::<Vec<_>>()
        .concat()
}

/// What a module needs, nearest first, as `modprobe` expects it.
fn closure<'a>(module: &'a Module, by_name: &BTreeMap<&str, &'a Module>, all: &mut Vec<&'a str>) {
    for name in &module.depends {
        if let Some(dependency) = by_name.get(name.as_str()) {
            all.retain(|other| other != name);
            all.push(name);
            closure(dependency, by_name, all);
        }
    }
}

/// The text of `modules.alias`.
pub fn alias_file(modules: &[Module]) -> String {
    modules
        .iter()
        .flat_map(|module| {
            module
                .aliases
                .iter()
                .map(move |alias| format!("alias {alias} {}\n", module.name))
        })
        .collect::<Vec<_>>()
        .concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module(name: &str, depends: &[&str]) -> Module {
        Module {
            name: name.to_owned(),
            elf: Vec::new(),
            depends: depends.iter().map(ToString::to_string).collect(),
            aliases: vec![format!("fs-{name}")],
        }
    }

    #[test]
    fn names_of_files() {
        for path in ["kernel/fs/xfs/xfs.ko", "xfs.ko.xz"] {
            assert_eq!(module_name(Path::new(path)).as_deref(), Some("xfs"));
        }
        assert_eq!(
            module_name(Path::new("dm-mod.ko")).as_deref(),
            Some("dm_mod")
        );
        assert_eq!(module_name(Path::new("modules.order")), None);
    }

    #[test]
    fn modinfo_strings() {
        let elf = b"\x7fELF\0alias=fs-xfs\0depends=a,b\0license=GPL\0";
        assert_eq!(
            modinfo(elf),
            [
                ("alias".to_owned(), "fs-xfs".to_owned()),
                ("depends".to_owned(), "a,b".to_owned())
            ]
        );
    }

    #[test]
    fn dep_lists_the_closure_after_its_users() {
        let modules = [
            module("c", &[]),
            module("b", &["c"]),
            module("a", &["c", "b"]),
        ];
        let text = dep_file(&modules);
        assert!(
            text.contains("kernel/a.ko: kernel/b.ko kernel/c.ko\n"),
            "{text}"
        );
        assert!(text.contains("kernel/c.ko:\n"), "{text}");
        assert!(alias_file(&modules).contains("alias fs-a a\n"));
    }
}
