//! Names of firms, persons and streets, all invented: a word list and a rule.

use crate::{
    cities::City,
    rng::{self, Stream},
};

const WORDS: [&str; 30] = [
    "华宇",
    "恒达",
    "天成",
    "金泰",
    "宏远",
    "瑞丰",
    "东方",
    "中兴源",
    "永盛",
    "鑫隆",
    "嘉禾",
    "博远",
    "安科",
    "新元",
    "海川",
    "星河",
    "长青",
    "国瑞",
    "盛世",
    "华阳",
    "凯达",
    "正源",
    "通联",
    "启明",
    "泰和",
    "腾跃",
    "百川",
    "飞鸿",
    "立信",
    "方圆",
];
const KINDS: [&str; 5] = ["科技公司", "电子公司", "机械公司", "大学", "研究院"];
const STREET_NAMES: [&str; 16] = [
    "人民路",
    "解放路",
    "建设路",
    "中山路",
    "和平路",
    "新华路",
    "文化路",
    "胜利路",
    "迎宾路",
    "长江路",
    "黄河路",
    "学院路",
    "工业路",
    "滨河路",
    "环城路",
    "振兴路",
];
const FAMILY_NAMES: [&str; 10] = ["王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴"];
const GIVEN_NAMES: [&str; 8] = ["伟", "芳", "建国", "秀英", "敏", "志强", "丽", "小明"];
/// Number of names of persons.
pub const PERSONS: usize = FAMILY_NAMES.len() * GIVEN_NAMES.len();
/// The rank of a city's office among its applicants.
const OFFICE: usize = 30;

/// Number of street names.
pub const STREETS: usize = STREET_NAMES.len();

/// The name of the applicant with this rank in its city; rank 0 is the institute that files most.
pub fn applicant(city: &City, rank: usize) -> String {
    if rank == 0 {
        return format!("{}联合研究院", city.short_name());
    }
    if rank == OFFICE {
        return format!("{}市水利局", city.short_name());
    }
    let start = rng::below(Stream::Format, &[city.key()], WORDS.len());
    format!("{}{}{}", city.short_name(), WORDS[(start + rank) % WORDS.len()], KINDS[(start + 7 * rank) % KINDS.len()])
}

/// The name of a person; any index gives one.
pub fn person(index: usize) -> String {
    format!(
        "{}{}",
        FAMILY_NAMES[index % FAMILY_NAMES.len()],
        GIVEN_NAMES[index / FAMILY_NAMES.len() % GIVEN_NAMES.len()]
    )
}

/// A street name; any index gives one.
pub fn street(index: usize) -> &'static str {
    STREET_NAMES[index % STREETS]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::applicant;
    use crate::cities;

    #[test]
    fn applicants_of_a_city_have_different_names() {
        for city in &cities::all() {
            let names: BTreeSet<String> = (0..=30).map(|rank| applicant(city, rank)).collect();
            assert_eq!(names.len(), 31, "{}", city.name);
        }
    }
}
