//! Writes one workbook per yearbook edition, with the habits of the real ones: two header rows with 全市/市辖区 pairs, a total row
//! first, blanks in names, units that change, gaps under three signs, numbers stored as text, tails and notes.
//! The quantities come from `economy.rs`, the columns from `yearbook_columns.rs`.

use rust_xlsxwriter::{DocProperties, ExcelDateTime, Workbook, Worksheet, XlsxError};

use crate::{
    cities::City,
    economy::{Economy, economy},
    model::{STUDY_YEARS, Traits, World},
    rng::{self, Stream},
    yearbook_columns::{self, Column, Scope},
};

/// Column of the sheet where the first quantity stands; before it the name and, as in the real books, an empty or English one.
const FIRST_COLUMN: u16 = 2;

/// File name and bytes of every edition. The edition is the data year plus one.
pub fn files(cities: &[City], traits: &[Traits]) -> Result<Vec<(String, Vec<u8>)>, XlsxError> {
    (STUDY_YEARS.0 - 1..=STUDY_YEARS.1)
        .map(|year| Ok((format!("yearbook/Data_{}.xlsx", year + 1), workbook(cities, traits, year)?)))
        .collect()
}

struct Sheet<'a> {
    sheet: &'a mut Worksheet,
    edition: i32,
    year: i32,
    row: u32,
}

fn workbook(cities: &[City], traits: &[Traits], year: i32) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    // The clock would otherwise enter the file.
    let created = ExcelDateTime::from_ymd(2026, 1, 1)?;
    workbook.set_properties(&DocProperties::new().set_creation_datetime(&created));
    let sheet = workbook.add_worksheet().set_name("Sheet1")?;
    let mut sheet = Sheet { sheet, edition: year + 1, year, row: 0 };
    sheet.title()?;
    sheet.header()?;
    let printed: Vec<(&City, Economy)> = cities
        .iter()
        .zip(traits)
        .filter(|(city, _)| city.is_printed_in(year))
        .map(|(city, traits)| (city, economy(city, traits, year, World::Observed)))
        .collect();
    sheet.total(&printed)?;
    let mut province = "";
    for (city, economy) in &printed {
        if province != city.province && sheet.has_province_rows() && city.tier != 1 {
            sheet.text(0, city.province)?;
            sheet.row += 1;
        }
        province = city.province;
        sheet.city(city, economy)?;
    }
    sheet.tail()?;
    workbook.save_to_buffer()
}

impl Sheet<'_> {
    /// Two editions carry a title above the header, which shifts everything one row down.
    fn title(&mut self) -> Result<(), XlsxError> {
        if matches!(self.edition, 2010 | 2018) {
            let year = self.year;
            self.text(0, &format!("2-1 城市主要指标({year}年)"))?;
            self.row += 1;
        }
        Ok(())
    }

    fn header(&mut self) -> Result<(), XlsxError> {
        let edition = self.edition;
        self.text(0, if edition < 2012 { "    城市" } else { "城市" })?;
        if edition >= 2012 {
            self.text(1, "City")?;
        }
        let subs = if edition >= 2012 {
            ["全市\r\nTotal City", "市辖区\r\nDistricts\r\nunder City"]
        } else if edition % 2 == 0 {
            ["    全市", "    市辖区"]
        } else {
            ["全市", "市辖区"]
        };
        let mut position = FIRST_COLUMN;
        for (_, column) in yearbook_columns::of_edition(edition) {
            self.text(position, &header(column, edition))?;
            self.row += 1;
            for part in parts(column.scope) {
                self.text(position, subs[*part])?;
                position += 1;
            }
            self.row -= 1;
        }
        self.row += 2;
        Ok(())
    }

    fn total(&mut self, printed: &[(&City, Economy)]) -> Result<(), XlsxError> {
        self.text(0, if self.edition < 2012 { "    城市合计" } else { "城市合计" })?;
        self.text(1, "Total")?;
        let mut position = FIRST_COLUMN;
        for (_, column) in yearbook_columns::of_edition(self.edition) {
            for part in parts(column.scope) {
                if column.additive {
                    let total: f64 = printed.iter().map(|(_, economy)| self.quantity(column, *part, economy)).sum();
                    self.sheet.write_number(self.row, position, round(total, column.decimals))?;
                }
                position += 1;
            }
        }
        self.row += 1;
        Ok(())
    }

    fn city(&mut self, city: &City, economy: &Economy) -> Result<(), XlsxError> {
        self.text(0, &self.printed_name(city))?;
        let mut position = FIRST_COLUMN;
        for (index, column) in yearbook_columns::of_edition(self.edition) {
            let gap = self.gap(city, index, column);
            for part in parts(column.scope) {
                let value = round(self.quantity(column, *part, economy), column.decimals);
                let as_text =
                    rng::uniform(Stream::Format, &[city.key(), self.year as u64, index as u64, 90 + *part as u64])
                        < 0.0005;
                match gap {
                    Some(sign) if !sign.is_empty() => self.text(position, sign)?,
                    Some(_) => {}
                    None if as_text => self.text(position, &value.to_string())?,
                    None => {
                        self.sheet.write_number(self.row, position, value)?;
                    }
                }
                position += 1;
            }
        }
        self.row += 1;
        Ok(())
    }

    /// Rows after the last city: blank, or with zeros and no name, or a note.
    fn tail(&mut self) -> Result<(), XlsxError> {
        if self.edition % 3 == 0 {
            for _ in 0..4 {
                for position in [10, 11, 12] {
                    self.sheet.write_number(self.row, position, 0.0)?;
                }
                self.row += 1;
            }
        }
        if self.edition >= 2014 {
            self.row += 1;
            self.text(0, "注：本表为合成数据，不反映任何城市的真实情况。")?;
        }
        Ok(())
    }

    fn quantity(&self, column: &Column, part: usize, economy: &Economy) -> f64 {
        let share = if part == 1 && column.scope == Scope::Both { economy.district_share } else { 1.0 };
        (column.value)(economy) * share * column.unit(self.edition).1
    }

    /// The sign of a missing number: nothing, a dash or an ellipsis.
    fn gap(&self, city: &City, index: usize, column: &Column) -> Option<&'static str> {
        let draw = |what: u64| rng::uniform(Stream::Missing, &[city.key(), self.year as u64, index as u64, what]);
        // A gap at either end of the period cannot be bridged, so there are few.
        let at_the_end = self.year < STUDY_YEARS.0 || self.year == STUDY_YEARS.1;
        let chance = if city.code == 460_300 {
            0.7
        } else if at_the_end {
            column.gaps / 12.0
        } else {
            column.gaps
        };
        (draw(0) < chance).then(|| ["", "—", "…"][(draw(1) * 3.0) as usize % 3])
    }

    fn has_province_rows(&self) -> bool {
        matches!(self.edition, 2012 | 2019)
    }

    fn printed_name(&self, city: &City) -> String {
        let name = city.name_in(self.year);
        match self.edition {
            2008 if name.chars().count() == 3 => name.chars().map(String::from).collect::<Vec<_>>().join(" "),
            // This edition leaves out the last character.
            2010 => format!("  {}", name.trim_end_matches('市')),
            2007..=2011 => format!("    {name}"),
            2012 | 2016.. => name.to_owned(),
            _ => format!("  {name}"),
        }
    }

    fn text(&mut self, column: u16, text: &str) -> Result<(), XlsxError> {
        self.sheet.write_string(self.row, column, text).map(|_| ())
    }
}

/// 0 is 全市, 1 is 市辖区.
fn parts(scope: Scope) -> &'static [usize] {
    match scope {
        Scope::City => &[0],
        Scope::Districts => &[1],
        Scope::Both => &[0, 1],
    }
}

fn header(column: &Column, edition: i32) -> String {
    let (name, (unit, _)) = (column.name(edition), column.unit(edition));
    match edition {
        ..=2009 if edition % 2 == 1 => format!("    {name}({unit})"),
        ..=2009 => format!(" {name}     ({unit})"),
        2010..=2011 => format!("{name}\r\n({unit})"),
        _ => format!("{name}\r\n({unit})\r\n{}", column.english),
    }
}

fn round(value: f64, decimals: usize) -> f64 {
    // A table, because `powi` may differ in the last bit between platforms.
    let scale = [1.0, 10.0, 100.0, 1000.0, 10_000.0][decimals];
    (value * scale).round() / scale
}
