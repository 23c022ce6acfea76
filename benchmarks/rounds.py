"""One workload on all contestants: the same answer first, then rounds that take turns (A B C, A B C, …).

All contestants are up all the time and one is loaded at a time; an idle one costs memory only. A round of each that
nobody counts comes first, so caches (documents, verified tokens) and connections are warm in whatever is reported.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import msgspec

from benchmarks.answers import ask, require_equal
from benchmarks.errors import BenchmarkError
from benchmarks.load import Job, Outcome
from benchmarks.meter import measure
from benchmarks.options import Options
from benchmarks.platform import Contestant
from benchmarks.samples import Round, Score
from benchmarks.workloads import WORKLOADS

WARM_UP_S = 1.0

Offer = Callable[[Job], Outcome]


def compare(
    workload: str, token: str, contestants: Sequence[Contestant], offer: Offer, options: Options
) -> Mapping[str, Score]:
    """The score of each contestant, by name. Raises BenchmarkError when one answers wrongly, or not as the others."""
    asked = WORKLOADS[workload]
    body = asked.body()
    headers = {
        "authorization": f"Bearer {token}",
        "content-type": "application/json",
        "accept": "application/graphql-response+json, application/json;q=0.9",
    }
    answers = {one.name: ask(one.name, one.edge_port, asked.path, body=body, headers=headers) for one in contestants}
    require_equal(workload, answers)
    jobs = {
        one.name: Job(
            port=one.edge_port,
            path=asked.path,
            headers=headers,
            body=body.decode(),
            expected=answers[one.name].decode(),
            concurrency=options.concurrency,
            seconds=options.seconds,
            max_requests=options.max_requests,
        )
        for one in contestants
    }
    for name, job in jobs.items():
        tell(f"{workload}: warming {name} up")
        _busy(name, offer, msgspec.structs.replace(job, seconds=WARM_UP_S))
    rounds: dict[str, list[Round]] = {one.name: [] for one in contestants}
    for number in range(1, options.rounds + 1):
        for one in contestants:
            found = measure(one.watched[asked.client], partial(_busy, one.name, offer, jobs[one.name]))
            rounds[one.name].append(found)
            tell(
                f"{workload} {number}/{options.rounds}: {one.name} "
                f"{found.requests_per_s:.0f} requests/s, {found.cpu_us:.0f} µs CPU each"
            )
    return {name: Score(name, len(answers[name]), found) for name, found in rounds.items()}


def tell(progress: str) -> None:
    """A line for who waits; standard output is kept for the result."""
    print(progress, file=sys.stderr, flush=True)


def _busy(name: str, offer: Offer, job: Job) -> Outcome:
    outcome = offer(job)
    if outcome.fault is not None:
        raise BenchmarkError(f"{name}, {job.path}: {outcome.fault}")
    return outcome
