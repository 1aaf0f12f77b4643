//! Phase 3: handing published objects out, and removing them. Knows published, and nothing else.
//!
//! A module per function. There is no name here for quarantine:
//!
//! ```compile_fail
//! extern crate airlock_quarantine;
//! ```

mod create_download_url;
mod delete_object;
mod get_object;
mod list_objects;
mod sweep_published;

pub use create_download_url::CreateDownloadUrl;
pub use delete_object::DeleteObject;
pub use get_object::GetObject;
pub use list_objects::ListObjects;
pub use sweep_published::SweepPublished;

use airlock_http::Problem;
use airlock_objects::{record::Record, state::State};

/// Only what is published exists here; everything else is one and the same 404 (C-03, C-07).
fn published(record: Option<Record>) -> Result<Record, Problem> {
    record.filter(|record| record.state == State::Published).ok_or_else(Problem::not_found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use airlock_objects::{
        id::{ObjectId, ObjectRef},
        timestamp::Timestamp,
    };

    #[test]
    fn c03_only_what_is_published_exists_here() {
        assert!(published(None).is_err());
        for state in State::ALL {
            let declared =
                serde_json::json!({ "file_name": "a.txt", "content_type": "text/plain", "size": 1 });
            let declared = serde_json::from_value(declared).expect("a declaration");
            let object = ObjectRef::new("acme".parse().expect("a tenant"), ObjectId::new());
            let (user, now) = ("ada".parse().expect("a user"), Timestamp::from_millis(0));
            let record = Record { state, ..Record::open(object, user, declared, None, now, now) };
            assert_eq!(published(Some(record)).is_ok(), state == State::Published, "{state}");
        }
    }
}
