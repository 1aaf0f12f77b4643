//! Verifies AWS Signature Version 4 in the `Authorization` header.
