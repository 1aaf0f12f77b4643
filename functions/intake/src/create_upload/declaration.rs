//! What the client says it will upload.

use super::limits::Limits;
use airlock_content::policy::NotAdmitted;
use airlock_http::{Caller, Code, Fields, Problem, Request};
use airlock_objects::{
    checksum::Sha256,
    id::{ObjectId, ObjectRef},
    record::{Declared, Record},
    registry::{IdempotencyKey, NotAnIdempotencyKey},
    timestamp::Timestamp,
};

/// The longest media type, in bytes. The longest that is allowed has 73, which leaves room for parameters.
const MAX_TYPE_BYTES: usize = 255;

/// A declaration that this deployment accepts.
#[derive(Debug)]
pub(super) struct Declaration {
    declared: Declared,
    sha256: Option<Sha256>,
}

impl Declaration {
    /// Reads and checks the body.
    pub(super) fn of(request: &Request, limits: &Limits) -> Result<Self, Problem> {
        let mut fields = Fields::of(request, false)?;
        let file_name = fields.required("file_name");
        let content_type: Option<String> = fields.required("content_type");
        if content_type.as_ref().is_some_and(|text| text.is_empty() || text.len() > MAX_TYPE_BYTES) {
            fields.refuse("content_type", format_args!("must be 1 to {MAX_TYPE_BYTES} bytes long"));
        }
        let size = fields.required_number("size");
        if size == Some(0) {
            fields.refuse("size", "must be at least 1: an empty file can't be uploaded");
        }
        let sha256 = fields.optional("sha256");
        fields.finish()?;
        let (Some(file_name), Some(content_type), Some(size)) = (file_name, content_type, size) else {
            return Err(Problem::invalid(Vec::new()));
        };
        match limits.types.admit(&content_type, size) {
            Ok(_) => {}
            Err(NotAdmitted::Type(_)) => {
                let allowed: Vec<&str> = limits.types.names().collect();
                let (sent, allowed) = (content_type.escape_debug(), allowed.join(", "));
                let detail = format!("{sent} can't be uploaded here; allowed are {allowed}");
                return Err(Problem::field(Code::TypeNotAllowed, "content_type", detail));
            }
            Err(NotAdmitted::Size { media_type, largest }) => {
                let detail = format!("{size} bytes are too many for {media_type}; {largest} are allowed");
                return Err(Problem::field(Code::TooLarge, "size", detail));
            }
        }
        Ok(Self { declared: Declared { file_name, content_type, size }, sha256 })
    }

    /// The new object.
    pub(super) fn open(self, caller: Caller, expires_at: Timestamp, now: Timestamp) -> Record {
        let object = ObjectRef::new(caller.tenant, ObjectId::new());
        Record::open(object, caller.user, self.declared, self.sha256, now, expires_at)
    }
}

/// The header `Idempotency-Key`, if it is there: the client's own name for this request.
pub(super) fn idempotency_key(request: &Request) -> Result<Option<IdempotencyKey>, Problem> {
    let Some(value) = request.headers().get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().map_err(|_| NotAnIdempotencyKey).and_then(str::parse);
    key.map(Some).map_err(|why| Problem::field(Code::InvalidRequest, "Idempotency-Key", why.to_string()))
}
