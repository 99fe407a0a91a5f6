//! The engine as doors see it, on real stores.

mod smoke;
mod world;
