"""What the two READMEs promise: the same in both languages, and true of the code that stands beside them."""

from __future__ import annotations

import json
import re
import shlex
import types
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pytest
import typer.main
from markdown_it import MarkdownIt
from markdown_it.token import Token
from ruamel.yaml import YAML

from tierwise import cli, conform, control, landing, policy, warehouse
from tierwise.policy import grammar
from tierwise.settings import settings
from tierwise.sources import description

ROOT = Path(__file__).resolve().parents[1]
READMES = ("README.md", "README.zh-CN.md")
STABILITY = ROOT / "benchmarks/results/stability.json"
WITH_COMMANDS = (*READMES, "CONTRIBUTING.md", "DECISIONS.md")
PAGES = (*sorted(p.name for p in ROOT.glob("*.md")), "sample_data/README.md")
OTHERS_SAY = {  # what the README explains and other programs say
    "Could not set lock on file",
    'Ambiguous reference to catalog or schema "marts"',
    "failed to download https://github.com/…",
}


@dataclass(frozen=True)
class Block:
    """A fenced block: the language it names, and what stands in it."""

    language: str
    text: str


class Page:
    """A Markdown file as a reader of it sees it."""

    def __init__(self, name: str) -> None:
        self.path = ROOT / name
        self.tokens = MarkdownIt("commonmark").enable("table").parse(self.path.read_text())

    def inline(self) -> Iterator[tuple[int, Token]]:
        """Every piece of running text, with the number of the heading that it stands under."""
        section = 0
        for token in self.tokens:
            section += token.type == "heading_open"
            for piece in token.children or ():
                yield section, piece

    @property
    def levels(self) -> list[str]:
        return [token.tag for token in self.tokens if token.type == "heading_open"]

    @property
    def blocks(self) -> list[Block]:
        return [Block(token.info, token.content) for token in self.tokens if token.type == "fence"]

    def block(self, language: str, holding: str = "") -> str:
        [text] = [block.text for block in self.blocks if block.language == language and holding in block.text]
        return text

    @property
    def demo(self) -> Block:
        """What `make demo` prints: it follows the block that says so."""
        before = next(n for n, block in enumerate(self.blocks) if "make demo" in block.text)
        return self.blocks[before + 1]

    @property
    def rows(self) -> list[list[str]]:
        """Every row of every table, heads included; a table begins with an empty row."""
        rows: list[list[str]] = []
        for n, token in enumerate(self.tokens):
            if token.type in ("table_open", "tr_open"):
                rows.append([])
            elif token.type in ("th_open", "td_open"):
                rows[-1].append(self.tokens[n + 1].content)
        return rows

    def table(self, head: str) -> list[list[str]]:
        """The rows of the one table that has a column of this name, without its head."""
        [begin] = [n for n, row in enumerate(self.rows) if head in row]
        after = self.rows[begin + 1 :]
        return after[: after.index([])] if [] in after else after

    @property
    def code(self) -> list[tuple[int, str]]:
        return [(section, piece.content) for section, piece in self.inline() if piece.type == "code_inline"]

    @property
    def links(self) -> list[str]:
        return [str(piece.attrs["href"]) for _, piece in self.inline() if piece.type == "link_open"]

    @property
    def prose(self) -> str:
        """Its running text, however its lines are broken."""
        return " ".join(" ".join(piece.content for _, piece in self.inline()).split())

    @property
    def lines_to_type(self) -> list[str]:
        """What a reader may copy into a shell: words set as code, and the lines of blocks without a language."""
        typed = [line for block in self.blocks if block.language == "" for line in block.text.splitlines()]
        return [*(content for _, content in self.code), *typed]

    @property
    def commands(self) -> list[str]:
        """Every `tierwise …` that the page names, without the program."""
        found = (re.search(r"(?:^|\.venv/bin/)tierwise (?P<words>.*)", line) for line in self.lines_to_type)
        return [match["words"] for match in found if match]


ENGLISH, CHINESE = (Page(name) for name in READMES)
SQL_QUESTIONS = tuple(block.text for block in ENGLISH.blocks if block.language == "sql")


# --- two languages, one page ------------------------------------------------------------------------------------------


def comparable(page: Page) -> list[object]:
    """Its blocks without what may be translated: comments of YAML, labels of the diagram, the output of the demo."""

    def kept(block: Block) -> object:
        if block == page.demo:
            return re.findall(r"\d,\d{3},\d{3}\.\d\d", block.text)
        if block.language == "yaml":
            return YAML(typ="safe").load(block.text)
        if block.language == "mermaid":
            return re.sub(r"(?<=[\[({])[^\[\](){}]+(?=[\])}])", "", block.text)
        return block

    return [kept(block) for block in page.blocks]


def test_both_languages_have_the_same_headings_in_the_same_order():
    assert len(ENGLISH.levels) > 8
    assert CHINESE.levels == ENGLISH.levels


def test_both_languages_have_the_same_code_in_the_same_order():
    assert [b.language for b in CHINESE.blocks] == [b.language for b in ENGLISH.blocks]
    assert comparable(CHINESE) == comparable(ENGLISH)


def test_both_languages_have_tables_of_the_same_size():
    assert len(ENGLISH.rows) > 40
    assert [len(row) for row in CHINESE.rows] == [len(row) for row in ENGLISH.rows]


def test_both_languages_set_the_same_words_as_code_in_each_section():
    assert set(CHINESE.code) == set(ENGLISH.code)


def test_both_languages_count_the_same():
    counted = [re.findall(r"\d{1,3}(?:,\d{3})+", page.prose) for page in (ENGLISH, CHINESE)]
    assert len(counted[0]) > 8
    assert sorted(counted[1]) == sorted(counted[0])


def test_both_languages_link_to_the_same_places_and_to_each_other():
    assert set(ENGLISH.links) - set(CHINESE.links) == {"README.zh-CN.md"}
    assert set(CHINESE.links) - set(ENGLISH.links) == {"README.md"}


# --- what is named exists ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PAGES)
def test_every_relative_link_leads_to_a_file(name):
    page = Page(name)
    paths = [link.partition("#")[0] for link in page.links if not re.match(r"[a-z]+:|#", link)]
    assert [path for path in paths if not (page.path.parent / path).exists()] == []


@pytest.mark.parametrize("name", PAGES)
def test_every_make_target_named_exists(name):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert "demo" in targets
    named = {target for line in Page(name).lines_to_type for target in re.findall(r"^make ([a-z-]+)", line)}
    assert name not in READMES or named >= {"demo", "test", "airflow"}
    assert named - targets == set()


def read_command(words: list[str]) -> None:
    """Let the command line read a command up to where it would run it. A name without arguments is only a mention."""
    command, name, context = typer.main.get_command(cli.app), "tierwise", None
    while words:
        context = command.make_context(name, list(words), parent=context)
        if not isinstance(command, typer.core.TyperGroup):
            return
        found, following, words = command.resolve_command(context, list(words))
        assert found is not None
        assert following is not None
        name, command = found, following


@pytest.mark.parametrize("command", sorted({command for name in WITH_COMMANDS for command in Page(name).commands}))
def test_every_command_named_is_one_that_the_command_line_reads(command):
    read_command(shlex.split(command, comments=True))


def test_commands_are_found_on_every_page_that_has_them():
    found = {name: len(Page(name).commands) for name in WITH_COMMANDS}
    assert min(found.values()) > 0
    assert found["README.md"] == found["README.zh-CN.md"] > 10
    assert "backfill --from 2011-03-31 --to 2011-11-30 --every month-end" in ENGLISH.commands


@pytest.mark.parametrize(
    "command",
    [
        pytest.param("policy shew", id="a sub-command that does not exist"),
        pytest.param("run --as-off 2011-12-09", id="an option that does not exist"),
        pytest.param("backfill --from 2011-03-31 --to 2011-11-30 --every month", id="a value that is no choice"),
        pytest.param("run 2011-12-09", id="an argument too many"),
        pytest.param("source accept DELIVERY", id="an option that is missing"),
    ],
)
def test_a_command_that_the_command_line_does_not_read_is_found(command):
    with pytest.raises(typer.TyperException):
        read_command(shlex.split(command))


def test_what_the_readme_says_that_we_say_is_said_in_the_code():
    ours = "\n".join(file.read_text() for file in sorted((ROOT / "plugins").rglob("*.py")))
    explained = {first for row in ENGLISH.rows if row for first in re.findall("^`(.+?)`", row[0]) if " " in first}
    assert explained >= OTHERS_SAY
    said = {part.strip() for phrase in explained - OTHERS_SAY for part in phrase.split("…")} - {""}
    assert len(said) == 5
    assert {part for part in said if part.replace("(volume)", "(") not in ours} == set()


def test_every_exit_code_of_the_readme_is_one_of_ours_and_the_other_way_round():
    from tierwise import errors

    codes = {"0"} | {str(kind.exit_code) for kind in errors.Refusal.__subclasses__()}
    for page, lead in ((ENGLISH, "Exit codes:"), (CHINESE, "退出码：")):
        listed = page.prose.partition(lead)[2].partition("var/work")[0]
        assert set(re.findall(r"(?:^|·)\s*(\d+) ", listed)) == codes


# --- the examples are valid -------------------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A place to try the examples in, with the demo's company."""
    monkeypatch.setenv("TIERWISE_HOME", str(tmp_path))
    monkeypatch.delenv("TIERWISE_CONTROL_URL", raising=False)
    (tmp_path / "config").mkdir()
    (tmp_path / "config/company.yml").write_text((ROOT / "config/company.yml").read_text())
    (tmp_path / "deliveries/shop").mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize("page", [ENGLISH, CHINESE], ids=READMES)
def test_the_example_of_a_source_is_valid(home, page):
    (home / "config/sources.yml").write_text(page.block("yaml", "web_shop"))
    [source, _by_command] = description.load_sources()
    assert (source.name, list(source.streams)) == ("web_shop", ["orders"])


def test_the_example_of_a_source_takes_in_what_its_shop_writes(home):
    (home / "config/sources.yml").write_text(ENGLISH.block("yaml", "web_shop"))
    (home / "config/company.yml").write_text("name: 网店\ncurrency: CNY\ntime_zone: Asia/Shanghai\n")
    [named] = {content for _, content in ENGLISH.code if content.startswith("deliveries/")}
    (home / named).write_bytes(
        "订单号;行号;客户号;下单时间;金额;类型\n"
        "A1;1;7;2026-11-23 00:30:00;1,234.50;销售\n"
        "A2;1;;2026-11-23 09:00:00;20.00;销售\n"
        "A3;1;7;2026-11-23 10:00:00;-234.50;退款\n".encode("gb18030")
    )
    control.begin_run("night", "night", [date(2026, 11, 23)], None, control.pointer().counter)
    [delivery] = landing.land("night", "web_shop", "orders")
    assert conform.conform("night") == [delivery]
    conformed = settings().work / "night/conformed" / delivery
    facts = json.loads(conformed.with_suffix(".json").read_text())
    assert (facts["delivered_rows"], facts["left_out_rows"]) == (3, 1)
    rows = duckdb.sql(f"""
        select order_id, kind, amount::decimal(18, 2)::varchar, currency, strftime(ordered_at, '%Y-%m-%d %H:%M'), claimed_on::varchar
        from read_parquet('{conformed.with_suffix(".parquet")}') where left_out_because is null order by row_number""")
    assert rows.fetchall() == [
        ("A1", "sale", "1234.50", "CNY", "2026-11-22 16:30", "2026-11-23"),
        ("A3", "refund", "-234.50", "CNY", "2026-11-23 02:00", "2026-11-23"),
    ]


@pytest.mark.parametrize("page", [ENGLISH, CHINESE], ids=READMES)
def test_the_example_of_a_policy_is_the_one_in_config(home, page):
    example = home / "config/tier_policies.yml"
    example.write_text(page.block("yaml", "pyramid"))
    [pyramid] = policy.load()
    shipped = {p.name: p.version for p in policy.load(ROOT / "config/tier_policies.yml")}
    assert pyramid.version == shipped["pyramid"]


@pytest.mark.parametrize("page", [ENGLISH, CHINESE], ids=READMES)
def test_the_example_of_a_sheet_of_overrides_is_valid_beside_the_shipped_sources(home, page):
    shipped = (ROOT / "config/sources.yml").read_text()
    (home / "config/sources.yml").write_text(f"{shipped}\n{page.block('yaml', 'sales_sheet')}")
    sheet = description.load_sources()[-2]
    assert (sheet.name, list(sheet.streams)) == ("sales_sheet", ["tier_overrides", "existing_tiers"])


# --- how a tier is decided --------------------------------------------------------------------------------------------


def test_the_table_of_rows_gives_every_reason_that_a_tier_can_have():
    [of_reasons] = [
        column for column in warehouse._declared("tier_explanations")["columns"] if column["name"] == "reason"
    ]
    reasons = set(re.findall(r"[a-z_]+", of_reasons["description"].partition(":")[2])) - {"or"}
    assert len(reasons) > 12
    rows = ENGLISH.table("reason")
    assert [row[0] for row in rows] == [str(n) for n in range(1, 11)]
    assert {name for row in rows for name in re.findall("`([a-z_]+)`", row[-1])} == reasons


def test_the_table_of_keys_names_every_key_that_a_policy_may_have():
    parts = (grammar.PolicyEntry, grammar.Eligible, grammar.Tier, grammar.Stability, grammar.AppliesTo)
    supported = {
        key for part in parts for key, field in part.model_fields.items() if field.annotation is not types.NoneType
    }
    assert supported >= {"measure", "seat_cap", "grace_days", "valid_from"}
    told = " ".join(" ".join(row) for row in ENGLISH.table("key"))
    assert {key for key in supported if not re.search(rf"`{key}[`:]", told)} == set()


@pytest.mark.skipif(not STABILITY.exists(), reason="benchmarks/stability.py has written no result yet")
@pytest.mark.parametrize("page", [ENGLISH, CHINESE], ids=READMES)
def test_the_numbers_on_steadiness_are_those_that_the_benchmark_wrote(page):
    result = json.loads(STABILITY.read_text())
    means = {mean["policy"]: mean for mean in result["means"]}
    [head] = [row for row in page.rows if "`pyramid`" in row]
    columns = [means[name.strip("`")] for name in head[1:]]
    assert [row[1:] for row in page.table("`pyramid`")] == [
        [f"{mean['changes_a_night']:,.1f}" for mean in columns],
        *(
            [f"{mean[share] * 100:.1f} %" for mean in columns]
            for share in ("reversed_within_30_days", "reversed_within_180_days", "seats_used", "truly_best_held")
        ),
    ]
    assert f"{result['customers']:,}" in page.prose
    assert (result["nights_counted"], result["seeds"]) == (365, 3)


@pytest.mark.parametrize(
    ("page", "sentence"),
    [
        (ENGLISH, "{kill} nights were killed at random moments, {kill_publishing} more while they published"),
        (ENGLISH, "{stop} were halted"),
        (ENGLISH, "{reads:,} reads"),
        (CHINESE, "{kill} 次夜间运行在随机时刻被强行终止，另有 {kill_publishing} 次在发布时"),
        (CHINESE, "{stop} 次被暂停"),
        (CHINESE, "{reads:,} 次读取"),
    ],
)
def test_what_a_night_survives_is_what_the_benchmark_wrote(page, sentence):
    cases = json.loads((ROOT / "benchmarks/results/crashes.json").read_text())["cases"]
    kinds = Counter(case["kind"] for case in cases)
    reads = sum(case["reads"] for case in cases if case["kind"] != "without_guard")
    assert sentence.format(**kinds, reads=reads) in page.prose


@pytest.mark.parametrize(
    ("page", "sentence"),
    [
        (ENGLISH, "the last month's took {growth} times the processor time of the first's, and all {nights} together"),
        (CHINESE, "每夜的处理器时间是第一个月的 {growth} 倍，{nights} 夜合起来"),
    ],
    ids=READMES,
)
def test_what_a_year_of_nights_costs_is_what_the_benchmark_wrote(page, sentence):
    year = json.loads((ROOT / "benchmarks/results/year.json").read_text())
    assert sentence.format(growth=year["growth"], nights=len(year["nights"])) in page.prose
    assert len(year["nights"]) == 365
    assert year["differing"] == []


@pytest.mark.parametrize(
    ("page", "sentence"),
    [
        (ENGLISH, "one with 5,000 new ones takes {share} % of a full refresh; Airflow adds {airflow} %."),
        (CHINESE, "带来 5,000 行的一夜用时是全部重建的 {share} %，Airflow 再加 {airflow} %。"),
    ],
    ids=READMES,
)
def test_what_a_new_day_costs_is_what_the_benchmark_wrote(page, sentence):
    measured = json.loads((ROOT / "benchmarks/results/new_day.json").read_text())
    found = {aim["promise"]: aim["found"] for aim in measured["aims"]}
    share, airflow = found["a quarter of a full refresh"], found["orchestration: a quarter more"] - 1
    assert sentence.format(share=round(100 * share), airflow=round(100 * airflow)) in page.prose


def test_every_aim_that_is_missed_is_explained():
    aims = Page("benchmarks/RESULTS.md").table("what we promise")
    explained = (ROOT / "benchmarks/MISSES.md").read_text()
    missed = [f"## {measure}: {promise}\n" for measure, promise, _, _, verdict in aims if verdict == "**missed**"]
    assert [heading for heading in missed if heading not in explained] == []
    assert explained.count("\n## ") == len(missed)


@pytest.mark.parametrize("name", WITH_COMMANDS)
def test_every_module_to_run_is_there(name):
    named = {
        word for line in Page(name).lines_to_type for word in re.findall(r"python -m (benchmarks\.[a-z_.]+)", line)
    }
    assert [module for module in named if not (ROOT / f"{module.replace('.', '/')}.py").exists()] == []
    assert name not in READMES or named


# --- the questions can be asked ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def empty_release():
    """The marts as their contracts state them, without a row."""
    with duckdb.connect() as d:
        d.execute("create schema marts")
        d.execute("set schema = 'marts'")
        for mart in warehouse.marts():
            columns = ", ".join(f"{name} {kind}" for name, kind in warehouse.contract(mart).items())
            d.execute(f"create table {mart} ({columns})")
        d.execute(warehouse._TIERS_ON)
        d.execute("set schema = 'main'")
        yield d


def test_there_are_eight_questions():
    assert len(SQL_QUESTIONS) == 8


@pytest.mark.parametrize("sql", SQL_QUESTIONS)
def test_every_question_is_one_select_over_columns_that_the_contracts_promise(empty_release, sql):
    import sqlglot

    [statement] = sqlglot.parse(sql, dialect="duckdb")
    assert isinstance(statement, sqlglot.exp.Select)
    assert {table.db for table in statement.find_all(sqlglot.exp.Table)} == {"marts"}
    assert empty_release.execute(sql).fetchall() == []


def test_a_question_about_a_column_that_no_mart_has_is_found(empty_release):
    with pytest.raises(duckdb.BinderException, match="customer_name"):
        empty_release.execute("select customer_name from marts.dim_customers")


def test_the_table_of_outputs_names_every_mart_and_nothing_else():
    named = {name for row in ENGLISH.table("table") for name in re.findall(r"`([a-z_]+)(?:\(date\))?`", row[0])}
    assert named == {*warehouse.marts(), "tiers_on"}


def test_a_file_called_marts_gives_the_error_that_the_readme_explains(tmp_path):
    file = tmp_path / "marts.duckdb"
    with duckdb.connect(str(file)) as d:
        d.execute("create schema marts")
        d.execute("create table marts.marts.dim_customers (customer_key varchar)")
        with pytest.raises(duckdb.BinderException, match='Ambiguous reference to catalog or schema "marts"'):
            d.execute("from marts.dim_customers")
