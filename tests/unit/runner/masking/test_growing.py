"""Masks that grow from several threads, while streams go on."""

from concurrent.futures import ThreadPoolExecutor

from runner.masking.masker import Masks
from runner.masking.secrets import Secret

VALUES = [f"value-{nth:03}-of-many".encode() for nth in range(60)]


def test_threads_that_learn_at_once_lose_nothing() -> None:
    masks = Masks()
    stream = masks.stream()

    with ThreadPoolExecutor(4) as threads:
        learning = [
            threads.submit(masks.learn, (Secret("S", value),)) for value in VALUES
        ]
        while not all(each.done() for each in learning):
            assert stream.feed(b"nothing secret\n") == b"nothing secret\n"

    assert sorted(secret.value for secret in masks.secrets) == sorted(VALUES)
    assert masks.data(b" ".join(VALUES)) == b" ".join([b"*****"] * len(VALUES))
