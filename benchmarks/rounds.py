"""One workload on all contestants: the same response first, then rounds that take turns (A B C, A B C, …).

All contestants are up all the time and one is loaded at a time; an idle one costs memory only. A round of each that
is not counted comes first, so caches (documents, verified tokens) and connections are warm in whatever is reported.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import msgspec

from benchmarks.errors import BenchmarkError
from benchmarks.load import Job, Outcome
from benchmarks.meter import measure
from benchmarks.options import Options
from benchmarks.platform import Contestant
from benchmarks.responses import fetch, require_equal
from benchmarks.samples import Round, Score
from benchmarks.workloads import WORKLOADS

WARM_UP_S = 1.0

Offer = Callable[[Job], Outcome]


def compare(
    workload: str, token: str, contestants: Sequence[Contestant], offer: Offer, options: Options
) -> Mapping[str, Score]:
    """The score of each contestant, by name. Raises BenchmarkError when one responds otherwise."""
    operation = WORKLOADS[workload]
    body = operation.body()
    headers = {
        "authorization": f"Bearer {token}",
        "content-type": "application/json",
        "accept": "application/graphql-response+json, application/json;q=0.9",
    }
    responses = {
        contestant.name: fetch(contestant.name, contestant.edge_port, operation.path, body=body, headers=headers)
        for contestant in contestants
    }
    require_equal(workload, responses)
    jobs = {
        contestant.name: Job(
            port=contestant.edge_port,
            path=operation.path,
            headers=headers,
            body=body.decode(),
            expected=responses[contestant.name].decode(),
            concurrency=options.concurrency,
            seconds=options.seconds,
            max_requests=options.max_requests,
        )
        for contestant in contestants
    }
    for name, job in jobs.items():
        tell(f"{workload}: warming {name} up")
        _busy(name, offer, msgspec.structs.replace(job, seconds=WARM_UP_S))
    rounds: dict[str, list[Round]] = {contestant.name: [] for contestant in contestants}
    for number in range(1, options.rounds + 1):
        for contestant in contestants:
            load = partial(_busy, contestant.name, offer, jobs[contestant.name])
            measured = measure(contestant.processes[operation.client], load)
            rounds[contestant.name].append(measured)
            tell(
                f"{workload} {number}/{options.rounds}: {contestant.name} "
                f"{measured.requests_per_s:.0f} requests/s, {measured.cpu_us:.0f} µs CPU each"
            )
    return {name: Score(name, len(responses[name]), measured) for name, measured in rounds.items()}


def tell(progress: str) -> None:
    """A line of progress; standard output is kept for the result."""
    print(progress, file=sys.stderr, flush=True)


def _busy(name: str, offer: Offer, job: Job) -> Outcome:
    outcome = offer(job)
    if outcome.fault is not None:
        raise BenchmarkError(f"{name}, {job.path}: {outcome.fault}")
    return outcome
