"""Records, availability and camera problems, on their topics."""

import json
from collections.abc import Sequence

from edgeclf.sinks.home_assistant import Announcement
from edgeclf.sinks.mqtt_connection import Connection, Login, Message
from edgeclf.sinks.outlet import OutletDownError, RecordRefusedError
from edgeclf.sinks.record import Record
from edgeclf.stream import Event

__all__ = ["MqttOutlet", "Problems"]

_TIMEOUT_S = 5.0


class Problems:
    """What is wrong with the camera or the source now: noted and read by two threads."""

    def __init__(self) -> None:
        self._open: set[tuple[str, str]] = set()

    def note(self, event: Event) -> None:
        """Note what an event says."""
        if event.kind not in {"camera", "source"}:
            return
        if event.phase == "start":
            self._open.add((event.kind, event.name))
        else:
            self._open.discard((event.kind, event.name))

    def __bool__(self) -> bool:
        return bool(self._open)


class MqttOutlet:
    """Publishes each record on ``TOPIC/decision``, ``TOPIC/event`` or ``TOPIC/report``.

    Beside them, retained: ``TOPIC/availability`` is ``online`` or ``offline``, the
    latter by the broker when this process dies; ``TOPIC/problem`` is ``ON`` or ``OFF``.

    Args:
        login: Whom to connect to, and as whom.
        topic: Without a slash at its ends.
        problems: Noted by whoever sees the events.
        announced: Published on each connection, retained.
        timeout_s: For connecting, and for acknowledgements, in seconds.
    """

    batch = 10

    def __init__(
        self,
        login: Login,
        topic: str,
        *,
        problems: Problems,
        announced: Sequence[Announcement] = (),
        timeout_s: float = _TIMEOUT_S,
    ) -> None:
        self._login = login
        self._topic = topic
        self._problems = problems
        self._announced = announced
        self._timeout_s = timeout_s
        self._connection: Connection | None = None
        self._shown_problem: bool | None = None
        self._arrived: set[str] = set()
        self._refused: dict[str, str] = {}

    def ready(self) -> None:
        """Connect when there is no connection, and show the newest problem."""
        if self._connection is not None:
            self._connection.tend()
        if self._connection is None or self._connection.is_lost:
            self._connect()
        self._show_problem()

    def deliver(self, records: Sequence[Record]) -> int:
        """Publish those that were not acknowledged yet."""
        connection = self._connection
        if connection is None:
            raise OutletDownError("there is no connection")
        self._forget_all_but(records)
        sent: dict[str, Message] = {}
        for record in records:
            message = self._message(record)
            if not connection.takes(message):
                self._refused[record.id] = "it is too large"
            elif not self._is_answered(record):
                sent[record.id] = message
        answers = connection.publish(list(sent.values()))
        for record_id, answer in zip(sent, answers, strict=True):
            if answer is not None and answer.is_failure:
                self._refused[record_id] = str(answer)
            elif answer is not None:
                self._arrived.add(record_id)
        return self._delivered(records)

    def close(self) -> None:
        """Say that nobody is there any more, and disconnect."""
        if self._connection is None or self._connection.is_lost:
            return
        self._connection.publish([self._availability("offline")])
        self._connection.close()

    def _forget_all_but(self, records: Sequence[Record]) -> None:
        """Forget those that the buffer had no room for any more."""
        known = {record.id for record in records}
        self._arrived &= known
        self._refused = {
            each: reason for each, reason in self._refused.items() if each in known
        }

    def _message(self, record: Record) -> Message:
        return Message(topic=f"{self._topic}/{record.kind}", payload=record.to_json())

    def _is_answered(self, record: Record) -> bool:
        return record.id in self._arrived or record.id in self._refused

    def _delivered(self, records: Sequence[Record]) -> int:
        """Return how many from the first on have arrived, and forget them."""
        if records[0].id in self._refused:
            reason = self._refused.pop(records[0].id)
            raise RecordRefusedError(f"the broker refuses a record: {reason}")
        count = 0
        for record in records:
            if record.id not in self._arrived:
                break
            self._arrived.remove(record.id)
            count += 1
        if not count:
            raise OutletDownError("the connection was lost")
        return count

    def _connect(self) -> None:
        if self._connection is not None and not self._connection.is_lost:
            self._connection.drop()
        self._connection = Connection(
            self._login, will=self._availability("offline"), timeout_s=self._timeout_s
        )
        is_problem = bool(self._problems)
        messages = [
            Message(
                topic=each.topic,
                payload=json.dumps(each.payload, ensure_ascii=False).encode(),
                retain=True,
            )
            for each in self._announced
        ]
        # Before it is online: what is retained may be from a run that was killed.
        self._publish_all(
            [*messages, self._problem(is_problem), self._availability("online")]
        )
        self._shown_problem = is_problem

    def _show_problem(self) -> None:
        is_problem = bool(self._problems)
        if is_problem == self._shown_problem:
            return
        self._publish_all([self._problem(is_problem)])
        self._shown_problem = is_problem

    def _publish_all(self, messages: list[Message]) -> None:
        """Publish what must be there before the records.

        What the broker refuses, such as a topic of Home Assistant's that this user may
        not write, does not keep the records from being published.
        """
        if self._connection is None or None in self._connection.publish(messages):
            raise OutletDownError("the connection was lost")

    def _problem(self, is_problem: bool) -> Message:
        return Message(
            topic=f"{self._topic}/problem",
            payload=b"ON" if is_problem else b"OFF",
            retain=True,
            is_json=False,
        )

    def _availability(self, state: str) -> Message:
        return Message(
            topic=f"{self._topic}/availability",
            payload=state.encode(),
            retain=True,
            is_json=False,
        )
