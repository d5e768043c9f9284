"""The demo's company, held against its raw files: 541,909 lines counted, summed, ranked and placed by other means.

Nothing here reads a table of ours to say what is right: the numbers come from the raw Parquet by plain pandas, with
money in whole tenths of a penny (no price has more than three decimals), and from the published sources' own counts.
"""

from __future__ import annotations

import itertools
import json
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from math import floor
from pathlib import Path

import pytest
from tests.decision import decided_again
from tests.decision.oracle import Value

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
AS_OF = date(2011, 12, 9)
MONTH_ENDS = [date(2011, month, 1) - timedelta(days=1) for month in range(4, 13)]
DECIDED = [*MONTH_ENDS, date(2011, 12, 8), AS_OF]
NOT_MERCHANDISE = {"POST", "DOT", "C2", "M", "m", "S", "B", "BANK CHARGES", "AMAZONFEE", "CRUK"}
SHARES = (("vip", Fraction(1, 100)), ("key", Fraction(5, 100)), ("regular", Fraction(20, 100)))


@pytest.fixture(scope="module")
def demo(move_in):
    """Nine month-ends at once, then two nights."""
    company = move_in(ROOT / "config", ROOT / "sample_data")
    company.backfill("2011-03-31", "2011-11-30", "--every", "month-end")
    company.run("2011-12-08")
    company.run("2011-12-09")
    return company


@pytest.fixture(scope="module")
def raw():
    """The invoice lines as the shop delivered them."""
    import duckdb

    with duckdb.connect() as d:
        lines = d.execute(f"from '{ROOT / 'sample_data/orders/online_retail.parquet'}'").df()
    assert len(lines) == 541_909  # UCI Online Retail
    return lines


@pytest.fixture(scope="module")
def fates(raw):
    """Where each line has to go, and why."""
    import numpy as np

    same = ["InvoiceNo", "StockCode", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID"]  # all that is mapped
    is_refund = raw.InvoiceNo.str.startswith("C")
    amount = raw.Quantity * raw.UnitPrice
    not_goods, no_customer = raw.StockCode.isin(NOT_MERCHANDISE), raw.CustomerID.isna()
    left_out = not_goods | no_customer
    wrong_sign = np.where(is_refund, amount > 0, amount < 0)
    fate = np.select(
        [not_goods, no_customer, wrong_sign, raw[~left_out].duplicated(same).reindex(raw.index, fill_value=False)],
        ["left out: not merchandise", "left out: sold over the counter, no customer", "quarantined", "duplicate"],
        "accepted",
    )
    return raw.assign(fate=fate, is_refund=is_refund)


@pytest.fixture(scope="module")
def lines(fates):
    """The lines that count, with money in pence: each rounded half to even once, in whole numbers."""
    kept = fates[fates.fate == "accepted"]
    tenths = kept.Quantity * (kept.UnitPrice * 1000).round().astype("int64")
    pence, rest = abs(tenths) // 10, abs(tenths) % 10
    pence += (rest > 5) | ((rest == 5) & (pence % 2 == 1))
    return kept.assign(
        pence=pence * tenths.apply(lambda t: (t > 0) - (t < 0)),
        customer=kept.CustomerID.str.removesuffix(".0"),
        day=kept.InvoiceDate.dt.date,
    )


def _pounds(pence):
    return Decimal(int(pence)).scaleb(-2)


# --- every row is somewhere -------------------------------------------------------------------------------------------


def test_every_row_of_every_delivery_is_in_exactly_one_place(demo):
    counted = demo.marts("""
        select stream, delivered_rows, accepted_rows + duplicate_rows + quarantined_rows + left_out_rows
        from ops_deliveries order by stream""")
    delivered = {stream: rows for stream, rows, _ in counted}
    assert delivered == {
        "activity_rates": 4, "customers": 4_372, "interactions": 20_769, "orders": 541_909, "products": 4_054, "survey_responses": 5_662,
    }  # fmt: skip
    assert all(rows == found for _, rows, found in counted)


def test_the_541909_lines_went_where_a_count_over_the_raw_file_says(demo, fates):
    expected = fates.fate.value_counts().to_dict()
    ours = demo.marts("""
        select accepted_rows, duplicate_rows, quarantined_rows, left_out_rows from ops_deliveries
        where stream = 'orders'""")
    left_out = sum(n for fate, n in expected.items() if fate.startswith("left out"))
    assert ours == [(expected["accepted"], expected["duplicate"], expected.get("quarantined", 0), left_out)]
    (accepted,) = (demo.home / "var/lake/accepted/orders").glob("*.parquet")
    reasons = demo.ask_files(f"select left_out_because, count(*) from '{accepted}' group by all")
    assert dict(reasons) == {None: expected["accepted"]} | {
        fate.removeprefix("left out: "): n for fate, n in expected.items() if fate.startswith("left out")
    }
    sales_and_refunds = "select kind, count(*) from fct_orders group by all"
    kinds = fates[fates.fate == "accepted"].is_refund.value_counts()
    assert dict(demo.marts(sales_and_refunds)) == {"sale": kinds[False], "refund": kinds[True]}


def test_three_calls_without_a_caller_are_in_quarantine(demo):
    codes = demo.marts("select reason_code, column_name, stream, count(*) from ops_quarantine group by all")
    assert codes == [("customer_missing", "customer_id", "interactions", 3)]
    ((delivery,),) = demo.marts("select distinct delivery_id from ops_quarantine")
    shown = json.loads(demo.tierwise("quarantine", "show", delivery, "--json").out)
    assert [json.loads(row["raw_row"])["customer_id"] for row in shown] == ["?", "?", "?"]


def test_blanks_of_the_survey_are_blanks_and_not_answers(demo):
    answers = demo.marts("""
        select question_id, count(score), count(*) filter (where is_blank), min(score), max(score)
        from fct_survey_responses group by all order by all""")
    assert [(q, n, blank) for q, n, blank, *_ in answers if q == "NETPRO"] == [("NETPRO", 2_746, 2_831 - 2_746)]
    assert {q: (least, most) for q, _, _, least, most in answers} == {
        "NETPRO": (Decimal(0), Decimal(10)),
        "Q7ALL": (Decimal(1), Decimal(5)),
    }


def test_the_nps_of_2017_is_the_published_one(demo):
    """39.84 of 2,746 answers, counted by the airport's own codes; an 11 is a blank and a 0 a detractor."""
    (score,) = demo.marts(
        "select score, answers, response_rate, plus_or_minus from rpt_survey_scores"
        " where question_id = 'NETPRO' and grouped_by = 'everybody'"
    )
    raw = Path(ROOT / "sample_data" / "surveys")
    ((promoters, detractors, answers),) = demo.ask_files(f"""
        select count(*) filter (s between 9 and 10), count(*) filter (s between 0 and 6), count(*) filter (s <> 11)
        from (select try_cast(score as integer) as s from '{raw}/*.csv' where question_id = 'NETPRO') where s is not null""")
    assert (answers, round(100 * (promoters - detractors) / answers, 2)) == (2_746, 39.84)
    assert score[:2] == (Decimal("39.84"), 2_746)
    assert score[2] == Decimal(round(2_746 / 2_831, 4)).quantize(Decimal("0.0001"))
    p, d = promoters / answers, detractors / answers
    assert float(score[3]) == pytest.approx(196 * ((p + d - (p - d) ** 2) / answers) ** 0.5, abs=0.01)


def test_who_answered_is_in_one_tier_or_in_none(demo):
    told = demo.marts(
        "select question_id, grouped_by, sum(answers)::bigint from rpt_survey_scores group by all order by all"
    )
    by_question = {(question, grouped_by): answers for question, grouped_by, answers in told}
    for question in ("NETPRO", "Q7ALL"):
        assert by_question[question, "tier"] == by_question[question, "everybody"]


# --- money --------------------------------------------------------------------------------------------------------------


def test_money_of_every_month_is_that_of_the_raw_file_to_the_penny(demo, lines):
    expected = lines.groupby(lines.InvoiceDate.dt.strftime("%Y-%m")).pence.sum()
    ours = demo.marts(
        "select strftime(ordered_on, '%Y-%m'), sum(net_amount) from fct_orders where is_counted group by 1"
    )
    assert dict(ours) == {month: _pounds(pence) for month, pence in expected.items()}
    assert len(ours) == 13


def test_money_of_every_customer_is_that_of_the_raw_file_to_the_penny(demo, lines):
    ever = demo.marts("""
        select customer_id, sum(net_amount) from fct_orders join dim_customer_ids using (customer_key)
        where is_counted group by 1""")
    assert dict(ever) == {customer: _pounds(pence) for customer, pence in lines.groupby("customer").pence.sum().items()}
    buyers = set(lines[~lines.is_refund].customer)
    in_the_window = lines[lines.day > AS_OF - timedelta(days=365)].groupby("customer").pence.sum()
    ours = dict(demo.marts("select customer_id, net_revenue_12m from dim_customers where net_revenue_12m is not null"))
    assert ours == {customer: _pounds(in_the_window.get(customer, 0)) for customer in buyers}


# --- tiers ----------------------------------------------------------------------------------------------------------------


def _measured(lines, by, as_of):
    """customer → (revenue in pence, orders, tenure in days, days since the first sale), of what happened `by` a day."""
    lines = lines[lines.day <= by]
    recent = lines[lines.day > as_of - timedelta(days=365)]
    revenue = recent.groupby("customer").pence.sum()
    per_order = recent.groupby(["customer", "InvoiceNo"]).pence.sum()
    orders = per_order[per_order > 0].groupby("customer").size()
    per_day = lines.groupby(["customer", "day"]).pence.sum()
    first_good_day = per_day[per_day > 0].reset_index().groupby("customer").day.min()
    first_sale = lines[~lines.is_refund].groupby("customer").day.min()
    return {
        customer: (
            int(revenue.get(customer, 0)),
            int(orders.get(customer, 0)),
            (as_of - first_good_day[customer]).days if customer in first_good_day else -1,
            (as_of - day).days,
        )
        for customer, day in first_sale.items()
    }


@pytest.fixture(scope="module")
def measured(lines):
    return _measured(lines, AS_OF, AS_OF)


def _decided(demo, policy):
    return {
        customer: (tier, graded, rank)
        for customer, tier, graded, rank in demo.marts(f"""
            select customer_id, tier, graded, rank_position
            from dim_customer_tiers join dim_customer_ids using (customer_key) where policy = '{policy}'""")
    }


def test_every_rank_is_the_one_of_plain_counting_and_who_stands_elsewhere_is_held_there(demo, measured):
    standing = {customer: m[:3] for customer, m in measured.items()}
    eligible = {customer for customer, m in measured.items() if m[3] >= 90}
    ladder = sorted((standing[customer] for customer in eligible), reverse=True)
    at_least_as_good = {one: place for place, one in enumerate(ladder, start=1)}  # equals share the worst rank
    above_zero = sum(one[0] > 0 for one in ladder)
    seats = [(tier, floor(share * above_zero)) for tier, share in SHARES]

    def placed(customer):
        one = standing[customer]
        behind_equals = sum(other >= one for other in ladder) + 1
        rank = at_least_as_good[one] if customer in eligible else behind_equals
        tier = next((tier for tier, n in seats if one[0] > 0 and rank <= n), "small")
        return tier, "graded" if customer in eligible else "provisional", rank

    expected = {customer: placed(customer) for customer in measured}
    assert len(expected) > 4_000
    assert {graded for _, graded, _ in expected.values()} == {"graded", "provisional"}
    decided = _decided(demo, "pyramid")
    assert {c: (graded, rank) for c, (_, graded, rank) in decided.items()} == {
        customer: (graded, rank) for customer, (_, graded, rank) in expected.items()
    }
    # who stands elsewhere is held there, or went as far as a band or the steps let it
    elsewhere = {customer for customer in expected if decided[customer][0] != expected[customer][0]}
    reasons = dict(
        demo.marts("""
        select customer_id, reason from dim_customer_tiers join dim_customer_ids using (customer_key)
        where policy = 'pyramid'""")
    )
    assert {reasons[customer] for customer in elsewhere} <= {
        "held_by_band", "held_by_confirmation", "held_by_stay", "promoted", "demoted",
    }  # fmt: skip
    assert 0 < len(elsewhere) < len(expected) / 10


def test_every_tier_by_amount_is_the_one_that_its_bounds_give(demo, measured):
    def tier(pence):
        return "A" if pence > 1_000_000 else "B" if pence >= 250_000 else "C"

    decided = {customer: (t, graded) for customer, (t, graded, _) in _decided(demo, "abc_by_amount").items()}
    assert decided == {customer: (tier(m[0]), "graded") for customer, m in measured.items()}


def _values(lines, by, as_of):
    return {
        customer: Value(
            first_sale_on=as_of - timedelta(days=since),
            numbers={
                "net_revenue_12m": _pounds(pence),
                "orders_12m": Decimal(orders),
                "tenure_days": Decimal(tenure) if tenure >= 0 else None,
            },
        )
        for customer, (pence, orders, tenure, since) in _measured(lines, by, as_of).items()
    }


@pytest.fixture(scope="module")
def valued(lines):
    """Every customer on every decided day, and, for who did something since the day before, as if nothing had been."""
    values = {day: _values(lines, day, day) for day in DECIDED}
    slid = {}
    for before, day in pairwise(DECIDED):
        active = set(lines[(lines.day > before) & (lines.day <= day)].customer)
        until_then = _values(lines, before, day)
        slid[day] = {customer: until_then.get(customer, Value(None, {})) for customer in active}
    return values, slid


@pytest.mark.parametrize("policy", ["pyramid", "abc_by_amount", "high_potential_low", "strategic"])
def test_every_decision_of_every_day_is_that_of_the_oracle(demo, valued, policy):
    declared = decided_again.policies(ROOT / "config/tier_policies.yml")
    told = decided_again.differences(demo, decided_again.case(policy, declared[policy], *valued))
    assert not any(told.values()), {mart: (len(rows), rows[:10]) for mart, rows in told.items()}


def test_concentration_is_what_numpy_finds(demo, measured):
    import numpy as np

    revenue = np.sort(np.array([max(m[0], 0) for m in measured.values()], dtype=np.float64))
    n = len(revenue)
    gini = np.abs(revenue[:, None] - revenue[None, :]).sum() / (
        2 * n * revenue.sum()
    )  # mean difference, not our formula
    ours = {
        (statistic, share): value
        for statistic, share, value in demo.marts(f"""
            select statistic, customer_share, value from rpt_value_concentration
            where as_of = date '{AS_OF}' and statistic in ('gini', 'top_share')""")
    }
    assert float(ours["gini", None]) == pytest.approx(gini, abs=0.00005)
    for share in ("0.01", "0.05", "0.10", "0.20"):
        top = revenue[::-1][: floor(Fraction(share) * n)].sum() / revenue.sum()
        assert float(ours["top_share", Decimal(share)]) == pytest.approx(top, abs=0.00005)


def test_what_serving_costs_is_what_plain_counting_finds(demo):
    """From the released facts alone: orders, refunds, tickets and complaints of 365 days, at the rates of the file."""
    found = demo.marts(f"""
        with done as (
            select customer_key, case kind when 'sale' then 'order' else 'refund' end as activity, count(distinct order_id) as times
            from fct_orders where ordered_on > date '{AS_OF}' - 365 and kind in ('sale', 'refund') group by all
            union all
            select customer_key, kind, count(*) from fct_interactions
            where occurred_on > date '{AS_OF}' - 365 and customer_key is not null group by all
        ), costs as (
            select customer_key, sum(times * unit_cost) as cost
            from done join (values ('order', 4.00), ('refund', 6.00), ('ticket', 7.50), ('complaint', 20.00)) as rates (activity, unit_cost)
            using (activity) group by all
        )
        select count(*) filter (where cost_to_serve_12m <> coalesce(cost, 0)), sum(gross_profit_12m), sum(contribution_12m),
            count(*) filter (where contribution_12m < 0)
        from fct_customer_value left join costs using (customer_key) where is_latest""")
    [(off, gross, contribution, losing)] = found
    assert off == 0
    for file in ("README.md", "README.zh-CN.md"):
        text = (ROOT / file).read_text()
        assert f"{gross:,}" in text
        assert f"{contribution:,}" in text
        assert f" {losing} " in text


@pytest.fixture(scope="module")
def score_parts(demo):
    """Of every customer that three_values grades: what is known of each part, as a table of parts."""
    import pandas as pd

    rows = demo.marts("""
        select customer_id, position, value::double from fct_customer_score_parts
        join fct_customer_scores using (policy, customer_key) join dim_customer_ids using (customer_key)
        where policy = 'three_values' and is_eligible""")
    return pd.DataFrame(rows, columns=["customer", "position", "value"]).pivot(
        index="customer", columns="position", values="value"
    )


def _scored(parts, policy, money):
    """0-100 of every customer: dimensions of parts that have data, by numpy and scipy alone."""
    import numpy as np
    from scipy.stats import rankdata

    def share(values):
        ladder = np.sort(np.maximum(values, 0))
        return 100 * np.cumsum(ladder)[np.searchsorted(ladder, np.maximum(values, 0), side="right") - 1] / ladder.sum()

    def percentile(values):
        return 100 * (rankdata(values) - 0.5) / len(values)

    position, dimensions = 0, {}
    for name in ("contribution", "potential", "loyalty"):
        earned, weights = 0.0, 0.0
        for part in policy["score"][name]["parts"]:
            position += 1
            values = parts[position] * (-1 if part["measure"] == "complaints_12m" else 1)
            known = values.notna()
            made = np.zeros(len(parts))
            score = money if part["scored_by"] == "value_share" else "percentile"
            made[known] = {"value_share": share, "percentile": percentile}[score](values[known].to_numpy())
            earned, weights = earned + made * float(part["weight"]), weights + known * float(part["weight"])
        dimensions[name] = (earned / weights.where(weights > 0), float(policy["score"][name]["weight"]))
    weights = sum(score.notna() * weight for score, weight in dimensions.values())
    return sum(score.fillna(0) * weight for score, weight in dimensions.values()) / weights


@pytest.fixture(scope="module")
def three_values():
    import yaml

    return yaml.safe_load((ROOT / "config/tier_policies.yml").read_text())["three_values"]


def test_scores_are_those_of_numpy_and_scipy(demo, score_parts, three_values):
    ours = dict(
        demo.marts("""
        select customer_id, value_score::double from fct_customer_scores join dim_customer_ids using (customer_key)
        where policy = 'three_values' and is_eligible""")
    )
    theirs = _scored(score_parts, three_values, "value_share")
    assert len(ours) == len(theirs) > 3_000
    assert max(abs(ours[customer] - score) for customer, score in theirs.items()) < 0.0002  # each step is rounded


def test_parts_and_weights_make_the_value_and_its_change(demo):
    off = demo.marts("""
        select count(*), max(abs(value_score - made)) from fct_customer_scores join (
            select policy, customer_key, sum(score * weight_counted) as made from fct_customer_score_parts group by all
        ) using (policy, customer_key)""")
    assert off[0][0] > 4_000
    assert off[0][1] < Decimal("0.0003")
    moved = demo.marts("""
        select count(*) filter (where part_others_moved <> 0), count(*) filter (
            where coalesce(score, 0) - coalesce(score_before, 0) <> part_policy + part_identity + part_corrected_data
                + part_value_model + part_own_behaviour + part_left_window + part_others_moved)
        from tier_explanations where policy = 'three_values'""")
    assert moved[0][0] > 3_000
    assert moved[0][1] == 0


def test_the_largest_stand_at_the_top_where_money_is_scored_by_its_share(demo, score_parts, three_values):
    by_share = _scored(score_parts, three_values, "value_share").rank(ascending=False, method="max").astype(int)
    by_place = _scored(score_parts, three_values, "percentile").rank(ascending=False, method="max").astype(int)
    revenue, contribution = score_parts[1].idxmax(), score_parts[2].idxmax()
    assert by_share[revenue] <= 10
    assert by_share[contribution] <= 10
    at_most = score_parts[1] >= 10_000
    told = {
        "README.md": f"| `value_share` | {by_share[revenue]} | {by_share[contribution]} |",
        "README.zh-CN.md": f"| `value_share` | {by_share[revenue]} | {by_share[contribution]} |",
    }
    for file, said in told.items():
        text = (ROOT / file).read_text()
        assert said in text, said
        assert f"| `percentile` | {by_place[revenue]} | {by_place[contribution]} |" in text
        assert f" {at_most.sum()} " in text, at_most.sum()


def test_the_largest_by_contribution_stood_among_the_first_ten_at_every_month_end(demo, three_values):
    import pandas as pd

    measures = [part["measure"] for score in three_values["score"].values() if isinstance(score, dict)
                for part in score.get("parts", ())]  # fmt: skip
    columns = ", ".join(f"{measure}::double as {measure}" for measure in measures)
    rows = demo.marts(f"select as_of, customer_key, {columns} from fct_customer_value where tenure_days >= 90")
    places = []
    for _, day in pd.DataFrame(rows, columns=["as_of", "customer", *measures]).groupby("as_of"):
        parts = day.set_index("customer")[measures].rename(
            columns=dict(zip(measures, itertools.count(1), strict=False))
        )
        places.append(
            _scored(parts, three_values, "value_share").rank(ascending=False, method="max")[parts[2].idxmax()]
        )
    assert len(places) == 10  # nine month-ends and the last night
    assert max(places) <= 10, places


def test_segments_are_those_that_numpy_finds(demo):
    import numpy as np

    rows = demo.marts("""
        select recency_score, frequency_score, money_score, rfm_eight, days_since_last_purchase, purchase_days_12m,
            net_revenue_12m
        from dim_customer_segments join fct_customer_value using (customer_key)
        where is_latest and days_since_last_purchase is not null""")
    recency, frequency, money = (np.array([float(row[n]) for row in rows]) for n in (4, 5, 6))

    def quintile(values):  # the smallest value that so many are at or below
        ends = np.quantile(values, [0.2, 0.4, 0.6, 0.8], method="inverted_cdf")
        return 1 + (values[:, None] > ends).sum(axis=1)

    assert [row[0] for row in rows] == (6 - quintile(recency)).tolist()
    assert [row[1] for row in rows] == quintile(frequency).tolist()
    assert [row[2] for row in rows] == quintile(money).tolist()
    above = (recency < recency.mean(), frequency > frequency.mean(), money > money.mean())
    assert [row[3] for row in rows] == ["".join("LH"[int(is_high[n])] for is_high in above) for n in range(len(rows))]
    assert len(rows) > 4000


def test_equal_customers_are_in_equal_segments(demo):
    told_apart = demo.marts("""
        select days_since_last_purchase, purchase_days_12m, net_revenue_12m
        from dim_customer_segments join fct_customer_value using (customer_key) where is_latest
        group by all having count(distinct (rfm_grid, rfm_fixed, rfm_eight, money_score)) > 1""")
    assert told_apart == []


# --- answers and repetition ---------------------------------------------------------------------------------------------


def test_why_names_the_tier_in_both_languages(demo, measured):
    best = max(measured, key=lambda customer: measured[customer])
    answer = demo.tierwise("why", best)
    assert answer.code == 0, answer.said
    english, chinese, *_ = answer.out.splitlines()
    assert "VIP" in english
    assert "VIP客户" in chinese
    assert f"{_pounds(measured[best][0]):,.2f}" in answer.said


def test_every_customer_of_every_policy_has_a_sentence_in_both_languages(demo):
    from tierwise import policy

    with demo.at_home():
        told = [(e.policy, e.customer_key, e.sentence_en, e.sentence_zh) for e in policy.explanations()]
    assert demo.marts("select policy, customer_key from dim_customer_tiers order by all") == sorted(
        (name, key) for name, key, _, _ in told
    )
    assert all(english.endswith(".") and chinese.endswith("。") for _, _, english, chinese in told)
    assert not [sentence for _, _, *both in told for sentence in both if "None" in sentence or "{" in sentence]


def test_every_change_of_the_year_is_explained_by_parts_that_sum_to_it(demo):
    parts = "part_policy + part_identity + part_corrected_data + part_value_model + part_own_behaviour"
    parts += " + part_left_window + part_others_moved"
    changes, summing, with_cause = demo.marts(f"""
        select
            count(*),
            count(*) filter (where {parts} = coalesce(score, 0) - coalesce(score_before, 0)),
            count(*) filter (where (reason in ('promoted', 'demoted')) = (cause is not null))
        from fct_tier_changes""")[0]
    assert changes > 5_000
    assert (summing, with_cause) == (changes, changes)


def test_the_last_day_run_again_gives_the_same_marts(demo):
    first = demo.released.resolve()
    hashes = _hashes(demo)
    demo.run("2011-12-09")
    assert demo.current == "2011-12-09.2"
    assert demo.differences(first) == []
    assert _hashes(demo) == hashes


def test_the_backfill_can_be_rebuilt_from_its_manifest(demo):
    answer = demo.tierwise("release", "verify", "2011-11-30.1")
    assert answer.code == 0, answer.said
    assert "False" not in answer.out


def _hashes(demo):
    held = json.loads((demo.home / "var/release/current/manifest.json").read_text())["marts"]
    return {mart: content for mart, content in held.items() if not mart.startswith("ops_")}
