"""Every judge that can be asked for by name: rubrics, RAGAS's metrics, DeepEval's."""

from __future__ import annotations

from difflib import get_close_matches

from llmops_pipelines.adapters import deepeval_metrics, ragas_metrics
from llmops_pipelines.judging import JudgeSpec, Rubrics, rubric_spec


def spec_named(name: str, *, model: str, rubrics: Rubrics) -> JudgeSpec:
    """The spec of ``model`` judging by what ``name`` names; a rubric comes before a guest's metric.

    Raises:
        ValueError: Nothing is called so; the message lists what is.
        ModuleNotFoundError: It is a metric of DeepEval, whose extra is not installed.
    """
    if name in rubrics.rubrics:
        return rubric_spec(name, rubrics.rubrics[name], model=model)
    if name in ragas_metrics.METRICS:
        return ragas_metrics.ragas_specs(model=model, metrics=[name])[0]
    if name in deepeval_metrics.METRICS:
        return deepeval_metrics.deepeval_specs(model=model, metrics=(name,))[0]
    known = (*rubrics.rubrics, *ragas_metrics.METRICS, *deepeval_metrics.METRICS)
    close = get_close_matches(name, known, n=1)
    raise ValueError(
        f"no judge is called {name!r}; "
        + (f"did you mean {close[0]}? " if close else "")
        + f"rubrics.yaml has {', '.join(rubrics.rubrics) or 'none'}; "
        f"RAGAS has {', '.join(ragas_metrics.METRICS)}; DeepEval, where its extra is installed, "
        f"has {', '.join(deepeval_metrics.METRICS)}"
    )
