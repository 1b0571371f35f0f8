-- The system of indicators of the resilience index with its weights (Table 1 of the article).
with named as (
    select *
    from (
        values
            ('invention_stock', '抵抗', 'resistance', 'ln(1 + 发明专利授权存量)', 'ln(1 + stock of granted inventions)', ''),
            ('technology_diversity', '抵抗', 'resistance', 'IPC小类信息熵', 'entropy of IPC subclasses', 'bit'),
            ('fiscal_buffer', '抵抗', 'resistance', '一般公共预算收入/支出', 'budget revenue / expenditure', 'share'),
            ('top_applicant_share', '抵抗', 'resistance', '第一大申请人专利占比', 'share of the largest applicant', 'share'),
            ('science_effort', '恢复', 'recovery', '科学技术支出/一般公共预算支出', 'science spending / budget expenditure', 'share'),
            ('students_per_10000', '恢复', 'recovery', '每万人普通本专科在校学生数', 'students in regular higher education per 10,000 persons', 'persons'),
            ('financial_depth', '恢复', 'recovery', '存贷款余额/地区生产总值', '(deposits + loans) / GDP', 'ratio'),
            ('science_personnel', '恢复', 'recovery', '科学研究、技术服务从业人员占比', 'share of employees in science and technical services', 'share'),
            ('joint_patent_share', '平衡', 'balance', '跨城市联合专利占比', 'share of patents with applicants in another city', 'share'),
            ('growth_volatility', '平衡', 'balance', '近三年专利增长率标准差', 'sd of patent growth over three years', ''),
            ('new_class_share', '进化', 'evolution', '首次出现的IPC小类占比', 'share of IPC subclasses new to the city', 'share'),
            ('invention_share', '进化', 'evolution', '发明专利占比', 'share of inventions among patents', 'share'),
            ('upgrading', '进化', 'evolution', '第三产业/第二产业增加值', 'tertiary / secondary value added', 'ratio')
    ) as t (indicator, dimension_zh, dimension_en, definition_zh, definition_en, unit)
),
other_weights as (
    select indicator, method, weight from resilience_variants.weights
)
select
    weights.indicator,
    weights.position,
    named.dimension_zh,
    named.dimension_en,
    named.definition_zh,
    named.definition_en,
    named.unit,
    weights.sign,
    weights.min,
    weights.max,
    weights.entropy,
    weights.weight,
    critic.weight as weight_critic,
    equal_weight.weight as weight_equal,
    pca.weight as weight_pca
from resilience.weights as weights
left join named on named.indicator = weights.indicator
left join other_weights as critic on critic.indicator = weights.indicator and critic.method = 'critic'
left join other_weights as equal_weight on equal_weight.indicator = weights.indicator and equal_weight.method = 'equal'
left join other_weights as pca on pca.indicator = weights.indicator and pca.method = 'pca'
