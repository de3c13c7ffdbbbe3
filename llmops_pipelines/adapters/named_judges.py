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
    own = {deepeval_metrics.g_eval_metric(each): each for each in rubrics.g_eval}
    if name in own:
        asked = rubrics.g_eval[own[name]]
        return deepeval_metrics.g_eval_spec(
            own[name], model=model, steps=asked.steps, sees=asked.sees
        )
    guests = (*deepeval_metrics.METRICS, *own)
    known = (*rubrics.rubrics, *ragas_metrics.METRICS, *guests)
    close = get_close_matches(name, known, n=1)
    raise ValueError(
        f"no judge is called {name!r}; "
        + (f"did you mean {close[0]}? " if close else "")
        + f"rubrics.yaml has {', '.join(rubrics.rubrics) or 'none'}; "
        f"RAGAS has {', '.join(ragas_metrics.METRICS)}; DeepEval, where its extra is installed, "
        f"has {', '.join(guests)}"
    )
