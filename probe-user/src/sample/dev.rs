//! Device numbers as the kernel writes them.

use std::fmt;
use std::str::FromStr;

/// A kernel-internal `dev_t`: major << 20 | minor. User space's `st_dev` and
/// the text `MAJ:MIN` are other forms of the same number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dev(pub u32);

const MINOR_BITS: u32 = 20;

impl Dev {
    /// The device number with these parts.
    pub const fn new(major: u32, minor: u32) -> Self {
        Self(major << MINOR_BITS | minor & ((1 << MINOR_BITS) - 1))
    }

    /// From `st_dev` or `st_rdev` of `stat(2)`.
    pub fn from_stat(dev: u64) -> Self {
        Self::new(rustix::fs::major(dev), rustix::fs::minor(dev))
    }

    /// Major number; 0 for file systems without a device of their own.
    pub const fn major(self) -> u32 {
        self.0 >> MINOR_BITS
    }

    /// Minor number.
    pub const fn minor(self) -> u32 {
        self.0 & ((1 << MINOR_BITS) - 1)
    }
}

impl fmt::Display for Dev {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.major(), self.minor())
    }
}

/// The text is not `MAJ:MIN`.
#[derive(Debug, thiserror::Error)]
#[error("'{0}' is not a device number (MAJ:MIN)")]
pub struct NotADev(String);

impl FromStr for Dev {
    type Err = NotADev;

    fn from_str(text: &str) -> Result<Self, NotADev> {
        let parts = text
            .trim()
            .split_once(':')
            .and_then(|(major, minor)| Some(Self::new(major.parse().ok()?, minor.parse().ok()?)));
        parts.ok_or_else(|| NotADev(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_form_is_read_back() {
        let dev: Dev = "254:16".parse().unwrap();
        assert_eq!(dev, Dev(254 << 20 | 16));
        assert_eq!(dev.to_string(), "254:16");
    }

    #[test]
    fn other_text_is_refused() {
        for text in ["", "254", "254:", "a:b", "1:2:3"] {
            assert!(text.parse::<Dev>().is_err(), "{text}");
        }
    }
}
