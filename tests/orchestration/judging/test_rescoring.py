"""A past day in front of a judge because somebody asked: again, in batches, before a jury."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Barrier, BrokenBarrierError

import polars as pl
import pytest

from llmops_pipelines.judging import JudgeSpec, Rubric, Rubrics, rubric_spec
from llmops_pipelines.judging.endpoints import Judges
from llmops_pipelines.orchestration.graph.resources import Judge, ReferenceFolder
from llmops_pipelines.orchestration.judging.asking import Occasion
from llmops_pipelines.orchestration.judging.batches import LakeBook
from llmops_pipelines.orchestration.judging.endpoints import JudgeSetup, read_setup
from llmops_pipelines.orchestration.judging.judge_notes import about_judging
from llmops_pipelines.orchestration.judging.judges import bridges_of, coverage_of
from llmops_pipelines.orchestration.judging.judging import collect_day, nightly_specs, seats_for
from llmops_pipelines.orchestration.judging.quoting import quote_days
from llmops_pipelines.orchestration.judging.rescoring import rescore_day
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.reference import Feature, Features
from llmops_pipelines.tables import (
    CALL_TEXTS,
    JUDGE_CALLS,
    JUDGE_LEDGER,
    JUDGE_RESCORES,
    JUDGE_SCORES,
    LLM_CALLS,
    SAMPLED_TRACES,
)
from tests.batch_stub import BatchStub
from tests.judging.worlds import JUDGED
from tests.orchestration.batch_worlds import ANSWERS, DAY, ITEMS, MODEL, RUBRIC, World
from tests.reporting.worlds import rows

SPEC = rubric_spec("groundedness", RUBRIC, model=MODEL)


class Past(World):
    """A day that was sampled weeks ago, and its texts."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.reference = ReferenceFolder(path=str(self.root / "reference"))
        self.later(days=40)
        calls = ITEMS["call_id"].to_list()
        named = [
            {
                "call_id": name, "trace_id": f"t-{name}", "feature": "assistant", "batch": "b",
                "record_digest": name, "content_digest": name, "started_at": self.now,
                "attempt": 1, "context_count": 1, "redactions": 0, "has_text": True,
                "probability": 1.0, "answer": answer, "messages": [],
                "question": "How long do refunds take?",
                "contexts": [{"id": None, "content": "Refunds take five days.", "score": None}],
            }
            for name, answer in zip(calls, ANSWERS, strict=True)
        ]  # fmt: skip
        for table in (SAMPLED_TRACES, LLM_CALLS, CALL_TEXTS):
            self.lake.write(table, rows(table, *named), day=DAY)

    @property
    def read(self) -> JudgeSetup:
        """What the reference folder says."""
        return read_setup(self.reference, self.judge)

    def rescore(
        self, spec: JudgeSpec = SPEC, repetition: int = 0, features: Features = JUDGED
    ) -> dict:
        self.runs += 1
        self.later(minutes=1)
        setup = replace(self.read, features=features)
        occasion = Occasion(self.lake, setup, self.clock, DAY, f"{self.root}-{self.runs}")
        return dict(rescore_day(spec, occasion, repetition=repetition))

    def shown(self) -> None:
        """Put the ledger's verdicts on the day where a night puts them."""
        kept = self.lake.read(JUDGE_LEDGER).select(JUDGE_SCORES.schema.names())
        self.lake.write(JUDGE_SCORES, kept, day=DAY)

    @property
    def cells(self) -> list[tuple]:
        grid = coverage_of(self.lake).sort("spec_id", "repetition")
        return grid.select("repetition", "state", "judged", "pending").rows()


@pytest.fixture
def stub():
    with BatchStub() as stub:
        yield stub


@pytest.fixture
def past(tmp_path, stub):
    return Past(tmp_path, stub, settings={"batch": ""})


def test_the_same_judge_is_asked_again_only_where_another_draw_is_wanted(past, stub):
    stub.judge.model = "june"
    first = past.rescore()
    assert (first["judged"], stub.judge.calls) == (6, 8)
    past.rescore()
    assert stub.judge.calls == 8, "a verdict is paid for once"
    stub.judge.model, stub.judge.default = "july", False
    again = past.rescore(repetition=1)
    assert (again["judged"], stub.judge.calls) == (6, 16)
    assert past.rescore(repetition=1)["judged"] == 6
    assert stub.judge.calls == 16
    ledger = past.verdicts.group_by("repetition", "model_served").len().sort("repetition")
    assert ledger.rows() == [(0, "june", 6), (1, "july", 6)]
    past.shown()
    (bridge,) = bridges_of(past.lake).filter(feature="*").to_dicts()
    assert (bridge["from_spec"], bridge["to_spec"]) == (SPEC.spec_id, SPEC.spec_id)
    assert (bridge["from_snapshot"], bridge["to_snapshot"]) == ("june", "july")
    assert (bridge["estimate"], bridge["n"]) == (-1.0, 6)
    assert past.cells == [(0, "done", 6, 0), (1, "done", 6, 0)]
    asked = past.lake.read(JUDGE_RESCORES).sort("repetition")
    assert asked.select("repetition", "items", "judged").rows() == [(0, 6, 6), (1, 6, 6)]


@pytest.mark.parametrize("repetition", [0, 1])
def test_a_rescoring_in_batches_waits_and_is_done_once_collected(past, stub, repetition):
    if repetition:
        past.rescore()
        stub.judge.requests.clear()
    past.settings["batch"] = "openai"
    found = past.rescore(repetition=repetition)
    assert (found["items"], found["pending"], found["judged"], found["failed"]) == (6, 6, 0, 0)
    assert past.cells[-1] == (repetition, "pending", 0, 6)
    assert past.rescore(repetition=repetition)["pending"] == 6
    assert (len(stub.batches), stub.judge.calls) == (1, 0), "what waits is not sent again"
    stub.finish(shuffled=1)
    collect_day(past.lake, past.setup, past.clock, DAY)
    past.shown()
    assert past.cells[-1] == (repetition, "done", 6, 0)
    assert past.rescore(repetition=repetition)["judged"] == 6
    assert (len(stub.batches), stub.judge.calls) == (1, 0)
    batched = past.lake.read(JUDGE_CALLS).filter(pl.col("batch").is_not_null(), step="verdict")
    assert batched["repetition"].to_list() == [repetition] * 6
    assert LakeBook(past.lake, DAY).states()["event"].to_list() == ["collected"]


def test_a_rescoring_takes_in_itself_what_its_batches_have_brought(past, stub):
    past.settings["batch"] = "openai"
    assert past.rescore()["pending"] == 6
    stub.finish(shuffled=1)
    found = past.rescore()
    assert (found["judged"], found["pending"], len(stub.batches)) == (6, 0, 1)


def test_recent_samples_from_before_a_judge_was_set_are_told_with_the_command(past):
    folder = past.root / "reference"
    folder.mkdir()
    (folder / "features.yaml").write_text("features: {assistant: {judging: judge}}")
    shipped = Path(__file__).parents[3] / "data" / "reference" / "rubrics.yaml"
    (folder / "rubrics.yaml").write_text(shipped.read_text())

    def notes(within: int = 41, **settings: str) -> list[str]:
        judge = past.judge.model_copy(update={"judge_within_days": within, **settings})
        setup = read_setup(past.reference, judge)
        return list(about_judging(past.lake, setup, past.clock.today()))

    told = (
        f"1 day(s) from {DAY} to {DAY} have samples that were not judged by {{}}, and no night "
        f"goes back by itself: llmops rescore --from {DAY} --to {DAY} --spec {{}} (and so on)"
    )
    everything = "groundedness, faithfulness, answer_relevancy"
    assert notes() == [told.format(everything, "groundedness")]
    assert notes(within=40) == notes(model="") == []
    past.rescore(nightly("groundedness", past))
    past.shown()
    assert notes() == [told.format("faithfulness, answer_relevancy", "faithfulness")]


def test_a_rubric_for_other_features_is_not_missed_on_a_day_without_them(past):
    only_triage = RUBRIC.model_copy(update={"features": ("triage",)})
    both = Features(
        features=dict.fromkeys(("assistant", "triage"), Feature(judging="judge", ragas=()))
    )
    judge = past.judge.model_copy(update={"judge_within_days": 41})

    def notes(**rubrics: Rubric) -> list[str]:
        setup = JudgeSetup(judge, both, rubrics=Rubrics(rubrics=rubrics))
        return list(about_judging(past.lake, setup, past.clock.today()))

    assert notes(groundedness=only_triage) == []
    assert len(notes(groundedness=RUBRIC)) == 1


def nightly(metric: str, past: Past) -> JudgeSpec:
    """The judge of that metric as a night would ask it."""
    specs = [spec for _, spec, _ in nightly_specs(past.read)]
    return next(spec for spec in specs if spec.metric == metric)


def panel(stub: BatchStub) -> Judges:
    """Two models at one address that judge as a jury, and one that is no part of it."""
    return Judges.model_validate(
        {
            "judges": {
                "pair": {"base_url": stub.base_url, "models": ["juror-a", "juror-b"]},
                "third": {"base_url": stub.base_url, "models": ["juror-c"]},
            },
            "juries": {"panel": {"members": ["pair", "third"]}},
        }
    )


def seats(stub: BatchStub, model: str, judging: str) -> list[tuple[str, str]]:
    """Name and model of the seats where a judge of ``model`` is asked about one feature."""
    spec = rubric_spec("groundedness", RUBRIC, model=model)
    features = Features(features={"assistant": Feature(judging=judging)})
    judge = Judge(base_url=stub.base_url, model=MODEL)
    found = seats_for(spec, JudgeSetup(judge, features, panel(stub)))
    return [(seat.endpoint.name, seat.endpoint.model) for seat in found]


def test_a_member_of_a_jury_is_asked_alone_and_a_stranger_to_it_is_not(stub):
    assert seats(stub, "juror-b", "panel") == [("panel", "juror-b")]
    assert seats(stub, "juror-c", "panel") == [("panel", "juror-c")]
    assert seats(stub, "stranger", "panel") == []
    assert seats(stub, "juror-a", "pair") == [("pair", "juror-a")]
    assert seats(stub, "stranger", "third") == [("third", "stranger")], "one seat takes any model"
    assert seats(stub, "stranger", "judge") == [("judge", "stranger")]
    assert seats(stub, "juror-a", "none") == []


def test_a_rescoring_goes_to_the_seat_of_its_model_in_the_jury(past, stub):
    folder = past.root / "reference"
    folder.mkdir()
    (folder / "judges.yaml").write_text(panel(stub).model_dump_json())
    jurors = Features(features={"assistant": Feature(judging="panel")})
    spec = rubric_spec("groundedness", RUBRIC, model="juror-b")
    assert past.rescore(spec, features=jurors)["judged"] == 6
    assert {request["model"] for request in stub.judge.requests} == {"juror-b"}
    assert past.rescore(spec, features=JUDGED)["items"] == 6, "at the environment's, by its name"
    stranger = rubric_spec("groundedness", RUBRIC, model="stranger")
    assert past.rescore(stranger, features=jurors)["items"] == 0


def test_what_waits_in_a_batch_is_not_quoted_again(tmp_path, stub):
    world = Past(tmp_path, stub)

    def quoted() -> tuple[int, int, int]:
        setup = replace(world.read, features=JUDGED)
        [found] = quote_days([DAY], [SPEC], lake=world.lake, setup=setup, clock=world.clock)
        return found.quote.items, found.quote.already_paid, found.quote.calls

    assert quoted()[:2] == (6, 0)
    assert world.rescore()["pending"] == 6
    assert quoted() == (0, 6, 0)
    stub.finish(state="cancelled", done=0)
    collect_day(world.lake, world.setup, world.clock, DAY)
    assert quoted()[:2] == (6, 0), "it brought nothing, so all of it is asked again"


def test_two_judges_that_rescore_a_day_at_once_are_both_on_record(tmp_path, stub):
    world = Past(tmp_path, stub, settings={"batch": "", "state": str(tmp_path / "state")})
    both_have_read = Barrier(2)

    class Slow(Lake):
        def read(self, table, *days):
            found = super().read(table, *days)
            if table is JUDGE_RESCORES:
                with suppress(BrokenBarrierError):
                    both_have_read.wait(0.5)
            return found

    world.lake = Slow(world.lake.store)
    later = rubric_spec("groundedness", RUBRIC, model="gpt-4.1")
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(world.rescore, (SPEC, later)))
    kept = world.lake.read(JUDGE_RESCORES, [DAY])
    assert set(kept["spec_id"]) == {SPEC.spec_id, later.spec_id}
