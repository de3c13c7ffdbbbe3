"""The invoice folder held against the lake, and when somebody should look."""

import gzip
from datetime import date

import dagster as dg
import pytest

from assets.invoices import invoice_reconciliation, invoices_are_explained
from llmops_pipelines.definitions import Settings, resources_of
from llmops_pipelines.orchestration.money import invoices
from llmops_pipelines.orchestration.money.invoices import invoices_changed, reconcile_folder
from llmops_pipelines.tables import INVOICE_RECONCILIATION
from tests.billing.exports import OPENAI_COSTS, openai_cost
from tests.priced_lake import priced_lake
from tests.pricing.factories import at, call

DAY = date(2026, 11, 10)
GOOD = OPENAI_COSTS + openai_cost(DAY, "0.0022", "gpt-4.1")


@pytest.fixture
def world(tmp_path):
    used = {"uncached_input": 600, "cache_read": 400, "output_text": 100}
    lake = priced_lake(tmp_path, [call(started_at=at("2026-11-10 09:00"), **used)])
    (tmp_path / "invoices" / "2026").mkdir(parents=True)
    return tmp_path, lake


def write(world, **files):
    for name, content in files.items():
        data = content if isinstance(content, bytes) else content.encode()
        (world[0] / "invoices" / name.replace("__", "/").replace("_dot_", ".")).write_bytes(data)


def ran(world):
    resources = vars(resources_of(Settings(data=world[0])))
    return dg.materialize(
        [invoice_reconciliation, invoices_are_explained],
        resources=resources,
        instance=dg.DagsterInstance.ephemeral(),
    )


def test_files_in_any_layout_are_reconciled_and_nothing_is_to_explain(world):
    packed = gzip.compress(GOOD.encode())
    write(world, **{"a_dot_csv": GOOD, "2026__b_dot_csv_dot_gz": packed, "_dot_hidden": "x"})
    result = ran(world)
    rows = world[1].read(INVOICE_RECONCILIATION)
    assert rows.select("source_file", "state").rows() == [
        ("2026/b.csv.gz", "matched"),
        ("a.csv", "matched"),
    ]
    (check,) = result.get_asset_check_evaluations()
    assert check.passed
    (told,) = (m.metadata for m in result.asset_materializations_for_node("invoice_reconciliation"))
    assert told["invoices"].value == 2
    assert "![chart](data:" in told["chart"].value


def test_a_check_warns_of_what_is_unexplained_or_unreadable(world):
    write(world, a_dot_csv=GOOD + openai_cost(DAY, "9", "gpt-4.1-nano"), b_dot_pdf=b"%PDF-1.7 \xff")
    (check,) = ran(world).get_asset_check_evaluations()
    assert not check.passed
    assert check.severity == dg.AssetCheckSeverity.WARN
    first, second = (record.data for record in check.metadata["faults"].records)
    assert (first["file"], first["unreadable"]) == ("a.csv", "None")
    assert float(first["unexplained"].rstrip("%")) > 99
    assert "no UTF-8 text" in second["unreadable"]


def test_without_invoices_the_table_is_empty_and_the_check_content(world):
    result = ran(world)
    assert world[1].read(INVOICE_RECONCILIATION).is_empty()
    assert result.get_asset_check_evaluations()[0].passed


def test_only_other_files_are_a_change(world):
    folder = resources_of(Settings(data=world[0])).invoices
    assert not invoices_changed(world[1], folder.files())
    write(world, a_dot_csv=GOOD)
    assert invoices_changed(world[1], folder.files())
    world[1].write(INVOICE_RECONCILIATION, reconcile_folder(world[1], folder.files()))
    assert not invoices_changed(world[1], folder.files())
    write(world, a_dot_csv=GOOD + openai_cost(DAY, "1", "gpt-4.1"))
    assert invoices_changed(world[1], folder.files())


def test_the_same_files_give_the_same_bytes(world):
    write(world, a_dot_csv=GOOD + openai_cost(DAY, "1", "gpt-4.1-nano") + "x\n")
    files = resources_of(Settings(data=world[0])).invoices
    digests = {
        world[1].write(INVOICE_RECONCILIATION, reconcile_folder(world[1], files.files()))
        for _ in range(3)
    }
    assert len(digests) == 1


def test_a_file_that_swells_is_refused_and_does_not_stop_the_others(world, monkeypatch):
    monkeypatch.setattr(invoices, "MOST_BYTES", 1_000)
    bomb = gzip.compress(b" " * 5_000)
    write(world, a_dot_csv=GOOD, b_dot_gz=bomb, c_dot_gz=gzip.compress(GOOD.encode())[:-20])
    files = resources_of(Settings(data=world[0])).invoices
    rows = reconcile_folder(world[1], files.files())
    assert rows["state"].to_list() == ["matched", "unreadable", "unreadable"]
    assert "export a month" in rows["reason"][1]
