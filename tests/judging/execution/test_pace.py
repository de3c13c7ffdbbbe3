"""How many requests an endpoint is asked at once."""

from llmops_pipelines.judging import Gate, Pace


def places(gate):
    taken = 0
    while gate.enter(1) is not None:
        taken += 1
    for _ in range(taken):
        gate.leave(1, None)
    return taken


def test_a_late_reply_takes_a_place_away_and_as_many_answers_as_there_are_give_it_back():
    gate = Gate(Pace(in_flight=8))
    assert places(gate) == 8
    gate.narrow()
    assert places(gate) == 7
    for _ in range(8):
        gate.widen()
    assert places(gate) == 8


def test_one_place_is_always_left_and_there_are_never_more_than_were_set():
    gate = Gate(Pace(in_flight=4))
    for _ in range(99):
        gate.narrow()
    assert places(gate) == 1
    for _ in range(999):
        gate.widen()
    assert places(gate) == 4
    gate.narrow()
    assert places(gate) == 3


def test_with_others_it_is_the_own_share_that_narrows():
    gate = Gate(Pace(in_flight=8), holders=2)
    gate.narrow()
    assert places(gate) == 3
