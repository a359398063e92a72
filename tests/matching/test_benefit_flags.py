"""A benefit is told about in the same manner, whatever the work is: a flag for an adviser, with its source and date."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.pairs.benefit_flags import MAYBE_OVER, OVER, flags
from pathways.reference import tables
from pathways.shortlists.profiles import benefit_rules

TODAY = date(2026, 11, 30)
RULES = benefit_rules(TODAY)
HOURS = st.none() | st.floats(0, 60)
PENCE = st.none() | st.integers(0, 5000)


def flagged(benefit: str, hours: float | None = 4, pence: int | None = 1271):
    return flags([benefit], RULES, hours=hours, pence_an_hour=pence)


@pytest.mark.parametrize(
    ("written", "benefit"),
    [
        ("ESA", "ESA"),
        ("NS_ESA", "ESA"),
        ("New Style ESA (support group)", "ESA"),
        ("employment and support allowance", "ESA"),
        ("Carer's Allowance", "Carer's Allowance"),
        ("CARER\u2019S ALLOWANCE", "Carer's Allowance"),
        ("carers allowance since May", "Carer's Allowance"),
        ("CSP", "Carer's Allowance"),
        ("UC", "Universal Credit"),
        ("Universal Credit with LCWRA", "Universal Credit"),
        ("PIP enhanced daily living", "PIP"),
        ("Adult Disability Payment", "PIP"),
        ("DLA", "PIP"),
        ("Housing Benefit", "Housing Benefit"),
        ("Council Tax Reduction", "Housing Benefit"),
        ("JSA", "JSA"),
        ("Pension Credit", "Pension Credit"),
    ],
)
def test_a_benefit_is_found_as_people_write_it(written, benefit):
    assert [flag.benefit for flag in flagged(written)] == [benefit]


@pytest.mark.parametrize("written", ["none", "", "successful", "spike", "visa", "cardigan", "no benefits", "lucky"])
def test_a_benefit_is_whole_words(written):
    assert not {flag.benefit for flag in flagged(written)} & {rule.benefit for rule in RULES}


SPELT = {
    "ESA": "E.S.A.|e s a|Employmnt and Support Allowance|Lwfans Cyflogaeth a Chymorth|ESA's",
    "Universal Credit": "Univeral Credit|Universal Credits|universl credit|Credyd Cynhwysol|U.C.|housing element",
    "PIP": "PIPs|P.I.P.|Personal Independance Payment|disability benefit|Taliad Annibyniaeth Personol|D.L.A",
    "Housing Benefit": "LHA|Housing Benifit|housing benefits|Local Housing Allowance|Budd-dal Tai|H.B.",
    "JSA": "Job Seeker's Allowance|Jobseekers Alowance|J.S.A.",
    "Carer's Allowance": "Carer Allowence|Lwfans Gofalwr|carers' allowance",
    "Pension Credit": "Pension Credits|Pension Credt|Credyd Pensiwn",
}


@pytest.mark.parametrize(("benefit", "written"), [(b, one) for b, texts in SPELT.items() for one in texts.split("|")])
def test_a_benefit_is_found_in_short_forms_in_welsh_and_with_a_slip(benefit, written):
    assert [flag.benefit for flag in flagged(written)] == [benefit]


@pytest.mark.parametrize("written", ["SSP", "bereavement support", "tax credits", "something from the council"])
def test_a_benefit_that_is_not_understood_is_named_for_the_adviser(written):
    (flag,) = flagged(written)
    assert (flag.benefit, flag.is_over_limit, "not understood" in flag.text) == (written, None, True)


@pytest.mark.parametrize("written", ["", "None", "N/A", "no benefits", "Not claiming", "nil", "none known"])
def test_no_benefit_is_no_question(written):
    assert flagged(written) == ()


@pytest.mark.parametrize("hours", [None, 4, 15, 16, 30])
def test_a_limit_without_a_verified_figure_is_a_question(hours):
    assert flagged("JSA", hours)[0].is_over_limit is None


@given(st.sampled_from(RULES), HOURS, PENCE)
def test_every_paid_hour_is_flagged_with_source_and_date(rule, hours, pence):
    found = flagged(min(rule.names), hours, pence)
    assert rule.benefit in [flag.benefit for flag in found]
    assert all(flag.source and flag.since and flag.since <= TODAY for flag in found)


OF_PAY = ("over the limit", "take-home", "paid work, even one hour", "not known", "first pay.")


@given(st.sampled_from(RULES), HOURS, st.sampled_from([date(2025, 1, 6), date(2025, 6, 2), TODAY]))
def test_unpaid_work_is_told_in_its_own_words_and_is_over_no_limit(rule, hours, on):
    rules = benefit_rules(on)
    for flag in flags([min(rule.names)], rules, hours=hours, pence_an_hour=0):
        assert flag.is_over_limit is False
        assert "unpaid work" in flag.text
        assert not [word for word in OF_PAY if word in flag.text]
        assert flag.source
        assert flag.since <= on
    (esa,) = flags(["ESA"], rules, hours=hours, pence_an_hour=0)
    assert "Any pay beyond expenses makes it paid work, and then PW1 must be sent" in esa.text


@given(st.sampled_from(RULES), HOURS, PENCE)
def test_over_the_limit_is_said_when_known_and_asked_when_not(rule, hours, pence):
    for flag in flagged(min(rule.names), hours, pence):
        assert (flag.is_over_limit is True) == flag.text.endswith(OVER)
        assert (flag.is_over_limit is None) == flag.text.endswith(MAYBE_OVER)
        if flag.benefit == rule.benefit and rule.hours_under is not None and hours is not None and pence:
            limit = rule.pence_a_week
            is_over = hours >= rule.hours_under or (limit is not None and hours * pence > limit)
            assert flag.is_over_limit is is_over


def test_work_within_the_permitted_limit_still_needs_its_form_before_the_first_paid_hour():
    (flag,) = flagged("ESA", 8, 1271)
    assert (flag.is_over_limit, "PW1" in flag.text, "before the first paid hour" in flag.text) == (False, True, True)
    assert flagged("ESA", 16, 1000)[0].is_over_limit is True  # 16 hours exactly is over


def test_universal_credit_has_no_limit_on_hours_and_pip_no_test_of_pay():
    assert flagged("UC", 37.5, 3000)[0].is_over_limit is False
    assert "no limit on hours" in flagged("UC")[0].text
    assert flagged("PIP", 37.5, 3000)[0].is_over_limit is False
    assert "change of circumstances" in flagged("PIP", 0, 0)[0].text  # volunteering too


def test_a_figure_that_nobody_verified_is_not_compared_and_the_text_says_of_when_the_figures_are():
    unverified = {(row["benefit"], row["pence_a_week"]) for row in tables.rows("benefits") if row["mark"] != "seen"}
    assert len(unverified) > 2
    for rule in RULES:
        if rule.pence_a_week is not None:
            assert (rule.benefit, str(rule.pence_a_week)) not in unverified
            assert f"in force since {rule.since}" in rule.text
    (carer,) = flagged("Carer's Allowance", 10, 1961)
    assert carer.is_over_limit is True  # 196.10 pounds; the last verified limit is 196.00
    year_of_the_figures = benefit_rules(date(2025, 6, 1))
    assert all("last verified" not in rule.text for rule in year_of_the_figures)


def test_a_table_of_an_operator_from_before_is_still_read(tmp_path):
    old = "from,benefit,names,hours_under,pence_a_week,text,source\n2025-04-01,ESA,esa,16,19550,Ask an adviser.,ours\n"
    (tmp_path / "benefits.csv").write_text(old)
    tables.use_folder(tmp_path)
    try:
        (rule,) = benefit_rules(date(2025, 6, 1))
        assert flags(["ESA"], [rule], hours=20, pence_an_hour=1200)[0].text == f"Ask an adviser. {OVER}"
    finally:
        tables.use_folder(None)
