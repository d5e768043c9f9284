"""What happens when a task cannot go on: what is tried again, what is said, what is written down."""

from __future__ import annotations

import functools
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule, task

from tierwise.errors import Busy, Refusal, StillArriving

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

A_MINUTE = timedelta(minutes=1)
WAREHOUSE = "warehouse"
"""The pool of one slot in which everything runs that needs the machine's memory for itself."""

RETRY_POLICY = ExceptionRetryPolicy(
    rules=[
        RetryRule(exception=Busy, action=RetryAction.RETRY, retry_delay=A_MINUTE, reason="someone else is at work"),
        RetryRule(exception=StillArriving, action=RetryAction.RETRY, retry_delay=A_MINUTE, reason="still arriving"),
        RetryRule(exception=Refusal, action=RetryAction.FAIL, reason="a person must act; trying again changes nothing"),
        RetryRule(exception=OSError, action=RetryAction.RETRY, retry_delay=A_MINUTE, reason="the surroundings failed"),
    ],
)


def remember_failure(context: Any) -> None:
    """Write down in the control store why the run failed; the next release shows it in `ops_runs`."""
    from tierwise import control

    run_id = context["ti"].xcom_pull(task_ids="check_configuration")
    if run_id:
        control.fail_run(run_id, said(context["ti"].task_id, context.get("exception")))


def said(task_id: str, exception: BaseException | None) -> str:
    """The sentence of a refusal; of anything else only its kind, since its text may hold a customer's data."""
    if isinstance(exception, Refusal):
        return exception.sentence
    kind = type(exception).__name__ if exception else "an interruption"
    return f"{task_id} ended with {kind}; the log of that task says more."


CARE = {
    "retries": 2,
    "retry_delay": A_MINUTE,
    "retry_policy": RETRY_POLICY,
    "on_failure_callback": remember_failure,
}
"""The default arguments of every task."""


def step(**arguments: Any) -> Callable[[Callable[..., Any]], Any]:
    """A task whose refusals stand in its log as sentences, without the way through our code."""

    def decorate(function: Callable[..., Any]) -> Any:
        @functools.wraps(function)
        def answering(*args: Any, **kwargs: Any) -> Any:
            try:
                return function(*args, **kwargs)
            except Refusal as refusal:
                answer = refusal.with_traceback(None)
            log.error("%s", answer.sentence)
            if answer.hint:
                log.error("What to do: %s", answer.hint)
            raise answer

        return task(**arguments)(answering)

    return decorate
