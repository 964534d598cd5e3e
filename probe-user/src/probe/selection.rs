//! Which probes the user wants.

use super::catalog::{self, PROBES};

/// A choice of probes; by default those that are on without being asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection(Vec<&'static str>);

/// `--probe` named a probe that does not exist.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no probe '{name}'; there are: {}", known.join(", "))]
pub struct UnknownProbe {
    name: String,
    known: Vec<&'static str>,
}

impl Default for Selection {
    fn default() -> Self {
        let on = PROBES.iter().filter(|probe| probe.default);
        Self(on.map(|probe| probe.name).collect())
    }
}

impl Selection {
    /// The probes named, each entry a name or names with commas between; no
    /// name at all is the default.
    pub fn parse<S: AsRef<str>>(names: &[S]) -> Result<Self, UnknownProbe> {
        if names.is_empty() {
            return Ok(Self::default());
        }
        let names = names.iter().flat_map(|names| names.as_ref().split(','));
        let found = names.map(|name| match catalog::find(name.trim()) {
            Some(probe) => Ok(probe.name),
            None => Err(UnknownProbe {
                name: name.to_owned(),
                known: PROBES.iter().map(|probe| probe.name).collect(),
            }),
        });
        found.collect::<Result<_, _>>().map(Self)
    }

    /// Whether the probe is chosen.
    pub fn contains(&self, probe: &str) -> bool {
        self.0.contains(&probe)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart() {
        let selection = Selection::parse(&["resize, capacity", "exec"]).unwrap();
        for name in ["resize", "capacity", "exec"] {
            assert!(selection.contains(name), "{name}");
        }
        assert!(!selection.contains("config"));
    }

    #[test]
    fn no_name_is_the_default() {
        assert_eq!(Selection::parse::<&str>(&[]), Ok(Selection::default()));
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let error = Selection::parse(&["resize,readhead"]).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("'readhead'") && text.contains("capacity"),
            "{text}"
        );
    }
}
