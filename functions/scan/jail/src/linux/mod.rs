//! The jail on Linux. Everything that knows this kernel is in here.

mod child;
mod jail;
mod kernel;
mod limits;
mod probe;
mod protect;
mod sys;
mod watch;
mod wire;
mod zygote;

pub use jail::Jail;
pub use protect::protect_environment;
pub use zygote::serve;
