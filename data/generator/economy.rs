//! A city's economy in a year: the quantities a yearbook prints, in one unit each, before rounding.
//! Every ratio that enters the resilience index moves with the city's capacity by the same share of its own range;
//! the informatization quantities respond to the pilot directly. Knows no spreadsheet.

use crate::{
    cities::City,
    model::{Traits, World},
    rng::{self, Stream},
};

/// One yearbook row. Money in 10,000 yuan, people in persons unless said otherwise.
pub struct Economy {
    /// 10,000 persons.
    pub population: f64,
    /// Employees of all units, then of four sectors.
    pub employees: f64,
    /// See `employees`.
    pub manufacturing: f64,
    /// See `employees`.
    pub finance: f64,
    /// See `employees`.
    pub information: f64,
    /// See `employees`.
    pub science: f64,
    /// Nominal.
    pub gdp: f64,
    /// Per cent of GDP.
    pub secondary: f64,
    /// Per cent of GDP.
    pub tertiary: f64,
    /// General public budget.
    pub revenue: f64,
    /// General public budget.
    pub expenditure: f64,
    /// Part of `expenditure`.
    pub science_spending: f64,
    /// Part of `expenditure`.
    pub education_spending: f64,
    /// In regular higher education.
    pub students: f64,
    /// At year-end.
    pub deposits: f64,
    /// At year-end.
    pub loans: f64,
    /// Revenue.
    pub telecom: f64,
    /// 10,000 subscribers.
    pub mobile: f64,
    /// 10,000 subscribers.
    pub broadband: f64,
    /// 10,000 US dollars.
    pub foreign_investment: f64,
    /// Square kilometres.
    pub area: f64,
    /// Square metres per person in the districts.
    pub road: f64,
    /// In fixed assets.
    pub investment: f64,
    /// Share of the districts in the totals of the prefecture.
    pub district_share: f64,
}

/// Nominal growth of GDP per head by year from 2007 on, the same for all cities: synthetic, shaped like a slowing economy.
const GROWTH: [f64; 15] =
    [0.150, 0.165, 0.150, 0.080, 0.160, 0.155, 0.100, 0.095, 0.075, 0.060, 0.075, 0.100, 0.090, 0.070, 0.030];

/// The economy of `city` in `year` in one of the two worlds.
pub fn economy(city: &City, traits: &Traits, year: i32, world: World) -> Economy {
    let draws = Draws { key: city.key(), year };
    let time = f64::from(year - 2007);
    let capacity = traits.capacity(year, world);
    let effect = traits.effect(year, world);

    let population = 330.0 * exp(0.42 * traits.size + 0.1 * draws.city(0)) * exp(0.005 * time + 0.004 * draws.year(0));
    let growth: f64 = (2006..=year).map(|past| GROWTH[(past - 2006) as usize] + 0.012 * draws.at(1, past)).sum();
    let gdp_per_head = 15_500.0 * exp(0.16 * traits.level + 0.26 * draws.city(1) + growth);
    let gdp = gdp_per_head * population;

    let expenditure = gdp * within(0.155 + 0.035 * draws.city(2) + 0.003 * time + 0.006 * draws.year(2), 0.05, 0.6);
    let revenue = expenditure * within(0.44 + 0.9 * capacity + 0.10 * draws.city(3) + 0.015 * draws.year(3), 0.05, 1.3);
    let science_share =
        within(0.016 + 0.075 * capacity + 0.004 * draws.city(4) + 0.0003 * time + 0.0018 * draws.year(4), 0.0008, 0.2);
    let students_per_10000 = within(
        75.0 * exp(0.55 * traits.students) + 40.0 + 650.0 * capacity + 3.0 * time + 9.0 * draws.year(5),
        4.0,
        1600.0,
    );
    let depth = within(1.9 + 4.2 * capacity + 0.32 * draws.city(6) + 0.045 * time + 0.07 * draws.year(6), 0.5, 9.0);
    let loans_share = within(0.40 + 0.05 * draws.city(7) + 0.01 * draws.year(7), 0.2, 0.6);

    let primary = within(0.13 + 0.05 * draws.city(8) - 0.03 * (f64::from(3 - city.tier)), 0.005, 0.35);
    let tertiary =
        within(0.375 + 0.50 * capacity + 0.03 * draws.city(9) + 0.0065 * time + 0.007 * draws.year(9), 0.18, 0.85);
    let secondary = (1.0 - primary - tertiary).max(0.12);

    let employees = 10_000.0
        * population
        * within(0.115 + 0.025 * draws.city(10) + 0.02 * f64::from(3 - city.tier) + 0.002 * draws.year(10), 0.04, 0.5);
    let sector = |share: f64| employees * share.clamp(0.0008, 0.8);
    let science = sector(0.018 + 0.08 * capacity + 0.0045 * draws.city(11) + 0.0012 * draws.year(11));
    let information = sector(0.0115 + 0.002 * draws.city(12) + 0.0002 * time + 0.10 * effect + 0.0008 * draws.year(12));

    let per_100 = |level: f64| level.max(0.4) * population / 100.0;
    Economy {
        population,
        employees,
        manufacturing: sector(0.27 + 0.085 * traits.manufacturing + 0.010 * draws.year(13)),
        finance: sector(0.038 + 0.009 * traits.finance + 0.0015 * draws.year(14)),
        information,
        science,
        gdp,
        secondary: 100.0 * secondary,
        tertiary: 100.0 * (1.0 - primary - secondary),
        revenue,
        expenditure,
        science_spending: expenditure * science_share,
        education_spending: expenditure * within(0.185 + 0.025 * draws.city(15) + 0.006 * draws.year(15), 0.08, 0.35),
        students: students_per_10000 * population,
        deposits: gdp * depth * (1.0 - loans_share),
        loans: gdp * depth * loans_share,
        telecom: population
            * within(
                380.0 * exp(0.25 * draws.city(16)) + 42.0 * time + 2600.0 * effect + 25.0 * draws.year(16),
                40.0,
                9000.0,
            ),
        mobile: per_100(46.0 + 9.0 * draws.city(17) + 4.6 * time + 110.0 * effect + 2.5 * draws.year(17)),
        broadband: per_100(5.5 + 1.6 * draws.city(18) + 1.75 * time + 90.0 * effect + 0.7 * draws.year(18)),
        foreign_investment: foreign_investment(gdp, &draws, time),
        area: (9_500.0 * exp(0.55 * draws.city(20))).round(),
        road: within(10.5 + 2.6 * draws.city(21) + 0.32 * time + 0.5 * draws.year(21), 1.5, 40.0),
        investment: gdp * within(0.62 + 0.10 * traits.investment + 0.018 * time + 0.03 * draws.year(22), 0.15, 1.6),
        district_share: within(0.36 + 0.1 * draws.city(23) + 0.12 * f64::from(3 - city.tier), 0.12, 0.97),
    }
}

/// About one small city in nine reports no foreign investment at all.
fn foreign_investment(gdp: f64, draws: &Draws, time: f64) -> f64 {
    let share = 0.017 + 0.012 * draws.city(19) - 0.0004 * time + 0.0025 * draws.year(19);
    if share < 0.0025 { 0.0 } else { gdp * share / 6.8 }
}

struct Draws {
    key: u64,
    year: i32,
}

impl Draws {
    fn city(&self, what: u64) -> f64 {
        rng::normal(Stream::Economy, &[self.key, what]).clamp(-2.6, 2.6)
    }

    fn year(&self, what: u64) -> f64 {
        self.at(what, self.year)
    }

    fn at(&self, what: u64, year: i32) -> f64 {
        rng::normal(Stream::Economy, &[self.key, what, year as u64])
    }
}

fn within(value: f64, low: f64, high: f64) -> f64 {
    value.clamp(low, high)
}

fn exp(value: f64) -> f64 {
    core_math::exp(value)
}
