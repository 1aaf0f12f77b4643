//! The layers that need no permission: limits on resources, and the identity of user `nobody`.

use crate::{Allowance, Layer};
use rustix::{
    fs::{Gid, Uid},
    process::{Resource, Rlimit, geteuid, setrlimit},
    thread::{
        CapabilitySet, CapabilitySets, capability_is_in_bounding_set, clear_ambient_capability_set,
        remove_capability_from_bounding_set, set_capabilities, set_thread_groups, set_thread_res_gid,
        set_thread_res_uid,
    },
};
use std::io;

/// User and group `nobody`, by convention.
const NOBODY: u32 = 65_534;

/// What a child may use, in the units of the kernel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ResourceLimits {
    /// Bytes of address space in all.
    pub(crate) address_space: u64,
    /// Seconds of processor time.
    pub(crate) processor: u64,
    /// Bytes of the scratch file.
    pub(crate) scratch: u64,
}

impl ResourceLimits {
    /// For one object, forked from this process as it is now.
    pub(crate) fn new(allowance: &Allowance, object: u64) -> io::Result<Self> {
        // proc(5): the first field is the size in pages.
        let statm = std::fs::read_to_string("/proc/self/statm")?;
        let pages: u64 = statm
            .split(' ')
            .next()
            .and_then(|pages| pages.parse().ok())
            .ok_or_else(|| io::Error::other("the size of this process is unknown"))?;
        let page = rustix::param::page_size() as u64;
        let rounded = |bytes: u64| bytes.div_ceil(page).saturating_mul(page);
        Ok(Self {
            address_space: pages
                .saturating_mul(page)
                .saturating_add(rounded(object))
                .saturating_add(rounded(allowance.memory)),
            // More than the wall clock allows, as only that limit is reported as a time-out.
            processor: allowance.time.as_secs().saturating_add(2),
            scratch: allowance.scratch,
        })
    }

    /// Sets the limits on this process, for good. No descriptor can be opened after this.
    pub(crate) fn set(self) -> Result<(), Layer> {
        for (layer, resource, most) in [
            (Layer::Memory, Resource::As, self.address_space),
            (Layer::Memory, Resource::Memlock, 0),
            (Layer::Memory, Resource::Msgqueue, 0),
            (Layer::Processor, Resource::Cpu, self.processor),
            (Layer::Processor, Resource::Nice, 0),
            (Layer::Processor, Resource::Rtprio, 0),
            (Layer::Scratch, Resource::Fsize, self.scratch),
            (Layer::Scratch, Resource::Core, 0),
            (Layer::Processes, Resource::Nproc, 0),
            (Layer::Descriptors, Resource::Nofile, 0),
        ] {
            let limit = Rlimit { current: Some(most), maximum: Some(most) };
            setrlimit(resource, limit).map_err(|_| layer)?;
        }
        Ok(())
    }
}

/// Gives up root, if this is root, and every capability.
pub(crate) fn become_nobody() -> rustix::io::Result<()> {
    if geteuid().is_root() {
        for bit in 0..u64::BITS {
            let capability = CapabilitySet::from_bits_retain(1 << bit);
            // The kernel refuses the first capability beyond its last one.
            match capability_is_in_bounding_set(capability) {
                Ok(true) => remove_capability_from_bounding_set(capability)?,
                Ok(false) => {}
                Err(_) => break,
            }
        }
        let (uid, gid) = (Uid::from_raw(NOBODY), Gid::from_raw(NOBODY));
        set_thread_groups(&[])?;
        set_thread_res_gid(gid, gid, gid)?;
        set_thread_res_uid(uid, uid, uid)?;
    }
    // If the kernel refuses or does not know the call, the probe finds out what the child can still do.
    let _ = clear_ambient_capability_set();
    let none = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })
}
