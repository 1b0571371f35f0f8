//! What an estimator is, and what it gives.

use crate::design::Design;
use crate::error::StatsError;
use crate::instruments::Instruments;
use crate::likelihood::Likelihood;
use crate::shared::Shared;

/// A model that can be fitted. One per file of `estimators`.
pub trait Estimator: Sync {
    /// Its name in `estimator:`.
    fn name(&self) -> &'static str;
    /// Raised when its results change.
    fn version(&self) -> u32;
    fn fit(&self, design: &Design) -> Result<Fit, StatsError>;
    /// The same to the last bit, with what earlier models have left in `shared`; alone where it cannot be used.
    fn fit_among(&self, design: &Design, _shared: &mut Shared) -> Result<Fit, StatsError> {
        self.fit(design)
    }
}

/// A fitted model.
#[derive(Clone, Debug)]
pub struct Fit {
    /// The intercept first, then in the order of the formula.
    pub coefficients: Vec<Coefficient>,
    /// Terms that could not be estimated, and why.
    pub dropped_terms: Vec<(String, String)>,
    /// Variances and covariances of the coefficients, in their order.
    pub vcov: Vec<Vec<f64>>,
    pub vcov_label: String,
    /// One per row of the sample, in the order of the data.
    pub residuals: Vec<f64>,
    pub n_obs: usize,
    /// Of the clustering with fewer clusters, if there are two.
    pub n_clusters: Option<usize>,
    /// Rows alone in a level of a fixed effect: left out or only counted, as the options say.
    pub n_singletons: usize,
    /// Rows less all parameters, the absorbed ones included.
    pub df_residual: f64,
    /// Of the t distribution behind p-values and intervals.
    pub df_t: f64,
    pub r2: f64,
    pub adj_r2: f64,
    /// Of the outcome without the fixed effects; `None` where there are none.
    pub r2_within: Option<f64>,
    pub adj_r2_within: Option<f64>,
    /// Root of the mean squared residual, not corrected for the parameters.
    pub rmse: f64,
    /// Of the rows in the sample, unweighted.
    pub outcome_mean: f64,
    /// Of the rows in the sample, unweighted, over n - 1.
    pub outcome_sd: f64,
    /// Of the slowest column, to absorb the fixed effects.
    pub iterations: u32,
    /// Condition number of the regressors that were kept, each freed of the fixed effects and scaled to length 1:
    /// 1 is orthogonal; at 10⁸ half the digits of a double are gone.
    pub condition: f64,
    /// Of a model with instruments.
    pub instruments: Option<Instruments>,
    /// Of a model by maximum likelihood.
    pub likelihood: Option<Likelihood>,
}

/// One estimated number with its inference.
#[derive(Clone, Debug, PartialEq)]
pub struct Coefficient {
    pub term: String,
    pub estimate: f64,
    pub std_error: f64,
    pub statistic: f64,
    pub p_value: f64,
    pub conf_low: f64,
    pub conf_high: f64,
}

#[cfg(test)]
pub(crate) mod tests;
