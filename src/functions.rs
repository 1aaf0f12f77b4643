//! The functions that this executable can be. The local stack starts it under the name of a
//! function, and it is then that function and nothing else, as on AWS.

use std::{ffi::OsStr, path::Path};

/// A function's loop; it returns when its environment ends.
pub(crate) type Function = fn() -> anyhow::Result<()>;

/// Runs a function as its own binary does.
macro_rules! looping {
    ($run:path) => {
        || tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on($run())
    };
}

/// Every function, by the name of its binary.
const FUNCTIONS: &[(&str, Function)] = &[
    ("create-upload", looping!(airlock_intake::create_upload::run)),
    ("finalize-upload", looping!(airlock_intake::finalize_upload::run)),
    ("get-upload", looping!(airlock_intake::get_upload::run)),
    ("watch-quarantine", looping!(airlock_intake::watch_quarantine::run)),
    ("expire-uploads", looping!(airlock_intake::expire_uploads::run)),
    ("scan-upload", airlock_scan::scan_upload::run),
    ("rescan-objects", airlock_scan::rescan_objects::run),
    ("create-download-url", looping!(airlock_serve::create_download_url::run)),
    ("list-objects", looping!(airlock_serve::list_objects::run)),
    ("get-object", looping!(airlock_serve::get_object::run)),
    ("delete-object", looping!(airlock_serve::delete_object::run)),
    ("sweep-published", looping!(airlock_serve::sweep_published::run)),
];

/// The function that has the file name of `program`, if one has.
pub(crate) fn find(program: &OsStr) -> Option<Function> {
    let name = Path::new(program).file_name()?;
    FUNCTIONS.iter().find(|(known, _)| name == *known).map(|(_, run)| *run)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_file_name_says_which_function_it_is() {
        assert!(find(OsStr::new("create-upload")).is_some());
        assert!(find(OsStr::new("/opt/x/scan-upload")).is_some());
        for program in ["airlock", "", "/", "target/debug/airlock", "scan-upload.d", "scan-upload/airlock"] {
            assert!(find(OsStr::new(program)).is_none(), "{program}");
        }
    }

    #[test]
    fn every_function_of_the_template_is_there() {
        let deployed: BTreeSet<&str> = include_str!("../template.yaml")
            .lines()
            .filter_map(|line| line.trim().strip_prefix("CodeUri: target/lambda/"))
            .map(|name| name.trim_end_matches('/'))
            .collect();
        let known: BTreeSet<&str> = FUNCTIONS.iter().map(|(name, _)| *name).collect();
        assert_eq!(deployed, known);
    }
}
