//! Writes the cities' yearly work reports: short texts from sentence patterns written for this generator.
//! How many sentences speak of science and technology follows the model; which terms they use is drawn from the dictionary.

use crate::{
    cities::City,
    dictionary,
    model::{STUDY_YEARS, Traits, World},
    rng::{self, Stream},
};

/// A report ends with the sentence in which it passes this length.
const LENGTH: usize = 245;

/// `{a}` noun of innovation, `{b}` actor, `{c}` result, `{d}` input, `{e}` industry, `{f}` talent or finance; `{n}` a number, `{p}` a small one.
const SCIENCE: [&str; 16] = [
    "坚持把{a}摆在发展全局的突出位置，{d}继续增加。",
    "新认定{b}{n}家，{c}明显增多。",
    "支持{b}牵头实施{d}，推动{c}落地。",
    "完善{a}政策，引进{f}{n}名。",
    "{e}产值增长百分之{p}，成为新的增长点。",
    "建成{b}{n}个，{c}拥有量居全省前列。",
    "落实{f}扶持办法，安排{d}资金{n}万元。",
    "深化校地合作，{a}取得积极成效。",
    "大力培育{e}，园区集聚企业{n}户。",
    "强化{c}保护和运用，营造良好氛围。",
    "围绕主导产业开展{d}，突破难题{n}项。",
    "实施{f}引进计划，优化服务环境。",
    "组织{b}与企业对接，促成项目{n}个。",
    "提升{a}水平，增强城市竞争力。",
    "推动{e}集群发展，完善配套能力。",
    "全市{c}达到{n}件，再创新高。",
];

const NEUTRAL: [&str; 32] = [
    "全市地区生产总值增长百分之{p}，经济运行总体平稳。",
    "粮食总产量实现稳定增长，农民收入继续提高。",
    "新建改建农村公路{n}公里，群众出行更加方便。",
    "完成造林绿化面积{n}万亩，城乡面貌明显改善。",
    "城镇新增就业{n}千人，登记失业率控制在较低水平。",
    "扎实推进保障性安居工程，开工住房{n}百套。",
    "深入开展安全生产大检查，事故起数持续下降。",
    "实施饮水安全工程，解决{n}万农村居民饮水问题。",
    "加快城市道路和排水管网改造，完善公共服务设施。",
    "招商引资到位资金增长百分之{p}，一批重大项目开工建设。",
    "义务教育均衡发展，新建公办幼儿园{n}所。",
    "基层医疗卫生条件不断改善，居民健康水平稳步提升。",
    "积极发展乡村旅游，接待游客人数增长百分之{p}。",
    "加强社会治安综合治理，人民群众安全感不断增强。",
    "财政收入结构进一步优化，民生支出占比超过百分之七十。",
    "推进水利设施建设，加固病险水库{n}座。",
    "大气和水环境质量持续好转，优良天数达到三百天。",
    "深化行政审批制度改革，办事效率明显提高。",
    "养老服务体系日益健全，新增床位{n}百张。",
    "文化惠民活动丰富多彩，公共图书馆全部免费开放。",
    "着力扩大消费需求，社会消费品零售总额增长百分之{p}。",
    "外贸进出口总额保持增长，开放型经济迈上新台阶。",
    "扶贫开发成效显著，{n}万贫困人口稳定脱贫。",
    "完善城乡居民基本养老保险和医疗保险制度。",
    "铁路和高速公路建设进展顺利，综合交通网络不断完善。",
    "规范市场秩序，食品药品监管力度进一步加大。",
    "坚持依法行政，自觉接受人大监督和政协民主监督。",
    "现代农业加快发展，农业龙头企业达到{n}户。",
    "工业经济稳步回升，规模以上工业增加值增长百分之{p}。",
    "旧城改造有序推进，完成拆迁面积{n}万平方米。",
    "双拥共建深入开展，国防动员和人民防空工作得到加强。",
    "大力压缩一般性支出，政府自身建设不断加强。",
];

/// File name and text of every year, one JSON object per line.
pub fn files(cities: &[City], traits: &[Traits]) -> Vec<(String, String)> {
    (STUDY_YEARS.0..=STUDY_YEARS.1)
        .map(|year| {
            let lines = cities.iter().zip(traits).filter_map(|(city, traits)| report(city, traits, year));
            (format!("work_reports/{year}.jsonl"), lines.collect())
        })
        .collect()
}

/// About three reports in a hundred are lost, and one in two hundred is a fragment.
fn report(city: &City, traits: &Traits, year: i32) -> Option<String> {
    let draw = |keys: [u64; 2]| rng::uniform(Stream::Report, &[city.key(), year as u64, keys[0], keys[1]]);
    if !city.is_printed_in(year) || draw([0, 0]) < 0.03 {
        return None;
    }
    let fragment = draw([0, 1]) < 0.005;
    let taste = 0.03 * rng::normal(Stream::Report, &[city.key()]).clamp(-2.0, 2.0);
    let attention = 0.20 + taste + 0.004 * f64::from(year - 2007) + 2.4 * traits.effect(year, World::Observed);
    let mut text = String::new();
    let mut length = 0;
    for sentence in 1.. {
        let pick = |patterns: &[&'static str]| {
            patterns[(draw([sentence, 1]) * patterns.len() as f64) as usize % patterns.len()]
        };
        let pattern = if draw([sentence, 0]) < attention { pick(&SCIENCE) } else { pick(&NEUTRAL) };
        let filled = fill(pattern, &|what| draw([sentence, what]));
        length += filled.chars().count();
        text.push_str(&filled);
        if fragment || length >= LENGTH {
            break;
        }
    }
    Some(format!("{{\"city\":\"{}\",\"year\":{year},\"text\":\"{text}\"}}\n", city.name_in(year)))
}

fn fill(pattern: &str, draw: &dyn Fn(u64) -> f64) -> String {
    let slots = [
        ("{a}", "core"),
        ("{b}", "actors"),
        ("{c}", "outputs"),
        ("{d}", "inputs"),
        ("{e}", "industries"),
        ("{f}", "talent_finance"),
    ];
    let mut text = pattern.to_owned();
    for (what, (slot, group)) in slots.iter().enumerate() {
        if text.contains(slot) {
            let terms = dictionary::terms(group);
            text = text.replace(slot, terms[(draw(2 + what as u64) * terms.len() as f64) as usize % terms.len()]);
        }
    }
    text.replace("{n}", &(2 + (draw(9) * 90.0) as usize).to_string())
        .replace("{p}", &(2 + (draw(9) * 12.0) as usize).to_string())
}

#[cfg(test)]
mod tests {
    use super::{NEUTRAL, SCIENCE, fill};
    use crate::dictionary;

    #[test]
    fn neutral_sentences_hold_no_term_of_the_dictionary() {
        for sentence in NEUTRAL {
            for term in dictionary::all() {
                assert!(!sentence.contains(term), "`{term}` in `{sentence}`");
            }
        }
    }

    #[test]
    fn every_slot_is_filled() {
        for pattern in SCIENCE.iter().chain(&NEUTRAL) {
            assert!(!fill(pattern, &|_| 0.5).contains('{'), "{pattern}");
        }
    }
}
