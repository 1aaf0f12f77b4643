//! Deletes objects whose time is over by the lifecycle rules.

use super::{Store, record::Properties};
use crate::settings::LifecycleRule;
use s3s::S3Result;
use std::sync::Arc;
use time::{Duration, OffsetDateTime, UtcOffset};

/// A time of so many days ends at the midnight (UTC) after it
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html>).
fn is_over(from: OffsetDateTime, days: u32, now: OffsetDateTime) -> bool {
    let end = from.to_offset(UtcOffset::UTC).checked_add(Duration::days(i64::from(days)));
    let midnight = end.and_then(|end| end.date().next_day());
    midnight.is_some_and(|midnight| now >= midnight.midnight().assume_utc())
}

impl Store {
    pub(crate) fn expire(&self, now: OffsetDateTime) {
        let mut rules: Vec<(String, LifecycleRule)> = Vec::new();
        for (name, bucket) in &self.lock().buckets {
            let enabled = bucket.record.settings.lifecycle.iter().filter(|rule| rule.enabled);
            rules.extend(enabled.map(|rule| (name.clone(), rule.clone())));
        }
        for (bucket, rule) in rules {
            // The cause of a failure is in the log, and the next run tries again.
            let _ = self.expire_versions(&bucket, &rule, now);
            let _ = self.sweep_uploads(&bucket, &rule, now);
        }
    }

    fn expire_versions(&self, name: &str, rule: &LifecycleRule, now: OffsetDateTime) -> S3Result<()> {
        let mut state = self.lock();
        let bucket = state.bucket(name)?;
        let (mut gone, mut hidden) = (Vec::new(), Vec::new());
        for (key, versions) in &bucket.objects {
            if !rule.covers(key) {
                continue;
            }
            // A version is no longer current since the one after it was written.
            for (old, next) in versions.iter().zip(versions.iter().skip(1)) {
                if rule.noncurrent_days.is_some_and(|days| is_over(next.modified, days, now)) {
                    gone.push(Arc::clone(old));
                }
            }
            let Some(newest) = versions.last() else { continue };
            let alone = newest.is_marker() && versions.len() == 1;
            if alone && rule.expired_object_delete_marker {
                gone.push(Arc::clone(newest));
                continue;
            }
            if !rule.expiration_days.is_some_and(|days| is_over(newest.modified, days, now)) {
                continue;
            }
            if !bucket.record.was_versioned || alone {
                gone.push(Arc::clone(newest));
            } else if !newest.is_marker() {
                hidden.push(key.clone());
            }
        }
        for version in gone {
            self.remove(bucket, name, &version)?;
        }
        for key in hidden {
            self.add(&mut state, name, &key, None, Properties::default())?;
        }
        Ok(())
    }

    fn sweep_uploads(&self, bucket: &str, rule: &LifecycleRule, now: OffsetDateTime) -> S3Result<()> {
        let Some(days) = rule.abort_multipart_days else { return Ok(()) };
        let mut state = self.lock();
        let over = state.uploads.extract_if(|_, upload| {
            let record = &upload.record;
            record.bucket == bucket && rule.covers(&record.key) && is_over(record.started, days, now)
        });
        for (id, _) in over {
            self.disk.remove_upload(&id).map_err(|error| self.internal(&error))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn a_day_ends_at_the_midnight_after_it() {
        // The example of the user guide: 2014-01-15 10:30 and three days is 2014-01-19 00:00.
        let written = datetime!(2014-01-15 10:30 UTC);
        assert!(!is_over(written, 3, datetime!(2014-01-18 23:59:59 UTC)));
        assert!(is_over(written, 3, datetime!(2014-01-19 00:00 UTC)));
        assert!(!is_over(written, u32::MAX, datetime!(2014-01-19 00:00 UTC)));
    }
}
