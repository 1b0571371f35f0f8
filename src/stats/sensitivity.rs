//! How much an estimate depends on what cannot be tested. Knows no formula text, no file, no stage.
//!
//! | question | module | paper |
//! |---|---|---|
//! | what if trends are not parallel? | `honest` | Rambachan & Roth (2023) |
//! | what if controls leave selection? | `oster` | Oster (2019) |
//! | what if treated units are compared with like ones? | `matching` | Rosenbaum & Rubin (1983) |
//! | how does the effect change with a moderator? | `moderation` | Brambor, Clark & Golder (2006) |

pub mod error;
pub mod honest;
pub mod matching;
pub mod moderation;
pub mod oster;
