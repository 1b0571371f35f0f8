-- Every applicant once, with the number of patents.
select applicant, count(*) as n_patents from patent_applicants group by applicant
