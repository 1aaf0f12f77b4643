//! Ids in paths.

use crate::{Problem, Request};
use airlock_objects::id::ObjectId;
use lambda_http::RequestExt;

/// The object id in the path parameter `name`. What is no id is no object: 404, without a look-up.
///
/// # Errors
/// `not_found` when the parameter is not an id.
pub fn object_id(request: &Request, name: &str) -> Result<ObjectId, Problem> {
    request
        .path_parameters_ref()
        .and_then(|parameters| parameters.first(name))
        .and_then(|text| text.parse().ok())
        .ok_or_else(Problem::not_found)
}
