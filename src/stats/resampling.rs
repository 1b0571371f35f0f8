//! Inference from many versions of one study: errors with other signs, treatments at other places, other groups. Knows no
//! formula text, no file, no stage.
//!
//! | question | module | paper |
//! |---|---|---|
//! | the coefficient of interest with all else taken out | `partial` | Frisch & Waugh (1933), Lovell (1963) |
//! | do two groups differ | `groups` | Chow (1960), Fisher (1935), Cleary (1999) |
//! | does one row or unit decide | `influence` | Belsley, Kuh & Welsch (1980) |
//! | what effect would have been seen | `power` | Bloom (1995) |
//! | dates of adoption by unit | `adoption` | |
//! | effects of unit and period with rows missing | `unbalanced` | |
//! | would other units or dates give as much | `placebo` | Fisher (1935), Young (2019) |
//! | is it 0, with few clusters | `wild` | Cameron, Gelbach & Miller (2008), Roodman et al. (2019) |
//!
//! Every draw is a function of the seed, the stage and its number: results do not depend on the number of threads.

mod adoption;
pub mod error;
pub mod groups;
pub mod influence;
mod partial;
pub mod placebo;
pub mod power;
mod unbalanced;
pub mod wild;
