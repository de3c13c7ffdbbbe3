"""What one call, session, user and accepted answer cost; quotients are rounded to 10^-12 USD."""

import polars as pl

from llmops_pipelines.tables.table import MONEY, Column, Table


def _usd(name: str, description: str) -> Column:
    return Column(name, MONEY, description, "usd", nullable=True)


UNIT_COSTS = Table(
    name="unit_costs",
    row="One feature on one day (`*`: all): what its spend comes to per call, session, user, ...",
    key=("feature",),
    columns=(
        Column("feature", pl.String, "Feature, or `*` for all."),
        Column("calls", pl.Int64, "Calls, failed and repeated ones included.", "calls"),
        Column("ok_calls", pl.Int64, "Of them, successful ones.", "calls"),
        Column("unpriced_calls", pl.Int64, "Successful calls without a cost: all costs here are without them.", "calls"),
        Column("traces", pl.Int64, "Requests of users.", "traces"),
        Column("sessions", pl.Int64, "Conversations."),
        Column("users", pl.Int64, "Users, by their hash."),
        Column("answers", pl.Int64, "Requests whose last call succeeded: what a user saw.", "traces"),
        Column("rated_answers", pl.Int64, "Of them, those that a user rated, that day or later.", "traces"),
        Column("accepted_answers", pl.Int64, "Of the rated, those with 4 stars or more on average, under each name they were rated by.", "traces"),
        _usd("cost", "Sum over the priced calls; null if none is."),
        _usd("session_cost", "Part of it in calls that name a conversation."),
        _usd("user_cost", "Part of it in calls that name a user."),
        _usd("failed_cost", "Part of it for calls that failed."),
        _usd("repeated_cost", "Part of it for calls that repeated an earlier attempt."),
        _usd("wasted_cost", "Part of it for calls that failed, repeated, or both."),
        _usd("cost_per_call", "cost / calls."),
        _usd("cost_per_ok_call", "cost / ok_calls: failures are paid by what succeeded."),
        _usd("cost_per_trace", "cost / traces."),
        _usd("cost_per_session", "session_cost / sessions."),
        _usd("cost_per_user", "user_cost / users."),
        _usd("cost_per_answer", "cost / answers."),
        Column("accepted_share", pl.Float64, "accepted_answers / rated_answers.", "fraction", nullable=True),
        Column("accepted_share_low", pl.Float64, "Lower end of its 95 % interval, clustered by session.", "fraction", nullable=True),
        Column("accepted_share_high", pl.Float64, "Upper end.", "fraction", nullable=True),
        _usd("cost_per_accepted", "cost_per_answer / accepted_share: those who rate stand for all."),
        _usd("cost_per_accepted_low", "Lower end of its 95 % interval."),
        _usd("cost_per_accepted_high", "Upper end; null where acceptance may be 0."),
        Column("why_not", pl.String, "Why there is no cost_per_accepted: no_cost, no_answers, no_feedback or none_accepted.", nullable=True),
    ),
)  # fmt: skip
