//! Who calls: tenant and user, from the claims that the JWT authorizer verified and from nothing
//! else. Headers, query and body are never asked.

use crate::{Code, Problem, Request};
use airlock_aws::setting::{SettingError, required};
use airlock_objects::id::{TenantId, UserId};
use lambda_http::{RequestExt, request::RequestContext};

/// The names of the claims that carry tenant and user; any OpenID Connect issuer fits.
#[derive(Clone, Debug)]
pub struct Claims {
    tenant: String,
    user: String,
}

impl Claims {
    /// Reads `TENANT_CLAIM` and `USER_CLAIM`.
    ///
    /// # Errors
    /// [`SettingError`] names the variable that is not set.
    pub fn from_env() -> Result<Self, SettingError> {
        Ok(Self { tenant: required("TENANT_CLAIM")?, user: required("USER_CLAIM")? })
    }
}

/// The verified caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The tenant; all that the caller can see.
    pub tenant: TenantId,
    /// The user, for the record.
    pub user: UserId,
}

impl Caller {
    /// Takes the caller from a request that the authorizer let pass.
    ///
    /// # Errors
    /// `forbidden` when the token lacks one of the claims or a claim cannot be an id.
    pub fn of(request: &Request, claims: &Claims) -> Result<Self, Problem> {
        let verified = match request.request_context_ref() {
            Some(RequestContext::ApiGatewayV2(context)) => {
                context.authorizer.as_ref().and_then(|authorizer| authorizer.jwt.as_ref())
            }
            _ => None,
        };
        let Some(jwt) = verified else {
            return Err(Problem::new(Code::Unauthorized, "a verified bearer token is needed"));
        };
        let claim = |name: &str| {
            jwt.claims
                .get(name)
                .ok_or_else(|| Problem::new(Code::Forbidden, format!("the token has no claim {name:?}")))
        };
        let malformed = |name: &str, why: &dyn std::fmt::Display| {
            Problem::new(Code::Forbidden, format!("the claim {name:?} of the token cannot be used: {why}"))
        };
        Ok(Self {
            tenant: claim(&claims.tenant)?.parse().map_err(|why| malformed(&claims.tenant, &why))?,
            user: claim(&claims.user)?.parse().map_err(|why| malformed(&claims.user, &why))?,
        })
    }
}
