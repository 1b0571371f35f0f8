//! Printed names of places to the identifiers of a study, by year, and what became of the place until the year whose boundaries
//! are held. Plain data in and out: knows no file, no table, no name and no suffix of its own.
//!
//! A name is looked up as it is printed, then without blanks, then without a remark in brackets. Each form is tried in this order, and
//! the first that finds something decides:
//!
//! 1. whole names in force in that year, first of units, then of units below them;
//! 2. whole names of other years, where the unit itself exists in that year (襄阳 in 2007);
//! 3. the same two without a suffix, on either side (北京 for 北京市, 毕节市 for 毕节地区).
//!
//! Two units left are an ambiguity, never a choice. A unit that has ended is not followed: after a merger the numbers of the successor
//! contain it, and a row that still bears its name would count twice.

use crate::normal;
use std::collections::{BTreeMap, BTreeSet};

/// A name in force at some year-ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// As it is listed.
    pub name: String,
    /// Whose it is; for a unit of the level below, the unit it belongs to.
    pub id: String,
    /// First year-end at which it is in force; `None` without a beginning.
    pub from: Option<i64>,
    /// Last year-end; `None` without an end.
    pub to: Option<i64>,
    /// What sort of name.
    pub sort: Sort,
}

/// What a listed name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sort {
    /// The name of a unit: its years are the years in which the unit exists.
    Unit,
    /// Another name for it, which says nothing about its existence.
    Alias,
    /// The name of a unit of the level below.
    County,
}

/// From the end of `year` on, a part of `id` belongs to `successor`. All changes of one unit in one year share it out; it may be its own
/// successor with what it keeps.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The unit that changes.
    pub id: String,
    /// First year-end of the new boundaries.
    pub year: i64,
    /// Where the part goes.
    pub successor: String,
    /// The part, above 0 and at most 1; `None` where nobody knows it.
    pub share: Option<f64>,
}

/// Whose boundaries count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Boundaries {
    /// Those of the year of the row.
    AsReported,
    /// Those at the end of this year, in all years: what was merged since goes to its successors by share.
    Hold(i64),
    /// Units whose boundaries changed after the first of these years, until the last, are left out in all years.
    DropChanged {
        /// First year of the data.
        first: i64,
        /// Last year of the data.
        last: i64,
    },
}

/// How names are compared and whose boundaries count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Endings that a name may lack or have another of; the longest that fits is taken off.
    pub suffixes: Vec<String>,
    /// Whether a name counts in a year in which the unit bears another one.
    pub other_years: bool,
    /// Whose boundaries count.
    pub boundaries: Boundaries,
}

/// What is wrong with the tables of names and changes.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PlacesError {
    /// An interval that ends before it begins.
    #[error("`{name}` of {id} is in force from {from} to {to}, which is before")]
    Years {
        /// The name.
        name: String,
        /// Whose.
        id: String,
        /// First year.
        from: i64,
        /// Last year.
        to: i64,
    },
    /// A unit without a name.
    #[error("a change of {year} names {id}, which has no name")]
    UnknownUnit {
        /// The unit.
        id: String,
        /// Year of the change.
        year: i64,
    },
    /// A share that is none.
    #[error("the part of {id} that went to {successor} in {year} is {share}; a share lies above 0 and up to 1")]
    Share {
        /// The unit that changed.
        id: String,
        /// The unit that got it.
        successor: String,
        /// When.
        year: i64,
        /// The share.
        share: f64,
    },
    /// Shares that leave something over.
    #[error("the shares of {id} in {year} sum to {sum}, not to 1")]
    Sum {
        /// The unit that changed.
        id: String,
        /// When.
        year: i64,
        /// What they sum to.
        sum: f64,
    },
    /// A part without a size, where it is needed.
    #[error("{id} was divided in {year}, and the share that went to {successor} is not given")]
    NoShare {
        /// The unit that changed.
        id: String,
        /// When.
        year: i64,
        /// The unit that got it.
        successor: String,
    },
    /// The same part twice.
    #[error("{id} goes to {successor} twice in {year}")]
    Twice {
        /// The unit that changed.
        id: String,
        /// When.
        year: i64,
        /// The unit that got it.
        successor: String,
    },
}

/// A name to be found.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// As it is printed.
    pub name: &'a str,
    /// The year-end it is about; without one, names of all years count.
    pub year: Option<i64>,
    /// Where the unit lies; without one, anywhere.
    pub province: Option<&'a str>,
}

/// What was made of a name.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The name as it was compared: without blanks, half-width.
    pub normal: String,
    /// The unit, or why there is none.
    pub outcome: Result<Match, Miss>,
}

/// A unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Match {
    /// As reported: the unit that the name meant in that year.
    pub id: String,
    /// The listed name that fits.
    pub listed: String,
    /// What had to be overlooked; empty for the listed name in force as it stands.
    pub steps: Vec<Step>,
    /// The units whose boundaries count, with the parts of this one that belong to them. They sum to 1.
    pub parts: Vec<(String, f64)>,
}

/// A difference between what is printed and what is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Blanks or full-width signs.
    Blanks,
    /// A remark in brackets.
    Remark,
    /// A suffix, on either side.
    Suffix,
    /// Another name than its own.
    Alias,
    /// The name of other years.
    Renamed,
    /// A unit of the level below.
    County,
    /// Since then merged into another.
    Merged,
    /// Since then divided among others.
    Divided,
}

/// Why a name has no unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Miss {
    /// Nothing of this name; what is most like it.
    Unknown {
        /// Names, the likest first.
        candidates: Vec<String>,
    },
    /// Several units.
    Ambiguous {
        /// Their names and identifiers.
        candidates: Vec<String>,
    },
    /// Only in other provinces.
    OtherProvince {
        /// Their names and identifiers.
        candidates: Vec<String>,
    },
    /// The unit does not exist at the end of this year, or does not bear this name.
    NotInForce {
        /// Years in which it is in force, and what became of it.
        candidates: Vec<String>,
    },
    /// The boundaries changed, and the policy leaves it out.
    Changed {
        /// When.
        year: i64,
    },
}

/// Who follows a unit, with the share of each.
type Heirs = Vec<(String, Option<f64>)>;

/// By unit and year.
type Changes = BTreeMap<(String, i64), Heirs>;

/// Names and changes, checked.
pub struct Gazetteer {
    names: Vec<Name>,
    provinces: BTreeMap<String, String>,
    /// By id: the years of its own names.
    lives: BTreeMap<String, Vec<(i64, i64)>>,
    /// By unit and year.
    changes: Changes,
    /// Normalised names to indices of `names`.
    whole: BTreeMap<String, Vec<usize>>,
    /// The same without their suffixes.
    short: BTreeMap<String, Vec<usize>>,
    rules: Rules,
}

/// A name has at least this many characters when its suffix is off: 和县 is never 和.
const SHORTEST: usize = 2;
/// How many names are offered for one that nobody knows.
const OFFERED: usize = 3;

impl Gazetteer {
    /// `provinces` holds the province of each unit, where it is known.
    pub fn new(
        names: Vec<Name>,
        provinces: BTreeMap<String, String>,
        changes: &[Change],
        rules: Rules,
    ) -> Result<Gazetteer, PlacesError> {
        let mut lives: BTreeMap<String, Vec<(i64, i64)>> = BTreeMap::new();
        let (mut whole, mut short) = (BTreeMap::<String, Vec<usize>>::new(), BTreeMap::<String, Vec<usize>>::new());
        for (index, name) in names.iter().enumerate() {
            let (from, to) = years(name);
            if from > to {
                return Err(PlacesError::Years { name: name.name.clone(), id: name.id.clone(), from, to });
            }
            let normal = normal::normalise(&name.name);
            short.entry(without_suffix(&normal, &rules.suffixes).to_string()).or_default().push(index);
            whole.entry(normal).or_default().push(index);
            if name.sort == Sort::Unit {
                lives.entry(name.id.clone()).or_default().push((from, to));
            }
        }
        let changes = checked(changes, &lives)?;
        if matches!(rules.boundaries, Boundaries::Hold(_)) {
            for ((id, year), parts) in &changes {
                if let Some((successor, _)) = parts.iter().find(|(_, share)| share.is_none()) {
                    let (id, successor) = (id.clone(), successor.clone());
                    return Err(PlacesError::NoShare { id, year: *year, successor });
                }
            }
        }
        Ok(Gazetteer { names, provinces, lives, changes, whole, short, rules })
    }

    /// The unit of a printed name.
    pub fn find(&self, asked: &Asked) -> Found {
        let normal = normal::normalise(asked.name);
        let bare = normal::without_trailing_parentheses(&normal);
        let mut miss = None;
        for (form, step) in [(asked.name, None), (normal.as_str(), Some(Step::Blanks)), (bare, Some(Step::Remark))] {
            match self.look_up(form, asked) {
                Some(Ok((index, mut steps))) => {
                    steps.extend(step);
                    // A remark is looked for behind the blanks, so those were removed too.
                    if step == Some(Step::Remark) && asked.name.chars().any(normal::is_blank) {
                        steps.push(Step::Blanks);
                    }
                    return Found { outcome: self.placed(index, steps, asked.year), normal: normal.clone() };
                }
                Some(Err(found)) => {
                    miss.get_or_insert(found);
                }
                None => {}
            }
        }
        let outcome = Err(miss.unwrap_or_else(|| Miss::Unknown { candidates: self.nearest(bare) }));
        Found { normal, outcome }
    }

    /// The listed name for a form, `None` if there is none at all.
    fn look_up(&self, form: &str, asked: &Asked) -> Option<Result<(usize, Vec<Step>), Miss>> {
        let short = without_suffix(form, &self.rules.suffixes);
        let mut miss: Option<Miss> = None;
        for (found, step) in [(self.whole.get(form), None), (self.short.get(short), Some(Step::Suffix))] {
            let Some(found) = found else { continue };
            let here: Vec<usize> = found.iter().copied().filter(|&index| self.lies_in(index, asked.province)).collect();
            if here.is_empty() {
                miss.get_or_insert_with(|| Miss::OtherProvince { candidates: self.described(found) });
                continue;
            }
            let in_force = |index: &usize| asked.year.is_none_or(|year| contains(years(&self.names[*index]), year));
            let exists = |index: &usize| {
                let name = &self.names[*index];
                let life = self.lives.get(&name.id).into_iter().flatten();
                name.sort != Sort::County
                    && asked.year.is_some_and(|year| life.clone().any(|&life| contains(life, year)))
            };
            let of_sort = |county: bool| {
                let names = &self.names;
                here.iter().copied().filter(move |&index| (names[index].sort == Sort::County) == county)
            };
            let groups = [
                (of_sort(false).filter(in_force).collect::<Vec<usize>>(), None),
                (of_sort(true).filter(in_force).collect(), None),
                (of_sort(false).filter(exists).filter(|_| self.rules.other_years).collect(), Some(Step::Renamed)),
            ];
            if let Some((group, renamed)) = groups.into_iter().find(|(group, _)| !group.is_empty()) {
                let ids: BTreeSet<&str> = group.iter().map(|&index| self.names[index].id.as_str()).collect();
                if ids.len() > 1 {
                    return Some(Err(Miss::Ambiguous { candidates: self.described(&group) }));
                }
                // Its own name before an alias, the earliest before the others.
                let best =
                    group.into_iter().min_by_key(|&index| (self.names[index].sort, self.names[index].from, index));
                let index = best.expect("the group is not empty");
                let sort = match self.names[index].sort {
                    Sort::Unit => None,
                    Sort::Alias => Some(Step::Alias),
                    Sort::County => Some(Step::County),
                };
                return Some(Ok((index, step.into_iter().chain(sort).chain(renamed).collect())));
            }
            miss.get_or_insert_with(|| Miss::NotInForce { candidates: self.fates(&here) });
        }
        miss.map(Err)
    }

    /// The match with the units whose boundaries count.
    fn placed(&self, index: usize, mut steps: Vec<Step>, year: Option<i64>) -> Result<Match, Miss> {
        let Name { name, id, .. } = &self.names[index];
        let parts = match (self.rules.boundaries, year) {
            (Boundaries::Hold(target), Some(year)) => self.held(id, year, target)?,
            (Boundaries::DropChanged { first, last }, _) => {
                let changed = self.changes.iter().find(|((unit, year), parts)| {
                    (first < *year && *year <= last) && (unit == id || parts.iter().any(|(other, _)| other == id))
                });
                if let Some(((_, year), _)) = changed {
                    return Err(Miss::Changed { year: *year });
                }
                vec![(id.clone(), 1.0)]
            }
            (Boundaries::AsReported, _) | (Boundaries::Hold(_), None) => vec![(id.clone(), 1.0)],
        };
        match parts.as_slice() {
            [(only, _)] if only == id => {}
            [_] => steps.push(Step::Merged),
            _ => steps.push(Step::Divided),
        }
        steps.sort();
        Ok(Match { id: id.clone(), listed: name.clone(), steps, parts })
    }

    /// Follows a unit from one year to the boundaries of another.
    fn held(&self, id: &str, year: i64, target: i64) -> Result<Vec<(String, f64)>, Miss> {
        let mut parts = BTreeMap::from([(id.to_string(), 1.0)]);
        let mut years: Vec<i64> = self.changes.keys().map(|(_, changed)| *changed).collect();
        years.sort_unstable();
        years.dedup();
        for changed in years {
            if year < changed && changed <= target {
                let mut next: BTreeMap<String, f64> = BTreeMap::new();
                for (unit, part) in parts {
                    match self.changes.get(&(unit.clone(), changed)) {
                        Some(heirs) => {
                            for (heir, share) in heirs {
                                *next.entry(heir.clone()).or_default() += part * share.unwrap_or(1.0);
                            }
                        }
                        None => *next.entry(unit).or_default() += part,
                    }
                }
                parts = next;
            }
            // What was added cannot be taken out again: nobody knows which part of the sum it is.
            let touches = |((unit, at), heirs): (&(String, i64), &Heirs)| {
                *at == changed && (unit == id || heirs.iter().any(|(heir, _)| heir == id))
            };
            if target < changed && changed <= year && self.changes.iter().any(touches) {
                return Err(Miss::Changed { year: changed });
            }
        }
        Ok(parts.into_iter().collect())
    }

    fn lies_in(&self, index: usize, province: Option<&str>) -> bool {
        let Some(asked) = province.map(normal::normalise).filter(|asked| !asked.is_empty()) else { return true };
        let Some(known) = self.provinces.get(&self.names[index].id).map(|known| normal::normalise(known)) else {
            return true;
        };
        known.starts_with(&asked) || asked.starts_with(&known)
    }

    fn described(&self, indices: &[usize]) -> Vec<String> {
        let described = indices.iter().map(|&index| {
            let Name { name, id, .. } = &self.names[index];
            match self.provinces.get(id) {
                Some(province) => format!("{name} ({id}, {province})"),
                None => format!("{name} ({id})"),
            }
        });
        described.collect::<BTreeSet<String>>().into_iter().collect()
    }

    /// When the names are in force, and where their units went.
    fn fates(&self, indices: &[usize]) -> Vec<String> {
        let mut fates = BTreeSet::new();
        for &index in indices {
            let Name { name, id, .. } = &self.names[index];
            let mut fate = format!("{name} ({id}) {}", span(years(&self.names[index])));
            let (_, to) = years(&self.names[index]);
            let heirs = to.checked_add(1).and_then(|next| self.changes.get(&(id.clone(), next)));
            if let Some(heirs) = heirs {
                let heirs: Vec<String> = heirs.iter().map(|(heir, _)| self.titled(heir, to + 1)).collect();
                fate.push_str(&format!(", then {}", heirs.join(", ")));
            }
            fates.insert(fate);
        }
        fates.into_iter().collect()
    }

    /// A unit by the name that it has in a year.
    fn titled(&self, id: &str, year: i64) -> String {
        let own = self.names.iter().filter(|name| name.sort == Sort::Unit && name.id == id);
        let name = own.clone().find(|name| contains(years(name), year)).or(own.clone().next());
        name.map_or(id.to_string(), |name| format!("{} ({id})", name.name))
    }

    fn nearest(&self, name: &str) -> Vec<String> {
        let known: BTreeSet<&String> = self.names.iter().map(|name| &name.name).collect();
        let known: Vec<String> = known.into_iter().cloned().collect();
        normal::nearest(name, &known, OFFERED)
    }
}

impl Boundaries {
    /// Reads `as_reported`, `drop_changed` or `hold 2020`; the years of the data of `drop_changed` are put in later.
    pub fn parse(text: &str) -> Option<Boundaries> {
        match text.split_whitespace().collect::<Vec<_>>().as_slice() {
            ["as_reported"] => Some(Boundaries::AsReported),
            ["drop_changed"] => Some(Boundaries::DropChanged { first: i64::MIN, last: i64::MAX }),
            ["hold", year] => year.parse().ok().map(Boundaries::Hold),
            _ => None,
        }
    }
}

impl Step {
    /// What is said of it.
    pub fn text(self) -> &'static str {
        match self {
            Step::Blanks => "blanks removed",
            Step::Remark => "remark removed",
            Step::Suffix => "short form",
            Step::Alias => "alias",
            Step::Renamed => "name of other years",
            Step::County => "unit below",
            Step::Merged => "merged into",
            Step::Divided => "divided among",
        }
    }
}

impl Miss {
    /// What is said of it.
    pub fn text(&self) -> String {
        match self {
            Miss::Unknown { .. } => "not in the table of names".to_string(),
            Miss::Ambiguous { .. } => "several places have this name".to_string(),
            Miss::OtherProvince { .. } => "only in another province".to_string(),
            Miss::NotInForce { .. } => "name not in force at the end of this year".to_string(),
            Miss::Changed { year } => format!("boundaries changed in {year}"),
        }
    }

    /// What it might have been.
    pub fn candidates(&self) -> &[String] {
        match self {
            Miss::Unknown { candidates }
            | Miss::Ambiguous { candidates }
            | Miss::OtherProvince { candidates }
            | Miss::NotInForce { candidates } => candidates,
            Miss::Changed { .. } => &[],
        }
    }
}

/// Changes by unit and year, with shares that sum to 1.
fn checked(changes: &[Change], lives: &BTreeMap<String, Vec<(i64, i64)>>) -> Result<Changes, PlacesError> {
    let mut grouped = Changes::new();
    for Change { id, year, successor, share } in changes {
        if let Some(unknown) = [id, successor].into_iter().find(|id| !lives.contains_key(*id)) {
            return Err(PlacesError::UnknownUnit { id: unknown.clone(), year: *year });
        }
        let (id, successor, year) = (id.clone(), successor.clone(), *year);
        if let Some(share) = share.filter(|share| !(*share > 0.0 && *share <= 1.0)) {
            return Err(PlacesError::Share { id, successor, year, share });
        }
        let parts = grouped.entry((id.clone(), year)).or_default();
        if parts.iter().any(|(known, _)| *known == successor) {
            return Err(PlacesError::Twice { id, year, successor });
        }
        parts.push((successor, *share));
    }
    for ((id, year), parts) in &mut grouped {
        parts.sort_by(|one, other| one.0.cmp(&other.0));
        if let [(_, share @ None)] = parts.as_mut_slice() {
            *share = Some(1.0);
        }
        let known: Vec<f64> = parts.iter().filter_map(|(_, share)| *share).collect();
        let sum: f64 = known.iter().sum();
        // Shares are typed with a few digits; thirds of six digits must pass.
        if known.len() == parts.len() && (sum - 1.0).abs() > 1e-5 {
            return Err(PlacesError::Sum { id: id.clone(), year: *year, sum });
        }
    }
    Ok(grouped)
}

fn years(name: &Name) -> (i64, i64) {
    (name.from.unwrap_or(i64::MIN), name.to.unwrap_or(i64::MAX))
}

fn contains((from, to): (i64, i64), year: i64) -> bool {
    from <= year && year <= to
}

fn span((from, to): (i64, i64)) -> String {
    // Tables write 9999 for an end that nobody knows.
    match (from == i64::MIN, to >= 9999) {
        (true, true) => "in all years".to_string(),
        (true, false) => format!("until {to}"),
        (false, true) => format!("from {from}"),
        (false, false) => format!("from {from} to {to}"),
    }
}

fn without_suffix<'a>(name: &'a str, suffixes: &[String]) -> &'a str {
    let fits = suffixes.iter().filter_map(|suffix| name.strip_suffix(suffix.as_str()));
    fits.filter(|rest| rest.chars().count() >= SHORTEST).min_by_key(|rest| rest.len()).unwrap_or(name)
}

#[cfg(test)]
mod tests;
