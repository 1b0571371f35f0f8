//! Pairs of queries that are the same, and pairs that are not. A new kind of step or expression gets a line in both lists.

use crate::columns::ColumnType;
use crate::sql::{Schema, parse, plan, planned};

/// The same however it is written.
const SAME: &[(&str, &str)] = &[
    // Formatting, comments, quotes, parentheses.
    ("select g, x from t where x > 1", "SELECT g,\n  x -- the value\nFROM t /* all */ WHERE ((x) > (1));"),
    ("select g from t", "select \"g\" from \"t\""),
    ("select x + y as s from t", "select (x + y) as s from t"),
    // Names of tables, of queries and of columns inside.
    ("select x from t", "select a.x from t as a"),
    ("select x as r from t", "select q.v as r from (select x as v from t) as q"),
    ("select g, x from t", "with a as (select * from t) select g, x from a"),
    ("select g, x from t", "with a as (select * from t), b as (select * from a) select g, x from b"),
    ("select g, x from t where x > 1", "with a as (select x, g from t where x > 1) select g, x from a"),
    ("select g, x from t where x > 1", "select g, x from (select * from (select * from t) a where a.x > 1) b"),
    (
        "with a as (select x + y as s from t) select s * s as r from a",
        "with b as (select y + x as z from t) select b.z * b.z as r from b",
    ),
    ("select x from t", "with unused as (select g, max(w) m from u group by g) select x from t"),
    ("select x from t", "with a as (select x, y, k + 1 as n from t) select x from a"),
    ("select t.* from t", "select g, k, x, y, day, b from t"),
    ("select r2 from fit.models", "select m.r2 from \"fit\".\"models\" m"),
    // Operands.
    ("select x from t where x > y", "select x from t where y < x"),
    ("select x from t where x >= 1", "select x from t where 1 <= x"),
    ("select x from t where x = y", "select x from t where y = x"),
    ("select x from t where x <> y", "select x from t where y != x"),
    ("select x is distinct from y as d from t", "select y is distinct from x as d from t"),
    ("select x is not distinct from y as d from t", "select y is not distinct from x as d from t"),
    ("select x + y as s from t", "select y + x as s from t"),
    ("select x * y as s from t", "select y * x as s from t"),
    ("select k & 3 as s from t", "select 3 & k as s from t"),
    ("select k | 3 as s from t", "select 3 | k as s from t"),
    ("select x from t where x > 1 and y > 2 and b", "select x from t where b and (y > 2 and x > 1)"),
    ("select x from t where x > 1 or y > 2 or b", "select x from t where b or (y > 2 or x > 1)"),
    ("select (x > 1 and b) or y > 2 as c from t", "select y > 2 or (b and x > 1) as c from t"),
    ("select x > 1 and b and x > 1 as c from t", "select b and x > 1 as c from t"),
    ("select x from t where x between 1 and 2", "select x from t where x <= 2 and x >= 1"),
    ("select x not between 1 and 2 as c from t", "select x > 2 or x < 1 as c from t"),
    ("select x from t where k in (1, 2, 3, 4, 5)", "select x from t where k in (5, 4, 3, 2, 1, 1)"),
    ("select x from t where k in (1, 2)", "select x from t where k = 2 or k = 1"),
    ("select x from t where not (x is null)", "select x from t where x is not null"),
    ("select x from t where not (x > 1)", "select x from t where x <= 1"),
    // Constants and types.
    ("select x from t where x > 2", "select x from t where x > 1 + 1"),
    ("select x + 1 as n from t", "select x + 1.0 as n from t"),
    ("select cast(k as double) / 2 as n from t", "select k / 2.0 as n from t"),
    ("select cast(k as double) as n from t", "select k::double precision as n from t"),
    ("select x from t where day > date '2012-01-01'", "select x from t where day > cast('2012-01-01' as date)"),
    ("select x from t where x > 1 and true", "select x from t where x > 1"),
    // Functions with several names.
    ("select power(x, 2) as p from t", "select pow(x, 2) as p from t"),
    ("select character_length(g) as n from t", "select char_length(g) as n from t"),
    ("select substring(g from 1 for 2) as n from t", "select substr(g, 1, 2) as n from t"),
    ("select position('a' in g) as n from t", "select strpos(g, 'a') as n from t"),
    // Groups.
    ("select g, k, sum(x) as s from t group by g, k", "select g, k, sum(x) as s from t group by k, g"),
    ("select g, sum(x) as s from t group by g", "select q as g, sum(x) as s from (select g as q, x from t) group by 1"),
    ("select g, count(*) as n from t group by g", "select g, count(1) as n from t group by g"),
    ("select distinct g, k from t", "select g, k from t group by g, k"),
    (
        "select g from t group by g having max(x) > 1",
        "select g from (select g, max(x) as m from t group by g) a where 1 < a.m",
    ),
    (
        "select g, sum(x) as s, max(y) as m from t group by g",
        "with a as (select max(y) as m, sum(x) as s, g from t group by g) select g, s, m from a",
    ),
    (
        "select g, k, sum(x) as s from t group by rollup(g, k)",
        "select a.g, a.k, sum(a.x) as s from t a group by rollup(a.g, a.k)",
    ),
    (
        "select g, sum(x) filter (where y > 1) as s from t group by g",
        "select g, sum(x) filter (where 1 < a.y) as s from t a group by g",
    ),
    // Joins.
    ("select t.x, u.w from t join u on t.g = u.g and t.k = u.k", "select t.x, u.w from t inner join u using (k, g)"),
    ("select t.x, u.w from t join u on t.g = u.g", "select t.x, u.w from t, u where u.g = t.g"),
    (
        "select t.x, u.w from t join u on t.g = u.g and u.w > 1",
        "select t.x, u.w from t join u on u.g = t.g where 1 < u.w",
    ),
    (
        "select t.x, u.w from t left join u on t.g = u.g and u.w > t.y",
        "select t.x, u.w from t left outer join u on t.y < u.w and u.g = t.g",
    ),
    (
        "select a.x, b.y from t a join t b on a.k = b.k and a.x > b.x",
        "select b.x, a.y from t b join t a on b.x > a.x and a.k = b.k",
    ),
    (
        "select t.x, c from t left join (select g, coalesce(w, 0) as c from u) q on q.g = t.g",
        "with p as (select coalesce(w, 0) as d, g from u) select t.x, p.d as c from t left join p on t.g = p.g",
    ),
    (
        "select x, p from (select x, y + x as p, g from t) a join u on u.g = a.g",
        "select x, x + y as p from t join u on u.g = t.g",
    ),
    ("select x, w from t cross join u", "select x, w from t, u"),
    ("select x, w from t natural join u", "select x, w from t join u using (g, k)"),
    // Queries in expressions.
    (
        "select x from t where exists (select 1 from u where u.g = t.g)",
        "select a.x from t a where exists (select * from u b where a.g = b.g)",
    ),
    (
        "select x from t where k in (select k from u where w > 1)",
        "select x from t where k in (select q from (select k as q, w as v from u) a where v > 1)",
    ),
    ("select x from t where x > (select avg(w) from u)", "select x from t where (select avg(b.w) as m from u b) < x"),
    (
        "select x, (select max(w) from u where u.g = t.g) as m from t",
        "select x, (select max(c.w) from u c where a.g = c.g) as m from t a",
    ),
    (
        "select x + (select max(w) from u) + 1 as r from t",
        "select (select max(v) from (select w as v from u)) + x + 1 as r from t",
    ),
    // Order that nobody sees.
    ("select x from t", "select x from t order by x desc"),
    ("select sum(x) as s from t", "select sum(x) as s from (select x from t order by y) a"),
    ("select x from t where k in (select k from u)", "select x from t where k in (select k from u order by k)"),
    ("select x from t where k in (select k from u)", "select x from t where exists (select 1 from u where u.k = t.k)"),
    ("select x from (select x from t order by x) a limit 3", "select x from t limit 3"),
    // Order that is seen.
    ("select x from t order by y, x limit 3", "select x from t order by y asc nulls last, x limit 3 offset 0"),
    ("select x from t order by y limit 3", "with a as (select * from t) select x from a order by a.y limit 3"),
    (
        "select x, row_number() over (partition by g, k order by y) as r from t",
        "select x, row_number() over w as r from t window w as (partition by k, g order by y)",
    ),
    (
        "select x, sum(y) over (partition by g) as s from t",
        "select v as x, sum(z) over (partition by h) as s from (select x as v, y as z, g as h from t) a",
    ),
    (
        "select g, first_value(x order by y) as f from t group by g",
        "select g, first_value(a.x order by a.y) as f from t a group by g",
    ),
    (
        "select x from (select x, rank() over (order by y) as r from t) a where r = 1",
        "select x from t qualify rank() over (order by y) = 1",
    ),
    // Unions, values, series, lists, recursion.
    ("select x as v from t union all select w from u", "select x as v from t union all select w as other from u"),
    (
        "select v from (select x as v, g from t union all select w, g from u) a",
        "select v from (select g as h, x as v from t union all select g, w from u) a",
    ),
    (
        "select x as v from t union select w from u",
        "select distinct v from (select x as v from t union all select w from u) a",
    ),
    ("select a as n from (values (1), (2)) v(a)", "select column1 as n from (values (1), (2))"),
    ("select value as n from generate_series(1, 3)", "select q as n from generate_series(1, 3) s(q)"),
    (
        "with recursive n as (select 1 as i union all select i + 1 from n where i < 3) select i from n",
        "with recursive m as (select 1 as j union all select 1 + j from m where 3 > j) select j as i from m",
    ),
    ("select g, unnest([1, 2]) as e from t", "select a.g, unnest([1, 2]) as e from t as a"),
    (
        "select x from t intersect select w from u",
        "select q.x from t q intersect select v from (select w as v from u) p",
    ),
    ("select x from t except select w from u", "select q.x from t q except select v from (select w as v from u) p"),
];

/// Queries of a line are all different from each other.
const DIFFERENT: &[&[&str]] = &[
    // Columns: which, how called, in which order.
    &[
        "select x from t",
        "select y from t",
        "select x as y from t",
        "select x, y from t",
        "select y, x from t",
        "select w as x from u",
        "select * from t",
    ],
    // Constants: value, type, blanks.
    &[
        "select x from t where x > 1",
        "select x from t where x > 2",
        "select x from t where x > 1.5",
        "select x from t where x < 1",
        "select x from t where x >= 1",
        "select y from t where y > 1",
    ],
    &[
        "select 1 as n from t",
        "select 1.0 as n from t",
        "select '1' as n from t",
        "select true as n from t",
        "select cast(1 as int) as n from t",
        "select cast(null as int) as n from t",
        "select 2 as n from t",
        "select -1 as n from t",
    ],
    &[
        "select 0.0 as n from t",
        "select -0.0 as n from t",
        "select cast('nan' as double) as n from t",
        "select cast('infinity' as double) as n from t",
    ],
    &[
        "select x from t where g = 'a'",
        "select x from t where g = 'a '",
        "select x from t where g = ' a'",
        "select x from t where g = 'A'",
        "select x from t where g = ''",
        "select x from t where g = 'a''b'",
        "select x from t where g = 'a\\b'",
        "select x from t where g = 'x'",
        "select x from t where g = g",
    ],
    &[
        "select x from t where day > date '2012-01-01'",
        "select x from t where day > date '2012-01-02'",
        "select x from t where day > timestamp '2012-01-01 12:00:00'",
    ],
    &[
        "select day + interval '1 day' as n from t",
        "select day + interval '2 day' as n from t",
        "select day + interval '1 month' as n from t",
        "select day - interval '1 day' as n from t",
    ],
    // Casts and functions.
    &[
        "select cast(k as double) / 2 as n from t",
        "select cast(k as int) / 2 as n from t",
        "select k / 2 as n from t",
        "select cast(k as float) / 2 as n from t",
        "select cast(k as decimal(10, 2)) / 2 as n from t",
        "select cast(k as decimal(10, 3)) / 2 as n from t",
    ],
    &["select cast(g as double) as n from t", "select try_cast(g as double) as n from t"],
    &[
        "select ln(x) as n from t",
        "select log10(x) as n from t",
        "select ln(y) as n from t",
        "select ln(x + 1) as n from t",
        "select - x as n from t",
        "select abs(x) as n from t",
        "select round(x, 1) as n from t",
        "select round(x, 2) as n from t",
    ],
    &[
        "select x - y as n from t",
        "select y - x as n from t",
        "select x / y as n from t",
        "select y / x as n from t",
        "select x + y as n from t",
        "select x * y as n from t",
    ],
    &["select (x + y) + k as n from t", "select x + (y + k) as n from t"],
    &["select g || '1' as n from t", "select '1' || g as n from t"],
    &["select coalesce(x, y) as n from t", "select coalesce(y, x) as n from t", "select nullif(x, y) as n from t"],
    &[
        "select case when x > 1 then 1 else 2 end as n from t",
        "select case when x > 1 then 2 else 1 end as n from t",
        "select case when x > 1 then 1 end as n from t",
        "select case when x > 2 then 1 else 2 end as n from t",
        "select case when x > 1 then 1 when y > 1 then 3 else 2 end as n from t",
        "select case when y > 1 then 3 when x > 1 then 1 else 2 end as n from t",
    ],
    &[
        "select g like 'a%' as n from t",
        "select g not like 'a%' as n from t",
        "select g ilike 'a%' as n from t",
        "select g like 'a_' as n from t",
        "select g similar to 'a%' as n from t",
        "select g ~ 'a%' as n from t",
        "select g ~* 'a%' as n from t",
    ],
    &[
        "select b is true as n from t",
        "select b is false as n from t",
        "select b is unknown as n from t",
        "select b is not true as n from t",
        "select b is not false as n from t",
        "select b is not unknown as n from t",
        "select not b as n from t",
        "select b as n from t",
    ],
    &[
        "select x is null as n from t",
        "select x is not null as n from t",
        "select x is distinct from y as n from t",
        "select x <> y as n from t",
        "select x is not distinct from y as n from t",
        "select x = y as n from t",
    ],
    // Lists and ranges, with nulls.
    &[
        "select k in (1, 2, 3, 4) as n from t",
        "select k in (1, 2, 3, 5) as n from t",
        "select k in (1, 2, 3, 4, null) as n from t",
        "select k not in (1, 2, 3, 4) as n from t",
        "select k in (1, 2, 3) as n from t",
    ],
    &["select x in (null, 1) as n from t", "select x in (1) as n from t"],
    &[
        "select x between 1 and 2 as n from t",
        "select x not between 1 and 2 as n from t",
        "select x between 1 and 3 as n from t",
        "select x > 1 and x <= 2 as n from t",
    ],
    &[
        "select x from t where x > 1 and y > 1",
        "select x from t where x > 1 or y > 1",
        "select x from t where x > 1 and (y > 1 or b)",
        "select x from t where (x > 1 and y > 1) or b",
    ],
    // Groups and aggregates.
    &[
        "select count(*) as n from t",
        "select count(x) as n from t",
        "select count(distinct x) as n from t",
        "select count(y) as n from t",
        "select count(*) filter (where x > 1) as n from t",
        "select sum(x) as n from t",
        "select avg(x) as n from t",
        "select sum(distinct x) as n from t",
        "select max(x) as n from t",
        "select median(x) as n from t",
        "select stddev(x) as n from t",
        "select stddev_pop(x) as n from t",
    ],
    &[
        "select g, sum(x) as s from t group by g",
        "select g, sum(x) as s from t group by g, k",
        "select g, sum(x) as s from t where x > 1 group by g",
        "select g, sum(x) as s from t group by g having sum(x) > 1",
        "select g, sum(x) filter (where x > 1) as s from t group by g",
        "select g, sum(x + 1) as s from t group by g",
        "select g, sum(x) + 1 as s from t group by g",
    ],
    &[
        "select distinct g from t",
        "select g from t",
        "select g from (select distinct g, x from t) a",
        "select distinct g from t where x > 1",
    ],
    &[
        "select g, k, sum(x) as s from t group by rollup(g, k)",
        "select g, k, sum(x) as s from t group by cube(g, k)",
        "select g, k, sum(x) as s from t group by grouping sets ((g), (k))",
        "select g, k, sum(x) as s from t group by g, k",
        "select g, k, sum(x) as s from t group by grouping sets ((g), (g), (k))",
    ],
    &[
        "select g, coalesce(g, 'all') as h, sum(x) as s from t group by rollup(g)",
        "select g, h, sum(x) as s from (select g, coalesce(g, 'all') as h, x from t) a group by grouping sets ((g, h), ())",
    ],
    &[
        "select g, string_agg(g, ',' order by x) as l from t group by g",
        "select g, string_agg(g, ',' order by y) as l from t group by g",
        "select g, string_agg(g, ',' order by x desc) as l from t group by g",
        "select g, string_agg(g, ',') as l from t group by g",
        "select g, string_agg(g, ';' order by x) as l from t group by g",
        "select g, string_agg(distinct g, ',' order by g) as l from t group by g",
    ],
    &[
        "select first_value(x order by y) as f from t",
        "select last_value(x order by y) as f from t",
        "select nth_value(x, 2 order by y) as f from t",
        "select first_value(x) ignore nulls as f from t",
        "select first_value(x) as f from t",
    ],
    &[
        "select array_to_string(array_agg(k order by x), ',') as l from t",
        "select array_to_string(array_agg(k order by y), ',') as l from t",
        "select array_to_string(array_agg(distinct k), ',') as l from t",
    ],
    // Joins.
    &[
        "select t.x, u.w from t join u on t.g = u.g",
        "select t.x, u.w from t left join u on t.g = u.g",
        "select t.x, u.w from t right join u on t.g = u.g",
        "select t.x, u.w from t full join u on t.g = u.g",
        "select t.x, u.w from t join u on t.k = u.k",
        "select t.x, u.w from t, u",
        "select t.x, u.w from t join u on t.g = u.g and t.k = u.k",
        "select t.x, u.w from t join u on t.g = u.g and t.x > u.w",
        "select t.x, u.w from t join u on t.g is not distinct from u.g",
    ],
    &[
        "select t.x, u.w from t left join u on t.g = u.g and u.w > 1",
        "select t.x, u.w from t left join u on t.g = u.g where u.w > 1",
        "select t.x, u.w from t left join u on t.g = u.g",
        "select t.x, u.w from t left join u on t.g = u.g and t.x > 1",
        "select t.x, u.w from t left join u on t.g = u.g where t.x > 1",
    ],
    &[
        "select a.x, b.y from t a join t b on a.k = b.k and a.x > b.x",
        "select a.x, b.y from t a join t b on a.k = b.k and a.x < b.x",
        "select b.x, a.y from t a join t b on a.k = b.k and a.x > b.x",
        "select a.x, a.y from t a join t b on a.k = b.k and a.x > b.x",
        "select a.x, b.y from t a join t b on a.k = b.k",
    ],
    &[
        "select a.x, b.x as y, c.x as z from t a join t b on a.k = b.k join t c on b.k = c.k",
        "select a.x, b.x as y, c.x as z from t a join t b on a.k = b.k join t c on a.k = c.k",
        "select a.x, c.x as y, b.x as z from t a join t b on a.k = b.k join t c on b.k = c.k",
    ],
    &[
        "select t.x, c from t left join (select g, coalesce(w, 0) as c from u) q on q.g = t.g",
        "select t.x, coalesce(w, 0) as c from t left join u on u.g = t.g",
        "select t.x, w as c from t left join u on u.g = t.g",
    ],
    &[
        "select t.x, f from t left join (select g, 1 as f from u) q on q.g = t.g",
        "select t.x, 1 as f from t left join u on u.g = t.g",
        "select t.x, f from t left join (select g, 2 as f from u) q on q.g = t.g",
    ],
    // Queries in expressions.
    &[
        "select x from t where k in (select k from u)",
        "select x from t where k not in (select k from u)",
        "select x from t where not exists (select 1 from u where u.k = t.k)",
        "select x from t where k in (select k from u where w > 1)",
        "select x from t where k in (select k from u where w > 2)",
        "select x from t where k in (select k from u) or b",
    ],
    &[
        "select x from t where exists (select 1 from u where u.k = t.k)",
        "select x from t where exists (select 1 from u)",
        "select x from t where exists (select 1 from u where u.g = t.g)",
        "select x from t where exists (select 1 from u where u.k = t.k) or b",
    ],
    &[
        "select x from t where x > (select max(w) from u)",
        "select x from t where x > (select min(w) from u)",
        "select x from t where x > (select max(w) from u where k > 1)",
        "select x from t where x > (select max(w) from u where u.g = t.g)",
        "select x from t where x > (select max(x) from t)",
    ],
    &[
        "select x, (select max(w) from u) as m from t",
        "select x, (select max(w) from u where u.k > 1) as m from t",
        "select x, (select max(w) from u where u.k = t.k) as m from t",
    ],
    &[
        "select x > (select min(w) from u) as c, x < (select max(w) from u) as d from t",
        "select x > (select max(w) from u) as c, x < (select min(w) from u) as d from t",
    ],
    &[
        "select x from t where x > any (select w from u)",
        "select x from t where x > all (select w from u)",
        "select x from t where x < any (select w from u)",
    ],
    // Order.
    &[
        "select x from t order by y limit 3",
        "select x from t order by y limit 4",
        "select x from t order by y desc limit 3",
        "select x from t order by y nulls first limit 3",
        "select x from t order by x limit 3",
        "select x from t limit 3",
        "select x from t",
        "select x from t order by y limit 3 offset 1",
        "select x from t order by y, k limit 3",
        "select x from t order by y offset 3",
    ],
    &["select x from (select x from t order by y limit 3) a", "select x from (select x from t) a limit 3"],
    &[
        "select x, row_number() over (order by y) as r from t",
        "select x, row_number() over (order by y desc) as r from t",
        "select x, row_number() over (order by y nulls first) as r from t",
        "select x, row_number() over (partition by g order by y) as r from t",
        "select x, rank() over (order by y) as r from t",
        "select x, dense_rank() over (order by y) as r from t",
        "select x, row_number() over (order by y, k) as r from t",
        "select x, row_number() over (order by k, y) as r from t",
        "select x, ntile(2) over (order by y) as r from t",
        "select x, ntile(3) over (order by y) as r from t",
    ],
    &[
        "select lag(x) over (order by y) as r from t",
        "select lead(x) over (order by y) as r from t",
        "select lag(x, 2) over (order by y) as r from t",
        "select lag(x, 1, 0.0) over (order by y) as r from t",
        "select lag(x) ignore nulls over (order by y) as r from t",
        "select first_value(x) over (order by y) as r from t",
        "select nth_value(x, 2) over (order by y) as r from t",
    ],
    &[
        "select sum(x) over (order by k) as r from t",
        "select sum(x) over (order by k rows between unbounded preceding and current row) as r from t",
        "select sum(x) over (order by k rows between 1 preceding and current row) as r from t",
        "select sum(x) over (order by k rows between 2 preceding and current row) as r from t",
        "select sum(x) over (order by k range between 1 preceding and current row) as r from t",
        "select sum(x) over (order by k groups between 1 preceding and current row) as r from t",
        "select sum(x) over (order by k rows between 1 preceding and 1 following) as r from t",
        "select sum(x) over () as r from t",
        "select sum(x) over (partition by k) as r from t",
        "select avg(x) over (partition by k) as r from t",
        "select sum(x) filter (where b) over (partition by k) as r from t",
        "select sum(distinct x) over (partition by k) as r from t",
    ],
    &[
        "select x, s from (select x, y, sum(x) over (partition by g) as s from t) a where y > 1",
        "select x, sum(x) over (partition by g) as s from t where y > 1",
    ],
    &[
        "select g, string_agg(g, ',') as l from (select g from t order by x) a group by g",
        "select g, string_agg(g, ',') as l from (select g from t order by x limit 9) a group by g",
    ],
    &[
        "select x from (select distinct on (g) g, x from t order by g, y) a",
        "select x from (select distinct on (g) g, x from t order by g, y desc) a",
        "select x from (select distinct on (k) g, x from t order by k, y) a",
    ],
    // Unions, values, series, lists, recursion.
    &[
        "select x from t union all select w from u",
        "select x from t union select w from u",
        "select w as x from u union all select x from t",
        "select x from t union all select w from u where w > 1",
        "select x from t union all select x from t",
        "select x from t union all select w from u union all select w from u",
        "select x from t intersect select w from u",
        "select x from t except select w from u",
    ],
    &[
        "select f, x from (select 1 as f, x from t union all select 2, w from u) a",
        "select f, x from (select 2 as f, x from t union all select 1, w from u) a",
        "select f, x from (select 1 as f, x from t union all select 1, w from u) a",
    ],
    &[
        "select * from (values (1), (2)) v(a)",
        "select * from (values (1), (3)) v(a)",
        "select * from (values (1), (2), (2)) v(a)",
        "select * from (values (1.0), (2.0)) v(a)",
        "select * from (values (1, 2)) v(a, c)",
    ],
    &[
        "select value from generate_series(1, 3)",
        "select value from generate_series(1, 4)",
        "select value from range(1, 3)",
        "select value from generate_series(1, 3, 2)",
        "select a.value from generate_series(1, 3) a, generate_series(1, 3) b",
    ],
    &[
        "select g, unnest([1, 2]) as e from t",
        "select g, unnest([1, 3]) as e from t",
        "select g, unnest([1, 2, 2]) as e from t",
        "select k as g, unnest([1, 2]) as e from t",
    ],
    &[
        "with recursive n as (select 1 as i union all select i + 1 from n where i < 3) select i from n",
        "with recursive n as (select 1 as i union all select i + 1 from n where i < 4) select i from n",
        "with recursive n as (select 2 as i union all select i + 1 from n where i < 3) select i from n",
        "with recursive n as (select 1 as i union select i + 1 from n where i < 3) select i from n",
    ],
    &[
        "select x from (with a as (select x from t where x > 1) select x from a) q, (with a as (select w from u) select w from a) p",
        "select x from (with a as (select x from t) select x from a) q, (with a as (select w from u where w > 1) select w from a) p",
    ],
    &["select 1 as n", "select 1 as n where false", "select 2 as n"],
];

#[test]
fn what_is_written_otherwise_is_the_same() {
    let mut wrong = String::new();
    for (a, b) in SAME {
        let (first, second) = (encoded(a, &schemas()), encoded(b, &schemas()));
        if first != second {
            wrong.push_str(&format!("\n{a}\n{first}\n{b}\n{second}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn what_may_give_another_table_is_not() {
    let mut wrong = String::new();
    for queries in DIFFERENT {
        let texts: Vec<String> = queries.iter().map(|query| encoded(query, &schemas())).collect();
        for (index, text) in texts.iter().enumerate() {
            for other in (index + 1..texts.len()).filter(|other| texts[*other] == *text) {
                wrong.push_str(&format!("\n{}\n{}\n{text}", queries[index], queries[other]));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn the_lists_are_long_enough() {
    let pairs: usize = DIFFERENT.iter().map(|queries| queries.len() * (queries.len() - 1) / 2).sum();
    assert!(SAME.len() >= 60 && pairs >= 80, "{} and {pairs}", SAME.len());
}

/// Only columns that are read count: their names and types, and their order where it decides something.
#[test]
fn columns_of_a_table_count_if_they_are_read() {
    let with = |columns: &[(&str, ColumnType)]| vec![schema("t", columns)];
    use ColumnType::{Float, Int, Text};
    let plain = with(&[("g", Text), ("k", Int), ("x", Float)]);
    let same = [
        with(&[("new", Int), ("g", Text), ("k", Int), ("x", Float)]),
        with(&[("g", Text), ("k", Int), ("x", Float), ("new", Text)]),
        with(&[("g", Text), ("new", Float), ("x", Float)]),
        with(&[("x", Float), ("k", Text), ("g", Text)]),
    ];
    for text in [
        "select g, x from t where x > 1",
        "select g, max(x) as m from t group by g",
        "with a as (select * from t) select a.g, b.x from a join t b using (g)",
        "select count(*) as n from t where x > 1",
        "select sum(x) over (partition by g) as s from t",
    ] {
        for other in &same {
            assert_eq!(encoded(text, &plain), encoded(text, other), "{text}");
        }
        assert_ne!(encoded(text, &plain), encoded(text, &with(&[("g", Text), ("x", Int)])), "{text}");
    }
    for text in [
        "select * from t",
        "select t.* from t",
        "select g, row_number() over (order by g) as r, x from t",
        "select g, x from t limit 1",
    ] {
        assert_ne!(encoded(text, &plain), encoded(text, &same[3]), "{text}");
    }
    assert_ne!(encoded("select * from t", &plain), encoded("select * from t", &same[1]));
    assert_eq!(encoded("select g, x from t limit 1", &plain), encoded("select g, x from t limit 1", &same[1]));
}

/// What stands in the key, and what `why` shows of it.
#[test]
fn the_text_can_be_read() {
    for (text, expected) in [
        (
            "with a as (select * from t where x > 1 and b) select a.g, sum(y) as s, max(u.w) as m from a left join u on a.g = u.g and u.w > a.x group by a.g",
            "restudy plan 1\n\
             column g text = t.g\n\
             column s float = group.1\n\
             column m float = group.2\n\
             group by t.g\n  \
               sum(t.y) as group.1\n  \
               max(u.w) as group.2\n\
             left join\n  \
               on t.g = u.g\n  \
               where t.x < u.w\n  \
               filter t.b\n  \
               filter t.x > 1.0\n  \
               read t: b bool, g text, x float, y float\n  \
               read u: g text, w float\n",
        ),
        (
            "select g, lag(x) over (partition by g order by k desc) as l, a.e from (select *, y / 2 as e from t) a where k in (3, 1, 4, 7) limit 5",
            "restudy plan 1\n\
             column g text = t.g\n\
             column l float = window.1\n\
             column e float = t.y / 2.0\n\
             limit 5\n  \
               ties by t.g, t.k, t.x, t.y / 2.0, window.1\n\
             window lag(t.x) over (partition by t.g order by t.k desc nulls first range between unbounded preceding and current row) as window.1\n  \
               ties by t.g, t.k, t.x, t.y / 2.0\n\
             filter t.k in (1, 3, 4, 7)\n\
             read t: g text, k int, x float, y float\n",
        ),
    ] {
        assert_eq!(encoded(text, &schemas()), expected, "{text}");
    }
}

/// Each step may double an expression; the text must not.
#[test]
fn the_text_grows_with_the_plan() {
    let query = |steps: usize| {
        let mut text = "with s0 as (select x + y * k as v, g from t)".to_string();
        for step in 1..=steps {
            text.push_str(&format!(
                ", s{step} as (select (v + {step}) * (v - {step}) / (v + {step}) as v, g from s{})",
                step - 1
            ));
        }
        format!("{text} select v from s{steps}")
    };
    let (short, long) = (encoded(&query(10), &schemas()).len(), encoded(&query(40), &schemas()).len());
    assert!(long < 6 * short, "{short} and {long} letters");
}

#[test]
fn what_has_no_encoding_is_taken_as_it_is_written() {
    let spread = "select x as s from t distribute by x, k";
    let deep = format!("select {} as s from t", vec!["x"; 300].join(" + "));
    for text in [spread, &deep] {
        let written = fingerprint(text, &schemas());
        assert!(written.starts_with("restudy plan 1, as written\nread t."), "{written}");
        assert_eq!(written, fingerprint(&text.replace(" from", "\nFROM"), &schemas()));
        assert_ne!(written, fingerprint(&text.replace(" as s", " as m"), &schemas()));
        let columns = [("k", ColumnType::Text), ("x", ColumnType::Int)];
        let others = parse(text).and_then(|query| plan(&query, &[schema("t", &columns)]));
        if let Ok(other) = others {
            assert_ne!(written, other.fingerprint);
        }
    }
}

/// A query of many conditions, or in many steps, neither takes long nor overflows the stack.
#[test]
fn large_queries_are_encoded() {
    let conditions: Vec<String> = (0..400).map(|value| format!("x <> {value}")).collect();
    let steps: Vec<String> = (1..=60)
        .map(|step| format!("s{step} as (select x + y as x, y from s{} order by x limit 9)", step - 1))
        .collect();
    let values: Vec<String> = (0..5000).map(|value| value.to_string()).collect();
    for text in [
        format!("select x from t where {}", conditions.join(" and ")),
        format!("select x from t where k in ({})", values.join(", ")),
        format!("select {} as s from t", vec!["x"; 240].join(" + ")),
        format!("with s0 as (select * from t), {} select x from s60", steps.join(", ")),
    ] {
        assert!(encoded(&text, &schemas()).lines().count() > 2);
    }
}

fn schemas() -> Vec<Schema> {
    use ColumnType::{Bool, Date, Float, Int, Text};
    vec![
        schema("t", &[("g", Text), ("k", Int), ("x", Float), ("y", Float), ("day", Date), ("b", Bool)]),
        schema("u", &[("g", Text), ("k", Int), ("w", Float)]),
        schema("fit.models", &[("n_obs", Int), ("r2", Float)]),
    ]
}

fn schema(table: &str, columns: &[(&str, ColumnType)]) -> Schema {
    let columns = columns.iter().map(|(name, kind)| (name.to_string(), *kind)).collect();
    Schema { table: table.to_string(), columns }
}

fn fingerprint(text: &str, schemas: &[Schema]) -> String {
    // Also queries that leave something to the order of rows, which stages may not.
    let made = parse(text).and_then(|query| planned(&query, schemas, |_| Ok(())));
    made.unwrap_or_else(|error| panic!("{text}: {error}")).fingerprint
}

/// The text of a plan that must have an encoding.
fn encoded(text: &str, schemas: &[Schema]) -> String {
    let fingerprint = fingerprint(text, schemas);
    assert!(fingerprint.starts_with("restudy plan 1\n"), "{text}: {fingerprint}");
    fingerprint
}
