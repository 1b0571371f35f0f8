-- The indicators of the resilience index (METHODS 1.2). None of them is a component of a mechanism:
-- no telecommunication, no employees in information, no citation, no word of a work report.
select
    city_years.city,
    city_years.year,
    patent_history.invention_stock,
    technology.technology_diversity,
    yearbook_clean.revenue / nullif(yearbook_clean.expenditure, 0.0) as fiscal_buffer,
    technology.top_applicant_share,
    yearbook_clean.science_spending / nullif(yearbook_clean.expenditure, 0.0) as science_effort,
    yearbook_clean.students / nullif(yearbook_clean.population, 0.0) as students_per_10000,
    (yearbook_clean.deposits + yearbook_clean.loans) / nullif(yearbook_clean.gdp, 0.0) as financial_depth,
    yearbook_clean.science / nullif(yearbook_clean.employees, 0.0) as science_personnel,
    cast(city_patents.joint_patents as double) / nullif(cast(city_patents.patents as double), 0.0) as joint_patent_share,
    patent_history.growth_volatility,
    technology.new_class_share,
    cast(city_patents.inventions as double) / nullif(cast(city_patents.patents as double), 0.0) as invention_share,
    yearbook_clean.industry3 / nullif(yearbook_clean.industry2, 0.0) as upgrading
from city_years
left join yearbook_clean on yearbook_clean.city = city_years.city and yearbook_clean.year = city_years.year
left join city_patents on city_patents.city = city_years.city and city_patents.year = city_years.year
left join patent_history on patent_history.city = city_years.city and patent_history.year = city_years.year
left join technology on technology.city = city_years.city and technology.year = city_years.year
