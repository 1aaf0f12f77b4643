//! What the API answers. Field names are those of the HTTP contract, so a record that is written
//! out as JSON again reads as the API wrote it.

use airlock_content::verdict::{Outcome, Verdict};
use airlock_objects::{signed_url::SignedUrl, state::State};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use std::{collections::BTreeMap, fmt};

/// Where an object stands. A state that this client does not know is shown as it is, and is none of those it knows.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Standing(String);

impl Standing {
    /// Whether more will happen by itself.
    pub(crate) fn is_on_its_way(&self) -> bool {
        *self == State::Pending || *self == State::Scanning
    }
}

impl PartialEq<State> for Standing {
    fn eq(&self, state: &State) -> bool {
        self.0 == state.as_str()
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The answer to `POST /uploads`.
#[derive(Debug, Deserialize)]
pub(crate) struct Opened {
    /// The id of the upload, and later of the object.
    pub(crate) upload_id: String,
    /// Usually [`State::Pending`]; further on when an earlier try got further.
    pub(crate) state: Standing,
    /// The one PUT that fits; none when the upload is past it.
    pub(crate) upload: Option<SignedPut>,
}

/// A PUT that storage accepts once.
#[derive(Debug, Deserialize)]
pub(crate) struct SignedPut {
    /// Where to PUT.
    #[serde(deserialize_with = "signed_url")]
    pub(crate) url: SignedUrl,
    /// The headers to send, exactly so.
    pub(crate) headers: BTreeMap<String, String>,
}

/// The answer to a finalize.
#[derive(Debug, Deserialize)]
pub(crate) struct Finalized {
    /// Where the upload stands now.
    pub(crate) state: Standing,
}

/// The answer to a request for a download URL.
#[derive(Debug, Deserialize)]
pub(crate) struct DownloadUrl {
    /// Where to GET.
    #[serde(deserialize_with = "signed_url")]
    pub(crate) url: SignedUrl,
    /// The headers to send, if any.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
}

fn signed_url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SignedUrl, D::Error> {
    String::deserialize(deserializer).map(SignedUrl::new)
}

/// An upload or an object as its owner sees it. Times are RFC 3339, sizes bytes, checksums hex. What this client has no
/// use for itself is among [`Record::others`], so that a new field of the API is shown without a change here.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Its id; called `upload_id` on the way in, `object_id` once published.
    #[serde(flatten)]
    pub(crate) id: Id,
    /// Where it stands.
    pub(crate) state: Standing,
    /// The name that was declared.
    pub(crate) file_name: String,
    /// Its size, in bytes.
    pub(crate) size: u64,
    /// The SHA-256 of its content.
    pub(crate) sha256: Option<String>,
    /// When it was opened.
    pub(crate) created_at: String,
    /// When it was finalized.
    pub(crate) finalized_at: Option<String>,
    /// What the scan said.
    pub(crate) verdict: Option<Verdict>,
    /// All other fields.
    #[serde(flatten)]
    pub(crate) others: Map<String, Value>,
}

impl Record {
    /// The verdict in one line: `malicious: matched eicar_test_file`.
    pub(crate) fn verdict_line(&self) -> Option<String> {
        let verdict = self.verdict.as_ref()?;
        let outcome = match verdict.outcome {
            Outcome::Clean => "clean",
            Outcome::Malicious => "malicious",
            Outcome::Mismatch => "mismatch",
            Outcome::LimitsExceeded => "limits exceeded",
            Outcome::Unscannable => "unscannable",
        };
        Some(match &verdict.reason {
            Some(reason) => format!("{outcome}: {reason}"),
            None => outcome.to_owned(),
        })
    }
}

/// An id, and what it is called.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Id {
    /// Of an upload.
    UploadId(String),
    /// Of an object.
    ObjectId(String),
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::UploadId(id) | Self::ObjectId(id)) = self;
        f.write_str(id)
    }
}

/// One page of objects.
#[derive(Debug, Deserialize)]
pub(crate) struct ObjectPage {
    /// The objects, newest first.
    pub(crate) objects: Vec<Record>,
    /// Where the next page starts; none at the end.
    pub(crate) next_cursor: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn upload() -> Value {
        json!({
            "upload_id": "0199", "state": "rejected", "file_name": "a.txt",
            "content_type": "text/plain", "size": 68, "sha256": "00", "created_at": "2026-01-01T00:00:00Z",
            "expires_at": "2026-01-01T01:00:00Z", "finalized_at": null, "scanned_at": null, "later": {"a": [1]},
            "verdict": {"outcome": "malicious", "detected_type": null, "reason": "matched r",
                "matches": [{"rule": "r", "severity": "high", "description": "d"}]},
        })
    }

    #[test]
    fn a_record_reads_back_as_the_api_wrote_it() -> Result<(), serde_json::Error> {
        let record: Record = serde_json::from_value(upload())?;
        assert_eq!(serde_json::to_value(&record)?, upload());
        assert_eq!(record.verdict_line().as_deref(), Some("malicious: matched r"));
        Ok(())
    }

    #[test]
    fn a_state_of_a_later_version_is_no_error() -> Result<(), serde_json::Error> {
        let mut value = upload();
        value["state"] = json!("melted");
        let record: Record = serde_json::from_value(value)?;
        assert_eq!(record.state.to_string(), "melted");
        assert!(!record.state.is_on_its_way() && record.state != State::Published);
        Ok(())
    }

    #[test]
    fn c06_signed_urls_are_not_shown() -> Result<(), serde_json::Error> {
        let url = "https://b/k?X-Amz-Signature=abc";
        let opened: Opened = serde_json::from_value(json!({
            "upload_id": "0199", "state": "pending", "upload": {"method": "PUT", "url": url, "headers": {}},
        }))?;
        let download: DownloadUrl = serde_json::from_value(json!({"url": url}))?;
        assert!(!format!("{opened:?}{download:?}").contains("X-Amz"));
        Ok(())
    }
}
