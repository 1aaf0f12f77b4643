//! Files of types that are not allowed, and their names.
