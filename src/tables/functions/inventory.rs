//! `perpetual_inventory`: the stock of capital from the investments of the years.
//!
//! Kₜ = (1 - δ)Kₜ₋₁ + Iₜ, and for the first year either K₀ = I₀ / 0.10 (`ten_percent`, Young 2000; Zhang, Wu & Zhang 2004)
//! or K₀ = I₀ / (g + δ) (`growth`, the stock of a steady state, Harberger 1978), where g is the mean growth of investment from the first
//! to the last year, (I_T / I₀)^(1 / T) - 1. METHODS 6.4.
//!
//! The series begins with the first year that has an investment and ends before the first year that has none, whether its
//! row or its value is missing: without the investment of a year no later stock is known.

use super::call::{Call, Constants, Kind, Parameter};
use super::partition::{self, Computation, PartitionFunction};
use super::periods;
use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::datatypes::Float64Type;
use datafusion::common::Result;
use datafusion::prelude::SessionContext;

static PERPETUAL_INVENTORY: PartitionFunction = PartitionFunction {
    call: Call {
        name: "perpetual_inventory",
        parameters: &[
            Parameter { name: "investment", kind: Kind::Number },
            Parameter { name: "year", kind: Kind::Period },
            Parameter { name: "rate", kind: Kind::ConstantNumber },
            Parameter { name: "start", kind: Kind::ConstantText },
        ],
        required: 3,
    },
    prepare,
};

#[derive(Clone, Copy)]
enum Start {
    TenPercent,
    Growth,
}

pub fn register(context: &SessionContext) {
    partition::register(context, &PERPETUAL_INVENTORY);
}

fn prepare(constants: &Constants) -> Result<Computation> {
    let rate = constants.number("rate")?.unwrap_or(f64::NAN);
    if !(0.0..=1.0).contains(&rate) {
        return Err(constants.wrong("rate", rate, "the share of the stock lost in a year, from 0 to 1"));
    }
    let start = match constants.text("start")?.as_deref() {
        None | Some("ten_percent") => Start::TenPercent,
        Some("growth") => Start::Growth,
        Some(other) => return Err(constants.wrong("start", format!("'{other}'"), "'ten_percent' or 'growth'")),
    };
    Ok(Box::new(move |values| {
        let moments = periods::sorted(&PERPETUAL_INVENTORY.call, &values[1])?;
        let investments = values[0].as_primitive::<Float64Type>();
        let known = moments.iter().filter(|moment| investments.is_valid(moment.row));
        let mut run: Vec<(usize, f64)> = Vec::new();
        let mut next = None;
        for moment in known {
            if next.is_some_and(|next| next != moment.period) {
                break;
            }
            run.push((moment.row, investments.value(moment.row)));
            next = moment.period.checked_add(1);
        }
        let flows: Vec<f64> = run.iter().map(|(_, investment)| *investment).collect();
        let stocks = stocks(&flows, rate, start).unwrap_or_default();
        Ok(partition::scattered(investments.len(), run.iter().map(|(row, _)| *row).zip(stocks)))
    }))
}

/// One stock per investment of consecutive years; `None` if the first cannot be told.
fn stocks(investments: &[f64], rate: f64, start: Start) -> Option<Vec<f64>> {
    let (first, later) = investments.split_first()?;
    let mut stock = match start {
        Start::TenPercent => first / 0.10,
        Start::Growth => first / Some(mean_growth(investments)? + rate).filter(|yearly| *yearly > 0.0)?,
    };
    let mut stocks = vec![stock];
    for investment in later {
        stock = (1.0 - rate) * stock + investment;
        stocks.push(stock);
    }
    Some(stocks)
}

/// `None` of a single year, and where investment is not positive.
fn mean_growth(investments: &[f64]) -> Option<f64> {
    let (first, last) = (investments.first()?, investments.last()?);
    let years = investments.len() - 1;
    (years > 0 && *first > 0.0 && *last > 0.0).then(|| core_math::pow(last / first, 1.0 / years as f64) - 1.0)
}
