//! Files that are two things at once by design.
