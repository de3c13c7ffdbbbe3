import os
import signal
import threading

from llmops_pipelines.orchestration.runs.stopping import listening_for_stops


def swallow(number, frame):
    """What Dagster does with a signal that arrives after the last step."""


def test_a_stop_is_heard_although_its_handler_does_nothing():
    before = signal.signal(signal.SIGINT, swallow)
    try:
        with listening_for_stops() as stops:
            assert not stops.any()
            os.kill(os.getpid(), signal.SIGINT)
            assert stops.any()
            assert not stops.any(), "one stop is told once"
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_signals_are_no_stop():
    before = signal.signal(signal.SIGUSR1, swallow)
    try:
        with listening_for_stops() as stops:
            os.kill(os.getpid(), signal.SIGUSR1)
            assert not stops.any()
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_who_listened_before_listens_again():
    heard, written = os.pipe()
    os.set_blocking(written, False)
    before = signal.set_wakeup_fd(written)
    try:
        with listening_for_stops():
            pass
        assert signal.set_wakeup_fd(before) == written
    finally:
        os.close(heard)
        os.close(written)


def test_a_thread_hears_nothing_and_does_not_fail():
    answers = []

    def listen():
        with listening_for_stops() as stops:
            answers.append(stops.any())

    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
    assert answers == [False]
