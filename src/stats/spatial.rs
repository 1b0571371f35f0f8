//! Models of units that influence their neighbours. Knows no formula text, no file, no stage.
//!
//! | what | module | source |
//! |---|---|---|
//! | weights between units, by distance, neighbourhood or economic nearness | `weights` | |
//! | spatial correlation of values, over all units and at each | `moran` | Moran (1950), Anselin (1995) |
//! | log-determinants for many spatial coefficients | `determinant` | Ord (1975) |

mod determinant;
pub mod error;
pub mod moran;
pub mod weights;

#[cfg(test)]
mod tests;
