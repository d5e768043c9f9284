"""What a person gets back for a mistake in a configuration file: where, what, and how to mend it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import Field

from tierwise import configuration
from tierwise.configuration import Code, Described, Number
from tierwise.errors import ConfigurationRefused

GOOD = "name: Regent Gifts\ncurrency: GBP\ntime_zone: Europe/London\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TIERWISE_HOME", str(tmp_path))
    (tmp_path / "config").mkdir()
    return tmp_path


def write(home: Path, text: str | bytes) -> Path:
    path = home / "config" / "company.yml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_a_company_is_read_with_the_defaults_of_its_limits(home):
    write(home, GOOD + "clock: {last_day: 2011-12-09}\n")
    company = configuration.company()
    assert (company.name.en, company.name.zh) == ("Regent Gifts", "Regent Gifts")
    assert company.clock.last_day == date(2011, 12, 9)
    assert company.limits.amount_max == Decimal(100_000_000)


def test_both_names_of_a_company_are_kept(home):
    write(home, GOOD.replace("Regent Gifts", "{en: Regent Gifts, zh: 摄政礼品}"))
    assert configuration.company().name.zh == "摄政礼品"


def test_a_limit_never_passes_through_a_float(home):
    write(home, GOOD + "limits: {max_bad_share: 0.1}\n")
    assert configuration.company().limits.max_bad_share == Decimal("0.1")


@pytest.mark.parametrize(
    "text", [b"\xef\xbb\xbf" + GOOD.encode(), GOOD.replace("\n", "\r\n").encode()], ids=["bom", "crlf"]
)
def test_what_windows_editors_add_does_no_harm(home, text):
    write(home, text)
    assert configuration.company().currency == "GBP"


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        pytest.param("currency: GBP\ntime_zone: UTC\n", 1, "the key `name` is missing", id="required key missing"),
        pytest.param(GOOD + "curency: GBP\n", 4, "did you mean `currency`", id="unknown key"),
        pytest.param(
            GOOD + "limits: {feild_length: 3}\n", 4, "did you mean `field_length`", id="unknown key inside a group"
        ),
        pytest.param(GOOD + "ｃlock: {}\n", 4, "did you mean `clock`", id="look-alike letter in a key"),
        pytest.param(GOOD + "limits:\n  amount_max: abc\n", 5, "a plain number was expected", id="text for a number"),
        pytest.param(
            GOOD + "limits:\n  amount_max: '5,000'\n", 5, "a plain number was expected", id="number with a comma"
        ),
        pytest.param(
            GOOD + "limits:\n  max_bad_share: 5%\n", 5, "a plain number was expected", id="number with a unit"
        ),
        pytest.param(GOOD + "languages: en\n", 4, "a list was expected", id="text for a list"),
        pytest.param(GOOD + "languages: [en, fr]\n", 4, "en, zh", id="language nobody translated"),
        pytest.param("name: [a]\n" + GOOD[19:], 1, "`name` is a list", id="list for a text"),
        pytest.param(GOOD + "limits: {freshness_days: yes}\n", 4, "a whole number", id="yes is no number"),
        pytest.param(GOOD + "limits: {freshness_days: 012}\n", 4, "begins with a zero", id="012 is ten or twelve"),
        pytest.param(GOOD + "limits: {freshness_days: 12:30}\n", 4, "a whole number", id="12-30 is no number"),
        pytest.param(GOOD + "limits: {amount_max: .nan}\n", 4, "no number to compute with", id="nan"),
        pytest.param(GOOD + "limits: {amount_max: .inf}\n", 4, "no number to compute with", id="inf"),
        pytest.param(GOOD + "limits: {amount_max: 1e308}\n", 4, "no number to compute with", id="1e308"),
        pytest.param(GOOD + "limits: {amount_max: -5}\n", 4, "above 0", id="negative limit"),
        pytest.param(GOOD + "limits: {max_bad_share: 0}\n", 4, "greater than 0", id="breaker at 0"),
        pytest.param(GOOD + "limits: {archive_bytes: 10MB}\n", 4, "a whole number", id="10MB"),
        pytest.param(GOOD.replace("GBP", "RMB"), 2, "did you mean CNY", id="RMB is called CNY"),
        pytest.param(GOOD.replace("GBP", "XXX"), 2, "no ISO 4217", id="XXX is no currency"),
        pytest.param(GOOD.replace("GBP", "gbp"), 2, "did you mean GBP", id="small letters"),
        pytest.param(GOOD.replace("Europe/London", "GMT+8"), 3, "Asia/Shanghai", id="zone GMT+8"),
        pytest.param(GOOD.replace("Europe/London", "CST"), 3, "Asia/Shanghai", id="zone CST"),
        pytest.param(GOOD.replace("Europe/London", "Beijing"), 3, "Asia/Shanghai", id="zone Beijing"),
        pytest.param(GOOD.replace("Europe/London", "Etc/GMT-8"), 3, "no IANA time zone", id="zone without summer time"),
        pytest.param(GOOD + "clock: {last_day: 2011-02-30}\n", 4, "a date like", id="30 February"),
        pytest.param(GOOD + "name: Other\n", 4, "a second time (first in line 1)", id="the same key twice"),
        pytest.param(GOOD + "limits:\n\tamount_max: 1\n", 5, "a tab", id="tab indentation"),
        pytest.param(GOOD + "limits: [1\n", 5, "no YAML", id="broken YAML"),
        pytest.param("name: !!python/object:os.system x\n", 1, "not supported", id="a tag that builds objects"),
        pytest.param(GOOD + "limits: &a {}\nclock:\n  <<: *a\n", 6, "`<<` is not supported", id="merged keys"),
        pytest.param(GOOD + "password: hunter2\n", 4, "${env:NAME}", id="a password in the file"),
        pytest.param(
            "name: postgresql://me:hunter2@db/x\n" + GOOD[19:], 1, "${env:NAME}", id="a password in an address"
        ),
        pytest.param("name: AKIA" + "A" * 16 + "\n" + GOOD[19:], 1, "${env:NAME}", id="a key of a cloud"),
        pytest.param("- name: x\n", 1, "the file is a list", id="a list instead of keys"),
    ],
)
def test_a_mistake_is_answered_with_its_line_and_how_to_mend_it(home, text, line, says):
    path = write(home, text)
    with pytest.raises(ConfigurationRefused) as refused:
        configuration.company()
    told = [one for one in refused.value.sentence.split("\n") if says in one]
    assert told, refused.value.sentence
    assert told[0].startswith(f"config/{path.name}:{line}:")
    assert refused.value.hint
    assert refused.value.exit_code == 2


def test_a_secret_is_refused_without_repeating_it(home):
    write(home, GOOD + "api_key: hunter2\n")
    with pytest.raises(ConfigurationRefused) as refused:
        configuration.company()
    assert "hunter2" not in refused.value.sentence


def test_all_mistakes_are_told_at_once_in_the_order_of_their_lines(home):
    write(home, "currncy: GBP\nname: X\ntime_zone: CST\nlimits: {feild_length: 1}\n")
    with pytest.raises(ConfigurationRefused) as refused:
        configuration.company()
    lines = [int(one.split(":")[1]) for one in refused.value.sentence.split("\n")]
    assert lines == [1, 1, 3, 4]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(None, "is missing", id="no file"),
        pytest.param(b"", "is empty", id="0 bytes"),
        pytest.param(b"# to do\n", "is empty", id="only comments"),
        pytest.param(GOOD.encode("utf-16"), "UTF-16", id="UTF-16"),
        pytest.param(GOOD.encode() + "x: é\n".encode("latin-1"), "company.yml:4: byte", id="Latin-1"),
        pytest.param(b"name: " + b"x" * 5_000_000, "5,000,006 bytes", id="5 MB of configuration"),
    ],
)
def test_a_file_that_is_no_configuration_is_named(home, content, says):
    if content is not None:
        write(home, content)
    with pytest.raises(ConfigurationRefused, match=r"config/company\.yml") as refused:
        configuration.company()
    assert says in refused.value.sentence


def test_a_folder_in_place_of_the_file_is_named(home):
    (home / "config" / "company.yml").mkdir()
    with pytest.raises(ConfigurationRefused, match="is a folder"):
        configuration.company()


def test_a_billion_laughs_are_refused_before_they_are_written_out(home):
    rows = ["a: &a [x,x,x,x,x,x,x,x,x,x]"]
    rows += [f"{b}: &{b} [{','.join([f'*{a}'] * 10)}]" for a, b in zip("abcdefgh", "bcdefghi", strict=True)]
    write(home, "\n".join(rows))
    with pytest.raises(ConfigurationRefused, match="aliases"):
        configuration.company()


class Shelf(Described):
    """A model of this test's own."""

    codes: list[Code] = Field(default_factory=list)
    is_open: bool = False
    price: Number = Decimal(0)


@pytest.mark.parametrize("word", ["no", "yes", "on", "off", "1"])
def test_only_true_and_false_are_true_and_false(home, word):
    path = write(home, f"is_open: {word}\n")
    with pytest.raises(ConfigurationRefused, match="true or false was expected"):
        configuration.load(path, Shelf)


def test_a_code_is_read_as_it_is_written(home):
    path = write(home, "codes: [11, '012', no, 1.50]\nprice: 1.10\n")
    shelf = configuration.load(path, Shelf)
    assert shelf.codes == ["11", "012", "no", "1.50"]
    assert str(shelf.price) == "1.10"
