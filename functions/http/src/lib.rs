//! How the API functions speak HTTP: who calls, what the body says, and how an answer or a problem
//! looks. Every error of every zone becomes a status and a code here ([`problem`]), nowhere else.

pub mod answer;
pub mod body;
pub mod caller;
pub mod path;
pub mod problem;
pub mod serve;
pub mod view;

pub use body::Fields;
pub use caller::{Caller, Claims};
pub use problem::{Code, FieldError, Problem};
pub use serve::{Endpoint, run};

/// A request as API Gateway passes it on.
pub type Request = lambda_http::Request;
/// An answer as API Gateway takes it.
pub type Response = lambda_http::Response<lambda_http::Body>;
