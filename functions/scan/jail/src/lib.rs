//! Runs work on hostile bytes in a process that can reach nothing.
