//! The resources that are simulated, a file each: which properties matter, and which are known and
//! do nothing locally.

pub(crate) mod api;
pub(crate) mod bucket;
pub(crate) mod function;
pub(crate) mod queue;
pub(crate) mod table;
