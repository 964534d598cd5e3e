//! The Debian archive as this machine is configured to reach it.
//!
//! Kernels come from the mirror that the machine already uses, so no host
//! name is written in the project and proxies or local mirrors keep working.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};

/// Suites that hold the kernels, with whether they are in the security
/// archive.
const SUITES: &[(&str, bool)] = &[
    ("bullseye-security", true),
    ("bookworm", false),
    ("bookworm-security", true),
    ("trixie", false),
    ("trixie-security", true),
    ("trixie-backports", false),
];

/// One archive that the machine's apt is configured to use.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Source {
    uri: String,
    suites: Vec<String>,
    components: Vec<String>,
}

/// The text of a `sources.list` for all the kernels' suites.
pub fn kernel_sources() -> Result<String> {
    let keyring = keyring()?;
    let sources = read_configured(Path::new("/etc/apt"))?;
    let (main, security) = archives(&sources).context(
        "this machine's apt is not configured with a Debian archive (/etc/apt/sources.list, \
         /etc/apt/sources.list.d), so no Debian kernel can be had",
    )?;
    Ok(SUITES
        .iter()
        .map(|(suite, is_security)| {
            let uri = if *is_security { &security } else { &main };
            format!("deb [signed-by={keyring}] {uri} {suite} main\n")
        })
        .collect::<Vec<_>>()
        .concat())
}

fn keyring() -> Result<&'static str> {
    [
        "/usr/share/keyrings/debian-archive-keyring.gpg",
        "/usr/share/keyrings/debian-archive-keyring.pgp",
    ]
    .into_iter()
    .find(|path| Path::new(path).exists())
    .context("no keyring of the Debian archive (package debian-archive-keyring)")
}

fn read_configured(etc: &Path) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    if let Ok(text) = fs::read_to_string(etc.join("sources.list")) {
        sources.extend(one_line_style(&text));
    }
    if let Ok(entries) = fs::read_dir(etc.join("sources.list.d")) {
        let mut paths: Vec<_> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .collect();
        paths.sort();
        for path in paths {
            let text = || {
                fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
            };
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("list") => sources.extend(one_line_style(&text()?)),
                Some("sources") => sources.extend(deb822_style(&text()?)),
                _ => {}
            }
        }
    }
    Ok(sources)
}

/// `deb [options] URI suite component…`, one a line.
fn one_line_style(text: &str) -> Vec<Source> {
    text.lines()
        .filter_map(|line| {
            let line = line.split('#').next()?.trim();
            let mut rest = line.strip_prefix("deb")?.trim_start();
            if rest.len() == line.len() - 3 {
                return None; // deb-src
            }
            if rest.starts_with('[') {
                rest = rest.split_once(']')?.1.trim_start();
            }
            let mut words = rest.split_whitespace().map(str::to_owned);
            Some(Source {
                uri: words.next()?,
                suites: vec![words.next()?],
                components: words.collect(),
            })
        })
        .collect()
}

/// Paragraphs of `Field: value`, as in `debian.sources`.
fn deb822_style(text: &str) -> Vec<Source> {
    let mut sources = Vec::new();
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    for paragraph in lines.split(|line| line.trim().is_empty()) {
        let mut fields: Vec<(String, String)> = Vec::new();
        for line in paragraph {
            if line.starts_with([' ', '\t']) {
                if let Some((_, value)) = fields.last_mut() {
                    value.push(' ');
                    value.push_str(line.trim());
                }
            } else if let Some((name, value)) = line.split_once(':') {
                fields.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
            }
        }
        let words = |name: &str| -> Vec<String> {
            fields
                .iter()
                .filter(|(field, _)| field == name)
                .flat_map(|(_, value)| value.split_whitespace().map(str::to_owned))
                .collect()
        };
        let disabled = words("enabled").first().is_some_and(|word| word == "no");
        if disabled || !words("types").contains(&"deb".to_owned()) {
            continue;
        }
        for uri in words("uris") {
            sources.push(Source {
                uri,
                suites: words("suites"),
                components: words("components"),
            });
        }
    }
    sources
}

/// The main and the security archive among `sources`. Other vendors use the
/// names of Debian's suites too, so the archive must also be called `debian`;
/// what decides in the end is Debian's signature.
fn archives(sources: &[Source]) -> Result<(String, String)> {
    let called = |name: &str| {
        sources.iter().find(|source| {
            let last = source
                .uri
                .trim_end_matches('/')
                .rsplit('/')
                .next()
                .unwrap_or_default();
            // Cloud images list their mirrors in a file `debian.list`.
            last.trim_end_matches(".list") == name
                && source
                    .components
                    .iter()
                    .any(|component| component == "main")
        })
    };
    let main = called("debian").map(|source| source.uri.clone());
    let security = called("debian-security")
        .map(|source| source.uri.clone())
        .or_else(|| {
            // A mirror of both has them side by side.
            let main = main.as_deref()?;
            let (base, end) = main.rsplit_once("/debian")?;
            Some(format!("{base}/debian-security{end}"))
        });
    match (main, security) {
        (Some(main), Some(security)) => Ok((main, security)),
        _ => bail!(
            "no Debian archive among {} configured sources",
            sources.len()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deb822_with_comments_and_other_vendors() {
        let text = "Types: deb\n# a comment\nURIs: http://mirror.example/debian\n\
                    Suites: trixie trixie-updates\nComponents: main contrib\n\n\
                    Types: deb\nEnabled: no\nURIs: http://off.example/debian-security\n\
                    Suites: trixie-security\nComponents: main\n\n\
                    Types: deb\nURIs: http://vendor.example/apt\nSuites: trixie\n\
                    Components: main\n";
        let sources = deb822_style(text);
        assert_eq!(sources.len(), 2);
        assert_eq!(
            archives(&sources).unwrap(),
            (
                "http://mirror.example/debian".to_owned(),
                "http://mirror.example/debian-security".to_owned()
            )
        );
    }

    #[test]
    fn one_line_with_options() {
        let text = "# deb http://no.example/debian x main\n\
                    deb-src http://no.example/debian trixie main\n\
                    deb [arch=amd64 signed-by=/k.gpg] https://m.example/debian/ trixie main # x\n\
                    deb https://s.example/debian-security trixie-security main\n";
        let sources = one_line_style(text);
        assert_eq!(sources.len(), 2);
        let (main, security) = archives(&sources).unwrap();
        assert_eq!(main, "https://m.example/debian/");
        assert_eq!(security, "https://s.example/debian-security");
    }

    #[test]
    fn cloud_images_name_their_mirrors_in_files() {
        let sources = one_line_style(
            "deb mirror+file:///etc/apt/mirrors/debian.list trixie main\n\
             deb mirror+file:///etc/apt/mirrors/debian-security.list trixie-security main\n",
        );
        let (main, security) = archives(&sources).unwrap();
        assert_eq!(main, "mirror+file:///etc/apt/mirrors/debian.list");
        assert_eq!(
            security,
            "mirror+file:///etc/apt/mirrors/debian-security.list"
        );
    }

    #[test]
    fn no_debian_is_an_error() {
        assert!(archives(&one_line_style("deb http://x.example/ubuntu noble main")).is_err());
    }
}
