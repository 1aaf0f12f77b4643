//! For development on other systems than Linux: a process for each object, a time-out, no layers.
