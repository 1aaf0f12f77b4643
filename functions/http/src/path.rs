//! Ids in paths.

use crate::{Caller, Problem, Request};
use airlock_objects::id::ObjectRef;
use lambda_http::RequestExt;

/// The caller's object whose id is the path parameter `name`. What is no id is no object: 404, without a look-up.
///
/// # Errors
/// `not_found` when the parameter is not an id.
pub fn object(request: &Request, caller: &Caller, name: &str) -> Result<ObjectRef, Problem> {
    let id = request
        .path_parameters_ref()
        .and_then(|parameters| parameters.first(name))
        .and_then(|text| text.parse().ok())
        .ok_or_else(Problem::not_found)?;
    Ok(ObjectRef::new(caller.tenant.clone(), id))
}
