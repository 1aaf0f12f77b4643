//! The layers that isolate the work.

use std::fmt;

/// One restriction on the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Layer {
    /// No descriptor but the object, the scratch file and the report; no new one can be had, so no
    /// file can be opened and no socket made (`RLIMIT_NOFILE` 0).
    Descriptors,
    /// No process and no thread can be started (`RLIMIT_NPROC` 0).
    Processes,
    /// The address space is limited, and none of it can be locked.
    Memory,
    /// The processor time is limited.
    Processor,
    /// The scratch file is limited, and no core is dumped.
    Scratch,
    /// Not root, no supplementary group, no capability, and no way to regain one.
    Identity,
    /// The memory of the zygote and of its parent can be neither read nor traced.
    Closed,
    /// No program that is run can give more rights.
    NoNewPrivs,
    /// No path can be opened or changed, no port bound or connected to, where the kernel knows how.
    Landlock,
    /// Any system call that benign work does not need ends the process.
    Seccomp,
}

impl Layer {
    const ALL: [Self; 10] = [
        Self::Descriptors,
        Self::Processes,
        Self::Memory,
        Self::Processor,
        Self::Scratch,
        Self::Identity,
        Self::Closed,
        Self::NoNewPrivs,
        Self::Landlock,
        Self::Seccomp,
    ];

    /// Its name in logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Descriptors => "descriptors",
            Self::Processes => "processes",
            Self::Memory => "memory",
            Self::Processor => "processor",
            Self::Scratch => "scratch",
            Self::Identity => "identity",
            Self::Closed => "closed",
            Self::NoNewPrivs => "no_new_privs",
            Self::Landlock => "landlock",
            Self::Seccomp => "seccomp",
        }
    }
}

/// A set of layers. Displays as their names, separated by commas.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Layers(u16);

impl Layers {
    /// No layer.
    pub const NONE: Self = Self(0);
    /// The layers without which no work is started. No kernel refuses what they need.
    pub const MANDATORY: Self = Self((1 << 7) - 1);
    /// Every layer there is.
    pub const ALL: Self = Self((1 << 10) - 1);

    /// Whether `layer` is one of them.
    pub fn contains(self, layer: Layer) -> bool {
        self.0 & (1 << layer as u8) != 0
    }

    /// The layers, the mandatory ones first.
    pub fn iter(self) -> impl Iterator<Item = Layer> {
        Layer::ALL.into_iter().filter(move |layer| self.contains(*layer))
    }

    /// Those of `wanted` that are not among these.
    #[must_use]
    pub fn missing(self, wanted: Self) -> Self {
        Self(wanted.0 & !self.0)
    }

    pub(crate) fn insert(&mut self, layer: Layer) {
        self.0 |= 1 << layer as u8;
    }

    pub(crate) fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) fn bits(self) -> u16 {
        self.0
    }

    /// Bits that stand for no layer are dropped.
    pub(crate) fn from_bits(bits: u16) -> Self {
        Self(bits & Self::ALL.0)
    }
}

impl FromIterator<Layer> for Layers {
    fn from_iter<I: IntoIterator<Item = Layer>>(layers: I) -> Self {
        Self(layers.into_iter().fold(0, |bits, layer| bits | 1 << layer as u8))
    }
}

impl fmt::Display for Layers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, layer) in self.iter().enumerate() {
            write!(f, "{}{}", if index == 0 { "" } else { "," }, layer.name())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Layers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Layers({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layer_is_in_all_and_the_kernels_three_are_not_mandatory() {
        assert_eq!(Layers::ALL, Layer::ALL.into_iter().collect());
        assert_eq!(Layers::MANDATORY.missing(Layers::ALL).to_string(), "no_new_privs,landlock,seccomp");
        assert_eq!(Layers::MANDATORY.union(Layers::MANDATORY.missing(Layers::ALL)), Layers::ALL);
        assert_eq!(Layers::from_bits(u16::MAX), Layers::ALL);
        assert_eq!(Layers::NONE.to_string(), "");
    }

    #[test]
    fn a_layer_that_is_put_in_is_in() {
        let mut layers = Layers::NONE;
        layers.insert(Layer::Seccomp);
        assert!(layers.contains(Layer::Seccomp));
        assert!(!layers.contains(Layer::Closed));
        assert_eq!(Layers::from_bits(layers.bits()), layers);
    }
}
