//! Waiting for the end of a scan.

use super::{Client, ClientError, answer::Record};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long a scan is waited for.
const PATIENCE: Duration = Duration::from_secs(15 * 60);
/// The pause after the first look; each further one is half as long again, up to [`LAST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause.
const LAST_PAUSE: Duration = Duration::from_secs(3);

impl Client {
    /// Looks at an upload until it is neither pending nor scanning.
    ///
    /// # Errors
    /// [`ClientError::StillScanning`] after 15 minutes; what [`Client::upload`] fails with.
    pub(crate) async fn settled(&self, upload_id: &str) -> Result<Record, ClientError> {
        let end = Instant::now() + PATIENCE;
        let mut pause = FIRST_PAUSE;
        loop {
            let record = self.upload(upload_id).await?;
            if !record.state.is_on_its_way() {
                return Ok(record);
            }
            if Instant::now() + pause > end {
                return Err(ClientError::StillScanning { upload_id: upload_id.to_owned() });
            }
            sleep(pause).await;
            pause = (pause * 3 / 2).min(LAST_PAUSE);
        }
    }
}
