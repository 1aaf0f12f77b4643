//! The life of an object: its ids, its states and the steps between them, and the registry that
//! keeps them. Knows DynamoDB; knows no bucket, no queue, no HTTP and no scanner.

pub mod checksum;
pub mod file_name;
pub mod id;
pub mod record;
pub mod registry;
pub mod signed_url;
pub mod state;
pub mod timestamp;
