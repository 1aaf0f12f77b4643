//! What the client says it will upload.

use super::limits::Limits;
use airlock_content::policy::Refused;
use airlock_http::{Caller, Code, Fields, Problem, Request};
use airlock_objects::{
    checksum::Sha256, file_name::FileName, id::ObjectId, record::Record, state::State, timestamp::Timestamp,
};

/// A declaration that this deployment accepts.
#[derive(Debug)]
pub(super) struct Declaration {
    file_name: FileName,
    content_type: String,
    size: u64,
    sha256: Option<Sha256>,
}

impl Declaration {
    /// Reads and checks the body.
    pub(super) fn of(request: &Request, limits: &Limits) -> Result<Self, Problem> {
        let mut fields = Fields::of(request, false)?;
        let file_name = fields.required("file_name");
        let content_type: Option<String> = fields.required("content_type");
        let size = fields.required_number("size");
        let sha256 = fields.optional("sha256");
        if size == Some(0) {
            fields.refuse("size", "must be at least 1");
        }
        fields.finish()?;
        let (Some(file_name), Some(content_type), Some(size)) = (file_name, content_type, size) else {
            return Err(Problem::invalid(Vec::new()));
        };
        match limits.types.admit(&content_type, size) {
            Ok(_) => {}
            Err(Refused::Type(_)) => {
                let detail = "is not a media type that can be uploaded here";
                return Err(Problem::field(Code::TypeNotAllowed, "content_type", detail));
            }
            Err(Refused::Size { media_type, largest }) => {
                let detail = format!("must be at most {largest} bytes for {media_type}");
                return Err(Problem::field(Code::TooLarge, "size", detail));
            }
        }
        Ok(Self { file_name, content_type, size, sha256 })
    }

    /// The new object.
    pub(super) fn open(self, caller: Caller, expires_at: Timestamp, now: Timestamp) -> Record {
        Record {
            tenant: caller.tenant,
            id: ObjectId::new(),
            user: caller.user,
            state: State::Pending,
            version: 1,
            file_name: self.file_name,
            content_type: self.content_type,
            size: self.size,
            sha256: self.sha256,
            created_at: now,
            expires_at,
            finalized_at: None,
            queued_at: None,
            queued_times: 0,
            scans: 0,
            claim: None,
            scanned_at: None,
            pin: None,
            verdict: None,
            held_until: None,
            held_version: None,
        }
    }
}

/// The header `Idempotency-Key`: the client's own name for this request.
#[derive(Debug)]
pub(super) struct IdempotencyKey(pub(super) String);

impl IdempotencyKey {
    /// Reads the header, if it is there.
    pub(super) fn of(request: &Request) -> Result<Option<Self>, Problem> {
        let Some(value) = request.headers().get("idempotency-key") else { return Ok(None) };
        match value.to_str() {
            Ok(text) if (1..=255).contains(&text.len()) => Ok(Some(Self(text.to_owned()))),
            _ => {
                let detail = "must be 1 to 255 visible ASCII characters";
                Err(Problem::field(Code::InvalidRequest, "Idempotency-Key", detail))
            }
        }
    }
}
