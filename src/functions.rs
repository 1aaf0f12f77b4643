//! The functions that this executable can be. The local stack starts it under the name of a
//! function, and it is then that function and nothing else, as on AWS.

use airlock_aws::{Function, run};
use airlock_http::{Endpoint, run as run_endpoint};
use airlock_intake::{CreateUpload, FinalizeUpload, GetUpload, SweepUploads, WatchQuarantine};
use airlock_scan::{RescanObjects, ScanUpload, run as run_with_jail};
use airlock_serve::{CreateDownloadUrl, DeleteObject, GetObject, ListObjects, SweepPublished};
use std::{ffi::OsStr, path::Path};

/// Is a function until its environment ends.
pub(crate) type Run = fn() -> anyhow::Result<()>;

/// Every function, by the name of its binary.
const FUNCTIONS: &[(&str, Run)] = &[
    (CreateUpload::NAME, run_endpoint::<CreateUpload>),
    (FinalizeUpload::NAME, run_endpoint::<FinalizeUpload>),
    (GetUpload::NAME, run_endpoint::<GetUpload>),
    (WatchQuarantine::NAME, run::<WatchQuarantine>),
    (SweepUploads::NAME, run::<SweepUploads>),
    (ScanUpload::NAME, run_with_jail::<ScanUpload>),
    (RescanObjects::NAME, run_with_jail::<RescanObjects>),
    (CreateDownloadUrl::NAME, run_endpoint::<CreateDownloadUrl>),
    (ListObjects::NAME, run_endpoint::<ListObjects>),
    (GetObject::NAME, run_endpoint::<GetObject>),
    (DeleteObject::NAME, run_endpoint::<DeleteObject>),
    (SweepPublished::NAME, run::<SweepPublished>),
];

/// The function that has the file name of `program`, if one has.
pub(crate) fn find(program: &OsStr) -> Option<Run> {
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
