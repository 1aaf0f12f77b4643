//! How a function lives on AWS: how it starts, which settings it has, and how its calls to services fail. Knows no
//! service.

mod call;
mod connect;
mod function;
pub mod setting;

pub use call::{CallError, Fault};
pub use connect::OnlyConnect;
pub use function::{Function, on_events, run};
