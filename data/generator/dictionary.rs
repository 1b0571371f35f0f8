//! The dictionary `st_attention_v1` of METHODS 4.2: proposed by the study's specification, not taken from a published list.

/// Group and its terms, separated by blanks.
const GROUPS: [(&str, &str); 6] = [
    (
        "core",
        "科技 科学技术 科技创新 技术创新 自主创新 原始创新 集成创新 协同创新 开放创新 创新驱动 创新发展 创新能力 创新体系 创新型城市 创新型企业 创新平台 创新中心 创新创业 创新",
    ),
    (
        "inputs",
        "研发 研究与开发 研发投入 研发经费 科研 科研经费 科技投入 基础研究 应用研究 技术攻关 关键核心技术 重大科技专项 科技计划 科技项目",
    ),
    (
        "outputs",
        "专利 发明专利 知识产权 科技成果 成果转化 技术转移 技术交易 技术市场 新产品 新技术 技术标准 科技进步 科学技术奖",
    ),
    (
        "actors",
        "高新技术企业 科技型中小企业 科技企业 科研院所 科研机构 重点实验室 工程技术研究中心 企业技术中心 新型研发机构 院士工作站 博士后 孵化器 众创空间 科技园 大学科技园 高新区 产学研",
    ),
    ("talent_finance", "科技人才 创新人才 高层次人才 领军人才 科技特派员 科技金融 创业投资 科技信贷"),
    ("industries", "高新技术 高新技术产业 高技术产业 战略性新兴产业 科技服务业"),
];

/// The terms of one group.
pub fn terms(group: &str) -> Vec<&'static str> {
    GROUPS.iter().filter(|(name, _)| *name == group).flat_map(|(_, terms)| terms.split(' ')).collect()
}

/// `dictionaries/st_attention_v1.csv`.
pub fn file() -> String {
    let rows = GROUPS.iter().flat_map(|(group, terms)| terms.split(' ').map(move |term| format!("{term},{group}\n")));
    format!("term,group\n{}", rows.collect::<String>())
}

/// All terms, for the check that neutral sentences are neutral.
#[cfg(test)]
pub fn all() -> Vec<&'static str> {
    GROUPS.iter().flat_map(|(_, terms)| terms.split(' ')).collect()
}
